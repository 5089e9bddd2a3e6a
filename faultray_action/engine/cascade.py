"""One scenario, transition by transition: the labelled transition system of docs/model.md.

A component that rises tells its callers over each edge, after the time that edge takes to notice; a caller takes the join of what it has been
told. Messages are handled in order of (time, depth, counter): deterministic, and by confluence any fair order would end in the same outcome.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import IntEnum
from typing import NamedTuple

from msgspec import Struct

from faultray_action.engine.calls import (
    SLACK,
    Call,
    late,
    own_time,
    place_call,
    pool_exhausted,
    share_of,
    slowest,
    steps_carried,
    times,
    transferred,
)
from faultray_action.engine.injection import Injection, inject
from faultray_action.engine.relation import Edge, Relation, relate
from faultray_action.engine.states import LOAD_LADDER, climb, transfer_of_group
from faultray_action.model.outcome import Health
from faultray_action.model.scenario import EDGE_ARROW, Scenario
from faultray_action.model.topology import Role, Topology
from faultray_action.model.trace import Carrier, Rule, Trace, Transition

DelayOf = Callable[[Edge, Health], float]
"""Seconds until the caller notices over an edge that its target is in a health."""


def run(
    topology: Topology,
    scenario: Scenario,
    *,
    max_depth: int | None = None,
    outage_seconds: float | None = None,
    relation: Relation | None = None,
    delay_of: DelayOf | None = None,
) -> Trace:
    """Runs one scenario and says what rose, when, and why.

    Without load or latency what-ifs a component is down exactly where the structure function says so. `outage_seconds` is how long the
    injected faults last: async buffers shorter than that are spent and their edges become needs (default: buffers hold, as in the structure
    function; a buffer of 0 s is none declared and never spent). `max_depth` cuts cascades that are deeper, and the trace says so
    (`truncated`). `relation` is `relate(topology)`, for who runs many scenarios; `delay_of` replaces the time model, on which the fixpoint
    does not depend. Faults and targets that are not in the topology have no effect: ids are shared by both sides of a change.
    """
    relation = relation or relate(topology)
    return _Run(relation, inject(relation, scenario), max_depth, outage_seconds, delay_of or notice_seconds).trace(scenario)


def notice_seconds(edge: Edge, health: Health) -> float:
    """The call's own latency and, where the target answers no more, the timeouts of all tries; a breaker does not wait for them."""
    call = edge.dependency
    tries = 0 if call.breaker or health < Health.OVERLOADED else 1 + call.retries
    return (call.latency_ms + tries * (edge.timeout_ms or 0.0)) / 1000.0


class _Kind(IntEnum):
    TOLD = 0
    LOADED = 1
    SPENT = 2


class _Message(NamedTuple):
    """Ordered by the first three; `counter` is unique."""

    time: float
    depth: int
    counter: int
    parent: int
    kind: _Kind
    edge: int
    health: Health
    latency_ms: float
    load: int
    events: tuple[str, ...]


class _When(Struct, frozen=True):
    """When a step happens and which step causes it."""

    time: float = 0.0
    depth: int = 0
    parent: int = -1
    events: tuple[str, ...] = ()


class _Rise(Struct, frozen=True):
    health: Health
    rule: Rule
    cause: int = -1


AT_REST = "at rest"
"""Stands among the events of a step that needs none: the component is late, exhausted or overloaded as it is declared."""

_OWN_RULES = frozenset({Rule.COPIES, Rule.WHAT_IF, Rule.DEPLOY, Rule.FAILOVER_BLOCKED})


