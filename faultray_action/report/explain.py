"""Why one component looks as it does: copies, zones, needs and dependents on both sides, each with its reason."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches

from msgspec import Struct

from faultray_action.model.address import without_index
from faultray_action.model.component import Component, Evidence, Kind
from faultray_action.model.errors import ConfigError
from faultray_action.model.outcome import Examination
from faultray_action.model.topology import DataAsset, Dependency, Role, Topology
from faultray_action.report import wording
from faultray_action.report.escape import visible
from faultray_action.report.wording import words

WIDTH = 80
_LINK = re.compile(r"^(?P<kind>.*): (?P<path>\S+) is (?P<role>[a-z-]+)$")
_DECLARED = "infra.yaml"
_ROLES: Mapping[str, str] = {
    "need": "a need",
    "serves": "traffic comes from there",
    "host": "it runs there",
    "placement": "it stands there",
    "member": "it is a member of it",
    "replica": "its data is copied from there",
    "modifies": "it changes what is set there",
    "modified-by": "what is set there applies",
    "protects": "it protects the data there",
    "branch": "another way in",
    "egress-of": "the way out leads through here",
    "egress-via": "the way out leads through there",
    "async": "work is handed over, not waited for",
    "startup": "needed to start, not to serve",
    "optional": "it can do without",
}
_NEEDS: Mapping[Role, str] = {
    Role.NEED: "needs",
    Role.OPTIONAL: "uses, can do without",
    Role.ASYNC: "hands work to",
    Role.STARTUP: "needs to start",
    Role.REPLICA: "copies its data from",
}
_NEEDED: Mapping[Role, str] = {
    Role.NEED: "needed by",
    Role.OPTIONAL: "used, not needed, by",
    Role.ASYNC: "gets work from",
    Role.STARTUP: "needed to start by",
    Role.REPLICA: "its data is copied by",
}
_LOSSES: Mapping[str, str] = {
    "media": "a broken disk",
    "delete": "deletion",
    "corruption": "corruption",
    "key": "a lost key",
    "region": "the loss of its region",
    "poison-message": "a message nobody can process",
}


class _Side(Struct, frozen=True):
    topology: Topology
    examination: Examination
    component: Component
    ways: Ways


Ways = Callable[[Topology, str, str], tuple[str, ...]]
"""(topology, entry, component) -> the components that every way of needs from the entry to it runs through, both ends included."""


def explain(address: str, sides: Iterable[tuple[str, Topology, Examination]], ways: Ways = lambda topology, entry, component: ()) -> str:
    """Plain text, a part a side, once where both are alike. Raises ConfigError where the address names no component on either side."""
    sides = list(sides)
    wanted = sorted({a for _, topology, _ in sides for a in topology.components if a == address or without_index(a) == address})
    if not wanted:
        known = sorted({a for _, topology, _ in sides for a in topology.components})
        near = [a for a in known if address.rpartition(".")[2] in a][:3] or get_close_matches(address, known, 3)
        hint = f"did you mean {' or '.join(map(visible, near))}?" if near else "list them with `faultray graph PLAN --format json`"
        raise ConfigError(f"no component `{visible(address)}` in this plan; {hint}")
    return "\n\n".join("\n".join(_component(found, sides, ways)) for found in wanted)


def _component(address: str, sides: list[tuple[str, Topology, Examination]], ways: Ways) -> Iterator[str]:
    standing = [(name, _side(address, topology, examination, ways)) for name, topology, examination in sides]
    label = next((t.components[address].label for _, t, _ in reversed(sides) if address in t.components), "")
    yield visible(address) + (f" · {visible(label)}" if label and label != address else "")
    if len(standing) > 1 and standing[0][1] == standing[1][1]:
        standing = [("before and after", standing[0][1])]
    for name, lines in standing:
        yield f"  {name}:" if name != "declared" else "  as declared:"
        yield from lines


def _side(address: str, topology: Topology, examination: Examination, ways: Ways) -> list[str]:
    component = topology.components.get(address)
    if component is None:
        return ["    does not stand"]
    side = _Side(topology, examination, component, ways)
    lines = [*_line(_summary(component)), *(line for e in component.evidence for line in _reason(e, component.address))]
    lines += [*_standing(side), *_edges(side)]
    return lines + [line for asset in topology.assets if asset.address == address for line in _asset(asset)]


def _line(text: str, indent: int = 4) -> list[str]:
    pad = " " * indent
    return textwrap.wrap(text, WIDTH, initial_indent=pad, subsequent_indent=pad + "  ", break_long_words=False, break_on_hyphens=False)


def _summary(component: Component) -> str:
    named = [zone for zone in component.zones if not zone.startswith("?:")]
    where = f" in {words(wording.listed(named, 6))}" if named else f" in {_unnamed(component)}" if component.zones else ""
    if component.managed:
        return f"run by the provider, no copies to see{where and where + ' only'}"
    if _passes(component):
        return "passes traffic on, has no failure of its own"
    return f"{wording.count(component.size, 'copy', 'copies')}{where}, {component.needed} needed"


def _unnamed(component: Component) -> str:
    return wording.count(len(component.zones), "zone that is not named", "zones that are not named")


def _passes(component: Component | None) -> bool:
    return (
        component is not None
        and not component.managed
        and not component.copies
        and (component.kind is Kind.CONNECTOR or not component.needed)
    )


def _standing(side: _Side) -> Iterator[str]:
    address = side.component.address
    entry = next((e for e in side.topology.entries if e.component == address), None)
    if entry is not None:
        later = ", its work can wait" if entry.deferred else ""
        yield from _line(f"entry point ({visible(entry.inferred) or 'declared'}{later})")
    point = next((p for p in side.examination.single_points if p.address == address), None)
    if point is not None:
        down = words(wording.listed([_entry_label(side.topology, a) for a in point.takes_down], 6))
        events = " or ".join(_EVENTS.get(c.value, c.value) for c in point.classes)
        yield from _line(f"SINGLE POINT OF FAILURE: losing {events} takes down {down}; recovers {_recovers(point.recovery.value)}")
        yield from _through(side, point.takes_down[0])


def _through(side: _Side, entry: str) -> Iterator[str]:
    """What every way from the entry to here runs through, connectors left out."""
    path = side.ways(side.topology, entry, side.component.address)
    between = [a for a in path[1:-1] if not _passes(side.topology.components.get(a))]
    if between:
        yield from _line(f"every way from {_entry_label(side.topology, entry)} to it runs through {words(wording.listed(between, 6))}")


_EVENTS: Mapping[str, str] = {"copy": "a copy", "zone": "a zone", "zonal-component": "it", "region": "its region"}


def _recovers(word: str) -> str:
    told = wording.recovery(word)
    return "by failing over" if word == "fails-over" else told


def _entry_label(topology: Topology, address: str) -> str:
    return next((e.label or address for e in topology.entries if e.address == address), address)


def _reason(evidence: Evidence, owner: str) -> list[str]:
    """The attribute or rule that something was read from; what only repeats the summary is left out."""
    rule, attribute = visible(evidence.rule), visible(evidence.attribute)
    sure = "" if evidence.confidence.value == "certain" else f" ({evidence.confidence.value})"
    link = _LINK.match(rule)
    if link:
        meaning = _ROLES.get(link["role"], link["role"])
        return _line(f"{visible(evidence.address)} refers to it at `{link['path']}`: {meaning}{sure}", 6)
    if rule.startswith(("catalogue: ", "zones ")) or rule.endswith("unnamed zones"):
        return []
    if rule == _DECLARED:
        return _line(f"written in {rule}: `{attribute}`", 6)
    where = "" if evidence.address == owner else f" of {visible(evidence.address)}"
    read = f", read from `{attribute}`{where}" if attribute else where
    return _line(f"{rule}{read}{sure}", 6)


def _edges(side: _Side) -> Iterator[str]:
    address = side.component.address
    for d in side.topology.dependencies:
        if d.source == address:
            yield from _edge(side, d, d.target, _NEEDS[d.role], lambda e: e.target, lambda e: e.source)
    for d in side.topology.dependencies:
        if d.target == address:
            yield from _edge(side, d, d.source, _NEEDED[d.role], lambda e: e.source, lambda e: e.target)


_End = Callable[[Dependency], str]


def _edge(side: _Side, d: Dependency, other: str, word: str, onward: _End, origin: _End) -> Iterator[str]:
    group = f", {d.group_needed} of its group" if d.group else ""
    beyond = _beyond(side.topology, other, onward, origin)
    through = f" (and through it {words(wording.listed(beyond, 3))})" if beyond else ""
    yield from _line(f"{word} {visible(other)}{group}{through}")
    if d.broken:
        yield from _line(f"BROKEN: {visible(d.broken)}", 6)
    for e in d.evidence:
        yield from _reason(e, "")


def _beyond(topology: Topology, start: str, onward: _End, origin: _End) -> list[str]:
    """Labels of the components that stand behind one which only passes traffic on."""
    if not _passes(topology.components.get(start)):
        return []
    seen, found = {start: None}, dict[str, None]()
    for at in (queue := [start]):
        for d in topology.dependencies:
            if origin(d) == at and onward(d) not in seen:
                seen[onward(d)] = None
                component = topology.components.get(onward(d))
                if _passes(component):
                    queue.append(onward(d))
                elif component is not None:
                    found[component.label or component.address] = None
    return list(found)


def _asset(asset: DataAsset) -> Iterator[str]:
    yield from _line("holds durable data" + (": DESTROYED by this plan" if asset.destroyed else ""))
    for loss in asset.losses:
        covers = ", ".join(map(_cover, loss.covered_by))
        yield from _line(f"against {_LOSSES.get(loss.kind.value, loss.kind.value)}: {covers or 'NOTHING'}", 6)


def _cover(evidence: Evidence) -> str:
    """What protects, and the attribute that says so."""
    if evidence.rule == _DECLARED:
        return f"`{visible(evidence.attribute)}`"
    return f"{visible(evidence.rule)} (`{visible(evidence.attribute)}`)" if evidence.attribute else visible(evidence.rule)
