"""Losing all copies of one component in one zone: the events behind single points of class zone (docs/model.md)."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from faultray_action.model.component import Component, Copy, Fault, FaultClass, Kind, Recovery
from faultray_action.model.topology import Topology

_OWN = (FaultClass.COPY, FaultClass.ZONAL)


class ZoneGroup(Struct, frozen=True):
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
    zoned = [(address, component) for address, component in topology.components.items() if component.zones]
    causes = _zone_causes(topology, zoned)
    if not causes:
        return ()
    owned = _owned_faults(topology, zoned)
    pinned = _pinned_copies(topology, zoned)
    return tuple(
        ZoneGroup(
            address,
            zone,
            owned.get((address, zone), ()),
            pinned.get((address, zone), ()),
            cause,
            _recovery(topology, address, cause.recovery),
        )
        for address, zone in sorted({*owned, *pinned})
        if (cause := causes.get(zone)) is not None
    )


def first_holders(topology: Topology) -> dict[str, str]:
    """Fault id -> address of the first component a copy of which holds it."""
    found: dict[str, str] = {}
    for address, component in topology.components.items():
        for copy in component.copies:
            for fault in copy.faults:
                found.setdefault(fault, address)
    return found


Zoned = list[tuple[str, Component]]


def _owned_faults(topology: Topology, zoned: Zoned) -> dict[tuple[str, str], tuple[str, ...]]:
    """(owner, zone) -> the owner's copy and zonal faults there."""
    own = {id for id, fault in topology.faults.items() if fault.fault_class in _OWN}
    places: dict[str, dict[str, set[str]]] = {}
    for address, component in zoned:
        for copy in component.copies:
            if copy.zone:
                for fault in own.intersection(copy.faults):
                    places.setdefault(fault, {}).setdefault(address, set()).add(copy.zone)
    groups: dict[tuple[str, str], set[str]] = {}
    for fault, by_holder in places.items():
        owner = topology.faults[fault].address or min(by_holder)
        # A NAT gateway's fault also sits on the copies that leave through it: where the owner has copies of its own, theirs is its zone.
        zones = by_holder[owner] if owner in by_holder else set().union(*by_holder.values())
        for zone in zones:
            groups.setdefault((owner, zone), set()).add(fault)
    return {key: tuple(sorted(faults)) for key, faults in groups.items()}


def _pinned_copies(topology: Topology, zoned: Zoned) -> dict[tuple[str, str], tuple[tuple[str, int], ...]]:
    """Copies that hold their zone's fault, none of their own, and are not another component's copies seen through a connector.

    Copies in bulk are those of the component whose common cause they hold, whoever runs on them."""
    zone_faults = {id for id, fault in topology.faults.items() if fault.fault_class is FaultClass.ZONE}
    owner = {id: fault.address for id, fault in topology.faults.items() if fault.fault_class in _OWN}
    shared = {copy.faults for address, component in zoned for copy in component.copies if _owns(address, copy, owner)}
    in_bulk = {id: fault.address for id, fault in topology.faults.items() if fault.fault_class is FaultClass.COMMON_CAUSE}
    found: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for address, component in zoned:
        if component.kind is Kind.CONNECTOR:
            continue
        for index, copy in enumerate(component.copies):
            if copy.zone and copy.faults not in shared and not zone_faults.isdisjoint(copy.faults):
                whose = next((in_bulk[id] for id in copy.faults if id in in_bulk), address) if copy.count > 1 else address
                found.setdefault((whose, copy.zone), []).append((address, index))
    return {key: tuple(copies) for key, copies in found.items()}


def _owns(address: str, copy: Copy, owner: Mapping[str, str]) -> bool:
    return any(owner.get(fault) == address for fault in copy.faults)


def _zone_causes(topology: Topology, zoned: Zoned) -> dict[str, Fault]:
    """Zone -> its own fault."""
    zone_faults = {id for id, fault in topology.faults.items() if fault.fault_class is FaultClass.ZONE}
    causes: dict[str, Fault] = {}
    for _, component in zoned:
        for copy in component.copies:
            if copy.zone and copy.zone not in causes:
                causes.update((copy.zone, topology.faults[id]) for id in sorted(zone_faults.intersection(copy.faults)))
    return causes


def _recovery(topology: Topology, address: str, cause: Recovery) -> Recovery:
    component = topology.components.get(address)
    return cause if component is None else worst_recovery((cause, component.recovery))


def worst_recovery(recoveries: tuple[Recovery, ...]) -> Recovery:
    """The last in the order of `Recovery`; self-heals for none."""
    order = tuple(Recovery)
    return max(recoveries, key=order.index, default=Recovery.SELF_HEALS)
