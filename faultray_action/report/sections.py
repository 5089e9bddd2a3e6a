"""The parts of a comment and of a job summary in Markdown, each from the document alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from faultray_action.report import escape, mermaid, wording
from faultray_action.report.blocks import details, table
from faultray_action.report.changes import Finding, JudgedChange, judged_changes, new_findings, overlapping, told_points
from faultray_action.report.document import (
    ContributionRow,
    DisruptionRow,
    Document,
    GateCheck,
    LayerPart,
    Printable,
    RiskRow,
    SpofRow,
    WaiverRow,
)
from faultray_action.report.links import Context, place
from faultray_action.report.wording import Phrase

LEFT, RIGHT, CENTRE = ":--", "--:", ":-:"
_CELL = 80
_WHOLE = 1_000
"""What is to be pasted is never cut in its middle."""
_PASTED = 5
_WAIVED_DAYS = 30


def cell(text: str) -> str:
    """A name in a table cell."""
    return escape.code(text, _CELL)


def md(phrase: Phrase) -> str:
    return wording.say(phrase, cell, escape.prose)


# The gates


def gate_table(document: Document, limit: int = 100) -> list[str]:
    """The gates that failed, and the score's; [] where no gate was asked."""
    checks = [check for check in document.gate.checks if not check.passed or check.gate == "min-score"]
    if not checks:
        return []
    rows = [_gate_row(document, check) for check in checks[:limit]]
    if rest := len(checks) - limit if len(checks) > limit else 0:
        rows.append((f"… and {wording.count(rest, 'more gate')}", "", "", "", "❌"))
    return table(("Gate", "Limit", "Before", "After", ""), (LEFT, RIGHT, RIGHT, RIGHT, CENTRE), rows)


def _gate_row(document: Document, check: GateCheck) -> tuple[str, ...]:
    actual, limit = _gate_shown(document, check)
    before = "–" if check.before is None else gate_value(check.before) + wording.gate_unit(check.gate)
    if check.gate == "min-score" and isinstance(check.before, float | int):
        before = wording.score(document, float(check.before))
    sign = wording.gate_sign(check.gate) if limit not in ("–", "0") else ""
    return (md(wording.gate_name(check.gate)), sign + limit, before, f"**{actual}**", "✅" if check.passed else "❌")


def _gate_shown(document: Document, check: GateCheck) -> tuple[str, str]:
    """Actual value and limit; where the number is not what failed, the words for it."""
    actual, limit = gate_numbers(check)
    if check.gate == "unknown":
        return ("yes" if check.passed else "no"), limit
    if check.gate == "max-apply-downtime" and not check.passed and (check.actual or 0) <= (check.limit or 0):  # type: ignore[operator]
        lost = any(row.disruption == "destructive" for row in document.apply.disruptions)
        return ("data destroyed" if lost else "unknown time"), limit
    delta = wording.shown_delta(document)
    if check.gate == "fail-on-regression" and delta is not None and not check.passed and limit == "0":
        return wording.number(abs(delta), wording.decimals(document)), limit
    return actual, limit


def gate_numbers(check: GateCheck) -> tuple[str, str]:
    """Actual value and limit, with enough decimals to see which is larger. A drop is shown without its sign."""
    actual, limit, unit = check.actual, check.limit, wording.gate_unit(check.gate)
    if check.gate == "fail-on-regression" and isinstance(actual, float | int):
        actual = max(0.0, -float(actual))
    if isinstance(actual, bool) or isinstance(limit, bool) or not isinstance(actual, float | int) or not isinstance(limit, float | int):
        return gate_value(actual), gate_value(limit)
    if check.gate == "max-apply-downtime":
        return wording.duration(float(actual)), wording.duration(float(limit)) if limit else "0"
    shown, bound = wording.tell_apart(float(actual), float(limit), 3 if check.gate == "slo" else 0)
    return shown + unit, bound + unit


def gate_value(value: Printable) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return cell(value) if isinstance(value, str) else wording.trimmed(wording.number(float(value), 2))


# Changes and what they lead to


