"""Scenarios that one side outlives and the other does not: what used to be survived, told with examples."""

from __future__ import annotations

from collections.abc import Sequence

from faultray_action.judgement.pairing import Side, match_entries
from faultray_action.model.finding import Outlived, Turned
from faultray_action.model.scenario import Scenario

EXAMPLES = 10
"""Examples told of each direction: the smallest failures first, in the order of generation."""


def outlived(before: Side, after: Side, scenarios: Sequence[Scenario]) -> Outlived:
    """Only entries that stand on both sides are compared: what is new has no past to lose."""
    pairs = [
        (before.topology.entries[old].address, after.topology.entries[new].address)
        for new, old in sorted(match_entries(before.topology.entries, after.topology.entries).items())
    ]
    was = [before.examination.sweep.failing.get(old, 0) for old, _ in pairs]
    now = [after.examination.sweep.failing.get(new, 0) for _, new in pairs]
    names = [new for _, new in pairs]
    broken, broken_total = _turned(was, now, names, scenarios)
    repaired, repaired_total = _turned(now, was, names, scenarios)
    return Outlived(broken, broken_total, repaired, repaired_total)


def _turned(up: Sequence[int], down: Sequence[int], names: Sequence[str], scenarios: Sequence[Scenario]) -> tuple[tuple[Turned, ...], int]:
    """Scenarios in which no entry failed on the one side and some do on the other."""
    survived, fails = 0, 0
    for bits in up:
        survived |= bits
    for bits in down:
        fails |= bits
    turned = fails & ~survived
    total = turned.bit_count()
    chosen: list[int] = []
    while turned and len(chosen) < EXAMPLES:
        lowest = turned & -turned
        chosen.append(lowest.bit_length() - 1)
        turned ^= lowest
    rows = [
        Turned(
            scenarios[n].id,
            scenarios[n].faults,
            tuple(map(str, scenarios[n].what_ifs)),
            tuple(a for a, b in zip(names, down, strict=True) if b >> n & 1),
        )
        for n in chosen
    ]
    return tuple(rows), total
