"""Which entries go down while components do not exist at all: what an apply step does to the system of before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from types import MappingProxyType

from faultray_action.engine.compiled import compile_topology
from faultray_action.engine.examine import down_at_rest
from faultray_action.model.topology import Topology


def entries_down_without(topology: Topology, addresses: Iterable[str]) -> tuple[str, ...]:
    """Addresses of undeferred entries that stand and are down with these components absent; those that are down anyway are left out.

    Components that also are what an entry is made of count: the entry itself is down then."""
    absent = {a: replace(c, copies=(), needed=1) for a in addresses if (c := topology.components.get(a)) is not None}
    if not absent:
        return ()
    without = replace(topology, components=MappingProxyType({**topology.components, **absent}))
    anyway, then = down_at_rest(compile_topology(topology)), down_at_rest(compile_topology(without))
    return tuple(
        entry.address for entry in topology.entries if not entry.deferred and then[entry.component] and not anyway[entry.component]
    )
