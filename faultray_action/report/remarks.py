"""Findings as remarks on lines: check-run annotations and workflow commands, most costly first."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from faultray_action.model.artifact import Annotation, AnnotationLevel
from faultray_action.report import escape, verdict, wording
from faultray_action.report.changes import Finding, new_findings, own_rows
from faultray_action.report.document import Document, RiskRow, SpofRow
from faultray_action.report.wording import Form, words

MAX_ANNOTATIONS = 200
MAX_TITLE = 255
MAX_MESSAGE = 8_000
"""Characters; GitHub allows 64 KB, a line's remark should not need them."""
MAX_COMMANDS = 10
MAX_COMMAND = 4_096

_LEVEL_COMMAND: Mapping[AnnotationLevel, str] = {
    AnnotationLevel.FAILURE: "error",
    AnnotationLevel.WARNING: "warning",
    AnnotationLevel.NOTICE: "notice",
}


class Place(Struct, frozen=True):
    file: str
    line: int
    end_line: int
    column: int
    end_column: int


def annotate(document: Document) -> tuple[Annotation, ...]:
    """One remark a new finding, at the line of the attribute that caused it, else of the resource; findings without a file are left out. At most 200."""
    placed = ((finding, place(finding)) for finding in costliest(document))
    return tuple(_annotation(document, finding, where) for finding, where in placed if where is not None)[:MAX_ANNOTATIONS]


def costliest(document: Document) -> tuple[Finding, ...]:
    """New findings, the most costly first; a waived one is a notice and comes last."""
    return tuple(sorted(new_findings(document), key=lambda row: (bool(row.waived), _cost(document, row))))


def _cost(document: Document, row: Finding) -> tuple[float, int, str]:
    """Own points, else those of its cause's row."""
    points = {(one.address, one.attribute): one.points for one in own_rows(document)}
    own = row.points if isinstance(row, SpofRow | RiskRow) else None
    known = (
        [own] if own is not None else [points[one.address, one.attribute] for one in row.cause if (one.address, one.attribute) in points]
    )
    return (min((value for value in known), default=0.0), _weight(row), row.address)


def _weight(row: Finding) -> int:
    return ("destructive", "high", "spof", "outage").index(_gravity(row)) if _gravity(row) else 9


def _gravity(row: Finding) -> str:
    if isinstance(row, SpofRow):
        return "spof"
    if isinstance(row, RiskRow):
        return "high" if row.severity == "high" else ""
    return row.disruption if row.disruption in ("destructive", "outage") else ""


def place(finding: Finding) -> Place | None:
    """The line of the changed attribute, else of the resource."""
    for cause in finding.cause:
        if cause.file:
            line = max(1, cause.line)
            end = max(line, cause.end_line)
            same = line == end and 0 < cause.column <= cause.end_column
            return Place(cause.file, line, end, cause.column if same else 0, cause.end_column if same else 0)
    return Place(finding.file, max(1, finding.line), max(1, finding.line), 0, 0) if finding.file else None


def level(document: Document, finding: Finding) -> AnnotationLevel:
    """Failure for what fails the gate of an enforcing run, warning for the rest, notice for what was waived."""
    if finding.waived:
        return AnnotationLevel.NOTICE
    grave = bool(_gravity(finding)) and document.verdict == "fail" and document.mode == "enforce"
    return AnnotationLevel.FAILURE if grave else AnnotationLevel.WARNING


def title(document: Document, finding: Finding) -> str:
    return escape.shorten(words(title_phrase(document, finding)), MAX_TITLE)


def title_phrase(document: Document, finding: Finding) -> wording.Phrase:
    if isinstance(finding, SpofRow):
        return wording.spof_title(finding)
    return wording.risk_heading(finding) if isinstance(finding, RiskRow) else wording.disruption_title(document, finding)


