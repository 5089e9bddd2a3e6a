"""AI agents as rows of the report: at rest on each side, and the smallest failure that an agent answers on after."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from faultray_action.model.agents import AgentOutcome, AgentScenario
from faultray_action.model.topology import Topology
from faultray_action.report import document as d


def agent_rows(topology: Topology, after: Sequence[AgentOutcome], before: Sequence[AgentOutcome] = ()) -> tuple[d.AgentRow, ...]:
    """One row an agent that stands on either side. `topology`: the side after, for the labels of what is gone."""
    was, is_now = ({outcome.address: outcome for outcome in side} for side in (before, after))
    return tuple(_row(address, was.get(address), is_now.get(address), topology) for address in sorted({*was, *is_now}))


def _row(address: str, was: AgentOutcome | None, is_now: AgentOutcome | None, topology: Topology) -> d.AgentRow:
    known = is_now or was
    worst = None if is_now is None else _worst(is_now)
    return d.AgentRow(
        address=address,
        label=known.label if known else "",
        before=None if was is None else was.at_rest,
        after=None if is_now is None else is_now.at_rest,
        worst=None if worst is None else worst.risk.risk,
        worst_scenario="" if worst is None else worst.scenario,
        chain=is_now.chain if is_now is not None and len(is_now.chain) > 1 else (),
        answering=worst is not None and worst.risk.answering,
        gone=() if worst is None else _named((address for address, _ in worst.risk.sources), topology),
        misled_by=() if worst is None else _named(worst.risk.upstream, topology),
    )


def _worst(outcome: AgentOutcome) -> AgentScenario | None:
    """The highest risk of an agent that goes on answering, for a dead one misleads nobody; among equals the first."""
    answering = [row for row in outcome.worst if row.risk.answering]
    return max(answering or outcome.worst, key=lambda row: row.risk.risk, default=None)


def _named(addresses: Iterable[str], topology: Topology) -> tuple[str, ...]:
    """Labels where the topology has them."""
    known = topology.components
    return tuple(known[address].label or address if address in known else address for address in addresses)
