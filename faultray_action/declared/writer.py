"""Writes a topology as `infra.yaml` that a person can read and edit, and that builds the same topology again.

Kept: components with copies, needed, places, domains, rates, recovery, load; dependencies; entries; data assets; third parties; agents;
declared operations. Not kept: evidence (the file itself is the evidence then) and coverage.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import yaml

from faultray_action.declared.component_rows import ComponentRows
from faultray_action.declared.rows import Row, filled, with_unit
from faultray_action.model.errors import InputError
from faultray_action.model.reliability import ReliabilityTable
from faultray_action.model.topology import Agent, Dependency, EntryPoint, ExternalService, Operations, Role, Topology

HEADER = """\
# A system for `faultray load` and `faultray simulate`: what it is made of, what needs what, where users come in.
# Edit it freely; `faultray schema infra` tells every key, docs/infra.md what they mean.
"""

_TYPES = {Role.NEED: "requires", Role.OPTIONAL: "optional", Role.ASYNC: "async", Role.STARTUP: "startup", Role.REPLICA: "replica"}


def write_infra(topology: Topology, table: ReliabilityTable) -> str:
    """YAML text. `table` is the one the topology was built with: numbers equal to a row of it are written as the row's name.

    Raises InputError where the topology has no component: there is nothing to simulate in it.
    """
    if not topology.components:
        raise InputError(
            "nothing in it serves or keeps data: no component to write; import the state that holds servers, databases or queues"
        )
    writer = ComponentRows(topology, table)
    head: Row = {"version": 1}
    head |= {"provider": writer.provider} if writer.provider else {}
    head |= {"region": writer.region} if writer.region else {}
    sections = (
        ("components", [writer.component(each) for each in topology.components.values()], False),
        ("dependencies", [_dependency(edge) for edge in topology.dependencies if edge.source != edge.target], True),
        ("entry_points", [_entry(entry) for entry in topology.entries], True),
        ("external_services", [_external(service) for service in topology.externals if service.id not in topology.components], True),
        ("agents", [_agent(agent) for agent in topology.agents], False),
    )
    parts = [HEADER + "".join(f"{line}\n" for line in _lines(head))]
    parts += [_section(name, rows, inline) for name, rows, inline in sections if rows]
    parts += (
        [] if topology.entries else ["entry_points: []  # nobody was found to come in anywhere: name the components that users reach\n"]
    )
    operations = _operations(topology.operations)
    parts += ["operations:\n" + "".join(f"  {line}\n" for line in _lines(operations))] if operations else []
    return "\n".join(parts)


def _section(name: str, rows: Iterable[Row], inline: bool) -> str:
    """`inline`: one line a row; else one line a key."""
    texts = [_flow(row) if inline else "\n    ".join(_lines(row)) for row in rows]
    return f"{name}:\n" + "".join(f"  - {text}\n" for text in texts)


def _lines(row: Row) -> list[str]:
    return [f"{key}: {_flow(value)}" for key, value in row.items()]


def _flow(value: Any) -> str:
    """One line of YAML for any value; inside a sequence of one, so that text is quoted wherever it has to be."""
    return str(yaml.safe_dump([_plain(value)], default_flow_style=True, sort_keys=False, allow_unicode=True, width=math.inf))[1:-2]


def _plain(value: Any) -> Any:
    """Whole numbers without their `.0`."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else value


def _dependency(edge: Dependency) -> Row:
    row: Row = {"source": edge.source, "target": edge.target, "type": _TYPES[edge.role]}
    row |= {"weight": edge.weight} if edge.weight != 1.0 else {}
    row |= {"latency": with_unit(edge.latency_ms, "ms")} if edge.latency_ms else {}
    row |= {"timeout": with_unit(edge.timeout_ms, "ms")} if edge.timeout_ms is not None else {}
    row |= {"buffer": with_unit(edge.buffer_seconds, "s")} if edge.buffer_seconds else {}
    row |= filled(retries=edge.retries, broken=edge.broken, group=edge.group)
    row |= {"group_needed": edge.group_needed} if edge.group_needed != 1 else {}
    row |= filled(circuit_breaker=edge.breaker, own_copies_only=edge.local_only)
    return row | ({} if edge.fallback else {"fallback": False})


def _entry(entry: EntryPoint) -> Row:
    row: Row = {"id": entry.address}
    row |= {} if entry.component == entry.address else {"component": entry.component}
    row |= {} if entry.label == entry.address else {"label": entry.label}
    row |= {} if entry.weight == 1.0 else {"weight": entry.weight}
    return row | filled(deferred=entry.deferred, retention_hours=entry.retention_hours)


def _external(service: ExternalService) -> Row:
    row: Row = {"id": service.id} | ({} if service.label == service.id else {"label": service.label})
    return row | {"sla": service.sla_percent} | filled(source=service.source, used_by=list(service.used_by))


def _agent(agent: Agent) -> Row:
    row: Row = {"id": agent.address, "h0": agent.h0}
    row |= filled(sources=[{"id": id, "weight": weight} for id, weight in agent.sources])
    row |= filled(upstream=[{"id": id, "verification": verification} for id, verification in agent.upstream])
    return row | ({} if agent.degraded_factor == 0.5 else {"degraded_factor": agent.degraded_factor})


def _operations(operations: Operations | None) -> Row:
    """What somebody declared; defaults stay out, so that they stay defaults."""
    if operations is None:
        return {}
    declared = (name for name, source in operations.sources.items() if source == "declared")
    return {{"config_drift_per_year": "incidents_per_year"}.get(name, name): getattr(operations, name) for name in declared}
