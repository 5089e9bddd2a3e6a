"""What joins networks (peerings, transit gateways, private lines): needs that cross from one to another, and ways that are not there.

A route from a workload's subnet to a joint says that something behind it is called. Where that something stands outside of the plan (the
customer's own site behind a VPN, a peer's network) the joint itself is what the workload needs. Where it stands in the plan, the need is known
and the joint is only checked. A side proves that a call does not cross where the plan makes both networks and tells every route of the caller's
subnets, or of the callee's, and none leads to the other's addresses.

Needs of joints are judged only for those that stand on both sides: a connection that is new has no users yet, and one that goes with its users
takes nothing away. A workload that stands on one side only is judged there, with the joints of that side: it is made to call through them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from functools import lru_cache
from ipaddress import ip_network

from faultray_action.catalogue.expression import every
from faultray_action.model.component import Confidence, Evidence
from faultray_action.model.topology import Dependency
from faultray_action.model.value import UNKNOWN
from faultray_action.topology import places
from faultray_action.topology.known_side import KnownSide
from faultray_action.topology.node import Node
from faultray_action.topology.reachability.cuts import Cut
from faultray_action.topology.reachability.routes import is_closed, is_managed, steps, subnets_of
from faultray_action.topology.survey import Survey, is_open

Pair = tuple[str, str]


# what stands beyond the plan


def needs_beyond(side: KnownSide, other: KnownSide) -> tuple[Dependency, ...]:
    """Needs of a side: workloads whose subnets have a route to a joint that leads out of the plan, broken where the other side has it only."""
    leads, leads_there = _leading_beyond(side), _leading_beyond(other)
    if not leads and not leads_there:
        return ()
    here, there = _callers(side), _callers(other)
    found: list[Dependency] = []
    for joint in sorted((leads | leads_there) & side.components.keys() & other.components.keys()):
        for caller in sorted(here & there):
            if routes := _routes_to(side, caller, joint):
                found += _through(side, caller, joint, routes)
            elif routes := _routes_to(other, caller, joint):
                told = f"{min(routes)} was the way from {caller} to {joint}", f"{min(routes)} does not lead from {caller} to {joint} yet"
                found.append(Dependency(caller, joint, broken=side.says(*told), by_change=True))
    for caller in sorted(here - there):
        for joint in sorted(leads):
            found += _through(side, caller, joint, _routes_to(side, caller, joint))
    return tuple(found)


def _leading_beyond(side: KnownSide) -> set[str]:
    """The joints of a side with something outside of the plan behind them."""
    joints = (a for a, node in side.survey.nodes.items() if node.entry.joint and a in side.components)
    return {joint for joint in joints if _leads_beyond(side.survey, joint)}


def _leads_beyond(survey: Survey, joint: str) -> bool:
    """Whether something outside of the plan is behind a joint: a line that serves it, or a peer's network that the plan does not have."""
    if survey.incoming(joint, "serves"):
        return True
    return survey.nodes[joint].entry.disposition == "connector" and len(places.networks(survey, joint)) == 1


def _callers(side: KnownSide) -> set[str]:
    """Workloads that call out of their network."""
    return {address for address in side.places if side.survey.goes_out(side.survey.nodes[address])}


def _routes_to(side: KnownSide, caller: str, joint: str) -> set[str]:
    """Routes and route tables of the caller's subnets that name the joint."""
    behind = {step for subnet in subnets_of(side, caller) for step in steps(side.survey, subnet)}
    return {edge.source for edge in side.survey.incoming(joint, "egress-via") if edge.source in behind}


def _through(side: KnownSide, caller: str, joint: str, routes: Set[str]) -> Iterator[Dependency]:
    """The caller needs its network's attachment to the joint where there is one, else the joint; nothing without a route."""
    if not routes:
        return
    own = places.networks(side.survey, caller)
    attached = [edge.source for edge in side.survey.incoming(joint, "need") if edge.source in side.components]
    doors = [a for a in attached if side.survey.nodes[a].entry.joint and places.networks(side.survey, a) & own]
    evidence = Evidence(min(routes), "", "routes from the subnets of this workload lead there", Confidence.LIKELY)
    for target in sorted(doors) or [joint]:
        yield Dependency(caller, target, evidence=(evidence,))


# calls that cross


def cuts(side: KnownSide, other: KnownSide) -> Iterator[Cut]:
    """Calls between two networks that no routes and joints lead from one to the other."""
    joints = {a for each in (side, other) for a, node in each.survey.nodes.items() if node.entry.joint}
    if not joints:
        return
    calls, calls_there = _calls(side), _calls(other)
    for caller, callee in sorted(calls):
        if not _lacks_a_way(side, caller, callee, joints):
            continue
        proven = _is_refused(side, caller, callee)
        crossed = sorted(_crossed(other, caller, callee, joints)) if (caller, callee) in calls_there else []
        if crossed:
            gone = {step for joint in crossed for step in _way(other, caller, callee, joint)} - side.survey.nodes.keys()
            way = min(gone) if gone else crossed[0]
            told = f"{way} was the way from the network of {caller} to that of {callee}"
            missing = f"{way}, the way from the network of {caller} to that of {callee}, does not stand yet"
            yield Cut(caller, callee, side.says(told, missing), by_change=not proven)
        elif proven:
            yield Cut(caller, callee, f"no route leads from the network of {caller} to that of {callee} and back")


