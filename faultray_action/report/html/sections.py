"""What the page's template writes: sentences, rows and bars, made of the document alone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from faultray_action.model.assessment import POINTS_AVAILABILITY, POINTS_DURABILITY, POINTS_REDUNDANCY
from faultray_action.report import escape, verdict, wording
from faultray_action.report.changes import Finding, judged_changes, overlapping, told_points
from faultray_action.report.document import Cause, ContributionRow, DisruptionRow, Document, GateCheck, LayerPart, RiskRow, SpofRow
from faultray_action.report.sections import coverage_sentence, gate_numbers, layers_in_order, until_outage
from faultray_action.report.wording import Phrase

_MOST = 400
"""Rows of one table; the JSON report has them all."""
_NINES = 6.0
"""Right end of the availability scale: 99.9999 %."""


def page(document: Document, failures: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Everything the template shows, by section; a section without content is empty."""
    link = _Links(failures)
    return {
        "verdict": _verdict(document),
        "score": _score(document),
        "news": [_html(phrase) for phrase in _news(document)],
        "gates": [_gate(document, check) for check in document.gate.checks],
        "reasons": [escape.plain(reason.message, 400) for reason in document.gate.reasons],
        "spofs": _spofs(document, link),
        "risks": _risks(document, link),
        "apply": [_disruption(document, row, link) for row in document.apply.disruptions[:_MOST]],
        "changes": _changes(document),
        "remedy": _remedy(document),
        "entries": [_entry(document, at) for at in range(min(_MOST, len(document.entry_points)))],
        "layers": _layers(document),
        "agents": _agents(document),
        "sure": _sure(document),
        "facts": _facts(document),
        "error": document.error,
    }


class _Links:
    """Which failure of the picture shows what a row tells."""

    def __init__(self, failures: Sequence[Mapping[str, Any]]) -> None:
        self._of = {failure["id"]: index for index, failure in enumerate(failures)}
        self._zones = {failure["label"].removeprefix("Zone "): index for index, failure in enumerate(failures) if failure["kind"] == "zone"}

    def of_component(self, address: str) -> int | None:
        return self._of.get(escape.plain(f"all-copies:{address}", 300))

    def of_point(self, row: SpofRow) -> int | None:
        zone = next((self._zones[name] for name in (escape.plain(zone, 80) for zone in row.zones) if name in self._zones), None)
        return self.of_component(row.address) if zone is None or row.event == "copy" else zone


def _html(phrase: Phrase) -> Markup:
    return Markup(wording.say(phrase, _code, _prose))


def _code(name: str) -> str:
    return f"<code>{escape.html_text(name, 120)}</code>"


def _prose(said: str) -> str:
    return escape.html_text(said, 600)


# The top


def _verdict(document: Document) -> Mapping[str, str]:
    words = {"pass": "Passed", "fail": "Failed", "error": "Could not compute"}
    would = document.verdict == "fail" and document.mode == "warn"
    asked = bool(document.gate.checks) or document.verdict != "pass"
    return {
        "word": "Would fail (warn mode)" if would else words[document.verdict] if asked else "No gate asked",
        "tone": "warn" if would else {"pass": "good", "fail": "bad", "error": "bad"}[document.verdict] if asked else "plain",
        "recommendation": wording.recommendation_long(document.recommendation),
        "level": {"safe": "good", "review": "warn", "high-risk": "bad"}.get(document.recommendation, "warn"),
        "lead": _lead(document),
    }


def _lead(document: Document) -> str:
    """The headline: counts of what is new, or what kind of change this is."""
    if document.error is not None:
        return escape.plain(document.error.reason, 400)
    counted = verdict.counted(document)
    if counted:
        return f"{counted}."
    if document.spofs.resolved or document.risks.resolved:
        gone = len(document.spofs.resolved), len(document.risks.resolved)
        parts = [
            wording.count(gone[0], "single point of failure", "single points of failure") if gone[0] else "",
            wording.count(gone[1], "risk") if gone[1] else "",
        ]
        return f"Resolves {' and '.join(part for part in parts if part)}."
    if document.score.before is None and document.score.after is None:
        return "Nothing here serves users, so there is no score."
    if document.score.after is None:
        return "Every entry point is removed by this change."
    if not wording.shown_delta(document):
        return "No new single point of failure, no new risk."
    better = (wording.shown_delta(document) or 0) > 0
    return f"No new single point of failure; failures cost {'less' if better else 'more'} than before."


