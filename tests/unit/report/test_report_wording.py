"""Numbers that a reader can add up."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import sample

from faultray_action.model.units import told_points
from faultray_action.report import wording
from faultray_action.report.document import Document, ScorePart
from faultray_action.report.wording import Form

scores = st.floats(0, 100, allow_nan=False).map(lambda value: round(value, 2))


def scored(before: float | None, after: float | None) -> Document:
    delta = None if before is None or after is None else round(after - before, 2)
    return msgspec.structs.replace(sample("neutral"), score=ScorePart(before=before, after=after, delta=delta))


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=12), st.sampled_from([0, 1, 2]))
def test_shares_add_up_to_the_total(parts: list[float], digits: int) -> None:
    total = round(sum(parts), digits)
    told = wording.shares(parts, total, digits)
    assert abs(sum(told) - total) < 1e-6
    assert all(abs(shown - part) <= 1.5 * 10**-digits for shown, part in zip(told, parts, strict=True))


@given(scores, scores)
def test_the_shown_delta_is_the_difference_of_the_shown_scores(before: float, after: float) -> None:
    document = scored(before, after)
    shown = wording.shown_delta(document)
    assert shown is not None
    assert float(wording.score(document, after)) - float(wording.score(document, before)) == pytest.approx(shown)


@given(scores, scores)
def test_a_change_is_shown_where_it_counts_and_nowhere_else(before: float, after: float) -> None:
    check_shown(before, after)


@given(scores, st.integers(-30, 30))
def test_a_small_change_is_shown_where_it_counts_and_nowhere_else(before: float, cents: int) -> None:
    check_shown(before, round(min(100.0, max(0.0, before + cents / 100)), 2))


def check_shown(before: float, after: float) -> None:
    """What rounds to nothing at one decimal is none, for the gates as for the reader."""
    document = scored(before, after)
    told = told_points(after - before)
    shown = wording.shown_delta(document) or 0.0
    assert (shown == 0.0) == (told == 0.0)
    assert shown * told >= 0.0
    assert wording.delta(document) == pytest.approx(told)


def test_scores_are_integers_and_small_changes_have_one_decimal() -> None:
    assert wording.score(scored(86.02, 57.7), 57.7) == "58"
    assert wording.score(scored(86.02, 85.6), 85.6) == "85.6"


@given(scores, scores)
def test_a_number_and_its_limit_never_look_equal_when_they_are_not(value: float, limit: float) -> None:
    shown, bound = wording.tell_apart(value, limit)
    assert (float(shown) < float(bound)) == (value < limit)
    assert (float(shown) > float(bound)) == (value > limit)


def test_negative_zero_is_zero() -> None:
    assert wording.number(-0.001, 1) == "0.0"
    assert wording.signed(-0.001, 1) == "±0"


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("regression", Form.REGRESSION),
        ("improvement", Form.IMPROVEMENT),
        ("mixed", Form.MIXED),
        ("neutral", Form.NEUTRAL),
        ("nothing_serves", Form.NOTHING_SERVES),
        ("greenfield", Form.GREENFIELD),
        ("destroy", Form.DESTROY),
        ("could_not_compute", Form.ERROR),
        ("drift", Form.DRIFT),
    ],
)
def test_forms_are_told_apart(name: str, form: Form) -> None:
    assert wording.form(sample(name)) is form


@pytest.mark.parametrize(
    ("printable", "written"), [(True, "true"), (None, "null"), (3, "3"), (2.5, "2.5"), ('a"b${x}', '"a\\"b$${x}"'), (False, "false")]
)
def test_literals_are_what_terraform_reads(printable: object, written: str) -> None:
    assert wording.literal(printable) == written  # type: ignore[arg-type]


def test_the_words_of_the_order() -> None:
    document = sample("greenfield")
    assert (
        wording.say(wording.spof_title(sample().spofs.new[0]), str, str)
        == "Database is now a single point of failure: module.orders.aws_db_instance.this"
    )
    assert (
        wording.say(wording.risk_heading(document.risks.new[0]), str, str)
        == "Cache has no replication (data loss risk): aws_elasticache_cluster.sessions"
    )
    assert wording.recommendation_long("high-risk") == "HIGH RISK - Review Required"
