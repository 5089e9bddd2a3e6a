"""The bit-parallel sweep, the cut sets and the diagram against the naive one-by-one semantics: not one difference."""

from __future__ import annotations

import random
from itertools import combinations

import pytest
from engine_systems import naive_down, random_topology
from hypothesis import given
from hypothesis import strategies as st

from faultray_action.engine.availability import find_unavailability
from faultray_action.engine.compiled import compile_topology
from faultray_action.engine.cuts import find_cuts, members
from faultray_action.engine.probability import BOUNDS, p_fault
from faultray_action.engine.structure import more_than
from faultray_action.engine.sweep import Row, sweep, sweep_vertices
from faultray_action.model.topology import Topology

SEEDS = 300


def differences(topology: Topology, seed: int, scenarios: int = 24) -> int:
    """How many (component, scenario) pairs the sweep and the naive semantics see differently."""
    draw = random.Random(seed)
    compiled = compile_topology(topology)
    ids = [id for id in topology.faults if id != "gap"]
    sets = [tuple(sorted(draw.sample(ids, draw.randint(0, len(ids))))) for _ in range(scenarios)]
    rows = [Row(tuple(compiled.event_of[id] for id in ids)) for ids in sets]
    down = sweep_vertices(compiled, rows, tuple(range(len(topology.components))))
    expected = [naive_down(topology, ids) for ids in sets]
    return sum(
        bool(down[compiled.vertex_of[name]] >> bit & 1) != truth[name] for bit, truth in enumerate(expected) for name in topology.components
    )


@pytest.mark.parametrize("start", range(0, SEEDS, 50))
def test_the_sweep_agrees_with_the_naive_semantics(start: int) -> None:
    assert [seed for seed in range(start, start + 50) if differences(random_topology(seed), seed)] == []


@pytest.mark.parametrize("seed", range(120))
def test_minimal_cuts_are_those_that_brute_force_finds(seed: int) -> None:
    topology = random_topology(seed, faults=6)
    compiled = compile_topology(topology)
    found = find_cuts(compiled)
    assert found.complete
    ids = [id for id in topology.faults if id != "gap"]
    for entry in topology.entries:
        minimal: list[frozenset[str]] = []
        for size in range(4):
            for chosen in combinations(ids, size):
                if not any(cut <= set(chosen) for cut in minimal) and naive_down(topology, chosen)[entry.component]:
                    minimal.append(frozenset(chosen))
        named = {frozenset(compiled.events[index] for index in members(cut)) for cut in found.by_entry[entry.address]}
        assert named == set(minimal)


@pytest.mark.parametrize("seed", range(60))
def test_unavailability_is_that_of_brute_force(seed: int) -> None:
    topology = random_topology(seed + 5_000, faults=7)
    found = find_unavailability(compile_topology(topology), {})
    ids = sorted(topology.faults)
    for bound, pick in enumerate(BOUNDS):
        p = {id: p_fault(topology.faults[id], pick) for id in ids}
        total = dict.fromkeys((entry.address for entry in topology.entries), 0.0)
        for size in range(len(ids) + 1):
            for chosen in combinations(ids, size):
                weight = 1.0
                for id in ids:
                    weight *= p[id] if id in chosen else 1.0 - p[id]
                down = naive_down(topology, chosen, gaps=True)
                for entry in topology.entries:
                    total[entry.address] += weight * down[entry.component]
        for entry in topology.entries:
            estimate = found[entry.address].estimate
            assert estimate.method == "exact"
            assert (estimate.low, estimate.value, estimate.high)[bound] == pytest.approx(total[entry.address], rel=1e-9, abs=1e-15)


@given(st.lists(st.integers(0, 255), min_size=1, max_size=9), st.data())
def test_more_than_counts_bits(values: list[int], data: st.DataObject) -> None:
    spare = data.draw(st.integers(0, len(values) - 1))
    expected = sum(1 << bit for bit in range(8) if sum(value >> bit & 1 for value in values) > spare)
    assert more_than(spare, values) == expected


@pytest.mark.parametrize("seed", range(40))
def test_a_further_fault_never_brings_an_entry_up(seed: int) -> None:
    topology = random_topology(seed + 900)
    ids = [id for id in topology.faults if id != "gap"]
    draw = random.Random(seed)
    smaller = tuple(sorted(draw.sample(ids, 3)))
    larger = tuple(sorted({*smaller, *draw.sample(ids, 3)}))
    for bits in sweep(compile_topology(topology), (smaller, larger)).values():
        assert bits in (0, 2, 3)