def _calls(side: KnownSide) -> set[Pair]:
    """(caller, callee) through connectors, of components whose networks are known and different."""
    placed = {address: places.networks(side.survey, address) for address in side.places}
    found: set[Pair] = set()
    for caller, here in placed.items():
        for callee in side.needs.met.next(caller, side.is_connector) if here else ():
            if callee != caller and callee in placed and placed[callee] and not here & placed[callee]:
                found.add((caller, callee))
    return found


def _lacks_a_way(side: KnownSide, caller: str, callee: str, joints: Iterable[str]) -> bool:
    return not _crossed(side, caller, callee, joints)


def _crossed(side: KnownSide, caller: str, callee: str, joints: Iterable[str]) -> set[str]:
    """The joints that join the networks of both, to which each has a route that holds for the other: answers go the same way back."""
    here, there = places.networks(side.survey, caller), places.networks(side.survey, callee)
    found: set[str] = set()
    for joint in joints:
        if joint not in side.survey.nodes:
            continue
        joined = _joined(side.survey, joint)
        if joined & here and joined & there and _leads(side, caller, callee, joint) and _leads(side, callee, caller, joint):
            found.add(joint)
    return found


def _leads(side: KnownSide, start: str, end: str, joint: str) -> bool:
    """Whether a route of the start's subnets to a joint holds for the addresses of the end."""
    ranges = _addresses(side, end)
    return any(_holds_for(side.survey, route, joint, ranges) for route in _routes_to(side, start, joint))


def _holds_for(survey: Survey, route: str, joint: str, ranges: Iterable[str]) -> bool:
    node = survey.nodes[route]
    led = [edge.path for edge in survey.outgoing(route, "egress-via") if edge.target == joint]
    target = survey.nodes[joint].raw.get("id")
    blocks = [block for block in _blocks(node) if not node.entry.routes or _names(block, node, led, target)]
    return any(_covers(node, block, ranges) for block in blocks) or not blocks


def _blocks(node: Node) -> list[Mapping[str, object]]:
    """A route's attributes, or those of each route of a table."""
    if not node.entry.routes:
        return [node.values]
    return [block for block in every(node.values, node.entry.routes) if isinstance(block, Mapping)]


def _names(block: Mapping[str, object], node: Node, paths: Iterable[str], target: object) -> bool:
    """Whether a route of a table is one that leads to a target, or may be: its configuration refers to the routes as a whole."""
    below = [path.removeprefix(node.entry.routes).lstrip(".") for path in paths]
    values = [value for path in below for value in ([block.get(path)] if path else block.values())]
    return target in values or UNKNOWN in values or not isinstance(target, str)


def _covers(node: Node, block: Mapping[str, object], ranges: Iterable[str]) -> bool:
    """Whether a route holds for one of the ranges, as far as both are known."""
    known = [value for path in node.entry.towards for value in every(block, path) if value not in (None, "")]
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
        node = side.survey.nodes.get(subnet)
        known = [value for path in node.entry.addresses for value in every(node.values, path)] if node is not None else []
        if not known or UNKNOWN in known:
            return []
        found += [str(value) for value in known]
    return found


def _is_refused(side: KnownSide, caller: str, callee: str) -> bool:
    """Whether the plan tells every route of one of the two ends, none of which leads to the other; nobody calls the callee from the internet."""
    around = places.networks(side.survey, caller) | places.networks(side.survey, callee)
    if not is_managed(side.survey, around) or _is_public(side, callee):
        return False
    return _never_leads(side, caller, callee) or _never_leads(side, callee, caller)


def _is_public(side: KnownSide, address: str) -> bool:
    """Whether it, or a member of it, may be called from the internet."""
    parts = [address, *(edge.source for edge in side.survey.incoming(address, "member"))]
    if is_open(side.survey, address, better=True):
        return True
    nodes = [side.survey.nodes[part] for part in parts]
    return any(side.survey.facts.truth(n.entry.public_too, n.address, side.survey.scope(n), better=False) for n in nodes)


def _never_leads(side: KnownSide, start: str, end: str) -> bool:
    subnets, ranges = subnets_of(side, start), _addresses(side, end)
    if not subnets or not ranges or not all(is_closed(side.survey, subnet) for subnet in subnets):
        return False
    behind = {step for subnet in subnets for step in steps(side.survey, subnet)}
    return not any(_may_hold_for(side.survey, step, ranges) for step in behind)


