"""From a number of copies and a placement to copies with faults: the redundancy part of the structure function (docs/model.md).

Laws that the tests hold, per component and at the same number needed:
a further copy never raises the order-1 rate H1 nor the unavailability U; the marginal rate of a copy is the given rate whatever n is;
the common-cause rate depends on the span of the group, never on n. A further zone never hurts where one copy suffices; where more are
needed, two half-filled zones can be two ways to fail instead of one, and that is the truth about the placement, not an artefact.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import lcm
from typing import NamedTuple

from msgspec import Struct

from faultray_action.model.component import NAMES, Copy, Fault, FaultClass, Recovery
from faultray_action.model.reliability import ReliabilityRow, ReliabilityTable
from faultray_action.model.units import HOURS_PER_YEAR, Interval, p_down
from faultray_action.topology.bulk import Turn, counted, merged, stands_for

SECONDS_PER_HOUR = 3600.0

MOST_UNNAMED_ZONES = NAMES
"""No provider has as many; a number beyond it is no placement."""


class RedundancySpec(Struct, frozen=True):
    """What is known of one component's copies.

    `failures_per_year` and `repair_hours` are those of one copy; `failover_seconds` is the gap until a standby serves, None where
    nothing takes over by itself.
    `zones` are names (shared with every other component there); `anonymous_zones` is how many unnamed ones where names are unknown. Unnamed
    zones are never shared between components, which is pessimistic: two components in one unnamed zone count its loss twice.
    `placement` is the zone of each copy ("" for none) where it is known copy by copy; then nothing is dealt.
    `regions`: the copies are dealt over them; a named zone belongs to the region whose name it starts with, else to the first.
    No zones and no anonymous ones: no zone event (a regional service). `service` is the provider service ("rds"), "" for none.
    `managed`: no customer-visible copy; its copies (one, or one a region) hold domain faults only, a zone's
    only where it is pinned to one. `vendor` names a third
    party that runs it, `vendor_rates` the table's row for it (vendor, cdn, dns_service).
    `own_class` is ZONAL for a thing that exists once a zone (a NAT gateway).
    """

    address: str
    copies: int
    needed: int
    failures_per_year: Interval
    repair_hours: Interval
    recovery: Recovery = Recovery.SELF_HEALS
    zones: tuple[str, ...] = ()
    anonymous_zones: int = 0
    placement: tuple[str, ...] = ()
    provider: str = ""
    regions: tuple[str, ...] = ()
    service: str = ""
    vendor: str = ""
    vendor_rates: str = "vendor"
    stateful: bool = False
    managed: bool = False
    failover_seconds: Interval | None = None
    own_class: FaultClass = FaultClass.COPY

    def but_address(self) -> tuple[object, ...]:
        """All that is known but the address."""
        rates = self.failures_per_year, self.repair_hours, self.failover_seconds, self.recovery
        kinds = self.stateful, self.managed, self.own_class, self.provider, self.service, self.vendor, self.vendor_rates
        return self.copies, self.needed, self.zones, self.anonymous_zones, self.placement, self.regions, *rates, *kinds


class Dealt(NamedTuple):
    """`copies` and `gaps` go into the Component, `faults` into the Topology: sorted by id, and the same id is the same fault everywhere.

    `numbers`: the number of each of the copies, of those in bulk the first one's."""

    copies: tuple[Copy, ...]
    gaps: tuple[str, ...]
    faults: tuple[Fault, ...]
    numbers: tuple[int, ...] = ()


class _Place(NamedTuple):
    region: str
    zone: str


def deal_copies(spec: RedundancySpec, table: ReliabilityTable) -> Dealt:
    """Copies dealt round-robin over the sorted zones (and regions), each with its own fault and those of every domain it shares.

    Copies in bulk are counted (`topology.bulk`): what it costs does not depend on how many there are.
    Precondition: copies >= 0, needed >= 0, a placement names at least `copies` zones.
    No copies give no faults. Raises ConfigError where the table lacks a domain's row or a beta.
    """
    dealt = deal_in_turn(spec, table)
    return dealt._replace(copies=merged(dealt.copies), numbers=())


def deal_in_turn(spec: RedundancySpec, table: ReliabilityTable, period: int = 1) -> Dealt:
    """As `deal_copies`, but copies in bulk that stand on the same ground are told apart where something else repeats every `period` copies."""
    turns, places = _deal(spec, period)
    own = _own_faults(spec, turns, places, table)
    shared = {place: domain_faults(spec, place.region, place.zone, table) for place in set(places)}
    copies: list[Copy] = []
    faults: list[Fault] = []
    for turn, mine, place in zip(turns, own, places, strict=True):
        held = (*mine, *shared[place])
        copies.append(Copy(tuple([fault.id for fault in held]), place.zone, turn.count))
        faults += held
    gaps = _gap_faults(spec, places, table)
    numbers = tuple([turn.index for turn in turns])
    return Dealt(tuple(copies), tuple(gap.id for gap in gaps), merge_faults((*faults, *gaps)), numbers)


