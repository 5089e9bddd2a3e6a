"""From a surveyed instance to a component: how many copies, how many are needed, where they stand, and which faults take them down."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from faultray_action.catalogue.entry import Hosting
from faultray_action.catalogue.expression import Scope, every
from faultray_action.model.component import NAMES, Component, Copy, Evidence, Fault, FaultClass, Kind, Recovery
from faultray_action.model.reliability import ReliabilityRow, ReliabilityTable
from faultray_action.terraform.tree import module_steps
from faultray_action.topology import places
from faultray_action.topology.bulk import dealt_over
from faultray_action.topology.node import Node, Places, TypedEdge
from faultray_action.topology.redundancy import Dealer, RedundancySpec, gap_hours
from faultray_action.topology.survey import Survey


@dataclass(slots=True)
class Parts:
    """Components and faults as they are put together; `dealer` deals their copies."""

    dealer: Dealer = field(compare=False, repr=False)
    components: dict[str, Component] = field(default_factory=dict)
    faults: dict[str, Fault] = field(default_factory=dict)
    places: dict[str, Places] = field(default_factory=dict)


def assemble(survey: Survey, table: ReliabilityTable, known: Parts | None = None, differing: Set[str] = frozenset()) -> Parts:
    """All components of one side. Hosts are dealt before what runs on them, ways out before what leaves through them.

    `known`: the parts of a side that differs from this one at the addresses `differing` only (see `touched`); the rest is taken from there."""
    parts = Parts(Dealer(table))
    waiting = sorted((n for n in survey.nodes.values() if n.entry.disposition in _PARTS), key=lambda n: n.address)
    if known is not None:
        _reuse(parts, known, [node.address for node in waiting if node.address not in differing])
    for node in waiting:
        _build(survey, node, parts, table, frozenset())
    _branches(survey, parts)
    return parts


_PARTS = ("component", "connector", "external")
_DEPENDS = ("placement", "host", "egress-via", "branch", "replica", "modified-by")
"""Roles in which what refers has facts from what it refers to."""
_LENDS = ("serves", "member", "replica", "modifies", "protects", "egress-of")
"""Roles in which what is referred to has facts from what refers. In the others (needs, firewalls) neither has, but for connectors."""


def touched(survey: Survey, known: Survey, unsure: Collection[str] = ()) -> set[str]:
    """Addresses whose facts may differ between two surveys: changed instances and references, and what takes facts from them.

    `survey` was taken with `known`, so that what is the same is the same object. `unsure`: further addresses where they differ."""
    changed = {a for a, node in survey.nodes.items() if known.nodes.get(a) is not node}
    changed |= known.nodes.keys() - survey.nodes.keys()
    for edge in _differing_edges(survey, known):
        changed.add(edge.source)
        if edge.role in _LENDS:
            changed.add(edge.target)
    changed.update(unsure)
    stack = list(changed)
    while stack:
        here = stack.pop()
        for side in (survey, known):
            onward = [
                e.source
                for e in side.into.get(here, ())
                if e.role in _DEPENDS
                or (e.role == "need" and _is_connector(side, e.source))
                or (e.role == "serves" and _places(side, here))
            ]
            onward += [e.target for e in side.out.get(here, ()) if e.role in _LENDS]
            onward += [a for e in side.out.get(here, ()) if e.role == "placement" for a in places.neighbours(side, e.target)]
            fresh = set(onward) - changed
            changed |= fresh
            stack += fresh
    return changed


def _differing_edges(survey: Survey, known: Survey) -> set[TypedEdge]:
    here, there = {id(edge) for edge in survey.edges}, {id(edge) for edge in known.edges}
    return {edge for edge in survey.edges if id(edge) not in there} ^ {edge for edge in known.edges if id(edge) not in here}


def _places(survey: Survey, address: str) -> bool:
    """Whether what serves a connector stands where that says (a balancer's public address)."""
    return address in survey.nodes and _is_connector(survey, address) and bool(survey.nodes[address].entry.zones)


def _is_connector(survey: Survey, address: str) -> bool:
    """Machines behind a connector (cluster -> node pool) are facts of what runs on it."""
    return survey.nodes[address].entry.disposition == "connector"


def _reuse(parts: Parts, known: Parts, clean: Iterable[str]) -> None:
    for address in clean:
        component = known.components.get(address)
        if component is None:
            continue
        parts.components[address] = component
        parts.faults.update({f: known.faults[f] for copy in component.copies for f in copy.faults})
        parts.faults.update({g: known.faults[g] for g in component.gaps})
        if address in known.places:
            parts.places[address] = known.places[address]


def _build(survey: Survey, node: Node, parts: Parts, table: ReliabilityTable, above: frozenset[str]) -> Component:
    if node.address in parts.components:
        return parts.components[node.address]
    above |= {node.address}
    if node.entry.disposition == "connector":
        component = _connector(survey, node)
    elif node.entry.disposition == "external":
        component = _external(node, parts, table)
    else:
        component = _component(survey, node, parts, table, above)
    parts.components[node.address] = component
    return component


def _connector(survey: Survey, node: Node) -> Component:
    """It has no copies and needs none, but where it is switched off: then there is nothing that it needs more."""
    needed = 1 if survey.decided(node.address, node.entry.is_off) else 0
    return Component(node.address, Kind.CONNECTOR, label(node), (), needed, catalogue_type=node.resource.type)


_GENERIC = ("this", "main", "default", "self", "primary", "instance", "cluster")


def label(node: Node) -> str:
    """What a reader calls it: the catalogue's word for its kind and its name, or its module's where the name says nothing ("this")."""
    kind = node.entry.label or node.type.partition("_")[2].replace("_", " ")
    if node.written_as is not None:
        return f"{kind} {Scope(node.values).get('metadata.name')}"
    name = node.resource.name
    if name in _GENERIC and node.resource.module:
        name = module_steps(node.resource.module)[-1][0]
    index = node.resource.index
    return f"{kind} {name}" + (f" {index}" if isinstance(index, str) else f" {index + 1}" if isinstance(index, int) else "")


def _external(node: Node, parts: Parts, table: ReliabilityTable) -> Component:
    provider = node.entry.service or node.resource.provider
    row = table.row("vendor")
    fault = Fault(f"vendor:{provider}", FaultClass.VENDOR, row.failures_per_year, row.repair_hours, row.recovery, "", provider)
    parts.faults[fault.id] = fault
    kind = _kind(node) if node.entry.kind != "custom" else Kind.EXTERNAL_API
    return Component(
        node.address, kind, label(node), (Copy((fault.id,)),), 1, managed=True, catalogue_type=node.resource.type, service=node.entry.sla
    )


def _kind(node: Node) -> Kind:
    return _KINDS.get(node.entry.kind, Kind.CUSTOM)


_KINDS = {kind.value: kind for kind in Kind}


class _Counts(Struct, frozen=True):
    """`given`: the catalogue or a modifier says how many copies there are."""

    copies: int
    needed: int
    spread: int
    failover: bool
    given: bool


def _component(survey: Survey, node: Node, parts: Parts, table: ReliabilityTable, above: frozenset[str]) -> Component:
    where = places.find(survey, node)
    parts.places[node.address] = where
    modifiers = _modifiers(survey, node)
    counts = _counts(survey, node, where, modifiers)
    hosts = _hosts(survey, node, parts, table, above)
    row, own_region, name = _row(survey, node, table), region(survey, node), label(node)
    if hosts is not None:
        copies, gaps = _hosted(node, counts, hosts)
    else:
        copies, gaps = _dealt(survey, node, counts, where, row, own_region, parts, table)
    if hosts is None and survey.goes_out(node):
        copies = _with_ways_out(survey, node, copies, where, parts, table, above)
    needed = counts.needed if node.entry.scope in ("spread", "zonal") or counts.given else 1
    if hosts is not None and not counts.given:
        needed = min(1, len(hosts)) or 1
    return Component(
        node.address,
        _kind(node),
        name,
        copies,
        needed,
        gaps=gaps,
        managed=_is_managed(node) and not counts.given and hosts is None,
        stateful=node.entry.stateful,
        recovery=_recovery(node, row),
        catalogue_type=node.resource.type,
        service=_variant(survey, node, "sla") or node.entry.sla,
        region=own_region,
        limit=_limit(survey, node),
        evidence=_evidence(node, name, counts, where, modifiers),
    )


def _is_managed(node: Node) -> bool:
    return node.entry.scope in ("global", "regional")


def _variant(survey: Survey, node: Node, fact: str) -> str:
    """The row or contract of the first variant that holds and names one, "" where none does."""
    if not node.entry.variants:
        return ""
    scope = survey.scope(node)
    stated = ((variant.when, getattr(variant, fact)) for variant in node.entry.variants)
    return next((str(name) for when, name in stated if name and survey.facts.truth(when, node.address, scope, better=True)), "")


def _row(survey: Survey, node: Node, table: ReliabilityTable) -> ReliabilityRow:
    rates = _variant(survey, node, "rates") or node.entry.rates
    row = table.row(rates or ("provider_service" if _is_managed(node) else "vm"))
    if node.entry.stateful and row.recovery is Recovery.MANUAL and survey.incoming(node.address, "replica"):
        return replace(row, repair_hours=table.row("replica_promotion").repair_hours)
    return row


def _recovery(node: Node, row: ReliabilityRow) -> Recovery:
    return Recovery(node.entry.recovery) if node.entry.recovery else row.recovery


def region(survey: Survey, node: Node) -> str:
    """Its own region attribute, else that of a connector that it serves (a database's logical server), else its provider's; "" for a global
    service and where it is not known."""
    if node.entry.scope == "global":
        return ""
    own = survey.facts.text(node.entry.region, node.address, survey.scope(node)) if node.entry.region else ""
    if own:
        return own
    served = [survey.nodes[edge.target] for edge in survey.outgoing(node.address, "serves")]
    of_server = [region(survey, other) for other in served if other.entry.disposition == "connector" and other.entry.region]
    return of_server[0] if of_server else node.resource.region


def _counts(survey: Survey, node: Node, where: Places, modifiers: Iterable[_Modifier]) -> _Counts:
    facts, entry, scope = survey.facts, node.entry, survey.scope(node, zones=where.count)
    given, stated = facts.stated(entry.copies, node.address, scope, default=1)
    copies = int(stated)
    needed = facts.whole(entry.needed, node.address, scope, default=1, more_is_better=False)
    spread = facts.whole(entry.spread, node.address, scope, default=10**6)
    failover = facts.truth(entry.failover, node.address, scope, better=True)
    floors: list[int] = []
    for modifier, sets in modifiers:
        changed = Scope({**modifier.values, "target": node.values}, modifier.entry.defaults, scope.zones, scope.servers)
        if "copies" in sets:
            floors.append(facts.whole(sets["copies"], modifier.address, changed, default=copies))
        needed = facts.whole(sets.get("needed", ""), modifier.address, changed, default=needed, more_is_better=False)
        spread = facts.whole(sets.get("spread", ""), modifier.address, changed, default=spread)
        if "failover" in sets:
            failover = facts.truth(sets["failover"], modifier.address, changed, better=True)
    copies = min(floors, default=copies)
    return _Counts(max(0, copies), max(0, needed), max(1, spread), failover, given or bool(floors))


def _limit(survey: Survey, node: Node) -> float | None:
    """What demand must fit into, None where there is no such number or no limit (negative values mean unlimited)."""
    if not node.entry.capacity:
        return None
    given, limit = survey.facts.stated(node.entry.capacity, node.address, survey.scope(node), default=-1)
    return limit if given and limit >= 0 else None


_Modifier = tuple[Node, dict[str, str]]
"""A resource that sets facts of another, and what it sets."""


def _modifiers(survey: Survey, node: Node) -> list[_Modifier]:
    sources = {edge.source for edge in survey.incoming(node.address, "modifies")}
    sources |= {edge.target for edge in survey.outgoing(node.address, "modified-by")}
    return [(survey.nodes[source], survey.nodes[source].entry.sets) for source in sorted(sources) if survey.nodes[source].entry.sets]


def _dealt(
    survey: Survey,
    node: Node,
    counts: _Counts,
    where: Places,
    row: ReliabilityRow,
    own_region: str,
    parts: Parts,
    table: ReliabilityTable,
) -> tuple[tuple[Copy, ...], tuple[str, ...]]:
    entry = node.entry
    managed = _is_managed(node) and not counts.given
    pinned = where.count == 1
    regions = _regions(survey, node, own_region)
    names = where.zones[: counts.spread]
    anonymous = min(where.anonymous, max(0, counts.spread - len(names)))
    if entry.scope in ("global", "regional") and not counts.given and not pinned:
        names, anonymous = (), 0
    if entry.scope in ("spread", "zonal") and not where.known:
        anonymous = 0 if entry.scope == "spread" else 1
    spec = RedundancySpec(
        node.address,
        copies=max(1, len(regions)) if managed else counts.copies,
        needed=counts.needed,
        failures_per_year=row.failures_per_year,
        repair_hours=row.repair_hours,
        recovery=_recovery(node, row),
        zones=names,
        anonymous_zones=anonymous,
        provider=node.resource.provider,
        regions=regions,
        service=entry.service,
        stateful=entry.stateful,
        managed=managed,
        failover_seconds=row.failover_seconds if counts.failover else None,
        own_class=FaultClass.ZONAL if entry.scope == "zonal" and not entry.workload else FaultClass.COPY,
    )
    dealt = parts.dealer.deal(spec)
    parts.faults.update((fault.id, fault) for fault in dealt.faults)
    gaps = dealt.gaps or _cluster_gap(survey, node, counts, parts, table)
    return dealt.copies, gaps


def _regions(survey: Survey, node: Node, own: str) -> tuple[str, ...]:
    if not node.entry.regions:
        return (own,) if own else ()
    others = survey.facts.items(node.entry.regions, node.address, survey.scope(node))
    return tuple(sorted({name for name in (own, *map(str, others)) if name}))


def _cluster_gap(survey: Survey, node: Node, counts: _Counts, parts: Parts, table: ReliabilityTable) -> tuple[str, ...]:
    """A cluster whose copies are its members: failing over to a reader is the cluster's gap, at the rate of one member."""
    members = survey.incoming(node.address, "member")
    if not members or not counts.failover or len({edge.source for edge in members}) < 2:
        return ()
    row = _row(survey, survey.nodes[members[0].source], table)
    if row.failover_seconds is None:
        return ()
    beta = table.quantity("beta_zones").value.default
    hours = gap_hours(row.failover_seconds, row.failures_per_year, row.repair_hours, beta)
    gap = Fault(f"gap:{node.address}", FaultClass.GAP, row.failures_per_year.scaled(1 - beta), hours, Recovery.FAILS_OVER, node.address)
    parts.faults[gap.id] = gap
    return (gap.id,)


def _hosts(survey: Survey, node: Node, parts: Parts, table: ReliabilityTable, above: frozenset[str]) -> tuple[tuple[Copy, ...], ...] | None:
    """Copies of the machines it runs on, pool by pool; None where it runs on nothing of the plan, or on a capacity without copies of its own."""
    found: dict[str, tuple[Copy, ...]] = {}
    for edge in survey.outgoing(node.address, "host"):
        pools = [host for host in _capacity(survey, edge.target, frozenset({node.address})) if host not in above]
        for host in _taking(survey, node, pools):
            component = _build(survey, survey.nodes[host], parts, table, above)
            if not component.managed:
                found[host] = component.copies
    return tuple(found[host] for host in sorted(found)) if found else None


def _capacity(survey: Survey, address: str, seen: frozenset[str]) -> list[str]:
    """The machine pools behind a host reference: the resource itself, or what serves it, belongs to it or stands behind a connector (cluster -> node pools)."""
    node = survey.nodes[address]
    onward = [e.source for e in survey.incoming(address, "member", "serves")]
    if node.entry.disposition == "connector":
        onward += [e.target for e in survey.outgoing(address, "need", "host")]
    pools = [p for target in sorted({*onward} - seen) for p in _capacity(survey, target, seen | {address})]
    if pools:
        return pools
    return [address] if node.entry.disposition == "component" and node.entry.scope in ("spread", "zonal") else []


def _taking(survey: Survey, node: Node, pools: list[str]) -> list[str]:
    """The pools that take copies of a workload: those it asks for by labels or name, else those that take any; all where that leaves none."""
    wanted = survey.scope(node).get(node.entry.asks_for) if node.entry.asks_for else None
    asked = [pool for pool in pools if isinstance(wanted, Mapping) and wanted and _answers(survey.nodes[pool], wanted)]
    free = [pool for pool in pools if not _is_reserved(survey, survey.nodes[pool])]
    return asked or free or pools


def _answers(pool: Node, wanted: Mapping[str, Any]) -> bool:
    """Whether a pool's labels hold everything that is asked for, where what asks for its very name is no label of it."""
    facts = pool.entry.hosting or Hosting()
    labels = {item for path in facts.labels for each in every(pool.values, path) if isinstance(each, Mapping) for item in each.items()}
    names = {value for path in facts.names for value in every(pool.values, path)}
    asked = [(key, value) for key, value in wanted.items() if (key, value) not in labels]
    return all(value in names for _, value in asked)


def _is_reserved(survey: Survey, pool: Node) -> bool:
    facts = pool.entry.hosting
    return facts is not None and survey.facts.truth(facts.reserved, pool.address, survey.scope(pool), better=False)


def _hosted(node: Node, counts: _Counts, pools: tuple[tuple[Copy, ...], ...]) -> tuple[tuple[Copy, ...], tuple[str, ...]]:
    """Copies dealt over the machines, one pool after the other; without a count of its own it has a copy on each machine."""
    machines = _interleave(pools)
    if not machines:
        return (), ()
    wanted = counts.copies if counts.given else sum(machine.count for machine in machines)
    if wanted > NAMES:
        return dealt_over(machines, wanted), ()
    return tuple(machines[index % len(machines)] for index in range(wanted)), ()


def _interleave(pools: tuple[tuple[Copy, ...], ...]) -> list[Copy]:
    """Machines in an order that spreads over zones first; those that are only counted come last."""
    by_zone: dict[str, list[Copy]] = {}
    for pool in pools:
        for copy in pool[:NAMES]:
            by_zone.setdefault(copy.zone, []).append(copy)
    columns = [by_zone[zone] for zone in sorted(by_zone)]
    longest = max((len(column) for column in columns), default=0)
    named = [column[row] for row in range(longest) for column in columns if row < len(column)]
    return [*named, *(copy for pool in pools for copy in pool[NAMES:])]


def _with_ways_out(
    survey: Survey, node: Node, copies: tuple[Copy, ...], where: Places, parts: Parts, table: ReliabilityTable, above: frozenset[str]
) -> tuple[Copy, ...]:
    """Add the faults of the one gateway that each copy's subnet leaves through, where it carries more than its own zone.

    A gateway is redundant within its zone: for copies that stand there alone its loss is that of the zone, no event of its own. One that
    copies of several zones (or of another) leave through is a new way to fail. Several gateways stand in for each other and add none.
    """
    shared_subnets = [a for zone, a in where.subnets if not zone and a in survey.nodes and survey.nodes[a].entry.leads_out]
    if shared_subnets:
        gateway = _only_gateway(survey, shared_subnets, parts, table, above)
        beside = gateway is not None and _keeps_to(survey, gateway)
        return tuple(
            copy
            if gateway is None or (beside and gateway.zones == (copy.zone,))
            else _leaving(survey, copy, {gateway.address}, parts, table, above)
            for copy in copies
        )
    by_zone: dict[str, set[str]] = {}
    for zone, subnet in where.subnets:
        by_zone.setdefault(zone, set()).update(places.ways_out(survey, subnet))
    used = [zone for zone in by_zone if any(copy.zone == zone for copy in copies)]
    unplaced = len(copies) == 1 and not copies[0].zone
    carried = by_zone if unplaced else {zone: by_zone[zone] for zone in used}
    if not any(carried.values()):
        return copies
    if unplaced:
        shared = set.union(*carried.values()) if all(carried.values()) and len(carried) > 1 else set()
        return tuple(_leaving(survey, copy, shared, parts, table, above) for copy in copies)
    return tuple(_leaving(survey, copy, _foreign(survey, copy.zone, carried, parts, table, above), parts, table, above) for copy in copies)


def _only_gateway(survey: Survey, subnets: Iterable[str], parts: Parts, table: ReliabilityTable, above: frozenset[str]) -> Component | None:
    """The one gateway that all of some subnets leave through."""
    gateways = {places.ways_out(survey, subnet) for subnet in subnets}
    only = next(iter(gateways)) if len(gateways) == 1 else ()
    return _build(survey, survey.nodes[only[0]], parts, table, above) if len(only) == 1 and not set(only) & above else None


def _keeps_to(survey: Survey, gateway: Component) -> bool:
    """Whether all that leaves through a gateway stands in its zone."""
    subnets = list(places.behind(survey, gateway.address))
    users = {a for subnet in subnets for a in places.standing_in(survey, subnet) if survey.goes_out(survey.nodes[a])}
    return all(places.find(survey, survey.nodes[a]).zones == gateway.zones for a in users)


def _foreign(
    survey: Survey, zone: str, carried: dict[str, set[str]], parts: Parts, table: ReliabilityTable, above: frozenset[str]
) -> set[str]:
    """The gateways of a zone's copies, unless each serves that zone alone and stands in it."""
    gateways = carried.get(zone, set())
    if len(gateways) != 1 or gateways & above:
        return set()
    gateway = _build(survey, survey.nodes[next(iter(gateways))], parts, table, above)
    alone = [other for other, ways in carried.items() if ways & gateways] == [zone]
    return set() if alone and gateway.zones == (zone,) else gateways


def _leaving(survey: Survey, copy: Copy, gateways: set[str], parts: Parts, table: ReliabilityTable, above: frozenset[str]) -> Copy:
    if len(gateways) != 1 or gateways & above:
        return copy
    gateway = _build(survey, survey.nodes[next(iter(gateways))], parts, table, above)
    further = [fault for way in gateway.copies for fault in way.faults if fault not in copy.faults]
    return replace(copy, faults=(*copy.faults, *further)) if len(gateway.copies) == 1 else copy


def _branches(survey: Survey, parts: Parts) -> None:
    """A branch (a listener rule) shares the copies of the front that it belongs to, not the front's needs."""
    for address in sorted({edge.source for edge in survey.edges if edge.role == "branch"} & parts.components.keys()):
        for edge in survey.outgoing(address, "branch"):
            front = front_of(survey, edge.target)
            if front:
                owner = parts.components[front]
                own = parts.components[address]
                parts.components[address] = replace(own, copies=owner.copies, needed=owner.needed, managed=owner.managed)


def front_of(survey: Survey, address: str) -> str:
    """The component that a chain of `serves` leads up to (listener -> load balancer), "" where there is none."""
    seen: set[str] = set()
    while address not in seen:
        seen.add(address)
        if survey.nodes[address].entry.disposition == "component":
            return address
        upward = sorted(edge.target for edge in survey.outgoing(address, "serves"))
        if not upward:
            return ""
        address = upward[0]
    return ""


def _evidence(node: Node, name: str, counts: _Counts, where: Places, modifiers: Iterable[_Modifier]) -> tuple[Evidence, ...]:
    entry, found = node.entry, [Evidence(node.address, "", f"catalogue: {name}")]
    if entry.copies:
        found.append(Evidence(node.address, entry.copies, f"copies = {counts.copies}"))
    for modifier, sets in modifiers:
        found += [Evidence(modifier.address, text, f"sets {name}") for name, text in sorted(sets.items())]
    if where.zones:
        found.append(Evidence(node.address, "", f"zones {', '.join(where.zones)}"))
    if where.anonymous:
        found.append(Evidence(node.address, "", f"{where.anonymous} unnamed zones"))
    return tuple(found)
