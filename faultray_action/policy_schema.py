"""The shape of `.faultray.yml`, written once: it validates the file and becomes the JSON Schema that editors complete it with."""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from faultray_action.model.units import Interval

MAX_WAIVER_DAYS = 90

WaivableClass = Literal[
    "copy", "zone", "zonal-component", "data-loss", "broken-need", "region", "capacity", "agent", "destructive", "outage"
]
"""Classes of SPOFs, kinds of risks, and the gated classes of apply-time disruptions."""


def _interval(value: Any) -> Any:
    """A number, or [low, default, high]."""
    numbers = [value, value, value] if isinstance(value, int | float) else value
    if not isinstance(numbers, list) or len(numbers) != 3 or not all(_is_number(number) for number in numbers):
        raise ValueError("must be a number or a list [low, default, high]")
    low, default, high = (float(number) for number in numbers)
    if not 0 <= low <= default <= high:
        raise ValueError("must satisfy 0 <= low <= default <= high")
    return Interval(low, default, high)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _day(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError as error:
            raise ValueError("must be a day as YYYY-MM-DD") from error
    if isinstance(value, datetime) or not isinstance(value, date):
        raise ValueError("must be a day as YYYY-MM-DD")
    return value


def _entry(value: Any) -> Any:
    return {"address": value} if isinstance(value, str) else value


Text = Annotated[str, Field(min_length=1)]
Range = Annotated[
    Interval,
    BeforeValidator(_interval),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0},
                {"type": "array", "items": {"type": "number", "minimum": 0}, "minItems": 3, "maxItems": 3},
            ]
        }
    ),
]
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Percent = Annotated[float, Field(ge=0, le=100)]
Share = Annotated[float, Field(ge=0, le=1)]
Amount = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False, arbitrary_types_allowed=True)


class GatesSection(_Section):
    """What makes the check fail."""

    min_score: Percent | None = Field(None, description="Fail where the score after the change is below this (0-100).")
    fail_on_regression: bool | None = Field(None, description="Fail on a drop, a new SPOF, a new severe risk, a disruption while applying.")
    max_drop: Percent | None = Field(None, description="Points of drop that fail_on_regression tolerates.")
    max_new_spofs: Count | None = Field(None, description="New single points of failure that fail_on_regression tolerates.")
    max_apply_downtime: Amount | None = Field(None, description="Seconds of outage while applying that fail_on_regression tolerates.")
    min_coverage: Percent | None = Field(
        None, description="Percent of the changed resources that must be understood; else: could not compute."
    )


class EntrySection(_Section):
    """Where users come in."""

    address: Text = Field(description="Address of the resource; * stands for any text.")
    weight: float = Field(1.0, gt=0, description="How much it counts, relative to the other entry points.")
    label: str = Field("", description="The name that reports use.")


class NeedSection(_Section):
    """A need that the plan does not show."""

    target: Text = Field(description="Address of what is needed.")
    role: Literal["need", "optional", "async", "startup", "replica"] = Field(
        "need", description="How an outage of the target carries over."
    )
    group: str = Field("", description="Needs of the same group are alternatives.")
    group_needed: int = Field(1, ge=1, description="How many of the group must be healthy.")
    breaker: bool = Field(False, description="A circuit breaker stands in front of it.")
    fallback: bool = Field(True, description="Whether the caller can answer without it once the breaker is open.")
    buffer_seconds: Amount = Field(0.0, description="How long an async need hides an outage, in seconds.")


class OverrideSection(_Section):
    """Facts about one resource that the plan cannot show."""

    copies: Count | None = Field(None, description="Copies that run, whatever the plan says.")
    needed: Count | None = Field(None, description="Copies of which must be up.")
    copies_elsewhere: Count | None = Field(None, description="Further copies outside this plan, in a place of their own.")
    zones: list[Text] = Field(default_factory=list, description="Zones that its copies are spread over.")
    entry_point: bool | None = Field(None, description="false: this is no entry point; true: it is one.")
    needs: list[NeedSection] = Field(default_factory=list, description="What it needs beyond what the plan shows.")
    ignored_needs: list[Text] = Field(default_factory=list, description="What it does not need, though the plan looks so.")
    failures_per_year: Range | None = Field(None, description="How often one copy fails in a year: a number or [low, default, high].")
    repair_hours: Range | None = Field(None, description="Hours until it is back: a number or [low, default, high].")
    recovery: Literal["self-heals", "fails-over", "manual-restore"] | None = Field(None, description="How an outage of it ends.")
    sla: Percent | None = Field(None, description="The percentage its provider promises you.")
    protected: bool | None = Field(
        None, description="true: its data is backed up by means outside this plan; false: what the plan calls protection does not count."
    )


