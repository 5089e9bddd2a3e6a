"""The schema of `infra.yaml`: what a person declares about a system. Parsed at this door, trusted inside.

Durations are text with a unit (`250ms`, `2s`, `15m`, `1h`, `2d`) or a number in the unit that the field names.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from faultray_action.model.component import Kind, Recovery
from faultray_action.model.topology import LossKind

SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PATTERN = r"^\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)\s*$"
_DURATION = re.compile(_PATTERN)


def parse_duration(text: str, unit: str = "s") -> float:
    """A duration in `unit`. Raises ValueError.

    >>> parse_duration("1.5h"), parse_duration("2s", "ms")
    (5400.0, 2000.0)
    """
    match = _DURATION.match(text)
    if not match:
        raise ValueError("write a duration such as 250ms, 2s, 15m, 1h or 2d")
    return float(match.group(1)) * (SECONDS[match.group(2)] / SECONDS[unit])


def _in_seconds(value: Any) -> Any:
    return parse_duration(value) if isinstance(value, str) else value


def _in_milliseconds(value: Any) -> Any:
    return parse_duration(value, "ms") if isinstance(value, str) else value


def _in_hours(value: Any) -> Any:
    return parse_duration(value, "h") if isinstance(value, str) else value


def _triple(value: Any) -> Any:
    return (value, value, value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _ordered(value: tuple[float, float, float]) -> tuple[float, float, float]:
    if not 0 <= value[0] <= value[1] <= value[2]:
        raise ValueError("write one number, or [low, default, high] in rising order")
    return value


def _shape(unit: str) -> WithJsonSchema:
    about = f"a number of {unit}, or text with a unit (250ms, 2s, 15m, 1h, 2d)"
    return WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": _PATTERN}], "description": about})


def _failover(value: Any) -> Any:
    if isinstance(value, str):
        return parse_duration(value)
    if isinstance(value, int | float) and value >= 0:
        return value
    raise ValueError("write true, false, or how long it takes (30s)")


def _zones(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | list | tuple):
        raise ValueError("write a list of zone names, or how many unnamed zones")
    return value if isinstance(value, int) else tuple(str(zone) if isinstance(zone, int) else zone for zone in value)


def _entry(value: Any) -> Any:
    return {"id": value} if isinstance(value, str) else value


def _one_or_more(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _loss(value: Any) -> Any:
    if isinstance(value, bool):
        return {"covered_by": ("declared",) if value else ()}
    return {"covered_by": (value,)} if isinstance(value, str) else value


_PLAIN_LOSS = {"anyOf": [{"type": ["string", "boolean"]}, {"$ref": "#/$defs/DeclaredLoss"}]}
_PLAIN_ENTRY = {"anyOf": [{"type": "string", "minLength": 1}, {"$ref": "#/$defs/DeclaredEntry"}]}

Seconds = Annotated[float, BeforeValidator(_in_seconds), Field(ge=0, allow_inf_nan=False), _shape("seconds")]
Milliseconds = Annotated[float, BeforeValidator(_in_milliseconds), Field(ge=0, allow_inf_nan=False), _shape("milliseconds")]
Hours = Annotated[float, BeforeValidator(_in_hours), Field(ge=0, allow_inf_nan=False), _shape("hours")]
Failover = Annotated[
    bool | float,
    BeforeValidator(_failover),
    WithJsonSchema({"anyOf": [{"type": "boolean"}, {"type": "number", "minimum": 0}, {"type": "string", "pattern": _PATTERN}]}),
]
Share = Annotated[float, Field(ge=0, le=1)]
Percent = Annotated[float, Field(gt=0, le=100)]
Count = Annotated[int, Field(ge=0, le=10_000)]
Copies = Annotated[int, Field(ge=0, le=1_000_000)]
Name = Annotated[str, Field(min_length=1, max_length=1000)]
Bounds = Annotated[
    tuple[float, float, float],
    BeforeValidator(_triple),
    AfterValidator(_ordered),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0},
                {"type": "array", "items": {"type": "number", "minimum": 0}, "minItems": 3, "maxItems": 3},
            ],
            "description": "one number, or [low, default, high]",
        }
    ),
]


class _Declared(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DeclaredLoss(_Declared):
    """A loss event. In short: the name of what covers it, or false."""

    covered_by: tuple[Name, ...] = ()
    rates: str = Field(default="", description="row of the reliability table; default: by the type")


class DeclaredGap(_Declared):
    """How often a standby takes over, and how long that takes."""

    failures_per_year: Bounds
    seconds: Bounds


class DeclaredComponent(_Declared):
    """One part. What is not written has the default of its type; `docs/infra.md` lists them."""

    id: Name
    type: Kind
    label: str = Field(default="", description="how reports call it; the id where empty")
    name: str = Field(default="", description="the same as label")
    host: str = Field(default="", description="for the reader only")
    port: int | None = Field(default=None, description="for the reader only")
    replicas: Copies | None = Field(default=None, description="copies that run; default 1")
    needed: Copies | None = Field(default=None, description="copies that must be up; default 1")
    zones: Annotated[tuple[Name, ...] | Count, BeforeValidator(_zones)] = Field(
        default=(), description="zone names (shared with every component there), or how many unnamed ones"
    )
    placement: tuple[str, ...] = Field(default=(), description="the zone of each copy, where they are not dealt evenly over `zones`")
    falls_with: Annotated[tuple[str | tuple[str, ...], ...], BeforeValidator(_one_or_more)] = Field(
        default=(),
        description="components whose copies carry these (`nodes`: the first with its first, and so on; `nodes#0`: that copy), or a list a copy",
    )
    own_failures: bool = Field(default=True, description="false: a copy fails only with what carries it")
    gap: DeclaredGap | None = Field(default=None, description="a failover of the whole, where it does not follow from the copies")
    provider: str = Field(default="", description="cloud or site; default: the file's")
    region: str | None = Field(default=None, description='default: the file\'s; "" for none')
    regions: tuple[Name, ...] = Field(default=(), description="regions that the copies are dealt over")
    terraform_type: str = Field(default="", description="where it came from; for the reader only")
    contract: str = Field(default="", description="row of the SLA table (aws_rds_multi_az)")
    service: str = Field(default="", description="provider service that it stands on, shared with others there (rds, sqs, ...)")
    vendor: str = Field(default="", description="third party that runs it; shared by all components of that vendor")
    managed: bool | None = Field(default=None, description="run by its provider, without copies one can see")
    zonal: bool | None = Field(default=None, description="its own failures are those of a zonal part; default: true for nat")
    stateful: bool | None = Field(default=None, description="default: true for databases, caches, queues, streams and storage")
    failover: Failover | None = Field(default=None, description="whether a standby takes over by itself, or how long that takes (30s)")
    recovery: Recovery | None = Field(default=None, description="how an outage of it ends")
    rates: str = Field(default="", description="row of the reliability table to take rate, repair and failover times from")
    mtbf_hours: Annotated[float, Field(gt=0)] | None = Field(default=None, description="mean hours between failures of one copy")
    mttr_hours: Hours | None = Field(default=None, description="mean hours to repair one copy")
    failures_per_year: Bounds | None = Field(default=None, description="instead of mtbf_hours")
    repair_hours: Bounds | None = Field(default=None, description="instead of mttr_hours")
    failover_seconds: Bounds | None = Field(default=None, description="instead of a duration in `failover`")
    backups: bool | None = Field(default=None, description="restorable copies kept elsewhere")
    versioning: bool = Field(default=False, description="deleted or overwritten objects can be brought back")
    deletion_protection: bool = False
    dead_letter: bool = Field(default=False, description="a queue that keeps the messages nobody could process")
    data: dict[LossKind, Annotated[DeclaredLoss, BeforeValidator(_loss)]] = Field(
        default={}, description="loss event -> what covers it, or false; replaces what is inferred"
    )
    data_of: str = Field(default="", description="id of the component whose data this one holds a part or a copy of")
    durable: bool | None = Field(default=None, description="whether losing its data matters; default: as `stateful`, caches excepted")
    sla: Percent | None = Field(default=None, description="contractual availability of the third party behind it, percent")
    sla_source: str = ""
    latency: Milliseconds = Field(default=0.0, description="own time of a request")
    timeout: Milliseconds | None = None
    pool: Annotated[int, Field(gt=0)] | None = Field(default=None, description="calls it may have open at once")
    capacity: Annotated[float, Field(gt=0)] | None = Field(default=None, description="load that all copies together can carry")
    demand: Annotated[float, Field(ge=0)] | None = Field(default=None, description="load it carries now, in the unit of capacity")
    requests_per_second: Annotated[float, Field(ge=0)] | None = None


class DeclaredDependency(_Declared):
    """`source` needs `target`."""

    source: Name
    target: Name
    type: Literal["requires", "optional", "async", "startup", "replica"] = "requires"
    weight: Share = 1.0
    latency: Milliseconds = Field(default=0.0, description="time on the way")
    timeout: Milliseconds | None = None
    retries: Annotated[int, Field(ge=0, le=100)] = 0
    circuit_breaker: bool = False
    fallback: bool = Field(default=True, description="with a circuit breaker: whether the source can answer without the target")
    group: str = Field(default="", description="edges of one source with the same group are alternatives")
    group_needed: Annotated[int, Field(ge=1)] = Field(default=1, description="how many of the group must be healthy")
    buffer: Seconds = Field(default=0.0, description="how long an async edge hides an outage")
    own_copies_only: bool = Field(default=False, description="only the target's own copies matter, not what it needs in turn")
    broken: str = Field(default="", description="why the need cannot be met any more")


class DeclaredService(_Declared):
    """A third party with a contract, outside the graph."""

    id: Name
    label: str = ""
    sla: Percent = Field(description="contractual availability, percent")
    source: str = Field(default="", description="where the number is published")
    used_by: tuple[Name, ...] = Field(default=(), description="ids of the components that call it; all entry points where empty")


class DeclaredOperations(_Declared):
    """How the system is run; what is missing has a default of the reliability table, and the report says so."""

    deploys_per_month: Annotated[float, Field(ge=0)] | None = None
    change_failure_rate: Share | None = Field(default=None, description="share of deployments that cause an incident")
    recovery_minutes: Annotated[float, Field(ge=0)] | None = Field(default=None, description="from a failed deployment until it is undone")
    incidents_per_year: Annotated[float, Field(ge=0)] | None = Field(
        default=None, description="incidents that no deployment caused: configuration drift, human error"
    )
    detection_minutes: Annotated[float, Field(ge=0)] | None = None
    response_minutes: Annotated[float, Field(ge=0)] | None = Field(default=None, description="from the alarm until somebody works on it")
    on_call_coverage: Share | None = Field(default=None, description="share of the day that somebody is on call")
    team_size: Annotated[int, Field(ge=0)] | None = None
    packet_loss: Share | None = None
    gc_pause_fraction: Share | None = None
    jitter_loss: Share | None = None


class DeclaredSource(_Declared):
    """A source that grounds an agent's answers."""

    id: Name
    weight: Share = Field(description="how much more of the answers go wrong without it: w(d)")


