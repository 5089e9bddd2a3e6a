"""Systems and scenarios for the cascade: every small graph there is, and random systems with load, latency, pools and buffers."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import permutations, product

from engine_systems import part, random_topology
from msgspec.structs import replace

from faultray_action.engine.relation import Edge
from faultray_action.model.component import Runtime
from faultray_action.model.outcome import Health
from faultray_action.model.scenario import EDGE_ARROW, AgentFault, Scenario, WhatIf, WhatIfKind, scenario_id
from faultray_action.model.topology import Dependency, EntryPoint, Role, Topology

NONE, NEED, CAPPED, ALTERNATIVE = range(4)
"""What can stand between two components: nothing (also a start-up need), a need, what is capped at degraded (optional, async, breaker), and a
member of the source's alternative group, one of which must serve."""

Labels = tuple[int, ...]

INJECTED = {
    Health.DEGRADED: AgentFault.CONTEXT_OVERFLOW,
    Health.OVERLOADED: AgentFault.RATE_LIMIT,
    Health.DOWN: AgentFault.TOKEN_EXHAUSTION,
}


def pairs(size: int, cyclic: bool) -> tuple[tuple[int, int], ...]:
    """Ordered pairs (source, target) that may carry an edge: all, or those of an acyclic graph in topological order."""
    return tuple((s, t) for s in range(size) for t in range(size) if s != t and (cyclic or s < t))


def labelings(size: int, cyclic: bool) -> Iterator[Labels]:
    return product(range(4), repeat=len(pairs(size, cyclic)))


def classes(size: int) -> tuple[Labels, ...]:
    """One labelling of each class of isomorphic cyclic graphs: the smallest."""
    places = {pair: index for index, pair in enumerate(pairs(size, True))}
    moved = [tuple(places[p[s], p[t]] for s, t in places) for p in permutations(range(size))]
    return tuple(labels for labels in labelings(size, True) if all(labels <= tuple(labels[i] for i in move) for move in moved))


def small_topology(size: int, cyclic: bool, labels: Labels) -> Topology:
    names = [f"v{index}" for index in range(size)]
    edges = [_edge(names[s], names[t], label) for (s, t), label in zip(pairs(size, cyclic), labels, strict=True) if label]
    components = {name: part(name, (), 0) for name in names}
    return Topology(components, tuple(edges), {}, tuple(EntryPoint(name, name, name) for name in names))


def _edge(source: str, target: str, label: int) -> Dependency:
    if label == CAPPED:
        return Dependency(source, target, Role.OPTIONAL)
    return Dependency(source, target, Role.NEED, group="g" if label == ALTERNATIVE else "")


def inject_healths(healths: Sequence[int]) -> Scenario:
    what_ifs = tuple(WhatIf(WhatIfKind.AGENT, f"v{v}", detail=INJECTED[Health(h)]) for v, h in enumerate(healths) if h)
    return Scenario(scenario_id((), what_ifs), "small", (), what_ifs)


def raised_by_hand(size: int, cyclic: bool, labels: Labels, state: Sequence[int], vertex: int) -> int:
    """The join of what a vertex inherits in a state, written out a second time."""
    found, alternatives = 0, []
    for (source, target), label in zip(pairs(size, cyclic), labels, strict=True):
        if source == vertex and label:
            carried = (0, 1, 1, 3)[state[target]] if label != CAPPED else min(state[target], 1)
            if label == ALTERNATIVE:
                alternatives.append(carried)
            else:
                found = max(found, carried)
    return max(found, min(alternatives, default=0))


def random_system(seed: int, size: int = 6) -> Topology:
    """A random topology whose parts have latency, timeouts, retries, pools, capacity, demand and buffers."""
    draw = random.Random(f"runtime {seed}")
    topology = random_topology(seed, size)
    components = {name: replace(component, runtime=_runtime(draw)) for name, component in topology.components.items()}
    return replace(topology, components=components, dependencies=tuple(_timed(draw, edge) for edge in topology.dependencies))


def _runtime(draw: random.Random) -> Runtime:
    return Runtime(
        latency_ms=draw.choice((0.0, 5.0, 20.0)),
        capacity=draw.choice((None, None, 4.0, 10.0)),
        demand=draw.choice((None, 1.0, 3.0)),
        pool=draw.choice((None, None, 5, 50)),
        requests_per_second=draw.choice((None, 10.0, 100.0)),
        timeout_ms=draw.choice((None, 60.0)),
    )


def _timed(draw: random.Random, edge: Dependency) -> Dependency:
    return replace(
        edge,
        latency_ms=draw.choice((0.0, 1.0)),
        timeout_ms=draw.choice((None, 30.0, 200.0)),
        retries=draw.choice((0, 0, 2)),
        weight=draw.choice((1.0, 1.0, 4.0)),
        buffer_seconds=draw.choice((0.0, 0.0, 60.0)),
    )


def random_scenario(topology: Topology, draw: random.Random, runtime: bool = True) -> Scenario:
    """Faults and what-ifs of every kind that the topology has a target for."""
    faults = tuple(sorted(draw.sample(list(topology.faults), draw.randint(0, min(3, len(topology.faults))))))
    return _scenario(faults, {random_what_if(topology, draw, runtime) for _ in range(draw.randint(0, 3))})


def random_what_if(topology: Topology, draw: random.Random, runtime: bool = True) -> WhatIf:
    name = draw.choice(list(topology.components))
    edge = draw.choice(topology.dependencies) if topology.dependencies else Dependency(name, name)
    choices = [
        WhatIf(WhatIfKind.ALL_COPIES, name),
        WhatIf(WhatIfKind.DEPLOY, name),
        WhatIf(WhatIfKind.CONTROL_PLANE),
        WhatIf(WhatIfKind.BREAKER_OFF, edge.source + EDGE_ARROW + edge.target),
        WhatIf(WhatIfKind.AGENT, name, detail=draw.choice(tuple(AgentFault))),
    ]
    if runtime:
        choices += [
            WhatIf(WhatIfKind.TRAFFIC, draw.choice(("", name)), draw.choice((1.5, 2.0, 3.0, 5.0, 10.0))),
            WhatIf(WhatIfKind.LATENCY, name, draw.choice((2.0, 10.0))),
            WhatIf(WhatIfKind.TIMEOUT, edge.source + EDGE_ARROW + edge.target),
        ] * 2
    return draw.choice(choices)


def with_more(topology: Topology, scenario: Scenario, draw: random.Random, runtime: bool = True) -> Scenario:
    """The same scenario with one thing more: a fault, a what-if, or a higher level."""
    raised = [what_if for what_if in scenario.what_ifs if what_if.level]
    if raised and draw.random() < 0.4:
        chosen = draw.choice(raised)
        return _scenario(scenario.faults, {*scenario.what_ifs, replace(chosen, level=chosen.level * 2)})
    if topology.faults and draw.random() < 0.5:
        return _scenario(tuple(sorted({*scenario.faults, draw.choice(list(topology.faults))})), set(scenario.what_ifs))
    return _scenario(scenario.faults, {*scenario.what_ifs, random_what_if(topology, draw, runtime)})


def _scenario(faults: tuple[str, ...], what_ifs: set[WhatIf]) -> Scenario:
    ordered = tuple(sorted(what_ifs))
    return Scenario(scenario_id(faults, ordered), "random", faults, ordered)


def random_delays(seed: int) -> object:
    """A time model that delivers messages in a random order."""
    draw = random.Random(seed)

    def delay(edge: Edge, health: Health) -> float:
        del edge, health
        return draw.random() * 10.0

    return delay
