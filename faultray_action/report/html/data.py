"""What the picture shows: components and needs of both sides in one drawing, and every failure in a form that a script can read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from faultray_action.model.address import Address, format_index, without_index
from faultray_action.model.component import Component
from faultray_action.model.outcome import Health
from faultray_action.model.picture import Placement, Ripple, Spot
from faultray_action.model.topology import EntryPoint, Topology
from faultray_action.report import wording
from faultray_action.report.compose import Condensed, condensed
from faultray_action.report.document import Cause, Document, RiskRow, SpofRow
from faultray_action.report.escape import plain

Pair = tuple[str, str]
Ripples = tuple[tuple[Ripple, ...], tuple[Ripple, ...]]
"""Of the side before and of the side after; empty where a side does not exist."""


class SideView(Struct, frozen=True):
    """One component on one side. `state`: ok | single-point | degraded | down, with nothing failing. `copies` None: managed by its provider."""

    state: str
    copies: int | None
    needed: int
    zones: tuple[str, ...]

    def copies_only(self) -> str:
        return "managed" if self.copies is None else wording.count(self.copies, "copy", "copies")

    def says(self) -> str:
        """`2 copies in 2 zones`."""
        where = f" in {wording.count(len(self.zones), 'zone')}" if self.zones and self.copies is not None else ""
        return f"{self.copies_only()}{where}"


class Node(Struct, frozen=True):
    """A component; `before` or `after` is None where it does not stand. `entries`: what users call it. `changed`: the plan touches it.

    `module` is where it is written, "" where its label alone tells it from all others.
    """

    address: str
    label: str
    noun: str
    kind: str
    before: SideView | None
    after: SideView | None
    entries: tuple[str, ...]
    changed: bool
    spot: Spot
    module: str = ""

    @property
    def standing(self) -> str:
        """both | before | after."""
        return "both" if self.before and self.after else "before" if self.before else "after"


class Edge(Struct, frozen=True):
    """`source` needs `target` (indices of nodes). `standing` as a node's; `broken` on the side after."""

    source: int
    target: int
    role: str
    standing: str
    broken: bool
    bends: tuple[Spot, ...]