class DeclaredFeed(_Declared):
    """An agent whose output is an input of this one."""

    id: Name
    verification: Share = Field(default=0.0, description="share of its mistakes that are caught on the way")


class DeclaredAgent(_Declared):
    """An AI agent; `id` is that of a component."""

    id: Name
    h0: Share = Field(description="probability of a wrong answer with every source healthy")
    sources: tuple[DeclaredSource, ...] = ()
    upstream: tuple[DeclaredFeed, ...] = ()
    degraded_factor: Share = Field(default=0.5, description="delta: how much of w(d) counts while a source is degraded")


class DeclaredEntry(_Declared):
    """Where users come in."""

    id: Name
    component: str = Field(default="", description="id of the component that it stands for; the same id where empty")
    label: str = ""
    weight: Annotated[float, Field(gt=0)] = 1.0
    deferred: bool = Field(default=False, description="a queue consumer: short outages are none")
    retention_hours: Hours = 0.0


class Declared(_Declared):
    """A whole `infra.yaml`."""

    version: Literal[1, "1", "1.0"] = 1
    name: str = ""
    provider: str = Field(default="", description="cloud or site of every component that names none")
    region: str = ""
    components: Annotated[tuple[DeclaredComponent, ...], Field(min_length=1)]
    dependencies: tuple[DeclaredDependency, ...] = ()
    external_services: tuple[DeclaredService, ...] = ()
    operations: DeclaredOperations = DeclaredOperations()
    agents: tuple[DeclaredAgent, ...] = ()
    entry_points: tuple[Annotated[DeclaredEntry, BeforeValidator(_entry)], ...] | None = Field(
        default=None,
        description="where users come in; an empty list: nowhere; missing: fronts that nothing needs, else all that nothing needs",
    )


def infra_schema() -> dict[str, Any]:
    """The JSON Schema of `infra.yaml` (`faultray schema infra`)."""
    schema = Declared.model_json_schema(mode="validation")
    schema["properties"]["entry_points"]["anyOf"][0]["items"] = _PLAIN_ENTRY
    schema["$defs"]["DeclaredComponent"]["properties"]["data"]["additionalProperties"] = _PLAIN_LOSS
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "FaultRay infra.yaml", **schema, "description": _ABOUT}


_ABOUT = "Components, dependencies and operations of a system, for `faultray load` and `faultray simulate`."
