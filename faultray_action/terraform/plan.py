"""What Terraform says, parsed once at the door: a frozen Plan that the floors above trust."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from faultray_action.model.address import Index
from faultray_action.model.change import Action
from faultray_action.model.diagnostic import Diagnostic


class Side(StrEnum):
    """BEFORE is what stands now (after a refresh), AFTER what the plan leaves; RECORDED is the state before drift was seen."""

    RECORDED = "recorded"
    BEFORE = "before"
    AFTER = "after"


class Resource(Struct, frozen=True):
    """One instance of a managed resource or a data source, on both sides.

    `before` / `after` are its attribute trees (plain dicts and lists; UNKNOWN leaves where the value is known only after apply) or None where
    it does not exist on that side. A data source has the same tree on both sides. `provider` is the short provider name ("aws"),
    `provider_config` the configuration it uses ("aws", "aws.west", "module.a:aws"), `region` its region where known, else "".
    `module` is the module instance address, "" for the root. `ignored` lists attributes under lifecycle ignore_changes, where known.
    """

    address: str
    module: str
    data: bool
    type: str
    name: str
    index: Index
    provider: str
    provider_config: str
    action: Action
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    region: str = ""
    previous_address: str = ""
    deposed: str = ""
    importing: bool = False
    replace_paths: tuple[str, ...] = ()
    action_reason: str = ""
    plan: int = 0

    def values(self, side: Side) -> Mapping[str, Any] | None:
        return self.after if side is Side.AFTER else self.before


class LinkKind(StrEnum):
    REFERENCE = "reference"
    VALUE = "value"
    DEPENDS_ON = "depends_on"
    STATE = "state"


class Link(Struct, frozen=True):
    """`source` mentions `target` on one side. Addresses of instances.

    `path` is the dotted attribute path in the source without list indices ("network_configuration.subnets", "" for depends_on);
    `attribute` the target's attribute it reads ("arn", "" for the whole). `detail` is the reference as written ("aws_lb.main.arn") or the
    attribute whose value matched; never a value. `kind` tells how it is known.
    """

    source: str
    path: str
    target: str
    attribute: str
    kind: LinkKind
    detail: str = ""


class Links(Struct, frozen=True):
    """All links of one side, sorted; `unresolved` counts references that led nowhere, by cause (a local without source, a missing module, ...)."""

    links: tuple[Link, ...]
    unresolved: Mapping[str, int] = MappingProxyType({})


class Plan(Struct, frozen=True):
    """One plan or several merged. `resources` are sorted by address (then deposed key); data sources are among them.

    `drift` holds `resource_drift` as resources whose `before` is what the state recorded and `after` what the refresh saw.
    `configuration` is the decoded `configuration` tree(s), opaque to the floors above. `counts` are resource changes by action.
    """

    path: str
    format_version: str
    terraform_version: str
    resources: tuple[Resource, ...]
    drift: tuple[Resource, ...] = ()
    configuration: tuple[Mapping[str, Any], ...] = ()
    state_dependencies: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    complete: bool = True
    deferred: int = 0
    has_state: bool = True
    counts: Mapping[str, int] = MappingProxyType({})
    diagnostics: tuple[Diagnostic, ...] = ()
