"""From what was computed to the one document that everything shown comes from. Computes nothing but sums of what it is given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct

from faultray_action.model.address import without_index
from faultray_action.model.assessment import Assessment
from faultray_action.model.change import Action, AttributeChange
from faultray_action.model.component import FaultClass
from faultray_action.model.diagnostic import Diagnostic
from faultray_action.model.finding import (
    Attribution,
    Comparison,
    Contribution,
    Decision,
    Disruption,
    Finding,
    FindingKey,
    GateResult,
    OneSided,
    OutageWitness,
    Outlived,
    Risk,
    Standing,
    Turned,
    WayBack,
)
from faultray_action.model.outcome import Ceiling, EntryOutcome, Examination, SinglePoint
from faultray_action.model.scenario import EDGE_ARROW, WhatIfKind
from faultray_action.model.source import Locate, SourceRange
from faultray_action.model.topology import EntryPoint, Topology
from faultray_action.model.units import nines
from faultray_action.report import document as d
from faultray_action.report import wording
from faultray_action.report.store import MAX_NINES, fingerprint

_CHAIN_NODES = 30


class Side(Struct, frozen=True):
    """One side as the report needs it. `exists`: whether anything serves there; a side without an entry has no score and no survivors."""

    topology: Topology
    examination: Examination
    ceiling: Ceiling | None
    exists: bool


class PlanFacts(Struct, frozen=True):
    """What was read, in counts."""

    path: str
    terraform_version: str
    format_version: str
    resources: int
    changes: Mapping[str, int]
    complete: bool = True
    deferred: int = 0


class Ends(Struct, frozen=True):
    """Both ends of what is unknown: the difference at best, and whether every gate passes at best and at worst."""

    best: Comparison
    best_passed: bool
    worst_passed: bool


class Material(Struct, frozen=True):
    """Everything a report is made of. `best` is there where values unknown until apply matter."""

    plan: PlanFacts
    before: Side
    after: Side
    comparison: Comparison
    decision: Decision
    changes: tuple[AttributeChange, ...]
    attribution: Attribution = Attribution()
    way_back: WayBack | None = None
    witnesses: Mapping[str, OutageWitness] = {}
    outlived: Outlived = Outlived()
    one_sided: tuple[OneSided, ...] = ()
    best: Ends | None = None
    locate: Locate = lambda address, attribute: None
    let_go: Mapping[AttributeChange, tuple[AttributeChange, ...]] = {}
    mode: str = "enforce"
    title: str = ""
    label: str = ""
    version: str = ""
    date: str = ""
    slo_percent: float | None = None
    settings: Mapping[str, d.Printable] = {}
    diagnostics: tuple[Diagnostic, ...] = ()
    waivers: d.WaiversPart | None = None
    waived: Mapping[str, str] = {}
    agents: tuple[d.AgentRow, ...] = ()
    drift: tuple[float, Attribution] | None = None
    cascades: tuple[d.CascadeRow, ...] = ()
    plans: tuple[PlanFacts, ...] = ()
    subject: str = "change"


def compose(material: Material) -> d.Document:
    """The document. Rows keep their given order; `store.canonical` sorts them."""
    m = material
    verdict = "error" if m.decision.error else "pass" if m.decision.passed else "fail"
    return d.Document(
        schema_version=d.SCHEMA_VERSION,
        plan=_plan(m.plan),
        score=_score(m),
        recommendation=m.decision.recommendation.value,
        gate=gate_part(m.decision, plain=m.comparison.is_plain),
        entry_points=_entries(m),
        spofs=_spofs(m),
        risks=_risks(m),
        attribution=_attribution(m),
        apply=d.ApplyPart(disruptions=tuple(_disruption(m, row) for row in m.comparison.interruptions)),
        scenarios=_scenarios(m),
        coverage=_coverage(m),
        verdict=verdict,
        mode=m.mode,
        title=m.title,
        label=m.label,
        version=m.version,
        date=m.date,
        availability=_availability(m),
        slo=_slo(m),
        remedy=_remedy(m),
        drift=_drift(m),
        waivers=m.waivers,
        sensitivity=_sensitivity(m),
        agents=m.agents,
        plans=tuple(_plan(plan) for plan in m.plans),
        cascades=m.cascades,
        graph=_graph(m),
        settings=dict(m.settings),
        diagnostics=tuple(_diagnostic(row) for row in m.diagnostics),
        subject=m.subject,
        error=d.ErrorPart(reason=m.decision.error, next_step=m.decision.next_step) if m.decision.error else None,
    )


def _plan(plan: PlanFacts) -> d.PlanPart:
    return d.PlanPart(
        path=plan.path,
        terraform_version=plan.terraform_version,
        resources=plan.resources,
        changes=dict(plan.changes),
        format_version=plan.format_version,
        complete=plan.complete,
        deferred=plan.deferred,
    )


_TOLD_APART = 0.005
"""Points; a delta that differs by less from what the two scores differ by is the same number in the report."""


def _score(m: Material) -> d.ScorePart:
    before, after = m.comparison.before, m.comparison.after
    return d.ScorePart(
        before=before.score if before else None,
        after=after.score if after else None,
        delta=m.comparison.points,
        parts_before=_parts(before),
        parts_after=_parts(after),
        compared=_compared(m),
    )


def _compared(m: Material) -> d.ComparedPart | None:
    """Both sides like for like, where that is not what the two scores differ by."""
    before, after, alike = m.comparison.before, m.comparison.after, m.comparison.alike
    if before is None or after is None or alike is None:
        return None
    if abs(after.score - before.score - alike.points) < _TOLD_APART:
        return None
    rows = tuple(map(_one_sided, m.one_sided))
    return d.ComparedPart(before=alike.before.score, after=alike.after.score, reason=wording.words(wording.one_sided(rows)), rows=rows)


def _one_sided(row: OneSided) -> d.OneSidedRow:
    standing = "new" if row.standing is Standing.NEW else "gone"
    return d.OneSidedRow(address=row.address, kind=row.kind.value, standing=standing, label=row.label, score=row.score)


def _parts(side: Assessment | None) -> d.ScoreParts | None:
    if side is None:
        return None
    availability, resilience, data = side.points
    return d.ScoreParts(availability=availability, resilience=resilience, data=data)


def gate_part(decision: Decision, *, plain: bool) -> d.GatePart:
    """The gates as a report shows them. `plain`: the delta is what the two scores differ by."""
    reasons = [_reason(gate, plain=plain) for gate in decision.gates if not gate.passed]
    if decision.error:
        reasons.append(d.GateReason(gate="could-not-compute", limit=None, actual=None, message=decision.error))
    return d.GatePart(passed=decision.passed, reasons=tuple(reasons), checks=tuple(map(_check, decision.gates)))


def _reason(gate: GateResult, *, plain: bool) -> d.GateReason:
    alike = ", like for like" if gate.gate == "fail-on-regression" and not plain else ""
    return d.GateReason(gate=gate.gate, limit=gate.limit, actual=gate.actual, message=f"{gate.message}{alike}")


def _check(gate: GateResult) -> d.GateCheck:
    return d.GateCheck(gate=gate.gate, limit=gate.limit, actual=gate.actual, passed=gate.passed, before=gate.before)


def _entries(m: Material) -> tuple[d.EntryRow, ...]:
    """Entries of both sides, matched by address, then by a common key; the address after wins."""
    old = {entry.address: (entry, outcome) for entry, outcome in _paired(m.before)}
    rows: list[d.EntryRow] = []
    for entry, outcome in _paired(m.after):
        twin = entry.address if entry.address in old else next((a for a, (e, _) in old.items() if set(e.keys) & set(entry.keys)), None)
        earlier = old.pop(twin) if twin is not None else None
        rows.append(_entry_row(m, entry, _entry_side(earlier[1]) if earlier else None, _entry_side(outcome)))
    rows += [_entry_row(m, entry, _entry_side(outcome), None) for entry, outcome in old.values()]
    return tuple(sorted(rows, key=lambda row: row.address))


def _paired(side: Side) -> list[tuple[EntryPoint, EntryOutcome]]:
    return list(zip(side.topology.entries, side.examination.entries, strict=True)) if side.exists else []


def _entry_side(outcome: EntryOutcome) -> d.EntrySide:
    found = min(MAX_NINES, max(0.0, nines(outcome.unavailability.value)))
    return d.EntrySide(nines=found, cut_off=outcome.cut_off, failures_per_year=outcome.hazard_per_year)


def _entry_row(m: Material, entry: EntryPoint, before: d.EntrySide | None, after: d.EntrySide | None) -> d.EntryRow:
    at = m.locate(entry.address, "")
    return d.EntryRow(
        address=entry.address,
        before=before,
        after=after,
        label=entry.label,
        weight=entry.weight,
        deferred=entry.deferred,
        inferred=entry.inferred,
        file=at.file if at else "",
        line=at.line if at else 0,
        fingerprint=fingerprint("entry", entry.address, ""),
    )


def _cause(m: Material, change: AttributeChange) -> d.Cause:
    at = m.locate(change.address, change.attribute) or SourceRange("", 0)
    return d.Cause(
        address=change.address,
        attribute=change.attribute,
        before=change.before,
        after=change.after,
        action=change.action.value if change.attribute == "" or change.action is not Action.UPDATE else "",
        unknown_after=change.unknown_after,
        file=at.file,
        line=at.line,
        end_line=at.end_line,
        column=at.column,
        end_column=at.end_column,
    )


def _causes_of(m: Material, addresses: Iterable[str], also: Sequence[AttributeChange] = ()) -> tuple[d.Cause, ...]:
    """Changes proven by putting them back first, then those of the component itself, each once; last what the plan deletes with them."""
    wanted = set(addresses)
    rows = [*also, *(change for change in m.changes if not also and change.address in wanted)]
    rows += [deleted for change in rows for deleted in m.let_go.get(change, ())]
    seen: dict[tuple[str, str], AttributeChange] = {}
    for change in rows:
        seen.setdefault((change.address, change.attribute), change)
    return tuple(_cause(m, change) for change in seen.values())


def _spofs(m: Material) -> d.SpofsPart:
    rows: dict[Standing, list[d.SpofRow]] = {standing: [] for standing in Standing}
    for finding in m.comparison.single_points:
        rows[finding.standing].append(_spof(m, finding))
    return d.SpofsPart(new=tuple(rows[Standing.NEW]), resolved=tuple(rows[Standing.RESOLVED]), unchanged=tuple(rows[Standing.UNCHANGED]))


def _spof(m: Material, finding: Finding[SinglePoint]) -> d.SpofRow:
    standing, point = finding.standing, finding.what
    side = m.before if standing is Standing.RESOLVED else m.after
    component = side.topology.components.get(point.address) or m.before.topology.components.get(point.address)
    proven = _proven(m, finding.key)
    causes = () if standing is Standing.UNCHANGED else _causes_of(m, {point.address, without_index(point.address)}, proven)
    at = m.locate(point.address, "")
    mark = spof_mark(point)
    return d.SpofRow(
        address=point.address,
        event=worst_class(point),
        takes_down=point.takes_down,
        recovery=point.recovery.value,
        cause=causes,
        points=_points(m, proven) if standing is Standing.NEW else None,
        fingerprint=mark,
        classes=tuple(c.value for c in point.classes),
        zones=tuple(z for z in point.zones if not z.startswith("?:")),
        label=component.label if component else "",
        kind=component.kind.value if component else "",
        existed=point.address in m.before.topology.components,
        failures_per_year=point.failures_per_year,
        witness=_witness(m, point.address) if standing is Standing.NEW else None,
        waived=m.waived.get(mark, ""),
        file=at.file if at else "",
        line=at.line if at else 0,
    )


def spof_mark(point: SinglePoint) -> str:
    """The fingerprint of a single point's row."""
    return fingerprint("spof", point.address, worst_class(point))


