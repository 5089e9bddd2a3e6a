"""Copies, zones, common cause and failover gaps: the laws of one redundancy group, by brute force over its events."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from faultray_action.model.component import Fault, FaultClass, Recovery
from faultray_action.model.reliability import Quantity, ReliabilityRow, ReliabilityTable
from faultray_action.model.units import Interval, p_down
from faultray_action.topology.redundancy import Dealt, RedundancySpec, deal_copies, gap_hours

TABLE = ReliabilityTable(
    rows={
        "zone": ReliabilityRow("zone", Interval(0.03, 0.1, 0.3), Interval(2, 6, 12)),
        "region": ReliabilityRow("region", Interval(0.01, 0.03, 0.1), Interval(4, 8, 14)),
        "provider_service": ReliabilityRow("provider_service", Interval(0.05, 0.2, 0.6), Interval(1, 3, 8)),
    },
    quantities={
        "beta_same_zone": Quantity("beta_same_zone", Interval.exactly(0.10), "fraction"),
        "beta_zones": Quantity("beta_zones", Interval.exactly(0.05), "fraction"),
        "beta_regions": Quantity("beta_regions", Interval.exactly(0.01), "fraction"),
    },
)
VM = RedundancySpec("app", 1, 1, Interval(0.5, 1.0, 2.0), Interval(0.5, 1.0, 4.0), provider="aws", regions=("eu-west-1",))


def down(dealt: Dealt, needed: int, happened: set[str]) -> bool:
    up = sum(not happened & set(copy.faults) for copy in dealt.copies)
    return up < needed or any(gap in happened for gap in dealt.gaps)


def unavailability(dealt: Dealt, needed: int) -> float:
    total = 0.0
    chances = [(fault.id, p_down(fault.failures_per_year.default, fault.repair_hours.default)) for fault in dealt.faults]
    for states in product((False, True), repeat=len(chances)):
        weight = 1.0
        for (_, p), happened in zip(chances, states, strict=True):
            weight *= p if happened else 1 - p
        if weight and down(dealt, needed, {id for (id, _), happened in zip(chances, states, strict=True) if happened}):
            total += weight
    return total


def hazard(dealt: Dealt, needed: int) -> float:
    return sum(
        fault.failures_per_year.default for fault in dealt.faults if fault.fault_class.counts_in_hazard and down(dealt, needed, {fault.id})
    )


def test_a_lone_copy_splits_the_given_rate_over_its_own_event_and_the_common_cause() -> None:
    dealt = deal_copies(replace(VM, zones=("eu-west-1a",), service="ec2"), TABLE)
    assert [fault.id for fault in dealt.faults] == [
        "common:app",
        "copy:app#0",
        "region:aws:eu-west-1",
        "service:aws:ec2@eu-west-1",
        "zone:aws:eu-west-1a",
    ]
    split = dealt.faults[0].failures_per_year.default + dealt.faults[1].failures_per_year.default
    assert split == pytest.approx(VM.failures_per_year.default)
    assert dealt.copies[0].zone == "eu-west-1a"
    assert dealt.gaps == ()


def test_copies_are_dealt_over_sorted_zones_and_keep_their_place_when_one_is_added() -> None:
    spec = replace(VM, zones=("c", "a", "b"), copies=4)
    assert [copy.zone for copy in deal_copies(spec, TABLE).copies] == ["a", "b", "c", "a"]
    assert [copy.zone for copy in deal_copies(replace(spec, copies=5), TABLE).copies][:4] == ["a", "b", "c", "a"]


def test_unnamed_zones_belong_to_one_component() -> None:
    one = deal_copies(replace(VM, copies=2, anonymous_zones=2), TABLE)
    other = deal_copies(replace(VM, address="db", copies=2, anonymous_zones=2), TABLE)
    zones = {fault.id for fault in one.faults if fault.fault_class is FaultClass.ZONE}
    assert zones == {"zone:?:app#1", "zone:?:app#2"}
    assert not zones & {fault.id for fault in other.faults}


def test_named_zones_are_shared() -> None:
    one = deal_copies(replace(VM, zones=("eu-west-1a",)), TABLE)
    other = deal_copies(replace(VM, address="db", zones=("eu-west-1a",)), TABLE)
    shared = {fault.id: fault for fault in one.faults} | {}
    assert all(shared[fault.id] == fault for fault in other.faults if fault.id in shared)
    assert "zone:aws:eu-west-1a" in shared.keys() & {fault.id for fault in other.faults}


@pytest.mark.parametrize(
    ("spec", "beta"),
    [
        (replace(VM, copies=2), 0.10),
        (replace(VM, copies=2, zones=("a",)), 0.10),
        (replace(VM, copies=2, zones=("a", "b")), 0.05),
        (replace(VM, copies=2, regions=("eu-west-1", "us-east-1"), zones=("eu-west-1a", "us-east-1a")), 0.01),
    ],
)
def test_common_cause_follows_the_span_and_the_marginal_stays(spec: RedundancySpec, beta: float) -> None:
    faults = {fault.id: fault for fault in deal_copies(spec, TABLE).faults}
    assert faults["common:app"].failures_per_year.default == pytest.approx(beta)
    assert faults["copy:app#0"].failures_per_year.default + faults["common:app"].failures_per_year.default == pytest.approx(1.0)


def test_zones_belong_to_the_region_they_are_named_after() -> None:
    spec = replace(VM, copies=2, regions=("us-east-1", "eu-west-1"), zones=("us-east-1a", "eu-west-1b"))
    held = [set(copy.faults) for copy in deal_copies(spec, TABLE).copies]
    assert {"region:aws:eu-west-1", "zone:aws:eu-west-1b"} <= held[0]
    assert {"region:aws:us-east-1", "zone:aws:us-east-1a"} <= held[1]


def test_a_managed_service_holds_domain_faults_only() -> None:
    dealt = deal_copies(replace(VM, managed=True, service="sqs"), TABLE)
    assert dealt.copies[0].faults == ("service:aws:sqs@eu-west-1", "region:aws:eu-west-1")
    pinned = deal_copies(replace(VM, managed=True, service="lambda", zones=("eu-west-1a",)), TABLE)
    assert "zone:aws:eu-west-1a" in pinned.copies[0].faults


def test_a_zonal_component_is_of_its_own_class() -> None:
    dealt = deal_copies(replace(VM, own_class=FaultClass.ZONAL, zones=("a",)), TABLE)
    assert {fault.id: fault.fault_class for fault in dealt.faults}["copy:app#0"] is FaultClass.ZONAL


def test_no_copies_have_no_faults() -> None:
    assert deal_copies(replace(VM, copies=0), TABLE) == Dealt((), (), ())


def test_the_gap_belongs_to_the_primary_and_not_to_the_number_of_standbys() -> None:
    spec = replace(VM, copies=2, zones=("a", "b"), stateful=True, failover_seconds=Interval(60, 90, 120))
    gap = _fault(deal_copies(spec, TABLE), "gap:app")
    assert gap.fault_class is FaultClass.GAP
    assert gap.recovery is Recovery.FAILS_OVER
    assert gap.repair_hours.default == pytest.approx(90 / 3600)
    assert _fault(deal_copies(replace(spec, copies=3), TABLE), "gap:app") == gap


@pytest.mark.parametrize("changed", [{"copies": 1}, {"failover_seconds": None}, {"stateful": False}, {"needed": 2}])
def test_no_gap_without_a_standby(changed: dict[str, object]) -> None:
    spec = replace(VM, copies=2, stateful=True, failover_seconds=Interval(60, 90, 120))
    assert deal_copies(replace(spec, **changed), TABLE).gaps == ()  # type: ignore[arg-type]


def test_a_failover_slower_than_healing_is_capped() -> None:
    slow = gap_hours(Interval(3600, 7200, 9000), Interval(0.5, 1, 2), Interval(0.1, 0.5, 1), 0.1)
    assert slow.default <= 0.5
    assert slow.default == pytest.approx(0.5, rel=1e-3)


SPECS = st.builds(
    RedundancySpec,
    address=st.just("app"),
    copies=st.integers(1, 4),
    needed=st.integers(1, 3),
    failures_per_year=st.floats(0.01, 500).map(Interval.exactly),
    repair_hours=st.floats(0.01, 100).map(Interval.exactly),
    zones=st.sampled_from([(), ("a",), ("a", "b"), ("a", "b", "c")]),
    provider=st.just("aws"),
    regions=st.just(("r",)),
    stateful=st.booleans(),
    failover_seconds=st.one_of(st.none(), st.floats(1, 7200).map(Interval.exactly)),
)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(spec=SPECS)
def test_a_copy_at_the_same_m_never_hurts(spec: RedundancySpec) -> None:
    spec = replace(spec, needed=min(spec.needed, spec.copies))
    before = deal_copies(spec, TABLE)
    after = deal_copies(replace(spec, copies=spec.copies + 1), TABLE)
    assert hazard(after, spec.needed) <= hazard(before, spec.needed) + 1e-12
    assert unavailability(after, spec.needed) <= unavailability(before, spec.needed) * (1 + 1e-12)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(spec=SPECS, zones=st.sampled_from([("a",), ("a", "b")]))
def test_a_zone_never_hurts_where_one_copy_suffices(spec: RedundancySpec, zones: tuple[str, ...]) -> None:
    spec = replace(spec, needed=1, zones=zones)
    before = deal_copies(spec, TABLE)
    after = deal_copies(replace(spec, zones=(*zones, "c")), TABLE)
    assert hazard(after, 1) <= hazard(before, 1) + 1e-12
    assert unavailability(after, 1) <= unavailability(before, 1) * (1 + 1e-12)


def _fault(dealt: Dealt, id: str) -> Fault:
    return next(fault for fault in dealt.faults if fault.id == id)
