"""From `infra.yaml` to a topology, by the rules that plans are held to: same copies, same domains, same common cause."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from faultray_action.declared.schema import (
    Declared,
    DeclaredAgent,
    DeclaredDependency,
    DeclaredEntry,
    DeclaredOperations,
)
from faultray_action.model.component import Component, Evidence, Kind
from faultray_action.model.diagnostic import Diagnostic, Severity
from faultray_action.model.reliability import ReliabilityTable
from faultray_action.model.topology import (
    Agent,
    Coverage,
    Dependency,
    EntryPoint,
    ExternalService,
    Operations,
    Role,
    Topology,
)
from faultray_action.topology.declared_components import RULE, build_components
from faultray_action.topology.declared_data import build_assets, holds_data
from faultray_action.topology.redundancy import merge_faults

FRONTS = frozenset({Kind.LOAD_BALANCER, Kind.GATEWAY, Kind.CDN, Kind.DNS})


def build(declared: Declared, table: ReliabilityTable) -> Topology:
    """Raises ConfigError where the reliability table lacks a row that is asked for."""
    built = build_components(declared, table)
    components = {address: built[address].component for address in sorted(built)}
    dependencies = _dependencies(declared)
    entries = _entries(declared, components, dependencies)
    faults = merge_faults(fault for each in built.values() for fault in each.faults)
    return Topology(
        components=MappingProxyType(components),
        dependencies=dependencies,
        faults=MappingProxyType({fault.id: fault for fault in faults}),
        entries=entries,
        assets=build_assets(declared, components, table),
        externals=_externals(declared, components, dependencies, entries),
        agents=tuple(_agent(each, components) for each in sorted(declared.agents, key=lambda each: each.id)),
        operations=_operations(declared.operations, table),
        coverage=Coverage(modelled=len(components)),
        diagnostics=tuple(_diagnostics(declared)),
    )


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
        if holds_data(each) and each.backups is None and not (each.data or each.versioning) and each.type in (Kind.DATABASE, Kind.STORAGE):
            message = f"`backups` of {each.id} is not declared: taken as none"
            yield Diagnostic(Severity.NOTICE, "backups-not-declared", message, each.id)
        if each.zones == () and not each.placement and (each.replicas or 1) > 1:
            message = f"`zones` of {each.id} is not declared: the loss of a zone is not simulated for it"
            yield Diagnostic(Severity.NOTICE, "zones-not-declared", message, each.id)
