"""Ways between networks and private ways to a service that a plan takes away (docs/model.md): a peering, a private endpoint, a name's zone.

As in `lost`: an answer is given only where both ends stand on both sides and the way was seen before.
"""

from __future__ import annotations

from collections.abc import Iterable

from faultray_action.model.topology import Role
from faultray_action.topology import places
from faultray_action.topology.known_side import KnownSide
from faultray_action.topology.reachability.cuts import Cut
from faultray_action.topology.survey import Survey


def cuts(after: KnownSide, before: KnownSide) -> Iterable[Cut]:
    """What the plan cuts, of the side after."""
    yield from _parted(before, after)
    yield from _shut(before, after)
    yield from _unresolved(before, after)
    yield from _unnamed(before, after)


def _needs(side: KnownSide) -> set[tuple[str, str]]:
    return {(d.source, d.target) for d in side.dependencies if d.role is Role.NEED and not d.broken}


def _kept_calls(before: KnownSide, after: KnownSide) -> list[tuple[str, str]]:
    """Direct needs of both sides, sorted."""
    return sorted(_needs(before) & _needs(after))


# networks


def _parted(before: KnownSide, after: KnownSide) -> Iterable[Cut]:
    """Calls between two networks that were joined, by a chain of ways, and are joined no more."""
    was, is_now = _joins(before.survey), _joins(after.survey)
    both = {pair: was.get(pair, set()) | is_now.get(pair, set()) for pair in {*was, *is_now}}
    if all(is_now.get(pair) == ways for pair, ways in both.items()):
        return
    joined_before, joined_after = _islands(was, both), _islands(is_now, both)
    gone = sorted(a for a in _joining(before.survey) if a not in after.survey.nodes) or sorted(_joining(after.survey))
    for caller, callee in _through_connectors(before, after):
        here, there = _networks(before.survey, caller), _networks(before.survey, callee)
        if (here, there) != (_networks(after.survey, caller), _networks(after.survey, callee)) or here & there:
            continue
        if _meet(joined_before, here, there) and not _meet(joined_after, here, there):
            way = next((a for a in gone if _ends(before.survey, a) & (here | there)), gone[0] if gone else caller)
            yield Cut(caller, callee, f"{way} joined the networks of {caller} and {callee}")


Pair = frozenset[str]


def _joining(survey: Survey) -> list[str]:
    return sorted({edge.source for edge in survey.edges if edge.role == "joins"})


def _ends(survey: Survey, address: str) -> set[str]:
    return {edge.target for edge in survey.outgoing(address, "joins")}


def _joins(survey: Survey) -> dict[Pair, set[str]]:
    """Two networks -> the names of those that a way to the other is declared in: a peering counts with its counterpart only."""
    found: dict[Pair, set[str]] = {}
    for address in _joining(survey):
        edges = sorted(survey.outgoing(address, "joins"), key=lambda edge: edge.path)
        ends = frozenset(edge.target for edge in edges)
        if len(ends) == 2:
            found.setdefault(ends, set()).add(edges[0].target)
    return found


def _islands(joins: dict[Pair, set[str]], wanted: dict[Pair, set[str]]) -> list[set[str]]:
    """Networks that reach each other. A pair is joined where every direction stands that either side of the plan shows."""
    islands: list[set[str]] = []
    for pair, ways in joins.items():
        if ways == wanted[pair]:
            touching = [island for island in islands if island & pair]
            islands = [island for island in islands if island not in touching] + [set(pair).union(*touching)]
    return islands


def _meet(islands: Iterable[set[str]], here: Iterable[str], there: Iterable[str]) -> bool:
    return any(not island.isdisjoint(here) and not island.isdisjoint(there) for island in islands)


def _networks(survey: Survey, address: str) -> frozenset[str]:
    found: set[str] = set()
    for place in places.footholds(survey, address) if address in survey.nodes else ():
        found |= places.networks(survey, place) or {place}
    return frozenset(found)


def _through_connectors(before: KnownSide, after: KnownSide) -> list[tuple[str, str]]:
    """Needs of both sides between instances that stand in networks; connectors on the way have none of their own."""
    return [(a, b) for a, b in _kept_calls(before, after) if _networks(after.survey, a) and _networks(after.survey, b)]


# private ways to a service


