"""infra.yaml to a topology, what the engine says of it, and back to a file."""

from __future__ import annotations

from importlib.resources import files

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from faultray_action.catalogue.reliability import load_reliability
from faultray_action.declared.read import parse_infra
from faultray_action.declared.writer import write_infra
from faultray_action.engine.examine import examine
from faultray_action.model.component import Component, FaultClass, Kind, Recovery
from faultray_action.model.topology import DataAsset, LossKind, Role, Topology
from faultray_action.model.units import Interval
from faultray_action.topology.from_declared import build

TABLE = load_reliability()
DEMO = files("faultray_action.declared").joinpath("demo.yaml").read_text(encoding="utf-8")
ORDER = """\
components:
  - {id: nginx, type: load_balancer, replicas: 2}
  - {id: api, type: app_server, replicas: 3}
  - {id: postgres, type: database, replicas: 1}
dependencies:
  - {source: nginx, target: api, type: requires}
  - {source: api, target: postgres, type: requires}
"""


def built(text: str) -> Topology:
    return build(parse_infra(text, "infra.yaml"), TABLE)


def one(fields: str) -> Topology:
    return built(f"components:\n  - {{id: x, {fields}}}\n  - {{id: y, type: custom}}\n")


def test_the_order_s_own_example_flags_postgres_and_nothing_else() -> None:
    topology = built(ORDER)
    assert [entry.address for entry in topology.entries] == ["nginx"]
    found = examine(topology)
    assert [(point.address, point.classes) for point in found.single_points] == [("postgres", (FaultClass.COPY,))]
    assert [asset.address for asset in found.assets if asset.uncovered] == ["postgres"]


def test_the_demo_has_the_single_points_that_it_tells_of() -> None:
    found = examine(built(DEMO))
    points = {point.address: set(point.takes_down) for point in found.single_points}
    assert points["db"] == {"lb", "worker"}
    assert points["summarizer"] == {"summarizer"}
    assert "cache" not in points
    assert "knowledge" not in points
    assert {asset.address for asset in found.assets if asset.uncovered} == {"queue"}


def test_entries_are_fronts_that_nothing_needs_else_what_nothing_needs() -> None:
    assert [entry.address for entry in built(ORDER.replace("load_balancer", "custom")).entries] == ["nginx"]
    both = ORDER + "  - {source: cron, target: api}\n"
    both = both.replace("components:\n", "components:\n  - {id: cron, type: container}\n")
    assert [entry.address for entry in built(both).entries] == ["nginx"]
    assert [entry.address for entry in built(ORDER + "entry_points: [{id: site, component: api}]\n").entries] == ["site"]
    circle = ORDER.replace("load_balancer", "custom") + "  - {source: postgres, target: nginx}\n"
    assert [entry.address for entry in built(circle).entries] == ["api", "nginx", "postgres"]


def test_a_standby_that_nobody_promotes_serves_nobody_but_keeps_the_data() -> None:
    topology = one("type: database, replicas: 2, failover: false")
    assert len(topology.components["x"].copies) == 1
    media = next(loss for loss in topology.assets[0].losses if loss.kind is LossKind.MEDIA)
    assert media.covered


def test_a_standby_that_takes_over_leaves_a_gap() -> None:
    topology = one("type: database, replicas: 2, failover: 36s")
    assert topology.components["x"].recovery is Recovery.FAILS_OVER
    assert topology.faults["gap:x"].repair_hours == Interval.exactly(0.01)


@pytest.mark.parametrize(
    ("fields", "covered"),
    [
        ("type: database", set()),
        ("type: database, backups: true", {LossKind.MEDIA, LossKind.DELETE, LossKind.CORRUPTION}),
        ("type: database, replicas: 2", {LossKind.MEDIA}),
        ("type: storage, deletion_protection: true", {LossKind.DELETE}),
        ("type: storage, versioning: true", {LossKind.DELETE, LossKind.CORRUPTION}),
        ("type: queue, dead_letter: true", {LossKind.POISON}),
        ("type: stream, data: {media: replication, key: false}", {LossKind.MEDIA}),
    ],
)
def test_what_covers_which_loss(fields: str, covered: set[LossKind]) -> None:
    asset = one(fields).assets[0]
    assert {loss.kind for loss in asset.losses if loss.covered} == covered


