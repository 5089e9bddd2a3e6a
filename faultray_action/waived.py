"""Waivers held against the findings of a change: what is still judged, and what the report says of each waiver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from types import MappingProxyType

from faultray_action.model.diagnostic import Diagnostic
from faultray_action.model.finding import Attribution, Delta, Disruption, Risk, Standing
from faultray_action.model.outcome import SinglePoint
from faultray_action.model.policy import Waiver
from faultray_action.report.compose import disruption_mark, risk_mark, spof_mark
from faultray_action.report.document import WaiverRow, WaiversPart
from faultray_action.waivers import Waivable, apply_waivers, means

Finding = SinglePoint | Risk | Disruption


@dataclass(frozen=True, slots=True)
class Accepted:
    """`judged` is the difference without what waivers accept, `points` (>= 0) the drop that the accepted rows account for,
    `marks` fingerprint -> waiver id."""

    judged: Delta
    points: float = 0.0
    marks: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    part: WaiversPart | None = None
    diagnostics: tuple[Diagnostic, ...] = ()


def accept(delta: Delta, attribution: Attribution, waivers: Sequence[Waiver], today: str) -> Accepted:
    """Hold the waivers against every finding, unchanged ones too (so that a waiver for an old weakness is not called unused)."""
    if not waivers:
        return Accepted(delta)
    day = date.fromisoformat(today)
    rows: list[Finding] = [point for _, point in delta.spofs] + [risk for _, risk in delta.risks] + list(delta.disruptions)
    _, waived, report = apply_waivers(rows, waivers, day, _describe)
    away = {id(row) for row in waived}
    judged = replace(
        delta,
        spofs=tuple(row for row in delta.spofs if id(row[1]) not in away or row[0] is not Standing.NEW),
        risks=tuple(row for row in delta.risks if id(row[1]) not in away or row[0] is not Standing.NEW),
        disruptions=tuple(row for row in delta.disruptions if id(row) not in away),
    )
    marks = {_describe(row).fingerprint: next(w.id for w in waivers if means(w, _describe(row))) for row in waived}
    part = WaiversPart(
        applied=_rows(report.applied, day),
        expiring=_rows(report.expiring, day),
        expired=_rows(report.expired, day),
        unused=_rows(report.unused, day),
    )
    return Accepted(judged, _points(waived, attribution), MappingProxyType(marks), part, report.diagnostics)


def _describe(row: Finding) -> Waivable:
    if isinstance(row, SinglePoint):
        return Waivable(row.address, tuple(c.value for c in row.classes), spof_mark(row))
    if isinstance(row, Risk):
        return Waivable(row.address, (row.kind.value,), risk_mark(row))
    return Waivable(row.address, (row.disruption.value,), disruption_mark(row))


def _points(waived: Sequence[Finding], attribution: Attribution) -> float:
    """The put-back value of the changes that alone caused the accepted findings, each change once."""
    causes = dict(attribution.causes)
    keys = [
        row.address if isinstance(row, SinglePoint) else f"risk:{row.kind}:{row.address}"
        for row in waived
        if not isinstance(row, Disruption)
    ]
    accepted = {change for key in keys for change in causes.get(key, ())}
    return sum(max(0.0, -row.points) for row in attribution.rows if row.change in accepted)


def _rows(waivers: Sequence[Waiver], today: date) -> tuple[WaiverRow, ...]:
    return tuple(
        WaiverRow(
            id=w.id,
            address=w.address,
            reason=w.reason,
            expires=w.expiry.isoformat(),
            owner=w.owner,
            days_left=(w.expiry - today).days,
            file=w.place.file,
            line=w.place.line,
        )
        for w in waivers
    )
