"""GitLab Code Quality: a JSON list of findings with stable fingerprints."""

from __future__ import annotations

import json
from typing import Any

from faultray_action.report import escape, remarks
from faultray_action.report.changes import Finding, new_findings
from faultray_action.report.document import Document, RiskRow
from faultray_action.report.rules import rule_of

_SEVERITY = {"error": "critical", "warning": "minor", "note": "info"}


def render(document: Document) -> str:
    """New and unchanged findings; the merge request shows the difference to the target branch's list."""
    rows: tuple[Finding, ...] = (*new_findings(document), *document.spofs.unchanged, *document.risks.unchanged)
    return json.dumps([_issue(document, row) for row in rows], indent=1, ensure_ascii=False) + "\n"


def _issue(document: Document, row: Finding) -> dict[str, Any]:
    rule = rule_of(row)
    where = remarks.place(row)
    path = escape.visible(where.file if where else document.plan.path).removeprefix("./") or "plan.json"
    level = "warning" if isinstance(row, RiskRow) and row.severity != "high" else rule.level
    return {
        "description": remarks.title(document, row),
        "check_name": rule.id,
        "fingerprint": row.fingerprint,
        "severity": "info" if row.waived else _SEVERITY[level],
        "location": {"path": path, "lines": {"begin": where.line if where else 1}},
    }