def _shut(before: KnownSide, after: KnownSide) -> Iterable[Cut]:
    """Calls of what is reached by private ways or by rules only, the last of which goes; of what the plan closes to callers that stand in no
    network; and of callers that leave the network from which a private way was theirs."""
    calls = _kept_calls(before, after)
    guarded = {edge.target for edge in before.survey.edges if edge.role in ("opens", "admits")}
    for callee in sorted({callee for _, callee in calls if callee in guarded or _may_be_private(after.survey, callee)}):
        private = _is_private(after.survey, callee)
        was, is_now = _ways_in(before.survey, callee), _ways_in(after.survey, callee)
        closed = private and not _is_private(before.survey, callee)
        gone = was if was and not is_now else []
        if not (gone or closed or private):
            continue
        for caller in sorted(a for a, b in calls if b == callee and a not in was):
            if gone:
                yield Cut(caller, callee, f"{gone[0]} was the only way to {callee}")
            elif not after.survey.nodes[caller].entry.workload or _networks(after.survey, caller):
                continue
            elif closed:
                yield Cut(caller, callee, f"{callee} is closed to callers outside of its networks, {caller} among them")
            elif private and _is_private(before.survey, callee) and _networks(before.survey, caller):
                yield Cut(caller, callee, f"{caller} leaves the network from which it reached {callee}")


def _may_be_private(survey: Survey, address: str) -> bool:
    return address in survey.nodes and bool(survey.nodes[address].entry.private)


def _is_private(survey: Survey, address: str) -> bool:
    node = survey.nodes.get(address)
    return (
        node is not None and bool(node.entry.private) and survey.facts.truth(node.entry.private, address, survey.scope(node), better=False)
    )


def _doors(survey: Survey, address: str) -> list[str]:
    return sorted({edge.source for edge in survey.incoming(address, "opens")}) if address in survey.nodes else []


def _ways_in(survey: Survey, address: str) -> list[str]:
    """The private ways to an instance, and the rules that let others in where it is not private."""
    if address not in survey.nodes:
        return []
    rules = [] if _is_private(survey, address) else [edge.source for edge in survey.incoming(address, "admits")]
    return sorted({*_doors(survey, address), *rules})


# names


def _unresolved(before: KnownSide, after: KnownSide) -> Iterable[Cut]:
    """Calls by a name that a private zone held for the caller's network, and that nothing holds there any more."""
    if not any(edge.role == "resolves" for edge in before.survey.edges):
        return
    for caller, callee in _kept_calls(before, after):
        networks = _networks(after.survey, caller)
        if not networks or not _is_private(after.survey, callee) or _asks_elsewhere(after.survey, networks):
            continue
        was, is_now = _known(before.survey, callee, networks), _known(after.survey, callee, networks)
        if was and not is_now and _named(before.survey, callee):
            gone = next((a for a in was if a not in after.survey.nodes), was[0])
            yield Cut(caller, callee, f"{gone} made the name of {callee} known to {caller}")


def _unnamed(before: KnownSide, after: KnownSide) -> Iterable[Cut]:
    """Calls by a record of a private zone that was known in the caller's network, and that is not known there any more."""
    named = {edge.source for edge in after.survey.edges if edge.role == "resolves"} & before.survey.nodes.keys()
    records = {a for a in named if after.survey.nodes[a].entry.disposition == "connector"}
    for record in sorted(a for a in records if _links(before.survey, a) != _links(after.survey, a)):
        for caller in sorted(_callers(before, record) & _callers(after, record)):
            networks = _networks(after.survey, caller)
            was, is_now = _known(before.survey, record, networks), _known(after.survey, record, networks)
            if was and not is_now and not _asks_elsewhere(after.survey, networks):
                gone = next((a for a in was if a not in after.survey.nodes), was[0])
                yield Cut(caller, record, f"{gone} made the name {record} known to {caller}")


def _callers(side: KnownSide, address: str) -> set[str]:
    """What stands in a network and calls an address, directly or through connectors."""
    sources: dict[str, list[str]] = {}
    for source, target in _needs(side):
        sources.setdefault(target, []).append(source)
    found: set[str] = set()
    stack = [address]
    while stack:
        fresh = set(sources.get(stack.pop(), ())) - found
        found |= fresh
        stack += [a for a in fresh if a in side.survey.nodes and side.survey.nodes[a].entry.disposition == "connector"]
    return {a for a in found if _networks(side.survey, a)}


def _asks_elsewhere(survey: Survey, networks: Iterable[str]) -> bool:
    nodes = [survey.nodes[a] for a in networks if a in survey.nodes]
    return any(survey.facts.truth(n.entry.own_names, n.address, survey.scope(n), better=True) for n in nodes if n.entry.own_names)


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