class RateSection(_Section):
    """A row of the reliability table with your own numbers."""

    failures_per_year: Range | None = Field(None, description="Failures a year: a number or [low, default, high].")
    repair_hours: Range | None = Field(None, description="Hours of repair: a number or [low, default, high].")
    value: Range | None = Field(None, description="For a quantity that is no rate (a beta factor): a number or [low, default, high].")


class OperationsSection(_Section):
    """How the system is run: the inputs of the software, theoretical and operational layers of availability."""

    deploys_per_month: Amount | None = Field(None, description="Deployments a month.")
    change_failure_rate: Share | None = Field(None, description="Share of deployments that cause an outage (0-1).")
    recovery_minutes: Amount | None = Field(None, description="Minutes to recover from a bad deployment.")
    config_drift_per_year: Amount | None = Field(None, description="Outages a year caused by configuration drift.")
    detection_minutes: Amount | None = Field(None, description="Minutes until somebody is alerted.")
    response_minutes: Amount | None = Field(None, description="Minutes from the alert until somebody works on it.")
    on_call_coverage: Share | None = Field(None, description="Share of the week that somebody is on call (0-1).")
    team_size: Annotated[int, Field(ge=1)] | None = Field(None, description="People who can fix it.")
    packet_loss: Share | None = Field(None, description="Share of packets lost (0-1).")
    gc_pause_fraction: Share | None = Field(None, description="Share of time in garbage collection pauses (0-1).")
    jitter_loss: Share | None = Field(None, description="Share of requests lost to jitter (0-1).")


class WaiverSection(_Section):
    """A finding accepted on purpose, for a while."""

    id: str = Field("", description="Fingerprint of the finding (8 characters or more), or ADDRESS and CLASS with a space between.")
    address: str = Field("", description="Address of the finding, instead of an id.")
    finding_class: WaivableClass | None = Field(None, alias="class", description="Class of the finding; with an address only.")
    reason: Text = Field(description="Why it is accepted.")
    expiry: Day = Field(description=f"Last day (UTC) on which it counts, at most {MAX_WAIVER_DAYS} days from since, else from today.")
    since: Day | None = Field(None, description="The day it was agreed on.")
    owner: str = Field("", description="Who answers for it.")


class PolicyFile(_Section):
    """FaultRay's policy for a repository."""

    entry_points: list[Annotated[EntrySection, BeforeValidator(_entry, json_schema_input_type=str | EntrySection)]] = Field(
        default_factory=list, description="Where users come in; declared ones replace those that would be inferred."
    )
    overrides: dict[Text, OverrideSection] = Field(default_factory=dict, description="Facts by address; * stands for any text.")
    data_weights: dict[Text, Amount] = Field(default_factory=dict, description="How much a data asset counts, by address; 0: not at all.")
    rates: dict[Text, RateSection] = Field(default_factory=dict, description="Your own numbers for rows of the reliability table.")
    sla: dict[Text, Percent] = Field(default_factory=dict, description="Percentages that your providers promise you, by service.")
    operations: OperationsSection | None = Field(None, description="How the system is run.")
    slo: Annotated[float, Field(gt=0, lt=100)] | None = Field(None, description="The availability you promise, in percent.")
    gates: GatesSection | None = Field(None, description="What makes the check fail.")
    unknowns: Literal["worst", "best"] | None = Field(None, description="Which end counts where the verdict depends on an unknown value.")
    waivers: list[WaiverSection] = Field(default_factory=list, description="Findings accepted on purpose.")
    catalogue: list[Text] = Field(default_factory=list, description="Further catalogue files, relative to this file.")
    mode: Literal["enforce", "warn"] | None = Field(None, description="warn: a failed gate does not fail the job.")
    comment_mode: Literal["update", "new", "hide-and-new", "update-and-ping", "off"] | None = Field(None, description="How to comment.")
    comment_when: Literal["always", "changes", "regressions"] | None = Field(None, description="What deserves a first comment.")
    annotations: Literal["auto", "check-run", "commands", "off"] | None = Field(None, description="Where remarks at lines go.")
    check_name: Text | None = Field(None, description="Name of the check run.")
    summary: bool | None = Field(None, description="Whether to write the job summary.")


def config_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of `.faultray.yml`, with a description of every key."""
    schema = PolicyFile.model_json_schema(by_alias=True, mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": ".faultray.yml"}
