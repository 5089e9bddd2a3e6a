"""One plan, straight through: the only room that knows the order of things."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace

from faultray_action import __version__
from faultray_action.catalogue.load import load
from faultray_action.catalogue.reliability import load_reliability
from faultray_action.catalogue.sla import load_slas
from faultray_action.counterfactual.attribution import Simulate, Trial, attribute
from faultray_action.counterfactual.bundles import Bundle, bundle, of_one_line, requirements
from faultray_action.counterfactual.remedy import find_way_back
from faultray_action.counterfactual.witness import witness
from faultray_action.drifted import as_a_change
from faultray_action.engine.agents import assess_agents
from faultray_action.engine.cascade import run
from faultray_action.engine.cold_start import warn_of_cold_start
from faultray_action.engine.compiled import compile_topology
from faultray_action.engine.cuts import chain
from faultray_action.engine.examine import examine
from faultray_action.engine.paths import all_cascade_paths
from faultray_action.engine.relation import relate
from faultray_action.engine.standby import fragile_alternatives
from faultray_action.judgement import agent_risks, compare, risks, standby
from faultray_action.judgement.decide import decide, passes
from faultray_action.judgement.outlived import outlived
from faultray_action.judgement.pairing import Side as Scored
from faultray_action.model.agents import AgentOutcome
from faultray_action.model.change import AttributeChange
from faultray_action.model.component import FaultClass
from faultray_action.model.diagnostic import Diagnostic, Severity
from faultray_action.model.files import HeldFile
from faultray_action.model.finding import (
    Attribution,
    Decision,
    Delta,
    GateResult,
    OutageWitness,
    Risk,
    Standing,
    WayBack,
)
from faultray_action.model.outcome import Examination
from faultray_action.model.policy import Gates, Policy
from faultray_action.model.scenario import Scenario, ScenarioSet
from faultray_action.model.source import Locate
from faultray_action.model.text import well_formed
from faultray_action.model.topology import Topology
from faultray_action.report import compose
from faultray_action.report.agent_rows import agent_rows
from faultray_action.report.document import Document, Printable
from faultray_action.scenarios.generate import DEFAULT_BUDGET, generate
from faultray_action.simulations import Question, Simulator, ceiling_of, findings, prover, simulator, together
from faultray_action.terraform.hcl.local_values import locals_of
from faultray_action.terraform.hcl.locate import Source, counted_changes, written
from faultray_action.terraform.hcl.roots import open_source
from faultray_action.terraform.plan import Plan, Side
from faultray_action.terraform.reader import read
from faultray_action.topology import changes
from faultray_action.topology.build import Stages, build
from faultray_action.topology.draft import Knowledge
from faultray_action.topology.linking import linker_of
from faultray_action.waived import Accepted, accept


class Request(Struct, frozen=True):
    """What is asked. `source`: folder of the .tf files, None where there is none; `repository`: what their names are relative to, None for the
    working copy that the source lies in. `date`: the UTC day as ISO text, an input like any other.

    `scenario_budget`: scenarios a side, `diagnostics`: what the settings had to say."""

    paths: tuple[Path, ...] = ()
    stdin: bytes | None = None
    source: Path | None = None
    repository: Path | None = None
    gates: Gates = Gates()
    policy: Policy = Policy()
    catalogue_files: tuple[Path | HeldFile, ...] = ()
    mode: str = "enforce"
    title: str = ""
    label: str = ""
    date: str = ""
    settings: Mapping[str, Printable] = MappingProxyType({})
    diagnostics: tuple[Diagnostic, ...] = ()
    scenario_budget: int = DEFAULT_BUDGET
    max_depth: int | None = None


class Checked(Struct, frozen=True):
    """The report, and what it was made of for those who want to look closer. `plan` is None for a declared topology."""

    document: Document
    before: Topology
    after: Topology
    scenarios: ScenarioSet
    examined: tuple[Examination, Examination]
    decision: Decision
    plan: Plan | None = None


NOTHING = Topology(MappingProxyType({}), (), MappingProxyType({}), ())
"""The side that does not exist."""


def check(request: Request) -> Checked:
    """A plan's verdict: the staircase of docs/architecture.md."""
    plan = read(request.paths, stdin=request.stdin)
    knowledge = know(request)
    source = _source(request, plan)
    stages = discover(plan, knowledge, source)
    scenarios = generate((stages.before, stages.after), budget=request.scenario_budget)
    examined = examine(stages.before, scenarios), examine(stages.after, scenarios)
    question = Question(plan, knowledge, stages, examined, request.gates, request.date)
    agents = _agents(stages, scenarios)
    delta = _with_agents(_with_alternatives(question.compared(), stages, examined), stages, agents)
    found = changes.find(plan, knowledge.catalogue)
    simulate = simulator(question)
    locate = _locator(source, plan, found)
    bundles = of_one_line(bundle(found, stages.before, stages.after), partial(written, locate))
    attribution, bundles = _attribute(delta, bundles, simulate, stages)
    worth = together(bundles, simulate, delta)
    accepted = accept(delta, attribution, request.policy.waivers, request.date, worth)
    worst = question.judged(delta, attribution, worth, question.sides, examined)
    best = question.at_best(attribution, worth)
    decision = decide(
        accepted.judged, request.gates, stages.after.coverage, ceilings=worst.ceilings, best=best, accepted_points=accepted.points
    )
    decision = _within_depth(decision, stages.after, scenarios, request.max_depth)
    way_back = _way_back(decision, delta, bundles, attribution, prover(question, bundles, attribution, simulate), stages)
    ceilings = ceiling_of(stages.before, examined[0]), ceiling_of(stages.after, examined[1])
    sides = compose.Side(stages.before, examined[0], ceilings[0]), compose.Side(stages.after, examined[1], ceilings[1])
    material = replace(
        _material(request, sides, delta, decision, accepted),
        plan=_facts(plan),
        changes=found,
        let_go=changes.let_go(found, stages.links[Side.BEFORE].links),
        attribution=attribution,
        way_back=way_back,
        witnesses=_witnesses(stages, delta, examined[0]),
        outlived=outlived(Scored(stages.before, examined[0]), Scored(stages.after, examined[1]), scenarios.scenarios),
        best=None if best is None else compose.Ends(best.delta, passes(best, request.gates), passes(worst, request.gates)),
        locate=locate,
        agents=agent_rows(stages.after, agents[1], agents[0]),
        drift=_drift(plan, knowledge, source, request),
        diagnostics=(
            *request.diagnostics,
            *stages.after.diagnostics,
            *warn_of_cold_start(stages.after),
            *accepted.diagnostics,
            *(source.diagnostics if source else ()),
            *_untold(attribution),
        ),
    )
    return Checked(compose.compose(material), stages.before, stages.after, scenarios, examined, decision, plan)


