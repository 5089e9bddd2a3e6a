"""Who and what a grant speaks of: the names by which resources know each other, and references where a name is not known yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from faultray_action.catalogue.expression import every
from faultray_action.model.value import UNKNOWN
from faultray_action.topology.node import Node
from faultray_action.topology.reachability.grant_documents import Truth, any_of, is_there
from faultray_action.topology.survey import Survey

_COMMON = ("id", "arn", "name", "self_link", "url")


def names_of(node: Node) -> frozenset[str]:
    """The texts by which others name a resource, as far as they are known."""
    found: set[str] = set()
    for path in (*_COMMON, *node.entry.identity):
        found.update(strings(node, path))
    return frozenset(found)


def written(node: Node, path: str) -> list[Any]:
    """What stands at a path of a resource, known or not; nothing is left out."""
    values = every(node.raw, path)
    return list(filter(is_there, values))


def strings(node: Node, path: str) -> list[str]:
    """The texts at a path of a resource that are known."""
    found: list[str] = []
    for value in every(node.raw, path):
        if isinstance(value, str) and value:
            found.append(value)
    return found


def referred(survey: Survey, node: Node, path: str) -> list[Node]:
    """The resources that one refers to at a path or below it."""
    below = f"{path}."
    found: dict[str, Node] = {}
    for edge in survey.outgoing(node.address):
        if edge.path == path or edge.path.startswith(below):
            found[edge.target] = survey.nodes[edge.target]
    return list(found.values())


def names(
    survey: Survey,
    node: Node,
    path: str,
    called: Node,
) -> Truth:
    """Whether a resource names another one at a path; None where it may."""
    known = names_of(called)
    if known.intersection(strings(node, path)):
        return True
    others = referred(survey, node, path)
    if any(other.address == called.address for other in others):
        return True
    is_open = UNKNOWN in written(node, path) and not others
    return None if is_open else False


def names_at(
    survey: Survey,
    node: Node,
    paths: Iterable[str],
    called: Node,
) -> Truth:
    """Whether a resource names another one at one of some paths."""
    return any_of(names(survey, node, path, called) for path in paths)


def agree(
    node: Node,
    path: str,
    other: Node,
    at: str,
) -> Truth:
    """Whether two resources have the same value at a path of each, by the last part of its name; None where one of them does not tell."""
    here = _last_part(node, path)
    there = _last_part(other, at)
    if not here or not there:
        return None
    return here == there


def _last_part(node: Node, path: str) -> str:
    """What the first text at a path ends in, "" where none is known."""
    found = strings(node, path)
    if not found:
        return ""
    return found[0].rpartition("/")[2]


def marks(survey: Survey, node: Node, paths: Iterable[str]) -> Iterator[str]:
    """What a resource names at some paths: texts, and the addresses that it refers to."""
    for path in paths:
        yield from strings(node, path)
        for other in referred(survey, node, path):
            yield other.address
