from __future__ import annotations

import math

import pytest

from faultray_action.backtest.metrics import accuracy, pool, score, wilson


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (5, 10, 0.2366, 0.7634),
        (81, 263, 0.2553, 0.3662),  # Newcombe 1998, table I
        (15, 148, 0.0624, 0.1605),  # the same
        (0, 0, 0.0, 1.0),
    ],
)
def test_wilson_against_published_values(hits: int, total: int, low: float, high: float) -> None:
    assert wilson(hits, total) == pytest.approx((low, high), abs=5e-5)


def test_counts_and_shares() -> None:
    found = score({"a", "b", "c"}, {"x", "y"}, {"a", "b", "x", "unknown"})
    assert (found.true_positive, found.false_positive, found.false_negative, found.true_negative) == (2, 1, 1, 1)
    assert found.precision.value == pytest.approx(2 / 3)
    assert found.f1 == pytest.approx(2 / 3)
    assert found.balanced == pytest.approx((2 / 3 + 1 / 2) / 2)


def test_what_cannot_be_computed_is_none() -> None:
    nothing = accuracy(0, 0, 0, 3)
    assert nothing.precision.value is None
    assert nothing.f1 is None
    assert nothing.balanced is None
    assert nothing.specificity.value == 1.0


def test_pooling_adds_the_counts() -> None:
    both = pool([accuracy(1, 0, 2, 3), accuracy(4, 1, 0, 0)])
    assert (both.true_positive, both.false_positive, both.false_negative, both.true_negative) == (5, 1, 2, 3)
    assert both.f1 is not None
    assert math.isclose(both.f1, 10 / 13)
