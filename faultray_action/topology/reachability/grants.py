"""Calls that somebody has to permit, and whether anybody does: the permission of a function, the policy of a queue or a bucket, the rights of the
identity under which a secret is read, the members of a role (docs/model.md, grants).

That a call is not permitted is claimed of a state where its list of grants is closed; else only where the other side shows a grant that is gone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from faultray_action.topology.known_side import KnownSide
from faultray_action.topology.reachability.cuts import Cut
from faultray_action.topology.reachability.grant_asks import Asked, asked
from faultray_action.topology.reachability.grant_book import Book, Granted
from faultray_action.topology.reachability.grant_documents import Statement, Truth, all_of, any_of
from faultray_action.topology.reachability.grant_match import holds
from faultray_action.topology.reachability.rules import Answer
from faultray_action.topology.survey import Survey


class Verdict(Struct, frozen=True):
    """`by`: the addresses of the grants that permit a call."""

    answer: Answer
    by: tuple[str, ...] = ()


def cuts(side: KnownSide, other: KnownSide) -> Iterable[Cut]:
    """The calls of a side that are not permitted: proven by itself, or by a grant that the other side shows."""
    here = asked(side.survey)
    if not here:
        return
    there = asked(other.survey)
    book, beside = facing(side.survey, other.survey)
    for key in sorted(here):
        call = here[key]
        if not _is_made(side, call):
            continue
        answer = verdict(book, call).answer
        if answer > Answer.UNSEEN:
            continue
        known = _NOTHING_KNOWN
        if key in there:
            known = verdict(beside, there[key])
        if known.answer is Answer.ADMITTED:
            proven = answer is Answer.REFUSED and not call.row.elsewhere
            yield from _told(side, call, _lost(side, known), by_change=not proven)
        elif answer is Answer.REFUSED and not call.row.elsewhere:
            why = f"{call.held.address} does not permit it"
            yield from _told(side, call, why, by_change=False)


def _is_made(side: KnownSide, call: Asked) -> bool:
    """Whether anybody makes a call: users call entries only."""
    if call.row.at:
        return True
    asker = call.asker.address
    return any(entry.component == asker and not entry.deferred for entry in side.entries)


_NOTHING_KNOWN = Verdict(Answer.PERHAPS)


def facing(survey: Survey, other: Survey) -> tuple[Book, Book]:
    """The books of two sides, each of which knows the other."""
    book, beside = Book(survey), Book(other)
    book.opposite, beside.opposite = beside, book
    return book, beside


def _lost(side: KnownSide, known: Verdict) -> str:
    """What the grants that stand on the other side permitted."""
    gone = [address for address in known.by if address not in side.survey.nodes]
    holder = (*gone, *known.by)[0]
    return side.says(f"{holder} permitted it before", f"{holder} permits it from now on only")


def _told(side: KnownSide, call: Asked, why: str, *, by_change: bool) -> Iterable[Cut]:
    """The needs that cannot be met without the grant, whichever way the reference goes."""
    asker = call.asker.address
    named = call.named.address
    what = f"nobody may call {asker}"
    if call.row.at:
        what = f"{asker} may not call {call.held.address}"
    reason = f"{what}: {why}"
    roles = _roles(side, call)
    if asker not in side.components:
        return
    if named not in side.components:
        yield Cut(asker, asker, reason, by_change)
    elif "feeds" in roles:
        for edge in side.survey.outgoing(asker, "need"):
            yield Cut(named, edge.target, reason, by_change)
    elif "serves" in roles:
        yield Cut(named, asker, reason, by_change)
    elif roles & {"need", "opens"}:
        yield Cut(asker, named, reason, by_change)
    else:
        yield Cut(asker, asker, reason, by_change)


def _roles(side: KnownSide, call: Asked) -> set[str]:
    """How the one that asks refers to what it calls."""
    found: set[str] = set()
    for edge in side.survey.outgoing(call.asker.address):
        if edge.target == call.named.address:
            found.add(edge.role)
    return found


# whether a call is permitted


def verdict(book: Book, call: Asked) -> Verdict:
    """What the grants of a side say of a call."""
    granted = book.on(call)
    judged: list[tuple[Statement, Truth]] = []
    for row, about in granted.rows:
        judged.append((row, holds(book.survey, call, row, about)))
    if not book.holds_rights(call):
        return _decided(judged, whole=granted.whole, unsure=granted.unsure)
    own = book.of(call)
    counts = _delegated(call, granted)
    for row, about in own.rows:
        truth = holds(book.survey, call, row, all_of((about, counts)))
        judged.append((row, truth))
    unsure = granted.unsure or (own.unsure and counts is not False)
    return _decided(judged, whole=False, unsure=unsure)


def _decided(
    judged: list[tuple[Statement, Truth]],
    *,
    whole: bool,
    unsure: bool,
) -> Verdict:
    """What statements say together: one that refuses wins over all that permit."""
    refused = any_of(truth for row, truth in judged if not row.allows)
    permitted = any_of(truth for row, truth in judged if row.allows)
    if refused:
        return Verdict(Answer.REFUSED)
    if permitted is False and not unsure:
        answer = Answer.REFUSED if whole else Answer.UNSEEN
        return Verdict(answer)
    if not permitted or refused is None:
        return Verdict(Answer.PERHAPS)
    holders: set[str] = set()
    for row, truth in judged:
        if row.allows and truth:
            holders.add(row.holder)
    return Verdict(Answer.ADMITTED, tuple(sorted(holders)))


def _delegated(call: Asked, granted: Granted) -> Truth:
    """Whether what is called leaves it to the account who may call it: all but a key do, and a key whose policy is not seen."""
    facts = call.held.entry.grants
    if facts is None or not facts.delegates or not granted.rows:
        return True
    found: list[Truth] = []
    for row, _ in granted.rows:
        if row.allows and row.whom is not None:
            found.append(row.whom.cover(_is_account))
    return any_of(found)


def _is_account(value: Any) -> Truth:
    return bool(_ACCOUNT.fullmatch(value)) if isinstance(value, str) else None


_ACCOUNT = re.compile(r"\*|AWS:(?:\*|\d{12}|arn:[\w-]+:iam::\d{12}:root)")
