"""Which entry and which data asset of one side is which of the other: one list for both, so that nothing is compared with its absence."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from faultray_action.model.outcome import AssetOutcome, EntryOutcome, Examination
from faultray_action.model.topology import DataAsset, EntryPoint, Topology


class Side(Struct, frozen=True):
    """One side of a change: what stands there and what the engine found out about it."""

    topology: Topology
    examination: Examination


class EntryPair(Struct, frozen=True):
    """One entry of the common list: its outcome before and after, None where it does not stand."""

    address: str
    weight: float
    outcomes: tuple[EntryOutcome | None, EntryOutcome | None]


class AssetPair(Struct, frozen=True):
    """One data asset of the common list, as EntryPair."""

    address: str
    weight: float
    outcomes: tuple[AssetOutcome | None, AssetOutcome | None]


def pair_entries(before: Side | None, after: Side | None) -> tuple[EntryPair, ...]:
    """The union of both sides' entries, sorted by address (after's where both have it); of two declared weights the larger counts."""
    old, new = _entries(before), _entries(after)
    partner = match_entries([entry for entry, _ in old], [entry for entry, _ in new])
    rows: list[EntryPair] = []
    taken: set[int] = set()
    for index, (entry, outcome) in enumerate(new):
        twin = partner.get(index)
        if twin is None:
            rows.append(EntryPair(entry.address, entry.weight, (None, outcome)))
        else:
            taken.add(twin)
            rows.append(EntryPair(entry.address, max(entry.weight, old[twin][0].weight), (old[twin][1], outcome)))
    rows += [EntryPair(entry.address, entry.weight, (outcome, None)) for index, (entry, outcome) in enumerate(old) if index not in taken]
    return tuple(sorted(rows, key=lambda row: row.address))


def match_entries(old: Sequence[EntryPoint], new: Sequence[EntryPoint]) -> dict[int, int]:
    """Index into `new` -> index into `old` of the same entry: the same address, else a common key. Each is used once."""
    by_address = {entry.address: index for index, entry in enumerate(old)}
    found = {index: by_address[entry.address] for index, entry in enumerate(new) if entry.address in by_address}
    taken = set(found.values())
    free = [index for index in range(len(old)) if index not in taken]
    for index, entry in enumerate(new):
        if index not in found:
            twin = next((other for other in free if set(entry.keys).intersection(old[other].keys)), None)
            if twin is not None:
                found[index] = twin
                free.remove(twin)
    return found


def pair_assets(before: Side | None, after: Side | None) -> tuple[AssetPair, ...]:
    """The union of both sides' data assets, sorted by address."""
    old, new = _assets(before), _assets(after)
    return tuple(_asset_pair(address, old.get(address), new.get(address)) for address in sorted({*old, *new}))


def _asset_pair(address: str, old: tuple[DataAsset, AssetOutcome] | None, new: tuple[DataAsset, AssetOutcome] | None) -> AssetPair:
    weight = max(pair[0].weight for pair in (old, new) if pair)
    return AssetPair(address, weight, (old[1] if old else None, new[1] if new else None))


def _entries(side: Side | None) -> list[tuple[EntryPoint, EntryOutcome]]:
    return [] if side is None else list(zip(side.topology.entries, side.examination.entries, strict=True))


def _assets(side: Side | None) -> dict[str, tuple[DataAsset, AssetOutcome]]:
    if side is None:
        return {}
    return {asset.address: (asset, outcome) for asset, outcome in zip(side.topology.assets, side.examination.assets, strict=True)}
