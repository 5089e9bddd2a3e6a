"""Copies in bulk: counted, not made, and no answer depends on that."""

from __future__ import annotations

from itertools import product
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from faultray_action.catalogue.reliability import load_reliability
from faultray_action.declared.read import parse_infra
from faultray_action.declared.writer import write_infra
from faultray_action.engine.cascade import run
from faultray_action.engine.examine import examine
from faultray_action.engine.structure import more_than
from faultray_action.model.component import NAMES, Component, Copy, Fault, FaultClass, Kind
from faultray_action.model.outcome import Examination
from faultray_action.model.topology import EntryPoint, Topology
from faultray_action.scenarios.generate import generate
from faultray_action.scenarios.parse import parse_scenario
from faultray_action.topology.bulk import counted, dealt_over, stands_for
from faultray_action.topology.from_declared import build
from faultray_action.topology.redundancy import Dealt, RedundancySpec, deal_copies

TABLE = load_reliability()
ROW = TABLE.row("vm")


def spec_of(copies: int, needed: int, zones: str = "abc") -> RedundancySpec:
    return RedundancySpec(
        "app", copies, needed, ROW.failures_per_year, ROW.repair_hours, ROW.recovery, zones=tuple(zones), provider="aws", regions=("r",)
    )


def topology_of(dealt: Dealt, needed: int) -> Topology:
    component = Component("app", Kind.APP_SERVER, "app", dealt.copies, needed, region="r")
    faults = {fault.id: fault for fault in dealt.faults}
    return Topology(MappingProxyType({"app": component}), (), MappingProxyType(faults), (EntryPoint("app", "app", "app"),))


def one_by_one(copies: int, needed: int, zones: str = "abc") -> Dealt:
    """The same deal with every copy made: what a copy holds is read off the first of its zone."""
    few = deal_copies(spec_of(len(zones) * 2, needed, zones), TABLE)
    own = next(fault for fault in few.faults if fault.fault_class is FaultClass.COPY)
    shared = [tuple(id for id in copy.faults if not id.startswith("copy:")) for copy in few.copies[: len(zones)]]
    made = [Copy((f"copy:app#{n}", *shared[n % len(zones)]), few.copies[n % len(zones)].zone) for n in range(copies)]
    faults: list[Fault] = [fault for fault in few.faults if fault.fault_class is not FaultClass.COPY]
    faults += [replace(own, id=f"copy:app#{n}") for n in range(copies)]
    return Dealt(tuple(made), (), tuple(sorted(faults, key=lambda fault: fault.id)))


def told(found: Examination) -> list[object]:
    points = [(p.address, p.classes, p.takes_down, p.recovery, p.zones, round(p.failures_per_year, 6)) for p in found.single_points]
    return [*points, *[(round(entry.hazard_per_year, 6), entry.cut_off) for entry in found.entries]]


@pytest.mark.parametrize(
    ("copies", "needed", "zones"),
    [(65, 1, "abc"), (100, 100, "abc"), (100, 99, "abc"), (100, 67, "abc"), (80, 79, "a")],
)
def test_counted_copies_answer_as_copies_made_one_by_one(copies: int, needed: int, zones: str) -> None:
    """The same single points and hazard; the unavailability of many copies within two percent of the exact one."""
    bulk = examine(topology_of(deal_copies(spec_of(copies, needed, zones), TABLE), needed))
    made = examine(topology_of(one_by_one(copies, needed, zones), needed))
    assert told(bulk) == told(made)
    assert bulk.entries[0].unavailability.value == pytest.approx(made.entries[0].unavailability.value, rel=0.02)


@pytest.mark.parametrize("copies", [100, 1_000, 100_000, 10**9])
def test_what_it_costs_does_not_depend_on_the_number(copies: int) -> None:
    dealt = deal_copies(spec_of(copies, 1), TABLE)
    assert len(dealt.copies) <= NAMES + 3
    assert sum(copy.count for copy in dealt.copies) == copies
    topology = topology_of(dealt, 1)
    assert len(generate((topology,)).scenarios) == len(generate((topology_of(deal_copies(spec_of(65, 1), TABLE), 1),)).scenarios)
    assert [point.address for point in examine(topology).single_points] == []


