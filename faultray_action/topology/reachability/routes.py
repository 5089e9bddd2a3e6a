"""The routes of a network: which of them a subnet leaves through, where they end, and whether the plan tells of all of them.

A route names what it leads to and the subnets it holds for. A gateway without an instance (Cloud NAT) names a router instead: it carries every
subnet of the router's network in its region, or those on its list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from faultray_action.catalogue.entry import EdgeRule, Entry
from faultray_action.catalogue.expression import Scope, every
from faultray_action.model.value import UNKNOWN
from faultray_action.topology.blocks import each_route
from faultray_action.topology.known_side import KnownSide
from faultray_action.topology.lists import is_whole
from faultray_action.topology.node import Node
from faultray_action.topology.survey import Survey


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


def leading_routes(survey: Survey) -> set[tuple[str, str]]:
    """What routes hold for, and what they lead to."""
    return {(e.source, e.target) for e in survey.edges if e.role in ("egress-of", "egress-via")}


def ways(survey: Survey, subnet: str, *, front: bool, joints: bool = False) -> frozenset[str]:
    """The exits of a subnet: for users who come in to a front none through a NAT gateway, and what joins networks only where asked for."""
    found: set[str] = set()
    for end in exits(survey, subnet):
        node = survey.nodes.get(end)
        if node is None or (not (node.entry.joint and not joints) and not (front and node.entry.kind == "nat")):
            found.add(end)
    return frozenset(found)


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
    dropping = drops(survey)
    return frozenset(dropping & steps(survey, subnet)) if dropping else frozenset()


def drops(survey: Survey) -> frozenset[str]:
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


# what a plan proves of a subnet's routes


def is_closed(survey: Survey, subnet: str) -> bool:
    """Whether the plan tells everything that leads out of a subnet: the tables that hold for it, with all that stands in them.

    A subnet without a table of its own uses one that the plan does not say: nothing is known of it."""
    node = survey.nodes.get(subnet)
    if node is None or node.resource.data or node.entry.leads_out:
        return False
    associations = survey.incoming(subnet, "egress-of")
    tables = [edge.target for each in associations for edge in survey.outgoing(each.source, "egress-via")]
    return bool(tables) and all(_is_told(survey.nodes[table]) for table in tables)


def _is_told(table: Node) -> bool:
    """Whether a table's list is all that leads out of where it holds, and is known as a whole."""
    return any(listed.whole and is_whole(table.resource, table.raw, listed.at) for listed in table.entry.lists)


def is_managed(survey: Survey, networks: Iterable[str]) -> bool:
    """Whether the plan makes these networks, so that it has what belongs to them; none of them is not enough."""
    found = [survey.nodes.get(network) for network in networks]
    return bool(found) and all(node is not None and not node.resource.data for node in found)
