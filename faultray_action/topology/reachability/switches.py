"""What stands and answers nobody since it, or what it depends on, is switched off (docs/model.md).

Proven by the state: a store whose key is disabled, a front behind a filter that lets no request pass, a workload that takes its work through
something that is switched off. Evidence of the change alone: a front that is made private, or whose only way in goes, since what else may lead
to it need not be in the plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from faultray_action.model.component import Kind
from faultray_action.topology import keys
from faultray_action.topology.known_side import KnownSide
from faultray_action.topology.reachability.cuts import Cut
from faultray_action.topology.reachability.filters import filtered


def cuts(side: KnownSide, other: KnownSide) -> Iterable[Cut]:
    """What stands on a side and is proven to answer nobody."""
    yield from _locked(side)
    yield from filtered(side)
    yield from _unfed(side, other)


def closed(side: KnownSide, other: KnownSide) -> Iterable[Cut]:
    """What let users in on the other side and does not on this one, while it stands on both."""
    yield from _shut(side, other)
    yield from _shut_controllers(side, other)
    yield from _doorless(side, other)


# proven by the state


def _locked(side: KnownSide) -> Iterator[Cut]:
    """Stores whose encryption key is switched off: they can neither be read nor written."""
    for store, key in keys.of_stores(side.survey):
        if store in side.components and _decided(side, key, "is_off"):
            yield _down(store, f"is encrypted with {key}, which is switched off")


def _down(address: str, why: str) -> Cut:
    """Nobody is answered by it."""
    return Cut(
        address,
        address,
        f"{address} {why}",
    )


def _decided(side: KnownSide, address: str, fact: str) -> bool | None:
    """Whether one of the catalogue's conditions holds of an instance; None where it has none, or where that is not known yet."""
    node = side.survey.nodes.get(address)
    text = getattr(node.entry, fact) if node is not None else ""
    return side.survey.decided(address, text) if text else None


def _unfed(side: KnownSide, other: KnownSide) -> Iterator[Cut]:
    """Workloads of both sides that take their work through something that is switched off, and through nothing else; one that stands on a side
    alone takes nothing from anybody while it is dark."""
    for feed in sorted(side.components):
        if side.is_connector(feed) and _decided(side, feed, "is_off"):
            for workload in _fed_by(side, feed):
                if workload in other.components:
                    yield from _without_work(side, feed, workload)


def _fed_by(side: KnownSide, feed: str) -> list[str]:
    found: list[str] = []
    for address in side.needs.hard.reversed.after(feed):
        node = side.survey.nodes.get(address)
        if node is not None and node.entry.workload:
            found.append(address)
    return found


def _without_work(side: KnownSide, feed: str, workload: str) -> Iterator[Cut]:
    told = f"{feed}, through which {workload} takes its work, is switched off"
    for source in side.needs.hard.next(feed, side.is_connector):
        yield Cut(workload, source, told)


# evidence of the change


def _shut(side: KnownSide, other: KnownSide) -> Iterator[Cut]:
    """Fronts that users came in by, which no other entry leads to and which are closed to them."""
    tops = [entry.component for entry in side.entries]
    led_to = side.needs.carrying.closure(*tops)
    for entry in other.entries:
        front = entry.component
        if front not in side.components or front in led_to or not _serves(side, front):
            continue
        was = _lets_users_in(other, front)
        is_now = _lets_users_in(side, front)
        if was is True and is_now is False:
            yield _down(front, _closing(side))


def _serves(side: KnownSide, front: str) -> bool:
    """Whether anybody would be served there: a connector (an address, a Service) with nothing behind it yet lets users in to nothing."""
    if not side.is_connector(front):
        return True
    return bool(side.needs.hard.next(front, side.is_connector))


def _lets_users_in(side: KnownSide, address: str) -> bool | None:
    node = side.survey.nodes.get(address)
    if node is None or node.entry.entry is None:
        return None
    return side.survey.decided(address, node.entry.entry.when)


def _closing(side: KnownSide) -> str:
    return side.says(
        "let users in before and does not after",
        "does not let users in yet",
    )


def _of_both(side: KnownSide, other: KnownSide) -> list[str]:
    """The components that stand on both sides."""
    both = side.components.keys() & other.components.keys()
    return sorted(both)


def _shut_controllers(side: KnownSide, other: KnownSide) -> Iterator[Cut]:
    """What users of others come in by (the controller of ingresses) and no longer can, while no other front takes its place."""
    if _has_new_front(side, other):
        return
    for address in _of_both(side, other):
        was = _decided(other, address, "lets_in")
        is_now = _decided(side, address, "lets_in")
        if was is True and is_now is False:
            yield _down(address, _closing(side))


_FRONTS = (Kind.LOAD_BALANCER, Kind.GATEWAY, Kind.CDN)


def _has_new_front(side: KnownSide, other: KnownSide) -> bool:
    """Whether a front stands on this side alone: users may come in by it instead."""
    new = side.components.keys() - other.components.keys()
    kinds = {side.components[address].kind for address in new}
    return not kinds.isdisjoint(_FRONTS)


def _doorless(side: KnownSide, other: KnownSide) -> Iterator[Cut]:
    """Components that had ways in of their own (stages) and have none left while they stand."""
    here = _doors(side)
    there = _doors(other)
    for address in _of_both(side, other):
        if address in there and address not in here:
            door = min(there[address])
            yield _down(address, side.says(*_without(door)))


def _without(door: str) -> tuple[str, str]:
    return (
        f"had {door} as its only way in",
        f"gets its only way in with {door}",
    )


def _doors(side: KnownSide) -> dict[str, set[str]]:
    """What each component's ways in are."""
    found: dict[str, set[str]] = {}
    for address, node in side.survey.nodes.items():
        if not node.entry.door or _decided(side, address, "door") is False:
            continue
        for edge in side.survey.outgoing(address, "need"):
            found.setdefault(edge.target, set()).add(address)
    return found