def test_a_cache_is_no_durable_data_unless_somebody_says_so() -> None:
    assert one("type: cache").assets == ()
    assert [asset.address for asset in one("type: cache, durable: true").assets] == ["x"]


def test_third_parties_fail_as_a_whole_and_share_their_vendor() -> None:
    topology = built("components:\n  - {id: a, type: llm_endpoint, vendor: v}\n  - {id: b, type: external_api, vendor: v, sla: 99.9}\n")
    assert topology.components["a"].copies == topology.components["b"].copies
    assert topology.components["a"].copies[0].faults == ("vendor:v",)
    assert topology.externals[0].sla_percent == 99.9


def test_own_numbers_replace_those_of_the_table() -> None:
    faults = one("type: custom, mtbf_hours: 876.6, mttr_hours: 30m").faults
    assert sum(faults[id].failures_per_year.default for id in ("copy:x#0", "common:x")) == pytest.approx(10)
    assert faults["copy:x#0"].repair_hours == faults["common:x"].repair_hours == Interval.exactly(0.5)


def test_copies_fall_with_those_that_carry_them() -> None:
    text = """\
components:
  - {id: nodes, type: custom, replicas: 2, zones: [a, b]}
  - {id: pod, type: container, replicas: 3, falls_with: nodes, own_failures: false}
  - {id: lone, type: container, falls_with: ["nodes#1"]}
"""
    topology = built(text)
    nodes, pod, lone = (topology.components[id] for id in ("nodes", "pod", "lone"))
    assert [copy.faults for copy in pod.copies] == [nodes.copies[k].faults for k in (0, 1, 0)]
    assert [copy.zone for copy in pod.copies] == ["a", "b", "a"]
    assert lone.copies[0].faults == ("copy:lone#0", "common:lone", *nodes.copies[1].faults)
    assert "copy:pod#0" not in topology.faults


def test_an_agent_goes_on_answering_without_its_source() -> None:
    topology = built(DEMO)
    edge = next(edge for edge in topology.dependencies if (edge.source, edge.target) == ("assistant", "db"))
    assert edge.role is Role.OPTIONAL
    assert [agent.address for agent in topology.agents] == ["assistant", "summarizer"]


def test_what_was_not_declared_is_said() -> None:
    said = {(each.code, each.address) for each in built(ORDER).diagnostics}
    assert said == {("zones-not-declared", "nginx"), ("zones-not-declared", "api"), ("backups-not-declared", "postgres")}


# back to a file -------------------------------------------------------------------------------------------------------------------------


def essence(topology: Topology) -> object:
    """All but evidence, inferred marks and the order of faults in a copy."""
    return (
        {address: _component(each) for address, each in topology.components.items()},
        dict(topology.faults),
        [replace(edge, evidence=()) for edge in topology.dependencies],
        [replace(entry, inferred="", keys=()) for entry in topology.entries],
        [_asset(asset) for asset in topology.assets],
        topology.externals,
        [replace(agent, evidence=()) for agent in topology.agents],
        topology.operations,
    )


def _component(each: Component) -> object:
    return replace(each, copies=(), evidence=()), [(frozenset(copy.faults), copy.zone) for copy in each.copies]


def _asset(asset: DataAsset) -> object:
    losses = {(loss.kind, loss.failures_per_year, tuple(cover.attribute for cover in loss.covered_by)) for loss in asset.losses}
    return asset.address, asset.label, asset.stores, losses


def round_trip(topology: Topology) -> Topology:
    return built(write_infra(topology, TABLE))


@pytest.mark.parametrize("text", [DEMO, ORDER])
def test_what_is_written_builds_the_same(text: str) -> None:
    topology = built(text)
    assert essence(round_trip(topology)) == essence(topology)
    assert write_infra(round_trip(topology), TABLE) == write_infra(topology, TABLE)


