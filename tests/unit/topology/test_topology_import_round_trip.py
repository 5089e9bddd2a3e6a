"""What real plans and states become in infra.yaml is what they were: the way of `tf-import`."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from faultray_action.catalogue.load import load
from faultray_action.catalogue.reliability import load_reliability
from faultray_action.catalogue.sla import load_slas
from faultray_action.declared.read import parse_infra
from faultray_action.declared.writer import write_infra
from faultray_action.engine.examine import examine
from faultray_action.model.errors import InputError
from faultray_action.model.topology import Topology
from faultray_action.terraform.links import Linker
from faultray_action.terraform.reader import read
from faultray_action.terraform.state import read_state
from faultray_action.topology.build import build
from faultray_action.topology.draft import Knowledge
from faultray_action.topology.from_declared import build as build_declared

SHARED = Path(__file__).parents[4] / "shared"
SAMPLES = (
    "scenarios/03-asg-two-az-to-one/plan.json",
    "scenarios/05-nat-per-az-to-single/plan.json",
    "scenarios/11-eks-nodegroups-one-az/plan.json",
    "scenarios/15-aurora-two-to-one/plan.json",
    "scenarios/20-sg-rule-cuts-db/plan.json",
    "scenarios/a06-sql-failover-group-removed/plan.json",
    "scenarios/g01-sql-regional-to-zonal/plan.json",
    "corpus/states/driftctl-aws-rds-cluster.tfstate",
    "corpus/states/faultray-examples-sample-tfstate.json",
    "corpus/states/inframap-google-state.json",
)


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return Knowledge(load(), load_reliability(), load_slas())


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_imported_system_has_the_same_outcomes(sample: str, knowledge: Knowledge) -> None:
    path = SHARED / sample
    if not path.exists():
        pytest.skip("needs the shared samples beside the project")
    topology = _topology(path, knowledge)
    again = build_declared(parse_infra(write_infra(topology, knowledge.table), "infra.yaml"), knowledge.table)
    assert {a: _shape(topology, a) for a in topology.components} == {a: _shape(again, a) for a in again.components}
    assert [replace(edge, evidence=()) for edge in again.dependencies] == [
        replace(edge, evidence=()) for edge in topology.dependencies if edge.source != edge.target
    ]
    one, other = examine(topology, cuts=False), examine(again, cuts=False)
    assert one.single_points == other.single_points
    assert [(each.address, each.hazard_per_year) for each in one.entries] == [
        (each.address, each.hazard_per_year) for each in other.entries
    ]
    for left, right in zip(one.entries, other.entries, strict=True):
        assert left.unavailability.value == pytest.approx(right.unavailability.value, rel=1e-9)
    assert {each.address: each.uncovered for each in one.assets} == {each.address: each.uncovered for each in other.assets}


def test_a_state_without_anything_that_serves_says_so(knowledge: Knowledge) -> None:
    nothing = Topology(components={}, dependencies=(), faults={}, entries=())
    with pytest.raises(InputError, match="nothing in it serves"):
        write_infra(nothing, knowledge.table)


def _topology(path: Path, knowledge: Knowledge) -> Topology:
    plan = read_state(path.read_bytes(), path.name) if path.parent.name == "states" else read((path,))
    linker = Linker(plan)
    return build(plan, lambda _, side: linker.links(side), knowledge).before


def _shape(topology: Topology, address: str) -> object:
    each = topology.components[address]
    return (
        each.kind,
        each.label,
        each.needed,
        each.managed,
        each.stateful,
        each.service,
        [(frozenset(copy.faults), copy.zone) for copy in each.copies],
    )
