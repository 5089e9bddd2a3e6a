"""The one structure function, over any distributive lattice.

SPOFs, cuts, availability and every sweep ask this function; it needs only `|` and `&`. Wide integers answer thousands of scenarios at once
(one bit each), families of cut sets answer "which failures", decision diagrams answer "with which probability".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import and_
from typing import Protocol, Self, TypeVar

from faultray_action.engine.compiled import Compiled, Row


class Lattice(Protocol):
    """Values with join and meet; equal values compare equal."""

    def __or__(self, other: Self, /) -> Self: ...

    def __and__(self, other: Self, /) -> Self: ...


T = TypeVar("T", bound=Lattice)


def evaluate(
    compiled: Compiled,
    events: Sequence[T],
    zero: T,
    one: T,
    order: Sequence[tuple[int, ...]] | None = None,
    forced: Mapping[int, T] | None = None,
    gaps: bool = False,
) -> list[T]:
    """ "Down" of every vertex in `order` (default: all of them), by vertex; the others keep `zero`.

    `events` holds one value per event; `forced` values are joined to a vertex's own; `gaps` lets failover gaps take their component down.
    Least fixpoint: everything starts at `zero` and only rises, so cycles end. O(V + E) joins where the need graph has no cycle.
    """
    down: list[T] = [zero] * len(compiled.addresses)
    for vertex, value in (forced or {}).items():
        down[vertex] = value
    rows = compiled.rows
    for component in compiled.order if order is None else order:
        if len(component) == 1:
            vertex = component[0]
            down[vertex] = _raised(rows[vertex], events, down, down[vertex], zero, one, gaps)
        else:
            _settle(compiled, component, events, down, zero, one, gaps)
    return down


def _settle(compiled: Compiled, component: tuple[int, ...], events: Sequence[T], down: list[T], zero: T, one: T, gaps: bool) -> None:
    """Repeats over a strongly connected component until nothing rises any more."""
    changed = True
    while changed:
        changed = False
        for vertex in component:
            raised = _raised(compiled.rows[vertex], events, down, down[vertex], zero, one, gaps)
            if raised != down[vertex]:
                down[vertex] = raised
                changed = True


def _raised(row: Row, events: Sequence[T], down: Sequence[T], value: T, zero: T, one: T, gaps: bool) -> T:
    """A vertex's value joined with its own failures and what it inherits. Joining nothing to `zero` is skipped: wide values are copied by it."""
    dead, direct, copies, counts, spare, gap_events, needs, groups = row
    if dead:
        return one
    for event in direct:
        value = events[event] if value is zero else value | events[event]
    if gaps:
        for event in gap_events:
            value = value | events[event]
    if copies:
        lost = more_than(spare, [_join(events, copy) for copy in copies], counts)
        value = lost if value is zero else value | lost
    for target in needs:
        value = down[target] if value is zero else value | down[target]
    for group in groups:
        value = value | more_than(group.spare, [down[member] for member in group.members])
    return value


def _join(events: Sequence[T], copy: tuple[int, ...]) -> T:
    if len(copy) == 2:
        return events[copy[0]] | events[copy[1]]
    value = events[copy[0]]
    for event in copy[1:]:
        value = value | events[event]
    return value


def more_than(spare: int, values: Sequence[T], counts: Sequence[int] = ()) -> T:
    """True where more than `spare` of the values are; precondition 0 <= spare < len(values).

    `counts`: for how many each value counts, () for one each; the precondition is then of their sum.
    A thermometer of spare + 1 levels: level j holds "more than j so far". O(len * (spare + 1)) operations.
    """
    if counts:
        return _weighing_more_than(spare, values, counts)
    if spare == len(values) - 1:
        return reduce(and_, values)
    levels = [values[0]]
    for value in values[1:]:
        if len(levels) <= spare:
            levels.append(levels[-1] & value)
            top = len(levels) - 2
        else:
            top = spare
        for j in range(top, 0, -1):
            levels[j] = levels[j] | (levels[j - 1] & value)
        levels[0] = levels[0] | value
    return levels[spare]


def _weighing_more_than(spare: int, values: Sequence[T], counts: Sequence[int]) -> T:
    """`more_than` where values count for many: decided from the heaviest down, as far as the rest can still make a difference.

    What is asked of the values from one place on depends only on how much weight is still wanted; copies in bulk are of few different
    weights, so there are few such questions, however large the weights.
    """
    heaviest_first = sorted(range(len(values)), key=lambda place: (-counts[place], place))
    ordered = [(values[place], counts[place]) for place in heaviest_first]
    left = [0] * (len(ordered) + 1)
    for place in range(len(ordered) - 1, -1, -1):
        left[place] = left[place + 1] + ordered[place][1]
    known: dict[tuple[int, int], T] = {}

    def wanted(place: int, weight: int) -> T:
        """True where the values from `place` on weigh at least `weight`, which is 1 to `left[place]`."""
        question = place, weight
        if question not in known:
            value, own = ordered[place]
            with_it = value if weight <= own else value & wanted(place + 1, weight - own)
            known[question] = with_it if weight > left[place + 1] else with_it | wanted(place + 1, weight)
        return known[question]

    return wanted(0, spare + 1)
