"""Examine a topology that differs little from one that was examined: only the entries that can feel the difference are asked again."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from msgspec.structs import replace

from faultray_action.engine.examine import examine, examine_assets
from faultray_action.model.outcome import Examination, SharedDependency, SinglePoint
from faultray_action.model.topology import Dependency, Topology


def reexamine(topology: Topology, known: Topology, examination: Examination) -> Examination:
    """What `examine(topology, cuts=False)` says of entries, assets, single points and shared dependencies, without cuts and sweep.

    `examination` is that of `known`. The values of every entry are exact. A single point that stops entries of both kinds keeps the classes
    it had for the entries that cannot feel the difference, joined with those found anew.
    """
    asked = affected(topology, known)
    standing = {entry.address for entry in topology.entries} - asked
    kept = {o.address: o for o in examination.entries if o.address in standing}
    part = examine(around(topology, asked), cuts=False)
    fresh = {outcome.address: outcome for outcome in part.entries}
    return Examination(
        entries=tuple(fresh[e.address] if e.address in asked else kept[e.address] for e in topology.entries),
        assets=examine_assets(topology),
        single_points=_joined_points(examination.single_points, part.single_points, frozenset(kept)),
        shared=_joined_shared(examination.shared, part.shared, frozenset(kept)),
        cuts_complete=False,
        down=part.down,
    )


def affected(topology: Topology, known: Topology) -> frozenset[str]:
    """Entries that are new, changed, or reach a component or need that differs."""
    own, old = _by_source(topology), _by_source(known)
    changed = {a for a, c in topology.components.items() if (k := known.components.get(a)) is not c and k != c}
    changed |= {a for a in topology.components if not _same(own.get(a, ()), old.get(a, ()))}
    faults = {id for id, fault in topology.faults.items() if (f := known.faults.get(id)) is not fault and f != fault}
    if faults:
        changed |= {a for a, c in topology.components.items() if any(not faults.isdisjoint(copy.faults) for copy in c.copies)}
    reach = _callers(topology, changed)
    before = {entry.address: entry for entry in known.entries}
    return frozenset(e.address for e in topology.entries if before.get(e.address) != e or e.component in reach)


def _same(here: tuple[Dependency, ...], there: tuple[Dependency, ...]) -> bool:
    return len(here) == len(there) and all(a is b or a == b for a, b in zip(here, there, strict=True))


def _by_source(topology: Topology) -> Mapping[str, tuple[Dependency, ...]]:
    found: dict[str, list[Dependency]] = {}
    for dependency in topology.dependencies:
        found.setdefault(dependency.source, []).append(dependency)
    return {source: tuple(edges) for source, edges in found.items()}


def _callers(topology: Topology, start: set[str]) -> set[str]:
    """The vertices and everything that needs them in any role."""
    callers: dict[str, list[str]] = {}
    for dependency in topology.dependencies:
        callers.setdefault(dependency.target, []).append(dependency.source)
    seen, stack = set(start), list(start)
    while stack:
        for source in callers.get(stack.pop(), ()):
            if source not in seen:
                seen.add(source)
                stack.append(source)
    return seen


def around(topology: Topology, asked: frozenset[str]) -> Topology:
    """The part of a topology that these entries need, with every fault of it; no assets."""
    entries = tuple(entry for entry in topology.entries if entry.address in asked)
    edges = _by_source(topology)
    inside = {entry.component for entry in entries}
    stack = list(inside)
    while stack:
        for dependency in edges.get(stack.pop(), ()):
            if dependency.target in topology.components and dependency.target not in inside:
                inside.add(dependency.target)
                stack.append(dependency.target)
    owners = {topology.faults[f].address for a in inside for copy in topology.components[a].copies for f in copy.faults}
    held = inside | {owner for owner in owners if owner in topology.components}
    components = {a: c for a, c in topology.components.items() if a in held}
    used = {f for c in components.values() for copy in c.copies for f in copy.faults} | {g for c in components.values() for g in c.gaps}
    return replace(
        topology,
        components=MappingProxyType(components),
        dependencies=tuple(d for d in topology.dependencies if d.source in inside),
        faults=MappingProxyType({id: fault for id, fault in topology.faults.items() if id in used}),
        entries=entries,
        assets=(),
    )


def _joined_points(old: tuple[SinglePoint, ...], new: tuple[SinglePoint, ...], kept: frozenset[str]) -> tuple[SinglePoint, ...]:
    rows = {point.address: point for point in new}
    for point in old:
        still = tuple(entry for entry in point.takes_down if entry in kept)
        if still:
            fresh = rows.get(point.address)
            rows[point.address] = replace(point, takes_down=still) if fresh is None else _both(point, fresh, still)
    return tuple(rows[address] for address in sorted(rows))


def _both(old: SinglePoint, new: SinglePoint, still: tuple[str, ...]) -> SinglePoint:
    return replace(
        new,
        classes=tuple(sorted({*old.classes, *new.classes})),
        faults=tuple(sorted({*old.faults, *new.faults})),
        takes_down=tuple(sorted({*still, *new.takes_down})),
        zones=tuple(sorted({*old.zones, *new.zones})),
    )


def _joined_shared(
    old: tuple[SharedDependency, ...], new: tuple[SharedDependency, ...], kept: frozenset[str]
) -> tuple[SharedDependency, ...]:
    rows = {row.fault: row for row in new}
    for row in old:
        still = tuple(entry for entry in row.takes_down if entry in kept)
        if still:
            fresh = rows.get(row.fault)
            rows[row.fault] = replace(row, takes_down=tuple(sorted({*still, *(fresh.takes_down if fresh else ())})))
    return tuple(rows[fault] for fault in sorted(rows))
