"""Checks of a catalogue file beyond its schema: expressions that compile, rows and types that exist."""

from __future__ import annotations

from collections.abc import Iterable
from inspect import cleandoc
from typing import Any

import msgspec

from faultray_action.catalogue.entry import Document, EdgeRule, Entry
from faultray_action.catalogue.expression import ExpressionError, Scope, evaluate
from faultray_action.catalogue.load import load
from faultray_action.catalogue.reliability import load_reliability


def catalogue_schema() -> dict[str, Any]:
    """JSON Schema of a catalogue file."""
    found = msgspec.json.schema(Document)
    for part in found["$defs"].values():  # docstrings, whose indentation Python keeps before 3.13 and drops since
        if "description" in part:
            part["description"] = cleandoc(part["description"])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}


def problems(document: Document) -> tuple[str, ...]:
    """One sentence a problem, in the order of the file; empty where all is well."""
    rows = load_reliability().rows
    known = {*load().types(), *document.types}
    found: list[str] = []
    for name, entry in document.types.items():
        found += [f"{name}: {text}" for text in _expressions(entry)]
        for row in (entry.rates, *(variant.rates for variant in entry.variants)):
            if row and row not in rows:
                found.append(f"{name}: rates: there is no row `{row}` (known: {', '.join(sorted(rows))})")
        for kind, row in (entry.data.losses if entry.data else {}).items():
            if row not in rows:
                found.append(f"{name}: data.losses.{kind}: there is no row `{row}`")
        if entry.same_as and entry.same_as not in known:
            found.append(f"{name}: same_as names {entry.same_as}, which has no entry")
        found += [f"{name}: {text}" for text in _blocks(entry)]
        found += [f"{name}: read_as names {o.type}, which has no entry" for o in entry.read_as if o.type not in known]
    return tuple(found)


def _blocks(entry: Entry) -> Iterable[str]:
    for path, rule in _conditional(entry):
        if rule.block and not (rule.when and path.startswith(f"{rule.block}.")):
            yield f"edges.{path}.block: there is no `when` to ask of `{rule.block}`, or the reference does not stand in it"


def _expressions(entry: Entry) -> Iterable[str]:
    for where, text in texts_of(entry):
        try:
            evaluate(text, Scope({}))
        except ExpressionError as error:
            yield f"{where}: {error}"


FILTER_TEXTS = ("acts", "counts", "refuses", "passes", "always", "by_address")
"""The expressions among the facts of a filter."""


def texts_of(entry: Entry) -> Iterable[tuple[str, str]]:
    """(where it stands, expression) of every expression of an entry."""
    for name in (
        "copies",
        "needed",
        "spread",
        "failover",
        "regions",
        "zone",
        "region",
        "port",
        "capacity",
        "retention",
        "servers_needed",
        "egress_when",
        "leads_out",
        "leads_nowhere",
        "sends_all",
        "private",
        "own_names",
        "called_on",
        "probe_port",
        "open_ports",
        "is_off",
        "refuses_all",
        "lets_in",
    ):
        if text := getattr(entry, name):
            yield name, text
    for name, text in entry.sets.items():
        yield f"sets.{name}", text
    for source in entry.zones:
        yield from ((f"zones.{name}", text) for name, text in (("count", source.count), ("when", source.when)) if text)
    yield from (("variants.when", variant.when) for variant in entry.variants)
    for cover in (*entry.covers, *(entry.data.covers if entry.data else ())):
        yield "covers.when", cover.when
    if entry.data is not None:
        yield from ((f"data.{n}", getattr(entry.data, n)) for n in ("durable", "declared", "final_snapshot", "restored"))
    if entry.entry is not None:
        yield from ((f"entry.{n}", getattr(entry.entry, n)) for n in ("when", "failover", "primary"))
    yield from (("read_as.when", other.when) for other in entry.read_as)
    yield from (("match.when", match.when) for match in entry.match if match.when)
    if entry.containers is not None:
        yield "containers.own_address", entry.containers.own_address
    if entry.forwards is not None:
        yield "forwards.when", entry.forwards.when
    if entry.calls_out is not None:
        yield "calls_out.when", entry.calls_out.when
    if entry.firewall is not None:
        yield "firewall.when", entry.firewall.when
    if entry.filter is not None:
        for name in FILTER_TEXTS:
            yield f"filter.{name}", getattr(entry.filter, name)
    if entry.hosting is not None:
        yield "hosting.reserved", entry.hosting.reserved
    yield from ((f"edges.{path}.when", rule.when) for path, rule in _conditional(entry) if rule.when)


def _conditional(entry: Entry) -> Iterable[tuple[str, EdgeRule]]:
    """What edges say beyond their role, with their paths."""
    for path, rules in entry.edges.items():
        for rule in rules if isinstance(rules, tuple) else (rules,):
            if isinstance(rule, EdgeRule):
                yield path, rule
