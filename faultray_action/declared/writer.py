"""Writes a topology as `infra.yaml` that a person can read and edit, and that builds the same topology again.

Kept: components with copies, needed, places, domains, rates, recovery, load; dependencies; entries; data assets; third parties; agents;
declared operations. Not kept: evidence (the file itself is the evidence then) and coverage.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import yaml

from faultray_action.declared.defaults import STATEFUL, default_loss_rates, default_rates
from faultray_action.declared.schema import DeclaredComponent
from faultray_action.model.component import Component, Copy, Evidence, Fault, FaultClass, Kind, Recovery
from faultray_action.model.errors import InputError
from faultray_action.model.reliability import ReliabilityRow, ReliabilityTable
from faultray_action.model.topology import Agent, DataAsset, Dependency, EntryPoint, ExternalService, Operations, Role, Topology
from faultray_action.model.units import Interval

SECONDS_PER_HOUR = 3600.0
HEADER = """\
# A system for `faultray load` and `faultray simulate`: what it is made of, what needs what, where users come in.
# Edit it freely; `faultray schema infra` tells every key, docs/infra.md what they mean.
"""

_TYPES = {Role.NEED: "requires", Role.OPTIONAL: "optional", Role.ASYNC: "async", Role.STARTUP: "startup", Role.REPLICA: "replica"}
_Row = dict[str, Any]


def write_infra(topology: Topology, table: ReliabilityTable) -> str:
    """YAML text. `table` is the one the topology was built with: numbers equal to a row of it are written as the row's name.

    Raises InputError where the topology has no component: there is nothing to simulate in it.
    """
    if not topology.components:
        raise InputError(
            "nothing in it serves or keeps data: no component to write; import the state that holds servers, databases or queues"
        )
    writer = _Writer(topology, table)
    head: _Row = {"version": 1}
    head |= {"provider": writer.provider} if writer.provider else {}
    head |= {"region": writer.region} if writer.region else {}
    sections = (
        ("components", [writer.component(each) for each in topology.components.values()], False),
        ("dependencies", [_dependency(edge) for edge in topology.dependencies if edge.source != edge.target], True),
        ("entry_points", [_entry(entry) for entry in topology.entries], True),
        ("external_services", [_external(service) for service in topology.externals if service.id not in topology.components], True),
        ("agents", [_agent(agent) for agent in topology.agents], False),
    )
    parts = [HEADER + "".join(f"{line}\n" for line in _lines(head))]
    parts += [_section(name, rows, inline) for name, rows, inline in sections if rows]
    parts += (
        [] if topology.entries else ["entry_points: []  # nobody was found to come in anywhere: name the components that users reach\n"]
    )
    operations = _operations(topology.operations)
    parts += ["operations:\n" + "".join(f"  {line}\n" for line in _lines(operations))] if operations else []
    return "\n".join(parts)


def _section(name: str, rows: Iterable[_Row], inline: bool) -> str:
    """`inline`: one line a row; else one line a key."""
    texts = [_flow(row) if inline else "\n    ".join(_lines(row)) for row in rows]
    return f"{name}:\n" + "".join(f"  - {text}\n" for text in texts)


def _lines(row: _Row) -> list[str]:
    return [f"{key}: {_flow(value)}" for key, value in row.items()]


def _flow(value: Any) -> str:
    """One line of YAML for any value; inside a sequence of one, so that text is quoted wherever it has to be."""
    return str(yaml.safe_dump([_plain(value)], default_flow_style=True, sort_keys=False, allow_unicode=True, width=math.inf))[1:-2]


def _plain(value: Any) -> Any:
    """Whole numbers without their `.0`."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else value


@dataclass(frozen=True, slots=True)
class _Domains:
    """What a component's copies share with others, read back from the ids of its faults. `carriers`: copy by copy, as `ADDRESS#k`."""

    provider: str
    placement: tuple[str, ...]
    regions: tuple[str, ...]
    service: str
    vendor: str
    carriers: tuple[tuple[str, ...], ...]
    own: bool
    zonal: bool


