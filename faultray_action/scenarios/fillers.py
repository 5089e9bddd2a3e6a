"""What fills the budget of a small system: up to three events, under every level of traffic."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from faultray_action.model.scenario import WhatIfKind
from faultray_action.scenarios.budget import combined, leading
from faultray_action.scenarios.combination import Combination, Stratum, is_first_of_twins
from faultray_action.scenarios.events import Events
from faultray_action.scenarios.what_ifs import Question


def triples(events: Events, taken: set[int], limit: int) -> Stratum:
    """Three events at once that take copies no scenario before them takes."""
    known = tuple(event for event in (*events.domains, *events.copies) if event.rank < 3)
    listed = leading(known, limit)
    found: list[Combination] = []
    for three in combinations(listed, 3):
        union = three[0].mask | three[1].mask | three[2].mask
        if union not in taken and is_first_of_twins(three):
            taken.add(union)
            found.append((three, None))
    keys = [combined(*(event.key for event in chosen)) for chosen, _ in found]
    return Stratum("triple", found, keys, len(found) + _triples(len(known)) - _triples(len(listed)))


def under_traffic(name: str, base: Sequence[Combination], questions: Sequence[Question]) -> Stratum:
    """Every combination of events again, at every level of traffic."""
    levels = [question for question in questions if question.what_ifs[0].kind is WhatIfKind.TRAFFIC]
    found: list[Combination] = []
    keys: list[int] = []
    for chosen, _ in base:
        key = sum(event.key for event in chosen)
        found += [(chosen, level) for level in levels]
        keys += [combined(key, level.key) for level in levels]
    return Stratum(name, found, keys, len(found))


def _triples(count: int) -> int:
    return count * (count - 1) * (count - 2) // 6
