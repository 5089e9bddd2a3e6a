"""Cascades followed to their end: the map of every path, and the gate of a maximum depth."""

from __future__ import annotations

import json

from msgspec.structs import replace

from faultray_action.check.request import Checked
from faultray_action.engine.cascade import run
from faultray_action.engine.paths import all_cascade_paths
from faultray_action.engine.relation import relate
from faultray_action.model.finding import Decision, GateResult
from faultray_action.model.scenario import ScenarioSet
from faultray_action.model.topology import Topology


def cascade_map(checked: Checked) -> str:
    """Every cascade path of every scenario, on each side that exists: JSON text."""
    sides = {"before": checked.before, "after": checked.after}
    maps = {name: list(all_cascade_paths(side, checked.scenarios.scenarios)) for name, side in sides.items() if side.entries}
    return json.dumps({"schema_version": "1.0", **maps}, indent=1, ensure_ascii=False) + "\n"


def within_depth(decision: Decision, topology: Topology, scenarios: ScenarioSet, max_depth: int | None) -> Decision:
    """A cascade that is cut proves nothing good: with a maximum depth, one that is deeper fails the gate and says so."""
    if max_depth is None:
        return decision
    cut = _cut(topology, scenarios, max_depth)
    message = f"{cut} cascades are deeper than {max_depth} and were cut: what lies beyond is not known" if cut else ""
    gate = GateResult("max-depth", cut == 0, max_depth, cut, None, message)
    return replace(decision, gates=(*decision.gates, gate))


def _cut(topology: Topology, scenarios: ScenarioSet, max_depth: int) -> int:
    """How many cascades of single failures are deeper."""
    relation = relate(topology)
    single = [scenario for scenario in scenarios.scenarios if len(scenario.faults) < 2]
    return sum(run(topology, scenario, max_depth=max_depth, relation=relation).truncated for scenario in single)
