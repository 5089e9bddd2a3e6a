"""The one place where two sides are examined and compared: the plan itself, its best case and every simulation come through here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from faultray_action.engine.absence import entries_down_without
from faultray_action.engine.agents import assess_agents
from faultray_action.engine.compiled import compile_topology
from faultray_action.engine.examine import examine, examine_assets
from faultray_action.engine.reexamine import reexamine
from faultray_action.engine.standby import fragile_alternatives
from faultray_action.judgement.applying import Down, disrupt
from faultray_action.judgement.compare import compare
from faultray_action.judgement.growth import grown
from faultray_action.judgement.pairing import Answers, Side, standing, twins
from faultray_action.model.agents import AgentOutcome
from faultray_action.model.finding import Comparison, Disruption
from faultray_action.model.outcome import Examination
from faultray_action.model.scenario import Scenario, ScenarioSet
from faultray_action.model.topology import Topology
from faultray_action.terraform.plan import Plan
from faultray_action.topology.applying import find_steps
from faultray_action.topology.build import Pair
from faultray_action.topology.draft import Knowledge

Examined = tuple[Examination, Examination]


class Compared(Struct, frozen=True):
    """Both sides with all that was found out about them, and what differs."""

    before: Answers
    after: Answers
    comparison: Comparison

    @property
    def examined(self) -> Examined:
        """What was found out about the sides as they are held against each other."""
        return self.before.here.examination, self.after.here.examination


class Asking(Struct, frozen=True):
    """What every comparison of one plan is asked alike. `single`: the single failures that agents are asked."""

    knowledge: Knowledge
    single: Sequence[Scenario]

    def of(self, plan: Plan, pair: Pair, scenarios: ScenarioSet | None = None) -> Compared:
        """Two sides that were never examined. With `scenarios` the sweep and the cuts of order 2 and 3 are asked too."""
        cuts = scenarios is not None
        examined = examine(pair.before, scenarios, cuts), examine(pair.after, scenarios, cuts)
        before = _alone(pair.before_alone, Side(pair.before, examined[0]))
        return self._compared(plan, pair, examined, before)

    def again(self, plan: Plan, pair: Pair, known: Compared) -> Compared:
        """Two sides that differ a little from those that are known: only what can feel the difference is asked again."""
        examined = _examined_before(pair.before, known.before.here), _reexamined(pair.after, known.after.here)
        return self._compared(plan, pair, examined, known.before.own)

    def _compared(self, plan: Plan, pair: Pair, examined: Examined, before_alone: Side) -> Compared:
        was, is_now = Side(pair.before, examined[0]), Side(pair.after, examined[1])
        fragile = fragile_alternatives(pair.before, pair.after)
        before = Answers(
            here=was,
            levelled=levelled(was, is_now),
            itself=lambda: before_alone,
            agents=self._agents(pair.before),
            fragile=fragile[0],
        )
        after = Answers(
            here=is_now,
            levelled=levelled(is_now, was),
            itself=lambda: _alone(pair.after_alone, is_now),
            agents=self._agents(pair.after),
            fragile=fragile[1],
        )
        disruptions = _disruptions(plan, self.knowledge, pair.before, pair.after)
        return Compared(before, after, compare(before, after, disruptions, down_without))

    def _agents(self, topology: Topology) -> tuple[AgentOutcome, ...]:
        return assess_agents(topology, self.single) if topology.agents else ()


def asking(knowledge: Knowledge, scenarios: ScenarioSet, pair: Pair) -> Asking:
    """The questions of a plan; one without agents costs nothing."""
    agents = pair.before.agents or pair.after.agents
    return Asking(knowledge, single_failures(scenarios.scenarios) if agents else ())


def of_one(topology: Topology, scenarios: ScenarioSet, nothing: Topology) -> Compared:
    """A state that is held against nothing."""
    single = single_failures(scenarios.scenarios)
    before = standing(Side(nothing, examine(nothing)))
    after = standing(Side(topology, examine(topology, scenarios)), assess_agents(topology, single))
    return Compared(before, after, compare(before, after))


def single_failures(scenarios: Iterable[Scenario]) -> list[Scenario]:
    """One event of the infrastructure each: what a reader has to reckon with, not what can be piled up."""
    return [scenario for scenario in scenarios if len(scenario.faults) == 1 and not scenario.what_ifs]


def levelled(here: Side, there: Side) -> Side:
    """A side with the redundant parts that stand on the other one only."""
    topology = grown(here, there)
    if topology is here.topology:
        return here
    found = reexamine(topology, here.topology, here.examination)
    return Side(topology, replace(here.examination, entries=found.entries))


def down_without(topology: Topology, addresses: Sequence[str]) -> Down:
    """Component -> entries that are down while it does not exist."""
    return entries_down_without(compile_topology(topology), addresses)


def _alone(topology: Topology, held: Side) -> Side:
    """The state by itself; the side that is held against the other where that is the same."""
    if topology is held.topology:
        return held
    return Side(topology, reexamine(topology, held.topology, held.examination))


def _reexamined(topology: Topology, known: Side) -> Examination:
    return reexamine(topology, known.topology, known.examination)


def _examined_before(topology: Topology, known: Side) -> Examination:
    """The side before is asked anew where it is another one beside the changed side after: what only one side has, what the plan mends."""
    same = (topology.dependencies, topology.entries) == (known.topology.dependencies, known.topology.entries)
    return replace(known.examination, assets=examine_assets(topology)) if same else _reexamined(topology, known)


def _disruptions(plan: Plan, knowledge: Knowledge, before: Topology, after: Topology) -> tuple[Disruption, ...]:
    steps = find_steps(plan, knowledge.catalogue, knowledge.table, before, after)
    if not steps:
        return ()
    asked = [step.address for step in steps]
    together = {step.address: step.together for step in steps if step.together}
    was, is_now = (entries_down_without(compile_topology(side), asked, together) for side in (before, after))
    kept = {earlier.address for earlier, _ in twins(before, after)}
    return disrupt(steps, was, is_now, kept | {entry.address for entry in after.entries})
