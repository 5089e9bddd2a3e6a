"""Probabilities of events, and of how many of them happen at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from faultray_action.model.component import Fault
from faultray_action.model.units import Interval, p_down

Pick = Callable[[Interval], float]

BOUNDS: tuple[Pick, Pick, Pick] = (lambda interval: interval.low, lambda interval: interval.default, lambda interval: interval.high)
"""Low, default and high of an interval. The structure is monotone, so bounds of the rates give bounds of the unavailability."""


def p_fault(fault: Fault, pick: Pick) -> float:
    """Probability that the fault is present at a random moment, at that bound of its rate and of its repair time."""
    return p_down(pick(fault.failures_per_year), pick(fault.repair_hours))


def p_any(probabilities: Iterable[float]) -> float:
    """1 - product(1 - p) of independent events, without losing small numbers.

    >>> p_any([0.5, 0.5])
    0.75
    >>> p_any([])
    0.0
    """
    total = 0.0
    for p in probabilities:
        if p >= 1.0:
            return 1.0
        total += math.log1p(-p)
    return -math.expm1(total) + 0.0


def p_count(probabilities: Sequence[float], most: int) -> list[float]:
    """P(exactly k of the independent events happen) for k = 0..most (Poisson binomial); the rest is the tail. O(n * most)."""
    found = [1.0] + [0.0] * most
    for p in probabilities:
        for k in range(most, 0, -1):
            found[k] += p * (found[k - 1] - found[k])
        found[0] *= 1.0 - p
    return found


def p_at_least(probabilities: Sequence[float], least: int) -> float:
    """P(at least `least` of the independent events happen), summed from the small end so that tails of 1e-20 survive; least >= 1."""
    found = [1.0] + [0.0] * least
    for p in probabilities:
        found[least] += p * found[least - 1]
        for k in range(least - 1, 0, -1):
            found[k] += p * (found[k - 1] - found[k])
        found[0] *= 1.0 - p
    return min(1.0, found[least])
