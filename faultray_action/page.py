"""The interactive page of a checked system: where its components stand, what each failure does, and the report around it."""

from __future__ import annotations

from faultray_action.engine.layout import lay_out
from faultray_action.engine.ripple import ripples
from faultray_action.pipeline import Checked
from faultray_action.report.html.data import to_place
from faultray_action.report.html.page import render_page


def page_of(checked: Checked) -> str:
    """One self-contained HTML file."""
    before, after = checked.before, checked.after
    nodes, edges, entries = to_place(before, after)
    shown = frozenset(nodes)
    effects = ripples(before, shown), ripples(after, shown)
    return render_page(checked.document, before, after, lay_out(nodes, edges, entries), effects)
