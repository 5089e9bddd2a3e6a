"""What was changed outside Terraform: the same question asked of the recorded state and of what stands, apart from the plan's own change."""

from __future__ import annotations

from msgspec.structs import replace

from faultray_action.model.change import Action
from faultray_action.terraform.plan import Plan, Resource


def as_a_change(plan: Plan) -> Plan | None:
    """A plan from what the state recorded to what the refresh saw; None where nothing drifted."""
    drifted = {row.address: row for row in plan.drift if not row.deposed and not row.data}
    if not drifted:
        return None
    known = {resource.address for resource in plan.resources}
    rows = [_as_it_was(resource, drifted.get(resource.address)) for resource in plan.resources if not resource.deposed]
    rows += [_acted(row) for address, row in sorted(drifted.items()) if address not in known]
    standing = [row for row in rows if row.before is not None or row.after is not None]
    return replace(plan, resources=tuple(sorted(standing, key=lambda row: row.address)), drift=())


def _as_it_was(resource: Resource, drift: Resource | None) -> Resource:
    if resource.data:
        return resource
    if drift is None:
        return replace(resource, after=resource.before, action=Action.NO_OP, previous_address="")
    return _acted(replace(resource, before=drift.before, after=resource.before, previous_address=""))


def _acted(resource: Resource) -> Resource:
    gone, new = resource.after is None, resource.before is None
    return replace(resource, action=Action.DELETE if gone else Action.CREATE if new else Action.UPDATE)
