"""Objects of Kubernetes that are written out are what their typed resources are."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from faultray_action.model.policy import Policy
from faultray_action.model.topology import Topology
from faultray_action.pipeline import Request, discover, know
from faultray_action.terraform.reader import decode

Json = dict[str, Any]


def workload(kind: str = "Deployment", replicas: int = 2) -> Json:
    pod = {
        "metadata": {"labels": {"appName": "web"}},
        "spec": {"containers": [{"name": "web", "env": [{"name": "DB_HOST", "value": "db"}]}]},
    }
    return document("apps/v1", kind, "web", {"replicas": replicas, "template": pod})


def document(version: str, kind: str, name: str, spec: Json) -> Json:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": "default"}, "spec": spec}


SERVICE = document("v1", "Service", "web", {"selector": {"appName": "web"}, "ports": [{"port": 80}]})
DATABASE = document("v1", "Service", "db", {"selector": {"appName": "db"}})
GATEWAY = document("gateway.networking.k8s.io/v1", "Gateway", "edge", {"listeners": []})
ROUTE = document(
    "gateway.networking.k8s.io/v1", "HTTPRoute", "web", {"parentRefs": [{"name": "edge"}], "rules": [{"backendRefs": [{"name": "web"}]}]}
)
VIRTUAL = document(
    "networking.istio.io/v1", "VirtualService", "web", {"gateways": ["edge"], "http": [{"route": [{"destination": {"host": "web"}}]}]}
)
SCALER = document("keda.sh/v1alpha1", "ScaledObject", "web", {"minReplicaCount": 4, "scaleTargetRef": {"name": "web"}})


def built(as_text: bool, *documents: Json) -> Topology:
    kind, path = ("kubectl_manifest", "yaml_body") if as_text else ("kubernetes_manifest", "manifest")
    rows = []
    for written in documents:
        values = {path: yaml.safe_dump(written) if as_text else written}
        change = {"actions": ["no-op"], "before": values, "after": values, "after_unknown": {}}
        name = f"{written['kind']}_{written['metadata']['name']}"
        rows.append({"address": f"{kind}.{name}", "mode": "managed", "type": kind, "name": name, "change": change})
        rows[-1]["provider_name"] = f"registry.terraform.io/hashicorp/{kind.split('_')[0]}"
    plan = {"format_version": "1.2", "terraform_version": "1.9.0", "resource_changes": rows, "configuration": {"root_module": {}}}
    return discover(decode(json.dumps(plan).encode(), "plan.json"), know(Request(policy=Policy()))).after


def needs(topology: Topology) -> set[tuple[str, str]]:
    return {(d.source.partition(".")[2], d.target.partition(".")[2]) for d in topology.dependencies}


@pytest.mark.parametrize("as_text", [False, True])
def test_a_workload_behind_its_service_and_gateway(as_text: bool) -> None:
    topology = built(as_text, workload(), SERVICE, DATABASE, GATEWAY, ROUTE)
    assert needs(topology) == {
        ("Gateway_edge", "HTTPRoute_web"),
        ("HTTPRoute_web", "Service_web"),
        ("Service_web", "Deployment_web"),
        ("Deployment_web", "Service_db"),
    }
    assert [entry.address.partition(".")[2] for entry in topology.entries] == ["Gateway_edge"]
    assert [len(c.copies) for a, c in topology.components.items() if "Deployment" in a] == [2]


def test_a_virtual_service_leads_from_the_mesh_gateway() -> None:
    gateway = GATEWAY | {"apiVersion": "networking.istio.io/v1"}
    assert needs(built(False, workload(), SERVICE, gateway, VIRTUAL)) >= {
        ("Gateway_edge", "VirtualService_web"),
        ("VirtualService_web", "Service_web"),
    }


def test_a_scaler_sets_the_copies() -> None:
    topology = built(False, workload("Rollout") | {"apiVersion": "argoproj.io/v1alpha1"}, SCALER)
    assert [len(c.copies) for a, c in topology.components.items() if "Rollout" in a] == [4]


def test_what_is_no_object_of_a_known_kind_passes_on() -> None:
    other = document("example.com/v1", "Thing", "x", {})
    assert [c.needed for c in built(True, other, workload()).components.values()] == [1, 0]
