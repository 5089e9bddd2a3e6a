"""The bit-parallel survival of scenarios against one run of the cascade each."""

from __future__ import annotations

import random

import pytest
from engine_systems import random_topology, spread, system
from msgspec.structs import replace

from faultray_action.engine.cascade import run
from faultray_action.engine.compiled import compile_topology
from faultray_action.engine.survival import failing, summarise
from faultray_action.model.component import Component, Runtime
from faultray_action.model.scenario import EDGE_ARROW, AgentFault, Scenario, ScenarioSet, WhatIf, WhatIfKind
from faultray_action.model.topology import Dependency, EntryPoint, Topology


def lively(topology: Topology, seed: int, latency: bool) -> Topology:
    """Capacities, demands and retries on top of a random structure; with `latency` also times, timeouts, pools and unequal weights."""
    draw = random.Random(seed)
    components = {address: replace(each, runtime=_runtime(draw, each, latency)) for address, each in topology.components.items()}
    edges = tuple(_edge(draw, edge, latency) for edge in topology.dependencies)
    return replace(topology, components=components, dependencies=edges)


def _runtime(draw: random.Random, component: Component, latency: bool) -> Runtime:
    capacity = draw.choice((None, None, 4.0))
    demand = draw.choice((None, 1.0, 2.0))
    if not latency:
        return Runtime(capacity=capacity, demand=demand)
    pool = draw.choice((None, 5))
    return Runtime(draw.choice((0.0, 10.0)), capacity, demand, pool, draw.choice((None, 100.0)), draw.choice((None, 15.0, 60.0)))


def _edge(draw: random.Random, edge: Dependency, latency: bool) -> Dependency:
    edge = replace(edge, retries=draw.choice((0, 0, 1, 3)))
    if not latency:
        return edge
    return replace(edge, latency_ms=draw.choice((0.0, 5.0)), timeout_ms=draw.choice((None, 40.0)), weight=draw.choice((1.0, 1.0, 2.0)))


def random_scenarios(topology: Topology, seed: int, count: int) -> tuple[Scenario, ...]:
    draw = random.Random(seed)
    ids = [id for id in topology.faults if id != "gap"]
    names = list(topology.components)
    calls = [edge.source + EDGE_ARROW + edge.target for edge in topology.dependencies] or ["a -> b"]
    found = []
    for index in range(count):
        faults = tuple(sorted(draw.sample(ids, draw.choice((0, 0, 1, 2)))))
        found.append(Scenario(str(index), draw.choice("xy"), faults, tuple(_what_ifs(draw, names, calls))))
    return tuple(found)


def _what_ifs(draw: random.Random, names: list[str], calls: list[str]) -> list[WhatIf]:
    kind = draw.choice((*WhatIfKind, WhatIfKind.TRAFFIC, WhatIfKind.TRAFFIC, None))
    if kind is None:
        return []
    if kind in (WhatIfKind.TIMEOUT, WhatIfKind.BREAKER_OFF):
        call = draw.choice(calls)
        return [WhatIf(kind, call), *([WhatIf(WhatIfKind.TIMEOUT, call)] if draw.random() < 0.5 else [])]
    if kind is WhatIfKind.AGENT:
        return [WhatIf(kind, draw.choice(names), detail=draw.choice(list(AgentFault)))]
    if kind is WhatIfKind.CONTROL_PLANE:
        return [WhatIf(kind)]
    level = draw.choice((1.5, 2.0, 5.0, 10.0)) if kind in (WhatIfKind.TRAFFIC, WhatIfKind.LATENCY) else 0.0
    return [WhatIf(kind, draw.choice([*names, ""] if kind is WhatIfKind.TRAFFIC else names), level)]


def differences(topology: Topology, seed: int, count: int = 40) -> list[tuple[str, str]]:
    scenarios = random_scenarios(topology, seed, count)
    found = failing(compile_topology(topology), scenarios)
    wrong = []
    for bit, scenario in enumerate(scenarios):
        expected = run(topology, scenario).entries_failing
        wrong += [(scenario.id, address) for address, bits in found.items() if (address in expected) != bool(bits >> bit & 1)]
    return wrong


@pytest.mark.parametrize("start", range(0, 200, 50))
def test_structure_and_load_are_those_of_the_cascade(start: int) -> None:
    wrong = {seed: differences(lively(random_topology(seed + 3_000), seed, False), seed) for seed in range(start, start + 50)}
    assert {seed: rows for seed, rows in wrong.items() if rows} == {}


@pytest.mark.parametrize("start", range(0, 100, 50))
def test_with_latency_too(start: int) -> None:
    wrong = {seed: differences(lively(random_topology(seed + 6_000), seed, True), seed) for seed in range(start, start + 50)}
    assert {seed: rows for seed, rows in wrong.items() if rows} == {}


def test_counts_by_stratum_and_what_a_queue_rides_out() -> None:
    topology = system([spread("app", ("a", "b")), spread("db", ("a",))], [("app", "db")], ["app"])
    scenarios = ScenarioSet(
        (
            Scenario("1", "copy", ("copy:app#0",)),
            Scenario("2", "copy", ("copy:db#0",)),
            Scenario("3", "what-if", (), (WhatIf(WhatIfKind.TRAFFIC, level=2.0),)),
            Scenario("4", "what-if", (), (WhatIf(WhatIfKind.TRAFFIC, level=1.5),)),
            Scenario("5", "copy", ("unknown here",)),
        ),
        covered_mass=0.5,
    )
    summary = summarise(compile_topology(topology), scenarios)
    assert (summary.total, summary.survived, summary.covered_mass) == (5, 3, 0.5)
    assert summary.by_stratum == (("copy", 3, 2), ("what-if", 2, 1))
    patient = replace(topology, entries=(EntryPoint("app", "app", "x", deferred=True, retention_hours=24.0),))
    assert summarise(compile_topology(patient), scenarios).survived == 4
