"""The cheapest way back to green: the smallest set of changes to put back so that every gate passes, each candidate proven by running the gate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from types import MappingProxyType

from faultray_action.counterfactual.attribution import Simulate, affordable
from faultray_action.counterfactual.bundles import Bundle
from faultray_action.model.finding import Attribution, WayBack

MOST_EDITS = 3
MOST_SIMULATIONS = 120
MOST_WORK = 10_000
LEAST_SIMULATIONS = 12
"""As in attribution: so many simulations, fewer where the system is so large that they would look at more components than this."""
_LEADING = 8
"""Sets of two and three are made of the changes that cost most: so many of them."""


def find_way_back(
    groups: Sequence[Bundle],
    attribution: Attribution,
    simulate: Simulate,
    components: int = 0,
    required: Mapping[int, frozenset[int]] = MappingProxyType({}),
) -> WayBack:
    """The first set, smallest and then most costly first, that passes; no edits where none does within the count of simulations, which
    falls with the number of components. `required`: position of a group -> groups that it cannot be put back without."""
    most = affordable(components, MOST_SIMULATIONS, MOST_WORK, LEAST_SIMULATIONS)
    spent = 0
    for chosen in _sets(groups, attribution, required):
        if spent == most:
            break
        spent += 1
        trial = simulate(tuple(edit for one in chosen for edit in one.edits))
        if trial.passed:
            return WayBack(tuple(change for one in chosen for change in one.changes), trial.score, spent)
    return WayBack((), None, spent)


def _sets(groups: Sequence[Bundle], attribution: Attribution, required: Mapping[int, frozenset[int]]) -> Iterable[tuple[Bundle, ...]]:
    """Sets of at most three edits that somebody could apply, each once, smaller ones first."""
    number = {id(one): at for at, one in enumerate(groups)}
    whole = [_with_required([number[id(one)] for one in chosen], required) for chosen in _candidates(_by_cost(groups, attribution))]
    seen: set[frozenset[int]] = set()
    lines = {tuple(chosen): sum(groups[at].lines for at in chosen) for chosen in whole}
    for chosen in sorted(whole, key=lambda one: lines[tuple(one)]):
        if lines[tuple(chosen)] <= MOST_EDITS and frozenset(chosen) not in seen:
            seen.add(frozenset(chosen))
            yield tuple(groups[at] for at in chosen)


def _with_required(chosen: Sequence[int], required: Mapping[int, frozenset[int]]) -> list[int]:
    """The chosen first, then what they cannot be without."""
    found = list(chosen)
    for at in found:
        found += sorted(required.get(at, frozenset()) - set(found))
    return found


def _by_cost(groups: Sequence[Bundle], attribution: Attribution) -> list[Bundle]:
    points = {id(row.change): row.points for row in attribution.rows}
    proven = {change for _, changes in attribution.causes for change in changes}
    useful = [one for one in groups if id(one.change) in points]
    return sorted(
        useful, key=lambda one: (points[id(one.change)], proven.isdisjoint(one.changes), one.change.address, one.change.attribute)
    )


def _candidates(ordered: Sequence[Bundle]) -> Iterable[tuple[Bundle, ...]]:
    yield from ((one,) for one in ordered)
    for size in range(2, MOST_EDITS + 1):
        yield from combinations(ordered[:_LEADING], size)
