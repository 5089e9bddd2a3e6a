"""What each change costs: put it back, ask again. Rows and interaction sum to the delta exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace

from faultray_action.counterfactual.bundles import Bundle, Edit, join
from faultray_action.model.address import type_of, without_index
from faultray_action.model.change import Action, AttributeChange
from faultray_action.model.finding import Attribution, Contribution, FindingKey

MOST_SIMULATIONS = 48
MOST_WORK = 25_000
"""Changes that are put back one by one: so many, and no more than so many components altogether are looked at again. Changes beyond it stay
in the interaction, and the report's limits say so. A count, never the clock: the same plan is answered alike everywhere."""
LEAST_SIMULATIONS = 8
MOST_JOINED = 8
"""Resources of which all changed attributes are put back at once."""
SHOWN_POINTS = 1e-9


class Trial(Struct, frozen=True):
    """The answer to "what if these were put back".

    `points`: the delta that is left, like for like, None where one of the sides has no entry; `findings`: what is new; `passed`: whether every gate
    passes, and then `score` is that of the state which the plan would leave.
    """

    points: float | None
    findings: frozenset[FindingKey]
    passed: bool = False
    score: float | None = None


Simulate = Callable[[tuple[Edit, ...]], Trial]


def affordable(components: int, most: int, work: int, least: int) -> int:
    """How many simulations of a system of that size a search may spend: `most` while they stay within `work` components, never fewer than `least`.

    >>> affordable(100, 48, 25_000, 8), affordable(1_000, 48, 25_000, 8), affordable(10_000, 48, 25_000, 8)
    (48, 25, 8)
    """
    return max(least, min(most, work // max(1, components)))


def attribute(
    actual: Trial,
    bundles: Sequence[Bundle],
    simulate: Simulate,
    components: int = 0,
    required: Mapping[int, frozenset[int]] = MappingProxyType({}),
) -> tuple[Attribution, tuple[Bundle, ...]]:
    """Contributions of the changes, most costly first, and for each new finding the changes whose put-back alone removes it; and the bundles with
    those joined that only count together.

    points of a row = the delta with the change - the delta without it, everything else as planned. A change without effect makes no row.
    `actual`: the plan as it is. `components`: how many the system has; it bounds how many changes are put back. `required`: position of a
    bundle -> those that it cannot be put back without; what is created for a row's change, and is worth nothing without it, is told with it."""
    if actual.points is None:
        return Attribution(), tuple(bundles)
    tried = _first(bundles, actual, affordable(components, MOST_SIMULATIONS, MOST_WORK, LEAST_SIMULATIONS))
    trials = _joined([(one, simulate(one.edits)) for one in tried], actual, simulate)
    rows = _with_created(_rows(trials, actual), trials, bundles, required)
    rows.sort(key=lambda row: (row.points, row.change.address, row.change.attribute))
    left = [one for one in bundles if all(one is not other for other in tried)]
    found = Attribution(
        rows=tuple(rows),
        interaction=actual.points - sum(row.points for row in rows),
        simulations=len(tried),
        causes=_causes(trials, actual),
        untried=len(left),
    )
    return found, (*(one for one, _ in trials), *left)


Tried = tuple[Bundle, Trial]


def _rows(trials: Sequence[Tried], actual: Trial) -> list[Contribution]:
    """One row a change that moves the delta or takes a finding away."""
    rows: list[Contribution] = []
    for one, trial in trials:
        points = _points(actual, trial)
        if one.change.action.replaces and one.change.attribute == "":
            points -= sum(_points(actual, other) for two, other in trials if _is_part(two, one))
        if abs(points) > SHOWN_POINTS or actual.findings - trial.findings:
            rows.append(Contribution(one.change, points, one.changes[1:]))
    return rows


def _causes(trials: Sequence[Tried], actual: Trial) -> tuple[tuple[FindingKey, tuple[AttributeChange, ...]], ...]:
    """For each new finding the changes whose put-back alone removes it."""
    causes: dict[FindingKey, list[AttributeChange]] = {}
    for one, trial in trials:
        for finding in sorted(actual.findings - trial.findings):
            causes.setdefault(finding, []).extend(_telling(one, finding))
    return tuple((finding, tuple(changes)) for finding, changes in sorted(causes.items()))


def _telling(one: Bundle, finding: FindingKey) -> Sequence[AttributeChange]:
    """What explains the finding: where one line decides about many resources, what it changed on the spot."""
    resource = without_index(finding.address)
    own = [change for change in one.changes if without_index(change.address) == resource]
    return own or one.changes


def _with_created(
    rows: Sequence[Contribution],
    trials: Sequence[Tried],
    bundles: Sequence[Bundle],
    required: Mapping[int, frozenset[int]],
) -> list[Contribution]:
    """The rows with what is created for their change and tells nothing by itself."""
    told = {change for row in rows for change in (row.change, *row.also)}
    leads = {change: one.change for one, _ in trials for change in one.changes}
    joined: dict[AttributeChange, dict[AttributeChange, None]] = {}
    for change, created in _created_for(bundles, required):
        if created not in told:
            joined.setdefault(leads.get(change, change), {})[created] = None
    return [replace(row, also=(*row.also, *joined.get(row.change, ()))) for row in rows]


def _created_for(bundles: Sequence[Bundle], required: Mapping[int, frozenset[int]]) -> Iterator[tuple[AttributeChange, AttributeChange]]:
    """An updated change, and what is created for it to name."""
    for number, needed in required.items():
        created = bundles[number].change
        if created.action is not Action.CREATE:
            continue
        for at in needed:
            if bundles[at].change.action is Action.UPDATE:
                yield bundles[at].change, created


# What only counts together


def _joined(trials: Sequence[Tried], actual: Trial, simulate: Simulate) -> list[Tried]:
    """The trials, with the attributes of one resource (or the deleted ones of a type) put back at once where none of them alone takes a
    finding away that all of them do (a standby needs the second node, the failover and the zones): whoever reads one of them alone would
    read that it costs nothing."""
    left = actual.findings.intersection(*(trial.findings for _, trial in trials))
    found = list(trials)
    if not left:
        return found
    for parts in _by_resource(trials)[:MOST_JOINED]:
        whole = simulate(join(parts).edits)
        if left - whole.findings:
            needed = _narrowed(parts, whole, simulate)
            found = _replaced(found, needed, simulate)
    return found


def _replaced(trials: Sequence[Tried], needed: Sequence[Bundle], simulate: Simulate) -> list[Tried]:
    """The trials with these as one, where the first of them stood."""
    found: list[Tried] = []
    for one, trial in trials:
        if one is needed[0]:
            found.append((join(needed), simulate(join(needed).edits)))
        elif all(one is not other for other in needed):
            found.append((one, trial))
    return found


def _by_resource(trials: Sequence[Tried]) -> list[list[Bundle]]:
    """Changed attributes of one resource, and deleted resources of one type (the two directions of a peering), where there are several."""
    resources: dict[str, list[Bundle]] = {}
    for one, _ in trials:
        change = one.change
        if change.attribute and change.action is Action.UPDATE:
            resources.setdefault(without_index(change.address), []).append(one)
        elif not change.attribute and change.action is Action.DELETE:
            resources.setdefault(f"deleted {type_of(change.address)}", []).append(one)
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
    named = {finding.address for finding in actual.findings}
    return sorted(bundles, key=lambda one: named.isdisjoint(address for address, _ in one.edits))[:most]


def _points(actual: Trial, trial: Trial) -> float:
    """What the change costs: the delta with it minus the delta without it."""
    if trial.points is None or actual.points is None:
        return 0.0
    return actual.points - trial.points


def _is_part(part: Bundle, whole: Bundle) -> bool:
    """An attribute of a replaced resource: its own row tells its share, the row of the replacement only what is left."""
    if part is whole or not part.change.attribute:
        return False
    return {address for address, _ in part.edits} <= {address for address, _ in whole.edits}
