"""From a request to topologies: what is known of types and numbers, the code beside the plan, both sides."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from faultray_action.catalogue.load import load
from faultray_action.catalogue.reliability import load_reliability
from faultray_action.catalogue.sla import load_slas
from faultray_action.check.request import Request
from faultray_action.model.change import AttributeChange
from faultray_action.model.source import Locate
from faultray_action.terraform.hcl.local_values import locals_of
from faultray_action.terraform.hcl.locate import Source, counted_changes
from faultray_action.terraform.hcl.roots import open_source
from faultray_action.terraform.plan import Plan
from faultray_action.topology.build import Stages, build
from faultray_action.topology.draft import Knowledge
from faultray_action.topology.linking import linker_of


def know(request: Request) -> Knowledge:
    """The catalogue, the numbers and what the team states."""
    catalogue = load(request.catalogue_files)
    return Knowledge(catalogue, load_reliability(), load_slas(request.policy.sla_percent), request.policy)


def source_of(request: Request, plan: Plan) -> Source | None:
    """The code that the plan was made from."""
    return None if request.source is None else open_source(request.source, plan, request.repository)


def discover(plan: Plan, knowledge: Knowledge, source: Source | None = None) -> Stages:
    """The topologies of a plan; the source, where it is there, tells what local values refer to."""
    linker = linker_of(plan, knowledge.catalogue, locals_of(plan, source) if source else None)
    return build(plan, lambda _, side: linker.links(side), knowledge)


def locator(source: Source | None, plan: Plan, found: Sequence[AttributeChange]) -> Locate:
    """Where things are written; what comes or goes by `count` or `for_each`, where that is decided."""
    if source is None:
        return lambda address, attribute: None
    source.expect(change.address for change in found)
    return dataclasses.replace(source, counted=counted_changes(plan, found)).locate