class _Writer:
    """Holds what the rows of one file have in common."""

    def __init__(self, topology: Topology, table: ReliabilityTable) -> None:
        self.topology = topology
        self.table = table
        self.domains = {address: _domains(each, topology) for address, each in topology.components.items()}
        self.provider = _most_common(each.provider for each in self.domains.values())
        regions = {each.regions for address, each in self.domains.items() if topology.components[address].copies}
        self.region = next(iter(regions))[0] if len(regions) == 1 and len(next(iter(regions))) == 1 else ""
        self.parts = {store: asset.address for asset in topology.assets for store in asset.stores if store != asset.address}
        self.assets = {asset.address: asset for asset in topology.assets}
        self.externals = {service.id: service for service in topology.externals}

    def component(self, each: Component) -> _Row:
        domains = self.domains[each.address]
        row: _Row = {"id": each.address, "type": each.kind.value}
        row |= _filled(label="" if each.label == each.address else each.label, terraform_type=each.catalogue_type)
        row |= self._copies(each, domains)
        row |= self._place(each, domains)
        row |= _falls_with(domains) | _filled(service=domains.service, contract=each.service)
        row |= {} if domains.vendor in ("", each.address) else {"vendor": domains.vendor}
        row |= self._numbers(each, row)
        row |= self._data(each, row)
        row |= _runtime(each)
        external = self.externals.get(each.address)
        return row | ({"sla": external.sla_percent, "sla_source": external.source} if external else {})

    def _copies(self, each: Component, domains: _Domains) -> _Row:
        row: _Row = {"managed": True} if each.managed else {}
        usual = max(1, len(domains.regions)) if each.managed else 0 if each.kind is Kind.CONNECTOR else None
        if len(each.copies) != usual:
            row["replicas"] = len(each.copies)
        if each.needed != (0 if each.kind is Kind.CONNECTOR else 1) or (each.stateful and not each.gaps and len(each.copies) > each.needed):
            row["needed"] = each.needed
        return row

    def _place(self, each: Component, domains: _Domains) -> _Row:
        row: _Row = {}
        if domains.provider not in ("", self.provider):
            row["provider"] = domains.provider
        if len(domains.regions) > 1:
            row["regions"] = list(domains.regions)
        elif each.copies and domains.regions != ((self.region,) if self.region else ()):
            row["region"] = domains.regions[0] if domains.regions else ""
        elif not each.copies and each.region != self.region:
            row["region"] = each.region
        return row | _zones(each.address, domains.placement, domains.regions)

    def _numbers(self, each: Component, written: _Row) -> _Row:
        row: _Row = {}
        declared = DeclaredComponent.model_validate(written)
        if each.stateful != (each.kind in STATEFUL):
            row["stateful"] = each.stateful
        if each.stateful and not each.gaps and len(each.copies) > each.needed and not each.managed:
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

    def _rates(self, each: Component, declared: DeclaredComponent) -> _Row:
        """Nothing where the type's own row says it; else the row that does; else the numbers."""
        rate, repair, gap = self._measured(each)
        default = default_rates(declared)
        for id in (default, *sorted(self.table.rows)):
            if _says(self.table.rows.get(id), rate, repair, gap):
                return {} if id == default else {"rates": id}
        numbers = {"failures_per_year": _bounds(rate), "repair_hours": _bounds(repair)}
        return numbers | ({"failover_seconds": _bounds(gap.scaled(SECONDS_PER_HOUR))} if gap else {})

    def _gap(self, each: Component) -> _Row:
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

    def _data(self, each: Component, written: _Row) -> _Row:
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
    return bool(each.gaps) and each.stateful and not each.managed and len(each.copies) > max(1, each.needed)


