"""What the catalogue tells the linker of a plan: which attributes name a resource, who is asked what it refers to, and where that means anything."""

from __future__ import annotations

from faultray_action.catalogue.entry import Entry
from faultray_action.catalogue.load import Catalogue
from faultray_action.terraform.links import Linker
from faultray_action.terraform.plan import Plan
from faultray_action.terraform.references import Locals
from faultray_action.topology.meanings import rules

_NO_PART = ("irrelevant", "transparent")


def linker_of(plan: Plan, catalogue: Catalogue, locals_by_module: Locals | None = None) -> Linker:
    """The linker of a plan. Nobody asks what a resource without a runtime part refers to: in a usual plan they are a third."""
    types = sorted({resource.type for resource in plan.resources})
    known = {name: entry for name in types if (entry := catalogue.get(name)) is not None}
    asked = {name: entry for name, entry in known.items() if entry.disposition not in _NO_PART or entry.edges}
    return Linker(
        plan,
        identities={name: entry.identity for name, entry in known.items() if entry.identity},
        locals_by_module=locals_by_module,
        silent=frozenset(types) - asked.keys(),
        meant={name: paths for name, entry in asked.items() if (paths := meant(entry)) is not None},
    )


def meant(entry: Entry) -> frozenset[str] | None:
    """The attribute paths at which a link of such a resource has a meaning, below them too; None where it may have one anywhere
    (an object in a manifest is read as the type of its kind)."""
    paths = frozenset(path for path, value in entry.edges.items() if any(rule.role != "none" for rule in rules(value)))
    return None if "*" in paths or entry.manifest else paths
