"""One side as far as it is known when needs are checked."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from faultray_action.model.component import Component
from faultray_action.model.topology import Dependency, EntryPoint
from faultray_action.topology.node import Places
from faultray_action.topology.survey import Survey


class KnownSide(Struct, frozen=True):
    """What stands on a side and who needs whom there."""

    survey: Survey
    components: Mapping[str, Component]
    places: Mapping[str, Places]
    dependencies: tuple[Dependency, ...]
    entries: tuple[EntryPoint, ...]