class _Run:
    """The state of one run. `told_*` is what each caller knows of its target, edge by edge; `own_health` leaves out what is inherited."""

    def __init__(
        self, relation: Relation, injection: Injection, max_depth: int | None, outage_seconds: float | None, delay_of: DelayOf
    ) -> None:
        size = len(relation.addresses)
        self.relation = relation
        self.injection = injection
        self.max_depth = math.inf if max_depth is None else max_depth
        self.outage = 0.0 if outage_seconds is None else outage_seconds
        self.delay_of = delay_of
        self.health = [Health.HEALTHY] * size
        self.own_health = [Health.HEALTHY] * size
        self.latency = list(relation.rest_ms)
        self.load = [0] * size
        self.told_health = [Health.HEALTHY] * len(relation.edges)
        self.told_ms = [edge.base_ms - edge.dependency.latency_ms for edge in relation.edges]
        self.sent_load = [0] * len(relation.edges)
        self.carried_steps: dict[int, int] = {}
        self.spent: set[int] = set()
        self.messages: list[_Message] = []
        self.transitions: list[Transition] = []
        self.counter = 0
        self.edge_steps = 0
        self.truncated = False

    def trace(self, scenario: Scenario) -> Trace:
        self._start()
        while self.messages:
            self._deliver(heapq.heappop(self.messages))
        names, rest = self.relation.addresses, self.relation.rest_ms
        health_of = {entry.address: self.health[self.relation.vertex_of[entry.component]] for entry in self.relation.topology.entries}
        return Trace(
            scenario=scenario,
            transitions=tuple(self.transitions),
            health={names[v]: health for v, health in enumerate(self.health) if health},
            latency_ms={names[v]: ms for v, ms in enumerate(self.latency) if ms > rest[v] + SLACK},
            load={names[v]: LOAD_LADDER[step] for v, step in enumerate(self.load) if step},
            entries_down=tuple(address for address, health in health_of.items() if health is Health.DOWN),
            entries_failing=tuple(address for address, health in health_of.items() if health >= Health.OVERLOADED),
            carriers=tuple(self._carriers()),
            hidden=tuple(self._hidden()),
            truncated=self.truncated,
            edge_steps=self.edge_steps,
        )

    def _start(self) -> None:
        """Everything that holds at time 0: lost copies, forced healths, needs that nothing can meet, injected load and latency."""
        touched = dict.fromkeys(self.relation.uneasy)
        for vertex, (rise, events) in self._injected().items():
            touched[vertex] = None
            self._raise(vertex, rise, _When(events=events))
        for edge in self.relation.edges:
            if edge.severed:
                self._inherit(edge, _When())
        for group in self.relation.groups:
            if group.needed > len(group.edges):
                self._inherit(self.relation.edges[group.edges[0]], _When())
        if self.injection.runtime:
            self._start_runtime(touched)

    def _start_runtime(self, touched: dict[int, None]) -> None:
        for vertex, (step, event) in sorted(self.injection.traffic.items()):
            touched[vertex] = None
            if step > self.load[vertex]:
                self.load[vertex] = step
                self._record(vertex, self.health[vertex], Rule.TRAFFIC, -1, _When(events=(event,)))
        touched.update(dict.fromkeys(self.injection.slowed))
        touched.update((self.relation.edges[index].source, None) for index in sorted(self.injection.timed_out))
        touched.update(dict.fromkeys(v for fault in sorted(self.injection.lost) for v in self.relation.hit_by.get(fault, ())))
        touched.update(dict.fromkeys(self.injection.deployed))
        for vertex in sorted(touched):
            self._settle(vertex, _When(parent=self._last_step(vertex), events=self._late_events(vertex)))

    def _late_events(self, vertex: int) -> tuple[str, ...]:
        """What makes a component late at time 0: what-ifs on it or on its calls, else the way it is declared."""
        slowed = [self.injection.slowed[vertex][1]] if vertex in self.injection.slowed else []
        timed_out = [index for index in self.relation.calls[vertex] if index in self.injection.timed_out]
        found = (*slowed, *dict.fromkeys(self.injection.timed_out[index] for index in timed_out))
        return found or (AT_REST,)

    def _last_step(self, vertex: int) -> int:
        address = self.relation.addresses[vertex]
        return next((step.step for step in reversed(self.transitions) if step.component == address), -1)

    def _injected(self) -> Mapping[int, tuple[_Rise, tuple[str, ...]]]:
        found: dict[int, tuple[_Rise, tuple[str, ...]]] = {vertex: (_Rise(Health.DOWN, Rule.COPIES), ()) for vertex in self.relation.dead}
        hit: dict[int, list[str]] = {}
        for fault in sorted(self.injection.lost):
            for vertex in self.relation.hit_by.get(fault, ()):
                hit.setdefault(vertex, []).append(fault)
        for vertex, event in self.injection.deployed.items():
            hit.setdefault(vertex, []).append(event)
        for vertex, events in sorted(hit.items()):
            rule = self._local_rule(vertex)
            if rule is not None:
                found.setdefault(vertex, (_Rise(Health.DOWN, rule), tuple(events)))
        for vertex, (health, event) in self.injection.forced.items():
            if health and (vertex not in found or found[vertex][0].health < health):
                found[vertex] = (_Rise(health, Rule.WHAT_IF), (event,))
        return dict(sorted(found.items()))

    def _local_rule(self, vertex: int) -> Rule | None:
        component, lost = self.relation.components[vertex], self.injection.lost
        up = self.relation.copies_up(vertex, lost)
        if up < component.needed:
            return Rule.COPIES
        if vertex in self.injection.deployed and component.copies and 0 < component.needed > up - 1:
            return Rule.DEPLOY
        primary_lost = bool(component.copies) and not lost.isdisjoint(component.copies[0].faults)
        if self.injection.control_plane_down and component.gaps and component.needed > 0 and primary_lost:
            return Rule.FAILOVER_BLOCKED
        return None

    def _deliver(self, message: _Message) -> None:
        self.edge_steps += 1
        edge = self.relation.edges[message.edge]
        when = _When(message.time, message.depth, message.parent, message.events)
        if message.kind is _Kind.LOADED:
            self._take_load(edge, message.load, when)
            return
        before = self.told_health[edge.index], self.told_ms[edge.index]
        if message.kind is _Kind.SPENT:
            self.spent.add(edge.index)
        self.told_health[edge.index] = max(before[0], message.health)
        self.told_ms[edge.index] = max(before[1], message.latency_ms)
        if message.depth <= self.max_depth:
            self._inherit(edge, when)
            if self.injection.runtime:
                self._settle(edge.source, when)
            return
        self.truncated = self.truncated or self._would_rise(edge)
        self.told_health[edge.index], self.told_ms[edge.index] = before
        self.spent.discard(edge.index)

    def _would_rise(self, edge: Edge) -> bool:
        if self._carried(edge).health > self.health[edge.source]:
            return True
        if not self.injection.runtime:
            return False
        calls = self._calls(edge.source)
        return self._runtime_rise(edge.source, calls, *times(self.relation, self.injection, edge.source, calls)) is not None

    def _inherit(self, edge: Edge, when: _When) -> None:
        """Joins what an edge, or its group, carries to its source."""
        rise = self._carried(edge)
        if rise.health > self.health[edge.source]:
            self._raise(edge.source, rise, when)

    def _carried(self, edge: Edge) -> _Rise:
        health, rule = self._transferred(edge)
        if edge.group < 0:
            return _Rise(health, rule, edge.target)
        group = self.relation.groups[edge.group]
        members = (self._transferred(self.relation.edges[member])[0] for member in group.edges)
        return _Rise(transfer_of_group(group.transfer, members, group.needed), Rule.ALTERNATIVES, edge.target)

    def _transferred(self, edge: Edge) -> tuple[Health, Rule]:
        return transferred(edge, self.told_health[edge.index], self.injection, edge.index in self.spent)

    def _raise(self, vertex: int, rise: _Rise, when: _When) -> int:
        before = self.health[vertex]
        self.health[vertex] = max(before, rise.health)
        if rise.rule in _OWN_RULES:
            self.own_health[vertex] = max(self.own_health[vertex], rise.health)
        step = self._record(vertex, before, rise.rule, rise.cause, when)
        self._tell_callers(vertex, _When(when.time, when.depth, step))
        return step

    def _tell_callers(self, vertex: int, when: _When) -> None:
        for index in self.relation.incoming[vertex]:
            edge = self.relation.edges[index]
            health = self.own_health[vertex] if edge.dependency.local_only else self.health[vertex]
            latency = self._told_ms(vertex, edge)
            if health <= self.told_health[index] and latency <= self.told_ms[index] + SLACK:
                continue
            self._send(_Kind.TOLD, edge, when, self.delay_of(edge, health), health, latency)
            buffer = edge.dependency.buffer_seconds
            if edge.dependency.role is Role.ASYNC and health is Health.DOWN and 0.0 < buffer < self.outage:
                self._send(_Kind.SPENT, edge, when, buffer, health, latency)

    def _told_ms(self, vertex: int, edge: Edge) -> float:
        own_only = edge.dependency.local_only or (edge.inside and self.latency[vertex] < math.inf)
        return own_time(self.relation, self.injection, vertex) if own_only else self.latency[vertex]

    def _send(
        self, kind: _Kind, edge: Edge, when: _When, delay: float, health: Health = Health.HEALTHY, latency_ms: float = 0.0, load: int = 0
    ) -> None:
        self.counter += 1
        events = when.events if when.parent < 0 else ()
        message = (when.time + delay, when.depth + 1, self.counter, when.parent, kind, edge.index, health, latency_ms, load, events)
        heapq.heappush(self.messages, _Message(*message))

    def _record(self, vertex: int, before: Health, rule: Rule, cause: int, when: _When) -> int:
        names = self.relation.addresses
        self.transitions.append(
            Transition(
                step=len(self.transitions),
                parent=when.parent,
                time_seconds=when.time,
                depth=when.depth,
                component=names[vertex],
                before=before,
                after=self.health[vertex],
                rule=rule,
                cause=names[cause] if cause >= 0 else "",
                events=when.events,
                latency_ms=self.latency[vertex],
                load=LOAD_LADDER[self.load[vertex]],
            )
        )
        return len(self.transitions) - 1

    def _settle(self, vertex: int, when: _When) -> None:
        """Load, waiting and latency of one component, from what it has been told; then the load it passes on."""
        calls = self._calls(vertex)
        held, answer = times(self.relation, self.injection, vertex, calls)
        rise = self._runtime_rise(vertex, calls, held, answer)
        alone = self.own_health[vertex] < Health.OVERLOADED and self._overloaded(vertex)
        if alone:
            self.own_health[vertex] = Health.OVERLOADED
        if rise is not None:
            self.latency[vertex] = max(self.latency[vertex], answer)
            when = _When(when.time, when.depth, self._raise(vertex, rise, when))
        elif alone:
            self._tell_callers(vertex, when)
        self._pass_load(vertex, calls, when)

    def _overloaded(self, vertex: int) -> bool:
        if vertex not in self.carried_steps:
            self.carried_steps[vertex] = steps_carried(self.relation, self.injection, vertex)
        return self.load[vertex] > self.carried_steps[vertex]

    def _calls(self, vertex: int) -> dict[int, Call]:
        edges = (self.relation.edges[index] for index in self.relation.calls[vertex])
        return {edge.index: self._call(edge) for edge in edges}

    def _call(self, edge: Edge) -> Call:
        return place_call(edge, self.told_health[edge.index], self.told_ms[edge.index], self.injection)

    def _runtime_rise(self, vertex: int, calls: Mapping[int, Call], held_ms: float, answer_ms: float) -> _Rise | None:
        """The highest of what load and latency do to a component; None where nothing rises."""
        rises = list(self._late(vertex, calls)) if any(call.timed_out for call in calls.values()) else []
        if self._overloaded(vertex):
            rises.append(_Rise(Health.OVERLOADED, Rule.OVERLOAD))
        if pool_exhausted(self.relation, vertex, self.load[vertex], held_ms):
            rises.append(_Rise(Health.DOWN, Rule.POOL, slowest(self.relation.edges, calls)))
        highest = max(rises, key=lambda rise: rise.health, default=None)
        if highest is not None and highest.health > self.health[vertex]:
            return highest
        slower = answer_ms > self.latency[vertex] + SLACK
        return _Rise(self.health[vertex], Rule.SLOW, slowest(self.relation.edges, calls)) if slower else None

    def _late(self, vertex: int, calls: Mapping[int, Call]) -> Iterator[_Rise]:
        """Timeouts, alone and in alternative groups."""
        edges = self.relation.edges
        carried = {index: late(edges[index], call, self._transferred(edges[index])[0]) for index, call in calls.items()}
        for index, health in carried.items():
            if health and edges[index].group < 0 and calls[index].timed_out:
                yield _Rise(health, Rule.BREAKER if calls[index].shielded else Rule.TIMEOUT, edges[index].target)
        for number in self.relation.groups_of[vertex]:
            group = self.relation.groups[number]
            health = transfer_of_group(group.transfer, (carried[index] for index in group.edges), group.needed)
            yield _Rise(health, Rule.ALTERNATIVES, edges[group.edges[0]].target)

    def _pass_load(self, vertex: int, calls: Mapping[int, Call], when: _When) -> None:
        if not self.load[vertex] and not any(call.fails for call in calls.values()):
            return
        for index, call in calls.items():
            edge = self.relation.edges[index]
            tries = 1 + edge.dependency.retries if call.fails and not call.shielded else 1
            step = climb(LOAD_LADDER[self.load[vertex]] * tries * share_of(self.relation, edge, calls))
            if edge.target >= 0 and step > self.sent_load[index]:
                self.sent_load[index] = step
                self._send(_Kind.LOADED, edge, when, 0.0, load=step)

    def _take_load(self, edge: Edge, load: int, when: _When) -> None:
        if load <= self.load[edge.target]:
            return
        if when.depth > self.max_depth:
            self.truncated = True
            return
        self.load[edge.target] = load
        rule = Rule.TRAFFIC if load <= self.load[edge.source] else Rule.RETRIES if edge.group < 0 else Rule.ALTERNATIVES
        step = self._record(edge.target, self.health[edge.target], rule, edge.source, when)
        self._settle(edge.target, _When(when.time, when.depth, step))

    def _carriers(self) -> Iterator[Carrier]:
        names = self.relation.addresses
        for edge in self._concerned():
            health, rule = self._transferred(edge)
            if self.injection.runtime and edge.calls:
                health, rule = max((health, rule), (late(edge, self._call(edge), health), Rule.TIMEOUT), key=lambda pair: pair[0])
            if health:
                masked = edge.group >= 0 and self.health[edge.source] < health
                yield Carrier(names[edge.source], edge.dependency.target, rule, health, masked)

    def _concerned(self) -> Iterable[Edge]:
        """Edges from or to what has risen, in the topology's order."""
        risen = {self.relation.vertex_of[step.component] for step in self.transitions}
        found = {index for vertex in risen for index in (*self.relation.incoming[vertex], *self.relation.outgoing[vertex])}
        return (self.relation.edges[index] for index in sorted(found))

    def _hidden(self) -> Iterator[tuple[str, float]]:
        for edge in self._concerned():
            call = edge.dependency
            waits = call.role is Role.ASYNC and call.buffer_seconds > 0.0 and edge.index not in self.spent
            if waits and self.told_health[edge.index] is Health.DOWN:
                yield call.source + EDGE_ARROW + call.target, call.buffer_seconds
