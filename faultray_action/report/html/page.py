"""One HTML file that holds everything: the verdict, the picture, and what each failure would take with it. It asks nothing of any network.

Names of others reach the page in three ways only: as text that the template escapes, as attributes escaped in `svg`, and as JSON in a block
that no script runs, from which `graph.js` makes text nodes. A content policy in the page itself allows its own two scripts and its own style
by hash, and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from faultray_action.model.picture import Placement
from faultray_action.model.topology import Topology
from faultray_action.report import wording
from faultray_action.report.document import Document
from faultray_action.report.html import sections, svg
from faultray_action.report.html.data import Drawing, Ripples, draw, script_data

HERE = Path(__file__).parent
D3 = HERE / "d3.min.js"


def render_page(document: Document, before: Topology, after: Topology, placement: Placement, ripples: Ripples) -> str:
    """The page. `placement` of `data.to_place`'s components, `ripples` of both sides (empty for one that does not exist).

    Without D3 beside this module the picture stands still, and the page says so. Same input, same bytes.
    """
    drawing = draw(document, before, after, placement, ripples)
    script = script_data(document, drawing, ripples)
    library, style = _library(), (HERE / "page.css").read_text(encoding="utf-8").strip()
    own = (HERE / "graph.js").read_text(encoding="utf-8").strip()
    scripts = [text for text in (library, own) if text]
    return _template().render(
        page=sections.page(document, script["failures"]),
        drawing=_shown(drawing),
        data=Markup(_block(script)),
        scripts=[Markup(text) for text in scripts],
        style=Markup(style),
        policy=_policy(scripts, style),
        has_library=bool(library),
        title=wording.title(document),
    )


def _shown(drawing: Drawing) -> Mapping[str, Any]:
    width, height = svg.size(drawing)
    return {
        "content": Markup(svg.content(drawing)),
        "count": len(drawing.nodes),
        "sides": drawing.sides,
        "side": "diff" if len(drawing.sides) == 2 else next(iter(drawing.sides), "after"),
        "width": width,
        "height": height,
    }


def _library() -> str:
    """D3 as the build step fetched it; "" where it did not."""
    return D3.read_text(encoding="utf-8").strip() if D3.is_file() else ""


def _block(data: Mapping[str, Any]) -> str:
    """JSON that ends no script block early, whatever it holds."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _policy(scripts: list[str], style: str) -> str:
    allowed = " ".join(_hash(text) for text in scripts)
    return f"default-src 'none'; script-src {allowed}; style-src {_hash(style)}; img-src data:; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}'"


@cache
def _template() -> jinja2.Template:
    loader = jinja2.FileSystemLoader(HERE)
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template("page.html.jinja")
