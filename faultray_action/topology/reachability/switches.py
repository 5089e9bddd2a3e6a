"""What stands and answers nobody since it, or what it depends on, is switched off (docs/model.md).

Proven by the state: a store whose key is disabled, a front behind a filter that lets no request pass. Evidence of the change alone: a front
that is made private, or whose only way in goes, since what else may lead to it need not be in the plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from faultray_action.model.component import Kind
from faultray_action.topology import keys
from faultray_action.topology.known_side import KnownSide
from faultray_action.topology.reachability.cuts import Cut
from faultray_action.topology.survey import Survey


def cuts(side: KnownSide, other: KnownSide) -> Iterable[Cut]:
    """What stands on a side and is proven to answer nobody."""
    yield from _locked(side)
    yield from _filtered(side)


def closed(side: KnownSide, other: KnownSide) -> Iterable[Cut]:
    """What let users in on the other side and does not on this one, while it stands on both."""
    yield from _shut(side, other)
    yield from _shut_controllers(side, other)
    yield from _doorless(side, other)


# proven by the state


def _locked(side: KnownSide) -> Iterator[Cut]:
    """Stores whose encryption key is switched off: they can neither be read nor written."""
    for store, key in keys.of_stores(side.survey):
        if store in side.components and _is_off(side.survey, key):
            yield Cut(store, store, f"{store} is encrypted with {key}, which is switched off")


def _is_off(survey: Survey, address: str) -> bool:
    return address in survey.nodes and survey.decided(address, survey.nodes[address].entry.is_off) is True


def _filtered(side: KnownSide) -> Iterator[Cut]:
    """Fronts behind a filter that lets no request pass."""
    for front, filters in sorted(_filters(side.survey).items()):
        closed_ones = [a for a in sorted(filters) if _refuses_all(side.survey, a)]
        if front in side.components and closed_ones:
            yield Cut(front, front, f"{closed_ones[0]}, which stands before {front}, lets no request pass")


def _filters(survey: Survey) -> dict[str, set[str]]:
    """Front -> the filters that its requests pass first, named by itself or by an association."""
    found: dict[str, set[str]] = {}
    for edge in survey.edges:
        if edge.role == "filtered-by":
            behind = [other.target for other in survey.outgoing(edge.source, "filters")] or [edge.source]
            for front in behind:
                found.setdefault(front, set()).add(edge.target)
    return found


def _refuses_all(survey: Survey, address: str) -> bool:
    """Whether a filter is known to let nothing pass; rules that stand beside it may let something."""
    refuses = survey.decided(address, survey.nodes[address].entry.refuses_all)
    return refuses is True and not survey.incoming(address, "modifies")


# evidence of the change


def _shut(side: KnownSide, other: KnownSide) -> Iterator[Cut]:
    """Fronts that users came in by, which no other entry leads to and which are closed to them."""
    led_to = side.needs.carrying.closure(*(entry.component for entry in side.entries))
    for entry in other.entries:
        address = entry.component
        node = side.survey.nodes.get(address)
        if node is None or address not in side.components or address in led_to:
            continue
        if _lets_users_in(other.survey, address) is True and _lets_users_in(side.survey, address) is False:
            yield Cut(address, address, f"{address} {side.says('let users in before and does not after', 'does not let users in yet')}")


def _lets_users_in(survey: Survey, address: str) -> bool | None:
    node = survey.nodes.get(address)
    facts = node.entry.entry if node is not None else None
    return survey.decided(address, facts.when) if facts is not None else None


def _shut_controllers(side: KnownSide, other: KnownSide) -> Iterator[Cut]:
    """What users of others come in by (the controller of ingresses) and no longer can, while no other front takes its place."""
    for address in sorted(side.components.keys() & other.components.keys() & side.survey.nodes.keys() & other.survey.nodes.keys()):
        text = side.survey.nodes[address].entry.lets_in
        if not text or _has_new_front(side, other):
            continue
        if other.survey.decided(address, text) is True and side.survey.decided(address, text) is False:
            what = side.says("let users in before and does not after", "does not let users in yet")
            yield Cut(address, address, f"{address} {what}")


_FRONTS = (Kind.LOAD_BALANCER, Kind.GATEWAY, Kind.CDN)


def _has_new_front(side: KnownSide, other: KnownSide) -> bool:
    """Whether a front stands on this side alone: users may come in by it instead."""
    return any(side.components[address].kind in _FRONTS for address in side.components.keys() - other.components.keys())


def _doorless(side: KnownSide, other: KnownSide) -> Iterator[Cut]:
    """Components that had ways in of their own (stages) and have none left while they stand."""
    here, there = _doors(side.survey), _doors(other.survey)
    for address in sorted(there.keys() & side.components.keys() & other.components.keys() - here.keys()):
        yield Cut(address, address, f"{min(there[address])} {side.says('was', 'is to be')} the only way in to {address}")


def _doors(survey: Survey) -> dict[str, set[str]]:
    """What each component's ways in are."""
    found: dict[str, set[str]] = {}
    for address, node in survey.nodes.items():
        if node.entry.door and survey.decided(address, node.entry.door) is not False:
            for edge in survey.outgoing(address, "need"):
                found.setdefault(edge.target, set()).add(address)
    return found