def message(document: Document, finding: Finding) -> str:
    """What fails, what goes down, what changed, what it costs: a line each."""
    lines = []
    if isinstance(finding, SpofRow):
        lines.append(f"{words(wording.spof_effect(document, finding))}; recovers: {wording.recovery(finding.recovery)}.")
        if finding.witness is not None:
            lines.append(f"Replay: faultray replay {wording.shell(finding.witness.scenario)}")
    elif finding.takes_down:
        lines.append(f"Takes down: {words(wording.entries(document, finding.takes_down))}.")
    lines += [f"Changed here: {escape.plain(cause.address)} {words(wording.change(cause))}." for cause in finding.cause[:3]]
    points = finding.points if isinstance(finding, SpofRow | RiskRow) else None
    if points:
        lines.append(f"Putting it back is worth {wording.number(abs(points), 0 if abs(points) >= 1 else 1)} points.")
    if finding.waived:
        lines.append(f"Waived: {escape.plain(finding.waived)}.")
    return escape.shorten("\n".join(lines) or words(title_phrase(document, finding)), MAX_MESSAGE)


def _annotation(document: Document, finding: Finding, where: Place) -> Annotation:
    return Annotation(
        path=_path(where.file),
        start_line=where.line,
        end_line=where.end_line,
        level=level(document, finding),
        title=title(document, finding),
        message=message(document, finding),
        start_column=where.column or None,
        end_column=max(where.end_column - 1, where.column) or None,  # ours ends after the last character, GitHub's on it
    )


def _path(file: str) -> str:
    return file.replace("\\", "/").removeprefix("./")


# Workflow commands


def commands(document: Document) -> tuple[str, ...]:
    """Lines for stdout, at most 10 of each level, the last of a full level telling how many are left; never longer than 4,096 characters."""
    if document.error is not None:
        return (command("error", "FaultRay could not compute", f"{document.error.reason} {document.error.next_step}"),)
    all_remarks = annotate(document)
    lines: list[str] = []
    for kind in AnnotationLevel:
        remarks = [one for one in all_remarks if one.level is kind]
        told = remarks if len(remarks) <= MAX_COMMANDS else remarks[: MAX_COMMANDS - 1]
        lines += [command(_LEVEL_COMMAND[kind], one.title, one.message, one) for one in told]
        if len(told) < len(remarks):
            lines.append(command(_LEVEL_COMMAND[kind], "FaultRay", f"… and {len(remarks) - len(told)} more in the job summary"))
    return tuple(lines)


def command(name: str, heading: str, text: str, where: Annotation | None = None) -> str:
    """One workflow command; the message is cut so that the whole line stays within the runner's limit."""
    properties = _properties(heading, where)
    shown = "\n".join(escape.visible(line) for line in text.split("\n"))
    head = f"::{name} {properties}::"
    body = escape.command_data(shown)
    while len(head) + len(body) > MAX_COMMAND:
        shown = shown[: len(shown) * 3 // 4]
        body = escape.command_data(shown + "…")
    return head + body


def _properties(heading: str, where: Annotation | None) -> str:
    pairs: list[tuple[str, str]] = []
    if where is not None:
        pairs += [("file", escape.visible(where.path)[:300]), ("line", str(where.start_line)), ("endLine", str(where.end_line))]
        if where.start_column is not None and where.start_line == where.end_line:
            pairs += [("col", str(where.start_column)), ("endColumn", str(where.end_column or where.start_column))]
    pairs.append(("title", escape.plain(heading, 200)))
    return ",".join(f"{key}={escape.command_property(value)}" for key, value in pairs)


# The check run


def check_title(document: Document) -> str:
    """What the merge box shows: the result first, at most 255 characters."""
    if document.error is not None:
        return escape.shorten(f"Could not compute: {escape.plain(document.error.reason, 200)}", MAX_TITLE)
    score = document.score
    if wording.form(document) is Form.NOTHING_SERVES:
        return "Nothing here serves users"
    before, after = (wording.score(document, value) for value in (score.before, score.after))
    delta = wording.shown_delta(document)
    moved = f"Resilience {before} → {after}"
    if wording.is_apart(document):
        moved += f" · {wording.like_for_like(document)}"
    elif delta is not None:
        moved += f" ({wording.signed(delta, wording.decimals(document))})"
    weak = verdict.counted(document)
    return escape.shorten(" · ".join(part for part in (moved, weak) if part), MAX_TITLE)
