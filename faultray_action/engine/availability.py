"""Exact unavailability of every entry, each shared event counted once; where that is too large, a bound or a sample that says so."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from faultray_action.engine.bounds import bound_by_cuts, sample
from faultray_action.engine.compiled import Compiled
from faultray_action.engine.cuts import find_cuts, members
from faultray_action.engine.diagram import Diagram, Function, TooLarge, depth_for
from faultray_action.engine.probability import BOUNDS, Pick, p_any, p_fault
from faultray_action.engine.structure import evaluate
from faultray_action.model.outcome import Estimate, Importance

NODES = 200_000
"""Diagram nodes that may be made for one topology."""


@dataclass(frozen=True, slots=True)
class Unavailability:
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
    try:
        with depth_for(len(variables)):
            diagram, roots = _build(compiled, variables, nodes)
    except TooLarge:
        return _estimate_all(compiled, hidden)
    found: dict[str, Unavailability] = {}
    readings: dict[frozenset[str], _Reading] = {}
    live = sorted(diagram.reachable(roots.values()))
    for entry, root in roots.items():
        unseen = hidden.get(entry, frozenset())
        if unseen not in readings:
            readings[unseen] = _read(compiled, diagram, live, variables, unseen)
        found[entry] = _exact(compiled, diagram, root, variables, readings[unseen])
    return found


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


def _build(compiled: Compiled, variables: Variables, nodes: int) -> tuple[Diagram, dict[str, int]]:
    diagram = Diagram(nodes)
    never = diagram.constant(False)
    events: list[Function] = [never] * len(compiled.events)
    for level, group in enumerate(variables):
        function = diagram.variable(level)
        for event in group:
            events[event] = function
    down = evaluate(compiled, events, never, diagram.constant(True), compiled.entry_order, gaps=True)
    roots = {entry.address: down[vertex].node for entry, vertex in zip(compiled.topology.entries, compiled.entry_vertices, strict=True)}
    return diagram, roots


@dataclass(frozen=True, slots=True)
class _Reading:
    """Probabilities of one diagram: per event at the default, per level and per node at each bound."""

    p_event: Mapping[int, float]
    p_level: tuple[list[float], ...]
    p_node: tuple[Mapping[int, float], ...]


def _read(compiled: Compiled, diagram: Diagram, live: Sequence[int], variables: Variables, unseen: frozenset[str]) -> _Reading:
    by_bound = [_p_events(compiled, variables, unseen, pick) for pick in BOUNDS]
    p_level = tuple([p_any(p[event] for event in group) for group in variables] for p in by_bound)
    return _Reading(by_bound[1], p_level, tuple(diagram.probabilities(live, p) for p in p_level))


def _p_events(compiled: Compiled, variables: Variables, unseen: frozenset[str], pick: Pick) -> dict[int, float]:
    faults = compiled.topology.faults
    ids = compiled.events
    return {event: 0.0 if ids[event] in unseen else p_fault(faults[ids[event]], pick) for group in variables for event in group}


def _exact(compiled: Compiled, diagram: Diagram, root: int, variables: Variables, reading: _Reading) -> Unavailability:
    low, value, high = (p_node[root] for p_node in reading.p_node)
    estimate = Estimate(value, low, high)
    sensitivities = diagram.sensitivities(root, reading.p_level[1], reading.p_node[1])
    rows: list[Importance] = []
    for level, birnbaum in sensitivities.items():
        rows += _importance(compiled, variables[level], birnbaum, value, reading)
    return Unavailability(estimate, tuple(sorted(rows, key=lambda row: row.fault)))


def _importance(compiled: Compiled, group: tuple[int, ...], birnbaum: float, value: float, reading: _Reading) -> Iterable[Importance]:
    """Spreads a variable's importance over the events it stands for: dp(any)/dp(i) is the product of the others' 1 - p."""
    for event in group:
        others = 1.0 - p_any(reading.p_event[other] for other in group if other != event)
        own = birnbaum * others
        p = reading.p_event[event]
        if p > 0.0:
            yield Importance(compiled.events[event], own, min(1.0, own * p / value) if value > 0.0 else 0.0)


def _estimate_all(compiled: Compiled, hidden: Mapping[str, frozenset[str]]) -> dict[str, Unavailability]:
    cuts = find_cuts(compiled, gaps=True)
    found: dict[str, Unavailability] = {}
    for entry, vertex in zip(compiled.topology.entries, compiled.entry_vertices, strict=True):
        relevant = _relevant(compiled, vertex, hidden.get(entry.address, frozenset()))
        by_bound = [{event: p_fault(compiled.topology.faults[compiled.events[event]], pick) for event in relevant} for pick in BOUNDS]
        family = frozenset(cut for cut in cuts.by_entry[entry.address] if _within(cut, by_bound[1]))
        estimate = _estimate(compiled, vertex, family if cuts.complete else None, by_bound)
        found[entry.address] = Unavailability(estimate, tuple(_importance_by_cuts(compiled, family, by_bound[1], estimate.value)))
    return found


def _importance_by_cuts(compiled: Compiled, cuts: frozenset[int], p: Mapping[int, float], value: float) -> Iterable[Importance]:
    """To first order: the share of the small cut sets' probability that an event is part of. Goes with estimates that are not exact."""
    shares: dict[int, float] = {}
    for cut in cuts:
        events = members(cut)
        weight = math.prod(p[event] for event in events)
        for event in events:
            shares[event] = shares.get(event, 0.0) + weight
    for event in sorted(shares, key=lambda event: compiled.events[event]):
        if p[event] > 0.0:
            yield Importance(compiled.events[event], min(1.0, shares[event] / p[event]), min(1.0, shares[event] / value))


def _within(cut: int, p: Mapping[int, float]) -> bool:
    while cut:
        bit = cut & -cut
        if bit.bit_length() - 1 not in p:
            return False
        cut ^= bit
    return True


def _relevant(compiled: Compiled, vertex: int, unseen: frozenset[str]) -> tuple[int, ...]:
    faults = len(compiled.topology.faults)
    found: set[int] = set()
    for member in compiled.closure((vertex,)):
        own = compiled.local[member]
        found.update(own.direct, own.gaps, *own.copies)
    return tuple(sorted(event for event in found if event < faults and compiled.events[event] not in unseen))


def _estimate(compiled: Compiled, vertex: int, cuts: frozenset[int] | None, by_bound: Sequence[Mapping[int, float]]) -> Estimate:
    """The tighter of the two: bounds from the cut sets where all of them are known, else a sample."""
    sampled = [sample(compiled, vertex, p) for p in by_bound]
    by_sample = Estimate(
        sampled[1][0], max(0.0, sampled[0][0] - sampled[0][1]), min(1.0, sampled[2][0] + sampled[2][1]), "sample", sampled[1][1]
    )
    if cuts is None:
        return by_sample
    bounded = [bound_by_cuts(cuts, p) for p in by_bound]
    by_cuts = Estimate(bounded[1][1], bounded[0][0], bounded[2][1], "bound", bounded[1][1] - bounded[1][0])
    return by_cuts if by_cuts.error <= 2 * by_sample.error else by_sample
