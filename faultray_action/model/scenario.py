"""A scenario is a set of faults and what-ifs, with an id that both sides share."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from faultray_action.model.outcome import Health


class WhatIfKind(StrEnum):
    """Injections without a rate. What each does to a topology is said once, in `engine.states.inject`."""

    ALL_COPIES = "all-copies"
    DEPLOY = "deploy"
    TRAFFIC = "traffic"
    LATENCY = "latency"
    TIMEOUT = "timeout"
    BREAKER_OFF = "breaker-off"
    CONTROL_PLANE = "control-plane"
    AGENT = "agent"

    @property
    def needs_runtime(self) -> bool:
        """Load and latency run only in scenarios that inject them; every other scenario is structural."""
        return self in (WhatIfKind.TRAFFIC, WhatIfKind.LATENCY, WhatIfKind.TIMEOUT)


class AgentFault(StrEnum):
    """What may go wrong with an AI agent (the `detail` of a what-if of kind AGENT)."""

    HALLUCINATION = "hallucination"
    CONTEXT_OVERFLOW = "context-overflow"
    RATE_LIMIT = "rate-limit"
    TOKEN_EXHAUSTION = "token-exhaustion"
    TOOL_FAILURE = "tool-failure"
    LOOP = "loop"
    PROMPT_INJECTION = "prompt-injection"
    STALE_GROUNDING = "stale-grounding"
    MISCALIBRATED_CONFIDENCE = "miscalibrated-confidence"
    REASONING_COLLAPSE = "reasoning-collapse"
    AMPLIFICATION = "amplification"

    @property
    def health(self) -> Health:
        """Health of the agent itself; HEALTHY where it keeps answering as if nothing had happened."""
        return _AGENT_HEALTH.get(self, Health.HEALTHY)


_AGENT_HEALTH = {
    AgentFault.CONTEXT_OVERFLOW: Health.DEGRADED,
    AgentFault.TOOL_FAILURE: Health.DEGRADED,
    AgentFault.REASONING_COLLAPSE: Health.DEGRADED,
    AgentFault.RATE_LIMIT: Health.OVERLOADED,
    AgentFault.LOOP: Health.OVERLOADED,
    AgentFault.TOKEN_EXHAUSTION: Health.DOWN,
}

EDGE_ARROW = " -> "
"""Between source and target where an edge is the target of a what-if."""


class WhatIf(Struct, frozen=True, order=True):
    """An injection without a rate. `target` is a component address, "source -> target" for an edge, or "" for the whole system; `level` a factor (traffic, latency) or 0."""

    kind: WhatIfKind
    target: str = ""
    level: float = 0.0
    detail: str = ""

    def __str__(self) -> str:
        """Part of a canonical scenario id: ``traffic*2``, ``latency*10:db``, ``agent=loop:bot``."""
        detail = f"={self.detail}" if self.detail else ""
        level = f"*{self.level:g}" if self.level else ""
        target = f":{self.target}" if self.target else ""
        return f"{self.kind}{detail}{level}{target}"


class Scenario(Struct, frozen=True):
    """`faults` are ids into `Topology.faults`, sorted. `stratum` says which family it comes from."""

    id: str
    stratum: str
    faults: tuple[str, ...] = ()
    what_ifs: tuple[WhatIf, ...] = ()

    @property
    def structural(self) -> bool:
        """No load and no latency injected: the structure function alone decides what is down."""
        return not any(what_if.kind.needs_runtime for what_if in self.what_ifs)


ID_SEPARATOR = " & "


def scenario_id(faults: tuple[str, ...], what_ifs: tuple[WhatIf, ...] = ()) -> str:
    """The canonical id: fault ids as given (sorted), then what-ifs, joined by `ID_SEPARATOR`; equal on both sides of a change."""
    return ID_SEPARATOR.join((*faults, *map(str, what_ifs)))


class ScenarioSet(Struct, frozen=True):
    """All scenarios asked of a side. `dropped`: stratum -> how many were thinned out; `covered_mass`: probability mass of the fault combinations that are in it.

    `candidates`: stratum -> how many distinct scenarios it had before thinning (an estimate from above where they were too many to list).
    """

    scenarios: tuple[Scenario, ...]
    dropped: tuple[tuple[str, int], ...] = ()
    covered_mass: float = 1.0
    budget: int = 0
    candidates: tuple[tuple[str, int], ...] = ()
