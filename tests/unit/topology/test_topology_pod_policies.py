"""Network policies: a call that they no longer admit is a broken need, one that they begin to admit is mended."""

from __future__ import annotations

import json
from typing import Any

import pytest

from faultray_action.model.policy import Policy
from faultray_action.pipeline import Request, discover, know
from faultray_action.terraform.reader import decode

Json = dict[str, Any]
WEB, API = {"app": "web"}, {"app": "api"}


def kept(kind: str, name: str, values: Json) -> Json:
    return row(kind, name, values, values)


def row(kind: str, name: str, before: Json | None, after: Json | None) -> Json:
    actions = ["no-op"] if before == after else ["create"] if before is None else ["delete"] if after is None else ["update"]
    change = {"actions": actions, "before": before, "after": after, "after_unknown": {}}
    provider = "registry.terraform.io/hashicorp/kubernetes"
    return {"address": f"{kind}.{name}", "mode": "managed", "type": kind, "name": name, "provider_name": provider, "change": change}


def workload(name: str, **env: str) -> Json:
    containers = [{"env": [{"name": key, "value": value} for key, value in env.items()]}]
    template = [{"metadata": [{"labels": {"app": name}}], "spec": [{"container": containers}]}]
    return kept(
        "kubernetes_deployment_v1",
        name,
        {"metadata": [{"name": name, "namespace": "shop"}], "spec": [{"replicas": 2, "template": template}]},
    )


def service(name: str, port: int) -> Json:
    spec = [{"selector": {"app": name}, "port": [{"port": port}], "type": "LoadBalancer" if name == "web" else "ClusterIP"}]
    return kept("kubernetes_service_v1", name, {"metadata": [{"name": name, "namespace": "shop"}], "spec": spec})


def policy(selector: Json, ingress: list[Json], types: list[str] | None = None, egress: list[Json] | None = None) -> Json:
    spec = {"pod_selector": [{"match_labels": selector}], "policy_types": types or ["Ingress"], "ingress": ingress, "egress": egress or []}
    return {"metadata": [{"name": "p", "namespace": "shop"}], "spec": [spec]}


def admits(peer: Json, port: str = "") -> Json:
    return {"from": [peer], "ports": [{"port": port}] if port else []}


def pods(**labels: str) -> Json:
    return {"pod_selector": [{"match_labels": labels}], "namespace_selector": []}


def broken(before: Json | None, after: Json | None, *others: Json) -> tuple[list[str], list[str]]:
    rows = [workload("web", API_URL="http://api:8080"), workload("api"), service("web", 80), service("api", 8080), *others]
    rows += [row("kubernetes_network_policy_v1", "p", before, after)] if before or after else []
    plan = {"format_version": "1.2", "terraform_version": "1.9.0", "resource_changes": rows, "configuration": {"root_module": {}}}
    stages = discover(decode(json.dumps(plan).encode(), "plan.json"), know(Request(policy=Policy())))
    was, is_now = ([d.broken for d in side.dependencies if d.broken] for side in (stages.before, stages.after))
    return was, is_now


TO_API = {"to": [pods(app="api")], "ports": []}
TO_NAMES = {"to": [{"namespace_selector": [{}]}], "ports": [{"port": "53", "protocol": "UDP"}]}
OPEN, SHUT = policy(API, [admits(pods(app="web"))]), policy(API, [admits(pods(app="backup"))])
REFUSED = "kubernetes_network_policy_v1.p does not admit kubernetes_deployment_v1.web to kubernetes_deployment_v1.api any more"


def test_a_rule_that_no_longer_names_the_caller_refuses_it() -> None:
    assert broken(OPEN, SHUT) == ([], [REFUSED])


def test_a_rule_that_begins_to_name_the_caller_mends_it() -> None:
    was, is_now = broken(SHUT, OPEN)
    assert len(was) == 1 and is_now == []


@pytest.mark.parametrize(
    ("after", "refused"),
    [
        pytest.param(policy(API, []), True, id="nobody is admitted"),
        pytest.param(policy(API, [{"from": [], "ports": []}]), False, id="everybody is"),
        pytest.param(policy({}, [], ["Egress"]), True, id="nobody may call"),
        pytest.param(policy(WEB, [], ["Egress"], [TO_API, TO_NAMES]), False, id="the caller may call this one, and ask for its name"),
        pytest.param(policy(WEB, [], ["Egress"], [TO_API]), True, id="the caller may call this one, and not ask for its name"),
        pytest.param(policy(WEB, [], ["Egress"], [{"to": [pods(app="db")], "ports": []}]), True, id="the caller may call another only"),
        pytest.param(policy(API, [admits(pods(app="web"), "8080")]), False, id="on its port"),
        pytest.param(policy(API, [admits(pods(app="web"), "9090")]), True, id="on another port only"),
        pytest.param(policy(WEB, [admits(pods(app="x"))]), True, id="users from outside are not admitted"),
        pytest.param(policy(WEB, [admits({"namespace_selector": [{}]})]), False, id="other namespaces are"),
        pytest.param(policy({"app": "other"}, []), False, id="it picks nobody here"),
    ],
)
def test_a_policy_that_comes(after: Json, refused: bool) -> None:
    was, is_now = broken(None, after)
    assert was == [] and bool(is_now) is refused


def test_a_policy_that_goes_refuses_nobody() -> None:
    assert broken(OPEN, None) == ([], [])
    assert broken(None, SHUT, kept("kubernetes_network_policy_v1", "also", OPEN))[1] == []
