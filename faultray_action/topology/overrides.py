"""What a team states about its own system, put over what was discovered: its word wins, and each use of it is evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from msgspec.structs import replace

from faultray_action.model.component import NAMES, Component, Copy, Evidence, Fault, FaultClass, Kind, Recovery
from faultray_action.model.diagnostic import Diagnostic, Severity
from faultray_action.model.nearest import nearest
from faultray_action.model.policy import Override, Place, Policy, names
from faultray_action.model.reliability import ReliabilityTable
from faultray_action.model.topology import DataAsset, Dependency, EntryPoint
from faultray_action.model.units import Interval
from faultray_action.topology.bulk import stands_for
from faultray_action.topology.redundancy import RedundancySpec, deal_copies


def table_with(table: ReliabilityTable, policy: Policy) -> ReliabilityTable:
    """The reliability table with the team's own numbers."""
    rows, quantities = dict(table.rows), dict(table.quantities)
    for change in policy.rates:
        if change.value is not None:
            quantities[change.id] = replace(table.quantity(change.id), value=change.value, source=str(change.place), confidence="declared")
            continue
        row = table.row(change.id)
        rows[change.id] = replace(
            row,
            failures_per_year=change.failures_per_year or row.failures_per_year,
            repair_hours=change.repair_hours or row.repair_hours,
            source=str(change.place),
            confidence="declared",
        )
    return ReliabilityTable(MappingProxyType(rows), MappingProxyType(quantities))


def on_components(
    components: dict[str, Component],
    faults: dict[str, Fault],
    policy: Policy,
    table: ReliabilityTable,
    zones: Mapping[str, tuple[str, ...]],
) -> None:
    """Change components in place: stated copies and zones, copies elsewhere, stated rates. `zones`: address -> where copies may stand."""
    for override in policy.overrides:
        for address in [a for a in sorted(components) if names(override.pattern, a)]:
            components[address] = _overridden(components[address], override, faults, table, zones.get(address, ()))


def _overridden(
    component: Component, override: Override, faults: dict[str, Fault], table: ReliabilityTable, zones: tuple[str, ...]
) -> Component:
    evidence = (*component.evidence, Evidence(component.address, "", f"stated in {override.place}"))
    changed = replace(component, evidence=evidence)
    if override.copies is not None or override.zones:
        changed = _dealt_again(changed, override, faults, table, zones)
    if override.needed is not None:
        changed = replace(changed, needed=override.needed)
    if override.copies_elsewhere:
        changed = replace(changed, copies=changed.copies + _elsewhere(changed, override.copies_elsewhere, faults, table))
    if override.failures_per_year or override.repair_hours or override.recovery:
        _restate_faults(changed, override, faults)
        changed = replace(changed, recovery=override.recovery or changed.recovery)
    return changed


def _own_fault(component: Component, faults: Mapping[str, Fault]) -> Fault | None:
    own = [faults[id] for copy in component.copies for id in copy.faults if faults[id].address == component.address]
    return own[0] if own else None


def _dealt_again(
    component: Component, override: Override, faults: dict[str, Fault], table: ReliabilityTable, placed: tuple[str, ...]
) -> Component:
    own = _own_fault(component, faults)
    row = table.row("vm")
    rate, repair = (own.failures_per_year, own.repair_hours) if own else (row.failures_per_year, row.repair_hours)
    zones = override.zones or placed or component.zones
    spec = RedundancySpec(
        component.address,
        copies=component.size if override.copies is None else override.copies,
        needed=component.needed,
        failures_per_year=rate,
        repair_hours=repair,
        recovery=own.recovery if own else component.recovery,
        zones=tuple(zone for zone in zones if not zone.startswith("?:")),
        provider=component.catalogue_type.split("_")[0],
        regions=(component.region,) if component.region else (),
        stateful=component.stateful,
    )
    dealt = deal_copies(spec, table)
    faults.update({fault.id: fault for fault in dealt.faults})
    return replace(component, copies=dealt.copies, managed=False)


def _elsewhere(component: Component, count: int, faults: dict[str, Fault], table: ReliabilityTable) -> tuple[Copy, ...]:
    own = _own_fault(component, faults)
    row = table.row("vm")
    added: list[Copy] = []
    rate = own.failures_per_year if own else row.failures_per_year
    for number in range(min(count, NAMES)):
        scale = stands_for(count, number)
        fault = Fault(
            f"copy:{component.address}#elsewhere-{number}",
            FaultClass.COPY,
            rate if scale == 1.0 else rate.scaled(scale),
            own.repair_hours if own else row.repair_hours,
            own.recovery if own else Recovery.SELF_HEALS,
            component.address,
        )
        faults[fault.id] = fault
        added.append(Copy((fault.id,)))
    counted = (Copy((), count=count - NAMES),) if count > NAMES else ()
    return (*added, *counted)


def _restate_faults(component: Component, override: Override, faults: dict[str, Fault]) -> None:
    first = _own_fault(component, faults)
    for id in [f for copy in component.copies for f in copy.faults if faults[f].address == component.address]:
        fault = faults[id]
        faults[id] = replace(
            fault,
            failures_per_year=_restated_rate(override, fault, first),
            repair_hours=override.repair_hours or fault.repair_hours,
            recovery=override.recovery or fault.recovery,
        )


def _restated_rate(override: Override, fault: Fault, first: Fault | None) -> Interval:
    """The stated rate of a copy; of a fault that stands for several copies in bulk, so many times that."""
    stated = override.failures_per_year
    if not stated or first is None:
        return fault.failures_per_year
    alone, held = first.failures_per_year.default, fault.failures_per_year.default
    return stated.scaled(held / alone) if fault.fault_class is first.fault_class and held > alone > 0.0 else stated


