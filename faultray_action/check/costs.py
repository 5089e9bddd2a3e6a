"""What each change of a plan costs, and the way back: the searches of `counterfactual`, asked about one plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from faultray_action.check.acceptance import Together
from faultray_action.check.comparison import Compared
from faultray_action.check.whatif import Question, Simulator, simulator, trial_of
from faultray_action.counterfactual.attribution import Simulate, Trial, attribute
from faultray_action.counterfactual.bundles import Bundle, Edit, requirements
from faultray_action.counterfactual.remedy import find_way_back
from faultray_action.model.change import AttributeChange
from faultray_action.model.diagnostic import Diagnostic, Severity
from faultray_action.model.finding import Attribution, Comparison, Decision, Standing, WayBack
from faultray_action.terraform.plan import Side
from faultray_action.topology.build import Stages


class Costs(Struct, frozen=True):
    """What each change costs. `bundles`: the changes that are put back together; `worth`: what several cost at once."""

    attribution: Attribution
    bundles: tuple[Bundle, ...]
    simulate: Simulator
    worth: Together

    @property
    def untold(self) -> tuple[Diagnostic, ...]:
        """What attribution leaves out is said."""
        left, put_back = self.attribution.untried, self.attribution.simulations
        if not left:
            return ()
        text = f"{left} of {left + put_back} changes were not put back one by one: what they cost is part of the interaction"
        return (Diagnostic(Severity.NOTICE, "attribution-bounded", text),)


def costs_of(question: Question, bundles: Sequence[Bundle]) -> Costs:
    """Only where something differs: a plan without effect costs no simulation."""
    simulate = simulator(question)
    attribution, tried = Attribution(), tuple(bundles)
    if _differs(question.actual.comparison):
        attribution, tried = attribute(
            trial_of(question.actual, False),
            bundles,
            lambda edits: trial_of(simulate(edits).compared, False),
            len(question.stages.after.components),
            _required(bundles, question.stages),
        )
    return Costs(attribution, tried, simulate, _together(tried, simulate, question.actual))


def _differs(compared: Comparison) -> bool:
    """Whether there is a delta at all, and anything to explain."""
    if compared.points is None:
        return False
    moved = any(finding.standing is not Standing.UNCHANGED for finding in compared.findings)
    return moved or compared.points != 0.0


def _together(bundles: Sequence[Bundle], simulate: Simulator, compared: Compared, undone: tuple[Edit, ...] = ()) -> Together:
    """What changes cost at once, in a plan of which some were undone already (`compared` is that plan's)."""

    def points(changes: frozenset[AttributeChange]) -> float:
        edits = list(undone)
        for one in bundles:
            if not changes.isdisjoint(one.changes):
                edits += one.edits
        without = simulate(tuple(edits)).compared.comparison.points
        actual = compared.comparison.points
        return 0.0 if without is None or actual is None else max(0.0, without - actual)

    return points


def way_back(question: Question, decision: Decision, costs: Costs) -> WayBack | None:
    """The cheapest way back where gates failed that some change can mend; None where there is nothing to go back to."""
    failed = {gate.gate for gate in decision.gates if not gate.passed}
    if not failed or "max-depth" in failed or decision.error or question.actual.comparison.points is None:
        return None
    stages = question.stages
    return find_way_back(
        costs.bundles,
        costs.attribution,
        _prover(question, costs),
        len(stages.after.components),
        _required(costs.bundles, stages),
    )


def _prover(question: Question, costs: Costs) -> Simulate:
    """Trials that have been through every gate: what is left of the changes is waived as it was, and both ends of unknown values are asked."""

    def prove(edits: tuple[Edit, ...]) -> Trial:
        simulated = costs.simulate(edits)
        left = _left(costs, edits)
        worth = _together(costs.bundles, costs.simulate, simulated.compared, edits)
        return trial_of(simulated.compared, question.passes_when(simulated, left, worth))

    return prove


def _left(costs: Costs, edits: Sequence[Edit]) -> Attribution:
    """The attribution without the rows of what is put back."""
    undone = {one.change for one in costs.bundles if set(one.edits) <= set(edits)}
    rows = tuple(row for row in costs.attribution.rows if row.change not in undone)
    return replace(costs.attribution, rows=rows)


def _required(bundles: Sequence[Bundle], stages: Stages) -> Mapping[int, frozenset[int]]:
    was, is_now = ([(link.source, link.path, link.target) for link in stages.links[side].links] for side in (Side.BEFORE, Side.AFTER))
    return requirements(bundles, was, is_now)
