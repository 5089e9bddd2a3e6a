"""What each change costs: put it back, ask again. Rows and interaction sum to the delta exactly."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace

from faultray_action.counterfactual.bundles import Bundle, Edit, join
from faultray_action.model.address import type_of, without_index
from faultray_action.model.change import Action, AttributeChange
from faultray_action.model.finding import Attribution, Contribution, Delta

MOST_SIMULATIONS = 48
MOST_WORK = 25_000
"""Changes that are put back one by one: so many, and no more than so many components altogether are looked at again. Changes beyond it stay
in the interaction, and the report's limits say so. A count, never the clock: the same plan is answered alike everywhere."""
LEAST_SIMULATIONS = 8
MOST_JOINED = 8
"""Resources of which all changed attributes are put back at once."""
SHOWN_POINTS = 1e-9


class Trial(Struct, frozen=True):
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


def attribute(
    delta: Delta,
    actual: Trial,
    bundles: Sequence[Bundle],
    simulate: Simulate,
    components: int = 0,
    required: Mapping[int, frozenset[int]] = MappingProxyType({}),
) -> tuple[Attribution, tuple[Bundle, ...]]:
    """Contributions of the changes, most costly first, and for each new finding the changes whose put-back alone removes it; and the bundles with
    those joined that only count together.

    points of a row = score with the change - score without it, everything else as planned. A change without effect makes no row.
    `components`: how many the system has; it bounds how many changes are put back. `required`: position of a bundle -> those that it cannot be
    put back without; what is created for a row's change, and is worth nothing without it, is told with it."""
    if delta.points is None or actual.score is None:
        return Attribution(), tuple(bundles)
    tried = _first(bundles, actual, affordable(components, MOST_SIMULATIONS, MOST_WORK, LEAST_SIMULATIONS))
    trials = _joined([(one, simulate(one.edits)) for one in tried], actual, simulate)
    causes: dict[str, list[AttributeChange]] = {}
    rows: list[Contribution] = []
    for one, trial in trials:
        gone = actual.findings - trial.findings
        for finding in sorted(gone):
            causes.setdefault(finding, []).extend(_telling(one, finding))
        points = _points(actual, trial)
        if one.change.action.replaces and one.change.attribute == "":
            points -= sum(_points(actual, other) for two, other in trials if _is_part(two, one))
        if abs(points) > SHOWN_POINTS or gone:
            rows.append(Contribution(one.change, points, one.changes[1:]))
    rows = _with_created(rows, trials, bundles, required)
    rows.sort(key=lambda row: (row.points, row.change.address, row.change.attribute))
    interaction = delta.points - sum(row.points for row in rows)
    explained = tuple((name, tuple(found)) for name, found in sorted(causes.items()))
    left = [one for one in bundles if all(one is not other for other in tried)]
    return Attribution(tuple(rows), interaction, len(tried), explained, len(left)), (*(one for one, _ in trials), *left)


def _with_created(
    rows: Sequence[Contribution], trials: Sequence[Tried], bundles: Sequence[Bundle], required: Mapping[int, frozenset[int]]
) -> list[Contribution]:
    told = {change for row in rows for change in (row.change, *row.also)}
    found: dict[AttributeChange, list[AttributeChange]] = {}
    for number, needed in required.items():
        created = bundles[number].change
        if created.action is Action.CREATE and created not in told:
            for at in needed:
                if bundles[at].change.action is Action.UPDATE:
                    found.setdefault(bundles[at].change, []).append(created)
    leads = {change: one.change for one, _ in trials for change in one.changes}
    joined: dict[AttributeChange, list[AttributeChange]] = {}
    for change, created_for in found.items():
        joined.setdefault(leads.get(change, change), []).extend(created_for)
    return [replace(row, also=(*row.also, *dict.fromkeys(joined.get(row.change, ())))) for row in rows]


def _telling(one: Bundle, finding: str) -> Sequence[AttributeChange]:
    """What explains the finding: where one line decides about many resources, what it changed on the spot."""
    own = [change for change in one.changes if without_index(change.address) == without_index(_address(finding))]
    return own or one.changes


def _address(finding: str) -> str:
    return finding.split(":", 2)[-1] if finding.startswith("risk:") else finding.removeprefix("apply:")


Tried = tuple[Bundle, Trial]


def _joined(trials: Sequence[Tried], actual: Trial, simulate: Simulate) -> list[Tried]:
    """The trials, with the attributes of one resource (or the deleted ones of a type) put back at once where none of them alone takes a finding away that all of them do
    (a standby needs the second node, the failover and the zones): whoever reads one of them alone would read that it costs nothing."""
    left = actual.findings.intersection(*(trial.findings for _, trial in trials))
    found = list(trials)
    for parts in _by_resource(trials)[:MOST_JOINED] if left else ():
        whole = simulate(join([one for one, _ in parts]).edits)
        if not left - whole.findings:
            continue
        needed = _narrowed([one for one, _ in parts], whole, simulate)
        at = next(n for n, (one, _) in enumerate(found) if one is needed[0])
        found[at] = join(needed), simulate(join(needed).edits)
        found = [row for n, row in enumerate(found) if n == at or all(row[0] is not one for one in needed)]
    return found


def _by_resource(trials: Sequence[Tried]) -> list[list[Tried]]:
    """Changed attributes of one resource, and deleted resources of one type (the two directions of a peering), where there are several."""
    resources: dict[str, list[Tried]] = {}
    for one, trial in trials:
        if one.change.attribute and one.change.action is Action.UPDATE:
            resources.setdefault(without_index(one.change.address), []).append((one, trial))
        elif not one.change.attribute and one.change.action is Action.DELETE:
            resources.setdefault(f"deleted {type_of(one.change.address)}", []).append((one, trial))
    return [parts for parts in resources.values() if len(parts) > 1]


def _narrowed(parts: Sequence[Bundle], whole: Trial, simulate: Simulate) -> list[Bundle]:
    """Without those that change nothing about what all of them do."""
    needed = list(parts)
    for one in parts:
        rest = [other for other in needed if other is not one]
        if len(rest) > 1 and simulate(join(rest).edits) == whole:
            needed = rest
    return needed


def _first(bundles: Sequence[Bundle], actual: Trial, most: int) -> Sequence[Bundle]:
    """All, or where they are too many those of what the findings name, then the others in their order."""
    if len(bundles) <= most:
        return bundles
    named = {_address(finding) for finding in actual.findings}
    return sorted(bundles, key=lambda one: named.isdisjoint(address for address, _ in one.edits))[:most]


def _points(actual: Trial, trial: Trial) -> float:
    """What the score lost by the change: with it minus without it."""
    return 0.0 if trial.score is None or actual.score is None else actual.score - trial.score


def _is_part(part: Bundle, whole: Bundle) -> bool:
    """An attribute of a replaced resource: its own row tells its share, the row of the replacement only what is left."""
    return part is not whole and part.change.attribute != "" and {a for a, _ in part.edits} <= {a for a, _ in whole.edits}
