"""The report in a terminal: opens with the panel, then the details. Plain text where no colour is wanted."""

from __future__ import annotations

from collections.abc import Iterable
from io import StringIO

from msgspec import Struct
from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from faultray_action.report import escape, sections, wording
from faultray_action.report.changes import JudgedChange, judged_changes, overlapping, told_points
from faultray_action.report.document import AgentRow, Document, SpofRow
from faultray_action.report.wording import Form, words

_LEVEL_STYLE = {"safe": "bold green", "review": "bold yellow", "high-risk": "bold red"}
_MAX_RISKS = 10
_MAX_ROWS = 15


def render(document: Document, *, width: int = 80, color: bool = False) -> str:
    """The whole report; without `color` there is no escape sequence and no box in it. `width` in columns, at least 40."""
    out = StringIO()
    console = Console(
        file=out,
        width=max(40, width),
        force_terminal=color,
        no_color=not color,
        color_system="standard" if color else None,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    for part in _parts(document, color):
        console.print(part)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _parts(document: Document, color: bool) -> Iterable[RenderableType]:
    title = f"FaultRay · {escape.plain(wording.title(document), 50)}"
    panel = panel_lines(document)
    if color:
        yield Panel(Group(*panel), title=title, title_align="left", box=box.ROUNDED, padding=(0, 1))
    else:
        yield Text(title)
        yield from panel
    if wording.form(document) is not Form.ERROR:
        yield from _body(document)


# The panel, in the order's words


def panel_lines(document: Document) -> list[RenderableType]:
    """Score Before, Score After, NEW RISKS, Recommendation."""
    if document.error is not None:
        return [
            Text("Could not compute", style="bold red"),
            Text(escape.plain(document.error.reason, 400)),
            Text(escape.plain(document.error.next_step, 400)),
        ]
    standing = document.subject == "topology"
    score: list[RenderableType] = [Text(f"Score Before: {_score(document, document.score.before)}"), _after(document)]
    if standing:
        score = [Text(f"Resilience Score: {_score(document, document.score.after)}")]
    if wording.is_apart(document) and document.score.compared is not None:
        score.append(Text(f"              {words(wording.one_sided(document.score.compared.rows))}"))
    lines: list[RenderableType] = [*score, Text("")]
    risks = risk_lines(document)
    if risks:
        lines += [Text("RISKS:" if standing else "NEW RISKS:", style="bold"), *(_bullet(risk) for risk in risks[:_MAX_RISKS])]
        if len(risks) > _MAX_RISKS:
            lines.append(_bullet(f"… and {len(risks) - _MAX_RISKS} more"))
        lines.append(Text(""))
    lines.append(
        Text(
            f"Recommendation: {wording.recommendation_long(document.recommendation)}",
            style=_LEVEL_STYLE.get(document.recommendation, "bold"),
        )
    )
    return lines


class _Hanging(Struct, frozen=True):
    """A line whose continuation stands under its text, not under its mark."""

    text: str
    first: str
    rest: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        head = Text(self.text).wrap(console, max(20, options.max_width - len(self.first)), overflow="fold")[0].plain
        tail = self.text[len(head) :].lstrip(" ")
        yield Text(self.first + head.rstrip())
        if tail:
            for part in Text(tail).wrap(console, max(20, options.max_width - len(self.rest)), overflow="fold"):
                yield Text(self.rest + part.plain.rstrip())


def _bullet(line: str) -> RenderableType:
    return _Hanging(line, "  - ", "    ")


def _score(document: Document, value: float | None) -> str:
    return "none" if value is None else f"{wording.score(document, value)}/100"


def _after(document: Document) -> Text:
    delta = wording.shown_delta(document)
    if delta is None:
        return Text(f"Score After:  {_score(document, document.score.after)}")
    digits = wording.decimals(document)
    change = "no change" if delta == 0 else f"{wording.signed(delta, digits, '-')} points"
    if wording.is_apart(document):
        change = f"like for like: {change}"
    style = "bold red" if delta < 0 else "bold green" if delta > 0 else ""
    return Text(f"Score After:  {_score(document, document.score.after)} ").append(f"({change})", style=style)


def risk_lines(document: Document) -> list[str]:
    """Every new single point, risk and disruption beyond a blip as one sentence in the order's words."""
    spofs = [words(wording.spof_title(row, document.subject)) for row in document.spofs.new]
    risks = [words(wording.risk_heading(row)) for row in document.risks.new]
    apply = [
        f"While applying: {words(wording.disruption_title(document, row))}"
        for row in document.apply.disruptions
        if row.disruption != "blip"
    ]
    return spofs + risks + apply


# What follows


def _body(document: Document) -> Iterable[RenderableType]:
    yield from _section("GATE", gate_lines(document))
    if document.subject == "change":
        yield from _causes(document)
    yield from _section("CHEAPEST WAY BACK TO GREEN", remedy_lines(document))
    yield from _spofs(document)
    yield from _section("SINGLE POINTS OF FAILURE RESOLVED", (_spof_line(document, row) for row in document.spofs.resolved))
    yield from _section("RISKS REMOVED", (words(wording.risk_heading(row)) for row in document.risks.resolved))
    yield from _entries(document)
    yield from _section("WHILE APPLYING", (words(wording.disruption_title(document, row)) for row in document.apply.disruptions))
    yield from _section("AI AGENTS", (line for row in document.agents for line in agent_lines(row)))
    yield from _layers(document)
    yield from _section("HOW SURE IS THIS", sure_lines(document))


def _section(title: str, lines: Iterable[str]) -> Iterable[RenderableType]:
    told = list(lines)
    if not told:
        return
    yield Text("")
    yield Text(title, style="bold")
    for line in told[:_MAX_ROWS]:
        indent = " " * (2 + len(line) - len(line.lstrip(" ")))
        yield _Hanging(line.lstrip(" "), indent, indent + "  ")
    if len(told) > _MAX_ROWS:
        yield Text(f"  … and {len(told) - _MAX_ROWS} more")


def gate_lines(document: Document) -> list[str]:
    """Why the gate failed; where no gate was asked, nothing."""
    if document.gate.passed:
        return ["passed"] if document.gate.checks else []
    lines = [escape.plain(reason.message, 300) for reason in document.gate.reasons]
    return [f"failed{' (mode: warn, the exit code stays 0)' if document.mode == 'warn' else ''}", *lines]


def remedy_lines(document: Document) -> list[str]:
    """The edits that pass every gate, as a diff."""
    remedy = document.remedy
    if remedy is None:
        return []
    if not remedy.edits:
        tried = f" within {wording.count(remedy.simulations, 'simulation')}" if remedy.simulations else ""
        return [f"none found; no 3 edits or fewer pass every gate{tried}"]
    diff = [escape.visible(line) for line in wording.diff_lines(remedy.edits)]
    reached = f"score {wording.score(document, remedy.score)}, " if remedy.score is not None else ""
    return [*diff, f"{reached}{'all gates pass' if remedy.proven else 'not proven'}"]


def _causes(document: Document) -> Iterable[RenderableType]:
    rows = judged_changes(document)
    if not rows:
        return
    yield Text("")
    yield Text("CAUSES", style="bold")
    table = _table(("Points", "right"), ("Change", "left"), ("Where", "left"))
    digits = wording.decimals(document)
    told, together = told_points(document, rows)
    for row, value in zip(rows[:_MAX_ROWS], told, strict=False):
        points = "" if value is None else wording.signed(value, digits, "-")
        table.add_row(points, Text(_change(row), overflow="fold"), Text(_place(row.change.file, row.change.line), overflow="fold"))
    if len(rows) > _MAX_ROWS:
        table.add_row("", f"… and {len(rows) - _MAX_ROWS} more", "")
    if together:
        name = wording.together(sum(1 for value in told if value is not None), overlapping(document))
        table.add_row(wording.signed(together, digits, "-"), name, "")
    yield table


def _change(row: JudgedChange) -> str:
    return f"{escape.plain(row.change.address)}: {words(wording.changes(row.change))}"


def _place(file: str, line: int) -> str:
    return escape.plain(f"{file}:{line}" if line else file, 60)


def _spofs(document: Document) -> Iterable[RenderableType]:
    new, unchanged = document.spofs.new, document.spofs.unchanged
    yield from _section(
        "SINGLE POINTS OF FAILURE" if document.subject == "topology" else "NEW SINGLE POINTS OF FAILURE",
        (line for row in new for line in _spof_lines(document, row)),
    )
    if unchanged:
        names = words(wording.listed((row.label or row.address for row in unchanged), 5))
        yield from _section(f"UNCHANGED SINGLE POINTS OF FAILURE ({len(unchanged)})", [names])


def _spof_lines(document: Document, row: SpofRow) -> list[str]:
    lines = [_spof_line(document, row)]
    if row.witness is not None:
        chain = " → ".join(escape.plain(step.label or step.address, 60) for step in row.witness.chain)
        lines.append(f"  {chain}  (faultray replay {wording.shell(row.witness.scenario)})")
    return lines


def _spof_line(document: Document, row: SpofRow) -> str:
    waived = f"  [waived: {escape.plain(row.waived, 40)}]" if row.waived else ""
    return f"{escape.plain(row.address)}: {words(wording.spof_effect(document, row))}; recovers: {wording.recovery(row.recovery)}{waived}"


def _entries(document: Document) -> Iterable[RenderableType]:
    if not document.entry_points:
        return
    yield Text("")
    yield Text("ENTRY POINTS", style="bold")
    standing = document.subject == "topology"
    sides_shown = [("Availability", "left")] if standing else [("Before", "left"), ("After", "left")]
    table = _table(("Entry point", "left"), *sides_shown)
    for row in document.entry_points[:_MAX_ROWS]:
        sides = []
        for side in (row.after,) if standing else (row.before, row.after):
            nines = "none" if side is None else "cut off" if side.cut_off else f"{side.nines:.2f} nines, {wording.downtime(side.nines)}"
            sides.append(nines)
        table.add_row(Text(escape.plain(row.label or row.address, 60), overflow="fold"), *sides)
    yield table


def agent_lines(row: AgentRow) -> list[str]:
    """How often an agent is wrong as things stand, and the failure that it goes on answering in."""
    name = escape.plain(row.label or row.address, 60)
    known = [(value, side) for value, side in ((row.before, "before"), (row.after, "after")) if value is not None]
    told = [f"{_wrong(value)}{f' {side}' if len(known) > 1 else ''}" for value, side in known]
    lines = [f"{name}: {', '.join(told)} of its answers wrong with everything up"]
    if row.worst is None or row.after is None or row.worst <= row.after:
        return lines
    lines.append(f"  {_wrong(row.worst)} where it {_without(row)} (faultray replay {wording.shell(row.worst_scenario)})")
    return lines


def _without(row: AgentRow) -> str:
    state = "keeps answering" if row.answering else "is down"
    if row.gone:
        return f"{state} while {words(wording.listed(row.gone, 3))} {'is' if len(row.gone) == 1 else 'are'} gone"
    return f"{state} on what {words(wording.listed(row.misled_by, 3))} says then" if row.misled_by else state


def _wrong(share: float) -> str:
    return f"{wording.trimmed(f'{share * 100:.1f}')} %"


def _layers(document: Document) -> Iterable[RenderableType]:
    part = document.availability
    if part is None or not part.layers:
        return
    lines = [
        f"{escape.plain(name, 20):<13}{'' if layer.after is None else wording.percent(layer.after)}{'  ← caps it' if name == part.bottleneck else ''}"
        for name, layer in sections.layers_in_order(document)
    ]
    yield from _section("AVAILABILITY CEILING" if document.subject == "topology" else "AVAILABILITY CEILING (after)", lines)


def _table(*columns: tuple[str, str]) -> Table:
    table = Table(box=None, pad_edge=True, padding=(0, 2, 0, 0), show_edge=False, header_style="")
    for name, side in columns:
        table.add_column(name, justify="right" if side == "right" else "left", overflow="fold")
    return table


def sure_lines(document: Document) -> list[str]:
    """Scenarios, coverage, unknown values, limits."""
    part, cover = document.scenarios, document.coverage
    known = [(name, count) for name, count in (("before", part.survived_before), ("after", part.survived_after)) if count is not None]
    sides = [f"{count:,}" if document.subject == "topology" else f"{count:,} {side}" for side, count in known]
    lines = [f"{part.total:,} failure scenarios simulated; survived: {', '.join(sides)}"] if part.total else []
    lines.append(f"{wording.count(cover.modelled, 'resource')} modelled, {cover.ignored:,} without effect on resilience")
    if cover.unknown_types:
        lines.append(f"unknown types: {words(wording.listed((one.type for one in cover.unknown_types), 6))}")
    if cover.unknown_values:
        lines.append(
            f"known only after apply: {words(wording.listed((f'{one.address} {one.attribute}' for one in cover.unknown_values), 4))}"
        )
    lines += [f"{row.severity}: {escape.plain(row.message, 300)}" for row in document.diagnostics if row.severity in ("error", "warning")][
        :5
    ]
    return lines
