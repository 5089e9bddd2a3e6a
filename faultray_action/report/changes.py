"""The changes of a plan, each with what it leads to: the rows of the causes table, most costly first."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field

from msgspec import Struct

from faultray_action.report import wording
from faultray_action.report.document import Cause, ContributionRow, DisruptionRow, Document, RiskRow, SpofRow

Finding = SpofRow | RiskRow | DisruptionRow


@dataclass(slots=True)
class _Collected:
    change: Cause | ContributionRow
    points: float | None = None
    findings: list[Finding] = field(default_factory=list)
    resolved: list[Finding] = field(default_factory=list)


class JudgedChange(Struct, frozen=True):
    """One changed attribute, its put-back points (None: not attributed on its own), the new findings it causes and those it resolves."""

    change: Cause | ContributionRow
    points: float | None
    findings: tuple[Finding, ...]
    resolved: tuple[Finding, ...] = ()


def new_findings(document: Document) -> tuple[Finding, ...]:
    """New single points, new risks and disruptions beyond a blip, in this order, waived ones last."""
    gated = tuple(row for row in document.apply.disruptions if row.disruption != "blip")
    rows: tuple[Finding, ...] = (*document.spofs.new, *document.risks.new, *gated)
    return tuple(sorted(rows, key=lambda row: bool(row.waived)))


def tally(document: Document, part: str, rows: Iterable[Finding]) -> int:
    """How many rows a part has that nobody waived, those included that a condensed document left out."""
    return sum(1 for row in rows if not row.waived) + document.omitted.get(part, 0)


def judged_changes(document: Document) -> tuple[JudgedChange, ...]:
    """One row a change: those with points or findings. A finding without a known cause makes a row of its own."""
    rows: list[_Collected] = []
    collected: dict[tuple[str, str], _Collected] = {}
    for contribution in own_rows(document):
        rows.append(_Collected(contribution, contribution.points))
        parts: tuple[Cause | ContributionRow, ...] = (*contribution.also, contribution)
        collected.update({_place(part): rows[-1] for part in parts})
    for finding in new_findings(document):
        cause = _main_cause(finding, collected)
        if _place(cause) not in collected:
            rows.append(_Collected(cause))
        collected.setdefault(_place(cause), rows[-1]).findings.append(finding)
    gone: tuple[Finding, ...] = (*document.spofs.resolved, *document.risks.resolved)
    for finding in gone:
        cause = _main_cause(finding, collected)
        if _place(cause) in collected:
            collected[_place(cause)].resolved.append(finding)
    told = sorted((one for one in rows if one.findings or one.points), key=_order)
    if overlapping(document):
        told.sort(key=lambda one: not one.findings)
    return tuple(JudgedChange(one.change, one.points, tuple(one.findings), tuple(one.resolved)) for one in told)


def _place(change: Cause | ContributionRow) -> tuple[str, str]:
    return change.address, change.attribute


def overlapping(document: Document) -> bool:
    """Whether several rows tell the same loss: undoing one of them undoes much of the others, and the interaction takes it back."""
    rows = own_rows(document)
    return len(rows) > 1 and sum(row.points for row in rows) * document.attribution.interaction < 0


def own_rows(document: Document) -> tuple[ContributionRow, ...]:
    """The rows that have points of their own; the others are told with the row that they are part of."""
    return tuple(row for row in document.attribution.rows if not row.part_of)


def _main_cause(finding: Finding, known: Container[tuple[str, str]]) -> Cause:
    """The cause that has a row already, else the first, else the finding's own address."""
    for cause in finding.cause:
        if _place(cause) in known:
            return cause
    if finding.cause:
        return finding.cause[0]
    return Cause(address=finding.address, attribute="", before=None, after=None, file=finding.file, line=finding.line)


def _order(one: _Collected) -> tuple[bool, bool, float]:
    """Costs first, the largest first; then findings without points of their own, in their order; then gains, the largest first."""
    points = one.points or 0.0
    return (points > 0, points == 0, -abs(points))


def told_points(document: Document, rows: Sequence[JudgedChange]) -> tuple[list[float | None], float]:
    """Points of each row (None: not attributed) and of the interaction, rounded as shown so that they add up to the shown delta."""
    total = wording.shown_delta(document)
    if total is None or all(row.points is None for row in rows):
        return [None for _ in rows], 0.0
    parts = [row.points or 0.0 for row in rows] + [document.attribution.interaction]
    told = wording.shares(parts, total, wording.decimals(document))
    return [None if row.points is None else points for row, points in zip(rows, told, strict=False)], told[-1]
