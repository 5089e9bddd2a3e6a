"""One plan, straight through: the only room that knows the order of things."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from faultray_action import __version__
from faultray_action.catalogue.load import Catalogue, load
from faultray_action.catalogue.reliability import load_reliability
from faultray_action.catalogue.sla import load_slas
from faultray_action.counterfactual.attribution import Edit, Simulate, Trial, attribute, group
from faultray_action.counterfactual.remedy import find_way_back
from faultray_action.counterfactual.witness import witness
from faultray_action.engine.absence import entries_down_without
from faultray_action.engine.ceiling import five_layers
from faultray_action.engine.compiled import compile_topology
from faultray_action.engine.cuts import chain
from faultray_action.engine.examine import examine
from faultray_action.judgement import compare, risks
from faultray_action.judgement.applying import disrupt
from faultray_action.judgement.decide import decide
from faultray_action.judgement.pairing import Side as Scored
from faultray_action.model.change import AttributeChange
from faultray_action.model.component import FaultClass
from faultray_action.model.finding import Attribution, Decision, Delta, OutageWitness, RiskSeverity, WayBack
from faultray_action.model.outcome import Ceiling, Examination
from faultray_action.model.policy import Gates, Policy
from faultray_action.model.scenario import ScenarioSet
from faultray_action.model.source import Locate
from faultray_action.model.topology import Topology
from faultray_action.report import compose
from faultray_action.report.document import Document, Printable
from faultray_action.scenarios.generate import generate
from faultray_action.terraform.edits import put_back
from faultray_action.terraform.links import Linker
from faultray_action.terraform.plan import Links, Plan, Side
from faultray_action.terraform.reader import read
from faultray_action.topology import changes
from faultray_action.topology.applying import find_steps
from faultray_action.topology.build import Knowledge, Stages, build, rebuild

Locals = Mapping[str, Mapping[str, tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked. `source`: folder of the .tf files, None where there is none. `date`: the UTC day as ISO text, an input like any other."""

    paths: tuple[Path, ...]
    stdin: bytes | None = None
    source: Path | None = None
    gates: Gates = Gates()
    policy: Policy = Policy()
    catalogue_files: tuple[Path, ...] = ()
    mode: str = "enforce"
    title: str = ""
    label: str = ""
    date: str = ""
    settings: Mapping[str, Printable] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Checked:
    """The report, and what it was made of for those who want to look closer."""

    document: Document
    plan: Plan
    stages: Stages
    scenarios: ScenarioSet
    before: Examination
    after: Examination
    decision: Decision


def check(request: Request) -> Checked:
    """The staircase (docs/architecture.md)."""
    plan = read(request.paths, stdin=request.stdin)
    knowledge = know(request)
    linker = link(plan, knowledge.catalogue)
    stages = build(plan, lambda _, side: linker.links(side), knowledge)
    scenarios = generate((stages.before, stages.after))
    before, after = examine(stages.before, scenarios), examine(stages.after, scenarios)
    delta = _compare(plan, knowledge, (stages.before, before), (stages.after, after))
    best = _at_best(plan, knowledge, stages)
    ceilings = _ceilings(stages.before, before), _ceilings(stages.after, after)
    decision = decide(delta, request.gates, stages.after.coverage, ceilings=(ceilings[0].value, ceilings[1].value), best=best)
    found = changes.find(plan, knowledge.catalogue)
    attribution, way_back = _counterfactual(request, plan, knowledge, stages, delta, decision, found)
    material = compose.Material(
        plan=_facts(plan),
        before=compose.Side(stages.before, before, ceilings[0], _exists(stages.before)),
        after=compose.Side(stages.after, after, ceilings[1], _exists(stages.after)),
        delta=delta,
        decision=decision,
        changes=found,
        attribution=attribution,
        way_back=way_back,
        witnesses=_witnesses(stages, delta, before),
        best=None if best is None else (best, decide(best, request.gates, stages.after.coverage).passed),
        locate=_locator(request),
        mode=request.mode,
        title=request.title,
        label=request.label,
        version=__version__,
        date=request.date,
        slo_percent=request.gates.slo_percent,
        settings=request.settings,
        diagnostics=stages.after.diagnostics,
    )
    return Checked(compose.compose(material), plan, stages, scenarios, before, after, decision)


def know(request: Request) -> Knowledge:
    """The catalogue, the numbers and what the team states."""
    return Knowledge(load(request.catalogue_files), load_reliability(), load_slas(request.policy.sla_percent), request.policy)


def link(plan: Plan, catalogue: Catalogue) -> Linker:
    """The plan's links, told which attributes the catalogue says name a resource."""
    types = sorted({resource.type for resource in plan.resources})
    identities = {name: entry.identity for name in types if (entry := catalogue.get(name)) is not None and entry.identity}
    return Linker(plan, identities=identities)


