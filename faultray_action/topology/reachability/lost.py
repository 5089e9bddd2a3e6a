"""What the plan cuts without taking an end away (docs/model.md): the way out of a network, the access path to a service, a name that still
stands in the configuration, the reader of a queue.

Each answer is a broken need of the side after. It is given only where both ends stand on both sides and the way was seen before: a way that
the plan never showed is not missed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set

from msgspec.structs import replace

from faultray_action.catalogue.expression import descend, every
from faultray_action.model.change import Action
from faultray_action.model.topology import Dependency, EntryPoint, Role
from faultray_action.topology import entries, places
from faultray_action.topology.applying import NAMES
from faultray_action.topology.dependencies import reached
from faultray_action.topology.known_side import KnownSide
from faultray_action.topology.meanings import rules
from faultray_action.topology.node import Node, TypedEdge
from faultray_action.topology.reachability.cuts import Cut
from faultray_action.topology.reachability.egress import exits, steps, subnets_of
from faultray_action.topology.survey import Survey


def cuts(after: KnownSide, before: KnownSide) -> Iterable[Cut]:
    """What the plan cuts, of the side after."""
    yield from _access_paths(before, after)
    yield from _out_of_reach(before, after)
    yield from _names(before, after)
    yield from _readers(before, after)
    yield from _nameless(before, after)
    yield from _feeds(before, after)
    for entry, workload in _unled(before, after):
        yield Cut(workload, workload, f"{entry.address} was the only way to {workload}")


# access paths to provider services


def _access_paths(before: KnownSide, after: KnownSide) -> Iterable[Cut]:
    """Callers whose access path to a service goes, from subnets that no other way leads out of."""
    kept = {(d.source, d.target) for d in after.dependencies}
    for d in before.dependencies:
        node = before.survey.nodes.get(d.target)
        if node is None or node.entry.path_to is None or d.target in after.components or d.source not in after.components:
            continue
        if any(source == d.source and _is_path(after.survey, target, node.entry.service) for source, target in kept):
            continue
        subnets = subnets_of(after, d.source)
        if not subnets or _leads_out(after.survey, subnets):
            continue
        service = before.survey.facts.text(node.entry.path_to.service, d.target, before.survey.scope(node))
        for target in _called(after, d.source, service):
            yield Cut(d.source, target, f"{d.target} was the only way from {d.source} to {target}")


def _out_of_reach(before: KnownSide, after: KnownSide) -> Iterable[Cut]:
    """Workloads that the plan moves into a network, which neither a route nor an access path leads out of to the services that they need."""
    for address in sorted(after.places.keys() & before.places.keys()):
        node = after.survey.nodes[address]
        if node is before.survey.nodes.get(address) or not after.survey.goes_out(node) or subnets_of(before, address):
            continue
        subnets = subnets_of(after, address)
        if not subnets or _leads_out(after.survey, subnets) or not all(steps(after.survey, subnet) for subnet in subnets):
            continue
        within = {network for subnet in subnets for network in places.networks(after.survey, subnet)}
        offered = _offered(after.survey, within)
        for target in sorted(reached(address, _adjacency(after.dependencies), after.survey) & before.components.keys()):
            if _is_outside(after.survey, target) and after.survey.nodes[target].entry.service not in offered:
                yield Cut(address, target, f"{address} moves to subnets from which no way leads to {target}")


def _is_outside(survey: Survey, address: str) -> bool:
    """Whether it is a service of the provider that stands in nobody's network (a table, a queue)."""
    node = survey.nodes.get(address)
    stands = node is None or node.entry.zones or any(rule.role == "placement" for edge in node.entry.edges.values() for rule in rules(edge))
    return not stands and node is not None and bool(node.entry.service)


def _offered(survey: Survey, within: Set[str]) -> set[str]:
    """The services that access paths in these networks lead to, whether or not calls have to run through them."""
    found: set[str] = set()
    for address, node in survey.nodes.items():
        path = node.entry.path_to
        if path is not None and any(edge.path == path.network and edge.target in within for edge in survey.outgoing(address)):
            found |= {part for value in every(node.values, path.offers) if isinstance(value, str) for part in value.split(".")}
    return found


def _is_path(survey: Survey, address: str, service: str) -> bool:
    node = survey.nodes.get(address)
    return node is not None and node.entry.path_to is not None and node.entry.service == service


def _leads_out(survey: Survey, subnets: Iterable[str]) -> bool:
    """Whether any of the subnets has a route out, or may have one that no association tells of."""
    return any(exits(survey, subnet) for subnet in subnets) or any(node.entry.kind == "nat" for node in survey.nodes.values())


