"""What is asked of the house, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from msgspec import Struct

from faultray_action.model.diagnostic import Diagnostic
from faultray_action.model.files import HeldFile
from faultray_action.model.finding import Decision
from faultray_action.model.outcome import Examination
from faultray_action.model.policy import Gates, Policy
from faultray_action.model.scenario import ScenarioSet
from faultray_action.model.topology import Topology
from faultray_action.report.document import Document, Printable
from faultray_action.scenarios.generate import DEFAULT_BUDGET
from faultray_action.terraform.plan import Plan


class Request(Struct, frozen=True):
    """What is asked. `source`: folder of the .tf files, None where there is none; `repository`: what their names are relative to, None for the
    working copy that the source lies in. `date`: the UTC day as ISO text, an input like any other.

    `scenario_budget`: scenarios a side, `diagnostics`: what the settings had to say."""

    paths: tuple[Path, ...] = ()
    stdin: bytes | None = None
    source: Path | None = None
    repository: Path | None = None
    gates: Gates = Gates()
    policy: Policy = Policy()
    catalogue_files: tuple[Path | HeldFile, ...] = ()
    mode: str = "enforce"
    title: str = ""
    label: str = ""
    date: str = ""
    settings: Mapping[str, Printable] = MappingProxyType({})
    diagnostics: tuple[Diagnostic, ...] = ()
    scenario_budget: int = DEFAULT_BUDGET
    max_depth: int | None = None


class Checked(Struct, frozen=True):
    """The report, and what it was made of for those who want to look closer. `plan` is None for a declared topology."""

    document: Document
    before: Topology
    after: Topology
    scenarios: ScenarioSet
    examined: tuple[Examination, Examination]
    decision: Decision
    plan: Plan | None = None
