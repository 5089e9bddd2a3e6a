"""Fronts that lead nowhere: a listener without a forward, an empty group of servers, a selector that matches nothing.

That a front has nothing behind it in the plan proves nothing yet: another plan may fill it (rules of a shared load balancer, targets that a
controller registers). It is proven where something stands beside it that is there to be called through such a front and that nothing leads to
(the catalogue's `awaits`). Else a workload or store that the other side reaches through it is the evidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from faultray_action.catalogue.entry import Awaits
from faultray_action.catalogue.expression import Scope, every
from faultray_action.model.component import Kind
from faultray_action.model.topology import EntryPoint
from faultray_action.model.value import UNKNOWN
from faultray_action.topology import places
from faultray_action.topology.known_side import KnownSide
from faultray_action.topology.node import Node, TypedEdge
from faultray_action.topology.reachability.cuts import Cut
from faultray_action.topology.survey import Survey

_FRONTS = ("load_balancer", "gateway", "cdn")
"""Kinds of connectors that users' traffic runs through, unlike a configuration that only names what is behind it."""

_PASSING = (Kind.CONNECTOR, Kind.LOAD_BALANCER, Kind.GATEWAY, Kind.CDN, Kind.DNS, Kind.NAT)
"""Kinds that pass requests on and answer none themselves."""


def unserved(side: KnownSide, other: KnownSide) -> Iterator[Cut]:
    """Groups of servers or members in use that have none."""
    for address in sorted(side.in_use & side.survey.nodes.keys()):
        if side.survey.nodes[address].entry.servers != "any" or side.needs.carrying.after(address):
            continue
        beside = _awaiting(side, {address})
        if _may_lead(side, other, address):
            continue
        if gone := _served_by(other, address):
            yield Cut(address, address, side.says(*_of_group(address, gone)), by_change=not beside)
        elif beside:
            yield Cut(address, address, f"{address} has nothing behind it, and nothing leads to {beside}")


def _of_group(address: str, servers: str) -> tuple[str, str]:
    return f"{address} had {servers} behind it and has nothing left", f"{address} has nothing behind it before it gets {servers}"


def _served_by(side: KnownSide, address: str) -> str:
    """One of those that a group has behind it and needs, "" where it has or needs none."""
    node = side.survey.nodes.get(address)
    serving = side.survey.incoming(address, "serves", "member")
    if node is None or address not in side.components or not serving:
        return ""
    wanted = side.survey.facts.whole(node.entry.servers_needed, address, side.survey.scope(node), default=1, more_is_better=False)
    return min(edge.source for edge in serving) if wanted > 0 else ""


def dead_ends(side: KnownSide, other: KnownSide) -> list[Cut]:
    """Entries that lead nowhere, and fronts behind the others; asked of sides whose needs are cut already."""
    dead = list(_dead_entries(side, other))
    return [*dead, *_dead_fronts(side, other, {cut.caller for cut in dead})]


def _dead_entries(side: KnownSide, other: KnownSide) -> Iterator[Cut]:
    """Entries with no workload and no store behind them at all, met or broken: a broken need explains itself why nothing is reached."""
    for entry in side.entries:
        start = entry.component
        if start not in side.components or _serves_itself(side, entry):
            continue
        behind = side.needs.carrying.closure(start)
        if _serving(side, behind) or _may_lead(side, other, start):
            continue
        reached = _serving(other, other.needs.carried.closure(start)) - {start} if start in other.components else set[str]()
        beside = "" if _branches_off(side, {start, *behind}) else _awaiting(side, {start, *behind})
        if reached:
            target = other.needs.carried.nearest(start, reached & side.components.keys()) or start
            yield Cut(start, target, side.says(*_of_front(entry.address, min(reached))), by_change=not beside)
        elif beside:
            yield Cut(start, start, f"{entry.address} reaches nothing, and nothing leads to {beside}")


def _branches_off(side: KnownSide, parts: set[str]) -> bool:
    """Whether rules beside what leads nowhere by default lead somewhere: a front may well answer all others itself."""
    rules = [edge.source for part in parts for edge in side.survey.incoming(part, "branch")]
    return any(_serving(side, side.needs.carrying.closure(rule)) for rule in rules)


def _of_front(address: str, reached: str) -> tuple[str, str]:
    return f"{address} reached {reached} before and reaches nothing after", f"{address} reaches nothing before it reaches {reached}"