def risk_mark(risk: Risk) -> str:
    """The fingerprint of a risk's row."""
    return fingerprint("risk", risk.address, risk.kind)


def disruption_mark(row: Disruption) -> str:
    """The fingerprint of a disruption's row."""
    return fingerprint("apply", row.address, row.disruption)


def worst_class(point: SinglePoint) -> str:
    """The class a reader should see first: a zone takes more with it than a copy."""
    order = ("zone", "zonal-component", "copy")
    return min((c.value for c in point.classes), key=lambda c: order.index(c) if c in order else len(order))


def _points(m: Material, proven: Sequence[AttributeChange]) -> float | None:
    found = [row.points for row in m.attribution.rows if not {row.change, *row.also}.isdisjoint(proven)]
    return min(found) if found else None


def _witness(m: Material, address: str) -> d.Witness | None:
    witness = m.witnesses.get(address)
    if witness is None:
        return None
    steps = tuple(
        d.ChainStep(label=_label(m, a), address=a, health="failed" if number == 0 else "down") for number, a in enumerate(witness.chain)
    )
    return d.Witness(scenario=witness.scenario, chain=steps, failures_after=witness.failures_after, failures_before=witness.failures_before)


def _label(m: Material, address: str) -> str:
    component = m.after.topology.components.get(address) or m.before.topology.components.get(address)
    return component.label if component else address


