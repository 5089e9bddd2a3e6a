"""A frozen topology: what stands on one side of a change. Source needs target, said once."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from msgspec import Struct

from faultray_action.model.component import Component, Evidence, Fault
from faultray_action.model.diagnostic import Diagnostic
from faultray_action.model.units import Interval


class Role(StrEnum):
    """How an edge carries failure (docs/model.md). REPLICA documents where data is copied from and carries nothing."""

    NEED = "need"
    OPTIONAL = "optional"
    ASYNC = "async"
    STARTUP = "startup"
    REPLICA = "replica"


class Dependency(Struct, frozen=True):
    """`source` needs `target`.

    Edges of one source with the same non-empty `group` form an alternative group: `group_needed` (the same on all of them) must be healthy.
    `broken` says in words why the need cannot be met any more (no rule permits it), "" where it can: a broken need is down with no event.
    `by_change`: the side alone does not prove that; it shows beside the other side of the change only.
    `breaker` is a declared circuit breaker; `fallback` whether the caller can answer without the target once the breaker is open.
    `buffer_seconds` is how long an ASYNC edge hides an outage. `local_only`: only the target's own copies matter, not what it needs.
    """

    source: str
    target: str
    role: Role = Role.NEED
    group: str = ""
    group_needed: int = 1
    broken: str = ""
    by_change: bool = False
    breaker: bool = False
    fallback: bool = True
    buffer_seconds: float = 0.0
    latency_ms: float = 0.0
    timeout_ms: float | None = None
    retries: int = 0
    weight: float = 1.0
    local_only: bool = False
    evidence: tuple[Evidence, ...] = ()


class EntryPoint(Struct, frozen=True):
    """Where users come in. `component` is the vertex whose health is the entry's; `address` is what the reader knows it by.

    `deferred`: a queue consumer; outages shorter than `retention_hours` are none. `keys` are stable identities (DNS names) that match the two sides.
    `inferred` names the rule that found it, "" where declared. `of_other_side`: this side alone would not call it an entry; the other side of
    the change does, so both are judged by it.
    """

    address: str
    component: str
    label: str
    weight: float = 1.0
    deferred: bool = False
    retention_hours: float = 0.0
    inferred: str = ""
    keys: tuple[str, ...] = ()
    of_other_side: bool = False


class LossKind(StrEnum):
    MEDIA = "media"
    DELETE = "delete"
    CORRUPTION = "corruption"
    KEY = "key"
    POISON = "poison-message"
    REGION = "region"


class Loss(Struct, frozen=True):
    """A loss event of a data asset and what covers it; an uncovered one is of order 1."""

    kind: LossKind
    failures_per_year: Interval
    covered_by: tuple[Evidence, ...] = ()

    @property
    def covered(self) -> bool:
        return bool(self.covered_by)


class DataAsset(Struct, frozen=True):
    """Durable data. `stores` are the components that hold it; `losses` its loss events.

    `destroyed`: the plan deletes or replaces it without a final snapshot or a surviving copy: D = 0 after.
    `unrestored`: the plan replaces it by an empty store; its data is in a snapshot until somebody restores it.
    """

    address: str
    label: str
    stores: tuple[str, ...]
    losses: tuple[Loss, ...]
    weight: float = 1.0
    destroyed: bool = False
    unrestored: bool = False
    inferred: str = ""
    evidence: tuple[Evidence, ...] = ()

    @property
    def holds_data(self) -> bool:
        """Whether there is anything to keep: messages on their way are no durable data."""
        return any(loss.kind is not LossKind.POISON for loss in self.losses)


class ExternalService(Struct, frozen=True):
    """A third party that needed paths run through, with its contract number: layer 5 and nothing else."""

    id: str
    label: str
    sla_percent: float
    source: str
    used_by: tuple[str, ...] = ()


class Agent(Struct, frozen=True):
    """An AI agent (docs/model.md): `h0` its base hallucination probability, `sources` of data with weight w(d) in [0, 1] and degradation factor.

    `upstream` feeds: (agent address, verification in [0, 1]).
    """

    address: str
    label: str
    h0: float
    sources: tuple[tuple[str, float], ...] = ()
    upstream: tuple[tuple[str, float], ...] = ()
    degraded_factor: float = 0.5
    evidence: tuple[Evidence, ...] = ()


class Operations(Struct, frozen=True):
    """How the system is run; the inputs of the software, theoretical and operational layers. Each value's source stands in `sources` (name -> declared | plan | default)."""

    deploys_per_month: float
    change_failure_rate: float
    recovery_minutes: float
    config_drift_per_year: float
    detection_minutes: float
    response_minutes: float
    on_call_coverage: float
    team_size: int
    packet_loss: float
    gc_pause_fraction: float
    jitter_loss: float
    sources: Mapping[str, str] = MappingProxyType({})


class Coverage(Struct, frozen=True):
    """How much of the plan has a disposition. Counts of managed resource instances; `unknown_types`: type -> instances;
    `unresolved`: cause -> references; `unknown_values`: (address, attribute) whose value decides something and is not known until apply;
    `unknown_on_path`: addresses of unknown type that a component on a path to an entry refers to or is referred to by."""

    modelled: int = 0
    transparent: int = 0
    irrelevant: int = 0
    unknown_types: Mapping[str, int] = MappingProxyType({})
    unresolved: Mapping[str, int] = MappingProxyType({})
    unknown_values: tuple[tuple[str, str], ...] = ()
    unknown_on_path: tuple[str, ...] = ()
    changed: int = 0
    changed_with_disposition: int = 0

    @property
    def total(self) -> int:
        return self.modelled + self.transparent + self.irrelevant + sum(self.unknown_types.values())

    @property
    def share(self) -> float:
        """Modelled + transparent + irrelevant over all managed resources; 1 for none at all."""
        return 1.0 if self.total == 0 else (self.modelled + self.transparent + self.irrelevant) / self.total


class Topology(Struct, frozen=True):
    """One side. `components` and `faults` are in a stable order (sorted by address and id); every id a component or an edge names exists."""

    components: Mapping[str, Component]
    dependencies: tuple[Dependency, ...]
    faults: Mapping[str, Fault]
    entries: tuple[EntryPoint, ...]
    assets: tuple[DataAsset, ...] = ()
    externals: tuple[ExternalService, ...] = ()
    agents: tuple[Agent, ...] = ()
    operations: Operations | None = None
    coverage: Coverage = Coverage()
    diagnostics: tuple[Diagnostic, ...] = ()
