"""How many scenarios leave every entry serving: thousands at once, with the same meaning as one run of the cascade each.

An entry fails in a scenario where it ends down or overloaded (P(fail) = 1 for both). The structural what-ifs are masks on the structure
function; traffic is a thermometer of masks per component (one per step of the load ladder), raised until nothing rises any more. Latency is
no yes-or-no question: where it can decide (pools, or timeouts together with retries, alternatives or breakers without a fallback), scenarios
that still survive are run one by one through the cascade. A deferred entry does not see what it rides out (`engine.sweep.hidden_from`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from faultray_action.engine.cascade import run
from faultray_action.engine.compiled import Compiled
from faultray_action.engine.injection import Injection, inject
from faultray_action.engine.relation import Edge, Group, Relation, capacity_of, demand_of, relate
from faultray_action.engine.states import LOAD_LADDER, Transfer, climb
from faultray_action.engine.structure import evaluate, more_than
from faultray_action.engine.sweep import hidden_from, positions
from faultray_action.model.component import Component, FaultClass
from faultray_action.model.outcome import Health, SweepSummary
from faultray_action.model.scenario import Scenario, ScenarioSet, WhatIf
from faultray_action.model.topology import EntryPoint, Role

_SLACK = 1e-9
STEPS = len(LOAD_LADDER)


def summarise(compiled: Compiled, scenarios: ScenarioSet) -> SweepSummary:
    """How many scenarios leave every entry serving, in all and by stratum."""
    by_entry = failing(compiled, scenarios.scenarios)
    failed = 0
    for bits in by_entry.values():
        failed |= bits
    return SweepSummary(
        total=len(scenarios.scenarios),
        survived=len(scenarios.scenarios) - failed.bit_count(),
        by_stratum=_by_stratum(scenarios.scenarios, failed),
        dropped=scenarios.dropped,
        covered_mass=scenarios.covered_mass,
        failing=by_entry,
    )


def failing(compiled: Compiled, scenarios: Sequence[Scenario]) -> dict[str, int]:
    """Entry address -> integer, bit s set where scenario s leaves it down or overloaded.

    What a side does not have cannot fail there: faults and targets that the topology does not know have no effect.
    """
    relation = relate(compiled.topology)
    asked = _ask(compiled, relation, scenarios)
    delicate = _latency_decides(relation)
    found: dict[str, int] = {}
    for hidden, entries in _by_hidden(compiled.topology.entries, compiled).items():
        parallel = _Parallel(compiled, relation, asked, hidden)
        failed = parallel.failed()
        undecided = (asked.runtime if delicate else 0) | asked.odd
        seen = [compiled.vertex_of[entry.component] for entry in entries]
        left = 0
        for vertex in seen:
            left |= undecided & ~failed[vertex]
        alone = _one_by_one(relation, scenarios, positions(left), hidden) if left else {}
        for entry, vertex in zip(entries, seen, strict=True):
            found[entry.address] = failed[vertex] | alone.get(entry.address, 0)
    return {entry.address: found[entry.address] for entry in compiled.topology.entries}


def _by_stratum(scenarios: Sequence[Scenario], failed: int) -> tuple[tuple[str, int, int], ...]:
    masks: dict[str, int] = {}
    bit = 1
    for scenario in scenarios:
        masks[scenario.stratum] = masks.get(scenario.stratum, 0) | bit
        bit <<= 1
    return tuple((stratum, mask.bit_count(), (mask & ~failed).bit_count()) for stratum, mask in sorted(masks.items()))


def _by_hidden(entries: Iterable[EntryPoint], compiled: Compiled) -> Mapping[frozenset[str], list[EntryPoint]]:
    groups: dict[frozenset[str], list[EntryPoint]] = {}
    for entry in entries:
        groups.setdefault(hidden_from(entry, compiled.topology.faults.values()), []).append(entry)
    return groups


@dataclass(slots=True)
class _Asked:
    """All scenarios as masks, by what happens in them. `odd`: what-ifs that masks cannot express; `runtime`: load and latency run."""

    every: int
    faults: dict[str, int] = field(default_factory=dict)
    down: dict[int, int] = field(default_factory=dict)
    overloaded: dict[int, int] = field(default_factory=dict)
    deployed: dict[int, int] = field(default_factory=dict)
    control_plane: int = 0
    traffic: dict[tuple[int, int], int] = field(default_factory=dict)
    timed_out: dict[int, int] = field(default_factory=dict)
    breaker_off: dict[int, int] = field(default_factory=dict)
    runtime: int = 0
    odd: int = 0


def _ask(compiled: Compiled, relation: Relation, scenarios: Sequence[Scenario]) -> _Asked:
    asked = _Asked((1 << len(scenarios)) - 1)
    questions: dict[int, tuple[tuple[WhatIf, ...], int]] = {}
    bit = 1
    for scenario in scenarios:
        for fault in scenario.faults:
            asked.faults[fault] = asked.faults.get(fault, 0) | bit
        if scenario.what_ifs:
            key = id(scenario.what_ifs)
            questions[key] = (scenario.what_ifs, questions[key][1] | bit if key in questions else bit)
        bit <<= 1
    for what_ifs, mask in questions.values():
        _note(asked, relation, inject(relation, Scenario("", "", (), what_ifs)), mask)
    return asked


def _note(asked: _Asked, relation: Relation, injection: Injection, mask: int) -> None:
    for vertex, (health, _) in injection.forced.items():
        if health >= Health.OVERLOADED:
            _add(asked.down if health is Health.DOWN else asked.overloaded, vertex, mask)
    for vertex in injection.deployed:
        _add(asked.deployed, vertex, mask)
    for vertex, (step, _) in injection.traffic.items():
        _add(asked.traffic, (vertex, step), mask)
    for edge in injection.timed_out:
        _add(asked.timed_out, edge, mask)
        asked.odd |= mask if relation.edges[edge].group >= 0 else 0
    for edge in injection.breakers_off:
        _add(asked.breaker_off, edge, mask)
        asked.odd |= mask if relation.edges[edge].group >= 0 else 0
    asked.control_plane |= mask if injection.control_plane_down else 0
    if injection.runtime:
        asked.runtime |= mask
        asked.odd |= mask if any(_unequal(relation, group) for group in relation.groups) else 0


def _add(masks: dict[int, int] | dict[tuple[int, int], int], key: int | tuple[int, int], mask: int) -> None:
    masks[key] = masks.get(key, 0) | mask  # type: ignore[index, arg-type]


def _unequal(relation: Relation, group: Group) -> bool:
    """Members of different weight: which of them fails matters, not only how many. Masks then leave the shift of load out."""
    return len({relation.edges[edge].dependency.weight for edge in group.edges}) > 1


def _latency_decides(relation: Relation) -> bool:
    """Whether a slow answer can take anything down or raise load; where it only degrades, it needs no second look."""
    if any(component.runtime.pool is not None for component in relation.components):
        return True
    called = [edge for edge in relation.edges if edge.calls]
    sharp = any(edge.dependency.retries or edge.group >= 0 or (edge.dependency.breaker and not edge.dependency.fallback) for edge in called)
    return sharp and any(edge.timeout_ms is not None for edge in called)


class _Parallel:
    """One pass over all scenarios, seen without some faults. Vertices below the number of components are shared with the relation."""

    def __init__(self, compiled: Compiled, relation: Relation, asked: _Asked, hidden: frozenset[str]) -> None:
        self.compiled = compiled
        self.relation = relation
        self.asked = asked
        faults = {id: mask for id, mask in asked.faults.items() if id not in hidden}
        self.events = [faults.get(id, 0) for id in compiled.events]
        self.copies = [self._copies(vertex) for vertex in range(len(relation.components))]
        self.counts = [_counts(component) for component in relation.components]
        first = len(relation.components)
        self.shadow_of = {compiled.vertex_of[address]: first + index for index, address in enumerate(compiled.addresses[first:])}

    def _copies(self, vertex: int) -> list[int]:
        """Per copy, the scenarios that take it."""
        topology, event_of = self.compiled.topology, self.compiled.event_of
        masks = []
        for copy in self.relation.components[vertex].copies:
            mask = 0
            for fault in copy.faults:
                if topology.faults[fault].fault_class is not FaultClass.GAP:
                    mask |= self.events[event_of[fault]]
            masks.append(mask)
        return masks

    def failed(self) -> list[int]:
        """Per vertex, the scenarios that leave it down or overloaded."""
        down = self._down()
        failed = list(down)
        for vertex, mask in self.asked.overloaded.items():
            self._fail(failed, vertex, mask)
        if self.asked.runtime:
            self._run_load(failed)
        return failed

    def _fail(self, failed: list[int], vertex: int, mask: int) -> bool:
        """Joins a failure of a vertex's own to it and to its shadow; whether that is news."""
        risen = False
        for place in (vertex, self.shadow_of.get(vertex, vertex)):
            risen |= bool(mask & ~failed[place])
            failed[place] |= mask
        return risen

    # Structure

    def _down(self) -> list[int]:
        forced = self._forced()
        conditional = list(self._conditional(forced))
        while True:
            down = evaluate(self.compiled, self.events, 0, self.asked.every, forced=forced)
            risen = False
            for mask, source, target in conditional:
                more = mask & down[target] & ~down[source]
                if more:
                    forced[source] = forced.get(source, 0) | more
                    risen = True
            if not risen:
                return down

    def _forced(self) -> dict[int, int]:
        """What takes a vertex down by itself, and its shadow with it; then calls that time out where there is no fallback."""
        forced: dict[int, int] = {}
        for vertex, component in enumerate(self.relation.components):
            mask = self.asked.down.get(vertex, 0)
            deployed = self.asked.deployed.get(vertex, 0)
            if deployed and component.copies and component.needed > 0:
                mask |= deployed & self._lost_more_than(vertex, component.size - component.needed - 1)
            if component.gaps and component.copies and component.needed > 0:
                mask |= self.asked.control_plane & self.copies[vertex][0]
            if mask:
                forced[vertex] = mask
                if vertex in self.shadow_of:
                    forced[self.shadow_of[vertex]] = mask
        for index, mask in self.asked.timed_out.items():
            edge = self.relation.edges[index]
            if edge.group < 0 and edge.transfer is Transfer.NEED and edge.dependency.breaker and not edge.dependency.fallback:
                forced[edge.source] = forced.get(edge.source, 0) | mask
        return forced

    def _conditional(self, forced: dict[int, int]) -> Iterator[tuple[int, int, int]]:
        """Needs that hold in some scenarios only: behind a breaker that is forced off, or at start-up while the source is deployed."""
        for edge in self.relation.edges:
            call = edge.dependency
            mask = self.asked.every if edge.transfer is Transfer.NEED and edge.group < 0 else 0
            if call.role is Role.STARTUP:
                mask = self.asked.deployed.get(edge.source, 0)
            elif not (call.breaker and call.fallback):
                continue
            if call.breaker and call.fallback:
                mask &= self.asked.breaker_off.get(edge.index, 0)
            if mask and edge.severed:
                forced[edge.source] = forced.get(edge.source, 0) | mask
            elif mask:
                yield mask, edge.source, self._told_by(edge)

    def _told_by(self, edge: Edge) -> int:
        return self.shadow_of[edge.target] if edge.dependency.local_only else edge.target

    def _lost_more_than(self, vertex: int, spare: int) -> int:
        """Scenarios that lose more than `spare` copies of a component."""
        copies = self.copies[vertex]
        if spare < 0:
            return self.asked.every
        size = self.relation.components[vertex].size
        return more_than(spare, copies, self.counts[vertex]) if spare < size else 0

    # Load

    def _run_load(self, failed: list[int]) -> None:
        load = [[self.asked.runtime] + [0] * (STEPS - 1) for _ in self.relation.components]
        for (vertex, step), mask in self.asked.traffic.items():
            for lower in range(1, step + 1):
                load[vertex][lower] |= mask
        limits = [self._limits(vertex) for vertex in range(len(self.relation.components))]
        callers_first = [vertex for component in reversed(self.compiled.order) for vertex in component if vertex < len(load)]
        risen = True
        while risen:
            risen = False
            for vertex in callers_first:
                over = 0
                for have, limit in zip(load[vertex], limits[vertex], strict=True):
                    over |= have & limit
                risen |= self._fail(failed, vertex, over)
                risen |= self._pass_on(vertex, load, failed)

    def _limits(self, vertex: int) -> list[int]:
        """Per step of the ladder, the scenarios in which too few copies are left for that load."""
        component = self.relation.components[vertex]
        capacity, demand, copies = capacity_of(component), demand_of(component), component.size
        if capacity is None or demand <= 0.0:
            return [0] * STEPS
        deployed = self.asked.deployed.get(vertex, 0)
        found = []
        for factor in LOAD_LADDER:
            spare = _most_bearable(demand * factor, capacity, copies)
            mask = self._lost_more_than(vertex, spare)
            if deployed:
                mask |= deployed & self._lost_more_than(vertex, spare - 1)
            found.append(mask)
        return found

    def _pass_on(self, vertex: int, load: list[list[int]], failed: Sequence[int]) -> bool:
        risen = False
        for index in self.relation.calls[vertex]:
            edge = self.relation.edges[index]
            if edge.target < 0:
                continue
            for factor, mask in self._factors(edge, failed):
                for step, have in enumerate(load[vertex]):
                    reached = climb(LOAD_LADDER[step] * factor)
                    more = have & mask & ~load[edge.target][reached]
                    if reached and more:
                        for lower in range(1, reached + 1):
                            load[edge.target][lower] |= more
                        risen = True
        return risen

    def _factors(self, edge: Edge, failed: Sequence[int]) -> Iterator[tuple[float, int]]:
        """By how much a call multiplies its caller's load, and in which scenarios: retries of its own, and the share of failing siblings."""
        tries = [(1.0, self.asked.every)]
        if edge.dependency.retries:
            unshielded = self.asked.breaker_off.get(edge.index, 0) if edge.dependency.breaker else self.asked.every
            tries.append((1.0 + edge.dependency.retries, self._fails(edge, failed) & unshielded))
        shifts = [(1.0, self.asked.every)]
        if edge.group >= 0 and not _unequal(self.relation, self.relation.groups[edge.group]):
            members = self.relation.groups[edge.group].edges
            others = [self._fails(self.relation.edges[member], failed) for member in members if member != edge.index]
            shifts += [(len(members) / (len(members) - lost), more_than(lost - 1, others)) for lost in range(1, len(others) + 1)]
        for factor, when in tries:
            for share, where in shifts:
                if when & where:
                    yield factor * share, when & where

    def _fails(self, edge: Edge, failed: Sequence[int]) -> int:
        if edge.severed:
            return self.asked.every
        return failed[self._told_by(edge)] | self.asked.timed_out.get(edge.index, 0)


