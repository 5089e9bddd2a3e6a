"""Which entry and which data asset of one side is which of the other: one list for both, so that nothing is compared with its absence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType

from msgspec import Struct

from faultray_action.model.agents import AgentOutcome
from faultray_action.model.outcome import AssetOutcome, EntryOutcome, Examination
from faultray_action.model.topology import DataAsset, EntryPoint, Topology

Alone = Mapping[str, frozenset[str]]
"""Component -> the alternatives that a single failure of it takes down."""


class Side(Struct, frozen=True):
    """One side of a change: what stands there and what the engine found out about it."""

    topology: Topology
    examination: Examination


class Answers(Struct, frozen=True, dict=True):
    """Everything that a comparison asks of one side.

    `here`: the side as it is held against the other one. `levelled`: with the redundant parts that stand on the other side only. `itself`: finds the
    state as it stands by itself, which only the score is asked of. `agents`: over single failures. `fragile`: what the alternatives of both
    sides hang on alone here.
    """

    here: Side
    levelled: Side
    itself: Callable[[], Side]
    agents: tuple[AgentOutcome, ...] = ()
    fragile: Alone = MappingProxyType({})

    @cached_property
    def own(self) -> Side:
        """The state as it stands by itself."""
        return self.itself()


def standing(side: Side, agents: tuple[AgentOutcome, ...] = ()) -> Answers:
    """The answers of a state that is held against nothing."""
    return Answers(side, side, lambda: side, agents)


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
    for index, (entry, outcome) in enumerate(new):
        if index not in partner:
            rows.append(EntryPair(entry.address, entry.weight, (None, outcome)))
            continue
        twin, earlier = old[partner[index]]
        weight = max(entry.weight, twin.weight)
        rows.append(EntryPair(entry.address, weight, (earlier, outcome)))
    taken = set(partner.values())
    for index, (entry, outcome) in enumerate(old):
        if index not in taken:
            rows.append(EntryPair(entry.address, entry.weight, (outcome, None)))
    return tuple(sorted(rows, key=lambda row: row.address))


def match_entries(old: Sequence[EntryPoint], new: Sequence[EntryPoint]) -> dict[int, int]:
    """Index into `new` -> index into `old` of the same entry: the same address, else a common key. Each is used once."""
    by_address = {entry.address: index for index, entry in enumerate(old)}
    found: dict[int, int] = {}
    for index, entry in enumerate(new):
        if entry.address in by_address:
            found[index] = by_address[entry.address]
    taken = set(found.values())
    free = [index for index in range(len(old)) if index not in taken]
    for index, entry in enumerate(new):
        twin = None if index in found else _of_a_common_key(entry, old, free)
        if twin is not None:
            found[index] = twin
            free.remove(twin)
    return found


def _of_a_common_key(entry: EntryPoint, old: Sequence[EntryPoint], free: Iterable[int]) -> int | None:
    keys = set(entry.keys)
    return next((other for other in free if keys.intersection(old[other].keys)), None)


def twins(before: Topology, after: Topology) -> Iterator[tuple[EntryPoint, EntryPoint]]:
    """Each entry that stands on both sides, as it was and as it is."""
    matched = match_entries(before.entries, after.entries)
    for new, old in sorted(matched.items()):
        yield before.entries[old], after.entries[new]


def pair_assets(before: Side | None, after: Side | None) -> tuple[AssetPair, ...]:
    """The union of both sides' data assets, sorted by address."""
    old, new = _assets(before), _assets(after)
    return tuple(_asset_pair(address, old.get(address), new.get(address)) for address in sorted({*old, *new}))


_Asset = tuple[DataAsset, AssetOutcome]


def _asset_pair(address: str, old: _Asset | None, new: _Asset | None) -> AssetPair:
    weight = max(pair[0].weight for pair in (old, new) if pair)
    return AssetPair(address, weight, (old[1] if old else None, new[1] if new else None))


def _entries(side: Side | None) -> list[tuple[EntryPoint, EntryOutcome]]:
    if side is None:
        return []
    return list(zip(side.topology.entries, side.examination.entries, strict=True))


def _assets(side: Side | None) -> dict[str, _Asset]:
    if side is None:
        return {}
    both = zip(side.topology.assets, side.examination.assets, strict=True)
    return {asset.address: (asset, outcome) for asset, outcome in both}
