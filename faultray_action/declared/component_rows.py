"""Components as rows of an infra.yaml: only what differs from the default of their type."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from faultray_action.declared.defaults import STATEFUL, default_loss_rates, default_rates
from faultray_action.declared.domains import Domains, carrier_row, read_domains, zone_row
from faultray_action.declared.rows import Row, filled, with_unit
from faultray_action.declared.schema import DeclaredComponent
from faultray_action.model.component import Component, Evidence, Kind, Recovery
from faultray_action.model.reliability import ReliabilityRow, ReliabilityTable
from faultray_action.model.topology import DataAsset, Topology
from faultray_action.model.units import Interval

SECONDS_PER_HOUR = 3600.0


class ComponentRows:
    """Holds what the rows of one file have in common."""

    def __init__(self, topology: Topology, table: ReliabilityTable) -> None:
        self.topology = topology
        self.table = table
        self.domains = {address: read_domains(each, topology) for address, each in topology.components.items()}
        self.provider = _most_common(each.provider for each in self.domains.values())
        regions = {each.regions for address, each in self.domains.items() if topology.components[address].copies}
        self.region = next(iter(regions))[0] if len(regions) == 1 and len(next(iter(regions))) == 1 else ""
        self.parts = {store: asset.address for asset in topology.assets for store in asset.stores if store != asset.address}
        self.assets = {asset.address: asset for asset in topology.assets}
        self.externals = {service.id: service for service in topology.externals}

    def component(self, each: Component) -> Row:
        domains = self.domains[each.address]
        row: Row = {"id": each.address, "type": each.kind.value}
        row |= filled(label="" if each.label == each.address else each.label, terraform_type=each.catalogue_type)
        row |= self._copies(each, domains)
        row |= self._place(each, domains)
        row |= carrier_row(domains) | filled(service=domains.service, contract=each.service)
        row |= {} if domains.vendor in ("", each.address) else {"vendor": domains.vendor}
        row |= self._numbers(each, row)
        row |= self._data(each, row)
        row |= _runtime(each)
        external = self.externals.get(each.address)
        return row | ({"sla": external.sla_percent, "sla_source": external.source} if external else {})

    def _copies(self, each: Component, domains: Domains) -> Row:
        row: Row = {"managed": True} if each.managed else {}
        usual = max(1, len(domains.regions)) if each.managed else 0 if each.kind is Kind.CONNECTOR else None
        if each.size != usual:
            row["replicas"] = each.size
        if each.needed != (0 if each.kind is Kind.CONNECTOR else 1) or (each.stateful and not each.gaps and each.size > each.needed):
            row["needed"] = each.needed
        return row

    def _place(self, each: Component, domains: Domains) -> Row:
        row: Row = {}
        if domains.provider not in ("", self.provider):
            row["provider"] = domains.provider
        if len(domains.regions) > 1:
            row["regions"] = list(domains.regions)
        elif each.copies and domains.regions != ((self.region,) if self.region else ()):
            row["region"] = domains.regions[0] if domains.regions else ""
        elif not each.copies and each.region != self.region:
            row["region"] = each.region
        return row | zone_row(each.address, domains.placement, domains.regions)

    def _numbers(self, each: Component, written: Row) -> Row:
        row: Row = {}
        declared = DeclaredComponent.model_validate(written)
        if each.stateful != (each.kind in STATEFUL):
            row["stateful"] = each.stateful
        if each.stateful and not each.gaps and each.size > each.needed and not each.managed:
            row["failover"] = False
        if self.domains[each.address].own and not each.managed:
            zonal = self.domains[each.address].zonal
            row |= {"zonal": zonal} if zonal != (each.kind is Kind.NAT) else {}
            row |= self._rates(each, declared.model_copy(update=row))
        row |= self._gap(each)
        named = str(row.get("rates") or default_rates(declared.model_copy(update=row)))
        if each.recovery is not self._expected_recovery(each, named):
            row["recovery"] = each.recovery.value
        return row

    def _rates(self, each: Component, declared: DeclaredComponent) -> Row:
        """Nothing where the type's own row says it; else the row that does; else the numbers."""
        rate, repair, gap = self._measured(each)
        default = default_rates(declared)
        for id in (default, *sorted(self.table.rows)):
            if _says(self.table.rows.get(id), rate, repair, gap):
                return {} if id == default else {"rates": id}
        numbers = {"failures_per_year": _bounds(rate), "repair_hours": _bounds(repair)}
        return numbers | ({"failover_seconds": _bounds(gap.scaled(SECONDS_PER_HOUR))} if gap else {})

    def _gap(self, each: Component) -> Row:
        """A gap that the copies do not explain: of a cluster whose copies are components of their own."""
        if not each.gaps or _deals_gap(each):
            return {}
        fault = self.topology.faults[each.gaps[0]]
        seconds = _bounds(fault.repair_hours.scaled(SECONDS_PER_HOUR))
        return {"gap": {"failures_per_year": _bounds(fault.failures_per_year), "seconds": seconds}}

    def _measured(self, each: Component) -> tuple[Interval, Interval, Interval | None]:
        """Marginal rate of one copy (its own share and the common one), its repair time, its failover gap in hours."""
        faults = self.topology.faults
        held = [faults[id] for id in each.copies[0].faults if faults[id].address == each.address]
        total = Interval(*(sum(getattr(fault.failures_per_year, bound) for fault in held) for bound in ("low", "default", "high")))
        repair = held[0].repair_hours if held else Interval(0, 0, 0)
        return total, repair, faults[each.gaps[0]].repair_hours if _deals_gap(each) else None

    def _expected_recovery(self, each: Component, rates: str) -> Recovery:
        if _deals_gap(each):
            return Recovery.FAILS_OVER
        return self.table.row("vendor" if each.managed else rates).recovery

    def _data(self, each: Component, written: Row) -> Row:
        if each.address in self.parts:
            return {"data_of": self.parts[each.address]}
        asset = self.assets.get(each.address)
        if asset is None:
            return {"durable": False} if each.stateful and each.kind is not Kind.CACHE else {}
        declared = DeclaredComponent.model_validate(written)
        return (
            {"data": {loss.kind.value: self._loss(declared, asset, index) for index, loss in enumerate(asset.losses)}}
            if asset.losses
            else {"durable": True}
        )

    def _loss(self, declared: DeclaredComponent, asset: DataAsset, index: int) -> Any:
        loss = asset.losses[index]
        covers = [_protection(evidence) for evidence in loss.covered_by]
        default = default_loss_rates(declared, loss.kind)
        rates = next(
            (id for id in (default, *sorted(self.table.rows)) if self.table.row(id).failures_per_year == loss.failures_per_year), default
        )
        if rates == default and len(covers) < 2:
            return covers[0] if covers else False
        return {"covered_by": covers} | ({"rates": rates} if rates != default else {})


