"""Combinations of events and what-ifs, before they are scenarios."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from faultray_action.model.scenario import ID_SEPARATOR, Scenario
from faultray_action.scenarios.events import Event
from faultray_action.scenarios.what_ifs import Question

Combination = tuple[tuple[Event, ...], Question | None]


class Stratum(Struct, frozen=True):
    """A family's combinations, each with its key. `total`: how many there are, more than are listed where the family was too large to list."""

    name: str
    combinations: Sequence[Combination]
    keys: Sequence[int]
    total: int


def as_scenario(stratum: str, combination: Combination) -> Scenario:
    """With its canonical id, as `model.scenario.scenario_id` writes it."""
    events, question = combination
    faults = (events[0].id,) if len(events) == 1 else tuple(sorted([event.id for event in events]))
    if question is None:
        return Scenario(ID_SEPARATOR.join(faults), stratum, faults)
    return Scenario(ID_SEPARATOR.join((*faults, question.text)), stratum, faults, question.what_ifs)


def is_first_of_twins(events: Sequence[Event]) -> bool:
    """Only the first k of a family of twins stand for any k of them."""
    if all(event.size == 1 for event in events):
        return True
    families = [event.family for event in events]
    return all(event.rank < families.count(event.family) for event in events)
