"""A Terraform state as a Plan in which nothing changes: `.tfstate` files of version 3 and 4, and `terraform show -json` of a state."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import msgspec

from faultray_action.model.address import format_index
from faultray_action.model.errors import InputError
from faultray_action.model.text import whole_number
from faultray_action.terraform import envelope
from faultray_action.terraform.envelope import unwrap_text
from faultray_action.terraform.instances import decode_tree, index_of, is_data, read_standing, standing
from faultray_action.terraform.plan import Plan, Resource
from faultray_action.terraform.reader import decode_document, paused_collector
from faultray_action.terraform.regions import Providers, with_shown_regions
from faultray_action.terraform.schema import (
    StateDocument,
    StoredDocument,
    StoredInstance,
    StoredLegacyModule,
    StoredLegacyResource,
    StoredPrimary,
    StoredResource,
)

SHOW = "run `terraform show -json > state.json`, or `terraform state pull > state.tfstate`, and pass that file"
VERSIONS = (3, 4)


@contextmanager
def advising_states() -> Iterator[None]:
    """What goes wrong in the reader that plans share ends with how to make a state, not a plan."""
    try:
        yield
    except InputError as error:
        raise InputError(str(error).replace(envelope.SHOW, SHOW).replace("plan JSON", "state")) from error


_Found = tuple[Resource, tuple[str, ...]]


class _Probe(msgspec.Struct):
    version: Any = None
    format_version: str | None = None
    resource_changes: msgspec.Raw = msgspec.Raw(b"")
    planned_values: msgspec.Raw = msgspec.Raw(b"")
    values: msgspec.Raw = msgspec.Raw(b"")


def read_state(data: bytes, name: str) -> Plan:
    """A state as a Plan of no-op resources (`before is after`), with the recorded dependencies. `name` is what messages call it. Raises InputError."""
    with paused_collector():
        try:
            rows, version, terraform = _read(unwrap_text(data, name), name)
        except RecursionError as error:
            raise InputError(f"{name} is nested deeper than any state of Terraform: {SHOW}.") from error
        resources = with_shown_regions([row for row, _ in rows])
    return Plan(
        path=name,
        format_version=version,
        terraform_version=terraform,
        resources=tuple(sorted(resources, key=lambda resource: (resource.address, resource.deposed))),
        configuration=({},),
        state_dependencies=MappingProxyType({row.address: dependencies for row, dependencies in rows if dependencies and not row.deposed}),
        counts=MappingProxyType({"no-op": sum(1 for row, _ in rows if not row.data and not row.deposed)}),
    )


def _read(text: bytes, name: str) -> tuple[list[_Found], str, str]:
    probe, whole = decode_document(text, name, _Probe)
    if probe.resource_changes or probe.planned_values:
        raise InputError(f"{name} is a plan, not a state: use `faultray tf-check`, or {SHOW}.")
    if probe.version is None:
        return _read_shown(probe, whole, name)
    if probe.version not in VERSIONS:
        raise InputError(f"{name} is a state of a version that is not read (3 and 4 are): {SHOW}.")
    stored, _ = decode_document(whole, name, StoredDocument)
    rows = list(_stored_rows(stored, name)) + [row for module in stored.modules or () for row in _legacy_rows(module)]
    return rows, str(stored.version), stored.terraform_version or ""


def _read_shown(probe: _Probe, whole: bytes, name: str) -> tuple[list[_Found], str, str]:
    if probe.format_version is None:
        raise InputError(f"{name} is JSON but no Terraform state: {SHOW}.")
    if not probe.values:
        raise InputError(f"{name} is the JSON of an empty state: there is nothing in it to import.")
    shown, _ = decode_document(whole, name, StateDocument)
    module = shown.values.root_module if shown.values else None
    return read_standing(module, name), shown.format_version or "", shown.terraform_version or ""


def _stored_rows(document: StoredDocument, name: str) -> Iterator[_Found]:
    for resource in document.resources or ():
        for instance in resource.instances or ():
            tree = decode_tree(instance.attributes, name)
            if tree is None:
                tree = unflatten(instance.attributes_flat or {})
            yield _stored(resource, instance, tree), tuple(instance.dependencies or instance.depends_on or ())


@dataclass(slots=True)
class _Row:
    type: str
    name: str
    index: Any
    provider_name: str | None


def _stored(resource: StoredResource, instance: StoredInstance, tree: dict[str, Any]) -> Resource:
    row = _Row(resource.type, resource.name, index_of(instance.index_key), resource.provider)
    return _standing(resource.module or "", is_data(resource.mode, ""), row, tree, instance.deposed or "")


def _standing(module: str, data: bool, row: _Row, tree: dict[str, Any], deposed: str) -> Resource:
    steps = [module, "data" if data else "", row.type, row.name + format_index(row.index)]
    return standing(module, ".".join(step for step in steps if step), data, row, tree, Providers({}, {}), deposed)


_LEGACY_KEY = re.compile(r"(data\.)?([^.]+)\.(.+?)(?:\.(\d+))?")


def _legacy_rows(module: StoredLegacyModule) -> Iterator[_Found]:
    """Version 3: `modules` with a path that starts at "root", keys like "aws_vpc.main.0", attributes flattened to text."""
    prefix = ".".join(f"module.{step}" for step in module.path[1:])
    for key, row in sorted((module.resources or {}).items()):
        match = _LEGACY_KEY.fullmatch(key)
        if not match:
            continue
        dependencies = tuple(f"{prefix}.{text}" if prefix else text for text in row.depends_on or ())
        for ordinal, primary in enumerate([row.primary, *(row.deposed or ())]):
            if primary is not None:
                yield _legacy(prefix, match, row, primary, ordinal), dependencies


def _legacy(prefix: str, match: re.Match[str], row: StoredLegacyResource, primary: StoredPrimary, ordinal: int) -> Resource:
    tree = unflatten(primary.attributes or {})
    if primary.id:
        tree.setdefault("id", primary.id)
    named = _Row(row.type, match.group(3), whole_number(match.group(4) or ""), row.provider)
    return _standing(prefix, bool(match.group(1)), named, tree, f"deposed-{ordinal}" if ordinal else "")


def unflatten(flat: dict[str, Any]) -> dict[str, Any]:
    """Flattened attributes of old states as a tree; the counters `name.#` and `name.%` tell lists (and sets) from maps.

    >>> unflatten({"a.#": "1", "a.0.b": "x", "t.%": "1", "t.k": "v"})
    {'a': [{'b': 'x'}], 't': {'k': 'v'}}
    """
    tree: dict[str, Any] = {}
    lists = {key[:-2] for key in flat if key.endswith(".#")}
    for key in sorted(flat):
        if key.endswith((".#", ".%")):
            if key.count(".") == 1:
                tree.setdefault(key[:-2], {})
            continue
        node = tree
        *steps, last = key.split(".")
        for step in steps:
            below = node.setdefault(step, {})
            if not isinstance(below, dict):
                break
            node = below
        else:
            node[last] = flat[key]
    return {key: _shaped(value, key, lists) for key, value in tree.items()}


def _shaped(node: Any, path: str, lists: set[str]) -> Any:
    if not isinstance(node, dict):
        return node
    if path in lists:
        keys = sorted(node, key=lambda key: (whole_number(key) is None, whole_number(key) or 0, key))
        return [_shaped(node[key], f"{path}.{key}", lists) for key in keys]
    return {key: _shaped(value, f"{path}.{key}", lists) for key, value in node.items()}
