"""The one structure function, over any distributive lattice.

SPOFs, cuts, availability and every sweep ask this function; it needs only `|` and `&`. Wide integers answer thousands of scenarios at once
(one bit each), families of cut sets answer "which failures", decision diagrams answer "with which probability".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, Self, TypeVar

from faultray_action.engine.compiled import Compiled


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
    for component in compiled.order if order is None else order:
        if forced:
            for vertex in component:
                down[vertex] = forced.get(vertex, zero)
        if len(component) == 1:
            down[component[0]] = _raised(compiled, component[0], events, down, one, gaps)
        else:
            _settle(compiled, component, events, down, one, gaps)
    return down


def _settle(compiled: Compiled, component: tuple[int, ...], events: Sequence[T], down: list[T], one: T, gaps: bool) -> None:
    """Repeats over a strongly connected component until nothing rises any more."""
    changed = True
    while changed:
        changed = False
        for vertex in component:
            raised = _raised(compiled, vertex, events, down, one, gaps)
            if raised != down[vertex]:
                down[vertex] = raised
                changed = True


def _raised(compiled: Compiled, vertex: int, events: Sequence[T], down: list[T], one: T, gaps: bool) -> T:
    """The vertex's value joined with its own failures and what it inherits."""
    dead, direct, copies, spare, gap_events, needs, groups = compiled.rows[vertex]
    if dead:
        return one
    value = down[vertex]
    for event in direct:
        value = value | events[event]
    if gaps:
        for event in gap_events:
            value = value | events[event]
    if copies:
        value = value | more_than(spare, [_join(events, copy) for copy in copies])
    for target in needs:
        value = value | down[target]
    for group in groups:
        value = value | more_than(group.spare, [down[member] for member in group.members])
    return value


def _join(events: Sequence[T], copy: tuple[int, ...]) -> T:
    value = events[copy[0]]
    for event in copy[1:]:
        value = value | events[event]
    return value


def more_than(spare: int, values: Sequence[T]) -> T:
    """True where more than `spare` of the values are; precondition 0 <= spare < len(values).

    A thermometer of spare + 1 levels: level j holds "more than j so far". O(len * (spare + 1)) operations.
    """
    if spare == len(values) - 1:
        level = values[0]
        for value in values[1:]:
            level = level & value
        return level
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