def _counts(component: Component) -> tuple[int, ...]:
    """How many copies each value of `copies` is, () where each is one."""
    return tuple([copy.count for copy in component.copies]) if component.size > len(component.copies) else ()


def _most_bearable(load: float, capacity: float, copies: int) -> int:
    """How many copies may be lost so that the rest carries a load; -1 where not even all of them do."""

    def too_much(lost: int) -> bool:
        return load > capacity * (1 - lost / copies if copies else 1.0) + _SLACK

    return bisect_left(range(copies + 1), True, key=too_much) - 1


def _one_by_one(relation: Relation, scenarios: Sequence[Scenario], places: Iterable[int], hidden: frozenset[str]) -> dict[str, int]:
    """The cascade itself, for what masks cannot decide. Of scenarios that differ in a level alone, what fails at one fails at all above."""
    found: dict[str, int] = {}
    for ladder in _ladders(scenarios, places):
        outcome: dict[int, tuple[str, ...]] = {}
        _bisect(relation, [scenarios[place] for place in ladder], hidden, 0, len(ladder) - 1, outcome)
        for rung, place in enumerate(ladder):
            for entry in outcome[rung]:
                found[entry] = found.get(entry, 0) | 1 << place
    return found


def _ladders(scenarios: Sequence[Scenario], places: Iterable[int]) -> list[list[int]]:
    """Places grouped by everything but the level, each by rising level."""
    groups: dict[object, list[int]] = {}
    for place in places:
        scenario = scenarios[place]
        groups.setdefault((scenario.faults, tuple(replace(what_if, level=0.0) for what_if in scenario.what_ifs)), []).append(place)
    return [sorted(group, key=lambda place: [what_if.level for what_if in scenarios[place].what_ifs]) for group in groups.values()]


def _bisect(
    relation: Relation, ladder: Sequence[Scenario], hidden: frozenset[str], low: int, high: int, outcome: dict[int, tuple[str, ...]]
) -> None:
    """Fills in the rungs low..high; between two rungs with the same outcome nothing can differ (the cascade is monotone in its levels)."""
    for rung in (low, high):
        if rung not in outcome:
            faults = tuple(fault for fault in ladder[rung].faults if fault not in hidden)
            outcome[rung] = run(relation.topology, replace(ladder[rung], faults=faults), relation=relation).entries_failing
    if outcome[low] == outcome[high]:
        outcome.update((rung, outcome[low]) for rung in range(low, high))
    elif high - low > 1:
        middle = (low + high) // 2
        _bisect(relation, ladder, hidden, low, middle, outcome)
        _bisect(relation, ladder, hidden, middle, high, outcome)
