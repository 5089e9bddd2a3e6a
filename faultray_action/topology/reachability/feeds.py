"""Messages that do not come any more: a buffer without what filled it, a consumer without what it read.

Who else fills a queue, or calls the consumer, is not to be seen in a plan: both rest on what the other side shows.
"""

from __future__ import annotations

from collections.abc import Iterator

from faultray_action.topology.entries import consumed
from faultray_action.topology.known_side import KnownSide
from faultray_action.topology.node import TypedEdge
from faultray_action.topology.reachability.cuts import Cut


def feeds(side: KnownSide, other: KnownSide) -> Iterator[Cut]:
    """Buffers that messages come to on the other side, and to which nothing brings any while both ends stand."""
    fed = {edge.target for edge in _flowing(side)}
    for edge in _flowing(other):
        if edge.target in fed or edge.target not in side.components:
            continue
        for source in other.survey.outgoing(edge.source, "need"):
            if source.target in side.components:
                told = f"{edge.source} brought it the messages of {source.target}"
                missing = f"{edge.source} does not bring it the messages of {source.target} yet"
                yield Cut(edge.target, source.target, side.says(told, missing), by_change=True)


def _flowing(side: KnownSide) -> list[TypedEdge]:
    """Feeds through which messages come: none of what they take them from is switched off."""
    off = {address for address, component in side.components.items() if component.needed and not component.copies}
    found: list[TypedEdge] = []
    for edge in side.survey.edges:
        if edge.role == "feeds" and not any(source.target in off for source in side.survey.outgoing(edge.source, "need")):
            found.append(edge)
    return found


def readers(side: KnownSide, other: KnownSide) -> Iterator[Cut]:
    """Consumers that read a queue on the other side, read none on this one, and that nobody else calls, while the queue stands and no workload
    of this side alone reads it: the old one would hand over to it."""
    for entry in other.entries:
        reader = entry.component
        if not entry.deferred or reader not in side.components or reader in side.needs.carrying.targets:
            continue
        if _read(side, reader):
            continue
        queues = [queue for queue in _read(other, reader) if queue in side.components]
        left = [queue for queue in queues if not _is_taken_over(side, other, queue)]
        if left:
            told = f"{reader} read {left[0]} before and reads nothing after", f"{reader} reads nothing before it reads {left[0]}"
            yield Cut(reader, left[0], side.says(*told), by_change=True)


def _read(side: KnownSide, address: str) -> list[str]:
    return consumed(side.survey, address, side.needs.carrying)


def _is_taken_over(side: KnownSide, other: KnownSide, queue: str) -> bool:
    for address in side.components.keys() - other.components.keys():
        node = side.survey.nodes.get(address)
        if node is not None and node.entry.workload and queue in _read(side, address):
            return True
    return False
