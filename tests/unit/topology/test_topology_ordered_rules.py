"""Rules of which the first that fits decides: what a removed Allow breaks, and what it does not."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from faultray_action.pipeline import Request, check

SCENARIO = Path(__file__).parents[2] / "scenarios" / "azure-nsg-rule-removed"
RULE = "azurerm_network_security_rule.postgres_from_app"
Plan = dict[str, Any]


def _changes(plan: Plan, name: str) -> Plan:
    return next(row for row in plan["resource_changes"] if row["address"].endswith(f".{name}"))


def _on_both_sides(plan: Plan, name: str, **values: Any) -> None:
    for side in ("before", "after"):
        if _changes(plan, name)["change"][side] is not None:
            _changes(plan, name)["change"][side].update(values)


def _open_inside(plan: Plan) -> None:
    _on_both_sides(plan, "ssh_from_bastion", source_address_prefix="VirtualNetwork", destination_port_range="5000-6000")


def _open_to_part(plan: Plan) -> None:
    _on_both_sides(plan, "ssh_from_bastion", source_address_prefix="10.10.1.128/25", destination_port_range="*")


def _open_to_others(plan: Plan) -> None:
    _on_both_sides(plan, "ssh_from_bastion", source_address_prefix="10.10.7.0/24", destination_port_range="*")


def _open_for_operators(plan: Plan) -> None:
    _on_both_sides(plan, "ssh_from_bastion", source_address_prefix="*", destination_port_range="22")


def _open_for_other_protocols(plan: Plan) -> None:
    _on_both_sides(plan, "ssh_from_bastion", source_address_prefix="*", destination_port_range="*", protocol="Udp")


def _refuse_others(plan: Plan) -> None:
    _on_both_sides(plan, "deny_all", source_address_prefix="10.11.0.0/16")


def _refuse_elsewhere(plan: Plan) -> None:
    _on_both_sides(plan, "deny_all", destination_address_prefix="10.10.3.0/24")


def _refuse_the_way_out(plan: Plan) -> None:
    _on_both_sides(plan, "deny_all", direction="Outbound")


def _refuse_first(plan: Plan) -> None:
    _on_both_sides(plan, "deny_all", priority=50)


def _keep_the_rule(plan: Plan) -> None:
    change = _changes(plan, "postgres_from_app")["change"]
    change.update(actions=["update"], after=deepcopy(change["before"]))


def _turn_the_rule(plan: Plan) -> None:
    _keep_the_rule(plan)
    _changes(plan, "postgres_from_app")["change"]["after"]["access"] = "Deny"


def _replace_by_unknown_source(plan: Plan) -> None:
    _keep_the_rule(plan)
    change = _changes(plan, "postgres_from_app")["change"]
    change["after"]["source_address_prefix"] = None
    change["after_unknown"] = {"source_address_prefix": True}


def _let_the_subnet_go(plan: Plan) -> None:
    association = next(row for row in plan["resource_changes"] if row["type"] == "azurerm_subnet_network_security_group_association")
    association["change"].update(actions=["delete"], after=None)


@pytest.mark.parametrize(
    ("edit", "is_broken"),
    [
        (lambda plan: None, True),
        (_open_to_others, True),
        (_open_for_operators, True),
        (_open_for_other_protocols, True),
        (_turn_the_rule, True),
        (_open_inside, False),
        (_open_to_part, False),
        (_refuse_others, False),
        (_refuse_elsewhere, False),
        (_refuse_the_way_out, False),
        (_refuse_first, False),
        (_keep_the_rule, False),
        (_replace_by_unknown_source, False),
        (_let_the_subnet_go, False),
    ],
)
def test_a_call_is_broken_where_no_rule_admits_it_any_more(edit: Callable[[Plan], None], is_broken: bool, tmp_path: Path) -> None:
    plan = json.loads(gzip.decompress((SCENARIO / "plan.json.gz").read_bytes()))
    edit(plan)
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(plan), encoding="utf-8")
    risks = check(Request(paths=(path,), date="2026-11-01")).document.risks.new
    assert [row.kind for row in risks] == (["broken-need"] if is_broken else [])
    assert all(any(cause.address == RULE for cause in row.cause) for row in risks)