class Dealer:
    """Deals the copies of many components by one table: for those that have all but their address in common it is done once."""

    def __init__(self, table: ReliabilityTable) -> None:
        self._table = table
        self._dealt: dict[tuple[object, ...], tuple[str, Dealt]] = {}

    def deal(self, spec: RedundancySpec) -> Dealt:
        """As `deal_copies`."""
        if spec.anonymous_zones:
            return deal_copies(spec, self._table)  # named after the component
        mark = spec.but_address()
        known = self._dealt.get(mark)
        if known is None:
            known = self._dealt[mark] = spec.address, deal_copies(spec, self._table)
        address, dealt = known
        return dealt if address == spec.address else _readdressed(dealt, address, spec.address)


def _readdressed(dealt: Dealt, old: str, new: str) -> Dealt:
    """The same for another component: its own faults are named after it, the others are shared."""
    named = {fault.id: _named_after(fault, old, new) for fault in dealt.faults if fault.address}
    ids = {id: fault.id for id, fault in named.items()}
    return Dealt(
        tuple([Copy(tuple([ids.get(id, id) for id in copy.faults]), copy.zone, copy.count) for copy in dealt.copies]),
        tuple([ids[id] for id in dealt.gaps]),
        tuple([named.get(fault.id, fault) for fault in dealt.faults]),
    )


def _named_after(fault: Fault, old: str, new: str) -> Fault:
    kind, _, rest = fault.id.partition(":")
    return Fault(
        f"{kind}:{new}{rest[len(old) :]}", fault.fault_class, fault.failures_per_year, fault.repair_hours, fault.recovery, new, fault.domain
    )


