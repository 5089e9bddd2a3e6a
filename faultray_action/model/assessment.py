"""What the judgement makes of an examination: the score of one side, and where its points went."""

from __future__ import annotations

from msgspec import Struct

POINTS_AVAILABILITY = 35.0
POINTS_REDUNDANCY = 45.0
POINTS_DURABILITY = 20.0
"""The most that each part contributes to a score; together 100 (`judgement.score` says why)."""


class EntryScore(Struct, frozen=True):
    """One entry's part: `weight` (all weights sum to 1), its A and R in [0, 1], the unavailability and the hazard they come from.

    `borrowed`: the entry stands on the other side only, and takes that side's values here.
    """

    address: str
    weight: float
    availability: float
    redundancy: float
    unavailability: float
    hazard_per_year: float
    borrowed: bool = False


class AssetScore(Struct, frozen=True):
    """One data asset's part: `weight` (all weights sum to 1), its D in [0, 1] and the exposure it comes from. `borrowed` as for entries."""

    address: str
    weight: float
    durability: float
    exposure_per_year: float
    borrowed: bool = False


class LostPoints(Struct, frozen=True):
    """The event split: points that an event costs one entry or asset. `event` is a fault id, or a loss kind of the asset."""

    subject: str
    event: str
    points: float


class Assessment(Struct, frozen=True):
    """The score of one side, 0-100 and unrounded, with its three parts in [0, 1]: availability A, redundancy R, durability D.

    `points` are what the three parts contribute, in that order; they sum to the score.
    """

    score: float
    availability: float
    redundancy: float
    durability: float
    entries: tuple[EntryScore, ...]
    assets: tuple[AssetScore, ...]
    lost: tuple[LostPoints, ...] = ()
    points: tuple[float, float, float] = (0.0, 0.0, 0.0)
