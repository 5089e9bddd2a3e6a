"""Calls through firewalls of which the first rule that fits decides."""

from __future__ import annotations

from collections.abc import Iterable

from faultray_action.model.topology import Role
from faultray_action.topology import places
from faultray_action.topology.dependencies import reached
from faultray_action.topology.known_side import KnownSide
from faultray_action.topology.node import Node
from faultray_action.topology.reachability.cuts import Cut
from faultray_action.topology.reachability.ordered_rules import _INTERNET, _SOMEWHERE_INSIDE, Place, Ruling, _call, _place
from faultray_action.topology.survey import Survey


def cuts(side: KnownSide, other: KnownSide) -> Iterable[Cut]:
    """Calls that are certainly refused here, and not on the other side."""
    for (caller, callee), owner in sorted(_severed(other, side).items()):
        who, when = caller if caller != callee else "anybody", side.says("any more", "yet")
        yield Cut(caller, callee, f"{owner}: no rule admits {who} to {callee} {when}")


def _severed(before: KnownSide, after: KnownSide) -> dict[tuple[str, str], str]:
    """(caller, callee) -> why, for calls of both sides that were not refused before and certainly are after."""
    if not after.ordered.rules or before.ordered.same_as(after.ordered):
        return {}
    found: dict[tuple[str, str], str] = {}
    for caller, callee in sorted(_calls(before) & _calls(after)):
        was, is_now = _asked(before, caller, callee), _asked(after, caller, callee)
        if is_now.admits is False and was.admits is not False:
            found[caller, callee] = _told(before, after, was, is_now)
    return found


def _told(before: KnownSide, after: KnownSide, was: Ruling, is_now: Ruling) -> str:
    """What to name: a rule that admitted and is gone, else what refuses, else what was changed."""
    gone = [owner for owner in was.owners if owner not in after.survey.nodes]
    fresh = [owner for owner in is_now.owners if owner not in before.survey.nodes]
    return next(iter((*gone, *fresh, *was.owners, *is_now.owners)), "a new security group")


def _asked(side: KnownSide, caller: str, callee: str) -> Ruling:
    target = _place(side.survey, side.ordered, callee)
    source = _caller(side, caller, callee)
    if target is None or source is None:
        return Ruling(None)
    rulings = [_call(side.ordered, source, target, port) for port in _called_on(side, caller, callee)]
    return next((one for one in rulings if one.admits), None) or next((one for one in rulings if one.admits is None), rulings[0])


def _called_on(side: KnownSide, caller: str, callee: str) -> list[float | None]:
    """The port of a callee, those of its listeners where users call it; None where it is not known."""
    names = [callee] if caller != callee else _listeners(side, callee)
    found: set[float] = set()
    for name in names:
        node = side.survey.nodes[name]
        port = side.survey.facts.number(node.entry.port, name, side.survey.scope(node), default=0) if node.entry.port else 0
        found |= {port} if port else set()
    return [*sorted(found)] or [None]


def _listeners(side: KnownSide, front: str) -> list[str]:
    """The listeners of a front that lead somewhere; those that only redirect lead users to another one."""
    leading = {d.source for d in side.dependencies if d.role is Role.NEED}
    found = [edge.source for edge in side.survey.incoming(front, "serves")]
    return [name for name in found if name in leading or side.survey.incoming(name, "branch")]


def _caller(side: KnownSide, caller: str, callee: str) -> Place | None:
    """A caller's place: the internet for users (`caller` is `callee`) and for public fronts that stand in no network and pass their calls on."""
    if caller == callee:
        return _INTERNET
    place = _place(side.survey, side.ordered, caller)
    if place is not None and not _is_way_in(side.survey, caller):
        return place
    node = side.survey.nodes[caller]
    if node.entry.kind == "load_balancer" or _is_way_in(side.survey, caller):
        return _INTERNET if _is_public(side.survey, node) else _SOMEWHERE_INSIDE
    return None


def _is_way_in(survey: Survey, address: str) -> bool:
    """An interface with a public address: whoever calls it stands elsewhere."""
    node = survey.nodes[address]
    return node.entry.disposition == "connector" and node.entry.entry is not None


def _is_public(survey: Survey, node: Node) -> bool:
    return node.entry.entry is not None and survey.facts.truth(node.entry.entry.when, node.address, survey.scope(node), better=True)


def _calls(side: KnownSide) -> set[tuple[str, str]]:
    """(caller, callee) through connectors, of which one stands in a network; a public front that stands in one is called by users."""
    needs: dict[str, list[str]] = {}
    for d in side.dependencies:
        if d.role is Role.NEED:
            needs.setdefault(d.source, []).append(d.target)
    found: set[tuple[str, str]] = set()
    for address, node in side.survey.nodes.items():
        way_in = _is_way_in(side.survey, address) and _is_public(side.survey, node)
        if node.entry.disposition != "component" and not way_in:
            continue
        if node.entry.kind == "load_balancer" and _is_public(side.survey, node) and places.footholds(side.survey, address):
            found.add((address, address))
        found |= {
            (address, other) for other in reached(address, needs, side.survey) if other != address and _takes_calls(side.survey, other)
        }
    return found


def _takes_calls(survey: Survey, address: str) -> bool:
    return address in survey.nodes and not survey.nodes[address].entry.outward and bool(places.footholds(survey, address))
