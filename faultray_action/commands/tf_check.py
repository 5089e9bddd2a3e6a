"""`faultray tf-check`: the verdict on a plan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from faultray_action.commands import common
from faultray_action.pipeline import Checked, check
from faultray_action.report.document import Document

FORMATS = ("text", "json", "markdown", "sarif", "html", "junit", "gitlab-codequality", "badge")
_FILES = {
    "json_file": "json",
    "sarif_file": "sarif",
    "html_file": "html",
    "markdown_file": "markdown",
    "junit_file": "junit",
    "badge_file": "badge",
    "codequality_file": "gitlab-codequality",
}


@click.command()
@click.argument("plans", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PLAN...")
@common.gated
@click.option("--source", metavar="DIR", default=None, help="Folder of the .tf files, for file and line (default: here).")
@click.option("--label", metavar="NAME", default=None, help="What to call this plan in the report.")
@click.option("--max-depth", type=int, default=None, metavar="N", help="Cut cascades deeper than N (then never green).")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True, help="What to print.")
@click.option("--output", type=click.Path(path_type=Path), default=None, help="Write it to a file instead of stdout.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), default=None, help="Also write the JSON report.")
@click.option("--sarif", "sarif_file", type=click.Path(path_type=Path), default=None, help="Also write SARIF 2.1.0.")
@click.option("--html", "html_file", type=click.Path(path_type=Path), default=None, help="Also write the interactive page.")
@click.option("--markdown", "markdown_file", type=click.Path(path_type=Path), default=None, help="Also write the comment.")
@click.option("--junit", "junit_file", type=click.Path(path_type=Path), default=None, help="Also write JUnit XML.")
@click.option("--badge", "badge_file", type=click.Path(path_type=Path), default=None, help="Also write a badge (shields.io endpoint).")
@click.option("--codequality", "codequality_file", type=click.Path(path_type=Path), default=None, help="Also write GitLab Code Quality.")
@click.option("--cascades", type=click.Path(path_type=Path), default=None, help="Write the map of every cascade path (JSON).")
@click.option("--show-settings", is_flag=True, help="Print each setting and where it came from to stderr.")
def tf_check(plans: tuple[Path, ...], form: str, output: Path | None, cascades: Path | None, show_settings: bool, **options: Any) -> int:
    """What your infrastructure looks like before and after a planned change, and the difference.

    Nothing gates unless asked: give --fail-on-regression, --min-score or --slo. PLAN is the JSON of `terraform show -json`
    ("-" reads standard input); several plans are judged as one system.

    \b
    Example:
      faultray tf-check plan.json --fail-on-regression --min-score 60
    """
    files = {name: options.pop(name) for name in _FILES}
    settings = common.settle(options)
    if show_settings:
        click.echo("\n".join(settings.lines()), err=True)
    request = common.request_of(settings, plans, stdin=common.stdin_of(plans))
    with common.waiting("simulating"):
        checked = check(request)
    for name, path in files.items():
        if path is not None:
            common.write_whole(path, render(checked, _FILES[name]))
    if cascades is not None:
        from faultray_action.pipeline import cascade_map

        common.write_whole(cascades, cascade_map(checked))
    common.emit(shown(checked, form) if output is None else render(checked, form), output)
    document = checked.document
    return common.exit_code(checked.decision.error, document.gate.passed, document.mode)


def render(checked: Checked, form: str) -> str:
    """The report in one format, as a file holds it."""
    if form == "html":
        from faultray_action.page import page_of

        return page_of(checked)
    from faultray_action.report.render import RENDERERS

    return RENDERERS[form](checked.document)


def shown(checked: Checked, form: str) -> str:
    """As `render`, but text is laid out for the terminal that it goes to."""
    return _terminal(checked.document) if form == "text" else render(checked, form)


def _terminal(document: Document) -> str:
    from faultray_action.report import terminal

    return terminal.render(document, width=common.columns(), color=common.wants_color())
