"""From a canonical scenario id back to the scenario."""

from __future__ import annotations

import re

from faultray_action.model.errors import ConfigError
from faultray_action.model.scenario import ID_SEPARATOR, Scenario, WhatIf, WhatIfKind, scenario_id
from faultray_action.model.topology import Topology

_WHAT_IF = re.compile(r"(?P<kind>[a-z-]+)(?:=(?P<detail>[^*:]+))?(?:\*(?P<level>[0-9.]+|inf))?(?::(?P<target>.+))?", re.DOTALL)


def parse_scenario(text: str, *topologies: Topology | None) -> Scenario:
    """The scenario of an id, whose faults stand on one of the topologies. Raises ConfigError naming the part that means nothing."""
    faults = {id for topology in topologies if topology is not None for id in topology.faults}
    injected: list[str] = []
    what_ifs: list[WhatIf] = []
    for part in (piece.strip() for piece in text.split(ID_SEPARATOR)):
        if part in faults:
            injected.append(part)
        else:
            what_ifs.append(_what_if(part, faults))
    ids, asked = tuple(sorted(injected)), tuple(sorted(what_ifs))
    return Scenario(scenario_id(ids, asked), "replay", ids, asked)


def _what_if(part: str, faults: set[str]) -> WhatIf:
    match = _WHAT_IF.fullmatch(part)
    kinds = {kind.value: kind for kind in WhatIfKind}
    if match is None or match["kind"] not in kinds:
        near = sorted(id for id in faults if part.split("#")[0].rpartition(":")[2] in id)[:3]
        hint = f"did you mean {' or '.join(near)}?" if near else "ids stand in the report (`scenario`) and in the job summary"
        raise ConfigError(f"`{part}` is neither a fault of this system nor a what-if; {hint}")
    level = float(match["level"]) if match["level"] else 0.0
    return WhatIf(kinds[match["kind"]], match["target"] or "", level, match["detail"] or "")
