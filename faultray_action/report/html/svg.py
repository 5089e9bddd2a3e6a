"""The picture itself, as SVG: seen without a script, and given life by one where there is one.

Only attributes carry geometry (a strict content policy forbids inline styles), and every name is escaped here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from faultray_action.model.picture import Spot
from faultray_action.report.escape import html_text, shorten
from faultray_action.report.html.data import Drawing, Edge, Node, SideView

CARD = (212, 56)
PITCH = (300, 80)
"""Pixels from one column, one row to the next."""
MARGIN = 28
_LABEL = 23
_SECOND = 31

_ICONS = {
    "load_balancer": "M2 8h4M6 8l6-5M6 8h7M6 8l6 5",
    "server": "M2.5 2.5h11v4.5h-11zM2.5 9h11v4.5h-11zM5 4.8h.1M5 11.2h.1",
    "database": "M2.5 4c0-3 11-3 11 0v8c0 3-11 3-11 0zM2.5 4c0 3 11 3 11 0M2.5 8c0 3 11 3 11 0",
    "cache": "M9 1.5 3.5 9H8l-1 5.5L12.5 7H8z",
    "queue": "M1.5 4h3v8h-3zM6.5 4h3v8h-3zM11.5 4h3v8h-3z",
    "storage": "M2 4h12l-1.5 10h-9zM2 4c0-2.5 12-2.5 12 0",
    "globe": "M8 1.500a6.5 6.5 0 1 0 .1 0M1.5 8h13M8 1.500c-5 4-5 9 0 13M8 1.500c5 4 5 9 0 13",
    "function": "M4 13.5 8.5 6M5 2.500h2l5 11h1",
    "container": "M8 1.5 14 5v6l-6 3.500L2 11V5zM2 5l6 3.500L14 5M8 8.500v6",
    "gateway": "M2 14V6a6 6 0 0 1 12 0v8M6 14V8h4v6M1 14h14",
    "agent": "M3 5.500h10v8H3zM8 5.500V2M6 9v1M10 9v1M6.5 2h3",
    "external": "M6 3H2.500v10.500H13V10M9 2h5v5M14 2 7.5 8.5",
    "custom": "M8 2l6 6-6 6-6-6z",
}
_ICON_OF = {
    "load_balancer": "load_balancer",
    "web_server": "server",
    "app_server": "server",
    "database": "database",
    "cache": "cache",
    "queue": "queue",
    "stream": "queue",
    "storage": "storage",
    "dns": "globe",
    "cdn": "globe",
    "function": "function",
    "container": "container",
    "gateway": "gateway",
    "nat": "gateway",
    "external_api": "external",
    "ai_agent": "agent",
    "llm_endpoint": "agent",
    "tool": "custom",
    "orchestrator": "agent",
}


def size(drawing: Drawing) -> tuple[int, int]:
    """Width and height of the whole picture in its own units."""
    width = (drawing.columns - 1) * PITCH[0] + CARD[0] + 2 * MARGIN
    height = (drawing.rows - 1) * PITCH[1] + CARD[1] + 2 * MARGIN
    return round(max(width, 2 * MARGIN)), round(max(height, 2 * MARGIN))


def content(drawing: Drawing) -> str:
    """Definitions, needs and components; to stand inside an `<svg>`."""
    return "\n".join(
        ["<defs>", *_definitions(), "</defs>", '<g id="view">', '<g id="edges">', *_edges(drawing), "</g>", *_nodes(drawing), "</g>"]
    )


def _definitions() -> Iterator[str]:
    for name, orient in (("arrow", "auto"), ("arrow-lit", "auto-start-reverse")):
        yield (
            f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="{orient}">'
            '<path d="M0 .8 7 4 0 7.2z"/></marker>'
        )


def corner(spot: Spot) -> tuple[float, float]:
    """Top left of the card at a place."""
    return round(spot[0] * PITCH[0] + MARGIN, 1), round(spot[1] * PITCH[1] + MARGIN, 1)


def _edges(drawing: Drawing) -> Iterator[str]:
    for index, edge in enumerate(drawing.edges):
        marks = [edge.role, *_only(edge.standing), *(["broken"] if edge.broken else [])]
        yield f'<path class="e {" ".join(marks)}" data-e="{index}" d="{_path(drawing, edge)}"/>'


def _path(drawing: Drawing, edge: Edge) -> str:
    left, right = corner(drawing.nodes[edge.source].spot), corner(drawing.nodes[edge.target].spot)
    start, end = (left[0] + CARD[0], left[1] + CARD[1] / 2), (right[0] - 2, right[1] + CARD[1] / 2)
    if end[0] <= start[0]:
        return _backwards(start, end)
    text = f"M{_n(start[0])} {_n(start[1])}"
    for bend in edge.bends:
        x, y = corner(bend)
        text += f"{_curve(start, (x, y + CARD[1] / 2))}H{_n(x + CARD[0])}"
        start = (x + CARD[0], y + CARD[1] / 2)
    return text + _curve(start, end)


def _curve(start: Spot, end: Spot) -> str:
    middle = (start[0] + end[0]) / 2
    return f"C{_n(middle)} {_n(start[1])} {_n(middle)} {_n(end[1])} {_n(end[0])} {_n(end[1])}"


def _backwards(start: Spot, end: Spot) -> str:
    """Out on the right, around, and in on the left: a need within a layer, or against the layers."""
    swing = 70
    return (
        f"M{_n(start[0])} {_n(start[1])}C{_n(start[0] + swing)} {_n(start[1])} {_n(end[0] - swing)} {_n(end[1])} {_n(end[0])} {_n(end[1])}"
    )


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _only(standing: str) -> list[str]:
    return [] if standing == "both" else [f"only-{standing}"]


def _nodes(drawing: Drawing) -> Iterator[str]:
    for index, node in enumerate(drawing.nodes):
        yield from _node(index, node)


def _node(index: int, node: Node) -> Iterator[str]:
    x, y = corner(node.spot)
    width, height = CARD
    marks = [*_only(node.standing), *_states(node), *(["entry"] if node.entries else []), *(["changed"] if node.changed else [])]
    yield f'<g class="n {" ".join(marks)}" data-n="{index}" transform="translate({_n(x)} {_n(y)})" aria-label="{_spoken(node)}">'
    yield f'<rect class="card" width="{width}" height="{height}" rx="10"/>'
    yield f'<g class="inside"><path class="icon" transform="translate(14 20)" d="{_ICONS[_ICON_OF.get(node.kind, "custom")]}"/>'
    label = shorten(node.label, _LABEL)
    # Nobody here knows the reader's font: a label that fills its card is fitted to it.
    fitted = f' textLength="{CARD[0] - 52}" lengthAdjust="spacingAndGlyphs"' if len(label) > _LABEL - 3 else ""
    yield f'<text class="label" x="42" y="25"{fitted}>{html_text(label)}</text>'
    yield from _second_line(node)
    yield "</g>"
    if node.entries:
        yield f'<path class="door" d="M0 {height / 2 - 13}v26"/>'
    yield from _marks(node, height)
    yield "</g>"


def _states(node: Node) -> list[str]:
    """Class per side: `b-single-point`, `a-down`."""
    return [f"{name}-{side.state}" for name, side in (("b", node.before), ("a", node.after)) if side and side.state != "ok"]


def _second_line(node: Node) -> Iterator[str]:
    words = {name: _brief(node, side) for name, side in (("b", node.before), ("a", node.after)) if side}
    if len(set(words.values())) <= 1:
        yield f'<text class="sub" x="42" y="42">{html_text(next(iter(words.values()), node.noun))}</text>'
        return
    alone = "" if node.before and node.after else " alone"
    for name, text in words.items():
        yield f'<text class="sub of-{name}{alone}" x="42" y="42">{html_text(text)}</text>'
    if node.before and node.after:
        yield f'<text class="sub of-diff" x="42" y="42">{html_text(_difference(node.before, node.after))}</text>'


def _brief(node: Node, side: SideView) -> str:
    """Module or kind, and copies, where both fit; else the copies, as the icon tells the kind."""
    if node.module:
        return shorten(f"{shorten(node.module, _SECOND - 11)} · {side.copies_only()}", _SECOND)
    whole = f"{node.noun} · {side.says()}"
    return whole if len(whole) <= _SECOND else shorten(side.says(), _SECOND)


def _difference(before: SideView, after: SideView) -> str:
    if before.copies != after.copies and None not in (before.copies, after.copies):
        return f"{before.copies} → {after.copies} copies"
    if len(before.zones) != len(after.zones):
        return f"{len(before.zones)} → {len(after.zones)} zones"
    return f"{before.says()} → {after.says()}"


def _marks(node: Node, height: int) -> Iterator[str]:
    """Shapes beside the colours: a triangle for a single point, a cross for what is down, signs for what comes and goes."""
    marked = [
        (name, side.state) for name, side in (("b", node.before), ("a", node.after)) if side and side.state in ("single-point", "down")
    ]
    for at, (name, state) in enumerate(marked):
        covered = " covered" if at + 1 < len(marked) else ""
        place = f'transform="translate({CARD[0] - 18} {height - 4})"'
        if state == "single-point":
            yield f'<g class="mark single of-{name}{covered}" {place}><path d="M0-9 9 7H-9z"/><text y="5">!</text></g>'
        else:
            yield f'<g class="mark dead of-{name}{covered}" {place}><circle r="8.5"/><path class="x" d="M-3.5-3.5l7 7M3.5-3.5l-7 7"/></g>'
    sign = {"before": "−", "after": "+"}.get(node.standing, "Δ" if node.changed else "")
    if sign:
        yield f'<g class="mark sign" transform="translate(0 0)"><circle r="9"/><text y="4">{sign}</text></g>'


_STATE = {"single-point": "single point of failure", "down": "down with nothing failing", "degraded": "degraded with nothing failing"}


def _spoken(node: Node) -> str:
    """What a screen reader says of a component."""
    words: list[str] = [node.label, node.noun, *([node.module] if node.module else [])]
    if node.entries:
        words.append(f"entry point {', '.join(node.entries)}")
    words += _sides_spoken(node)
    return html_text(", ".join(words), 400)


def _sides_spoken(node: Node) -> Iterable[str]:
    if node.standing != "both":
        yield f"stands only {node.standing} the change"
    for name, side in (("before", node.before), ("after", node.after)):
        if side and side.state in _STATE:
            yield f"{_STATE[side.state]} {name} the change"
