"""Start-up needs in a cycle: a system that runs, and cannot be started again once it is down."""

from __future__ import annotations

from faultray_action.engine.cascade import run
from faultray_action.engine.relation import cycles, relate
from faultray_action.model.diagnostic import Diagnostic, Severity
from faultray_action.model.outcome import Health
from faultray_action.model.scenario import Scenario, WhatIf, WhatIfKind
from faultray_action.model.topology import Role, Topology


def cold_start_cycles(topology: Topology) -> tuple[tuple[str, ...], ...]:
    """Components that wait for each other when everything is started at once, each cycle sorted; () where a cold start succeeds.

    A component starts once every start-up need of it serves; it serves once it has started and what it needs serves. Needs alone may form a
    cycle (both start, then both serve); a cycle with a start-up need in it stays down. What only waits for such a cycle is not listed.
    """
    starting: dict[str, list[str]] = {}
    for edge in topology.dependencies:
        if edge.role is Role.STARTUP and not edge.broken and edge.source in topology.components and edge.target in topology.components:
            starting.setdefault(edge.source, []).append(edge.target)
    return _cycles_among(topology, _stuck(topology, starting), starting) if starting else ()


def warn_of_cold_start(topology: Topology) -> tuple[Diagnostic, ...]:
    """One warning a cycle: it changes no number, the system runs until it is once down as a whole."""
    return tuple(
        Diagnostic(
            Severity.WARNING,
            "cold-start-cycle",
            f"{', '.join(f'`{address}`' for address in cycle)} need each other to start: once all are down none comes up before the others, "
            "so make one of these start-up needs optional.",
            cycle[0],
        )
        for cycle in cold_start_cycles(topology)
    )


def _stuck(topology: Topology, starting: dict[str, list[str]]) -> list[str]:
    """What never starts, by rounds: whoever has what it needs to start does so."""
    relation = relate(topology)
    waiting = list(starting)
    while True:
        off = tuple(WhatIf(WhatIfKind.ALL_COPIES, address) for address in waiting)
        health = run(topology, Scenario("", "cold-start", (), off), relation=relation).health
        still = [address for address in waiting if any(health.get(target) is Health.DOWN for target in starting[address])]
        if len(still) == len(waiting):
            return still
        waiting = still


def _cycles_among(topology: Topology, stuck: list[str], starting: dict[str, list[str]]) -> tuple[tuple[str, ...], ...]:
    """Among what serves only when the stuck ones do, the cycles that hold a start-up need."""
    off = tuple(WhatIf(WhatIfKind.ALL_COPIES, address) for address in stuck)
    health = run(topology, Scenario("", "cold-start", (), off)).health
    names = [address for address in topology.components if health.get(address) is Health.DOWN]
    number = {address: index for index, address in enumerate(names)}
    ends = [
        (e.source, e.target) for e in topology.dependencies if e.role in (Role.NEED, Role.STARTUP) and {e.source, e.target} <= number.keys()
    ]
    cycle_of = cycles(len(names), [(number[source], number[target]) for source, target in ends])
    closed = {cycle_of[number[s]] for s in stuck for t in starting[s] if t in number and cycle_of[number[s]] == cycle_of[number[t]]}
    return tuple(sorted(tuple(sorted(name for name in names if cycle_of[number[name]] == each)) for each in closed))
