"""Where copies stand: zones from subnets, literal names and counts; and the way out of a subnet (NAT)."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from faultray_action.catalogue.entry import ZoneSource
from faultray_action.catalogue.expression import Scope, every
from faultray_action.model.value import UNKNOWN
from faultray_action.topology.blocks import each_route
from faultray_action.topology.facts import Choice
from faultray_action.topology.node import Node, Places
from faultray_action.topology.survey import Survey

_SHORT = 2
"""A zone name this short ("1", "b") needs its location before it."""


def find(survey: Survey, node: Node) -> Places:
    """Places of one instance: the first zone source that answers. Whether a source holds may be unknown: then the best (worst) answer is the
    one with the most (fewest) zones, by this source or by those after it."""
    found = _zones_of(survey, node) if node.entry.zones else _NOWHERE
    regional = regional_subnets(survey, node.address) if not found.subnets and node.address in survey.out else ()
    return replace(found, subnets=tuple(("", subnet) for subnet in regional)) if regional else found


def _zones_of(survey: Survey, node: Node) -> Places:
    scope = survey.scope(node)
    possible: list[Places] = []
    for source in node.entry.zones:
        may, must = _holds(survey, node, source, scope)
        if not may:
            continue
        places = _named(survey, node, source) or _placed(survey, node, source) or _counted(survey, node, source, scope)
        if places is not None and places.known:
            possible.append(places)
            if must:
                break
    choose = max if survey.choice is Choice.BEST else min
    return choose(possible, key=lambda places: places.count, default=_NOWHERE)


_NOWHERE = Places()


def _holds(survey: Survey, node: Node, source: ZoneSource, scope: Scope) -> tuple[bool, bool]:
    """Whether a source holds at best and at worst."""
    if not source.when:
        return True, True
    best, worst = (survey.facts.truth(source.when, node.address, scope, better=better) for better in (True, False))
    return best or worst, best and worst


def footholds(survey: Survey, address: str) -> tuple[str, ...]:
    """The placements that an instance refers to itself or through the connectors that it serves (a machine's network interface), sorted."""
    holders = [address, *(e.target for e in survey.outgoing(address, "serves") if survey.nodes[e.target].entry.disposition == "connector")]
    return tuple(sorted({edge.target for holder in holders for edge in survey.outgoing(holder, "placement")}))


def addressed(survey: Survey, address: str) -> tuple[str, ...]:
    """The subnets with addresses that an instance stands in, by itself or through a group of them, sorted."""
    found: set[str] = set()
    for foothold in footholds(survey, address):
        ends = (foothold, *(subnet for _, subnet in _ends(survey, foothold)))
        found |= {subnet for subnet in ends if subnet in survey.nodes and survey.nodes[subnet].entry.addresses}
    return tuple(sorted(found))


def regional_subnets(survey: Survey, address: str) -> tuple[str, ...]:
    """Footholds that reach over all zones of their region (those of Azure): no zone follows from them, only the way out."""
    return tuple(a for a in footholds(survey, address) if survey.nodes[a].entry.leads_out and not _ends(survey, a))


def standing_in(survey: Survey, subnet: str) -> tuple[str, ...]:
    """What stands in a subnet, by itself or through its connectors, sorted."""
    here = {edge.source for edge in survey.incoming(subnet, "placement")}
    served = {e.source for a in here if survey.nodes[a].entry.disposition == "connector" for e in survey.incoming(a, "serves")}
    return tuple(sorted(here | served))


def _named(survey: Survey, node: Node, source: ZoneSource) -> Places | None:
    if not source.names:
        return None
    values = [value for path in source.names for value in every(node.values, path)]
    names = {_full(node, source, str(v)) for v in values if v is not UNKNOWN and v not in (None, "")}
    unknown = sum(1 for value in values if value is UNKNOWN)
    if unknown:
        survey.facts.unknown |= {(node.address, path) for path in source.names}
        survey.facts.unsure.add(node.address)
    if not names and not unknown:
        return None
    hidden = min(unknown, 1) if survey.choice is Choice.WORST and not names else 0 if survey.choice is Choice.WORST else unknown
    return Places(tuple(sorted(names)), hidden)


def _full(node: Node, source: ZoneSource, name: str) -> str:
    name = name.rsplit("/", 1)[-1]
    if not source.prefix or len(name) > _SHORT:
        return name
    prefix = Scope(node.values, node.entry.defaults).get(source.prefix)
    return f"{prefix}-{name}" if isinstance(prefix, str) else name


def _placed(survey: Survey, node: Node, source: ZoneSource) -> Places | None:
    """Zones of the subnets that the placement paths lead to; ids that lead to nothing in the plan are unnamed zones of their own."""
    edges = survey.outgoing(node.address, "placement", "serves") if source.placement else []
    targets = tuple([e.target for e in edges if any(_under(e.path, path) for path in source.placement)])
    if targets:
        return _standing_in(survey, targets)
    outside = _outside(node, source)
    return Places((), outside) if outside else None


def _standing_in(survey: Survey, targets: tuple[str, ...]) -> Places | None:
    """The zones of some placements, found once for all that stand in the same ones."""
    if targets not in survey.standing:
        found = [pair for target in targets for pair in _ends(survey, target)]
        names = tuple(sorted({zone for zone, _ in found if zone}))
        unnamed = len({subnet for zone, subnet in found if not zone})
        survey.standing[targets] = Places(names, unnamed, tuple(sorted(found))) if found else None
    return survey.standing[targets]


def _under(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix + ".")


def _outside(node: Node, source: ZoneSource) -> int:
    """How many different placements are named where none is in the plan (at best each in a zone of its own, as people place them)."""
    return len({v for path in source.placement for v in every(node.values, path) if isinstance(v, str) and v})


def _ends(survey: Survey, address: str) -> tuple[tuple[str, str], ...]:
    """As `_leaves`, followed once for all that stand there."""
    if address not in survey.leaves:
        survey.leaves[address] = tuple(_leaves(survey, address, frozenset()))
    return survey.leaves[address]


def _leaves(survey: Survey, address: str, seen: frozenset[str]) -> Iterable[tuple[str, str]]:
    """(zone, placement) pairs at the ends of a chain of placements (subnet group -> subnets -> zone)."""
    node = survey.nodes.get(address)
    if node is None or address in seen:
        return []
    if node.entry.zone:
        return [(survey.facts.text(node.entry.zone, address, survey.scope(node)), address)]
    own = [_full(node, s, v) for s in node.entry.zones for path in s.names for v in every(node.values, path) if isinstance(v, str) and v]
    if own:
        return [(zone, address) for zone in own]
    following = [edge.target for edge in survey.outgoing(address, "placement")]
    found = [pair for target in following for pair in _leaves(survey, target, seen | {address})]
    if not found and not following and node.entry.disposition == "placement":
        return _unlisted(node)
    return found


def _unlisted(node: Node) -> list[tuple[str, str]]:
    """A placement that names subnets outside the plan: each an unnamed zone."""
    ids = {
        v for path, role in node.entry.edges.items() if role == "placement" for v in every(node.values, path) if isinstance(v, str) and v
    }
    return [("", f"{node.address}:{number}") for number in range(len(ids))]


def _counted(survey: Survey, node: Node, source: ZoneSource, scope: Scope) -> Places | None:
    count = survey.facts.whole(source.count, node.address, scope, default=0)
    return Places((), count) if count > 0 else None


def networks(survey: Survey, address: str) -> frozenset[str]:
    """The networks a resource stands in: the ends of its chains of placement."""
    ends: set[str] = set()
    seen: set[str] = set()
    stack = [address]
    while stack:
        here = stack.pop()
        following = [edge.target for edge in survey.outgoing(here, "placement")]
        if not following and here != address:
            ends.add(here)
        for target in following:
            if target not in seen:
                seen.add(target)
                stack.append(target)
    return frozenset(ends)


def ways_out(survey: Survey, subnet: str) -> tuple[str, ...]:
    """Components (NAT gateways) that traffic leaving a subnet runs through, sorted; more than one means that any of them may carry it.

    What joins networks is none of them: other traffic runs there, by routes of its own. One that all is sent to leads on to the ways out of the
    network that it passes it to."""
    if subnet not in survey.exits:
        survey.exits[subnet] = _ways_out(survey, subnet)
    return survey.exits[subnet]


def behind(survey: Survey, gateway: str) -> tuple[str, ...]:
    """The placements whose way out leads through a gateway, sorted."""
    found: set[str] = set()
    seen, stack = {gateway}, [gateway]
    while stack:
        here = stack.pop()
        found |= {e.target for e in survey.outgoing(here, "egress-of")}
        onward = {e.source for e in survey.incoming(here, "egress-via")} | {e.target for e in survey.outgoing(here, "egress-of")}
        stack += sorted(onward - seen)
        seen |= onward
    return tuple(sorted(a for a in found if survey.nodes[a].entry.leads_out))


def neighbours(survey: Survey, subnet: str) -> tuple[str, ...]:
    """What leaves a regional subnet through the same gateways as something in it: whether a gateway keeps to one zone hangs on all of them."""
    if subnet not in survey.nodes or not survey.nodes[subnet].entry.leads_out:
        return ()
    subnets = {other for gateway in ways_out(survey, subnet) for other in behind(survey, gateway)}
    return tuple(sorted({a for other in subnets for a in standing_in(survey, other)}))


def _ways_out(survey: Survey, subnet: str) -> tuple[str, ...]:
    found: set[str] = set()
    seen = {subnet}
    stack = [subnet]
    while stack:
        here = stack.pop()
        onward = [e.source for e in survey.incoming(here, "egress-of")] + [e.target for e in survey.outgoing(here, "egress-via")]
        for address in onward:
            if address in seen:
                continue
            seen.add(address)
            entry = survey.nodes[address].entry
            if entry.disposition == "component" and not entry.joint:
                found.add(address)
            elif not entry.joint:
                stack.append(address)
            elif _sends_all(survey, here):
                beyond = [e.target for e in survey.outgoing(address, "placement") if survey.nodes[e.target].entry.addresses]
                stack += [address, *(place for place in beyond if place not in seen)]
                seen.update(beyond)
    return tuple(sorted(found))


def _sends_all(survey: Survey, route: str) -> bool:
    """Whether a route hands all that leaves for anywhere to a joint, and so to the way out of the network behind it (a central egress)."""
    node = survey.nodes[route]
    asked = node.entry.sends_all
    return bool(asked) and any(
        survey.facts.truth(asked, route, Scope(values, node.entry.defaults), better=False) for values in each_route(node)
    )