def causes_table(document: Document, context: Context, limit: int) -> list[str]:
    """The costliest changes with their consequences, and what they cost together; [] where nothing was attributed or found."""
    rows = judged_changes(document)
    moved = wording.shown_delta(document) != 0
    rows = rows if moved else tuple(row for row in rows if row.findings or row.resolved)
    if not rows:
        return []
    caused = sum(1 for row in rows if row.findings)
    shown = rows[: min(limit, max(1, caused))] if overlapping(document) else rows[:limit]
    rest = len(rows) - len(shown)
    told, together = told_points(document, rows)
    lines = [_change_row(document, context, at, row, told[at]) for at, row in enumerate(shown)]
    if rest:
        left_points = sum(points or 0.0 for points in told[len(shown) :])
        lines.append(
            (
                "",
                f"… and {wording.count(rest, 'more change')} in the job summary",
                "",
                "",
                "",
                _signed(document, left_points) if left_points else "",
            )
        )
    if together and moved:
        lines.append(("", wording.together(_attributed(rows), overlapping(document)), "", "", "", _signed(document, together)))
    header: tuple[str, ...] = ("", "Where", "Change", "If it fails", "Recovers", "Points")
    align: tuple[str, ...] = (CENTRE, LEFT, LEFT, LEFT, LEFT, RIGHT)
    width = 6 if moved and any(line[5] for line in lines) else 5
    return table(header[:width], align[:width], (line[:width] for line in lines))


def _attributed(rows: Sequence[JudgedChange]) -> int:
    return sum(1 for row in rows if row.points is not None)


def _signed(document: Document, points: float) -> str:
    return wording.signed(points, wording.decimals(document))


def _change_row(document: Document, context: Context, at: int, row: JudgedChange, points: float | None) -> tuple[str, ...]:
    change = row.change
    where = " ".join(part for part in (cell(change.address), place(context, change.file, change.line, change.end_line)) if part)
    findings = _once(row.findings)
    effects = [effect(document, finding) for finding in findings[:2]]
    if len(findings) > 2:
        effects.append(f"… and {wording.count(len(findings) - 2, 'more finding')}")
    if not effects:
        effects = [f"now survived: {effect(document, finding, '')}" for finding in row.resolved[:2]]
    shown = "" if points is None else f"**{_signed(document, points)}**"
    recovers = {_recovers(finding) for finding in findings[:2]}
    return (str(at + 1), where, md(wording.changes(change)), "<br>".join(effects) or "–", "<br>".join(sorted(recovers)) or "–", shown)


def _once(findings: Sequence[Finding]) -> list[Finding]:
    """Data that is destroyed while applying is not told a second time as data at risk."""
    lost = {row.address for row in findings if isinstance(row, DisruptionRow) and row.disruption == "destructive"}
    return [row for row in findings if not (isinstance(row, RiskRow) and row.kind == "data-loss" and row.address in lost)]


def _recovers(finding: Finding) -> str:
    if isinstance(finding, SpofRow):
        return wording.recovery(finding.recovery)
    if isinstance(finding, RiskRow):
        return "by hand" if finding.kind in ("data-loss", "broken-need") else "–"
    if finding.disruption == "destructive":
        return "not at all"
    return "unknown" if finding.seconds is None else f"after {wording.duration(finding.seconds)}"


def effect(document: Document, finding: Finding, fate: str = " down") -> str:
    """One consequence in a table cell; a waived one says so."""
    waived = f" (waived: {cell(finding.waived)})" if finding.waived else ""
    return _effect(document, finding, fate) + waived


def _effect(document: Document, finding: Finding, fate: str) -> str:
    if isinstance(finding, SpofRow):
        who = f"**{cell(finding.label or finding.address)}**"
        down = f" → {md(wording.entries(document, finding.takes_down, 3))}{fate}" if finding.takes_down else ""
        return f"{md(wording.failing(finding))} → {who}{down}"
    if isinstance(finding, RiskRow):
        if finding.kind == "broken-need" and finding.takes_down:
            return f"{md(wording.entries(document, finding.takes_down, 3))} down without any failure"
        return md(wording.risk_told(finding))
    return f"while applying: {md(wording.disruption_told(document, finding))}"


# The way back


