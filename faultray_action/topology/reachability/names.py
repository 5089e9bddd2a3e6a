"""Names of what is gone: a text that still says how something is called, which bears that name no more.

Somebody outside of the plan may answer to the name, so that the evidence is what the other side shows, but where what is called so stands
beside it, is there to be called (the catalogue's `awaits`), and nothing leads to it: then what is missing is between the two.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from faultray_action.catalogue.entry import Awaits, Match
from faultray_action.catalogue.expression import descend, every
from faultray_action.topology.applying import NAMES
from faultray_action.topology.known_side import KnownSide
from faultray_action.topology.node import Node, TypedEdge
from faultray_action.topology.reachability.cuts import Cut
from faultray_action.topology.reachability.fronts import idle_ones
from faultray_action.topology.survey import Survey


class _Missing(Struct, frozen=True):
    """What one side has and the other has not, or calls otherwise. `new_types`: types of which the side has something that the other has not,
    which may have taken the name over."""

    gone: frozenset[str]
    renamed: frozenset[str]
    new_types: frozenset[str]


def cuts(side: KnownSide, other: KnownSide) -> Iterator[Cut]:
    """Needs of the other side whose target this one has not, or calls otherwise, while the text that names it is the same on both."""
    dangling = _dangling(side)
    told: set[str] = set()
    for cut in _missed(side, other):
        told.add(cut.caller)
        yield replace(cut, by_change=cut.caller not in dangling)
    for source in sorted(dangling.keys() - told):
        yield Cut(source, source, f"{source} names what would lead to {dangling[source]}, and nothing is called so")


def _dangling(side: KnownSide) -> dict[str, str]:
    """What names something in vain -> what is there to be called by that name, and nothing leads to."""
    found: dict[str, str] = {}
    for idle in idle_ones(side):
        node = side.survey.nodes[idle]
        for source in side.survey.nodes.values():
            if node.entry.awaits is not None and any(
                _would_lead(side, source, node, node.entry.awaits, match) for match in source.entry.match
            ):
                found.setdefault(source.address, idle)
    return found


def _would_lead(side: KnownSide, source: Node, idle: Node, waits: Awaits, match: Match) -> bool:
    """Whether a resource names a front by the very name of what waits for one, in the same place, while no such front is called so."""
    if match.role != "need" or not match.by or not match.target or not set(match.to) & set(waits.front):
        return False
    name, place = descend(idle.values, match.target), descend(idle.values, match.scope)
    if not isinstance(name, str) or name not in every(source.values, match.by) or descend(source.values, match.scope) != place:
        return False
    fronts = [front for front in side.survey.nodes.values() if front.type in match.to]
    called = [f for f in fronts if descend(f.values, match.target) == name and descend(f.values, match.scope) == place]
    return bool(fronts) and not called


def _missed(side: KnownSide, other: KnownSide) -> Iterator[Cut]:
    missing = _missing(side.survey, other.survey)
    if not missing.gone and not missing.renamed:
        return
    grouped = {(d.source, d.target) for d in other.dependencies if d.group}
    for edge in other.survey.edges:
        if edge.role != "need" or (edge.source, edge.target) in grouped:
            continue
        if edge.source not in side.components or edge.target not in other.components:
            continue
        if _is_missed(side.survey, other.survey, edge, missing) and _still_says(side.survey, other.survey, edge):
            what = "is deleted" if edge.target in missing.gone else "bears that name no more"
            told = side.says(f"still names {edge.target}, which {what}", f"names {edge.target}, which does not stand yet")
            yield Cut(edge.source, edge.source, f"{edge.source} {told}", by_change=True)


def _missing(survey: Survey, other: Survey) -> _Missing:
    gone = {a for a in other.nodes.keys() - survey.nodes.keys() if not other.nodes[a].resource.data}
    both = survey.nodes.keys() & other.nodes.keys()
    replaced = {a for a in both if survey.nodes[a].resource.action.replaces}
    renamed = {a for a in replaced if _is_renamed(other.nodes[a], survey.nodes[a])}
    new = {survey.nodes[a].resource.type for a in survey.nodes.keys() - other.nodes.keys() if not survey.nodes[a].resource.data}
    return _Missing(frozenset(gone), frozenset(renamed), frozenset(new))


def _is_missed(survey: Survey, other: Survey, edge: TypedEdge, missing: _Missing) -> bool:
    """Whether nothing answers to what an edge of the other side leads to."""
    if edge.source in missing.gone or other.nodes[edge.target].resource.type in missing.new_types:
        return False
    return edge.target in missing.gone or (edge.target in missing.renamed and not _is_answered(survey, edge))


def _is_renamed(node: Node, successor: Node) -> bool:
    """Whether it is known to be called otherwise."""
    pairs = [(descend(node.values, path), descend(successor.values, path)) for path in (*NAMES, "metadata.name")]
    return any(isinstance(was, str) and isinstance(is_now, str) and was != is_now for was, is_now in pairs)


def _is_answered(survey: Survey, edge: TypedEdge) -> bool:
    """Whether anything answers to what a resource names at the place of an edge."""
    return any(other.path == edge.path for other in survey.outgoing(edge.source, "need"))


def _still_says(survey: Survey, other: Survey, edge: TypedEdge) -> bool:
    here, there = (every(each.nodes[edge.source].values, edge.path) for each in (survey, other))
    return bool(there) and here == there
