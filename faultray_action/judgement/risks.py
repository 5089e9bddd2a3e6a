"""Risks that are no single points: data that can be lost, needs that can no longer be met, regions, capacity (docs/model.md)."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from faultray_action.judgement import regions
from faultray_action.judgement.pairing import Side, twins
from faultray_action.model.component import Kind
from faultray_action.model.finding import Risk, RiskKind, RiskSeverity, Standing
from faultray_action.model.graph import Needs
from faultray_action.model.topology import DataAsset, Dependency, EntryPoint, LossKind, Topology

Row = tuple[Standing, Risk]

_BUFFERS = (Kind.QUEUE, Kind.STREAM)
_LASTING = (LossKind.MEDIA, LossKind.DELETE, LossKind.CORRUPTION, LossKind.KEY, LossKind.REGION)
DEMAND_SHARE = 0.6
"""Demand where none is declared: this share of the smaller capacity of the two sides (docs/model.md) must still fit."""


def find(before: Side, after: Side) -> tuple[Row, ...]:
    """Every risk with its standing, kind by kind."""
    return (
        *_data(before.topology, after.topology),
        *_broken(before, after),
        *_serving_nothing(before, after),
        *_everything_goes(before.topology, after.topology),
        *((Standing.NEW, risk) for risk in regions.lost(before, after)),
        *_capacity(before.topology, after.topology),
        *_unbuffered(before.topology, after.topology),
    )


# Data


def _data(before: Topology, after: Topology) -> Iterator[Row]:
    old = {asset.address: asset for asset in before.assets}
    new = {asset.address: asset for asset in after.assets}
    for address, asset in sorted(new.items()):
        existed = address in old
        was, is_now = _losses(old.get(address)), _losses(asset)
        worse, better, same = sorted(is_now - was), sorted(was - is_now), sorted(is_now & was)
        if worse:
            yield Standing.NEW, _loss(asset, worse, existed=existed)
        elif better:
            yield Standing.RESOLVED, _loss(asset, better, existed=True)
        if same:
            yield Standing.UNCHANGED, _loss(asset, same, existed=True)


def _losses(asset: DataAsset | None) -> set[str]:
    if asset is None:
        return set()
    open_to = {loss.kind.value for loss in asset.losses if not loss.covered}
    return open_to | {"destroyed"} if asset.destroyed else open_to


def _loss(asset: DataAsset, losses: list[str], *, existed: bool) -> Risk:
    """High: data is destroyed, or a lasting loss that was covered no longer is, or new data without any cover of its medium."""
    uncovered = existed and any(kind in _LASTING for kind in losses)
    high = "destroyed" in losses or uncovered or LossKind.MEDIA in losses
    severity = RiskSeverity.HIGH if high else RiskSeverity.MEDIUM
    return Risk(asset.address, RiskKind.DATA_LOSS, severity, tuple(losses), existed=existed)


# Needs


def _broken(before: Side, after: Side) -> Iterator[Row]:
    """One row a need that cannot be met, and a need that can be met again."""
    was, is_now = _cut_needs(before.topology), _cut_needs(after.topology)
    known, still = _ends(was), _ends(is_now)
    down = tuple(sorted(_cut_off(after)))
    for need in is_now:
        standing = Standing.UNCHANGED if (need.source, need.target) in known else Standing.NEW
        yield standing, _broken_need(need, down)
    standing_after = after.topology.components.keys()
    for need in was:
        mended = (need.source, need.target) not in still
        if mended and {need.source, need.target} <= standing_after:
            yield Standing.RESOLVED, _broken_need(need, ())


def _cut_needs(topology: Topology) -> list[Dependency]:
    return [need for need in topology.dependencies if need.broken]


def _ends(needs: Collection[Dependency]) -> set[tuple[str, str]]:
    return {(need.source, need.target) for need in needs}


def _broken_need(need: Dependency, down: tuple[str, ...]) -> Risk:
    return Risk(
        need.target,
        RiskKind.BROKEN_NEED,
        RiskSeverity.HIGH,
        (),
        down,
        need.broken,
        related=(need.source,),
    )


def _cut_off(side: Side) -> set[str]:
    return {entry.address for entry in side.examination.entries if entry.cut_off}


def _serving_nothing(before: Side, after: Side) -> Iterator[Row]:
    """Entries that are down at rest where no broken need tells why. One that was deployed switched off takes nothing from anybody."""
    silent = _cut_off(after)
    if not silent or any(need.broken for need in after.topology.dependencies):
        return
    earlier = _cut_off(before)
    known = {entry.address for _, entry in twins(before.topology, after.topology)}
    for address in sorted(silent):
        standing = Standing.UNCHANGED if address in earlier else Standing.NEW
        severity = RiskSeverity.HIGH if address in known else RiskSeverity.MEDIUM
        yield (
            standing,
            _cut_off_entry(address, severity, "serves nothing: what it needs does not stand"),
        )


def _everything_goes(before: Topology, after: Topology) -> Iterator[Row]:
    """Nothing that users came in by stands after: the system is taken down, on purpose or not."""
    if before.entries and not after.entries:
        for entry in before.entries:
            message = f"{entry.address} is destroyed, and no entry point is left"
            yield Standing.NEW, _cut_off_entry(entry.address, RiskSeverity.HIGH, message)


def _cut_off_entry(address: str, severity: RiskSeverity, message: str) -> Risk:
    return Risk(address, RiskKind.BROKEN_NEED, severity, (), (address,), message)


# Capacity


def _capacity(before: Topology, after: Topology) -> Iterator[Row]:
    """A cut of capacity that the same demand no longer fits into."""
    for address, component in after.components.items():
        old = before.components.get(address)
        if old is None or component.limit is None:
            continue
        if old.limit is None or component.limit < DEMAND_SHARE * old.limit:
            yield Standing.NEW, Risk(address, RiskKind.CAPACITY, RiskSeverity.MEDIUM)


def _unbuffered(before: Topology, after: Topology) -> Iterator[Row]:
    """A consumer whose queue goes and that users' requests wait for from now on. Its failures were hidden by the queue; what it cannot
    take at once was kept there. No single point follows from it where the provider runs it, so that it is told in words."""
    consumers = _consumers(before.entries) & after.components.keys()
    gone = _buffers(before) - after.components.keys()
    if not consumers or not gone:
        return
    was, is_now = Needs(before.dependencies).hard, Needs(after.dependencies).hard
    for earlier, entry in twins(before, after):
        if entry.deferred or earlier.deferred:
            continue
        waits_now = is_now.closure(entry.component) - was.closure(earlier.component)
        for address in sorted(waits_now & consumers):
            lost = sorted(gone & was.closure(address))
            if lost:
                yield Standing.NEW, _waiting(address, entry, lost)


def _consumers(entries: Collection[EntryPoint]) -> set[str]:
    return {entry.component for entry in entries if entry.deferred}


def _buffers(topology: Topology) -> set[str]:
    return {address for address, component in topology.components.items() if component.kind in _BUFFERS}


def _waiting(address: str, entry: EntryPoint, lost: list[str]) -> Risk:
    message = f"requests to {entry.address} wait for it now that {lost[0]} keeps its work no more"
    return Risk(address, RiskKind.CAPACITY, RiskSeverity.MEDIUM, (), (), message, related=tuple(lost))
