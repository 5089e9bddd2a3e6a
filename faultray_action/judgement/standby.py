"""An alternative that has become fragile: the entry outlives each failure as before, and has less behind it when the first one comes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from faultray_action.judgement.pairing import Alone
from faultray_action.model.finding import Risk, RiskKind, RiskSeverity, Standing

Row = tuple[Standing, Risk]
_NAMED = 2
"""Alternatives that the sentence names; of more it tells how many."""


def find(before: Alone, after: Alone, told: Collection[str], labels: Mapping[str, str]) -> tuple[Row, ...]:
    """One row a component that alternatives hang on alone after the change and did not before, and the other way round.

    `before`, `after`: component -> alternatives that a single failure of it takes down; `told`: single points of the system, which say more.
    Low: nothing is down with one failure, and the score tells what the second costs where that is more than it can show.
    """
    rows = [(Standing.NEW, risk) for risk in _fresh(before, after, labels)]
    rows += [(Standing.RESOLVED, risk) for risk in _fresh(after, before, labels)]
    return tuple(row for row in rows if row[1].address not in told)


def _fresh(here: Alone, there: Alone, labels: Mapping[str, str]) -> Iterator[Risk]:
    """What alternatives hang on alone there and not here. An alternative that is its own single point (one machine of several) is told by
    the number of copies, not here."""
    for address, members in there.items():
        led = sorted(members - here.get(address, frozenset()) - {address})
        if led:
            message = f"one failure of it leaves everything to what stands in for {_named(led, labels)}"
            yield Risk(address, RiskKind.CAPACITY, RiskSeverity.LOW, message=message, related=tuple(led))


def _named(led: list[str], labels: Mapping[str, str]) -> str:
    shown = " and ".join(labels.get(member) or member for member in led[:_NAMED])
    return shown if len(led) <= _NAMED else f"{shown} and {len(led) - _NAMED} more"
