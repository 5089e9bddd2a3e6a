"""One side as far as it is known when its calls are held against what permits them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from msgspec import Struct

from faultray_action.model.component import Component
from faultray_action.model.graph import Needs
from faultray_action.model.topology import Dependency, EntryPoint
from faultray_action.terraform.plan import Side
from faultray_action.topology.node import Places
from faultray_action.topology.reachability.firewalls import Firewalls
from faultray_action.topology.reachability.rules import Way
from faultray_action.topology.survey import Survey


class KnownSide(Struct, frozen=True, dict=True):
    """What stands on a side and who needs whom there."""

    survey: Survey
    components: Mapping[str, Component]
    places: Mapping[str, Places]
    dependencies: tuple[Dependency, ...]
    entries: tuple[EntryPoint, ...]
    firewalls: Firewalls

    @cached_property
    def needs(self) -> Needs:
        """Who needs whom."""
        return Needs(self.dependencies)

    @cached_property
    def answers(self) -> dict[tuple[str, str], list[Way]]:
        """What its firewalls say to calls, as far as they have been asked: both ways ask the same of it."""
        return {}

    def is_connector(self, address: str) -> bool:
        """Whether requests only run through it: a walk along calls looks past it."""
        node = self.survey.nodes.get(address)
        return node is not None and node.entry.disposition == "connector"

    def called(self, address: str) -> set[str]:
        """The next components that an address needs, looking through connectors."""
        return self.needs.hard.next(address, self.is_connector)

    def callers(self, address: str) -> set[str]:
        """The next components that need an address, looking through connectors."""
        return self.needs.hard.reversed.next(address, self.is_connector)

    @cached_property
    def in_use(self) -> frozenset[str]:
        """The entries' components and everything that they need, as far as it can be met."""
        return frozenset(self.needs.carried.within(*(entry.component for entry in self.entries)))

    @property
    def is_after(self) -> bool:
        """Whether it is what the plan leaves."""
        return self.survey.side is Side.AFTER

    @cached_property
    def in_need(self) -> frozenset[str]:
        """The entries' components and everything that they need, whether or not it can be met."""
        return frozenset(self.needs.carrying.within(*(entry.component for entry in self.entries)))

    def says(self, after: str, before: str) -> str:
        """The sentence for the side that it is: what is gone after, what does not stand yet before."""
        return after if self.is_after else before
