"""Exact unavailability of every entry, each shared event counted once; where that is too large, a bound or a sample that says so."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from faultray_action.engine.bounds import bound_by_cuts, sample
from faultray_action.engine.compiled import Compiled
from faultray_action.engine.cuts import find_cuts, members
from faultray_action.engine.diagram import Diagram, Factored, TooLarge, depth_for
from faultray_action.engine.probability import BOUNDS, Pick, p_any, p_fault
from faultray_action.engine.structure import evaluate
from faultray_action.model.outcome import Estimate, Importance
from faultray_action.model.topology import EntryPoint

NODES = 200_000
"""Nodes of one diagram; entries that do not fit into one share several."""

SHARED = 512
"""Entries of one diagram at most: more would share little and keep much in memory."""

TIGHT = 0.01
"""Bounds this close to each other, relative to the upper one, need no sample beside them."""


class Unavailability(Struct, frozen=True):
    """Of one entry: the estimate, and the importance of each of its faults (to first order where the estimate is not exact)."""

    estimate: Estimate
    importance: tuple[Importance, ...]


def find_unavailability(compiled: Compiled, hidden: Mapping[str, frozenset[str]], nodes: int = NODES) -> dict[str, Unavailability]:
    """Entry address -> P(down) at a random moment, with failover gaps; `hidden` are the faults a deferred entry does not see.

    Assumptions: faults are independent (dependence is modelled by sharing them and by common-cause faults); each is alternately absent and
    present, of which only the mean rate and the mean time enter. Interval: the structure is monotone, so all rates and times at their low
    (high) end bound the result. Fussell-Vesely importance is (U - U with this fault impossible) / U; Birnbaum is dU/dp.
    """
    variables = _variables(compiled)
    probabilities: dict[frozenset[str], tuple[Probabilities, ...]] = {}
    found: dict[str, Unavailability] = {}
    with depth_for(len(variables)):
        for entry, answer in _all_answers(compiled, variables, nodes):
            unseen = hidden.get(entry.address, frozenset())
            if unseen not in probabilities:
                probabilities[unseen] = tuple(_probabilities(compiled, variables, unseen, pick) for pick in BOUNDS)
            found[entry.address] = (
                _exact(compiled, answer, variables, probabilities[unseen]) if answer else _estimated(compiled, entry, probabilities[unseen])
            )
    return {entry.address: found[entry.address] for entry in compiled.topology.entries}


Variables = tuple[tuple[int, ...], ...]
"""By level, the events that always act together (they hit the same copies): one variable of the diagram."""


def _variables(compiled: Compiled) -> Variables:
    """Shared events first, those shared most on top; then the rest in the order of a depth-first walk from the entries."""
    walk = _walk(compiled)
    places: dict[int, list[tuple[int, int]]] = {}
    for vertex in walk:
        own = compiled.local[vertex]
        for event in (*own.direct, *own.gaps):
            places.setdefault(event, []).append((vertex, -1))
        for index, copy in enumerate(own.copies):
            for event in copy:
                places.setdefault(event, []).append((vertex, index))
    together: dict[tuple[tuple[int, int], ...], list[int]] = {}
    faults = len(compiled.topology.faults)
    for event, where in places.items():
        if event < faults:
            together.setdefault(tuple(where), []).append(event)
    span = {where: len({vertex for vertex, _ in where}) for where in together}
    ordered = sorted(together, key=lambda where: -span[where] if span[where] > 1 else 0)
    return tuple(tuple(together[where]) for where in ordered)


def _walk(compiled: Compiled) -> list[int]:
    """Vertices in depth-first preorder from the entries."""
    seen: dict[int, None] = {}
    stack = list(reversed(compiled.entry_vertices))
    while stack:
        vertex = stack.pop()
        if vertex not in seen:
            seen[vertex] = None
            targets = [*compiled.needs[vertex], *(member for group in compiled.groups[vertex] for member in group.members)]
            stack += reversed(targets)
    return list(seen)


def _all_answers(compiled: Compiled, variables: Variables, nodes: int) -> Iterator[tuple[EntryPoint, Factored | None]]:
    entries = range(len(compiled.topology.entries))
    for start in range(0, len(entries), SHARED):
        yield from _answers(compiled, variables, entries[start : start + SHARED], nodes)


def _answers(compiled: Compiled, variables: Variables, entries: Sequence[int], nodes: int) -> Iterator[tuple[EntryPoint, Factored | None]]:
    """The structure function of each entry, in one diagram where that fits, else in one for each half of them; None where not even one fits."""
    points = compiled.topology.entries
    try:
        functions = _build(compiled, variables, [compiled.entry_vertices[index] for index in entries], nodes)
    except TooLarge:
        if len(entries) == 1:
            yield points[entries[0]], None
            return
        half = len(entries) // 2
        yield from _answers(compiled, variables, entries[:half], nodes)
        yield from _answers(compiled, variables, entries[half:], nodes)
        return
    yield from ((points[index], function) for index, function in zip(entries, functions, strict=True))


def _build(compiled: Compiled, variables: Variables, vertices: Sequence[int], nodes: int) -> list[Factored]:
    diagram = Diagram(nodes)
    never = Factored(diagram, 0, 0)
    events = [never] * len(compiled.events)
    for level, group in enumerate(variables):
        function = Factored(diagram, 1 << level, 0)
        for event in group:
            events[event] = function
    down = evaluate(compiled, events, never, Factored(diagram, 0, 1), compiled.order_of(vertices), gaps=True)
    return [down[vertex] for vertex in vertices]


class Probabilities(Struct, frozen=True):
    """At one bound of the rates: per event, and per level of the diagram."""

    event: Mapping[int, float]
    level: Sequence[float]


def _probabilities(compiled: Compiled, variables: Variables, unseen: frozenset[str], pick: Pick) -> Probabilities:
    faults, ids = compiled.topology.faults, compiled.events
    p = {event: 0.0 if ids[event] in unseen else p_fault(faults[ids[event]], pick) for group in variables for event in group}
    return Probabilities(p, [p[group[0]] if len(group) == 1 else p_any(p[event] for event in group) for group in variables])


def _exact(compiled: Compiled, function: Factored, variables: Variables, bounds: Sequence[Probabilities]) -> Unavailability:
    """U = 1 - product over the singles of (1 - p) * (1 - P(rest without them)), at each bound."""
    diagram, singles = function.diagram, members(function.singles)
    live = diagram.reachable(function.rest)
    estimates: list[float] = []
    for p in bounds:
        rest = diagram.probabilities(live, _without(p.level, singles))[function.rest]
        estimates.append(p_any((*(p.level[level] for level in singles), rest)))
    low, value, high = estimates
    rows = _importances(compiled, function, singles, live, variables, bounds[1], value)
    return Unavailability(Estimate(value, low, high), tuple(sorted(rows, key=lambda row: row.fault)))


def _without(p: Sequence[float], levels: Sequence[int]) -> Sequence[float]:
    """The probabilities with these levels impossible."""
    if not levels:
        return p
    changed = list(p)
    for level in levels:
        changed[level] = 0.0
    return changed


def _importances(
    compiled: Compiled,
    function: Factored,
    singles: Sequence[int],
    live: Sequence[int],
    variables: Variables,
    p: Probabilities,
    value: float,
) -> Iterator[Importance]:
    diagram, level_p = function.diagram, _without(p.level, singles)
    values = diagram.probabilities(live, level_p)
    up = 1.0 - values[function.rest]
    alone = 1.0 - p_any(p.level[level] for level in singles)
    for level in singles:
        if p.level[level] < 1.0:
            yield from _importance(compiled, variables[level], up * alone / (1.0 - p.level[level]), value, p)
    for level, slope in diagram.sensitivities(function.rest, live, level_p, values).items():
        if level_p[level] > 0.0:
            yield from _importance(compiled, variables[level], alone * slope, value, p)


def _importance(compiled: Compiled, group: tuple[int, ...], birnbaum: float, value: float, p: Probabilities) -> Iterator[Importance]:
    """Spreads a variable's importance over the events it stands for: dp(any)/dp(i) is the product of the others' 1 - p."""
    for event in group:
        own = birnbaum if len(group) == 1 else birnbaum * (1.0 - p_any(p.event[other] for other in group if other != event))
        if p.event[event] > 0.0:
            yield Importance(compiled.events[event], own, min(1.0, own * p.event[event] / value) if value > 0.0 else 0.0)


def _estimated(compiled: Compiled, entry: EntryPoint, bounds: Sequence[Probabilities]) -> Unavailability:
    """Where the diagram of this one entry is too large."""
    vertex = compiled.vertex_of[entry.component]
    relevant = _relevant(compiled, vertex)
    by_bound = [{event: p.event[event] for event in relevant if p.event[event] > 0.0} for p in bounds]
    cuts = find_cuts(compiled, gaps=True, entries=(entry,))
    family = frozenset(cut for cut in cuts.by_entry[entry.address] if _within(cut, by_bound[2]))
    estimate = _estimate(compiled, vertex, family if cuts.complete else None, by_bound)
    return Unavailability(estimate, tuple(_importance_by_cuts(compiled, family, by_bound[1], estimate.value)))


def _importance_by_cuts(compiled: Compiled, cuts: frozenset[int], p: Mapping[int, float], value: float) -> Iterator[Importance]:
    """To first order: the share of the small cut sets' probability that an event is part of. Goes with estimates that are not exact."""
    shares: dict[int, float] = {}
    for cut in cuts:
        events = members(cut)
        weight = math.prod(p[event] for event in events)
        for event in events:
            shares[event] = shares.get(event, 0.0) + weight
    for event in sorted(shares, key=lambda event: compiled.events[event]):
        if value > 0.0:
            yield Importance(compiled.events[event], min(1.0, shares[event] / p[event]), min(1.0, shares[event] / value))


