"""Laws of the score (docs/model.md), and the original's defects as tests."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable

import pytest
from calibration_systems import SYSTEMS, TABLE, assemble, build, database_asset, textbook, three_tier
from engine_systems import fault, naive_down, part, random_topology, spread, system
from msgspec.structs import replace

from faultray_action.engine.examine import examine
from faultray_action.judgement.assess import assess, score_pair
from faultray_action.judgement.pairing import Side
from faultray_action.judgement.score import STANDARD
from faultray_action.model.component import Copy, FaultClass, Kind
from faultray_action.model.topology import DataAsset, Dependency, EntryPoint, Loss, LossKind, Role, Topology
from faultray_action.model.units import Interval

EPSILON = 1e-9


def side(topology: Topology) -> Side:
    return Side(topology, examine(topology, cuts=False))


def points(topology: Topology) -> float:
    assessment = assess(side(topology))
    assert assessment is not None
    return assessment.score


def delta(before: Topology, after: Topology) -> float:
    was, now = score_pair(side(before), side(after))
    assert was is not None
    assert now is not None
    return now.score - was.score


def with_copy(topology: Topology, address: str) -> Topology:
    """One copy more at the same number needed, with a fault of its own, on the domains of the last one."""
    component = topology.components[address]
    own = fault(f"copy:{address}#{len(component.copies)}", 0.7, 3.0, address=address)
    shared = (
        tuple(id for id in component.copies[-1].faults if topology.faults[id].fault_class is not FaultClass.COPY)
        if component.copies
        else ()
    )
    copies = (*component.copies, Copy((own.id, *shared), component.copies[-1].zone if component.copies else ""))
    components = {**topology.components, address: replace(component, copies=copies)}
    return replace(topology, components=components, faults=dict(sorted({**topology.faults, own.id: own}.items())))


def with_alternative(topology: Topology, index: int) -> Topology:
    """A plain need becomes one of two: a failover path to a fresh, perfect twin."""
    edge = topology.dependencies[index]
    twin = part(f"{edge.target}-twin", (), 0)
    group = f"failover-{index}"
    edges = (*topology.dependencies[:index], replace(edge, group=group), *topology.dependencies[index + 1 :])
    edges += (replace(edge, target=twin.address, group=group, broken=""),)
    return replace(topology, components=dict(sorted({**topology.components, twin.address: twin}.items())), dependencies=edges)


@pytest.mark.parametrize("seed", range(150))
def test_a_further_copy_never_lowers_the_score(seed: int) -> None:
    topology = random_topology(seed + 10_000)
    for address, component in topology.components.items():
        if component.needed:
            assert points(with_copy(topology, address)) >= points(topology) - EPSILON


@pytest.mark.parametrize("seed", range(60))
def test_a_failover_path_never_lowers_the_score(seed: int) -> None:
    topology = random_topology(seed + 20_000)
    for index, edge in enumerate(topology.dependencies):
        if edge.role is Role.NEED and not edge.group:
            assert points(with_alternative(topology, index)) >= points(topology) - EPSILON


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_backup_never_lowers_the_score_and_its_loss_never_raises_it(name: str) -> None:
    topology = SYSTEMS[name][0]()
    bare = replace(topology, assets=tuple(without_cover(asset) for asset in topology.assets))
    assert points(bare) <= points(topology)
    assert delta(topology, bare) == pytest.approx(-delta(bare, topology), abs=EPSILON)


def without_cover(asset: DataAsset) -> DataAsset:
    return replace(asset, losses=tuple(replace(loss, covered_by=()) for loss in asset.losses))


def renamed(topology: Topology, name: Callable[[str], str]) -> Topology:
    components = {name(address): replace(each, address=name(address), label="other") for address, each in topology.components.items()}
    edges = tuple(replace(edge, source=name(edge.source), target=name(edge.target)) for edge in topology.dependencies)
    entries = tuple(EntryPoint(name(entry.address), name(entry.component), "x") for entry in topology.entries)
    return replace(topology, components=dict(sorted(components.items())), dependencies=edges, entries=entries)


@pytest.mark.parametrize("seed", range(60))
def test_the_score_does_not_depend_on_names_or_order(seed: int) -> None:
    topology = random_topology(seed + 30_000)
    draw = random.Random(seed)
    fresh = {address: f'module.m["{index}"].x.{draw.random()}' for index, address in enumerate(sorted(topology.components))}
    other = renamed(topology, lambda address: fresh.get(address, address))
    shuffled = list(other.dependencies)
    entries = list(other.entries)
    draw.shuffle(entries)
    by_group: dict[tuple[str, str], list[Dependency]] = {}
    for edge in shuffled:
        by_group.setdefault((edge.source, edge.group), []).append(edge)
    groups = list(by_group.values())
    draw.shuffle(groups)
    other = replace(other, dependencies=tuple(edge for group in groups for edge in group), entries=tuple(entries))
    assert points(other) == pytest.approx(points(topology), abs=EPSILON)


@pytest.mark.parametrize("seed", range(60))
def test_swapping_the_sides_negates_the_delta(seed: int) -> None:
    one, other = random_topology(seed + 40_000), random_topology(seed + 41_000)
    assert delta(one, other) == pytest.approx(-delta(other, one), abs=EPSILON)


@pytest.mark.parametrize("seed", range(40))
def test_what_stands_outside_every_closure_changes_nothing(seed: int) -> None:
    topology = random_topology(seed + 50_000)
    alien, faults = spread("aaa-unrelated", ("z1", "z1"))
    wider = replace(
        topology,
        components=dict(sorted({**topology.components, alien.address: alien}.items())),
        faults=dict(sorted({**topology.faults, **{each.id: each for each in faults}}.items())),
        dependencies=(Dependency(alien.address, next(iter(topology.components))), *topology.dependencies),
    )
    assert points(wider) == pytest.approx(points(topology), abs=EPSILON)
    assert delta(topology, wider) == pytest.approx(0.0, abs=EPSILON)


def joined(a: Topology, b: Topology) -> Topology:
    return replace(
        a,
        components=dict(sorted({**a.components, **b.components}.items())),
        dependencies=(*a.dependencies, *b.dependencies),
        faults=dict(sorted({**a.faults, **b.faults}.items())),
        entries=(*a.entries, *b.entries),
        assets=(*a.assets, *b.assets),
    )


@pytest.mark.parametrize("seed", range(60))
def test_a_service_added_cannot_change_the_sign_of_a_delta(seed: int) -> None:
    before, after = random_topology(seed + 60_000), random_topology(seed + 61_000)
    after = replace(after, entries=tuple(entry for entry in after.entries if entry.component in before.components) or after.entries[:1])
    component, faults = spread("new-service", ("z8", "z9"))
    service = system([(component, faults)], (), ["new-service"])
    alone = delta(before, after)
    for extended in (delta(before, joined(after, service)), delta(joined(before, service), joined(after, service))):
        assert (extended > EPSILON) == (alone > EPSILON) or abs(alone) < 1e-6
        assert (extended < -EPSILON) == (alone < -EPSILON) or abs(alone) < 1e-6
        assert abs(extended) <= abs(alone) + EPSILON


def test_the_parts_of_a_delta_can_pull_apart_and_then_the_law_makes_no_claim() -> None:
    """The one limit of the law above: availability up, durability down; a further entry dilutes the first and not the second."""
    parts, edges = three_tier(database_zones=1)
    before = assemble(parts, edges, "lb", (database_asset("db", backups=True, replica=False),))
    safer, edges = three_tier(database_zones=2)
    after = assemble(safer, edges, "lb", (database_asset("db", backups=False, replica=True),))
    was, now = score_pair(side(before), side(after))
    assert was is not None
    assert now is not None
    assert now.redundancy > was.redundancy
    assert now.durability < was.durability


@pytest.mark.parametrize("seed", range(40))
def test_lost_points_add_up_to_what_is_missing(seed: int) -> None:
    topology = random_topology(seed + 80_000)
    found = side(topology)
    assessment = assess(found)
    assert assessment is not None
    booked = sum(row.points for row in assessment.lost)
    cut_off = sum(
        row.weight * (STANDARD.availability + STANDARD.redundancy)
        for row, outcome in zip(sorted(assessment.entries, key=lambda row: row.address), sorted_outcomes(found), strict=True)
        if outcome
    )
    assert booked + cut_off == pytest.approx(100.0 - assessment.score, abs=1e-6)


def sorted_outcomes(found: Side) -> Iterable[bool]:
    return [outcome.cut_off for outcome in sorted(found.examination.entries, key=lambda outcome: outcome.address)]


# What the original got wrong


def test_a_database_replica_added_never_lowers_the_score() -> None:
    for zones in (1, 2):
        fewer, edges = three_tier(database_zones=zones)
        more, _ = three_tier(database_zones=zones + 1)
        assert points(assemble(more, edges, "lb")) >= points(assemble(fewer, edges, "lb"))


def test_a_plan_that_changes_nothing_has_no_delta() -> None:
    assert delta(textbook(), textbook()) == 0.0


def test_the_same_outage_costs_the_same_beside_any_number_of_buckets() -> None:
    healthy, edges = three_tier()
    broken, _ = three_tier(database_zones=1)
    costs = []
    for buckets in (0, 1, 50):
        extra = [
            build(f"bucket-{i:02d}", Kind.STORAGE, "provider_service", managed=True, service="s3", regions=("eu-west-1",))
            for i in range(buckets)
        ]
        costs.append(delta(assemble(healthy + extra, edges, "lb"), assemble(broken + extra, edges, "lb")))
    assert costs[0] < -15
    assert costs == pytest.approx([costs[0]] * 3, abs=EPSILON)


def test_a_lone_database_behind_three_servers_takes_the_load_balancer_down() -> None:
    parts, edges = three_tier(database_zones=1)
    topology = assemble(parts, edges, "lb")
    assert naive_down(topology, ["copy:db#0"])["lb"]
    point = next(row for row in examine(topology).single_points if row.address == "db")
    assert point.takes_down == ("lb",)
    assert point.classes == (FaultClass.COPY, FaultClass.ZONE)


def test_zone_events_are_not_cut_off_beyond_sixty_one_components() -> None:
    parts = []
    for index in range(90):
        component, faults = spread(f"c{index:02d}", ("a", "b") if index != 77 else ("a", "a"))
        parts.append((component, faults))
    topology = system(parts, [("c00", f"c{index:02d}") for index in range(1, 90)], ["c00"])
    rows = examine(topology).single_points
    assert [(row.address, row.classes, row.zones) for row in rows] == [("c77", (FaultClass.ZONE,), ("a",))]


# Edge cases of the formula


def test_a_side_without_an_entry_has_no_score() -> None:
    empty = replace(textbook(), entries=())
    was, now = score_pair(side(empty), side(textbook()))
    assert was is None
    assert now is not None
    assert score_pair(None, side(empty)) == (None, None)


def test_a_destroyed_asset_has_no_durability_and_a_cut_off_entry_nothing_at_all() -> None:
    topology = textbook()
    gone = replace(topology, assets=tuple(replace(asset, destroyed=True) for asset in topology.assets))
    assert delta(topology, gone) == pytest.approx(-STANDARD.durability)
    cut = replace(topology, dependencies=(*topology.dependencies, Dependency("lb", "app", broken="no rule permits it")))
    assert points(cut) == pytest.approx(STANDARD.durability)


def test_entries_match_by_a_common_key_and_one_side_only_moves_no_delta() -> None:
    before = replace(textbook(), entries=(EntryPoint("old", "lb", "x", keys=("shop.example",)),))
    after = replace(textbook(), entries=(EntryPoint("new", "lb", "x", keys=("shop.example",)), EntryPoint("more", "db", "x")))
    was, now = score_pair(side(before), side(after))
    assert was is not None
    assert now is not None
    assert now.score == pytest.approx(was.score, abs=EPSILON)
    assert [(row.address, row.borrowed) for row in was.entries] == [("more", True), ("old", False)]


def test_losses_add_up_by_rate() -> None:
    assert TABLE.row("delete").failures_per_year.default > 0
    losses = (Loss(LossKind.DELETE, Interval.exactly(0.02)), Loss(LossKind.MEDIA, Interval.exactly(0.01)))
    topology = replace(textbook(), assets=(DataAsset("db", "db", ("db",), losses),))
    assessment = assess(side(topology))
    assert assessment is not None
    by_event = {row.event: row.points for row in assessment.lost if row.subject == "db"}
    assert by_event["delete"] == pytest.approx(2 * by_event["media"])
