"""Agents that keep answering while what they answer from is gone: no health check sees it, so the report has to say it (docs/model.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from faultray_action.model.agents import AgentOutcome, AgentScenario
from faultray_action.model.finding import Risk, RiskKind, RiskSeverity, Standing

NOTABLE = 0.05
"""A rise of the share of wrong answers below this is told in the agents' table, not as a risk."""

Row = tuple[Standing, Risk]


def find(before: Sequence[AgentOutcome], after: Sequence[AgentOutcome], labels: Mapping[str, str]) -> tuple[Row, ...]:
    """One row an agent whose answers one failure makes notably worse while it goes on answering, with what came of it.

    `before` and `after`: the agents over the same single failures, () for a side that does not exist. `labels`: what to call a source, by
    address. New where the agent is notably worse off than before, at rest or in its worst failure; medium at most: a gate on numbers that
    nobody measured would be arbitrary.
    """
    was = {outcome.address: outcome for outcome in before}
    return tuple(row for outcome in sorted(after, key=_address) for row in _agent(was.get(outcome.address), outcome, labels))


def _address(outcome: AgentOutcome) -> str:
    return outcome.address


def silent_worst(outcome: AgentOutcome) -> AgentScenario | None:
    """The failure that makes most answers wrong while the agent goes on giving them; among equals the first."""
    answering = [row for row in outcome.worst if row.risk.answering]
    return max(answering, key=lambda row: row.risk.risk, default=None)


def _agent(was: AgentOutcome | None, is_now: AgentOutcome, labels: Mapping[str, str]) -> Iterator[Row]:
    """At most one row of an agent that stands after."""
    old = None if was is None else _notable(was)
    new = _notable(is_now)
    if new is not None:
        standing = Standing.NEW if was is None or _is_worse(was, is_now) else Standing.UNCHANGED
        yield standing, _risk(is_now, new, labels, existed=was is not None)
    elif was is not None and old is not None:
        yield Standing.RESOLVED, _risk(was, old, labels, existed=True)


def _is_worse(was: AgentOutcome, is_now: AgentOutcome) -> bool:
    return _most(is_now) > _most(was) + NOTABLE or is_now.at_rest > was.at_rest + NOTABLE


def _most(outcome: AgentOutcome) -> float:
    worst = silent_worst(outcome)
    return outcome.at_rest if worst is None else max(outcome.at_rest, worst.risk.risk)


def _notable(outcome: AgentOutcome) -> AgentScenario | None:
    worst = silent_worst(outcome)
    if worst is None or not worst.risk.sources:
        return None
    return worst if worst.risk.risk > outcome.at_rest + NOTABLE else None


def _risk(outcome: AgentOutcome, worst: AgentScenario, labels: Mapping[str, str], *, existed: bool) -> Risk:
    gone = [address for address, _ in worst.risk.sources]
    named = " and ".join(labels.get(address) or address for address in gone)
    are = "is" if len(gone) == 1 else "are"
    wrong = f"{_percent(worst.risk.risk)} of its answers wrong, {_percent(outcome.at_rest)} otherwise"
    message = f"keeps answering while its {named} {are} gone ({wrong})"
    return Risk(
        outcome.address,
        RiskKind.AGENT,
        RiskSeverity.MEDIUM,
        message=message,
        related=tuple(gone),
        existed=existed,
    )


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %"
