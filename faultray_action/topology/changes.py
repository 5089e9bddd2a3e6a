"""Which structural attributes a plan changes: only what the catalogue allow-lists may ever be printed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from faultray_action.catalogue.entry import Cover, Entry
from faultray_action.catalogue.expression import descend, names
from faultray_action.catalogue.load import Catalogue
from faultray_action.model.change import Action, AttributeChange, Printable
from faultray_action.model.value import UNKNOWN
from faultray_action.terraform.attributes import changes as changed_paths
from faultray_action.terraform.attributes import values_at
from faultray_action.terraform.plan import Link, Plan, Resource
from faultray_action.topology.meanings import rules

_QUIET = (Action.NO_OP, Action.READ)


def printable(entry: Entry) -> frozenset[str]:
    """Attribute paths whose values may be shown: those that the entry's facts read, and its `show` list."""
    texts = [
        entry.copies,
        entry.needed,
        entry.spread,
        entry.failover,
        entry.regions,
        entry.capacity,
        entry.retention,
        entry.zone,
        entry.region,
        entry.port,
        entry.servers_needed,
        entry.egress_when,
        entry.leads_out,
        entry.leads_nowhere,
        entry.sends_all,
        entry.private,
        entry.own_names,
        entry.called_on,
        entry.probe_port,
        entry.open_ports,
        entry.is_off,
    ]
    if entry.filter is not None:
        texts += [entry.filter.acts, entry.filter.counts, entry.filter.refuses, entry.filter.passes]
    texts += [variant.when for variant in entry.variants] + list(entry.sets.values()) + _of_covers(entry.covers)
    texts += [text for source in entry.zones for text in (source.count, source.when)]
    if entry.data is not None:
        texts += [entry.data.durable, entry.data.declared, entry.data.final_snapshot, *_of_covers(entry.data.covers)]
    if entry.entry is not None:
        texts += [entry.entry.when, entry.entry.failover, entry.entry.primary]
    found = {path for text in texts if text for path in names(text)}
    conditions = {path for value in entry.edges.values() for rule in rules(value) if rule.when for path in names(rule.when)}
    found |= {path for path in conditions if not any(_related(path, other) for other in entry.edges)}
    found |= {path for source in entry.zones for path in source.names} | set(entry.show)
    return frozenset(path.removeprefix("target.") for path in found)


def _of_covers(covers: Iterable[Cover]) -> list[str]:
    return [cover.when for cover in covers] + [cover.attribute for cover in covers]


def find(plan: Plan, catalogue: Catalogue) -> tuple[AttributeChange, ...]:
    """Changes of resources that have a runtime meaning, sorted by address and attribute. Values that are not allow-listed are None."""
    found: list[AttributeChange] = []
    for resource in plan.resources:
        entry = None if resource.data or resource.deposed or resource.action in _QUIET else catalogue.get(resource.type)
        if entry is None or entry.disposition in ("irrelevant", "transparent"):
            continue
        found += _of_resource(resource, entry)
    return tuple(found)


def _of_resource(resource: Resource, entry: Entry) -> list[AttributeChange]:
    if resource.before is None or resource.after is None:
        return [AttributeChange(resource.address, "", None, None, resource.action)]
    shown = printable(entry)
    rows = [row for path in changed_paths(resource) for row in _rows(resource, path, entry, shown)]
    if resource.action.replaces:
        forced_by = tuple(sorted({path.partition(".")[0] for path in resource.replace_paths}))
        rows.append(AttributeChange(resource.address, "", None, None, resource.action, forced_by=forced_by))
    return rows


def _rows(resource: Resource, path: str, entry: Entry, shown: frozenset[str]) -> list[AttributeChange]:
    """One row for a changed path; a block that came or went is told by the attributes in it that may be shown, and as a whole where it refers
    to other resources, what it leads to being what it is there for, or where others of its kind stand on both sides: which of them came or went
    is no attribute of the first."""
    if not _is_structural(path, shown, entry):
        return []
    if any(other.startswith(path + ".") for other in entry.edges) or _are_several(
        descend(resource.before, path), descend(resource.after, path)
    ):
        return [_row(resource, path, visible=False)]
    within = sorted(other for other in shown if other.startswith(path + "."))
    rows = [_row(resource, other, visible=True) for other in within] if path not in shown else []
    told = [row for row in rows if row.unknown_after or row.before != row.after]
    return told[:1] or [_row(resource, path, visible=path in shown)]


def _are_several(before: Any, after: Any) -> bool:
    """Whether blocks of one kind stand on both sides, and not as many."""
    lists = [value for value in (before, after) if isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value)]
    return len(lists) == 2 and len(lists[0]) != len(lists[1])


def _row(resource: Resource, path: str, *, visible: bool) -> AttributeChange:
    before, after = _differing(resource, path)
    return AttributeChange(
        resource.address,
        path,
        _scalar(before) if visible else None,
        _scalar(after) if visible else None,
        resource.action,
        unknown_after=visible and after is UNKNOWN,
    )


def _differing(resource: Resource, path: str) -> tuple[Any, Any]:
    """The values at a path on both sides: of blocks that stand on both, those of the first in which they differ."""
    steps = path.split(".")
    before, after = values_at(resource.before, steps), values_at(resource.after, steps)
    if len(before) == len(after):
        return next(((old, new) for old, new in zip(before, after, strict=True) if old != new), (None, None))
    return descend(resource.before, path), descend(resource.after, path)


def _is_structural(path: str, shown: Iterable[str], entry: Entry) -> bool:
    # Which key encrypts a store is no structure of it; that the key goes is a change of the key.
    keys = [key for key, role in entry.edges.items() if role != "key"]
    return any(_related(path, other) for other in (*shown, *(key for key in keys if key != "*"))) or "*" in keys


def _related(path: str, other: str) -> bool:
    return path == other or path.startswith(other + ".") or other.startswith(path + ".")


def _scalar(value: Any) -> Printable:
    """Scalars as they are, lists of scalars joined; anything deeper is not printed."""
    if value is UNKNOWN or value is None:
        return None
    if isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, list) and all(isinstance(item, (str, int, float, bool)) for item in value):
        return ", ".join(map(str, value))
    return len(value) if isinstance(value, list) else None


def let_go(found: Iterable[AttributeChange], links: Iterable[Link]) -> Mapping[AttributeChange, tuple[AttributeChange, ...]]:
    """Values that the plan takes away -> the deleted resources that they led to, by the links of before: the one that is told names the other
    (a queue without its redrive policy, and the dead-letter queue that goes with it)."""
    changes = tuple(found)
    deleted = {change.address: change for change in changes if change.attribute == "" and change.takes_away}
    led: dict[tuple[str, str], dict[str, AttributeChange]] = {}
    for link in links if deleted else ():
        if link.target in deleted and link.path:
            led.setdefault((link.source, link.path), {})[link.target] = deleted[link.target]
    return {
        change: tuple(one for _, one in sorted(led[change.address, change.attribute].items()))
        for change in changes
        if change.attribute and change.takes_away and (change.address, change.attribute) in led
    }
