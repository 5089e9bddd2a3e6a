"""Combinations of events and what-ifs, before they are scenarios."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from faultray_action.model.scenario import Scenario, WhatIf, scenario_id
from faultray_action.scenarios.events import Event
from faultray_action.scenarios.what_ifs import Question

Combination = tuple[tuple[Event, ...], Question | None]


@dataclass(frozen=True, slots=True)
class Stratum:
    """A family's combinations, each with its key. `total`: how many there are, more than are listed where the family was too large to list."""

    name: str
    combinations: Sequence[Combination]
    keys: Sequence[int]
    total: int


def as_scenario(stratum: str, combination: Combination) -> Scenario:
    """With its canonical id."""
    events, question = combination
    faults = tuple(sorted(event.id for event in events))
    what_ifs: tuple[WhatIf, ...] = () if question is None else question.what_ifs
    return Scenario(scenario_id(faults, what_ifs), stratum, faults, what_ifs)


def is_first_of_twins(events: Sequence[Event]) -> bool:
    """Only the first k of a family of twins stand for any k of them."""
    seen: dict[int, int] = {}
    for event in events:
        seen[event.family] = seen.get(event.family, 0) + 1
    return all(event.rank < seen[event.family] for event in events)