def _risks(m: Material) -> d.RisksPart:
    rows: dict[Standing, list[d.RiskRow]] = {standing: [] for standing in Standing}
    for finding in m.comparison.risks:
        rows[finding.standing].append(_risk(m, finding))
    return d.RisksPart(new=tuple(rows[Standing.NEW]), resolved=tuple(rows[Standing.RESOLVED]), unchanged=tuple(rows[Standing.UNCHANGED]))


def _proven(m: Material, key: FindingKey) -> tuple[AttributeChange, ...]:
    """The changes that are proven to cause a finding."""
    return dict(m.attribution.causes).get(key, ())


def _risk(m: Material, finding: Finding[Risk]) -> d.RiskRow:
    standing, risk = finding.standing, finding.what
    at = m.locate(risk.address, "")
    near = {risk.address, *risk.related, *(row.address for row in m.changes if row.address in risk.message)}
    if not any(row.address in near for row in m.changes):
        near |= {row.address for row in m.changes if without_index(row.address) == without_index(risk.address)}
    near |= _behind(m, risk) if standing is Standing.NEW else set()
    causes = () if standing is Standing.UNCHANGED else _causes_of(m, near, _proven(m, finding.key))
    component = m.after.topology.components.get(risk.address) or m.before.topology.components.get(risk.address)
    mark = risk_mark(risk)
    return d.RiskRow(
        address=risk.address,
        kind=risk.kind.value,
        severity=risk.severity.value,
        cause=causes,
        fingerprint=mark,
        message=risk.message,
        losses=risk.losses,
        takes_down=risk.takes_down,
        label=component.label if component else "",
        component=component.kind.value if component else "",
        existed=risk.existed,
        waived=m.waived.get(mark, ""),
        file=at.file if at else "",
        line=at.line if at else 0,
    )


