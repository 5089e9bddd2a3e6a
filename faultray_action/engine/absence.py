"""Which entries go down while components do not exist at all: what an apply step does to a system."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from faultray_action.engine.compiled import Compiled
from faultray_action.engine.sweep import Row, positions, sweep_entries


def entries_down_without(compiled: Compiled, addresses: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """Component -> undeferred entries that stand, and are down with it alone absent; what is down anyway is left out.

    One sweep for all of them; addresses that are no component take nothing down."""
    asked = [address for address in addresses if address in compiled.vertex_of]
    rows = [Row(()), *(Row((), (compiled.vertex_of[address],)) for address in asked)]
    down = sweep_entries(compiled, rows)
    found: dict[str, list[str]] = {address: [] for address in asked}
    for entry in compiled.topology.entries:
        bits = down[entry.address]
        if entry.deferred or bits & 1:
            continue
        for position in positions(bits >> 1):
            found[asked[position]].append(entry.address)
    return {address: tuple(entries) for address, entries in found.items()}