def _dead_fronts(side: KnownSide, other: KnownSide, dead_entries: set[str]) -> Iterator[Cut]:
    """Fronts behind an entry (a Service, a backend pool) that lead to no component. Of a chain of them the first only, none that is or stands
    behind a dead entry, and none whose broken need says it already."""
    fronts = [address for address in sorted(side.in_use) if _is_front(side, address) and not _behind(side, address)]
    found = [cut for front in fronts if (cut := _dead_front(side, other, front)) is not None]
    broken = {d.source for d in side.dependencies if d.broken}
    behind = side.needs.carried.closure(*dead_entries, *(cut.caller for cut in found))
    yield from (cut for cut in found if cut.caller not in behind | dead_entries | broken)


def _dead_front(side: KnownSide, other: KnownSide, front: str) -> Cut | None:
    if _may_lead(side, other, front):
        return None
    beside = _awaiting(side, {front})
    reached = sorted(_behind(other, front)) if front in other.components else []
    if reached:
        target = next((address for address in reached if address in side.components), front)
        return Cut(front, target, side.says(*_of_front(front, reached[0])), by_change=not beside)
    return Cut(front, front, f"{front} reaches nothing, and nothing leads to {beside}") if beside else None


def _behind(side: KnownSide, front: str) -> set[str]:
    """The next components behind a front, as far as they can be met."""
    return side.needs.carried.next(front, side.is_connector)


def _may_lead(side: KnownSide, other: KnownSide, front: str) -> bool:
    """Whether a value that this side does not know yet stands where the other one shows what a front leads to: it may lead there all the same."""
    parts = other.needs.carried.within(front) & side.survey.nodes.keys()
    return any(is_open_ended(side.survey, edge) for part in parts for edge in leading_edges(other.survey, part))


def _is_front(side: KnownSide, address: str) -> bool:
    return side.is_connector(address) and side.survey.nodes[address].entry.kind in _FRONTS


def _serves_itself(side: KnownSide, entry: EntryPoint) -> bool:
    """A workload or a store answers without anything behind it; a front does not."""
    node = side.survey.nodes.get(entry.component)
    return node is not None and (node.entry.workload or node.entry.stateful)


def _serving(side: KnownSide, addresses: Iterable[str]) -> set[str]:
    return {a for a in addresses if a in side.components and side.components[a].kind not in _PASSING}


def leading_edges(survey: Survey, address: str) -> list[TypedEdge]:
    """References that say what an address leads to: its own, and those of what serves it."""
    return [*survey.outgoing(address, "need"), *survey.incoming(address, "serves", "member")]


def is_open_ended(survey: Survey, edge: TypedEdge) -> bool:
    """Whether what stands on a side at the place of a reference of the other one is not known yet, and no reference of its own tells."""
    source = survey.nodes.get(edge.source)
    if source is None or UNKNOWN not in every(source.raw, edge.path):
        return False
    return not any(own.path == edge.path for own in survey.outgoing(edge.source, edge.role))


# what waits to be called through a front


def _awaiting(side: KnownSide, fronts: set[str]) -> str:
    """The first that is there to be called through one of these fronts and that nothing leads to; "" where there is none."""
    for idle in idle_ones(side):
        node = side.survey.nodes[idle]
        waits = node.entry.awaits
        if waits is not None and any(_fits(side, node, waits, front) for front in sorted(fronts)):
            return idle
    return ""


def idle_ones(side: KnownSide) -> list[str]:
    """What is there to be called through a front, has a workload behind it or is one, and is called by nobody."""
    waiting = [a for a, node in side.survey.nodes.items() if node.entry.awaits is not None and a in side.components]
    lone = [address for address in sorted(waiting) if address not in side.needs.carrying.targets]
    return [address for address in lone if any(_works(side, a) for a in side.needs.carrying.within(address))]


def _works(side: KnownSide, address: str) -> bool:
    component, node = side.components.get(address), side.survey.nodes.get(address)
    return node is not None and node.entry.workload and component is not None and component.kind is not Kind.CONNECTOR


def _fits(side: KnownSide, idle: Node, waits: Awaits, front: str) -> bool:
    """Whether a front is one that it waits for: of such a type, for which its condition holds, and in no other network."""
    node = side.survey.nodes.get(front)
    if node is None or not any(fnmatchcase(node.type, pattern) for pattern in waits.front):
        return False
    scope = Scope({**idle.values, "target": node.values}, idle.entry.defaults)
    if not side.survey.facts.truth(waits.when, idle.address, scope, better=False):
        return False
    here, there = _around(side, idle.address), _around(side, front)
    return not here or not there or bool(here & there)


def _around(side: KnownSide, address: str) -> set[str]:
    """The networks of a part of a front: of what leads to it and of what is behind it."""
    chain = side.needs.carrying.within(address) | side.needs.carrying.reversed.within(address)
    return {network for each in chain if each in side.survey.nodes for network in places.networks(side.survey, each)}
