"""Events of the two sides together, told apart by the copies they take and by nothing else.

Two faults that take the same copies on every side are one event (the first by class and id names it). Copies that stand in for each other, of
one component on the same ground with the same rate, are twins: only how many of them are lost matters, so a scenario uses the first ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

from faultray_action.model.component import Fault, FaultClass
from faultray_action.model.topology import Role, Topology
from faultray_action.model.units import HOURS_PER_YEAR

_OWN_CLASSES = (FaultClass.COPY, FaultClass.ZONAL)
_CLASS_ORDER = {fault_class: number for number, fault_class in enumerate(FaultClass)}


@dataclass(frozen=True, slots=True)
class Event:
    """A fault as a set of lost copies. `mask`: one bit a copy of a side. `odds` = p / (1 - p) of it and its aliases. `rank`: position among its twins.

    `family` numbers its twins' class, `size` counts them.
    """

    id: str
    mask: int
    odds: float
    key: int
    family: int
    rank: int
    size: int


@dataclass(frozen=True, slots=True)
class Events:
    """`copies`: events of one copy or zonal component; `domains`: everything shared. `own_masks`: component -> its copies on all sides."""

    copies: tuple[Event, ...]
    domains: tuple[Event, ...]
    own_masks: Mapping[str, int]


class _Place(NamedTuple):
    """Where a copy stands that a fault takes: `primary` marks the first copy of a component that fails over."""

    side: int
    address: str
    primary: bool
    held: tuple[str, ...]


def key_of(text: str) -> int:
    """64 bits of blake2b. The key of a combination is the sum of its members' keys, mod 2^64: uniform, and independent of what else is there."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def closure(topology: Topology) -> frozenset[str]:
    """Components that an entry, a data asset's entry or an agent reaches over its needs of any role; a `local_only` need reaches its target alone."""
    needs: dict[str, list[tuple[str, bool]]] = {}
    for edge in topology.dependencies:
        if edge.role is not Role.REPLICA:
            needs.setdefault(edge.source, []).append((edge.target, edge.local_only))
    roots = [entry.component for entry in topology.entries] + [agent.address for agent in topology.agents]
    roots += [source for agent in topology.agents for source, _ in agent.sources]
    reached = dict.fromkeys(roots)
    only = set()
    stack = list(reached)
    while stack:
        for target, local_only in needs.get(stack.pop(), ()):
            if local_only:
                only.add(target)
            elif target not in reached:
                reached[target] = None
                stack.append(target)
    return frozenset(address for address in (*reached, *only) if address in topology.components)


def collect(sides: Sequence[Topology], reached: Sequence[frozenset[str]]) -> Events:
    """Every event that takes a copy of a reached component on some side. Later sides decide the rates."""
    faults: dict[str, Fault] = {}
    for side in sides:
        faults.update(side.faults)
    masks, grounds, own = _masks(sides, reached)
    grouped: dict[int, list[str]] = {}
    for fault_id in sorted(masks, key=lambda known: (_CLASS_ORDER[faults[known].fault_class], known)):
        grouped.setdefault(masks[fault_id], []).append(fault_id)
    twins: dict[object, list[str]] = {}
    for ids in grouped.values():
        twins.setdefault(_twin_key(ids, faults, grounds), []).append(ids[0])
    events: list[Event] = []
    for family, (_, members) in enumerate(sorted(twins.items(), key=lambda item: item[1][0])):
        for rank, fault_id in enumerate(sorted(members, key=_natural)):
            mask = masks[fault_id]
            odds = sum(map(_odds, (faults[alias] for alias in grouped[mask])))
            events.append(Event(fault_id, mask, odds, key_of(fault_id), family, rank, len(members)))
    events.sort(key=lambda event: event.id)
    copies = tuple(event for event in events if faults[event.id].fault_class in _OWN_CLASSES)
    domains = tuple(event for event in events if faults[event.id].fault_class not in _OWN_CLASSES)
    return Events(copies, domains, own)


def _masks(sides: Sequence[Topology], reached: Sequence[frozenset[str]]) -> tuple[dict[str, int], dict[str, list[_Place]], dict[str, int]]:
    """Fault -> its copies as bits; fault -> what else its copies stand on; component -> all of its copies."""
    masks: dict[str, int] = {}
    grounds: dict[str, list[_Place]] = {}
    own: dict[str, int] = {}
    bit = 1
    for number, (side, wanted) in enumerate(zip(sides, reached, strict=True)):
        gaps = {fault.id for fault in side.faults.values() if fault.fault_class is FaultClass.GAP}
        for address, component in side.components.items():
            if address not in wanted:
                continue
            for index, copy in enumerate(component.copies):
                own[address] = own.get(address, 0) | bit
                primary = index == 0 and bool(component.gaps)
                for fault in copy.faults:
                    if fault in side.faults and fault not in gaps:
                        masks[fault] = masks.get(fault, 0) | bit
                        grounds.setdefault(fault, []).append(_Place(number, address, primary, copy.faults))
                bit <<= 1
    return masks, grounds, own


def _twin_key(ids: Sequence[str], faults: Mapping[str, Fault], grounds: Mapping[str, Sequence[_Place]]) -> object:
    """Equal for faults that only differ in name: one component, the same ground, the same rate. Domains have no twins."""
    first = faults[ids[0]]
    if len(ids) > 1 or first.fault_class not in _OWN_CLASSES:
        return first.id
    places = tuple((at.side, at.address, at.primary, frozenset(at.held) - {first.id}) for at in grounds[first.id])
    return (places, first.failures_per_year, first.repair_hours)


def _natural(text: str) -> tuple[int, str]:
    """Shorter first, so that `#2` stands before `#10`."""
    return len(text), text


def _odds(fault: Fault) -> float:
    return fault.failures_per_year.default * fault.repair_hours.default / HOURS_PER_YEAR
