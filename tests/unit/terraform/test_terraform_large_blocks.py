"""What is looked up in a large block is what a look at each of its instances finds."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from terraform_plans import change, document, links_of, refs, resource

from faultray_action.terraform import links, narrowing
from faultray_action.terraform.plan import Side

QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012"
ARN = "arn:aws:sqs:eu-west-1:123456789012"
HOWS = ("arn", "url", "text", "list", "json", "unknown", "other", "nobody", "name")


def value_of(how: str, key: str, other: str) -> Any:
    """A value that names the queue of a key, in one of the ways that plans have."""
    return {
        "arn": f"{ARN}:{key}-jobs",
        "url": f"{QUEUE}/{key}-jobs",
        "text": f"run --queue={QUEUE}/{key}-jobs,{key}x --also {other}-jobs",
        "list": [f"{ARN}:{key}-jobs", f"{ARN}:{other}-jobs"],
        "json": json.dumps({"target": f"{ARN}:{other}-jobs", "max": 3}),
        "other": f"{ARN}:{other}-jobs",
        "nobody": "arn:aws:sqs:eu-west-1:999999999999:elsewhere",
        "name": f"{key}-jobs",
    }[how]


def plan(seed: int, many: int) -> dict[str, Any]:
    """Queues and their consumers by one `for_each`, each consumer naming queues in a way of its own, some made, changed or deleted."""
    dice = random.Random(seed)
    keys = [f"t{number}" for number in range(many)]
    rows = []
    for key in keys:
        own = {"id": f"{QUEUE}/{key}-jobs", "arn": f"{ARN}:{key}-jobs", "name": f"{key}-jobs"}
        fresh = dice.random() < 0.1
        unknown = {"id": True, "arn": True} if fresh else {}
        rows.append(
            change(f'aws_sqs_queue.jobs["{key}"]', None if fresh else own, {"name": own["name"]} if fresh else own, unknown=unknown)
        )
        how = dice.choice(HOWS)
        side = dice.choice(("both", "both", "both", "before", "after"))
        if how == "unknown":
            rows.append(change(f'aws_lambda_function.work["{key}"]', None, {"function_name": key}, unknown={"source": True}))
            continue
        was = {"id": f"{key}-work", "function_name": f"{key}-work", "source": value_of(how, key, dice.choice(keys))}
        is_now = {**was, "source": value_of(dice.choice(("arn", "other")), key, dice.choice(keys))} if dice.random() < 0.3 else was
        rows.append(change(f'aws_lambda_function.work["{key}"]', was if side != "after" else None, is_now if side != "before" else None))
    attribute = dice.choice(("aws_sqs_queue.jobs", 'aws_sqs_queue.jobs["t1"].arn'))
    looped = {"for_each_expression": refs("var.tenants")}
    config = [
        resource("aws_sqs_queue.jobs", {"name": refs("each.key")}, **looped),
        resource("aws_lambda_function.work", {"source": refs(attribute, "each.key")}, **looped),
    ]
    return document(rows, config)


@pytest.mark.parametrize("seed", range(40))
def test_a_look_up_finds_what_a_look_at_each_finds(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = plan(seed, 14 + seed % 9)
    looked_up = [links_of(tree, side) for side in (Side.BEFORE, Side.AFTER)]
    monkeypatch.setattr(links, "MANY", 10**9)
    assert looked_up == [links_of(tree, side) for side in (Side.BEFORE, Side.AFTER)]
    assert any(looked_up[0]) and any(looked_up[1])


def test_a_long_text_is_searched_where_that_is_the_shorter_way(monkeypatch: pytest.MonkeyPatch) -> None:
    queues = [change(f'aws_sqs_queue.jobs["t{n}"]', v := {"id": f"{QUEUE}/t{n}-jobs"}, v) for n in range(20)]
    text = " ".join(f"{n}.x" for n in range(5_000)) + f" {QUEUE}/t3-jobs"
    looped = {"for_each_expression": refs("var.tenants")}
    config = [
        resource("aws_sqs_queue.jobs", **looped),
        resource("aws_lambda_function.work", {"source": refs("aws_sqs_queue.jobs", "each.key")}),
    ]
    tree = document([*queues, change("aws_lambda_function.work", None, {"source": text})], config)
    searched = links_of(tree)
    assert {link.target for link in searched} == {'aws_sqs_queue.jobs["t3"]'}
    monkeypatch.setattr(narrowing, "_WORK_EACH", 10**9)
    assert searched == links_of(tree)


def test_module_instances_are_found_by_their_key() -> None:
    rows = [change(f'module.q["k{n}"]|aws_sqs_queue.this', v := {"id": f"{QUEUE}/k{n}", "arn": f"{ARN}:k{n}"}, v) for n in range(30)]
    rows += [change(f'module.w["k{n}"]|aws_lambda_function.this', None, {}, unknown={"source": True}) for n in range(30)]
    looped = {"for_each_expression": refs("var.tenants")}
    calls = {
        "q": {
            **looped,
            "module": {"outputs": {"arn": {"expression": refs("aws_sqs_queue.this.arn")}}, "resources": [resource("aws_sqs_queue.this")]},
        },
        "w": {
            **looped,
            "expressions": {"queue": refs("module.q", "each.key")},
            "module": {"resources": [resource("aws_lambda_function.this", {"source": refs("var.queue")})]},
        },
    }
    found = {(link.source, link.target) for link in links_of(document(rows, calls=calls))}
    assert found == {(f'module.w["k{n}"].aws_lambda_function.this', f'module.q["k{n}"].aws_sqs_queue.this') for n in range(30)}
