"""Resources that a plan leaves alone, and the topology that follows from them."""

from __future__ import annotations

import json
from typing import Any

from faultray_action.model.policy import Policy
from faultray_action.model.topology import Topology
from faultray_action.pipeline import Request, discover, know
from faultray_action.terraform.reader import decode

Json = dict[str, Any]


def row(kind: str, name: str, values: Json) -> Json:
    """A resource that does not change; the provider is told by its type."""
    change = {"actions": ["no-op"], "before": values, "after": values, "after_unknown": {}}
    provider = f"registry.terraform.io/hashicorp/{kind.partition('_')[0]}"
    return {"address": f"{kind}.{name}", "mode": "managed", "type": kind, "name": name, "provider_name": provider, "change": change}


def document(*rows: Json) -> bytes:
    plan = {"format_version": "1.2", "terraform_version": "1.9.0", "resource_changes": list(rows), "configuration": {"root_module": {}}}
    return json.dumps(plan).encode()


def built(*rows: Json) -> Topology:
    return discover(decode(document(*rows), "plan.json"), know(Request(policy=Policy()))).after
