"""Losing all copies of one component in one zone: the events behind single points of class zone (MODEL.md 4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from faultray_action.model.component import Component, Copy, Fault, FaultClass, Kind, Recovery
from faultray_action.model.topology import Topology

_OWN = (FaultClass.COPY, FaultClass.ZONAL)


@dataclass(frozen=True, slots=True)
class ZoneGroup:
    """The copies of `address` in `zone`, lost together.

    `faults` are the copy and zonal faults that `address` owns there; `copies` are (component, copy index) pairs that hold none and are
    lost with the zone all the same (a managed part pinned to it). `cause` is the zone's own fault: the group has its rate and repair time.
    """

    address: str
    zone: str
    faults: tuple[str, ...]
    copies: tuple[tuple[str, int], ...]
    cause: Fault
    recovery: Recovery

    @property
    def id(self) -> str:
        return f"zone:{self.zone} of {self.address}"


def zone_groups(topology: Topology) -> tuple[ZoneGroup, ...]:
    """Every group of one owner in one zone, sorted by address and zone; a zone without a fault of its own makes no group."""
    owned = _owned_faults(topology)
    pinned = dict(_pinned_copies(topology, owned))
    causes = _zone_causes(topology)
    keys = sorted({*owned, *pinned})
    return tuple(
        ZoneGroup(
            address,
            zone,
            owned.get((address, zone), ()),
            pinned.get((address, zone), ()),
            cause,
            _recovery(topology, address, cause.recovery),
        )
        for address, zone in keys
        if (cause := causes.get(zone)) is not None
    )


def owner_of(fault: Fault, holders: Mapping[str, str]) -> str:
    """The component a copy or zonal fault belongs to: its address, else the first component that holds it."""
    return fault.address or holders.get(fault.id, "")


def first_holders(topology: Topology) -> dict[str, str]:
    """Fault id -> address of the first component a copy of which holds it."""
    found: dict[str, str] = {}
    for address, component in topology.components.items():
        for copy in component.copies:
            for fault in copy.faults:
                found.setdefault(fault, address)
    return found


def _owned_faults(topology: Topology) -> dict[tuple[str, str], tuple[str, ...]]:
    holders = first_holders(topology)
    places: dict[str, dict[str, set[str]]] = {}
    for address, copy in _zoned_copies(topology):
        for fault in copy.faults:
            if topology.faults[fault].fault_class in _OWN:
                places.setdefault(fault, {}).setdefault(address, set()).add(copy.zone)
    groups: dict[tuple[str, str], set[str]] = {}
    for fault, by_holder in places.items():
        owner = owner_of(topology.faults[fault], holders)
        # A NAT gateway's fault also sits on the copies that leave through it: where the owner has copies of its own, theirs is its zone.
        zones = by_holder[owner] if owner in by_holder else set().union(*by_holder.values())
        for zone in zones:
            groups.setdefault((owner, zone), set()).add(fault)
    return {key: tuple(sorted(faults)) for key, faults in groups.items()}


def _pinned_copies(
    topology: Topology, owned: Mapping[tuple[str, str], tuple[str, ...]]
) -> Iterator[tuple[tuple[str, str], tuple[tuple[str, int], ...]]]:
    """Copies that hold their zone's fault, none of their own, and are not another component's copies seen through a connector."""
    shared = {copy.faults for address, copy in _zoned_copies(topology) if _owns(topology, address, copy)}
    for address, component in topology.components.items():
        if component.kind is Kind.CONNECTOR:
            continue
        for zone in component.zones:
            copies = tuple((address, index) for index, copy in enumerate(component.copies) if copy.zone == zone and _pinned(topology, copy))
            lost = tuple(pair for pair in copies if component.copies[pair[1]].faults not in shared)
            if lost and not _owns_all(topology, address, component, zone, owned):
                yield (address, zone), lost


def _pinned(topology: Topology, copy: Copy) -> bool:
    return any(topology.faults[fault].fault_class is FaultClass.ZONE for fault in copy.faults)


def _owns(topology: Topology, address: str, copy: Copy) -> bool:
    return any(topology.faults[f].fault_class in _OWN and topology.faults[f].address == address for f in copy.faults)


def _owns_all(topology: Topology, address: str, component: Component, zone: str, owned: Mapping[tuple[str, str], tuple[str, ...]]) -> bool:
    mine = set(owned.get((address, zone), ()))
    return all(mine.intersection(copy.faults) for copy in component.copies if copy.zone == zone)


def _zoned_copies(topology: Topology) -> Iterator[tuple[str, Copy]]:
    for address, component in topology.components.items():
        for copy in component.copies:
            if copy.zone:
                yield address, copy


def _zone_causes(topology: Topology) -> dict[str, Fault]:
    causes: dict[str, Fault] = {}
    for _, copy in _zoned_copies(topology):
        for fault in copy.faults:
            if topology.faults[fault].fault_class is FaultClass.ZONE:
                causes.setdefault(copy.zone, topology.faults[fault])
    return causes


def _recovery(topology: Topology, address: str, cause: Recovery) -> Recovery:
    component = topology.components.get(address)
    return cause if component is None else worst_recovery((cause, component.recovery))


def worst_recovery(recoveries: tuple[Recovery, ...]) -> Recovery:
    """The last in the order of `Recovery`; self-heals for none."""
    order = tuple(Recovery)
    return max(recoveries, key=order.index, default=Recovery.SELF_HEALS)
