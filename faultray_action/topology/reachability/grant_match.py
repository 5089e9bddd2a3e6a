"""Whether a statement of a grant is about a call: who calls, what may be done, what is called, and what is asked for besides."""

from __future__ import annotations

from typing import Any

from faultray_action.model.value import UNKNOWN
from faultray_action.topology.reachability.grant_asks import Asked
from faultray_action.topology.reachability.grant_documents import (
    Condition,
    Statement,
    Truth,
    all_of,
    any_of,
    extends,
    like,
)
from faultray_action.topology.reachability.grant_names import names_of, referred
from faultray_action.topology.survey import Survey


def holds(
    survey: Survey,
    call: Asked,
    row: Statement,
    about: Truth,
) -> Truth:
    """Whether a statement is about a call."""

    def is_right(value: Any) -> Truth:
        return _is_right(call, value)

    def is_caller(value: Any) -> Truth:
        return _is_caller(survey, call, row, value)

    def is_called(value: Any) -> Truth:
        return _is_called(call, value)

    parts: list[Truth] = [about]
    parts.append(row.may.cover(is_right))
    if row.whom is not None:
        parts.append(row.whom.cover(is_caller))
    if row.on is not None:
        parts.append(row.on.cover(is_called))
    for condition in row.conditions:
        parts.append(_meets(survey, call, row, condition))
    return all_of(parts)


_EVERYBODY = frozenset({"*", "AWS:*", "allUsers"})
_SIGNED_IN = frozenset({"allAuthenticatedUsers"})


def _is_caller(
    survey: Survey,
    call: Asked,
    row: Statement,
    value: Any,
) -> Truth:
    caller = call.caller
    if not isinstance(value, str):
        return _comes_from(survey, row.holder, row.whom_path, caller.addresses)
    if value in _EVERYBODY:
        return True
    if value in _SIGNED_IN:
        return not caller.anybody
    return any(like(value, pattern) for pattern in caller.patterns)


def _comes_from(
    survey: Survey,
    holder: str,
    path: str,
    addresses: tuple[str, ...],
) -> Truth:
    """Whether the value at a path of a grant, which is not known yet, comes from one of some resources."""
    others = referred(survey, survey.nodes[holder], path) if path else []
    if not others or not addresses:
        return None
    return any(other.address in addresses for other in others)


def _is_right(call: Asked, value: Any) -> Truth:
    """Whether an action or a role is one that is asked for."""
    if not isinstance(value, str):
        return None
    given = value.lower()
    wanted = [one.lower() for one in call.may]
    if call.row.language == "aws":
        return any(like(_as_given(action, given), given) for action in wanted)
    if given == "*" or given in wanted:
        return True
    return None if _may_be_enough(call, given) else False


def _as_given(action: str, given: str) -> str:
    """An action as a grant names it, with its service or without."""
    is_bare = ":" not in given and given != "*"
    return action.rpartition(":")[2] if is_bare else action


def _may_be_enough(call: Asked, role: str) -> bool:
    """Whether a role may give what is asked for: one that is not the provider's own."""
    if call.row.language == "google":
        return not role.startswith("roles/")
    patterns = call.row.not_enough
    is_known = ":" in role or any(like(role, pattern) for pattern in patterns)
    return bool(patterns) and not is_known


def _is_called(call: Asked, value: Any) -> Truth:
    """Whether a pattern takes what is called."""
    arn = call.held.raw.get("arn")
    if value == "*":
        return True
    return extends(value, arn) if isinstance(arn, str) else None


def _meets(
    survey: Survey,
    call: Asked,
    row: Statement,
    condition: Condition,
) -> Truth:
    """Whether a call meets what a statement asks besides; what cannot be judged is not decidable."""
    if condition.key == "aws:securetransport":
        return any(str(value).lower() == "true" for value in condition.values)
    if condition.test not in _COMPARED:
        return None
    if condition.key == "aws:sourcearn":
        return any_of(_is_source(survey, call, row, condition, v) for v in condition.values)
    if condition.key in _ACCOUNTS:
        return True if _accounts(call).intersection(map(str, condition.values)) else None
    return None


_COMPARED = frozenset({"ArnEquals", "ArnLike", "StringEquals", "StringLike"})
_ACCOUNTS = frozenset({"aws:sourceaccount", "aws:sourceowner"})
_ACCOUNT_PART = 4
"""Where an ARN names the account."""


def _accounts(call: Asked) -> set[str]:
    """The accounts that the ends of a call stand in."""
    known = {*call.source.names, *names_of(call.held), *names_of(call.asker)}
    found: set[str] = set()
    for name in known:
        parts = name.split(":")
        if parts[0] == "arn" and len(parts) > _ACCOUNT_PART:
            found.add(parts[_ACCOUNT_PART])
    return found - {""}


def _is_source(
    survey: Survey,
    call: Asked,
    row: Statement,
    condition: Condition,
    value: Any,
) -> Truth:
    """Whether a pattern of sources takes what the call is made for."""
    if value is UNKNOWN:
        at = (call.source.address,) if call.source.address else ()
        return _comes_from(survey, row.holder, condition.path, at)
    arns = [name for name in call.source.names if name.startswith("arn:")]
    return any_of(extends(value, arn) for arn in arns) if arns else None
