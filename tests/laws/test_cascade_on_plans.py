"""The laws on topologies that real Terraform plans were built into: the fixtures, both sides."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest
from cascade_proof import fault_of_trace
from test_scenarios_laws import assert_distinct

from faultray_action.engine.cascade import run
from faultray_action.engine.compiled import compile_topology
from faultray_action.engine.paths import all_cascade_paths
from faultray_action.engine.relation import relate
from faultray_action.engine.survival import failing
from faultray_action.model.topology import Topology
from faultray_action.pipeline import Request, discover, know
from faultray_action.scenarios.generate import generate
from faultray_action.scenarios.parse import parse_scenario
from faultray_action.terraform.reader import read

PLANS = sorted((Path(__file__).parents[2] / "fixtures").glob("*/plan.json"))


@cache
def sides(plan: Path) -> tuple[Topology, Topology]:
    stages = discover(read((plan,)), know(Request()))
    return stages.before, stages.after


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.parent.name)
def test_scenarios_of_a_plan_are_distinct_and_read_back(plan: Path) -> None:
    found = generate(sides(plan), budget=800)
    assert_distinct(found, *sides(plan))
    for scenario in found.scenarios[::7]:
        again = parse_scenario(scenario.id, *sides(plan))
        assert (again.faults, again.what_ifs) == (scenario.faults, scenario.what_ifs)


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.parent.name)
def test_the_cascade_of_a_plan_keeps_its_laws_and_agrees_with_the_masks(plan: Path) -> None:
    scenarios = generate(sides(plan), budget=300).scenarios
    for side in sides(plan):
        relation = relate(side)
        masks = failing(compile_topology(side), scenarios)
        for bit, scenario in enumerate(scenarios):
            trace = run(side, scenario, relation=relation)
            assert fault_of_trace(trace, relation) == "", scenario.id
            for entry in side.entries:
                if not entry.deferred:
                    assert bool(masks[entry.address] >> bit & 1) == (entry.address in trace.entries_failing), scenario.id
        json.dumps(list(all_cascade_paths(side, scenarios[:20])), allow_nan=False)
