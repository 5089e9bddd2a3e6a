"""Who is matched by labels, names and host names: what is looked up is what a comparison of all with all finds."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from faultray_action.catalogue.load import load
from faultray_action.model.component import Evidence
from faultray_action.terraform.plan import Side
from faultray_action.terraform.reader import decode
from faultray_action.topology import matching
from faultray_action.topology.facts import Choice
from faultray_action.topology.linking import linker_of
from faultray_action.topology.survey import Survey, take

Row = dict[str, Any]
SPACES = ("shop", "pay", None)


def row(kind: str, name: str, space: str | None, labels: Row, /, **values: Any) -> Row:
    provider = "hashicorp/helm" if kind == "helm_release" else "hashicorp/kubernetes"
    metadata = {} if kind == "helm_release" else {"metadata": [{"name": name, "namespace": space, "labels": labels}]}
    after = {"id": f"{space}/{name}", **metadata, **values}
    return {
        "address": f"{kind}.{name}_{space}", "mode": "managed", "type": kind, "name": f"{name}_{space}", "provider_name": f"registry.terraform.io/{provider}",
        "change": {"actions": ["no-op"], "before": after, "after": after, "after_unknown": {}},
    }  # fmt: skip


def cluster(dice: random.Random, many: int) -> bytes:
    """Workloads, services, releases, ingresses, autoscalers and volumes that name each other in all ways, some of them in vain."""
    names = [f"app{number}" for number in range(many)]
    rows = []
    for name in names:
        space, other, far = dice.choice(SPACES), dice.choice(names), dice.choice(("shop", "pay"))
        labels = {"app": name, "tier": dice.choice(("web", "data"))}
        host = dice.choice(
            (other, f"{other}.{far}", f"{other}.{far}.svc.cluster.local", f"{other}-redis-master", f"{other}-db.{far}", "nobody")
        )
        env = [{"name": "UPSTREAM_URL", "value": f"http://{host}:8080/x"}, {"name": "NOISE", "value": other}]
        container = [{"name": "app", "env": env, "env_from": [{"config_map_ref": [{"name": other}]}]}]
        template = [{"metadata": [{"labels": labels}], "spec": [{"container": container}]}]
        rows.append(row("kubernetes_deployment", name, space, labels, spec=[{"replicas": "2", "template": template}]))
        selector = dice.choice(({"app": other}, {"tier": "web"}, {"app": other, "tier": "data"}, {}, None, {"app": "nobody"}))
        rows.append(row("kubernetes_service", name, space, {}, spec=[{"selector": selector, "port": [{"port": 80}]}]))
        backend = [{"service": [{"name": dice.choice((other, "nobody"))}]}]
        rows.append(row("kubernetes_ingress_v1", name, space, {}, spec=[{"rule": [{"http": [{"path": [{"backend": backend}]}]}]}]))
        rows.append(
            row(
                "kubernetes_horizontal_pod_autoscaler",
                name,
                space,
                {},
                spec=[{"scale_target_ref": [{"kind": "Deployment", "name": other}]}],
            )
        )
        if dice.random() < 0.3:
            rows.append(row("kubernetes_config_map", name, space, {}, data={"PEER": f"http://{other}.{far}:80"}))
            rows.append(row("helm_release", other, far, {}, name=other, namespace=far, chart="redis", values=[f"upstreamHost: {name}\n"]))
    unique = {each["address"]: each for each in rows}
    return json.dumps({"format_version": "1.2", "resource_changes": list(unique.values()), "configuration": {"root_module": {}}}).encode()


def surveyed(plan: bytes) -> Survey:
    read, catalogue = decode(plan, "plan.json"), load()
    return take(read, linker_of(read, catalogue).links(Side.AFTER), catalogue, Side.AFTER, Choice.WORST)


def told(survey: Survey) -> list[tuple[str, str, str, str, str, Evidence | None]]:
    return [(e.source, e.target, e.role, e.path, e.group, e.evidence) for e in survey.edges]


@pytest.mark.parametrize("seed", range(12))
def test_a_look_up_finds_what_comparing_all_with_all_finds(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = cluster(random.Random(seed), 14)
    looked_up = told(surveyed(plan))
    monkeypatch.setattr(matching._Pool, "asked", lambda self, *_: self._nodes)
    monkeypatch.setattr(matching._Pool, "called", lambda self, _: self._nodes)
    assert looked_up == told(surveyed(plan))
    assert {edge[2] for edge in looked_up} >= {"need", "modifies"}
