"""What was changed outside Terraform: the same question asked of the recorded state and of what stands, apart from the plan's own change."""

from __future__ import annotations

from msgspec.structs import replace

from faultray_action.check.costs import costs_of
from faultray_action.check.discovery import discover
from faultray_action.check.request import Request
from faultray_action.check.whatif import Question, question_of
from faultray_action.counterfactual.bundles import bundle
from faultray_action.model.change import Action
from faultray_action.model.finding import Attribution
from faultray_action.model.scenario import ScenarioSet
from faultray_action.terraform.hcl.locate import Source
from faultray_action.terraform.plan import Plan, Resource
from faultray_action.topology import changes

Drift = tuple[float, Attribution]
"""Points that the drift has cost, and which change of it."""


def drift_of(question: Question, source: Source | None, request: Request, scenarios: ScenarioSet) -> Drift | None:
    """What was changed outside Terraform has cost, and which change of it; None where nothing of it matters."""
    drifted = as_a_change(question.plan)
    if drifted is None:
        return None
    knowledge = question.knowledge
    found = changes.find(drifted, knowledge.catalogue)
    if not found:
        return None
    stages = discover(drifted, knowledge, source)
    asked = question_of(drifted, knowledge, stages, request, scenarios, in_full=False)
    points = asked.actual.comparison.points
    if not points:
        return None
    return points, costs_of(asked, bundle(found, stages.before, stages.after)).attribution


def as_a_change(plan: Plan) -> Plan | None:
    """A plan from what the state recorded to what the refresh saw; None where nothing drifted."""
    drifted = {row.address: row for row in plan.drift if not row.deposed and not row.data}
    if not drifted:
        return None
    rows: list[Resource] = []
    for resource in plan.resources:
        if not resource.deposed:
            rows.append(_as_it_was(resource, drifted.get(resource.address)))
    known = {resource.address for resource in plan.resources}
    rows += [_acted(row) for address, row in sorted(drifted.items()) if address not in known]
    standing = [row for row in rows if row.before is not None or row.after is not None]
    return replace(plan, resources=tuple(sorted(standing, key=lambda row: row.address)), drift=())


def _as_it_was(resource: Resource, drift: Resource | None) -> Resource:
    if resource.data:
        return resource
    if drift is None:
        return replace(resource, after=resource.before, action=Action.NO_OP, previous_address="")
    return _acted(replace(resource, before=drift.before, after=resource.before, previous_address=""))


def _acted(resource: Resource) -> Resource:
    if resource.after is None:
        return replace(resource, action=Action.DELETE)
    return replace(resource, action=Action.CREATE if resource.before is None else Action.UPDATE)
