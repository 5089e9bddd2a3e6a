"""What a scenario does to one side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from faultray_action.engine.relation import Relation
from faultray_action.engine.states import climb
from faultray_action.model.errors import InputError
from faultray_action.model.outcome import Health
from faultray_action.model.scenario import EDGE_ARROW, AgentFault, Scenario, WhatIf, WhatIfKind


class Injection(Struct, frozen=True):
    """What a scenario does to one side, in vertices and edges; what names nothing on this side is left out.

    `forced` joins a health to a vertex, with the what-if that says so; `timed_out` and `breakers_off` are edges. `runtime`: load and latency run.
    """

    lost: frozenset[str] = frozenset()
    forced: Mapping[int, tuple[Health, str]] = {}
    deployed: Mapping[int, str] = {}
    control_plane_down: bool = False
    traffic: Mapping[int, tuple[int, str]] = {}
    slowed: Mapping[int, tuple[float, str]] = {}
    timed_out: Mapping[int, str] = {}
    breakers_off: Mapping[int, str] = {}
    runtime: bool = False


def inject(relation: Relation, scenario: Scenario) -> Injection:
    """Reads a scenario against one side.

    - all-copies: the component is down. deploy: its copies are replaced one at a time, so one is missing and its start-up needs are needs.
    - control-plane: nothing that runs stops, but a component that fails over keeps serving only while its first copy does.
    - traffic: load factor of a component, or of every entry; latency: own time of a component times the factor; timeout: every call over the
      edge times out; breaker-off: the edge's breaker does not open; agent: the health of `AgentFault.health`.
    """
    forced: dict[int, tuple[Health, str]] = {}
    traffic: dict[int, tuple[int, str]] = {}
    slowed: dict[int, tuple[float, str]] = {}
    for what_if in scenario.what_ifs:
        for vertex in _targets(relation, what_if):
            if what_if.kind is WhatIfKind.TRAFFIC:
                traffic[vertex] = max(traffic.get(vertex, (0, "")), (climb(max(what_if.level, 1.0)), str(what_if)))
            elif what_if.kind is WhatIfKind.LATENCY:
                slowed[vertex] = max(slowed.get(vertex, (1.0, "")), (max(what_if.level, 1.0), str(what_if)))
            else:
                health = Health.DOWN if what_if.kind is WhatIfKind.ALL_COPIES else _agent_health(what_if)
                forced[vertex] = max(forced.get(vertex, (Health.HEALTHY, "")), (health, str(what_if)))
    deployed = {what_if.target: str(what_if) for what_if in scenario.what_ifs if what_if.kind is WhatIfKind.DEPLOY}
    return Injection(
        lost=frozenset(scenario.faults),
        forced=forced,
        deployed={relation.vertex_of[address]: text for address, text in sorted(deployed.items()) if address in relation.vertex_of},
        control_plane_down=any(what_if.kind is WhatIfKind.CONTROL_PLANE for what_if in scenario.what_ifs),
        traffic=traffic,
        slowed=slowed,
        timed_out=_edges_named(relation, scenario, WhatIfKind.TIMEOUT),
        breakers_off=_edges_named(relation, scenario, WhatIfKind.BREAKER_OFF),
        runtime=not scenario.structural,
    )


_ON_COMPONENTS = (WhatIfKind.ALL_COPIES, WhatIfKind.TRAFFIC, WhatIfKind.LATENCY, WhatIfKind.AGENT)


def _targets(relation: Relation, what_if: WhatIf) -> Sequence[int]:
    if what_if.kind not in _ON_COMPONENTS:
        return ()
    if what_if.target:
        return (relation.vertex_of[what_if.target],) if what_if.target in relation.vertex_of else ()
    if what_if.kind is WhatIfKind.TRAFFIC:
        return tuple(dict.fromkeys(relation.vertex_of[entry.component] for entry in relation.topology.entries))
    return range(len(relation.addresses))


def _agent_health(what_if: WhatIf) -> Health:
    try:
        return AgentFault(what_if.detail).health
    except ValueError as error:
        raise InputError(f"`{what_if.detail}` is no fault of an agent: use one of {', '.join(AgentFault)}") from error


def _edges_named(relation: Relation, scenario: Scenario, kind: WhatIfKind) -> Mapping[int, str]:
    names = {what_if.target: str(what_if) for what_if in scenario.what_ifs if what_if.kind is kind}
    if not names:
        return {}
    ends = ((edge.index, edge.dependency.source + EDGE_ARROW + edge.dependency.target) for edge in relation.edges)
    return {index: names[name] for index, name in ends if name in names}
