"""What stands on one side only: it counts in that side's own score, and the delta, which compares like with like, leaves it out."""

from __future__ import annotations

from collections.abc import Iterator

from faultray_action.judgement.pairing import Answers, Side, match_entries
from faultray_action.judgement.score import asset_value, entry_values, total
from faultray_action.model.component import Kind
from faultray_action.model.finding import OneSided, OneSidedKind, Standing


def find(before: Answers, after: Answers) -> tuple[OneSided, ...]:
    """New entries, data and parts first, then those that are gone."""
    return (*_alone(before, after, Standing.NEW), *_alone(after, before, Standing.RESOLVED))


def _alone(there: Answers, here: Answers, standing: Standing) -> Iterator[OneSided]:
    yield from _entries(there.own, here.own, standing)
    yield from _data(there.own, here.own, standing)
    yield from _parts(here, there, standing)


def _entries(there: Side, here: Side, standing: Standing) -> Iterator[OneSided]:
    """Entries with what each would score by itself, beside all the data of its side."""
    matched = match_entries(there.topology.entries, here.topology.entries)
    durability = _durability(here)
    for index, entry in enumerate(here.topology.entries):
        if index not in matched:
            availability, redundancy = entry_values(here.examination.entries[index])
            score = total(availability, redundancy, durability)
            yield OneSided(OneSidedKind.ENTRY, standing, entry.address, entry.label, score)


def _durability(side: Side) -> float:
    assets = list(zip(side.topology.assets, side.examination.assets, strict=True))
    weight = sum(asset.weight for asset, _ in assets)
    if not weight:
        return 1.0
    return sum(asset.weight * asset_value(outcome) for asset, outcome in assets) / weight


def _data(there: Side, here: Side, standing: Standing) -> Iterator[OneSided]:
    known = {asset.address for asset in there.topology.assets}
    for asset in here.topology.assets:
        if asset.address not in known:
            store = here.topology.components.get(asset.address)
            yield OneSided(OneSidedKind.DATA, standing, asset.address, store.label if store else "")


def _parts(here: Answers, there: Answers, standing: Standing) -> Iterator[OneSided]:
    """Parts that are compared for themselves: those of a front that this side has alone, and redundant ones that are needed here only."""
    own = {entry.address for entry in here.own.topology.entries}
    labels = {entry.address: entry.label for entry in here.here.topology.entries if entry.address not in own}
    for address in _lent(here, there):
        labels.setdefault(address, here.here.topology.components[address].label)
    for address, label in sorted(labels.items()):
        yield OneSided(OneSidedKind.PART, standing, address, label)


def _lent(here: Answers, there: Answers) -> list[str]:
    """Components of this side that the other one was given so that they move no delta; what only leads to them is not told."""
    borrowed = there.levelled.topology.components.keys() - there.here.topology.components.keys()
    own = here.here.topology.components
    return [address for address in sorted(borrowed & own.keys()) if own[address].kind is not Kind.CONNECTOR]
