"""What a change is told by."""

from __future__ import annotations

import json
from typing import Any

from faultray_action.model.change import Action, AttributeChange
from faultray_action.model.policy import Policy
from faultray_action.pipeline import Request, know
from faultray_action.terraform.plan import Link, LinkKind
from faultray_action.terraform.reader import decode
from faultray_action.topology.changes import find, let_go


def test_one_of_several_blocks_that_goes_is_no_attribute_of_the_first() -> None:
    def clusters(*nodes: int) -> dict[str, Any]:
        return {
            "name": "profiles",
            "cluster": [{"cluster_id": f"c{number}", "zone": "z", "num_nodes": n} for number, n in enumerate(nodes)],
        }

    change = {"actions": ["update"], "before": clusters(3, 3), "after": clusters(5), "after_unknown": {}}
    row = {"address": "google_bigtable_instance.p", "mode": "managed", "type": "google_bigtable_instance", "name": "p", "change": change}
    row["provider_name"] = "registry.terraform.io/hashicorp/google"
    plan = {"format_version": "1.2", "terraform_version": "1.9.0", "resource_changes": [row], "configuration": {"root_module": {}}}
    found = find(decode(json.dumps(plan).encode(), "plan.json"), know(Request(policy=Policy())).catalogue)
    assert [(each.attribute, each.before, each.after) for each in found] == [("cluster", None, None)]


def test_a_change_in_a_later_block_is_told_with_the_values_of_that_block() -> None:
    def backends(*scalers: float) -> dict[str, Any]:
        return {"name": "web", "backend": [{"group": f"g{number}", "capacity_scaler": n} for number, n in enumerate(scalers)]}

    change = {"actions": ["update"], "before": backends(1, 0.5), "after": backends(1, 0), "after_unknown": {}}
    row = {"address": "google_compute_backend_service.w", "mode": "managed", "type": "google_compute_backend_service", "name": "w"}
    row |= {"change": change, "provider_name": "registry.terraform.io/hashicorp/google"}
    plan = {"format_version": "1.2", "terraform_version": "1.9.0", "resource_changes": [row], "configuration": {"root_module": {}}}
    found = find(decode(json.dumps(plan).encode(), "plan.json"), know(Request(policy=Policy())).catalogue)
    assert [(each.attribute, each.before, each.after) for each in found] == [("backend.capacity_scaler", 0.5, 0)]


def test_a_value_that_goes_names_what_is_deleted_with_it() -> None:
    dropped = AttributeChange("aws_sqs_queue.orders", "redrive_policy", "{}", None)
    changed = AttributeChange("aws_sqs_queue.bills", "redrive_policy", "{}", "{...}")
    deleted = AttributeChange("aws_sqs_queue.dlq", "", None, None, Action.DELETE)
    links = [Link(each.address, "redrive_policy", "aws_sqs_queue.dlq", "arn", LinkKind.VALUE) for each in (dropped, changed)]
    assert let_go([dropped, changed, deleted], links) == {dropped: (deleted,)}
    assert let_go([dropped, changed], links) == {}
