"""Laws of the scenario set: distinct in what they take, canonical, shared by both sides, thinned by a rule that says what it dropped."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest
from cascade_systems import random_system
from msgspec.structs import replace
from scenario_systems import demo, fleet

from faultray_action.model.scenario import ID_SEPARATOR, Scenario, ScenarioSet, WhatIfKind, scenario_id
from faultray_action.model.topology import Topology
from faultray_action.scenarios.events import closure
from faultray_action.scenarios.generate import generate

NEVER_DROPPED = {"domain", "copy", "what-if", "domain-copy"}


def effect(scenario: Scenario, sides: Iterable[Topology]) -> object:
    """What a scenario takes, by definition: the ground of every lost copy on every side, with how many are lost there; and its levels."""
    lost = []
    for number, side in enumerate(sides):
        reached = closure(side)
        for address, component in side.components.items():
            whole = any(w.kind is WhatIfKind.ALL_COPIES and w.target == address for w in scenario.what_ifs)
            for index, copy in enumerate(component.copies):
                if address in reached and (whole or not set(scenario.faults).isdisjoint(copy.faults)):
                    lost.append((number, address, index))
    return frozenset(lost), tuple(w for w in scenario.what_ifs if w.kind is not WhatIfKind.ALL_COPIES)


def sides_of_a_change(seed: int) -> tuple[Topology, Topology]:
    """A random system and what is left of it after a random change: copies and edges gone, a component removed."""
    before, draw = random_system(seed), random.Random(f"change {seed}")
    gone = draw.choice(list(before.components))
    shrunk = {
        name: replace(
            component, copies=component.copies[: draw.randint(0, len(component.copies))] if draw.random() < 0.5 else component.copies
        )
        for name, component in before.components.items()
        if name != gone or len(before.components) == 1
    }
    edges = tuple(edge for edge in before.dependencies if draw.random() < 0.8)
    entries = tuple(entry for entry in before.entries if entry.component in shrunk)
    return before, replace(before, components=shrunk, dependencies=edges, entries=entries)


def assert_distinct(found: ScenarioSet, *sides: Topology) -> None:
    assert len({scenario.id for scenario in found.scenarios}) == len(found.scenarios)
    assert len({effect(scenario, sides) for scenario in found.scenarios}) == len(found.scenarios)


@pytest.mark.parametrize("seed", range(60))
def test_no_two_scenarios_differ_in_name_only(seed: int) -> None:
    before, after = sides_of_a_change(seed)
    assert_distinct(generate([before, after], budget=400), before, after)


def test_sixty_components_have_more_than_2500_and_the_demo_more_than_2000() -> None:
    system = fleet(60)
    found = generate([system, system])
    assert len(found.scenarios) > 2_500
    assert_distinct(found, system, system)
    shown = generate([demo()])
    assert len(shown.scenarios) > 2_000
    assert_distinct(shown, demo())


@pytest.mark.parametrize("seed", range(30))
def test_ids_are_canonical_and_shared_by_the_sides(seed: int) -> None:
    before, after = sides_of_a_change(seed)
    found = generate([before, after], budget=300)
    assert [s.id for s in found.scenarios] == [scenario_id(s.faults, s.what_ifs) for s in found.scenarios]
    assert all(list(s.faults) == sorted(s.faults) and list(s.what_ifs) == sorted(s.what_ifs) for s in found.scenarios)
    swapped = generate([after, before], budget=300)
    assert {s.id for s in swapped.scenarios} == {s.id for s in found.scenarios}


@pytest.mark.parametrize("seed", range(30))
def test_the_order_of_components_and_edges_does_not_matter(seed: int) -> None:
    topology, draw = random_system(seed), random.Random(seed)
    names, edges = list(topology.components), list(topology.dependencies)
    draw.shuffle(names)
    draw.shuffle(edges)
    shuffled = replace(topology, components={name: topology.components[name] for name in names}, dependencies=tuple(edges))
    assert generate([topology], budget=200) == generate([shuffled], budget=200)


def test_only_what_an_entry_reaches_is_asked() -> None:
    system = fleet(20)
    beside = fleet(5, prefix="beside")
    both = replace(system, components={**system.components, **beside.components}, faults={**system.faults, **beside.faults})
    assert generate([both], budget=600) == generate([system], budget=600)


@pytest.mark.parametrize("budget", [0, 10, 700, 1500, 5000])
def test_thinning_keeps_what_must_stay_and_says_what_it_dropped(budget: int) -> None:
    system = fleet(40)
    found = generate([system], budget=budget)
    whole = dict(found.candidates)
    kept: dict[str, int] = {}
    for scenario in found.scenarios:
        kept[scenario.stratum] = kept.get(scenario.stratum, 0) + 1
    assert {name: kept.get(name, 0) + dict(found.dropped).get(name, 0) for name in whole} == whole
    assert not NEVER_DROPPED & dict(found.dropped).keys()
    assert len(found.scenarios) == max(budget, sum(kept.get(name, 0) for name in NEVER_DROPPED)) or not found.dropped


def test_a_larger_budget_keeps_what_a_smaller_one_kept() -> None:
    system = fleet(40)
    small, large = ({s.id for s in generate([system], budget=budget).scenarios} for budget in (1_000, 1_400))
    assert small <= large


def test_the_mass_covered_is_a_probability_and_grows_with_the_budget() -> None:
    system = fleet(60)
    masses = [generate([system], budget=budget).covered_mass for budget in (0, 1_000, 3_000, 10_000)]
    assert masses == sorted(masses)
    assert 0.9 < masses[0] <= masses[-1] <= 1.0


def test_traffic_levels_are_levels_of_a_scenario_that_is_there_without() -> None:
    found = generate([demo()])
    ids = {scenario.id for scenario in found.scenarios}
    plain = [s for s in found.scenarios if s.stratum in ("copy-traffic", "pair-traffic")]
    assert plain
    assert all(ID_SEPARATOR.join(s.faults) in ids for s in plain)
