"""Ways in that both sides have: what one side alone would call an entry is one on the other too, where it stands (docs/discovery.md).

Otherwise a new public machine would make a service that is untouched and that nothing leads to vanish, and one that goes would call it up.
Such an entry is marked (`of_other_side`): both sides are judged by it, and it is none of the side's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from faultray_action.model.component import Component, Kind
from faultray_action.model.topology import Dependency, EntryPoint
from faultray_action.topology.known_side import KnownSide
from faultray_action.topology.survey import is_open


def of_other(side: KnownSide, other: KnownSide) -> tuple[EntryPoint, ...]:
    """The entries of the other side that stand on this one and that it does not call entries, sorted by address.

    One that an entry of this side leads to is none of its own, unless users came in there all along, behind an entry of both sides."""
    known = {entry.address for entry in side.entries}
    named = {key for entry in side.entries for key in entry.keys}
    led_to = side.needs.serving.closure(*(entry.component for entry in side.entries))
    past = _led_past(side, other)
    found: list[EntryPoint] = []
    for entry in other.entries:
        if entry.address in known or not named.isdisjoint(entry.keys) or not _stands(side, entry) or not entry.inferred:
            continue
        if entry.component not in led_to or entry.component in past:
            found.append(replace(entry, of_other_side=True))
    return tuple(sorted(found, key=lambda entry: entry.address))


def _stands(side: KnownSide, entry: EntryPoint) -> bool:
    return entry.component in side.components and entry.address in side.survey.nodes


def _led_past(side: KnownSide, other: KnownSide) -> set[str]:
    """Fronts open to users on both sides, behind an entry of both: on the other side it leads past them."""
    standing = {entry.address for entry in other.entries}
    behind = side.needs.serving.closure(*(entry.component for entry in side.entries if entry.address in standing))
    fronts = (entry.component for entry in other.entries if entry.component in behind)
    return {front for front in fronts if _is_open(side, front) and _is_open(other, front)}


def _is_open(side: KnownSide, address: str) -> bool:
    return address in side.survey.nodes and is_open(side.survey, address, better=False)


# ways in that one side has and the other has not, to what stands on both


class Gone(Struct, frozen=True):
    """A way in that the other side has alone: its entry, the vertex that stands for it here, and what it does not lead to any more."""

    entry: EntryPoint
    component: Component
    needs: tuple[Dependency, ...]


def gone(side: KnownSide, other: KnownSide) -> list[Gone]:
    """Ways in of the other side that are not here while what they led to is, and that nothing else leads to: a name of a front that is
    deleted, a listener's rule that was the only way to a workload. In its own state this side has no such entry; beside the other it is down."""
    found = {gone.entry.address: gone for gone in (*_unled(side, other), *_nameless(side, other))}
    return [found[address] for address in sorted(found)]


def _unled(side: KnownSide, other: KnownSide) -> Iterator[Gone]:
    """Parts of a front that alone led to a workload."""
    led_to = side.needs.carrying.within(*(entry.component for entry in side.entries))
    for entry in _missing(side, other):
        if not other.is_connector(entry.component) or _is_name(other, entry.component):
            continue
        behind = other.needs.carrying.next(entry.component, other.is_connector)
        alone = sorted(a for a in behind & side.components.keys() - led_to if _is_workload(other, a))
        if alone:
            told = f"{entry.address} was the only way to {alone[0]}", f"{entry.address}, the only way to {alone[0]}, does not stand yet"
            yield _gone(entry, alone[:1], side.says(*told))


def _nameless(side: KnownSide, other: KnownSide) -> Iterator[Gone]:
    """Public names of fronts that no other name leads to."""
    keys = {key for entry in side.entries for key in entry.keys}
    new = [entry.component for entry in side.entries if entry.component not in other.survey.nodes]
    led_to = side.needs.carrying.closure(*new)
    for entry in _missing(side, other):
        if not keys.isdisjoint(entry.keys) or not _is_name(other, entry.address):
            continue
        fronts = [a for a in other.needs.carrying.after(entry.component) if a in side.components and a not in led_to]
        unnamed = sorted(front for front in fronts if front not in side.needs.carrying.targets)
        if unnamed:
            told = f"{entry.address}, the name that leads to {unnamed[0]}, is deleted"
            missing = f"{entry.address}, the name that leads to {unnamed[0]}, does not stand yet"
            yield _gone(entry, unnamed, side.says(told, missing))


def _missing(side: KnownSide, other: KnownSide) -> list[EntryPoint]:
    """Entries of the other side that do not stand on this one."""
    found = [entry for entry in other.entries if not entry.deferred and not entry.of_other_side]
    return [e for e in found if e.address not in side.survey.nodes and e.component not in side.components]


def _gone(entry: EntryPoint, led_to: Iterable[str], reason: str) -> Gone:
    vertex = Component(entry.component, Kind.CONNECTOR, entry.label, (), 0)
    needs = tuple(Dependency(entry.component, target, broken=reason, by_change=True) for target in led_to)
    return Gone(replace(entry, of_other_side=True), vertex, needs)


def _is_name(side: KnownSide, address: str) -> bool:
    """A record that leads somewhere by itself: no component, and grouped by the name it stands for."""
    node = side.survey.nodes.get(address)
    facts = node.entry.entry if node is not None else None
    return side.is_connector(address) and facts is not None and bool(facts.group_by)


def _is_workload(side: KnownSide, address: str) -> bool:
    node = side.survey.nodes.get(address)
    return node is not None and node.entry.workload
