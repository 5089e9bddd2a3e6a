"""From the difference to the verdict: the gates of docs/model.md, each asked once."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from faultray_action.model.finding import Decision, Delta, Disruption, DisruptionClass, GateResult, Recommendation, Risk, RiskSeverity
from faultray_action.model.policy import Gates, Unknowns
from faultray_action.model.topology import Coverage
from faultray_action.model.units import POINTS_DIGITS, told_points

EPSILON = 1e-9
"""Gates compare unrounded values with this tolerance."""
_MOST_DIGITS = 9
HIGH_RISK_DROP = 10.0
"""Points; a drop of as many is high risk whatever the settings tolerate."""


class Judged(Struct, frozen=True):
    """What the gates are asked of: a difference without what waivers accept, both ceilings, and the points of drop that waivers account for."""

    delta: Delta
    ceilings: tuple[float | None, float | None] = (None, None)
    accepted_points: float = 0.0


def decide(
    delta: Delta,
    gates: Gates,
    coverage: Coverage,
    *,
    ceilings: tuple[float | None, float | None] = (None, None),
    best: Judged | None = None,
    accepted_points: float = 0.0,
) -> Decision:
    """The verdict. `ceilings`: availability ceiling before and after in [0, 1] for the SLO gate. `best`: the same with unknown values at best.

    `delta` holds what is judged: rows that a waiver accepts are left out, and `accepted_points` (>= 0) is the drop that they account for.
    Where the policy believes the best of what is unknown, the gates are asked there; else two ends with two verdicts fail for that reason too.
    """
    error, next_step = _not_computable(delta, gates, coverage)
    worst = Judged(delta, ceilings, accepted_points)
    believed = best if best is not None and gates.unknowns is Unknowns.BEST else worst
    asked = tuple(_ask(believed, gates))
    if best is not None and gates.unknowns is Unknowns.WORST and passes(worst, gates) != passes(best, gates):
        asked += (GateResult("unknown", False, None, None, None, "the verdict depends on values that are known only after apply"),)
    return Decision(asked, recommend(delta, best is not None and _decisive(delta, best.delta)), error, next_step)


def passes(judged: Judged, gates: Gates) -> bool:
    """Whether every gate passes at this end of what is unknown."""
    return all(gate.passed for gate in _ask(judged, gates))


def _not_computable(delta: Delta, gates: Gates, coverage: Coverage) -> tuple[str, str]:
    if coverage.unknown_on_path:
        types = ", ".join(f"`{address}`" for address in coverage.unknown_on_path[:3])
        return (
            f"{len(coverage.unknown_on_path)} resource(s) of unknown type stand on a path to an entry point: {types}",
            "describe their types in a catalogue file and name it under `catalogue:` in .faultray.yml",
        )
    share = 100.0 if coverage.changed == 0 else 100.0 * coverage.changed_with_disposition / coverage.changed
    if share + EPSILON < gates.min_coverage_percent:
        return (
            f"only {_told(share, gates.min_coverage_percent, 0)} % of the changed resources are of a known type (min-coverage is {gates.min_coverage_percent:g} %)",
            "describe their types in a catalogue file and name it under `catalogue:` in .faultray.yml, or lower min-coverage",
        )
    if delta.before is None and delta.after is None and coverage.unknown_types:
        return (
            "nothing in this plan serves as far as it is known, and some of its types are unknown",
            "describe the unknown types in a catalogue file",
        )
    return "", ""


def _ask(judged: Judged, gates: Gates) -> Iterable[GateResult]:
    delta, ceilings = judged.delta, judged.ceilings
    before = delta.before.score if delta.before else None
    after = delta.after.score if delta.after else None
    if gates.min_score is not None and after is not None:
        passed = after + EPSILON >= gates.min_score
        message = "" if passed else f"the score after is {_told(after, gates.min_score)}, below the minimum of {gates.min_score:g}"
        yield GateResult("min-score", passed, gates.min_score, after, before, message)
    if gates.fail_on_regression:
        yield from _regression(delta, gates, judged.accepted_points)
    if gates.slo_percent is not None and ceilings[1] is not None:
        yield _slo(gates.slo_percent, ceilings)


def _told(value: float, limit: float, digits: int = POINTS_DIGITS) -> str:
    """A number beyond a limit with as many decimals as it takes to see that it is.

    >>> _told(59.97, 60.0), _told(12.34, 0.0)
    ('59.97', '12.3')
    """
    while digits < _MOST_DIGITS and round(value, digits) == round(limit, digits):
        digits += 1
    return f"{value:.{digits}f}"


def _regression(delta: Delta, gates: Gates, accepted_points: float) -> Iterable[GateResult]:
    """Where nothing served before nothing regressed: then only what stood before is asked for, its data and its interruption."""
    if delta.points is not None:
        drop = told_points(max(0.0, -delta.points - accepted_points))
        passed = drop <= gates.max_drop + EPSILON
        message = "" if passed else f"the score drops by {_told(drop, gates.max_drop)} points"
        yield GateResult("fail-on-regression", passed, gates.max_drop, delta.points, None, message)
    if delta.before is not None:
        count = len(delta.new_spofs)
        message = "" if count <= gates.max_new_spofs else f"{count} new single point{'s' if count != 1 else ''} of failure"
        yield GateResult("max-new-spofs", count <= gates.max_new_spofs, gates.max_new_spofs, count, None, message)
    high = high_risks(delta)
    if high or delta.before is not None:
        named = ", ".join(sorted({f"{risk.kind} ({risk.address})" for risk in high}))
        yield GateResult("new-risks", not high, 0, len(high), None, f"new risk of high severity: {named}" if high else "")
    blocked = blocking(delta.disruptions, gates.max_apply_downtime_seconds)
    if delta.disruptions:
        worst = max((row.seconds or 0.0 for row in delta.disruptions if row.disruption is DisruptionClass.OUTAGE), default=0.0)
        message = f"applying it interrupts {', '.join(sorted({row.address for row in blocked}))}" if blocked else ""
        yield GateResult("max-apply-downtime", not blocked, gates.max_apply_downtime_seconds, worst, None, message)


def high_risks(delta: Delta) -> tuple[Risk, ...]:
    """New risks of high severity; where nothing served before, only those of what stood before."""
    return tuple(risk for risk in delta.new_risks if risk.severity is RiskSeverity.HIGH and (delta.before is not None or risk.existed))


def blocking(disruptions: Iterable[Disruption], limit_seconds: float) -> tuple[Disruption, ...]:
    """Disruptions that the gate does not tolerate: destructive ones, and outages beyond the limit or of unknown length."""
    return tuple(
        row
        for row in disruptions
        if row.disruption is DisruptionClass.DESTRUCTIVE
        or (row.disruption is DisruptionClass.OUTAGE and (row.seconds is None or row.seconds > limit_seconds + EPSILON))
    )


def _slo(target_percent: float, ceilings: tuple[float | None, float | None]) -> GateResult:
    before, after = ceilings
    assert after is not None
    reached = 100.0 * after + EPSILON >= target_percent
    missed_before = before is not None and 100.0 * before + EPSILON < target_percent
    message = (
        ""
        if reached or missed_before
        else f"the availability ceiling falls to {_told(100 * after, target_percent, 3)} %, below the SLO of {target_percent:g} %"
    )
    return GateResult("slo", reached or missed_before, target_percent, 100.0 * after, None if before is None else 100.0 * before, message)


def _decisive(worst: Delta, best: Delta) -> bool:
    return recommend(worst, False) is not recommend(best, False)


def recommend(delta: Delta, undecided: bool) -> Recommendation:
    """high-risk: the gate with default settings would fail, or the drop is >= 10; review: any drop, new risk, disruption or decisive unknown."""
    drop = -told_points(delta.points or 0.0)
    if not all(gate.passed for gate in _ask(Judged(delta), Gates())) or drop >= HIGH_RISK_DROP:
        return Recommendation.HIGH_RISK
    if drop > EPSILON or delta.new_risks or delta.disruptions or undecided or (delta.before is None and delta.new_spofs):
        return Recommendation.REVIEW
    return Recommendation.SAFE
