"""Waivers held against the findings of a change: what is still judged, and what the report says of each waiver."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace

from faultray_action.model.address import without_index
from faultray_action.model.change import AttributeChange
from faultray_action.model.diagnostic import Diagnostic
from faultray_action.model.finding import AnyFinding, Attribution, Comparison, Disruption, Finding, FindingKey, What
from faultray_action.model.outcome import SinglePoint
from faultray_action.model.policy import Waiver
from faultray_action.report.compose import disruption_mark, risk_mark, spof_mark
from faultray_action.report.document import WaiverRow, WaiversPart
from faultray_action.waivers import Waivable, apply_waivers, means

Together = Callable[[frozenset[AttributeChange]], float]
"""Points (>= 0) that the score wins, like for like, if all of these changes are put back at once."""


class Accepted(Struct, frozen=True):
    """`judged` is the comparison without what waivers accept, `points` (>= 0) the drop that the accepted rows account for,
    `marks` fingerprint -> waiver id."""

    judged: Comparison
    points: float = 0.0
    marks: Mapping[str, str] = MappingProxyType({})
    part: WaiversPart | None = None
    diagnostics: tuple[Diagnostic, ...] = ()


def accept(
    compared: Comparison,
    attribution: Attribution,
    waivers: Sequence[Waiver],
    today: str,
    together: Together = lambda changes: 0.0,
) -> Accepted:
    """Hold the waivers against every finding, unchanged ones too (so that a waiver for an old weakness is not called unused).

    Who accepts a finding accepts what its causes cost: the drop that is left is the one without them."""
    if not waivers:
        return Accepted(compared)
    day = date.fromisoformat(today)
    _, waived, report = apply_waivers(compared.findings, waivers, day, _describe)
    news = [finding for finding in waived if finding.is_new]
    away = {id(finding) for finding in news}
    judged = replace(
        compared,
        single_points=_without(compared.single_points, away),
        risks=_without(compared.risks, away),
        disruptions=_without(compared.disruptions, away),
    )
    return Accepted(
        judged,
        _points(news, attribution, together),
        MappingProxyType(_marks(waived, waivers)),
        WaiversPart(
            applied=_rows(report.applied, day),
            expiring=_rows(report.expiring, day),
            expired=_rows(report.expired, day),
            unused=_rows(report.unused, day),
        ),
        report.diagnostics,
    )


def _without(findings: Iterable[Finding[What]], away: Collection[int]) -> tuple[Finding[What], ...]:
    return tuple(finding for finding in findings if id(finding) not in away)


def _marks(waived: Iterable[AnyFinding], waivers: Sequence[Waiver]) -> dict[str, str]:
    """Fingerprint of each accepted finding -> the first waiver that means it."""
    marks: dict[str, str] = {}
    for finding in waived:
        row = _describe(finding)
        marks[row.fingerprint] = next(waiver.id for waiver in waivers if means(waiver, row))
    return marks


def _describe(finding: AnyFinding) -> Waivable:
    row = finding.what
    if isinstance(row, SinglePoint):
        return Waivable(row.address, tuple(each.value for each in row.classes), spof_mark(row))
    if isinstance(row, Disruption):
        return Waivable(row.address, (row.disruption.value,), disruption_mark(row))
    return Waivable(row.address, (row.kind.value,), risk_mark(row))


def _points(waived: Sequence[AnyFinding], attribution: Attribution, together: Together) -> float:
    """What the changes behind the accepted findings cost together."""
    found: set[AttributeChange] = set()
    for finding in waived:
        found.update(_causes(finding.key, attribution))
    return together(frozenset(found)) if found else 0.0


def _causes(key: FindingKey, attribution: Attribution) -> Sequence[AttributeChange]:
    """The changes that are proven to cause a finding, else those of the component itself."""
    proven = dict(attribution.causes).get(key, ())
    if proven:
        return proven
    resource = without_index(key.address)
    return [row.change for row in attribution.rows if without_index(row.change.address) == resource]


def _rows(waivers: Sequence[Waiver], today: date) -> tuple[WaiverRow, ...]:
    return tuple(_row(waiver, today) for waiver in waivers)


def _row(waiver: Waiver, today: date) -> WaiverRow:
    return WaiverRow(
        id=waiver.id,
        address=waiver.address,
        reason=waiver.reason,
        expires=waiver.expiry.isoformat(),
        owner=waiver.owner,
        days_left=(waiver.expiry - today).days,
        file=waiver.place.file,
        line=waiver.place.line,
    )
