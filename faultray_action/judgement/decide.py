"""From the difference to the verdict: the gates of docs/model.md, each asked once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from faultray_action.model.assessment import Assessment
from faultray_action.model.finding import (
    Comparison,
    Decision,
    Disruption,
    DisruptionClass,
    GateResult,
    Recommendation,
    Risk,
    RiskSeverity,
)
from faultray_action.model.policy import Gates, Unknowns
from faultray_action.model.topology import Coverage
from faultray_action.model.units import POINTS_DIGITS, told_points

EPSILON = 1e-9
"""Gates compare unrounded values with this tolerance."""
_MOST_DIGITS = 9
HIGH_RISK_DROP = 10.0
"""Points; a drop of as many is high risk whatever the settings tolerate."""


class Judged(Struct, frozen=True):
    """What the gates are asked of: a comparison without what waivers accept, both ceilings, and the points of drop that waivers account for
    (>= 0). `ceilings`: availability before and after in [0, 1], for the SLO gate; None where it is not asked or a side has none."""

    comparison: Comparison
    ceilings: tuple[float | None, float | None] = (None, None)
    accepted_points: float = 0.0


def decide(worst: Judged, gates: Gates, coverage: Coverage, best: Judged | None = None) -> Decision:
    """The verdict. `best`: the same with unknown values at best, None where they decide nothing.

    Where the policy believes the best of what is unknown, the gates are asked there; else two ends with two verdicts fail for that reason too.
    """
    error, next_step = _not_computable(worst.comparison, gates, coverage)
    believed = best if best is not None and gates.unknowns is Unknowns.BEST else worst
    asked = tuple(_ask(believed, gates))
    if best is not None and gates.unknowns is Unknowns.WORST and passes(worst, gates) != passes(best, gates):
        asked += (_undecided(),)
    undecided = best is not None and _decisive(worst.comparison, best.comparison)
    return Decision(asked, recommend(worst.comparison, undecided), error, next_step)


def _undecided() -> GateResult:
    return GateResult("unknown", False, None, None, message="the verdict depends on values that are known only after apply")


def passes(judged: Judged, gates: Gates) -> bool:
    """Whether every gate passes at this end of what is unknown."""
    return all(gate.passed for gate in _ask(judged, gates))


def _not_computable(compared: Comparison, gates: Gates, coverage: Coverage) -> tuple[str, str]:
    """The reason and the next step; "" and "" where the verdict can be computed."""
    if coverage.unknown_on_path:
        types = ", ".join(f"`{address}`" for address in coverage.unknown_on_path[:3])
        return (
            f"{len(coverage.unknown_on_path)} resource(s) of unknown type stand on a path to an entry point: {types}",
            "describe their types in a catalogue file and name it under `catalogue:` in .faultray.yml",
        )
    share = 100.0
    if coverage.changed:
        share = 100.0 * coverage.changed_with_disposition / coverage.changed
    if share + EPSILON < gates.min_coverage_percent:
        least = f"min-coverage is {gates.min_coverage_percent:g} %"
        return (
            f"only {_told(share, gates.min_coverage_percent, 0)} % of the changed resources are of a known type ({least})",
            "describe their types in a catalogue file and name it under `catalogue:` in .faultray.yml, or lower min-coverage",
        )
    if compared.before is None and compared.after is None and coverage.unknown_types:
        return (
            "nothing in this plan serves as far as it is known, and some of its types are unknown",
            "describe the unknown types in a catalogue file",
        )
    return "", ""


def _ask(judged: Judged, gates: Gates) -> Iterator[GateResult]:
    compared, ceilings = judged.comparison, judged.ceilings
    if gates.min_score is not None and compared.after is not None:
        yield _min_score(gates.min_score, compared.before, compared.after)
    if gates.fail_on_regression:
        yield from _regression(compared, gates, judged.accepted_points)
    if gates.slo_percent is not None and ceilings[1] is not None:
        yield _slo(gates.slo_percent, ceilings[0], ceilings[1])


def _min_score(least: float, before: Assessment | None, after: Assessment) -> GateResult:
    """Asked of the state that the plan leaves, by itself."""
    passed = after.score + EPSILON >= least
    message = "" if passed else f"the score after is {_told(after.score, least)}, below the minimum of {least:g}"
    return GateResult("min-score", passed, least, after.score, before.score if before else None, message)


def _told(value: float, limit: float, digits: int = POINTS_DIGITS) -> str:
    """A number beyond a limit with as many decimals as it takes to see that it is.

    >>> _told(59.97, 60.0), _told(12.34, 0.0)
    ('59.97', '12.3')
    """
    while digits < _MOST_DIGITS and round(value, digits) == round(limit, digits):
        digits += 1
    return f"{value:.{digits}f}"


def _regression(compared: Comparison, gates: Gates, accepted_points: float) -> Iterator[GateResult]:
    """Where nothing served before nothing regressed: then only what stood before is asked for, its data and its interruption."""
    if compared.points is not None:
        yield _drop(compared.points, accepted_points, gates.max_drop)
    if compared.before is not None:
        yield _new_single_points(len(compared.new_single_points), gates.max_new_spofs)
    high = high_risks(compared)
    if high or compared.before is not None:
        yield _new_risks(high)
    if compared.disruptions:
        yield _interrupted(compared.interruptions, gates.max_apply_downtime_seconds)


def _drop(points: float, accepted_points: float, most: float) -> GateResult:
    """Asked of the delta: like for like."""
    drop = told_points(max(0.0, -points - accepted_points))
    passed = drop <= most + EPSILON
    message = "" if passed else f"the score drops by {_told(drop, most)} points"
    return GateResult("fail-on-regression", passed, most, points, None, message)


def _new_single_points(count: int, most: int) -> GateResult:
    passed = count <= most
    message = "" if passed else f"{count} new single point{'s' if count != 1 else ''} of failure"
    return GateResult("max-new-spofs", passed, most, count, None, message)


def _new_risks(high: Sequence[Risk]) -> GateResult:
    named = ", ".join(sorted({f"{risk.kind} ({risk.address})" for risk in high}))
    message = f"new risk of high severity: {named}" if high else ""
    return GateResult("new-risks", not high, 0, len(high), None, message)


def _interrupted(disruptions: Sequence[Disruption], most_seconds: float) -> GateResult:
    blocked = blocking(disruptions, most_seconds)
    outages = [row.seconds or 0.0 for row in disruptions if row.disruption is DisruptionClass.OUTAGE]
    named = ", ".join(sorted({row.address for row in blocked}))
    message = f"applying it interrupts {named}" if blocked else ""
    return GateResult("max-apply-downtime", not blocked, most_seconds, max(outages, default=0.0), None, message)


def high_risks(compared: Comparison) -> tuple[Risk, ...]:
    """New risks of high severity; where nothing served before, only those of what stood before."""
    high = [risk for risk in compared.new_risks if risk.severity is RiskSeverity.HIGH]
    if compared.before is None:
        high = [risk for risk in high if risk.existed]
    return tuple(high)


def blocking(disruptions: Iterable[Disruption], limit_seconds: float) -> tuple[Disruption, ...]:
    """Disruptions that the gate does not tolerate: destructive ones, and outages beyond the limit or of unknown length."""
    return tuple(row for row in disruptions if _blocks(row, limit_seconds))


def _blocks(row: Disruption, limit_seconds: float) -> bool:
    if row.disruption is DisruptionClass.OUTAGE:
        return row.seconds is None or row.seconds > limit_seconds + EPSILON
    return row.disruption is DisruptionClass.DESTRUCTIVE


def _slo(target_percent: float, before: float | None, after: float) -> GateResult:
    was, is_now = None if before is None else 100.0 * before, 100.0 * after
    reached = is_now + EPSILON >= target_percent
    missed_before = was is not None and was + EPSILON < target_percent
    passed = reached or missed_before
    message = f"the availability ceiling falls to {_told(is_now, target_percent, 3)} %, below the SLO of {target_percent:g} %"
    return GateResult("slo", passed, target_percent, is_now, was, "" if passed else message)


def _decisive(worst: Comparison, best: Comparison) -> bool:
    return recommend(worst, False) is not recommend(best, False)


def recommend(compared: Comparison, undecided: bool) -> Recommendation:
    """high-risk: the gate with default settings would fail, or the drop is >= 10; review: any drop, new risk, disruption or decisive unknown."""
    drop = -told_points(compared.points or 0.0)
    if drop >= HIGH_RISK_DROP or not passes(Judged(compared), Gates()):
        return Recommendation.HIGH_RISK
    weak_from_the_start = compared.before is None and bool(compared.new_single_points)
    if drop > EPSILON or compared.new_risks or compared.disruptions or undecided or weak_from_the_start:
        return Recommendation.REVIEW
    return Recommendation.SAFE
