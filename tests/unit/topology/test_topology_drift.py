"""Drift is told apart from the change: what it cost stands in its own part and moves no delta."""

from __future__ import annotations

import copy
import json
from pathlib import Path

from plan_edits import Edited, Json, stored

from faultray_action.pipeline import Request, check
from faultray_action.report.document import Document

DATABASE = "aws_db_instance.main"


def _document(plan: Json, folder: Path) -> Document:
    path = folder / "plan.json"
    path.write_text(json.dumps(plan), encoding="utf-8")
    return check(Request(paths=(path,), date="2026-11-01")).document


def _with_drift(attribute: str, recorded: object) -> Json:
    plan = Edited(stored("dlq-removed")).plan
    row = next(row for row in plan["resource_changes"] if row["address"] == DATABASE)
    drift = copy.deepcopy(row)
    drift["change"] |= {"actions": ["update"], "before": {**row["change"]["before"], attribute: recorded}, "after": row["change"]["before"]}
    for side in ("before", "after"):
        row["change"][side] = drift["change"]["after"]
    return {**plan, "resource_drift": [drift]}


def test_what_drifted_is_told_with_what_it_cost(tmp_path: Path) -> None:
    plan = _with_drift("multi_az", True)
    for row in (*plan["resource_changes"], *plan["resource_drift"]):
        if row["address"] == DATABASE:
            for side in ("after",) if row in plan["resource_drift"] else ("before", "after"):
                row["change"][side] = {**row["change"][side], "multi_az": False}
    document = _document(plan, tmp_path)
    assert document.drift is not None
    assert document.drift.delta < 0
    assert [(row.address, row.attribute) for row in document.drift.rows] == [(DATABASE, "multi_az")]
    assert document.score.delta == 0
    assert document.gate.passed


def test_drift_without_a_meaning_is_not_told(tmp_path: Path) -> None:
    assert _document(_with_drift("performance_insights_retention_period", 7), tmp_path).drift is None