def merge_faults(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Each id once, sorted by id."""
    by_id = {fault.id: fault for fault in faults}
    return tuple(by_id[id] for id in sorted(by_id))


def domain_faults(spec: RedundancySpec, region: str, zone: str, table: ReliabilityTable) -> tuple[Fault, ...]:
    """The shared events of a copy at that place: zone, provider service, vendor, region; those that have no name are left out."""
    found: list[Fault] = []
    if zone:
        found.append(zone_fault(spec.provider, zone, table))
    if spec.service:
        found.append(service_fault(spec.provider, spec.service, region, table))
    if spec.vendor:
        found.append(vendor_fault(spec.vendor, table, spec.vendor_rates))
    if region:
        found.append(region_fault(spec.provider, region, table))
    return tuple(found)


def zone_fault(provider: str, zone: str, table: ReliabilityTable) -> Fault:
    """`zone:PROVIDER:NAME`, or `zone:?:ADDRESS#k` for an unnamed zone (`?:ADDRESS#k`)."""
    row = table.row("zone")
    if zone.startswith("?:"):
        return _domain(f"zone:{zone}", FaultClass.ZONE, row, f"unnamed zone {zone.rpartition('#')[2]}")
    return _domain(f"zone:{provider}:{zone}", FaultClass.ZONE, row, zone)


def region_fault(provider: str, region: str, table: ReliabilityTable) -> Fault:
    """`region:PROVIDER:REGION`."""
    return _domain(f"region:{provider}:{region}", FaultClass.REGION, table.row("region"), region)


def service_fault(provider: str, service: str, region: str, table: ReliabilityTable) -> Fault:
    """`service:PROVIDER:SERVICE@REGION`; a global service has no region and no `@`."""
    domain = f"{provider}:{service}" + (f"@{region}" if region else "")
    return _domain(f"service:{domain}", FaultClass.SERVICE, table.row("provider_service"), domain)


def vendor_fault(name: str, table: ReliabilityTable, row: str = "vendor") -> Fault:
    """`vendor:NAME`: the whole of a third party, shared by every component it runs."""
    return _domain(f"vendor:{name}", FaultClass.VENDOR, table.row(row), name)


def beta_of(places: Iterable[tuple[str, str]], table: ReliabilityTable) -> float:
    """Share of failures that hit all copies at once, by the most diverse span of the (region, zone) places: regions, zones, one zone."""
    spread = set(places)
    if len({region for region, _ in spread}) > 1:
        return table.quantity("beta_regions").value.default
    if len(spread) > 1:
        return table.quantity("beta_zones").value.default
    return table.quantity("beta_same_zone").value.default


def _domain(id: str, fault_class: FaultClass, row: ReliabilityRow, name: str) -> Fault:
    return Fault(id, fault_class, row.failures_per_year, row.repair_hours, row.recovery, "", name)


def _deal(spec: RedundancySpec, period: int) -> tuple[tuple[Turn, ...], tuple[_Place, ...]]:
    """The copies by number, and where each of them stands."""
    regions = tuple(sorted(set(spec.regions))) if len(spec.regions) > 1 else spec.regions or ("",)
    if spec.placement:
        placed = tuple(_Place(_region_of(zone, regions), zone) for zone in spec.placement[: spec.copies])
        return counted(len(placed), len(placed)), placed
    by_region = {region: _zones_in(spec, region, regions) for region in regions}
    round_of_all = len(regions) * lcm(*[len(zones) for zones in by_region.values()])
    turns = counted(spec.copies, lcm(round_of_all, period))
    places: list[_Place] = []
    for turn in turns:
        region = regions[turn.index % len(regions)]
        zones = by_region[region]
        places.append(_Place(region, zones[turn.index // len(regions) % len(zones)]))
    return turns, tuple(places)


def _zones_in(spec: RedundancySpec, region: str, regions: tuple[str, ...]) -> tuple[str, ...]:
    named = tuple([zone for zone in sorted(set(spec.zones)) if _region_of(zone, regions) == region])
    if spec.managed and (len(named) > 1 or spec.anonymous_zones > 1):
        return ("",)
    if named:
        return named
    at = f"@{region}" if len(regions) > 1 else ""
    unnamed = min(spec.anonymous_zones, MOST_UNNAMED_ZONES)
    return tuple(f"?:{spec.address}{at}#{k}" for k in range(1, unnamed + 1)) or ("",)


def _region_of(zone: str, regions: tuple[str, ...]) -> str:
    if len(regions) == 1:
        return regions[0]
    if zone.startswith("?:") and zone.partition("@")[2].rpartition("#")[0] in regions:
        return zone.partition("@")[2].rpartition("#")[0]
    matching = [region for region in regions if zone.startswith(region)]
    return max(matching, key=len, default=regions[0]) or regions[0]


def _own_faults(
    spec: RedundancySpec, turns: Sequence[Turn], places: tuple[_Place, ...], table: ReliabilityTable
) -> tuple[tuple[Fault, ...], ...]:
    """Per value of `turns`; what is only counted has the common cause alone."""
    if spec.managed:
        return ((),) * len(turns)
    beta = _beta(spec, places, table)
    together, alone = spec.failures_per_year.scaled(beta), spec.failures_per_year.scaled(1 - beta)
    common = (_own(spec, f"common:{spec.address}", FaultClass.COMMON_CAUSE, together),) if beta else ()
    named = [
        (_own(spec, f"copy:{spec.address}#{index}", spec.own_class, _of_copy(alone, spec.copies, index)), *common)
        for index in range(min(len(turns), NAMES))
    ]
    return (*named, *([common] * (len(turns) - len(named))))


def _of_copy(rate: Interval, copies: int, index: int) -> Interval:
    scale = stands_for(copies, index)
    return rate if scale == 1.0 else rate.scaled(scale)


def _own(spec: RedundancySpec, id: str, fault_class: FaultClass, failures_per_year: Interval) -> Fault:
    return Fault(id, fault_class, failures_per_year, spec.repair_hours, spec.recovery, spec.address)


def _beta(spec: RedundancySpec, places: tuple[_Place, ...], table: ReliabilityTable) -> float:
    """A lone copy splits its rate too: the common cause then exists on both sides of a change of the number of copies, and the same
    scenario asks the same of both. The sum of its two events is the given rate."""
    return beta_of(places, table) if places else 0.0


def _gap_faults(spec: RedundancySpec, places: tuple[_Place, ...], table: ReliabilityTable) -> tuple[Fault, ...]:
    """The primary's own failures, each down until the standby serves or the primary is back, whatever comes first."""
    if spec.managed or not spec.stateful or spec.failover_seconds is None or spec.copies < 2 or spec.copies <= spec.needed:
        return ()
    beta = _beta(spec, places, table)
    rate = spec.failures_per_year.scaled(1 - beta)
    hours = gap_hours(spec.failover_seconds, spec.failures_per_year, spec.repair_hours, beta)
    return (Fault(f"gap:{spec.address}", FaultClass.GAP, rate, hours, Recovery.FAILS_OVER, spec.address),)


def gap_hours(failover_seconds: Interval, failures_per_year: Interval, repair_hours: Interval, beta: float) -> Interval:
    """min(failover, self-heal) in hours, bound by bound, and never so long that the standby makes the pair worse than the primary alone.

    With x = rate * repair / 8766 the lone primary is up 1 / (1 + x) of the time,
    the pair (1 - p^2) / ((1 + beta x)(1 + (1 - beta) x g / repair))
    where p is the share of time a copy is down by its own event. Solved for the gap g; the cap bites only where failing over takes about
    as long as healing.
    """
    bounds = (
        _gap_bound(failover / SECONDS_PER_HOUR, rate, repair, beta)
        for failover, rate, repair in zip(_bounds(failover_seconds), _bounds(failures_per_year), _bounds(repair_hours), strict=True)
    )
    low, default, high = bounds
    return Interval(low, max(low, default), max(low, default, high))


def _bounds(interval: Interval) -> tuple[float, float, float]:
    return interval.low, interval.default, interval.high


def _gap_bound(failover_hours: float, rate: float, repair: float, beta: float) -> float:
    x = rate * repair / HOURS_PER_YEAR
    if x <= 0.0 or beta >= 1.0:
        return min(failover_hours, repair)
    both = p_down((1 - beta) * rate, repair) ** 2
    share = ((1 + x) * (1 - both) / (1 + beta * x) - 1) / ((1 - beta) * x)
    return min(failover_hours, repair * max(0.0, min(1.0, share)))
