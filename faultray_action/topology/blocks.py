"""Nested blocks of a resource, each looked at as if it were the only one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from faultray_action.catalogue.expression import every
from faultray_action.model.value import UNKNOWN
from faultray_action.topology.node import Node


def narrowed(values: Mapping[str, Any], path: str, *blocks: Any) -> Mapping[str, Any]:
    """Attributes with these blocks alone at a path."""
    first, _, rest = path.partition(".")
    return {**values, first: [narrowed({}, rest, *blocks)] if rest else list(blocks)}


def each_route(node: Node) -> list[Mapping[str, Any]]:
    """The attributes of a route, or of a table with each of its routes alone."""
    path = node.entry.routes
    return [narrowed(node.values, path, block) for block in every(node.values, path)] if path else [node.values]


def holds_any(values: Mapping[str, Any], path: str, target: Mapping[str, Any]) -> bool:
    """Whether a text anywhere in the blocks at a path is one of a target's values."""
    held = {value for value in target.values() if isinstance(value, str) and value}
    texts: set[str] = set()
    stack = every(values, path)
    while stack:
        here = stack.pop()
        if isinstance(here, str):
            texts.add(here)
        elif isinstance(here, Mapping):
            stack += here.values()
        elif isinstance(here, list):
            stack += here
    return not texts.isdisjoint(held)


def holding(source: Node, target: Node, path: str, at: str) -> list[Any]:
    """The blocks at a path in which a source refers to a target.

    A block holds the target where it holds one of its values; where none does, those that are not known yet may."""
    held = {value for value in target.raw.values() if isinstance(value, str) and value}
    rest = path.removeprefix(at).lstrip(".")
    blocks = [(block, every(block, rest)) for block in every(source.values, at)]
    sure = [block for block, values in blocks if not held.isdisjoint(value for value in values if isinstance(value, str))]
    open_ended = [block for block, values in blocks if UNKNOWN in values or not values]
    return sure or open_ended or [block for block, _ in blocks]
