"""What if: one question about a plan, and the same question with some of its changes taken back or its unknown values at best."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from faultray_action.catalogue.reliability import load_reliability
from faultray_action.check.acceptance import Accepted, Together, accept
from faultray_action.check.comparison import Asking, Compared, asking
from faultray_action.check.request import Request
from faultray_action.counterfactual.attribution import Trial
from faultray_action.counterfactual.bundles import Edit
from faultray_action.engine.ceiling import five_layers
from faultray_action.judgement.decide import Judged, decide, passes
from faultray_action.model.finding import Attribution
from faultray_action.model.outcome import Ceiling, Examination
from faultray_action.model.policy import Gates, Policy, Unknowns
from faultray_action.model.scenario import ScenarioSet
from faultray_action.model.topology import Topology
from faultray_action.terraform.edits import put_back, put_back_links
from faultray_action.terraform.plan import Links, Plan
from faultray_action.terraform.plan import Side as PlanSide
from faultray_action.topology.build import Stages, build, rebuild
from faultray_action.topology.draft import Knowledge
from faultray_action.topology.operations import operations_of


class Question(Struct, frozen=True):
    """A plan under its gates and waivers: what every simulation starts from. `date`: the UTC day as ISO text.

    `actual`: the plan as it is, with unknown values at worst."""

    plan: Plan
    knowledge: Knowledge
    stages: Stages
    gates: Gates
    date: str
    asking: Asking
    actual: Compared

    def accepted(self, compared: Compared, attribution: Attribution, together: Together) -> Accepted:
        """Waivers held against what was found."""
        waivers = self.knowledge.policy.waivers
        return accept(compared.comparison, attribution, waivers, self.date, together)

    def judged(self, compared: Compared, attribution: Attribution, together: Together) -> Judged:
        """What the gates are asked of: what waivers leave, and ceilings where an SLO asks for them."""
        accepted = self.accepted(compared, attribution, together)
        return Judged(accepted.judged, self._ceilings(compared), accepted.points)

    def at_best(self, attribution: Attribution, together: Together) -> Judged | None:
        """The same with unknown values at best; None where no unknown value decides anything."""
        return self._best_of(self.plan, self.stages, attribution, together)

    def _best_of(self, plan: Plan, stages: Stages, attribution: Attribution, together: Together) -> Judged | None:
        if not stages.undecided:
            return None
        return self.judged(self.asking.of(plan, stages.best), attribution, together)

    def _ceilings(self, compared: Compared) -> tuple[float | None, float | None]:
        if self.gates.slo_percent is None:
            return None, None
        before, after = ceilings_of(compared)
        return before.value, after.value

    def passes_when(self, simulated: Simulated, attribution: Attribution, together: Together) -> bool:
        """Whether the plan that was simulated passes every gate that the plan itself is held to."""
        worst = self.judged(simulated.compared, attribution, together)
        if not self.stages.undecided:
            return self._decided(worst, None)
        if self.gates.unknowns is Unknowns.WORST and not passes(worst, self.gates):
            return False
        links = {PlanSide.BEFORE: self.stages.links[PlanSide.BEFORE], PlanSide.AFTER: simulated.links}
        stages = build(simulated.plan, lambda _, side: links[side], self.knowledge)
        return self._decided(worst, self._best_of(simulated.plan, stages, attribution, together))

    def _decided(self, worst: Judged, best: Judged | None) -> bool:
        return decide(worst, self.gates, self.stages.after.coverage, best).passed


def question_of(
    plan: Plan,
    knowledge: Knowledge,
    stages: Stages,
    request: Request,
    scenarios: ScenarioSet,
    *,
    in_full: bool = True,
) -> Question:
    """The question that a plan asks. `in_full`: with the sweep over all scenarios and the cuts that the report tells."""
    asked = asking(knowledge, scenarios, stages.worst)
    actual = asked.of(plan, stages.worst, scenarios if in_full else None)
    return Question(plan, knowledge, stages, request.gates, request.date, asked, actual)


class Simulated(Struct, frozen=True):
    """What the plan would be with some changes taken back, and what that would make of both sides."""

    plan: Plan
    links: Links
    compared: Compared


def trial_of(compared: Compared, passed: bool) -> Trial:
    """The answer as attribution and the way back take it; the score of what is left is told where every gate passes."""
    comparison = compared.comparison
    left = comparison.after if passed else None
    return Trial(comparison.points, comparison.news, passed, left.score if left else None)


Simulator = Callable[[tuple[Edit, ...]], Simulated]


def simulator(question: Question) -> Simulator:
    """Takes edits back and answers; each question once, and only what the change can reach is asked."""
    stages, knowledge = question.stages, question.knowledge
    was, is_now = stages.links[PlanSide.BEFORE], stages.links[PlanSide.AFTER]
    answers: dict[frozenset[Edit], Simulated] = {}

    def simulate(edits: tuple[Edit, ...]) -> Simulated:
        key = frozenset(edits)
        if key not in answers:
            changed = put_back(question.plan, edits)
            links = put_back_links(was, is_now, changed, edits)
            pair = rebuild(changed, links, knowledge, stages)
            answers[key] = Simulated(changed, links, question.asking.again(changed, pair, question.actual))
        return answers[key]

    return simulate


def ceilings_of(compared: Compared) -> tuple[Ceiling, Ceiling]:
    """The five layers of both states, each by itself."""
    before, after = compared.before.own, compared.after.own
    return ceiling_of(before.topology, before.examination), ceiling_of(after.topology, after.examination)


def ceiling_of(topology: Topology, examination: Examination) -> Ceiling:
    """The five layers of one side."""
    return five_layers(topology, examination, topology.operations or operations_of(load_reliability(), Policy()))
