"""What becomes of the answers of AI agents, for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from faultray_action.model.agents import AgentOutcome, AgentScenario
from faultray_action.model.outcome import Health
from faultray_action.report.escape import plain

WIDTH = 80
SHOWN = 3

ASSUMPTION = (
    "Risk: the probability that an answer is wrong. The mistakes of different agents are taken as independent. Agents on one model err "
    "together: then fewer answers of a chain are wrong than shown, and one agent checks another less well than declared."
)


def agents_text(outcomes: Sequence[AgentOutcome], by_fault: Sequence[AgentOutcome] = ()) -> str:
    """`outcomes`: the agents over scenarios of the infrastructure; `by_fault`: the same agents over faults of agents, told after them.

    At most 80 columns, names longer than a line excepted; one block an agent.
    """
    if not outcomes:
        return "No AI agent in this system: declare one under `agents:` (docs/infra.md).\n"
    faults = {outcome.address: outcome for outcome in by_fault}
    lines = [line for outcome in outcomes for line in (*_agent(outcome), *_faults(faults.get(outcome.address)), "")]
    return "\n".join((*lines, *textwrap.wrap(ASSUMPTION, WIDTH), ""))


def _agent(outcome: AgentOutcome) -> Iterator[str]:
    name = plain(outcome.label or outcome.address, 60)
    yield f"{name} ({plain(outcome.address, 60)})" if name != outcome.address else name
    yield f"  risk at rest {_percent(outcome.at_rest)} (its own {_percent(outcome.base)}); {outcome.raised:,} of {outcome.asked:,} scenarios raise it"
    if len(outcome.chain) > 1:
        chain = " -> ".join(plain(address, 60) for address in outcome.chain)
        yield from _wrapped(f"chain: {chain}; one of them is wrong with {_percent(outcome.p_any_wrong)}")
    for address, weight, path in outcome.sources:
        way = " -> ".join(plain(step, 60) for step in path) if path else "no path in the topology"
        yield from _wrapped(f"source {plain(address, 60)}, weight {weight:g}: {way}")
    for row in _telling(outcome):
        yield from _wrapped(_scenario(row))
    if outcome.method != "exact":
        yield f"  the chain is large: these are {outcome.method}s from above"


def _faults(outcome: AgentOutcome | None) -> Iterator[str]:
    if outcome is not None and outcome.worst:
        yield f"  faults of agents: {outcome.raised:,} of {outcome.asked:,} raise it, the worst"
        for row in _telling(outcome):
            yield from _wrapped(_scenario(row))


def _telling(outcome: AgentOutcome) -> list[AgentScenario]:
    """The worst in which it goes on answering, for a dead agent misleads nobody; else the worst."""
    return [row for row in outcome.worst if row.risk.answering][:SHOWN] or list(outcome.worst[:SHOWN])


def _scenario(row: AgentScenario) -> str:
    reasons = [f"{plain(address, 60)} is {_health(health)}" for address, health in row.risk.sources]
    reasons += [f"{plain(address, 60)} feeds it worse answers" for address in row.risk.upstream]
    state = "looks well and answers" if row.risk.silent else "still answers" if row.risk.answering else "is down itself"
    because = f" ({', '.join(reasons)})" if reasons else ""
    return f"{_percent(row.risk.risk):>6} in {plain(row.scenario, 120)}: it {state}{because}"


def _health(health: Health) -> str:
    return health.name.lower()


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="    ", break_long_words=False)


def _percent(p: float) -> str:
    return f"{p * 100:.1f} %" if p < 0.9995 else "100 %"
