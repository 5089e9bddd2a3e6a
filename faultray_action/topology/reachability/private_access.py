"""Private ways to a service (private endpoints, rules that let callers in) and the names by which they are found.

A service that is closed to the public is reached by its private ways only. A side proves that a caller has none where the caller stands in no
network at all, or where the plan makes the caller's networks and has no such way; that a name is not known where it makes the zone and the
network. Rules of a server's own firewall may be set elsewhere: there the last one that the other side shows is the evidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from faultray_action.topology.known_side import KnownSide
from faultray_action.topology.node import Node
from faultray_action.topology.reachability.cuts import Cut
from faultray_action.topology.reachability.joined import stands_in
from faultray_action.topology.reachability.routes import is_managed
from faultray_action.topology.survey import Survey


def cuts(side: KnownSide, other: KnownSide) -> Iterator[Cut]:
    """Calls of services that have no way in for their caller, and of names that its network does not know."""
    for callee, callers in _guarded(side, other).items():
        for caller in callers:
            if (cut := _shut(side, other, caller, callee)) or (cut := _unresolved(side, other, caller, callee)):
                yield cut
    yield from _unknown_records(side, other)


def _guarded(side: KnownSide, other: KnownSide) -> Mapping[str, list[str]]:
    """What may be reached by private ways or by rules only -> who calls it directly; what leads to it is no caller of it."""
    guarded = {edge.target for each in (side, other) for edge in each.survey.edges if edge.role in ("opens", "admits")}
    found: dict[str, list[str]] = {}
    for caller, callee in sorted(side.needs.met.edges()):
        node = side.survey.nodes.get(callee)
        if node is not None and (callee in guarded or node.entry.private) and caller not in _doors(side.survey, callee):
            found.setdefault(callee, []).append(caller)
    return found


# private ways to a service


def _shut(side: KnownSide, other: KnownSide, caller: str, callee: str) -> Cut | None:
    private, was_private = _is_private(side.survey, callee), _is_private(other.survey, callee)
    calls_there = callee in other.needs.met.after(caller)
    ways, ways_there = _ways_in(side.survey, callee), _ways_in(other.survey, callee)
    if caller in ways_there:
        return None
    if calls_there and ways_there and not ways:
        told = f"{ways_there[0]} was the only way to {callee}"
        missing = f"{ways_there[0]}, the only way to {callee}, does not stand yet"
        return Cut(caller, callee, side.says(told, missing), by_change=not (private and _has_no_way(side, caller, callee)))
    if not private or not _stands_nowhere(side.survey, caller):
        if private and _has_no_way(side, caller, callee) and not _lets_in(side.survey, callee):
            return Cut(caller, callee, f"{callee} is closed to the public, and no private way leads from {caller} to it")
        return None
    if calls_there and not was_private:
        told = f"{callee} is closed to callers outside of its networks, {caller} among them"
        return Cut(caller, callee, told, by_change=not _is_outward(side.survey, caller))
    if calls_there and stands_in(other.survey, caller):
        told = f"{caller} leaves the network from which it reached {callee}"
        missing = f"{caller} stands in no network from which it reaches {callee}"
        return Cut(caller, callee, side.says(told, missing), by_change=not _is_outward(side.survey, caller))
    if _is_outward(side.survey, caller) and not _lets_in(side.survey, callee):
        return Cut(caller, callee, f"{callee} is closed to callers outside of its networks, {caller} among them")
    return None


def _lets_in(survey: Survey, address: str) -> bool:
    """Whether a rule lets callers in to a service that says to be closed: one of the two is not what it seems."""
    return bool(survey.incoming(address, "admits"))


def _has_no_way(side: KnownSide, caller: str, callee: str) -> bool:
    """Whether the plan makes the caller's networks and a service that is closed to the public and stands in none, and has no private way to it."""
    networks = stands_in(side.survey, caller)
    if side.survey.nodes[callee].resource.data or stands_in(side.survey, callee) or not is_managed(side.survey, networks):
        return False
    return not _ways_in(side.survey, callee)


def _stands_nowhere(survey: Survey, address: str) -> bool:
    node = survey.nodes.get(address)
    return node is not None and node.entry.workload and not stands_in(survey, address)


def _is_outward(survey: Survey, address: str) -> bool:
    """Whether the plan says that a workload stands in no network: it has one only where it names one."""
    node = survey.nodes[address]
    return node.entry.outward and not node.resource.data


def _is_private(survey: Survey, address: str) -> bool:
    node = survey.nodes.get(address)
    if node is None or not node.entry.private:
        return False
    return survey.facts.truth(node.entry.private, address, survey.scope(node), better=False)


def _doors(survey: Survey, address: str) -> list[str]:
    return sorted({edge.source for edge in survey.incoming(address, "opens")}) if address in survey.nodes else []


def _ways_in(survey: Survey, address: str) -> list[str]:
    """The private ways to an instance, and the rules that let others in where it is not private."""
    if address not in survey.nodes:
        return []
    rules = [] if _is_private(survey, address) else [edge.source for edge in survey.incoming(address, "admits")]
    return sorted({*_doors(survey, address), *rules})