def _behind(m: Material, risk: Risk) -> set[str]:
    """Changed resources on the ways of before from an entry that the risk takes down."""
    changed = {row.address for row in m.changes}
    start = {entry.component for entry in m.before.topology.entries if entry.address in risk.takes_down}
    return changed & reachable(m.before.topology, start) if start else set()


def reachable(topology: Topology, start: Iterable[str]) -> set[str]:
    """Everything on the ways from these vertices, themselves too."""
    needs: dict[str, list[str]] = {}
    for dependency in topology.dependencies:
        needs.setdefault(dependency.source, []).append(dependency.target)
    seen = set(start)
    stack = sorted(seen)
    while stack:
        for target in needs.get(stack.pop(), ()):
            if target not in seen:
                seen.add(target)
                stack.append(target)
    return seen


def _attribution(m: Material) -> d.AttributionPart:
    return d.AttributionPart(
        rows=_contributions(m, m.attribution), interaction=m.attribution.interaction, simulations=m.attribution.simulations or None
    )


def _drift(m: Material) -> d.DriftPart | None:
    return None if m.drift is None else d.DriftPart(delta=m.drift[0], rows=_contributions(m, m.drift[1]))


def _contributions(m: Material, attribution: Attribution) -> tuple[d.ContributionRow, ...]:
    rows = [_contribution(m, row) for row in attribution.rows]
    told = {row.address for row in rows}
    parts: dict[str, d.ContributionRow] = {}
    for lead, row in zip(rows, attribution.rows, strict=True):
        for change in row.also:
            if change.address not in told:
                part = _contribution(m, Contribution(change, 0.0))
                parts.setdefault(change.address, msgspec.structs.replace(part, part_of=lead.fingerprint))
    return (*rows, *parts.values())


