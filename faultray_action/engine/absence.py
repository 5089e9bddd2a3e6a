"""Which entries go down while components do not exist at all: what an apply step does to a system."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from faultray_action.engine.compiled import Compiled
from faultray_action.engine.sweep import Row, positions, sweep_entries
from faultray_action.model.component import FaultClass
from faultray_action.model.topology import Topology


def entries_down_without(
    compiled: Compiled, addresses: Iterable[str], together: Mapping[str, tuple[str, ...]] = MappingProxyType({})
) -> Mapping[str, tuple[str, ...]]:
    """Component -> undeferred entries that stand, and are down with it absent; what is down anyway is left out.

    `together` names the components that are absent at the same time as one, itself among them; without, it is absent alone. What runs on
    nothing but their machines is absent too.
    One sweep for all of them; addresses that are no component take nothing down."""
    asked = [address for address in addresses if address in compiled.vertex_of]
    gone = [_with_hosted(compiled.topology, together.get(address, (address,))) for address in asked]
    absent = [tuple(compiled.vertex_of[a] for a in addresses if a in compiled.vertex_of) for addresses in gone]
    rows = [Row(()), *(Row((), vertices) for vertices in absent)]
    down = sweep_entries(compiled, rows)
    found: dict[str, list[str]] = {address: [] for address in asked}
    for entry in compiled.topology.entries:
        bits = down[entry.address]
        if entry.deferred or bits & 1:
            continue
        for position in positions(bits >> 1):
            found[asked[position]].append(entry.address)
    return {address: tuple(entries) for address, entries in found.items()}


_OF_MACHINES = (FaultClass.COPY, FaultClass.COMMON_CAUSE)
"""What every copy of a pool holds; those in bulk have no event of their own."""


def _with_hosted(topology: Topology, addresses: tuple[str, ...]) -> tuple[str, ...]:
    """These components, and those all of whose copies stand on machines of theirs."""
    machines = {id for id, fault in topology.faults.items() if fault.fault_class in _OF_MACHINES and fault.address in addresses}
    if not machines:
        return addresses
    hosted = (a for a, c in topology.components.items() if c.copies and all(not machines.isdisjoint(copy.faults) for copy in c.copies))
    return tuple(dict.fromkeys((*addresses, *hosted)))