def on_dependencies(dependencies: Iterable[Dependency], components: Mapping[str, Component], policy: Policy) -> tuple[Dependency, ...]:
    """Stated needs added, ignored ones left out."""
    given = list(dependencies)
    ignored = [(_speakers(given, components, o.pattern), o.ignored_needs) for o in policy.overrides if o.ignored_needs]
    kept = [d for d in given if not any(d.source in who and any(names(t, d.target) for t in targets) for who, targets in ignored)]
    for override in policy.overrides:
        for address in [a for a in sorted(components) if names(override.pattern, a)]:
            for need in override.needs:
                evidence = (Evidence(address, "", f"stated in {override.place}"),)
                kept += [
                    Dependency(
                        address,
                        target,
                        need.role,
                        group=f"{address}:{need.group}" if need.group else "",
                        group_needed=need.group_needed,
                        breaker=need.breaker,
                        fallback=need.fallback,
                        buffer_seconds=need.buffer_seconds,
                        evidence=evidence,
                    )
                    for target in sorted(components)
                    if names(need.target, target) and target != address
                ]
    return tuple(kept)


def _speakers(dependencies: Iterable[Dependency], components: Mapping[str, Component], pattern: str) -> set[str]:
    """The named components, and the connectors by which they need things (a task definition, a listener)."""
    onward: dict[str, list[str]] = {}
    for d in dependencies:
        onward.setdefault(d.source, []).append(d.target)
    found = {a for a in components if names(pattern, a)}
    stack = sorted(found)
    while stack:
        for target in onward.get(stack.pop(), ()):
            if target not in found and target in components and components[target].kind is Kind.CONNECTOR:
                found.add(target)
                stack.append(target)
    return found


def on_entries(entries: Iterable[EntryPoint], components: Mapping[str, Component], policy: Policy) -> list[EntryPoint]:
    """Declared entry points replace the inferred ones; "this is no entry point" takes one out, "this is one" adds it."""
    found = list(entries)
    if policy.entry_points:
        found = [
            EntryPoint(address, _vertex(address, entries), declared.label or components[address].label, weight=declared.weight)
            for declared in policy.entry_points
            for address in sorted(components)
            if "#" not in address and names(declared.pattern, address)
        ]
    for override in policy.overrides:
        if override.entry_point is False:
            found = [entry for entry in found if not names(override.pattern, entry.address)]
        elif override.entry_point is True:
            known = {entry.address for entry in found}
            found += [EntryPoint(a, a, components[a].label) for a in sorted(components) if names(override.pattern, a) and a not in known]
    return sorted({entry.address: entry for entry in found}.values(), key=lambda entry: entry.address)


def on_assets(assets: Iterable[DataAsset], policy: Policy) -> tuple[DataAsset, ...]:
    """Stated weights and protection. What weighs nothing is no asset; what is backed up elsewhere is not lost, whatever the plan does."""
    weighed = [replace(asset, weight=_weight(asset, policy)) for asset in assets] if policy.data_weights else assets
    return tuple(_protected(asset, policy) for asset in weighed if asset.weight > 0)


def _weight(asset: DataAsset, policy: Policy) -> float:
    """The last statement about an asset counts."""
    return next((weight for pattern, weight in reversed(policy.data_weights) if names(pattern, asset.address)), asset.weight)


def _protected(asset: DataAsset, policy: Policy) -> DataAsset:
    stated = [
        o for o in policy.overrides if o.protected is not None and any(names(o.pattern, one) for one in (asset.address, *asset.stores))
    ]
    if not stated:
        return asset
    last = stated[-1]
    cover = (Evidence(asset.address, "", f"stated in {last.place}"),) if last.protected else ()
    losses = tuple(replace(loss, covered_by=cover) for loss in asset.losses)
    return replace(asset, losses=losses, destroyed=asset.destroyed and not last.protected)


def stated_slas(policy: Policy, addresses: Iterable[str]) -> Mapping[str, tuple[float, str]]:
    """Address -> the percentage its provider promises the team, and where that is stated."""
    overrides = [o for o in policy.overrides if o.sla_percent is not None]
    return {a: (o.sla_percent, str(o.place)) for a in addresses for o in overrides if o.sla_percent is not None and names(o.pattern, a)}


def _vertex(address: str, entries: Iterable[EntryPoint]) -> str:
    """The vertex of an entry that was found as well (the records of one name), else the component itself."""
    return next((entry.component for entry in entries if entry.address == address), address)


def unmatched(policy: Policy, addresses: Iterable[str]) -> tuple[Diagnostic, ...]:
    """A warning for each address of the policy that means nothing in these topologies (of both sides), with the nearest one that exists.

    Waivers are not among them: they are held against findings.
    """
    known = sorted(set(addresses))
    stated = [(entry.pattern, entry.place) for entry in policy.entry_points]
    stated += [(override.pattern, override.place) for override in policy.overrides]
    stated += [(need.target, override.place) for override in policy.overrides for need in override.needs]
    stated += [(target, override.place) for override in policy.overrides for target in override.ignored_needs]
    stated += [(pattern, policy.places.get(pattern, Place())) for pattern, _ in policy.data_weights]
    missing = [(pattern, place) for pattern, place in stated if not any(names(pattern, address) for address in known)]
    return tuple(_matches_nothing(pattern, place, known) for pattern, place in missing)


def _matches_nothing(pattern: str, place: Place, known: list[str]) -> Diagnostic:
    message = f"{place}: `{pattern}` matches nothing in the plan{nearest(pattern, known) or '.'}"
    return Diagnostic(Severity.WARNING, "policy-matches-nothing", message, address=pattern, file=place.file, line=place.line)
