"""What must not change a verdict, on real plans: names, order, tags, an unrelated module, `count` or `for_each` (docs/model.md)."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from plan_edits import SCENARIOS, Json, keyed, renamed, reordered, stored, tagged, with_unrelated_module

from faultray_action.pipeline import Request, check
from faultray_action.report.store import dump

PLANS = sorted(path.parent.name for path in SCENARIOS.glob("*/plan.json.gz"))
TOLERANCE = 1e-6


def _report(plan: Json, folder: Path) -> dict[str, Any]:
    path = folder / "plan.json"
    path.write_text(json.dumps(plan), encoding="utf-8")
    return dict(json.loads(dump(check(Request(paths=(path,), date="2026-11-01")).document)))


Summary = tuple[tuple[float | None, float | None], bool, dict[str, tuple[str, ...]]]


def _summary(report: dict[str, Any], original: Callable[[str], str] = lambda address: address) -> Summary:
    points = {state: tuple(sorted(original(row["address"]) for row in rows)) for state, rows in report["spofs"].items()}
    return (report["score"]["before"], report["score"]["after"]), report["gate"]["passed"], points


@lru_cache(maxsize=64)
def _told(name: str, folder: Path) -> Summary:
    return _summary(_report(stored(name), folder))


def _same(name: str, plan: Json, folder: Path, original: Callable[[str], str] = lambda address: address) -> None:
    scores, passed, points = _told(name, folder)
    other_scores, other_passed, other_points = _summary(_report(plan, folder), original)
    assert other_points == points
    assert other_passed == passed
    assert [round(s, 6) if s is not None else None for s in other_scores] == [round(s, 6) if s is not None else None for s in scores]


@pytest.mark.parametrize("name", PLANS)
def test_names_mean_nothing(name: str, tmp_path: Path) -> None:
    plan, original = renamed(stored(name))
    _same(name, plan, tmp_path, original)


@pytest.mark.parametrize("name", PLANS)
def test_order_tags_and_unrelated_modules_mean_nothing(name: str, tmp_path: Path) -> None:
    _same(name, with_unrelated_module(tagged(reordered(stored(name)))), tmp_path)


@pytest.mark.parametrize("name", PLANS)
def test_count_and_for_each_are_one(name: str, tmp_path: Path) -> None:
    plan, original = keyed(stored(name))
    _same(name, plan, tmp_path, original)
