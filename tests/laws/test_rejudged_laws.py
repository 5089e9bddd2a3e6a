"""A report judged again by the limits of its own job has the verdict of its job, gate by gate; and no honest report contradicts itself."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from msgspec.structs import replace

from faultray_action.commands import common
from faultray_action.pipeline import check
from faultray_action.rejudged import Limits, rejudge
from faultray_action.report.document import Document
from faultray_action.report.store import canonical, dump, load
from faultray_action.settings import Settings, settings_of_action

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
CASES = sorted(path.parent.name for path in FIXTURES.glob("*/plan.json"))
TODAY = date(2026, 1, 1)
WAIVERS = "waivers:\n  - { address: '*', class: zone, reason: known, expiry: 2026-02-01, since: 2026-01-01 }\n"
LIMITS = {
    "defaults": ({}, ""),
    "strict": ({"min-score": "60", "slo": "99.9"}, ""),
    "lenient": ({"max-drop": "10", "max-new-spofs": "1", "max-apply-downtime": "900", "min-coverage": "0"}, ""),
    "waived": ({}, WAIVERS),
    "warn": ({"mode": "warn", "fail-on-regression": "false", "min-score": "90"}, ""),
}


def made(case: str, settings: Settings) -> Document:
    """As it comes back from an artifact."""
    request = common.request_of(settings, (FIXTURES / case / "plan.json",))
    return load(dump(check(replace(request, scenario_budget=60)).document))


def again(document: Document, settings: Settings) -> Document:
    limits = Limits(settings.gates, settings.policy.waivers, TODAY.isoformat(), settings.mode.value, "r.json", settings=settings.shown())
    return canonical(rejudge(document, limits))


@pytest.mark.parametrize("case", CASES)
def test_the_verdict_is_the_same_gate_by_gate(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for inputs, policy in LIMITS.values():
        (tmp_path / ".faultray.yml").write_text(policy, encoding="utf-8")
        settings = settings_of_action({f"INPUT_{name.upper()}": value for name, value in inputs.items()}, TODAY)
        first = made(case, settings)
        second = again(first, settings)
        assert (second.verdict, second.gate.passed, second.recommendation, second.mode) == (
            first.verdict,
            first.gate.passed,
            first.recommendation,
            first.mode,
        )
        assert [(check.gate, check.passed) for check in second.gate.checks] == [(check.gate, check.passed) for check in first.gate.checks]
        assert not [row for row in second.diagnostics if row.code in ("report-contradicts-itself", "verdict-differs")]
        assert (second.spofs, second.risks, second.apply) == (first.spofs, first.risks, first.apply), "marks and fingerprints, too"
        assert (second.slo is None) == (first.slo is None)
        assert second.slo is None or second.slo.feasible == first.slo.feasible  # type: ignore[union-attr]
        assert again(second, settings).verdict == second.verdict
