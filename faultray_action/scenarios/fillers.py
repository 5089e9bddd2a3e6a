"""What fills the budget of a small system: up to three events, under every level of traffic."""

from __future__ import annotations

from collections.abc import Sequence

from faultray_action.model.scenario import WhatIfKind
from faultray_action.scenarios.budget import combined, leading, smallest
from faultray_action.scenarios.combination import Combination, Stratum, is_first_of_twins
from faultray_action.scenarios.events import Events
from faultray_action.scenarios.losses import joined, union_print
from faultray_action.scenarios.what_ifs import Question


def triples(events: Events, taken: set[int], limit: int) -> Stratum:
    """Three events at once that take copies no scenario before them takes."""
    known = tuple(event for event in (*events.domains, *events.copies) if event.rank < 3)
    listed = leading(known, limit)
    found: list[Combination] = []
    for second, two in enumerate(listed):
        for one in listed[:second]:
            both = joined(one.loss, two.loss)
            for three in listed[second + 1 :]:
                union = union_print(both, three.loss)
                if union not in taken and is_first_of_twins((one, two, three)):
                    taken.add(union)
                    found.append(((one, two, three), None))
    keys = [combined(*(event.key for event in chosen)) for chosen, _ in found]
    return Stratum("triple", found, keys, len(found) + _triples(len(known)) - _triples(len(listed)))


def under_traffic(name: str, base: Sequence[Combination], questions: Sequence[Question], limit: int) -> Stratum:
    """Every combination of events again, at every level of traffic; of too many, those with the smallest keys."""
    levels = [question for question in questions if question.what_ifs[0].kind is WhatIfKind.TRAFFIC]
    base_keys = [combined(*[event.key for event in chosen]) for chosen, _ in base]
    places = smallest(base_keys, limit // len(levels)) if levels else []
    found: list[Combination] = [(base[place][0], level) for place in places for level in levels]
    keys = [combined(base_keys[place], level.key) for place in places for level in levels]
    return Stratum(name, found, keys, len(base) * len(levels))


def _triples(count: int) -> int:
    return count * (count - 1) * (count - 2) // 6