def _protection(evidence: Evidence) -> str:
    """The attribute where it reads as a name, else the rule in words."""
    return evidence.attribute if evidence.attribute.replace("_", "").replace(".", "").isalnum() else evidence.rule or "declared"


def _deals_gap(each: Component) -> bool:
    return bool(each.gaps) and each.stateful and not each.managed and each.size > max(1, each.needed)


def _says(row: ReliabilityRow | None, rate: Interval, repair: Interval, gap: Interval | None) -> bool:
    if row is None or not _close(row.failures_per_year, rate) or row.repair_hours != repair:
        return False
    return gap is None or (row.failover_seconds is not None and _close(row.failover_seconds.scaled(1 / SECONDS_PER_HOUR), gap))


def _close(one: Interval, other: Interval) -> bool:
    return all(abs(a - b) <= 1e-9 * max(a, b) for a, b in ((one.low, other.low), (one.default, other.default), (one.high, other.high)))


def _bounds(interval: Interval) -> float | list[float]:
    values = [float(f"{value:.12g}") for value in (interval.low, interval.default, interval.high)]
    return values[0] if values[0] == values[2] else values


def _runtime(each: Component) -> Row:
    run = each.runtime
    numbers = {
        "latency": with_unit(run.latency_ms, "ms") if run.latency_ms else None,
        "timeout": None if run.timeout_ms is None else with_unit(run.timeout_ms, "ms"),
        "pool": run.pool,
        "capacity": run.capacity,
        "demand": run.demand,
        "requests_per_second": run.requests_per_second,
    }
    return {name: value for name, value in numbers.items() if value is not None}


def _most_common(names: Iterable[str]) -> str:
    counted = Counter(name for name in names if name and name != "declared")
    return min(counted, key=lambda name: (-counted[name], name), default="")
