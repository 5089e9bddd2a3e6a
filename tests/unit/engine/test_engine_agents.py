"""The ordered hallucination model, chains of agents on the graph, and what scenarios do to them."""

from __future__ import annotations

import random
from itertools import product
from math import prod

import pytest
from engine_systems import spread, system
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from scenario_systems import demo

from faultray_action.engine.agents import _Feed, assess_agents, hallucination, raised, risks, wrong
from faultray_action.model.outcome import Health
from faultray_action.model.scenario import AgentFault, Scenario, WhatIf, WhatIfKind
from faultray_action.model.topology import Agent, Dependency, Role, Topology
from faultray_action.scenarios.generate import generate

REST = Scenario("", "rest")
KB_LOST = Scenario("kb", "t", ("copy:kb#0",))
unit = st.floats(0.0, 1.0)


def bots(*agents: Agent, edges: tuple[Dependency, ...] = ()) -> Topology:
    names = {*(agent.address for agent in agents), *(source for agent in agents for source, _ in agent.sources)}
    return system([spread(name, [""]) for name in sorted(names)], edges, [agents[-1].address], agents=agents)


def hurt(fault: AgentFault, target: str) -> Scenario:
    return Scenario("f", "t", (), (WhatIf(WhatIfKind.AGENT, target, detail=fault),))


def risk(topology: Topology, scenario: Scenario, address: str = "bot") -> float:
    return risks(topology, scenario)[address].risk


def test_the_ordered_formula_for_one_source() -> None:
    bot = Agent("bot", "bot", 0.05, (("kb", 0.8),))
    topology = bots(bot)
    assert risk(topology, REST) == 0.05
    assert risk(topology, KB_LOST) == pytest.approx(0.05 + 0.95 * 0.8)
    degraded = Scenario("d", "t", (), (WhatIf(WhatIfKind.AGENT, "kb", detail=AgentFault.CONTEXT_OVERFLOW),))
    assert risk(topology, degraded) == pytest.approx(0.05 + 0.95 * 0.8 * 0.5)
    assert risk(bots(replace(bot, sources=())), REST) == 0.05


@given(unit, st.lists(st.tuples(unit, unit), max_size=5), st.tuples(unit, unit))
def test_the_risk_is_a_probability_and_rises_with_every_source(
    h0: float, sources: list[tuple[float, float]], more: tuple[float, float]
) -> None:
    base, raised_to = hallucination(h0, sources), hallucination(h0, [*sources, more])
    assert 0.0 <= base <= 1.0
    assert raised_to >= base - 1e-12
    assert base >= h0 - 1e-12


def test_two_agents_in_a_row() -> None:
    first, bot = Agent("first", "first", 0.1), Agent("bot", "bot", 0.2, upstream=(("first", 0.25),))
    assert risk(bots(first, bot), REST) == pytest.approx(1 - (1 - 0.2) * (1 - 0.75 * 0.1))


def test_a_shared_upstream_counts_once() -> None:
    """Two paths from one agent, unchecked: as if there were one."""
    top, left, right = (
        Agent("top", "top", 0.3),
        Agent("l", "l", 0.0, upstream=(("top", 0.0),)),
        Agent("r", "r", 0.0, upstream=(("top", 0.0),)),
    )
    bot = Agent("bot", "bot", 0.0, upstream=(("l", 0.0), ("r", 0.0)))
    assert risk(bots(top, left, right, bot), REST) == pytest.approx(0.3)
    (outcome,) = (each for each in assess_agents(bots(top, left, right, bot)) if each.address == "bot")
    assert outcome.p_any_wrong == pytest.approx(0.3)
    assert (outcome.chain[0], outcome.chain[-1]) == ("top", "bot")


def brute(target: str, own: dict[str, float], feeds: list[_Feed]) -> float:
    """Every case of own mistakes and of checks, one by one."""
    names, total = list(own), 0.0
    for mistakes in product((False, True), repeat=len(names)):
        for passing in product((False, True), repeat=len(feeds)):
            p = prod(own[n] if m else 1 - own[n] for n, m in zip(names, mistakes, strict=True))
            p *= prod(f.p_passes if q else 1 - f.p_passes for f, q in zip(feeds, passing, strict=True))
            bad = {n for n, m in zip(names, mistakes, strict=True) if m}
            for _ in names:
                bad |= {f.target for f, q in zip(feeds, passing, strict=True) if q and f.source in bad}
            total += p * (target in bad)
    return total


@pytest.mark.parametrize("seed", range(25))
def test_chains_agree_with_brute_force_also_on_cycles(seed: int) -> None:
    draw = random.Random(seed)
    own = {f"a{i}": draw.random() for i in range(draw.randint(1, 4))}
    feeds = [_Feed(draw.choice(list(own)), draw.choice(list(own)), draw.choice((0.0, 0.3, 0.8, 1.0))) for _ in range(draw.randint(0, 6))]
    for target in own:
        assert wrong(target, own, feeds)[0] == pytest.approx(brute(target, own, feeds))


