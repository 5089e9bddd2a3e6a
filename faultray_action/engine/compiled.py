"""The only translator between the two vocabularies: components and dependencies become vertices, events and one boolean structure function.

A vertex is down iff it is locally down, or a need of it is down, or more members of one of its alternative groups are down than it can
spare. Optional, start-up, async and replica edges carry nothing here: async buffers (what happens once the buffer is spent depends on time
and belongs to scenarios), and neither does a need behind a breaker with a fallback. A broken need, or one whose target does not exist, is
down with no event at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import igraph

from faultray_action.engine.zones import ZoneGroup, zone_groups
from faultray_action.model.component import Component, FaultClass
from faultray_action.model.errors import InputError
from faultray_action.model.topology import Dependency, Role, Topology


@dataclass(frozen=True, slots=True)
class Threshold:
    """True iff more than `spare` of `members` are: vertices (an alternative group) or copies (each the OR of its events)."""

    spare: int
    members: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Local:
    """Own health of a vertex: down iff `dead`, an event of `direct` happened, or more than `spare` of `copies` have lost an event each.

    `counts`: how many copies each of `copies` is, () where each is one."""

    dead: bool = False
    direct: tuple[int, ...] = ()
    copies: tuple[tuple[int, ...], ...] = ()
    spare: int = 0
    gaps: tuple[int, ...] = ()
    counts: tuple[int, ...] = ()


Row = tuple[
    bool, tuple[int, ...], tuple[tuple[int, ...], ...], tuple[int, ...], int, tuple[int, ...], tuple[int, ...], tuple[Threshold, ...]
]


@dataclass(frozen=True)
class Compiled:
    """A topology as vertices 0..n-1 and events 0..e-1.

    The first `len(topology.components)` vertices are the components in their order; the rest are shadows: the copies of a component
    without what it needs (`local_only`). Events are the faults in their order, then one per zone group that takes copies without a fault
    of their own. `order` lists the strongly connected components of the need graph, targets first; `graph` has an edge source -> target
    per carrying need.
    """

    topology: Topology
    addresses: tuple[str, ...]
    vertex_of: Mapping[str, int]
    events: tuple[str, ...]
    event_of: Mapping[str, int]
    local: tuple[Local, ...]
    needs: tuple[tuple[int, ...], ...]
    groups: tuple[tuple[Threshold, ...], ...]
    graph: igraph.Graph
    order: tuple[tuple[int, ...], ...]
    zones: tuple[ZoneGroup, ...]

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """Per vertex what the structure function reads of it, as one flat tuple: the inner loop's only look-up."""
        return tuple(
            (own.dead, own.direct, own.copies, own.counts, own.spare, own.gaps, needs, groups)
            for own, needs, groups in zip(self.local, self.needs, self.groups, strict=True)
        )

    @cached_property
    def shadow_of(self) -> Mapping[str, int]:
        """Component -> the vertex of its copies without what it needs, where something needs only those."""
        count = len(self.topology.components)
        return {address: vertex for vertex, address in enumerate(self.addresses) if vertex >= count}

    def vertices_of(self, address: str) -> tuple[int, ...]:
        """The vertices that are gone when a component is: its own, and its shadow."""
        return (self.vertex_of[address], *((self.shadow_of[address],) if address in self.shadow_of else ()))

    @cached_property
    def entry_vertices(self) -> tuple[int, ...]:
        """The vertex of each entry point, in the topology's order."""
        return tuple(self.vertex_of[entry.component] for entry in self.topology.entries)

    @cached_property
    def entry_order(self) -> tuple[tuple[int, ...], ...]:
        """`order` cut down to what some entry needs."""
        return self.order_of(self.entry_vertices)

    def order_of(self, vertices: Iterable[int]) -> tuple[tuple[int, ...], ...]:
        """`order` cut down to the vertices and what they need, directly or not."""
        wanted = self.closure(vertices)
        return tuple(component for component in self.order if component[0] in wanted)

    def closure(self, vertices: Iterable[int]) -> frozenset[int]:
        """The vertices and everything they need, directly or not."""
        seen = set(vertices)
        stack = sorted(seen)
        while stack:
            vertex = stack.pop()
            for target in self.graph.successors(vertex):
                if target not in seen:
                    seen.add(target)
                    stack.append(target)
        return frozenset(seen)


def compile_topology(topology: Topology) -> Compiled:
    """Translates once. Raises InputError where an entry, or a copy's fault, names something that does not exist."""
    zones = zone_groups(topology)
    events = (*topology.faults, *(group.id for group in zones if group.copies))
    event_of = {event: index for index, event in enumerate(events)}
    addresses, vertex_of, shadows = _vertices(topology)
    local = _locals(topology, event_of, zones)
    local += [local[vertex_of[address]] for address in shadows]
    needs, groups = _edges(topology, vertex_of, shadows)
    graph = igraph.Graph(n=len(addresses), edges=_edge_list(needs, groups), directed=True)
    dead = [item.dead or needs[vertex] is None for vertex, item in enumerate(local)]
    return Compiled(
        topology=topology,
        addresses=addresses,
        vertex_of=vertex_of,
        events=events,
        event_of=event_of,
        local=tuple(_with_dead(item, gone) for item, gone in zip(local, dead, strict=True)),
        needs=tuple(targets or () for targets in needs),
        groups=groups,
        graph=graph,
        order=_order(graph),
        zones=zones,
    )


def _with_dead(local: Local, dead: bool) -> Local:
    return Local(True) if dead else local


