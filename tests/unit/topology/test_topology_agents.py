"""Agents of a plan: what answers, what it answers from, and that it answers on without it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from faultray_action.model.topology import Role
from faultray_action.pipeline import Checked, Request, check

KNOWLEDGE = "arn:aws:bedrock:eu-west-1:111122223333:knowledge-base/KB12345678"
VECTORS = "arn:aws:rds:eu-west-1:111122223333:cluster:vectors"
AGENT = "aws_bedrockagent_agent.support"
BASE = "aws_bedrockagent_knowledge_base.docs"


def _row(address: str, before: dict[str, Any] | None, after: dict[str, Any] | None) -> dict[str, Any]:
    kind, name = address.split(".")
    actions = ["no-op"] if before == after else ["delete"] if after is None else ["update"]
    change = {"actions": actions, "before": before, "after": after, "after_unknown": {}}
    return {
        "address": address,
        "mode": "managed",
        "type": kind,
        "name": name,
        "provider_name": "registry.terraform.io/hashicorp/aws",
        "change": change,
    }


def _checked(tmp_path: Path, *, reader_after: bool = True) -> Checked:
    store = {"type": "RDS", "rds_configuration": [{"resource_arn": VECTORS}]}
    stack: dict[str, dict[str, Any]] = {
        AGENT: {"agent_name": "support", "agent_id": "AGENT12345", "foundation_model": "some.model"},
        BASE: {"id": "KB12345678", "name": "docs", "arn": KNOWLEDGE, "storage_configuration": [store]},
        "aws_bedrockagent_agent_knowledge_base_association.a": {"agent_id": "AGENT12345", "knowledge_base_id": "KB12345678"},
        "aws_rds_cluster.vectors": {"id": "vectors", "cluster_identifier": "vectors", "arn": VECTORS, "engine": "aurora-postgresql"},
        "aws_rds_cluster_instance.one": {"id": "one", "identifier": "one", "cluster_identifier": "vectors"},
        "aws_rds_cluster_instance.two": {"id": "two", "identifier": "two", "cluster_identifier": "vectors"},
    }
    gone = () if reader_after else ("aws_rds_cluster_instance.two",)
    rows = [_row(address, values, None if address in gone else dict(values)) for address, values in stack.items()]
    path = tmp_path / "plan.json"
    path.write_text(json.dumps({"format_version": "1.2", "resource_changes": rows, "configuration": {"root_module": {}}}), encoding="utf-8")
    return check(Request(paths=(path,), date="2026-11-01"))


def test_an_agent_answers_from_its_knowledge_base(tmp_path: Path) -> None:
    topology = _checked(tmp_path).after
    (agent,) = topology.agents
    assert agent.address == AGENT
    assert [source for source, _ in agent.sources] == [BASE]
    assert 0.0 < agent.h0 < agent.sources[0][1] < 1.0


def test_an_agent_goes_on_answering_without_it(tmp_path: Path) -> None:
    topology = _checked(tmp_path).after
    assert {d.role for d in topology.dependencies if d.source == AGENT} == {Role.OPTIONAL}
    (row,) = _checked(tmp_path).document.agents or ()
    assert row.answering and row.worst is not None and row.after is not None and row.worst > row.after


def test_a_plan_without_agents_has_none(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    rows = [_row("aws_db_instance.main", {"id": "x", "engine": "postgres"}, {"id": "x", "engine": "postgres"})]
    path.write_text(json.dumps({"format_version": "1.2", "resource_changes": rows, "configuration": {"root_module": {}}}), encoding="utf-8")
    assert check(Request(paths=(path,), date="2026-11-01")).after.agents == ()
