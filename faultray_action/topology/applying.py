"""The apply steps of a plan that could interrupt something: replacements and removals of what serves (MODEL.md 7)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from faultray_action.catalogue.entry import Entry
from faultray_action.catalogue.load import Catalogue
from faultray_action.model.address import without_index
from faultray_action.model.change import Action
from faultray_action.model.finding import ApplyStep
from faultray_action.model.reliability import ReliabilityTable
from faultray_action.model.topology import Topology
from faultray_action.terraform.plan import Plan, Resource


def find_steps(plan: Plan, catalogue: Catalogue, table: ReliabilityTable, before: Topology, after: Topology) -> tuple[ApplyStep, ...]:
    """Steps sorted by address. Destroyed data is in them whatever the order; created and updated resources make no step."""
    destroyed = {asset.address for asset in after.assets if asset.destroyed}
    kept = {asset.address for asset in before.assets} - destroyed
    created = [r for r in plan.resources if r.action is Action.CREATE and not r.data]
    found: list[ApplyStep] = []
    for resource in plan.resources:
        entry = None if resource.data or resource.deposed else catalogue.get(resource.type)
        if entry is None or not (resource.action.replaces or resource.action is Action.DELETE):
            continue
        if entry.disposition in ("component", "connector") or resource.address in destroyed:
            step = _step(resource, entry, table, created, loses=resource.address in destroyed)
            found.append(replace(step, keeps_data=resource.address in kept))
    return tuple(found)


def _step(resource: Resource, entry: Entry, table: ReliabilityTable, created: Iterable[Resource], *, loses: bool) -> ApplyStep:
    return ApplyStep(
        resource.address,
        overlap=resource.action is Action.CREATE_FIRST,
        rolling=entry.replace == "rolling",
        harmless=entry.replace == "harmless",
        loses_data=loses,
        ends=resource.action is Action.DELETE,
        successor=_successor(resource, created) if resource.action is Action.DELETE else "",
        seconds=recreate_seconds(entry, table),
    )


def _successor(resource: Resource, created: Iterable[Resource]) -> str:
    """A created resource of the same type, in the same module where there is one there."""
    same = [r.address for r in created if r.type == resource.type]
    near = [a for a in same if a.startswith(resource.module)]
    return min(near or same, key=lambda a: (without_index(a) != without_index(resource.address), a), default="")


def recreate_seconds(entry: Entry, table: ReliabilityTable) -> float | None:
    """How long creating one takes by the table (`recreate_<kind>`, in seconds), None where it knows no number."""
    row = table.quantities.get(f"recreate_{entry.kind}")
    return row.value.default if row is not None else None