# names


def _unresolved(side: KnownSide, other: KnownSide, caller: str, callee: str) -> Cut | None:
    """A call by a name that private zones hold, none of which is known in the caller's network."""
    networks = stands_in(side.survey, caller)
    if not networks or not _is_private(side.survey, callee) or _asks_elsewhere(side.survey, networks):
        return None
    if _known(side.survey, callee, networks):
        return None
    known_there = _known(other.survey, callee, networks) if _named(other.survey, callee) else []
    return _not_known(side, caller, callee, f"the name of {callee}", known_there)


def _not_known(side: KnownSide, caller: str, callee: str, name: str, known_there: list[str]) -> Cut | None:
    """A call by a name that is not known in the caller's network; None where neither side shows that it should be."""
    networks = stands_in(side.survey, caller)
    proven = is_managed(side.survey, networks) and _is_told(side.survey, callee, networks)
    if not known_there:
        return Cut(caller, callee, f"no network of {caller} knows {name}") if proven else None
    gone = next((a for a in known_there if a not in side.survey.nodes), known_there[0])
    told = f"{gone} made {name} known to {caller}", f"{gone} does not make {name} known to {caller} yet"
    return Cut(caller, callee, side.says(*told), by_change=not proven)


def _unknown_records(side: KnownSide, other: KnownSide) -> Iterator[Cut]:
    """Calls by a record of a private zone that is not known in the caller's network."""
    for record in sorted({edge.source for edge in side.survey.edges if edge.role == "resolves"}):
        if not side.is_connector(record) or _doors_of(side.survey, record):
            continue
        for caller in sorted(_callers(side, record)):
            networks = stands_in(side.survey, caller)
            if _asks_elsewhere(side.survey, networks) or _known(side.survey, record, networks):
                continue
            there = record in other.survey.nodes and caller in _callers(other, record)
            known_there = _known(other.survey, record, networks) if there else []
            if cut := _not_known(side, caller, record, f"the name {record}", known_there):
                yield cut


def _doors_of(survey: Survey, address: str) -> bool:
    """Whether it is a private way itself, whose name is that of what it leads to."""
    return bool(survey.outgoing(address, "opens"))


def _callers(side: KnownSide, address: str) -> set[str]:
    """What stands in a network and calls an address, directly or through connectors."""
    graph = side.needs.met.reversed
    found = graph.next(address, side.is_connector) | graph.passed(address, side.is_connector)
    return {caller for caller in found if stands_in(side.survey, caller)}


def _asks_elsewhere(survey: Survey, networks: Iterable[str]) -> bool:
    """Whether a network asks name servers of its own, so that links of zones tell nothing."""
    nodes = [survey.nodes[a] for a in networks if a in survey.nodes and survey.nodes[a].entry.own_names]
    return any(survey.facts.truth(node.entry.own_names, node.address, survey.scope(node), better=True) for node in nodes)


def _is_told(survey: Survey, callee: str, networks: Iterable[str]) -> bool:
    """Whether the plan makes a zone of a name and what makes it known, and the state records no further network that knows it."""
    zones = [survey.nodes[zone] for zone in _named(survey, callee)]
    own = [zone for zone in zones if not zone.resource.data and _is_private_zone(survey, zone)]
    return bool(own) and len(own) == len(zones) and not any(_may_be_known(survey, zone, networks) for zone in own)


def _is_private_zone(survey: Survey, zone: Node) -> bool:
    return survey.facts.truth(zone.entry.known_within, zone.address, survey.scope(zone), better=False)


def _may_be_known(survey: Survey, zone: Node, networks: Iterable[str]) -> bool:
    """Whether the list of a zone holds one of the networks, whoever wrote it there."""
    ids = {survey.nodes[network].raw.get("id") for network in networks if network in survey.nodes}
    texts = {str(value) for at in zone.entry.lists for row in zone.values.get(at.at) or () for value in row.values()}
    return not texts.isdisjoint(id for id in ids if isinstance(id, str))


def _named(survey: Survey, callee: str) -> set[str]:
    """The zones that hold a name of an instance or of its private ways."""
    holders = [callee, *_doors(survey, callee)]
    return {edge.target for holder in holders for edge in survey.outgoing(holder, "resolves")}


def _links(survey: Survey, callee: str) -> list[tuple[str, str]]:
    """The links that make the zones of a name known, each with what it makes them known in; a zone may name networks itself."""
    zones = _named(survey, callee)
    links = {edge.source for zone in zones for edge in survey.incoming(zone, "resolves")} | zones
    return sorted((a, edge.target) for a in links for edge in survey.outgoing(a, "resolves") if edge.target not in zones)


def _known(survey: Survey, callee: str, networks: Iterable[str]) -> list[str]:
    """The links that make such a zone known in one of the networks."""
    within = set(networks)
    return sorted({link for link, network in _links(survey, callee) if network in within})
