"""One thing at a time."""

from __future__ import annotations

from collections.abc import Sequence

from faultray_action.scenarios.combination import Stratum
from faultray_action.scenarios.events import Events
from faultray_action.scenarios.what_ifs import Question


def singles(events: Events) -> tuple[Stratum, ...]:
    """Every event on its own: one row a domain, one row a family of twins."""
    copies = [event for event in events.copies if event.rank == 0]
    return tuple(
        Stratum(name, [((event,), None) for event in found], [event.key for event in found], len(found))
        for name, found in (("domain", events.domains), ("copy", copies))
    )


def what_ifs(questions: Sequence[Question]) -> Stratum:
    """Every what-if on its own."""
    return Stratum("what-if", [((), question) for question in questions], [question.key for question in questions], len(questions))
