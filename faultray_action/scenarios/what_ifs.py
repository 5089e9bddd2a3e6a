"""Injections without a rate, where they can have an effect: a level nobody declared anything for is not asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from faultray_action.model.component import Component, Kind
from faultray_action.model.scenario import EDGE_ARROW, AgentFault, WhatIf, WhatIfKind, scenario_id
from faultray_action.model.topology import Dependency, Role, Topology
from faultray_action.scenarios.events import Events, key_of
from faultray_action.scenarios.losses import Loss, joined

TRAFFIC_LEVELS = (1.5, 2.0, 3.0, 5.0, 10.0)
LATENCY_LEVELS = (2.0, 10.0)


class Question(Struct, frozen=True):
    """One what-if, or a timeout together with its breaker forced off. `text`: its part of a scenario id. `loss`: the copies it takes, if any."""

    what_ifs: tuple[WhatIf, ...]
    text: str
    key: int
    loss: Loss | None = None


def ask(sides: Sequence[Topology], reached: Sequence[frozenset[str]], events: Events) -> tuple[Question, ...]:
    """Every what-if of every family, in a canonical order."""
    components = _union(sides, reached)
    single = {event.loss.print for event in (*events.copies, *events.domains)}
    return (
        *_traffic(components),
        *_all_copies(components, events, single),
        *_deploys(sides, components, events),
        *_latency(components),
        *_timeouts(sides, reached),
        *_control_plane(components),
        *_agents(sides),
    )


def _question(*what_ifs: WhatIf, loss: Loss | None = None) -> Question:
    text = scenario_id((), what_ifs)
    return Question(what_ifs, text, key_of(text), loss)


def _union(sides: Sequence[Topology], reached: Sequence[frozenset[str]]) -> Mapping[str, tuple[Component, ...]]:
    """Reached component -> what stands for it on each side, in order of address."""
    found: dict[str, list[Component]] = {}
    for side, wanted in zip(sides, reached, strict=True):
        for address in wanted:
            found.setdefault(address, []).append(side.components[address])
    return {address: tuple(found[address]) for address in sorted(found)}


def _traffic(components: Mapping[str, tuple[Component, ...]]) -> Iterator[Question]:
    """Where there is something whose capacity can be exceeded."""
    standing = [component for both in components.values() for component in both]
    if any(component.runtime.capacity is not None or (component.copies and not component.managed) for component in standing):
        yield from (_question(WhatIf(WhatIfKind.TRAFFIC, level=level)) for level in TRAFFIC_LEVELS)


def _all_copies(components: Mapping[str, tuple[Component, ...]], events: Events, single: set[int]) -> Iterator[Question]:
    """Unless one event takes exactly these copies already; a connector has none of its own."""
    for address, standing in components.items():
        loss = events.own.get(address)
        if loss and loss.print not in single and any(component.kind is not Kind.CONNECTOR for component in standing):
            yield _question(WhatIf(WhatIfKind.ALL_COPIES, address), loss=loss)


def _deploys(sides: Sequence[Topology], components: Mapping[str, tuple[Component, ...]], events: Events) -> Iterator[Question]:
    """A deploy takes one copy out and needs what start-up needs: asked where it differs from losing one copy."""
    starting = {edge.source for side in sides for edge in side.dependencies if edge.role is Role.STARTUP}
    owned = joined(*(event.loss for event in events.copies)).copies
    for address, standing in components.items():
        runs = any(component.copies and not component.managed and component.kind is not Kind.CONNECTOR for component in standing)
        if runs and (address in starting or events.own[address].copies.isdisjoint(owned)):
            yield _question(WhatIf(WhatIfKind.DEPLOY, address))


def _latency(components: Mapping[str, tuple[Component, ...]]) -> Iterator[Question]:
    for address, standing in components.items():
        if any(component.runtime.latency_ms > 0.0 for component in standing):
            yield from (_question(WhatIf(WhatIfKind.LATENCY, address, level)) for level in LATENCY_LEVELS)


def _timeouts(sides: Sequence[Topology], reached: Sequence[frozenset[str]]) -> Iterator[Question]:
    """Every synchronous call, its breaker as it is; and forced off where a side has one."""
    calls: dict[str, bool] = {}
    for side, wanted in zip(sides, reached, strict=True):
        for edge in side.dependencies:
            if edge.source in wanted and edge.role in (Role.NEED, Role.OPTIONAL) and _calls(side, edge):
                name = edge.source + EDGE_ARROW + edge.target
                calls[name] = calls.get(name, False) or edge.breaker
    for name, breaker in sorted(calls.items()):
        timeout = WhatIf(WhatIfKind.TIMEOUT, name)
        yield _question(timeout)
        if breaker:
            yield _question(WhatIf(WhatIfKind.BREAKER_OFF, name), timeout)


def _calls(side: Topology, edge: Dependency) -> bool:
    """A network call between parts that run; a listener or target group is part of its load balancer."""
    return edge.target in side.components and bool(side.components[edge.source].copies) and bool(side.components[edge.target].copies)


def _control_plane(components: Mapping[str, tuple[Component, ...]]) -> Iterator[Question]:
    """Where something fails over: a failover is an act of the control plane."""
    if any(component.gaps for standing in components.values() for component in standing):
        yield _question(WhatIf(WhatIfKind.CONTROL_PLANE))


def _agents(sides: Sequence[Topology]) -> Iterator[Question]:
    for address in sorted({agent.address for side in sides for agent in side.agents}):
        yield from (_question(WhatIf(WhatIfKind.AGENT, address, detail=fault)) for fault in AgentFault)
