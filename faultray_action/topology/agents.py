"""AI agents found in a plan (docs/model.md): what answers, and what it answers from.

An agent is a resource that the catalogue calls one (a Bedrock agent, a Dialogflow agent), or a workload that calls a model endpoint. Its
sources are the stores and knowledge bases that it reaches through connectors. Probabilities are the defaults of the reliability table:
nobody measured this system, so they rank agents and say what matters, not how often an answer is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from faultray_action.model.component import Confidence, Evidence
from faultray_action.model.reliability import ReliabilityTable
from faultray_action.model.topology import Agent, Dependency, Role
from faultray_action.topology.components import label
from faultray_action.topology.dependencies import reached
from faultray_action.topology.node import Node
from faultray_action.topology.survey import Survey

_ANSWERING = ("ai_agent", "orchestrator")
_MODEL, _KNOWLEDGE = "llm_endpoint", "data_source"
_WEIGHTS = {"cache": "agent_weight_cache", "database": "agent_weight_store", "storage": "agent_weight_store"}
"""Kind of a source -> how much more of the answers go wrong without it."""


def find(survey: Survey, dependencies: Iterable[Dependency], table: ReliabilityTable) -> tuple[Agent, ...]:
    """The agents of one side, sorted by address. Agents that another one asks are its upstream, unverified."""
    needs = _needs(dependencies)
    behind = {a: reached(a, needs, survey) for a in sorted(survey.nodes) if _may_answer(survey.nodes[a])}
    agents = [a for a in behind if _answers(survey, a, behind[a])]
    return tuple(_agent(survey, address, behind[address], frozenset(agents), table) for address in agents)


def loosen(survey: Survey, dependencies: tuple[Dependency, ...]) -> tuple[Dependency, ...]:
    """An agent goes on answering without its knowledge, which is the danger: ways from an agent that lead to knowledge only are optional."""
    if not any(node.entry.agent in _ANSWERING for node in survey.nodes.values()):
        return dependencies
    needs = _needs(dependencies)
    return tuple(replace(d, role=Role.OPTIONAL) if _is_knowledge(survey, d, needs) else d for d in dependencies)


def _needs(dependencies: Iterable[Dependency]) -> dict[str, list[str]]:
    needs: dict[str, list[str]] = {}
    for d in dependencies:
        if d.role in (Role.NEED, Role.OPTIONAL):
            needs.setdefault(d.source, []).append(d.target)
    return needs


def _may_answer(node: Node) -> bool:
    return node.entry.disposition == "component" and (node.entry.agent in _ANSWERING or node.entry.workload)


def _answers(survey: Survey, address: str, behind: Iterable[str]) -> bool:
    return survey.nodes[address].entry.agent in _ANSWERING or any(survey.nodes[a].entry.agent == _MODEL for a in behind)


def _is_knowledge(survey: Survey, dependency: Dependency, needs: dict[str, list[str]]) -> bool:
    source, target = survey.nodes.get(dependency.source), survey.nodes.get(dependency.target)
    if source is None or target is None or dependency.role is not Role.NEED or source.entry.agent not in _ANSWERING:
        return False
    ends = {dependency.target} if target.entry.disposition == "component" else reached(dependency.target, needs, survey)
    return bool(ends) and all(survey.nodes[end].entry.agent == _KNOWLEDGE for end in ends)


def _agent(survey: Survey, address: str, behind: Iterable[str], agents: frozenset[str], table: ReliabilityTable) -> Agent:
    sources = [(a, weight) for a in sorted(behind) if (weight := _weight(survey.nodes[a], table)) > 0.0]
    evidence = Evidence(address, "", "catalogue: an agent, or a workload that calls a model", Confidence.LIKELY)
    return Agent(
        address,
        label(survey.nodes[address]),
        h0=table.quantity("agent_h0").value.default,
        sources=tuple(sources),
        upstream=tuple((a, 0.0) for a in sorted(behind) if a in agents and a != address),
        degraded_factor=table.quantity("agent_degraded_factor").value.default,
        evidence=(evidence,),
    )


def _weight(node: Node, table: ReliabilityTable) -> float:
    row = "agent_weight_knowledge" if node.entry.agent == _KNOWLEDGE else _WEIGHTS.get(node.entry.kind, "")
    return table.quantity(row).value.default if row else 0.0