def _called(side: KnownSide, caller: str, service: str) -> list[str]:
    needs = _adjacency(side.dependencies)
    reached = entries.closure(caller, needs)
    names = service.split(".")
    return [a for a in sorted(reached) if (node := side.survey.nodes.get(a)) and node.entry.service in names and node.entry.path_to is None]


def _adjacency(dependencies: Iterable[Dependency]) -> dict[str, list[str]]:
    needs: dict[str, list[str]] = {}
    for d in dependencies:
        if d.role is not Role.REPLICA:
            needs.setdefault(d.source, []).append(d.target)
    return needs


# names of what is gone


def _names(before: KnownSide, after: KnownSide) -> Iterable[Cut]:
    """Needs whose target the plan deletes, or gives another name, while the text that names it stays as it was."""
    gone = {a for a in before.survey.nodes.keys() - after.survey.nodes.keys() if not before.survey.nodes[a].resource.data}
    replaced = [a for a, n in after.survey.nodes.items() if n.resource.action.replaces and a in before.survey.nodes]
    renamed = {a for a in replaced if _is_renamed(before.survey.nodes[a], after.survey.nodes[a])}
    if not gone and not renamed:
        return
    created = {n.resource.type for n in after.survey.nodes.values() if n.resource.action is Action.CREATE}
    grouped = {(d.source, d.target) for d in before.dependencies if d.group}
    for edge in before.survey.edges:
        if edge.role != "need" or not (edge.target in gone or (edge.target in renamed and not _is_answered(after.survey, edge))):
            continue
        if edge.source not in after.components or edge.target not in before.components:
            continue
        if before.survey.nodes[edge.target].resource.type in created or (edge.source, edge.target) in grouped:
            continue
        if _still_says(before.survey, after.survey, edge) and edge.source not in gone:
            what = "is deleted" if edge.target in gone else "bears that name no more"
            yield Cut(edge.source, edge.source, f"{edge.source} still names {edge.target}, which {what}")


def _is_renamed(node: Node, successor: Node) -> bool:
    """Whether it is known to be called otherwise from now on."""
    pairs = [(descend(node.values, path), descend(successor.values, path)) for path in (*NAMES, "metadata.name")]
    return any(isinstance(was, str) and isinstance(is_now, str) and was != is_now for was, is_now in pairs)


def _is_answered(survey: Survey, edge: TypedEdge) -> bool:
    """Whether anything answers to what a resource names at the place of an edge."""
    return any(other.path == edge.path for other in survey.outgoing(edge.source, "need"))


def _still_says(before: Survey, after: Survey, edge: TypedEdge) -> bool:
    was, is_now = (every(survey.nodes[edge.source].values, edge.path) for survey in (before, after))
    return bool(was) and was == is_now


def _feeds(before: KnownSide, after: KnownSide) -> Iterable[Cut]:
    """Buffers that messages came to, whose only feed goes or falls silent while both its ends stand."""
    fed = {edge.target for edge in _flowing(after)}
    for edge in _flowing(before):
        if edge.target in fed or edge.target not in after.components:
            continue
        for source in before.survey.outgoing(edge.source, "need"):
            if source.target in after.components:
                yield Cut(edge.target, source.target, f"{edge.source} brought it the messages of {source.target}")


def _flowing(side: KnownSide) -> list[TypedEdge]:
    """Feeds through which messages come: none of what they take them from is switched off."""
    off = {a for a, component in side.components.items() if component.needed and not component.copies}
    return [e for e in side.survey.edges if e.role == "feeds" and not any(s.target in off for s in side.survey.outgoing(e.source, "need"))]


# members and servers of a group


def unserved(after: KnownSide, before: KnownSide) -> Iterable[Cut]:
    """Groups of servers or members behind an entry that had some and have none left."""
    needs = _adjacency(after.dependencies)
    in_use = {a for entry in after.entries for a in entries.closure(entry.component, needs) | {entry.component}}
    for address in sorted(in_use & before.components.keys() & after.components.keys()):
        node = before.survey.nodes.get(address)
        if node is None or node.entry.servers != "any" or needs.get(address) or not before.survey.incoming(address, "serves", "member"):
            continue
        wanted = before.survey.facts.whole(node.entry.servers_needed, address, before.survey.scope(node), default=1, more_is_better=False)
        if wanted > 0:
            gone = min(edge.source for edge in before.survey.incoming(address, "serves", "member"))
            yield Cut(address, address, f"{address} had {gone} behind it and has nothing left")


# names that lead to a front


