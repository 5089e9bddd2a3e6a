"""The contract numbers of the services on needed paths: layer 5 and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from faultray_action.catalogue.sla import SlaTable
from faultray_action.model.component import Component
from faultray_action.model.topology import ExternalService


def externals_of(components: Mapping[str, Component], slas: SlaTable, on_path: Iterable[str]) -> tuple[ExternalService, ...]:
    """Distinct services that components on a path to an entry stand on, sorted by id; one whose id has no row is left out."""
    users: dict[str, list[str]] = {}
    for address in sorted(on_path):
        component = components.get(address)
        if component is not None and component.service in slas.rows:
            users.setdefault(component.service, []).append(address)
    found = []
    for service, used_by in sorted(users.items()):
        row = slas.rows[service]
        found.append(ExternalService(service, row.label, row.sla_percent, row.source, tuple(used_by)))
    return tuple(found)
