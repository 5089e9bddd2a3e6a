"""Components of an infra.yaml: copies, carriers, failover, numbers."""

from __future__ import annotations

from collections.abc import Container, Mapping
from math import lcm

from msgspec import Struct
from msgspec.structs import replace

from faultray_action.declared.defaults import (
    PROVIDER_RUN,
    RATES,
    default_rates,
    is_managed,
    is_stateful,
    is_zonal,
)
from faultray_action.declared.read import carrier_of
from faultray_action.declared.schema import (
    Declared,
    DeclaredComponent,
)
from faultray_action.model.component import Component, Copy, Evidence, Fault, FaultClass, Kind, Recovery, Runtime
from faultray_action.model.reliability import ReliabilityRow, ReliabilityTable
from faultray_action.model.units import HOURS_PER_YEAR, Interval
from faultray_action.topology.bulk import copy_at, merged
from faultray_action.topology.redundancy import SECONDS_PER_HOUR, RedundancySpec, deal_in_turn

RULE = "infra.yaml"
"""Rule of the evidence of whatever somebody declared."""


class Built(Struct, frozen=True):
    component: Component
    faults: tuple[Fault, ...]


def build_components(declared: Declared, table: ReliabilityTable) -> Mapping[str, Built]:
    """Carriers first, so that what falls with them finds their faults; in a circle, who comes first falls by itself."""
    by_id = {each.id: each for each in declared.components}
    built: dict[str, Built] = {}
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


def _component(each: DeclaredComponent, declared: Declared, built: Mapping[str, Built], table: ReliabilityTable) -> Built:
    spec = _spec(each, declared, table)
    dealt = deal_in_turn(spec, table, _carriers_repeat_after(each, built))
    gap = _gap(each)
    copies = merged(_carried(copy, index, each, built) for copy, index in zip(dealt.copies, dealt.numbers, strict=True))
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
    return Built(component, tuple(fault for fault in (*dealt.faults, *((gap,) if gap else ())) if fault.id in held))


def _gap(each: DeclaredComponent) -> Fault | None:
    if each.gap is None:
        return None
    rate, hours = Interval(*each.gap.failures_per_year), Interval(*each.gap.seconds).scaled(1 / SECONDS_PER_HOUR)
    return Fault(f"gap:{each.id}", FaultClass.GAP, rate, hours, Recovery.FAILS_OVER, each.id)


def _carried(copy: Copy, index: int, each: DeclaredComponent, built: Mapping[str, Built]) -> Copy:
    """The copy with the faults of the copies that carry it, and without its own where it has none."""
    own = copy.faults if each.own_failures else tuple(id for id in copy.faults if id not in _own_ids(each.id, index))
    carriers = [found for name in _carriers_of_copy(each, index) if (found := _carrier(name, index, built))]
    faults = dict.fromkeys((*own, *(id for carrier in carriers for id in carrier.faults)))
    zone = copy.zone or next((carrier.zone for carrier in carriers if carrier.zone), "")
    return replace(copy, faults=tuple(faults), zone=zone)


def _own_ids(address: str, index: int) -> tuple[str, str]:
    return f"copy:{address}#{index}", f"common:{address}"


def _carriers_repeat_after(each: DeclaredComponent, built: Mapping[str, Built]) -> int:
    """After how many copies what carries them repeats."""
    periods = [len([part for part in each.falls_with if not isinstance(part, str)]) or 1]
    for name in _carriers(each, built):
        id, number = carrier_of(name, built)
        size = built[id].component.size if number is None and id in built else 0
        periods.append(size or 1)
    return lcm(*periods)


def _carriers_of_copy(each: DeclaredComponent, index: int) -> tuple[str, ...]:
    plain = tuple(part for part in each.falls_with if isinstance(part, str))
    lists = [part for part in each.falls_with if not isinstance(part, str)]
    return plain + (lists[index % len(lists)] if lists else ())


def _carrier(name: str, index: int, built: Mapping[str, Built]) -> Copy | None:
    id, number = carrier_of(name, built)
    component = built[id].component if id in built else None
    return copy_at(component, index if number is None else number) if component and component.copies else None


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
