"""Small plans as Python dicts, in the shape that `terraform show -json` prints."""

from __future__ import annotations

import json
from typing import Any

from faultray_action.terraform.links import Linker
from faultray_action.terraform.plan import Link, LinkKind, Plan, Side
from faultray_action.terraform.reader import decode

AWS = "registry.terraform.io/hashicorp/aws"
Row = dict[str, Any]


def change(
    address: str, before: Row | None, after: Row | None, *, actions: list[str] | None = None, unknown: Row | None = None, **extra: Any
) -> Row:
    """A resource change; type, name, module and index are taken from a simple address."""
    module, _, own = address.rpartition("|")
    data = own.startswith("data.")
    head = own.removeprefix("data.")
    index: Any = None
    if head.endswith("]"):
        head, _, key = head[:-1].partition("[")
        index = json.loads(key)
    kind, name = head.split(".")
    if actions is None:
        actions = (
            ["create"] if before is None else ["delete"] if after is None else ["no-op"] if before == after and not unknown else ["update"]
        )
    row: Row = {
        "address": f"{module}.{own}" if module else own,
        "mode": "data" if data else "managed",
        "type": kind,
        "name": name,
        "provider_name": AWS,
        "change": {"actions": actions, "before": before, "after": after, "after_unknown": unknown or {}},
    }
    if module:
        row["module_address"] = module
    if index is not None:
        row["index"] = index
    row.update(extra)
    return row


def same(address: str, values: Row, **extra: Any) -> Row:
    """A resource that does not change."""
    return change(address, values, values, **extra)


def refs(*references: str) -> Row:
    return {"references": list(references)}


def resource(address: str, expressions: Row | None = None, **extra: Any) -> Row:
    """A resource of the configuration."""
    data = address.startswith("data.")
    kind, name = address.removeprefix("data.").split(".")
    return {
        "address": address,
        "mode": "data" if data else "managed",
        "type": kind,
        "name": name,
        "provider_config_key": "aws",
        "expressions": expressions or {},
        "schema_version": 0,
        **extra,
    }


def document(changes: list[Row], resources: list[Row] | None = None, calls: Row | None = None, **extra: Any) -> Row:
    root: Row = {"resources": resources or []}
    if calls:
        root["module_calls"] = calls
    return {
        "format_version": "1.2",
        "terraform_version": "1.11.4",
        "resource_changes": changes,
        "configuration": {"provider_config": {"aws": {"name": "aws", "full_name": AWS}}, "root_module": root},
        **extra,
    }


def as_bytes(tree: Row) -> bytes:
    return json.dumps(tree).encode()


def plan_of(tree: Row) -> Plan:
    return decode(as_bytes(tree), "plan.json")


def links_of(tree: Row, side: Side = Side.AFTER, **options: Any) -> tuple[Link, ...]:
    return Linker(plan_of(tree), **options).links(side).links


def edges(tree: Row, side: Side = Side.AFTER, **options: Any) -> set[tuple[str, str, str]]:
    """(source, path, target) of every link."""
    return {(link.source, link.path, link.target) for link in links_of(tree, side, **options)}


def kinds(tree: Row, side: Side = Side.AFTER) -> dict[tuple[str, str, str], LinkKind]:
    return {(link.source, link.path, link.target): link.kind for link in links_of(tree, side)}
