"""Where users come in (docs/model.md): declared, else public fronts, else the sources of the need graph; queue consumers are deferred entries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from faultray_action.model.component import Component, Kind
from faultray_action.model.graph import Graph, Needs
from faultray_action.model.topology import Dependency, EntryPoint, Role
from faultray_action.topology.components import front_of, label
from faultray_action.topology.node import Node
from faultray_action.topology.survey import Survey

_BUFFERS = ("queue", "stream")
_USED_FROM_ELSEWHERE = ("database", "cache", "stream")
DEFAULT_RETENTION_HOURS = 96.0
"""What a queue keeps where its entry says nothing: four days, the default of SQS."""


@dataclass(slots=True)
class Found:
    """Entry points, and what had to be added to the graph for them (one vertex for the records of one name)."""

    entries: list[EntryPoint] = field(default_factory=list)
    components: list[Component] = field(default_factory=list)
    dependencies: list[Dependency] = field(default_factory=list)


def find(survey: Survey, components: Mapping[str, Component], dependencies: Iterable[Dependency]) -> Found:
    """The entry points of one side, sorted by address."""
    needs = Needs(dependencies).serving
    found, candidates = _fronts(survey, components, needs)
    grown = Graph((*needs.edges(), *((d.source, d.target) for d in found.dependencies)))
    found.entries = [entry for entry in _not_behind_another(found, grown) if _leads_to_anything(entry.component, components, grown)]
    known = {entry.address for entry in found.entries} | set(candidates)
    if not found.entries:
        found.entries += _sources(survey, components, needs)
    for more in (_consumers, _unreferenced, _beside):
        known |= {entry.address for entry in found.entries}
        free = sorted(components.keys() - needs.targets - known)
        found.entries += more(survey, components, needs, free)
    found.entries.sort(key=lambda entry: entry.address)
    return found


def _fronts(survey: Survey, components: Mapping[str, Component], needs: Graph) -> tuple[Found, list[str]]:
    """Fronts that users come in by, records of one name together, and the addresses that were considered."""
    candidates = _candidates(survey, components, needs)
    found = Found()
    for leader, members in sorted(_by_name(survey, candidates).items()):
        _enter(survey, found, leader, members)
    return found, candidates


def _leads_to_anything(start: str, components: Mapping[str, Component], graph: Graph) -> bool:
    """Whether anything that can fail stands behind an entry: a name for an address outside the plan is none of ours."""
    return any(a in components and (components[a].copies or components[a].needed) for a in graph.within(start))


def _candidates(survey: Survey, components: Mapping[str, Component], needs: Graph) -> list[str]:
    standing = [survey.nodes[address] for address in sorted(components) if address in survey.nodes]
    fronts = [node.address for node in standing if not _is_beside(node) and _is_entry(survey, node)]
    found = [address for address in fronts if not _is_way_out(survey, address, needs)]
    branches = sorted({edge.source for edge in survey.edges if edge.role == "branch"} & components.keys())
    return found + [branch for branch in branches if _is_own_branch(survey, branch, needs)]


def _is_way_out(survey: Survey, address: str, needs: Graph) -> bool:
    """Whether routes lead out through it, or through what its address belongs to (a NAT instance): nobody comes in there."""

    def passes(other: str) -> bool:
        return other in survey.nodes and survey.nodes[other].entry.disposition == "connector"

    ends = needs.next(address, passes) if passes(address) else {address}
    return bool(ends) and all(survey.incoming(end, "egress-via") for end in ends)


def _is_entry(survey: Survey, node: Node) -> bool:
    return node.entry.entry is not None and survey.facts.truth(node.entry.entry.when, node.address, survey.scope(node), better=False)


def _is_beside(node: Node) -> bool:
    return node.entry.entry is not None and node.entry.entry.beside


def _is_own_branch(survey: Survey, address: str, needs: Graph) -> bool:
    """A branch of a public front that leads to something the front's default does not reach."""
    fronts = [front_of(survey, edge.target) for edge in survey.outgoing(address, "branch")]
    if not fronts or not fronts[0]:
        return False
    front = survey.nodes[fronts[0]]
    own = {t for t in needs.closure(address) if survey.nodes[t].entry.disposition == "component"}
    return bool(own - needs.closure(fronts[0])) and _is_entry(survey, front)


def _by_name(survey: Survey, candidates: Iterable[str]) -> dict[str, list[str]]:
    """Leader -> records of one DNS name; everything else leads itself."""
    named: dict[tuple[str, ...], list[str]] = {}
    groups: dict[str, list[str]] = {}
    for address in candidates:
        facts = survey.nodes[address].entry.entry
        if facts is None or not facts.group_by:
            groups[address] = [address]
            continue
        scope = survey.scope(survey.nodes[address])
        key = tuple(str(scope.get(path)) for path in facts.group_by)
        named.setdefault(key, []).append(address)
    for members in named.values():
        primary = [a for a in members if _holds(survey, a, "primary")]
        groups[min(primary or members)] = sorted(members)
    return groups


def _holds(survey: Survey, address: str, fact: str) -> bool:
    node = survey.nodes[address]
    text = getattr(node.entry.entry, fact) if node.entry.entry else ""
    return survey.facts.truth(text, address, survey.scope(node), better=True)


