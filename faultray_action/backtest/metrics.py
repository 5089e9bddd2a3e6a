"""Precision, recall, F1 and specificity with Wilson intervals."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable

from faultray_action.model.backtest import Accuracy, Proportion

Z95 = 1.959963984540054
"""Standard normal quantile of a two-sided 95 % interval."""


def wilson(hits: int, total: int, z: float = Z95) -> tuple[float, float]:
    """Score interval of a proportion (Wilson 1927): never outside [0, 1], of use for few observations and at 0 and 1.

    Assumes independent observations; services of one incident are not, so the true uncertainty is larger. Nothing observed: (0, 1).

    >>> tuple(round(bound, 3) for bound in wilson(8, 10))
    (0.49, 0.943)
    """
    if total == 0:
        return 0.0, 1.0
    share, square = hits / total, z * z
    centre = (share + square / (2 * total)) / (1 + square / total)
    half = z / (1 + square / total) * math.sqrt(share * (1 - share) / total + square / (4 * total * total))
    return (0.0 if hits == 0 else max(0.0, centre - half)), (1.0 if hits == total else min(1.0, centre + half))


def score(affected: Collection[str], unaffected: Collection[str], predicted: Collection[str]) -> Accuracy:
    """Counts over the services with a documented outcome; what is predicted beyond them is not counted."""
    hits = sum(1 for service in affected if service in predicted)
    alarms = sum(1 for service in unaffected if service in predicted)
    return accuracy(hits, alarms, len(affected) - hits, len(unaffected) - alarms)


def pool(parts: Iterable[Accuracy]) -> Accuracy:
    """All services of all incidents as one sample: an incident with many documented services weighs more."""
    rows = list(parts)
    return accuracy(
        sum(row.true_positive for row in rows),
        sum(row.false_positive for row in rows),
        sum(row.false_negative for row in rows),
        sum(row.true_negative for row in rows),
    )


def accuracy(tp: int, fp: int, fn: int, tn: int) -> Accuracy:
    """F1 = 2 tp / (2 tp + fp + fn)."""
    weight = 2 * tp + fp + fn
    return Accuracy(tp, fp, fn, tn, _share(tp, fp), _share(tp, fn), _share(tn, fp), 2 * tp / weight if weight else None)


def _share(hits: int, others: int) -> Proportion:
    return Proportion(hits, hits + others, *wilson(hits, hits + others))
