"""Grants that are written in attributes of their own, or in blocks: one statement each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from faultray_action.catalogue.entry import GrantFacts
from faultray_action.catalogue.expression import every
from faultray_action.model.value import UNKNOWN
from faultray_action.topology.node import Node
from faultray_action.topology.reachability.grant_documents import (
    Condition,
    Statement,
    Terms,
    is_there,
)

EVERYBODY = Terms(("*",))
UNJUDGED = Condition("unjudged", "", ())
"""What a grant asks for besides that no plan tells."""


def blocks_of(node: Node, facts: GrantFacts) -> list[Any]:
    """Where a resource writes its grants: in blocks, or in itself."""
    return every(node.raw, facts.block) if facts.block else [node.raw]


def rows(node: Node, facts: GrantFacts) -> list[Statement] | None:
    """The grants of a resource; None where one of its blocks is not known."""
    found: list[Statement] = []
    for block in blocks_of(node, facts):
        if not isinstance(block, Mapping):
            return None
        found.append(_statement(node, facts, block))
    return found


def callers_in(node: Node, facts: GrantFacts) -> set[Any]:
    """Whom a resource grants anything."""
    found: set[Any] = set()
    for block in blocks_of(node, facts):
        if not isinstance(block, Mapping):
            found.add(UNKNOWN)
            continue
        for path in facts.whom:
            found.update(filter(_is_name, every(block, path)))
    return found


def _is_name(value: Any) -> bool:
    return value is UNKNOWN or isinstance(value, str)


def _statement(node: Node, facts: GrantFacts, block: Mapping[str, Any]) -> Statement:
    whom: list[Any] = []
    for path in facts.whom:
        for value in every(block, path):
            whom.append(_principal(value) if facts.language == "aws" else value)
    return Statement(
        node.address,
        allows=True,
        whom=Terms(tuple(whom)),
        may=Terms(_rights(block, facts)),
        conditions=tuple(_conditions(block, facts)),
        whom_path=facts.whom[0] if facts.whom else "",
    )


def _principal(value: Any) -> Any:
    """A principal as documents name it."""
    if not isinstance(value, str) or value == "*":
        return value
    kind = "Service" if value.endswith(".amazonaws.com") else "AWS"
    return f"{kind}:{value}"


def _rights(block: Mapping[str, Any], facts: GrantFacts) -> tuple[Any, ...]:
    """The actions or roles that are granted: those of several lists with the name of the list, of a role that is named in two ways the first known."""
    if facts.scoped:
        return _role(block, facts.may)
    if len(facts.may) == 1:
        return tuple(every(block, facts.may[0]))
    found: list[Any] = []
    for path in facts.may:
        for value in every(block, path):
            found.append(f"{path}:{value}".lower() if isinstance(value, str) else UNKNOWN)
    return tuple(found)


def _role(block: Mapping[str, Any], paths: Iterable[str]) -> tuple[Any, ...]:
    for path in paths:
        for value in every(block, path):
            if isinstance(value, str) and value:
                return (value.rpartition("/")[2].lower(),)
    return (UNKNOWN,)


def _conditions(block: Mapping[str, Any], facts: GrantFacts) -> Iterator[Condition]:
    narrowings = ((facts.sources, "aws:sourcearn"), (facts.accounts, "aws:sourceaccount"))
    for paths, key in narrowings:
        for path in paths:
            values = tuple(filter(is_there, every(block, path)))
            if values:
                yield Condition("ArnLike", key, values, path)
    for path in facts.unjudged:
        if any(map(is_there, every(block, path))):
            yield UNJUDGED


def open_to_all(node: Node, facts: GrantFacts) -> Statement | None:
    """That a resource asks nobody for a right; where that is not known, it may."""
    value = node.raw.get(facts.open) if facts.open else None
    if value is not UNKNOWN and value is not True:
        return None
    conditions = (UNJUDGED,) if value is UNKNOWN else ()
    return Statement(node.address, True, EVERYBODY, EVERYBODY, conditions=conditions)
