"""The way out (and in) of a network: workloads and public fronts that no route and no gateway leads to or from.

A state proves it where the plan tells of every route of their subnets: a front that users reach needs one to an internet gateway, and what
cannot start without its network (the catalogue's `starts_through`) one to anywhere. Who else calls out is only taken to: that a way was there
on the other side, and is there no more, is the evidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from faultray_action.catalogue.entry import CallsOut
from faultray_action.model.component import Kind
from faultray_action.topology import places
from faultray_action.topology.hosts import is_vague, names_the_internet
from faultray_action.topology.known_side import KnownSide
from faultray_action.topology.node import Node
from faultray_action.topology.reachability.cuts import Cut
from faultray_action.topology.reachability.routes import (
    dead_ends,
    drops,
    exits,
    is_closed,
    is_managed,
    leading_routes,
    steps,
    subnets_of,
    ways,
)
from faultray_action.topology.reachability.services import offered
from faultray_action.topology.survey import Survey


def cuts(side: KnownSide, other: KnownSide) -> Iterator[Cut]:
    """Workloads and public fronts that no way leads out of, or to, on this side."""
    proven = dict(_proven(side))
    told: set[str] = set()
    for cut in (*_stranded(side, other), *_walled_in(side, other)):
        told.add(cut.caller)
        yield replace(cut, by_change=cut.caller not in proven)
    for address in sorted(proven.keys() - told):
        yield Cut(address, address, proven[address])


# what the side proves


def _proven(side: KnownSide) -> Iterator[tuple[str, str]]:
    for address in _standing(side):
        subnets = subnets_of(side, address)
        if not subnets:
            continue
        if drop := _dropped(side, address, subnets):
            yield address, f"{drop} drops what {address} answers to users"
        elif not all(is_closed(side.survey, subnet) for subnet in subnets):
            continue
        elif _is_front(side, address) and not any(ways(side.survey, subnet, front=True) for subnet in subnets):
            yield address, f"no route leads users to {address} in {min(subnets)}"
        elif _cannot_start(side, address, subnets):
            yield address, f"{address} cannot start in {min(subnets)}, which no way leads out of"


def _is_front(side: KnownSide, address: str) -> bool:
    node = side.survey.nodes[address]
    return not node.entry.workload and _lets_users_in(side, node)


def _lets_users_in(side: KnownSide, node: Node) -> bool:
    facts = node.entry.entry
    return facts is not None and side.survey.facts.truth(facts.when, node.address, side.survey.scope(node), better=False)


def _cannot_start(side: KnownSide, address: str, subnets: Iterable[str]) -> bool:
    """Whether it needs what its network does not lead to before it runs at all."""
    node = side.survey.nodes[address]
    start = node.entry.starts_through
    if start is None or not side.survey.facts.truth(start.when, address, side.survey.scope(node), better=False):
        return False
    if any(exits(side.survey, subnet) for subnet in subnets):
        return False
    around = {network for subnet in subnets for network in places.networks(side.survey, subnet)}
    return is_managed(side.survey, around) and offered(side.survey, around).isdisjoint(start.services)


def _dropped(side: KnownSide, address: str, subnets: Iterable[str]) -> str:
    """The route that drops what a workload answers to users whose own addresses a front passes on, "" for none."""
    dropping = sorted(drop for subnet in subnets for drop in dead_ends(side.survey, subnet))
    if not dropping or not side.survey.nodes[address].entry.workload:
        return ""
    above = side.needs.carrying.reversed.closure(address) & side.survey.nodes.keys()
    passing = [node for node in map(side.survey.nodes.__getitem__, sorted(above)) if node.entry.passes_callers]
    return dropping[0] if any(_lets_users_in(side, node) for node in passing) else ""


# what the other side shows


def _stranded(side: KnownSide, other: KnownSide) -> Iterator[Cut]:
    """Workloads and fronts all of whose subnets have a way out on the other side, and none of whose has one here."""
    for address, was in _without_ways(side, other):
        gone = _only_on(other.survey, side.survey, was)
        told = f"{gone or f'a route of {min(was)}'} was the way between {address} and the outside"
        dropping = {drop for subnet in was for drop in dead_ends(side.survey, subnet)}
        if dropping:
            told = f"{min(dropping)} drops what {address} sends outside"
        if not gone and was != subnets_of(side, address):
            told = f"{address} moves to subnets without a way to the outside"
        missing = f"{gone or f'a route of {min(was)}'}, the way between {address} and the outside, does not stand yet"
        yield Cut(address, _exit_among(other, side, was) or address, side.says(told, missing), by_change=True)


def _walled_in(side: KnownSide, other: KnownSide) -> Iterator[Cut]:
    """Workloads seen to call out that do so by a way of their own on the other side (an address, past the network), and through subnets without
    any here.

    Only where the plan has the subnets and their networks: who makes these makes the way out of them."""
    for address in _both(side, other):
        if side.survey.nodes[address] is other.survey.nodes[address] or not _shows_it(side, address) or not _names_it(side, address):
            continue
        if _shows_it(other, address) or not _names_it(other, address):
            continue
        subnets = subnets_of(side, address)
        around = {a for subnet in subnets for a in (subnet, *places.networks(side.survey, subnet))}
        within = len(around) > len(subnets) and is_managed(side.survey, around)
        if within and not any(exits(side.survey, subnet) for subnet in subnets):
            told = f"{address} calls out through its network from now on, which no way leads out of"
            yield Cut(
                address, address, side.says(told, f"{address} calls out through its network, which no way leads out of"), by_change=True
            )


def _without_ways(side: KnownSide, other: KnownSide) -> Iterator[tuple[str, frozenset[str]]]:
    """Addresses with a way out on the other side and none here, each with its subnets there."""
    if _more_access_paths(side.survey, other.survey):
        return
    same_routes = _routes_alike(side.survey, other.survey)
    for address in _both(side, other):
        if same_routes and _stands_alike(side, other, address):
            continue
        there, here = subnets_of(other, address), subnets_of(side, address)
        if (same_routes and here == there) or not _faces_outside(other, address) or not _faces_outside(side, address):
            continue
        front = not other.survey.nodes[address].entry.workload
        moved = front and here and all(steps(side.survey, subnet) for subnet in here)
        if (here & there or moved) and _loses_its_ways(side, other, here, there, front=front):
            yield address, there


def _loses_its_ways(side: KnownSide, other: KnownSide, here: Iterable[str], there: Iterable[str], *, front: bool) -> bool:
    """Whether every subnet there has a way and none here has; what joins networks counts where nothing else leads out there."""
    joints = not all(ways(other.survey, subnet, front=front) for subnet in there)
    if not all(ways(other.survey, subnet, front=front, joints=joints) for subnet in there):
        return False
    return not any(ways(side.survey, subnet, front=front, joints=joints) for subnet in here)


def _routes_alike(survey: Survey, other: Survey) -> bool:
    """Whether this side has every route of the other, and no more that drop what leaves."""
    return leading_routes(other) <= leading_routes(survey) and drops(survey) <= drops(other)


def _only_on(survey: Survey, other: Survey, subnets: frozenset[str]) -> str:
    """What the way runs through on the first side and not on the second, "" for nothing: the gateway at its end before what leads to it."""
    ends = {end for subnet in subnets for end in exits(survey, subnet)} - other.nodes.keys()
    own = {step for subnet in subnets for step in steps(survey, subnet)} - other.nodes.keys()
    return min(ends & own or own, default="")


def _stands_alike(one: KnownSide, other: KnownSide, address: str) -> bool:
    """Whether it is seen at a glance that an address stands in the same subnets on both sides."""
    here = one.places.get(address)
    return here is not None and bool(here.subnets) and here is other.places.get(address)


def _standing(side: KnownSide) -> list[str]:
    found = side.components.keys() & side.survey.nodes.keys()
    return [address for address in sorted(found) if side.components[address].kind is not Kind.CONNECTOR]


def _both(side: KnownSide, other: KnownSide) -> list[str]:
    return [address for address in _standing(side) if address in other.components and address in other.survey.nodes]


def _exit_among(other: KnownSide, side: KnownSide, subnets: Iterable[str]) -> str:
    found = [end for subnet in sorted(subnets) for end in sorted(exits(other.survey, subnet)) if end in side.components]
    return next((end for end in found if not other.survey.nodes[end].entry.joint), found[0] if found else "")


def _more_access_paths(side: Survey, other: Survey) -> bool:
    """Access paths that come as the routes go: calls run through them from now on."""
    return any(node.entry.path_to and address not in other.nodes for address, node in side.nodes.items())


# who calls out


def _faces_outside(side: KnownSide, address: str) -> bool:
    """A workload that calls out, or a front that is reached from outside.

    Where the catalogue says how a workload shows that it calls out, it does so only where it shows it, or where its texts are not known yet.
    """
    node = side.survey.nodes[address]
    shown = list(_ways_to_show(side.survey, node))
    if shown:
        return any(_shows(side.survey, at, calls) for at, calls in shown)
    return side.survey.goes_out(node) or _lets_users_in(side, node)


def _shows_it(side: KnownSide, address: str) -> bool:
    """Whether it is seen to call out through its network, and not only taken to."""
    return any(_shows(side.survey, at, calls) for at, calls in _ways_to_show(side.survey, side.survey.nodes[address]))


def _names_it(side: KnownSide, address: str) -> bool:
    """Whether its texts call the internet, whatever way that takes."""
    shown = _ways_to_show(side.survey, side.survey.nodes[address])
    return any(names_the_internet(at.values, path, calls.within) for at, calls in shown for path in calls.texts)


def _ways_to_show(survey: Survey, node: Node) -> Iterator[tuple[Node, CallsOut]]:
    """What the catalogue says of the workload and of what it is made from (a template)."""
    made_from = [survey.nodes[edge.target] for edge in survey.outgoing(node.address, "need") if edge.target in survey.nodes]
    for at in (node, *(other for other in made_from if other.entry.disposition == "connector")):
        if at.entry.calls_out is not None:
            yield at, at.entry.calls_out


def _shows(survey: Survey, node: Node, calls: CallsOut) -> bool:
    if not survey.facts.truth(calls.when, node.address, survey.scope(node), better=False):
        return False
    return any(is_vague(node.values, path) or names_the_internet(node.values, path, calls.within) for path in calls.texts)