Outcomes = tuple[AgentOutcome, ...]


def _agents(stages: Stages, scenarios: ScenarioSet) -> tuple[Outcomes, Outcomes]:
    """The agents of both sides over single failures; a plan without agents costs nothing."""
    single = single_failures(scenarios.scenarios) if stages.before.agents or stages.after.agents else []
    before, after = (tuple(assess_agents(side, single)) if side.agents else () for side in (stages.before, stages.after))
    return before, after


def _with_alternatives(delta: Delta, stages: Stages, examined: tuple[Examination, Examination]) -> Delta:
    told = {point.address for side in examined for point in side.single_points}
    rows = standby.find(*fragile_alternatives(stages.before, stages.after), told, _labels(stages))
    return _with_risks(delta, rows)


def _labels(stages: Stages) -> dict[str, str]:
    return {address: component.label for side in (stages.before, stages.after) for address, component in side.components.items()}


def _with_risks(delta: Delta, rows: Iterable[tuple[Standing, Risk]]) -> Delta:
    return replace(delta, risks=tuple(sorted((*rows, *delta.risks), key=lambda row: (row[0], row[1].kind, row[1].address))))


def _with_agents(delta: Delta, stages: Stages, agents: tuple[Outcomes, Outcomes]) -> Delta:
    if not any(agents):
        return delta
    return _with_risks(delta, agent_risks.find(*agents, _labels(stages)))


