"""Two things at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

from faultray_action.scenarios.budget import combined, leading
from faultray_action.scenarios.combination import Stratum
from faultray_action.scenarios.events import Event, Events
from faultray_action.scenarios.losses import union_print
from faultray_action.scenarios.what_ifs import Question

DOMAIN_COPY_LIMIT = 20_000
"""Pairs of a domain and a copy are all kept up to here: a system with more of them has some thousands of components."""


def domain_copy(events: Events, taken: set[int]) -> Stratum:
    """Each domain with each copy that it does not take anyway."""
    copies = tuple(event for event in events.copies if event.rank == 0)
    total = len(events.domains) * len(copies)
    if total <= DOMAIN_COPY_LIMIT:
        return _stratum("domain-copy", ((domain, copy) for domain in events.domains for copy in copies), taken)
    copies = leading(copies, DOMAIN_COPY_LIMIT // len(events.domains))
    left_out = total - len(events.domains) * len(copies)
    return _stratum("domain-copy", ((domain, copy) for domain in events.domains for copy in copies), taken, left_out)


def domain_domain(events: Events, taken: set[int], limit: int) -> Stratum:
    """Two shared failures at once."""
    domains = leading(events.domains, limit)
    return _stratum("domain-domain", combinations(domains, 2), taken, _pairs_left_out(len(events.domains), len(domains)))


def copy_copy(events: Events, taken: set[int], limit: int) -> Stratum:
    """Two copies at once, of twins only the first two."""
    first = tuple(event for event in events.copies if event.rank == 0)
    second = {event.family: event for event in events.copies if event.rank == 1}
    listed = leading(first, limit)
    twins = [(event, second[event.family]) for event in listed if event.family in second]
    return _stratum("copy-copy", [*combinations(listed, 2), *twins], taken, _pairs_left_out(len(first), len(listed)))


def domain_what_if(events: Events, questions: Sequence[Question], taken: set[int], limit: int) -> Stratum:
    """A shared failure under a what-if; what takes the very copies of a scenario already asked is left out."""
    asked = leading(questions, max(limit * limit // max(len(events.domains), 1), 1))
    found = []
    for domain in events.domains:
        for question in asked:
            if question.loss:
                union = union_print(domain.loss, question.loss)
                if union in taken:
                    continue
                taken.add(union)
            found.append(((domain,), question))
    keys = [combined(domain[0].key, question.key) for domain, question in found]
    return Stratum("domain-what-if", found, keys, len(found) + len(events.domains) * (len(questions) - len(asked)))


def _pairs_left_out(all_of_them: int, listed: int) -> int:
    return (all_of_them * (all_of_them - 1) - listed * (listed - 1)) // 2


def _stratum(name: str, pairs: Iterable[tuple[Event, Event]], taken: set[int], left_out: int = 0) -> Stratum:
    """Pairs that take copies no scenario before them takes."""
    found = []
    keys = []
    for one, other in pairs:
        union = union_print(one.loss, other.loss)
        if union not in taken:
            taken.add(union)
            found.append(((one, other), None))
            keys.append((one.key + other.key) % 2**64)
    return Stratum(name, found, keys, len(found) + left_out)
