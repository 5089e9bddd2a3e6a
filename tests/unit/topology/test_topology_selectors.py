"""A selector sends each request to any workload that it selects."""

from __future__ import annotations

from typing import Any

import pytest
from standing_rows import built, row

from faultray_action.model.topology import Topology


def workload(name: str, colour: str) -> dict[str, Any]:
    labels = {"app": "shop", "colour": colour}
    spec = {"replicas": 1, "selector": [{"match_labels": labels}], "template": [{"metadata": [{"labels": labels}], "spec": [{}]}]}
    return row("kubernetes_deployment_v1", name, {"metadata": [{"name": name, "namespace": "shop"}], "spec": [spec]})


def service(selector: dict[str, str]) -> dict[str, Any]:
    spec = {"selector": selector, "type": "LoadBalancer"}
    return row("kubernetes_service_v1", "shop", {"metadata": [{"name": "shop", "namespace": "shop"}], "spec": [spec]})


def test_several_selected_workloads_stand_in_for_each_other() -> None:
    topology = built(service({"app": "shop"}), workload("blue", "blue"), workload("green", "green"))
    needs = [d for d in topology.dependencies if d.source == "kubernetes_service_v1.shop"]
    assert {d.target for d in needs} == {"kubernetes_deployment_v1.blue", "kubernetes_deployment_v1.green"}
    assert len({d.group for d in needs}) == 1 and needs[0].group and needs[0].group_needed == 1


def test_one_selected_workload_is_needed() -> None:
    topology = built(service({"app": "shop", "colour": "blue"}), workload("blue", "blue"), workload("green", "green"))
    needs = [d for d in topology.dependencies if d.source == "kubernetes_service_v1.shop"]
    assert [(d.target, d.group) for d in needs] == [("kubernetes_deployment_v1.blue", "")]


def release(chart: str) -> dict[str, Any]:
    return row("helm_release", "ingress", {"name": "ingress", "chart": chart, "values": ["controller: {replicaCount: 1}"], "set": []})


def ingress(**metadata: Any) -> dict[str, Any]:
    backend = [{"service": [{"name": "shop", "port": [{"number": 80}]}]}]
    name = metadata.pop("ingress_class_name", None)
    spec = {"ingress_class_name": name, "default_backend": backend, "rule": []}
    return row("kubernetes_ingress_v1", "shop", {"metadata": [{"name": "shop", "namespace": "shop", **metadata}], "spec": [spec]})


def test_an_ingress_needs_the_controller_of_its_class() -> None:
    for chart, asked, needed in (
        ("ingress-nginx", {"ingress_class_name": "nginx"}, True),
        ("oci://example.com/charts/ingress-nginx", {"annotations": {"kubernetes.io/ingress.class": "nginx-public"}}, True),
        ("traefik", {}, True),
        ("traefik", {"ingress_class_name": "nginx"}, False),
        ("ingress-nginx", {"annotations": {"kubernetes.io/ingress.class": "gce"}}, False),
        ("redis", {"ingress_class_name": "nginx"}, False),
    ):
        topology = built(service({"app": "shop"}), workload("shop", "blue"), release(chart), ingress(**asked))
        found = any(d.source == "kubernetes_ingress_v1.shop" and d.target == "helm_release.ingress" for d in topology.dependencies)
        assert found is needed, (chart, asked)


def chart(name: str, values: str = "", chart: str = "app") -> dict[str, Any]:
    return row("helm_release", name, {"name": name, "namespace": "shop", "chart": chart, "values": [values], "set": []})


def called_by(source: str, topology: Topology) -> set[str]:
    return {d.target for d in topology.dependencies if d.source == source}


def test_a_host_name_that_begins_with_a_release_calls_it_and_the_closest_answers() -> None:
    for host, needed in (
        ("redis-master", {"helm_release.redis"}),
        ("redis-master.shop.svc.cluster.local", {"helm_release.redis"}),
        ("redis-cart-master", {"helm_release.redis-cart"}),
        ("redis-master.other.svc.cluster.local", set()),
        ("redistribution", set()),
    ):
        caller = chart("api", f"config:\n  redisHost: {host}\n")
        topology = built(caller, chart("redis"), chart("redis-cart"))
        assert called_by("helm_release.api", topology) == needed, host