def _says(row: ReliabilityRow | None, rate: Interval, repair: Interval, gap: Interval | None) -> bool:
    if row is None or not _close(row.failures_per_year, rate) or row.repair_hours != repair:
        return False
    return gap is None or (row.failover_seconds is not None and _close(row.failover_seconds.scaled(1 / SECONDS_PER_HOUR), gap))


def _close(one: Interval, other: Interval) -> bool:
    return all(abs(a - b) <= 1e-9 * max(a, b) for a, b in ((one.low, other.low), (one.default, other.default), (one.high, other.high)))


def _bounds(interval: Interval) -> float | list[float]:
    values = [float(f"{value:.12g}") for value in (interval.low, interval.default, interval.high)]
    return values[0] if values[0] == values[2] else values


def _domains(each: Component, topology: Topology) -> _Domains:
    carriers = tuple(_carriers(each.address, copy, topology) for copy in each.copies)
    every = [[topology.faults[id] for id in copy.faults] for copy in each.copies]
    named = [fault for held in every for fault in held]
    service = _after_provider(_not_carried(every, carriers, topology), FaultClass.SERVICE)
    return _Domains(
        provider=next(
            (fault.id.split(":")[1] for fault in named if fault.fault_class in _PLACED and not fault.id.startswith("zone:?:")), ""
        ),
        placement=tuple(copy.zone for copy in each.copies),
        regions=tuple(sorted(set(_after_provider(named, FaultClass.REGION)))),
        service=service[0].partition("@")[0] if service else "",
        vendor=next((fault.id.partition(":")[2] for fault in named if fault.fault_class is FaultClass.VENDOR), ""),
        carriers=carriers,
        own=any(fault.address == each.address for fault in named),
        zonal=any(fault.address == each.address and fault.fault_class is FaultClass.ZONAL for fault in named),
    )


def _carriers(address: str, copy: Copy, topology: Topology) -> tuple[str, ...]:
    """Copies of other components whose every fault this copy has: it falls whenever one of them does."""
    foreign = dict.fromkeys(topology.faults[id].address for id in copy.faults)
    found: list[str] = []
    for owner in foreign:
        component = topology.components.get(owner) if owner != address else None
        for index, other in enumerate(component.copies if component else ()):
            if set(other.faults) <= set(copy.faults):
                found.append(f"{owner}#{index}")
    return tuple(found)


def _not_carried(every: list[list[Fault]], carriers: tuple[tuple[str, ...], ...], topology: Topology) -> list[Fault]:
    rest: list[Fault] = []
    for held, names in zip(every, carriers, strict=True):
        brought = {id for name in names for id in _carrier(name, topology).faults}
        rest += [fault for fault in held if fault.id not in brought]
    return rest


def _carrier(name: str, topology: Topology) -> Copy:
    owner, _, index = name.rpartition("#")
    return topology.components[owner].copies[int(index)]


def _falls_with(domains: _Domains) -> _Row:
    """Nothing; the same for every copy; the carrier's copies in turn; else a list a copy."""
    if not any(domains.carriers):
        return {}
    own: _Row = {} if domains.own else {"own_failures": False}
    if len(set(domains.carriers)) == 1:
        return {"falls_with": [list(domains.carriers[0])]} | own
    return {"falls_with": [list(names) for names in domains.carriers]} | own


_PLACED = (FaultClass.ZONE, FaultClass.REGION, FaultClass.SERVICE)


def _after_provider(faults: Iterable[Fault], fault_class: FaultClass) -> list[str]:
    return [fault.id.split(":", 2)[2] for fault in faults if fault.fault_class is fault_class]


def _zones(address: str, placement: tuple[str, ...], regions: tuple[str, ...]) -> _Row:
    """`zones` (names, or how many unnamed ones) where the copies are dealt over them in turn, `placement` where they are not."""
    zones = sorted({zone for zone in placement if zone})
    if not zones:
        return {}
    if all(zone.startswith("?:") for zone in zones):
        count = len({zone.rpartition("#")[2] for zone in zones})
        return {"zones": count} if placement == _unnamed(address, count, regions, len(placement)) else {"placement": list(placement)}
    in_turn = tuple(zones[index % len(zones)] for index in range(len(placement)))
    return {"zones": zones} if placement == in_turn and len(regions) < 2 else {"placement": list(placement)}