def _contribution(m: Material, row: Contribution) -> d.ContributionRow:
    cause = _cause(m, row.change)
    return d.ContributionRow(
        address=cause.address,
        attribute=cause.attribute,
        points=row.points,
        before=cause.before,
        after=cause.after,
        action=cause.action,
        unknown_after=cause.unknown_after,
        file=cause.file,
        line=cause.line,
        end_line=cause.end_line,
        column=cause.column,
        end_column=cause.end_column,
        label=_label(m, cause.address),
        fingerprint=fingerprint("change", cause.address, cause.attribute),
        also=tuple(_cause(m, change) for change in row.also),
    )


def _disruption(m: Material, row: Disruption) -> d.DisruptionRow:
    at = m.locate(row.address, "")
    mark = disruption_mark(row)
    component = m.before.topology.components.get(row.address)
    return d.DisruptionRow(
        address=row.address,
        disruption=row.disruption.value,
        takes_down=row.takes_down,
        seconds=row.seconds,
        fingerprint=mark,
        cause=_causes_of(m, {row.address}),
        message=row.message,
        label=component.label if component else "",
        kind=component.kind.value if component else "",
        waived=m.waived.get(mark, ""),
        file=at.file if at else "",
        line=at.line if at else 0,
    )


def _scenarios(m: Material) -> d.ScenariosPart:
    before, after = m.before.examination.sweep, m.after.examination.sweep
    return d.ScenariosPart(
        total=max(before.total, after.total),
        survived_before=before.survived if m.before.exists else None,
        survived_after=after.survived if m.after.exists else None,
        broken=tuple(_turned(m, row) for row in m.outlived.broken),
        broken_total=m.outlived.broken_total,
        repaired=tuple(_turned(m, row) for row in m.outlived.repaired),
        repaired_total=m.outlived.repaired_total,
        dropped=dict(after.dropped),
        covered_mass=after.covered_mass,
    )


def _turned(m: Material, row: Turned) -> d.ScenarioRow:
    told = tuple(_fault_words(m, fault) for fault in row.faults) + tuple(_what_if_words(m, one) for one in row.what_ifs)
    return d.ScenarioRow(id=row.scenario, faults=told, takes_down=row.takes_down)


def _fault_words(m: Material, id: str) -> str:
    """A fault as a reader would say it: the zone's name, "copy 2 of ECS service api"."""
    fault = m.after.topology.faults.get(id) or m.before.topology.faults.get(id)
    if fault is None:
        return id
    if not fault.address:
        kind = "" if fault.domain.startswith("unnamed ") else fault.fault_class.value.replace("-", " ")
        return f"{kind} {fault.domain}".strip()
    number = id.rpartition("#")[2]
    if fault.fault_class is FaultClass.COMMON_CAUSE:
        return f"all copies of {_label(m, fault.address)}"
    return f"copy {int(number) + 1} of {_label(m, fault.address)}" if number.isdigit() else _label(m, fault.address)


def _what_if_words(m: Material, id: str) -> str:
    """An injection likewise: "traffic ×2", "all copies of cache sessions", "latency ×10 at cache sessions"."""
    what, _, target = id.partition(":")
    kind, _, level = what.partition("*")
    told = kind.replace("-", " ").replace("=", " ") + (f" ×{level}" if level else "")
    if not target:
        return told
    return f"{told} {'of' if kind == WhatIfKind.ALL_COPIES else 'at'} {' → '.join(_label(m, one) for one in target.split(EDGE_ARROW))}"


