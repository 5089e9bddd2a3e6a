"""Reduced ordered binary decision diagrams of monotone functions: exact probabilities with every shared event counted once.

Nodes are numbers: 0 is false, 1 is true, node k > 1 tests variable `level[k]` and goes to `low[k]` where the event did not happen, to
`high[k]` where it did. Children have smaller numbers, so one pass over the table computes the probability of every function in it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from faultray_action.engine.cuts import members

TERMINAL = 1 << 60


class TooLarge(Exception):
    """The diagram has outgrown its budget of nodes."""


class Diagram:
    """The shared node table. `budget` bounds its nodes."""

    __slots__ = ("budget", "high", "joins", "level", "low", "meets", "nodes", "unions")

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self.level = [TERMINAL, TERMINAL]
        self.low = [0, 1]
        self.high = [0, 1]
        self.nodes: dict[tuple[int, int, int], int] = {}
        self.joins: dict[tuple[int, int], int] = {}
        self.meets: dict[tuple[int, int], int] = {}
        self.unions: dict[int, int] = {}

    def any_of(self, levels: int) -> int:
        """The function that is true where a variable of the bit set happened."""
        found = self.unions.get(levels)
        if found is None:
            found = 0
            for level in reversed(members(levels)):
                found = self.node(level, found, 1)
            self.unions[levels] = found
        return found

    def node(self, level: int, low: int, high: int) -> int:
        if low == high:
            return low
        key = (level, low, high)
        found = self.nodes.get(key)
        if found is None:
            found = len(self.level)
            if found > self.budget:
                raise TooLarge
            self.level.append(level)
            self.low.append(low)
            self.high.append(high)
            self.nodes[key] = found
        return found

    def join(self, a: int, b: int) -> int:
        """a or b."""
        if a == b or b == 0:
            return a
        if a == 0:
            return b
        if a == 1 or b == 1:
            return 1
        if a > b:
            a, b = b, a
        key = (a, b)
        found = self.joins.get(key)
        if found is None:
            top_a, top_b = self.level[a], self.level[b]
            if top_a == top_b:
                found = self.node(top_a, self.join(self.low[a], self.low[b]), self.join(self.high[a], self.high[b]))
            elif top_a < top_b:
                found = self.node(top_a, self.join(self.low[a], b), self.join(self.high[a], b))
            else:
                found = self.node(top_b, self.join(a, self.low[b]), self.join(a, self.high[b]))
            self.joins[key] = found
        return found

    def meet(self, a: int, b: int) -> int:
        """a and b."""
        if a == b or b == 1:
            return a
        if a == 1:
            return b
        if a == 0 or b == 0:
            return 0
        if a > b:
            a, b = b, a
        key = (a, b)
        found = self.meets.get(key)
        if found is None:
            top_a, top_b = self.level[a], self.level[b]
            if top_a == top_b:
                found = self.node(top_a, self.meet(self.low[a], self.low[b]), self.meet(self.high[a], self.high[b]))
            elif top_a < top_b:
                found = self.node(top_a, self.meet(self.low[a], b), self.meet(self.high[a], b))
            else:
                found = self.node(top_b, self.meet(a, self.low[b]), self.meet(a, self.high[b]))
            self.meets[key] = found
        return found

    def probabilities(self, live: Iterable[int], p: Sequence[float]) -> dict[int, float]:
        """Probability of every node in `live` (ascending, closed under children) and of the constants; `p` by level, events independent."""
        level, low, high = self.level, self.low, self.high
        values = {0: 0.0, 1: 1.0}
        for node in live:
            below = values[low[node]]
            values[node] = below + p[level[node]] * (values[high[node]] - below)
        return values

    def sensitivities(self, root: int, live: Sequence[int], p: Sequence[float], values: Mapping[int, float]) -> dict[int, float]:
        """dP(root)/dp by level: Birnbaum importance, exact; `live` and `values` as for `probabilities`."""
        reach = {root: 1.0}
        found: dict[int, float] = {}
        for node in reversed(live):
            level, low, high = self.level[node], self.low[node], self.high[node]
            weight = reach[node]
            found[level] = found.get(level, 0.0) + weight * (values[high] - values[low])
            reach[low] = reach.get(low, 0.0) + weight * (1.0 - p[level])
            reach[high] = reach.get(high, 0.0) + weight * p[level]
        return found

    def reachable(self, root: int) -> list[int]:
        """Inner nodes below and including the root, ascending: children come first."""
        seen: set[int] = set()
        stack = [root]
        while stack:
            node = stack.pop()
            if node > 1 and node not in seen:
                seen.add(node)
                stack += (self.low[node], self.high[node])
        return sorted(seen)


class Factored:
    """A monotone function as "any of these variables, or that diagram": what series systems mostly are stays out of the diagram.

    `singles` is a bit set of levels. The diagram may still mention them: whoever reads it sets them to false.
    """

    __slots__ = ("diagram", "rest", "singles")

    def __init__(self, diagram: Diagram, singles: int, rest: int) -> None:
        self.diagram = diagram
        self.singles = singles
        self.rest = rest

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Factored) and self.singles == other.singles and self.rest == other.rest

    __hash__ = None  # type: ignore[assignment]

    def __or__(self, other: Factored) -> Factored:
        return Factored(self.diagram, self.singles | other.singles, self.diagram.join(self.rest, other.rest))

    def __and__(self, other: Factored) -> Factored:
        common = self.singles & other.singles
        diagram = self.diagram
        one = diagram.join(diagram.any_of(self.singles & ~common), self.rest)
        two = diagram.join(diagram.any_of(other.singles & ~common), other.rest)
        return Factored(diagram, common, diagram.meet(one, two))


@contextmanager
def depth_for(levels: int) -> Iterator[None]:
    """Room for a recursion as deep as the diagram has levels; calls between Python functions take no C stack since 3.11."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, levels + 1_000))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
