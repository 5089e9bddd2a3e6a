"""Typed needs between components, each with its evidence; source needs target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set

from msgspec.structs import replace

from faultray_action.model.component import Component, Evidence
from faultray_action.model.topology import Dependency, Role
from faultray_action.topology import places
from faultray_action.topology.node import TypedEdge
from faultray_action.topology.survey import Survey

_FORWARD = {
    "need": Role.NEED,
    "opens": Role.NEED,
    "optional": Role.OPTIONAL,
    "async": Role.ASYNC,
    "startup": Role.STARTUP,
    "replica": Role.REPLICA,
}
_STRENGTH = (Role.NEED, Role.ASYNC, Role.STARTUP, Role.OPTIONAL, Role.REPLICA)


Told = dict[int, tuple[Dependency, ...]]
"""What each edge (by identity) says of who needs whom."""


def tell(survey: Survey, known: Told | None = None, differing: Set[str] = frozenset()) -> Told:
    """The dependencies of each edge; `known` are those of a side that differs from this one at the addresses `differing` only."""
    earlier = known or {}
    return {
        id(edge): earlier[id(edge)] if id(edge) in earlier and edge.target not in differing else tuple(_of_edge(survey, edge))
        for edge in survey.edges
    }


def connect(survey: Survey, components: Mapping[str, Component], told: Told) -> tuple[Dependency, ...]:
    """All dependencies of one side, the strongest of each pair once, sorted."""
    found = [d for edge in survey.edges for d in told[id(edge)] if d.source in components and d.target in components]
    found += _access_paths(survey, components, found)
    found += _gateways(survey, components)
    return tuple(_with_replicas(_strongest(found)))


def _of_edge(survey: Survey, edge: TypedEdge) -> Iterable[Dependency]:
    evidence = (edge.evidence,) if edge.evidence else ()
    if edge.role in _FORWARD:
        yield Dependency(
            edge.source,
            edge.target,
            _FORWARD[edge.role],
            group=edge.group,
            group_needed=edge.group_needed,
            buffer_seconds=edge.buffer_seconds,
            evidence=evidence,
        )
    elif edge.role in ("serves", "member"):
        served = survey.nodes[edge.target]
        group, needed = "", 1
        if served.entry.servers == "any":
            group = f"{edge.target}:servers"
            needed = survey.facts.whole(served.entry.servers_needed, edge.target, survey.scope(served), default=1, more_is_better=False)
        yield Dependency(edge.target, edge.source, Role.NEED, group=group, group_needed=needed, evidence=evidence)


def _strongest(found: Iterable[Dependency]) -> list[Dependency]:
    best: dict[tuple[str, str], Dependency] = {}
    for dependency in found:
        key = (dependency.source, dependency.target)
        known = best.get(key)
        if dependency.source != dependency.target and (known is None or _rank(dependency) < _rank(known)):
            best[key] = dependency
    return [best[key] for key in sorted(best)]


def _rank(dependency: Dependency) -> tuple[int, bool]:
    return _STRENGTH.index(dependency.role), bool(dependency.group)


def _with_replicas(dependencies: list[Dependency]) -> list[Dependency]:
    """A consumer that names a store and its replica reads from the replica: it can do without, and it cannot write to it until somebody
    promotes it."""
    original = {d.source: d.target for d in dependencies if d.role is Role.REPLICA}
    if not original:
        return dependencies
    needs = {(d.source, d.target) for d in dependencies if d.role is Role.NEED and not d.group}
    read = {(source, target) for source, target in needs if (source, original.get(target)) in needs}
    return [replace(d, role=Role.OPTIONAL) if (d.source, d.target) in read else d for d in dependencies]


def _access_paths(survey: Survey, components: Mapping[str, Component], found: list[Dependency]) -> list[Dependency]:
    """Workloads in a network need its endpoint for the provider services that they call (a VPC endpoint with private DNS)."""
    endpoints = [(node, node.entry.path_to) for node in survey.nodes.values() if node.entry.path_to and node.address in components]
    if not endpoints:
        return []
    called = _called_services(survey, components, found)
    paths: list[Dependency] = []
    for endpoint, path_to in endpoints:
        service = survey.facts.text(path_to.service, endpoint.address, survey.scope(endpoint))
        within = {edge.target for edge in survey.outgoing(endpoint.address) if edge.path == path_to.network}
        for caller in sorted(called):
            if any(name in service.split(".") for name in called[caller]) and within & places.networks(survey, caller):
                evidence = Evidence(endpoint.address, path_to.service, "calls from this network run through the endpoint")
                paths.append(Dependency(caller, endpoint.address, evidence=(evidence,)))
    return paths


def _gateways(survey: Survey, components: Mapping[str, Component]) -> Iterable[Dependency]:
    """Workloads need a gateway of several copies (a firewall) that all of their subnets leave through: its copies are no part of theirs."""
    several = {e.target for e in survey.edges if e.role == "egress-via" and e.target in components and components[e.target].size > 1}
    if not several:
        return
    for address in sorted(components.keys() & survey.nodes.keys()):
        if not survey.goes_out(survey.nodes[address]):
            continue
        subnets = places.regional_subnets(survey, address) or places.addressed(survey, address)
        ways = {places.ways_out(survey, subnet) for subnet in subnets}
        only = next(iter(ways)) if len(ways) == 1 else ()
        if len(only) == 1 and only[0] in several:
            evidence = Evidence(only[0], "", "what its subnet sends out runs through it")
            yield Dependency(address, only[0], evidence=(evidence,))


def _called_services(survey: Survey, components: Mapping[str, Component], found: list[Dependency]) -> dict[str, set[str]]:
    """Workload -> catalogue services of what it needs, through connectors."""
    needs: dict[str, list[str]] = {}
    for dependency in found:
        if dependency.role is Role.NEED:
            needs.setdefault(dependency.source, []).append(dependency.target)
    called: dict[str, set[str]] = {}
    for address, node in survey.nodes.items():
        if node.entry.workload and address in components:
            called[address] = {survey.nodes[t].entry.service for t in reached(address, needs, survey) if survey.nodes[t].entry.service}
    return called


def reached(address: str, needs: Mapping[str, Iterable[str]], survey: Survey) -> set[str]:
    """The next components that an address needs, looking through connectors."""
    found: set[str] = set()
    seen = {address}
    stack = [address]
    while stack:
        for target in needs.get(stack.pop(), ()):
            if target in seen:
                continue
            seen.add(target)
            if target in survey.nodes and survey.nodes[target].entry.disposition == "connector":
                stack.append(target)
            else:
                found.add(target)
    return found
