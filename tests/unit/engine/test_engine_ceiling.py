"""Each of the five layers reacts to the topology, and their minimum, product and lower bound are what they say."""

from __future__ import annotations

import math

import pytest
from calibration_systems import SYSTEMS, textbook
from engine_systems import spread, system
from msgspec.structs import replace

from faultray_action.engine.ceiling import five_layers
from faultray_action.engine.examine import examine
from faultray_action.model.component import Kind, Recovery
from faultray_action.model.outcome import Ceiling
from faultray_action.model.topology import Dependency, ExternalService, Operations, Topology

OPERATIONS = Operations(8.0, 0.05, 60.0, 0.5, 5.0, 15.0, 1.0, 6, 1e-4, 1e-4, 1e-5, {"deploys_per_month": "declared"})


def ceiling(topology: Topology, operations: Operations = OPERATIONS) -> Ceiling:
    return five_layers(topology, examine(topology), operations)


def layer(name: str, topology: Topology, operations: Operations = OPERATIONS) -> float:
    return next(found.availability for found in ceiling(topology, operations).layers if found.name == name)


def test_minimum_product_and_lower_bound() -> None:
    found = ceiling(textbook())
    values = [each.availability for each in found.layers]
    assert [each.name for each in found.layers] == ["software", "hardware", "theoretical", "operational", "external"]
    assert found.value == min(values)
    assert found.binding == found.layers[values.index(min(values))].name
    assert found.product == pytest.approx(math.prod(values))
    assert found.frechet == pytest.approx(1 - sum(1 - value for value in values))
    assert found.frechet <= found.product <= found.value


def test_the_sla_chain_is_the_product_over_distinct_services_that_are_needed() -> None:
    services = (
        ExternalService("stripe", "Stripe", 99.9, "https://example.test", ("app",)),
        ExternalService("stripe", "Stripe", 99.9, "https://example.test", ("db",)),
        ExternalService("auth", "Auth", 99.5, "https://example.test", ("app",)),
        ExternalService("elsewhere", "Elsewhere", 90.0, "https://example.test", ("nobody",)),
    )
    assert layer("external", replace(textbook(), externals=services)) == pytest.approx(0.999 * 0.995)
    assert layer("external", textbook()) == 1.0


def test_hardware_is_the_worst_entrys_unavailability() -> None:
    for make, _, _ in SYSTEMS.values():
        topology = make()
        assert layer("hardware", topology) == pytest.approx(1 - examine(topology).entries[0].unavailability.value)


def test_software_sees_workloads_without_a_spare_copy() -> None:
    lone = system([spread("app", ("a",), kind=Kind.APP_SERVER)], (), ["app"])
    pair = system([spread("app", ("a", "b"), kind=Kind.APP_SERVER)], (), ["app"])
    assert layer("software", lone) == pytest.approx(1 - (96 * (0.05 * 60 + 5) + 0.5 * 60) / 525_960)
    assert layer("software", pair) == pytest.approx(1 - (96 * 0.05 * 60 + 0.5 * 60) / 525_960)


def test_the_theoretical_layer_sees_hops_retries_and_copies() -> None:
    app, db = spread("app", ("a", "b"), kind=Kind.APP_SERVER), spread("db", ("a", "b"), kind=Kind.DATABASE)
    alone = layer("theoretical", system([app], (), ["app"]))
    through = layer("theoretical", system([app, db], [("app", "db")], ["app"]))
    retried = layer("theoretical", system([app, db], [Dependency("app", "db", retries=2)], ["app"]))
    assert through < retried < alone or through < retried == pytest.approx(alone, abs=1e-9)


def test_the_operational_layer_sees_what_waits_for_a_person() -> None:
    component, faults = spread("db", ("a",))
    by_hand = [replace(each, recovery=Recovery.MANUAL) for each in faults]
    healing, manual = system([(component, faults)], (), ["db"]), system([(component, by_hand)], (), ["db"])
    assert layer("operational", manual) < layer("operational", healing)
    assert layer("operational", healing, replace(OPERATIONS, on_call_coverage=0.33)) < layer("operational", healing)
    assert layer("operational", healing, replace(OPERATIONS, team_size=1)) < layer("operational", healing)


def test_a_cut_off_entry_says_nothing_about_the_layers() -> None:
    topology = system([spread("app", ("a",))], [Dependency("app", "gone")], ["app"])
    found = ceiling(topology)
    assert found.value == 1.0
    assert {each.note for each in found.layers} == {"no entry that can serve"}


def test_inputs_carry_their_source() -> None:
    rows = {name: (value, source) for each in ceiling(textbook()).layers for name, value, _, source in each.inputs}
    assert rows["deploys_per_month"] == (8.0, "declared")
    assert rows["change_failure_rate"] == (0.05, "default")
