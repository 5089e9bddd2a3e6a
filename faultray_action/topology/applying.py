"""The apply steps of a plan that could interrupt something: replacements and removals of what serves (docs/model.md)."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from faultray_action.catalogue.entry import Entry
from faultray_action.catalogue.expression import Scope, evaluate, truth
from faultray_action.catalogue.load import Catalogue
from faultray_action.model.address import without_index
from faultray_action.model.change import Action
from faultray_action.model.finding import ApplyStep
from faultray_action.model.reliability import ReliabilityTable
from faultray_action.model.topology import Role, Topology
from faultray_action.terraform.plan import Plan, Resource


def find_steps(plan: Plan, catalogue: Catalogue, table: ReliabilityTable, before: Topology, after: Topology) -> tuple[ApplyStep, ...]:
    """Steps sorted by address. Destroyed data is in them whatever the order; created and updated resources make no step."""
    destroyed = {asset.address for asset in after.assets if asset.destroyed}
    kept = {asset.address for asset in before.assets if asset.holds_data} - destroyed
    created = [r for r in plan.resources if r.action is Action.CREATE and not r.data]
    needed_by, need_now = _callers(before), _callers(after)
    found: list[ApplyStep] = []
    for resource in plan.resources:
        entry = None if resource.data or resource.deposed else catalogue.get(resource.type)
        if entry is None or not (resource.action.replaces or resource.action is Action.DELETE):
            continue
        if entry.disposition in ("component", "connector") or resource.address in destroyed:
            callers = needed_by.get(resource.address, set())
            heirs = [r for r in created if r.type == resource.type and not callers.isdisjoint(need_now.get(r.address, ()))]
            step = _step(resource, entry, table, heirs or created, loses=resource.address in destroyed)
            keeps = resource.address in kept
            empty = keeps and step.ends and bool(heirs) and not any(_is_restored(heir, entry) for heir in heirs)
            found.append(replace(step, keeps_data=keeps, heir_is_empty=empty))
    return _together(found)


def _callers(topology: Topology) -> dict[str, set[str]]:
    """What needs each component."""
    found: dict[str, set[str]] = {}
    for dependency in topology.dependencies:
        if dependency.role is Role.NEED:
            found.setdefault(dependency.target, set()).add(dependency.source)
    return found


def _is_restored(heir: Resource, entry: Entry) -> bool:
    """Whether a store may be made from the data of another one."""
    values = evaluate(entry.data.restored, Scope(heir.after or {}, entry.defaults)) if entry.data is not None else ()
    return any(True in truth(value) for value in values)


def _together(steps: list[ApplyStep]) -> tuple[ApplyStep, ...]:
    """Instances of one resource block go at the same time: Terraform waits for none of them."""
    blocks: dict[str, list[str]] = {}
    for step in steps:
        if not (step.overlap or step.rolling or step.harmless) and (step.renamed or not step.ends):
            blocks.setdefault(without_index(step.address), []).append(step.address)
    return tuple(replace(step, together=tuple(blocks.get(without_index(step.address), (step.address,)))) for step in steps)


def _step(resource: Resource, entry: Entry, table: ReliabilityTable, created: Iterable[Resource], *, loses: bool) -> ApplyStep:
    successor = _successor(resource, created) if resource.action is Action.DELETE else None
    return ApplyStep(
        resource.address,
        overlap=resource.action is Action.CREATE_FIRST,
        rolling=entry.replace == "rolling",
        harmless=entry.replace == "harmless",
        loses_data=loses,
        ends=resource.action is Action.DELETE,
        successor=successor.address if successor else "",
        renamed=successor is not None and _has_the_name(resource, successor),
        seconds=recreate_seconds(entry, table),
    )


def _successor(resource: Resource, created: Iterable[Resource]) -> Resource | None:
    """A created resource of the same type: the one of its very name, else one of the same module where there is one there."""
    same = [r for r in created if r.type == resource.type]
    near = [r for r in same if _has_the_name(resource, r)] or [r for r in same if r.address.startswith(resource.module)]
    return min(near or same, key=lambda r: (without_index(r.address) != without_index(resource.address), r.address), default=None)


NAMES = (
    "name",
    "identifier",
    "cluster_identifier",
    "replication_group_id",
    "cluster_id",
    "broker_name",
    "domain_name",
    "function_name",
    "bucket",
)
"""Attributes whose value a provider lets stand once only."""


def _has_the_name(resource: Resource, successor: Resource) -> bool:
    before, after = resource.before or {}, successor.after or {}
    shared = [name for name in NAMES if isinstance(before.get(name), str) and before[name] and before[name] == after.get(name)]
    own = [name for name in NAMES if isinstance(before.get(name), str) and before[name]]
    return bool(shared) and (own[0] in shared)


def recreate_seconds(entry: Entry, table: ReliabilityTable) -> float | None:
    """How long creating one takes by the table (`recreate_<kind>`, in seconds), None where it knows no number."""
    row = table.quantities.get(f"recreate_{entry.kind}")
    return row.value.default if row is not None else None
