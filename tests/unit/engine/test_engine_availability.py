"""Estimates where the exact diagram is too large, importances, and the small formulas."""

from __future__ import annotations

import math
from itertools import combinations

import pytest
from engine_systems import fault, part, random_topology, spread, system
from msgspec.structs import replace

from faultray_action.engine.availability import find_unavailability
from faultray_action.engine.bounds import sample
from faultray_action.engine.compiled import compile_topology
from faultray_action.engine.cuts import find_cuts
from faultray_action.engine.probability import BOUNDS, p_any, p_at_least, p_count, p_fault
from faultray_action.model.component import Copy
from faultray_action.model.errors import InputError
from faultray_action.model.topology import Dependency, EntryPoint, Topology
from faultray_action.model.units import Interval, p_down


def rare(seed: int) -> Topology:
    """A random system with the probabilities of real ones."""
    topology = random_topology(seed, size=7, faults=10)
    faults = {
        id: replace(each, failures_per_year=Interval(0.1, 0.5, 1.0), repair_hours=Interval(1.0, 4.0, 8.0))
        for id, each in topology.faults.items()
    }
    return replace(topology, faults=faults)


@pytest.mark.parametrize("seed", range(40))
def test_bounds_hold_the_exact_value(seed: int) -> None:
    compiled = compile_topology(rare(seed + 100))
    exact = find_unavailability(compiled, {})
    for entry, found in find_unavailability(compiled, {}, nodes=2).items():
        value = exact[entry].estimate.value
        if found.estimate.method == "exact":
            continue
        assert found.estimate.method in ("bound", "sample")
        assert found.estimate.low <= exact[entry].estimate.low * (1 + 1e-9)
        assert found.estimate.high >= exact[entry].estimate.high * (1 - 1e-9)
        assert abs(found.estimate.value - value) <= found.estimate.error * (1 + 1e-9) + 1e-15
        assert found.estimate.error <= max(value * 0.05, 1e-6)


@pytest.mark.parametrize("seed", range(12))
def test_a_sample_is_within_its_error_and_repeats_itself(seed: int) -> None:
    topology = random_topology(seed + 300, size=7, faults=10)
    compiled = compile_topology(topology)
    exact = find_unavailability(compiled, {})
    p = {compiled.event_of[id]: p_fault(each, BOUNDS[1]) for id, each in topology.faults.items()}
    for entry, vertex in zip(topology.entries, compiled.entry_vertices, strict=True):
        value, error = sample(compiled, vertex, p)
        assert (value, error) == sample(compiled, vertex, p)
        assert abs(value - exact[entry.address].estimate.value) <= 2 * error + 1e-12


@pytest.mark.parametrize("seed", range(25))
def test_importances_are_the_derivative_and_the_share_that_goes_away(seed: int) -> None:
    topology = random_topology(seed + 500)
    compiled = compile_topology(topology)
    found = find_unavailability(compiled, {})
    for entry in topology.entries:
        value = found[entry.address].estimate.value
        for row in found[entry.address].importance:
            without = find_unavailability(compiled, {entry.address: frozenset((row.fault,))})[entry.address].estimate.value
            assert row.fussell_vesely == pytest.approx((value - without) / value if value else 0.0, abs=1e-9)
            assert row.birnbaum * p_fault(topology.faults[row.fault], BOUNDS[1]) == pytest.approx(value - without, abs=1e-12)


def test_low_default_and_high_are_the_systems_at_those_rates() -> None:
    component, faults = spread("app", ("a", "b"))
    faults = [replace(each, failures_per_year=Interval(0.1, 0.5, 2.0), repair_hours=Interval(1.0, 2.0, 3.0)) for each in faults]
    estimate = find_unavailability(compile_topology(system([(component, faults)], (), ["app"])), {})["app"].estimate
    for got, rate, hours in ((estimate.low, 0.1, 1.0), (estimate.value, 0.5, 2.0), (estimate.high, 2.0, 3.0)):
        p = p_down(rate, hours)
        assert got == pytest.approx((1 - (1 - p) ** 2) ** 2, rel=1e-12)


def test_a_shared_event_is_counted_once() -> None:
    """Ten services in series on one zone: the zone enters once, not ten times."""
    parts = [spread(f"s{index}", ("a",)) for index in range(10)]
    topology = system(parts, [("s0", f"s{index}") for index in range(1, 10)], ["s0"])
    own, domain = p_down(0.5, 2.0), p_down(0.1, 6.0)
    estimate = find_unavailability(compile_topology(topology), {})["s0"].estimate
    assert estimate.value == pytest.approx(1 - (1 - domain) * (1 - own) ** 10, rel=1e-12)


def test_a_cycle_of_needs_has_an_answer() -> None:
    topology = system([spread("a", ("",)), spread("b", ("",))], [("a", "b"), ("b", "a")], ["a"])
    p = p_down(0.5, 2.0)
    assert find_unavailability(compile_topology(topology), {})["a"].estimate.value == pytest.approx(1 - (1 - p) ** 2, rel=1e-12)


def test_a_thousand_components_in_series_need_no_deep_stack() -> None:
    parts = [spread(f"s{index:04d}", ("",)) for index in range(1_500)]
    edges = [(f"s{index:04d}", f"s{index + 1:04d}") for index in range(1_499)]
    estimate = find_unavailability(compile_topology(system(parts, edges, ["s0000"])), {})["s0000"].estimate
    assert estimate.method == "exact"
    assert estimate.value == pytest.approx(-math.expm1(1_500 * math.log1p(-p_down(0.5, 2.0))), rel=1e-9)


def test_the_count_of_events_at_once() -> None:
    p = [0.1, 0.2, 0.3, 0.4]
    exact = [0.0] * 5
    for size in range(5):
        for chosen in combinations(range(4), size):
            exact[size] += math.prod(p[i] if i in chosen else 1 - p[i] for i in range(4))
    assert p_count(p, 4) == pytest.approx(exact)
    assert p_at_least(p, 3) == pytest.approx(exact[3] + exact[4])
    assert p_at_least([1e-6] * 4, 4) == pytest.approx(1e-24)
    assert p_any([1.0, 0.5]) == 1.0


def test_cuts_within_a_budget_say_what_they_left_out() -> None:
    parts = [spread(f"s{index}", ("", "")) for index in range(30)]
    topology = system(parts, [("s0", f"s{index}") for index in range(1, 30)], ["s0"])
    compiled = compile_topology(topology)
    assert find_cuts(compiled).complete
    small = find_cuts(compiled, budget=40)
    assert not small.complete
    assert small.by_entry["s0"] <= find_cuts(compiled).by_entry["s0"]


def test_what_does_not_exist_is_named() -> None:
    with pytest.raises(InputError, match="entry point `e` names the component `gone`"):
        compile_topology(system([spread("a", ("",))], (), [EntryPoint("e", "gone", "x")]))
    with pytest.raises(InputError, match="`a` names the fault 'nowhere'"):
        compile_topology(system([(part("a", (Copy(("nowhere",)),)), [])], (), ["a"]))


def test_copies_that_cannot_fail_and_copies_that_are_not_there() -> None:
    topology = system(
        [(part("perfect", (Copy(()),)), []), (part("none", (), 1), []), (part("idle", (Copy(("f",)),), 0), [fault("f")])],
        [Dependency("perfect", "idle")],
        ["perfect", "none"],
    )
    found = find_unavailability(compile_topology(topology), {})
    assert found["perfect"].estimate.value == 0.0
    assert found["none"].estimate.value == 1.0
