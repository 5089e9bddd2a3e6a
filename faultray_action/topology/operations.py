"""How the system is run: the defaults of the reliability table, under what the team states."""

from __future__ import annotations

from types import MappingProxyType

from faultray_action.model.policy import Policy
from faultray_action.model.reliability import ReliabilityTable
from faultray_action.model.topology import Operations


def operations_of(table: ReliabilityTable, policy: Policy) -> Operations:
    """Each value with its origin (declared or default)."""
    names = [name for name in Operations.__struct_fields__ if name != "sources"]
    values = {name: policy.operations.get(name, table.quantity(name).value.default) for name in names}
    sources = {name: "declared" if name in policy.operations else "default" for name in names}
    return Operations(**{**values, "team_size": int(values["team_size"])}, sources=MappingProxyType(sources))  # type: ignore[arg-type]
