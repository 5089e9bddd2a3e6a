"""Everything the engine finds out about one topology, in the words of the model."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from faultray_action.engine.availability import Unavailability, find_unavailability
from faultray_action.engine.compiled import Compiled, compile_topology
from faultray_action.engine.cuts import cut_rows, find_cuts
from faultray_action.engine.single_points import Singles, find_single_points
from faultray_action.engine.spread import group_points
from faultray_action.engine.structure import evaluate
from faultray_action.engine.survival import summarise
from faultray_action.model.outcome import AssetOutcome, EntryOutcome, Estimate, Examination, SinglePoint, SweepSummary
from faultray_action.model.scenario import ScenarioSet
from faultray_action.model.topology import DataAsset, EntryPoint, LossKind, Topology

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
        assets=examine_assets(topology),
        single_points=_with_groups(singles.points, group_points(compiled, singles.shared)),
        shared=singles.shared,
        cuts=cut_rows(compiled, families, singles.hidden) if families else (),
        cuts_complete=families.complete if families else False,
        sweep=summarise(compiled, scenarios) if scenarios else SweepSummary(0, 0),
        down=down_at_rest(compiled),
    )


def _with_groups(points: tuple[SinglePoint, ...], groups: tuple[SinglePoint, ...]) -> tuple[SinglePoint, ...]:
    known = {point.address for point in points}
    return tuple(sorted((*points, *(point for point in groups if point.address not in known)), key=lambda point: point.address))


def examine_assets(topology: Topology) -> tuple[AssetOutcome, ...]:
    """L1 and what is uncovered, per data asset."""
    return tuple(_asset(asset) for asset in topology.assets)


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
    # What a snapshot alone holds is lost with whoever deletes the snapshot, whatever protects the store.
    exposed = [loss for loss in asset.losses if not loss.covered or (asset.unrestored and loss.kind is LossKind.DELETE)]
    return AssetOutcome(
        address=asset.address,
        exposure_per_year=sum(loss.failures_per_year.default for loss in exposed),
        uncovered=tuple(loss.kind.value for loss in uncovered),
        destroyed=asset.destroyed,
    )
