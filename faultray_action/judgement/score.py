"""The one score, 0-100. This docstring is its specification.

For every entry e (weights w, equal unless declared, summing to 1) and every durable data asset d (weights v alike):

    A = sum w_e * clamp((-log10 U_e - 1) / 4, 0, 1)
    R = sum w_e * exp(-H1_e / h0)
    D = sum v_d * exp(-L1_d / l0)                      no asset at all: D = 1
    score = 35 A + 45 R + 20 D

U_e: unavailability of e, every shared event counted once, with failover gaps. H1_e: yearly rate of the single events that take e down
(classes copy, zone, zonal component, common cause). L1_d: yearly rate of the single events that lose d's data.
A is 0 at one nine (U = 0.1) and 1 at five nines (U = 0.00001). An entry that is cut off has U = 1 and R = 0. A destroyed asset has D = 0.

Both sides are scored over one list, the union of their entries (and assets), matched by address or by a common key (a DNS name). What
stands on one side only takes that side's value on both, so it moves no delta. A side without any entry has no score.

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
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from faultray_action.model.assessment import Assessment, AssetScore, EntryScore, LostPoints
from faultray_action.model.outcome import AssetOutcome, EntryOutcome, Examination
from faultray_action.model.topology import DataAsset, EntryPoint, Topology

POINTS_AVAILABILITY = 35.0
POINTS_REDUNDANCY = 45.0
POINTS_DURABILITY = 20.0
HAZARD_SCALE_PER_YEAR = 0.7
LOSS_SCALE_PER_YEAR = 0.03
FEWEST_NINES = 1.0
NINES_SPAN = 4.0


@dataclass(frozen=True, slots=True)
class Weights:
    """The constants of the formula; only the sensitivity table of the documentation ever passes others than the default."""

    availability: float = POINTS_AVAILABILITY
    redundancy: float = POINTS_REDUNDANCY
    durability: float = POINTS_DURABILITY
    hazard_scale: float = HAZARD_SCALE_PER_YEAR
    loss_scale: float = LOSS_SCALE_PER_YEAR


STANDARD = Weights()


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a change: what stands there and what the engine found out about it."""

    topology: Topology
    examination: Examination


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


def score(side: Side, weights: Weights = STANDARD) -> Assessment | None:
    """The score of one side alone; None where it has no entry."""
    return score_pair(None, side, weights)[1]


def score_pair(before: Side | None, after: Side | None, weights: Weights = STANDARD) -> tuple[Assessment | None, Assessment | None]:
    """Both sides over one list of entries and assets. None for a side that does not exist or has no entry."""
    entries = _pair_entries(before, after)
    assets = _pair_assets(before, after)
    return _assess(before, 0, entries, assets, weights), _assess(after, 1, entries, assets, weights)


@dataclass(frozen=True, slots=True)
class _EntryPair:
    address: str
    weight: float
    outcomes: tuple[EntryOutcome | None, EntryOutcome | None]


@dataclass(frozen=True, slots=True)
class _AssetPair:
    address: str
    weight: float
    outcomes: tuple[AssetOutcome | None, AssetOutcome | None]


def _pair_entries(before: Side | None, after: Side | None) -> tuple[_EntryPair, ...]:
    old, new = _entries(before), _entries(after)
    partner = match_entries([entry for entry, _ in old], [entry for entry, _ in new])
    rows: list[_EntryPair] = []
    taken: set[int] = set()
    for index, (entry, outcome) in enumerate(new):
        twin = partner.get(index)
        if twin is None:
            rows.append(_EntryPair(entry.address, entry.weight, (None, outcome)))
        else:
            taken.add(twin)
            rows.append(_EntryPair(entry.address, max(entry.weight, old[twin][0].weight), (old[twin][1], outcome)))
    rows += [_EntryPair(entry.address, entry.weight, (outcome, None)) for index, (entry, outcome) in enumerate(old) if index not in taken]
    return tuple(sorted(rows, key=lambda row: row.address))


def match_entries(old: Sequence[EntryPoint], new: Sequence[EntryPoint]) -> dict[int, int]:
    """Index into `new` -> index into `old` of the same entry: the same address, else a common key. Each is used once."""
    by_address = {entry.address: index for index, entry in enumerate(old)}
    found = {index: by_address[entry.address] for index, entry in enumerate(new) if entry.address in by_address}
    free = [index for index in range(len(old)) if index not in set(found.values())]
    for index, entry in enumerate(new):
        if index not in found:
            twin = next((other for other in free if set(entry.keys).intersection(old[other].keys)), None)
            if twin is not None:
                found[index] = twin
                free.remove(twin)
    return found


def _pair_assets(before: Side | None, after: Side | None) -> tuple[_AssetPair, ...]:
    old, new = _assets(before), _assets(after)
    return tuple(_asset_pair(address, old.get(address), new.get(address)) for address in sorted({*old, *new}))


def _asset_pair(address: str, old: tuple[DataAsset, AssetOutcome] | None, new: tuple[DataAsset, AssetOutcome] | None) -> _AssetPair:
    weight = max(pair[0].weight for pair in (old, new) if pair)
    return _AssetPair(address, weight, (old[1] if old else None, new[1] if new else None))


