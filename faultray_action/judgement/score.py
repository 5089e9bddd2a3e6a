"""The one score, 0-100. This docstring is its specification.

For every entry e (weights w, equal unless declared, summing to 1) and every durable data asset d (weights v alike):

    A = sum w_e * clamp((-log10 U_e - 1) / 4, 0, 1)
    R = sum w_e * exp(-H1_e / h0)
    D = sum v_d * exp(-L1_d / l0)                      no asset at all: D = 1
    score = 35 A + 45 R + 20 D

U_e: unavailability of e, every shared event counted once, with failover gaps. H1_e: yearly rate of the single events that take e down
(classes copy, zone, zonal component, common cause). L1_d: yearly rate of the single events that lose d's data.
A is 0 at one nine (U = 0.1) and 1 at five nines (U = 0.00001). An entry that is cut off has U = 1 and R = 0. A destroyed asset has D = 0.

The score of a side is that of its state by itself: its own entries and assets, its own weights. A side without any entry has no score.
A delta compares like with like: both sides over one list, the union of their entries (and assets), matched by address or by a common key (a
DNS name); what stands on one side only takes that side's value on both, so it moves no delta.

Calibration (one, then fixed; `tests/published/test_published_calibration.py` holds it): with the rates of `reliability.yaml`,
h0 = 0.7 a year and l0 = 0.03 a year put the textbook three-tier system over three zones with backups into 85-92, the same with a
single-zone database into 60-68, a single copy of everything without backups below 35, and two active regions above 95.

Proved as properties (`tests/laws/test_score_laws.py`): redundancy added never lowers the score; it is invariant under renaming, reordering
and whatever stands outside every closure; swapping the sides negates the delta. A service added to both sides, or to one, shrinks what A
and R contribute to a delta by one factor and what D contributes by another: the sign of the delta stays unless A and R on one hand and D
on the other pull in opposite directions. Where A is clamped or R is spent, the score cannot see a further change: single points and risks
do.
"""

from __future__ import annotations

import math

from msgspec import Struct

from faultray_action.model.assessment import POINTS_AVAILABILITY, POINTS_DURABILITY, POINTS_REDUNDANCY
from faultray_action.model.outcome import AssetOutcome, EntryOutcome

HAZARD_SCALE_PER_YEAR = 0.7
LOSS_SCALE_PER_YEAR = 0.03
FEWEST_NINES = 1.0
NINES_SPAN = 4.0


class Weights(Struct, frozen=True):
    """The constants of the formula; only the sensitivity table of the documentation ever passes others than the default."""

    availability: float = POINTS_AVAILABILITY
    redundancy: float = POINTS_REDUNDANCY
    durability: float = POINTS_DURABILITY
    hazard_scale: float = HAZARD_SCALE_PER_YEAR
    loss_scale: float = LOSS_SCALE_PER_YEAR


STANDARD = Weights()


def availability_value(unavailability: float) -> float:
    """clamp((-log10 U - 1) / 4, 0, 1); U = 0 gives 1.

    >>> availability_value(0.001)
    0.5
    """
    if unavailability <= 0.0:
        return 1.0
    return min(1.0, max(0.0, (-math.log10(unavailability) - FEWEST_NINES) / NINES_SPAN))


def entry_values(outcome: EntryOutcome, weights: Weights = STANDARD) -> tuple[float, float]:
    """(A, R) of one entry, both in [0, 1]."""
    if outcome.cut_off:
        return 0.0, 0.0
    return availability_value(outcome.unavailability.value), math.exp(-outcome.hazard_per_year / weights.hazard_scale)


def asset_value(outcome: AssetOutcome, weights: Weights = STANDARD) -> float:
    """D of one asset, in [0, 1]."""
    return 0.0 if outcome.destroyed else math.exp(-outcome.exposure_per_year / weights.loss_scale)


def points(availability: float, redundancy: float, durability: float, weights: Weights = STANDARD) -> tuple[float, float, float]:
    """What the three parts, each in [0, 1], contribute to the score."""
    return weights.availability * availability, weights.redundancy * redundancy, weights.durability * durability


def total(availability: float, redundancy: float, durability: float, weights: Weights = STANDARD) -> float:
    """The score, unrounded, from its three parts in [0, 1].

    >>> total(1.0, 1.0, 1.0)
    100.0
    """
    return sum(points(availability, redundancy, durability, weights))
