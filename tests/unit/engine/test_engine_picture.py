"""Places and ripples: what a picture is drawn from is what the engine says, and nothing overlaps."""

from __future__ import annotations

from engine_systems import random_topology, spread, system
from hypothesis import given
from hypothesis import strategies as st

from faultray_action.engine.cascade import run
from faultray_action.engine.layout import FOLD, lay_out
from faultray_action.engine.ripple import ripples
from faultray_action.model.outcome import Health
from faultray_action.model.scenario import Scenario, WhatIf, WhatIfKind, scenario_id
from faultray_action.model.topology import Dependency, Topology

graphs = st.integers(1, 40).flatmap(
    lambda size: st.tuples(
        st.just([f"n{index}" for index in range(size)]),
        st.lists(st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)).map(lambda e: (f"n{e[0]}", f"n{e[1]}")), max_size=80),
    )
)


@given(graphs)
def test_every_component_has_a_place_of_its_own(graph: tuple[list[str], list[tuple[str, str]]]) -> None:
    nodes, edges = graph
    placed = lay_out(nodes, edges, nodes[:1])
    assert set(placed.spots) == set(nodes)
    spots = sorted(placed.spots.values())
    for one, other in ((a, b) for i, a in enumerate(spots) for b in spots[i + 1 :]):
        assert abs(one[0] - other[0]) >= 0.999 or abs(one[1] - other[1]) >= 0.999, (one, other)
    assert all(-1e-9 <= x <= placed.columns - 0.999 and -1e-9 <= y <= placed.rows - 0.999 for x, y in spots)
    assert lay_out(nodes, edges, nodes[:1]) == placed


def test_needs_run_to_the_right_and_long_ones_bend() -> None:
    placed = lay_out(["entry", "api", "db"], [("entry", "api"), ("api", "db"), ("entry", "db")], ["entry"])
    columns = [placed.spots[name][0] for name in ("entry", "api", "db")]
    assert columns == sorted(set(columns))
    assert len(placed.bends["entry", "db"]) == 1


def test_a_cycle_and_nothing_at_all_can_be_laid_out() -> None:
    assert set(lay_out(["a", "b"], [("a", "b"), ("b", "a"), ("a", "a")]).spots) == {"a", "b"}
    assert lay_out([], []).spots == {}


def test_a_wide_layer_is_folded() -> None:
    leaves = [f"leaf{index:03}" for index in range(5 * FOLD)]
    placed = lay_out(["root", *leaves], [("root", leaf) for leaf in leaves], ["root"])
    assert placed.rows <= FOLD + 1e-9 and placed.columns >= 6


@given(st.integers(0, 10_000))
def test_traced_and_swept_ripples_agree(seed: int) -> None:
    topology = random_topology(seed)
    shown = frozenset(topology.components)
    traced, swept = ripples(topology, shown), ripples(topology, shown, traced=0)
    assert [one.id for one in traced] == [one.id for one in swept]
    for one, other in zip(traced[1:], swept[1:], strict=True):
        assert one.traced and not other.traced
        assert {visit.component for visit in one.visits if visit.health is Health.DOWN} == {visit.component for visit in other.visits}
        assert set(one.entries_down) == set(other.entries_down)


@given(st.integers(0, 10_000))
def test_a_ripple_is_the_cascade_beyond_what_is_down_anyway(seed: int) -> None:
    topology = random_topology(seed)
    rest = run(topology, Scenario("", "page")).health
    for ripple in ripples(topology, frozenset(topology.components)):
        if ripple.kind == "component":
            what_ifs = (WhatIf(WhatIfKind.ALL_COPIES, ripple.subject),)
            health = run(topology, Scenario(scenario_id((), what_ifs), "page", (), what_ifs)).health
            assert {v.component: v.health for v in ripple.visits} == {a: h for a, h in health.items() if h > rest.get(a, Health.HEALTHY)}
        earlier = {""}
        for visit in ripple.visits:
            earlier.add(visit.component)
        assert all(visit.cause in earlier or rest.get(visit.cause) for visit in ripple.visits)


def _chain() -> Topology:
    parts = [spread(name, ("a",)) for name in ("site", "route", "api")]
    return system(parts, [Dependency("site", "route"), Dependency("route", "api")], ["site"])


def test_a_step_through_what_is_not_shown_is_told_of_the_one_before() -> None:
    ripple = next(one for one in ripples(_chain(), {"site", "api"}) if one.subject == "api")
    assert [(visit.component, visit.cause) for visit in ripple.visits] == [("api", ""), ("site", "api")]


def test_domains_come_first_and_are_traced_first() -> None:
    found = ripples(_chain(), {"site", "route", "api"}, traced=1)
    assert [one.kind for one in found] == ["rest", "zone", "component", "component", "component"]
    assert [one.traced for one in found] == [True, True, False, False, False]