def _drift(plan: Plan, knowledge: Knowledge, source: Source | None, request: Request) -> tuple[float, Attribution] | None:
    """What was changed outside Terraform has cost, and which change of it; None where nothing of it matters."""
    drifted = as_a_change(plan)
    found = changes.find(drifted, knowledge.catalogue) if drifted is not None else ()
    if drifted is None or not found:
        return None
    stages = discover(drifted, knowledge, source)
    examined = examine(stages.before, cuts=False), examine(stages.after, cuts=False)
    question = Question(drifted, knowledge, stages, examined, request.gates, request.date)
    delta = question.compared()
    attribution, _ = _attribute(delta, bundle(found, stages.before, stages.after), simulator(question), stages)
    return None if not delta.points else (delta.points, attribution)


def simulate_one(topology: Topology, request: Request) -> Checked:
    """A topology without a change: what stands, as a report whose side before does not exist."""
    scenarios = generate((topology,), budget=request.scenario_budget)
    examined = examine(NOTHING), examine(topology, scenarios)
    was, is_now = Scored(NOTHING, examined[0]), Scored(topology, examined[1])
    agents = assess_agents(topology, single_failures(scenarios.scenarios))
    labels = {address: component.label for address, component in topology.components.items()}
    delta = compare.compare(was, is_now, (*risks.find(was, is_now), *agent_risks.find((), agents, labels)))
    accepted = accept(delta, Attribution(), request.policy.waivers, request.date)
    ceiling = ceiling_of(topology, examined[1])
    decision = decide(accepted.judged, request.gates, topology.coverage, ceilings=(None, ceiling.value))
    sides = compose.Side(NOTHING, examined[0], None), compose.Side(topology, examined[1], ceiling)
    material = replace(
        _material(request, sides, delta, decision, accepted),
        diagnostics=(*request.diagnostics, *topology.diagnostics, *warn_of_cold_start(topology)),
        agents=agent_rows(topology, agents),
        subject="topology",
    )
    return Checked(compose.compose(material), NOTHING, topology, scenarios, examined, decision)


def single_failures(scenarios: Iterable[Scenario]) -> list[Scenario]:
    """One event of the infrastructure each: what a reader has to reckon with, not what can be piled up."""
    return [scenario for scenario in scenarios if len(scenario.faults) == 1 and not scenario.what_ifs]


def cascade_map(checked: Checked) -> str:
    """Every cascade path of every scenario, on each side that exists: JSON text."""
    sides = {"before": checked.before, "after": checked.after}
    maps = {name: list(all_cascade_paths(side, checked.scenarios.scenarios)) for name, side in sides.items() if side.entries}
    return json.dumps({"schema_version": "1.0", **maps}, indent=1, ensure_ascii=False) + "\n"


def _within_depth(decision: Decision, topology: Topology, scenarios: ScenarioSet, max_depth: int | None) -> Decision:
    """A cascade that is cut proves nothing good: with a maximum depth, one that is deeper fails the gate and says so."""
    if max_depth is None:
        return decision
    relation = relate(topology)
    cut = sum(run(topology, s, max_depth=max_depth, relation=relation).truncated for s in scenarios.scenarios if len(s.faults) < 2)
    message = f"{cut} cascades are deeper than {max_depth} and were cut: what lies beyond is not known" if cut else ""
    gate = GateResult("max-depth", cut == 0, max_depth, cut, None, message)
    return replace(decision, gates=(*decision.gates, gate))


def know(request: Request) -> Knowledge:
    """The catalogue, the numbers and what the team states."""
    return Knowledge(load(request.catalogue_files), load_reliability(), load_slas(request.policy.sla_percent), request.policy)


def discover(plan: Plan, knowledge: Knowledge, source: Source | None = None) -> Stages:
    """The topologies of a plan; the source, where it is there, tells what local values refer to."""
    linker = linker_of(plan, knowledge.catalogue, locals_of(plan, source) if source else None)
    return build(plan, lambda _, side: linker.links(side), knowledge)


