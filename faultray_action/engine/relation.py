"""A topology made ready for the cascade: numbered components and dependencies, who calls whom, how long a call takes at rest.

This is a second reading of the topology on purpose: nothing is shared with the bit-parallel structure function of `engine.compiled`, so that
the two can be held against each other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct

from faultray_action.engine.states import TRANSFER_OF_ROLE, Transfer
from faultray_action.model.component import Component, FaultClass
from faultray_action.model.errors import InputError
from faultray_action.model.topology import Dependency, Role, Topology

CALLING = (Role.NEED, Role.OPTIONAL)
"""Roles whose source waits for the answer: latency adds up over them and load is passed on. (An async buffer evens load out.)"""

DEFAULT_UTILISATION = 0.6
"""Demand of a component that declares none, as a share of its copies; `Runtime.demand` holds the demand that both sides share."""


class Edge(Struct, frozen=True):
    """A dependency among numbered vertices. `target` is -1 where it does not exist; `severed`: it does not, or the need is broken.

    `group` numbers the alternative group, -1 for none. `base_ms` is what a call over it takes at rest. `inside` marks a call within a cycle of
    calls, where the time of the rest of the cycle is not counted a second time.
    """

    index: int
    source: int
    target: int
    dependency: Dependency
    transfer: Transfer
    severed: bool
    calls: bool
    timeout_ms: float | None
    group: int = -1
    inside: bool = False
    base_ms: float = 0.0


class Group(Struct, frozen=True):
    """An alternative group of one source: `needed` of its edges must carry, all of one transfer."""

    source: int
    needed: int
    transfer: Transfer
    edges: tuple[int, ...]


class Relation(Struct, frozen=True):
    """A topology, numbered. Vertices are components in their order; replica edges are left out.

    `outgoing` and `incoming` hold edges by vertex, `calls` the outgoing synchronous ones. `hit_by`: fault -> vertices that lose a copy.
    `rest_ms` is the accumulated latency of each vertex with nothing injected and nothing timed out. `dead` have fewer copies than they need,
    `uneasy` would be late, exhausted or overloaded at rest.
    """

    topology: Topology
    addresses: tuple[str, ...]
    components: tuple[Component, ...]
    vertex_of: Mapping[str, int]
    edges: tuple[Edge, ...]
    groups: tuple[Group, ...]
    groups_of: tuple[tuple[int, ...], ...]
    outgoing: tuple[tuple[int, ...], ...]
    incoming: tuple[tuple[int, ...], ...]
    calls: tuple[tuple[int, ...], ...]
    hit_by: Mapping[str, tuple[int, ...]]
    rest_ms: tuple[float, ...]
    dead: tuple[int, ...]
    uneasy: tuple[int, ...]

    def copies_up(self, vertex: int, lost: frozenset[str]) -> int:
        """Copies none of whose faults has happened."""
        return sum(copy.count for copy in self.components[vertex].copies if lost.isdisjoint(copy.faults))


def relate(topology: Topology) -> Relation:
    """Numbers components and dependencies. Raises InputError where an entry names a component that does not exist."""
    addresses = tuple(topology.components)
    vertex_of = {address: vertex for vertex, address in enumerate(addresses)}
    _check_entries(topology)
    components = tuple(topology.components.values())
    kept = [edge for edge in topology.dependencies if edge.source in vertex_of and edge.role is not Role.REPLICA]
    edges = [_edge(index, edge, vertex_of, components) for index, edge in enumerate(kept)]
    groups = _groups(edges)
    rest, edges = _at_rest(components, _with_groups(edges, groups), groups)
    calls = _by_vertex(len(components), ((edge.source, edge.index) for edge in edges if edge.calls))
    return Relation(
        topology=topology,
        addresses=addresses,
        components=components,
        vertex_of=vertex_of,
        edges=tuple(edges),
        groups=groups,
        groups_of=_by_vertex(len(components), ((group.source, number) for number, group in enumerate(groups))),
        outgoing=_by_vertex(len(components), ((edge.source, edge.index) for edge in edges)),
        incoming=_by_vertex(len(components), ((edge.target, edge.index) for edge in edges if edge.target >= 0)),
        calls=calls,
        hit_by=_hit_by(components, topology),
        rest_ms=tuple(rest),
        dead=tuple(vertex for vertex, component in enumerate(components) if component.size < component.needed),
        uneasy=tuple(_uneasy(components, edges, calls, rest)),
    )


def _check_entries(topology: Topology) -> None:
    for entry in topology.entries:
        if entry.component not in topology.components:
            raise InputError(f"the entry point `{entry.address}` names the component `{entry.component}`, which does not exist: declare it")


def _edge(index: int, edge: Dependency, vertex_of: Mapping[str, int], components: Sequence[Component]) -> Edge:
    source, target = vertex_of[edge.source], vertex_of.get(edge.target, -1)
    timeout = edge.timeout_ms if edge.timeout_ms is not None else components[source].runtime.timeout_ms
    return Edge(index, source, target, edge, TRANSFER_OF_ROLE[edge.role], bool(edge.broken) or target < 0, edge.role in CALLING, timeout)


def _groups(edges: Sequence[Edge]) -> tuple[Group, ...]:
    members: dict[tuple[int, str, Transfer], list[Edge]] = {}
    for edge in edges:
        if edge.dependency.group and edge.calls:
            members.setdefault((edge.source, edge.dependency.group, edge.transfer), []).append(edge)
    return tuple(
        Group(source, found[0].dependency.group_needed, transfer, tuple(edge.index for edge in found))
        for (source, _, transfer), found in members.items()
    )


def _with_groups(edges: Sequence[Edge], groups: Sequence[Group]) -> list[Edge]:
    group_of = {edge: number for number, group in enumerate(groups) for edge in group.edges}
    return [_changed(edge, group=group_of.get(edge.index, -1)) for edge in edges]


def _changed(edge: Edge, *, group: int | None = None, inside: bool = False, base_ms: float = 0.0) -> Edge:
    return Edge(
        edge.index,
        edge.source,
        edge.target,
        edge.dependency,
        edge.transfer,
        edge.severed,
        edge.calls,
        edge.timeout_ms,
        edge.group if group is None else group,
        inside,
        base_ms,
    )


def _by_vertex(size: int, pairs: Iterable[tuple[int, int]]) -> tuple[tuple[int, ...], ...]:
    found: list[list[int]] = [[] for _ in range(size)]
    for vertex, number in pairs:
        found[vertex].append(number)
    return tuple(map(tuple, found))


def _hit_by(components: Sequence[Component], topology: Topology) -> Mapping[str, tuple[int, ...]]:
    found: dict[str, dict[int, None]] = {}
    for vertex, component in enumerate(components):
        for copy in component.copies:
            for fault in copy.faults:
                if fault in topology.faults and topology.faults[fault].fault_class is not FaultClass.GAP:
                    found.setdefault(fault, {})[vertex] = None
    return {fault: tuple(vertices) for fault, vertices in found.items()}


def _at_rest(components: Sequence[Component], edges: Sequence[Edge], groups: Sequence[Group]) -> tuple[list[float], list[Edge]]:
    """Own time plus the time of synchronous needs, targets first; and the edges with what a call over each takes."""
    cycle_of = cycles(len(components), [(edge.source, edge.target) for edge in edges if edge.calls and edge.target >= 0])
    rest = [component.runtime.latency_ms for component in components]
    calls: list[list[Edge]] = [[] for _ in components]
    for edge in edges:
        calls[edge.source].append(edge)
    done: dict[int, Edge] = {}
    for vertex in sorted(range(len(components)), key=cycle_of.__getitem__):
        for edge in calls[vertex]:
            inside = edge.calls and edge.target >= 0 and cycle_of[edge.source] == cycle_of[edge.target]
            done[edge.index] = _changed(edge, inside=inside, base_ms=_base_ms(edge, inside, components, rest))
        called = [edge.index for edge in calls[vertex] if edge.calls]
        numbers = sorted({done[index].group for index in called if done[index].group >= 0})
        plain = [index for index in called if done[index].group < 0]
        rest[vertex] += add_up(plain, [groups[number] for number in numbers], lambda index: done[index].base_ms)
    return rest, [done[edge.index] for edge in edges]


def _base_ms(edge: Edge, inside: bool, components: Sequence[Component], rest: Sequence[float]) -> float:
    if edge.target < 0:
        return edge.dependency.latency_ms
    own_only = inside or edge.dependency.local_only
    return edge.dependency.latency_ms + (components[edge.target].runtime.latency_ms if own_only else rest[edge.target])


def add_up(plain: Iterable[int], groups: Iterable[Group], wait_of: Callable[[int], float]) -> float:
    """Time of calls made one after the other; the members of an alternative group are asked at once, and the k-th fastest answers."""
    total = sum(map(wait_of, plain))
    for group in groups:
        if group.needed > 0:
            total += sorted(map(wait_of, group.edges))[min(group.needed, len(group.edges)) - 1]
    return total


def _uneasy(components: Sequence[Component], edges: Sequence[Edge], calls: Sequence[Sequence[int]], rest: Sequence[float]) -> Iterable[int]:
    for vertex, component in enumerate(components):
        runtime = component.runtime
        late = any(edges[index].severed or edges[index].base_ms > _or_endless(edges[index].timeout_ms) for index in calls[vertex])
        busy = (runtime.requests_per_second or 0.0) * rest[vertex] / 1000.0 > _or_endless(runtime.pool)
        if late or busy or demand_of(component) > _or_endless(capacity_of(component)):
            yield vertex


def _or_endless(value: float | None) -> float:
    return math.inf if value is None else value


def capacity_of(component: Component) -> float | None:
    """Of all copies together: declared, else one a copy; None where the provider scales it, or there is nothing to exceed."""
    if component.runtime.capacity is not None:
        return component.runtime.capacity
    return None if component.managed or not component.copies else float(component.size)


def demand_of(component: Component) -> float:
    """Declared, else `DEFAULT_UTILISATION` of the copies."""
    return component.runtime.demand if component.runtime.demand is not None else DEFAULT_UTILISATION * component.size


def cycles(size: int, edges: Iterable[tuple[int, int]]) -> tuple[int, ...]:
    """Number of the strongly connected component of each vertex, numbered targets first (Tarjan, without recursion)."""
    after: list[list[int]] = [[] for _ in range(size)]
    for source, target in edges:
        after[source].append(target)
    number, low, component = [-1] * size, [0] * size, [-1] * size
    stack: list[int] = []
    counter = found = 0
    for root in range(size):
        if number[root] >= 0:
            continue
        work = [(root, iter(after[root]))]
        number[root] = low[root] = counter
        counter += 1
        stack.append(root)
        while work:
            vertex, targets = work[-1]
            for target in targets:
                if number[target] < 0:
                    number[target] = low[target] = counter
                    counter += 1
                    stack.append(target)
                    work.append((target, iter(after[target])))
                    break
                if component[target] < 0:
                    low[vertex] = min(low[vertex], number[target])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[vertex])
                if low[vertex] == number[vertex]:
                    while component[vertex] < 0:
                        component[stack.pop()] = found
                    found += 1
    return tuple(component)
