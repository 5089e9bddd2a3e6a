"""Which probability mass the scenarios cover."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import comb, prod

from faultray_action.scenarios.combination import Stratum
from faultray_action.scenarios.events import Event, Events


def covered_mass(events: Events, kept: Sequence[tuple[Stratum, Sequence[int]]]) -> float:
    """Probability, by default rates and with independent events, that what fails is nothing or exactly what some scenario asks.

    P(exactly S fails) = P(nothing fails) × the product of the odds of S, so the mass is P(nothing) × (1 + sums of odds). Covered are all
    singles, the pairs and triples kept, and pairs that take no other copies than a scenario kept. Twins count with every choice of them. A
    family that was thinned counts with what it kept: the figure is a bound from below, and no more than 1.
    """
    everything = (*events.domains, *events.copies)
    nothing = prod(1.0 / (1.0 + event.odds) for event in everything)
    mass = 1.0 + sum(event.odds for event in everything)
    whole = _pair_totals(events)
    for stratum, places in kept:
        if stratum.name in whole and len(places) == stratum.total:
            mass += whole[stratum.name]
        elif stratum.name in (*whole, "triple"):
            mass += sum(_odds(stratum.combinations[place][0]) for place in places)
    return min(nothing * mass, 1.0)


def _pair_totals(events: Events) -> Mapping[str, float]:
    """Odds of all pairs of a family, twins and pairs that take nothing new included."""
    domain, copy = (sum(event.odds for event in found) for found in (events.domains, events.copies))
    squares = [sum(event.odds**2 for event in found) for found in (events.domains, events.copies)]
    return {
        "domain-copy": domain * copy,
        "domain-domain": (domain**2 - squares[0]) / 2.0,
        "copy-copy": (copy**2 - squares[1]) / 2.0,
    }


def _odds(chosen: Sequence[Event]) -> float:
    """Odds of exactly these events, summed over the choices of twins that they stand for."""
    families: dict[int, tuple[int, int]] = {}
    for event in chosen:
        families[event.family] = families.get(event.family, (0, 0))[0] + 1, event.size
    return prod(event.odds for event in chosen) * prod(comb(size, taken) for taken, size in families.values())
