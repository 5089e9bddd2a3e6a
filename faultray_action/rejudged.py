"""A report that another job made: its findings are taken as they are, its gates are asked again, and none of its words decides.

Whoever runs the code of a change can write any report. What can be known here is whether a report says of itself what follows from its
findings; where it does not, it is told, and such a report is never green.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from faultray_action.judgement.decide import decide
from faultray_action.model.assessment import Assessment
from faultray_action.model.change import AttributeChange
from faultray_action.model.component import FaultClass, Recovery
from faultray_action.model.errors import InputError
from faultray_action.model.finding import (
    Attribution,
    Contribution,
    Decision,
    Delta,
    Disruption,
    DisruptionClass,
    GateResult,
    Risk,
    RiskKind,
    RiskSeverity,
    Standing,
)
from faultray_action.model.outcome import SinglePoint
from faultray_action.model.policy import Gates, Unknowns, Waiver
from faultray_action.model.topology import Coverage
from faultray_action.report import document as d
from faultray_action.report.compose import disruption_mark, gate_part, risk_mark, spof_mark
from faultray_action.waived import Accepted, accept

CENTS = 0.011
"""Points that rounding to two decimals may put between two numbers of a report."""
_SHARE = 1e-6
_NOT_ASKED_AGAIN = ("unknown", "max-depth")
"""Gates that need more than a report has: there a report may only accuse itself."""
_OURS = "policy-"
"""Diagnostics about whose policy decided are said by the run that decides."""
ITS_WORD = (
    "The findings are the word of the job that made this report, which ran the code of the change. "
    "Its gates were asked again here, by the limits of this workflow and of the base branch."
)

Word = TypeVar("Word", bound=StrEnum)


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
    _check_whole(document, limits.path)
    delta = _delta(document, limits.path)
    attribution = _attribution(document)
    accepted = accept(delta, attribution, limits.waivers, limits.today, lambda changes: _worth(document, delta, changes))
    decision = decide(
        accepted.judged, limits.gates, _coverage(document.coverage), ceilings=_ceilings(document), accepted_points=accepted.points
    )
    contradictions = tuple(_contradictions(document, delta))
    decision = _with_what_it_admits(decision, document, limits.gates)
    decision = _never_green_against_itself(decision, contradictions)
    return _told(document, decision, accepted, limits, contradictions)


# From rows to what gates are asked of


def _check_whole(document: d.Document, name: str) -> None:
    score, coverage = document.score, document.coverage
    numbers = [value for value in (score.before, score.after) if value is not None]
    if any(not 0 <= value <= 100 for value in numbers):
        raise _none(name, "a score lies beyond 0 and 100")
    if document.omitted:
        raise _none(name, "findings are left out of it")
    counts = (coverage.modelled, coverage.transparent, coverage.irrelevant, coverage.changed, coverage.changed_with_disposition)
    if min(counts) < 0 or coverage.changed_with_disposition > coverage.changed:
        raise _none(name, "its counts of resources cannot be")
    if score.after is not None and not _layers(document, after=True):
        raise _none(name, "it tells no availability")


def _none(name: str, why: str) -> InputError:
    return InputError(f"{name} cannot be judged ({why}); pass the file that `faultray tf-check --format json` or `json-file` wrote")


def _word(kind: type[Word], text: str, name: str) -> Word:
    try:
        return kind(text)
    except ValueError as error:
        raise _none(name, f"`{text[:40]}` is no word of this version") from error


def _delta(document: d.Document, name: str) -> Delta:
    parts = ((Standing.NEW, "new"), (Standing.RESOLVED, "resolved"), (Standing.UNCHANGED, "unchanged"))
    spofs = [(standing, _spof(row, name)) for standing, part in parts for row in getattr(document.spofs, part)]
    risks = [(standing, _risk(row, name)) for standing, part in parts for row in getattr(document.risks, part)]
    disruptions = tuple(_disruption(row, name) for row in document.apply.disruptions)
    return Delta(_side(document.score.before), _side(document.score.after), tuple(spofs), tuple(risks), disruptions)


def _side(score: float | None) -> Assessment | None:
    return None if score is None else Assessment(score, 0.0, 0.0, 0.0, (), ())


def _spof(row: d.SpofRow, name: str) -> SinglePoint:
    classes = tuple(_word(FaultClass, text, name) for text in row.classes or (row.event,))
    return SinglePoint(row.address, classes, (), row.takes_down, _word(Recovery, row.recovery, name), 0.0, row.zones)


def _risk(row: d.RiskRow, name: str) -> Risk:
    kind, severity = _word(RiskKind, row.kind, name), _word(RiskSeverity, row.severity, name)
    return Risk(row.address, kind, severity, row.losses, row.takes_down, row.message, existed=row.existed)


def _disruption(row: d.DisruptionRow, name: str) -> Disruption:
    if row.seconds is not None and not 0 <= row.seconds < math.inf:
        raise _none(name, "an outage cannot last that long")
    return Disruption(row.address, _word(DisruptionClass, row.disruption, name), row.takes_down, row.seconds, row.message)


def _coverage(part: d.CoveragePart) -> Coverage:
    return Coverage(
        modelled=part.modelled,
        transparent=part.transparent,
        irrelevant=part.irrelevant,
        unknown_types={row.type: row.instances for row in part.unknown_types},
        unknown_on_path=part.on_path,
        changed=part.changed,
        changed_with_disposition=part.changed_with_disposition,
    )


def _layers(document: d.Document, *, after: bool) -> list[float]:
    """Availability of each layer on one side."""
    part = document.availability
    rows = part.layers.values() if part is not None else ()
    found = [row.after if after else row.before for row in rows]
    return [value for value in found if value is not None]


def _ceilings(document: d.Document) -> tuple[float | None, float | None]:
    """The lowest layer of each side that serves anybody; the number that the report calls its ceiling is a word."""
    before = min(_layers(document, after=False), default=None) if document.score.before is not None else None
    after = min(_layers(document, after=True), default=None) if document.score.after is not None else None
    return before, after


# What waivers account for


def _change(row: d.Cause | d.ContributionRow) -> AttributeChange:
    """Address and attribute tell a change within one report."""
    return AttributeChange(row.address, row.attribute, None, None)


def _attribution(document: d.Document) -> Attribution:
    rows = tuple(
        Contribution(_change(row), row.points, tuple(_change(also) for also in row.also))
        for row in document.attribution.rows
        if not row.part_of
    )
    causes = [(row.address, row.cause) for row in document.spofs.new]
    causes += [(f"risk:{row.kind}:{row.address}", row.cause) for row in document.risks.new]
    causes += [(f"apply:{row.address}", row.cause) for row in document.apply.disruptions]
    return Attribution(rows, causes=tuple((key, tuple(_change(one) for one in cause)) for key, cause in causes if cause))


def _worth(document: d.Document, delta: Delta, changes: frozenset[AttributeChange]) -> float:
    """What the report says that these changes cost, at most the whole drop."""
    lost = 0.0
    for row in document.attribution.rows:
        parts = {_change(row), *(_change(also) for also in row.also)}
        if not changes.isdisjoint(parts):
            lost += max(0.0, -row.points)
    return min(lost, max(0.0, -(delta.points or 0.0)))


# What it says of itself


def _with_what_it_admits(decision: Decision, document: d.Document, gates: Gates) -> Decision:
    """A report that could not compute, or that fails a gate which nobody can ask again, has said so against itself."""
    admitted = [check for check in document.gate.checks if check.gate in _NOT_ASKED_AGAIN and not check.passed]
    names = {check.gate for check in admitted}
    sensitivity = document.sensitivity
    if sensitivity is not None and (sensitivity.decides or sensitivity.best.passed != sensitivity.worst.passed):
        names.add("unknown")
    if gates.unknowns is Unknowns.BEST:
        names.discard("unknown")
    told = {
        "unknown": "the verdict depends on values that are known only after apply",
        "max-depth": "cascades were cut: what lies beyond is not known",
    }
    rows = tuple(GateResult(name, False, None, None, None, told[name]) for name in sorted(names))
    decision = replace(decision, gates=(*decision.gates, *rows))
    if decision.error or (document.error is None and document.verdict != "error"):
        return decision
    error = document.error or d.ErrorPart(reason="The report says that it could not compute.", next_step="Look at the job that made it.")
    return replace(decision, error=error.reason, next_step=error.next_step)


def _never_green_against_itself(decision: Decision, contradictions: Sequence[str]) -> Decision:
    if not contradictions or not decision.passed:
        return decision
    return replace(
        decision,
        error=f"the report contradicts itself: {contradictions[0]}",
        next_step="make it again, and look at what the job did that made it",
    )


def _contradictions(document: d.Document, delta: Delta) -> Iterator[str]:
    """What FaultRay never writes, a phrase each."""
    gate, verdict = document.gate, document.verdict
    if gate.passed != (verdict == "pass") or (document.error is not None and verdict != "error"):
        yield f"it calls itself `{verdict}` and its gate {'passed' if gate.passed else 'failed'}"
    if any(not check.passed for check in gate.checks) and gate.passed:
        yield "its gate passed and one of its checks failed"
    yield from _of_scores(document, delta)
    yield from _of_checks(document, delta)


def _of_scores(document: d.Document, delta: Delta) -> Iterator[str]:
    score, part = document.score, document.availability
    if (score.delta is None) != (delta.points is None) or abs((score.delta or 0.0) - (delta.points or 0.0)) > CENTS:
        yield "its difference is not that of its two scores"
    for side, value in (("before", score.before), ("after", score.after)):
        serves = any(getattr(row, side) is not None for row in document.entry_points)
        if serves != (value is not None):
            yield f"its score {side} and its entry points {side} do not fit"
    lowest = _ceilings(document)[1]
    if part is not None and lowest is not None and (part.ceiling is None or abs(part.ceiling - lowest) > _SHARE):
        yield "its availability ceiling is not that of its layers"


def _of_checks(document: d.Document, delta: Delta) -> Iterator[str]:
    """Numbers that its own gates saw, beside its findings without those that it calls waived."""
    spofs = sum(1 for row in document.spofs.new if not row.waived)
    high = sum(1 for row in document.risks.new if row.severity == "high" and not row.waived)
    seen: dict[str, float | None] = {
        "min-score": document.score.after,
        "fail-on-regression": delta.points,
        "max-new-spofs": float(spofs),
        "new-risks": float(high) if delta.before is not None else None,
    }
    for check in document.gate.checks:
        number = seen.get(check.gate)
        if number is None or isinstance(check.actual, bool) or not isinstance(check.actual, int | float):
            continue
        if abs(check.actual - number) > CENTS:
            yield f"its check `{check.gate}` saw another number than its findings have"


# The document anew


def _told(document: d.Document, decision: Decision, accepted: Accepted, limits: Limits, contradictions: Sequence[str]) -> d.Document:
    verdict = "error" if decision.error else "pass" if decision.passed else "fail"
    marks = accepted.marks
    return replace(
        document,
        plan=replace(document.plan, path=limits.path),
        label=limits.label,
        title=limits.label or document.title,
        mode=limits.mode,
        date=limits.today,
        verdict=verdict,
        recommendation=decision.recommendation.value,
        gate=gate_part(decision),
        spofs=_marked_spofs(document.spofs, marks, limits.path),
        risks=_marked_risks(document.risks, marks, limits.path),
        apply=d.ApplyPart(disruptions=tuple(_marked_disruption(row, marks, limits.path) for row in document.apply.disruptions)),
        waivers=accepted.part,
        slo=_slo(document, limits.gates),
        error=d.ErrorPart(reason=decision.error, next_step=decision.next_step) if decision.error else None,
        settings=dict(limits.settings),
        diagnostics=(
            *(
                d.DiagnosticRow(severity="warning", code="report-contradicts-itself", message=f"Of the report: {text}.")
                for text in contradictions
            ),
            *_differs(document.verdict, verdict),
            *(row for row in document.diagnostics if not row.code.startswith(_OURS)),
        ),
        limits=(ITS_WORD, *document.limits),
    )


def _differs(said: str, found: str) -> Iterator[d.DiagnosticRow]:
    if said != found:
        message = f"The report calls itself `{said}`; by its findings, and by the limits that count here, it is `{found}`."
        yield d.DiagnosticRow(severity="warning", code="verdict-differs", message=message)


def _marked_spofs(part: d.SpofsPart, marks: Mapping[str, str], name: str) -> d.SpofsPart:
    def marked(rows: Sequence[d.SpofRow]) -> tuple[d.SpofRow, ...]:
        prints = [spof_mark(_spof(row, name)) for row in rows]
        return tuple(replace(row, fingerprint=mark, waived=marks.get(mark, "")) for row, mark in zip(rows, prints, strict=True))

    return d.SpofsPart(new=marked(part.new), resolved=marked(part.resolved), unchanged=marked(part.unchanged))


def _marked_risks(part: d.RisksPart, marks: Mapping[str, str], name: str) -> d.RisksPart:
    def marked(rows: Sequence[d.RiskRow]) -> tuple[d.RiskRow, ...]:
        prints = [risk_mark(_risk(row, name)) for row in rows]
        return tuple(replace(row, fingerprint=mark, waived=marks.get(mark, "")) for row, mark in zip(rows, prints, strict=True))

    return d.RisksPart(new=marked(part.new), resolved=marked(part.resolved), unchanged=marked(part.unchanged))


def _marked_disruption(row: d.DisruptionRow, marks: Mapping[str, str], name: str) -> d.DisruptionRow:
    mark = disruption_mark(_disruption(row, name))
    return replace(row, fingerprint=mark, waived=marks.get(mark, ""))


def _slo(document: d.Document, gates: Gates) -> d.SloPart | None:
    before, after = _ceilings(document)
    if gates.slo_percent is None:
        return None
    layers = document.availability.layers if document.availability is not None else {}
    binding = next((name for name in sorted(layers) if layers[name].after == after), "")
    feasible = after is None or 100.0 * after + _SHARE >= gates.slo_percent
    return d.SloPart(target=gates.slo_percent, feasible=feasible, binding=binding, ceiling_before=before, ceiling_after=after)
