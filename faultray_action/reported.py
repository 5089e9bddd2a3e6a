"""The findings of a report that another job made, as the values that gates are asked of. Words and numbers that cannot be are refused."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import TypeVar

from faultray_action.judgement.compare import of_disruption, of_point, of_risk
from faultray_action.model.assessment import Assessment
from faultray_action.model.change import AttributeChange
from faultray_action.model.component import FaultClass, Recovery
from faultray_action.model.errors import InputError
from faultray_action.model.finding import (
    Alike,
    Attribution,
    Comparison,
    Contribution,
    Disruption,
    DisruptionClass,
    FindingKey,
    Risk,
    RiskKind,
    RiskSeverity,
    Standing,
)
from faultray_action.model.outcome import SinglePoint
from faultray_action.model.topology import Coverage
from faultray_action.report import document as d

Word = TypeVar("Word", bound=StrEnum)
Changes = frozenset[AttributeChange]


def check_whole(document: d.Document, name: str) -> None:
    """Raises InputError where the report does not hold all that gates are asked of, or holds numbers that cannot be."""
    score, coverage = document.score, document.coverage
    compared = score.compared
    alike = () if compared is None else (compared.before, compared.after)
    for value in (score.before, score.after, *alike):
        if value is not None and not 0 <= value <= 100:
            raise _none(name, "a score lies beyond 0 and 100")
    if document.omitted:
        raise _none(name, "findings are left out of it")
    counts = (coverage.modelled, coverage.transparent, coverage.irrelevant, coverage.changed, coverage.changed_with_disposition)
    if min(counts) < 0 or coverage.changed_with_disposition > coverage.changed:
        raise _none(name, "its counts of resources cannot be")
    if score.after is not None and ceilings_of(document)[1] is None:
        raise _none(name, "it tells no availability")


def comparison_of(document: d.Document, name: str) -> Comparison:
    """Both scores, the delta and every finding. Raises InputError for words that this version does not have."""
    spofs, risks = document.spofs, document.risks
    points = _standing(spofs.new, spofs.resolved, spofs.unchanged)
    dangers = _standing(risks.new, risks.resolved, risks.unchanged)
    return Comparison(
        before=_side(document.score.before),
        left=lambda: _side(document.score.after),
        alike=_alike(document.score),
        single_points=tuple(of_point(standing, single_point(row, name)) for standing, row in points),
        risks=tuple(of_risk(standing, risk_of(row, name)) for standing, row in dangers),
        disruptions=tuple(of_disruption(disruption_of(row, name)) for row in document.apply.disruptions),
    )


def _alike(score: d.ScorePart) -> Alike | None:
    """Both sides like for like: as the report compares them, where it says that this is not what its two scores differ by."""
    compared = score.compared
    before, after = (score.before, score.after) if compared is None else (compared.before, compared.after)
    was, is_now = _side(before), _side(after)
    if was is None or is_now is None or score.before is None or score.after is None:
        return None
    return Alike(was, is_now)


Row = TypeVar("Row")


def _standing(new: Iterable[Row], resolved: Iterable[Row], unchanged: Iterable[Row]) -> list[tuple[Standing, Row]]:
    found = [(Standing.NEW, row) for row in new]
    found += [(Standing.RESOLVED, row) for row in resolved]
    found += [(Standing.UNCHANGED, row) for row in unchanged]
    return found


def single_point(row: d.SpofRow, name: str) -> SinglePoint:
    classes = tuple(_word(FaultClass, text, name) for text in row.classes or (row.event,))
    recovery = _word(Recovery, row.recovery, name)
    return SinglePoint(row.address, classes, (), row.takes_down, recovery, 0.0, row.zones)


def risk_of(row: d.RiskRow, name: str) -> Risk:
    kind = _word(RiskKind, row.kind, name)
    severity = _word(RiskSeverity, row.severity, name)
    return Risk(row.address, kind, severity, row.losses, row.takes_down, row.message, existed=row.existed)


def disruption_of(row: d.DisruptionRow, name: str) -> Disruption:
    if row.seconds is not None and not 0 <= row.seconds < math.inf:
        raise _none(name, "an outage cannot last that long")
    kind = _word(DisruptionClass, row.disruption, name)
    return Disruption(row.address, kind, row.takes_down, row.seconds, row.message)


def coverage_of(part: d.CoveragePart) -> Coverage:
    return Coverage(
        modelled=part.modelled,
        transparent=part.transparent,
        irrelevant=part.irrelevant,
        unknown_types={row.type: row.instances for row in part.unknown_types},
        unknown_on_path=part.on_path,
        changed=part.changed,
        changed_with_disposition=part.changed_with_disposition,
    )


def ceilings_of(document: d.Document) -> tuple[float | None, float | None]:
    """The lowest layer of each side that serves anybody; the number that the report calls its ceiling is a word."""
    layers = document.availability.layers.values() if document.availability is not None else ()
    before = _lowest(layer.before for layer in layers)
    after = _lowest(layer.after for layer in layers)
    return (
        before if document.score.before is not None else None,
        after if document.score.after is not None else None,
    )


def _lowest(shares: Iterable[float | None]) -> float | None:
    return min((share for share in shares if share is not None), default=None)


def attribution_of(document: d.Document, name: str) -> Attribution:
    """What each change costs and which ones cause a finding, for waivers to account for."""
    rows = []
    for row in document.attribution.rows:
        if not row.part_of:
            rows.append(Contribution(_change(row), row.points, tuple(_change(also) for also in row.also)))
    causes: dict[FindingKey, dict[AttributeChange, None]] = {}
    for key, cause in _caused(document, name):
        causes.setdefault(key, {}).update((_change(one), None) for one in cause)
    return Attribution(tuple(rows), causes=tuple((key, tuple(changes)) for key, changes in causes.items() if changes))


def _caused(document: d.Document, name: str) -> Iterator[tuple[FindingKey, tuple[d.Cause, ...]]]:
    for point in document.spofs.new:
        yield of_point(Standing.NEW, single_point(point, name)).key, point.cause
    for risk in document.risks.new:
        yield of_risk(Standing.NEW, risk_of(risk, name)).key, risk.cause
    for row in document.apply.disruptions:
        yield of_disruption(disruption_of(row, name)).key, row.cause


def worth_of(attribution: Attribution, compared: Comparison, changes: Changes) -> float:
    """What these changes cost by the report's own account, at most the whole drop."""
    lost = 0.0
    for row in attribution.rows:
        if not changes.isdisjoint((row.change, *row.also)):
            lost += max(0.0, -row.points)
    drop = max(0.0, -(compared.points or 0.0))
    return min(lost, drop)


def _side(score: float | None) -> Assessment | None:
    return None if score is None else Assessment(score, 0.0, 0.0, 0.0, (), ())


def _change(row: d.Cause | d.ContributionRow) -> AttributeChange:
    """Address and attribute tell a change within one report."""
    return AttributeChange(row.address, row.attribute, None, None)


def _word(kind: type[Word], text: str, name: str) -> Word:
    try:
        return kind(text)
    except ValueError as error:
        raise _none(name, f"`{text[:40]}` is no word of this version") from error


def _none(name: str, why: str) -> InputError:
    return InputError(f"{name} cannot be judged ({why}); pass the file that `faultray tf-check --format json` or `json-file` wrote")