def _exists(topology: Topology) -> bool:
    return bool(topology.entries)


def _ceilings(topology: Topology, examination: Examination) -> Ceiling:
    assert topology.operations is not None
    return five_layers(topology, examination, topology.operations)


def _facts(plan: Plan) -> compose.PlanFacts:
    managed = sum(1 for resource in plan.resources if not resource.data and not resource.deposed)
    return compose.PlanFacts(plan.path, plan.terraform_version, plan.format_version, managed, plan.counts, plan.complete, plan.deferred)


def _compare(plan: Plan, knowledge: Knowledge, before: tuple[Topology, Examination], after: tuple[Topology, Examination]) -> Delta:
    was, is_now = Scored(*before), Scored(*after)
    standing = {entry.address for entry in after[0].entries}
    steps = find_steps(plan, knowledge.catalogue, knowledge.table, after[0])
    disruptions = disrupt(steps, lambda address: tuple(e for e in entries_down_without(before[0], (address,)) if e in standing))
    return compare.compare(was, is_now, risks.find(was, is_now), disruptions)


def _at_best(plan: Plan, knowledge: Knowledge, stages: Stages) -> Delta | None:
    if not stages.undecided:
        return None
    before, after = stages.before_best, stages.after_best
    return _compare(plan, knowledge, (before, examine(before, cuts=False)), (after, examine(after, cuts=False)))


def _counterfactual(
    request: Request, plan: Plan, knowledge: Knowledge, stages: Stages, delta: Delta, decision: Decision, found: Sequence[AttributeChange]
) -> tuple[Attribution, WayBack | None]:
    """Attribution of the delta, and the way back where a gate fails."""
    if delta.before is None or delta.after is None:
        return Attribution(), None
    simulate = _simulator(request, plan, knowledge, stages)
    groups = group(found)
    actual = Trial(delta.after.score, _findings(delta), decision.passed)
    attribution = attribute(delta, actual, groups, simulate)
    failed = not decision.passed and not decision.error
    return attribution, find_way_back(groups, attribution, simulate) if failed else None


def _simulator(request: Request, plan: Plan, knowledge: Knowledge, stages: Stages) -> Simulate:
    answers: dict[frozenset[Edit], Trial] = {}
    before = examine(stages.before, cuts=False)

    def simulate(edits: tuple[Edit, ...]) -> Trial:
        key = frozenset(edits)
        if key not in answers:
            changed = put_back(plan, edits)
            links: Links = link(changed, knowledge.catalogue).links(Side.AFTER)
            was, is_now = rebuild(changed, links, knowledge, stages)
            delta = _compare(changed, knowledge, (was, replace_assets(before, was)), (is_now, examine(is_now, cuts=False)))
            passed = decide(delta, request.gates, is_now.coverage).passed
            answers[key] = Trial(delta.after.score if delta.after else None, _findings(delta), passed)
        return answers[key]

    return simulate


def replace_assets(examination: Examination, topology: Topology) -> Examination:
    """The side before as it was examined; only which stores count as assets may differ with the plan."""
    return examination if len(examination.assets) == len(topology.assets) else examine(topology, cuts=False)


def _findings(delta: Delta) -> frozenset[str]:
    spofs = {point.address for point in delta.new_spofs}
    found = {f"risk:{risk.kind}:{risk.address}" for risk in delta.new_risks if risk.severity is not RiskSeverity.LOW}
    return frozenset(spofs | found | {f"apply:{row.address}" for row in delta.disruptions})


def _witnesses(stages: Stages, delta: Delta, before: Examination) -> Mapping[str, OutageWitness]:
    compiled = compile_topology(stages.after)
    owners = {id: fault.address for id, fault in stages.before.faults.items()}
    zones = {fault.domain: id for id, fault in stages.after.faults.items() if fault.fault_class is FaultClass.ZONE}
    found = {}
    for point in delta.new_spofs:
        events = tuple(zones.get(zone, f"zone:{zone}") for zone in point.zones) + tuple(f for f in point.faults if " of " not in f)
        one = witness(
            replace(point, faults=events),
            before,
            owners,
            lambda entry, component: _visible(stages.after, chain(compiled, entry, component)),
        )
        if one is not None:
            found[point.address] = one
    return found


def _visible(topology: Topology, path: tuple[str, ...]) -> tuple[str, ...]:
    """A chain without the connectors that a reader would look through."""
    return tuple(a for number, a in enumerate(path) if number == 0 or a not in topology.components or topology.components[a].copies)


def _locator(request: Request) -> Locate:
    return lambda address, attribute: None
