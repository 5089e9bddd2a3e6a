"""The pull request comment: verdict first, at most 25 visible lines, everything else folded."""

from __future__ import annotations

from collections.abc import Sequence

from faultray_action.report import escape, sections, verdict, wording
from faultray_action.report.blocks import COMMENT_BUDGET, Block, block, details, fit, table
from faultray_action.report.document import Document
from faultray_action.report.links import PLAIN, Context
from faultray_action.report.sections import md
from faultray_action.report.wording import Form

VISIBLE_LINES = 25
_PLAN_ROWS = 12
_FOLDED_PLANS = 8


def render_comment(documents: Sequence[Document], context: Context = PLAIN) -> str:
    """One comment for one plan or several, within GitHub's limits; ends in a newline. ValueError for no document at all."""
    if not documents:
        raise ValueError("no document to render")
    marker = (block(0, [context.marker]),) if context.marker else ()
    body = _one_plan(documents[0], context) if len(documents) == 1 else _many_plans(documents, context)
    return fit((*marker, *body), COMMENT_BUDGET)


def render(document: Document, context: Context = PLAIN) -> str:
    """The comment of one document."""
    return render_comment((document,), context)


# One plan


def _one_plan(document: Document, context: Context) -> tuple[Block, ...]:
    return (*_told(document, context, "### "), block(2, _footer(document, context)))


def _told(document: Document, context: Context, heading: str) -> tuple[Block, ...]:
    kind = wording.form(document)
    if kind in verdict.QUIET and document.verdict == "pass" and not verdict.worth_a_word(document):
        return (block(0, [verdict.quiet_line(document)]),)
    head = block(0, [heading + md(verdict.headline(document))])
    said = block(1, verdict.alert_lines(document))
    if kind is Form.ERROR:
        return (head, said, *_folded(document, context))
    gates = sections.gate_table(document, 5) if not document.gate.passed else []
    remedy = [] if document.gate.passed else sections.remedy_lines(document)
    if _shown(remedy) > 7:
        remedy = details(_remedy_summary(document), remedy)
    folded = _folded(document, context)
    used = 4 + _shown(gates) + _shown(remedy) + len(folded) + 2
    causes = sections.causes_table(document, context, max(2, min(5, VISIBLE_LINES - used - 3)))
    return (head, said, block(2, gates), block(1, causes), block(3, remedy), *folded)


def _shown(lines: Sequence[str]) -> int:
    return visible_lines("\n".join(lines))


def visible_lines(markdown: str) -> int:
    """How many lines a reader sees before unfolding anything: fences, table rulers and blank lines are none, a folded part is one."""
    depth = seen = 0
    for line in markdown.splitlines():
        depth += line.startswith("<details>")
        ruler = line.startswith(("|:", "|-", "```", "<!--"))
        seen += bool(line.strip()) and not ruler and (depth == 0 or (depth == 1 and line.startswith("<details>")))
        depth -= line.startswith("</details>")
    return seen


# Folded parts


def _folded(document: Document, context: Context) -> tuple[Block, ...]:
    lines = _findings_lines(document, context)
    parts = (
        (4, f"All findings ({_finding_count(document)})", lines),
        (4, "What was changed outside Terraform", sections.drift_table(document, context)),
        (5, "Topology before and after", sections.topology_lines(document)),
        (6, "Scenarios that used to survive", sections.scenario_lines(document) if document.scenarios.broken else []),
        (4, _sure_summary(document), sections.sure_lines(document, context) if document.error is None else []),
        (5, "Accept on purpose (waiver)", sections.waiver_lines(document) if not document.gate.passed else []),
    )
    return tuple(block(priority, sections.folded(title, body)) for priority, title, body in parts if body)


def _finding_count(document: Document) -> int:
    return (
        len(document.spofs.new)
        + len(document.risks.new)
        + len(document.apply.disruptions)
        + len(document.spofs.resolved)
        + len(document.risks.resolved)
    )


def _sure_summary(document: Document) -> str:
    unknown = sum(one.instances for one in document.coverage.unknown_types)
    doubt = f", {unknown:,} of unknown type" if unknown else ""
    values = len(document.coverage.unknown_values)
    later = f", {wording.count(values, 'value')} known only after apply" if values else ""
    return f"How sure is this: {wording.count(document.coverage.modelled, 'resource')} modelled{doubt}{later}"