def remedy_lines(document: Document) -> list[str]:
    """What to write instead as a diff, or how far was searched; [] where no way back was looked for."""
    remedy = document.remedy
    if remedy is None:
        return []
    if not remedy.edits and not remedy.simulations and new_findings(document):
        return ["**Cheapest way back to green**: none found. No change of this plan takes a finding away by itself."]
    if not remedy.edits and not remedy.simulations:
        return ["No change of this plan causes it: the limit was missed before as well, so no edit of this plan leads back to green."]
    if not remedy.edits:
        tried = f" ({wording.count(remedy.simulations, 'simulation')})" if remedy.simulations else ""
        return [f"**Cheapest way back to green**: none found. No set of up to 3 edits passes every gate{tried}."]
    reached = f", score **{wording.score(document, remedy.score)}**" if remedy.score is not None else ""
    proof = ", all gates pass (checked)" if remedy.proven else ", not proven: re-run the gate"
    diff = wording.diff_lines(remedy.edits)
    return [
        f"**Cheapest way back to green**: {wording.count(wording.edit_count(remedy.edits), 'edit')}{reached}{proof}",
        *escape.fence(diff, "diff"),
    ]


# Folded parts


def topology_lines(document: Document) -> list[str]:
    """Before and after of the changed neighbourhood as two Mermaid graphs."""
    graph = document.graph
    if graph is None or not graph.nodes:
        return []
    sides = [(side, mermaid.draw(graph, side)) for side in mermaid.SIDES]
    drawn = [line for side, lines in sides if lines for line in (f"**{side.title()}**", "", *escape.fence(lines, "mermaid"), "")]
    left = graph.omitted + max(0, len(graph.nodes) - mermaid.MAX_NODES)
    rest = [f"{wording.count(left, 'component')} further from the change {'is' if left == 1 else 'are'} not drawn.", ""] if left else []
    return [*drawn, *rest, mermaid.LEGEND]


def scenario_lines(document: Document, limit: int = 10) -> list[str]:
    """Scenarios whose outcome differs, with the command that replays one."""
    part = document.scenarios
    lines = [survival(document)]
    for title, rows, total in (
        ("Used to survive, no longer does", part.broken, part.broken_total),
        ("Survives now, did not before", part.repaired, part.repaired_total),
    ):
        if not rows:
            continue
        cells = (
            (escape.code(row.id, _WHOLE), md(wording.listed(row.faults, 4)), md(wording.entries(document, row.takes_down)))
            for row in rows[:limit]
        )
        lines += ["", *table(("Scenario", title, "Entry points down"), (LEFT, LEFT, LEFT), cells)]
        more = max(total, len(rows)) - min(limit, len(rows))
        lines += ["", f"… and {wording.count(more, 'more scenario')}"] if more else []
    if part.broken:
        lines += ["", f"Replay one: {replay(document, part.broken[0].id)}"]
    return lines


def replay(document: Document, scenario: str) -> str:
    """The command that replays a scenario, ready to paste into a shell."""
    return escape.code(f"faultray replay {wording.shell(scenario)} {wording.shell(document.plan.path or 'plan.json')}", _WHOLE)


def survival(document: Document) -> str:
    part = document.scenarios
    sides = [
        f"{side}: {count:,}" for side, count in (("before", part.survived_before), ("after", part.survived_after)) if count is not None
    ]
    dropped = sum(part.dropped.values())
    thinned = f" {dropped:,} further scenarios were thinned out" if dropped else ""
    mass = (
        f" ({part.covered_mass * 100:.2f} % of the probability mass of fault combinations is covered)."
        if part.covered_mass and dropped
        else ""
    )
    return f"{part.total:,} scenarios; survived with every entry point up: {', '.join(sides) or 'none'}.{thinned}{mass}"


def sure_lines(document: Document, context: Context) -> list[str]:
    """Coverage, what is not modelled, what is not known until apply, honest limits."""
    cover = document.coverage
    lines = [f"- {coverage_sentence(document)}"]
    if cover.unknown_types:
        lines.append(f"- Types without a model: {md(wording.listed((f'{one.type} ×{one.instances}' for one in cover.unknown_types), 8))}.")
    if cover.on_path:
        lines.append(f"- Of these, an entry point may need {md(wording.listed(cover.on_path, 5))}.")
    if cover.unknown_values:
        values = (f"{one.address} {one.attribute}" for one in cover.unknown_values)
        lines.append(f"- Known only after apply: {md(wording.listed(values, 6))}.")
    if sensitivity := document.sensitivity:
        lines.append(f"- {sensitivity_sentence(document)}" if sensitivity.unknowns else "")
    inferred = [row.label or row.address for row in document.entry_points if row.inferred]
    if inferred:
        lines.append(f"- Entry points inferred from the plan: {md(wording.listed(inferred, 6))}. Declare them in the config to be sure.")
    lines += [f"- {escape.prose(limit)}" for limit in document.limits[:8]]
    lines += [diagnostic_line(document, context, at) for at in range(min(8, len(document.diagnostics)))]
    return [line for line in lines if line]


