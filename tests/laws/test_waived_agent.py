"""A waiver pays for what it accepts and for nothing else: an agent's risk beside the loss of a standby that has nothing to do with it."""

from __future__ import annotations

from copy import deepcopy
from datetime import date
from pathlib import Path

from msgspec.structs import replace
from plan_makers import Stack, Values, as_bytes, plan, stack

from faultray_action.model.policy import Gates, Policy, Waiver
from faultray_action.pipeline import Checked, Request, check

AGENT = "aws_bedrockagent_agent.support"
BASE = "aws_bedrockagent_knowledge_base.docs"
DATABASE = "aws_db_instance.main"
VECTORS = "arn:aws:rds:eu-west-1:123456789012:cluster:vectors"
STORE = {"type": "RDS", "rds_configuration": [{"resource_arn": VECTORS}]}
KNOWLEDGE: Stack = {
    BASE: {
        "id": "KB12345678",
        "name": "docs",
        "arn": "arn:aws:bedrock:eu-west-1:123456789012:knowledge-base/KB12345678",
        "storage_configuration": [STORE],
    },
    "aws_rds_cluster.vectors": {"id": "vectors", "cluster_identifier": "vectors", "arn": VECTORS, "engine": "aurora-postgresql"},
    "aws_rds_cluster_instance.one": {"id": "one", "identifier": "one", "cluster_identifier": "vectors"},
    "aws_rds_cluster_instance.two": {"id": "two", "identifier": "two", "cluster_identifier": "vectors"},
}
LINK = "aws_bedrockagent_agent_knowledge_base_association.docs"
GATES = Gates(max_drop=5, max_new_spofs=1)


def changed() -> Values:
    """An agent is given a knowledge base to answer from, and a database of another service loses its standby."""
    agent = {"agent_name": "support", "agent_id": "AGENT12345", "foundation_model": "some.model"}
    before = {**stack(), **KNOWLEDGE, AGENT: agent}
    before[DATABASE]["multi_az"] = True
    after = {**deepcopy(before), LINK: {"agent_id": "AGENT12345", "knowledge_base_id": "KB12345678"}}
    after[DATABASE]["multi_az"] = False
    return plan(before, after)


def judged(policy: Policy | None = None) -> Checked:
    asked = Request(paths=(Path("-"),), stdin=as_bytes(changed()), date="2026-01-01", scenario_budget=60, gates=GATES)
    return check(asked if policy is None else replace(asked, policy=policy))


def test_a_waiver_of_the_agent_does_not_pay_for_the_database() -> None:
    red = judged()
    assert [gate.gate for gate in red.decision.gates if not gate.passed] == ["fail-on-regression"]
    (agent,) = (row for row in red.document.risks.new if row.kind == "agent")
    waiver = Waiver("the answers are checked by hand", date(2026, 1, 20), fingerprint=agent.fingerprint[:16])
    waived = judged(Policy(waivers=(waiver,)))
    assert [row.waived for row in waived.document.risks.new if row.kind == "agent"] == [waiver.id]
    assert [gate.gate for gate in waived.decision.gates if not gate.passed] == ["fail-on-regression"]


def test_the_standby_is_no_cause_of_the_agents_risk() -> None:
    (agent,) = (row for row in judged().document.risks.new if row.kind == "agent")
    assert DATABASE not in {cause.address for cause in agent.cause}
    assert {cause.address for cause in agent.cause} == {LINK}
