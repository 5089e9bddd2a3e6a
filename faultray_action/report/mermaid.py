"""The changed neighbourhood as Mermaid graphs, before and after."""

from __future__ import annotations

from faultray_action.report import escape
from faultray_action.report.document import GraphEdge, GraphNode, GraphPart, NodeSide

MAX_NODES = 30
MAX_EDGES = 60
SIDES = ("before", "after")
LEGEND = "Red: a single point of failure. Dark: down. Bold border: changed by this plan. Dotted arrow: not needed to serve."

_CLASSES = (
    "classDef spof fill:#ffd7d5,stroke:#cf222e,color:#24292f",
    "classDef down fill:#57606a,stroke:#24292f,color:#ffffff",
    "classDef ok fill:#dafbe1,stroke:#2da44e,color:#24292f",
    "classDef changed stroke-width:4px",
)
_STATE = {"single-point": "spof", "down": "down"}


def draw(graph: GraphPart, side: str) -> list[str]:
    """Lines of a `flowchart` of one side, at most 30 nodes and 60 edges; [] where nothing stands on it."""
    kept = [(node, state) for node in graph.nodes[:MAX_NODES] if (state := _side(node, side)) is not None]
    if not kept:
        return []
    names = {node.id: f"n{at}" for at, node in enumerate(graph.nodes[:MAX_NODES])}
    standing = {node.id for node, _ in kept}
    edges = [edge for edge in graph.edges if _stands(edge, side) and edge.source in standing and edge.target in standing]
    return [
        "flowchart LR",
        *(f"  {line}" for line in _CLASSES),
        *(line for node, state in kept for line in _node(names[node.id], node, state)),
        *(_edge(names, edge, side) for edge in edges[:MAX_EDGES]),
    ]


def _side(node: GraphNode, side: str) -> NodeSide | None:
    return node.before if side == "before" else node.after


def _stands(edge: GraphEdge, side: str) -> bool:
    return edge.before if side == "before" else edge.after


def _node(name: str, node: GraphNode, state: NodeSide) -> list[str]:
    label = "<br/>".join(part for part in (escape.mermaid_label(node.label), _placement(state)) if part)
    opening, closing = ("([", "])") if node.entry else ("[", "]")
    drawn = f'  {name}{opening}"{label}"{closing}:::{_STATE.get(state.state, "ok")}'
    return [drawn, f"  class {name} changed"] if node.changed else [drawn]


def _placement(state: NodeSide) -> str:
    copies = f"{state.copies} {'copy' if state.copies == 1 else 'copies'}" if state.copies is not None else ""
    zones = ", ".join(escape.mermaid_label(zone, 20) for zone in state.zones[:3]) + (" …" if len(state.zones) > 3 else "")
    return " in ".join(part for part in (copies, zones) if part)


def _edge(names: dict[str, str], edge: GraphEdge, side: str) -> str:
    healthy = "-->" if edge.role == "need" else "-.->"
    arrow = "--x" if edge.broken and side == "after" else healthy
    return f"  {names[edge.source]} {arrow} {names[edge.target]}"
