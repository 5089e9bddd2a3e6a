"""Capacity that the provider may take back fails more often."""

from __future__ import annotations

import json
from pathlib import Path

from plan_edits import Edited, stored

from faultray_action.pipeline import Request, check
from faultray_action.report.store import dump

GROUP = "aws_autoscaling_group.web"
SHARE = "mixed_instances_policy.0.instances_distribution.0."


def test_a_group_that_gives_up_its_last_bought_machines_is_a_loss(tmp_path: Path) -> None:
    edited = Edited(stored("peering-routes-removed"))
    edited.set(GROUP, SHARE + "on_demand_base_capacity", 0).set(GROUP, SHARE + "on_demand_percentage_above_base_capacity", 0)
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(edited.plan), encoding="utf-8")
    report = json.loads(dump(check(Request(paths=(path,), date="2026-11-01")).document))
    assert report["score"]["delta"] < 0
    assert report["spofs"]["new"] == []
    assert {row["address"] for row in report["attribution"]["rows"]} == {GROUP}
