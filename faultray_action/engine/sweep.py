"""Thousands of scenarios at once: one wide integer per event and per vertex, bit s for scenario s.

A row of the sweep is a set of events that happen and of vertices that are forced down. Rows are taken in blocks, so that the state of a
block stays in the processor's cache and memory does not grow with the number of scenarios.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from faultray_action.engine.compiled import Compiled
from faultray_action.engine.structure import evaluate
from faultray_action.model.component import Fault, Recovery
from faultray_action.model.topology import EntryPoint

BLOCK = 16_384
"""Scenarios a block: 2 KiB a vertex, 20 MiB at 10,000 vertices."""

NARROW = 1_800
"""Bits of an integer that the interpreter's small-object allocator still serves: setting single bits in wider ones costs several times more."""


class Row(Struct, frozen=True):
    """One scenario in the engine's words: indices of events that happen and of vertices forced down."""

    events: tuple[int, ...]
    forced: tuple[int, ...] = ()


def sweep(compiled: Compiled, scenarios: Sequence[tuple[str, ...]]) -> dict[str, int]:
    """Which scenarios (sets of fault ids) take which entry down: entry address -> integer, bit s set where scenario s is an outage.

    A deferred entry does not see faults that heal by themselves or fail over within its retention. Raises KeyError for an unknown id.
    """
    rows = [Row(tuple(compiled.event_of[fault] for fault in faults)) for faults in scenarios]
    return sweep_entries(compiled, rows)


def sweep_entries(compiled: Compiled, rows: Sequence[Row]) -> dict[str, int]:
    """As `sweep`, for rows."""
    found: dict[str, int] = {}
    for hidden, entries in _by_hidden(compiled).items():
        vertices = tuple(compiled.vertex_of[entry.component] for entry in entries)
        shown = rows if not hidden else [Row(tuple(event for event in row.events if event not in hidden), row.forced) for row in rows]
        for entry, bits in zip(entries, sweep_vertices(compiled, shown, vertices), strict=True):
            found[entry.address] = bits
    return {entry.address: found[entry.address] for entry in compiled.topology.entries}


def sweep_vertices(compiled: Compiled, rows: Sequence[Row], vertices: Sequence[int], gaps: bool = False) -> list[int]:
    """Which rows take which of the vertices down; every event is seen, failover gaps only where asked for."""
    order = compiled.entry_order if tuple(vertices) == compiled.entry_vertices else compiled.order_of(vertices)
    if len(rows) <= BLOCK:
        down = _evaluate_block(compiled, rows, order, gaps)
        return [down[vertex] for vertex in vertices]
    parts: list[list[bytes]] = [[] for _ in vertices]
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        down = _evaluate_block(compiled, block, order, gaps)
        for part, vertex in zip(parts, vertices, strict=True):
            part.append(down[vertex].to_bytes(BLOCK // 8, "little"))
    return [int.from_bytes(b"".join(part), "little") for part in parts]


def _evaluate_block(compiled: Compiled, rows: Sequence[Row], order: Sequence[tuple[int, ...]], gaps: bool) -> list[int]:
    happened = _masks([row.events for row in rows])
    forced = _masks([row.forced for row in rows])
    events = [happened.get(event, 0) for event in range(len(compiled.events))]
    return evaluate(compiled, events, 0, (1 << len(rows)) - 1, order, forced, gaps)


def _masks(rows: Sequence[tuple[int, ...]]) -> dict[int, int]:
    """Number -> the rows that hold it. Bits are set in narrow integers, which are then shifted into the wide ones."""
    found: dict[int, int] = {}
    for start in range(0, len(rows), NARROW):
        narrow: dict[int, int] = {}
        bit = 1
        for row in rows[start : start + NARROW]:
            for number in row:
                narrow[number] = narrow.get(number, 0) | bit
            bit <<= 1
        for number, mask in narrow.items():
            found[number] = found.get(number, 0) | mask << start
    return found


def positions(bits: int) -> list[int]:
    """Positions of the bits that are set, ascending; linear in the width however wide.

    >>> positions(0b1010001)
    [0, 4, 6]
    """
    text = bin(bits)[:1:-1]
    found: list[int] = []
    at = text.find("1")
    while at >= 0:
        found.append(at)
        at = text.find("1", at + 1)
    return found


def hidden_from(entry: EntryPoint, faults: Iterable[Fault]) -> frozenset[str]:
    """Ids of the faults a deferred entry does not see: they heal by themselves or fail over within what its queue retains.

    A lasting fault (restored by hand), or one longer than the retention at its default repair time, is an outage like any other.
    """
    if not entry.deferred:
        return frozenset()
    return frozenset(fault.id for fault in faults if passes_unseen(entry, fault.recovery, fault.repair_hours.default))


def passes_unseen(entry: EntryPoint, recovery: Recovery, repair_hours: float) -> bool:
    """Whether a deferred entry rides out an outage that ends in this way after this time."""
    return entry.deferred and recovery is not Recovery.MANUAL and repair_hours <= entry.retention_hours


def _by_hidden(compiled: Compiled) -> Mapping[frozenset[int], list[EntryPoint]]:
    """Entries grouped by the events they do not see: one pass over the structure per group."""
    groups: dict[frozenset[int], list[EntryPoint]] = {}
    if not any(entry.deferred for entry in compiled.topology.entries):
        return {frozenset(): list(compiled.topology.entries)}
    for entry in compiled.topology.entries:
        hidden = frozenset(compiled.event_of[fault] for fault in hidden_from(entry, compiled.topology.faults.values()))
        groups.setdefault(hidden, []).append(entry)
    return groups
