"""What is worked out from a difference equals what is worked out from scratch: the side after, and every counterfactual, of real and made plans."""

from __future__ import annotations

import importlib.util
import json
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from faultray_action.counterfactual.bundles import Edit, bundle
from faultray_action.engine.examine import examine
from faultray_action.engine.reexamine import reexamine
from faultray_action.judgement.assess import score_pair
from faultray_action.judgement.pairing import Side as Scored
from faultray_action.model.topology import Topology
from faultray_action.pipeline import Request, discover, know
from faultray_action.terraform.edits import put_back, put_back_links
from faultray_action.terraform.plan import Plan, Side
from faultray_action.terraform.reader import read
from faultray_action.topology import build, changes
from faultray_action.topology.draft import drafted
from faultray_action.topology.facts import Choice

ROOT = Path(__file__).parents[2]
FIXTURES = sorted((ROOT / "fixtures").glob("*/plan.json"))
SCENARIOS = sorted((ROOT.parent / "shared" / "scenarios").glob("*/plan.json"))
MADE = Path("made/plan.json")
SAME = 1e-9
MOST_EDITS = 7
"""Sets of edits a plan; each costs a build from scratch."""


@cache
def stages_of(path: Path, folder: Path | None = None) -> tuple[Plan, build.Stages]:
    plan = read((path if folder is None else folder / "plan.json",))
    return plan, discover(plan, know(Request()))


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plan of three hundred resources with updates, creations, deletions and replacements."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "plan.json").write_text(json.dumps(_generator().generate(300)))
    return folder


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_plan", ROOT / "benchmarks" / "generate_plan.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def edits_of(plan: Plan, stages: build.Stages) -> list[tuple[Edit, ...]]:
    """Each bundle of changes alone (a spread-out choice where they are many), the first two together, and all."""
    bundles = bundle(changes.find(plan, know(Request()).catalogue), stages.before, stages.after)
    step = max(1, len(bundles) // (MOST_EDITS - 2))
    alone = [one.edits for one in bundles[::step]]
    return [*alone, (*alone[0], *alone[1]), tuple(edit for one in bundles for edit in one.edits)] if len(alone) > 1 else alone


def assert_same(found: Topology, scratch: Topology) -> None:
    """Every part of the two sides is equal; asked one by one, so that a failure names the part."""
    assert dict(found.components) == dict(scratch.components)
    assert found.dependencies == scratch.dependencies
    assert dict(found.faults) == dict(scratch.faults)
    assert found.entries == scratch.entries
    assert found.assets == scratch.assets
    assert found.externals == scratch.externals


def assert_same_pair(found: build.Pair, scratch: build.Pair) -> None:
    """Both sides, held against each other and by themselves."""
    assert_same(found.before, scratch.before)
    assert_same(found.after, scratch.after)
    assert_same(found.before_alone, scratch.before_alone)
    assert_same(found.after_alone, scratch.after_alone)


def check_sides(plan: Plan, stages: build.Stages) -> None:
    """The side after and both sides at best, which are worked out from a difference, against the same from scratch."""
    knowledge = know(Request())
    for side, draft in zip((Side.BEFORE, Side.AFTER), stages.drafts, strict=True):
        alone = drafted(plan, stages.links[side], knowledge, side, Choice.WORST)
        assert draft.parts == alone.parts
        assert draft.firewalls == alone.firewalls
        assert draft.survey.edges == alone.survey.edges
    if stages.undecided:
        best = [drafted(plan, stages.links[side], knowledge, side, Choice.BEST) for side in (Side.BEFORE, Side.AFTER)]
        assert_same_pair(stages.best, build._paired(plan, (best[0], best[1]), knowledge))


def check_counterfactuals(plan: Plan, stages: build.Stages) -> None:
    knowledge = know(Request())
    known = examine(stages.before, cuts=False), examine(stages.after, cuts=False)
    for edits in edits_of(plan, stages):
        changed = put_back(plan, edits)
        links = put_back_links(stages.links[Side.BEFORE], stages.links[Side.AFTER], changed, edits)
        pair = build.rebuild(changed, links, knowledge, stages)
        both = {Side.BEFORE: stages.links[Side.BEFORE], Side.AFTER: links}
        scratch = build.build(changed, lambda _, side, both=both: both[side], knowledge)  # type: ignore[misc]
        assert_same_pair(pair, scratch.worst)
        check_examination(stages, known[1], pair.before, pair.after, scratch)


def check_examination(stages: build.Stages, known: object, before: Topology, after: Topology, scratch: build.Stages) -> None:
    again, whole = reexamine(after, stages.after, known), examine(scratch.after, cuts=False)  # type: ignore[arg-type]
    assert [(row.address, row.cut_off, row.order_one) for row in again.entries] == [
        (row.address, row.cut_off, row.order_one) for row in whole.entries
    ]
    for mine, theirs in zip(again.entries, whole.entries, strict=True):
        assert mine.unavailability.value == pytest.approx(theirs.unavailability.value, rel=SAME, abs=SAME * SAME)
        assert mine.hazard_per_year == pytest.approx(theirs.hazard_per_year, rel=SAME)
    assert again.assets == whole.assets
    assert {(p.address, p.takes_down) for p in again.single_points} == {(p.address, p.takes_down) for p in whole.single_points}
    assert {(s.fault, s.takes_down) for s in again.shared} == {(s.fault, s.takes_down) for s in whole.shared}
    was = examine(before, cuts=False)
    scores = [score_pair(Scored(before, was), Scored(after, found), split=False) for found in (again, whole)]
    assert [side.score if side else None for side in scores[0]] == pytest.approx(
        [side.score if side else None for side in scores[1]], abs=SAME
    )


@pytest.mark.parametrize("path", [*FIXTURES, *SCENARIOS], ids=lambda path: path.parent.name)
def test_sides_and_counterfactuals_equal_those_from_scratch(path: Path) -> None:
    plan, stages = stages_of(path)
    check_sides(plan, stages)
    check_counterfactuals(plan, stages)


def test_a_made_plan_equals_it_from_scratch(made: Path) -> None:
    plan, stages = stages_of(MADE, made)
    check_sides(plan, stages)
    check_counterfactuals(plan, stages)
