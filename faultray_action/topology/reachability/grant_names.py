"""Who and what a grant speaks of: the names by which resources know each other, and references where a name is not known yet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from faultray_action.catalogue.expression import every
from faultray_action.model.value import UNKNOWN
from faultray_action.topology.node import Node
from faultray_action.topology.reachability.grant_documents import Answer, any_of
from faultray_action.topology.survey import Survey

_COMMON = ("id", "arn", "name", "self_link", "url")


def names_of(node: Node) -> frozenset[str]:
    """The texts by which others name a resource, as far as they are known."""
    paths = (*_COMMON, *node.entry.identity)
    values = (value for path in paths for value in every(node.raw, path))
    return frozenset(value for value in values if isinstance(value, str) and value)


def texts(node: Node, path: str) -> list[Any]:
    """What stands at a path of a resource, without nothing."""
    return [value for value in every(node.raw, path) if value is UNKNOWN or value]


def targets(survey: Survey, address: str, path: str) -> list[str]:
    """The resources that one refers to at a path or below it."""
    found = survey.outgoing(address)
    return [e.target for e in found if e.path == path or e.path.startswith(f"{path}.")]


def names(survey: Survey, node: Node, path: str, called: Node) -> Answer:
    """Whether a resource names another one at a path; None where it may."""
    values = texts(node, path)
    known = names_of(called)
    if any(isinstance(value, str) and value in known for value in values):
        return True
    referred = targets(survey, node.address, path)
    if called.address in referred:
        return True
    if UNKNOWN in values and not referred:
        return None
    return False


def names_at(survey: Survey, node: Node, paths: Iterable[str], called: Node) -> Answer:
    """Whether a resource names another one at one of some paths."""
    return any_of(names(survey, node, path, called) for path in paths)


def agrees(node: Node, called: Node, path: str, at: str) -> Answer:
    """Whether two resources have the same value at `path` of the one and `at` of the other; nothing written agrees with anything."""
    here, there = texts(node, path), texts(called, at)
    if not here or not there or UNKNOWN in here or UNKNOWN in there:
        return None
    return str(here[0]).rpartition("/")[2] == str(there[0]).rpartition("/")[2]
