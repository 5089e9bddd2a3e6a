"""A backend without a share of the traffic is no server, and a profile that routes to one cluster has no other: conditions on the block that refers."""

from __future__ import annotations

from typing import Any

import pytest
from standing_rows import built, row

from faultray_action.model.topology import Topology

COMPUTE = "https://www.googleapis.com/compute/v1/projects/acme/zones"
GROUPS = {zone: f"{COMPUTE}/europe-west1-{zone}/instanceGroups/web-{zone}" for zone in "bc"}


def shop(*backends: dict[str, Any]) -> Topology:
    managers = [
        row(
            "google_compute_instance_group_manager",
            zone,
            {"name": f"web-{zone}", "zone": f"europe-west1-{zone}", "instance_group": group, "target_size": 2},
        )
        for zone, group in GROUPS.items()
    ]
    service = {"id": "projects/acme/global/backendServices/web", "name": "web", "backend": list(backends)}
    return built(*managers, row("google_compute_backend_service", "web", service))


def servers(topology: Topology) -> list[str]:
    return sorted(d.target.rpartition(".")[2] for d in topology.dependencies if d.source == "google_compute_backend_service.web")


@pytest.mark.parametrize(("scaler", "serving"), [(None, ["b", "c"]), (0.1, ["b", "c"]), (0, ["b"]), (0.0, ["b"])])
def test_a_drained_backend_is_no_server(scaler: float | None, serving: list[str]) -> None:
    assert servers(shop({"group": GROUPS["b"], "capacity_scaler": 1}, {"group": GROUPS["c"], "capacity_scaler": scaler})) == serving


def test_a_group_that_is_drained_in_one_of_two_backends_serves() -> None:
    both = [{"group": GROUPS["b"], "capacity_scaler": scaler} for scaler in (0, 1)]
    assert servers(shop(*both)) == ["b"]


@pytest.mark.parametrize(
    ("routing", "copies"), [({"multi_cluster_routing_use_any": True}, 2), ({"single_cluster_routing": [{"cluster_id": "a"}]}, 1)]
)
def test_a_profile_routes_to_one_cluster_or_to_any(routing: dict[str, Any], copies: int) -> None:
    clusters = [{"cluster_id": zone, "zone": f"europe-west1-{zone}", "num_nodes": 3} for zone in "bc"]
    instance = {"id": "projects/acme/instances/events", "name": "events", "cluster": clusters}
    profile = {"id": "projects/acme/instances/events/appProfiles/api", "app_profile_id": "api", "instance": "events", **routing}
    topology = built(row("google_bigtable_instance", "events", instance), row("google_bigtable_app_profile", "api", profile))
    found = topology.components["google_bigtable_app_profile.api"]
    assert len(found.copies) == copies
    assert len({copy.zone for copy in found.copies}) == copies


@pytest.mark.parametrize(
    ("asked", "protocol", "named", "called"),
    [
        ("http", "HTTP", ["http"], True),
        ("web", "HTTP", ["http"], False),
        ("web", "TCP", ["http"], True),
        ("web", "HTTP", [], True),
        (None, "HTTP", ["app"], True),
    ],
)
def test_a_backend_service_calls_the_port_that_it_names(asked: str | None, protocol: str, named: list[str], called: bool) -> None:
    ports = [{"name": name, "port": 8080} for name in named]
    group = {"name": "web-b", "zone": "europe-west1-b", "instance_group": GROUPS["b"], "target_size": 2, "named_port": ports}
    service = {"id": "web", "name": "web", "protocol": protocol, "port_name": asked, "backend": [{"group": GROUPS["b"]}]}
    topology = built(row("google_compute_instance_group_manager", "b", group), row("google_compute_backend_service", "web", service))
    assert bool(servers(topology)) is called
