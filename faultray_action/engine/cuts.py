"""Minimal cut sets up to order 3, and the chain of needs that explains one.

The structure function is evaluated over families of cut sets: join is union, meet is the pairwise union of sets, both minimised and cut at
the order. Exact and complete up to that order unless the budget of set operations is spent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from msgspec import Struct

from faultray_action.engine.compiled import Compiled
from faultray_action.engine.structure import evaluate
from faultray_action.model.outcome import Cut
from faultray_action.model.topology import EntryPoint

ORDER = 3
BUDGET = 400_000
"""Pairwise unions that may be formed for one topology."""


class Spent(Exception):
    """The budget of set operations is used up."""


@dataclass(slots=True)
class Allowance:
    """How many more pairwise unions may be formed, and up to which order sets are kept."""

    left: int
    order: int

    def take(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise Spent


class Family:
    """A minimal family of cut sets, each an integer with bit e set for event e."""

    __slots__ = ("allowance", "sets")

    def __init__(self, sets: frozenset[int], allowance: Allowance) -> None:
        self.sets = sets
        self.allowance = allowance

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Family) and self.sets == other.sets

    __hash__ = None  # type: ignore[assignment]

    def __or__(self, other: Family) -> Family:
        if not other.sets or self.sets == other.sets:
            return self
        if not self.sets:
            return other
        self.allowance.take(min(len(self.sets), len(other.sets)))
        return Family(_minimal(self.sets | other.sets), self.allowance)

    def __and__(self, other: Family) -> Family:
        if self.sets == other.sets:
            return self
        self.allowance.take(len(self.sets) * len(other.sets))
        order = self.allowance.order
        products = {union for a in self.sets for b in other.sets if (union := a | b).bit_count() <= order}
        return Family(_minimal(products), self.allowance)


def _minimal(sets: Iterable[int]) -> frozenset[int]:
    """Drops every set that holds another one; sets have at most ORDER members, so its subsets are few."""
    family = sets if isinstance(sets, (set, frozenset)) else set(sets)
    if 0 in family:
        return frozenset((0,))
    return frozenset(cut for cut in family if not any(part in family for part in _proper_parts(cut)))


def _proper_parts(cut: int) -> list[int]:
    parts = [0]
    rest = cut
    while rest:
        bit = rest & -rest
        rest ^= bit
        parts += [part | bit for part in parts]
    return parts[1:-1]


class CutSets(Struct, frozen=True):
    """`by_entry`: entry address -> its minimal cut sets up to the order, as bit sets of events; `complete`: nothing was left out."""

    by_entry: Mapping[str, frozenset[int]]
    complete: bool


def find_cuts(
    compiled: Compiled, order: int = ORDER, budget: int = BUDGET, gaps: bool = False, entries: Sequence[EntryPoint] | None = None
) -> CutSets:
    """Minimal cut sets of every entry (or of those given). An entry that is down with no event has the empty set alone.

    Where the budget does not last, smaller orders are tried and `complete` is False. Zone groups of managed parts are no faults: left out.
    """
    asked = compiled.topology.entries if entries is None else tuple(entries)
    for limit in range(order, 0, -1):
        try:
            return CutSets(_families(compiled, Allowance(budget, limit), gaps, asked), limit == order)
        except Spent:
            continue
    return CutSets({entry.address: frozenset() for entry in asked}, False)


def _families(compiled: Compiled, allowance: Allowance, gaps: bool, entries: Sequence[EntryPoint]) -> dict[str, frozenset[int]]:
    faults = len(compiled.topology.faults)
    nothing = Family(frozenset(), allowance)
    events = [Family(frozenset((1 << index,)), allowance) if index < faults else nothing for index in range(len(compiled.events))]
    vertices = [compiled.vertex_of[entry.component] for entry in entries]
    down = evaluate(compiled, events, nothing, Family(frozenset((0,)), allowance), compiled.order_of(vertices), gaps=gaps)
    return {entry.address: down[vertex].sets for entry, vertex in zip(entries, vertices, strict=True)}


def cut_rows(compiled: Compiled, cuts: CutSets, hidden: Mapping[str, frozenset[str]]) -> tuple[Cut, ...]:
    """Cuts of order 2 and more, by entry, order and ids; those with a fault that a deferred entry does not see are none of its."""
    rows: list[Cut] = []
    for entry, family in cuts.by_entry.items():
        named = (_names(compiled, cut) for cut in family if cut.bit_count() >= 2)
        rows += [Cut(entry, faults) for faults in named if not hidden.get(entry, frozenset()).intersection(faults)]
    return tuple(sorted(rows, key=lambda cut: (cut.entry, len(cut.faults), cut.faults)))


def _names(compiled: Compiled, cut: int) -> tuple[str, ...]:
    return tuple(sorted(compiled.events[index] for index in members(cut)))


def members(cut: int) -> Sequence[int]:
    """Positions of the bits that are set, ascending."""
    found = []
    while cut:
        bit = cut & -cut
        found.append(bit.bit_length() - 1)
        cut ^= bit
    return found


def chain(compiled: Compiled, entry: str, component: str) -> tuple[str, ...]:
    """The shortest path of needs from an entry's component to another component, both included; () where it needs no such thing.

    `entry` is an entry point's address or a component's.
    """
    start = next((point.component for point in compiled.topology.entries if point.address == entry), entry)
    if start not in compiled.vertex_of or component not in compiled.vertex_of:
        return ()
    first = compiled.vertex_of[start]
    reached = compiled.closure((first,))
    goals = [vertex for vertex, address in enumerate(compiled.addresses) if address == component and vertex in reached]
    paths = compiled.graph.get_shortest_paths(first, to=goals, mode="out") if goals else []
    return tuple(compiled.addresses[vertex] for vertex in min(paths, key=len)) if paths else ()


def dominating(compiled: Compiled, entry: str, component: str) -> tuple[str, ...]:
    """Components on every path of needs from the entry to `component`, entry first: its dominators in the need graph; () where no path leads there
    (a gateway fails those that stand behind it, and none of them needs it by name)."""
    start = compiled.vertex_of.get(entry)
    goal = compiled.vertex_of.get(component)
    if start is None or goal is None or goal not in compiled.closure((start,)):
        return ()
    above = compiled.graph.dominator(start, mode="out")
    path = [goal]
    while path[-1] != start:
        path.append(above[path[-1]])
    return tuple(compiled.addresses[vertex] for vertex in reversed(path))
