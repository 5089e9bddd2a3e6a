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
    for edge in sorted((e for e in survey.edges if e.role == "key"), key=lambda e: (e.source, e.target)):
        stores = [e.target for e in survey.outgoing(edge.source, "protects")] or [edge.source]
        yield from ((store, key) for store in stores for key in _behind(survey, edge.target))


def _locked(before: Survey, after: Survey) -> Iterable[tuple[str, str]]:
    """Stores that stay as they are, with their keys."""
    for edge in sorted((e for e in before.edges if e.role == "key"), key=lambda e: (e.source, e.target)):
        stays = edge.source in after.nodes and not after.nodes[edge.source].resource.action.replaces
        if stays and _still_says(before, after, edge):
            stores = [e.target for e in before.outgoing(edge.source, "protects")] or [edge.source]
            yield from ((store, key) for store in stores for key in _behind(before, edge.target))


def _behind(survey: Survey, address: str) -> list[str]:
    """The key itself, or that which an alias names."""
    named = [edge.target for edge in survey.outgoing(address, "key")]
    return named or [address]


def _still_says(before: Survey, after: Survey, edge: TypedEdge) -> bool:
    return every(before.nodes[edge.source].values, edge.path) == every(after.nodes[edge.source].values, edge.path)