def _enter(survey: Survey, found: Found, leader: str, members: list[str]) -> None:
    node = survey.nodes[leader]
    component = leader
    if len(members) > 1:
        component = f"{leader}#name"
        spare = all(_holds(survey, member, "failover") for member in members)
        idle: list[str] = []
        if not spare:  # a primary that is never found wanting is always answered, its secondaries never
            answered = [member for member in members if _holds(survey, member, "primary")] or members
            members, idle = answered, [member for member in members if member not in answered]
        group = f"{component}:records" if spare else ""
        found.components.append(Component(component, Kind.CONNECTOR, "records of one name", (), 0))
        found.dependencies += [Dependency(component, member, Role.OPTIONAL) for member in idle]
        found.dependencies += [Dependency(component, member, group=group) for member in members]
    found.entries.append(EntryPoint(leader, component, label(node), inferred="public front", keys=_keys(survey, node)))


def _keys(survey: Survey, node: Node) -> tuple[str, ...]:
    paths = node.entry.entry.keys if node.entry.entry else ()
    values = (survey.facts.text(path, node.address, survey.scope(node)) for path in paths)
    return tuple(sorted({f"{node.resource.type}:{value}" for value in values if value}))


def _not_behind_another(found: Found, graph: Graph) -> list[EntryPoint]:
    """An inferred entry that another inferred entry needs is none; of two that need each other the first by address stays."""
    addresses = {entry.address for entry in found.entries}
    reach = {entry.address: graph.closure(entry.component) & addresses for entry in found.entries}
    hidden: set[str] = set()
    for other, reached in reach.items():
        behind = reached - {other}
        hidden |= {address for address in behind if other not in reach[address] or other < address}
    return [entry for entry in found.entries if entry.address not in hidden]


def _sources(survey: Survey, components: Mapping[str, Component], needs: Graph) -> list[EntryPoint]:
    """Components that need something and that nothing needs; the workloads among them where there are any."""
    found: list[EntryPoint] = []
    for address in sorted(components.keys() - needs.targets):
        node = survey.nodes.get(address)
        if node is None or not _may_be_called(node) or _is_way_out(survey, address, needs):
            continue
        if not needs.after(address) and not node.entry.workload:
            continue
        if not consumed(survey, address, needs):
            found.append(EntryPoint(address, address, components[address].label, inferred="source of the need graph"))
    return found


def _may_be_called(node: Node) -> bool:
    """Whether users may call it where no front is known: it serves by itself, and is more than a way or a place for something."""
    entry = node.entry
    return entry.disposition == "component" and not entry.joint and not entry.latent and entry.kind not in ("nat", "queue", "storage")


def consumed(survey: Survey, address: str, needs: Graph) -> list[str]:
    """The queues and streams that a workload reads or writes, through connectors."""

    def passes(other: str) -> bool:
        return other in survey.nodes and not _is_buffer(survey, other) and survey.nodes[other].entry.disposition == "connector"

    return sorted(other for other in needs.next(address, passes) if other in survey.nodes and _is_buffer(survey, other))


def _is_buffer(survey: Survey, address: str) -> bool:
    return survey.nodes[address].entry.kind in _BUFFERS


def _consumers(survey: Survey, components: Mapping[str, Component], needs: Graph, free: Iterable[str]) -> list[EntryPoint]:
    """A workload that nothing calls and that names a queue consumes it: an entry whose short outages the queue hides."""
    found: list[EntryPoint] = []
    for address in free:
        node = survey.nodes.get(address)
        queues = consumed(survey, address, needs) if node is not None and node.entry.workload else []
        if queues:
            hours = min(_retention_hours(survey, queue) for queue in queues)
            found.append(_consumer(address, components[address].label, hours))
    return found


def _consumer(address: str, label: str, hours: float) -> EntryPoint:
    return EntryPoint(address, address, label, deferred=True, retention_hours=hours, inferred="queue consumer")


def _retention_hours(survey: Survey, queue: str) -> float:
    node = survey.nodes[queue]
    seconds = survey.facts.number(node.entry.retention, queue, survey.scope(node), default=DEFAULT_RETENTION_HOURS * 3600)
    return seconds / 3600


def _unreferenced(survey: Survey, components: Mapping[str, Component], needs: Graph, free: Iterable[str]) -> list[EntryPoint]:
    """Databases, caches and streams that nothing in this plan refers to are used from elsewhere."""
    found: list[EntryPoint] = []
    for address in free:
        node = survey.nodes.get(address)
        if node is None or node.entry.disposition != "component" or node.entry.kind not in _USED_FROM_ELSEWHERE or node.resource.data:
            continue
        if not survey.outgoing(address, "replica", "member"):
            found.append(EntryPoint(address, address, components[address].label, inferred="store used from elsewhere"))
    return found


def _beside(survey: Survey, components: Mapping[str, Component], needs: Graph, free: Iterable[str]) -> list[EntryPoint]:
    """Ways in from elsewhere (a customer's site), which stand beside the others."""
    standing = [survey.nodes[address] for address in free if address in survey.nodes]
    open_ones = [node.address for node in standing if _is_beside(node) and _is_entry(survey, node)]
    return [EntryPoint(address, address, components[address].label, inferred="way in from elsewhere") for address in open_ones]
