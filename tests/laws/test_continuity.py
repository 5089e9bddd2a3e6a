"""One state, one reading: what a plan leaves is what the next plan finds (docs/model.md).

A state by itself is a side held against nothing but itself. That which a plan leaves has the entries, and those of them down, that the plan finds
which follows over the state as a refresh would leave it. What only the change shows of the state that it leaves is told by the listed checks.
"""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path

import pytest
from plans_that_follow import Json, following, is_known

from faultray_action.engine.compiled import compile_topology
from faultray_action.engine.examine import down_at_rest
from faultray_action.model.topology import Topology
from faultray_action.pipeline import Request, discover, know
from faultray_action.terraform.reader import read
from faultray_action.topology.align import alone, asked
from faultray_action.topology.build import Stages, _structure
from faultray_action.topology.draft import Draft, standing
from faultray_action.topology.reachability.checks import CHECKS

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared"
FOLDERS = (ROOT / "tests" / "scenarios", ROOT / "fixtures", SHARED / "scenarios", *(SHARED / "cases").glob("*"))
LARGEST = 3_000_000
"""Characters of a plan that is held against its successor: the two that are larger take longer than all others."""

CHANGE_ALONE = {
    "feeds of buffers",
    "grants",
    "groups without servers",
    "names of what is gone",
    "ports",
    "private access",
    "rules of firewalls",
    "services of the provider",
    "way out",
}
"""Checks that find something in a stored plan which only the change shows, and which takes an entry down."""


def _plans() -> list[Path]:
    found = [path for folder in FOLDERS for pattern in ("plan.json", "plan.json.gz") for path in sorted(folder.glob(f"*/{pattern}"))]
    return [path for path in found if len(_text(path)) <= LARGEST]


def _text(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


@cache
def _plan(path: Path) -> Json | None:
    """A stored plan that tells what it leaves; None where it does not."""
    try:
        plan = json.loads(_text(path))
    except ValueError:
        return None
    return plan if isinstance(plan, dict) and plan.get("resource_changes") and is_known(plan) else None


PLANS = [path for path in _plans() if _plan(path) is not None]


def _stages(plan: Json, folder: Path) -> Stages:
    path = folder / "plan.json"
    path.write_text(json.dumps(plan))
    return discover(read((path,)), know(Request()))


def _own(draft: Draft) -> dict[str, bool]:
    """The entries of a side by itself, and which are down with nothing failing."""
    return _down(_structure(alone(draft), know(Request())))


def _down(side: Topology) -> dict[str, bool]:
    down = down_at_rest(compile_topology(side))
    return {entry.address: down[entry.component] for entry in side.entries if not entry.of_other_side}


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.parent.name)
def test_what_a_plan_leaves_is_what_the_next_one_finds(path: Path, tmp_path: Path) -> None:
    plan = _plan(path)
    assert plan is not None
    left, found = _stages(plan, tmp_path).drafts[1], _stages(following(plan), tmp_path).drafts[0]
    assert _own(left) == _own(found)


def test_what_only_the_change_shows_is_told_by_the_listed_checks(tmp_path: Path) -> None:
    told: set[str] = set()
    for path in PLANS:
        stages = _stages(_plan(path) or {}, tmp_path)
        own, beside = _own(stages.drafts[1]), _down(stages.after)
        if any(beside[entry] and not own.get(entry, True) for entry in beside):
            told |= _checks_of_the_change(stages)
    assert told == CHANGE_ALONE


def _checks_of_the_change(stages: Stages) -> set[str]:
    """The checks that find a cut of the side after which it does not prove itself; fronts are asked last, of what the others leave."""
    was, is_now = (standing(draft) for draft in asked(*stages.drafts))
    found = {row.name for row in CHECKS if any(cut.by_change for cut in row.cuts(is_now, was))}
    return found or {"fronts that lead nowhere"}


PROVEN = (
    "igw-route-removed",
    "nat-routes-removed",
    "inline-public-route-removed",
    "front-to-subnets-of-inline-nat-routes",
    "function-moved-into-closed-network",
    "azure-default-route-dropped",
    "peering-routes-removed",
    "azure-peering-removed",
    "azure-app-leaves-network",
    "azure-private-endpoint-removed",
    "azure-zone-link-removed",
    "private-zone-association-removed",
    "service-removed",
    "selector-typo",
    "targets-detached",
    "route-removed",
)


@pytest.mark.parametrize("name", PROVEN)
def test_the_state_that_is_left_proves_what_keeps_its_entry_down(name: str, tmp_path: Path) -> None:
    plan = _plan(ROOT / "tests" / "scenarios" / name / "plan.json.gz")
    assert plan is not None
    assert any(_own(_stages(plan, tmp_path).drafts[1]).values())
