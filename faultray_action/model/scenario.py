"""A scenario is a set of faults and what-ifs, with an id that both sides share."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class WhatIfKind(StrEnum):
    ALL_COPIES = "all-copies"
    DEPLOY = "deploy"
    TRAFFIC = "traffic"
    LATENCY = "latency"
    TIMEOUT = "timeout"
    BREAKER_OFF = "breaker-off"
    CONTROL_PLANE = "control-plane"
    AGENT = "agent"


@dataclass(frozen=True, slots=True, order=True)
class WhatIf:
    """An injection without a rate. `target` is a component address, "source -> target" for an edge, or "" for the whole system; `level` a factor (traffic, latency) or 0."""

    kind: WhatIfKind
    target: str = ""
    level: float = 0.0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Scenario:
    """`faults` are ids into `Topology.faults`, sorted. `stratum` says which family it comes from."""

    id: str
    stratum: str
    faults: tuple[str, ...] = ()
    what_ifs: tuple[WhatIf, ...] = ()


@dataclass(frozen=True, slots=True)
class ScenarioSet:
    """All scenarios asked of a side. `dropped`: stratum -> how many were thinned out; `covered_mass`: probability mass of the fault combinations that are in it."""

    scenarios: tuple[Scenario, ...]
    dropped: tuple[tuple[str, int], ...] = ()
    covered_mass: float = 1.0
    budget: int = 0
