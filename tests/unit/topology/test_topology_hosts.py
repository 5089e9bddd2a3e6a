"""Host names in plain strings: a word counts only where it is used as a host."""

from __future__ import annotations

import pytest

from faultray_action.model.value import UNKNOWN
from faultray_action.topology.hosts import named, used_in


@pytest.mark.parametrize(
    ("values", "hosts"),
    [
        ({"data": {"CATALOG_URL": "http://catalog:8080/items"}}, {"catalog"}),
        ({"data": {"DB": "postgres://app:secret@db.shop.svc:5432/app"}}, {"db.shop.svc"}),
        ({"data": {"CATALOG_HOST": "catalog"}}, {"catalog"}),
        ({"data": {"MODE": "catalog"}}, set()),
        ({"data": {"conf.yaml": "upstream: orders:9000\nname: orders"}}, {"orders"}),
        ({"data": [{"env": [{"name": "ORDERS_ADDR", "value": "orders"}]}]}, {"orders"}),
        ({"data": {"BROKERS": "kafka-0.kafka:9092,kafka-1.kafka:9092"}}, {"kafka-0.kafka", "kafka-1.kafka"}),
        ({"data": UNKNOWN}, set()),
        ({}, set()),
    ],
)
def test_finds_the_hosts_that_strings_use(values: dict[str, object], hosts: set[str]) -> None:
    assert used_in(values, "data") == hosts


def test_an_image_is_no_host() -> None:
    assert "checkout" not in used_in({"data": {"IMAGE": "registry.example.com/shop/checkout:4.8.0"}}, "data")


def test_a_template_without_all_of_its_parts_names_nothing() -> None:
    assert named("{metadata.name}.{metadata.namespace}", {"metadata": [{"name": UNKNOWN, "namespace": "shop"}]}) == ""
    assert named("{metadata.name}.{metadata.namespace}", {"metadata": [{"name": "db", "namespace": "shop"}]}) == "db.shop"
