"""Risks that are no single points: data that can be lost, needs that can no longer be met, regions, capacity (docs/model.md)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from faultray_action.judgement.compare import fault_entries
from faultray_action.judgement.pairing import Side, match_entries
from faultray_action.model.component import FaultClass, Kind, Recovery
from faultray_action.model.finding import Risk, RiskKind, RiskSeverity, Standing
from faultray_action.model.outcome import SinglePoint
from faultray_action.model.topology import DataAsset, LossKind, Role, Topology

DownWithout = Callable[[Topology, Sequence[str]], Mapping[str, tuple[str, ...]]]
"""Component -> entries that are down while it does not exist."""

_BUFFERS = (Kind.QUEUE, Kind.STREAM)
_LASTING = (LossKind.MEDIA, LossKind.DELETE, LossKind.CORRUPTION, LossKind.KEY, LossKind.REGION)
DEMAND_SHARE = 0.6
"""Demand where none is declared: this share of the smaller capacity of the two sides (docs/model.md) must still fit."""


def find(before: Side, after: Side) -> tuple[tuple[Standing, Risk], ...]:
    """Every risk with its standing, sorted."""
    rows = [
        *_data(before, after),
        *_broken(before, after),
        *_everything_goes(before, after),
        *_regions(before, after),
        *_capacity(before, after),
        *_unbuffered(before, after),
    ]
    return tuple(sorted(rows, key=lambda row: (row[0], row[1].kind, row[1].address)))


def _data(before: Side, after: Side) -> Iterable[tuple[Standing, Risk]]:
    old = {asset.address: asset for asset in before.topology.assets}
    new = {asset.address: asset for asset in after.topology.assets}
    for address in sorted({*old, *new}):
        was, is_now = _losses(old.get(address)), _losses(new.get(address))
        worse = sorted(is_now - was)
        if worse:
            yield Standing.NEW, _loss(new[address], worse, existed=address in old)
        elif was - is_now and address in new:
            yield Standing.RESOLVED, _loss(new[address], sorted(was - is_now), existed=True)
        if is_now & was:
            yield Standing.UNCHANGED, _loss(new[address], sorted(is_now & was), existed=True)


def _losses(asset: DataAsset | None) -> set[str]:
    if asset is None:
        return set()
    return {loss.kind.value for loss in asset.losses if not loss.covered} | ({"destroyed"} if asset.destroyed else set())


def _loss(asset: DataAsset, losses: list[str], *, existed: bool) -> Risk:
    """High: data is destroyed, or a lasting loss that was covered no longer is, or new data without any cover of its medium."""
    lasting = [kind for kind in losses if kind in _LASTING]
    high = "destroyed" in losses or (bool(lasting) and existed) or LossKind.MEDIA in losses
    severity = RiskSeverity.HIGH if high else RiskSeverity.MEDIUM
    return Risk(asset.address, RiskKind.DATA_LOSS, severity, tuple(losses), existed=existed)


def _broken(before: Side, after: Side) -> Iterable[tuple[Standing, Risk]]:
    was = {(d.source, d.target) for d in before.topology.dependencies if d.broken}
    silent = {entry.address for entry in after.examination.entries if entry.cut_off}
    cut_before = {entry.address for entry in before.examination.entries if entry.cut_off}
    for d in after.topology.dependencies:
        if d.broken:
            standing = Standing.UNCHANGED if (d.source, d.target) in was else Standing.NEW
            down = tuple(sorted(silent))
            yield standing, Risk(d.target, RiskKind.BROKEN_NEED, RiskSeverity.HIGH, (), down, d.broken, related=(d.source,))
    still = {(d.source, d.target) for d in after.topology.dependencies if d.broken}
    standing_after = after.topology.components.keys()
    for d in before.topology.dependencies:
        if d.broken and (d.source, d.target) not in still and {d.source, d.target} <= standing_after:
            yield Standing.RESOLVED, Risk(d.target, RiskKind.BROKEN_NEED, RiskSeverity.HIGH, (), (), d.broken, related=(d.source,))
    told = {d.target for d in after.topology.dependencies if d.broken} | {d.source for d in after.topology.dependencies if d.broken}
    known = {after.topology.entries[new].address for new in match_entries(before.topology.entries, after.topology.entries)}
    for address in sorted(silent - told if not told else set()):
        standing = Standing.UNCHANGED if address in cut_before else Standing.NEW
        severity = RiskSeverity.HIGH if address in known else RiskSeverity.MEDIUM  # deployed switched off, it takes nothing from anybody
        message = "serves nothing: what it needs does not stand"
        yield standing, Risk(address, RiskKind.BROKEN_NEED, severity, (), (address,), message)


def _everything_goes(before: Side, after: Side) -> Iterable[tuple[Standing, Risk]]:
    """Nothing that users came in by stands after: the system is taken down, on purpose or not."""
    if before.topology.entries and not after.topology.entries:
        for entry in before.topology.entries:
            message = f"{entry.address} is destroyed, and no entry point is left"
            yield Standing.NEW, Risk(entry.address, RiskKind.BROKEN_NEED, RiskSeverity.HIGH, (), (entry.address,), message)


def _regions(before: Side, after: Side) -> Iterable[tuple[Standing, Risk]]:
    """An entry that outlived the loss of each region and does not outlive one after."""
    was, is_now = fault_entries(before, [FaultClass.REGION]), fault_entries(after, [FaultClass.REGION])
    partner = match_entries(before.topology.entries, after.topology.entries)
    for new, old in sorted(partner.items()):
        entry, earlier = after.topology.entries[new], before.topology.entries[old]
        cut = after.examination.entries[new].cut_off or before.examination.entries[old].cut_off
        gained = is_now.get(entry.address, set()) - was.get(earlier.address, set())
        if gained and not was.get(earlier.address) and not cut:
            yield Standing.NEW, Risk(entry.address, RiskKind.REGION, RiskSeverity.HIGH, (), (entry.address,), related=tuple(sorted(gained)))


def regional_points(before: Side, after: Side, down_without: DownWithout) -> tuple[tuple[Standing, SinglePoint], ...]:
    """Regions as single points: only where the other side outlives the loss of each region and this one does not (docs/model.md).

    The point is the part nearest to the entry that fails with the region and that every way in use runs through now and did not before:
    what is left of a failover that lost its other half. What serves comes before what only leads to it.
    """
    rows = [(Standing.NEW, point) for point in _alone(before, after, down_without)]
    rows += [(Standing.RESOLVED, point) for point in _alone(after, before, down_without)]
    return tuple(rows)


def _alone(spread: Side, alone: Side, down_without: DownWithout) -> Iterable[SinglePoint]:
    faults = alone.topology.faults
    partner = match_entries(spread.topology.entries, alone.topology.entries)
    earlier = {alone.topology.entries[new].address: spread.topology.entries[old].address for new, old in partner.items()}
    for _, risk in _regions(spread, alone):
        entry = next(e for e in alone.topology.entries if e.address == risk.address)
        inside = _failing_with(alone.topology, risk.related)
        ways = [address for address in _ways(alone.topology, entry.component) if address in inside]
        needed, needed_before = down_without(alone.topology, ways), down_without(spread.topology, ways)
        found = [a for a in ways if entry.address in needed.get(a, ())]
        left_alone = [a for a in found if earlier[entry.address] not in needed_before.get(a, ())]
        ordered = sorted(left_alone or found, key=lambda a: alone.topology.components[a].kind is Kind.CONNECTOR)
        for address in ordered[:1]:
            rate = sum(faults[id].failures_per_year.default for id in risk.related)
            yield SinglePoint(address, (FaultClass.REGION,), risk.related, (entry.address,), Recovery.MANUAL, rate)


def _failing_with(topology: Topology, faults: Collection[str]) -> set[str]:
    """What stands in a region, and what leads there: a global front that every way runs through outlives the region."""
    callers: dict[str, list[str]] = {}
    for d in topology.dependencies:
        if d.role is Role.NEED:
            callers.setdefault(d.target, []).append(d.source)
    lost = set(faults)
    stack = [a for a, component in topology.components.items() if any(not lost.isdisjoint(copy.faults) for copy in component.copies)]
    found = set(stack)
    while stack:
        fresh = set(callers.get(stack.pop(), ())) - found
        found |= fresh
        stack += sorted(fresh)
    return found


def _ways(topology: Topology, start: str) -> list[str]:
    """Everything the entry needs, nearest first, each level sorted; not the entry itself."""
    needs: dict[str, list[str]] = {}
    for d in topology.dependencies:
        if d.role is Role.NEED:
            needs.setdefault(d.source, []).append(d.target)
    seen, level, ordered = {start}, [start], list[str]()
    while level:
        level = sorted({t for a in level for t in needs.get(a, ())} - seen)
        seen.update(level)
        ordered += level
    return ordered


def _capacity(before: Side, after: Side) -> Iterable[tuple[Standing, Risk]]:
    """A cut of capacity that the same demand no longer fits into."""
    for address, component in after.topology.components.items():
        old = before.topology.components.get(address)
        if old is None or component.limit is None:
            continue
        if old.limit is None or component.limit < DEMAND_SHARE * old.limit:
            yield Standing.NEW, Risk(address, RiskKind.CAPACITY, RiskSeverity.MEDIUM)


def _unbuffered(before: Side, after: Side) -> Iterable[tuple[Standing, Risk]]:
    """A consumer whose queue goes and that users' requests wait for from now on. Its failures were hidden by the queue; what it cannot take at
    once was kept there. No single point follows from it where the provider runs it, so that it is told in words."""
    deferred = {e.component: e for e in before.topology.entries if e.deferred and e.component in after.topology.components}
    if not deferred:
        return
    gone = {a for a, c in before.topology.components.items() if c.kind in _BUFFERS} - after.topology.components.keys()
    partner = match_entries(before.topology.entries, after.topology.entries)
    for new, old in sorted(partner.items()):
        entry, earlier = after.topology.entries[new], before.topology.entries[old]
        if entry.deferred or earlier.deferred or not gone:
            continue
        waits = set(_ways(after.topology, entry.component)) - set(_ways(before.topology, earlier.component))
        for address in sorted(waits & deferred.keys()):
            lost = sorted(gone.intersection(_ways(before.topology, address)))
            if lost:
                message = f"requests to {entry.address} wait for it now that {lost[0]} keeps its work no more"
                yield Standing.NEW, Risk(address, RiskKind.CAPACITY, RiskSeverity.MEDIUM, (), (), message, related=tuple(lost))
