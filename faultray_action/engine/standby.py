"""What stands in for others (a region, a target group, a record of a name) and which single failures take it away from them."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from faultray_action.engine.compiled import compile_topology
from faultray_action.engine.reexamine import affected, around
from faultray_action.engine.single_points import find_single_points
from faultray_action.model.topology import EntryPoint, Role, Topology

Alone = Mapping[str, frozenset[str]]
"""Component -> the alternatives that a single failure of it takes down."""


def fragile_alternatives(before: Topology, after: Topology) -> tuple[Alone, Alone]:
    """Of alternatives that entries of both sides reach, and that the difference of the sides can touch: what each of them hangs on alone.

    A single point of an alternative is none of the entry: the others of its group serve on. It is what the next failure meets.
    """
    shared = sorted(_alternatives(before) & _alternatives(after))
    asked = tuple(EntryPoint(address, address, "") for address in shared)
    was, is_now = replace(before, entries=asked), replace(after, entries=asked)
    touched = affected(is_now, was)
    return (_alone(was, touched), _alone(is_now, touched)) if touched else ({}, {})


def _alternatives(topology: Topology) -> set[str]:
    """Members of groups of which one is enough, where there is more than one."""
    groups: dict[tuple[str, str], set[str]] = {}
    for d in topology.dependencies:
        if d.group and d.role is Role.NEED and not d.broken and d.group_needed == 1:
            groups.setdefault((d.source, d.group), set()).add(d.target)
    several = [members for members in groups.values() if len(members) > 1]
    if not several:
        return set()
    compiled = compile_topology(topology)
    reached = {compiled.addresses[vertex] for vertex in compiled.closure(compiled.entry_vertices)}
    return set().union(*several) & reached


def _alone(topology: Topology, asked: frozenset[str]) -> Alone:
    points = find_single_points(compile_topology(around(topology, asked))).points
    return {point.address: frozenset(point.takes_down) for point in points}
