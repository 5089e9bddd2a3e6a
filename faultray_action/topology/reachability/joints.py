"""Whether routes and a joint (a peering, a transit gateway) lead from one network to another: of what stands, and as far as a plan proves it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import ip_network
from typing import Any

from faultray_action.catalogue.expression import every
from faultray_action.model.value import UNKNOWN
from faultray_action.topology import places
from faultray_action.topology.known_side import KnownSide
from faultray_action.topology.node import Node
from faultray_action.topology.reachability.routes import is_closed, is_managed, steps, subnets_of
from faultray_action.topology.survey import Survey, is_open

Route = Mapping[str, Any]
"""The attributes of a route, or of one of the routes of a table."""


def routes_to(side: KnownSide, caller: str, joint: str) -> set[str]:
    """Routes and route tables of the caller's subnets that name the joint."""
    behind = {step for subnet in subnets_of(side, caller) for step in steps(side.survey, subnet)}
    return {edge.source for edge in side.survey.incoming(joint, "egress-via") if edge.source in behind}


def crossed(side: KnownSide, caller: str, callee: str, joints: Iterable[str]) -> set[str]:
    """The joints that join the networks of both, to which each has a route that holds for the other: answers go the same way back."""
    here = places.networks(side.survey, caller)
    there = places.networks(side.survey, callee)
    found: set[str] = set()
    for joint in joints:
        if joint not in side.survey.nodes:
            continue
        joined = _joined(side.survey, joint)
        if not joined & here or not joined & there:
            continue
        if _leads(side, caller, callee, joint) and _leads(side, callee, caller, joint):
            found.add(joint)
    return found


def way(side: KnownSide, caller: str, callee: str, joint: str) -> set[str]:
    """Whatever a call runs through that crosses by a joint."""
    attached = {edge.source for edge in side.survey.incoming(joint, "need")}
    routes = routes_to(side, caller, joint) | routes_to(side, callee, joint)
    return routes | attached | {joint}


def is_refused(side: KnownSide, caller: str, callee: str) -> bool:
    """Whether the plan tells every route of one of the two ends, none of which leads to the other; nobody calls the callee from the internet."""
    around = places.networks(side.survey, caller) | places.networks(side.survey, callee)
    if not is_managed(side.survey, around) or _is_public(side, callee):
        return False
    return _never_leads(side, caller, callee) or _never_leads(side, callee, caller)


def _joined(survey: Survey, joint: str) -> frozenset[str]:
    """The networks that a joint stands in, by itself or by its attachments."""
    needing = [edge.source for edge in survey.incoming(joint, "need")]
    attached = [address for address in needing if survey.nodes[address].entry.joint]
    return frozenset().union(*(places.networks(survey, address) for address in (joint, *attached)))


def _leads(side: KnownSide, start: str, end: str, joint: str) -> bool:
    """Whether a route of the start's subnets to a joint holds for the addresses of the end."""
    ranges = _addresses(side, end)
    return any(_holds_for(side.survey, route, joint, ranges) for route in routes_to(side, start, joint))


def _holds_for(survey: Survey, address: str, joint: str, ranges: Iterable[str]) -> bool:
    node = survey.nodes[address]
    if not node.entry.routes:
        return _covers(node, node.values, ranges)
    paths = [edge.path for edge in survey.outgoing(address, "egress-via") if edge.target == joint]
    target = survey.nodes[joint].raw.get("id")
    leading = [route for route in _routes(node) if _names(route, node, paths, target)]
    return not leading or any(_covers(node, route, ranges) for route in leading)


def _routes(node: Node) -> list[Route]:
    """A route's attributes, or those of each route of a table."""
    if not node.entry.routes:
        return [node.values]
    return [route for route in every(node.values, node.entry.routes) if isinstance(route, Mapping)]


def _names(route: Route, node: Node, paths: Iterable[str], target: Any) -> bool:
    """Whether a route of a table leads to a target, or may: the configuration may refer to its routes as a whole."""
    values: list[Any] = []
    for path in paths:
        below = path.removeprefix(node.entry.routes).lstrip(".")
        values += [route.get(below)] if below else route.values()
    return target in values or UNKNOWN in values or not isinstance(target, str)


def _covers(node: Node, route: Route, ranges: Iterable[str]) -> bool:
    """Whether a route holds for one of the ranges, as far as both are known."""
    said = [value for path in node.entry.towards for value in every(route, path)]
    known = [value for value in said if value]
    wanted = list(ranges)
    if not known or not wanted or UNKNOWN in known:
        return True
    return any(_overlap(str(mine), theirs) for mine in known for theirs in wanted)


@lru_cache(maxsize=4096)
def _overlap(one: str, other: str) -> bool:
    """Whether two ranges have addresses in common; what is no range may be any."""
    try:
        here, there = ip_network(one, strict=False), ip_network(other, strict=False)
    except ValueError:
        return True
    return here.version == there.version and here.overlaps(there)


def _addresses(side: KnownSide, address: str) -> list[str]:
    """The ranges of the subnets that something stands in; none where one of them is not known."""
    found: list[str] = []
    for subnet in sorted(subnets_of(side, address)):
        ranges = _ranges(side.survey.nodes.get(subnet))
        if not ranges or UNKNOWN in ranges:
            return []
        found += map(str, ranges)
    return found


def _ranges(subnet: Node | None) -> list[Any]:
    if subnet is None:
        return []
    return [value for path in subnet.entry.addresses for value in every(subnet.values, path)]


# what a plan proves


def _is_public(side: KnownSide, address: str) -> bool:
    """Whether it, or a member of it, may be called from the internet."""
    if is_open(side.survey, address, better=True):
        return True
    members = [edge.source for edge in side.survey.incoming(address, "member")]
    return any(_is_called_from_outside(side.survey, part) for part in (address, *members))


def _is_called_from_outside(survey: Survey, address: str) -> bool:
    node = survey.nodes[address]
    return survey.facts.truth(node.entry.public_too, address, survey.scope(node), better=False)


def _never_leads(side: KnownSide, start: str, end: str) -> bool:
    subnets, ranges = subnets_of(side, start), _addresses(side, end)
    if not subnets or not ranges:
        return False
    if not all(is_closed(side.survey, subnet) for subnet in subnets):
        return False
    behind = {step for subnet in subnets for step in steps(side.survey, subnet)}
    return not any(_may_hold_for(side.survey, step, ranges) for step in behind)


def _may_hold_for(survey: Survey, step: str, ranges: Iterable[str]) -> bool:
    """Whether a route holds for some ranges and leads to what joins networks, or to something outside of the plan."""
    node = survey.nodes[step]
    if not node.entry.towards:
        return False
    led = [survey.nodes[edge.target] for edge in survey.outgoing(step, "egress-via")]
    if led and not node.entry.routes:
        return any(target.entry.joint for target in led) and _covers(node, node.values, ranges)
    gateways = {str(target.raw.get("id")) for target in led if not target.entry.joint}
    elsewhere = [route for route in _routes(node) if gateways.isdisjoint(map(str, route.values()))]
    return any(_covers(node, route, ranges) for route in elsewhere)
