"""Typed needs between components, each with its evidence; source needs target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set

from msgspec.structs import replace

from faultray_action.model.component import Component, Evidence
from faultray_action.model.graph import Needs
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
    return _without_idle(survey, components, _with_replicas(_strongest(found)))


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


def _without_idle(survey: Survey, components: Mapping[str, Component], found: list[Dependency]) -> tuple[Dependency, ...]:
    """The needs without those of a feed that is switched off (a mapping, a rule) where its workload has other ways in that are not, or where
    another feed takes what it does not bring: it is missed by nobody."""
    off = {address for address, component in components.items() if component.needed and not component.copies}
    if not off:
        return tuple(found)
    feeds = _Feeds(survey, Needs(found), off)
    return tuple(d for d in found if not feeds.is_spare(d))


class _Feeds:
    """What brings work to workloads by itself, and which of it is switched off."""

    def __init__(self, survey: Survey, needs: Needs, off: Set[str]) -> None:
        self._needs = needs
        self._off = off
        self._of: dict[str, set[str]] = {}
        for edge in survey.edges:
            if edge.role == "serves" and survey.nodes[edge.target].entry.workload:
                self._of.setdefault(edge.target, set()).add(edge.source)
        self._all = {feed for feeds in self._of.values() for feed in feeds}

    def is_spare(self, need: Dependency) -> bool:
        """Whether a need is one for a feed that is switched off and that nobody misses."""
        feeds = self._of.get(need.source, set())
        if need.target not in feeds or not self._is_idle(need.target):
            return False
        called = bool(self._needs.hard.reversed.after(need.source))
        return called or any(not self._is_idle(other) for other in feeds) or self._is_taken_over(need.target)

    def _is_idle(self, feed: str) -> bool:
        """Whether nothing comes through a feed: it, or what it takes from, is switched off."""
        return feed in self._off or not self._off.isdisjoint(self._needs.hard.after(feed))

    def _is_taken_over(self, feed: str) -> bool:
        """Whether another feed takes from everything that this one would take from."""
        buffers = [source for source in self._needs.hard.after(feed) if source not in self._off]
        return bool(buffers) and all(self._is_read(buffer) for buffer in buffers)

    def _is_read(self, buffer: str) -> bool:
        readers = self._all.intersection(self._needs.hard.reversed.after(buffer))
        return any(not self._is_idle(reader) for reader in readers)


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
