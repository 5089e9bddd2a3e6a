"""An alternative that has become fragile: the entry outlives each failure as before, and has less behind it when the first one comes."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from faultray_action.model.finding import Risk, RiskKind, RiskSeverity, Standing

Row = tuple[Standing, Risk]
Alone = Mapping[str, frozenset[str]]


def find(before: Alone, after: Alone, told: Collection[str], labels: Mapping[str, str]) -> tuple[Row, ...]:
    """One row a component that alternatives hang on alone after the change and did not before, and the other way round.

    `before`, `after`: component -> alternatives that a single failure of it takes down; `told`: single points of the system, which say more.
    Low: nothing is down with one failure, and the score tells what the second costs where that is more than it can show.
    """
    rows = [_row(Standing.NEW, address, members - before.get(address, frozenset()), labels) for address, members in after.items()]
    rows += [_row(Standing.RESOLVED, address, members - after.get(address, frozenset()), labels) for address, members in before.items()]
    return tuple(row for row in rows if row is not None and row[1].address not in told)


def _row(standing: Standing, address: str, members: frozenset[str], labels: Mapping[str, str]) -> Row | None:
    """An alternative that is its own single point (one machine of several) is told by the number of copies, not here."""
    led = sorted(members - {address})
    if not led:
        return None
    named = " and ".join(labels.get(member) or member for member in led[:2]) + (f" and {len(led) - 2} more" if len(led) > 2 else "")
    message = f"one failure of it leaves everything to what stands in for {named}"
    return standing, Risk(address, RiskKind.CAPACITY, RiskSeverity.LOW, (), (), message, related=tuple(led))