def _within(cut: int, p: Mapping[int, float]) -> bool:
    while cut:
        bit = cut & -cut
        if bit.bit_length() - 1 not in p:
            return False
        cut ^= bit
    return True


def _relevant(compiled: Compiled, vertex: int) -> tuple[int, ...]:
    """Faults of everything the vertex needs."""
    faults = len(compiled.topology.faults)
    found: set[int] = set()
    for member in compiled.closure((vertex,)):
        own = compiled.local[member]
        found.update(own.direct, own.gaps, *own.copies)
    return tuple(sorted(event for event in found if event < faults))


def _estimate(compiled: Compiled, vertex: int, cuts: frozenset[int] | None, by_bound: Sequence[Mapping[int, float]]) -> Estimate:
    """Bounds from the cut sets where all of them are known and bind tightly; else the tighter of these and a sample."""
    by_cuts = None
    if cuts is not None:
        low, default, high = (bound_by_cuts(cuts, p) for p in by_bound)
        by_cuts = Estimate(default[1], low[0], high[1], "bound", default[1] - default[0])
        if by_cuts.error <= TIGHT * by_cuts.value:
            return by_cuts
    low, default, high = (sample(compiled, vertex, p) for p in by_bound)
    by_sample = Estimate(default[0], max(0.0, low[0] - low[1]), min(1.0, high[0] + high[1]), "sample", default[1])
    return by_cuts if by_cuts and by_cuts.error <= 2 * by_sample.error else by_sample
