"""Events of the two sides together, told apart by the copies they take and by nothing else.

Two faults that take the same copies on every side are one event, named by the one that is hardest to recover from: a deferred entry may ride
the other out. Copies that stand in for each other, of one component on the same ground with the same rate, are twins: only how many of them
are lost matters, so a scenario uses the first ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple

from msgspec import Struct

from faultray_action.model.component import NAMES, Component, Fault, FaultClass, Recovery
from faultray_action.model.topology import Role, Topology
from faultray_action.model.units import HOURS_PER_YEAR
from faultray_action.scenarios.losses import Loss, lose

_OWN_CLASSES = (FaultClass.COPY, FaultClass.ZONAL, FaultClass.COMMON_CAUSE)
_CLASS_ORDER = {fault_class: number for number, fault_class in enumerate(FaultClass)}
_RECOVERY_ORDER = {recovery: number for number, recovery in enumerate(Recovery)}


class Event(Struct, frozen=True):
    """A fault as a set of lost copies. `odds` = p / (1 - p) of it and of what takes the same copies.

    `family` numbers its class of twins, `rank` is its place among them, `size` their number. `key`: uniform 64 bits.
    """

    id: str
    loss: Loss
    odds: float
    key: int
    family: int
    rank: int
    size: int


class Events(Struct, frozen=True):
    """`copies`: events of one component (a copy, a zonal component, a common cause of its copies); `domains`: what components share.

    `own`: component -> its copies on all sides.
    """

    copies: tuple[Event, ...]
    domains: tuple[Event, ...]
    own: Mapping[str, Loss]


class _Place(NamedTuple):
    """A copy: `primary` marks the first one of a component that fails over, `held` all of its faults; `in_bulk`: not every copy has a name."""

    number: int
    side: int
    address: str
    primary: bool
    held: tuple[str, ...]
    in_bulk: bool


def key_of(text: str) -> int:
    """64 bits of blake2b. The key of a combination is the sum of its members' keys, mod 2^64: uniform, and independent of what else is there."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def closure(topology: Topology) -> frozenset[str]:
    """Components that an entry or an agent reaches over its needs of any role; a `local_only` need reaches its target alone."""
    needs: dict[str, list[tuple[str, bool]]] = {}
    for edge in topology.dependencies:
        if edge.role is not Role.REPLICA:
            needs.setdefault(edge.source, []).append((edge.target, edge.local_only))
    stack = [entry.component for entry in topology.entries]
    for agent in topology.agents:
        stack += [agent.address, *(source for source, _ in agent.sources)]
    reached, alone = set(stack), set()
    while stack:
        for target, local_only in needs.get(stack.pop(), ()):
            if local_only:
                alone.add(target)
            elif target not in reached:
                reached.add(target)
                stack.append(target)
    return frozenset((reached | alone) & topology.components.keys())


def collect(sides: Sequence[Topology], reached: Sequence[frozenset[str]]) -> Events:
    """Every event that takes a copy of a reached component on some side. Later sides decide the rates."""
    faults: dict[str, Fault] = {}
    for side in sides:
        faults.update(side.faults)
    places = tuple(_places(sides, reached))
    held_by: dict[str, list[_Place]] = {}
    for place in places:
        for fault in place.held:
            if fault in sides[place.side].faults and faults[fault].fault_class is not FaultClass.GAP:
                held_by.setdefault(fault, []).append(place)
    events = sorted(_events(faults, held_by), key=lambda event: event.id)
    return Events(
        copies=tuple(event for event in events if faults[event.id].fault_class in _OWN_CLASSES),
        domains=tuple(event for event in events if faults[event.id].fault_class not in _OWN_CLASSES),
        own=_own(places),
    )


def _places(sides: Sequence[Topology], reached: Sequence[frozenset[str]]) -> Iterable[_Place]:
    number = 0
    for position, (side, wanted) in enumerate(zip(sides, reached, strict=True)):
        for component in side.components.values():
            if component.address in wanted:
                in_bulk = component.size > NAMES
                for index, copy in enumerate(component.copies):
                    yield _Place(number, position, component.address, _is_primary(component, index), copy.faults, in_bulk)
                    number += 1


def _is_primary(component: Component, index: int) -> bool:
    return index == 0 and bool(component.gaps)


def _own(places: Iterable[_Place]) -> Mapping[str, Loss]:
    found: dict[str, list[int]] = {}
    for place in places:
        found.setdefault(place.address, []).append(place.number)
    return {address: lose(numbers) for address, numbers in found.items()}


def _events(faults: Mapping[str, Fault], held_by: Mapping[str, Sequence[_Place]]) -> Iterable[Event]:
    aliases: dict[frozenset[int], list[str]] = {}
    for fault in sorted(held_by, key=lambda known: _hardest_first(faults[known])):
        aliases.setdefault(frozenset(place.number for place in held_by[fault]), []).append(fault)
    twins: dict[object, list[tuple[str, frozenset[int]]]] = {}
    for copies, ids in aliases.items():
        twins.setdefault(_twin_key(ids, faults, held_by), []).append((ids[0], copies))
    for family, members in enumerate(twins.values()):
        for rank, (fault, copies) in enumerate(sorted(members, key=lambda member: (len(member[0]), member[0]))):
            odds = sum(_odds(faults[alias]) for alias in aliases[copies])
            yield Event(fault, lose(copies), odds, key_of(fault), family, rank, len(members))


def _hardest_first(fault: Fault) -> tuple[int, float, int, str]:
    return -_RECOVERY_ORDER[fault.recovery], -fault.repair_hours.default, _CLASS_ORDER[fault.fault_class], fault.id


def _twin_key(ids: Sequence[str], faults: Mapping[str, Fault], held_by: Mapping[str, Sequence[_Place]]) -> object:
    """Equal for faults that differ in name only: one component, the same ground, the same rate. Shared domains have no twins.

    Of copies in bulk a name may stand for many, and have their rate: what is lost with it is one copy all the same."""
    first = faults[ids[0]]
    if len(ids) > 1 or first.fault_class not in _OWN_CLASSES:
        return first.id
    ground = tuple((at.side, at.address, at.primary, frozenset(at.held) - {first.id}) for at in held_by[first.id])
    rate = None if all(at.in_bulk for at in held_by[first.id]) else first.failures_per_year
    return ground, rate, first.repair_hours, first.recovery


def _odds(fault: Fault) -> float:
    return fault.failures_per_year.default * fault.repair_hours.default / HOURS_PER_YEAR
