"""What stands on one side only and is needed by what stands on both: it is scored on both sides, so that it moves no delta.

A service that starts to use one more redundant store is no regression of what it did before, however little a further part adds to its
unavailability; nor is it an improvement to stop using one. What is a single point, or down, counts on its own side: that is the change.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from types import MappingProxyType

from faultray_action.judgement.pairing import Side
from faultray_action.model.component import Component
from faultray_action.model.topology import Dependency, Role, Topology


def grown(here: Side, there: Side) -> Topology:
    """The topology of `here` with the redundant parts that stand `there` only; the very same where there are none."""
    added = _parts(here.topology, there)
    if not added:
        return here.topology
    standing = here.topology.components.keys() | added
    needs = (d for d in there.topology.dependencies if d.target in added and d.source in standing)
    parts = {address: there.topology.components[address] for address in added}
    faults = {id: there.topology.faults[id] for part in parts.values() for id in _faults(part)}
    return replace(
        here.topology,
        components=MappingProxyType(dict(sorted({**here.topology.components, **parts}.items()))),
        dependencies=tuple(sorted((*here.topology.dependencies, *needs), key=lambda d: (d.source, d.target, d.role, d.group))),
        faults=MappingProxyType(dict(sorted({**faults, **here.topology.faults}.items()))),
    )


def _parts(here: Topology, there: Side) -> frozenset[str]:
    """Components of `there` only that something of both sides needs, one by one and not as one of several; with what they need themselves."""
    alone = there.topology.components.keys() - here.components.keys()
    counted = {point.address for point in there.examination.single_points} | {a for a, down in there.examination.down.items() if down}
    free = {address for address in alone if not _is_in(address, counted)}
    if not free or not here.entries or not there.topology.entries:
        return frozenset()
    needs: dict[str, list[str]] = {}
    stack: list[str] = []
    for d in there.topology.dependencies:
        if d.target in free and d.role is Role.NEED and not d.broken:
            needs.setdefault(d.source, []).append(d.target)
            stack += [d.target] if d.source in here.components and _in_series(d) else []
    found: set[str] = set()
    while stack:
        address = stack.pop()
        if address not in found:
            found.add(address)
            stack += needs.get(address, ())
    return frozenset(found)


def _in_series(d: Dependency) -> bool:
    return not d.group


def _is_in(address: str, points: Iterable[str]) -> bool:
    """Whether the component, or all instances of its resource together, is one of these."""
    return address in points or address.rpartition("[")[0] in points


def _faults(part: Component) -> Iterable[str]:
    yield from (id for copy in part.copies for id in copy.faults)
    yield from part.gaps
