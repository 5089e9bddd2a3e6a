"""What a report says of itself that does not follow from its findings: FaultRay never writes such a report."""

from __future__ import annotations

from collections.abc import Iterator

from faultray_action.model.finding import Comparison
from faultray_action.report import document as d
from faultray_action.reported import ceilings_of

CENTS = 0.011
"""Points that rounding to two decimals may put between two numbers of a report."""
_SHARE = 1e-6


def contradictions(document: d.Document, compared: Comparison) -> Iterator[str]:
    """A phrase each. `compared` holds the document's findings."""
    yield from _of_verdict(document)
    yield from _of_scores(document, compared)
    yield from _of_checks(document, compared)


def _of_verdict(document: d.Document) -> Iterator[str]:
    gate, verdict = document.gate, document.verdict
    if gate.passed != (verdict == "pass"):
        yield f"it calls itself `{verdict}` and its gate {'passed' if gate.passed else 'failed'}"
    if document.error is not None and verdict != "error":
        yield f"it calls itself `{verdict}` and could not compute"
    if gate.passed and not all(check.passed for check in gate.checks):
        yield "its gate passed and one of its checks failed"


def _of_scores(document: d.Document, compared: Comparison) -> Iterator[str]:
    score, part = document.score, document.availability
    if not _alike(score.delta, compared.points, CENTS):
        yield "its difference is not that of its two scores"
    served = any(row.before is not None for row in document.entry_points)
    serves = any(row.after is not None for row in document.entry_points)
    if (served, serves) != (score.before is not None, score.after is not None):
        yield "its scores and its entry points do not fit"
    lowest = ceilings_of(document)[1]
    if part is not None and lowest is not None and not _alike(part.ceiling, lowest, _SHARE):
        yield "its availability ceiling is not that of its layers"


def _alike(said: float | None, found: float | None, tolerance: float) -> bool:
    if said is None or found is None:
        return said is found
    return abs(said - found) <= tolerance


def _of_checks(document: d.Document, compared: Comparison) -> Iterator[str]:
    """Numbers that its own gates saw, beside its findings without those that it calls waived."""
    seen = _numbers(document, compared)
    for check in document.gate.checks:
        number, actual = seen.get(check.gate), check.actual
        if number is None or isinstance(actual, bool) or not isinstance(actual, int | float):
            continue
        if abs(actual - number) > CENTS:
            yield f"its check `{check.gate}` saw another number than its findings have"


def _numbers(document: d.Document, compared: Comparison) -> dict[str, float | None]:
    spofs = [row for row in document.spofs.new if not row.waived]
    high = [row for row in document.risks.new if row.severity == "high" and not row.waived]
    return {
        "min-score": document.score.after,
        "fail-on-regression": compared.points,
        "max-new-spofs": float(len(spofs)),
        "new-risks": float(len(high)) if compared.before is not None else None,
    }
