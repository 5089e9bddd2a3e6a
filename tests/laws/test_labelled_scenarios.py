"""Real plans with what a senior reviewer would say of them: ours under tests/scenarios, and the shared ones where they are.

The keys of `expect.yaml`: direction, verdict, new_spofs, new_spofs_any_of, acceptable_new_spofs, resolved_spofs, must_mention,
must_not_mention_as_new, and `ambiguous` for what sensible reviewers dispute.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from faultray_action.pipeline import Request, check
from faultray_action.report.store import dump

OURS = Path(__file__).parents[1] / "scenarios"
SHARED = Path(__file__).parents[3] / "shared" / "scenarios"
TOLERANCE = 0.05
"""Points; a smaller difference is none."""


def _cases() -> list[Path]:
    found = sorted(path.parent for path in OURS.glob("*/expect.yaml"))
    return found + sorted(path.parent for path in SHARED.glob("*/expect.yaml"))


def report_of(folder: Path, tmp_path: Path) -> dict[str, Any]:
    """The JSON report of a scenario's plan, packed or not."""
    plan = folder / "plan.json"
    if not plan.exists():
        plan = tmp_path / "plan.json"
        plan.write_bytes(gzip.decompress((folder / "plan.json.gz").read_bytes()))
    return dict(json.loads(dump(check(Request(paths=(plan,), date="2026-11-01")).document)))


def is_named(address: str, among: Iterable[str]) -> bool:
    """Whether the address, the resource that it is an instance of, or an instance of it is among them."""
    return any(a == address or a.startswith(f"{address}[") or address.startswith(f"{a}[") for a in among)


def addresses(rows: Iterable[dict[str, Any]] | None) -> list[str]:
    return [row["address"] for row in rows or ()]


def _direction(score: dict[str, Any]) -> str | None:
    if score["delta"] is None:
        return None
    delta = score["delta"]
    return "same" if abs(delta) < TOLERANCE else "better" if delta > 0 else "worse"


def _mentioned(report: dict[str, Any]) -> set[str]:
    named = set(addresses(report.get("attribution", {}).get("rows"))) | set(addresses(report.get("apply", {}).get("disruptions")))
    for rows in [*report["spofs"].values(), *report.get("risks", {}).values()]:
        for row in rows:
            named |= {row["address"]} | {cause["address"] for cause in row.get("cause") or () if cause.get("address")}
    return named


def _wrong(expect: dict[str, Any], report: dict[str, Any]) -> list[str]:
    """The labels that do not hold."""
    disputed = expect.get("ambiguous") or []
    direction, new, resolved = _direction(report["score"]), addresses(report["spofs"]["new"]), addresses(report["spofs"]["resolved"])
    groups = expect.get("new_spofs_any_of") or []
    wanted = expect.get("new_spofs") or []
    fine = {*wanted, *(expect.get("acceptable_new_spofs") or ()), *(address for group in groups for address in group)}
    wrong = []
    if "direction" not in disputed and direction is not None and direction != expect["direction"]:
        wrong.append(f"direction {direction}, not {expect['direction']}")
    if "verdict" not in disputed and report["gate"]["passed"] != (expect["verdict"] == "pass"):
        wrong.append(f"not {expect['verdict']}")
    wrong += [f"missed {address}" for address in wanted if not is_named(address, new)]
    wrong += [f"missed one of {group}" for group in groups if not any(is_named(address, new) for address in group)]
    wrong += [f"false {address}" for address in new if not is_named(address, fine)]
    wrong += [f"not resolved: {address}" for address in expect.get("resolved_spofs") or () if not is_named(address, resolved)]
    return wrong + [
        f"not mentioned: {address}" for address in expect.get("must_mention") or () if not is_named(address, _mentioned(report))
    ]


@pytest.mark.parametrize("folder", _cases(), ids=lambda folder: folder.name)
def test_a_labelled_change_is_judged_as_labelled(folder: Path, tmp_path: Path) -> None:
    expect = yaml.safe_load((folder / "expect.yaml").read_text(encoding="utf-8"))
    assert _wrong(expect, report_of(folder, tmp_path)) == []
