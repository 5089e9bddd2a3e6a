"""Systems the engine is tried on: small builders, random topologies, and a second, naive reading of the structure function."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from faultray_action.model.component import Component, Copy, Fault, FaultClass, Kind, Recovery
from faultray_action.model.topology import Dependency, EntryPoint, Role, Topology
from faultray_action.model.units import Interval

EXACT = Interval.exactly


def fault(id: str, rate: float = 0.5, hours: float = 2.0, kind: FaultClass = FaultClass.COPY, address: str = "", **more: object) -> Fault:
    recovery = more.pop("recovery", Recovery.SELF_HEALS)
    assert isinstance(recovery, Recovery)
    domain = id.split(":", 1)[1] if not address and ":" in id else ""
    return Fault(id, kind, EXACT(rate), EXACT(hours), recovery, address, domain)


def zone(name: str) -> Fault:
    return fault(f"zone:{name}", 0.1, 6.0, FaultClass.ZONE)


def part(address: str, copies: Iterable[Copy], needed: int = 1, **more: object) -> Component:
    return replace(Component(address, Kind.CUSTOM, address, tuple(copies), needed), **more)  # type: ignore[arg-type]


def spread(address: str, zones: Sequence[str], needed: int = 1, rate: float = 0.5, **more: object) -> tuple[Component, list[Fault]]:
    """One copy a zone, "" for none, each with its own fault and its zone's."""
    own = [fault(f"copy:{address}#{index}", rate, address=address) for index in range(len(zones))]
    copies = [Copy((mine.id, f"zone:{name}") if name else (mine.id,), name) for mine, name in zip(own, zones, strict=True)]
    return part(address, copies, needed, **more), own + [zone(name) for name in sorted(set(zones)) if name]


def system(
    parts: Iterable[tuple[Component, Iterable[Fault]]],
    edges: Iterable[Dependency | tuple[str, str]] = (),
    entries: Iterable[str | EntryPoint] = (),
    **more: object,
) -> Topology:
    components: dict[str, Component] = {}
    faults: dict[str, Fault] = {}
    for component, own in parts:
        components[component.address] = component
        faults.update((each.id, each) for each in own)
    dependencies = tuple(edge if isinstance(edge, Dependency) else Dependency(*edge) for edge in edges)
    points = tuple(entry if isinstance(entry, EntryPoint) else EntryPoint(entry, entry, entry) for entry in entries)
    topology = Topology(dict(sorted(components.items())), dependencies, dict(sorted(faults.items())), points)
    return replace(topology, **more)  # type: ignore[arg-type]


def naive_down(topology: Topology, happened: Iterable[str], gaps: bool = False) -> dict[str, bool]:
    """The reference semantics, one scenario at a time, straight from docs/model.md: no order, no masks, repeat until nothing changes."""
    lost = set(happened)
    down = dict.fromkeys(topology.components, False)
    changed = True
    while changed:
        changed = False
        for address, component in topology.components.items():
            if not down[address] and (
                _locally_down(topology, component, lost, gaps) or _misses_a_need(topology, address, down, lost, gaps)
            ):
                down[address] = changed = True
    return down


def _locally_down(topology: Topology, component: Component, lost: set[str], gaps: bool) -> bool:
    if gaps and lost.intersection(component.gaps):
        return True
    alive = 0
    for copy in component.copies:
        hit = [id for id in copy.faults if id in lost and topology.faults[id].fault_class is not FaultClass.GAP]
        alive += not hit
    return alive < component.needed


def _misses_a_need(topology: Topology, source: str, down: Mapping[str, bool], lost: set[str], gaps: bool) -> bool:
    groups: dict[str, list[Dependency]] = {}
    for edge in topology.dependencies:
        if edge.source != source or edge.role is not Role.NEED:
            continue
        if edge.group:
            groups.setdefault(edge.group, []).append(edge)
        elif not _healthy(topology, edge, down, lost, gaps):
            return True
    return any(sum(_healthy(topology, edge, down, lost, gaps) for edge in edges) < edges[0].group_needed for edges in groups.values())


def _healthy(topology: Topology, edge: Dependency, down: Mapping[str, bool], lost: set[str], gaps: bool) -> bool:
    if edge.breaker and edge.fallback:
        return True
    if edge.broken or edge.target not in topology.components:
        return False
    if edge.local_only:
        return not _locally_down(topology, topology.components[edge.target], lost, gaps)
    return not down[edge.target]


def random_topology(seed: int, size: int = 6, faults: int = 8, cyclic: bool = True) -> Topology:
    """Everything the model can say: shared domains, m of n, groups, broken and missing needs, breakers, gaps, cycles, shadows."""
    draw = random.Random(seed)
    names = [f"c{index}" for index in range(draw.randint(1, size))]
    classes = (FaultClass.COPY, FaultClass.COPY, FaultClass.ZONE, FaultClass.REGION, FaultClass.COMMON_CAUSE, FaultClass.ZONAL)
    pool = [
        fault(f"f{index}", draw.choice((0.1, 1.0, 30.0)), draw.choice((0.5, 4.0, 90.0)), draw.choice(classes)) for index in range(faults)
    ]
    gap = fault("gap", 3.0, 5.0, FaultClass.GAP)
    components = {}
    for name in names:
        copies = [
            Copy(tuple(sorted(draw.sample([each.id for each in pool], draw.randint(0, 2))))) for _ in range(draw.choice((0, 1, 1, 2, 3, 4)))
        ]
        needed = draw.choice((0, 1, 1, max(1, len(copies) - 1))) if copies else draw.choice((0, 0, 0, 1))
        components[name] = part(name, copies, needed, gaps=("gap",) if draw.random() < 0.15 else ())
    edges = []
    for index, source in enumerate(names):
        for _ in range(draw.choice((0, 1, 1, 2, 3))):
            targets = names if cyclic else names[:index]
            if targets:
                edges.append(
                    _random_edge(draw, source, draw.choice([*targets, *targets, *targets, "missing"] if draw.random() < 0.1 else targets))
                )
    entries = tuple(EntryPoint(name, name, name) for name in draw.sample(names, draw.randint(1, len(names))))
    used = {each.id: each for each in (*pool, gap)}
    return Topology(components, tuple(edges), dict(sorted(used.items())), entries)


def _random_edge(draw: random.Random, source: str, target: str) -> Dependency:
    group = draw.choice(("", "", "g", "g", "h"))
    return Dependency(
        source,
        target,
        draw.choice((Role.NEED, Role.NEED, Role.NEED, Role.NEED, Role.OPTIONAL, Role.ASYNC, Role.STARTUP, Role.REPLICA)),
        group=group,
        group_needed={"": 1, "g": 1, "h": 2}[group],
        broken="no rule permits it" if draw.random() < 0.05 else "",
        breaker=draw.random() < 0.2,
        fallback=draw.random() < 0.5,
        local_only=draw.random() < 0.15,
    )
