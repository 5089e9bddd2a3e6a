"""What every single failure takes with it, for a reader who asks "and if this one fails?"."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from faultray_action.engine.cascade import run
from faultray_action.engine.compiled import Compiled, compile_topology
from faultray_action.engine.relation import relate
from faultray_action.engine.sweep import Row, positions, sweep_vertices
from faultray_action.model.component import FaultClass
from faultray_action.model.outcome import Health
from faultray_action.model.picture import Ripple, Visit
from faultray_action.model.scenario import Scenario, WhatIf, WhatIfKind, scenario_id
from faultray_action.model.topology import Topology
from faultray_action.model.trace import Trace, Transition

TRACED = 300
"""Failures of a side that are traced step by step; of a larger side the rest is swept at once."""

_DOMAINS = (FaultClass.ZONE, FaultClass.REGION, FaultClass.SERVICE, FaultClass.VENDOR)


def ripples(topology: Topology, shown: Collection[str], traced: int = TRACED) -> tuple[Ripple, ...]:
    """First what is down with no failure at all, then one ripple for each shared domain (zone, region, provider service, vendor) and for each
    component of `shown`.

    All are swept at once; then those that reach most are traced, at most `traced` of them, domains first. Visits hold components of `shown`
    only: a step through others is told of the one before.
    """
    asked = (*_domain_scenarios(topology), *(_component_scenario(address) for address in topology.components if address in shown))
    if not asked:
        return ()
    compiled, relation = compile_topology(topology), relate(topology)
    down = _swept(compiled, asked)
    rest = run(topology, Scenario("", "page"), relation=relation)
    chosen = _worth_tracing(asked, down, traced)
    return _traced(rest, ("rest", ""), shown, None), *(
        _traced(run(topology, scenario, relation=relation), what, shown, rest)
        if index in chosen
        else _untraced(topology, scenario, what, down[index], shown)
        for index, (scenario, what) in enumerate(asked)
    )


_What = tuple[str, str]
_Asked = tuple[Scenario, _What]


def _domain_scenarios(topology: Topology) -> tuple[_Asked, ...]:
    faults = [fault for fault in topology.faults.values() if not fault.address and fault.fault_class in _DOMAINS]
    faults.sort(key=lambda fault: (_DOMAINS.index(fault.fault_class), fault.id))
    return tuple((Scenario(fault.id, "page", (fault.id,)), (fault.fault_class.value, fault.domain or fault.id)) for fault in faults)


def _component_scenario(address: str) -> _Asked:
    what_ifs = (WhatIf(WhatIfKind.ALL_COPIES, address),)
    return Scenario(scenario_id((), what_ifs), "page", (), what_ifs), ("component", address)


def _swept(compiled: Compiled, asked: Sequence[_Asked]) -> list[tuple[str, ...]]:
    """What goes down in each scenario beyond what is down at rest."""
    rows = [Row(()), *(_row(compiled, scenario) for scenario, _ in asked)]
    found: list[list[str]] = [[] for _ in asked]
    vertices = range(len(compiled.topology.components))
    for vertex, bits in zip(vertices, sweep_vertices(compiled, rows, vertices), strict=True):
        for position in positions(bits >> 1) if not bits & 1 else ():
            found[position].append(compiled.addresses[vertex])
    return [tuple(addresses) for addresses in found]


def _row(compiled: Compiled, scenario: Scenario) -> Row:
    """A component that fails takes its shadow along: what needs its own copies only misses them too."""
    forced = [vertex for what_if in scenario.what_ifs for vertex in compiled.vertices_of(what_if.target)]
    return Row(tuple(compiled.event_of[fault] for fault in scenario.faults), tuple(forced))


def _worth_tracing(asked: Sequence[_Asked], down: Sequence[tuple[str, ...]], limit: int) -> frozenset[int]:
    if len(asked) <= limit:
        return frozenset(range(len(asked)))
    ranked = sorted(range(len(asked)), key=lambda index: (asked[index][1][0] == "component", -len(down[index]), index))
    return frozenset(ranked[:limit])


def _traced(trace: Trace, what: _What, shown: Collection[str], rest: Trace | None) -> Ripple:
    """The trace beyond what rest already shows; all of it where that is None."""
    resting: Mapping[str, Health] = rest.health if rest else {}
    worst: dict[str, Transition] = {}
    for step in trace.transitions:
        if step.after > step.before and step.after > resting.get(step.component, Health.HEALTHY):
            worst[step.component] = step
    ordered = sorted((step for step in worst.values() if step.component in shown), key=lambda step: step.step)
    visits = (Visit(s.component, s.after, s.time_seconds, _shown_cause(trace, s, shown), s.rule.value) for s in ordered)
    entries = tuple(address for address in trace.entries_down if rest is None or address not in rest.entries_down)
    return Ripple(trace.scenario.id, *what, tuple(visits), entries)


def _shown_cause(trace: Trace, step: Transition, shown: Collection[str]) -> str:
    """The nearest component on the way back to the injection that a reader sees."""
    while step.parent >= 0:
        step = trace.transitions[step.parent]
        if step.component in shown:
            return step.component
    return ""


def _untraced(topology: Topology, scenario: Scenario, what: _What, down: Iterable[str], shown: Collection[str]) -> Ripple:
    gone = frozenset(down)
    visits = tuple(Visit(address, Health.DOWN) for address in topology.components if address in gone and address in shown)
    entries = tuple(entry.address for entry in topology.entries if entry.component in gone)
    return Ripple(scenario.id, *what, visits, entries, traced=False)
