"""A store that goes while its data stays in a snapshot, and an empty one that what needed it needs from now on."""

from __future__ import annotations

from typing import Any

import pytest
from standing_rows import document, row

from faultray_action.judgement.applying import disrupt
from faultray_action.model.finding import Disruption, DisruptionClass
from faultray_action.model.policy import Policy
from faultray_action.pipeline import Request, discover, know
from faultray_action.terraform.reader import decode
from faultray_action.topology.applying import find_steps

Json = dict[str, Any]
ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table"


def table(name: str, actions: list[str], **more: Any) -> Json:
    values = {
        "id": name,
        "name": name,
        "arn": f"{ARN}/{name}",
        "billing_mode": "PAY_PER_REQUEST",
        "point_in_time_recovery": [{"enabled": True}],
        **more,
    }
    made = row("aws_dynamodb_table", name, values)
    before, after = (None if actions == ["create"] else values), (None if actions == ["delete"] else values)
    return {**made, "change": {"actions": actions, "before": before, "after": after, "after_unknown": {}}}


def function(was: str, is_now: str) -> Json:
    sides = [
        {
            "id": "api",
            "function_name": "api",
            "arn": "arn:aws:lambda:eu-west-1:123456789012:function:api",
            "environment": [{"variables": {"T": f"{ARN}/{name}"}}],
        }
        for name in (was, is_now)
    ]
    made = row("aws_lambda_function", "api", sides[1])
    return {**made, "change": {"actions": ["update"], "before": sides[0], "after": sides[1], "after_unknown": {}}}


def told(*rows: Json) -> list[Disruption]:
    plan, knowledge = decode(document(*rows), "plan.json"), know(Request(policy=Policy()))
    sides = discover(plan, knowledge)
    steps = find_steps(plan, knowledge.catalogue, knowledge.table, sides.before, sides.after)
    return [
        row for row in disrupt(steps, {"aws_dynamodb_table.orders": ("shop",)}, {}, {"shop"}) if row.address == "aws_dynamodb_table.orders"
    ]


def test_an_empty_heir_is_an_outage_and_told() -> None:
    (found,) = told(table("orders", ["delete"]), table("shop-orders", ["create"]), function("orders", "shop-orders"))
    assert found.disruption is DisruptionClass.OUTAGE
    assert "aws_dynamodb_table.shop-orders starts empty" in found.message


@pytest.mark.parametrize(
    "rows",
    [
        [table("shop-orders", ["create"], restore_source_name="orders"), function("orders", "shop-orders")],
        [table("invoices", ["create"]), table("shop-orders", ["no-op"]), function("orders", "shop-orders")],
    ],
    ids=["made from its data", "another one that was there"],
)
def test_one_with_data_or_for_something_else_is_none(rows: list[Json]) -> None:
    (found,) = told(table("orders", ["delete"]), *rows)
    assert found.disruption is DisruptionClass.BLIP
