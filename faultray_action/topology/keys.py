"""Encryption keys and what they encrypt (docs/model.md): a deleted one makes data unreadable for good, a disabled one takes its stores out of use."""

from __future__ import annotations

from collections.abc import Iterable

from faultray_action.catalogue.expression import every
from faultray_action.topology.node import TypedEdge
from faultray_action.topology.survey import Survey


def deleted(before: Survey, after: Survey) -> dict[str, str]:
    """Store -> the key that the plan deletes or replaces although the store is still encrypted with it."""
    return {store: key for store, key in _locked(before, after) if key not in after.nodes or after.nodes[key].resource.action.replaces}


def of_stores(survey: Survey) -> Iterable[tuple[str, str]]:
    """(store, the key that it is encrypted with) of everything on a side, sorted."""
    for edge in _encrypting(survey):
        yield from _pairs(survey, edge)


def _locked(before: Survey, after: Survey) -> Iterable[tuple[str, str]]:
    """Stores that stay as they are, with their keys."""
    for edge in _encrypting(before):
        node = after.nodes.get(edge.source)
        stays = node is not None and not node.resource.action.replaces
        if stays and _still_says(before, after, edge):
            yield from _pairs(before, edge)


def _encrypting(survey: Survey) -> list[TypedEdge]:
    found = [edge for edge in survey.edges if edge.role == "key"]
    return sorted(found, key=lambda edge: (edge.source, edge.target))


def _pairs(survey: Survey, edge: TypedEdge) -> Iterable[tuple[str, str]]:
    """What is encrypted, itself or by a setting of its own, with the key itself or that which an alias names."""
    protected = survey.outgoing(edge.source, "protects")
    named = survey.outgoing(edge.target, "key")
    for store in [each.target for each in protected] or [edge.source]:
        for key in [each.target for each in named] or [edge.target]:
            yield store, key


def _still_says(before: Survey, after: Survey, edge: TypedEdge) -> bool:
    was = every(before.nodes[edge.source].values, edge.path)
    return was == every(after.nodes[edge.source].values, edge.path)
