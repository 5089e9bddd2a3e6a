"""What if: one question about a plan, and the same question with some of its changes taken back or its unknown values at best."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from faultray_action.catalogue.reliability import load_reliability
from faultray_action.counterfactual.attribution import Simulate, Trial
from faultray_action.counterfactual.bundles import Bundle, Edit
from faultray_action.engine.absence import entries_down_without
from faultray_action.engine.ceiling import five_layers
from faultray_action.engine.compiled import compile_topology
from faultray_action.engine.examine import examine, examine_assets
from faultray_action.engine.reexamine import reexamine
from faultray_action.judgement import compare, growth, risks
from faultray_action.judgement.applying import disrupt
from faultray_action.judgement.decide import Judged, decide, passes
from faultray_action.judgement.pairing import Side as Scored
from faultray_action.judgement.pairing import match_entries
from faultray_action.model.change import AttributeChange
from faultray_action.model.finding import Attribution, Delta, Disruption, RiskSeverity
from faultray_action.model.outcome import Ceiling, Examination
from faultray_action.model.policy import Gates, Policy, Unknowns
from faultray_action.model.topology import Topology
from faultray_action.terraform.edits import put_back, put_back_links
from faultray_action.terraform.plan import Links, Plan, Side
from faultray_action.topology.applying import find_steps
from faultray_action.topology.build import Stages, build, rebuild
from faultray_action.topology.draft import Knowledge
from faultray_action.topology.operations import operations_of
from faultray_action.waived import Together, accept

Sides = tuple[Topology, Topology]
Examined = tuple[Examination, Examination]


class Question(Struct, frozen=True):
    """A plan under its gates and waivers: what every simulation starts from. `date`: the UTC day as ISO text."""

    plan: Plan
    knowledge: Knowledge
    stages: Stages
    examined: Examined
    gates: Gates
    date: str

    @property
    def sides(self) -> Sides:
        return self.stages.before, self.stages.after

    def compared(self) -> Delta:
        """What differs between the sides, unknown values at worst."""
        return difference(self.plan, self.knowledge, self.sides, self.examined)

    def judged(self, delta: Delta, attribution: Attribution, together: Together, sides: Sides, examined: Examined) -> Judged:
        """What the gates are asked of: waivers held against the difference, and ceilings where an SLO asks for them."""
        accepted = accept(delta, attribution, self.knowledge.policy.waivers, self.date, together)
        return Judged(accepted.judged, self._ceilings(sides, examined), accepted.points)

    def at_best(self, attribution: Attribution, together: Together) -> Judged | None:
        """The same with unknown values at best; None where no unknown value decides anything."""
        return self._best_of(self.plan, self.stages, attribution, together) if self.stages.undecided else None

    def _best_of(self, plan: Plan, stages: Stages, attribution: Attribution, together: Together) -> Judged:
        sides = stages.before_best, stages.after_best
        examined = examine(sides[0], cuts=False), examine(sides[1], cuts=False)
        return self.judged(difference(plan, self.knowledge, sides, examined), attribution, together, sides, examined)

    def _ceilings(self, sides: Sides, examined: Examined) -> tuple[float | None, float | None]:
        if self.gates.slo_percent is None:
            return None, None
        before, after = (ceiling_of(side, found).value for side, found in zip(sides, examined, strict=True))
        return before, after

    def passes_when(self, simulated: Simulated, attribution: Attribution, together: Together) -> bool:
        """Whether the plan that was simulated passes every gate that the plan itself is held to."""
        examined = self.examined[0], simulated.examination
        worst = self.judged(simulated.delta, attribution, together, (self.stages.before, simulated.after), examined)
        if not self.stages.undecided:
            return self._decided(worst, None)
        if self.gates.unknowns is Unknowns.WORST and not passes(worst, self.gates):
            return False
        links = {Side.BEFORE: self.stages.links[Side.BEFORE], Side.AFTER: simulated.links}
        stages = build(simulated.plan, lambda _, side: links[side], self.knowledge)
        return self._decided(worst, self._best_of(simulated.plan, stages, attribution, together) if stages.undecided else None)

    def _decided(self, worst: Judged, best: Judged | None) -> bool:
        coverage = self.stages.after.coverage
        return decide(worst.delta, self.gates, coverage, ceilings=worst.ceilings, best=best, accepted_points=worst.accepted_points).passed


class Simulated(Struct, frozen=True):
    """What the plan would be with some changes taken back, and what that would make of the side after."""

    plan: Plan
    links: Links
    delta: Delta
    after: Topology
    examination: Examination

    def trial(self, passed: bool) -> Trial:
        return Trial(self.delta.after.score if self.delta.after else None, findings(self.delta), passed)


Simulator = Callable[[tuple[Edit, ...]], Simulated]


def simulator(question: Question) -> Simulator:
    """Takes edits back and answers; each question once, and only what the change can reach is asked."""
    stages, knowledge = question.stages, question.knowledge
    answers: dict[frozenset[Edit], Simulated] = {}

    def simulate(edits: tuple[Edit, ...]) -> Simulated:
        key = frozenset(edits)
        if key not in answers:
            changed = put_back(question.plan, edits)
            links = put_back_links(stages.links[Side.BEFORE], stages.links[Side.AFTER], changed, edits)
            before, after = rebuild(changed, links, knowledge, stages)
            examined = _examined_before(before, stages.before, question.examined[0]), reexamine(after, stages.after, question.examined[1])
            delta = difference(changed, knowledge, (before, after), examined, split=False)
            answers[key] = Simulated(changed, links, delta, after, examined[1])
        return answers[key]

    return simulate


def _examined_before(before: Topology, known: Topology, examined: Examination) -> Examination:
    """The side before is asked anew where it is another one beside the changed side after: what only one side has, what the plan mends."""
    if (before.dependencies, before.entries) == (known.dependencies, known.entries):
        return replace(examined, assets=examine_assets(before))
    return reexamine(before, known, examined)


def prover(question: Question, bundles: Sequence[Bundle], attribution: Attribution, simulate: Simulator) -> Simulate:
    """Trials that have been through every gate: what is left of the changes is waived as it was, and both ends of unknown values are asked."""

    def prove(edits: tuple[Edit, ...]) -> Trial:
        simulated = simulate(edits)
        undone = {one.change for one in bundles if set(one.edits) <= set(edits)}
        left = replace(attribution, rows=tuple(row for row in attribution.rows if row.change not in undone))
        return simulated.trial(question.passes_when(simulated, left, together(bundles, simulate, simulated.delta, edits)))

    return prove


def together(bundles: Sequence[Bundle], simulate: Simulator, delta: Delta, undone: tuple[Edit, ...] = ()) -> Together:
    """What changes cost at once, in a plan of which some were undone already (`delta` is that plan's)."""

    def points(changes: frozenset[AttributeChange]) -> float:
        edits = tuple(edit for one in bundles if not changes.isdisjoint(one.changes) for edit in one.edits)
        without = simulate((*undone, *edits)).delta.after
        return 0.0 if without is None or delta.after is None else max(0.0, without.score - delta.after.score)

    return points


def difference(plan: Plan, knowledge: Knowledge, sides: Sides, examined: Examined, *, split: bool = True) -> Delta:
    """Scores, single points, risks and what applying interrupts. `split`: whether lost points are booked on events."""
    was, is_now = Scored(sides[0], examined[0]), Scored(sides[1], examined[1])
    regional = risks.regional_points(was, is_now, lambda side, asked: entries_down_without(compile_topology(side), asked))
    scored = levelled(was, is_now), levelled(is_now, was)
    return compare.compare(
        was, is_now, risks.find(was, is_now), _disruptions(plan, knowledge, *sides), regional, scored=scored, split=split
    )


def levelled(here: Scored, there: Scored) -> Scored:
    """A side with the redundant parts that stand on the other one only."""
    topology = growth.grown(here, there)
    if topology is here.topology:
        return here
    found = reexamine(topology, here.topology, here.examination)
    return Scored(topology, replace(here.examination, entries=found.entries))


def _disruptions(plan: Plan, knowledge: Knowledge, before: Topology, after: Topology) -> tuple[Disruption, ...]:
    steps = find_steps(plan, knowledge.catalogue, knowledge.table, before, after)
    if not steps:
        return ()
    asked = [step.address for step in steps]
    together = {step.address: step.together for step in steps if step.together}
    was, is_now = (entries_down_without(compile_topology(side), asked, together) for side in (before, after))
    kept = {before.entries[old].address for old in match_entries(before.entries, after.entries).values()}
    return disrupt(steps, was, is_now, kept | {entry.address for entry in after.entries})


def findings(delta: Delta) -> frozenset[str]:
    """New findings by key: single points by address, risks and disruptions marked as such."""
    spofs = {point.address for point in delta.new_spofs}
    found = {f"risk:{risk.kind}:{risk.address}" for risk in delta.new_risks if risk.severity is not RiskSeverity.LOW}
    return frozenset(spofs | found | {f"apply:{row.address}" for row in delta.disruptions})


def ceiling_of(topology: Topology, examination: Examination) -> Ceiling:
    """The five layers of one side."""
    return five_layers(topology, examination, topology.operations or operations_of(load_reliability(), Policy()))
