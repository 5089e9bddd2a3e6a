"""A report that another job made: its findings are taken as they are, its gates are asked again, and none of its words decides.

Whoever runs the code of a change can write any report. What can be known here is whether a report says of itself what follows from its
findings; where it does not, it is told, and such a report is never green.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace

from faultray_action.check.acceptance import Accepted, accept
from faultray_action.contradictions import contradictions
from faultray_action.judgement.decide import EPSILON, Judged, decide
from faultray_action.model.finding import Decision, GateResult
from faultray_action.model.policy import Gates, Unknowns, Waiver
from faultray_action.report import document as d
from faultray_action.report.compose import disruption_mark, gate_part, risk_mark, spof_mark
from faultray_action.reported import (
    attribution_of,
    ceilings_of,
    check_whole,
    comparison_of,
    coverage_of,
    disruption_of,
    risk_of,
    single_point,
    worth_of,
)

_NOT_ASKED_AGAIN = {
    "unknown": "the verdict depends on values that are known only after apply",
    "max-depth": "cascades were cut: what lies beyond is not known",
}
"""Gates that need more than a report has: there a report may only accuse itself."""
_OURS = "policy-"
"""Diagnostics about whose policy decided are said by the run that decides."""
ITS_WORD = (
    "The findings are the word of the job that made this report, which ran the code of the change. "
    "Its gates were asked again here, by the limits of this workflow and of the base branch."
)


class Limits(Struct, frozen=True):
    """What the asking side states: its gates, its waivers (`today` is the UTC day they are held against), its mode, its names, its settings."""

    gates: Gates
    waivers: tuple[Waiver, ...]
    today: str
    mode: str
    path: str
    label: str = ""
    settings: Mapping[str, d.Printable] = MappingProxyType({})


def rejudge(document: d.Document, limits: Limits) -> d.Document:
    """The document with a verdict, gates and waivers of our own. Raises InputError where it holds no findings that could be judged."""
    check_whole(document, limits.path)
    compared, attribution = comparison_of(document, limits.path), attribution_of(document, limits.path)
    accepted = accept(
        compared,
        attribution,
        limits.waivers,
        limits.today,
        lambda changes: worth_of(attribution, compared, changes),
    )
    judged = Judged(accepted.judged, ceilings_of(document), accepted.points)
    decision = decide(judged, limits.gates, coverage_of(document.coverage))
    against = tuple(contradictions(document, compared))
    decision = _with_what_it_admits(decision, document, limits.gates)
    decision = _never_green_against_itself(decision, against)
    return _told(document, decision, accepted, limits, against)


def _with_what_it_admits(decision: Decision, document: d.Document, gates: Gates) -> Decision:
    """A report that could not compute, or that fails a gate which nobody can ask again, has said so against itself."""
    rows = tuple(GateResult(name, False, None, None, None, _NOT_ASKED_AGAIN[name]) for name in _admitted(document, gates))
    decision = replace(decision, gates=(*decision.gates, *rows))
    if decision.error or (document.error is None and document.verdict != "error"):
        return decision
    unsaid = d.ErrorPart(reason="The report says that it could not compute.", next_step="Look at the job that made it.")
    error = document.error or unsaid
    return replace(decision, error=error.reason, next_step=error.next_step)


def _admitted(document: d.Document, gates: Gates) -> list[str]:
    names = {check.gate for check in document.gate.checks if not check.passed} & set(_NOT_ASKED_AGAIN)
    ends = document.sensitivity
    if ends is not None and (ends.decides or ends.best.passed != ends.worst.passed):
        names.add("unknown")
    if gates.unknowns is Unknowns.BEST:
        names.discard("unknown")
    return sorted(names)


def _never_green_against_itself(decision: Decision, against: Sequence[str]) -> Decision:
    if not against or not decision.passed:
        return decision
    return replace(
        decision,
        error=f"the report contradicts itself: {against[0]}",
        next_step="make it again, and look at what the job did that made it",
    )


# The document anew


def _told(document: d.Document, decision: Decision, accepted: Accepted, limits: Limits, against: Sequence[str]) -> d.Document:
    verdict = "error" if decision.error else "pass" if decision.passed else "fail"
    return replace(
        _marked(document, accepted.marks, limits.path),
        plan=replace(document.plan, path=limits.path),
        label=limits.label,
        title=limits.label or document.title,
        mode=limits.mode,
        date=limits.today,
        verdict=verdict,
        recommendation=decision.recommendation.value,
        gate=gate_part(decision, plain=accepted.judged.is_plain),
        waivers=accepted.part,
        slo=_slo(document, limits.gates),
        error=d.ErrorPart(reason=decision.error, next_step=decision.next_step) if decision.error else None,
        settings=dict(limits.settings),
        diagnostics=tuple(_diagnostics(document, verdict, against)),
        limits=_with_its_word(document.limits),
    )


def _with_its_word(limits: tuple[str, ...]) -> tuple[str, ...]:
    return (ITS_WORD, *(limit for limit in limits if limit != ITS_WORD))


def _diagnostics(document: d.Document, verdict: str, against: Sequence[str]) -> Iterator[d.DiagnosticRow]:
    for text in against:
        yield d.DiagnosticRow(severity="warning", code="report-contradicts-itself", message=f"Of the report: {text}.")
    if document.verdict != verdict:
        message = f"The report calls itself `{document.verdict}`; by its findings, and by the limits that count here, it is `{verdict}`."
        yield d.DiagnosticRow(severity="warning", code="verdict-differs", message=message)
    for row in document.diagnostics:
        if not row.code.startswith(_OURS):
            yield row


Marks = Mapping[str, str]
"""Fingerprint -> the waiver of ours that accepts it."""


def _marked(document: d.Document, marks: Marks, name: str) -> d.Document:
    """Fingerprints are made anew: a row must not borrow the waiver of another."""
    spofs, risks, apply = document.spofs, document.risks, document.apply
    return replace(
        document,
        spofs=d.SpofsPart(
            new=_spofs(spofs.new, marks, name),
            resolved=_spofs(spofs.resolved, marks, name),
            unchanged=_spofs(spofs.unchanged, marks, name),
        ),
        risks=d.RisksPart(
            new=_risks(risks.new, marks, name),
            resolved=_risks(risks.resolved, marks, name),
            unchanged=_risks(risks.unchanged, marks, name),
        ),
        apply=d.ApplyPart(disruptions=_disruptions(apply.disruptions, marks, name)),
    )


def _spofs(rows: Sequence[d.SpofRow], marks: Marks, name: str) -> tuple[d.SpofRow, ...]:
    found = []
    for row in rows:
        mark = spof_mark(single_point(row, name))
        found.append(replace(row, fingerprint=mark, waived=marks.get(mark, "")))
    return tuple(found)


def _risks(rows: Sequence[d.RiskRow], marks: Marks, name: str) -> tuple[d.RiskRow, ...]:
    found = []
    for row in rows:
        mark = risk_mark(risk_of(row, name))
        found.append(replace(row, fingerprint=mark, waived=marks.get(mark, "")))
    return tuple(found)


def _disruptions(rows: Sequence[d.DisruptionRow], marks: Marks, name: str) -> tuple[d.DisruptionRow, ...]:
    found = []
    for row in rows:
        mark = disruption_mark(disruption_of(row, name))
        found.append(replace(row, fingerprint=mark, waived=marks.get(mark, "")))
    return tuple(found)


def _slo(document: d.Document, gates: Gates) -> d.SloPart | None:
    if gates.slo_percent is None:
        return None
    before, after = ceilings_of(document)
    layers = document.availability.layers if document.availability is not None else {}
    binding = next((name for name in sorted(layers) if layers[name].after == after), "")
    return d.SloPart(
        target=gates.slo_percent,
        feasible=after is None or 100.0 * after + EPSILON >= gates.slo_percent,
        binding=binding,
        ceiling_before=before,
        ceiling_after=after,
    )
