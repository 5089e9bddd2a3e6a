"""Who is the single point: the owner of the fault, by copy, zone and zonal component; and who is none."""

from __future__ import annotations

from engine_systems import EXACT, fault, part, spread, system, zone
from msgspec.structs import replace

from faultray_action.engine.compiled import compile_topology
from faultray_action.engine.cuts import chain, dominating
from faultray_action.engine.examine import examine
from faultray_action.model.component import Copy, Fault, FaultClass, Kind, Recovery
from faultray_action.model.outcome import SinglePoint
from faultray_action.model.topology import Dependency, EntryPoint, Role, Topology


def rows(topology: Topology) -> dict[str, SinglePoint]:
    return {row.address: row for row in examine(topology).single_points}


def test_one_row_for_a_component_with_all_its_classes() -> None:
    found = rows(system([spread("db", ("a",)), spread("app", ("a", "b"))], [("app", "db")], ["app"]))
    assert list(found) == ["db"]
    assert found["db"].classes == (FaultClass.COPY, FaultClass.ZONE)
    assert found["db"].faults == ("copy:db#0", "zone:a of db")
    assert found["db"].zones == ("a",)
    assert found["db"].failures_per_year == 0.6


def test_three_copies_in_one_zone_are_a_zone_single_point() -> None:
    found = rows(system([spread("app", ("a", "a", "a"))], (), ["app"]))
    assert found["app"].classes == (FaultClass.ZONE,)


def test_two_of_three_over_two_zones() -> None:
    found = rows(system([spread("quorum", ("a", "a", "b"), needed=2)], (), ["quorum"]))
    assert (found["quorum"].classes, found["quorum"].zones) == ((FaultClass.ZONE,), ("a",))


def test_the_gateway_through_which_the_copies_leave_is_the_owner() -> None:
    """A lone NAT gateway's fault sits on every copy of the service; its own zone is where it stands, not where they do."""
    nat_fault = fault("zonal:nat", 0.05, address="nat", kind=FaultClass.ZONAL)
    nat = part("nat", (Copy(("zonal:nat", "zone:a"), "a"),))
    app, faults = spread("app", ("a", "b"))
    app = replace(app, copies=tuple(replace(copy, faults=(*copy.faults, "zonal:nat")) for copy in app.copies))
    found = rows(system([(nat, [nat_fault, zone("a")]), (app, [*faults, nat_fault])], (), ["app"]))
    assert list(found) == ["nat"]
    assert found["nat"].classes == (FaultClass.ZONAL, FaultClass.ZONE)
    assert found["nat"].zones == ("a",)


def test_the_node_under_all_pods_is_the_owner() -> None:
    host = fault("host:nodes#0", address="nodes")
    nodes = part("nodes", (Copy((host.id, "zone:a"), "a"),))
    pods, faults = spread("pods", ("a", "a"))
    pods = replace(pods, copies=tuple(replace(copy, faults=(*copy.faults, host.id)) for copy in pods.copies))
    found = rows(system([(nodes, [host, zone("a")]), (pods, [*faults, host])], (), ["pods"]))
    assert found["nodes"].classes == (FaultClass.COPY, FaultClass.ZONE)
    assert found["pods"].classes == (FaultClass.ZONE,)


def test_a_rule_that_shares_its_load_balancers_copies_is_no_point_of_its_own() -> None:
    balancer, faults = spread("lb", ("a",))
    rule = part("rule", balancer.copies, kind=Kind.CONNECTOR)
    found = rows(system([(balancer, faults), (rule, faults)], (), ["rule"]))
    assert list(found) == ["lb"]


def test_a_managed_part_pinned_to_one_zone() -> None:
    service = fault("service:aws:lambda@r", 0.05, kind=FaultClass.SERVICE)
    function = part("function", (Copy(("zone:a", service.id), "a"),), managed=True)
    found = examine(system([(function, [zone("a"), service])], (), ["function"]))
    assert [(row.address, row.classes, row.faults) for row in found.single_points] == [
        ("function", (FaultClass.ZONE,), ("zone:a of function",))
    ]
    assert [row.fault for row in found.shared] == [service.id]
    assert found.entries[0].hazard_per_year == 0.1


def test_a_zone_that_only_the_combination_makes_critical_is_shared() -> None:
    """Either path would do, both stand in zone a: no component's copies alone, yet the zone is a cut of order 1."""
    parts = [spread("one", ("a",)), spread("other", ("a",)), (part("entry", (), 0), [])]
    edges = [Dependency("entry", name, group="paths") for name in ("one", "other")]
    found = examine(system(parts, edges, ["entry"]))
    assert found.single_points == ()
    assert [(row.fault, row.fault_class) for row in found.shared] == [("zone:a", FaultClass.ZONE)]
    assert found.entries[0].order_one == ("zone:a",)


