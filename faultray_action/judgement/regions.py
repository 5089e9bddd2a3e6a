"""Regions: an entry that outlived the loss of each of them and does not any more, as a risk and as a single point."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from faultray_action.judgement.pairing import Side, match_entries
from faultray_action.model.component import FaultClass, Kind, Recovery
from faultray_action.model.finding import Risk, RiskKind, RiskSeverity, Standing
from faultray_action.model.graph import Graph, Needs
from faultray_action.model.outcome import SinglePoint
from faultray_action.model.topology import EntryPoint, Topology

DownWithout = Callable[[Topology, Sequence[str]], Mapping[str, tuple[str, ...]]]
"""Component -> entries that are down while it does not exist."""


def lost(before: Side, after: Side) -> Iterator[Risk]:
    """One row an entry that outlived the loss of each region and does not outlive one after."""
    was, is_now = _fatal_regions(before), _fatal_regions(after)
    partner = match_entries(before.topology.entries, after.topology.entries)
    for new, old in sorted(partner.items()):
        entry, earlier = after.topology.entries[new], before.topology.entries[old]
        if after.examination.entries[new].cut_off or before.examination.entries[old].cut_off:
            continue
        fatal = is_now.get(entry.address, set())
        if fatal and not was.get(earlier.address):
            yield Risk(
                entry.address,
                RiskKind.REGION,
                RiskSeverity.HIGH,
                (),
                (entry.address,),
                related=tuple(sorted(fatal)),
            )


def _fatal_regions(side: Side) -> Mapping[str, set[str]]:
    """Entry -> the regions each of which alone takes it down."""
    found: dict[str, set[str]] = {}
    for row in side.examination.shared:
        if row.fault_class is FaultClass.REGION:
            for entry in row.takes_down:
                found.setdefault(entry, set()).add(row.fault)
    return found


def single_points(before: Side, after: Side, down_without: DownWithout) -> tuple[tuple[Standing, SinglePoint], ...]:
    """Regions as single points: only where the other side outlives the loss of each region and this one does not (docs/model.md).

    The point is the part nearest to the entry that fails with the region and that every way in use runs through now and did not before:
    what is left of a failover that lost its other half. What serves comes before what only leads to it.
    """
    rows = [(Standing.NEW, point) for point in _alone(before, after, down_without)]
    rows += [(Standing.RESOLVED, point) for point in _alone(after, before, down_without)]
    return tuple(rows)


def _alone(spread: Side, alone: Side, down_without: DownWithout) -> Iterator[SinglePoint]:
    risks = list(lost(spread, alone))
    if not risks:
        return
    hard = Needs(alone.topology.dependencies).hard
    earlier = _earlier(spread.topology, alone.topology)
    entries = {entry.address: entry for entry in alone.topology.entries}
    for risk in risks:
        entry = entries[risk.address]
        inside = _failing_with(alone.topology, hard, risk.related)
        ways = [address for address in _behind(hard, entry.component) if address in inside]
        needed, needed_before = (
            down_without(alone.topology, ways),
            down_without(spread.topology, ways),
        )
        found = [address for address in ways if entry.address in needed.get(address, ())]
        left = [address for address in found if earlier[entry.address].address not in needed_before.get(address, ())]
        nearest = _serving_first(alone.topology, left or found)
        if nearest:
            rate = sum(alone.topology.faults[id].failures_per_year.default for id in risk.related)
            yield SinglePoint(
                nearest[0],
                (FaultClass.REGION,),
                risk.related,
                (entry.address,),
                Recovery.MANUAL,
                rate,
            )


def _earlier(spread: Topology, alone: Topology) -> Mapping[str, EntryPoint]:
    """Entry of the one side -> the same entry on the other."""
    partner = match_entries(spread.entries, alone.entries)
    return {alone.entries[new].address: spread.entries[old] for new, old in partner.items()}


def _failing_with(topology: Topology, hard: Graph, faults: Collection[str]) -> set[str]:
    """What stands in a region, and what leads there: a global front that every way runs through outlives the region."""
    lost = set(faults)
    inside: set[str] = set()
    for address, component in topology.components.items():
        if any(not lost.isdisjoint(copy.faults) for copy in component.copies):
            inside.add(address)
    return hard.reversed.within(*inside)


def _behind(hard: Graph, start: str) -> list[str]:
    """Everything the entry needs, nearest first, each level sorted; not the entry itself."""
    return [address for level in hard.levels(start) for address in level]


def _serving_first(topology: Topology, addresses: Sequence[str]) -> list[str]:
    return sorted(addresses, key=lambda address: topology.components[address].kind is Kind.CONNECTOR)