def diagnostic_line(document: Document, context: Context, at: int) -> str:
    row = document.diagnostics[at]
    where = place(context, row.file, row.line)
    return (
        f"- {row.severity if row.severity in ('error', 'warning') else 'notice'}: {escape.prose(row.message)}{' ' + where if where else ''}"
    )


def coverage_sentence(document: Document) -> str:
    cover = document.coverage
    unknown = sum(one.instances for one in cover.unknown_types)
    total = cover.modelled + cover.ignored + unknown
    share = cover.share if cover.share is not None else ((total - unknown) / total if total else 1.0)
    return (
        f"{share * 100:.0f} % of {wording.count(total, 'resource')} understood: {cover.modelled:,} modelled, "
        f"{cover.ignored:,} without effect on resilience, {unknown:,} of unknown type."
    )


def sensitivity_sentence(document: Document) -> str:
    part = document.sensitivity
    if part is None:
        return ""
    sides = ", ".join(
        f"{name} case {wording.score(document, bound.score)} ({'passes' if bound.passed else 'fails'})"
        for name, bound in (("best", part.best), ("worst", part.worst))
    )
    what = md(wording.listed((f"{one.address} {one.attribute}".strip() for one in part.unknowns), 3))
    return f"Not known before apply: {what}. {sides[0].upper()}{sides[1:]}."


def waiver_lines(document: Document) -> list[str]:
    """Text for `.faultray.yml`, ready to paste, for the new findings; the reason is left to write."""
    findings = [row for row in new_findings(document) if not row.waived]
    if not findings:
        return []
    day = _day(document.date)
    text = ["waivers:"]
    for row in findings[:_PASTED]:
        text += [
            f'  - id: "{_hexadecimal(row.fingerprint)}"  # {finding_class(row)} of {escape.plain(row.address)}',
            '    reason: ""  # why is this acceptable?',
            f"    expiry: {day + timedelta(days=_WAIVED_DAYS) if day else 'YYYY-MM-DD'}",
            f"    since: {day or 'YYYY-MM-DD'}",
            '    owner: ""',
        ]
    rest = len(findings) - _PASTED
    more = ["", f"… and {wording.count(rest, 'more finding')}: their fingerprints are in the JSON report."] if rest > 0 else []
    return [
        "Fixing it is better. To accept it for 30 days, paste this into `.faultray.yml` and write the reason:",
        "",
        *escape.fence(text, "yaml"),
        *more,
    ]


def _hexadecimal(fingerprint: str) -> str:
    """Enough of it to be one of a kind; in quotes, since digits around an `e` are a number to YAML."""
    return "".join(letter for letter in fingerprint if letter in "0123456789abcdef")[:16]


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def finding_class(row: Finding) -> str:
    """The word by which a waiver or a rule knows it."""
    word = row.event if isinstance(row, SpofRow) else row.kind if isinstance(row, RiskRow) else row.disruption
    return word if word.replace("-", "").isalnum() else "finding"


# Everything, for the job summary


def spof_table(document: Document, context: Context, rows: Iterable[SpofRow]) -> list[str]:
    header = ("Component", "Fails with", "Takes down", "Recovers", "Cause", "Failures needed", "Points")
    cells = (_spof_cells(document, context, row) for row in rows)
    return table(header, (LEFT, LEFT, LEFT, LEFT, LEFT, RIGHT, RIGHT), cells)


def _spof_cells(document: Document, context: Context, row: SpofRow) -> tuple[str, ...]:
    name = f"{cell(row.address)} {place(context, row.file, row.line)}".strip()
    causes = "<br>".join(
        f"{cell(one.address)} {md(wording.change(one))} {place(context, one.file, one.line)}".strip() for one in row.cause[:3]
    )
    points = "" if row.points is None else wording.signed(row.points, 2)
    waived = f" (waived: {cell(row.waived)})" if row.waived else ""
    return (
        name + waived,
        md(wording.failing(row)),
        md(wording.entries(document, row.takes_down)) or "–",
        wording.recovery(row.recovery),
        causes or "–",
        until_outage(row),
        points,
    )


