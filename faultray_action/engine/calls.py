"""Load and latency, on top of the structure: what a caller makes of what it has been told.

Latency of a component = own time + the time of its synchronous calls. A call that takes longer than its timeout, or whose target is down or
overloaded (P(fail) = 1), holds the caller's slot for the timeout of every try and answers never; without a timeout it is held for ever. A
breaker trips on calls slower than at rest: its edge keeps the time it takes at rest, whatever the target does, and passes on no retries.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from faultray_action.engine.injection import Injection
from faultray_action.engine.relation import Edge, Relation, add_up, capacity_of, demand_of
from faultray_action.engine.states import LOAD_LADDER, TRANSFER_TABLE, Transfer
from faultray_action.model.outcome import Health
from faultray_action.model.topology import Role
from faultray_action.model.trace import Rule

SLACK = 1e-9
"""Milliseconds or requests that are rounding, no effect."""


class Call(NamedTuple):
    """A synchronous call as its caller sees it: how long a slot is held, when an answer comes, whether it fails, and whether a breaker is in force."""

    wait_ms: float
    answer_ms: float
    fails: bool
    timed_out: bool
    shielded: bool


_RULE_OF_ROLE = {Role.NEED: Rule.NEED, Role.OPTIONAL: Rule.OPTIONAL, Role.ASYNC: Rule.ASYNC, Role.STARTUP: Rule.STARTUP}


def breaker_works(edge: Edge, injection: Injection) -> bool:
    return edge.dependency.breaker and edge.index not in injection.breakers_off


def transferred(edge: Edge, told: Health, injection: Injection, spent: bool) -> tuple[Health, Rule]:
    """What one edge carries of its target's health, alternatives and time aside; `spent`: its async buffer is used up."""
    call = edge.dependency
    told = Health.DOWN if edge.severed else told
    transfer, rule = edge.transfer, _RULE_OF_ROLE[call.role]
    if spent:
        transfer, rule = Transfer.NEED, Rule.BUFFER_SPENT
    elif call.role is Role.STARTUP and edge.source in injection.deployed:
        transfer = Transfer.NEED
    if transfer is Transfer.NEED and told is Health.DOWN and breaker_works(edge, injection):
        return (Health.DEGRADED, Rule.BREAKER) if call.fallback else (Health.DOWN, Rule.NO_FALLBACK)
    return TRANSFER_TABLE[transfer][told], Rule.BROKEN if edge.severed else rule


def place_call(edge: Edge, told: Health, told_ms: float, injection: Injection) -> Call:
    """`told` and `told_ms`: health and latency of the target as the caller knows them."""
    takes = edge.dependency.latency_ms + told_ms
    timeout = edge.timeout_ms
    timed_out = edge.index in injection.timed_out or (timeout is not None and takes > timeout + SLACK)
    fails = timed_out or edge.severed or told >= Health.OVERLOADED
    if breaker_works(edge, injection):
        return Call(edge.base_ms, edge.base_ms, fails, timed_out, True)
    if not fails:
        return Call(takes, takes, False, False, False)
    wait = math.inf if timeout is None else timeout * (1 + edge.dependency.retries)
    return Call(wait, math.inf if edge.dependency.role is Role.NEED else wait, True, timed_out, False)


def late(edge: Edge, call: Call, carried: Health) -> Health:
    """What an edge carries once time counts: degraded for a call that times out; down where a breaker has nothing to fall back on, also
    where it is forced off: the caller cannot answer without the target either way."""
    if not call.timed_out:
        return carried
    no_answer = edge.dependency.breaker and edge.transfer is Transfer.NEED and not edge.dependency.fallback
    return Health.DOWN if no_answer else max(carried, Health.DEGRADED)


def own_time(relation: Relation, injection: Injection, vertex: int) -> float:
    """What the component itself takes, in ms."""
    factor = injection.slowed[vertex][0] if vertex in injection.slowed else 1.0
    return relation.components[vertex].runtime.latency_ms * factor


def times(relation: Relation, injection: Injection, vertex: int, calls: Mapping[int, Call]) -> tuple[float, float]:
    """How long a request holds a slot, and when the component answers (infinite past a timeout of a need), in ms."""
    own = own_time(relation, injection, vertex)
    plain = [index for index in calls if relation.edges[index].group < 0]
    groups = [relation.groups[number] for number in relation.groups_of[vertex]]
    held = own + add_up(plain, groups, lambda index: calls[index].wait_ms)
    return held, own + add_up(plain, groups, lambda index: calls[index].answer_ms)


def pool_exhausted(relation: Relation, vertex: int, load: int, held_ms: float) -> bool:
    """Little's law: calls under way = arrivals per second × seconds a slot is held. Without a known rate only an endless wait exhausts."""
    runtime = relation.components[vertex].runtime
    if runtime.pool is None or runtime.requests_per_second is None or held_ms == math.inf:
        return runtime.pool is not None and held_ms == math.inf
    arrivals = runtime.requests_per_second * LOAD_LADDER[load]
    return held_ms > 0.0 and arrivals > 0.0 and arrivals * held_ms / 1000.0 > runtime.pool + SLACK


def steps_carried(relation: Relation, injection: Injection, vertex: int) -> int:
    """The highest step of the load ladder that the copies alive carry: demand × factor <= capacity × copies alive / copies; -1 for none.

    What the provider scales is never overloaded.
    """
    component = relation.components[vertex]
    capacity, demand, copies = capacity_of(component), demand_of(component), component.size
    if capacity is None or demand <= 0.0:
        return len(LOAD_LADDER)
    up = relation.copies_up(vertex, injection.lost) - (vertex in injection.deployed)
    alive = capacity * (up / copies if copies else 1.0) + SLACK
    return sum(demand * factor <= alive for factor in LOAD_LADDER) - 1


def share_of(relation: Relation, edge: Edge, calls: Mapping[int, Call]) -> float:
    """How much more a member of an alternative group gets when others fail. Its own failure takes nothing from it: load never falls."""
    if edge.group < 0:
        return 1.0
    weight_of = {member: relation.edges[member].dependency.weight for member in relation.groups[edge.group].edges}
    left = sum(weight for member, weight in weight_of.items() if member == edge.index or not calls[member].fails)
    return sum(weight_of.values()) / left if left > 0.0 else math.inf


def slowest(edges: Sequence[Edge], calls: Mapping[int, Call]) -> int:
    """The target of the call that grew most since rest; -1 where none did."""
    grown = {index: call.wait_ms - edges[index].base_ms for index, call in calls.items()}
    slow = max(grown, key=lambda index: (grown[index], -index), default=-1)
    return edges[slow].target if slow >= 0 and grown[slow] > SLACK else -1
