"""The topology as a graph for other programs: Mermaid, Graphviz DOT, GraphML and JSON; one side, or the difference of both."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from faultray_action.model.component import Component
from faultray_action.model.topology import Topology
from faultray_action.report.compose import condensed
from faultray_action.report.escape import mermaid_label, visible


@dataclass(frozen=True, slots=True)
class Vertex:
    """`standing`: both, before or after (added)."""

    address: str
    label: str
    kind: str
    copies: int | None
    needed: int
    zones: tuple[str, ...]
    entry: bool
    standing: str


@dataclass(frozen=True, slots=True)
class Edge:
    """`source` needs `target`. `why`: the attributes it was read from."""

    source: str
    target: str
    role: str
    broken: bool
    standing: str
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """What every format draws, sorted."""

    vertices: tuple[Vertex, ...]
    edges: tuple[Edge, ...]


def picture(before: Topology, after: Topology, side: str) -> Picture:
    """`side`: before, after or diff (both, each part marked with where it stands). Connectors are looked through."""
    sides = {"before": (before,), "after": (after,), "diff": (before, after)}[side]
    seen = [condensed(topology) for topology in sides]
    vertices: dict[str, Vertex] = {}
    edges: dict[tuple[str, str], Edge] = {}
    for topology, view in zip(sides, seen, strict=True):
        entries = {entry.component for entry in topology.entries}
        why = _evidence(topology)
        for address in view.nodes:
            vertices[address] = _vertex(topology.components[address], address in entries, _standing(address, [v.nodes for v in seen]))
        for pair, role in view.edges.items():
            standing = _standing(pair, [v.edges for v in seen])
            edges[pair] = Edge(pair[0], pair[1], role, pair in view.broken, standing, why.get(pair, ()))
    return Picture(tuple(vertices[a] for a in sorted(vertices)), tuple(edges[pair] for pair in sorted(edges)))


def _standing(item: object, sides: list[tuple[str, ...]] | list[Mapping[tuple[str, str], str]]) -> str:
    if len(sides) == 1 or all(item in side for side in sides):
        return "both"
    return "before" if item in sides[0] else "after"


def _vertex(component: Component, entry: bool, standing: str) -> Vertex:
    copies = None if component.managed else len(component.copies)
    named = tuple(zone for zone in component.zones if not zone.startswith("?:"))
    return Vertex(component.address, component.label, component.kind.value, copies, component.needed, named, entry, standing)


def _evidence(topology: Topology) -> dict[tuple[str, str], tuple[str, ...]]:
    return {
        (d.source, d.target): tuple(f"{e.address} {e.attribute}".strip() for e in d.evidence) for d in topology.dependencies if d.evidence
    }


def to_json(drawn: Picture) -> str:
    """Components and needs with their evidence."""
    content = {
        "components": [
            {
                "address": v.address,
                "label": v.label,
                "kind": v.kind,
                "copies": v.copies,
                "needed": v.needed,
                "zones": list(v.zones),
                "entry": v.entry,
                "side": v.standing,
            }
            for v in drawn.vertices
        ],
        "dependencies": [
            {"source": e.source, "target": e.target, "role": e.role, "broken": e.broken, "side": e.standing, "evidence": list(e.why)}
            for e in drawn.edges
        ],
    }
    return json.dumps(content, indent=1, ensure_ascii=False)


_MERMAID_ARROW = {"need": "-->", "optional": "-.->", "async": "-.->", "startup": "-.->", "replica": "-.-"}
_MARK = {"both": "", "before": " (only before)", "after": " (only after)"}


def to_mermaid(drawn: Picture) -> str:
    """A flowchart; entries are rounded, what stands on one side only says so."""
    number = {v.address: f"n{index}" for index, v in enumerate(drawn.vertices)}
    lines = ["flowchart LR"]
    for v in drawn.vertices:
        text = mermaid_label(v.label + _MARK[v.standing])
        lines.append(f'  {number[v.address]}(["{text}"])' if v.entry else f'  {number[v.address]}["{text}"]')
    lines += [f"  {number[e.source]} {_MERMAID_ARROW[e.role]} {number[e.target]}" for e in drawn.edges]
    return "\n".join(lines)


def to_dot(drawn: Picture) -> str:
    """Graphviz; solid needs, dashed others, red what is broken."""
    lines = ["digraph faultray {", "  rankdir=LR;", '  node [shape=box, style=rounded, fontname="sans-serif"];']
    for v in drawn.vertices:
        shape = ", shape=ellipse" if v.entry else ""
        lines.append(f"  {_quoted(v.address)} [label={_quoted(v.label + _MARK[v.standing])}{shape}];")
    for e in drawn.edges:
        style = "solid" if e.role == "need" else "dashed"
        colour = ", color=red" if e.broken else ""
        lines.append(f"  {_quoted(e.source)} -> {_quoted(e.target)} [style={style}{colour}];")
    return "\n".join([*lines, "}"])


def _quoted(text: str) -> str:
    return '"' + visible(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


_KEYS = (
    ("label", "node"),
    ("kind", "node"),
    ("copies", "node"),
    ("zones", "node"),
    ("side", "node"),
    ("role", "edge"),
    ("edge_side", "edge"),
)


def to_graphml(drawn: Picture) -> str:
    """GraphML 1.0, all data as strings."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">']
    lines += [f'  <key id="{name}" for="{owner}" attr.name="{name}" attr.type="string"/>' for name, owner in _KEYS]
    lines.append('  <graph id="faultray" edgedefault="directed">')
    for v in drawn.vertices:
        copies = "" if v.copies is None else str(v.copies)
        data = {"label": v.label, "kind": v.kind, "copies": copies, "zones": ", ".join(v.zones), "side": v.standing}
        lines.append(f"    <node id={quoteattr(visible(v.address))}>{_data(data)}</node>")
    for e in drawn.edges:
        data = {"role": e.role, "edge_side": e.standing}
        lines.append(f"    <edge source={quoteattr(visible(e.source))} target={quoteattr(visible(e.target))}>{_data(data)}</edge>")
    return "\n".join([*lines, "  </graph>", "</graphml>"])


def _data(values: Mapping[str, str]) -> str:
    return "".join(f'<data key="{name}">{escape(visible(value))}</data>' for name, value in values.items())


FORMATS: Mapping[str, Callable[[Picture], str]] = {"mermaid": to_mermaid, "dot": to_dot, "graphml": to_graphml, "json": to_json}
"""One table of formats."""
