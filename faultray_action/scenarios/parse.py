"""From the id of a scenario back to the scenario: what `replay` is given."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from faultray_action.model.component import Copy, FaultClass
from faultray_action.model.errors import ConfigError
from faultray_action.model.scenario import EDGE_ARROW, ID_SEPARATOR, AgentFault, Scenario, WhatIf, WhatIfKind, scenario_id
from faultray_action.model.topology import Topology

STRATUM = "asked"

_OWN_CLASSES = (FaultClass.COPY, FaultClass.ZONAL)
_WHAT_IF = re.compile(
    rf"(?P<kind>{'|'.join(WhatIfKind)})(=(?P<detail>{'|'.join(AgentFault)}))?(\*(?P<level>\d+(\.\d+)?))?(:(?P<target>.+))?", re.DOTALL
)
_ZONE_GROUP = re.compile(r"zone:(?P<zone>.+?) of (?P<address>.+)", re.DOTALL)

_Part = tuple[tuple[str, ...], tuple[WhatIf, ...]]


def parse_scenario(text: str, *topologies: Topology | None) -> Scenario:
    """The scenario of an id, whether or not a budget kept it; "zone:NAME of ADDRESS" (the event of a single point) is read as its copies.
    A side that does not exist is None.

    Raises ConfigError for a part that is no fault, component or edge of any side, with the nearest id.
    """
    sides = tuple(topology for topology in topologies if topology is not None)
    words = text.split(ID_SEPARATOR)
    faults: set[str] = set()
    what_ifs: set[WhatIf] = set()
    start = 0
    while start < len(words):
        end, (more_faults, more_what_ifs) = _next_part(words, start, sides)
        faults.update(more_faults)
        what_ifs.update(more_what_ifs)
        start = end
    ordered = tuple(sorted(faults)), tuple(sorted(what_ifs))
    return Scenario(scenario_id(*ordered), STRATUM, *ordered)


def _next_part(words: Sequence[str], start: int, sides: Sequence[Topology]) -> tuple[int, _Part]:
    """The longest run of words that names something: a name may hold the separator."""
    for end in range(len(words), start, -1):
        part = _read_part(ID_SEPARATOR.join(words[start:end]), sides)
        if part is not None:
            return end, part
    raise ConfigError(_unknown(words[start], sides))


def _read_part(text: str, sides: Sequence[Topology]) -> _Part | None:
    if any(text in side.faults for side in sides):
        return (text,), ()
    match = _WHAT_IF.fullmatch(text)
    if match and _has_target(match["target"] or "", sides):
        what_if = WhatIf(WhatIfKind(match["kind"]), match["target"] or "", float(match["level"] or 0.0), match["detail"] or "")
        return ((), (what_if,)) if what_if.kind is not WhatIfKind.AGENT or what_if.detail else None
    group = _ZONE_GROUP.fullmatch(text)
    return _zone_group(group["zone"], group["address"], sides) if group else None


def _has_target(target: str, sides: Sequence[Topology]) -> bool:
    edges = (edge.source + EDGE_ARROW + edge.target for side in sides for edge in side.dependencies)
    return not target or any(target in side.components for side in sides) or target in edges


def _zone_group(zone: str, address: str, sides: Sequence[Topology]) -> _Part | None:
    """The faults a component owns in a zone; all of its copies where they own none and all stand there.

    Of copies in bulk most own none (docs/model.md): they go with the zone itself."""
    standing = [(side, side.components[address]) for side in sides if address in side.components]
    copies = [(side, copy) for side, component in standing for copy in component.copies]
    here = [(side, copy) for side, copy in copies if copy.zone == zone]
    owned = {
        fault for side, copy in here for fault in copy.faults if fault in side.faults and side.faults[fault].fault_class in _OWN_CLASSES
    }
    if owned:
        return tuple(sorted(owned | _zone_of_bulk(here))), ()
    return ((), (WhatIf(WhatIfKind.ALL_COPIES, address),)) if here and len(here) == len(copies) else None


def _zone_of_bulk(here: Sequence[tuple[Topology, Copy]]) -> set[str]:
    counted = [(side, copy) for side, copy in here if copy.count > 1]
    return {fault for side, copy in counted for fault in copy.faults if side.faults[fault].fault_class is FaultClass.ZONE}


def _unknown(word: str, sides: Sequence[Topology]) -> str:
    near = get_close_matches(word, list(_names(sides)), 1, 0.4)
    hint = f"did you mean `{near[0]}`?" if near else "take an id from the report or from `--cascades`."
    return f"`{word}` is no fault and no what-if of this plan: {hint}"


def _names(sides: Sequence[Topology]) -> Iterator[str]:
    for side in sides:
        yield from side.faults
        yield from (str(WhatIf(WhatIfKind.ALL_COPIES, address)) for address in side.components)