def test_a_service_of_that_very_name_answers_before_a_release() -> None:
    caller = chart("api", "config:\n  backendUrl: http://shop:80\nname: api\n")
    topology = built(caller, chart("sho"), chart("shop"), service({"app": "shop"}), workload("blue", "blue"))
    assert "kubernetes_service_v1.shop" in called_by("helm_release.api", topology)
    assert "helm_release.sho" not in called_by("helm_release.api", topology)


def test_where_telemetry_is_sent_is_no_need() -> None:
    caller = chart("api", "env:\n  OTEL_EXPORTER_OTLP_ENDPOINT: http://gateway:4317\n  TRACES: http://otel-collector:4317\n")
    assert called_by("helm_release.api", built(caller, chart("gateway"), chart("otel-collector"))) == set()


def test_a_release_behind_an_ingress_of_its_own_is_an_entry_and_needs_the_controller() -> None:
    topology = built(release("ingress-nginx"), chart("web", "ingress:\n  enabled: true\n  className: nginx\n"))
    assert [entry.address for entry in topology.entries] == ["helm_release.web"]
    assert called_by("helm_release.web", topology) == {"helm_release.ingress"}


def test_replicas_that_take_over_no_writes_are_no_copies() -> None:
    for values, kind, copies in (
        ("architecture: standalone\nreplica:\n  replicaCount: 3\n", "redis", 1),
        ("architecture: replication\nreplica:\n  replicaCount: 3\n", "oci://example.com/charts/redis", 1),
        ("sentinel:\n  enabled: true\nreplica:\n  replicaCount: 3\n", "redis", 3),
        ("readReplicas:\n  replicaCount: 0\n", "postgresql", 1),
        ("postgresql:\n  replicaCount: 3\n", "postgresql-ha", 3),
        ("controller: {}\n", "ingress-nginx", 1),
        ("controller: {}\n", "unheard-of", 2),
    ):
        found = built(chart("data", values, kind)).components["helm_release.data"]
        assert len(found.copies) == copies, (values, kind)


def test_a_route_needs_the_services_that_it_sends_a_share_to() -> None:
    shares = [{"name": "blue", "port": 80, "weight": 0}, {"name": "green", "port": 80, "weight": 9}, {"name": "red", "port": 80}]
    services = [
        row("kubernetes_service_v1", n, {"metadata": [{"name": n, "namespace": "shop"}], "spec": [{}]}) for n in ("blue", "green", "red")
    ]
    manifest = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "shop", "namespace": "shop"},
        "spec": {"rules": [{"backendRefs": shares}]},
    }
    topology = built(*services, row("kubernetes_manifest", "route", {"manifest": manifest}))
    needs = [d for d in topology.dependencies if d.source == "kubernetes_manifest.route"]
    assert {d.target.rpartition(".")[2] for d in needs} == {"green", "red"} and not any(d.group for d in needs)


@pytest.mark.parametrize(("name", "taken", "expected"), [("settings", False, 1), ("config", False, 0), ("settings", True, 0)])
def test_what_is_named_as_before_and_called_otherwise_now_is_missed(name: str, taken: bool, expected: int) -> None:
    def config(called: str) -> dict[str, Any]:
        return {"metadata": [{"name": called, "namespace": "shop"}], "data": {"level": "info"}}

    shop = workload("shop", "blue")
    shop["change"]["before"]["spec"][0]["template"][0]["spec"] = [{"container": [{"env_from": [{"config_map_ref": [{"name": "config"}]}]}]}]
    renamed = row("kubernetes_config_map_v1", "shop", config("config"))
    renamed["change"] |= {"actions": ["delete", "create"], "after": config(name)}
    others = [row("kubernetes_config_map_v1", "other", config("config"))] if taken else []
    topology = built(service({"app": "shop"}), shop, renamed, *others)
    assert len([d for d in topology.dependencies if "bears that name no more" in d.broken]) == expected
