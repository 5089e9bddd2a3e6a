"""JUnit XML: a test case a gate and a test case a finding, for CI systems that show nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from faultray_action.report import escape, remarks, wording
from faultray_action.report.changes import Finding, new_findings
from faultray_action.report.document import Document
from faultray_action.report.rules import rule_of
from faultray_action.report.wording import words


class _Case(Struct, frozen=True):
    """`outcome`: "" passed, else failure | error | skipped."""

    group: str
    name: str
    outcome: str = ""
    message: str = ""
    text: str = ""


def render(document: Document) -> str:
    """One suite. Failed gates and findings of an enforcing, failed run are failures; "could not compute" is an error."""
    cases = _cases(document)
    total = {outcome: sum(1 for case in cases if case.outcome == outcome) for outcome in ("failure", "error", "skipped")}
    name = escape.xml_text(f"FaultRay {escape.visible(wording.title(document))}", 200)
    counts = f'tests="{len(cases)}" failures="{total["failure"]}" errors="{total["error"]}"'
    skipped = f'skipped="{total["skipped"]}"'  # of a suite alone: Jenkins refuses it on the whole (junit-10.xsd of its xUnit plugin)
    suite = [f'  <testsuite name="{name}" {counts} {skipped}>', *(line for case in cases for line in _lines(case)), "  </testsuite>"]
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', f'<testsuites name="{name}" {counts}>', *suite, "</testsuites>"]) + "\n"


def _cases(document: Document) -> Sequence[_Case]:
    if document.error is not None:
        return [_Case("faultray", "could not compute", "error", document.error.reason, document.error.next_step)]
    messages = {reason.gate: reason.message for reason in document.gate.reasons}
    gates = [_gate(check.gate, check.passed, messages.get(check.gate, "")) for check in document.gate.checks]
    known = {check.gate for check in document.gate.checks}
    gates += [_gate(reason.gate, False, reason.message) for reason in document.gate.reasons if reason.gate not in known]
    findings = [_finding(document, row) for row in new_findings(document)]
    return [*gates, *findings] or [_Case("faultray.gate", "no gate asked")]


def _gate(gate: str, passed: bool, message: str) -> _Case:
    name = words(wording.gate_name(gate))
    return _Case("faultray.gate", f"{name} ({gate})", "" if passed else "failure", "" if passed else message or name)


def _finding(document: Document, row: Finding) -> _Case:
    rule = rule_of(row)
    title = remarks.title(document, row)
    failed = document.verdict == "fail" and not row.waived
    outcome = "skipped" if row.waived else "failure" if failed else ""
    return _Case(f"faultray.{rule.id}", f"{row.address}: {rule.name}", outcome, title, remarks.message(document, row))


def _lines(case: _Case) -> list[str]:
    head = f'    <testcase classname="{escape.xml_text(case.group)}" name="{escape.xml_text(escape.visible(case.name), 400)}"'
    if not case.outcome:
        return [f"{head}/>"]
    message = escape.xml_text(escape.visible(case.message), 400)
    return [f"{head}>", f'      <{case.outcome} message="{message}">{escape.xml_text(case.text)}</{case.outcome}>', "    </testcase>"]