def _vertices(topology: Topology) -> tuple[tuple[str, ...], dict[str, int], dict[str, int]]:
    addresses = list(topology.components)
    vertex_of = {address: index for index, address in enumerate(addresses)}
    for entry in topology.entries:
        if entry.component not in vertex_of:
            raise InputError(f"the entry point `{entry.address}` names the component `{entry.component}`, which does not exist: declare it")
    shadowed = sorted({edge.target for edge in topology.dependencies if edge.local_only and edge.target in vertex_of})
    shadows = {address: len(addresses) + index for index, address in enumerate(shadowed)}
    return (*addresses, *shadowed), vertex_of, shadows


def _locals(topology: Topology, event_of: Mapping[str, int], zones: Sequence[ZoneGroup]) -> list[Local]:
    pseudo: dict[tuple[str, int], list[int]] = {}
    for group in zones:
        for place in group.copies:
            pseudo.setdefault(place, []).append(event_of[group.id])
    gaps = {fault.id for fault in topology.faults.values() if fault.fault_class is FaultClass.GAP}
    return [_local(component, event_of, pseudo, gaps) for component in topology.components.values()]


def _local(component: Component, event_of: Mapping[str, int], pseudo: Mapping[tuple[str, int], list[int]], gap_ids: set[str]) -> Local:
    spare = component.size - component.needed
    if spare < 0:
        return Local(dead=True)
    try:
        gaps = tuple(sorted(event_of[fault] for fault in component.gaps))
        if component.needed <= 0:
            return Local(gaps=gaps)
        copies = [{event_of[fault] for fault in copy.faults if fault not in gap_ids} for copy in component.copies]
    except KeyError as error:
        raise InputError(f"`{component.address}` names the fault {error}, which does not exist: add it to the topology's faults") from error
    for index, copy in enumerate(copies if pseudo else ()):
        copy.update(pseudo.get((component.address, index), ()))
    if spare == 0:
        return Local(False, tuple(sorted(set().union(*copies))), (), 0, gaps)
    count: dict[int, int] = {}
    for each, copy in zip(component.copies, copies, strict=True):
        for event in copy:
            count[event] = count.get(event, 0) + each.count
    direct = {event for event, times in count.items() if times > spare}
    rest = [(tuple(sorted(copy - direct)), each.count) for each, copy in zip(component.copies, copies, strict=True) if copy - direct]
    counts = tuple([times for _, times in rest])
    if sum(counts) <= spare:
        return Local(False, tuple(sorted(direct)), (), spare, gaps)
    in_bulk = any(times > 1 for times in counts)
    return Local(False, tuple(sorted(direct)), tuple([events for events, _ in rest]), spare, gaps, counts if in_bulk else ())


def _edges(
    topology: Topology, vertex_of: Mapping[str, int], shadows: Mapping[str, int]
) -> tuple[list[tuple[int, ...] | None], tuple[tuple[Threshold, ...], ...]]:
    """Per vertex its plain needs (None: a need that nothing can meet) and its alternative groups."""
    size = len(vertex_of) + len(shadows)
    plain: list[list[int] | None] = [[] for _ in range(size)]
    grouped: dict[tuple[int, str], list[Dependency]] = {}
    for edge in topology.dependencies:
        if edge.role is not Role.NEED or edge.source not in vertex_of:
            continue
        source = vertex_of[edge.source]
        if edge.group:
            grouped.setdefault((source, edge.group), []).append(edge)
        elif not _shielded(edge):
            _add_need(plain, source, _target(edge, vertex_of, shadows))
    thresholds: dict[int, list[Threshold]] = {}
    for (source, _), edges in grouped.items():
        spare = len(edges) - edges[0].group_needed
        targets = [_target(edge, vertex_of, shadows) for edge in edges if not _shielded(edge)]
        members = tuple(target for target in targets if target is not None)
        spare -= len(targets) - len(members)
        if spare < 0:
            plain[source] = None
        elif spare == 0:
            for member in members:
                _add_need(plain, source, member)
        elif len(members) > spare:
            thresholds.setdefault(source, []).append(Threshold(spare, members))
    needs = [None if targets is None else tuple(sorted(set(targets) - {vertex})) for vertex, targets in enumerate(plain)]
    return needs, tuple(tuple(thresholds.get(vertex, ())) for vertex in range(size))


def _shielded(edge: Dependency) -> bool:
    return edge.breaker and edge.fallback


def _target(edge: Dependency, vertex_of: Mapping[str, int], shadows: Mapping[str, int]) -> int | None:
    if edge.broken:
        return None
    return (shadows if edge.local_only else vertex_of).get(edge.target)


def _add_need(plain: list[list[int] | None], source: int, target: int | None) -> None:
    targets = plain[source]
    if target is None:
        plain[source] = None
    elif targets is not None:
        targets.append(target)


def _edge_list(needs: Sequence[tuple[int, ...] | None], groups: Sequence[tuple[Threshold, ...]]) -> list[tuple[int, int]]:
    found = [(source, target) for source, targets in enumerate(needs) for target in targets or ()]
    found += [(source, member) for source, sets in enumerate(groups) for group in sets for member in group.members]
    return sorted(set(found))


def _order(graph: igraph.Graph) -> tuple[tuple[int, ...], ...]:
    if graph.is_dag():
        return tuple((vertex,) for vertex in graph.topological_sorting(mode="in"))
    membership = graph.connected_components(mode="strong").membership
    members: dict[int, list[int]] = {}
    for vertex, component in enumerate(membership):
        members.setdefault(component, []).append(vertex)
    condensed = igraph.Graph(n=len(members), edges=_condensed_edges(graph, membership), directed=True)
    return tuple(tuple(members[component]) for component in condensed.topological_sorting(mode="in"))


def _condensed_edges(graph: igraph.Graph, membership: Sequence[int]) -> list[tuple[int, int]]:
    pairs = ((membership[source], membership[target]) for source, target in graph.get_edgelist())
    return sorted({(source, target) for source, target in pairs if source != target})