def _findings_lines(document: Document, context: Context, limit: int = 40) -> list[str]:
    """Every finding in tables, each with the count of those left out."""
    new, risks, apply = document.spofs.new, document.risks.new, document.apply.disruptions
    parts = (
        ("New single points of failure", sections.spof_table(document, context, new[:limit]), len(new)),
        ("Smallest outages", sections.witness_lines(document)[:limit], 0),
        ("New risks", sections.risk_table(document, context, risks[:limit]), len(risks)),
        ("While applying", sections.disruption_table(document, apply[:limit]), len(apply)),
        ("Resolved", sections.spof_table(document, context, document.spofs.resolved[:limit]), len(document.spofs.resolved)),
        ("Risks removed", sections.risk_table(document, context, document.risks.resolved[:limit]), len(document.risks.resolved)),
    )
    lines: list[str] = []
    for title, body, total in parts:
        if total or (title == "Smallest outages" and body):
            more = ["", f"… and {total - limit} more in the job summary"] if total > limit else []
            lines += [f"**{title}**", "", *body, *more, ""]
    return lines[:-1]


def _remedy_summary(document: Document) -> str:
    edits = wording.edit_count(document.remedy.edits) if document.remedy else 0
    reached = wording.score(document, document.remedy.score) if document.remedy else ""
    return f"<b>Cheapest way back to green</b>: {wording.count(edits, 'edit')}, score {reached}"


def _footer(document: Document, context: Context) -> list[str]:
    if wording.form(document) in verdict.QUIET and document.verdict == "pass" and not verdict.worth_a_word(document):
        return [context.notice] if context.notice else []
    scenarios = f"{wording.count(document.scenarios.total, 'scenario')} per side" if document.scenarios.total else ""
    summary = f"[job summary]({context.summary_url})" if context.summary_url else "details in the job summary"
    advice = "" if document.error else f"recommendation: {wording.recommendation(document.recommendation)}"
    parts = (advice, scenarios, f"commit `{context.sha[:7]}`" if context.sha.isalnum() else "", summary)
    return [line for line in (f"<sub>{' · '.join(part for part in parts if part)}</sub>", context.notice) if line]


# Several plans


def _many_plans(documents: Sequence[Document], context: Context) -> tuple[Block, ...]:
    ordered = sorted(documents, key=_plan_order)
    failed = sum(1 for one in ordered if one.verdict == "fail")
    broken = sum(1 for one in ordered if one.verdict == "error")
    result = ", ".join(
        part for part in (f"**{failed} failed**" * bool(failed), f"**{broken} could not be computed**" * bool(broken)) if part
    )
    worst = verdict.light(ordered[0])
    title = f"### {worst} FaultRay · {wording.count(len(ordered), 'plan')} · {result or 'all passed'}"
    rows = [_plan_row(one) for one in ordered]
    limit = _PLAN_ROWS
    more = [f"… and {wording.count(len(rows) - limit, 'more plan')} in the job summary"] if len(rows) > limit else []
    overview = table(("", "Plan", "Resilience", "Findings", "Result"), (":-:", ":--", ":--", ":--", ":--"), rows[:limit])
    parts = [block(2 + at, *_plan_details(one, context)) for at, one in enumerate(ordered) if wording.form(one) not in verdict.QUIET][
        : max(0, 8)
    ]
    notice = (block(1, [context.notice]),) if context.notice else ()
    return (block(0, [title]), block(0, overview), block(0, more), *parts, *notice)


def _plan_order(document: Document) -> tuple[int, int, float, str]:
    rank = {"error": 0, "fail": 1}.get(document.verdict, 2)
    return (rank, 0 if verdict.light(document) == "🟡" else 1, document.score.delta or 0.0, wording.title(document))


def _plan_row(document: Document) -> tuple[str, ...]:
    weak = verdict.counted(document) or verdict.better(document) or "–"
    result = {"error": "could not compute", "fail": "would fail (warn mode)" if document.mode == "warn" else "**failed**"}.get(
        document.verdict, "passed"
    )
    return (
        verdict.light(document),
        sections.cell(wording.title(document)),
        md(verdict.result(document)).removeprefix("resilience "),
        weak,
        result,
    )


def _plan_details(document: Document, context: Context) -> tuple[list[str], list[str]]:
    """A plan's own comment, folded; and a shorter form without its folded parts."""
    whole = _told(document, context, "#### ")
    visible = tuple(one for one in whole if not one.lines or one.lines[0] != "<details>")
    summary = f"{verdict.light(document)} {escape.html_code(wording.title(document), 80)}"
    return tuple(details(summary, [line for one in kept if one.lines for line in (*one.lines, "")]) for kept in (whole, visible))  # type: ignore[return-value]
