"""The way out (and in) of a network: who leaves through which routes and gateways, and whom a plan leaves without any.

A route names what it leads to and the subnets it holds for. A gateway without an instance (Cloud NAT) names a router instead: it carries every
subnet of the router's network in its region, or those on its list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from faultray_action.catalogue.entry import CallsOut, EdgeRule, Entry
from faultray_action.catalogue.expression import Scope, every
from faultray_action.model.component import Kind
from faultray_action.model.value import UNKNOWN
from faultray_action.terraform.plan import Side
from faultray_action.topology import places
from faultray_action.topology.blocks import each_route
from faultray_action.topology.hosts import is_vague, names_the_internet
from faultray_action.topology.known_side import KnownSide
from faultray_action.topology.node import Node
from faultray_action.topology.reachability.cuts import Cut
from faultray_action.topology.survey import Survey


def cuts(side: KnownSide, other: KnownSide) -> Iterator[Cut]:
    """Workloads and public fronts that no way leads out of, though one does on the other side."""
    yield from _without_a_way(other, side) if side.survey.side is Side.AFTER else _not_yet_a_way(side, other)


def _without_a_way(before: KnownSide, after: KnownSide) -> Iterator[Cut]:
    """Broken needs of the side after: workloads and public fronts all of whose subnets had a route out, and none of which has one any more."""
    for address, was in _stranded(before, after):
        gone = _only_on(before.survey, after.survey, was)
        told = f"{gone or f'a route of {min(was)}'} was the way between {address} and the outside"
        dropping = {step for subnet in was for step in dead_ends(after.survey, subnet)}
        if dropping:
            told = f"{min(dropping)} drops what {address} sends outside"
        if not gone and was != subnets_of(after, address):
            told = f"{address} moves to subnets without a way to the outside"
        yield Cut(address, _exit_among(before, after, was) or address, told)
    for address in _walled_in(before, after):
        yield Cut(address, address, f"{address} calls out through its network from now on, which no way leads out of")


def _walled_in(before: KnownSide, after: KnownSide) -> Iterator[str]:
    """Workloads seen to call out that did so by a way of their own (an address, past the network) and do so after through subnets without any.

    Only where the plan has the subnets and their networks: who makes these makes the way out of them."""
    for address in _both(before, after):
        if after.survey.nodes[address] is before.survey.nodes[address] or not _shows_it(after, address, surely=True):
            continue
        if _shows_it(before, address) or not _names_it(before, address):
            continue
        subnets = subnets_of(after, address)
        around = {a for subnet in subnets for a in (subnet, *places.networks(after.survey, subnet))}
        own = all(a in after.survey.nodes and not after.survey.nodes[a].resource.data for a in around)
        if own and len(around) > len(subnets) and not any(exits(after.survey, subnet) for subnet in subnets):
            yield address


def _not_yet_a_way(before: KnownSide, after: KnownSide) -> Iterator[Cut]:
    """Broken needs of the side before, which the plan mends: workloads that call out and get the first way out of their subnets."""
    for address, to_be in _stranded(after, before):
        told = _only_on(after.survey, before.survey, to_be) or f"a route of {min(to_be)}"
        if _shows_it(before, address):
            yield Cut(address, address, f"{told}, the way between {address} and the outside, does not stand yet")


def _only_on(survey: Survey, other: Survey, subnets: frozenset[str]) -> str:
    """What the way runs through on this side and not on the other, "" for nothing: the gateway at its end before what leads to it."""
    ends = {end for s in subnets for end in exits(survey, s)} - other.nodes.keys()
    own = {step for s in subnets for step in steps(survey, s)} - other.nodes.keys()
    return min(ends & own or own, default="")


def _stranded(open_side: KnownSide, closed_side: KnownSide) -> Iterator[tuple[str, frozenset[str]]]:
    """Addresses with a way out on one side and none on the other, each with its subnets where it has one."""
    if _more_access_paths(open_side.survey, closed_side.survey):
        return
    same_routes = _routes(open_side.survey) <= _routes(closed_side.survey) and _drops(closed_side.survey) <= _drops(open_side.survey)
    for address in _both(open_side, closed_side):
        if same_routes and _stands_alike(open_side, closed_side, address):
            continue
        here, there = subnets_of(open_side, address), subnets_of(closed_side, address)
        if (same_routes and here == there) or not _faces_outside(open_side, address) or not _faces_outside(closed_side, address):
            continue
        front = not open_side.survey.nodes[address].entry.workload
        moved = front and there and all(steps(closed_side.survey, s) for s in there)
        if not here & there and not moved:
            continue
        joints = not all(_ways(open_side.survey, s, front) for s in here)
        if all(_ways(open_side.survey, s, front, joints) for s in here) and not any(
            _ways(closed_side.survey, s, front, joints) for s in there
        ):
            yield address, here


def _stands_alike(one: KnownSide, other: KnownSide, address: str) -> bool:
    """Whether it is seen at a glance that an address stands in the same subnets on both sides."""
    here = one.places.get(address)
    return here is not None and bool(here.subnets) and here is other.places.get(address)


def _ways(survey: Survey, subnet: str, front: bool, joints: bool = False) -> frozenset[str]:
    """The exits of a subnet: for users who come in to a front none through a NAT gateway, and what joins networks where nothing else leads out."""
    ends = exits(survey, subnet)
    found = {end for end in ends if not (end in survey.nodes and (survey.nodes[end].entry.joint and not joints))}
    return frozenset(end for end in found if not (front and end in survey.nodes and survey.nodes[end].entry.kind == "nat"))


def _both(before: KnownSide, after: KnownSide) -> list[str]:
    common = after.components.keys() & before.components.keys() & after.survey.nodes.keys() & before.survey.nodes.keys()
    return [address for address in sorted(common) if after.components[address].kind is not Kind.CONNECTOR]


def _exit_among(before: KnownSide, after: KnownSide, subnets: Iterable[str]) -> str:
    found = [e for s in sorted(subnets) for e in sorted(exits(before.survey, s)) if e in after.components]
    return next((e for e in found if not before.survey.nodes[e].entry.joint), found[0] if found else "")


# who calls out


def _faces_outside(side: KnownSide, address: str) -> bool:
    """A workload that calls out, or a front that is reached from outside.

    Where the catalogue says how a workload shows that it calls out, it does so only where it shows it, or where its texts are not known yet.
    """
    node = side.survey.nodes[address]
    shown = list(_ways_to_show(side.survey, node))
    if shown:
        return any(_shows(side.survey, at, calls) for at, calls in shown)
    facts = node.entry.entry
    return side.survey.goes_out(node) or (
        facts is not None and side.survey.facts.truth(facts.when, address, side.survey.scope(node), better=False)
    )


def _shows_it(side: KnownSide, address: str, *, surely: bool = False) -> bool:
    """Whether it is seen to call out, and not only taken to: a first way out proves nothing of what was before it. `surely`: by a text that is known."""
    found = any(_shows(side.survey, at, calls) for at, calls in _ways_to_show(side.survey, side.survey.nodes[address]))
    return found and (not surely or _names_it(side, address))


def _names_it(side: KnownSide, address: str) -> bool:
    """Whether its texts call the internet, whatever way that takes."""
    ways = _ways_to_show(side.survey, side.survey.nodes[address])
    return any(names_the_internet(at.values, path, calls.within) for at, calls in ways for path in calls.texts)


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


# routes and gateways


def _routes(survey: Survey) -> set[tuple[str, str]]:
    return {(e.source, e.target) for e in survey.edges if e.role in ("egress-of", "egress-via")}


def _more_access_paths(before: Survey, after: Survey) -> bool:
    """Access paths that come as the routes go: calls run through them from now on."""
    return any(node.entry.path_to and address not in before.nodes for address, node in after.nodes.items())


def subnets_of(side: KnownSide, address: str) -> frozenset[str]:
    """The subnets that a component stands in: those its zones come from, else those that it, its template or its connector to the network names."""
    known = side.places.get(address)
    found = frozenset(subnet for _, subnet in known.subnets) if known else frozenset()
    return found or frozenset(_named_subnets(side.survey, address))


def _named_subnets(survey: Survey, address: str) -> Iterator[str]:
    parts = [address, *(edge.target for edge in survey.outgoing(address, "need"))]
    for part in parts:
        node = survey.nodes.get(part)
        if node is not None and (part == address or node.entry.disposition == "connector" or node.entry.kind == "gateway"):
            targets = [edge.target for edge in survey.outgoing(part, "placement")]
            yield from (target for target in targets if not any(_is_within(survey, other, target) for other in targets))


def _is_within(survey: Survey, place: str, around: str) -> bool:
    """Whether a placement (a subnet) stands in another one (its network) that is named beside it."""
    return any(edge.target == around for edge in survey.outgoing(place, "placement"))


def exits(survey: Survey, subnet: str) -> frozenset[str]:
    """Where the routes of a subnet end: gateways of the plan, and routes to something outside of it."""
    ends: set[str] = {subnet} if _leads_out_by_itself(survey, subnet) else set()
    if dead_ends(survey, subnet):
        return frozenset()
    for step in steps(survey, subnet):
        node = survey.nodes[step]
        paths = _paths_with(node.entry, "egress-via")
        if not paths and (node.entry.disposition == "component" or not _paths_with(node.entry, "egress-of")):
            ends.add(step)
            continue
        linked = {edge.path for edge in survey.outgoing(step, "egress-via")}
        if linked and _paths_with(
            node.entry, "egress-of"
        ):  # one route has one target: what else stands there is what the provider made of it
            continue
        ends |= {f"{step}:{path}" for path in _open_ended(survey, step, paths)}
    return frozenset(ends)


def _open_ended(survey: Survey, step: str, paths: Iterable[str]) -> list[str]:
    """The paths of a route at which something stands that is not in the plan. Where the configuration refers to the targets of several routes
    as a whole (`route`), what stands below is one of them, or not known yet."""
    whole = {path for path in paths if any(other.startswith(f"{path}.") for other in paths)}
    led = survey.outgoing(step, "egress-via")
    linked = {edge.path for edge in led}
    known = [survey.nodes[edge.target].raw.get("id") for edge in led if edge.path in whole]
    meant = [None, "", "local", *known, *([UNKNOWN] if known else [])]
    values = survey.nodes[step].values
    return [p for p in paths if p not in whole and p not in linked and any(v not in meant for v in every(values, p))]


def dead_ends(survey: Survey, subnet: str) -> frozenset[str]:
    """The routes of a subnet that drop what would leave it."""
    dropping = _drops(survey)
    return frozenset(dropping & steps(survey, subnet)) if dropping else frozenset()


def _drops(survey: Survey) -> frozenset[str]:
    if survey.dropping is None:
        routes = [node for node in survey.nodes.values() if node.entry.leads_nowhere]
        found = [node.address for node in routes if any(_leads_nowhere(survey, node, values) for values in each_route(node))]
        survey.dropping = frozenset(found)
    return survey.dropping


def _leads_nowhere(survey: Survey, node: Node, values: Mapping[str, Any]) -> bool:
    return survey.facts.truth(node.entry.leads_nowhere, node.address, Scope(values, node.entry.defaults), better=False)


def _leads_out_by_itself(survey: Survey, subnet: str) -> bool:
    node = survey.nodes.get(subnet)
    if node is None or not node.entry.leads_out:
        return False
    return survey.facts.truth(node.entry.leads_out, subnet, survey.scope(node), better=True)


def steps(survey: Survey, subnet: str) -> set[str]:
    """Associations, route tables, routes, routers and gateways behind a subnet and the network around it, those of other regions left out."""
    around = {edge.target for edge in survey.outgoing(subnet, "placement")}
    here_only = survey.nodes[subnet].resource.region if subnet in survey.nodes else ""
    seen: set[str] = set()
    stack = [subnet, *sorted(around)]
    while stack:
        here = stack.pop()
        onward = {e.source for e in survey.incoming(here, "egress-of")} | {e.target for e in survey.outgoing(here, "egress-via")}
        onward = {step for step in onward if survey.nodes[step].resource.region in ("", here_only) or not here_only} - {subnet} - around
        stack += sorted(onward - seen)
        seen |= onward
    return seen


def _paths_with(entry: Entry, role: str) -> list[str]:
    return [path for path, value in entry.edges.items() if value == role or (isinstance(value, EdgeRule) and value.role == role)]
