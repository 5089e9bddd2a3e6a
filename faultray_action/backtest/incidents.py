"""The incidents as data: what failed, which dependencies were documented, and which services were affected or kept working."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from faultray_action.declared.schema import Declared, DeclaredComponent, DeclaredDependency
from faultray_action.model.component import Kind

FILE = Path(__file__).parent / "incidents.yaml"
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Edges = Mapping[str, tuple[str, ...]]


class Incident(BaseModel):
    """One incident. Services are named where they are used; `zones` places some of them, `fails` names services or `zone:NAME`.

    `needs`: dependencies that the report or the product's documentation states. `any_of`: alternatives, one of which suffices.
    `buffered`: asynchronous by documentation. `starts_with`: needed to start or to change, not to go on serving (control planes).
    `copies`: holds a copy of the other's data.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    date: str
    provider: Literal["aws", "gcp", "azure", "other"]
    title: str
    url: str
    confidence: Literal["high", "medium", "low"]
    fails: tuple[str, ...] = Field(min_length=1)
    affected: tuple[str, ...] = Field(min_length=1)
    unaffected: tuple[str, ...] = ()
    zones: Edges = {}
    needs: Edges = {}
    any_of: Edges = {}
    at_least: Mapping[str, int] = {}
    buffered: Edges = {}
    starts_with: Edges = {}
    copies: Edges = {}
    note: str = ""

    @property
    def failed_zones(self) -> tuple[str, ...]:
        return tuple(name.removeprefix("zone:") for name in self.fails if name.startswith("zone:"))

    @property
    def failed_services(self) -> tuple[str, ...]:
        return tuple(name for name in self.fails if not name.startswith("zone:"))

    @property
    def services(self) -> tuple[str, ...]:
        """Every service that is named anywhere, sorted."""
        edges = (self.needs, self.any_of, self.buffered, self.starts_with, self.copies)
        named = {*self.affected, *self.unaffected, *self.failed_services, *self.zones}
        named |= {name for each in edges for source, targets in each.items() for name in (source, *targets)}
        return tuple(sorted(named))

    def edges(self) -> tuple[tuple[str, str], ...]:
        """Source and target of every dependency, whatever its kind, sorted."""
        kinds = (self.needs, self.any_of, self.buffered, self.starts_with, self.copies)
        return tuple(sorted({(source, target) for each in kinds for source, targets in each.items() for target in targets}))


_INCIDENTS: TypeAdapter[tuple[Incident, ...]] = TypeAdapter(tuple[Incident, ...])


def load_incidents() -> tuple[Incident, ...]:
    """The incidents of the package, by provider and date."""
    rows = _INCIDENTS.validate_python(yaml.load(FILE.read_text(encoding="utf-8"), Loader=_LOADER))
    order = ("aws", "gcp", "azure", "other")
    return tuple(sorted(rows, key=lambda each: (order.index(each.provider), each.date, each.id)))


def declare(incident: Incident) -> Declared:
    """The incident's system as an `infra.yaml` would declare it: a copy a zone where it is placed, one copy elsewhere."""
    return Declared(
        name=incident.title,
        provider=incident.provider,
        components=tuple(_component(service, incident.zones.get(service, ())) for service in incident.services),
        dependencies=(
            *_dependencies(incident.needs, type="requires"),
            *_alternatives(incident),
            *_dependencies(incident.buffered, type="async"),
            *_dependencies(incident.starts_with, type="startup"),
            *_dependencies(incident.copies, type="replica"),
        ),
    )


def _component(service: str, zones: tuple[str, ...]) -> DeclaredComponent:
    return DeclaredComponent(id=service, type=Kind.CUSTOM, replicas=max(1, len(zones)), zones=zones)


def _dependencies(edges: Edges, **fields: Any) -> tuple[DeclaredDependency, ...]:
    return tuple(DeclaredDependency(source=source, target=target, **fields) for source, targets in edges.items() for target in targets)


def _alternatives(incident: Incident) -> tuple[DeclaredDependency, ...]:
    return tuple(
        edge
        for source, targets in incident.any_of.items()
        for edge in _dependencies({source: targets}, group="alternatives", group_needed=incident.at_least.get(source, 1))
    )
