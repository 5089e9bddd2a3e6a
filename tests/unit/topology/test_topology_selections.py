"""A backup selection takes resources by patterns of their names, by tags and by conditions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from faultray_action.model.policy import Policy
from faultray_action.pipeline import Request, discover, know
from faultray_action.terraform.reader import decode

Json = dict[str, Any]
ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/orders"
DAILY = {"key": "backup", "value": "daily"}


def row(kind: str, values: Json, unknown: Json) -> Json:
    change = {
        "actions": ["create"] if unknown else ["no-op"],
        "before": None if unknown else values,
        "after": values,
        "after_unknown": unknown,
    }
    provider = "registry.terraform.io/hashicorp/aws"
    return {"address": f"{kind}.it", "mode": "managed", "type": kind, "name": "it", "provider_name": provider, "change": change}


def is_covered(selection: Json, table: Json, unknown: Json) -> bool:
    rows = [
        row("aws_dynamodb_table", {"name": "orders", "deletion_protection_enabled": True, **table}, unknown),
        row("aws_backup_selection", selection, {}),
    ]
    plan = {"format_version": "1.2", "terraform_version": "1.9.0", "resource_changes": rows, "configuration": {"root_module": {}}}
    assets = discover(decode(json.dumps(plan).encode(), "plan.json"), know(Request(policy=Policy()))).after.assets
    losses = [loss for asset in assets for loss in asset.losses if loss.kind == "corruption"]
    assert len(losses) == 1
    return any(evidence.address == "aws_backup_selection.it" for evidence in losses[0].covered_by)


@pytest.mark.parametrize(
    ("selection", "covered"),
    [
        ({"resources": ["*"]}, True),
        ({"resources": ["arn:aws:dynamodb:*:*:table/*"]}, True),
        ({"resources": ["arn:aws:dynamodb:*:*:table/audit-*"]}, False),
        ({"resources": ["arn:aws:rds:*:*:db:*"]}, False),
        ({"selection_tag": [DAILY]}, True),
        ({"selection_tag": [{"key": "backup", "value": "weekly"}, DAILY]}, True),
        ({"resources": ["arn:aws:rds:*:*:db:*"], "selection_tag": [DAILY]}, False),
        ({"resources": ["*"], "not_resources": ["arn:aws:dynamodb:*:*:table/*"]}, False),
        ({"resources": ["*"], "condition": [{"string_equals": [{"key": "aws:ResourceTag/backup", "value": "daily"}]}]}, True),
        ({"resources": ["*"], "condition": [{"string_equals": [{"key": "aws:ResourceTag/backup", "value": "never"}]}]}, False),
        ({"resources": ["*"], "condition": [{"string_like": [{"key": "aws:ResourceTag/backup", "value": "da*"}]}]}, True),
        ({"resources": ["*"], "condition": [{"string_not_equals": [{"key": "aws:ResourceTag/backup", "value": "daily"}]}]}, False),
        ({"resources": ["*"], "condition": [{"string_not_like": [{"key": "aws:ResourceTag/env", "value": "dev*"}]}]}, True),
        ({}, False),
    ],
)
def test_what_a_selection_takes(selection: Json, covered: bool) -> None:
    assert is_covered(selection, {"arn": ARN, "tags_all": {"backup": "daily"}}, {}) is covered


@pytest.mark.parametrize(
    ("pattern", "covered"),
    [
        ("*", True),
        ("arn:aws:dynamodb:*:*:table/*", True),
        ("arn:aws:dynamodb:*:*:table/audit-*", False),
        ("arn:aws:rds:*:*:db:*", False),
    ],
)
def test_a_table_without_a_name_yet_is_taken_by_what_takes_all_of_its_service(pattern: str, covered: bool) -> None:
    assert is_covered({"resources": [pattern]}, {}, {"arn": True}) is covered
