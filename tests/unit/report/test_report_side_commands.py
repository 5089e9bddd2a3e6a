"""The terminal forms of `availability` and `agents`, over the demo."""

from __future__ import annotations

from importlib.resources import files

import pytest

from faultray_action.catalogue.reliability import load_reliability
from faultray_action.declared.read import parse_infra
from faultray_action.engine.agents import assess_agents
from faultray_action.engine.ceiling import five_layers
from faultray_action.engine.examine import examine
from faultray_action.model.outcome import Ceiling, Layer
from faultray_action.model.scenario import AgentFault, Scenario, WhatIf, WhatIfKind
from faultray_action.model.topology import Topology
from faultray_action.report.agents_text import agents_text
from faultray_action.report.availability_text import availability_text, down_a_year, objective
from faultray_action.topology.from_declared import build


@pytest.fixture(scope="module")
def demo() -> Topology:
    text = files("faultray_action.declared").joinpath("demo.yaml").read_text(encoding="utf-8")
    return build(parse_infra(text, "demo.yaml"), load_reliability())


@pytest.fixture(scope="module")
def ceiling(demo: Topology) -> Ceiling:
    assert demo.operations is not None
    return five_layers(demo, examine(demo, cuts=False), demo.operations)


def test_every_layer_tells_its_inputs_and_what_it_would_need(ceiling: Ceiling) -> None:
    text = availability_text(ceiling, 99.99, made_of="infra.yaml")
    assert max(map(len, text.splitlines())) <= 80
    for layer in ceiling.layers:
        assert layer.name in text
    told = [" ".join(line.split()) for line in text.splitlines()]
    assert "20 deployments a month declared" in told
    assert "0.01 % of the requests lost on the way default" in told
    assert "4 calls behind one request infra.yaml" in told
    assert "a better contract than the 99.5 % of language model" in " ".join(told)
    assert text.count("<- caps the system") == 1
    assert "_" not in text
    assert "needs:" not in availability_text(ceiling)


def test_the_objective_in_one_sentence() -> None:
    chain = (("payments", 99.9, "percent", "contract"), ("model", 99.5, "percent", "contract"))
    low = Layer("external", 0.999 * 0.995, chain)
    ceiling = Ceiling((Layer("hardware", 0.9999), low), low.availability, "external", 0.9939, 0.9939)
    assert objective(ceiling, 99.99) == "99.99 % is out of reach: the external chain caps you at 99.4005 % (payments 99.9 × model 99.5)."
    assert objective(ceiling, 99.4) == (
        "99.4 % is within reach: the external layer allows 99.4005 %, though not if the layers are independent."
    )


def test_downtime_a_year() -> None:
    assert down_a_year(1.0) == "no downtime"
    assert down_a_year(0.999) == "8.8 h a year, 3.0 nines"


def test_an_agent_that_answers_without_its_knowledge_is_named(demo: Topology) -> None:
    gone = Scenario("copy:knowledge#0", "copy", ("copy:knowledge#0",))
    fault = WhatIf(WhatIfKind.AGENT, "assistant", 0.0, AgentFault.PROMPT_INJECTION.value)
    text = agents_text(assess_agents(demo, [gone]), assess_agents(demo, [Scenario("injection", "agent", (), (fault,))]))
    assert max(map(len, text.splitlines())) <= 80
    assert "support assistant (assistant)" in text
    assert "(knowledge is down)" in text
    assert "(assistant feeds it worse answers)" in " ".join(text.split())
    assert "taken as independent" in text
    assert "faults of agents" in text


def test_no_agents_says_how_to_declare_one() -> None:
    assert "declare one under `agents:`" in agents_text(())
