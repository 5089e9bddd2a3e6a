"""The scenarios asked of both sides of a change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isqrt

from faultray_action.model.scenario import ScenarioSet
from faultray_action.model.topology import Topology
from faultray_action.scenarios.budget import share, smallest
from faultray_action.scenarios.combination import Stratum, as_scenario
from faultray_action.scenarios.coverage import covered_mass
from faultray_action.scenarios.events import Events, closure, collect
from faultray_action.scenarios.fillers import triples, under_traffic
from faultray_action.scenarios.pairs import copy_copy, domain_copy, domain_domain, domain_what_if
from faultray_action.scenarios.singles import singles, what_ifs
from faultray_action.scenarios.what_ifs import Question, ask

DEFAULT_BUDGET = 5_000
"""Scenarios asked of a side; more where singles, domains and domain × copy alone are more."""

_LISTED_PER_KEPT = 2
"""A family too large to list is listed up to this multiple of the budget, from the members with the smallest keys."""


def generate(topologies: Sequence[Topology], *, budget: int = DEFAULT_BUDGET) -> ScenarioSet:
    """Scenarios over the union of the sides' faults, so that both sides answer the same questions under the same ids.

    Events count that take a copy of a component in the closure of an entry. Two scenarios differ in the copies lost on some side or in a
    level or kind of what-if, never in a name alone. Singles, what-ifs among them, and domain × copy are never dropped; the other families
    share what is left of the budget evenly and keep the scenarios with the smallest keys; triples and traffic levels fill the rest.
    The result is a function of the topologies' content; the order of sides matters for rates only (later sides win).
    """
    reached = [closure(side) for side in topologies]
    events = collect(topologies, reached)
    questions = ask(topologies, reached, events)
    taken = {event.loss.print for event in (*events.domains, *events.copies)}
    always = [*singles(events), what_ifs(questions, taken), domain_copy(events, taken)]
    kept = [(stratum, list(range(len(stratum.keys)))) for stratum in always]
    kept += _thin(list(_wanted(events, questions, taken, budget)), budget - _count(kept))
    left = budget - _count(kept)
    if left > 0:
        kept += _thin(list(_fillers(events, questions, taken, [stratum for stratum, _ in kept], left)), left)
    return ScenarioSet(
        scenarios=tuple(as_scenario(stratum.name, stratum.combinations[place]) for stratum, places in kept for place in places),
        dropped=tuple((stratum.name, stratum.total - len(places)) for stratum, places in kept if stratum.total > len(places)),
        covered_mass=covered_mass(events, kept),
        budget=budget,
        candidates=tuple((stratum.name, stratum.total) for stratum, _ in kept if stratum.total),
    )


def _wanted(events: Events, questions: Sequence[Question], taken: set[int], budget: int) -> Iterator[Stratum]:
    """Families that are thinned where the budget is short."""
    limit = isqrt(2 * _LISTED_PER_KEPT * budget) + 2
    yield domain_domain(events, taken, limit)
    yield copy_copy(events, taken, limit)
    yield domain_what_if(events, questions, taken, limit)


def _fillers(events: Events, questions: Sequence[Question], taken: set[int], asked: Sequence[Stratum], left: int) -> Iterator[Stratum]:
    """Families that fill a small system's budget."""
    of = {stratum.name: stratum.combinations for stratum in asked}
    limit = _LISTED_PER_KEPT * left
    yield under_traffic("copy-traffic", of["copy"], questions, limit)
    yield under_traffic("pair-traffic", [*of["domain-copy"], *of["domain-domain"], *of["copy-copy"]], questions, limit)
    three = triples(events, taken, round((6 * limit) ** (1 / 3)) + 2)
    yield three
    yield under_traffic("triple-traffic", three.combinations, questions, limit)


def _thin(strata: Sequence[Stratum], budget: int) -> list[tuple[Stratum, list[int]]]:
    counts = share([len(stratum.keys) for stratum in strata], budget)
    return [(stratum, smallest(stratum.keys, count)) for stratum, count in zip(strata, counts, strict=True)]


def _count(kept: Sequence[tuple[Stratum, list[int]]]) -> int:
    return sum(len(places) for _, places in kept)
