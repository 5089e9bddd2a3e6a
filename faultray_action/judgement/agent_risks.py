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
    was, is_now = ({outcome.address: outcome for outcome in side} for side in (before, after))
    return tuple(row for address in sorted({*was, *is_now}) for row in _agent(was.get(address), is_now.get(address), labels))


def silent_worst(outcome: AgentOutcome) -> AgentScenario | None:
    """The failure that makes most answers wrong while the agent goes on giving them; among equals the first."""
    return max((row for row in outcome.worst if row.risk.answering), key=lambda row: row.risk.risk, default=None)


def _agent(was: AgentOutcome | None, is_now: AgentOutcome | None, labels: Mapping[str, str]) -> Iterator[Row]:
    old, new = None if was is None else _notable(was), None if is_now is None else _notable(is_now)
    if is_now is not None and new is not None:
        worse = was is None or _most(is_now) > _most(was) + NOTABLE or is_now.at_rest > was.at_rest + NOTABLE
        yield Standing.NEW if worse else Standing.UNCHANGED, _risk(is_now, new, labels, existed=was is not None)
    elif was is not None and old is not None and is_now is not None:
        yield Standing.RESOLVED, _risk(was, old, labels, existed=True)


def _most(outcome: AgentOutcome) -> float:
    worst = silent_worst(outcome)
    return outcome.at_rest if worst is None else max(outcome.at_rest, worst.risk.risk)


def _notable(outcome: AgentOutcome) -> AgentScenario | None:
    worst = silent_worst(outcome)
    return worst if worst is not None and worst.risk.sources and worst.risk.risk > outcome.at_rest + NOTABLE else None


def _risk(outcome: AgentOutcome, worst: AgentScenario, labels: Mapping[str, str], *, existed: bool) -> Risk:
    gone = [address for address, _ in worst.risk.sources]
    named = " and ".join(labels.get(address) or address for address in gone)
    share, rest = (f"{value * 100:.0f} %" for value in (worst.risk.risk, outcome.at_rest))
    message = f"keeps answering while its {named} {'is' if len(gone) == 1 else 'are'} gone ({share} of its answers wrong, {rest} otherwise)"
    return Risk(outcome.address, RiskKind.AGENT, RiskSeverity.MEDIUM, (), (), message, related=tuple(gone), existed=existed)
