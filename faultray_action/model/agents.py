"""What becomes of the answers of AI agents (docs/model.md)."""

from __future__ import annotations

from msgspec import Struct

from faultray_action.model.outcome import Health


class AgentRisk(Struct, frozen=True):
    """One agent in one scenario. `risk`: probability that an answer is wrong; `answering`: it still gives answers.

    `sources`: data sources that are not healthy, with their health; `upstream`: agents whose answers it is fed and whose own risk rose.
    """

    address: str
    risk: float
    health: Health
    sources: tuple[tuple[str, Health], ...] = ()
    upstream: tuple[str, ...] = ()

    @property
    def answering(self) -> bool:
        return self.health is not Health.DOWN

    @property
    def silent(self) -> bool:
        """The agent looks well while its answers are not: the case that no health check sees."""
        return self.health is Health.HEALTHY


class AgentScenario(Struct, frozen=True):
    """A scenario that raises an agent's risk."""

    scenario: str
    stratum: str
    risk: AgentRisk


class AgentOutcome(Struct, frozen=True):
    """One agent over all scenarios asked.

    `base` is h0; `at_rest` the risk with nothing injected, over the whole chain that feeds it. `chain`: the agents whose answers reach it,
    furthest first, itself last; `p_any_wrong`: that at least one of them is wrong on its own account. `sources`: data source, weight w(d) and
    the dependency path from the agent to it (() where the topology has none). `raised`: how many of `asked` scenarios raise its risk;
    `worst`: those with the highest risk. `method`: exact, or bound (from above) where the chain is too large. Independence of the agents'
    mistakes is an assumption.
    """

    address: str
    label: str
    base: float
    at_rest: float
    p_any_wrong: float
    chain: tuple[str, ...] = ()
    sources: tuple[tuple[str, float, tuple[str, ...]], ...] = ()
    worst: tuple[AgentScenario, ...] = ()
    raised: int = 0
    asked: int = 0
    method: str = "exact"
