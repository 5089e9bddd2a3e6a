"""Reads back from the ids of faults what the copies of a component share with others: places, services, carriers."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from faultray_action.declared.rows import Row
from faultray_action.model.component import NAMES, Component, Copy, Fault, FaultClass
from faultray_action.model.topology import Topology

MOST_LISTED = 10_000
"""Copies whose places are written down one by one, where they do not stand in turn."""


class Domains(Struct, frozen=True):
    """What a component's copies share with others, read back from the ids of its faults. `carriers`: copy by copy, as `ADDRESS#k`.

    Of copies in bulk only those with names are read: the others stand as these do, in turn."""

    provider: str
    placement: tuple[str, ...]
    regions: tuple[str, ...]
    service: str
    vendor: str
    carriers: tuple[tuple[str, ...], ...]
    own: bool
    zonal: bool


def read_domains(each: Component, topology: Topology) -> Domains:
    carriers = tuple(_carriers(each.address, copy, topology) for copy in each.copies[:NAMES])
    every = [[topology.faults[id] for id in copy.faults] for copy in each.copies[:NAMES]]
    named = [fault for held in every for fault in held]
    service = _after_provider(_not_carried(every, carriers, topology), FaultClass.SERVICE)
    return Domains(
        provider=next(
            (fault.id.split(":")[1] for fault in named if fault.fault_class in _PLACED and not fault.id.startswith("zone:?:")), ""
        ),
        placement=_placement(each),
        regions=tuple(sorted(set(_after_provider(named, FaultClass.REGION)))),
        service=service[0].partition("@")[0] if service else "",
        vendor=next((fault.id.partition(":")[2] for fault in named if fault.fault_class is FaultClass.VENDOR), ""),
        carriers=carriers,
        own=any(fault.address == each.address for fault in named),
        zonal=any(fault.address == each.address and fault.fault_class is FaultClass.ZONAL for fault in named),
    )


def _placement(each: Component) -> tuple[str, ...]:
    """The zone of each copy; of copies in bulk, where they are dealt in turn or are too many to list, of those with names."""
    named = tuple(copy.zone for copy in each.copies[:NAMES])
    rest = {copy.zone: 0 for copy in each.copies[NAMES:]}
    for copy in each.copies[NAMES:]:
        rest[copy.zone] += copy.count
    even = not rest or max(rest.values()) - min(rest.values()) <= 1
    if (even and rest.keys() <= set(named)) or each.size > MOST_LISTED:
        return named
    return (*named, *(zone for zone, count in rest.items() for _ in range(count)))


def _carriers(address: str, copy: Copy, topology: Topology) -> tuple[str, ...]:
    """Copies of other components whose every fault this copy has: it falls whenever one of them does."""
    foreign = dict.fromkeys(topology.faults[id].address for id in copy.faults)
    found: list[str] = []
    for owner in foreign:
        component = topology.components.get(owner) if owner != address else None
        for index, other in enumerate(component.copies[:NAMES] if component else ()):
            if set(other.faults) <= set(copy.faults):
                found.append(f"{owner}#{index}")
    return tuple(found)


def _not_carried(every: list[list[Fault]], carriers: tuple[tuple[str, ...], ...], topology: Topology) -> list[Fault]:
    rest: list[Fault] = []
    for held, names in zip(every, carriers, strict=True):
        brought = {id for name in names for id in _carrier(name, topology).faults}
        rest += [fault for fault in held if fault.id not in brought]
    return rest


def _carrier(name: str, topology: Topology) -> Copy:
    owner, _, index = name.rpartition("#")
    return topology.components[owner].copies[int(index)]


def carrier_row(domains: Domains) -> Row:
    """Nothing; the same for every copy; the carrier's copies in turn; else a list a copy."""
    if not any(domains.carriers):
        return {}
    own: Row = {} if domains.own else {"own_failures": False}
    if len(set(domains.carriers)) == 1:
        return {"falls_with": [list(domains.carriers[0])]} | own
    return {"falls_with": [list(names) for names in domains.carriers]} | own


_PLACED = (FaultClass.ZONE, FaultClass.REGION, FaultClass.SERVICE)


def _after_provider(faults: Iterable[Fault], fault_class: FaultClass) -> list[str]:
    return [fault.id.split(":", 2)[2] for fault in faults if fault.fault_class is fault_class]


def zone_row(address: str, placement: tuple[str, ...], regions: tuple[str, ...]) -> Row:
    """`zones` (names, or how many unnamed ones) where the copies are dealt over them in turn, `placement` where they are not."""
    zones = sorted({zone for zone in placement if zone})
    if not zones:
        return {}
    if all(zone.startswith("?:") for zone in zones):
        count = len({zone.rpartition("#")[2] for zone in zones})
        return {"zones": count} if placement == _unnamed(address, count, regions, len(placement)) else {"placement": list(placement)}
    in_turn = tuple(zones[index % len(zones)] for index in range(len(placement)))
    return {"zones": zones} if placement == in_turn and len(regions) < 2 else {"placement": list(placement)}


def _unnamed(address: str, count: int, regions: tuple[str, ...], copies: int) -> tuple[str, ...]:
    """Where the copies stand when so many unnamed zones (of each region) are all that is known."""
    at = [f"@{region}" for region in regions] if len(regions) > 1 else [""]
    return tuple(f"?:{address}{at[index % len(at)]}#{index // len(at) % count + 1}" for index in range(copies))