def _entries(side: Side | None) -> list[tuple[EntryPoint, EntryOutcome]]:
    return [] if side is None else list(zip(side.topology.entries, side.examination.entries, strict=True))


def _assets(side: Side | None) -> dict[str, tuple[DataAsset, AssetOutcome]]:
    if side is None:
        return {}
    return {asset.address: (asset, outcome) for asset, outcome in zip(side.topology.assets, side.examination.assets, strict=True)}


def _assess(
    side: Side | None, which: int, entry_pairs: Iterable[_EntryPair], asset_pairs: Iterable[_AssetPair], weights: Weights
) -> Assessment | None:
    if side is None or not side.topology.entries:
        return None
    entries = _entry_scores(tuple(entry_pairs), which, weights)
    assets = _asset_scores(tuple(asset_pairs), which, weights)
    a = math.fsum(row.weight * row.availability for row in entries)
    r = math.fsum(row.weight * row.redundancy for row in entries)
    d = math.fsum(row.weight * row.durability for row in assets) if assets else 1.0
    total = weights.availability * a + weights.redundancy * r + weights.durability * d
    return Assessment(total, a, r, d, entries, assets, _lost(side, entries, assets, weights))


def _entry_scores(pairs: Sequence[_EntryPair], which: int, weights: Weights) -> tuple[EntryScore, ...]:
    total = math.fsum(pair.weight for pair in pairs)
    return tuple(_entry_score(pair, which, pair.weight / total if total else 1.0 / len(pairs), weights) for pair in pairs)


def _entry_score(pair: _EntryPair, which: int, weight: float, weights: Weights) -> EntryScore:
    own = pair.outcomes[which]
    outcome = own or pair.outcomes[1 - which]
    assert outcome is not None
    a, r = entry_values(outcome, weights)
    return EntryScore(pair.address, weight, a, r, outcome.unavailability.value, outcome.hazard_per_year, own is None)


def _asset_scores(pairs: Sequence[_AssetPair], which: int, weights: Weights) -> tuple[AssetScore, ...]:
    total = math.fsum(pair.weight for pair in pairs)
    return tuple(_asset_score(pair, which, pair.weight / total if total else 1.0 / len(pairs), weights) for pair in pairs)


def _asset_score(pair: _AssetPair, which: int, weight: float, weights: Weights) -> AssetScore:
    own = pair.outcomes[which]
    outcome = own or pair.outcomes[1 - which]
    assert outcome is not None
    return AssetScore(pair.address, weight, asset_value(outcome, weights), outcome.exposure_per_year, own is None)


def _lost(side: Side, entries: Sequence[EntryScore], assets: Sequence[AssetScore], weights: Weights) -> tuple[LostPoints, ...]:
    """The event split: each lost point booked on an event; rows of what stands on this side, sorted by subject and event."""
    rates = {id: fault.failures_per_year.default for id, fault in side.topology.faults.items()}
    counted = {id for id, fault in side.topology.faults.items() if fault.fault_class.counts_in_hazard}
    by_entry = {row.address: row for row in entries if not row.borrowed}
    by_asset = {row.address: row for row in assets if not row.borrowed}
    rows: list[LostPoints] = []
    for entry, outcome in zip(side.topology.entries, side.examination.entries, strict=True):
        if entry.address in by_entry:
            rows += _lost_by_entry(by_entry[entry.address], outcome, rates, counted, weights)
    for asset, found in zip(side.topology.assets, side.examination.assets, strict=True):
        if asset.address in by_asset:
            rows += _lost_by_asset(by_asset[asset.address], asset, found, weights)
    return tuple(sorted(rows, key=lambda row: (row.subject, row.event)))


def _lost_by_entry(
    row: EntryScore, outcome: EntryOutcome, rates: dict[str, float], counted: set[str], weights: Weights
) -> list[LostPoints]:
    """R in proportion to rates, A in proportion to Fussell-Vesely importance; a cut-off entry's points belong to no event."""
    lost_a = weights.availability * row.weight * (1.0 - row.availability)
    lost_r = weights.redundancy * row.weight * (1.0 - row.redundancy)
    shares: dict[str, float] = {}
    _book(shares, lost_a, {item.fault: item.fussell_vesely for item in outcome.importance})
    _book(shares, lost_r, {id: rates[id] for id in outcome.order_one if id in counted})
    return [LostPoints(row.address, event, points) for event, points in shares.items()]


def _lost_by_asset(row: AssetScore, asset: DataAsset, outcome: AssetOutcome, weights: Weights) -> list[LostPoints]:
    lost = weights.durability * row.weight * (1.0 - row.durability)
    if outcome.destroyed:
        return [LostPoints(row.address, "destroyed", lost)]
    shares: dict[str, float] = {}
    _book(shares, lost, {loss.kind.value: loss.failures_per_year.default for loss in asset.losses if not loss.covered})
    return [LostPoints(row.address, event, points) for event, points in shares.items()]


def _book(shares: dict[str, float], points: float, proportions: dict[str, float]) -> None:
    total = math.fsum(proportions.values())
    if total > 0.0 and points > 0.0:
        for event, part in proportions.items():
            shares[event] = shares.get(event, 0.0) + points * part / total
