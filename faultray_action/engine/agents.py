"""AI agents: an agent stays up while its answers become unreliable (docs/model.md).

Own risk: ``H = 1 - (1 - h0) · Π (1 - w(d) · s(d))`` over the data sources d, with s = 1 for a source that is down, the agent's degradation
factor for one that is degraded or overloaded, 0 for a healthy one. One source down gives ``h0 + (1 - h0) · w``, degraded ``h0 + (1 - h0) · w · δ``.

Chains: an answer of an agent upstream is passed on wrong with probability a = 1 - verification. An agent is wrong iff it is wrong on its own
account or a wrong answer reaches it over some path of feeds; that is computed on the graph, so an agent two paths lead to counts once. Own
mistakes and checks are taken as independent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import prod

from msgspec import Struct
from msgspec.structs import replace

from faultray_action.engine.cascade import run
from faultray_action.engine.relation import Relation, relate
from faultray_action.model.agents import AgentOutcome, AgentRisk, AgentScenario
from faultray_action.model.outcome import Health
from faultray_action.model.scenario import AgentFault, Scenario, WhatIfKind
from faultray_action.model.topology import Agent, Role, Topology

EXACT_FEEDS = 10
"""Feeds whose check is neither certain nor absent, up to which a chain is computed exactly (2^n cases)."""

_Faults = Mapping[str, frozenset[AgentFault]]

_REST = Scenario("", "rest")
_RAISED = 1e-12


class _Feed(Struct, frozen=True):
    """A wrong answer of `source` passes to `target` with probability `p_passes`."""

    source: str
    target: str
    p_passes: float


def hallucination(h0: float, sources: Iterable[tuple[float, float]]) -> float:
    """Own risk of one agent from its base risk and (weight, state) of its sources, all in [0, 1].

    >>> round(hallucination(0.05, [(0.8, 1.0)]), 6), round(hallucination(0.05, [(0.8, 0.5)]), 6), hallucination(0.05, [])
    (0.81, 0.43, 0.05)
    """
    kept = prod(1.0 - weight * state for weight, state in sources)
    return h0 if kept == 1.0 else 1.0 - (1.0 - h0) * kept


def assess_agents(topology: Topology, scenarios: Iterable[Scenario] = (), *, worst: int = 5) -> tuple[AgentOutcome, ...]:
    """Every agent at rest and over the scenarios: which raise its risk, the worst of them, its chain, the paths to its data.

    Asked are all structural scenarios, on the part of the topology that agents need (the outcome is the same), and load and latency alone, on
    the whole of it; load and latency together with faults are left to `raised`.
    """
    if not topology.agents:
        return ()
    asked = [scenario for scenario in scenarios if scenario.structural or not scenario.faults]
    rest = risks(topology, _REST)
    rows: dict[str, list[AgentScenario]] = {agent.address: [] for agent in topology.agents}
    for scenario, found in zip(asked, _risks_of_many(topology, asked), strict=True):
        for risk in _above(found, rest):
            rows[risk.address].append(AgentScenario(scenario.id, scenario.stratum, risk))
    paths = _paths(topology)
    return tuple(_outcome(topology, agent, rest, rows[agent.address], worst, len(asked), paths) for agent in topology.agents)


def raised(topology: Topology, scenario: Scenario, relation: Relation | None = None) -> tuple[AgentRisk, ...]:
    """The agents whose risk a scenario raises above rest."""
    relation = relation or relate(topology)
    return tuple(_above(risks(topology, scenario, relation), risks(topology, _REST, relation)))


def _above(found: Mapping[str, AgentRisk], rest: Mapping[str, AgentRisk]) -> Iterator[AgentRisk]:
    return (risk for address, risk in found.items() if risk.risk > rest[address].risk + _RAISED)


def risks(topology: Topology, scenario: Scenario, relation: Relation | None = None) -> dict[str, AgentRisk]:
    """Every agent in one scenario, by address."""
    return _risks(topology, run(topology, scenario, relation=relation).health, _agent_faults(scenario))


def _risks_of_many(topology: Topology, scenarios: Iterable[Scenario]) -> Iterator[dict[str, AgentRisk]]:
    """As `risks`; scenarios that are the same to the agents, or leave the same healths, are computed once."""
    whole, needed = relate(topology), relate(_needed_by_agents(topology))
    watched = tuple(dict.fromkeys(name for agent in topology.agents for name in (agent.address, *(source for source, _ in agent.sources))))
    healths: dict[object, Mapping[str, Health]] = {}
    found: dict[object, dict[str, AgentRisk]] = {}
    for scenario in scenarios:
        same = tuple(fault for fault in scenario.faults if fault in needed.hit_by), scenario.what_ifs
        if same not in healths:
            healths[same] = run(topology, scenario, relation=needed if scenario.structural else whole).health
        faults = _agent_faults(scenario)
        case = tuple(healths[same].get(name) for name in watched), tuple(sorted(faults.items()))
        if case not in found:
            found[case] = _risks(topology, healths[same], faults)
        yield found[case]


def _risks(topology: Topology, health: Mapping[str, Health], faults: _Faults) -> dict[str, AgentRisk]:
    own = {agent.address: _own_risk(agent, health, faults.get(agent.address, frozenset())) for agent in topology.agents}
    base = {agent.address: agent.h0 for agent in topology.agents}
    feeds = _feeds(topology, faults)
    found = {}
    for agent in topology.agents:
        ill = tuple((source, health[source]) for source, _ in agent.sources if health.get(source))
        above = tuple(address for address in _chain(agent.address, feeds)[:-1] if own[address] > base[address] + _RAISED)
        risk, _ = wrong(agent.address, own, feeds)
        found[agent.address] = AgentRisk(agent.address, risk, health.get(agent.address, Health.HEALTHY), ill, above)
    return found


def _agent_faults(scenario: Scenario) -> _Faults:
    found: dict[str, set[AgentFault]] = {}
    for what_if in scenario.what_ifs:
        if what_if.kind is WhatIfKind.AGENT:
            found.setdefault(what_if.target, set()).add(AgentFault(what_if.detail))
    return {address: frozenset(faults) for address, faults in found.items()}


def _own_risk(agent: Agent, health: Mapping[str, Health], faults: frozenset[AgentFault]) -> float:
    """Faults of the agent itself, without a number that nobody measured.

    hallucination, prompt-injection: its answers are wrong. reasoning-collapse, tool-failure: as if every source were down. context-overflow,
    stale-grounding: as if every source were degraded. The others leave its own answers as they are.
    """
    if faults & {AgentFault.HALLUCINATION, AgentFault.PROMPT_INJECTION}:
        return 1.0
    floor = Health.HEALTHY
    if faults & {AgentFault.CONTEXT_OVERFLOW, AgentFault.STALE_GROUNDING}:
        floor = Health.DEGRADED
    if faults & {AgentFault.REASONING_COLLAPSE, AgentFault.TOOL_FAILURE}:
        floor = Health.DOWN
    states = [(weight, _state(agent, max(floor, health.get(source, Health.HEALTHY)))) for source, weight in agent.sources]
    return hallucination(agent.h0, states)


def _state(agent: Agent, health: Health) -> float:
    if health is Health.DOWN:
        return 1.0
    return agent.degraded_factor if health else 0.0


def _feeds(topology: Topology, faults: _Faults) -> tuple[_Feed, ...]:
    """An injected prompt and a miscalibrated confidence pass the checks of those who are fed; an amplifying agent checks nothing itself."""
    known = {agent.address for agent in topology.agents}
    unchecked = {AgentFault.PROMPT_INJECTION, AgentFault.MISCALIBRATED_CONFIDENCE}
    found = []
    for agent in topology.agents:
        for source, verification in agent.upstream:
            if source in known:
                blind = faults.get(source, frozenset()) & unchecked or AgentFault.AMPLIFICATION in faults.get(agent.address, ())
                found.append(_Feed(source, agent.address, 1.0 if blind else 1.0 - verification))
    return tuple(found)


def wrong(address: str, own: Mapping[str, float], feeds: Sequence[_Feed]) -> tuple[float, str]:
    """Probability that an agent is wrong, and the method.

    Exact: sum over which uncertain feeds pass, of 1 - Π (1 - own risk) over every agent from which wrong answers then reach it. With more
    than `EXACT_FEEDS` uncertain feeds: the product over feeds one by one, which counts shared upstreams twice and is a bound from above.
    """
    chain = set(_chain(address, feeds))
    open_feeds = [feed for feed in feeds if feed.target in chain and feed.source in chain and feed.p_passes >= 1.0]
    uncertain = [feed for feed in feeds if feed.target in chain and feed.source in chain and 0.0 < feed.p_passes < 1.0]
    if len(uncertain) > EXACT_FEEDS:
        return _bound(address, own, (*open_feeds, *uncertain)), "bound"
    right = 0.0
    for passing in range(1 << len(uncertain)):
        chosen = [feed for bit, feed in enumerate(uncertain) if passing >> bit & 1]
        weight = prod(feed.p_passes if passing >> bit & 1 else 1.0 - feed.p_passes for bit, feed in enumerate(uncertain))
        right += weight * prod(1.0 - own[member] for member in _chain(address, (*open_feeds, *chosen)))
    return (own[address] if not (uncertain or open_feeds) else 1.0 - right), "exact"


def _bound(address: str, own: Mapping[str, float], feeds: Sequence[_Feed]) -> float:
    """``1 - (1 - H) Π (1 - a · H_up)`` from 1 downwards: the truth lies below its own image under it, hence below every round."""
    risk = dict.fromkeys(own, 1.0)
    for _ in own:
        risk = {
            member: 1.0 - (1.0 - own[member]) * prod(1.0 - f.p_passes * risk[f.source] for f in feeds if f.target == member)
            for member in own
        }
    return risk[address]


def _chain(address: str, feeds: Sequence[_Feed]) -> tuple[str, ...]:
    """Every agent from which answers reach this one, furthest first, itself last: breadth first against the feeds, in their order."""
    found = [address]
    for member in found:
        found += [feed.source for feed in feeds if feed.target == member and feed.p_passes > 0.0 and feed.source not in found]
    return tuple(reversed(dict.fromkeys(found)))


def _outcome(
    topology: Topology,
    agent: Agent,
    rest: Mapping[str, AgentRisk],
    rows: Sequence[AgentScenario],
    worst: int,
    asked: int,
    paths: Mapping[tuple[str, str], tuple[str, ...]],
) -> AgentOutcome:
    feeds = _feeds(topology, {})
    chain = _chain(agent.address, feeds)
    own = {each.address: _own_risk(each, dict(rest[each.address].sources), frozenset()) for each in topology.agents}
    ranked = sorted(rows, key=lambda row: (-row.risk.risk, len(row.scenario), row.scenario))
    return AgentOutcome(
        address=agent.address,
        label=agent.label,
        base=agent.h0,
        at_rest=rest[agent.address].risk,
        p_any_wrong=1.0 - prod(1.0 - own[member] for member in chain),
        chain=chain,
        sources=tuple((source, weight, paths.get((agent.address, source), ())) for source, weight in agent.sources),
        worst=tuple(ranked[:worst]),
        raised=len(rows),
        asked=asked,
        method=wrong(agent.address, own, feeds)[1],
    )


def _paths(topology: Topology) -> dict[tuple[str, str], tuple[str, ...]]:
    """Shortest dependency path from each agent to each of its data sources."""
    needs: dict[str, list[str]] = {}
    for edge in topology.dependencies:
        if edge.role is not Role.REPLICA:
            needs.setdefault(edge.source, []).append(edge.target)
    found = {}
    for agent in topology.agents:
        before: dict[str, str] = {agent.address: ""}
        queue = [agent.address]
        for member in queue:
            for target in needs.get(member, ()):
                if target not in before:
                    before[target] = member
                    queue.append(target)
        for source, _ in agent.sources:
            if source in before:
                found[agent.address, source] = _back(source, before)
    return found


def _back(source: str, before: Mapping[str, str]) -> tuple[str, ...]:
    path = [source]
    while before[path[-1]]:
        path.append(before[path[-1]])
    return tuple(reversed(path))


def _needed_by_agents(topology: Topology) -> Topology:
    """The part of a topology that decides the health of agents and their sources."""
    needs: dict[str, list[str]] = {}
    for edge in topology.dependencies:
        needs.setdefault(edge.source, []).append(edge.target)
    reached = dict.fromkeys([source for agent in topology.agents for source in (agent.address, *(name for name, _ in agent.sources))])
    stack = list(reached)
    while stack:
        for target in needs.get(stack.pop(), ()):
            if target not in reached:
                reached[target] = None
                stack.append(target)
    return replace(
        topology,
        components={address: component for address, component in topology.components.items() if address in reached},
        dependencies=tuple(edge for edge in topology.dependencies if edge.source in reached),
        entries=(),
    )