def _score(document: Document) -> Mapping[str, Any]:
    score, delta = document.score, wording.shown_delta(document)
    limit = next((check.limit for check in document.gate.checks if check.gate == "min-score"), None)
    tone = "plain" if not delta else "bad" if delta < 0 else "good"
    return {
        "before": None if score.before is None else wording.score(document, score.before),
        "after": None if score.after is None else wording.score(document, score.after),
        "delta": _delta(document),
        "why": _html(wording.one_sided(score.compared.rows)) if score.compared is not None and wording.is_apart(document) else None,
        "tone": tone,
        "at_before": score.before,
        "at_after": score.after,
        "limit": limit if isinstance(limit, int | float) and not isinstance(limit, bool) else None,
        "parts": _parts(document),
    }


def _delta(document: Document) -> str | None:
    delta = wording.shown_delta(document)
    if delta is None:
        return None
    if wording.is_apart(document):
        return wording.like_for_like(document)
    return wording.signed(delta, wording.decimals(document)) if delta else "no change"


_PARTS = (
    ("Availability", "availability", POINTS_AVAILABILITY),
    ("Redundancy", "resilience", POINTS_REDUNDANCY),
    ("Data", "data", POINTS_DURABILITY),
)


def _parts(document: Document) -> list[Mapping[str, Any]]:
    before, after = document.score.parts_before, document.score.parts_after
    if before is None and after is None:
        return []
    rows: list[Mapping[str, Any]] = []
    for name, key, most in _PARTS:
        values = [None if side is None else float(getattr(side, key)) for side in (before, after)]
        shown = ["–" if value is None else wording.number(value, 1) for value in values]
        shares = [0.0 if value is None else 1000 * value / most for value in values]
        rows.append(
            {"name": name, "most": f"{most:g}", "before": shown[0], "after": shown[1], "shares": shares, "both": None not in values}
        )
    return rows


def _news(document: Document) -> list[Phrase]:
    """New single points, risks and disruptions, a sentence each, at most six and a count of the rest."""
    spofs = [wording.spof_title(row) for row in document.spofs.new if not row.waived]
    risks = [wording.risk_heading(row) for row in document.risks.new if not row.waived]
    apply = [
        ("While applying: ", *wording.disruption_title(document, row))
        for row in document.apply.disruptions
        if row.disruption != "blip" and not row.waived
    ]
    told: list[Phrase] = [*spofs, *risks, *apply]
    return told if len(told) <= 6 else [*told[:5], (f"and {len(told) - 5} more below",)]


def _gate(document: Document, check: GateCheck) -> Mapping[str, Any]:
    actual, limit = (text.strip("`") for text in gate_numbers(check))
    delta = wording.shown_delta(document)
    if check.gate == "unknown":
        actual = "yes" if check.passed else "no"
    elif check.gate == "fail-on-regression" and delta is not None and not check.passed and limit == "0":
        actual = wording.number(abs(delta), wording.decimals(document))
    elif check.gate == "min-score" and isinstance(check.actual, int | float):
        actual = wording.score(document, float(check.actual))
    sign = wording.gate_sign(check.gate) if limit not in ("–", "0") else ""
    return {"name": _html(wording.gate_name(check.gate)), "limit": sign + limit, "actual": actual, "passed": check.passed}


# Findings


def _spofs(document: Document, link: _Links) -> list[Mapping[str, Any]]:
    parts = (("new", document.spofs.new), ("resolved", document.spofs.resolved), ("unchanged", document.spofs.unchanged))
    fresh = document.score.before is None
    titles = {"new": "Single points of failure" if fresh else "New", "resolved": "Resolved", "unchanged": "Unchanged"}
    return [
        {
            "standing": name,
            "title": titles[name],
            "count": len(rows) + document.omitted.get(f"spofs.{name}", 0),
            "rows": [_spof(document, row, link) for row in rows[:_MOST]],
        }
        for name, rows in parts
        if rows
    ]


def _spof(document: Document, row: SpofRow, link: _Links) -> Mapping[str, Any]:
    return {
        "name": escape.plain(row.label or row.address, 100),
        "address": escape.plain(row.address, 200),
        "noun": wording.noun(row.kind),
        "effect": _html(wording.spof_effect(document, row)),
        "recovery": wording.recovery(row.recovery),
        "failures": until_outage(row),
        "points": _points(document, row.points),
        "causes": _causes(row.cause),
        "chain": [escape.plain(step.label or step.address, 60) for step in row.witness.chain] if row.witness else [],
        "replay": escape.plain(row.witness.scenario, 200) if row.witness else "",
        "waived": escape.plain(row.waived, 60),
        "where": _where(row.file, row.line),
        "fail": link.of_point(row),
    }


def _points(document: Document, points: float | None) -> str:
    return (
        "" if not points else wording.signed(points, max(1, wording.decimals(document)) if abs(points) < 10 else wording.decimals(document))
    )


def _causes(causes: Iterable[Cause]) -> list[Mapping[str, Any]]:
    return [
        {"address": escape.plain(one.address, 120), "change": _html(wording.change(one)), "where": _where(one.file, one.line)}
        for one in tuple(causes)[:4]
    ]


