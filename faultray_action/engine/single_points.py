"""Single points of failure, exactly: events whose singleton is a cut set of an entry (docs/model.md). One pass over all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec import Struct

from faultray_action.engine.compiled import Compiled
from faultray_action.engine.sweep import Row, passes_unseen, positions, sweep_vertices
from faultray_action.engine.zones import ZoneGroup, first_holders, worst_recovery
from faultray_action.model.component import Fault, FaultClass, Recovery
from faultray_action.model.outcome import SharedDependency, SinglePoint
from faultray_action.model.topology import EntryPoint, Role, Topology


class Singles(Struct, frozen=True):
    """What single events do.

    `cut_off`: entries that are down with no event. `order_one`: entry address -> ids of the faults that alone take it down.
    `hidden`: entry address -> faults a deferred entry does not see.
    """

    cut_off: frozenset[str]
    order_one: Mapping[str, tuple[str, ...]]
    hidden: Mapping[str, frozenset[str]]
    points: tuple[SinglePoint, ...]
    shared: tuple[SharedDependency, ...]


@dataclass(slots=True)
class _Evidence:
    """Events of one component that take entries down."""

    classes: set[FaultClass] = field(default_factory=set)
    events: dict[str, float] = field(default_factory=dict)
    takes_down: set[str] = field(default_factory=set)
    recoveries: list[Recovery] = field(default_factory=list)
    zones: set[str] = field(default_factory=set)


def find_single_points(compiled: Compiled) -> Singles:
    """Every single fault and every zone group, asked of every entry at once.

    An entry that is already cut off is in nobody's `takes_down`. A deferred entry does not see what heals or fails over within its
    retention; the loss of a zone counts as lasting for it where it is lasting for a component whose copies there it cannot do without.
    """
    faults = tuple(fault for fault in compiled.topology.faults.values() if fault.fault_class is not FaultClass.GAP)
    groups = compiled.zones
    downs = _ask(compiled, faults, groups)
    cut_off = frozenset(entry.address for entry in compiled.topology.entries if downs[entry.address] & 1)
    hit_groups = {entry.address: _hit_groups(entry, downs[entry.address], groups, len(faults)) for entry in compiled.topology.entries}
    hidden = {entry.address: _hidden(entry, compiled, hit_groups[entry.address]) for entry in compiled.topology.entries}
    order_one = {
        entry.address: () if entry.address in cut_off else _order_one(downs[entry.address], faults, hidden[entry.address])
        for entry in compiled.topology.entries
    }
    live_groups = {address: () if address in cut_off else hit for address, hit in hit_groups.items()}
    return Singles(
        cut_off=cut_off,
        order_one=order_one,
        hidden=hidden,
        points=_points(compiled, order_one, live_groups),
        shared=_shared(compiled, order_one, live_groups),
    )


def _ask(compiled: Compiled, faults: Sequence[Fault], groups: Sequence[ZoneGroup]) -> dict[str, int]:
    """Entry address -> bits: bit 0 nothing happens, then each fault, then each zone group."""
    rows = [Row(())]
    rows += [Row((compiled.event_of[fault.id],)) for fault in faults]
    rows += [Row(group_events(compiled, group)) for group in groups]
    bits = sweep_vertices(compiled, rows, compiled.entry_vertices)
    return {entry.address: down for entry, down in zip(compiled.topology.entries, bits, strict=True)}


def group_events(compiled: Compiled, group: ZoneGroup) -> tuple[int, ...]:
    """The events that make up the loss of a component's copies in one zone."""
    ids = (*group.faults, group.id) if group.copies else group.faults
    return tuple(compiled.event_of[id] for id in ids)


def _order_one(down: int, faults: Sequence[Fault], hidden: frozenset[str]) -> tuple[str, ...]:
    only = down >> 1 & (1 << len(faults)) - 1
    return tuple(faults[index].id for index in positions(only) if faults[index].id not in hidden)


def _hit_groups(entry: EntryPoint, down: int, groups: Sequence[ZoneGroup], offset: int) -> tuple[ZoneGroup, ...]:
    hit = (groups[index] for index in positions(down >> offset + 1))
    return tuple(group for group in hit if not passes_unseen(entry, group.recovery, group.cause.repair_hours.default))


def _hidden(entry: EntryPoint, compiled: Compiled, hit: Iterable[ZoneGroup]) -> frozenset[str]:
    if not entry.deferred:
        return frozenset()
    lasting = {group.cause.id for group in hit}
    return frozenset(
        fault.id
        for fault in compiled.topology.faults.values()
        if fault.id not in lasting and passes_unseen(entry, fault.recovery, fault.repair_hours.default)
    )


