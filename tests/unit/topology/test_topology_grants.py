"""Grants: what permits a call is read with wildcards, refusals and conditions; what goes is missed where its need stays, and what cannot be decided is not."""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import pytest
from standing_rows import document, row

from faultray_action.catalogue.managed_policies import managed_policies
from faultray_action.model.policy import Policy
from faultray_action.pipeline import Request, discover, know
from faultray_action.terraform.reader import decode

Json = dict[str, Any]

TOPIC = "arn:aws:sns:eu-west-1:123456789012:sales"
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:billing-jobs"
URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/billing-jobs"
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:billing-worker"

TOPIC_ROW = row("aws_sns_topic", "sales", {"id": TOPIC, "arn": TOPIC, "name": "sales"})
SUBSCRIPTION = row(
    "aws_sns_topic_subscription",
    "sales",
    {"id": f"{TOPIC}:1", "arn": f"{TOPIC}:1", "topic_arn": TOPIC, "protocol": "sqs", "endpoint": QUEUE},
)
WORKER = row("aws_lambda_function", "worker", {"id": "billing-worker", "arn": FUNCTION, "function_name": "billing-worker"})
MAPPING = row("aws_lambda_event_source_mapping", "worker", {"id": "m-1", "event_source_arn": QUEUE, "function_name": FUNCTION})


def queue(**values: Any) -> Json:
    return row("aws_sqs_queue", "jobs", {"id": URL, "url": URL, "arn": QUEUE, "name": "billing-jobs", **values})


def statement(**changed: Any) -> Json:
    made = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": QUEUE,
        "Condition": {"ArnEquals": {"aws:SourceArn": TOPIC}},
    }
    return {name: value for name, value in {**made, **changed}.items() if value is not None}


def policy(*statements: Json) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def beside(text: Any) -> Json:
    return row("aws_sqs_queue_policy", "jobs", {"id": URL, "queue_url": URL, "policy": text})


def changing(one: Json, *actions: str, after: Json | None = None, unknown: Json | None = None) -> Json:
    change = {**one["change"], "actions": list(actions), "after": after, "after_unknown": unknown or {}}
    return {**one, "change": change}


def broken(*rows: Json) -> tuple[list[str], list[str]]:
    """The reasons of broken needs before and after."""
    stages = discover(decode(document(*rows), "plan.json"), know(Request(policy=Policy())))
    before, after = ({d.broken for d in side.dependencies if d.broken} for side in (stages.before, stages.after))
    return sorted(before), sorted(after)


def system(*rows: Json) -> tuple[Json, ...]:
    return (TOPIC_ROW, SUBSCRIPTION, WORKER, MAPPING, *rows)


ADMITTED = {
    "as documented": statement(),
    "any action of the service": statement(Action="SQS:Send*"),
    "everybody": statement(Principal="*"),
    "everybody, the long way": statement(Principal={"AWS": "*"}),
    "a list of principals": statement(Principal={"Service": ["events.amazonaws.com", "sns.amazonaws.com"]}),
    "a pattern of sources": statement(Condition={"ArnLike": {"AWS:SourceArn": ["arn:aws:sns:*:123456789012:*"]}}),
    "the account of the source": statement(Condition={"StringEquals": {"aws:SourceAccount": "123456789012"}}),
    "all but another action": statement(Action=None, NotAction="sqs:DeleteQueue"),
    "all but another principal": statement(Principal=None, NotPrincipal={"AWS": "arn:aws:iam::123456789012:role/x"}),
    "no condition": statement(Condition=None),
}
REFUSED = {
    "another topic": statement(Condition={"ArnEquals": {"aws:SourceArn": f"{TOPIC}-old"}}),
    "another service": statement(Principal={"Service": "s3.amazonaws.com"}),
    "a role": statement(Principal={"AWS": "arn:aws:iam::123456789012:role/publisher"}),
    "another action": statement(Action=["sqs:ReceiveMessage", "sqs:DeleteMessage"]),
    "another queue": statement(Resource=f"{QUEUE}-2"),
    "all but this action": statement(Action=None, NotAction="sqs:Send*"),
}
OPEN = {
    "a condition that no plan tells": statement(Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}}),
    "a comparison that is not read": statement(Condition={"ArnNotLike": {"aws:SourceArn": "arn:aws:sns:*:*:other"}}),
}
DENY_PLAIN = statement(Effect="Deny", Principal="*", Action="sqs:*", Condition={"Bool": {"aws:SecureTransport": "false"}})
DENY_ALL = statement(Effect="Deny", Principal="*", Action="*", Condition=None)


@pytest.mark.parametrize("holder", ["beside", "inside"])
@pytest.mark.parametrize(
    ("permits", "proven"),
    [*((one, False) for one in {**ADMITTED, **OPEN}.values()), *((one, True) for one in REFUSED.values())],
    ids=[*ADMITTED, *OPEN, *REFUSED],
)
def test_a_policy_that_is_all_there_is_admits_or_refuses_by_itself(holder: str, permits: Json, proven: bool) -> None:
    text = policy(permits)
    rows = (queue(), beside(text)) if holder == "beside" else (queue(policy=text),)
    before, after = broken(*system(*rows))
    assert bool(before) is bool(after) is proven


@pytest.mark.parametrize("text", ["", policy(statement(Action="sqs:ReceiveMessage"))])
def test_the_policy_that_the_state_shows_of_a_queue_is_all_there_is(text: str) -> None:
    assert all(broken(*system(queue(policy=text))))


def test_a_queue_of_which_no_policy_is_seen_is_not_decidable() -> None:
    assert broken(*system(queue())) == ([], [])