def _where(file: str, line: int) -> str:
    return escape.plain(f"{file}:{line}" if line else file, 100)


def _risks(document: Document, link: _Links) -> list[Mapping[str, Any]]:
    parts = (("New", document.risks.new), ("Removed", document.risks.resolved), ("Unchanged", document.risks.unchanged))
    return [
        {"title": title, "standing": title.lower(), "count": len(rows), "rows": [_risk(row, link) for row in rows[:_MOST]]}
        for title, rows in parts
        if rows
    ]


def _risk(row: RiskRow, link: _Links) -> Mapping[str, Any]:
    return {
        "title": _html(wording.risk_title(row)),
        "severity": escape.plain(row.severity, 20),
        "tone": {"high": "bad", "medium": "warn"}.get(row.severity, "plain"),
        "causes": _causes(row.cause),
        "waived": escape.plain(row.waived, 60),
        "where": _where(row.file, row.line),
        "fail": link.of_component(row.address),
    }


def _disruption(document: Document, row: DisruptionRow, link: _Links) -> Mapping[str, Any]:
    return {
        "title": _html(wording.disruption_title(document, row)),
        "word": escape.plain(row.disruption, 30),
        "tone": {"destructive": "bad", "outage": "bad"}.get(row.disruption, "plain"),
        "causes": _causes(row.cause),
        "fail": link.of_component(row.address),
    }


def _changes(document: Document) -> Mapping[str, Any] | None:
    """What each change costs, and what they cost together: bars around a zero line."""
    rows = judged_changes(document)
    told, together = told_points(document, rows)
    if not any(value is not None for value in told):
        return None
    most = max([abs(value or 0.0) for value in told] + [abs(together)]) or 1.0
    digits = wording.decimals(document)
    shown = [
        _change(row.change, value, most, digits, row.findings) for row, value in zip(rows[:_MOST], told, strict=False) if value is not None
    ]
    name = wording.together(len(shown), overlapping(document))
    return {
        "rows": shown,
        "together": _bar(together, most, digits) | {"name": name} if together else None,
        "total": wording.signed(wording.shown_delta(document) or 0.0, digits),
    }


def _change(row: Cause | ContributionRow, points: float, most: float, digits: int, findings: Iterable[Finding]) -> Mapping[str, Any]:
    leads = [escape.plain(finding.label or finding.address, 60) for finding in findings]
    return _bar(points, most, digits) | {
        "address": escape.plain(row.address, 160),
        "change": _html(wording.changes(row)),
        "where": _where(row.file, row.line),
        "leads": ", ".join(dict.fromkeys(leads)),
    }


def _bar(points: float, most: float, digits: int) -> dict[str, Any]:
    length = round(480 * abs(points) / most, 1)
    return {
        "points": wording.signed(points, digits),
        "x": 500 - length if points < 0 else 500,
        "length": length,
        "tone": "bad" if points < 0 else "good",
    }


def _remedy(document: Document) -> Mapping[str, Any] | None:
    remedy = document.remedy
    if remedy is None:
        return None
    lines = [escape.visible(line) for line in wording.diff_lines(remedy.edits)]
    return {
        "lines": [{"text": line, "tone": {"+": "plus", "-": "minus", "@": "place"}.get(line[:1], "")} for line in lines],
        "score": "" if remedy.score is None else wording.score(document, remedy.score),
        "proven": remedy.proven,
        "tried": remedy.simulations,
    }


# How it holds


def _entry(document: Document, at: int) -> Mapping[str, Any]:
    row = document.entry_points[at]
    sides = [
        None
        if side is None
        else {
            "nines": "cut off" if side.cut_off else f"{side.nines:.2f}",
            "downtime": "down without any failure" if side.cut_off else wording.downtime(side.nines),
            "cut": side.cut_off,
        }
        for side in (row.before, row.after)
    ]
    worse = row.before is not None and row.after is not None and row.after.nines < row.before.nines - 0.005
    return {
        "name": escape.plain(row.label or row.address, 100),
        "address": escape.plain(row.address, 200) if row.label and row.label != row.address else "",
        "before": sides[0],
        "after": sides[1],
        "tone": "bad" if worse else "plain",
        "deferred": row.deferred,
        "inferred": bool(row.inferred),
    }


_LAYER_SAYS = {
    "software": "deploys, human error, drift",
    "hardware": "failures, repair, failover",
    "theoretical": "packet loss, pauses, jitter",
    "operational": "detection and response",
    "external": "contracts of third parties",
}