def _coverage(m: Material) -> d.CoveragePart:
    c = m.after.topology.coverage
    return d.CoveragePart(
        modelled=c.modelled,
        ignored=c.transparent + c.irrelevant,
        unknown_types=tuple(d.UnknownType(type=name, instances=count) for name, count in sorted(c.unknown_types.items())),
        unknown_values=_unknown_values(m, c.unknown_values),
        share=c.share,
        transparent=c.transparent,
        irrelevant=c.irrelevant,
        changed=c.changed,
        changed_with_disposition=c.changed_with_disposition,
        on_path=c.unknown_on_path,
        unresolved=dict(c.unresolved),
    )


def _unknown_values(m: Material, pairs: Iterable[tuple[str, str]]) -> tuple[d.UnknownValue, ...]:
    rows = []
    for address, attribute in pairs:
        at = m.locate(address, attribute)
        rows.append(d.UnknownValue(address=address, attribute=attribute, file=at.file if at else "", line=at.line if at else 0))
    return tuple(rows)


def _availability(m: Material) -> d.AvailabilityPart | None:
    after = m.after.ceiling if m.after.exists else None
    before = m.before.ceiling if m.before.exists else None
    shown = after or before
    if shown is None:
        return None
    earlier = {layer.name: layer for layer in before.layers} if before else {}
    later = {layer.name: layer for layer in after.layers} if after else {}
    layers = {}
    for layer in shown.layers:
        old, new = earlier.get(layer.name), later.get(layer.name)
        layers[layer.name] = d.LayerPart(
            before=old.availability if old else None,
            after=new.availability if new else None,
            note=layer.note,
            inputs=tuple(d.LayerInput(name=n, value=v, unit=u, source=s) for n, v, u, s in layer.inputs),
        )
    return d.AvailabilityPart(
        layers=layers,
        ceiling=shown.value,
        bottleneck=shown.binding,
        ceiling_before=before.value if before else None,
        product=shown.product,
        frechet=shown.frechet,
    )


def _slo(m: Material) -> d.SloPart | None:
    if m.slo_percent is None:
        return None
    after = m.after.ceiling if m.after.exists else None
    before = m.before.ceiling if m.before.exists else None
    return d.SloPart(
        target=m.slo_percent,
        feasible=after is not None and 100 * after.value + 1e-9 >= m.slo_percent,
        binding=after.binding if after else "",
        ceiling_before=before.value if before else None,
        ceiling_after=after.value if after else None,
    )


def _remedy(m: Material) -> d.Remedy | None:
    if m.way_back is None:
        return None
    edits = []
    for change in m.way_back.edits:
        at = m.locate(change.address, change.attribute or next(iter(change.forced_by), "")) or SourceRange("", 0)
        edits.append(
            d.Edit(
                address=change.address,
                attribute=change.attribute,
                before=change.after,
                after=change.before,
                action=change.action.value if change.attribute == "" else "",
                file=at.file,
                line=at.line,
                column=at.column,
                end_column=at.end_column,
                forced_by=change.forced_by,
            )
        )
    return d.Remedy(edits=tuple(edits), score=m.way_back.score, proven=bool(edits), simulations=m.way_back.simulations)


def _sensitivity(m: Material) -> d.Sensitivity | None:
    if m.best is None:
        return None
    best, worst = m.best.best.after, m.comparison.after
    return d.Sensitivity(
        unknowns=_unknown_values(m, m.after.topology.coverage.unknown_values),
        best=d.Bound(score=best.score if best else None, passed=m.best.best_passed),
        worst=d.Bound(score=worst.score if worst else None, passed=m.best.worst_passed),
        decides=m.best.best_passed != m.best.worst_passed,
    )


def _diagnostic(row: Diagnostic) -> d.DiagnosticRow:
    return d.DiagnosticRow(
        severity=row.severity.value, code=row.code, message=row.message, address=row.address, file=row.file, line=row.line
    )


