"""One plan, straight through: the only room that knows the order of things."""

from __future__ import annotations

from faultray_action.check.changes import changes_of
from faultray_action.check.costs import costs_of, way_back
from faultray_action.check.depth import cascade_map
from faultray_action.check.discovery import discover, know, source_of
from faultray_action.check.drift import drift_of
from faultray_action.check.material import checked, material_of
from faultray_action.check.request import Checked, Request
from faultray_action.check.standing import simulate_one
from faultray_action.check.verdict import verdict_of
from faultray_action.check.whatif import question_of
from faultray_action.scenarios.generate import generate
from faultray_action.terraform.reader import read

__all__ = ("Checked", "Request", "cascade_map", "check", "discover", "know", "simulate_one")


def check(request: Request) -> Checked:
    """A plan's verdict: the staircase of docs/architecture.md."""
    plan = read(request.paths, stdin=request.stdin)
    knowledge, source = know(request), source_of(request, plan)
    stages = discover(plan, knowledge, source)
    scenarios = generate((stages.before, stages.after), budget=request.scenario_budget)
    question = question_of(plan, knowledge, stages, request, scenarios)
    changes = changes_of(question, source)
    costs = costs_of(question, changes.bundles)
    verdict = verdict_of(question, costs, scenarios, request.max_depth)
    back = way_back(question, verdict.decision, costs)
    drift = drift_of(question, source, request, scenarios)
    told = material_of(request, question, scenarios, changes, costs, verdict, back, drift, source)
    return checked(told, question, scenarios)
