"""From examinations to scores: of one state by itself, of two sides over one list, and the points that each event costs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from faultray_action.judgement.pairing import AssetPair, EntryPair, Side, pair_assets, pair_entries
from faultray_action.judgement.score import (
    STANDARD,
    Weights,
    asset_value,
    entry_values,
    points,
    total,
)
from faultray_action.model.assessment import Assessment, AssetScore, EntryScore, LostPoints
from faultray_action.model.outcome import AssetOutcome, EntryOutcome
from faultray_action.model.topology import DataAsset, Topology

Pairs = tuple[Sequence[EntryPair], Sequence[AssetPair]]
BEFORE, AFTER = 0, 1


def assess(side: Side, weights: Weights = STANDARD, *, split: bool = True) -> Assessment | None:
    """The score of one side by itself; None where it has no entry. `split` as for `score_pair`."""
    return score_pair(None, side, weights, split=split)[AFTER]


def score_pair(
    before: Side | None, after: Side | None, weights: Weights = STANDARD, *, split: bool = True
) -> tuple[Assessment | None, Assessment | None]:
    """Both sides over one list of entries and assets. None for a side that does not exist or has no entry.

    Without `split` the lost points are not booked on events: who only compares scores has no use for it."""
    pairs = pair_entries(before, after), pair_assets(before, after)
    return (
        _assess(before, BEFORE, pairs, weights, split=split),
        _assess(after, AFTER, pairs, weights, split=split),
    )


def _assess(side: Side | None, which: int, pairs: Pairs, weights: Weights, *, split: bool) -> Assessment | None:
    if side is None or not side.topology.entries:
        return None
    entries = _entry_scores(pairs[0], which, weights)
    assets = _asset_scores(pairs[1], which, weights)
    a = math.fsum(row.weight * row.availability for row in entries)
    r = math.fsum(row.weight * row.redundancy for row in entries)
    d = math.fsum(row.weight * row.durability for row in assets) if assets else 1.0
    lost = _lost(side, entries, assets, weights) if split else ()
    return Assessment(
        score=total(a, r, d, weights),
        availability=a,
        redundancy=r,
        durability=d,
        entries=entries,
        assets=assets,
        lost=lost,
        points=points(a, r, d, weights),
    )


def _shares(pairs: Sequence[EntryPair] | Sequence[AssetPair]) -> list[float]:
    """The weights, summing to 1; all alike where all are 0."""
    whole = math.fsum(pair.weight for pair in pairs)
    if whole:
        return [pair.weight / whole for pair in pairs]
    return [1.0 / len(pairs) for _ in pairs]


def _entry_scores(pairs: Sequence[EntryPair], which: int, weights: Weights) -> tuple[EntryScore, ...]:
    return tuple(_entry_score(pair, which, share, weights) for pair, share in zip(pairs, _shares(pairs), strict=True))


def _entry_score(pair: EntryPair, which: int, weight: float, weights: Weights) -> EntryScore:
    own = pair.outcomes[which]
    outcome = own or pair.outcomes[1 - which]
    assert outcome is not None
    availability, redundancy = entry_values(outcome, weights)
    return EntryScore(
        address=outcome.address,
        weight=weight,
        availability=availability,
        redundancy=redundancy,
        unavailability=outcome.unavailability.value,
        hazard_per_year=outcome.hazard_per_year,
        borrowed=own is None,
    )


def _asset_scores(pairs: Sequence[AssetPair], which: int, weights: Weights) -> tuple[AssetScore, ...]:
    return tuple(_asset_score(pair, which, share, weights) for pair, share in zip(pairs, _shares(pairs), strict=True))


def _asset_score(pair: AssetPair, which: int, weight: float, weights: Weights) -> AssetScore:
    own = pair.outcomes[which]
    outcome = own or pair.outcomes[1 - which]
    assert outcome is not None
    return AssetScore(
        address=outcome.address,
        weight=weight,
        durability=asset_value(outcome, weights),
        exposure_per_year=outcome.exposure_per_year,
        borrowed=own is None,
    )


# The event split


def _lost(side: Side, entries: Iterable[EntryScore], assets: Iterable[AssetScore], weights: Weights) -> tuple[LostPoints, ...]:
    """Each lost point booked on an event; rows of what stands on this side, sorted by subject and event."""
    rows = [*_lost_by_entries(side, entries, weights), *_lost_by_assets(side, assets, weights)]
    return tuple(sorted(rows, key=lambda row: (row.subject, row.event)))


def _lost_by_entries(side: Side, entries: Iterable[EntryScore], weights: Weights) -> Iterator[LostPoints]:
    own = {row.address: row for row in entries if not row.borrowed}
    rates = _counted_rates(side.topology)
    for entry, outcome in zip(side.topology.entries, side.examination.entries, strict=True):
        if entry.address in own:
            yield from _lost_by_entry(own[entry.address], outcome, rates, weights)


def _counted_rates(topology: Topology) -> Mapping[str, float]:
    """Yearly rates of the faults that a hazard is made of."""
    rates: dict[str, float] = {}
    for id, fault in topology.faults.items():
        if fault.fault_class.counts_in_hazard:
            rates[id] = fault.failures_per_year.default
    return rates


def _lost_by_entry(row: EntryScore, outcome: EntryOutcome, rates: Mapping[str, float], weights: Weights) -> Iterator[LostPoints]:
    """R in proportion to rates, A in proportion to Fussell-Vesely importance; a cut-off entry's points belong to no event."""
    lost_a = weights.availability * row.weight * (1.0 - row.availability)
    lost_r = weights.redundancy * row.weight * (1.0 - row.redundancy)
    shares: dict[str, float] = {}
    _book(shares, lost_a, {item.fault: item.fussell_vesely for item in outcome.importance})
    _book(shares, lost_r, {id: rates[id] for id in outcome.order_one if id in rates})
    for event, lost in shares.items():
        yield LostPoints(row.address, event, lost)


def _lost_by_assets(side: Side, assets: Iterable[AssetScore], weights: Weights) -> Iterator[LostPoints]:
    own = {row.address: row for row in assets if not row.borrowed}
    for asset, outcome in zip(side.topology.assets, side.examination.assets, strict=True):
        if asset.address in own:
            yield from _lost_by_asset(own[asset.address], asset, outcome, weights)


def _lost_by_asset(row: AssetScore, asset: DataAsset, outcome: AssetOutcome, weights: Weights) -> Iterator[LostPoints]:
    lost = weights.durability * row.weight * (1.0 - row.durability)
    if outcome.destroyed:
        yield LostPoints(row.address, "destroyed", lost)
        return
    shares: dict[str, float] = {}
    _book(shares, lost, _exposures(asset, outcome))
    for event, part in shares.items():
        yield LostPoints(row.address, event, part)


def _exposures(asset: DataAsset, outcome: AssetOutcome) -> dict[str, float]:
    """Yearly rates of what may lose the data."""
    rates: dict[str, float] = {}
    for loss in asset.losses:
        if not loss.covered:
            rates[loss.kind.value] = loss.failures_per_year.default
    if asset.unrestored:
        rates["unrestored"] = outcome.exposure_per_year - math.fsum(rates.values())
    return rates


def _book(shares: dict[str, float], lost: float, proportions: Mapping[str, float]) -> None:
    """Add so many points to the events, in proportion."""
    whole = math.fsum(proportions.values())
    if whole > 0.0 and lost > 0.0:
        for event, part in proportions.items():
            shares[event] = shares.get(event, 0.0) + lost * part / whole
