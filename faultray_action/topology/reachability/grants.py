"""Calls that somebody has to permit, and whether anybody does: the permission of a function, the policy of a queue or a bucket, the rights of the identity
under which a secret is read, the members of a role (docs/model.md, grants).

That a call is not permitted is claimed of a state where its list of grants is closed; else only where the other side shows a grant that is gone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum
from typing import Any

from msgspec import Struct

from faultray_action.model.value import UNKNOWN
from faultray_action.topology.known_side import KnownSide
from faultray_action.topology.reachability.cuts import Cut
from faultray_action.topology.reachability.grant_asks import Asked, asked
from faultray_action.topology.reachability.grant_book import Book, Granted
from faultray_action.topology.reachability.grant_documents import (
    Answer,
    Condition,
    Statement,
    all_of,
    any_of,
    extends,
    like,
)
from faultray_action.topology.reachability.grant_names import names_of, targets
from faultray_action.topology.survey import Survey


class Sight(Enum):
    """What a side shows of a call: it is permitted, proven not to be, seen to be permitted by nobody, or not decidable."""

    PERMITTED = "permitted"
    REFUSED = "refused"
    UNSEEN = "unseen"
    OPEN = "open"


class Verdict(Struct, frozen=True):
    """`by`: the addresses of the grants that permit it."""

    sight: Sight
    by: tuple[str, ...] = ()


def cuts(side: KnownSide, other: KnownSide) -> Iterable[Cut]:
    """The calls of a side that are not permitted: proven by itself, or by a grant that the other side shows."""
    here = asked(side.survey)
    if not here:
        return
    there = asked(other.survey)
    book, beside = Book(side.survey, other.survey), Book(other.survey, side.survey)
    users = {entry.component for entry in side.entries if not entry.deferred}
    for key, call in sorted(here.items()):
        if not call.row.at and key[0] not in users:
            continue
        found = verdict(book, call)
        if found.sight in (Sight.PERMITTED, Sight.OPEN):
            continue
        known = verdict(beside, there[key]) if key in there else Verdict(Sight.OPEN)
        if known.sight is Sight.PERMITTED:
            yield from _told(side, call, _lost(side, call, known))
        elif found.sight is Sight.REFUSED and not call.row.elsewhere:
            yield from _told(side, call, f"{call.held.address} does not permit it")


def _lost(side: KnownSide, call: Asked, known: Verdict) -> str:
    """What the grants that stand on the other side only permitted."""
    gone = [address for address in known.by if address not in side.survey.nodes]
    holder = (gone or list(known.by))[0]
    return side.says(f"{holder} permitted it before", f"{holder} permits it from now on only")


def _told(side: KnownSide, call: Asked, why: str) -> Iterable[Cut]:
    """The needs that cannot be met without the grant, whichever way the reference goes."""
    asker, named = call.asker.address, call.named.address
    what = f"{asker} may not call {call.held.address}" if asker != named else f"nobody may call {asker}"
    reason = f"{what}: {why}"
    roles = {e.role for e in side.survey.outgoing(asker) if e.target == named and call.row.at}
    both = asker in side.components and named in side.components
    if "feeds" in roles and named in side.components:
        for edge in side.survey.outgoing(asker, "need"):
            if edge.target in side.components:
                yield Cut(named, edge.target, reason)
    elif "serves" in roles and both:
        yield Cut(named, asker, reason)
    elif roles & {"need", "opens"} and both:
        yield Cut(asker, named, reason)
    elif asker in side.components:
        yield Cut(asker, asker, reason)


# whether a call is permitted


def verdict(book: Book, call: Asked) -> Verdict:
    """What the grants of a side say of a call."""
    granted = book.on(call)
    rows = [(row, about) for row, about in granted.rows]
    whole, unsure = granted.whole, granted.unsure
    if call.caller.addresses and call.row.language == "aws":
        own = book.of(call)
        counts = _delegated(call, granted)
        rows += [(row, all_of((about, counts))) for row, about in own.rows]
        whole, unsure = False, unsure or (own.unsure and counts is not False)
    judged = [(row, _holds(book.survey, call, row, about)) for row, about in rows]
    return _decided(judged, whole, unsure)


def _decided(judged: list[tuple[Statement, Answer]], whole: bool, unsure: bool) -> Verdict:
    refused = any_of(answer for row, answer in judged if not row.allows)
    permitted = any_of(answer for row, answer in judged if row.allows)
    if refused:
        return Verdict(Sight.REFUSED)
    if permitted is False and not unsure:
        return Verdict(Sight.REFUSED if whole else Sight.UNSEEN)
    if permitted and refused is False:
        return Verdict(Sight.PERMITTED, tuple(sorted({r.holder for r, a in judged if r.allows and a})))
    return Verdict(Sight.OPEN)


def _delegated(call: Asked, granted: Granted) -> Answer:
    """Whether what is called leaves it to the account who may call it: all but a key do."""
    facts = call.held.entry.grants
    if facts is None or not facts.delegates:
        return True
    if not granted.rows and not granted.whole:
        return True
    return any_of(row.whom.cover(_is_account) for row, about in granted.rows if row.allows and row.whom)


def _is_account(value: Any) -> Answer:
    return bool(_ACCOUNT.fullmatch(value)) if isinstance(value, str) else None


_ACCOUNT = re.compile(r"\*|AWS:(?:\*|\d{12}|arn:[\w-]+:iam::\d{12}:root)")
_EVERYBODY = frozenset({"*", "AWS:*", "allUsers"})
_SIGNED_IN = frozenset({"allAuthenticatedUsers"})


def _holds(survey: Survey, call: Asked, row: Statement, about: Answer) -> Answer:
    """Whether a statement is about a call."""
    if about is False:
        return False
    whom = True if row.whom is None else row.whom.cover(lambda value: _is_caller(survey, call, row, value))
    may = row.may.cover(lambda value: _is_right(call, value))
    on = True if row.on is None else row.on.cover(lambda value: _is_called(call, value))
    if whom is False or may is False or on is False:
        return False
    return all_of((about, whom, may, on, *(_meets(survey, call, row, c) for c in row.conditions)))


def _is_caller(survey: Survey, call: Asked, row: Statement, value: Any) -> Answer:
    caller = call.caller
    if not isinstance(value, str):
        return _is_referred_to(survey, row.holder, row.whom_path, caller.addresses)
    if value in _EVERYBODY or (value in _SIGNED_IN and not caller.anybody):
        return True
    if any(like(value, pattern) for pattern in caller.patterns):
        return True
    return False


def _is_referred_to(survey: Survey, holder: str, path: str, addresses: tuple[str, ...]) -> Answer:
    """Whether the value at a path, which is not known yet, comes from one of some resources."""
    referred = targets(survey, holder, path) if path else []
    if not referred:
        return None
    return bool(set(referred) & set(addresses)) or (None if not addresses else False)


def _is_right(call: Asked, value: Any) -> Answer:
    if not isinstance(value, str):
        return None
    given = value.lower()
    if call.row.language == "aws":
        return any(like(_bare(wanted.lower(), given), given) for wanted in call.may)
    if given == "*" or given in {wanted.lower() for wanted in call.may}:
        return True
    return None if _may_be_enough(call, given) else False


def _bare(action: str, given: str) -> str:
    """An action as a grant names it, with its service or without."""
    return action if ":" in given or given == "*" else action.rpartition(":")[2]


def _may_be_enough(call: Asked, role: str) -> bool:
    """Whether a role may give what is asked for: one that is not the provider's own."""
    if call.row.language == "google":
        return not role.startswith("roles/")
    if not call.row.not_enough or ":" in role:
        return False
    return not any(like(role, pattern) for pattern in call.row.not_enough)


