"""What is switched off, and who misses it: feeds, filters, keys, fronts that are shut."""

from __future__ import annotations

import json
from typing import Any

import pytest
from standing_rows import built, document, row

from faultray_action.model.policy import Policy
from faultray_action.model.topology import Topology
from faultray_action.pipeline import Request, discover, know
from faultray_action.terraform.reader import decode

Json = dict[str, Any]
ACL = "arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/edge/1"
BALANCER = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/web/1"
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:orders"
WORKER = "arn:aws:lambda:eu-west-1:123456789012:function:worker"
OTHER = "arn:aws:lambda:eu-west-1:123456789012:function:other"


def broken(topology: Topology) -> list[tuple[str, str]]:
    return [(d.source, d.target) for d in topology.dependencies if d.broken]


def needs(topology: Topology, source: str) -> list[str]:
    return [d.target for d in topology.dependencies if d.source == source]


# filters


def rule(action: str) -> Json:
    return {"action": [{kind: [{}] if kind == action else [] for kind in ("allow", "block", "count")}], "statement": [{}]}


def filtered(default: str, *rules: Json, **facts: Any) -> list[tuple[str, str]]:
    default_action = [{kind: [{}] if kind == default else [] for kind in ("allow", "block")}]
    acl = {"arn": ACL, "name": "edge", "default_action": default_action, "rule": list(rules), **facts}
    return broken(
        built(
            row("aws_wafv2_web_acl", "edge", acl),
            row("aws_wafv2_web_acl_association", "edge", {"resource_arn": BALANCER, "web_acl_arn": ACL}),
            row("aws_lb", "web", {"arn": BALANCER, "name": "web", "internal": False, "load_balancer_type": "application"}),
        )
    )


FRONT = [("aws_lb.web", "aws_lb.web")]
REFERS = {
    "action": [],
    "statement": [{"rule_group_reference_statement": [{"arn": "arn:aws:wafv2:eu-west-1:123456789012:regional/rulegroup/ours/1"}]}],
}


def managed(vendor: str) -> Json:
    return {"action": [], "statement": [{"managed_rule_group_statement": [{"name": "Rules", "vendor_name": vendor}]}]}


@pytest.mark.parametrize(
    ("default", "rules", "found"),
    (
        ("allow", [], []),
        ("allow", [rule("block")], []),
        ("block", [], FRONT),
        ("block", [rule("count"), rule("block")], FRONT),
        ("block", [rule("count"), rule("allow")], []),
        ("block", [managed("AWS")], FRONT),
        ("block", [managed("Somebody")], []),
        ("block", [REFERS], []),
    ),
)
def test_a_filter_that_lets_nothing_pass_takes_its_front_down(default: str, rules: list[Json], found: list[tuple[str, str]]) -> None:
    assert filtered(default, *rules) == found


# feeds


def function(name: str, arn: str) -> Json:
    return row("aws_lambda_function", name, {"function_name": name, "arn": arn, "runtime": "nodejs22.x"})


def mapping(name: str, arn: str, *, enabled: bool) -> Json:
    return row("aws_lambda_event_source_mapping", name, {"function_name": arn, "event_source_arn": QUEUE, "enabled": enabled})


QUEUED = row("aws_sqs_queue", "orders", {"name": "orders", "arn": QUEUE})


def test_a_disabled_mapping_is_off_where_it_stands() -> None:
    topology = built(QUEUED, function("worker", WORKER), mapping("worker", WORKER, enabled=False))
    assert [entry.address for entry in topology.entries] == ["aws_lambda_function.worker"]
    assert broken(topology) == [("aws_lambda_event_source_mapping.worker", "aws_sqs_queue.orders")]


def test_a_disabled_mapping_is_missed_by_nobody_where_another_reads_the_queue() -> None:
    old = function("worker", WORKER), mapping("worker", WORKER, enabled=False)
    new = function("other", OTHER), mapping("other", OTHER, enabled=True)
    topology = built(QUEUED, *old, *new)
    assert needs(topology, "aws_lambda_function.worker") == [] and broken(topology) == []


