"""Everything the engine finds out about one topology, in the words of the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from faultray_action.engine.availability import Unavailability, find_unavailability
from faultray_action.engine.compiled import Compiled, compile_topology
from faultray_action.engine.cuts import cut_rows, find_cuts
from faultray_action.engine.single_points import Singles, find_single_points
from faultray_action.engine.structure import evaluate
from faultray_action.engine.sweep import Row, sweep_entries
from faultray_action.model.outcome import AssetOutcome, EntryOutcome, Estimate, Examination, SweepSummary
from faultray_action.model.scenario import Scenario, ScenarioSet, WhatIfKind
from faultray_action.model.topology import DataAsset, EntryPoint, Topology

_CUT_OFF = Estimate(1.0, 1.0, 1.0)


def examine(topology: Topology, scenarios: ScenarioSet | None = None, cuts: bool = True) -> Examination:
    """One topology's entries, assets, single points, shared dependencies and, on request, cuts of order 2 and 3 and the sweep.

    The score needs neither `cuts` nor `scenarios`: searches that only compare scores leave them out.
    """
    return examine_compiled(compile_topology(topology), scenarios, cuts)


def examine_compiled(compiled: Compiled, scenarios: ScenarioSet | None = None, cuts: bool = True) -> Examination:
    """As `examine`, for a topology that is compiled already."""
    topology = compiled.topology
    singles = find_single_points(compiled)
    unavailability = find_unavailability(compiled, singles.hidden)
    families = find_cuts(compiled) if cuts else None
    return Examination(
        entries=tuple(_entry(entry, compiled, singles, unavailability[entry.address]) for entry in topology.entries),
        assets=tuple(_asset(asset) for asset in topology.assets),
        single_points=singles.points,
        shared=singles.shared,
        cuts=cut_rows(compiled, families, singles.hidden) if families else (),
        cuts_complete=families.complete if families else False,
        sweep=summarise(compiled, scenarios) if scenarios else SweepSummary(0, 0),
        down=down_at_rest(compiled),
    )


def down_at_rest(compiled: Compiled) -> Mapping[str, bool]:
    """Component address -> whether it is down with no event at all."""
    down = evaluate(compiled, [0] * len(compiled.events), 0, 1)
    components = len(compiled.topology.components)
    return MappingProxyType({address: bool(down[vertex]) for vertex, address in enumerate(compiled.addresses[:components])})


def _entry(entry: EntryPoint, compiled: Compiled, singles: Singles, found: Unavailability) -> EntryOutcome:
    cut_off = entry.address in singles.cut_off
    order_one = singles.order_one[entry.address]
    faults = [compiled.topology.faults[id] for id in order_one]
    return EntryOutcome(
        address=entry.address,
        cut_off=cut_off,
        unavailability=_CUT_OFF if cut_off else found.estimate,
        hazard_per_year=sum(fault.failures_per_year.default for fault in faults if fault.fault_class.counts_in_hazard),
        order_one=order_one,
        importance=() if cut_off else found.importance,
    )


def _asset(asset: DataAsset) -> AssetOutcome:
    uncovered = [loss for loss in asset.losses if not loss.covered]
    return AssetOutcome(
        address=asset.address,
        exposure_per_year=sum(loss.failures_per_year.default for loss in uncovered),
        uncovered=tuple(loss.kind.value for loss in uncovered),
        destroyed=asset.destroyed,
    )


def summarise(compiled: Compiled, scenarios: ScenarioSet) -> SweepSummary:
    """How many scenarios leave every entry up, in all and by stratum. Only the structure decides: lost copies, domains and components."""
    down = 0
    rows = [scenario_row(compiled, scenario) for scenario in scenarios.scenarios]
    for bits in sweep_entries(compiled, rows).values():
        down |= bits
    return SweepSummary(
        total=len(rows),
        survived=len(rows) - down.bit_count(),
        by_stratum=_by_stratum(scenarios.scenarios, down),
        dropped=scenarios.dropped,
        covered_mass=scenarios.covered_mass,
    )


def scenario_row(compiled: Compiled, scenario: Scenario) -> Row:
    """The structural part of a scenario; what a side does not have cannot fail there."""
    events = tuple(compiled.event_of[fault] for fault in scenario.faults if fault in compiled.event_of)
    lost = (what_if.target for what_if in scenario.what_ifs if what_if.kind is WhatIfKind.ALL_COPIES)
    return Row(events, tuple(compiled.vertex_of[target] for target in lost if target in compiled.vertex_of))


def _by_stratum(scenarios: Sequence[Scenario], down: int) -> tuple[tuple[str, int, int], ...]:
    masks: dict[str, int] = {}
    for bit, scenario in enumerate(scenarios):
        masks[scenario.stratum] = masks.get(scenario.stratum, 0) | 1 << bit
    return tuple((stratum, mask.bit_count(), (mask & ~down).bit_count()) for stratum, mask in sorted(masks.items()))
