"""From the plan's JSON structs to resource instances with both sides decoded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Protocol

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from faultray_action.model.address import Index, format_index
from faultray_action.model.change import Action
from faultray_action.model.errors import InputError
from faultray_action.terraform.attributes import merge_unknown
from faultray_action.terraform.plan import Resource
from faultray_action.terraform.regions import Providers, with_shown_regions
from faultray_action.terraform.schema import Change, PlanDocument, ResourceChange, StateModule, StateResource, StateValues

MAX_DEPTH = 200
"""Values nested deeper than this are refused; providers' schemas stay below 30."""

ACTIONS: dict[tuple[str, ...], Action] = {
    (): Action.NO_OP,
    ("no-op",): Action.NO_OP,
    ("create",): Action.CREATE,
    ("read",): Action.READ,
    ("update",): Action.UPDATE,
    ("delete",): Action.DELETE,
    ("forget",): Action.FORGET,
    ("delete", "create"): Action.DESTROY_FIRST,
    ("create", "delete"): Action.CREATE_FIRST,
    ("create", "forget"): Action.CREATE_FIRST,
    ("forget", "create"): Action.CREATE_FIRST,
}

_tree = msgspec.json.Decoder()
_NULL = b"null"


class PlannedDocument(msgspec.Struct):
    """`planned_values` of plans that have no `resource_changes`."""

    planned_values: StateValues | None = None


class Reading(Struct, frozen=True):
    """Resources and drift sorted by address and deposed key. `unmentioned`: how many managed ones only the prior state knows."""

    resources: list[Resource]
    drift: list[Resource]
    dependencies: dict[str, tuple[str, ...]]
    unmentioned: int


def read_resources(document: PlanDocument, planned: PlannedDocument | None, providers: Providers, name: str) -> Reading:
    """All instances of a plan. Raises InputError for absurd nesting."""
    recorded = list(_walk(document.prior_state.values.root_module, "")) if document.prior_state and document.prior_state.values else []
    resources = [_from_change(change, providers, name) for change in document.resource_changes or () if change.mode != "ephemeral"]
    mentioned = {r.address for r in resources} | {r.previous_address for r in resources if r.previous_address}
    standing = [
        _from_state(module, row, providers, name) for module, row in recorded if row.address not in mentioned and not row.deposed_key
    ]
    resources += standing
    if planned and planned.planned_values:
        known = {r.address for r in resources}
        rows = _walk(planned.planned_values.root_module, "")
        resources += [_from_planned(module, row, providers, name) for module, row in rows if row.address not in known]
    drift = [_from_change(change, providers, name) for change in document.resource_drift or ()]
    dependencies = {row.address: tuple(row.depends_on) for _, row in recorded if row.depends_on}
    unmentioned = sum(1 for resource in standing if not resource.data)
    return Reading(with_shown_regions(sorted(resources, key=_order)), sorted(drift, key=_order), dependencies, unmentioned)


def _order(resource: Resource) -> tuple[str, str]:
    return resource.address, resource.deposed


def _walk(module: StateModule | None, address: str) -> Iterator[tuple[str, StateResource]]:
    pending = [(module, address)]
    while pending:
        current, inherited = pending.pop()
        if current is None:
            continue
        own = current.address or inherited
        for row in current.resources or ():
            row.address = full_address(own, row)
            yield own, row
        pending.extend((child, own) for child in current.child_modules or ())


def full_address(module: str, row: StateResource) -> str:
    """The instance address; Terraform 0.12 leaves out the module and the index in states."""
    address = row.address
    if module and not address.startswith("module."):
        address = f"{module}.{address}"
    return address if address.endswith("]") else address + format_index(index_of(row.index))


def _from_change(row: ResourceChange, providers: Providers, name: str) -> Resource:
    data = is_data(row.mode, row.address)
    change = row.change
    action = ACTIONS.get(tuple(change.actions or ()), Action.UPDATE)
    before, after = _both_sides(change, name)
    if data:
        before = after = after if after is not None else before
    elif action is Action.FORGET:
        after = before
    provider = provider_name(row.provider_name, row.type)
    key = providers.key(row.module_address or "", data, row.type, row.name, provider)
    return Resource(
        row.address,
        row.module_address or "",
        data,
        row.type,
        row.name,
        index_of(row.index),
        provider,
        key,
        action,
        before,
        after,
        region=providers.of(row.module_address or "", data, row.type, row.name, before, after, key),
        previous_address=row.previous_address or "",
        deposed=row.deposed or "",
        importing=bytes(change.importing) not in (b"", _NULL),
        replace_paths=_replace_paths(change),
        action_reason=row.action_reason or "",
    )


