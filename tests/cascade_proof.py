"""The laws of the cascade as checks that count their cases: the suite runs a part of each, `make proof` the whole.

Every check returns how many cases it tried and the cases in which the law failed (at most a few are kept; the list must be empty).
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, permutations, product

import cascade_systems as small
from cascade_systems import Labels, inject_healths, raised_by_hand, random_delays, random_scenario, random_system, small_topology, with_more
from engine_systems import naive_down, random_topology
from msgspec.structs import replace

from faultray_action.engine.cascade import run
from faultray_action.engine.relation import Relation, relate
from faultray_action.model.component import Copy
from faultray_action.model.outcome import Health
from faultray_action.model.scenario import Scenario, scenario_id
from faultray_action.model.topology import Role, Topology
from faultray_action.model.trace import Trace

State = tuple[int, ...]


@dataclass
class Verdict:
    """Cases tried, and what failed."""

    cases: int = 0
    failures: list[str] = field(default_factory=list)

    def say(self, holds: bool, what: str) -> None:
        self.cases += 1
        if not holds and len(self.failures) < 5:
            self.failures.append(what)

    def add(self, other: Verdict) -> None:
        self.cases += other.cases
        self.failures += other.failures[: 5 - len(self.failures)]


def states(size: int) -> Iterator[State]:
    return product(range(4), repeat=size)


def join(one: Sequence[int], other: Sequence[int]) -> State:
    return tuple(map(max, one, other))


def least_fixpoint(size: int, cyclic: bool, labels: Labels, injected: State) -> State:
    """By rounds over all vertices at once, on the second reading of the rules."""
    state = injected
    while True:
        step = join(state, tuple(raised_by_hand(size, cyclic, labels, state, v) for v in range(size)))
        if step == state:
            return state
        state = step


def all_ends(size: int, cyclic: bool, labels: Labels, injected: State) -> set[State]:
    """The terminal states of every order in which single vertices can rise."""
    seen, stack, ends = {injected}, [injected], set()
    while stack:
        state = stack.pop()
        steps = set()
        for vertex in range(size):
            value = raised_by_hand(size, cyclic, labels, state, vertex)
            if value > state[vertex]:
                steps.add((*state[:vertex], value, *state[vertex + 1 :]))
        if not steps:
            ends.add(state)
        stack += steps - seen
        seen |= steps
    return ends


def every_order_ends_alike(size: int, cyclic: bool, graphs: Iterable[Labels]) -> Verdict:
    """Confluence of the rules: exhaustive over injections and over orders."""
    verdict = Verdict()
    for labels in graphs:
        for injected in states(size):
            ends = all_ends(size, cyclic, labels, injected)
            verdict.say(ends == {least_fixpoint(size, cyclic, labels, injected)}, f"{labels} {injected} {ends}")
    return verdict


def _state(trace: Trace, size: int) -> State:
    return tuple(int(trace.health.get(f"v{v}", Health.HEALTHY)) for v in range(size))


def cascade_is_least_fixpoint(size: int, cyclic: bool, graphs: Iterable[Labels], injections: Sequence[State] | None = None) -> Verdict:
    """The cascade of the product ends in the least fixpoint; it is monotone in the injection; its trace keeps the laws of a trace."""
    verdict = Verdict()
    for labels in graphs:
        topology = small_topology(size, cyclic, labels)
        relation = relate(topology)
        found = {}
        for injected in injections or tuple(states(size)):
            trace = run(topology, inject_healths(injected), relation=relation)
            found[injected] = _state(trace, size)
            verdict.say(found[injected] == least_fixpoint(size, cyclic, labels, injected), f"{labels} {injected} ends in {found[injected]}")
            fault = fault_of_trace(trace, relation)
            verdict.say(not fault, f"{labels} {injected}: {fault}")
        for injected, end in found.items():
            for vertex in range(size):
                higher = (*injected[:vertex], min(injected[vertex] + 1, 3), *injected[vertex + 1 :])
                if higher in found:
                    verdict.say(join(end, found[higher]) == found[higher], f"{labels} {injected} -> {higher} falls")
    return verdict


def fault_of_trace(trace: Trace, relation: Relation) -> str:
    """What is wrong with a trace, "" for nothing: steps only rise, each has a cause that rose before it over an edge that exists, a component
    rises at most three times, every edge carries at most three messages of health (nine with load, latency aside), the bounds of docs/model.md."""
    edges = {(edge.dependency.source, edge.dependency.target) for edge in relation.edges}

    def near(one: str, other: str) -> bool:
        return one == other or (one, other) in edges or (other, one) in edges

    now: dict[str, Health] = {}
    rises: dict[str, int] = {}
    for step in trace.transitions:
        if step.before != now.get(step.component, Health.HEALTHY) or step.after < step.before:
            return f"step {step.step} falls"
        if step.parent >= 0:
            parent = trace.transitions[step.parent]
            linked = near(step.component, parent.component) or (near(step.component, step.cause) and near(step.cause, parent.component))
            if parent.step >= step.step or parent.time_seconds > step.time_seconds or not linked:
                return f"step {step.step} has no cause"
        elif not step.events and step.rule.value not in ("broken", "copies", "alternatives", "breaker", "no-fallback"):
            return f"step {step.step} comes from nowhere"
        rises[step.component] = rises.get(step.component, 0) + (step.after > step.before)
        now[step.component] = step.after
    if max(rises.values(), default=0) > 3:
        return "a component rose more than three times"
    if trace.scenario.structural and trace.edge_steps > 3 * len(relation.edges):
        return f"{trace.edge_steps} messages over {len(relation.edges)} edges"
    return ""


def cascade_is_structure_function(seeds: Iterable[int], scenarios: int = 4) -> Verdict:
    """Without load and latency, "down" is what the naive structure function says, on random topologies with everything the model can say."""
    verdict = Verdict()
    for seed in seeds:
        topology, draw = random_topology(seed), random.Random(seed)
        relation = relate(topology)
        for _ in range(scenarios):
            lost = tuple(sorted(draw.sample(list(topology.faults), draw.randint(0, min(5, len(topology.faults))))))
            trace = run(topology, Scenario(scenario_id(lost), "random", lost), relation=relation)
            down = {name: trace.health.get(name) is Health.DOWN for name in topology.components}
            verdict.say(down == naive_down(topology, lost), f"seed {seed} {lost}")
    return verdict


def random_orders_end_alike(seeds: Iterable[int], runtime: bool = True) -> Verdict:
    """Confluence of the product, load and latency included: a random delivery order ends in the same health, load and latency."""
    verdict = Verdict()
    for seed in seeds:
        topology, draw = random_system(seed), random.Random(seed)
        relation = relate(topology)
        scenario = random_scenario(topology, draw, runtime)
        one = run(topology, scenario, relation=relation)
        other = run(topology, scenario, relation=relation, delay_of=random_delays(seed))
        verdict.say(not differs(one, other), f"seed {seed} {scenario.id}")
        fault = fault_of_trace(one, relation)
        verdict.say(not fault, f"seed {seed} {scenario.id}: {fault}")
    return verdict


def differs(one: Trace, other: Trace) -> bool:
    return worsens(one, other) or worsens(other, one)


def worsens(good: Trace, bad: Trace) -> bool:
    """Whether `bad` is anywhere better than `good`, so that `good <= bad` fails."""
    return (
        any(bad.health.get(name, Health.HEALTHY) < health for name, health in good.health.items())
        or any(bad.load.get(name, 1.0) < load for name, load in good.load.items())
        or any(bad.latency_ms.get(name, 0.0) < latency - 1e-6 for name, latency in good.latency_ms.items())
    )


def more_injected_is_worse(seeds: Iterable[int], runtime: bool = True) -> Verdict:
    """Monotone in injections: one fault, one what-if or one level more makes nothing better, in health, load or latency."""
    verdict = Verdict()
    for seed in seeds:
        topology, draw = random_system(seed), random.Random(f"more {seed}")
        relation = relate(topology)
        scenario = random_scenario(topology, draw, runtime)
        more = with_more(topology, scenario, draw, runtime)
        verdict.say(
            not worsens(run(topology, scenario, relation=relation), run(topology, more, relation=relation)),
            f"seed {seed} {scenario.id} | {more.id}",
        )
    return verdict


def only_callers_change(seeds: Iterable[int]) -> Verdict:
    """Structural locality: what rises is injected, or reaches what is injected over its needs; with no injection nothing more rises."""
    verdict = Verdict()
    for seed in seeds:
        topology, draw = random_topology(seed), random.Random(f"local {seed}")
        relation = relate(topology)
        scenario = random_scenario(topology, draw, runtime=False)
        rest = run(topology, Scenario("", "rest"), relation=relation)
        trace = run(topology, scenario, relation=relation)
        roots = {vertex for fault in scenario.faults for vertex in relation.hit_by.get(fault, ())}
        named = {name for what_if in scenario.what_ifs for name in what_if.target.split(" -> ")}
        roots |= {vertex for name, vertex in relation.vertex_of.items() if name in named}
        stack = list(roots)
        while stack:
            for index in relation.incoming[stack.pop()]:
                source = relation.edges[index].source
                if source not in roots:
                    roots.add(source)
                    stack.append(source)
        changed = {name for name in topology.components if trace.health.get(name) != rest.health.get(name)}
        verdict.say(changed <= {relation.addresses[vertex] for vertex in roots}, f"seed {seed} {scenario.id}")
    return verdict


def optional_edges_never_take_down(seeds: Iterable[int]) -> Verdict:
    """A topology whose edges are all optional, async or start-up: only what lost its own copies is down."""
    verdict = Verdict()
    for seed in seeds:
        topology, draw = random_topology(seed), random.Random(f"optional {seed}")
        soft = tuple(replace(edge, role=draw.choice((Role.OPTIONAL, Role.ASYNC, Role.STARTUP))) for edge in topology.dependencies)
        weak = replace(topology, dependencies=soft)
        scenario = Scenario("", "random", tuple(sorted(draw.sample(list(topology.faults), 3))))
        alone = run(replace(topology, dependencies=()), scenario)
        trace = run(weak, scenario)
        verdict.say(trace.entries_down == alone.entries_down and _down(trace) == _down(alone), f"seed {seed}")
    return verdict


def _down(trace: Trace) -> set[str]:
    return {name for name, health in trace.health.items() if health is Health.DOWN}


def a_copy_more_never_worsens(seeds: Iterable[int]) -> Verdict:
    """A copy added at the same m, on any ground: no component is worse in any structural scenario."""
    return _never_worse(seeds, _one_copy_more, runtime=False)


def a_breaker_more_never_worsens(seeds: Iterable[int]) -> Verdict:
    """A breaker with a fallback put on any edge: no component is worse in any structural scenario."""
    return _never_worse(seeds, _one_breaker_more, runtime=False)


def _never_worse(seeds: Iterable[int], improve: object, runtime: bool) -> Verdict:
    verdict = Verdict()
    for seed in seeds:
        topology, draw = random_system(seed), random.Random(f"improve {seed}")
        better = improve(topology, draw)  # type: ignore[operator]
        for _ in range(2):
            scenario = random_scenario(topology, draw, runtime)
            verdict.say(not worsens(run(better, scenario), run(topology, scenario)), f"seed {seed} {scenario.id}")
    return verdict


def _one_copy_more(topology: Topology, draw: random.Random) -> Topology:
    name = draw.choice(list(topology.components))
    component = topology.components[name]
    ground = tuple(sorted(draw.sample(list(topology.faults), draw.randint(0, 3))))
    grown = replace(component, copies=(*component.copies, Copy(ground)))
    return replace(topology, components={**topology.components, name: grown})


def _one_breaker_more(topology: Topology, draw: random.Random) -> Topology:
    if not topology.dependencies:
        return topology
    chosen = draw.randrange(len(topology.dependencies))
    return replace(
        topology,
        dependencies=tuple(
            replace(edge, breaker=True, fallback=True) if index == chosen else edge for index, edge in enumerate(topology.dependencies)
        ),
    )


def breakers_stop_the_cascade(seeds: Iterable[int], runtime: bool = True) -> Verdict:
    """A component all of whose calls go through breakers with a fallback is down only by itself, whatever its targets do, load and latency
    included: its pool and its timeouts see the time at rest."""
    verdict = Verdict()
    for seed in seeds:
        topology, draw = random_system(seed), random.Random(f"breaker {seed}")
        name = draw.choice(list(topology.components))
        guarded = tuple(
            replace(edge, breaker=True, fallback=True, group="") if edge.source == name else edge for edge in topology.dependencies
        )
        scenario = random_scenario(topology, draw, runtime)
        scenario = replace(scenario, what_ifs=tuple(what_if for what_if in scenario.what_ifs if what_if.kind.value != "breaker-off"))
        trace = run(replace(topology, dependencies=guarded), scenario)
        for step in trace.transitions:
            if step.component == name and step.before < step.after is Health.DOWN:
                verdict.say(
                    step.rule.value in ("copies", "what-if", "deploy", "failover-blocked", "pool"), f"seed {seed} {scenario.id} {step.rule}"
                )
        inherited = [carrier for carrier in trace.carriers if carrier.source == name]
        verdict.say(all(carrier.health is Health.DEGRADED for carrier in inherited), f"seed {seed} {scenario.id}")
    return verdict


def published_rules_depend_on_order() -> tuple[int, int, int]:
    """The original's rules as its specification words them: each component is visited once and keeps the health of that visit; a required
    dependency takes a caller of one replica down and degrades one of several; optional and async ones degrade it where the target is down.

    Over the 216 = 3^3 × 2^3 acyclic graphs of three components with every edge (kinds required, optional, async; one replica or two), the
    number in which the outcome of a failure of the lowest component depends on the order: where degraded health goes no further (as its
    program does it), and where it goes on as degraded. Returns (graphs, first, second).
    """
    counts = [0, 0]
    graphs = 0
    for kinds in product(("required", "optional", "async"), repeat=3):
        edges = dict(zip(((1, 0), (2, 0), (2, 1)), kinds, strict=True))
        for replicas in product((1, 2), repeat=3):
            graphs += 1
            for number, goes_on in enumerate((False, True)):
                counts[number] += len(_published_ends(edges, replicas, goes_on)) > 1
    return graphs, counts[0], counts[1]


def _published_ends(edges: dict[tuple[int, int], str], replicas: Sequence[int], goes_on: bool) -> set[State]:
    start = ((3, 0, 0), frozenset({0}))
    seen, stack, ends = {start}, [start], set()
    while stack:
        health, visited = stack.pop()
        steps = []
        for (caller, target), kind in edges.items():
            if target in visited and caller not in visited:
                value = _published_effect(kind, replicas[caller], health[target], goes_on)
                if value:
                    steps.append(((*health[:caller], value, *health[caller + 1 :]), visited | {caller}))
        if not steps:
            ends.add(health)
        stack += [step for step in steps if step not in seen]
        seen.update(steps)
    return ends


def _published_effect(kind: str, replicas: int, health: int, goes_on: bool) -> int:
    if health == 1:
        return 1 if goes_on and kind == "required" else 0
    return 3 if kind == "required" and replicas == 1 else 1


def our_rules_on_the_same_graphs() -> tuple[int, int]:
    """The same 216 graphs under our rules (replicas do not enter: they never attenuate): graphs, and those whose end depends on the order."""
    graphs = bad = 0
    for kinds in product((small.NEED, small.CAPPED, small.CAPPED), repeat=3):
        for _ in product((1, 2), repeat=3):
            graphs += 1
            # In `pairs(3, False)` order: 0 -> 1, 0 -> 2, 1 -> 2; vertex 2 is what fails.
            bad += len(all_ends(3, False, kinds, (0, 0, 3))) > 1
    return graphs, bad


def orders(size: int) -> tuple[tuple[int, ...], ...]:
    return tuple(permutations(range(size)))


def injections_up_to(size: int, raised: int) -> tuple[State, ...]:
    """The injections that raise at most so many vertices, to any health."""
    found = [tuple([0] * size)]
    for count in range(1, raised + 1):
        for chosen in combinations(range(size), count):
            for values in product((1, 2, 3), repeat=count):
                state = [0] * size
                for vertex, value in zip(chosen, values, strict=True):
                    state[vertex] = value
                found.append(tuple(state))
    return tuple(found)