@pytest.mark.parametrize(
    "fields",
    [
        "type: nat, zones: [b]",
        "type: database, replicas: 3, needed: 2, zones: [a, b], failover: 20s",
        "type: database, replicas: 2, needed: 1, failover: false, rates: vm",
        "type: database, replicas: 2, failover_seconds: [1, 2, 3], repair_hours: [0.5, 1, 2], failures_per_year: 3",
        "type: cache, replicas: 2, zones: 2, recovery: manual-restore",
        "type: cache, durable: true, data: {media: {covered_by: [a, b], rates: media_disk_volume}}",
        "type: storage, managed: true, service: s3, provider: aws, region: eu-west-1, durable: false",
        "type: storage, managed: true, service: s3, provider: aws, regions: [eu-west-1, us-east-1], zones: 3",
        "type: function, managed: true, service: lambda, zones: [eu-west-1a], provider: aws, region: eu-west-1",
        "type: app_server, replicas: 4, regions: [eu-west-1, us-east-1], zones: [eu-west-1a, eu-west-1b, us-east-1a], provider: aws",
        "type: app_server, placement: [a, a, b], replicas: 3",
        "type: app_server, replicas: 5, regions: [r1, r2], zones: 2, provider: aws",
        "type: database, replicas: 2, zonal: true, rates: cluster_database_failover, recovery: self-heals",
        "type: nat, zonal: false",
        "type: app_server, replicas: 0",
        "type: connector",
        "type: connector, gap: {failures_per_year: 1, seconds: [1, 30, 60]}, stateful: true, durable: false",
        "type: dns",
        "type: cdn, replicas: 2",
        "type: queue, falls_with: y, replicas: 2",
        "type: container, falls_with: [[y], ['y#0']], own_failures: false, replicas: 2",
        "type: container, label: '- {x: \"1\"}', terraform_type: aws_ecs_service, contract: aws_ec2_multi_az",
        "type: custom, latency: 0.333ms, timeout: 1s, pool: 3, capacity: 10.5, demand: 0, requests_per_second: 7",
    ],
)
def test_every_kind_of_component_survives_the_file(fields: str) -> None:
    topology = one(fields)
    assert essence(round_trip(topology)) == essence(topology)


def test_no_entry_at_all_stays_none() -> None:
    topology = built(ORDER + "entry_points: []\n")
    assert topology.entries == ()
    assert essence(round_trip(topology)) == essence(topology)


def test_hostile_ids_survive_the_file() -> None:
    ids = ['a["x: y"].b[0]', "null", "1", "# no", "- {", "it's", "tab\\there", "0x10", "ünï"]
    lines = "".join(f'  - {{id: "{id}", type: custom}}\n'.replace('["x: y"]', '[\\"x: y\\"]') for id in ids)
    topology = built("components:\n" + lines)
    assert essence(round_trip(topology)) == essence(topology)


EDGES = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["requires", "optional", "async", "startup", "replica"]),
        "weight": st.sampled_from([1.0, 0.3]),
        "latency": st.sampled_from([0, 1.5]),
        "timeout": st.sampled_from([None, 20.0]),
        "retries": st.integers(0, 2),
        "circuit_breaker": st.booleans(),
        "fallback": st.booleans(),
        "group": st.sampled_from(["", "g"]),
        "buffer": st.sampled_from([0, 90.0]),
        "own_copies_only": st.booleans(),
        "broken": st.sampled_from(["", "no rule permits it"]),
    }
)


@settings(derandomize=True, max_examples=50, deadline=None)
@given(data=st.data())
def test_random_systems_survive_the_file(data: st.DataObject) -> None:
    kinds = st.sampled_from([kind.value for kind in Kind])
    component = st.fixed_dictionaries(
        {"type": kinds, "replicas": st.sampled_from([None, 1, 3]), "zones": st.sampled_from([(), ("b", "a"), 2])},
        optional={"backups": st.booleans(), "failover": st.sampled_from([True, False, 45.0]), "needed": st.integers(1, 2)},
    )
    rows = data.draw(st.lists(component, min_size=2, max_size=5))
    ids = [f"c{k}" for k in range(len(rows))]
    pairs = data.draw(st.lists(st.tuples(st.sampled_from(ids), st.sampled_from(ids), EDGES), max_size=6, unique_by=lambda each: each[:2]))
    document = {
        "components": [{"id": id, **row} for id, row in zip(ids, rows, strict=True)],
        "dependencies": [{"source": a, "target": b, **edge} for a, b, edge in pairs if a != b],
    }
    topology = built(yaml.safe_dump(document))
    assert essence(round_trip(topology)) == essence(topology)
