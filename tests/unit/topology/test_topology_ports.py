"""Ports on which nobody listens: what Services call, what probes ask, what fronts are told of containers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from standing_rows import built, document, row

from faultray_action.model.policy import Policy
from faultray_action.model.topology import Topology
from faultray_action.pipeline import Request, discover, know
from faultray_action.terraform.reader import decode
from faultray_action.topology.draft import standing
from faultray_action.topology.known_side import KnownSide
from faultray_action.topology.reachability.ports import probed_on

Json = dict[str, Any]
CLOUDS = Path(__file__).parents[4] / "shared" / "cases" / "clouds"


def container(name: str, *ports: Json, **probes: Json) -> Json:
    return {"name": name, "port": list(ports), **{probe: [value] for probe, value in probes.items()}}


def declared(number: int, name: str = "") -> Json:
    return {"container_port": number, "name": name}


def asked(port: int | str) -> Json:
    return {"http_get": [{"path": "/", "port": port}]}


def workload(*containers: Json) -> Json:
    template = [{"metadata": [{"labels": {"app": "web"}}], "spec": [{"container": list(containers)}]}]
    return {"metadata": [{"name": "web", "namespace": "shop"}], "spec": [{"replicas": 2, "template": template}]}


def service(*ports: Json, **facts: Any) -> Json:
    spec = {"selector": {"app": "web"}, "type": "LoadBalancer", "port": list(ports), **facts}
    return {"metadata": [{"name": "web", "namespace": "shop"}], "spec": [spec]}


def calling(target: int | str | None) -> Json:
    return service({"port": 80, "target_port": target})


def ingress(**port: Any) -> Json:
    path = [{"path": "/", "backend": [{"service": [{"name": "web", "port": [port]}]}]}]
    return {
        "metadata": [{"name": "web", "namespace": "shop"}],
        "spec": [{"rule": [{"host": "shop.example.com", "http": [{"path": path}]}]}],
    }


def broken(topology: Topology) -> list[tuple[str, str]]:
    return [(d.source.partition(".")[0], d.target.partition(".")[0]) for d in topology.dependencies if d.broken]


def state(pods: Json, front: Json, *others: Json) -> list[tuple[str, str]]:
    return broken(built(row("kubernetes_deployment_v1", "web", pods), row("kubernetes_service_v1", "web", front), *others))


CALL = ("kubernetes_service_v1", "kubernetes_deployment_v1")
HTTP = container("app", declared(8080, "http"))


@pytest.mark.parametrize("target", (8080, "8080", "http"))
def test_a_declared_port_is_served(target: int | str) -> None:
    assert state(workload(HTTP), calling(target)) == []


@pytest.mark.parametrize("target", (9090, "9090", "web", None))
def test_a_port_that_no_container_declares_is_proven_wrong(target: int | str | None) -> None:
    assert state(workload(HTTP), calling(target)) == [CALL]


def test_a_pod_without_declared_ports_may_listen_on_any_number() -> None:
    assert state(workload(container("app")), calling(9090)) == []


def test_a_name_is_resolved_by_declarations_alone() -> None:
    assert state(workload(container("app")), calling("http")) == [CALL]


def test_a_container_that_declares_nothing_may_be_the_one() -> None:
    assert state(workload(HTTP, container("proxy")), calling(9090)) == []


def test_a_sidecar_that_starts_first_may_be_the_one() -> None:
    pods = workload(HTTP)
    pods["spec"][0]["template"][0]["spec"][0]["init_container"] = [{"name": "proxy", "restart_policy": "Always"}]
    assert state(pods, calling(9090)) == []


def test_one_port_of_a_service_that_is_served_is_enough() -> None:
    assert state(workload(HTTP), service({"port": 80, "target_port": 8080}, {"port": 9100, "target_port": 9100})) == []


def test_a_headless_service_names_pods_only() -> None:
    assert state(workload(HTTP), service({"port": 9090}, cluster_ip="None", type="ClusterIP")) == []


@pytest.mark.parametrize(("port", "found"), (({"number": 80}, []), ({"name": "http"}, []), ({"number": 8080}, [1]), ({"name": "web"}, [1])))
def test_an_ingress_asks_for_a_port_of_the_service(port: Json, found: list[int]) -> None:
    front = service({"port": 80, "name": "http", "target_port": 8080}, type="ClusterIP")
    cut = state(workload(HTTP), front, row("kubernetes_ingress_v1", "web", ingress(**port)))
    assert cut == [("kubernetes_ingress_v1", "kubernetes_service_v1")] * len(found)


def test_an_ingress_may_ask_for_the_one_port_behind_which_nobody_listens() -> None:
    front = service({"port": 80, "target_port": 8080}, {"port": 81, "target_port": 9090}, type="ClusterIP")
    cut = state(workload(HTTP), front, row("kubernetes_ingress_v1", "web", ingress(number=81)))
    assert cut == [("kubernetes_ingress_v1", "kubernetes_service_v1")]


@pytest.mark.parametrize("probe", ("readiness_probe", "liveness_probe", "startup_probe"))
@pytest.mark.parametrize(("port", "found"), ((8080, False), ("http", False), (8081, True), ("admin", True)))
def test_a_probe_asks_on_a_declared_port(probe: str, port: int | str, found: bool) -> None:
    cut = state(workload(container("app", declared(8080, "http"), **{probe: asked(port)})), calling(8080))
    assert cut == [("kubernetes_deployment_v1", "kubernetes_deployment_v1")] * found


def test_a_probe_without_a_port_asks_nobody() -> None:
    pods = workload(container("app", declared(8080), liveness_probe={"exec": [{"command": ["true"]}]}))
    assert state(pods, calling(8080)) == []


def test_a_manifest_is_read_as_what_it_holds() -> None:
    pods = {"containers": [{"name": "app", "ports": [{"containerPort": 8080}]}]}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": pods}
    meta = {"name": "web", "namespace": "shop"}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": {"replicas": 2, "template": template}}
    spec = {"type": "LoadBalancer", "selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 9090}]}
    front = {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}
    topology = built(row("kubernetes_manifest", "pods", {"manifest": deployment}), row("kubernetes_manifest", "front", {"manifest": front}))
    assert [(d.source, d.target) for d in topology.dependencies if d.broken] == [("kubernetes_manifest.front", "kubernetes_manifest.pods")]


# what the change alone shows


def changed(before: tuple[Json, Json], after: tuple[Json, Json]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """The broken needs before and after, of a workload and its Service."""
    plan = json.loads(document(*(row(kind, "web", {}) for kind in ("kubernetes_deployment_v1", "kubernetes_service_v1"))))
    for change, was, is_now in zip((r["change"] for r in plan["resource_changes"]), before, after, strict=True):
        change |= {"actions": ["update"] if was != is_now else ["no-op"], "before": was, "after": is_now}
    stages = discover(decode(json.dumps(plan).encode(), "plan.json"), know(Request(policy=Policy())))
    return broken(stages.before), broken(stages.after)


BESIDE = workload(HTTP, container("proxy"))


def test_a_declared_port_given_up_beside_a_silent_container_is_evidence_both_ways() -> None:
    right, wrong = (BESIDE, calling(8080)), (BESIDE, calling(9090))
    assert changed(right, wrong) == ([], [CALL])
    assert changed(wrong, right) == ([CALL], [])
    assert changed(wrong, wrong) == ([], [])


def test_a_declaration_that_goes_while_the_number_stays_is_none() -> None:
    assert changed((workload(HTTP), calling(8080)), (workload(container("app")), calling(8080))) == ([], [])


def test_what_is_proven_is_broken_on_both_sides_of_a_plan_that_leaves_it() -> None:
    assert changed((workload(HTTP), calling(9090)), (workload(HTTP), calling(9090))) == ([CALL], [CALL])


def test_a_port_that_is_not_known_yet_is_not_decidable() -> None:
    plan = json.loads(document(row("kubernetes_deployment_v1", "web", workload(HTTP)), row("kubernetes_service_v1", "web", calling(8080))))
    change = plan["resource_changes"][1]["change"]
    change["after"] = service({"port": 80})
    change |= {"actions": ["update"], "after_unknown": {"spec": [{"port": [{"target_port": True}]}]}}
    stages = discover(decode(json.dumps(plan).encode(), "plan.json"), know(Request(policy=Policy())))
    assert (broken(stages.after), broken(stages.best.after)) == ([], [])


# the port of a probe, for the rules of firewalls


def after_of(plan: Path) -> KnownSide:
    stages = discover(decode(plan.read_bytes(), "plan.json"), know(Request(policy=Policy())))
    return standing(stages.drafts[1])


@pytest.mark.skipif(not CLOUDS.is_dir(), reason="the shared cases are not here")
@pytest.mark.parametrize(
    ("case", "front", "target", "port"),
    (
        ("az09-probe-on-port-that-nsg-denies", "azurerm_application_gateway.main", "azurerm_linux_virtual_machine_scale_set.app", 9090),
        ("az10-probe-path-changed", "azurerm_application_gateway.main", "azurerm_linux_virtual_machine_scale_set.app", 8080),
        (
            "gc07-firewall-narrowed-to-own-subnet",
            "google_compute_backend_service.web",
            "google_compute_region_instance_group_manager.web",
            8080,
        ),
    ),
)
def test_the_port_on_which_a_front_probes(case: str, front: str, target: str, port: int) -> None:
    assert probed_on(after_of(CLOUDS / case / "plan.json"), front, target) == port
