"""What stands on one side only and is needed by what stands on both: it is scored on both sides, so that it moves no delta.

A service that starts to use one more redundant store is no regression of what it did before, however little a further part adds to its
unavailability; nor is it an improvement to stop using one. What is a single point, or down, counts on its own side: that is the change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from msgspec.structs import replace

from faultray_action.judgement.pairing import Side
from faultray_action.model.component import Component, Fault
from faultray_action.model.graph import Graph, Needs
from faultray_action.model.topology import Dependency, EntryPoint, Role, Topology


def grown(here: Side, there: Side) -> Topology:
    """The topology of `here` with the redundant parts that stand `there` only; the very same where there are none."""
    free = _free(here, there)
    joints = _joints(here.topology, there.topology, free) if free else ()
    if not joints:
        return here.topology
    added = _with_their_needs(joints, there.topology, free)
    inside = tuple(d for d in there.topology.dependencies if d.source in added and d.target in added)
    parts = {address: there.topology.components[address] for address in added}
    needs = (*here.topology.dependencies, *joints, *inside)
    return replace(
        here.topology,
        components=_sorted({**here.topology.components, **parts}),
        dependencies=tuple(sorted(needs, key=lambda d: (d.source, d.target, d.role, d.group))),
        faults=_sorted_faults({**_faults(parts.values(), there.topology), **here.topology.faults}),
    )


def _sorted(components: Mapping[str, Component]) -> Mapping[str, Component]:
    return MappingProxyType(dict(sorted(components.items())))


def _sorted_faults(faults: Mapping[str, Fault]) -> Mapping[str, Fault]:
    return MappingProxyType(dict(sorted(faults.items())))


def _free(here: Side, there: Side) -> frozenset[str]:
    """What stands there only and may be added: neither a single point, by itself or as one of its resource's instances, nor down."""
    if not here.topology.entries or not there.topology.entries:
        return frozenset()
    alone = there.topology.components.keys() - here.topology.components.keys()
    points = {point.address for point in there.examination.single_points}
    down = there.examination.down
    counted = {a for a in alone if a in points or a.rpartition("[")[0] in points or down.get(a, False)}
    return frozenset(alone - counted)


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


def _with_their_needs(joints: Iterable[Dependency], there: Topology, free: frozenset[str]) -> set[str]:
    """The parts that the joints lead to, and whatever else that is free they need."""
    needs = Needs(d for d in there.dependencies if d.target in free)
    return needs.hard.within(*(d.target for d in joints))


class _Callers:
    """Which entries of a side reach a component."""

    def __init__(self, side: Topology) -> None:
        self._callers = Graph((d.target, d.source) for d in side.dependencies)
        self._entries: dict[str, list[EntryPoint]] = {}
        for entry in side.entries:
            self._entries.setdefault(entry.component, []).append(entry)

    def of(self, address: str) -> frozenset[str]:
        reached = self._callers.within(address)
        return frozenset(entry.address for each in reached for entry in self._entries.get(each, ()))


def _faults(parts: Iterable[Component], topology: Topology) -> Mapping[str, Fault]:
    found: dict[str, Fault] = {}
    for part in parts:
        for copy in part.copies:
            found.update((id, topology.faults[id]) for id in copy.faults)
        found.update((id, topology.faults[id]) for id in part.gaps)
    return found
