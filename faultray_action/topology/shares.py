"""Parts of a front that stand on one side of a change only: a new route of an API, a further origin, a target group that gets a share.

A front needs all its parts, since requests of each fail with it. Compared like that, every further feature would be a loss and every feature
taken away a gain. So a part that one side only has is an entry of its own there, as a listener's rule is: it moves no score, and its own
single points and risks judge it. That holds where the front has another part on both sides; else the front itself is what changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from faultray_action.model.topology import Dependency, EntryPoint
from faultray_action.topology import entries
from faultray_action.topology.components import label
from faultray_action.topology.known_side import KnownSide
from faultray_action.topology.survey import Survey

Settled = tuple[tuple[Dependency, ...], list[EntryPoint]]
"""The dependencies and entries of one side."""


def settle(before: KnownSide, after: KnownSide) -> tuple[Settled | None, Settled | None]:
    """Both sides with the parts that only one of them has as entries of their own; None for a side that has none."""
    was, is_now = _parts(before.survey), _parts(after.survey)
    lone: tuple[list[tuple[str, str]], list[tuple[str, str]]] = ([], [])
    for front in sorted(was.keys() & is_now.keys()):
        if was[front] == is_now[front] or not _shared(was[front] & is_now[front], before, after):
            continue
        lone[0].extend((front, part) for part in sorted(was[front] - is_now[front] - _alternatives(after.survey, front)))
        lone[1].extend((front, part) for part in sorted(is_now[front] - was[front] - _alternatives(before.survey, front)))
    return _settled(before, lone[0]), _settled(after, lone[1])


def _parts(survey: Survey) -> Mapping[str, set[str]]:
    """Front -> what carries a share of its requests: connectors that serve it, and what its own references lead to."""
    found: dict[str, set[str]] = {}
    for edge in survey.edges:
        if edge.role == "serves" and survey.nodes[edge.source].entry.share:
            found.setdefault(edge.target, set()).add(edge.source)
        elif edge.role == "need" and edge.share and not edge.group:
            found.setdefault(edge.source, set()).add(edge.target)
    return found


def _alternatives(survey: Survey, front: str) -> set[str]:
    """What stands in for another part of a front: it is no new part that is left of a group, nor one that a group takes in."""
    return {edge.target for edge in survey.outgoing(front, "need") if edge.group}


def _shared(parts: Iterable[str], before: KnownSide, after: KnownSide) -> bool:
    """Whether a part that stands on both sides leads somewhere on both."""
    return any(all(_serves(side, part) for side in (before, after)) for part in parts)


def _serves(side: KnownSide, part: str) -> bool:
    needs = _needs(side.dependencies)
    behind = {part, *entries.closure(part, needs)}
    return any(side.components[a].copies for a in behind if a in side.components)


def _needs(dependencies: Iterable[Dependency], without: frozenset[tuple[str, str]] = frozenset()) -> dict[str, list[str]]:
    needs: dict[str, list[str]] = {}
    for d in dependencies:
        if (d.source, d.target) not in without:
            needs.setdefault(d.source, []).append(d.target)
    return needs


def _settled(side: KnownSide, lone: list[tuple[str, str]]) -> Settled | None:
    """A side whose fronts do not need these parts; those that nothing else leads to are entries, where their front is behind one."""
    if not lone:
        return None
    cut = frozenset(lone)
    reached = _behind(side, _needs(side.dependencies))
    kept = tuple(d for d in side.dependencies if (d.source, d.target) not in cut)
    still = _behind(side, _needs(kept))
    fresh = sorted({part for front, part in lone if front in reached and part not in still and _serves(side, part)})
    added = [EntryPoint(part, part, label(side.survey.nodes[part]), inferred="part of a front") for part in fresh]
    return kept, sorted([*side.entries, *added], key=lambda entry: entry.address)


def _behind(side: KnownSide, needs: Mapping[str, list[str]]) -> set[str]:
    tops = {entry.component for entry in side.entries}
    return tops | entries.closure_of(tops, needs)
