"""What each change costs: put it back, ask again. Rows and interaction sum to the delta exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from faultray_action.model.address import without_index
from faultray_action.model.change import AttributeChange
from faultray_action.model.finding import Attribution, Contribution, Delta

Edit = tuple[str, str]
MOST_SIMULATIONS = 48
"""Changes that are put back one by one; those beyond it stay in the interaction, and the report's limits say so."""
SHOWN_POINTS = 1e-9


@dataclass(frozen=True, slots=True)
class Trial:
    """The answer to "what if these were put back": the score after, findings by key, and whether every gate passes."""

    score: float | None
    findings: frozenset[str]
    passed: bool


Simulate = Callable[[tuple[Edit, ...]], Trial]


@dataclass(frozen=True, slots=True)
class ChangeGroup:
    """Changes that are one to a reader: the same attribute of all instances of a resource with the same values."""

    change: AttributeChange
    edits: tuple[Edit, ...]


def group(changes: Iterable[AttributeChange]) -> tuple[ChangeGroup, ...]:
    """One group a resource, attribute and pair of values, in the order of the changes; a lone instance keeps its own address."""
    members: dict[tuple[object, ...], list[AttributeChange]] = {}
    for change in changes:
        key = (
            without_index(change.address),
            change.attribute,
            repr(change.before),
            repr(change.after),
            change.action,
            change.unknown_after,
        )
        members.setdefault(key, []).append(change)
    return tuple(_group(rows) for rows in members.values())


def _group(rows: Sequence[AttributeChange]) -> ChangeGroup:
    first = rows[0]
    shown = (
        first
        if len(rows) == 1
        else AttributeChange(without_index(first.address), first.attribute, first.before, first.after, first.action, first.unknown_after)
    )
    return ChangeGroup(shown, tuple((row.address, row.attribute) for row in rows))


def attribute(delta: Delta, actual: Trial, groups: Sequence[ChangeGroup], simulate: Simulate) -> Attribution:
    """Contributions of the changes, most costly first, and for each new finding the changes whose put-back alone removes it.

    points of a row = score with the change - score without it, everything else as planned. A change without effect makes no row."""
    if delta.points is None or actual.score is None:
        return Attribution()
    rows: list[Contribution] = []
    causes: dict[str, list[AttributeChange]] = {}
    tried = groups[:MOST_SIMULATIONS]
    for one in tried:
        trial = simulate(one.edits)
        points = 0.0 if trial.score is None else actual.score - trial.score
        gone = actual.findings - trial.findings
        for finding in sorted(gone):
            causes.setdefault(finding, []).append(one.change)
        if abs(points) > SHOWN_POINTS or gone:
            rows.append(Contribution(one.change, points))
    rows.sort(key=lambda row: (row.points, row.change.address, row.change.attribute))
    interaction = delta.points - sum(row.points for row in rows)
    return Attribution(tuple(rows), interaction, len(tried), tuple((name, tuple(found)) for name, found in sorted(causes.items())))