def _layers(document: Document) -> Mapping[str, Any] | None:
    part = document.availability
    if part is None or not part.layers:
        return None
    slo = document.slo
    return {
        "rows": [_layer(name, layer, name == part.bottleneck) for name, layer in layers_in_order(document)],
        "ceiling": "–" if part.ceiling is None else wording.percent(part.ceiling),
        "ceiling_before": None if part.ceiling_before is None else wording.percent(part.ceiling_before),
        "downtime": "" if part.ceiling is None else wording.downtime(_nines(part.ceiling)),
        "bottleneck": escape.plain(part.bottleneck, 30),
        "product": "" if part.product is None else wording.percent(part.product),
        "frechet": "" if part.frechet is None else wording.percent(part.frechet),
        "slo": None
        if slo is None
        else {
            "target": f"{slo.target:g} %",
            "feasible": slo.feasible,
            "binding": escape.plain(slo.binding, 30),
            "x": _at(slo.target / 100),
        },
        "ticks": [{"x": _at(1 - 10.0**-n), "text": f"{wording.trimmed(f'{100 * (1 - 10.0**-n):.4f}')} %"} for n in range(1, 6)],
    }


def _nines(availability: float) -> float:
    return _NINES if availability >= 1 else min(15.0, -math.log10(1 - availability))


def _at(availability: float) -> float:
    """Place on the scale of nines, 0-1000."""
    return round(1000 * min(1.0, _nines(max(0.0, availability)) / _NINES), 1)


def _layer(name: str, layer: LayerPart, binding: bool) -> Mapping[str, Any]:
    return {
        "name": escape.plain(name, 30),
        "says": _LAYER_SAYS.get(name, ""),
        "before": None if layer.before is None else wording.percent(layer.before),
        "after": None if layer.after is None else wording.percent(layer.after),
        "x_before": None if layer.before is None else _at(layer.before),
        "x_after": None if layer.after is None else _at(layer.after),
        "changed": layer.before is not None and layer.after is not None and wording.percent(layer.before) != wording.percent(layer.after),
        "binding": binding,
        "note": escape.plain(layer.note, 300),
        "inputs": [
            {
                "name": escape.plain(one.name.replace("_", " "), 60),
                "value": f"{one.value:g} {escape.plain(one.unit, 40)}".strip(),
                "source": escape.plain(one.source, 120),
            }
            for one in layer.inputs[:40]
        ],
    }


def _agents(document: Document) -> list[Mapping[str, Any]]:
    return [
        {
            "name": escape.plain(row.label or row.address, 100),
            "before": "–" if row.before is None else f"{100 * row.before:.1f} %",
            "after": "–" if row.after is None else f"{100 * row.after:.1f} %",
            "worst": "–" if row.worst is None else f"{100 * row.worst:.1f} %",
            "scenario": escape.plain(row.worst_scenario, 160),
            "chain": " → ".join(escape.plain(one, 60) for one in row.chain),
        }
        for row in document.agents[:_MOST]
    ]


def _sure(document: Document) -> Mapping[str, Any]:
    cover, part = document.coverage, document.scenarios
    unknown = sum(one.instances for one in cover.unknown_types)
    total = max(1, cover.modelled + cover.ignored + unknown)
    sides = (("before", part.survived_before), ("after", part.survived_after))
    return {
        "coverage": coverage_sentence(document),
        "shares": [round(1000 * amount / total, 1) for amount in (cover.modelled, cover.ignored, unknown)],
        "total": f"{part.total:,}",
        "survived": [
            {"side": side, "count": f"{count:,}", "share": round(1000 * count / max(1, part.total), 1)}
            for side, count in sides
            if count is not None
        ],
        "types": [f"{escape.plain(one.type, 80)} ({one.instances:,})" for one in cover.unknown_types[:30]],
        "pending": [escape.plain(f"{one.address} {one.attribute}", 160) for one in cover.unknown_values[:30]],
        "bounds": _bounds(document),
        "notes": [escape.plain(row.message, 400) for row in document.diagnostics[:20]]
        + [escape.plain(one, 400) for one in document.limits],
    }


def _bounds(document: Document) -> str:
    part = document.sensitivity
    if part is None:
        return ""
    sides = (f"{name} {wording.score(document, bound.score)}" for name, bound in (("at best", part.best), ("at worst", part.worst)))
    hangs = " The verdict depends on them." if part.decides else ""
    return f"With the values known only after apply, the score is {', '.join(sides)}.{hangs}"


def _facts(document: Document) -> list[tuple[str, str]]:
    plan = document.plan
    changes = ", ".join(f"{count:,} {escape.plain(name, 20)}" for name, count in plan.changes.items() if count)
    facts = (
        ("Plan", escape.plain(plan.path, 160)),
        ("Terraform", escape.plain(plan.terraform_version, 20)),
        ("Resources", f"{plan.resources:,}" if plan.resources else ""),
        ("Changes", changes),
        ("Date", escape.plain(document.date, 20)),
        ("FaultRay", escape.plain(document.version, 20)),
    )
    return [(name, value) for name, value in facts if value]
