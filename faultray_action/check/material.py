"""What the report is made of: answers gathered for `report`, which computes nothing itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from msgspec.structs import replace

from faultray_action import __version__
from faultray_action.check.acceptance import Accepted
from faultray_action.check.changes import Changes
from faultray_action.check.comparison import Compared
from faultray_action.check.costs import Costs
from faultray_action.check.drift import Drift
from faultray_action.check.request import Checked, Request
from faultray_action.check.verdict import Verdict
from faultray_action.check.whatif import Question, ceilings_of
from faultray_action.counterfactual.witness import witness
from faultray_action.engine.cold_start import warn_of_cold_start
from faultray_action.engine.compiled import compile_topology
from faultray_action.engine.cuts import chain
from faultray_action.judgement import one_sided
from faultray_action.judgement.outlived import outlived
from faultray_action.model.component import FaultClass
from faultray_action.model.finding import Decision, OutageWitness, WayBack
from faultray_action.model.outcome import Ceiling
from faultray_action.model.scenario import ScenarioSet
from faultray_action.model.text import well_formed
from faultray_action.model.topology import Topology
from faultray_action.report import compose
from faultray_action.report.agent_rows import agent_rows
from faultray_action.report.document import Printable
from faultray_action.terraform.hcl.locate import Source
from faultray_action.terraform.plan import Plan


def material(
    request: Request,
    compared: Compared,
    ceilings: tuple[Ceiling | None, Ceiling | None],
    decision: Decision,
    accepted: Accepted,
) -> compose.Material:
    """What every report needs, whatever it was made from."""
    name = well_formed(request.paths[0].as_posix()) if request.paths else ""
    before, after, comparison = compared.before.here, compared.after.here, compared.comparison
    return compose.Material(
        plan=compose.PlanFacts(name, "", "", len(after.topology.components), MappingProxyType({})),
        before=compose.Side(before.topology, before.examination, ceilings[0], comparison.before is not None),
        after=compose.Side(after.topology, after.examination, ceilings[1], comparison.after is not None),
        comparison=comparison,
        decision=decision,
        changes=(),
        mode=request.mode,
        title=well_formed(request.title),
        label=well_formed(request.label),
        version=__version__,
        date=request.date,
        slo_percent=request.gates.slo_percent,
        settings={key: _printable(value) for key, value in request.settings.items()},
        waivers=accepted.part,
        waived=accepted.marks,
    )


def _printable(value: Printable) -> Printable:
    return well_formed(value) if isinstance(value, str) else value


def material_of(
    request: Request,
    question: Question,
    scenarios: ScenarioSet,
    changes: Changes,
    costs: Costs,
    verdict: Verdict,
    back: WayBack | None,
    drift: Drift | None,
    source: Source | None,
) -> compose.Material:
    """Everything that the report of a plan tells."""
    actual, after = question.actual, question.stages.after
    return replace(
        material(request, actual, ceilings_of(actual), verdict.decision, verdict.accepted),
        plan=facts(question.plan),
        changes=changes.found,
        let_go=changes.let_go,
        locate=changes.locate,
        attribution=costs.attribution,
        way_back=back,
        witnesses=witnesses(actual),
        one_sided=one_sided.find(actual.before, actual.after),
        outlived=outlived(actual.before.here, actual.after.here, scenarios.scenarios),
        best=verdict.ends,
        agents=agent_rows(after, actual.after.agents, actual.before.agents),
        drift=drift,
        diagnostics=(
            *request.diagnostics,
            *after.diagnostics,
            *warn_of_cold_start(after),
            *verdict.accepted.diagnostics,
            *(source.diagnostics if source else ()),
            *costs.untold,
        ),
    )


def checked(told: compose.Material, question: Question, scenarios: ScenarioSet) -> Checked:
    """The report, and what it was made of."""
    stages = question.stages
    return Checked(
        document=compose.compose(told),
        before=stages.before,
        after=stages.after,
        scenarios=scenarios,
        examined=question.actual.examined,
        decision=told.decision,
        plan=question.plan,
    )


def facts(plan: Plan) -> compose.PlanFacts:
    """What was read, in counts."""
    managed = sum(1 for resource in plan.resources if not resource.data and not resource.deposed)
    return compose.PlanFacts(
        path=plan.path,
        terraform_version=plan.terraform_version,
        format_version=plan.format_version,
        resources=managed,
        changes=plan.counts,
        complete=plan.complete,
        deferred=plan.deferred,
    )


def witnesses(compared: Compared) -> Mapping[str, OutageWitness]:
    """Single point -> the smallest outage through it."""
    before, after = compared.before.here, compared.after.here.topology
    compiled = compile_topology(after)
    owners = {id: fault.address for id, fault in before.topology.faults.items()}
    zones = _zone_faults(after)

    def path(entry: str, component: str) -> tuple[str, ...]:
        return _visible(after, chain(compiled, entry, component))

    found: dict[str, OutageWitness] = {}
    for point in compared.comparison.new_single_points:
        in_zones = tuple(zones.get(zone, f"zone:{zone}") for zone in point.zones)
        alone = tuple(fault for fault in point.faults if " of " not in fault)
        one = witness(point.address, point.takes_down, (*in_zones, *alone), before.examination, owners, path)
        if one is not None:
            found[point.address] = one
    return found


def _zone_faults(topology: Topology) -> Mapping[str, str]:
    """Zone -> the fault that is its loss."""
    zones: dict[str, str] = {}
    for id, fault in topology.faults.items():
        if fault.fault_class is FaultClass.ZONE:
            zones[fault.domain] = id
    return zones


def _visible(topology: Topology, path: Iterable[str]) -> tuple[str, ...]:
    """A chain without the connectors that a reader would look through."""
    shown: list[str] = []
    for address in path:
        component = topology.components.get(address)
        if not shown or component is None or component.copies:
            shown.append(address)
    return tuple(shown)
