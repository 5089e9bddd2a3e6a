"""The verdict of a plan: waivers held against what was found, every gate asked once, at both ends of what is unknown."""

from __future__ import annotations

from msgspec import Struct

from faultray_action.check.acceptance import Accepted
from faultray_action.check.costs import Costs
from faultray_action.check.depth import within_depth
from faultray_action.check.whatif import Question
from faultray_action.judgement.decide import decide, passes
from faultray_action.model.finding import Decision
from faultray_action.model.scenario import ScenarioSet
from faultray_action.report import compose


class Verdict(Struct, frozen=True):
    """The decision, and what it rests on. `best`: what differs with unknown values at best, None where they decide nothing."""

    decision: Decision
    accepted: Accepted
    ends: compose.Ends | None


def verdict_of(question: Question, costs: Costs, scenarios: ScenarioSet, max_depth: int | None) -> Verdict:
    """Fixed here, whatever happens later."""
    accepted = question.accepted(question.actual, costs.attribution, costs.worth)
    worst = question.judged(question.actual, costs.attribution, costs.worth)
    best = question.at_best(costs.attribution, costs.worth)
    stages = question.stages
    decision = decide(worst, question.gates, stages.after.coverage, best)
    ends = None
    if best is not None:
        ends = compose.Ends(best.comparison, passes(best, question.gates), passes(worst, question.gates))
    return Verdict(within_depth(decision, stages.after, scenarios, max_depth), accepted, ends)