def _points(
    compiled: Compiled, order_one: Mapping[str, Sequence[str]], hit_groups: Mapping[str, Sequence[ZoneGroup]]
) -> tuple[SinglePoint, ...]:
    found: dict[str, _Evidence] = {}
    holders = first_holders(compiled.topology)
    for entry, ids in order_one.items():
        for fault in _own_faults(compiled, ids):
            for address in _bearers(compiled.topology, fault.address or holders[fault.id], frozenset({fault.id}), entry):
                _note(found, address, fault.fault_class, fault.id, fault, fault.recovery, entry)
    for entry, groups in hit_groups.items():
        for group in groups:
            for address in _bearers(compiled.topology, group.address, frozenset(group.faults), entry, frozenset(group.copies)):
                evidence = _note(found, address, FaultClass.ZONE, group.id, group.cause, group.recovery, entry)
                evidence.zones.add(group.zone)
    return tuple(_point(address, found[address]) for address in sorted(found))


Copies = frozenset[tuple[str, int]]
"""(component, which of its copies)."""


def _bearers(topology: Topology, owner: str, lost: frozenset[str], entry: str, gone: Copies = frozenset()) -> tuple[str, ...]:
    """Whose single point an event is: its owner's, unless that goes on without what it lost (a machine of a pool): then that of what ran there
    alone and the entry needs, where there is such a thing. `gone`: copies in bulk that the event takes too."""
    if not _lasts(topology, owner, lost, gone):
        return (owner,)
    holders = {a for a, c in topology.components.items() if any(not lost.isdisjoint(copy.faults) for copy in c.copies)}
    alone = [address for address in sorted(holders - {owner}) if not _lasts(topology, address, lost, gone)]
    needed = _needed(topology, entry) if alone else frozenset()
    return tuple(address for address in alone if address in needed) or (owner,)


def _lasts(topology: Topology, address: str, lost: frozenset[str], gone: Copies) -> bool:
    """Whether enough copies are left without those that hold a lost fault, and those in bulk that are gone with them."""
    component = topology.components.get(address)
    if component is None:
        return False
    left = 0
    for index, copy in enumerate(component.copies):
        if lost.isdisjoint(copy.faults) and (address, index) not in gone:
            left += copy.count
    return left >= max(1, component.needed)


def _needed(topology: Topology, entry: str) -> frozenset[str]:
    """What an entry needs, and what it is itself."""
    needs: dict[str, list[str]] = {}
    for dependency in topology.dependencies:
        if dependency.role is Role.NEED:
            needs.setdefault(dependency.source, []).append(dependency.target)
    stack = [each.component for each in topology.entries if each.address == entry]
    seen = set(stack)
    while stack:
        fresh = set(needs.get(stack.pop(), ())) - seen
        seen |= fresh
        stack += fresh
    return frozenset(seen)


def _own_faults(compiled: Compiled, ids: Iterable[str]) -> Iterator[Fault]:
    for id in ids:
        fault = compiled.topology.faults[id]
        if fault.fault_class in (FaultClass.COPY, FaultClass.ZONAL):
            yield fault


def _note(
    found: dict[str, _Evidence], address: str, fault_class: FaultClass, event: str, cause: Fault, recovery: Recovery, entry: str
) -> _Evidence:
    evidence = found.setdefault(address, _Evidence())
    evidence.classes.add(fault_class)
    evidence.events[event] = cause.failures_per_year.default
    evidence.takes_down.add(entry)
    evidence.recoveries.append(recovery)
    return evidence


def _point(address: str, evidence: _Evidence) -> SinglePoint:
    return SinglePoint(
        address=address,
        classes=tuple(sorted(evidence.classes)),
        faults=tuple(sorted(evidence.events)),
        takes_down=tuple(sorted(evidence.takes_down)),
        recovery=worst_recovery(tuple(evidence.recoveries)),
        failures_per_year=sum(evidence.events[event] for event in sorted(evidence.events)),
        zones=tuple(sorted(evidence.zones)),
    )


def _shared(
    compiled: Compiled, order_one: Mapping[str, Sequence[str]], hit_groups: Mapping[str, Sequence[ZoneGroup]]
) -> tuple[SharedDependency, ...]:
    """Domains that alone take entries down. A zone is one only where no single component's copies in it explain the outage."""
    victims: dict[str, list[str]] = {}
    for entry, ids in order_one.items():
        explained = {group.cause.id for group in hit_groups[entry]}
        for id in ids:
            fault = compiled.topology.faults[id]
            if fault.fault_class not in (FaultClass.COPY, FaultClass.ZONAL) and id not in explained:
                victims.setdefault(id, []).append(entry)
    return tuple(_dependency(compiled.topology.faults[id], victims[id]) for id in sorted(victims))


def _dependency(fault: Fault, entries: Iterable[str]) -> SharedDependency:
    return SharedDependency(fault.id, fault.fault_class, fault.domain, tuple(sorted(entries)), fault.failures_per_year.default)
