"""Components, their copies, and the faults that take copies down."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from faultray_action.model.units import Interval


class Kind(StrEnum):
    """Types of `infra.yaml`, and what the catalogue's types are mapped to. CONNECTOR: no failure of its own (a listener, a target group)."""

    LOAD_BALANCER = "load_balancer"
    WEB_SERVER = "web_server"
    APP_SERVER = "app_server"
    DATABASE = "database"
    CACHE = "cache"
    QUEUE = "queue"
    STREAM = "stream"
    STORAGE = "storage"
    DNS = "dns"
    CDN = "cdn"
    FUNCTION = "function"
    CONTAINER = "container"
    GATEWAY = "gateway"
    NAT = "nat"
    EXTERNAL_API = "external_api"
    AI_AGENT = "ai_agent"
    LLM_ENDPOINT = "llm_endpoint"
    TOOL = "tool"
    ORCHESTRATOR = "orchestrator"
    CUSTOM = "custom"
    CONNECTOR = "connector"


class FaultClass(StrEnum):
    """Classes of events (docs/model.md)."""

    COPY = "copy"
    ZONE = "zone"
    ZONAL = "zonal-component"
    COMMON_CAUSE = "common-cause"
    REGION = "region"
    SERVICE = "provider-service"
    VENDOR = "vendor"
    GAP = "failover-gap"

    @property
    def counts_in_hazard(self) -> bool:
        """Classes whose order-1 rates add up to H1 (docs/model.md)."""
        return self in (FaultClass.COPY, FaultClass.ZONE, FaultClass.ZONAL, FaultClass.COMMON_CAUSE)


class Recovery(StrEnum):
    """How an outage ends, from best to worst."""

    SELF_HEALS = "self-heals"
    FAILS_OVER = "fails-over"
    MANUAL = "manual-restore"


class Confidence(StrEnum):
    CERTAIN = "certain"
    LIKELY = "likely"
    GUESS = "guess"


class Evidence(Struct, frozen=True):
    """Why a component, an edge or a number exists: the resource and attribute read, and the rule that read it."""

    address: str
    attribute: str
    rule: str
    confidence: Confidence = Confidence.CERTAIN


class Fault(Struct, frozen=True):
    """An event with a class and a yearly rate, independent of every other fault.

    `address` is the component it belongs to, "" for a domain that components share (a zone, a region, a provider service).
    `domain` is the readable name of what fails: "eu-west-1a", "aws:rds@eu-west-1"; "" for a copy.
    A fault of class GAP never takes a copy down for long: it enters unavailability only.
    """

    id: str
    fault_class: FaultClass
    failures_per_year: Interval
    repair_hours: Interval
    recovery: Recovery
    address: str = ""
    domain: str = ""


NAMES = 64
"""Up to here every copy of a component is a value of its own, with its own event; further ones are counted (docs/model.md)."""


class Copy(Struct, frozen=True):
    """One copy: up iff none of its faults (ids into `Topology.faults`, its own event and every shared domain) has happened. `zone` is "" where it has none.

    `count` copies that have all of their faults in common are one value: copies in bulk are counted, not made (docs/model.md).
    """

    faults: tuple[str, ...]
    zone: str = ""
    count: int = 1


class Runtime(Struct, frozen=True):
    """Load and latency of a component; only scenarios read it, never SPOFs, cuts, availability or score.

    `latency_ms` own time of a request, `capacity` and `demand` in the same unit of load for the whole component (None: the rule of docs/model.md),
    `pool` concurrent calls it may have open, `requests_per_second` what fills that pool.
    """

    latency_ms: float = 0.0
    capacity: float | None = None
    demand: float | None = None
    pool: int | None = None
    requests_per_second: float | None = None
    timeout_ms: float | None = None


class Component(Struct, frozen=True):
    """A part that serves: locally up iff at least `needed` of its copies are up.

    No copies with needed = 0 is a part without a failure of its own (a connector); no copies with needed >= 1 is one that cannot serve
    (scaled to zero, deleted target). `gaps` are failover gaps: ids of GAP faults, in unavailability only.
    `managed` marks a provider-run service without customer-visible copies: its one copy holds only domain faults.
    `limit` is a number that demand must fit into (reserved concurrency, provisioned throughput): a cut of it is a capacity risk.
    `catalogue_type` is the Terraform type, "" for a declared component; `service` the key into the SLA table, "" for none.
    """

    address: str
    kind: Kind
    label: str
    copies: tuple[Copy, ...]
    needed: int
    gaps: tuple[str, ...] = ()
    managed: bool = False
    stateful: bool = False
    recovery: Recovery = Recovery.SELF_HEALS
    catalogue_type: str = ""
    service: str = ""
    region: str = ""
    runtime: Runtime = Runtime()
    limit: float | None = None
    evidence: tuple[Evidence, ...] = ()

    @property
    def size(self) -> int:
        """How many copies it has."""
        return sum([copy.count for copy in self.copies])

    @property
    def zones(self) -> tuple[str, ...]:
        """Distinct zones of its copies, sorted."""
        return tuple(sorted({copy.zone for copy in self.copies if copy.zone}))