@pytest.mark.parametrize("copies", range(1, NAMES + 1, 9))
def test_few_copies_are_values_of_their_own(copies: int) -> None:
    assert deal_copies(spec_of(copies, 1), TABLE) == deal_copies(spec_of(copies, 1), TABLE)._replace(copies=one_by_one(copies, 1).copies)


@given(st.integers(0, 10**6), st.integers(1, 40))
def test_turns_add_up_and_stand_on_their_ground(copies: int, period: int) -> None:
    turns = counted(copies, period)
    assert sum(turn.count for turn in turns) == copies
    ground = [0] * period
    for turn in turns:
        ground[turn.index % period] += turn.count
    assert ground == [len(range(place, copies, period)) for place in range(period)]


@given(st.integers(NAMES + 1, 10**6))
def test_the_named_copies_stand_for_all_of_them(copies: int) -> None:
    assert sum(stands_for(copies, index) for index in range(NAMES)) == pytest.approx(copies)


@settings(deadline=None)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=6), st.data())
def test_more_than_counts_as_if_every_value_were_repeated(counts: list[int], data: st.DataObject) -> None:
    spare = data.draw(st.integers(0, sum(counts) - 1))
    cases = list(product((0, 1), repeat=len(counts)))
    masks = [sum(case[place] << number for number, case in enumerate(cases)) for place in range(len(counts))]
    expected = sum(
        (sum(one * weight for one, weight in zip(case, counts, strict=True)) > spare) << number for number, case in enumerate(cases)
    )
    assert more_than(spare, masks, counts) == expected


@given(st.lists(st.integers(1, 50), min_size=1, max_size=6), st.integers(1, 10**6))
def test_dealing_over_machines_loses_none_and_favours_none(counts: list[int], wanted: int) -> None:
    machines = [Copy((f"copy:m#{number}",), count=count) for number, count in enumerate(counts)]
    dealt = dealt_over(machines, wanted)
    assert sum(copy.count for copy in dealt) == wanted
    each = wanted // sum(counts)
    given_to = {copy.faults: copy.count for copy in dealt}
    assert all(each * m.count <= given_to.get(m.faults, 0) <= (each + 1) * m.count for m in machines)


POOL = """version: 1
components:
  - {id: lb, type: load_balancer}
  - {id: nodes, type: app_server, replicas: %(n)d, zones: %(zones)s}
  - {id: pods, type: container, replicas: %(n)d, falls_with: [nodes], own_failures: false, needed: %(needed)d}
dependencies:
  - {source: lb, target: pods, type: requires}
"""


@pytest.mark.parametrize(("zones", "share"), [("[a]", 0.1), ("[a, b, c]", 0.1), ("[a, b]", 0.7)])
def test_what_runs_on_machines_in_bulk_has_the_single_points_of_few(zones: str, share: float) -> None:
    found = []
    for copies in (30, 300, 6_000):
        text = POOL % {"n": copies, "zones": zones, "needed": int(copies * share)}
        topology = build(parse_infra(text, "infra.yaml"), TABLE)
        assert topology.components["pods"].size == copies
        again = build(parse_infra(write_infra(topology, TABLE), "infra.yaml"), TABLE)
        assert (again.components["nodes"].copies, again.components["pods"].size) == (topology.components["nodes"].copies, copies)
        found.append([(point.address, point.classes, point.zones) for point in examine(topology).single_points])
    assert found[0] == found[1] == found[2]


def test_the_loss_of_a_zone_replays_with_all_that_stands_there() -> None:
    topology = topology_of(deal_copies(spec_of(9_000, 7_000), TABLE), 7_000)
    assert [point.zones for point in examine(topology).single_points] == [("a", "b", "c")]
    assert run(topology, parse_scenario("zone:a of app", topology)).entries_failing == ("app",)
    assert run(topology, parse_scenario("copy:app#0 & copy:app#40", topology)).entries_failing == ()
