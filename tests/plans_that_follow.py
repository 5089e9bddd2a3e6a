"""The plan that follows another one and changes nothing: what a refresh would find after the apply, as Terraform would read it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

Json = dict[str, Any]


class Kept(Struct, frozen=True):
    """A list that a resource (the owner) keeps of what others wrote into it.

    `written` are the types that write one element each, `owner` pairs the attribute of such a resource with that of the owner that it names,
    `same` pairs attributes of a written resource with those of the element ("" is the element itself)."""

    owners: tuple[str, ...]
    attribute: str
    written: tuple[str, ...]
    owner: tuple[str, str]
    same: tuple[tuple[str, str], ...]

    def holds(self, owner: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
        """Whether a resource writes into the list of this owner."""
        return row.get(self.owner[0]) is not None and row.get(self.owner[0]) in (owner.get(self.owner[1]), owner.get("id"))

    def is_of(self, element: Any, row: Mapping[str, Any]) -> bool:
        """Whether an element of the list is what a resource wrote."""
        pairs = [(element if not path else element.get(path), row.get(name)) for name, path in self.same if row.get(name)]
        return bool(pairs) and all(mine == theirs for mine, theirs in pairs)


_GROUPS = ("aws_security_group", "aws_default_security_group")
_PORTS = (("from_port", "from_port"), ("to_port", "to_port"))
KEPT = (
    Kept(
        ("aws_route_table", "aws_default_route_table"),
        "route",
        ("aws_route",),
        ("route_table_id", "id"),
        (("destination_cidr_block", "cidr_block"), ("destination_ipv6_cidr_block", "ipv6_cidr_block")),
    ),
    Kept(_GROUPS, "ingress", ("aws_security_group_rule", "aws_vpc_security_group_ingress_rule"), ("security_group_id", "id"), _PORTS),
    Kept(_GROUPS, "egress", ("aws_security_group_rule", "aws_vpc_security_group_egress_rule"), ("security_group_id", "id"), _PORTS),
    Kept(
        ("azurerm_network_security_group",),
        "security_rule",
        ("azurerm_network_security_rule",),
        ("network_security_group_name", "name"),
        (("name", "name"),),
    ),
    Kept(("azurerm_route_table",), "route", ("azurerm_route",), ("route_table_name", "name"), (("name", "name"),)),
    Kept(
        ("aws_autoscaling_group",),
        "target_group_arns",
        ("aws_autoscaling_attachment",),
        ("autoscaling_group_name", "name"),
        (("lb_target_group_arn", ""), ("alb_target_group_arn", "")),
    ),
    Kept(("aws_autoscaling_group",), "load_balancers", ("aws_autoscaling_attachment",), ("autoscaling_group_name", "name"), (("elb", ""),)),
    Kept(("aws_route53_zone",), "vpc", ("aws_route53_zone_association",), ("zone_id", "zone_id"), (("vpc_id", "vpc_id"),)),
)  # fmt: skip
"""The lists of the stored plans."""


def is_known(plan: Json) -> bool:
    """Whether the plan leaves nothing unknown: only then is it told what a refresh would find."""
    return not any("true" in json.dumps(row["change"].get("after_unknown") or {}) for row in plan["resource_changes"])


def following(plan: Json) -> Json:
    """The next plan over the state that a plan leaves."""
    plan = copy.deepcopy(plan)
    gone = [row for row in plan["resource_changes"] if row["change"]["actions"] in (["delete"], ["forget"])]
    rows = [row for row in plan["resource_changes"] if row not in gone]
    unwritten = [row for row in rows if _is_unwritten(row, rows)]
    for row in rows:
        _take_out(row, gone)
    plan["resource_changes"] = [_as_it_is(row) for row in rows if row not in unwritten]
    plan.pop("resource_drift", None)
    left = _without(plan.get("planned_values", {}).get("root_module", {}), {row["address"] for row in (*gone, *unwritten)})
    plan["planned_values"] = {"root_module": left}
    plan["prior_state"] = {"format_version": "1.0", "values": {"root_module": left}}
    return plan


def _without(module: Json, addresses: set[str]) -> Json:
    """A module's values without some resources."""
    rows = [row for row in module.get("resources", []) if row["address"] not in addresses]
    children = [_without(child, addresses) for child in module.get("child_modules", [])]
    return {**module, "resources": rows, "child_modules": children}


def _as_it_is(row: Json) -> Json:
    """A row that changes nothing."""
    if row.get("mode") != "data":
        change = row["change"]
        change |= {"actions": ["no-op"], "before": copy.deepcopy(change["after"])}
        change.pop("replace_paths", None)
        row.pop("previous_address", None)
        row.pop("action_reason", None)
    return row


def _take_out(row: Json, gone: list[Json]) -> None:
    """A list of what others wrote loses what was deleted beside it."""
    after = row["change"]["after"] or {}
    for kept in _lists(row["type"]):
        listed = after.get(kept.attribute)
        lost = [other for other in gone if _writes(kept, other, "before", after)]
        if isinstance(listed, list) and lost:
            after[kept.attribute] = [e for e in listed if not any(kept.is_of(e, other["change"]["before"]) for other in lost)]


def _is_unwritten(row: Json, rows: list[Json]) -> bool:
    """Whether an update of the list's owner takes out what this row wrote: a refresh does not find it any more."""
    return any(_took_out(kept, owner, row) for owner in rows for kept in _lists(owner["type"]))


def _took_out(kept: Kept, owner: Json, row: Json) -> bool:
    was, is_now = owner["change"]["before"] or {}, owner["change"]["after"] or {}
    if row["change"]["actions"] != ["no-op"] or not _writes(kept, row, "after", is_now):
        return False

    def lists(values: Json) -> bool:
        return any(kept.is_of(element, row["change"]["after"]) for element in values.get(kept.attribute) or [])

    return lists(was) and not lists(is_now)


def _lists(kind: str) -> Iterator[Kept]:
    return (kept for kept in KEPT if kind in kept.owners)


def _writes(kept: Kept, row: Json, side: str, owner: Mapping[str, Any]) -> bool:
    values = row["change"][side]
    return row["type"] in kept.written and values is not None and kept.holds(owner, values)
