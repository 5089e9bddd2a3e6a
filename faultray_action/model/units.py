"""Units and the few formulas that turn rates and times into probabilities."""

from __future__ import annotations

import math

from msgspec import Struct

HOURS_PER_YEAR = 8766.0
"""Mean length of a year in hours (365.25 days)."""


class Interval(Struct, frozen=True):
    """A quantity that is known only within bounds: ``low <= default <= high``, all >= 0.

    The unit belongs to the field that holds it (``failures_per_year``, ``repair_hours``).
    """

    low: float
    default: float
    high: float

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.default <= self.high:
            raise ValueError(f"not an interval: {self.low} <= {self.default} <= {self.high}")

    @classmethod
    def exactly(cls, value: float) -> Interval:
        return cls(value, value, value)

    def scaled(self, factor: float) -> Interval:
        """Every bound times a factor >= 0."""
        return Interval(self.low * factor, self.default * factor, self.high * factor)


ZERO = Interval(0.0, 0.0, 0.0)

POINTS_DIGITS = 1
"""Decimals to which a difference of scores is told where it is small."""

_REPORTED_DIGITS = 2
"""Decimals of the points in a report, which is all that whoever reads it again can know."""


def told_points(points: float) -> float:
    """A difference of scores, 0 where it rounds to nothing at the precision that it is told with: then it is none, for whoever decides
    and for whoever tells (docs/model.md).

    >>> told_points(-0.04), told_points(-0.06)
    (0.0, -0.06)
    """
    reported = round(abs(points), _REPORTED_DIGITS)
    return points if round(reported, POINTS_DIGITS) > 0.0 else 0.0


def p_down(failures_per_year: float, repair_hours: float) -> float:
    """Steady-state probability of being down: ``x / (1 + x)`` with ``x = rate * repair / 8766``.

    Alternating renewal process, exponential or not (only the means enter); rate 0 or repair 0 give 0.

    >>> round(p_down(1.0, 8766.0), 3)
    0.5
    """
    ratio = failures_per_year * repair_hours / HOURS_PER_YEAR
    return ratio / (1.0 + ratio)


def nines(unavailability: float) -> float:
    """``-log10`` of an unavailability in [0, 1]; infinity at 0.

    >>> nines(0.001)
    3.0
    """
    if unavailability <= 0.0:
        return math.inf
    return -math.log10(unavailability) + 0.0
