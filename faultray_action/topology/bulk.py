"""Copies in bulk are counted, not made (docs/model.md).

The first `NAMES` copies of a component are values of their own, each with an event of its own. Where there are more, the first `ALONE` stand
for themselves, the other names share what happens to all the rest on their own account, and the rest is one value for each place, which
holds what is shared there (zone, region, common cause) and counts. Nothing that follows depends on how many copies there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from faultray_action.model.component import NAMES, Component, Copy

ALONE = 32
"""Of more than `NAMES` copies, so many still stand for themselves alone."""


class Turn(Struct, frozen=True):
    """The copies `index`, `index + period`, …: `count` of them."""

    index: int
    count: int


def counted(copies: int, period: int) -> tuple[Turn, ...]:
    """Copies by number: one by one up to `NAMES`, then those that stand alike, as what they stand on repeats every `period` copies.

    >>> counted(2, 3)
    (Turn(index=0, count=1), Turn(index=1, count=1))
    >>> counted(100_000, 3)[-1]
    Turn(index=66, count=33312)
    """
    turns: list[Turn] = []
    for index in range(min(copies, NAMES)):
        turns.append(Turn(index, 1))
    for index in range(NAMES, min(copies, NAMES + period)):
        after_it = copies - 1 - index
        turns.append(Turn(index, 1 + after_it // period))
    return tuple(turns)


def stands_for(copies: int, index: int) -> float:
    """For how many copies a named one stands, where the rate of its own event is concerned: they add up to all of them.

    >>> stands_for(64, 40), stands_for(96, 0), stands_for(96, 40)
    (1.0, 1.0, 2.0)
    """
    if copies <= NAMES or index < ALONE:
        return 1.0
    return (copies - ALONE) / (NAMES - ALONE)


def merged(copies: Iterable[Copy]) -> tuple[Copy, ...]:
    """One by one up to `NAMES`; further ones that are alike in everything become one value, where the first of them stood."""
    given = tuple(copies)
    counts: dict[Copy, int] = {}
    for copy in given[NAMES:]:
        alike = replace(copy, count=1)
        counts[alike] = counts.get(alike, 0) + copy.count
    kept = list(given[:NAMES])
    for copy, count in counts.items():
        kept.append(replace(copy, count=count))
    return tuple(kept)


def copy_at(component: Component, index: int) -> Copy:
    """The copy of a number; those beyond the names are the counted ones in turn. Precondition: the component has copies,
    as `merged` leaves them."""
    place = index % component.size
    if place < NAMES:
        return component.copies[place]
    counted_only = component.copies[NAMES:]
    turn = (place - NAMES) % len(counted_only)
    return replace(counted_only[turn], count=1)


def dealt_over(machines: Sequence[Copy], wanted: int) -> tuple[Copy, ...]:
    """Copies that have no event of their own, dealt over machines: as evenly as the numbers allow, the first machines first."""
    waiting = sum(machine.count for machine in machines)
    each, left = divmod(wanted, waiting)
    found: list[Copy] = []
    for machine in machines:
        share = -(-left * machine.count // waiting)
        further = min(1, left) if machine.count == 1 else share
        waiting -= machine.count
        left -= further
        count = each * machine.count + further
        if count:
            found.append(replace(machine, count=count))
    return tuple(found)
