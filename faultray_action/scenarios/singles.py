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


def what_ifs(questions: Sequence[Question], taken: set[int]) -> Stratum:
    """Every what-if on its own, but for those that take the very copies of a scenario before them."""
    new = [question for question in questions if question.loss is None or question.loss.print not in taken]
    taken.update(question.loss.print for question in new if question.loss)
    return Stratum("what-if", [((), question) for question in new], [question.key for question in new], len(new))
