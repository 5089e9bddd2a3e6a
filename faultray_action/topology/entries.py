"""Where users come in (docs/model.md): declared, else public fronts, else the sources of the need graph; queue consumers are deferred entries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from faultray_action.model.component import Component, Kind
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
    needs = _adjacency(dependencies)
    needed = {target for targets in needs.values() for target in targets}
    candidates = _candidates(survey, components, needs)
    found = Found()
    for leader, members in sorted(_by_name(survey, candidates).items()):
        _enter(survey, found, leader, members)
    graph = {**needs}
    for d in found.dependencies:
        graph.setdefault(d.source, []).append(d.target)
    found.entries = [entry for entry in _not_behind_another(found, graph) if _serves(entry.component, components, graph)]
    known = {entry.address for entry in found.entries} | set(candidates)
    if not found.entries:
        found.entries += _sources(survey, components, needs, needed)
    known |= {entry.address for entry in found.entries}
    found.entries += _consumers(survey, components, needs, needed, known)
    known |= {entry.address for entry in found.entries}
    found.entries += _unreferenced(survey, components, needed, known)
    known |= {entry.address for entry in found.entries}
    beside = [a for a in sorted(components.keys() - needed - known) if a in survey.nodes and _is_beside(survey.nodes[a])]
    found.entries += [
        EntryPoint(a, a, components[a].label, inferred="way in from elsewhere") for a in beside if _is_entry(survey, survey.nodes[a])
    ]
    found.entries.sort(key=lambda entry: entry.address)
    return found


def _serves(start: str, components: Mapping[str, Component], graph: Mapping[str, list[str]]) -> bool:
    """Whether anything that can fail stands behind an entry: a name for an address outside the plan is none of ours."""
    seen, stack = {start}, [start]
    while stack:
        here = stack.pop()
        if here in components and (components[here].copies or components[here].needed):
            return True
        fresh = [target for target in graph.get(here, ()) if target not in seen]
        seen.update(fresh)
        stack += fresh
    return False


def _adjacency(dependencies: Iterable[Dependency]) -> dict[str, list[str]]:
    needs: dict[str, list[str]] = {}
    for d in dependencies:
        if d.role in (Role.NEED, Role.ASYNC, Role.OPTIONAL):
            needs.setdefault(d.source, []).append(d.target)
    return needs


def closure(start: str, needs: Mapping[str, Iterable[str]]) -> set[str]:
    """Everything reachable from a vertex, itself left out unless it lies on a cycle."""
    return closure_of((start,), needs)


def closure_of(starts: Iterable[str], needs: Mapping[str, Iterable[str]]) -> set[str]:
    """Everything reachable from any of the vertices, as `closure`."""
    seen: set[str] = set()
    stack = list(starts)
    while stack:
        for target in needs.get(stack.pop(), ()):
            if target not in seen:
                seen.add(target)
                stack.append(target)
    return seen


def _candidates(survey: Survey, components: Mapping[str, Component], needs: Mapping[str, list[str]]) -> list[str]:
    found = [a for a in sorted(components) if (node := survey.nodes.get(a)) and _is_entry(survey, node) and not _is_beside(node)]
    branches = sorted({edge.source for edge in survey.edges if edge.role == "branch"} & components.keys())
    return found + [branch for branch in branches if _is_own_branch(survey, branch, needs)]


def _is_entry(survey: Survey, node: Node) -> bool:
    return node.entry.entry is not None and survey.facts.truth(node.entry.entry.when, node.address, survey.scope(node), better=False)


def _is_beside(node: Node) -> bool:
    return node.entry.entry is not None and node.entry.entry.beside


def _is_own_branch(survey: Survey, address: str, needs: Mapping[str, list[str]]) -> bool:
    """A branch of a public front that leads to something the front's default does not reach."""
    fronts = [front_of(survey, edge.target) for edge in survey.outgoing(address, "branch")]
    if not fronts or not fronts[0]:
        return False
    front = survey.nodes[fronts[0]]
    own = {t for t in closure(address, needs) if survey.nodes[t].entry.disposition == "component"}
    return bool(own - closure(fronts[0], needs)) and _is_entry(survey, front)


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


def _not_behind_another(found: Found, graph: Mapping[str, list[str]]) -> list[EntryPoint]:
    """An inferred entry that another inferred entry needs is none; of two that need each other the first by address stays."""
    addresses = {entry.address for entry in found.entries}
    reach = {entry.address: closure(entry.component, graph) & addresses for entry in found.entries}
    hidden = {
        address
        for other, reached in reach.items()
        for address in reached
        if address != other and not (other in reach[address] and address < other)
    }
    return [entry for entry in found.entries if entry.address not in hidden]


def _sources(survey: Survey, components: Mapping[str, Component], needs: Mapping[str, list[str]], needed: set[str]) -> list[EntryPoint]:
    """Components that need something and that nothing needs; the workloads among them where there are any."""
    free = sorted(components.keys() - needed)
    alone = [a for a in free if a in survey.nodes and survey.nodes[a].entry.disposition == "component" and not survey.nodes[a].entry.joint]
    serving = [a for a in alone if survey.nodes[a].entry.kind not in ("nat", "queue", "storage")]
    busy = [a for a in serving if a in needs or survey.nodes[a].entry.workload]
    inward = [a for a in busy if not consumed(survey, a, needs)]
    return [EntryPoint(a, a, components[a].label, inferred="source of the need graph") for a in inward]


def consumed(survey: Survey, address: str, needs: Mapping[str, list[str]]) -> list[str]:
    """The queues and streams that a workload reads or writes, through connectors."""
    found: list[str] = []
    seen = {address}
    stack = [address]
    while stack:
        for target in needs.get(stack.pop(), ()):
            if target in seen or target not in survey.nodes:
                continue
            seen.add(target)
            entry = survey.nodes[target].entry
            if entry.kind in _BUFFERS:
                found.append(target)
            elif entry.disposition == "connector":
                stack.append(target)
    return sorted(found)


def _consumers(
    survey: Survey, components: Mapping[str, Component], needs: Mapping[str, list[str]], needed: set[str], known: set[str]
) -> list[EntryPoint]:
    """A workload that nothing calls and that names a queue consumes it: an entry whose short outages the queue hides."""
    found: list[EntryPoint] = []
    for address in sorted(components.keys() - needed - known):
        node = survey.nodes.get(address)
        if node is None or not node.entry.workload:
            continue
        queues = consumed(survey, address, needs)
        if queues:
            hours = min(_retention_hours(survey, queue) for queue in queues)
            found.append(
                EntryPoint(address, address, components[address].label, deferred=True, retention_hours=hours, inferred="queue consumer")
            )
    return found


def _retention_hours(survey: Survey, queue: str) -> float:
    node = survey.nodes[queue]
    seconds = survey.facts.number(node.entry.retention, queue, survey.scope(node), default=DEFAULT_RETENTION_HOURS * 3600)
    return seconds / 3600


def _unreferenced(survey: Survey, components: Mapping[str, Component], needed: set[str], known: set[str]) -> list[EntryPoint]:
    """Databases, caches and streams that nothing in this plan refers to are used from elsewhere."""
    found: list[EntryPoint] = []
    for address in sorted(components.keys() - needed - known):
        node = survey.nodes.get(address)
        if node is None or node.entry.disposition != "component":
            continue
        if node.entry.kind in _USED_FROM_ELSEWHERE and not survey.outgoing(address, "replica", "member") and not node.resource.data:
            found.append(EntryPoint(address, address, components[address].label, inferred="store used from elsewhere"))
    return found
