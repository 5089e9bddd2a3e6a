"""What a team says about its own system and its own limits: the words of `.faultray.yml`, after it was read and checked.

A pattern is an address as Terraform prints it; without its index it means all instances, `module.NAME` means everything inside it,
and `*` stands for any text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType

from msgspec import Struct

from faultray_action.model.address import without_index
from faultray_action.model.component import Recovery
from faultray_action.model.topology import Role
from faultray_action.model.units import Interval


class Place(Struct, frozen=True, order=True):
    """Where a statement is written; line 0 where it came from an input."""

    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


class Unknowns(StrEnum):
    """Which end of the interval the gate believes where the verdict depends on a value unknown until apply."""

    WORST = "worst"
    BEST = "best"


class Mode(StrEnum):
    """WARN turns exit code 1 into 0 and changes nothing else."""

    ENFORCE = "enforce"
    WARN = "warn"


class PolicyFrom(StrEnum):
    """Whose policy file counts for a change: that of the branch it goes to, its own, or none."""

    BASE = "base"
    HEAD = "head"
    NONE = "none"


class Gates(Struct, frozen=True):
    """The limits of docs/model.md. Points and percent on 0-100, seconds; None: that gate is off.

    `max_drop`, `max_new_spofs` and `max_apply_downtime_seconds` are the tolerances of `fail_on_regression` and mean nothing without it.
    """

    min_score: float | None = None
    fail_on_regression: bool = True
    max_drop: float = 0.0
    max_new_spofs: int = 0
    max_apply_downtime_seconds: float = 0.0
    slo_percent: float | None = None
    min_coverage_percent: float = 50.0
    unknowns: Unknowns = Unknowns.WORST


class DeclaredEntry(Struct, frozen=True):
    """Where users come in, as the team says it. `weight` relative to the other entries, > 0; `label` "" for the address."""

    pattern: str
    weight: float = 1.0
    label: str = ""
    place: Place = Place()


class DeclaredNeed(Struct, frozen=True):
    """`target` is needed by the component that the override names. Needs with the same non-empty `group` are alternatives."""

    target: str
    role: Role = Role.NEED
    group: str = ""
    group_needed: int = 1
    breaker: bool = False
    fallback: bool = True
    buffer_seconds: float = 0.0


class Override(Struct, frozen=True):
    """Facts that the plan cannot show. None or empty: as discovered.

    `copies_elsewhere` are further copies outside this plan (in a place of their own), added to those found.
    `entry_point` False: "this is no entry point". `ignored_needs` are targets that it does not need after all.
    """

    pattern: str
    copies: int | None = None
    needed: int | None = None
    copies_elsewhere: int | None = None
    zones: tuple[str, ...] = ()
    entry_point: bool | None = None
    needs: tuple[DeclaredNeed, ...] = ()
    ignored_needs: tuple[str, ...] = ()
    failures_per_year: Interval | None = None
    repair_hours: Interval | None = None
    recovery: Recovery | None = None
    sla_percent: float | None = None
    protected: bool | None = None
    place: Place = Place()


class RateOverride(Struct, frozen=True):
    """A row of the reliability table with the team's own numbers; `value` for a quantity that is no rate."""

    id: str
    failures_per_year: Interval | None = None
    repair_hours: Interval | None = None
    value: Interval | None = None
    place: Place = Place()


class Waiver(Struct, frozen=True):
    """A finding accepted on purpose. Found by `fingerprint` (or its first 8 and more characters), else by address and class.

    `finding_class` "" with an address means every class of it. `expiry` is the last day (UTC) on which it counts.
    """

    reason: str
    expiry: date
    fingerprint: str = ""
    address: str = ""
    finding_class: str = ""
    owner: str = ""
    since: date | None = None
    place: Place = Place()

    @property
    def id(self) -> str:
        return self.fingerprint or " ".join(part for part in (self.address, self.finding_class) if part)


class Policy(Struct, frozen=True):
    """Everything `.faultray.yml` says about the system. `gates` live in Settings, which merges them with inputs and environment.

    `operations` are fields of `model.topology.Operations`; `sla_percent` service key -> percent; `data_weights` (pattern, weight >= 0).
    """

    entry_points: tuple[DeclaredEntry, ...] = ()
    overrides: tuple[Override, ...] = ()
    data_weights: tuple[tuple[str, float], ...] = ()
    rates: tuple[RateOverride, ...] = ()
    sla_percent: Mapping[str, float] = MappingProxyType({})
    operations: Mapping[str, float] = MappingProxyType({})
    catalogue: tuple[str, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    places: Mapping[str, Place] = MappingProxyType({})
    """Pattern -> where it is written, for patterns without a place of their own (data weights)."""


class PolicyDocument(Struct, frozen=True):
    """The policy, and the settings that the file gives: input name -> (text as an input would have it, where it stands)."""

    policy: Policy = Policy()
    settings: Mapping[str, tuple[str, Place]] = MappingProxyType({})


def names(pattern: str, address: str) -> bool:
    """Whether a pattern of the policy means this address.

    >>> names("aws_db_instance.main", 'aws_db_instance.main["a"]'), names("module.orders", "module.orders.aws_lb.x")
    (True, True)
    >>> names("aws_lb.*", "aws_lb.x"), names("aws_lb.x", "aws_lb.xy")
    (True, False)
    """
    if pattern == address or pattern == without_index(address):
        return True
    if "*" in pattern:
        return _compiled(pattern).fullmatch(address) is not None
    return pattern.startswith("module.") and address.startswith((pattern + ".", pattern + "["))


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in re.split(r"\*+", pattern)), re.DOTALL)
