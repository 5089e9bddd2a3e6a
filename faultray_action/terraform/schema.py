"""The JSON of `terraform show -json` as msgspec structs: what is not named here is skipped without being built.

Attribute trees stay `Raw` until they are needed: equal bytes on both sides are decoded once.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

NULL = Raw(b"null")
ABSENT = Raw(b"")


class Change(msgspec.Struct, gc=False):
    actions: list[str] | None = None
    before: Raw = NULL
    after: Raw = NULL
    after_unknown: Raw = NULL
    replace_paths: Raw = NULL
    importing: Raw = NULL


class ResourceChange(msgspec.Struct, gc=False):
    address: str
    type: str
    change: Change
    name: str = ""
    mode: str | None = None
    index: Any = None
    module_address: str | None = None
    previous_address: str | None = None
    provider_name: str | None = None
    deposed: str | None = None
    action_reason: str | None = None


class StateResource(msgspec.Struct, gc=False):
    address: str
    type: str
    name: str = ""
    mode: str | None = None
    index: Any = None
    provider_name: str | None = None
    values: Raw = NULL
    depends_on: list[str] | None = None
    deposed_key: str | None = None


class StateModule(msgspec.Struct):
    address: str | None = None
    resources: list[StateResource] | None = None
    child_modules: list[StateModule] | None = None


class StateValues(msgspec.Struct):
    root_module: StateModule | None = None


class PriorState(msgspec.Struct):
    values: StateValues | None = None
    terraform_version: str | None = None


class Variable(msgspec.Struct):
    value: Raw = NULL


class PlanDocument(msgspec.Struct):
    """Top level of a plan. `planned_values` is read only where there are no `resource_changes` (see `PlannedDocument`)."""

    format_version: str | None = None
    terraform_version: str | None = None
    resource_changes: list[ResourceChange] | None = None
    resource_drift: list[ResourceChange] | None = None
    deferred_changes: list[Raw] | None = None
    configuration: dict[str, Any] | None = None
    prior_state: PriorState | None = None
    variables: dict[str, Variable] | None = None
    planned_values: Raw = ABSENT
    values: Raw = ABSENT
    version: Any = None
    serial: Any = None
    lineage: Any = None
    errored: bool | None = None
    complete: bool | None = None
    applyable: bool | None = None


class StateDocument(msgspec.Struct):
    """`terraform show -json` of a state."""

    format_version: str | None = None
    terraform_version: str | None = None
    values: StateValues | None = None


class StoredInstance(msgspec.Struct):
    index_key: Any = None
    deposed: str | None = None
    attributes: Raw = NULL
    attributes_flat: dict[str, Any] | None = None
    dependencies: list[str] | None = None
    depends_on: list[str] | None = None


class StoredResource(msgspec.Struct):
    type: str
    name: str
    mode: str | None = None
    module: str | None = None
    provider: str | None = None
    instances: list[StoredInstance] | None = None


class StoredPrimary(msgspec.Struct):
    id: str | None = None
    attributes: dict[str, Any] | None = None


class StoredLegacyResource(msgspec.Struct):
    type: str
    depends_on: list[str] | None = None
    primary: StoredPrimary | None = None
    deposed: list[StoredPrimary] | None = None
    provider: str | None = None


class StoredLegacyModule(msgspec.Struct):
    path: list[str]
    resources: dict[str, StoredLegacyResource] | None = None


class StoredDocument(msgspec.Struct):
    """A `.tfstate` file, version 3 (`modules`) or 4 (`resources`)."""

    version: int
    terraform_version: str | None = None
    resources: list[StoredResource] | None = None
    modules: list[StoredLegacyModule] | None = None
