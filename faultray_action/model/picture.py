"""What a picture of a topology is drawn from: where its components stand, and what each failure takes with it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

from faultray_action.model.outcome import Health

Spot = tuple[float, float]
"""(column, row): columns follow the needs from left to right, one component takes one unit each way."""


class Placement(Struct, frozen=True):
    """`spots`: component -> its place; `bends`: (source, target) -> places a long edge runs through, source first. `columns` x `rows` hold all."""

    spots: Mapping[str, Spot]
    bends: Mapping[tuple[str, str], tuple[Spot, ...]] = MappingProxyType({})
    columns: float = 0.0
    rows: float = 0.0


class Visit(Struct, frozen=True):
    """One component that a failure reaches, at its worst health. `cause` is the component that passed it on, "" where it is the failure itself.

    `seconds` since the failure and `rule` are those of the step that made it so; where the order is not traced, 0 and "".
    """

    component: str
    health: Health
    seconds: float = 0.0
    cause: str = ""
    rule: str = ""


class Ripple(Struct, frozen=True):
    """What one failure does to one side, without what is down anyway.

    `id` is the scenario's, equal on both sides; `kind` is "component" (all of its copies at once), a fault class ("zone", "region", …), or
    "rest": no failure at all, and then what is down anyway. `subject` is a component address or the name of the domain, `entries_down` are
    entry addresses. `traced`: visits are in the order of the cascade, with degraded ones; else they are the set of what goes down, exact but
    unordered.
    """

    id: str
    kind: str
    subject: str
    visits: tuple[Visit, ...]
    entries_down: tuple[str, ...]
    traced: bool = True
