"""Workloads run on the machines of the cluster that their provider configuration names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from faultray_action.model.policy import Policy
from faultray_action.model.topology import Topology
from faultray_action.pipeline import Request, check, discover, know
from faultray_action.terraform.reader import decode

Json = dict[str, Any]
ZONES = ["europe-west1-b", "europe-west1-c", "europe-west1-d"]
APP, POOL = "kubernetes_deployment_v1.app", "google_container_node_pool.{}"


def row(kind: str, name: str, before: Json, after: Json | None = None) -> Json:
    after = before if after is None else after
    change = {"actions": ["no-op" if before == after else "update"], "before": before, "after": after, "after_unknown": {}}
    provider = f"registry.terraform.io/hashicorp/{kind.split('_')[0]}"
    return {"address": f"{kind}.{name}", "mode": "managed", "type": kind, "name": name, "provider_name": provider, "change": change}


def pool(name: str, zones: list[str], taint: str = "", **labels: str) -> Json:
    node = {"labels": labels, "taint": [{"key": "only", "value": "batch", "effect": taint}] if taint else []}
    return row("google_container_node_pool", name, pool_values(name, zones) | {"node_config": [node]})


def pool_values(name: str, zones: list[str]) -> Json:
    return {"name": name, "cluster": "main", "location": "europe-west1", "node_locations": zones, "node_count": 1, "autoscaling": []}


def app_values(replicas: int = 3, selector: Json | None = None) -> Json:
    pod = {"metadata": [{"labels": {"app": "app"}}], "spec": [{"node_selector": selector or {}}]}
    return {"metadata": [{"name": "app", "namespace": "default"}], "spec": [{"replicas": replicas, "template": [pod]}]}


def plan(*rows: Json) -> bytes:
    service = {"metadata": [{"name": "app", "namespace": "default"}], "spec": [{"type": "LoadBalancer", "selector": {"app": "app"}}]}
    cluster = {"name": "main", "location": "europe-west1", "remove_default_node_pool": True, "endpoint": "34.1.2.3"}
    changes = [*rows, row("kubernetes_service_v1", "app", service), row("google_container_cluster", "main", cluster)]
    module = {
        "resources": [
            {"mode": "managed", "type": "kubernetes_deployment_v1", "name": "app", "provider_config_key": "kubernetes", "expressions": {}},
            {"mode": "managed", "type": "google_container_cluster", "name": "main", "expressions": {}},
            *(
                {"mode": "managed", "type": "google_container_node_pool", "name": n, "expressions": {"cluster": CLUSTER}}
                for n in ("a", "b")
            ),
        ]
    }
    providers = {"kubernetes": {"name": "kubernetes", "expressions": {"host": {"references": ["google_container_cluster.main.endpoint"]}}}}
    configuration = {"provider_config": providers, "root_module": module}
    whole = {"format_version": "1.2", "terraform_version": "1.9.0", "resource_changes": changes, "configuration": configuration}
    return json.dumps(whole).encode()


CLUSTER = {"references": ["google_container_cluster.main.name", "google_container_cluster.main"]}


def built(*rows: Json) -> Topology:
    return discover(decode(plan(*rows), "plan.json"), know(Request(policy=Policy()))).after


def zones_of(topology: Topology) -> set[str]:
    return set(topology.components[APP].zones)


def test_pods_stand_where_the_nodes_stand() -> None:
    assert zones_of(built(row("kubernetes_deployment_v1", "app", app_values()), pool("a", ZONES))) == set(ZONES)
    assert zones_of(built(row("kubernetes_deployment_v1", "app", app_values()), pool("a", ZONES[:1]))) == set(ZONES[:1])


def test_a_pool_with_taints_takes_what_asks_for_it_only() -> None:
    pools = pool("a", ZONES[:1]), pool("b", ZONES[1:], "NO_SCHEDULE", kind="batch")
    assert zones_of(built(row("kubernetes_deployment_v1", "app", app_values()), *pools)) == set(ZONES[:1])
    asking = app_values(selector={"kind": "batch"})
    assert zones_of(built(row("kubernetes_deployment_v1", "app", asking), *pools)) == set(ZONES[1:])
    by_name = app_values(selector={"cloud.google.com/gke-nodepool": "b"})
    assert zones_of(built(row("kubernetes_deployment_v1", "app", by_name), *pools)) == set(ZONES[1:])


@pytest.mark.parametrize(
    ("after", "zones", "found"),
    [
        pytest.param(app_values(replicas=1), ZONES, [APP], id="one pod on three nodes is a single point of its workload"),
        pytest.param(app_values(), ZONES[:1], [POOL.format("a")], id="three pods on one node are one of its pool"),
    ],
)
def test_a_lost_machine_is_a_single_point_of_what_was_there_alone(after: Json, zones: list[str], found: list[str]) -> None:
    nodes = row("google_container_node_pool", "a", pool_values("a", ZONES), pool_values("a", zones))
    given = plan(row("kubernetes_deployment_v1", "app", app_values(), after), nodes)
    delta = check(Request(paths=(Path("-"),), stdin=given, policy=Policy())).document
    assert [point.address for point in delta.spofs.new] == found
