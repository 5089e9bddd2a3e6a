"""How much of a plan the catalogue knows, in counts of managed resource instances."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from faultray_action.catalogue.load import Catalogue
from faultray_action.model.change import Action
from faultray_action.model.topology import Coverage
from faultray_action.terraform.plan import LinkKind, Plan, Resource, Side
from faultray_action.topology.meanings import rules_of
from faultray_action.topology.survey import Survey

_NO_FLOW = (
    "none",
    "firewall",
    "protects",
    "modifies",
    "modified-by",
    "feeds",
    "copied-to",
    "key",
    "allows-to",
    "allows-from",
    "guards",
    "joins",
    "admits",
    "resolves",
    "named-by",
)


def measure(plan: Plan, catalogue: Catalogue, surveys: Mapping[Side, Survey], on_paths: Mapping[Side, Iterable[str]]) -> Coverage:
    """One count for the whole plan. `on_paths`: per side the components in the closure of an entry."""
    counts: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    changed = known_changed = 0
    for resource in plan.resources:
        if resource.data or resource.deposed:
            continue
        disposition = disposition_of(resource, catalogue)
        counts[disposition] += 1
        if disposition == "unknown":
            unknown[resource.type] += 1
        if resource.action not in (Action.NO_OP, Action.READ):
            changed += 1
            known_changed += disposition != "unknown"
    unresolved: Counter[str] = Counter()
    for cause, number in surveys[Side.AFTER].links.unresolved.items():
        unresolved[cause] += number
    return Coverage(
        modelled=counts["modelled"],
        transparent=counts["transparent"],
        irrelevant=counts["irrelevant"],
        unknown_types=MappingProxyType(dict(sorted(unknown.items()))),
        unresolved=MappingProxyType(dict(sorted(unresolved.items()))),
        unknown_values=tuple(sorted({pair for survey in surveys.values() for pair in survey.facts.unknown})),
        unknown_on_path=tuple(sorted({a for side, survey in surveys.items() for a in _on_path(survey, frozenset(on_paths[side]))})),
        changed=changed,
        changed_with_disposition=known_changed,
    )


def disposition_of(resource: Resource, catalogue: Catalogue) -> str:
    """modelled, transparent, irrelevant or unknown. A provider that the catalogue does not know at all is unknown too."""
    entry = catalogue.get(resource.type)
    if entry is not None:
        return entry.disposition if entry.disposition in ("transparent", "irrelevant") else "modelled"
    return "unknown"


def _on_path(survey: Survey, closure: frozenset[str]) -> Iterable[str]:
    """Resources of unknown type that a component on a path to an entry refers to where its type's references carry an outage."""
    unknown = {resource.address for resource in survey.unknown}
    for link in survey.links.links:
        if link.target not in unknown or link.source not in closure or link.kind is LinkKind.DEPENDS_ON:
            continue
        if any(rule.role not in _NO_FLOW and not rule.to for rule in rules_of(survey.nodes[link.source], link.path)):
            yield link.target