@pytest.mark.parametrize("text", [None, "{", "[1]", '{"Statement": ["x"]}', "[" * 100_000, policy(statement()) + " " * 100_000])
def test_a_document_that_cannot_be_read_is_not_decidable(text: Any) -> None:
    kept = beside(policy(statement()))
    was = changing(kept, "update", after={**kept["change"]["before"], "policy": text})
    assert broken(*system(queue(), was)) == ([], []) or text is None


@pytest.mark.parametrize(("refusal", "is_broken"), [(DENY_PLAIN, False), (DENY_ALL, True)], ids=["plain text", "everything"])
def test_a_refusal_wins_over_what_permits(refusal: Json, is_broken: bool) -> None:
    assert bool(broken(*system(queue(), beside(policy(statement(), refusal))))[1]) is is_broken


def test_the_policy_that_goes_is_named_and_the_one_that_comes_mends() -> None:
    gone = changing(beside(policy(statement())), "delete")
    assert "aws_sqs_queue_policy.jobs permitted it before" in broken(*system(queue(), gone))[1][0]
    made = beside(policy(statement()))
    made["change"] |= {"actions": ["create"], "before": None}
    before, after = broken(*system(queue(), made))
    assert "aws_sqs_queue_policy.jobs permits it from now on only" in before[0]
    assert after == []


def test_a_list_of_the_state_still_shows_what_was_deleted_beside_it() -> None:
    text = policy(statement())
    assert broken(*system(queue(policy=text), changing(beside(text), "delete")))[1]


def test_a_policy_that_is_known_after_apply_is_not_decidable() -> None:
    kept = beside(policy(statement()))
    later = changing(kept, "update", after={"id": URL, "queue_url": URL}, unknown={"policy": True})
    assert broken(*system(queue(), later)) == ([], [])


ROLE = "arn:aws:iam::123456789012:role/billing-worker"
HELD = {
    "beside it": [row("aws_iam_role_policy", "p", {"id": "r:p", "name": "p", "role": "billing-worker", "policy": "READ"})],
    "attached": [
        row(
            "aws_iam_policy",
            "p",
            {"id": "arn:aws:iam::123456789012:policy/p", "arn": "arn:aws:iam::123456789012:policy/p", "policy": "READ"},
        ),
        row(
            "aws_iam_role_policy_attachment", "p", {"id": "a", "role": "billing-worker", "policy_arn": "arn:aws:iam::123456789012:policy/p"}
        ),
    ],
    "the provider's own": [
        row(
            "aws_iam_role_policy_attachment",
            "p",
            {"id": "a", "role": "billing-worker", "policy_arn": "arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole"},
        )
    ],
}
READ = policy({"Effect": "Allow", "Action": ["sqs:ReceiveMessage", "sqs:Delete*"], "Resource": QUEUE})


def held(kind: str) -> list[Json]:
    return [json.loads(json.dumps(one).replace('"READ"', json.dumps(READ))) for one in HELD[kind]]


def worker_with(*rows: Json, **role: Any) -> tuple[Json, ...]:
    function = row("aws_lambda_function", "worker", {**WORKER["change"]["before"], "role": ROLE})
    identity = row("aws_iam_role", "worker", {"id": "billing-worker", "arn": ROLE, "name": "billing-worker", **role})
    return (function, identity, queue(), MAPPING, *rows)


@pytest.mark.parametrize("kind", HELD)
def test_the_last_right_of_a_role_is_missed(kind: str) -> None:
    rows = held(kind)
    gone = [changing(one, "delete") if one["type"] != "aws_iam_policy" else one for one in rows]
    assert broken(*worker_with(*rows)) == ([], [])
    assert broken(*worker_with(*gone))[1]


@pytest.mark.parametrize(("kind", "other"), list(permutations(HELD, 2)))
def test_a_right_that_is_handed_over_is_not_missed(kind: str, other: str) -> None:
    gone = [changing(one, "delete") for one in held(kind)]
    made = []
    for one in held(other):
        one = {**one, "address": f"{one['address']}2", "name": f"{one['name']}2"}
        made.append({**one, "change": {**one["change"], "actions": ["create"], "before": None}})
    assert broken(*worker_with(*gone, *made)) == ([], [])


def test_a_policy_whose_document_is_not_in_the_plan_may_grant_it() -> None:
    gone = [changing(one, "delete") for one in held("beside it")]
    unread = row(
        "aws_iam_role_policy_attachment",
        "unread",
        {"id": "u", "role": "billing-worker", "policy_arn": "arn:aws:iam::123456789012:policy/from-elsewhere"},
    )
    assert broken(*worker_with(*gone, unread)) == ([], [])
    assert broken(*worker_with(*gone, managed_policy_arns=["arn:aws:iam::123456789012:policy/from-elsewhere"])) == ([], [])


def test_a_role_without_rights_is_no_proof() -> None:
    assert broken(*worker_with(inline_policy=[], managed_policy_arns=[])) == ([], [])


def test_a_right_that_a_role_still_shows_inside_and_loses_beside_it_is_missed() -> None:
    gone = [changing(one, "delete") for one in held("beside it")]
    assert broken(*worker_with(*gone, inline_policy=[{"name": "p", "policy": READ}]))[1]
    assert broken(*worker_with(*gone, inline_policy=[{"name": "other", "policy": READ}])) == ([], [])


def test_policies_of_the_provider_say_what_they_permit_and_where_that_is_written() -> None:
    known = managed_policies()
    assert "ecr:BatchGetImage" in known["AmazonECSTaskExecutionRolePolicy"]
    assert not any(action.startswith("secretsmanager") for action in known["AmazonECSTaskExecutionRolePolicy"])