def test_a_workload_that_others_call_does_not_wait_for_a_disabled_feed() -> None:
    url = row("aws_lambda_function_url", "worker", {"function_name": "worker", "function_url": "https://w.lambda-url.eu-west-1.on.aws/"})
    topology = built(QUEUED, function("worker", WORKER), url, mapping("worker", WORKER, enabled=False))
    assert needs(topology, "aws_lambda_function.worker") == [] and broken(topology) == []
    assert needs(built(QUEUED, function("worker", WORKER), url, mapping("worker", WORKER, enabled=True)), "aws_lambda_function.worker")


# keys


@pytest.mark.parametrize(("enabled", "found"), ((True, []), (False, [("aws_sqs_queue.orders", "aws_sqs_queue.orders")])))
def test_a_store_whose_key_is_disabled_is_of_no_use_in_any_plan(enabled: bool, found: list[tuple[str, str]]) -> None:
    key = "arn:aws:kms:eu-west-1:123456789012:key/1"
    queue = row("aws_sqs_queue", "orders", {"name": "orders", "arn": QUEUE, "kms_master_key_id": key})
    assert broken(built(row("aws_kms_key", "data", {"arn": key, "key_id": "1", "is_enabled": enabled}), queue)) == found


# fronts that are shut


def shut(was: bool, is_now: bool) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """The broken needs before and after of a balancer with a machine behind it, internal or not."""
    group = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/1"
    front = {"arn": BALANCER, "name": "web", "load_balancer_type": "application"}
    forward = [{"type": "forward", "target_group_arn": group}]
    rows = [
        row("aws_lb", "web", front),
        row("aws_lb_listener", "web", {"load_balancer_arn": BALANCER, "default_action": forward}),
        row("aws_lb_target_group", "web", {"arn": group, "name": "web"}),
        row("aws_lb_target_group_attachment", "web", {"target_group_arn": group, "target_id": "i-0123456789abcdef0"}),
        row("aws_instance", "web", {"id": "i-0123456789abcdef0", "instance_type": "t3.large"}),
    ]
    plan = json.loads(document(*rows))
    sides = {"before": {**front, "internal": was}, "after": {**front, "internal": is_now}}
    plan["resource_changes"][0]["change"] |= {"actions": ["update"], **sides}
    stages = discover(decode(json.dumps(plan).encode(), "plan.json"), know(Request(policy=Policy())))
    return broken(stages.before), broken(stages.after)


def test_a_front_that_is_made_private_is_evidence_of_the_change_both_ways() -> None:
    assert shut(was=False, is_now=True) == ([], FRONT)
    assert shut(was=True, is_now=False) == (FRONT, [])
    assert shut(was=True, is_now=True) == ([], [])


def test_an_address_that_nothing_stands_behind_yet_was_not_shut() -> None:
    plan = json.loads(document(row("aws_eip", "web", {"id": "eipalloc-1", "public_ip": "198.51.100.7"})))
    before = {"id": "eipalloc-1", "public_ip": "198.51.100.7", "instance": ""}
    change = {"actions": ["update"], "before": before, "after": {**before, "instance": "i-0123456789abcdef0"}}
    plan["resource_changes"][0]["change"] |= change
    plan["resource_changes"].append(row("aws_instance", "web", {"id": "i-0123456789abcdef0", "instance_type": "t3.large"}))
    stages = discover(decode(json.dumps(plan).encode(), "plan.json"), know(Request(policy=Policy())))
    assert ("aws_eip.web", "aws_eip.web") not in broken(stages.before)
    assert broken(stages.after) == []


# the controller of ingresses


@pytest.mark.parametrize(
    ("values", "found"),
    (
        ("controller: {service: {type: ClusterIP}}", True),
        ("controller: {service: {type: NodePort}}", False),
        ("controller: {replicaCount: 5}", False),
        ("controller: {service: {type: ClusterIP}, hostNetwork: true}", False),
    ),
)
def test_a_controller_that_loses_its_balancer_lets_nobody_in(values: str, found: bool) -> None:
    release = {"name": "ingress-nginx", "namespace": "ingress", "chart": "ingress-nginx", "values": ["controller: {replicaCount: 3}"]}
    plan = json.loads(document(row("helm_release", "ingress", release)))
    plan["resource_changes"][0]["change"] |= {"actions": ["update"], "after": {**release, "values": [values]}}
    stages = discover(decode(json.dumps(plan).encode(), "plan.json"), know(Request(policy=Policy())))
    assert broken(stages.after) == [("helm_release.ingress", "helm_release.ingress")] * found
