"""What stands on one side only and is needed by what stands on both: it is scored on both sides, so that it moves no delta.

A service that starts to use one more redundant store is no regression of what it did before, however little a further part adds to its
unavailability; nor is it an improvement to stop using one. What is a single point, or down, counts on its own side: that is the change.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

from msgspec.structs import replace

from faultray_action.judgement.pairing import Side
from faultray_action.model.component import Component
from faultray_action.model.topology import Dependency, Role, Topology


def grown(here: Side, there: Side) -> Topology:
    """The topology of `here` with the redundant parts that stand `there` only; the very same where there are none."""
    alone = there.topology.components.keys() - here.topology.components.keys()
    free = frozenset(alone - _counted(alone, there)) if alone and here.topology.entries and there.topology.entries else frozenset()
    joints = _joints(here.topology, there.topology, free) if free else ()
    if not joints:
        return here.topology
    added = _with_their_needs({d.target for d in joints}, there.topology, free)
    needs = (*joints, *(d for d in there.topology.dependencies if d.source in added and d.target in added))
    parts = {address: there.topology.components[address] for address in added}
    faults = {id: there.topology.faults[id] for part in parts.values() for id in _faults(part)}
    return replace(
        here.topology,
        components=MappingProxyType(dict(sorted({**here.topology.components, **parts}.items()))),
        dependencies=tuple(sorted((*here.topology.dependencies, *needs), key=lambda d: (d.source, d.target, d.role, d.group))),
        faults=MappingProxyType(dict(sorted({**faults, **here.topology.faults}.items()))),
    )


def _counted(alone: Iterable[str], there: Side) -> set[str]:
    """Those that are single points, by themselves or all instances of their resource together, or down."""
    points = {point.address for point in there.examination.single_points}
    down = there.examination.down
    return {a for a in alone if a in points or a.rpartition("[")[0] in points or down.get(a, False)}


def _joints(here: Topology, there: Topology, free: frozenset[str]) -> tuple[Dependency, ...]:
    """Needs by which something of both sides depends on what stands there only, one by one and not as one of several.

    Who needs it must stand behind the same entries there: the queue that a worker read is nothing to those who call the worker now."""
    found = [d for d in there.dependencies if d.target in free and d.source in here.components and _in_series(d)]
    if not found:
        return ()
    callers_here, callers_there = _Callers(here), _Callers(there)
    return tuple(d for d in found if callers_here.of(d.source) <= callers_there.of(d.source))


def _in_series(d: Dependency) -> bool:
    return d.role is Role.NEED and not d.group and not d.broken


def _with_their_needs(start: set[str], there: Topology, free: frozenset[str]) -> frozenset[str]:
    """The parts and whatever else that is free they need."""
    needs: dict[str, list[str]] = {}
    for d in there.dependencies:
        if d.role is Role.NEED and d.target in free:
            needs.setdefault(d.source, []).append(d.target)
    found, stack = set(start), list(start)
    while stack:
        fresh = [target for target in needs.get(stack.pop(), ()) if target not in found]
        found.update(fresh)
        stack += fresh
    return frozenset(found)


class _Callers:
    """Which entries of a side reach a component."""

    def __init__(self, side: Topology) -> None:
        self._callers: dict[str, list[str]] = {}
        for d in side.dependencies:
            self._callers.setdefault(d.target, []).append(d.source)
        self._entries: dict[str, list[str]] = {}
        for entry in side.entries:
            self._entries.setdefault(entry.component, []).append(entry.address)

    def of(self, address: str) -> frozenset[str]:
        seen, stack = {address}, [address]
        while stack:
            fresh = [caller for caller in self._callers.get(stack.pop(), ()) if caller not in seen]
            seen.update(fresh)
            stack += fresh
        return frozenset(entry for reached in seen for entry in self._entries.get(reached, ()))


def _faults(part: Component) -> Iterable[str]:
    yield from (id for copy in part.copies for id in copy.faults)
    yield from part.gaps
