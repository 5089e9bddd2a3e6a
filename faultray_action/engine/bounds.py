"""Unavailability where an exact diagram is too large: rigorous bounds from small cut sets, or a seeded sample with its error."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from itertools import accumulate

from faultray_action.engine.compiled import Compiled
from faultray_action.engine.cuts import ORDER, members
from faultray_action.engine.probability import p_any, p_at_least, p_count
from faultray_action.engine.sweep import Row, sweep_vertices

SAMPLES = 8_192
SEED = 20_161
MOST_AT_ONCE = 12
Z95 = 1.959964


def bound_by_cuts(cuts: frozenset[int], p: Mapping[int, float]) -> tuple[float, float]:
    """Lower and upper bound of P(some minimal cut set has happened), given all minimal cut sets up to `ORDER`.

    Upper: 1 - product(1 - P(cut)) holds for a coherent structure of independent events (Esary and Proschan 1963), plus the probability that
    more than `ORDER` events are present at once, without which no larger cut set can be.
    Lower: order-1 events exactly, plus, disjoint from them and from each other, "this cut and nothing else".
    """
    singles = [cut for cut in cuts if cut.bit_count() == 1]
    larger = [tuple(members(cut)) for cut in cuts if cut.bit_count() > 1]
    if 0 in cuts:
        return 1.0, 1.0
    alone = [members(cut)[0] for cut in singles]
    p_single = p_any(p[event] for event in alone)
    others = [event for event in p if event not in set(alone)]
    quiet = 1.0 - p_any(p[event] for event in others)
    exclusive = sum(math.prod(p[event] / (1.0 - p[event]) for event in cut) for cut in larger) * quiet
    p_larger = p_any(math.prod(p[event] for event in cut) for cut in larger)
    lower = p_single + (1.0 - p_single) * exclusive
    upper = p_single + (1.0 - p_single) * p_larger + p_at_least(list(p.values()), ORDER + 1)
    return min(1.0, lower), min(1.0, upper)


def sample(compiled: Compiled, vertex: int, p: Mapping[int, float]) -> tuple[float, float]:
    """Estimate of P(vertex down) and the half-width of its 95 % interval, with failover gaps.

    No event and one event are exact; only "two or more at once" is sampled: the number of events from its exact distribution, the events by
    their odds with rejection of repeats, which is the conditional Bernoulli distribution. Deterministic: the seed is fixed.
    """
    events = [event for event in p if p[event] > 0.0]
    rows = [Row(()), *(Row((event,)) for event in events)]
    singles = sweep_vertices(compiled, rows, (vertex,), gaps=True)[0]
    if singles & 1:
        return 1.0, 0.0
    counts = p_count([p[event] for event in events], MOST_AT_ONCE)
    odds = [p[event] / (1.0 - p[event]) for event in events]
    one = counts[0] * sum(odd for bit, odd in enumerate(odds, 1) if singles >> bit & 1)
    several = p_at_least([p[event] for event in events], 2)
    if several <= 0.0:
        return one, 0.0
    drawn = [Row(chosen) for chosen in _draw(events, odds, counts)]
    hits = sweep_vertices(compiled, drawn, (vertex,), gaps=True)[0].bit_count()
    share = hits / SAMPLES
    beyond = p_at_least([p[event] for event in events], MOST_AT_ONCE + 1)
    return one + several * share, several * _half_width(share) + beyond


def _draw(events: Sequence[int], odds: Sequence[float], counts: Sequence[float]) -> list[tuple[int, ...]]:
    generator = random.Random(SEED)
    cumulated = list(accumulate(odds))
    sizes = generator.choices(range(2, min(len(counts), len(events) + 1)), weights=counts[2 : len(events) + 1], k=SAMPLES)
    return [_distinct(generator, events, cumulated, size) for size in sizes]


def _distinct(generator: random.Random, events: Sequence[int], cumulated: Sequence[float], size: int) -> tuple[int, ...]:
    while True:
        chosen = set(generator.choices(events, cum_weights=cumulated, k=size))
        if len(chosen) == size:
            return tuple(sorted(chosen))


def _half_width(share: float) -> float:
    """Wilson's 95 % interval, its farther end."""
    n = SAMPLES
    centre = (share + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
    spread = Z95 / (1 + Z95**2 / n) * math.sqrt(share * (1 - share) / n + Z95**2 / (4 * n**2))
    return abs(centre - share) + spread
