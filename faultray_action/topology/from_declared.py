"""From `infra.yaml` to a topology, by the rules that plans are held to: same copies, same domains, same common cause."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from faultray_action.declared.defaults import (
    LOSSES,
    PROVIDER_RUN,
    RATES,
    default_loss_rates,
    default_rates,
    is_managed,
    is_stateful,
    is_zonal,
)
from faultray_action.declared.read import carrier_of
from faultray_action.declared.schema import (
    Declared,
    DeclaredAgent,
    DeclaredComponent,
    DeclaredDependency,
    DeclaredEntry,
    DeclaredOperations,
)
from faultray_action.model.component import Component, Copy, Evidence, Fault, FaultClass, Kind, Recovery, Runtime
from faultray_action.model.diagnostic import Diagnostic, Severity
from faultray_action.model.reliability import ReliabilityRow, ReliabilityTable
from faultray_action.model.topology import (
    Agent,
    Coverage,
    DataAsset,
    Dependency,
    EntryPoint,
    ExternalService,
    Loss,
    LossKind,
    Operations,
    Role,
    Topology,
)
from faultray_action.model.units import HOURS_PER_YEAR, Interval
from faultray_action.topology.redundancy import SECONDS_PER_HOUR, RedundancySpec, deal_copies, merge_faults

RULE = "infra.yaml"
FRONTS = frozenset({Kind.LOAD_BALANCER, Kind.GATEWAY, Kind.CDN, Kind.DNS})


@dataclass(frozen=True, slots=True)
class _Built:
    component: Component
    faults: tuple[Fault, ...]


def build(declared: Declared, table: ReliabilityTable) -> Topology:
    """Raises ConfigError where the reliability table lacks a row that is asked for."""
    built = _components(declared, table)
    components = {address: built[address].component for address in sorted(built)}
    dependencies = _dependencies(declared)
    entries = _entries(declared, components, dependencies)
    faults = merge_faults(fault for each in built.values() for fault in each.faults)
    return Topology(
        components=MappingProxyType(components),
        dependencies=dependencies,
        faults=MappingProxyType({fault.id: fault for fault in faults}),
        entries=entries,
        assets=_assets(declared, components, table),
        externals=_externals(declared, components, dependencies, entries),
        agents=tuple(_agent(each, components) for each in sorted(declared.agents, key=lambda each: each.id)),
        operations=_operations(declared.operations, table),
        coverage=Coverage(modelled=len(components)),
        diagnostics=tuple(_diagnostics(declared)),
    )


# components -----------------------------------------------------------------------------------------------------------------------------


def _components(declared: Declared, table: ReliabilityTable) -> Mapping[str, _Built]:
    """Carriers first, so that what falls with them finds their faults; in a circle, who comes first falls by itself."""
    by_id = {each.id: each for each in declared.components}
    built: dict[str, _Built] = {}
    for each in declared.components:
        for one in _carriers_first(each, by_id):
            if one.id not in built:
                built[one.id] = _component(one, declared, built, table)
    return built


def _carriers_first(component: DeclaredComponent, by_id: Mapping[str, DeclaredComponent]) -> list[DeclaredComponent]:
    """The component and all that carries it, level by level, the deepest level first."""
    order = [component.id]
    for id in order:
        order += [name for name in dict.fromkeys(_carriers(by_id[id], by_id)) if name not in order]
    return [by_id[id] for id in reversed(order)]


def _carriers(each: DeclaredComponent, ids: Container[str]) -> list[str]:
    return [carrier_of(name, ids)[0] for part in each.falls_with for name in ((part,) if isinstance(part, str) else part)]


def _component(each: DeclaredComponent, declared: Declared, built: Mapping[str, _Built], table: ReliabilityTable) -> _Built:
    spec = _spec(each, declared, table)
    dealt = deal_copies(spec, table)
    gap = _gap(each)
    copies = tuple(_carried(copy, index, each, built) for index, copy in enumerate(dealt.copies))
    component = Component(
        address=each.id,
        kind=each.type,
        label=each.label or each.name or each.id,
        copies=copies,
        needed=spec.needed,
        gaps=(gap.id,) if gap else dealt.gaps,
        managed=spec.managed,
        stateful=spec.stateful,
        recovery=_recovery(each, spec, table),
        catalogue_type=each.terraform_type,
        service=each.contract,
        region=(spec.regions or ("",))[0],
        runtime=Runtime(each.latency, each.capacity, each.demand, each.pool, each.requests_per_second, each.timeout),
        evidence=(Evidence(each.id, "replicas" if each.replicas is not None else "type", RULE),),
    )
    held = {id for copy in copies for id in copy.faults} | set(component.gaps)
    return _Built(component, tuple(fault for fault in (*dealt.faults, *((gap,) if gap else ())) if fault.id in held))


def _gap(each: DeclaredComponent) -> Fault | None:
    if each.gap is None:
        return None
    rate, hours = Interval(*each.gap.failures_per_year), Interval(*each.gap.seconds).scaled(1 / SECONDS_PER_HOUR)
    return Fault(f"gap:{each.id}", FaultClass.GAP, rate, hours, Recovery.FAILS_OVER, each.id)


def _carried(copy: Copy, index: int, each: DeclaredComponent, built: Mapping[str, _Built]) -> Copy:
    """The copy with the faults of the copies that carry it, and without its own where it has none."""
    own = copy.faults if each.own_failures else tuple(id for id in copy.faults if id not in _own_ids(each.id, index))
    carriers = [found for name in _carriers_of_copy(each, index) if (found := _carrier(name, index, built))]
    faults = dict.fromkeys((*own, *(id for carrier in carriers for id in carrier.faults)))
    zone = copy.zone or next((carrier.zone for carrier in carriers if carrier.zone), "")
    return replace(copy, faults=tuple(faults), zone=zone)


def _own_ids(address: str, index: int) -> tuple[str, str]:
    return f"copy:{address}#{index}", f"common:{address}"


def _carriers_of_copy(each: DeclaredComponent, index: int) -> tuple[str, ...]:
    plain = tuple(part for part in each.falls_with if isinstance(part, str))
    lists = [part for part in each.falls_with if not isinstance(part, str)]
    return plain + (lists[index % len(lists)] if lists else ())


def _carrier(name: str, index: int, built: Mapping[str, _Built]) -> Copy | None:
    id, number = carrier_of(name, built)
    copies = built[id].component.copies if id in built else ()
    return copies[(index if number is None else number) % len(copies)] if copies else None


def _spec(each: DeclaredComponent, declared: Declared, table: ReliabilityTable) -> RedundancySpec:
    row = _row(each, table)
    managed = is_managed(each)
    regions = each.regions or tuple(region for region in (declared.region if each.region is None else each.region,) if region)
    copies = _serving_copies(each, managed, regions)
    needed = each.needed if each.needed is not None else (0 if each.type is Kind.CONNECTOR else 1)
    return RedundancySpec(
        address=each.id,
        copies=copies,
        needed=needed,
        failures_per_year=_rate(each, row),
        repair_hours=_repair(each, row),
        recovery=each.recovery or row.recovery,
        zones=each.zones if isinstance(each.zones, tuple) else (),
        anonymous_zones=each.zones if isinstance(each.zones, int) else 0,
        placement=each.placement,
        provider=each.provider or declared.provider or "declared",
        regions=regions,
        service=each.service,
        vendor=_vendor(each, managed),
        vendor_rates=RATES[each.type] if each.type in PROVIDER_RUN else "vendor",
        stateful=is_stateful(each),
        managed=managed,
        failover_seconds=_failover(each, row),
        own_class=FaultClass.ZONAL if is_zonal(each) else FaultClass.COPY,
    )


def _serving_copies(each: DeclaredComponent, managed: bool, regions: tuple[str, ...]) -> int:
    """A standby that nobody promotes by itself serves nobody: with `failover: false` a store has its primary alone."""
    if each.placement:
        return len(each.placement)
    if managed and each.replicas is None:
        return max(1, len(regions))
    replicas = each.replicas if each.replicas is not None else (0 if each.type is Kind.CONNECTOR else 1)
    if each.failover is False and is_stateful(each) and each.needed is None:
        return min(replicas, 1)
    return replicas


def _vendor(each: DeclaredComponent, managed: bool) -> str:
    if each.vendor or each.service:
        return each.vendor
    return each.id if managed else ""


def _row(each: DeclaredComponent, table: ReliabilityTable) -> ReliabilityRow:
    return table.row(each.rates or default_rates(each))


def _rate(each: DeclaredComponent, row: ReliabilityRow) -> Interval:
    if each.failures_per_year is not None:
        return Interval(*each.failures_per_year)
    return Interval.exactly(HOURS_PER_YEAR / each.mtbf_hours) if each.mtbf_hours else row.failures_per_year


def _repair(each: DeclaredComponent, row: ReliabilityRow) -> Interval:
    if each.repair_hours is not None:
        return Interval(*each.repair_hours)
    return Interval.exactly(each.mttr_hours) if each.mttr_hours is not None else row.repair_hours


def _failover(each: DeclaredComponent, row: ReliabilityRow) -> Interval | None:
    if each.failover is False:
        return None
    if each.failover_seconds is not None:
        return Interval(*each.failover_seconds)
    return row.failover_seconds if isinstance(each.failover, bool | None) else Interval.exactly(each.failover)


def _recovery(each: DeclaredComponent, spec: RedundancySpec, table: ReliabilityTable) -> Recovery:
    if each.recovery:
        return each.recovery
    if spec.stateful and spec.copies > spec.needed and spec.failover_seconds is not None:
        return Recovery.FAILS_OVER
    return table.row("vendor").recovery if spec.managed else spec.recovery


# dependencies and entries ---------------------------------------------------------------------------------------------------------------

ROLES: Mapping[str, Role] = MappingProxyType(
    {"requires": Role.NEED, "optional": Role.OPTIONAL, "async": Role.ASYNC, "startup": Role.STARTUP, "replica": Role.REPLICA}
)


def _dependencies(declared: Declared) -> tuple[Dependency, ...]:
    edges = [_dependency(edge) for edge in declared.dependencies]
    known = {(edge.source, edge.target) for edge in edges}
    edges += [edge for edge in _agent_edges(declared.agents) if (edge.source, edge.target) not in known]
    return tuple(sorted(edges, key=lambda edge: (edge.source, edge.target, edge.role, edge.group)))


def _dependency(edge: DeclaredDependency) -> Dependency:
    return Dependency(
        source=edge.source,
        target=edge.target,
        role=ROLES[edge.type],
        group=edge.group,
        group_needed=edge.group_needed,
        broken=edge.broken,
        breaker=edge.circuit_breaker,
        fallback=edge.fallback,
        buffer_seconds=edge.buffer,
        latency_ms=edge.latency,
        timeout_ms=edge.timeout,
        retries=edge.retries,
        weight=edge.weight,
        local_only=edge.own_copies_only,
        evidence=(Evidence(edge.source, "dependencies", RULE),),
    )


def _agent_edges(agents: Iterable[DeclaredAgent]) -> Iterator[Dependency]:
    """An agent goes on answering without its sources: that is the danger, and why they are optional."""
    for agent in agents:
        for id in (*(source.id for source in agent.sources), *(feed.id for feed in agent.upstream)):
            yield Dependency(agent.id, id, Role.OPTIONAL, evidence=(Evidence(agent.id, "agents", RULE),))


def _entries(declared: Declared, components: Mapping[str, Component], edges: tuple[Dependency, ...]) -> tuple[EntryPoint, ...]:
    if declared.entry_points is not None:
        return tuple(_entry(entry, components) for entry in sorted(declared.entry_points, key=lambda entry: entry.id))
    needed = {edge.target for edge in edges if edge.role is not Role.REPLICA}
    roots = [component for address, component in components.items() if address not in needed and component.kind is not Kind.CONNECTOR]
    fronts = [component for component in roots if component.kind in FRONTS]
    rule = "a front that nothing needs" if fronts else "nothing needs it"
    return tuple(EntryPoint(each.address, each.address, each.label, inferred=rule) for each in fronts or roots or components.values())


def _entry(entry: DeclaredEntry, components: Mapping[str, Component]) -> EntryPoint:
    component = entry.component or entry.id
    label = entry.label or (components[component].label if component == entry.id else entry.id)
    return EntryPoint(entry.id, component, label, entry.weight, entry.deferred, entry.retention_hours)


# data -----------------------------------------------------------------------------------------------------------------------------------


def _assets(declared: Declared, components: Mapping[str, Component], table: ReliabilityTable) -> tuple[DataAsset, ...]:
    parts: dict[str, list[str]] = {}
    for each in declared.components:
        if each.data_of:
            parts.setdefault(each.data_of, []).append(each.id)
    owners = sorted((each for each in declared.components if _holds_data(each)), key=lambda each: each.id)
    return tuple(_asset(each, components[each.id], tuple(sorted(parts.get(each.id, ()))), table) for each in owners)


def _holds_data(each: DeclaredComponent) -> bool:
    if each.data_of:
        return False
    if each.durable is not None:
        return each.durable
    return bool(each.data) or (is_stateful(each) and each.type is not Kind.CACHE)


def _asset(each: DeclaredComponent, component: Component, parts: tuple[str, ...], table: ReliabilityTable) -> DataAsset:
    covers = _declared_covers(each) if each.data else _inferred_covers(each, component, parts)
    losses = tuple(_loss(each, kind, covers[kind], table) for kind in LossKind if kind in covers)
    inferred = "" if each.data or each.durable else "a store"
    return DataAsset(each.id, component.label, (each.id, *parts), losses, inferred=inferred, evidence=(Evidence(each.id, "type", RULE),))


def _loss(each: DeclaredComponent, kind: LossKind, covers: tuple[str, ...], table: ReliabilityTable) -> Loss:
    said = each.data.get(kind)
    row = table.row(said.rates if said and said.rates else default_loss_rates(each, kind))
    return Loss(kind, row.failures_per_year, tuple(Evidence(each.id, name, RULE) for name in covers))


def _declared_covers(each: DeclaredComponent) -> Mapping[LossKind, tuple[str, ...]]:
    return {kind: loss.covered_by for kind, loss in each.data.items()}


def _inferred_covers(each: DeclaredComponent, component: Component, parts: tuple[str, ...]) -> Mapping[LossKind, tuple[str, ...]]:
    """A further copy outlives a broken disk, but repeats a deletion; what protects against one is not taken for protection against all."""
    copied = (each.replicas or len(component.copies)) > 1 or bool(parts)
    found = {
        LossKind.MEDIA: _named(replicas=copied, managed=component.managed, backups=bool(each.backups)),
        LossKind.DELETE: _named(backups=bool(each.backups), versioning=each.versioning, deletion_protection=each.deletion_protection),
        LossKind.CORRUPTION: _named(backups=bool(each.backups), versioning=each.versioning),
        LossKind.POISON: _named(dead_letter=each.dead_letter),
    }
    kinds = LOSSES.get(each.type, (LossKind.MEDIA, LossKind.DELETE, LossKind.CORRUPTION))
    return {kind: found[kind] for kind in kinds}


def _named(**facts: bool) -> tuple[str, ...]:
    return tuple(name for name, holds in facts.items() if holds)


# around the graph -----------------------------------------------------------------------------------------------------------------------


def _externals(
    declared: Declared, components: Mapping[str, Component], edges: tuple[Dependency, ...], entries: tuple[EntryPoint, ...]
) -> tuple[ExternalService, ...]:
    everyone = tuple(entry.component for entry in entries)
    outside = [
        ExternalService(each.id, each.label or each.id, each.sla, each.source or "declared", each.used_by or everyone)
        for each in declared.external_services
    ]
    inside = [
        ExternalService(each.id, components[each.id].label, each.sla, each.sla_source or "declared", _users(each.id, edges))
        for each in declared.components
        if each.sla is not None
    ]
    return tuple(sorted((*outside, *inside), key=lambda service: service.id))


def _users(address: str, edges: tuple[Dependency, ...]) -> tuple[str, ...]:
    """Itself where nobody needs it: then it is an entry."""
    return tuple(sorted({edge.source for edge in edges if edge.target == address and edge.role is Role.NEED})) or (address,)


def _agent(each: DeclaredAgent, components: Mapping[str, Component]) -> Agent:
    return Agent(
        address=each.id,
        label=components[each.id].label,
        h0=each.h0,
        sources=tuple(sorted((source.id, source.weight) for source in each.sources)),
        upstream=tuple(sorted((feed.id, feed.verification) for feed in each.upstream)),
        degraded_factor=each.degraded_factor,
        evidence=(Evidence(each.id, "agents", RULE),),
    )


_RENAMED = {"config_drift_per_year": "incidents_per_year"}


def _operations(declared: DeclaredOperations, table: ReliabilityTable) -> Operations:
    """Each number as declared, else the table's default; `sources` says which."""
    said = {name: getattr(declared, _RENAMED.get(name, name)) for name in OPERATIONS}
    values = {name: float(value) if value is not None else table.quantity(name).value.default for name, value in said.items()}
    sources = {name: "declared" if value is not None else "default" for name, value in said.items()}
    team = int(values.pop("team_size"))
    return Operations(team_size=team, sources=MappingProxyType(sources), **values)


OPERATIONS = (
    "deploys_per_month",
    "change_failure_rate",
    "recovery_minutes",
    "config_drift_per_year",
    "detection_minutes",
    "response_minutes",
    "on_call_coverage",
    "team_size",
    "packet_loss",
    "gc_pause_fraction",
    "jitter_loss",
)


def _diagnostics(declared: Declared) -> Iterator[Diagnostic]:
    for each in sorted(declared.components, key=lambda each: each.id):
        if _holds_data(each) and each.backups is None and not (each.data or each.versioning) and each.type in (Kind.DATABASE, Kind.STORAGE):
            message = f"`backups` of {each.id} is not declared: taken as none"
            yield Diagnostic(Severity.NOTICE, "backups-not-declared", message, each.id)
        if each.zones == () and not each.placement and (each.replicas or 1) > 1:
            message = f"`zones` of {each.id} is not declared: the loss of a zone is not simulated for it"
            yield Diagnostic(Severity.NOTICE, "zones-not-declared", message, each.id)