def test_region_service_and_common_cause_are_dependencies_not_points() -> None:
    common = Fault("common:app", FaultClass.COMMON_CAUSE, EXACT(0.02), EXACT(1), Recovery.SELF_HEALS, "app")
    region = fault("region:r", 0.03, 8, FaultClass.REGION)
    app, faults = spread("app", ("a", "b"))
    app = replace(app, copies=tuple(replace(copy, faults=(*copy.faults, common.id, region.id)) for copy in app.copies))
    found = examine(system([(app, [*faults, common, region])], (), ["app"]))
    assert found.single_points == ()
    assert {row.fault for row in found.shared} == {"common:app", "region:r"}
    assert found.entries[0].hazard_per_year == 0.02


def test_a_cut_off_entry_is_in_nobodys_outage() -> None:
    topology = system([spread("db", ("a",)), spread("app", ("a", "b"))], [("app", "db"), Dependency("app", "gone")], ["app"])
    found = examine(topology)
    assert found.entries[0].cut_off
    assert found.entries[0].unavailability.value == 1.0
    assert found.single_points == ()
    assert found.down == {"app": True, "db": False}


def consumer(retention_hours: float, recovery: Recovery) -> Topology:
    worker, faults = spread("worker", ("a",), recovery=recovery)
    faults = [replace(each, recovery=recovery) if each.address else each for each in faults]
    return system([(worker, faults)], (), [EntryPoint("queue", "worker", "x", deferred=True, retention_hours=retention_hours)])


def test_a_queue_consumer_rides_out_what_heals_within_the_retention() -> None:
    found = examine(consumer(96.0, Recovery.SELF_HEALS))
    assert found.single_points == ()
    assert found.entries[0].hazard_per_year == 0.0
    assert found.entries[0].unavailability.value == 0.0


def test_a_queue_consumer_sees_what_lasts_or_outlives_the_retention() -> None:
    lasting = examine(consumer(96.0, Recovery.MANUAL))
    assert [row.classes for row in lasting.single_points] == [(FaultClass.COPY, FaultClass.ZONE)]
    assert lasting.entries[0].hazard_per_year == 0.6
    short = examine(consumer(4.0, Recovery.SELF_HEALS))
    assert [row.classes for row in short.single_points] == [(FaultClass.ZONE,)]
    assert short.entries[0].hazard_per_year == 0.1


def test_failover_gaps_count_in_unavailability_only() -> None:
    gap = Fault("gap:db", FaultClass.GAP, EXACT(0.3), EXACT(0.025), Recovery.FAILS_OVER, "db")
    database, faults = spread("db", ("a", "b"), gaps=("gap:db",))
    with_gap = examine(system([(database, [*faults, gap])], (), ["db"]))
    without = examine(system([(replace(database, gaps=()), faults)], (), ["db"]))
    assert with_gap.single_points == without.single_points == ()
    assert with_gap.entries[0].hazard_per_year == 0.0
    assert with_gap.entries[0].unavailability.value > without.entries[0].unavailability.value
    assert "gap:db" in {row.fault for row in with_gap.entries[0].importance}


def test_roles_and_breakers_that_carry_no_outage() -> None:
    lone = spread("lone", ("a",))
    for edge in (
        *(Dependency("app", "lone", role) for role in (Role.OPTIONAL, Role.ASYNC, Role.STARTUP, Role.REPLICA)),
        Dependency("app", "lone", breaker=True),
    ):
        assert rows(system([lone, spread("app", ("a", "b"))], [edge], ["app"])) == {}
    without_fallback = Dependency("app", "lone", breaker=True, fallback=False)
    assert list(rows(system([lone, spread("app", ("a", "b"))], [without_fallback], ["app"]))) == ["lone"]


def test_the_chain_and_the_dominators_that_explain_an_outage() -> None:
    parts = [spread(name, ("a",)) for name in ("lb", "one", "two", "db")]
    edges = [("lb", "one"), ("lb", "two"), ("one", "db"), ("two", "db")]
    compiled = compile_topology(system(parts, edges, ["lb"]))
    assert chain(compiled, "lb", "db") == ("lb", "one", "db")
    assert chain(compiled, "db", "lb") == ()
    assert dominating(compiled, "lb", "db") == ("lb", "db")
    assert dominating(compiled, "db", "lb") == ()