def _may_hold_for(survey: Survey, step: str, ranges: Iterable[str]) -> bool:
    """Whether a route holds for some ranges and leads to what joins networks, or to something outside of the plan."""
    node = survey.nodes[step]
    if not node.entry.towards:
        return False
    led = [survey.nodes[edge.target] for edge in survey.outgoing(step, "egress-via")]
    gateways = {target.raw.get("id") for target in led if not target.entry.joint} - {None, UNKNOWN}
    if led and not node.entry.routes:
        return any(target.entry.joint for target in led) and _covers(node, node.values, ranges)
    elsewhere = [block for block in _blocks(node) if gateways.isdisjoint(map(str, block.values()))]
    return any(_covers(node, block, ranges) for block in elsewhere)


def _way(side: KnownSide, caller: str, callee: str, joint: str) -> set[str]:
    attached = {edge.source for edge in side.survey.incoming(joint, "need")}
    return _routes_to(side, caller, joint) | _routes_to(side, callee, joint) | attached | {joint}


def _joined(survey: Survey, joint: str) -> frozenset[str]:
    """The networks that a joint stands in, by itself or by its attachments."""
    attached = [edge.source for edge in survey.incoming(joint, "need") if survey.nodes[edge.source].entry.joint]
    return frozenset().union(*(places.networks(survey, address) for address in (joint, *attached)))


# networks that are joined as a whole


def parted(side: KnownSide, other: KnownSide) -> Iterator[Cut]:
    """Calls between two networks that are joined on the other side, by a chain of ways, and not on this one; and those between two networks
    of the plan that it joins with nothing at all."""
    here, there = _joins(side.survey), _joins(other.survey)
    wanted = {pair: here.get(pair, set()) | there.get(pair, set()) for pair in {*here, *there}}
    joined, joined_there = _islands(here, wanted), _islands(there, wanted)
    gone = sorted(_joining(other.survey) - side.survey.nodes.keys()) or sorted(_joining(side.survey))
    for caller, callee in _direct(side):
        mine, theirs = stands_in(side.survey, caller), stands_in(side.survey, callee)
        if not mine or not theirs or mine & theirs or _meet(joined, mine, theirs):
            continue
        both = (stands_in(other.survey, caller), stands_in(other.survey, callee)) == (mine, theirs)
        proven = _is_alone(side.survey, mine) and _is_alone(side.survey, theirs)
        if both and _meet(joined_there, mine, theirs) and (caller, callee) in _direct(other):
            way = next((a for a in gone if _ends(other.survey, a) & (mine | theirs)), gone[0] if gone else caller)
            told = f"{way} joined the networks of {caller} and {callee}", f"{way} does not join the networks of {caller} and {callee} yet"
            yield Cut(caller, callee, side.says(*told), by_change=not proven)
        elif proven:
            yield Cut(caller, callee, f"nothing joins the networks of {caller} and {callee}")


def _direct(side: KnownSide) -> list[Pair]:
    """Direct needs that are met, sorted; connectors on the way stand in no network of their own."""
    return sorted(side.needs.met.edges())


def stands_in(survey: Survey, address: str) -> frozenset[str]:
    """The networks that an instance stands in, by itself or through the connectors that it serves."""
    found: set[str] = set()
    for place in places.footholds(survey, address) if address in survey.nodes else ():
        found |= places.networks(survey, place) or {place}
    return frozenset(found)


def _is_alone(survey: Survey, networks: Set[str]) -> bool:
    """Whether the plan makes these networks, and they are of a kind that is joined as a whole, though nothing of the plan joins them."""
    if not is_managed(survey, networks) or not all(survey.nodes[network].entry.joined_whole for network in networks):
        return False
    sources = [survey.nodes[link.source] for link in survey.links.links if link.target in networks and link.source in survey.nodes]
    return not any(node.entry.joint or _is_join(survey, node.address) for node in sources)


def _is_join(survey: Survey, address: str) -> bool:
    return bool(survey.outgoing(address, "joins"))


def _joining(survey: Survey) -> set[str]:
    return {edge.source for edge in survey.edges if edge.role == "joins"}


def _ends(survey: Survey, address: str) -> set[str]:
    return {edge.target for edge in survey.outgoing(address, "joins")}


def _joins(survey: Survey) -> dict[frozenset[str], set[str]]:
    """Two networks -> the names of those that a way to the other is declared in: a peering counts with its counterpart only."""
    found: dict[frozenset[str], set[str]] = {}
    for address in sorted(_joining(survey)):
        edges = sorted(survey.outgoing(address, "joins"), key=lambda edge: edge.path)
        ends = frozenset(edge.target for edge in edges)
        if len(ends) == 2:
            found.setdefault(ends, set()).add(edges[0].target)
    return found


def _islands(joins: Mapping[frozenset[str], set[str]], wanted: Mapping[frozenset[str], set[str]]) -> list[set[str]]:
    """Networks that reach each other. A pair is joined where every direction stands that either side of the plan shows."""
    islands: list[set[str]] = []
    for pair, ways in joins.items():
        if ways == wanted[pair]:
            touching = [island for island in islands if island & pair]
            islands = [island for island in islands if island not in touching] + [set(pair).union(*touching)]
    return islands


def _meet(islands: Iterable[set[str]], here: Iterable[str], there: Iterable[str]) -> bool:
    return any(not island.isdisjoint(here) and not island.isdisjoint(there) for island in islands)
