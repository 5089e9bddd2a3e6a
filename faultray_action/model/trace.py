"""What one scenario did, transition by transition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

from msgspec import Struct

from faultray_action.model.outcome import Health
from faultray_action.model.scenario import Scenario


class Rule(StrEnum):
    """Why a component rose, in the words of docs/model.md."""

    COPIES = "copies"
    WHAT_IF = "what-if"
    DEPLOY = "deploy"
    FAILOVER_BLOCKED = "failover-blocked"
    NEED = "need"
    OPTIONAL = "optional"
    ASYNC = "async"
    BUFFER_SPENT = "buffer-spent"
    STARTUP = "startup"
    ALTERNATIVES = "alternatives"
    BREAKER = "breaker"
    NO_FALLBACK = "no-fallback"
    BROKEN = "broken"
    TIMEOUT = "timeout"
    POOL = "pool"
    OVERLOAD = "overload"
    TRAFFIC = "traffic"
    RETRIES = "retries"
    SLOW = "slow"


class Transition(Struct, frozen=True):
    """One step: a component rose in health, load or latency, never fell.

    `step` counts from 0, `parent` is the step that caused it (-1: an injection). `time_seconds` since the injection.
    `cause` is the component it came from ("" for an injection), `events` the fault ids and what-ifs of an injection.
    `latency_ms` is the accumulated latency of the component after the step (infinite past a timeout), `load` its load factor.
    """

    step: int
    parent: int
    time_seconds: float
    depth: int
    component: str
    before: Health
    after: Health
    rule: Rule
    cause: str = ""
    events: tuple[str, ...] = ()
    latency_ms: float = 0.0
    load: float = 1.0


class Carrier(Struct, frozen=True):
    """An edge over which failure was carried: `health` is what it transferred to the source. `masked`: a member of an alternative group that others stand in for."""

    source: str
    target: str
    rule: Rule
    health: Health
    masked: bool = False


class Trace(Struct, frozen=True):
    """The run of one scenario over one topology.

    `health`, `latency_ms`, `load` hold only what differs from rest (HEALTHY, the latency at rest, 1). `visited` is V in order of first rise.
    `entries_down` are entry addresses whose component is down; `entries_failing` those down or overloaded (P(fail) = 1).
    `truncated`: `max_depth` cut a cascade, so the outcome is a lower bound and proves nothing good.
    `hidden`: async edges ("source -> target", seconds) that hide a target that is down, and for how long.
    `edge_steps` counts messages along edges, for the termination bound.
    """

    scenario: Scenario
    transitions: tuple[Transition, ...]
    health: Mapping[str, Health]
    latency_ms: Mapping[str, float]
    load: Mapping[str, float]
    entries_down: tuple[str, ...]
    entries_failing: tuple[str, ...]
    carriers: tuple[Carrier, ...]
    hidden: tuple[tuple[str, float], ...] = ()
    truncated: bool = False
    edge_steps: int = 0

    @property
    def elapsed_seconds(self) -> float:
        return max((t.time_seconds for t in self.transitions), default=0.0)

    @property
    def visited(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(t.component for t in self.transitions))

    @property
    def roots(self) -> tuple[str, ...]:
        """Components that rose by an injection, in order."""
        return tuple(dict.fromkeys(t.component for t in self.transitions if t.parent < 0))

    def chain(self, component: str) -> tuple[Transition, ...]:
        """From an injection to the component's last transition, each step caused by the one before; () where it never rose."""
        last = next((t for t in reversed(self.transitions) if t.component == component), None)
        return tuple(reversed(tuple(self._ancestry(last)))) if last else ()

    def _ancestry(self, transition: Transition) -> Iterator[Transition]:
        yield transition
        while transition.parent >= 0:
            transition = self.transitions[transition.parent]
            yield transition

    def children(self) -> Mapping[int, tuple[int, ...]]:
        """Step -> the steps it caused; -1 -> the injections: the tree of who took whom down."""
        found: dict[int, list[int]] = {}
        for transition in self.transitions:
            found.setdefault(transition.parent, []).append(transition.step)
        return {parent: tuple(steps) for parent, steps in found.items()}
