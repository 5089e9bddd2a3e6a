"""What each change costs: put it back, ask again. Rows and interaction sum to the delta exactly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from faultray_action.counterfactual.bundles import Bundle, Edit
from faultray_action.model.change import AttributeChange
from faultray_action.model.finding import Attribution, Contribution, Delta

MOST_SIMULATIONS = 48
MOST_WORK = 25_000
"""Changes that are put back one by one: so many, and no more than so many components altogether are looked at again. Changes beyond it stay
in the interaction, and the report's limits say so. A count, never the clock: the same plan is answered alike everywhere."""
LEAST_SIMULATIONS = 8
SHOWN_POINTS = 1e-9


@dataclass(frozen=True, slots=True)
class Trial:
    """The answer to "what if these were put back": the score after, findings by key, and whether every gate passes."""

    score: float | None
    findings: frozenset[str]
    passed: bool


Simulate = Callable[[tuple[Edit, ...]], Trial]


def affordable(components: int, most: int, work: int, least: int) -> int:
    """How many simulations of a system of that size a search may spend: `most` while they stay within `work` components, never fewer than `least`.

    >>> affordable(100, 48, 25_000, 8), affordable(1_000, 48, 25_000, 8), affordable(10_000, 48, 25_000, 8)
    (48, 25, 8)
    """
    return max(least, min(most, work // max(1, components)))


def attribute(delta: Delta, actual: Trial, bundles: Sequence[Bundle], simulate: Simulate, components: int = 0) -> Attribution:
    """Contributions of the changes, most costly first, and for each new finding the changes whose put-back alone removes it.

    points of a row = score with the change - score without it, everything else as planned. A change without effect makes no row.
    `components`: how many the system has; it bounds how many changes are put back."""
    if delta.points is None or actual.score is None:
        return Attribution()
    tried = _first(bundles, actual, affordable(components, MOST_SIMULATIONS, MOST_WORK, LEAST_SIMULATIONS))
    trials = [(one, simulate(one.edits)) for one in tried]
    causes: dict[str, list[AttributeChange]] = {}
    rows: list[Contribution] = []
    for one, trial in trials:
        gone = actual.findings - trial.findings
        for finding in sorted(gone):
            causes.setdefault(finding, []).append(one.change)
        points = _points(actual, trial)
        if one.change.action.replaces and one.change.attribute == "":
            points -= sum(_points(actual, other) for two, other in trials if _is_part(two, one))
        if abs(points) > SHOWN_POINTS or gone:
            rows.append(Contribution(one.change, points))
    rows.sort(key=lambda row: (row.points, row.change.address, row.change.attribute))
    interaction = delta.points - sum(row.points for row in rows)
    explained = tuple((name, tuple(found)) for name, found in sorted(causes.items()))
    return Attribution(tuple(rows), interaction, len(tried), explained, len(bundles) - len(tried))


def _first(bundles: Sequence[Bundle], actual: Trial, most: int) -> Sequence[Bundle]:
    """All, or where they are too many those of what the findings name, then the others in their order."""
    if len(bundles) <= most:
        return bundles
    named = {finding.rpartition(":")[2] if finding.startswith(("risk:", "apply:")) else finding for finding in actual.findings}
    return sorted(bundles, key=lambda one: named.isdisjoint(address for address, _ in one.edits))[:most]


def _points(actual: Trial, trial: Trial) -> float:
    """What the score lost by the change: with it minus without it."""
    return 0.0 if trial.score is None or actual.score is None else actual.score - trial.score


def _is_part(part: Bundle, whole: Bundle) -> bool:
    """An attribute of a replaced resource: its own row tells its share, the row of the replacement only what is left."""
    return part is not whole and part.change.attribute != "" and {a for a, _ in part.edits} <= {a for a, _ in whole.edits}
