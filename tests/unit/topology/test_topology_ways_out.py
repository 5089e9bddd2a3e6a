"""A gateway without an instance carries the subnets of its router's network and region: who calls out through the last one is cut off without it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from faultray_action.model.policy import Policy
from faultray_action.pipeline import Request, discover, know
from faultray_action.terraform.reader import decode
from faultray_action.topology.build import Stages

Json = dict[str, Any]
NETWORK = "projects/p/global/networks/shop"
SUBNET = "projects/p/regions/europe-west1/subnetworks/app"
CALLS = {"payments": "https://api.payments.example/v1"}
ALL = "ALL_SUBNETWORKS_ALL_IP_RANGES"


def row(kind: str, name: str, before: Json | None, after: Json | None) -> Json:
    actions = ["no-op"] if before == after else ["create"] if before is None else ["delete"] if after is None else ["update"]
    change = {"actions": actions, "before": before, "after": after, "after_unknown": {}}
    provider = "registry.terraform.io/hashicorp/google"
    return {"address": f"{kind}.{name}", "mode": "managed", "type": kind, "name": name, "provider_name": provider, "change": change}


def kept(kind: str, name: str, values: Json) -> Json:
    return row(kind, name, values, values)


def gateway(region: str = "europe-west1", ranges: str = ALL, subnets: tuple[str, ...] = ()) -> Json:
    listed = [{"name": subnet, "source_ip_ranges_to_nat": ["ALL_IP_RANGES"]} for subnet in subnets]
    return {"name": "nat", "router": "edge", "region": region, "source_subnetwork_ip_ranges_to_nat": ranges, "subnetwork": listed}


def stages(
    before: Json | None, after: Json | None, *, metadata: Json = CALLS, address: bool = False, others: tuple[Json, ...] = ()
) -> Stages:
    interface = {"subnetwork": SUBNET, "access_config": [{"nat_ip": "34.1.2.3"}] if address else []}
    rows = [
        kept("google_compute_network", "shop", {"id": NETWORK, "name": "shop"}),
        kept("google_compute_subnetwork", "app", {"id": SUBNET, "name": "app", "region": "europe-west1", "network": NETWORK}),
        kept("google_compute_router", "edge", {"name": "edge", "region": "europe-west1", "network": NETWORK}),
        row("google_compute_router_nat", "nat", before, after),
        kept(
            "google_compute_instance",
            "web",
            {"name": "web", "zone": "europe-west1-b", "metadata": metadata, "network_interface": [interface]},
        ),
        *others,
    ]
    plan = {"format_version": "1.2", "terraform_version": "1.9.0", "resource_changes": rows, "configuration": {"root_module": {}}}
    return discover(decode(json.dumps(plan).encode(), "plan.json"), know(Request(policy=Policy())))


def broken(topology: Any) -> list[str]:
    return [d.broken for d in topology.dependencies if d.broken]


def test_the_last_gateway_that_is_deleted_cuts_off_who_calls_out() -> None:
    found = stages(gateway(), None)
    assert broken(found.before) == []
    assert broken(found.after) == ["google_compute_router_nat.nat was the way between google_compute_instance.web and the outside"]


def test_the_first_gateway_mends_who_calls_out() -> None:
    found = stages(None, gateway())
    assert len(broken(found.before)) == 1 and "google_compute_router_nat.nat" in broken(found.before)[0]
    assert broken(found.after) == []


def test_a_list_that_leaves_the_subnet_out_cuts_it_off() -> None:
    assert broken(stages(gateway(), gateway(ranges="LIST_OF_SUBNETWORKS", subnets=("other",))).after)
    assert not broken(stages(gateway(), gateway(ranges="LIST_OF_SUBNETWORKS", subnets=(SUBNET,))).after)


def test_a_second_gateway_of_the_network_and_region_takes_over() -> None:
    second = gateway() | {"name": "second"}
    assert broken(stages(gateway(), None, others=(kept("google_compute_router_nat", "second", second),)).after) == []


def test_a_gateway_of_another_region_does_not() -> None:
    router = kept("google_compute_router", "far", {"name": "far", "region": "us-east1", "network": NETWORK})
    far = kept("google_compute_router_nat", "far", gateway(region="us-east1") | {"name": "far-nat", "router": "far"})
    assert len(broken(stages(gateway(), None, others=(router, far)).after)) == 1


@pytest.mark.parametrize(
    "metadata", [{}, {"bucket": "https://storage.googleapis.com/shop"}, {"db": "postgres://db.shop.internal:5432/app"}]
)
def test_who_does_not_call_out_misses_nothing(metadata: Json) -> None:
    assert broken(stages(gateway(), None, metadata=metadata).after) == []


def test_an_address_of_its_own_is_a_way_out() -> None:
    assert broken(stages(gateway(), None, address=True).after) == []


def test_one_name_in_two_regions_means_the_one_of_the_same_region() -> None:
    service = {"name": "api", "ingress": "INGRESS_TRAFFIC_ALL"}
    rows = [
        kept("google_cloud_run_v2_service", "here", service | {"location": "europe-west1"}),
        kept("google_cloud_run_v2_service", "there", service | {"location": "us-east1"}),
        kept(
            "google_compute_region_network_endpoint_group",
            "here",
            {"name": "a", "region": "europe-west1", "cloud_run": [{"service": "api"}]},
        ),
    ]
    found = stages(None, None, others=tuple(rows)).after.dependencies
    assert [d.target for d in found if d.source.endswith("group.here")] == ["google_cloud_run_v2_service.here"]


def test_a_front_that_another_one_hid_was_a_way_in_all_along() -> None:
    def machine(name: str) -> Json:
        interface = {"network": "default", "access_config": [{"nat_ip": f"34.0.0.{len(name)}"}]}
        return kept("google_compute_instance", name, {"name": name, "zone": "europe-west1-b", "network_interface": [interface]})

    def record(*addresses: str) -> Json:
        return {"name": "api.example.com.", "type": "A", "rrdatas": list(addresses)}

    names = row("google_dns_record_set", "api", record("34.0.0.1", "34.0.0.2"), record("34.0.0.1"))
    found = stages(None, None, others=(machine("a"), machine("bb"), names))
    behind = "google_compute_instance.bb"
    assert behind in {e.address for e in found.before.entries} and behind in {e.address for e in found.after.entries}


def test_a_service_that_is_made_private_lets_nobody_in_though_it_writes_to_a_topic() -> None:
    topic = kept("google_pubsub_topic", "orders", {"id": "projects/p/topics/orders", "name": "orders"})
    env = [{"env": [{"name": "TOPIC", "value": "projects/p/topics/orders"}]}]
    service = {"name": "api", "location": "europe-west1", "template": [{"containers": env}]}
    closed = row(
        "google_cloud_run_v2_service",
        "api",
        service | {"ingress": "INGRESS_TRAFFIC_ALL"},
        service | {"ingress": "INGRESS_TRAFFIC_INTERNAL_ONLY"},
    )
    assert broken(stages(None, None, others=(topic, closed)).after) == [
        "google_cloud_run_v2_service.api let users in before and does not after"
    ]


@pytest.mark.parametrize(("private", "expected"), [(True, 1), (False, 0)])
def test_nodes_without_addresses_call_out_through_the_gateway(private: bool, expected: int) -> None:
    values = {
        "name": "main",
        "location": "europe-west1",
        "subnetwork": SUBNET,
        "private_cluster_config": [{"enable_private_nodes": private}],
    }
    cluster = kept("google_container_cluster", "main", values)
    after = stages(gateway(), None, metadata={}, others=(cluster,)).after
    assert len(broken(after)) == expected


def azure(kind: str, name: str, before: Json | None, after: Json | None) -> Json:
    return row(kind, name, before, after) | {"provider_name": "registry.terraform.io/hashicorp/azurerm"}


@pytest.mark.parametrize(
    ("prefix", "hop", "expected"), [("0.0.0.0/0", "None", 1), ("10.9.0.0/16", "None", 0), ("0.0.0.0/0", "Internet", 0)]
)
@pytest.mark.parametrize("inline", [True, False])
def test_a_default_route_to_nowhere_lets_nothing_out(prefix: str, hop: str, expected: int, inline: bool) -> None:
    subnet, table = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/subnets/app", "/subscriptions/s/routeTables/app"
    other = {"name": "lab", "address_prefix": "10.99.0.0/16", "next_hop_type": "VnetLocal"}
    route = {"name": "default", "address_prefix": prefix, "next_hop_type": hop}
    machine = {"id": "/vm/web", "name": "web", "network_interface_ids": ["/nic/web"], "location": "westeurope"}
    links = {"id": "/nic/web", "name": "web", "location": "westeurope", "ip_configuration": [{"subnet_id": subnet}]}
    ends = {"subnet_id": subnet, "route_table_id": table}
    tables = [{"id": table, "name": "app", "route": blocks} for blocks in ([other], [other, route] if inline else [other])]
    rows = [
        azure("azurerm_subnet", "app", *[{"id": subnet, "name": "app", "address_prefixes": ["10.0.0.0/24"]}] * 2),
        azure("azurerm_network_interface", "web", links, links),
        azure("azurerm_linux_virtual_machine", "web", machine, machine),
        azure("azurerm_route_table", "app", *tables),
        azure("azurerm_subnet_route_table_association", "app", ends, ends),
    ]
    if not inline:
        rows.append(azure("azurerm_route", "default", None, {"route_table_name": "app", **route}))
    plan = {"format_version": "1.2", "terraform_version": "1.9.0", "resource_changes": rows, "configuration": {"root_module": {}}}
    found = discover(decode(json.dumps(plan).encode(), "plan.json"), know(Request(policy=Policy())))
    assert len(broken(found.after)) == expected


@pytest.mark.parametrize(
    ("calls", "nat", "owns", "expected"),
    [(CALLS, None, True, 1), (CALLS, gateway(), True, 0), ({"db": "db.shop.internal:5432"}, None, True, 0), (CALLS, None, False, 0)],
)
def test_who_sends_all_into_its_network_needs_a_way_out_of_it(calls: Json, nat: Json | None, owns: bool, expected: int) -> None:
    subnet = SUBNET if owns else "projects/hub/regions/europe-west1/subnetworks/shared"

    def service(egress: str) -> Json:
        env = [{"name": name, "value": value} for name, value in calls.items()]
        access = [{"egress": egress, "network_interfaces": [{"subnetwork": subnet}]}]
        return {"name": "api", "location": "europe-west1", "template": [{"vpc_access": access, "containers": [{"env": env}]}]}

    api = row("google_cloud_run_v2_service", "api", service("PRIVATE_RANGES_ONLY"), service("ALL_TRAFFIC"))
    after = stages(nat, nat, metadata={}, others=(api,)).after
    assert len(broken(after)) == expected
