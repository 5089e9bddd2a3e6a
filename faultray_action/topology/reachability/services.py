"""Services of the provider that stand in nobody's network (a table, a queue): called through a way out, or an access path (a VPC endpoint).

A workload in a network of the plan that nothing leads out of reaches none of those that no access path there offers: the side proves it. Where
routes may be told elsewhere, an access path that the other side has and this one has not is the evidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set

from msgspec.structs import replace

from faultray_action.catalogue.expression import every
from faultray_action.topology import places
from faultray_action.topology.dependencies import reached
from faultray_action.topology.known_side import KnownSide
from faultray_action.topology.meanings import rules
from faultray_action.topology.reachability.cuts import Cut
from faultray_action.topology.reachability.routes import exits, is_closed, is_managed, steps, subnets_of
from faultray_action.topology.survey import Survey


def cuts(side: KnownSide, other: KnownSide) -> Iterator[Cut]:
    """Callers of such services that neither a route nor an access path leads to them any more."""
    proven = set(_proven(side))
    told: set[tuple[str, str]] = set()
    for cut in (*_access_paths(side, other), *_out_of_reach(side, other)):
        told.add((cut.caller, cut.callee))
        yield replace(cut, by_change=(cut.caller, cut.callee) not in proven)
    for caller, callee in sorted(proven - told):
        yield Cut(caller, callee, f"no way leads from the network of {caller} to {callee}")


def offered(survey: Survey, within: Set[str]) -> set[str]:
    """The services that access paths in these networks lead to, whether or not calls have to run through them."""
    found: set[str] = set()
    for address, node in survey.nodes.items():
        path = node.entry.path_to
        if path is None or not any(edge.path == path.network and edge.target in within for edge in survey.outgoing(address)):
            continue
        names = [value for value in every(node.values, path.offers) if isinstance(value, str)]
        found |= {part for name in names for part in name.split(".")}
    return found


# what the side proves


def _proven(side: KnownSide) -> Iterator[tuple[str, str]]:
    for address, where in sorted(side.places.items()):
        node = side.survey.nodes[address]
        if not where.subnets or not node.entry.workload or not side.survey.goes_out(node):
            continue
        subnets = subnets_of(side, address)
        around = _networks(side, subnets)
        if not is_managed(side.survey, around) or not all(_is_shut(side, subnet) for subnet in subnets):
            continue
        services = offered(side.survey, around)
        for callee in sorted(_named(side.survey, address)):
            if _is_outside(side.survey, callee) and side.survey.nodes[callee].entry.service not in services:
                yield address, callee


def _is_shut(side: KnownSide, subnet: str) -> bool:
    return is_closed(side.survey, subnet) and not exits(side.survey, subnet)


def _named(survey: Survey, workload: str) -> set[str]:
    """What a workload's own texts name, through what it is made from: what polls a queue for it calls from elsewhere."""
    found: set[str] = set()
    stack = [workload]
    while stack:
        for edge in survey.outgoing(stack.pop(), "need"):
            if edge.target in found:
                continue
            found.add(edge.target)
            if survey.nodes[edge.target].entry.disposition == "connector":
                stack.append(edge.target)
    return found


# what the other side shows


def _access_paths(side: KnownSide, other: KnownSide) -> Iterator[Cut]:
    """Callers whose access path to a service is on the other side only, from subnets that no other way leads out of."""
    for need in other.dependencies:
        node = other.survey.nodes.get(need.target)
        if node is None or node.entry.path_to is None or need.target in side.components or need.source not in side.components:
            continue
        if any(_is_path(side.survey, target, node.entry.service) for target in side.needs.carrying.after(need.source)):
            continue
        subnets = subnets_of(side, need.source)
        if not subnets or _may_lead_out(side.survey, subnets):
            continue
        service = other.survey.facts.text(node.entry.path_to.service, need.target, other.survey.scope(node))
        for target in _called(side, need.source, service):
            told = f"{need.target} was the only way from {need.source} to {target}"
            missing = f"{need.target}, the only way from {need.source} to {target}, does not stand yet"
            yield Cut(need.source, target, side.says(told, missing), by_change=True)


def _out_of_reach(side: KnownSide, other: KnownSide) -> Iterator[Cut]:
    """Workloads that stand in no network on the other side, and here in one that neither a route nor an access path leads out of."""
    for address in sorted(side.places.keys() & other.places.keys()):
        node = side.survey.nodes[address]
        if node is other.survey.nodes.get(address) or not side.survey.goes_out(node) or subnets_of(other, address):
            continue
        subnets = subnets_of(side, address)
        if not subnets or _may_lead_out(side.survey, subnets) or not all(steps(side.survey, subnet) for subnet in subnets):
            continue
        services = offered(side.survey, _networks(side, subnets))
        called = reached(address, side.needs.carrying.successors, side.survey) & other.components.keys()
        for target in sorted(called):
            if _is_outside(side.survey, target) and side.survey.nodes[target].entry.service not in services:
                told = f"{address} moves to subnets from which no way leads to {target}"
                missing = f"{address} stands in subnets from which no way leads to {target}"
                yield Cut(address, target, side.says(told, missing), by_change=True)


def _networks(side: KnownSide, subnets: Iterable[str]) -> set[str]:
    return {network for subnet in subnets for network in places.networks(side.survey, subnet)}


def _is_outside(survey: Survey, address: str) -> bool:
    """Whether it is a service of the provider that stands in nobody's network (a table, a queue)."""
    node = survey.nodes.get(address)
    if node is None or node.entry.zones or not node.entry.service:
        return False
    roles = {rule.role for edge in node.entry.edges.values() for rule in rules(edge)}
    return "placement" not in roles


def _is_path(survey: Survey, address: str, service: str) -> bool:
    node = survey.nodes.get(address)
    return node is not None and node.entry.path_to is not None and node.entry.service == service


def _may_lead_out(survey: Survey, subnets: Iterable[str]) -> bool:
    """Whether any of the subnets has a route out, or may have one that no association tells of."""
    return any(exits(survey, subnet) for subnet in subnets) or any(node.entry.kind == "nat" for node in survey.nodes.values())


def _called(side: KnownSide, caller: str, service: str) -> list[str]:
    names = service.split(".")
    found: list[str] = []
    for address in sorted(side.needs.carrying.closure(caller) & side.survey.nodes.keys()):
        entry = side.survey.nodes[address].entry
        if entry.service in names and entry.path_to is None:
            found.append(address)
    return found
