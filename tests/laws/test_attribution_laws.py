"""What the counterfactuals promise, held on random systems under random changes: sums to the cent, and ways back that really pass."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from plan_makers import Values, as_bytes, plan, random_plan, stack

from faultray_action.model.finding import Recommendation
from faultray_action.model.policy import Gates, Policy, Unknowns, Waiver
from faultray_action.pipeline import Checked, Request, check
from faultray_action.report import store
from faultray_action.report.document import Document, Edit

SEEDS = range(220)
GATES = Gates(min_score=40)


def judged(tree: Values, **settings: Any) -> Checked:
    asked = Request(paths=(Path("-"),), stdin=as_bytes(tree), date="2026-01-01", scenario_budget=60, gates=GATES)
    return check(replace(asked, **settings))


@cache
def checked(seed: int) -> Checked:
    return judged(random_plan(seed))


def document(seed: int) -> Document:
    return store.canonical(checked(seed).document)


def failing() -> Iterator[int]:
    return (seed for seed in SEEDS if document(seed).verdict == "fail")


def test_the_sample_is_worth_its_name() -> None:
    """Enough of every kind: what passes, what fails, what has several rows, what no edit repairs."""
    documents = [document(seed) for seed in SEEDS]
    assert sum(one.verdict == "fail" for one in documents) > 40
    assert sum(len(one.attribution.rows) > 1 for one in documents) > 20
    assert sum(bool(one.remedy and one.remedy.edits) for one in documents) > 30
    assert sum(bool(one.remedy and len(one.remedy.edits) > 1) for one in documents) > 5
    assert sum(one.sensitivity is not None for one in documents) > 10
    assert all(one.error is None for one in documents)


@pytest.mark.parametrize("start", range(0, len(SEEDS), 20))
def test_rows_and_interaction_sum_to_the_delta(start: int) -> None:
    for seed in SEEDS[start : start + 20]:
        raw, shown = checked(seed).document, document(seed)
        for one, error in ((raw, 1e-9), (shown, 1e-6)):
            total = sum(row.points for row in one.attribution.rows) + one.attribution.interaction
            assert one.score.delta == pytest.approx(total, abs=error), seed
        for row in shown.attribution.rows:
            assert row.points == round(row.points, 2)


@pytest.mark.parametrize("start", range(0, len(SEEDS), 20))
def test_a_row_is_what_putting_that_change_back_is_worth(start: int) -> None:
    """Asked again from scratch: the plan without the change, read, built and scored anew."""
    for seed in SEEDS[start : start + 20 : 7]:
        for row in checked(seed).document.attribution.rows[:2]:
            without = judged(undone(random_plan(seed), ((row.address, row.attribute),))).document
            assert checked(seed).document.score.delta - without.score.delta == pytest.approx(row.points, abs=1e-6), (seed, row)


@pytest.mark.parametrize("start", range(0, len(SEEDS), 20))
def test_a_way_back_passes_every_gate_when_it_is_walked(start: int) -> None:
    for seed in [seed for seed in failing() if seed in range(start, start + 20)]:
        remedy = document(seed).remedy
        assert remedy is not None and len(remedy.edits) <= 3 and remedy.simulations <= 120
        if remedy.edits:
            walked = judged(undone(random_plan(seed), edits_of(remedy.edits))).document
            assert walked.gate.passed, (seed, walked.gate.reasons)
            assert walked.score.after == pytest.approx(remedy.score, abs=0.006)


def test_no_smaller_way_back_was_missed() -> None:
    """Where two or three edits are proposed, no single change that has a row would have done."""
    for seed in [seed for seed in failing() if len(document(seed).remedy.edits) > 1][:8]:
        for row in checked(seed).document.attribution.rows:
            assert not judged(undone(random_plan(seed), ((row.address, row.attribute),))).document.gate.passed, seed


def edits_of(edits: tuple[Edit, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((edit.address, edit.attribute) for edit in edits)


def undone(tree: Values, edits: tuple[tuple[str, str], ...]) -> Values:
    """The plan that a team would get who took these changes out of its code."""
    tree = deepcopy(tree)
    for row in tree["resource_changes"]:
        change = row["change"]
        for address, attribute in edits:
            if row["address"] == address and attribute == "":
                change["after"], change["actions"] = deepcopy(change["before"]), ["no-op"]
            elif row["address"] == address:
                put_back(change["after"], change["before"], attribute.split("."))
                change["after_unknown"] = {name: left for name, left in change["after_unknown"].items() if name != attribute}
    return restored_configuration(tree)


def restored_configuration(tree: Values) -> Values:
    """A resource that stays has its block again, with the references that it had."""
    rows = [row for row in tree["resource_changes"] if row["change"]["after"] is not None]
    whole = {row["address"]: row["change"]["after"] for row in rows}
    unknown = {row["address"]: row["change"]["after_unknown"] for row in rows}
    tree["configuration"]["root_module"]["resources"] = plan(whole, whole, unknown=unknown)["configuration"]["root_module"]["resources"]
    return tree


def put_back(after: Any, before: Any, path: list[str]) -> None:
    if isinstance(after, list):
        for mine, theirs in zip(after, before, strict=True):
            put_back(mine, theirs, path)
    elif len(path) > 1:
        put_back(after[path[0]], before[path[0]], path[1:])
    else:
        after[path[0]] = deepcopy(before[path[0]])


def test_an_unchanged_plan_has_no_rows() -> None:
    for seed in range(20):
        before = {r["address"]: r["change"]["before"] for r in random_plan(seed)["resource_changes"] if r["change"]["before"]}
        found = judged(plan(before, before)).document
        assert (found.score.delta, found.attribution.rows, found.attribution.interaction, found.remedy) == (0.0, (), 0.0, None)
        assert found.verdict == "pass" or {reason.gate for reason in found.gate.reasons} == {"min-score"}


# Waivers


def multi_az_off(**unknown: Any) -> Values:
    before = stack()
    before["aws_db_instance.main"]["multi_az"] = True
    after = deepcopy(before)
    after["aws_db_instance.main"]["multi_az"] = False
    return plan(before, after, unknown=unknown)


def also(tree: Values, address: str, attribute: str, value: Any) -> Values:
    row = next(row for row in tree["resource_changes"] if row["address"] == address)
    row["change"]["after"][attribute] = value
    row["change"]["actions"] = ["update"]
    return tree


def waiver(document: Document) -> Policy:
    rows = (*document.spofs.new, *document.risks.new)
    return Policy(waivers=tuple(Waiver("on purpose", date(2026, 1, 20), fingerprint=row.fingerprint[:16]) for row in rows))


def test_a_waived_finding_is_not_gated_and_its_points_are_tolerated() -> None:
    red = judged(multi_az_off())
    assert not red.decision.passed
    green = judged(multi_az_off(), policy=waiver(red.document)).document
    assert green.gate.passed and green.remedy is None
    assert all(row.waived for row in green.spofs.new) and green.waivers is not None and green.waivers.applied
    assert green.score == red.document.score


def test_a_waiver_tolerates_its_own_points_only() -> None:
    tree = also(multi_az_off(), "aws_db_instance.main", "backup_retention_period", 0)
    policy = waiver(judged(multi_az_off()).document)
    found = judged(tree, policy=policy).document
    assert not found.gate.passed
    assert found.remedy is not None and [edit.attribute for edit in found.remedy.edits] == ["backup_retention_period"]


def test_an_expired_waiver_gates_again() -> None:
    policy = waiver(judged(multi_az_off()).document)
    assert judged(multi_az_off(), policy=policy, date="2026-01-20").decision.passed
    late = judged(multi_az_off(), policy=policy, date="2026-01-21").document
    assert not late.gate.passed and late.waivers is not None and len(late.waivers.expired) == len(policy.waivers)
    assert "waiver-expired" in {row.code for row in late.diagnostics}


# Values unknown until apply


def unknown_multi_az() -> Values:
    return multi_az_off(**{"aws_db_instance.main": {"multi_az": True}})


def test_a_verdict_that_hangs_on_an_unknown_value_is_not_green() -> None:
    found = judged(unknown_multi_az())
    assert {"unknown"} <= {gate.gate for gate in found.decision.gates if not gate.passed}
    sensitivity = found.document.sensitivity
    assert sensitivity is not None and sensitivity.decides
    assert (sensitivity.best.passed, sensitivity.worst.passed) == (True, False)
    assert sensitivity.best.score > sensitivity.worst.score
    assert [(one.address, one.attribute) for one in sensitivity.unknowns] == [("aws_db_instance.main", "multi_az")]
    assert found.decision.recommendation is not Recommendation.SAFE
    assert found.document.remedy is not None and [edit.attribute for edit in found.document.remedy.edits] == ["multi_az"]


def test_the_policy_may_believe_the_best() -> None:
    found = judged(unknown_multi_az(), gates=replace(GATES, unknowns=Unknowns.BEST)).document
    assert found.gate.passed and found.sensitivity is not None and found.sensitivity.decides
    assert not found.sensitivity.worst.passed


def test_an_unknown_value_and_a_waiver_do_not_contradict_each_other() -> None:
    policy = waiver(judged(unknown_multi_az()).document)
    found = judged(unknown_multi_az(), policy=policy).document
    assert found.gate.passed, found.gate.reasons
    assert found.sensitivity is not None and not found.sensitivity.decides


# The SLO


def test_the_way_back_holds_the_slo_too() -> None:
    """Each of two changes alone would pass the score; the ceiling asks for what it asks."""
    whole = judged(multi_az_off()).document
    assert whole.availability is not None and whole.availability.ceiling_before is not None and whole.availability.ceiling is not None
    gates = Gates(fail_on_regression=False, slo_percent=50 * (whole.availability.ceiling_before + whole.availability.ceiling))
    found = judged(multi_az_off(), gates=gates).document
    if whole.availability.ceiling < whole.availability.ceiling_before:
        assert not found.gate.passed and found.remedy is not None and [edit.attribute for edit in found.remedy.edits] == ["multi_az"]
