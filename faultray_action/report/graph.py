"""The topology as a graph for other programs: Mermaid, Graphviz DOT, GraphML and JSON; one side, or the difference of both."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from xml.sax.saxutils import escape, quoteattr

from msgspec import Struct
from msgspec.structs import replace

from faultray_action.model.component import Component
from faultray_action.model.topology import Dependency, Topology
from faultray_action.report.compose import condensed
from faultray_action.report.escape import mermaid_label, visible


class Vertex(Struct, frozen=True):
    """`standing`: both, before or after (added). `copies_before`: in a difference, where they were others."""

    address: str
    label: str
    kind: str
    copies: int | None
    needed: int
    zones: tuple[str, ...]
    entry: bool
    standing: str
    copies_before: int | None = None


class Edge(Struct, frozen=True):
    """`source` needs `target`. `why`: the attributes it was read from."""

    source: str
    target: str
    role: str
    broken: bool
    standing: str
    why: tuple[str, ...]


class Picture(Struct, frozen=True):
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
        why = _evidence(topology, frozenset(view.nodes))
        for address in view.nodes:
            vertex = _vertex(topology.components[address], address in entries, _standing(address, [v.nodes for v in seen]))
            vertices[address] = _changed(vertices.get(address), vertex)
        for pair, role in view.edges.items():
            standing = _standing(pair, [v.edges for v in seen])
            edges[pair] = Edge(pair[0], pair[1], role, pair in view.broken, standing, why.get(pair, ()))
    return Picture(tuple(vertices[a] for a in sorted(vertices)), tuple(edges[pair] for pair in sorted(edges)))


def _standing(item: object, sides: list[tuple[str, ...]] | list[Mapping[tuple[str, str], str]]) -> str:
    if len(sides) == 1 or all(item in side for side in sides):
        return "both"
    return "before" if item in sides[0] else "after"


def _vertex(component: Component, entry: bool, standing: str) -> Vertex:
    copies = None if component.managed else component.size
    named = tuple(zone for zone in component.zones if not zone.startswith("?:"))
    return Vertex(component.address, component.label, component.kind.value, copies, component.needed, named, entry, standing)


def _changed(was: Vertex | None, is_now: Vertex) -> Vertex:
    return is_now if was is None or was.copies == is_now.copies else replace(is_now, copies_before=was.copies)


def _evidence(topology: Topology, shown: frozenset[str]) -> dict[tuple[str, str], tuple[str, ...]]:
    """Where each drawn edge was read from: of its own dependency, or of all on the way through the connectors that are looked through."""
    needs: dict[str, list[Dependency]] = {}
    for d in topology.dependencies:
        needs.setdefault(d.source, []).append(d)
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for source in sorted(shown):
        ways: dict[str, tuple[str, ...]] = {source: ()}
        queue = [source]
        for at in queue:
            for d in needs.get(at, ()):
                if d.target not in ways:
                    ways[d.target] = (*ways[at], *(f"{e.address} {e.attribute}".strip() for e in d.evidence))
                    queue += [] if d.target in shown else [d.target]
        found |= {(source, target): why for target, why in ways.items() if target in shown and target != source and why}
    return found


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
                **({} if v.copies_before is None else {"copies_before": v.copies_before}),
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
_CLASS = {"before": "gone", "after": "added"}


def _label(v: Vertex) -> str:
    changed = "" if v.copies_before is None else f" ({v.copies_before} to {v.copies if v.copies is not None else 'managed'} copies)"
    return v.label + _MARK[v.standing] + changed


def to_mermaid(drawn: Picture) -> str:
    """A flowchart; entries are rounded, a need that is broken and what stands on one side only say so."""
    number = {v.address: f"n{index}" for index, v in enumerate(drawn.vertices)}
    lines = ["flowchart LR"]
    for v in drawn.vertices:
        text, mark = mermaid_label(_label(v)), f":::{_CLASS[v.standing]}" if v.standing in _CLASS else ""
        lines.append(f'  {number[v.address]}(["{text}"]){mark}' if v.entry else f'  {number[v.address]}["{text}"]{mark}')
    lines += [f"  {number[e.source]} {_MERMAID_ARROW[e.role]}{_said(e)} {number[e.target]}" for e in drawn.edges]
    used = {_CLASS[v.standing] for v in drawn.vertices if v.standing in _CLASS}
    lines += [f"  classDef {name} {_STYLES[name]}" for name in sorted(used)]
    broken = [str(index) for index, e in enumerate(drawn.edges) if e.broken]
    return "\n".join([*lines, f"  linkStyle {','.join(broken)} stroke:#cf222e"] if broken else lines)


_STYLES = {"gone": "stroke-dasharray: 4 3", "added": "stroke-width: 3px"}


def _said(e: Edge) -> str:
    told = ", ".join(word for word in ("broken" if e.broken else "", _MARK[e.standing].strip(" ()")) if word)
    return f'|"{told}"|' if told else ""


_DOT = {"both": "", "before": ", color=gray", "after": ", color=blue"}


def to_dot(drawn: Picture) -> str:
    """Graphviz; solid needs, dashed others, red what is broken."""
    lines = ["digraph faultray {", "  rankdir=LR;", '  node [shape=box, style=rounded, fontname="sans-serif"];']
    for v in drawn.vertices:
        shape = ", shape=ellipse" if v.entry else ""
        lines.append(f"  {_quoted(v.address)} [label={_quoted(_label(v))}{shape}{_DOT[v.standing]}];")
    for e in drawn.edges:
        style = "solid" if e.role == "need" else "dashed"
        colour = ", color=red" if e.broken else _DOT[e.standing]
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
