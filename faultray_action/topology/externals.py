"""The contract numbers of the services on needed paths: layer 5 and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from faultray_action.catalogue.sla import SlaTable
from faultray_action.model.component import Component
from faultray_action.model.topology import ExternalService


def externals_of(
    components: Mapping[str, Component],
    slas: SlaTable,
    on_path: Iterable[str],
    stated: Mapping[str, tuple[float, str]] = MappingProxyType({}),
) -> tuple[ExternalService, ...]:
    """Distinct services that components on a path to an entry stand on, sorted by id; one whose id has no row is left out.

    `stated`: address -> (percent, source); such a component stands on a contract of its own instead."""
    users: dict[str, list[str]] = {}
    found: list[ExternalService] = []
    for address in sorted(on_path):
        component = components.get(address)
        if component is not None and address in stated:
            found.append(ExternalService(f"stated:{address}", component.label, *stated[address], (address,)))
        elif component is not None and component.service in slas.rows:
            users.setdefault(component.service, []).append(address)
    for service, used_by in sorted(users.items()):
        row = slas.rows[service]
        found.append(ExternalService(service, row.label, row.sla_percent, row.source, tuple(used_by)))
    return tuple(sorted(found, key=lambda one: one.id))
