"""SARIF 2.1.0 for code scanning: what stands after the change, new or unchanged, with fingerprints that survive line moves."""

from __future__ import annotations

import json
from typing import Any

from faultray_action.report import escape, remarks, wording
from faultray_action.report.changes import Finding, new_findings
from faultray_action.report.document import Document, RiskRow
from faultray_action.report.escape import url_path
from faultray_action.report.rules import RULES, Rule, rule_of

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
INFORMATION = "https://github.com/faultray/action"
MAX_RESULTS = 5_000
"""GitHub takes 25,000 results a run and shows the first 5,000."""


def render(document: Document) -> str:
    """One run. A waived finding is suppressed with its waiver; a finding without a file stands at the plan."""
    told: list[tuple[Finding, str]] = [(row, "new") for row in new_findings(document)]
    told += [(row, "unchanged") for row in document.spofs.unchanged]
    told += [(row, "unchanged") for row in document.risks.unchanged]
    run = {
        "tool": {"driver": _driver(document)},
        "columnKind": "unicodeCodePoints",
        "automationDetails": {"id": f"faultray/{escape.plain(document.label or wording.title(document), 100)}/"},
        "invocations": [_invocation(document)],
        "results": [_result(document, row, state) for row, state in told[:MAX_RESULTS]],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1, ensure_ascii=False) + "\n"


def _driver(document: Document) -> dict[str, Any]:
    driver = {"name": "FaultRay", "informationUri": INFORMATION, "rules": [_rule(rule) for rule in RULES]}
    return {**driver, "semanticVersion": document.version} if document.version else driver


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": rule.name,
        "shortDescription": {"text": rule.text},
        "fullDescription": {"text": f"{rule.text} {rule.advice}"},
        "help": {"text": rule.advice},
        "defaultConfiguration": {"level": rule.level},
        "properties": {"tags": ["resilience"], "precision": "high"},
    }


def _invocation(document: Document) -> dict[str, Any]:
    if document.error is None:
        return {"executionSuccessful": True}
    text = f"{escape.plain(document.error.reason, 400)} {escape.plain(document.error.next_step, 400)}"
    return {"executionSuccessful": False, "toolExecutionNotifications": [{"level": "error", "message": {"text": escape.message(text)}}]}


def _result(document: Document, row: Finding, state: str) -> dict[str, Any]:
    rule = rule_of(row)
    result: dict[str, Any] = {
        "ruleId": rule.id,
        "ruleIndex": RULES.index(rule),
        "level": "note" if state == "unchanged" else _level(row, rule),
        "message": {"text": _text(document, row, state)},
        "locations": [_location(document, row)],
        "partialFingerprints": {"faultray/v1": row.fingerprint},
        "baselineState": state,
    }
    if row.waived:
        result["suppressions"] = [{"kind": "external", "justification": escape.message(f"waiver {escape.plain(row.waived)}")}]
    return result


def _level(row: Finding, rule: Rule) -> str:
    return "warning" if isinstance(row, RiskRow) and row.severity != "high" else rule.level


def _text(document: Document, row: Finding, state: str) -> str:
    now = escape.message(remarks.title(document, row))
    if state == "unchanged":
        return now.replace(" is now a ", " is a ")
    return f"{now}\n{escape.message(remarks.message(document, row))}"


def _location(document: Document, row: Finding) -> dict[str, Any]:
    where = remarks.place(row)
    address = escape.plain(row.address)
    logical = [{"fullyQualifiedName": address, "kind": "resource"}]
    if where is None:
        uri = url_path(document.plan.path) or "plan.json"
        return {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": 1}}, "logicalLocations": logical}
    region: dict[str, int] = {"startLine": where.line, "endLine": where.end_line}
    if where.column:
        region |= {"startColumn": where.column, "endColumn": where.end_column}
    physical = {"artifactLocation": {"uri": url_path(where.file) or "plan.json"}, "region": region}
    return {"physicalLocation": physical, "logicalLocations": logical}