def _material(
    request: Request, sides: tuple[compose.Side, compose.Side], delta: Delta, decision: Decision, accepted: Accepted
) -> compose.Material:
    """What every report needs, whatever it was made from."""
    name = well_formed(request.paths[0].as_posix()) if request.paths else ""
    return compose.Material(
        plan=compose.PlanFacts(name, "", "", len(sides[1].topology.components), MappingProxyType({})),
        before=sides[0],
        after=sides[1],
        delta=delta,
        decision=decision,
        changes=(),
        mode=request.mode,
        title=well_formed(request.title),
        label=well_formed(request.label),
        version=__version__,
        date=request.date,
        slo_percent=request.gates.slo_percent,
        settings={key: well_formed(value) if isinstance(value, str) else value for key, value in request.settings.items()},
        waivers=accepted.part,
        waived=accepted.marks,
    )


def _facts(plan: Plan) -> compose.PlanFacts:
    managed = sum(1 for resource in plan.resources if not resource.data and not resource.deposed)
    return compose.PlanFacts(plan.path, plan.terraform_version, plan.format_version, managed, plan.counts, plan.complete, plan.deferred)


def _attribute(delta: Delta, bundles: Sequence[Bundle], simulate: Simulator, stages: Stages) -> tuple[Attribution, tuple[Bundle, ...]]:
    """Only where something differs: a plan without effect costs no simulation."""
    differs = delta.points or delta.disruptions or any(s is not Standing.UNCHANGED for s, _ in (*delta.spofs, *delta.risks))
    if delta.before is None or delta.after is None or not differs:
        return Attribution(), tuple(bundles)
    actual = Trial(delta.after.score, findings(delta), False)
    size, required = len(stages.after.components), _required(bundles, stages)
    return attribute(delta, actual, bundles, lambda edits: simulate(edits).trial(False), size, required)


def _required(bundles: Sequence[Bundle], stages: Stages) -> Mapping[int, frozenset[int]]:
    named = [[(link.source, link.path, link.target) for link in stages.links[side].links] for side in (Side.BEFORE, Side.AFTER)]
    return requirements(bundles, *named)


def _untold(attribution: Attribution) -> tuple[Diagnostic, ...]:
    """What attribution leaves out is said."""
    if not attribution.untried:
        return ()
    text = (
        f"{attribution.untried} of {attribution.untried + attribution.simulations} changes were not put back one by one: "
        "what they cost is part of the interaction"
    )
    return (Diagnostic(Severity.NOTICE, "attribution-bounded", text),)


def _way_back(
    decision: Decision, delta: Delta, bundles: Sequence[Bundle], attribution: Attribution, prove: Simulate, stages: Stages
) -> WayBack | None:
    failed = {gate.gate for gate in decision.gates if not gate.passed}
    if not failed or "max-depth" in failed or decision.error or delta.before is None or delta.after is None:
        return None
    return find_way_back(bundles, attribution, prove, len(stages.after.components), _required(bundles, stages))


def _witnesses(stages: Stages, delta: Delta, before: Examination) -> Mapping[str, OutageWitness]:
    compiled = compile_topology(stages.after)
    owners = {id: fault.address for id, fault in stages.before.faults.items()}
    zones = {fault.domain: id for id, fault in stages.after.faults.items() if fault.fault_class is FaultClass.ZONE}
    found = {}
    for point in delta.new_spofs:
        events = tuple(zones.get(zone, f"zone:{zone}") for zone in point.zones) + tuple(f for f in point.faults if " of " not in f)
        asked = replace(point, faults=events)
        one = witness(asked, before, owners, lambda entry, component: _visible(stages.after, chain(compiled, entry, component)))
        if one is not None:
            found[point.address] = one
    return found


def _visible(topology: Topology, path: Iterable[str]) -> tuple[str, ...]:
    """A chain without the connectors that a reader would look through."""
    return tuple(a for n, a in enumerate(path) if n == 0 or a not in topology.components or topology.components[a].copies)


def _source(request: Request, plan: Plan) -> Source | None:
    """The code that the plan was made from."""
    return None if request.source is None else open_source(request.source, plan, request.repository)


def _locator(source: Source | None, plan: Plan, found: Sequence[AttributeChange]) -> Locate:
    """Where things are written; what comes or goes by `count` or `for_each`, where that is decided."""
    if source is None:
        return lambda address, attribute: None
    source.expect(change.address for change in found)
    return dataclasses.replace(source, counted=counted_changes(plan, found)).locate