def _unnamed(address: str, count: int, regions: tuple[str, ...], copies: int) -> tuple[str, ...]:
    """Where the copies stand when so many unnamed zones (of each region) are all that is known."""
    at = [f"@{region}" for region in regions] if len(regions) > 1 else [""]
    return tuple(f"?:{address}{at[index % len(at)]}#{index // len(at) % count + 1}" for index in range(copies))


def _runtime(each: Component) -> _Row:
    run = each.runtime
    numbers = {
        "latency": _with_unit(run.latency_ms, "ms") if run.latency_ms else None,
        "timeout": None if run.timeout_ms is None else _with_unit(run.timeout_ms, "ms"),
        "pool": run.pool,
        "capacity": run.capacity,
        "demand": run.demand,
        "requests_per_second": run.requests_per_second,
    }
    return {name: value for name, value in numbers.items() if value is not None}


def _with_unit(value: float, unit: str) -> str | float:
    """`25ms`; the bare number where it needs more digits than one reads."""
    text = f"{value:.12g}"
    return text + unit if "e" not in text and float(text) == value else value


def _dependency(edge: Dependency) -> _Row:
    row: _Row = {"source": edge.source, "target": edge.target, "type": _TYPES[edge.role]}
    row |= {"weight": edge.weight} if edge.weight != 1.0 else {}
    row |= {"latency": _with_unit(edge.latency_ms, "ms")} if edge.latency_ms else {}
    row |= {"timeout": _with_unit(edge.timeout_ms, "ms")} if edge.timeout_ms is not None else {}
    row |= {"buffer": _with_unit(edge.buffer_seconds, "s")} if edge.buffer_seconds else {}
    row |= _filled(retries=edge.retries, broken=edge.broken, group=edge.group)
    row |= {"group_needed": edge.group_needed} if edge.group_needed != 1 else {}
    row |= _filled(circuit_breaker=edge.breaker, own_copies_only=edge.local_only)
    return row | ({} if edge.fallback else {"fallback": False})


def _entry(entry: EntryPoint) -> _Row:
    row: _Row = {"id": entry.address}
    row |= {} if entry.component == entry.address else {"component": entry.component}
    row |= {} if entry.label == entry.address else {"label": entry.label}
    row |= {} if entry.weight == 1.0 else {"weight": entry.weight}
    return row | _filled(deferred=entry.deferred, retention_hours=entry.retention_hours)


def _external(service: ExternalService) -> _Row:
    row: _Row = {"id": service.id} | ({} if service.label == service.id else {"label": service.label})
    return row | {"sla": service.sla_percent} | _filled(source=service.source, used_by=list(service.used_by))


def _agent(agent: Agent) -> _Row:
    row: _Row = {"id": agent.address, "h0": agent.h0}
    row |= _filled(sources=[{"id": id, "weight": weight} for id, weight in agent.sources])
    row |= _filled(upstream=[{"id": id, "verification": verification} for id, verification in agent.upstream])
    return row | ({} if agent.degraded_factor == 0.5 else {"degraded_factor": agent.degraded_factor})


def _operations(operations: Operations | None) -> _Row:
    """What somebody declared; defaults stay out, so that they stay defaults."""
    if operations is None:
        return {}
    declared = (name for name, source in operations.sources.items() if source == "declared")
    return {{"config_drift_per_year": "incidents_per_year"}.get(name, name): getattr(operations, name) for name in declared}


def _filled(**values: Any) -> _Row:
    return {name: value for name, value in values.items() if value}


def _most_common(names: Iterable[str]) -> str:
    counted = Counter(name for name in names if name and name != "declared")
    return min(counted, key=lambda name: (-counted[name], name), default="")