def _nameless(before: KnownSide, after: KnownSide) -> Iterable[Cut]:
    for entry, front in _unnamed(before, after):
        yield Cut(front, front, f"{entry.address}, the name that leads to {front}, is deleted")


def by_lost_names(before: KnownSide, after: KnownSide) -> list[EntryPoint]:
    """The entries of the side after, of which a front that lost its name is known by the keys of that name: it is the entry that the name was."""
    lost: dict[str, tuple[str, ...]] = {}
    for entry, front in _unnamed(before, after):
        lost.setdefault(front, entry.keys)
    return [replace(e, keys=(*e.keys, *lost[e.component])) if e.component in lost else e for e in after.entries]


def _unnamed(before: KnownSide, after: KnownSide) -> Iterable[tuple[EntryPoint, str]]:
    """Fronts whose public name is deleted while they stand, and that no other name leads to."""
    needs_before, needs_after = _adjacency(before.dependencies), _adjacency(after.dependencies)
    keys = {key for entry in after.entries for key in entry.keys}
    led_to = {a for e in after.entries if e.component not in before.survey.nodes for a in entries.closure(e.component, needs_after)}
    for entry in before.entries:
        if entry.address in after.survey.nodes or entry.deferred or set(entry.keys) & keys or not _is_name(before.survey, entry.address):
            continue
        fronts = [a for a in sorted(needs_before.get(entry.component, ())) if a in after.components and a not in led_to]
        named = {a for a in fronts if not any(a in targets for targets in needs_after.values())}
        yield from ((entry, front) for front in sorted(named))


# parts of a front that led to a workload


def _unled(before: KnownSide, after: KnownSide) -> Iterable[tuple[EntryPoint, str]]:
    """Workloads that stand on both sides and that nobody is led to any more, since the rule or the route that led there is deleted."""
    gone = [e for e in before.entries if not e.deferred and _is_part(before.survey, e.component) and e.component not in after.survey.nodes]
    if not gone:
        return
    needs_before, needs_after = _adjacency(before.dependencies), _adjacency(after.dependencies)
    led_to = {a for e in after.entries for a in (e.component, *entries.closure(e.component, needs_after))}
    for entry in gone:
        behind = reached(entry.component, needs_before, before.survey)
        alone = [a for a in sorted(behind & after.components.keys() - led_to) if before.survey.nodes[a].entry.workload]
        if alone:
            yield entry, alone[0]


def _is_part(survey: Survey, address: str) -> bool:
    """A connector that an entry is made of, and no name."""
    node = survey.nodes.get(address)
    return node is not None and node.entry.disposition == "connector" and not _is_name(survey, address)


def _is_name(survey: Survey, address: str) -> bool:
    """A record that leads somewhere by itself: no component, and grouped by the name it stands for."""
    node = survey.nodes.get(address)
    return node is not None and node.entry.disposition == "connector" and node.entry.entry is not None and bool(node.entry.entry.group_by)


# readers of queues


def _readers(before: KnownSide, after: KnownSide) -> Iterable[Cut]:
    """Consumers that read a queue before, read none after, and that nobody else calls, while the queue stands and no new one took over."""
    waiting = [e for e in before.entries if e.deferred and e.component in after.components]
    if not waiting:
        return
    needs_before, needs_after = _adjacency(before.dependencies), _adjacency(after.dependencies)
    called = {target for targets in needs_after.values() for target in targets}
    for entry in waiting:
        queues = [q for q in entries.consumed(before.survey, entry.component, needs_before) if q in after.components]
        queues = [q for q in queues if not _taken_over(after, q, needs_after, before.components.keys())]
        if queues and entry.component not in called and not entries.consumed(after.survey, entry.component, needs_after):
            yield Cut(entry.component, queues[0], f"{entry.component} read {queues[0]} before and reads nothing after")


def _taken_over(after: KnownSide, queue: str, needs: Mapping[str, list[str]], known: Set[str]) -> bool:
    """Whether a workload that the plan creates reads the queue from now on: the old one hands over to it."""
    new = (a for a in after.components.keys() - known if a in after.survey.nodes and after.survey.nodes[a].entry.workload)
    return any(queue in entries.consumed(after.survey, address, needs) for address in new)


def reappearing(before: KnownSide, after: KnownSide, cut: Iterable[Cut]) -> list[EntryPoint]:
    """Entries of before that a broken need has made none: they stand, and they are down."""
    sources = {each.caller for each in cut}
    known = {entry.address for entry in after.entries}
    back = [e for e in before.entries if e.component in sources and e.address not in known and e.component in after.components]
    return back + [replace(entry, component=alone) for entry, alone in _unled(before, after)]
