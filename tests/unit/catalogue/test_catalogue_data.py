"""Every file of the catalogue holds what the other floors rely on: it parses, its expressions compile, and its names lead somewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import get_args

import pytest
import yaml

from faultray_action.catalogue import sla
from faultray_action.catalogue.check import problems
from faultray_action.catalogue.entry import Document, EdgeRole, EdgeRule, Entry
from faultray_action.catalogue.expression import Scope, evaluate, names
from faultray_action.catalogue.load import DATA, Catalogue, load, read_document
from faultray_action.catalogue.reliability import load_reliability
from faultray_action.model.component import Kind
from faultray_action.model.topology import LossKind
from faultray_action.model.value import UNKNOWN

FILES = sorted(DATA.glob("*/*.yaml"))
_EXPRESSIONS = ("copies", "needed", "spread", "failover", "regions", "capacity", "retention", "zone", "region", "port", "servers_needed")


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load()


@pytest.fixture(scope="module")
def entries(catalogue: Catalogue) -> dict[str, Entry]:
    return {name: entry for name in catalogue.types() if (entry := catalogue.get(name)) is not None}


def _rules(entry: Entry) -> Iterator[EdgeRule]:
    for value in entry.edges.values():
        if isinstance(value, EdgeRule):
            yield value
        elif isinstance(value, tuple):
            yield from value


def _texts(entry: Entry) -> Iterable[str]:
    """Every expression of an entry."""
    found = [getattr(entry, name) for name in _EXPRESSIONS] + list(entry.sets.values())
    found += [text for source in entry.zones for text in (source.count, source.when)]
    found += [cover.when for cover in entry.covers] + [rule.when for rule in _rules(entry)]
    if entry.data is not None:
        found += [entry.data.durable, entry.data.declared, entry.data.final_snapshot, entry.data.restored]
        found += [cover.when for cover in entry.data.covers]
    if entry.entry is not None:
        found += [entry.entry.when, entry.entry.failover, entry.entry.primary]
    if entry.firewall is not None:
        found.append(entry.firewall.when)
    if entry.path_to is not None:
        found.append(entry.path_to.service)
    return [text for text in found if text]


def _all(entries: dict[str, Entry]) -> Iterator[tuple[str, str]]:
    return ((name, text) for name, entry in entries.items() for text in _texts(entry))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(DATA).as_posix())
def test_file_is_a_document_of_its_types(path: object, catalogue: Catalogue) -> None:
    document = read_document(path)  # type: ignore[arg-type]
    assert document.types
    assert set(document.types) <= set(catalogue.types()), "a type key that the loader does not find: block style, two spaces"
    assert document.provider in catalogue.providers


def test_no_type_is_described_twice() -> None:
    seen = Counter(name for path in FILES for name in yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["types"])
    assert [name for name, count in seen.items() if count > 1] == []


def test_expressions_compile_and_hold_on_nothing(entries: dict[str, Entry]) -> None:
    for name, text in _all(entries):
        names(text)
        assert evaluate(text, Scope({}, entries[name].defaults)), f"{name}: {text} has no value on an empty resource"


def test_expressions_bear_unknown_attributes(entries: dict[str, Entry]) -> None:
    for name, text in _all(entries):
        roots = {path.split(".")[0] for path in names(text)}
        assert evaluate(text, Scope(dict.fromkeys(roots, UNKNOWN), entries[name].defaults)), f"{name}: {text}"


def test_roles_are_roles(entries: dict[str, Entry]) -> None:
    roles = set(get_args(EdgeRole))
    for name, entry in entries.items():
        plain = {value for value in entry.edges.values() if isinstance(value, str)}
        assert plain | {rule.role for rule in _rules(entry)} <= roles, name


def test_rates_and_losses_have_a_row(entries: dict[str, Entry]) -> None:
    rows = set(load_reliability().rows)
    for name, entry in entries.items():
        stated = {entry.rates, *(variant.rates for variant in entry.variants)} - {""}
        assert stated <= rows, f"{name}: rates"
        if entry.data is not None:
            assert set(entry.data.losses.values()) <= rows, f"{name}: losses"


def test_losses_and_covers_name_loss_kinds(entries: dict[str, Entry]) -> None:
    kinds = {kind.value for kind in LossKind}
    for name, entry in entries.items():
        covers = (*entry.covers, *(entry.data.covers if entry.data else ()))
        named = {loss for cover in covers for loss in cover.losses} | set(entry.data.losses if entry.data else ())
        assert named <= kinds, name


def test_contract_numbers_have_a_row(entries: dict[str, Entry]) -> None:
    rows = set(sla.load_slas().rows)
    named = {id for entry in entries.values() for id in (entry.sla, *(variant.sla for variant in entry.variants)) if id}
    assert sorted(named - rows) == []


def test_components_are_of_a_known_kind(entries: dict[str, Entry]) -> None:
    kinds = {kind.value for kind in Kind}
    assert {name: e.kind for name, e in entries.items() if e.disposition in ("component", "external") and e.kind not in kinds} == {}


def test_what_is_dealt_has_copies_and_zones_to_deal_them_over(entries: dict[str, Entry]) -> None:
    for name, entry in entries.items():
        if entry.disposition == "component" and entry.scope == "spread":
            assert entry.copies or "host" in str(entry.edges) or entry.match, f"{name}: spread without copies"


def test_modifiers_and_protectors_have_a_way_to_their_target(entries: dict[str, Entry]) -> None:
    referred = any("modified-by" in str(entry.edges) for entry in entries.values())
    for name, entry in entries.items():
        roles = {v for v in entry.edges.values() if isinstance(v, str)} | {r.role for r in _rules(entry)} | {m.role for m in entry.match}
        if entry.sets and not (referred and set(entry.edges) == {"*"}):
            assert "modifies" in roles, f"{name}: sets without an edge that modifies"
        if entry.covers and not (referred and set(entry.edges) == {"*"}):
            assert "protects" in roles, f"{name}: covers without an edge that protects"


def test_every_fact_of_a_firewall_rule_leads_into_a_group(entries: dict[str, Entry]) -> None:
    for name, entry in entries.items():
        if entry.firewall is not None and entry.firewall.group:
            assert entry.edges.get(entry.firewall.group) == "allows-to", f"{name}: a rule that leads into no group"


def test_helper_providers_are_transparent(catalogue: Catalogue) -> None:
    for helper in ("null_resource", "random_id", "local_file", "tls_private_key", "time_sleep", "archive_file", "terraform_data"):
        entry = catalogue.get(helper)
        assert entry is not None and entry.disposition == "transparent", helper


def test_a_condition_on_a_block_is_asked_where_the_reference_stands(entries: dict[str, Entry]) -> None:
    assert not problems(Document("own", {name: entry for name, entry in entries.items() if any(rule.block for rule in _rules(entry))}))
    rule = EdgeRule(role="need", block="backend", when="backend.weight != 0")
    wrong = {"front.group": rule, "backend.group": EdgeRule(role="need", block="backend")}
    found = problems(Document("own", {"own_front": Entry(disposition="connector", edges=wrong)}))
    assert [text.partition(": ")[2].partition(":")[0] for text in found] == ["edges.front.group.block", "edges.backend.group.block"]
