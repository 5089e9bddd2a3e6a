"""What is surveyed of one side: resources with what the catalogue knows of them, references with their meaning, places."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from faultray_action.catalogue.entry import EdgeRole, Entry, Manifest
from faultray_action.catalogue.expression import Answers
from faultray_action.model.component import Evidence
from faultray_action.terraform.plan import Resource


class Node(Struct, frozen=True):
    """A resource instance that stands on this side and whose type has an entry."""

    address: str
    resource: Resource
    entry: Entry
    values: Mapping[str, Any]
    """Without attributes that nobody wrote and that the provider computes: those have their documented defaults."""
    raw: Mapping[str, Any]
    read_as: str = ""
    """The type that it is read as where it is not its own (an object of Kubernetes in a manifest)."""
    written_as: Manifest | None = None
    answers: Answers | None = None
    """What its expressions say, in common with the resources that are like it."""

    @property
    def type(self) -> str:
        return self.read_as or self.resource.type


class TypedEdge(Struct, frozen=True):
    """A reference with its meaning. `source` refers to `target`; the role says which way traffic or placement goes."""

    source: str
    target: str
    role: EdgeRole
    path: str
    group: str = ""
    group_needed: int = 1
    buffer_seconds: float = 0.0
    evidence: Evidence | None = None
    share: bool = False


class Places(Struct, frozen=True):
    """Where copies may stand. `zones`: distinct names, sorted. `anonymous`: further zones whose names are not known. `subnets`: (zone, placement) pairs."""

    zones: tuple[str, ...] = ()
    anonymous: int = 0
    subnets: tuple[tuple[str, str], ...] = ()

    @property
    def count(self) -> int:
        return len(self.zones) + self.anonymous

    @property
    def known(self) -> bool:
        return self.count > 0
