"""From two examinations to two scores over one list, with the points that each event costs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from faultray_action.judgement.pairing import AssetPair, EntryPair, Side, pair_assets, pair_entries
from faultray_action.judgement.score import STANDARD, Weights, asset_value, entry_values, points, total
from faultray_action.model.assessment import Assessment, AssetScore, EntryScore, LostPoints
from faultray_action.model.outcome import AssetOutcome, EntryOutcome
from faultray_action.model.topology import DataAsset


def assess(side: Side, weights: Weights = STANDARD) -> Assessment | None:
    """The score of one side alone; None where it has no entry."""
    return score_pair(None, side, weights)[1]


def score_pair(
    before: Side | None, after: Side | None, weights: Weights = STANDARD, *, split: bool = True
) -> tuple[Assessment | None, Assessment | None]:
    """Both sides over one list of entries and assets. None for a side that does not exist or has no entry.

    Without `split` the lost points are not booked on events: who only compares scores has no use for it."""
    entries = pair_entries(before, after)
    assets = pair_assets(before, after)
    return _assess(before, 0, entries, assets, weights, split), _assess(after, 1, entries, assets, weights, split)


def _assess(
    side: Side | None, which: int, entry_pairs: Iterable[EntryPair], asset_pairs: Iterable[AssetPair], weights: Weights, split: bool
) -> Assessment | None:
    if side is None or not side.topology.entries:
        return None
    entries = _entry_scores(tuple(entry_pairs), which, weights)
    assets = _asset_scores(tuple(asset_pairs), which, weights)
    a = math.fsum(row.weight * row.availability for row in entries)
    r = math.fsum(row.weight * row.redundancy for row in entries)
    d = math.fsum(row.weight * row.durability for row in assets) if assets else 1.0
    lost = _lost(side, entries, assets, weights) if split else ()
    return Assessment(total(a, r, d, weights), a, r, d, entries, assets, lost, points(a, r, d, weights))


def _entry_scores(pairs: Sequence[EntryPair], which: int, weights: Weights) -> tuple[EntryScore, ...]:
    weight = math.fsum(pair.weight for pair in pairs)
    return tuple(_entry_score(pair, which, pair.weight / weight if weight else 1.0 / len(pairs), weights) for pair in pairs)


def _entry_score(pair: EntryPair, which: int, weight: float, weights: Weights) -> EntryScore:
    own = pair.outcomes[which]
    outcome = own or pair.outcomes[1 - which]
    assert outcome is not None
    a, r = entry_values(outcome, weights)
    return EntryScore(outcome.address, weight, a, r, outcome.unavailability.value, outcome.hazard_per_year, own is None)


def _asset_scores(pairs: Sequence[AssetPair], which: int, weights: Weights) -> tuple[AssetScore, ...]:
    weight = math.fsum(pair.weight for pair in pairs)
    return tuple(_asset_score(pair, which, pair.weight / weight if weight else 1.0 / len(pairs), weights) for pair in pairs)


def _asset_score(pair: AssetPair, which: int, weight: float, weights: Weights) -> AssetScore:
    own = pair.outcomes[which]
    outcome = own or pair.outcomes[1 - which]
    assert outcome is not None
    return AssetScore(outcome.address, weight, asset_value(outcome, weights), outcome.exposure_per_year, own is None)


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
    rates = {loss.kind.value: loss.failures_per_year.default for loss in asset.losses if not loss.covered}
    if asset.unrestored:
        rates["unrestored"] = outcome.exposure_per_year - math.fsum(rates.values())
    _book(shares, lost, rates)
    return [LostPoints(row.address, event, points) for event, points in shares.items()]


def _book(shares: dict[str, float], points: float, proportions: dict[str, float]) -> None:
    whole = math.fsum(proportions.values())
    if whole > 0.0 and points > 0.0:
        for event, part in proportions.items():
            shares[event] = shares.get(event, 0.0) + points * part / whole
