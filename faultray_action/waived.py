"""Waivers held against the findings of a change: what is still judged, and what the report says of each waiver."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace

from faultray_action.model.address import without_index
from faultray_action.model.change import AttributeChange
from faultray_action.model.diagnostic import Diagnostic
from faultray_action.model.finding import Attribution, Delta, Disruption, Risk, Standing
from faultray_action.model.outcome import SinglePoint
from faultray_action.model.policy import Waiver
from faultray_action.report.compose import disruption_mark, risk_mark, spof_mark
from faultray_action.report.document import WaiverRow, WaiversPart
from faultray_action.waivers import Waivable, apply_waivers, means

Finding = SinglePoint | Risk | Disruption
Together = Callable[[frozenset[AttributeChange]], float]
"""Points (>= 0) that the score wins if all of these changes are put back at once."""


class Accepted(Struct, frozen=True):
    """`judged` is the difference without what waivers accept, `points` (>= 0) the drop that the accepted rows account for,
    `marks` fingerprint -> waiver id."""

    judged: Delta
    points: float = 0.0
    marks: Mapping[str, str] = MappingProxyType({})
    part: WaiversPart | None = None
    diagnostics: tuple[Diagnostic, ...] = ()


def accept(
    delta: Delta, attribution: Attribution, waivers: Sequence[Waiver], today: str, together: Together = lambda changes: 0.0
) -> Accepted:
    """Hold the waivers against every finding, unchanged ones too (so that a waiver for an old weakness is not called unused).

    Who accepts a finding accepts what its causes cost: the drop that is left is the one without them."""
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
    points = _points(_news(delta, away), attribution, together)
    return Accepted(judged, points, MappingProxyType(marks), part, report.diagnostics)


def _describe(row: Finding) -> Waivable:
    if isinstance(row, SinglePoint):
        return Waivable(row.address, tuple(c.value for c in row.classes), spof_mark(row))
    if isinstance(row, Risk):
        return Waivable(row.address, (row.kind.value,), risk_mark(row))
    return Waivable(row.address, (row.disruption.value,), disruption_mark(row))


def _news(delta: Delta, away: set[int]) -> list[Finding]:
    """The new findings among those that waivers take away."""
    new: list[Finding] = [*delta.new_spofs, *delta.new_risks, *delta.disruptions]
    return [row for row in new if id(row) in away]


def _points(waived: Sequence[Finding], attribution: Attribution, together: Together) -> float:
    """What the changes behind the accepted findings cost together: those proven to cause one, else those of the component itself."""
    causes = dict(attribution.causes)
    found: set[AttributeChange] = set()
    for row in waived:
        own = [one.change for one in attribution.rows if without_index(one.change.address) == without_index(row.address)]
        found.update(causes.get(_key(row)) or own)
    return together(frozenset(found)) if found else 0.0


def _key(row: Finding) -> str:
    """By which the attribution knows a finding."""
    if isinstance(row, SinglePoint):
        return row.address
    return f"risk:{row.kind}:{row.address}" if isinstance(row, Risk) else f"apply:{row.address}"


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