def _graph(m: Material) -> d.GraphPart | None:
    """The changed neighbourhood: what changed or became a finding, what needs it up to the entries, and what it needs."""
    moved = (finding for finding in m.comparison.single_points if finding.standing is not Standing.UNCHANGED)
    focus = {finding.what.address for finding in moved} | {change.address for change in m.changes}
    focus |= {risk.address for risk in m.comparison.new_risks}
    before, after = condensed(m.before.topology), condensed(m.after.topology)
    known = set(before.nodes) | set(after.nodes)
    focus &= known
    if not focus:
        return None
    edges = {**before.edges, **after.edges}
    ranked = _by_distance(focus, edges)
    kept = [a for a in ranked if a in known][:_CHAIN_NODES]
    inside = set(kept)
    return d.GraphPart(
        nodes=tuple(_node(m, address, focus) for address in kept),
        edges=tuple(
            d.GraphEdge(
                source=s,
                target=t,
                role=role,
                before=(s, t) in before.edges,
                after=(s, t) in after.edges,
                broken=(s, t) in after.broken,
            )
            for (s, t), role in sorted(edges.items())
            if s in inside and t in inside
        ),
        omitted=len(known) - len(kept),
    )


class Condensed(Struct, frozen=True):
    """A topology as a reader sees it: components only, connectors looked through. Edges (source, target) -> role."""

    nodes: tuple[str, ...]
    edges: Mapping[tuple[str, str], str]
    broken: frozenset[tuple[str, str]]


def condensed(topology: Topology) -> Condensed:
    """Look through connectors: a need through a listener and a target group is one edge."""
    hidden = {a for a, c in topology.components.items() if c.kind.value == "connector"}
    hidden -= {entry.address for entry in topology.entries}
    onward: dict[str, list[tuple[str, str, bool]]] = {}
    for dep in topology.dependencies:
        onward.setdefault(dep.source, []).append((dep.target, dep.role.value, bool(dep.broken)))
    edges: dict[tuple[str, str], str] = {}
    broken: set[tuple[str, str]] = set()
    for source in topology.components:
        if source in hidden:
            continue
        stack = [(target, role, cut) for target, role, cut in onward.get(source, ())]
        seen: set[str] = set()
        while stack:
            target, role, cut = stack.pop()
            if target in hidden and target not in seen:
                seen.add(target)
                stack += [(t, role if role != "need" else r, cut or c) for t, r, c in onward.get(target, ())]
            elif target not in hidden and target != source:
                edges.setdefault((source, target), role)
                if cut:
                    broken.add((source, target))
    return Condensed(tuple(a for a in topology.components if a not in hidden), edges, frozenset(broken))


def _by_distance(focus: set[str], edges: Iterable[tuple[str, str]]) -> list[str]:
    """Focus first, then callers and needs by distance, each level sorted."""
    near: dict[str, set[str]] = {}
    for source, target in edges:
        near.setdefault(source, set()).add(target)
        near.setdefault(target, set()).add(source)
    ranked = sorted(focus)
    seen = set(ranked)
    level = ranked
    while level:
        level = sorted({other for a in level for other in near.get(a, ())} - seen)
        seen.update(level)
        ranked += level
    return ranked


def _node(m: Material, address: str, focus: set[str]) -> d.GraphNode:
    changed = any(change.address == address for change in m.changes)
    entry = any(e.address == address for side in (m.before, m.after) for e in side.topology.entries)
    return d.GraphNode(
        id=address,
        label=_label(m, address),
        kind=_kind(m, address),
        before=_node_side(m.before, address),
        after=_node_side(m.after, address),
        changed=changed,
        entry=entry,
    )


def _kind(m: Material, address: str) -> str:
    component = m.after.topology.components.get(address) or m.before.topology.components.get(address)
    return component.kind.value if component else "custom"


def _node_side(side: Side, address: str) -> d.NodeSide | None:
    component = side.topology.components.get(address)
    if component is None:
        return None
    single = {point.address for point in side.examination.single_points}
    state = "down" if side.examination.down.get(address) else "single-point" if address in single else "ok"
    named = tuple(zone for zone in component.zones if not zone.startswith("?:"))
    return d.NodeSide(state=state, copies=None if component.managed else component.size, zones=named)