def until_outage(row: SpofRow) -> str:
    """How many independent failures an outage took, and takes: `2 → 1`."""
    if row.witness is None:
        return "1"
    before = row.witness.failures_before
    return f"{before} → {row.witness.failures_after}" if before is not None else f"{row.witness.failures_after}"


def witness_lines(document: Document) -> list[str]:
    """The smallest outage of each new single point as an arrow chain with its replay id."""
    lines = []
    for row in document.spofs.new:
        if row.witness is None:
            continue
        chain = " → ".join(
            md((wording.Name(step.label or step.address), f" {step.health}" if step.health.isalpha() else "")) for step in row.witness.chain
        )
        lines.append(f"- {chain}  · {replay(document, row.witness.scenario)}")
    return lines


def risk_table(document: Document, context: Context, rows: Iterable[RiskRow]) -> list[str]:
    cells = (
        (
            f"{cell(row.address)} {place(context, row.file, row.line)}".strip(),
            md(wording.risk_title(row)) + (f" (waived: {cell(row.waived)})" if row.waived else ""),
            cell(row.severity),
            "<br>".join(
                f"{cell(one.address)} {md(wording.change(one))} {place(context, one.file, one.line)}".strip() for one in row.cause[:3]
            )
            or "–",
        )
        for row in rows
    )
    return table(("Resource", "Risk", "Severity", "Cause"), (LEFT, LEFT, LEFT, LEFT), cells)


def disruption_table(document: Document, rows: Iterable[DisruptionRow]) -> list[str]:
    cells = ((cell(row.address), cell(row.disruption), md(wording.disruption_title(document, row))) for row in rows)
    return table(("Resource", "Class", "While applying"), (LEFT, LEFT, LEFT), cells)


def entry_table(document: Document) -> list[str]:
    cells = []
    for row in document.entry_points:
        sides = []
        for side in (row.before, row.after):
            down = side is not None and side.cut_off
            sides.append("–" if side is None else "**cut off**" if down else f"{side.nines:.2f} nines ({wording.downtime(side.nines)})")
        cells.append((cell(row.label or row.address), *sides))
    return table(("Entry point", "Before", "After"), (LEFT, LEFT, LEFT), cells) if cells else []


def drift_table(document: Document, context: Context) -> list[str]:
    return contribution_table(document.drift.rows, context) if document.drift else []


def contribution_table(rows: Sequence[ContributionRow], context: Context, limit: int = 100) -> list[str]:
    cells = (
        (f"{cell(row.address)} {place(context, row.file, row.line)}".strip(), md(wording.changes(row)), wording.signed(row.points, 2))
        for row in rows[:limit]
    )
    return table(("Resource", "Change", "Points"), (LEFT, LEFT, RIGHT), cells)


def layers_in_order(document: Document) -> list[tuple[str, LayerPart]]:
    """L1 to L5, then what a later version may add."""
    part = document.availability
    if part is None:
        return []
    known = [name for name in wording.LAYERS if name in part.layers]
    return [(name, part.layers[name]) for name in (*known, *sorted(set(part.layers) - set(known)))]


def layer_table(document: Document) -> list[str]:
    part = document.availability
    if part is None or not part.layers:
        return []
    rows = [
        (
            cell(name) + (" (binding)" if name == part.bottleneck else ""),
            "–" if layer.before is None else wording.percent(layer.before),
            "–" if layer.after is None else wording.percent(layer.after),
        )
        for name, layer in layers_in_order(document)
    ]
    return table(("Layer", "Before", "After"), (LEFT, RIGHT, RIGHT), rows)


def waiver_table(rows: Iterable[WaiverRow]) -> list[str]:
    cells = (
        (cell(row.id), cell(row.address or "–"), cell(row.reason or "–"), cell(row.expires or "–"), cell(row.owner or "–")) for row in rows
    )
    return table(("Waiver", "Accepts", "Reason", "Until (UTC)", "Owner"), (LEFT,) * 5, cells)


def folded(summary: str, lines: Sequence[str]) -> list[str]:
    return details(summary, lines) if lines else []
