"""The job summary: everything the document holds, in Markdown, within the runner's limit."""

from __future__ import annotations

from collections.abc import Sequence

from faultray_action.report import escape, sections, verdict, wording
from faultray_action.report.blocks import SUMMARY_BUDGET, Block, block, fit, table
from faultray_action.report.changes import own_rows
from faultray_action.report.document import AgentRow, Document
from faultray_action.report.links import PLAIN, Context
from faultray_action.report.sections import LEFT, RIGHT, md

CHECK_BUDGET = 65_000
"""Characters and bytes of a check run's summary; GitHub refuses more than 65,535 characters."""
_ROWS = 1_000


def render_summary(documents: Sequence[Document], context: Context = PLAIN, budget: int = SUMMARY_BUDGET) -> str:
    """Every plan in full, one after the other. ValueError for no document at all."""
    if not documents:
        raise ValueError("no document to render")
    return fit([one for at, document in enumerate(documents) for one in _document(document, context, 10 * at)], budget)


def render(document: Document, context: Context = PLAIN) -> str:
    """The job summary of one document."""
    return render_summary((document,), context)


def render_check(document: Document, context: Context = PLAIN) -> str:
    """The same for a check run's summary."""
    return render_summary((document,), context, CHECK_BUDGET)


def _document(document: Document, context: Context, late: int) -> list[Block]:
    head = [f"## {md(verdict.headline(document))}"]
    told = verdict.alert_lines(document)
    parts = [(title, lines, priority) for title, lines, priority in _parts(document, context) if lines]
    blocks = [block(0, head), block(0, told)]
    blocks += [block(1 + late + priority, [f"### {title}", "", *lines], _shorter(title, lines)) for title, lines, priority in parts]
    notice = [block(0, [context.notice])] if context.notice else []
    return [*blocks, *notice]


def _shorter(title: str, lines: list[str]) -> list[str]:
    """The first rows of a long table, with the count of the rest."""
    if len(lines) <= 60 or not all(line.startswith("|") for line in lines):
        return []
    return [f"### {title}", "", *lines[:52], "", f"… and {len(lines) - 52:,} more in the JSON report"]


def _parts(document: Document, context: Context) -> list[tuple[str, list[str], int]]:
    """Title, lines, priority; in the order of reading."""
    if document.error is not None:
        return [("Diagnostics", _diagnostics(document, context), 2)]
    spofs, risks = document.spofs, document.risks
    return [
        ("Gate", sections.gate_table(document), 0),
        ("Causes", sections.causes_table(document, context, 50), 0),
        ("Cheapest way back", sections.remedy_lines(document), 1),
        ("New single points of failure", _some(spofs.new) and sections.spof_table(document, context, spofs.new[:_ROWS]), 1),
        ("Smallest outages", sections.witness_lines(document)[:_ROWS], 3),
        ("New risks", _some(risks.new) and sections.risk_table(document, context, risks.new[:_ROWS]), 1),
        (
            "While applying",
            _some(document.apply.disruptions) and sections.disruption_table(document, document.apply.disruptions[:_ROWS]),
            1,
        ),
        ("Resolved single points of failure", _some(spofs.resolved) and sections.spof_table(document, context, spofs.resolved[:_ROWS]), 2),
        ("Risks removed", _some(risks.resolved) and sections.risk_table(document, context, risks.resolved[:_ROWS]), 2),
        (
            "Unchanged single points of failure",
            _some(spofs.unchanged) and sections.spof_table(document, context, spofs.unchanged[:_ROWS]),
            4,
        ),
        ("Unchanged risks", _some(risks.unchanged) and sections.risk_table(document, context, risks.unchanged[:_ROWS]), 4),
        ("Attribution", _attribution(document, context), 3),
        ("Drift", sections.drift_table(document, context), 3),
        ("Entry points", sections.entry_table(document)[:_ROWS], 3),
        ("Availability ceiling", [*sections.layer_table(document), *_ceiling(document)], 4),
        ("AI agents", _agents(document.agents), 4),
        ("Topology before and after", sections.topology_lines(document), 5),
        ("Scenarios", sections.scenario_lines(document, 50) if document.scenarios.total else [], 5),
        ("How sure is this", sections.sure_lines(document, context), 2),
        ("Waivers", _waivers(document), 3),
        ("Accept on purpose", [] if document.gate.passed else sections.waiver_lines(document), 5),
        ("Diagnostics", _diagnostics(document, context), 4),
        ("Settings", _settings(document), 6),
    ]


def _some(rows: Sequence[object]) -> list[str]:
    """Truthy where there are rows; the empty list otherwise."""
    return ["rows"] if rows else []


def _attribution(document: Document, context: Context) -> list[str]:
    rows = own_rows(document)
    if not rows:
        return []
    together = f"In combination: {wording.signed(document.attribution.interaction, 2)}. Each row is what putting that change back is worth; all of them sum to the delta."
    return [*sections.contribution_table(rows, context, _ROWS), "", together]


def _ceiling(document: Document) -> list[str]:
    part = document.availability
    if part is None or part.ceiling is None:
        return []
    lines = ["", f"The {sections.cell(part.bottleneck)} layer caps the system at **{wording.percent(part.ceiling)}**."]
    if document.slo is not None:
        reached = "can be met" if document.slo.feasible else "cannot be met"
        lines.append(f"The SLO of {wording.trimmed(f'{document.slo.target:.4f}')} % {reached}.")
    if part.product is not None and part.frechet is not None:
        lines.append(f"If the layers failed independently: {wording.percent(part.product)}; at worst: {wording.percent(part.frechet)}.")
    return lines


def _agents(rows: Sequence[AgentRow]) -> list[str]:
    if not rows:
        return []
    cells = (
        (sections.cell(row.label or row.address), *(_share(value) for value in (row.before, row.after, row.worst))) for row in rows[:_ROWS]
    )
    header = ("Agent", "Wrong answers before", "after", "worst scenario")
    return [
        *table(header, (LEFT, RIGHT, RIGHT, RIGHT), cells),
        "",
        "Sources are assumed to fail independently of what the model makes of them.",
    ]


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value * 100:.1f} %"


def _waivers(document: Document) -> list[str]:
    part = document.waivers
    if part is None:
        return []
    groups = (("Applied", part.applied), ("Expiring", part.expiring), ("Expired", part.expired), ("Unused", part.unused))
    return [line for title, rows in groups if rows for line in (f"**{title}**", "", *sections.waiver_table(rows), "")]


def _diagnostics(document: Document, context: Context) -> list[str]:
    return [sections.diagnostic_line(document, context, at) for at in range(min(_ROWS, len(document.diagnostics)))]


def _settings(document: Document) -> list[str]:
    settings = document.settings
    if not settings:
        return []
    cells = ((sections.cell(name), sections.cell(wording.value(settings[name]))) for name in sorted(settings))
    made = f"FaultRay {escape.prose(document.version)}" + (f", for {escape.prose(document.date)} (UTC)" if document.date else "")
    return [*table(("Setting", "Used"), (LEFT, LEFT), cells), "", made]
