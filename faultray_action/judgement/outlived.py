"""Scenarios that one side outlives and the other does not: what used to be survived, told with examples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from faultray_action.judgement.pairing import Side, twins
from faultray_action.model.finding import Outlived, Turned
from faultray_action.model.scenario import Scenario

EXAMPLES = 10
"""Examples told of each direction: the smallest failures first, in the order of generation."""

Failing = Sequence[tuple[str, int]]
"""Entry -> integer, bit s set where scenario s stops it."""


def outlived(before: Side, after: Side, scenarios: Sequence[Scenario]) -> Outlived:
    """Only entries that stand on both sides are compared: what is new has no past to lose."""
    was: list[tuple[str, int]] = []
    now: list[tuple[str, int]] = []
    for earlier, entry in twins(before.topology, after.topology):
        was.append((entry.address, before.examination.sweep.failing.get(earlier.address, 0)))
        now.append((entry.address, after.examination.sweep.failing.get(entry.address, 0)))
    broken, repaired = _turned(was, now), _turned(now, was)
    return Outlived(
        broken=_examples(broken, now, scenarios),
        broken_total=broken.bit_count(),
        repaired=_examples(repaired, was, scenarios),
        repaired_total=repaired.bit_count(),
    )


def _turned(up: Failing, down: Failing) -> int:
    """Scenarios in which no entry failed on the one side and some do on the other."""
    return _any(down) & ~_any(up)


def _any(failing: Failing) -> int:
    scenarios = 0
    for _, bits in failing:
        scenarios |= bits
    return scenarios


def _examples(turned: int, down: Failing, scenarios: Sequence[Scenario]) -> tuple[Turned, ...]:
    rows: list[Turned] = []
    for number in _lowest(turned):
        scenario = scenarios[number]
        stopped = tuple(entry for entry, bits in down if bits >> number & 1)
        rows.append(Turned(scenario.id, scenario.faults, tuple(map(str, scenario.what_ifs)), stopped))
    return tuple(rows)


def _lowest(bits: int) -> Iterator[int]:
    """The first positions of the bits that are set."""
    for _ in range(EXAMPLES):
        if not bits:
            return
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest
