"""Parts of a front that stand on one side of a change only: a new route of an API, a further origin, a target group that gets a share.

A front needs all its parts, since requests of each fail with it. Compared like that, every further feature would be a loss and every feature
taken away a gain. So a part that one side only has is an entry of its own there, as a listener's rule is: it moves no score, and its own
single points and risks judge it. That holds where the front has another part on both sides; else the front itself is what changed.

A part that gets or loses what stands in for it (an origin that a group leaves alone) is an entry of its own on both sides, so that it is told what the
change does to its requests, whatever those of the other parts hang on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from faultray_action.model.component import Component, Kind
from faultray_action.model.graph import Needs
from faultray_action.model.topology import Dependency, EntryPoint
from faultray_action.topology.components import label
from faultray_action.topology.known_side import KnownSide
from faultray_action.topology.survey import Survey


class Settled(Struct, frozen=True):
    """The dependencies and entries of one side, and the components that were made for its parts."""

    needs: tuple[Dependency, ...]
    entries: tuple[EntryPoint, ...]
    components: tuple[Component, ...]


Company = Mapping[str, frozenset[str]]
"""Part -> it and what stands in for it."""


PART = "part of a front"
"""The rule by which such an entry is inferred."""
_OF = "#"


def front_of(address: str) -> str:
    """The front that a component was made for: of a part together with what stands in for it."""
    return address.partition(_OF)[0]


def settle(side: KnownSide, other: KnownSide) -> Settled | None:
    """A side with the parts that it alone has, or has otherwise, as entries of their own; None where there are none."""
    here, there = _parts(side.survey), _parts(other.survey)
    lone: list[tuple[str, str]] = []
    spared: list[_Part] = []
    for front in sorted(here.keys() & there.keys()):
        if here[front] == there[front] or not _shared(here[front] & there[front], side, other):
            continue
        mine, theirs = _company(side.survey, front, here[front]), _company(other.survey, front, there[front])
        lone.extend((front, part) for part in sorted(here[front] - theirs.keys()))
        spared.extend((front, part, mine[part]) for part in _otherwise(mine, theirs))
    return _settled(side, lone, spared) if lone or spared else None


_Part = tuple[str, str, frozenset[str]]
"""Front, part, and the part's company."""


def _parts(survey: Survey) -> Mapping[str, set[str]]:
    """Front -> what carries a share of its requests: connectors that serve it, and what its own references lead to."""
    found: dict[str, set[str]] = {}
    for edge in survey.edges:
        if edge.role == "serves" and survey.nodes[edge.source].entry.share:
            found.setdefault(edge.target, set()).add(edge.source)
        elif edge.role == "need" and edge.share and not edge.group:
            found.setdefault(edge.source, set()).add(edge.target)
    return found


def _company(survey: Survey, front: str, alone: Iterable[str]) -> Company:
    """The parts of a front with what stands in for each; one that is left of a group is no new part, nor is one that a group takes in."""
    groups: dict[str, set[str]] = {}
    for edge in survey.outgoing(front, "need"):
        if edge.group:
            groups.setdefault(edge.group, set()).add(edge.target)
    return {part: frozenset({part}) for part in alone} | {part: frozenset(group) for group in groups.values() for part in group}


def _otherwise(here: Company, there: Company) -> list[str]:
    """Parts of both sides whose company differs, one of each company."""
    found: list[str] = []
    for part in sorted(here.keys() & there.keys()):
        if here[part] != there[part] and not any(part in company[other] for other in found for company in (here, there)):
            found.append(part)
    return found


def _shared(parts: Iterable[str], side: KnownSide, other: KnownSide) -> bool:
    """Whether a part that stands on both sides leads somewhere on both."""
    return any(_serves(side, part) and _serves(other, part) for part in parts)


def _serves(side: KnownSide, part: str) -> bool:
    behind = side.needs.all.within(part)
    return any(side.components[address].copies for address in behind if address in side.components)


def _settled(side: KnownSide, lone: list[tuple[str, str]], spared: list[_Part]) -> Settled:
    """A side whose fronts do not need these parts; those that nothing else leads to are entries, where their front is behind one, and so is
    each with what stands in for it."""
    cut = {*lone, *((front, each) for front, _, company in spared for each in company)}
    tops = [entry.component for entry in side.entries]
    reached = side.needs.all.within(*tops)
    kept = tuple(d for d in side.dependencies if (d.source, d.target) not in cut)
    still = Needs(kept).all.within(*tops)
    fresh = {part: part for front, part in lone if front in reached and part not in still and _serves(side, part)}
    made: list[Component] = []
    for front, part, company in spared:
        if front in reached:
            fresh[part] = f"{front}{_OF}{part}"
            made.append(Component(fresh[part], Kind.CONNECTOR, f"{label(side.survey.nodes[part])} or what stands in for it", (), 0))
            kept += tuple(Dependency(fresh[part], each, group=f"{fresh[part]}:servers") for each in sorted(company))
    known = {entry.address for entry in side.entries}
    added = [_entry(side, part, at) for part, at in sorted(fresh.items()) if part not in known]
    return Settled(kept, tuple(sorted([*side.entries, *added], key=lambda entry: entry.address)), tuple(made))


def _entry(side: KnownSide, part: str, component: str) -> EntryPoint:
    return EntryPoint(part, component, label(side.survey.nodes[part]), inferred=PART)