class Drawing(Struct, frozen=True):
    """Everything in the picture. `sides` that exist: before, after or both."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    sides: tuple[str, ...]
    columns: float
    rows: float


def draw(document: Document, before: Topology, after: Topology, placement: Placement, ripples: Ripples) -> Drawing:
    """Both sides in one drawing, so that switching between them moves nothing."""
    views = condensed(before), condensed(after)
    entries = _entry_labels((before, after))
    touched = _touched(document)
    makers = tuple(_side_views(document, side, views[at], ripples[at], at) for at, side in enumerate((before, after)))
    nodes = []
    for address, spot in placement.spots.items():
        component = after.components.get(address) or before.components[address]
        sides = makers[0].get(address), makers[1].get(address)
        changed = address in touched or without_index(address) in touched or _differ(*sides)
        nodes.append(
            Node(
                address,
                plain(component.label or address, 200),
                wording.noun(component.kind.value),
                component.kind.value,
                *sides,
                entries.get(address, ()),
                changed,
                spot,
            )
        )
    called = Counter(node.label for node in nodes)
    nodes = [replace(node, module=_module(node.address)) if called[node.label] > 1 else node for node in nodes]
    number = {node.address: index for index, node in enumerate(nodes)}
    sides_shown = tuple(name for name, side in (("before", before), ("after", after)) if side.components)
    return Drawing(tuple(nodes), _edges(views, number, placement), sides_shown, placement.columns, placement.rows)


def _differ(before: SideView | None, after: SideView | None) -> bool:
    if before is None or after is None:
        return False
    return (before.copies, before.needed, before.zones) != (after.copies, after.needed, after.zones)


def _module(address: str) -> str:
    """What tells components of one label apart: key of the innermost module that has one, else its name, and their own index."""
    try:
        parsed = Address.parse(address)
    except ValueError:
        return plain(address, 60)
    keys = [str(step.index) for step in parsed.module if step.index is not None]
    names = [step.name for step in parsed.module]
    where = next(iter((*keys[-1:], *names[-1:])), "" if parsed.index is not None else parsed.name)
    return plain(f"{where}{format_index(parsed.index)}", 60)


def to_place(before: Topology, after: Topology) -> tuple[tuple[str, ...], tuple[Pair, ...], tuple[str, ...]]:
    """What a layout must place: components and needs of both sides, those of the side after first, and the components of the entries."""
    views = condensed(after), condensed(before)
    nodes = tuple(dict.fromkeys(address for view in views for address in view.nodes))
    edges = tuple(sorted({pair for view in views for pair in view.edges}))
    entries = tuple(dict.fromkeys(entry.component for side in (after, before) for entry in side.entries))
    return nodes, edges, entries


def _entry_labels(sides: Iterable[Topology]) -> Mapping[str, tuple[str, ...]]:
    """Shown component -> labels of the entries it serves; an entry behind a connector belongs to the address users know."""
    found: dict[str, dict[str, None]] = {}
    for side in sides:
        shown = frozenset(condensed(side).nodes)
        for entry in side.entries:
            address = shown_component(entry, shown)
            if address:
                found.setdefault(address, {})[plain(entry.label or entry.address, 80)] = None
    return {address: tuple(labels) for address, labels in found.items()}


def shown_component(entry: EntryPoint, shown: frozenset[str]) -> str:
    """Where an entry stands in the picture; "" where it does not."""
    return entry.component if entry.component in shown else entry.address if entry.address in shown else ""


def _touched(document: Document) -> frozenset[str]:
    findings: tuple[SpofRow | RiskRow, ...] = (*document.spofs.new, *document.spofs.resolved, *document.risks.new, *document.risks.resolved)
    causes: list[Cause] = [cause for row in findings for cause in row.cause]
    return frozenset({cause.address for cause in causes} | {row.address for row in document.attribution.rows})


def _side_views(document: Document, side: Topology, view: Condensed, ripples: Sequence[Ripple], at: int) -> Mapping[str, SideView]:
    rows = (*(document.spofs.resolved, document.spofs.new)[at], *document.spofs.unchanged)
    single = {row.address for row in rows}
    resting = {visit.component: visit.health for ripple in ripples if ripple.kind == "rest" for visit in ripple.visits}
    return {
        address: _side_view(side.components[address], address in single, resting.get(address, Health.HEALTHY)) for address in view.nodes
    }


def _side_view(component: Component, single: bool, health: Health) -> SideView:
    named = tuple(plain(zone, 60) for zone in component.zones if not zone.startswith("?:"))
    state = "down" if health is Health.DOWN else "single-point" if single else "degraded" if health else "ok"
    return SideView(state, None if component.managed else component.size, component.needed, named)


def _edges(views: tuple[Condensed, Condensed], number: Mapping[str, int], placement: Placement) -> tuple[Edge, ...]:
    before, after = views
    found = []
    for pair in sorted({*before.edges, *after.edges}):
        standing = "both" if pair in before.edges and pair in after.edges else "before" if pair in before.edges else "after"
        role = after.edges.get(pair) or before.edges[pair]
        found.append(Edge(number[pair[0]], number[pair[1]], role, standing, pair in after.broken, placement.bends.get(pair, ())))
    return tuple(found)


# For the script

_HEALTH = {Health.DEGRADED: 1, Health.OVERLOADED: 2, Health.DOWN: 3}
_WHAT = {"zone": "Zone", "region": "Region", "provider-service": "Provider service", "vendor": "Vendor"}
_WHY = {
    "copies": "too few of its copies are left",
    "what-if": "this is what fails",
    "need": "needs {cause}, which is {health}",
    "optional": "does without {cause}",
    "async": "hands work to {cause}, which is {health}",
    "buffer-spent": "its buffer towards {cause} is spent",
    "alternatives": "too few of its alternatives are left",
    "broken": "a need of it can never be met",
    "breaker": "its circuit breaker to {cause} is open",
    "no-fallback": "has no fallback for {cause}",
    "timeout": "waits too long for {cause}",
    "failover-blocked": "cannot fail over",
}


def script_data(document: Document, drawing: Drawing, ripples: Ripples) -> Mapping[str, Any]:
    """Plain lists and numbers. `failures` are ordered: domains first, then components in the drawing's order; each side of a failure is

    ``[traced, entries, visits]`` with visits ``[node, health, cause node or -1, seconds, rule]`` in order, or, untraced, only nodes.
    """
    number = {node.address: index for index, node in enumerate(drawing.nodes)}
    entry_number = {row.address: index for index, row in enumerate(document.entry_points)}
    rules: dict[str, int] = {}
    sides = tuple({ripple.id: ripple for ripple in one if ripple.kind != "rest"} for one in ripples)
    failures = []
    for identity in dict.fromkeys((*sides[1], *sides[0])):
        ripple = sides[1].get(identity) or sides[0][identity]
        failures.append(
            {
                "id": plain(identity, 300),
                "kind": ripple.kind,
                "label": failure_label(ripple, drawing, number),
                "node": number.get(ripple.subject, -1) if ripple.kind == "component" else -1,
                "sides": [_side_data(side.get(identity), number, entry_number, rules) for side in sides],
            }
        )
    return {
        "sides": list(drawing.sides),
        "nodes": [_node_data(node) for node in drawing.nodes],
        "edges": [[edge.source, edge.target] for edge in drawing.edges],
        "entries": [plain(row.label or row.address, 80) for row in document.entry_points],
        "failures": failures,
        "why": [_WHY.get(rule, rule.replace("-", " ")) for rule in rules],
    }


def failure_label(ripple: Ripple, drawing: Drawing, number: Mapping[str, int]) -> str:
    if ripple.kind == "component":
        return drawing.nodes[number[ripple.subject]].label if ripple.subject in number else plain(ripple.subject, 80)
    if ripple.subject.startswith("unnamed "):
        return plain(ripple.subject, 80).capitalize()
    return f"{_WHAT.get(ripple.kind, 'Domain')} {plain(ripple.subject, 80)}"


def _node_data(node: Node) -> list[Any]:
    """Address, label, kind in words, what users call it, per side what stands there, and the module where the label is not enough."""
    sides = [None if side is None else [side.state, side.says(), ", ".join(side.zones)] for side in (node.before, node.after)]
    return [plain(node.address, 300), node.label, node.noun, list(node.entries), sides, node.module]


def _side_data(ripple: Ripple | None, number: Mapping[str, int], entries: Mapping[str, int], rules: dict[str, int]) -> list[Any] | None:
    if ripple is None:
        return None
    down = [entries[address] for address in ripple.entries_down if address in entries]
    if not ripple.traced:
        return [0, down, [number[visit.component] for visit in ripple.visits]]
    visits = [
        [
            number[visit.component],
            _HEALTH[visit.health],
            number.get(visit.cause, -1),
            round(visit.seconds, 3),
            rules.setdefault(visit.rule, len(rules)),
        ]
        for visit in ripple.visits
    ]
    return [1, down, visits]
