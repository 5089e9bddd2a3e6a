"""What the engine answers about one side."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType

from msgspec import Struct

from faultray_action.model.component import FaultClass, Recovery


class Health(IntEnum):
    """A chain: joins are maxima."""

    HEALTHY = 0
    DEGRADED = 1
    OVERLOADED = 2
    DOWN = 3


class Estimate(Struct, frozen=True):
    """A probability with its bounds. `method`: exact, bound or sample; low and high span the rates' intervals (and the bound's or sample's error)."""

    value: float
    low: float
    high: float
    method: str = "exact"
    error: float = 0.0


class Importance(Struct, frozen=True):
    """Birnbaum importance (dU/dp) and Fussell-Vesely importance ((U - U with the fault impossible) / U) of one fault for one entry, in [0, 1].

    As exact as the entry's estimate: to first order where that is a bound or a sample.
    """

    fault: str
    birnbaum: float
    fussell_vesely: float


class EntryOutcome(Struct, frozen=True):
    """`address` of the entry point. `hazard_per_year` is H1: the sum of yearly default rates of its order-1 faults (classes of `FaultClass.counts_in_hazard`).

    `cut_off`: down with no event at all; then unavailability is 1 and the hazard is infinite in effect (R = 0).
    """

    address: str
    cut_off: bool
    unavailability: Estimate
    hazard_per_year: float
    order_one: tuple[str, ...] = ()
    importance: tuple[Importance, ...] = ()


class AssetOutcome(Struct, frozen=True):
    """`exposure_per_year` is L1: the sum of default rates of uncovered loss events; `destroyed` means D = 0."""

    address: str
    exposure_per_year: float
    uncovered: tuple[str, ...] = ()
    destroyed: bool = False


class SinglePoint(Struct, frozen=True):
    """A component one event of which takes an entry down. One row a component; `classes` sorted, `faults` the events (or "zone:NAME of ADDRESS" groups).

    `takes_down` are entry addresses, `recovery` the worst of its events, `failures_per_year` the sum of their default rates.
    `zones`: for class zone, the zones whose loss of this component's copies is an outage.
    """

    address: str
    classes: tuple[FaultClass, ...]
    faults: tuple[str, ...]
    takes_down: tuple[str, ...]
    recovery: Recovery
    failures_per_year: float
    zones: tuple[str, ...] = ()


class SharedDependency(Struct, frozen=True):
    """A region, provider-service, vendor or common-cause event that alone takes entries down: reported with its share of unavailability, no SPOF."""

    fault: str
    fault_class: FaultClass
    domain: str
    takes_down: tuple[str, ...]
    failures_per_year: float


class Cut(Struct, frozen=True):
    """A minimal cut set of one entry: fault ids, sorted."""

    entry: str
    faults: tuple[str, ...]


class SweepSummary(Struct, frozen=True):
    """How many scenarios left every entry up, by stratum: (stratum, total, survived). `failing`: entry -> integer, bit s set where scenario s stops it."""

    total: int
    survived: int
    by_stratum: tuple[tuple[str, int, int], ...] = ()
    dropped: tuple[tuple[str, int], ...] = ()
    covered_mass: float = 1.0
    failing: Mapping[str, int] = MappingProxyType({})


class Layer(Struct, frozen=True):
    """One of the five layers: availability in [0, 1] with the inputs it was computed from, (name, value, unit, source) each."""

    name: str
    availability: float
    inputs: tuple[tuple[str, float, str, str], ...] = ()
    note: str = ""


class Ceiling(Struct, frozen=True):
    """`value` = min over layers; `product` assumes independence; `frechet` is the lower bound for any correlation."""

    layers: tuple[Layer, ...]
    value: float
    binding: str
    product: float
    frechet: float


class Examination(Struct, frozen=True):
    """Everything the engine found out about one topology."""

    entries: tuple[EntryOutcome, ...]
    assets: tuple[AssetOutcome, ...]
    single_points: tuple[SinglePoint, ...]
    shared: tuple[SharedDependency, ...] = ()
    cuts: tuple[Cut, ...] = ()
    cuts_complete: bool = True
    sweep: SweepSummary = SweepSummary(0, 0)
    down: Mapping[str, bool] = MappingProxyType({})
