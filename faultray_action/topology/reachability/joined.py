"""Networks that are joined as a whole (peerings of Azure, connections of a hub): whoever stands in one reaches the other by its addresses.

A side proves that two networks are apart where the plan makes both and nothing of it joins either of them with anything. Else it takes a chain of
ways that the other side has and this one has not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set

from faultray_action.topology import places
from faultray_action.topology.known_side import KnownSide
from faultray_action.topology.reachability.cuts import Cut
from faultray_action.topology.reachability.routes import is_managed
from faultray_action.topology.survey import Survey

Pair = frozenset[str]
"""Two networks."""

Joins = Mapping[Pair, Set[str]]
"""Two networks -> those of them that declare a way to the other."""


def cuts(side: KnownSide, other: KnownSide) -> Iterator[Cut]:
    """Calls between two networks that are not joined on this side."""
    if not _has_such_networks(side.survey):
        return
    here, there = _joins(side.survey), _joins(other.survey)
    wanted = _declared(here, there)
    islands, islands_there = _islands(here, wanted), _islands(there, wanted)
    for caller, callee in sorted(side.needs.met.edges()):
        ends = _ends_of(side, caller, callee)
        if ends is None or _meet(islands, ends):
            continue
        was_joined = ends == _ends_of(other, caller, callee) and _meet(islands_there, ends)
        calls_there = callee in other.needs.met.after(caller)
        proven = all(_is_alone(side.survey, networks) for networks in ends)
        if was_joined and calls_there:
            way = _way(side, other, ends)
            told = f"{way} joined the networks of {caller} and {callee}"
            missing = f"{way} does not join the networks of {caller} and {callee} yet"
            yield Cut(caller, callee, side.says(told, missing), by_change=not proven)
        elif proven:
            yield Cut(caller, callee, f"nothing joins the networks of {caller} and {callee}")


def _has_such_networks(survey: Survey) -> bool:
    return any(node.entry.joined_whole for node in survey.nodes.values())


Ends = tuple[frozenset[str], frozenset[str]]
"""The networks of a caller, and those of whom it calls."""


def stands_in(survey: Survey, address: str) -> frozenset[str]:
    """The networks that an instance stands in, by itself or through the connectors that it serves."""
    if address not in survey.nodes:
        return frozenset()
    found: set[str] = set()
    for place in places.footholds(survey, address):
        found |= places.networks(survey, place) or {place}
    return frozenset(found)


def _ends_of(side: KnownSide, caller: str, callee: str) -> Ends | None:
    """The networks of both ends; None where they stand in one together, or one of them in none."""
    here, there = stands_in(side.survey, caller), stands_in(side.survey, callee)
    return (here, there) if here and there and not here & there else None


def _way(side: KnownSide, other: KnownSide, ends: Ends) -> str:
    """What joined the networks on the other side: what is gone before what stands, one that names them before any."""
    gone = _joining(other.survey) - side.survey.nodes.keys()
    ways = sorted(gone or _joining(other.survey))
    networks = ends[0] | ends[1]
    named = [way for way in ways if not networks.isdisjoint(_joined_by(other.survey, way))]
    return (named or ways)[0]


def _is_alone(survey: Survey, networks: Set[str]) -> bool:
    """Whether the plan makes these networks, of a kind that is joined as a whole, and nothing of it joins them."""
    if not is_managed(survey, networks):
        return False
    if not all(survey.nodes[network].entry.joined_whole for network in networks):
        return False
    sources = {link.source for link in survey.links.links if link.target in networks}
    return not any(_joins_networks(survey, source) for source in sources & survey.nodes.keys())


def _joins_networks(survey: Survey, address: str) -> bool:
    return survey.nodes[address].entry.joint or bool(survey.outgoing(address, "joins"))


def _joining(survey: Survey) -> set[str]:
    return {edge.source for edge in survey.edges if edge.role == "joins"}


def _joined_by(survey: Survey, address: str) -> set[str]:
    return {edge.target for edge in survey.outgoing(address, "joins")}


def _joins(survey: Survey) -> dict[Pair, set[str]]:
    """The ways of a side: a peering counts with its counterpart only."""
    found: dict[Pair, set[str]] = {}
    for address in sorted(_joining(survey)):
        edges = sorted(survey.outgoing(address, "joins"), key=lambda edge: edge.path)
        pair = frozenset(edge.target for edge in edges)
        if len(pair) > 1:
            found.setdefault(pair, set()).add(edges[0].target)
    return found


def _declared(here: Joins, there: Joins) -> dict[Pair, set[str]]:
    """Every direction that either side of the plan shows."""
    found = {pair: set(ways) for pair, ways in here.items()}
    for pair, ways in there.items():
        found.setdefault(pair, set()).update(ways)
    return found


def _islands(joins: Joins, wanted: Joins) -> list[set[str]]:
    """Networks that reach each other. A pair is joined where every direction stands that is wanted."""
    islands: list[set[str]] = []
    for pair, ways in joins.items():
        if ways != wanted[pair]:
            continue
        apart = [island for island in islands if not island & pair]
        touching = [island for island in islands if island & pair]
        islands = [*apart, set(pair).union(*touching)]
    return islands


def _meet(islands: Iterable[Set[str]], ends: Ends) -> bool:
    here, there = ends
    return any(island & here and island & there for island in islands)