def _is_called(call: Asked, value: Any) -> Answer:
    arns = [call.held.raw.get("arn")] if call.held.raw.get("arn") is not None else []
    if value == "*":
        return True
    if not arns or not isinstance(arns[0], str):
        return None
    return extends(value, arns[0])


def _meets(survey: Survey, call: Asked, row: Statement, condition: Condition) -> Answer:
    """Whether a call meets what a statement asks besides; what cannot be judged is not decidable."""
    if condition.key == "aws:securetransport":
        return any_of(str(value).lower() == "true" for value in condition.values)
    if condition.test not in _COMPARED:
        return None
    if condition.key == "aws:sourcearn":
        return any_of(_is_source(survey, call, row, condition, v) for v in condition.values)
    if condition.key in ("aws:sourceaccount", "aws:sourceowner"):
        accounts = {name.split(":")[4] for name in _arns(call) if name.count(":") >= _ARN_COLONS}
        return True if accounts & set(map(str, condition.values)) else None
    return None


_COMPARED = frozenset({"ArnEquals", "ArnLike", "StringEquals", "StringLike"})
_ARN_COLONS = 5


def _arns(call: Asked) -> Iterable[str]:
    known = (*call.source, *names_of(call.held), *names_of(call.asker))
    return [name for name in known if name.startswith("arn:")]


def _is_source(survey: Survey, call: Asked, row: Statement, condition: Condition, value: Any) -> Answer:
    known = [name for name in call.source if name.startswith("arn:")]
    if value is UNKNOWN:
        at = (call.source_at,) if call.source_at else ()
        return _is_referred_to(survey, row.holder, condition.path, at)
    if not known:
        return None
    return any_of(extends(value, name) for name in known)
