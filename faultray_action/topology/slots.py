"""What serves in place of something else since it was swapped in (the active slot of an app)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from faultray_action.topology.node import Node, TypedEdge


def swapped(nodes: Mapping[str, Node], edges: Iterable[TypedEdge]) -> tuple[TypedEdge, ...]:
    """The edges of a side where what is swapped in has taken the place of what it stands beside: whatever the catalogue's entry of a slot
    speaks of (its network) goes with the slot, and everything else stays."""
    found = tuple(edges)
    for edge in found:
        if edge.role == "swaps-in":
            found = _taken_over(nodes[edge.target], found)
    return found


def _taken_over(slot: Node, edges: tuple[TypedEdge, ...]) -> tuple[TypedEdge, ...]:
    """The edges once a slot serves in place of what it belongs to."""
    owners: set[str] = set()
    own: list[TypedEdge] = []
    for edge in edges:
        if edge.source == slot.address and edge.role == "slot-of":
            owners.add(edge.target)
        elif edge.source == slot.address:
            own.append(edge)
    kept = [edge for edge in edges if edge.source not in owners or not _goes_along(edge, slot)]
    for owner in sorted(owners):
        kept += [replace(edge, source=owner) for edge in own]
    return tuple(kept)


def _goes_along(edge: TypedEdge, slot: Node) -> bool:
    """Whether an edge stands at an attribute that a slot has its own of."""
    return any(is_at(edge.path, path) for path in slot.entry.edges)


def is_at(path: str, place: str) -> bool:
    """Whether a path is that of a place or within it.

    >>> is_at("site_config.ip", "site_config"), is_at("site", "site_config")
    (True, False)
    """
    return path == place or path.startswith(f"{place}.")