def _both_sides(change: Change, name: str) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Both trees; one and the same object where the bytes are equal and nothing is unknown."""
    unknown = bytes(change.after_unknown)
    before = decode_tree(change.before, name)
    marked = b"true" in unknown
    if not marked and change.before == change.after:
        return before, before
    after = decode_tree(change.after, name)
    if marked:
        merged = merge_unknown(after if after is not None else {}, _decode_checked(unknown, name))
        after = merged if isinstance(merged, dict) else {}
    return before, after


def decode_tree(raw: msgspec.Raw, name: str) -> dict[str, Any] | None:
    """An attribute tree; None for null and for what is no object."""
    tree = _decode_checked(bytes(raw), name)
    return tree if isinstance(tree, dict) else None


def _decode_checked(data: bytes, name: str) -> Any:
    try:
        tree = _tree.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(
            f"{name} holds attribute values that are not valid JSON text: write the plan again with `terraform show -json`."
        ) from error
    if data.count(b"{") + data.count(b"[") > MAX_DEPTH:
        _check_depth(tree, name)
    return tree


def _check_depth(tree: Any, name: str) -> None:
    level = [tree]
    for _ in range(MAX_DEPTH):
        level = [child for item in level if isinstance(item, (dict, list)) for child in _children(item)]
        if not level:
            return
    raise InputError(
        f"{name} is nested deeper than {MAX_DEPTH} levels, as no plan of Terraform is: write it again with `terraform show -json`."
    )


def _children(item: dict[str, Any] | list[Any]) -> list[Any]:
    return list(item.values()) if isinstance(item, dict) else item


def _from_state(module: str, row: StateResource, providers: Providers, name: str) -> Resource:
    """A resource of the prior state that the plan does not mention: it stands on both sides."""
    tree = decode_tree(row.values, name) or {}
    return standing(module, row.address, is_data(row.mode, row.address), row, tree, providers)


def read_standing(module: StateModule | None, name: str) -> list[tuple[Resource, tuple[str, ...]]]:
    """Every instance of a state with what it was recorded to depend on."""
    providers = Providers({}, {})
    rows = [(path, row) for path, row in _walk(module, "") if not row.deposed_key]
    return [(_from_state(path, row, providers, name), tuple(row.depends_on or ())) for path, row in rows]


def _from_planned(module: str, row: StateResource, providers: Providers, name: str) -> Resource:
    """A resource of `planned_values` in a plan without `resource_changes`: it will be created."""
    data = is_data(row.mode, row.address)
    resource = standing(module, row.address, data, row, decode_tree(row.values, name) or {}, providers)
    return replace(resource, action=Action.READ) if data else replace(resource, action=Action.CREATE, before=None)


class Named(Protocol):
    """What every kind of row in a state tells."""

    type: str
    name: str
    index: Any
    provider_name: str | None


def standing(module: str, address: str, data: bool, row: Named, tree: dict[str, Any], providers: Providers, deposed: str = "") -> Resource:
    """A resource that does not change: one tree on both sides."""
    provider = provider_name(row.provider_name, row.type)
    key = providers.key(module, data, row.type, row.name, provider)
    return Resource(
        address,
        module,
        data,
        row.type,
        row.name,
        index_of(row.index),
        provider,
        key,
        Action.NO_OP,
        tree,
        tree,
        region=providers.of(module, data, row.type, row.name, tree, tree, key),
        deposed=deposed,
    )


def is_data(mode: str | None, address: str) -> bool:
    return mode == "data" if mode else address.startswith("data.") or ".data." in address


def index_of(raw: Any) -> Index:
    """An instance key: an int, a string, or None; other JSON numbers and values become their text."""
    if raw is None or isinstance(raw, str) or (isinstance(raw, int) and not isinstance(raw, bool)):
        return raw
    return int(raw) if isinstance(raw, float) and raw.is_integer() else str(raw)


@lru_cache(maxsize=4096)
def provider_name(full: str | None, kind: str) -> str:
    """The short name: "registry.terraform.io/hashicorp/aws", "aws.primary", 'provider["…/aws"].west' and no name at all (from the type) give "aws".

    >>> provider_name('provider["registry.terraform.io/hashicorp/aws"].west', "aws_vpc")
    'aws'
    """
    text = full or ""
    if "[" in text:
        text = text.split("[", 1)[1].split("]", 1)[0].strip('"')
    last = text.rsplit("/", 1)[-1]
    pieces = last.split(".")
    if "provider" in pieces[:-1]:
        pieces = pieces[pieces.index("provider") + 1 :]
    return pieces[0] or kind.split("_", 1)[0]


def _replace_paths(change: Change) -> tuple[str, ...]:
    raw = bytes(change.replace_paths)
    if raw in (b"", _NULL, b"[]"):
        return ()
    paths = json.loads(raw)
    if not isinstance(paths, list):
        return ()
    return tuple(sorted({".".join(str(step) for step in path if isinstance(step, str)) for path in paths if isinstance(path, list)}))


def count_changes(resources: list[Resource]) -> dict[str, int]:
    """Managed resources by change: create, update, delete, replace, no-op, forget. Deposed objects are leftovers and not counted."""
    counts = {"create": 0, "update": 0, "delete": 0, "replace": 0, "no-op": 0}
    for resource in resources:
        if not resource.data and not resource.deposed:
            key = "replace" if resource.action.replaces else str(resource.action)
            counts[key] = counts.get(key, 0) + 1
    return counts
