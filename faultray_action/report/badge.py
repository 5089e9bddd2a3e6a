"""A badge: the endpoint JSON that shields.io reads."""

from __future__ import annotations

import json

from faultray_action.report import wording
from faultray_action.report.document import Document


def render(document: Document) -> str:
    """The score after, coloured by where it stands; "error" where it could not be computed, never green then."""
    message, color = _shown(document)
    badge = {"schemaVersion": 1, "label": "resilience", "message": message, "color": color, "isError": document.verdict == "error"}
    return json.dumps(badge, indent=1) + "\n"


def _shown(document: Document) -> tuple[str, str]:
    score = document.score.after
    if document.verdict == "error":
        return "could not compute", "lightgrey"
    if score is None:
        return "nothing serves", "lightgrey"
    return f"{wording.number(score, 0)}/100", "brightgreen" if score >= 85 else "yellow" if score >= 60 else "red"