def test_a_large_chain_is_a_bound_from_above() -> None:
    own = {f"a{i}": 0.1 for i in range(12)}
    feeds = [_Feed(f"a{i}", f"a{j}", 0.5) for i in range(12) for j in (i + 1, i + 2) if j < 12]
    value, method = wrong("a11", own, feeds)
    exact, _ = wrong("a6", own, feeds[:10])
    assert method == "bound"
    assert exact <= value <= 1.0


def test_the_agent_stays_up_while_its_answers_become_unreliable() -> None:
    topology = bots(Agent("bot", "bot", 0.05, (("kb", 0.8),)), edges=(Dependency("bot", "kb", Role.OPTIONAL),))
    (found,) = raised(topology, KB_LOST)
    assert (found.address, found.health, found.answering) == ("bot", Health.DEGRADED, True)
    assert found.sources == (("kb", Health.DOWN),)
    assert raised(topology, REST) == ()
    assert raised(bots(Agent("bot", "bot", 0.05, (("kb", 0.8),))), KB_LOST)[0].silent


@pytest.mark.parametrize(
    ("fault", "expected", "health"),
    [
        (AgentFault.HALLUCINATION, 1.0, Health.HEALTHY),
        (AgentFault.PROMPT_INJECTION, 1.0, Health.HEALTHY),
        (AgentFault.REASONING_COLLAPSE, 0.81, Health.DEGRADED),
        (AgentFault.TOOL_FAILURE, 0.81, Health.DEGRADED),
        (AgentFault.CONTEXT_OVERFLOW, 0.43, Health.DEGRADED),
        (AgentFault.STALE_GROUNDING, 0.43, Health.HEALTHY),
        (AgentFault.MISCALIBRATED_CONFIDENCE, 0.05, Health.HEALTHY),
        (AgentFault.AMPLIFICATION, 0.05, Health.HEALTHY),
        (AgentFault.RATE_LIMIT, 0.05, Health.OVERLOADED),
        (AgentFault.LOOP, 0.05, Health.OVERLOADED),
        (AgentFault.TOKEN_EXHAUSTION, 0.05, Health.DOWN),
    ],
)
def test_every_agent_fault_has_its_own_effect(fault: AgentFault, expected: float, health: Health) -> None:
    found = risks(bots(Agent("bot", "bot", 0.05, (("kb", 0.8),))), hurt(fault, "bot"))["bot"]
    assert (found.risk, found.health) == (pytest.approx(expected), health)


def test_an_injected_prompt_passes_the_checks_of_who_is_fed() -> None:
    first, bot = Agent("first", "first", 0.1), Agent("bot", "bot", 0.2, upstream=(("first", 0.9),))
    topology = bots(first, bot)
    assert risk(topology, hurt(AgentFault.HALLUCINATION, "first")) == pytest.approx(1 - 0.8 * (1 - 0.1))
    assert risk(topology, hurt(AgentFault.PROMPT_INJECTION, "first")) == 1.0
    assert risk(topology, hurt(AgentFault.MISCALIBRATED_CONFIDENCE, "first")) == pytest.approx(1 - 0.8 * (1 - 0.1))
    assert risk(topology, hurt(AgentFault.AMPLIFICATION, "bot")) == pytest.approx(1 - 0.8 * (1 - 0.1))
    assert risks(topology, hurt(AgentFault.PROMPT_INJECTION, "first"))["bot"].upstream == ("first",)


def test_the_demo_finds_its_agent_without_its_knowledge_base() -> None:
    topology = demo()
    (outcome,) = assess_agents(topology, generate([topology]).scenarios)
    assert (outcome.at_rest, outcome.base, outcome.method) == (0.05, 0.05, "exact")
    assert outcome.sources == (("kb", 0.8, ("agent", "kb")),)
    assert 0 < outcome.raised < outcome.asked
    assert outcome.worst[0].risk.risk == 1.0
    lost = raised(topology, Scenario("x", "t", ("copy:kb#0", "copy:kb#1")))
    assert lost[0].risk == pytest.approx(0.81)


def test_no_agents_no_outcome() -> None:
    assert assess_agents(bots(Agent("a", "a", 0.1)).__class__({}, (), {}, ()), [KB_LOST]) == ()


@pytest.mark.parametrize("seed", range(20))
def test_part_and_whole_give_the_same_risks(seed: int) -> None:
    """Assessing on what agents need only is the same as on the whole topology."""
    topology = demo()
    draw = random.Random(seed)
    structural = [scenario for scenario in generate([topology]).scenarios if scenario.structural]
    scenario = draw.choice(structural)
    found = assess_agents(topology, [scenario])
    assert [row.risk for outcome in found for row in outcome.worst] == list(raised(topology, scenario))
