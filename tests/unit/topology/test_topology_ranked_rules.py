"""Firewall rules by tags, of which the one of the least priority decides: which calls a rule that denies breaks, and which it does not."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from faultray_action.pipeline import Request, check
from faultray_action.report.store import dump

Values = dict[str, Any]
NETWORK, OTHER = (f"projects/acme/global/networks/{name}" for name in ("main", "ops"))
SUBNET = "projects/acme/regions/europe-west1/subnetworks/app"
PROBES = ["130.211.0.0/22", "35.191.0.0/16"]
GROUP = "https://www.googleapis.com/compute/v1/projects/acme/zones/europe-west1-b/instanceGroups/web"


def _rule(**values: Any) -> Values:
    return {"network": NETWORK, "direction": "INGRESS", "priority": 1000, "disabled": False, "allow": [], "deny": [], **values}


def _tcp(*ports: str) -> list[Values]:
    return [{"protocol": "tcp", "ports": list(ports)}]


EVERYTHING = [{"protocol": "all", "ports": []}]
BACKSTOP = _rule(priority=65534, source_ranges=["0.0.0.0/0"], deny=EVERYTHING)
SHOP: dict[str, Values] = {
    "google_compute_network.main": {"id": NETWORK, "name": "main"},
    "google_compute_network.ops": {"id": OTHER, "name": "ops"},
    "google_compute_subnetwork.app": {"id": SUBNET, "name": "app", "network": NETWORK, "region": "europe-west1"},
    "google_sql_database_instance.ledger": {
        "id": "ledger",
        "name": "ledger",
        "region": "europe-west1",
        "database_version": "POSTGRES_15",
        "private_ip_address": "10.90.0.3",
        "settings": [{"availability_type": "REGIONAL", "backup_configuration": [{"enabled": True}]}],
    },
    "google_compute_instance.db": {
        "id": "projects/acme/zones/europe-west1-b/instances/db",
        "name": "db",
        "zone": "europe-west1-b",
        "tags": ["db"],
        "network_interface": [{"subnetwork": SUBNET, "network": NETWORK, "network_ip": "10.0.0.5", "access_config": []}],
    },
    "google_compute_instance_template.web": {
        "id": "projects/acme/global/instanceTemplates/web",
        "name": "web",
        "tags": ["web"],
        "metadata": {"db-host": "10.0.0.5", "ledger": "10.90.0.3"},
        "network_interface": [{"subnetwork": SUBNET, "network": NETWORK}],
    },
    "google_compute_instance_group_manager.web": {
        "name": "web",
        "zone": "europe-west1-b",
        "instance_group": GROUP,
        "target_size": 2,
        "version": [{"instance_template": "projects/acme/global/instanceTemplates/web"}],
    },
    "google_compute_backend_service.web": {"id": "projects/acme/global/backendServices/web", "name": "web", "backend": [{"group": GROUP}]},
    "google_compute_global_forwarding_rule.web": {"name": "web", "backend_service": "projects/acme/global/backendServices/web"},
    "google_compute_firewall.probes": _rule(source_ranges=PROBES, target_tags=["web"], allow=_tcp("8080")),
    "google_compute_firewall.web_to_db": _rule(source_tags=["web"], target_tags=["db"], allow=_tcp("5432")),
    "google_compute_firewall.backstop": BACKSTOP,
}
DATABASE, LEDGER = "google_compute_instance.db", "google_sql_database_instance.ledger"


def _report(tmp_path: Path, after: dict[str, Values | None], before: dict[str, Values] | None = None) -> dict[str, Any]:
    was = {**SHOP, **(before or {})}
    is_now = {**was, **after}
    rows = []
    for address, values in is_now.items():
        kind, _, name = address.partition(".")
        old = was.get(address)
        action = "no-op" if old == values else "delete" if values is None else "create" if old is None else "update"
        change = {"actions": [action], "before": deepcopy(old), "after": deepcopy(values), "after_unknown": {}}
        provider = "registry.terraform.io/hashicorp/google"
        rows.append({"address": address, "mode": "managed", "type": kind, "name": name, "provider_name": provider, "change": change})
    plan = {"format_version": "1.2", "terraform_version": "1.9.0", "resource_changes": rows, "configuration": {"root_module": {}}}
    (tmp_path / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    return dict(json.loads(dump(check(Request(paths=(tmp_path / "plan.json",), date="2026-11-01")).document)))


def _broken(report: dict[str, Any]) -> set[str]:
    rows = [row for row in report["risks"]["new"] if row["kind"] == "broken-need"]
    return {row["address"] for row in rows} | {cause["address"] for row in rows for cause in row["cause"]}


WEB, FIRST = "google_compute_instance_group_manager.web", "google_compute_firewall.first"


@pytest.mark.parametrize(
    ("address", "values"),
    [
        pytest.param(FIRST, _rule(priority=500, source_ranges=["0.0.0.0/0"], deny=EVERYTHING), id="refuses everybody"),
        pytest.param(FIRST, _rule(priority=500, source_tags=["web"], target_tags=["db"], deny=EVERYTHING), id="refuses the caller"),
        pytest.param(FIRST, _rule(source_tags=["web"], target_tags=["db"], deny=EVERYTHING), id="equal priority"),
        pytest.param(FIRST, _rule(priority=500, direction="EGRESS", target_tags=["web"], deny=EVERYTHING), id="refuses the way out"),
        pytest.param(
            FIRST, _rule(priority=500, direction="EGRESS", destination_ranges=["0.0.0.0/0"], deny=_tcp("5432")), id="the port of a store"
        ),
        pytest.param(
            "google_compute_firewall.web_to_db", {**SHOP["google_compute_firewall.web_to_db"], "priority": 65535}, id="sinks below"
        ),
    ],
)
def test_a_call_is_broken_where_a_rule_refuses_it_first(address: str, values: Values, tmp_path: Path) -> None:
    report = _report(tmp_path, {address: values})
    assert address in _broken(report) and not report["gate"]["passed"]
    assert any(" refuses calls of " in row["message"] for row in report["risks"]["new"])


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(_rule(priority=1001, source_ranges=["0.0.0.0/0"], deny=EVERYTHING), id="asked later"),
        pytest.param(_rule(priority=500, source_ranges=["10.9.0.0/16"], deny=EVERYTHING), id="other addresses"),
        pytest.param(_rule(priority=500, source_tags=["batch"], deny=EVERYTHING), id="another caller"),
        pytest.param(_rule(priority=500, source_ranges=["0.0.0.0/0"], target_tags=["cache"], deny=EVERYTHING), id="another callee"),
        pytest.param(_rule(priority=500, source_ranges=["0.0.0.0/0"], deny=_tcp("22", "3389")), id="other ports"),
        pytest.param(_rule(priority=500, source_ranges=["0.0.0.0/0"], deny=[{"protocol": "udp", "ports": []}]), id="another protocol"),
        pytest.param(_rule(priority=500, source_ranges=["0.0.0.0/0"], deny=EVERYTHING, network=OTHER), id="another network"),
        pytest.param(_rule(priority=500, source_ranges=["0.0.0.0/0"], deny=EVERYTHING, disabled=True), id="switched off"),
        pytest.param(_rule(priority=500, direction="EGRESS", destination_ranges=["203.0.113.0/24"], deny=EVERYTHING), id="out to others"),
    ],
)
def test_a_rule_that_denies_other_calls_breaks_none(values: Values, tmp_path: Path) -> None:
    report = _report(tmp_path, {FIRST: values})
    assert not _broken(report) and report["gate"]["passed"]


def test_what_is_let_out_first_is_not_refused(tmp_path: Path) -> None:
    out = _rule(priority=400, direction="EGRESS", destination_ranges=["10.0.0.0/8"], allow=_tcp("5432"))
    deny = _rule(priority=500, direction="EGRESS", deny=EVERYTHING)
    assert _report(tmp_path, {FIRST: deny, "google_compute_firewall.out": out})["gate"]["passed"]
    assert not _report(tmp_path, {"google_compute_firewall.out": None}, {FIRST: deny, "google_compute_firewall.out": out})["gate"]["passed"]


def test_taking_the_backstop_away_breaks_nothing(tmp_path: Path) -> None:
    assert _report(tmp_path, {"google_compute_firewall.backstop": None})["gate"]["passed"]


@pytest.mark.parametrize(("source", "passes"), [("10.0.0.0/24", True), ("", False)])
def test_a_rule_of_a_policy_takes_over(source: str, passes: bool, tmp_path: Path) -> None:
    match = [{"src_ip_ranges": [source] if source else [], "layer4_configs": [{"ip_protocol": "tcp", "ports": ["5432"]}]}]
    rule = {"action": "allow", "direction": "INGRESS", "disabled": False, "priority": 10, "match": match}
    known = {"google_compute_firewall.backstop": _rule(source_ranges=["10.9.0.0/16"], deny=EVERYTHING)}
    edits: dict[str, Values | None] = {"google_compute_network_firewall_policy_rule.db": rule, "google_compute_firewall.web_to_db": None}
    assert _report(tmp_path, edits, known)["gate"]["passed"] is passes


def test_users_are_shut_out_of_a_public_machine(tmp_path: Path) -> None:
    machine = deepcopy(SHOP["google_compute_instance.db"])
    machine["network_interface"][0]["access_config"] = [{"nat_ip": "203.0.113.5"}]
    known = {DATABASE: machine, "google_compute_firewall.users": _rule(source_ranges=["0.0.0.0/0"], target_tags=["db"], allow=_tcp("443"))}
    report = _report(tmp_path, {FIRST: _rule(priority=500, source_ranges=["0.0.0.0/0"], target_tags=["db"], deny=EVERYTHING)}, known)
    assert FIRST in _broken(report)
