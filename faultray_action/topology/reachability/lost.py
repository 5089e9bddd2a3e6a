"""Fronts that stand and let nobody in, stores whose key is switched off."""

from __future__ import annotations

from collections.abc import Iterable

from faultray_action.topology import keys
from faultray_action.topology.known_side import KnownSide
from faultray_action.topology.reachability.cuts import Cut
from faultray_action.topology.survey import Survey, is_open


def cuts(after: KnownSide, before: KnownSide) -> Iterable[Cut]:
    """What the plan cuts, of the side after."""
    yield from _closed(before, after)
    yield from _doorless(before, after)
    yield from _locked(before, after)


def _locked(before: KnownSide, after: KnownSide) -> Iterable[Cut]:
    """Stores whose encryption key is switched off: they can neither be read nor written."""
    for store, key in keys.disabled(before.survey, after.survey).items():
        if store in after.components:
            yield Cut(store, store, f"{store} is encrypted with {key}, which is switched off")


def _closed(before: KnownSide, after: KnownSide) -> Iterable[Cut]:
    """Fronts that were open to users and are not any more while they stand (switched off, made private), and that no other entry leads to."""
    led_to = after.needs.carrying.closure(*(entry.component for entry in after.entries))
    for entry in before.entries:
        address = entry.component
        node = after.survey.nodes.get(address)
        if node is None or node.entry.disposition != "component" or address not in after.components or address in led_to:
            continue
        was, is_now = (is_open(side.survey, address, better=better) for side, better in ((before, False), (after, True)))
        if was and not is_now:
            yield Cut(address, address, f"{address} let users in before and does not after")


def _doorless(before: KnownSide, after: KnownSide) -> Iterable[Cut]:
    """Components that had ways in of their own (stages) and have none left while they stand."""
    was, is_now = _doors(before.survey), _doors(after.survey)
    for address in sorted(was.keys() & after.components.keys() - is_now.keys()):
        yield Cut(address, address, f"{min(was[address])} was the only way in to {address}")


def _doors(survey: Survey) -> dict[str, set[str]]:
    """What each component's ways in are."""
    found: dict[str, set[str]] = {}
    for address, node in survey.nodes.items():
        if node.entry.door and survey.facts.truth(node.entry.door, address, survey.scope(node), better=True):
            for edge in survey.outgoing(address, "need"):
                found.setdefault(edge.target, set()).add(address)
    return found
