"""`faultray publish`: post a report that another job made (a fork's, for instance) from a workflow that may write."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from msgspec import Struct

from faultray_action.commands import common
from faultray_action.github.context import Context
from faultray_action.github.outputs import diagnostic_command
from faultray_action.model.errors import ConfigError, InputError
from faultray_action.model.files import read_file
from faultray_action.model.policy import PolicyFrom
from faultray_action.publishing import post
from faultray_action.rejudged import Limits, rejudge
from faultray_action.report.document import Document
from faultray_action.report.store import MAX_BYTES, canonical, load
from faultray_action.settings import Settings


@click.command()
@click.argument("reports", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="REPORT...")
@common.gated
@click.option("--label", default=None, metavar="NAME", help="What to call a single report; several are called as they are named here.")
@click.option("--comment-mode", type=click.Choice(["update", "new", "hide-and-new", "update-and-ping", "off"]), default=None)
@click.option("--comment-when", type=click.Choice(["always", "changes", "regressions"]), default=None)
@click.option("--annotations", type=click.Choice(["auto", "check-run", "commands", "off"]), default=None)
@click.option("--check-name", default=None, metavar="NAME")
def publish(reports: tuple[Path, ...], **options: Any) -> int:
    """Post reports made by `tf-check --format json` to the pull request of this workflow run.

    The gates are asked again of each report's findings, by the limits given here and those of the base branch's policy file; what a report
    says of its own verdict decides nothing. Everything shown is made again, nothing is executed. The token comes from GITHUB_TOKEN.

    \b
    Example (permissions: contents: read, checks and pull-requests: write):
      faultray publish report.json --min-score 60
    """
    from functools import partial

    from faultray_action.base_branch import base_of_report
    from faultray_action.github.context import read_context
    from faultray_action.publishing import client_of
    from faultray_action.settings import settings_of_command

    variables = common.environment()
    context = read_context(variables)
    base = base_of_report(context, variables, partial(client_of, context), Path(variables.get("GITHUB_WORKSPACE") or "."))
    given = {name.replace("_", "-"): value for name, value in options.items()}
    defaults = {"fail_on_regression": "true", "policy_from": "base" if base is not None else "none"}
    settings = settings_of_command(given, variables, common.today(), base, **defaults)
    posted = post_reports(reports, settings, context)
    click.echo("\n".join(posted.lines))
    return posted.code


class PostedReports(Struct, frozen=True):
    """`lines` go to stdout in order; `code` is the worst exit code."""

    code: int
    lines: tuple[str, ...]


def post_reports(paths: tuple[Path, ...], settings: Settings, context: Context) -> PostedReports:
    """Judge and post each. Raises InputError before anything is posted where one is no report, ConfigError where the workspace would decide."""
    if settings.texts["policy-from"] == PolicyFrom.HEAD.value:
        raise ConfigError(
            "`policy-from: head` has no place beside a report: the workspace holds what the artifact brought; say base or none"
        )
    documents = [_rejudged(path, settings, alone=len(paths) == 1) for path in paths]
    codes, lines = [], [diagnostic_command(note) for note in settings.diagnostics]
    for path, document in zip(paths, documents, strict=True):
        posted = post(document, replace(settings, label=document.label), context, {"json-file": str(path)})
        lines += posted.lines
        codes.append(common.exit_code("error" if document.verdict == "error" else "", document.gate.passed, document.mode))
    return PostedReports(max(codes), tuple(lines))


def _rejudged(path: Path, settings: Settings, *, alone: bool) -> Document:
    content = read_file(path, MAX_BYTES, InputError, "name the file that `tf-check --format json` or `json-file` wrote", links=False)
    limits = Limits(
        gates=settings.gates,
        waivers=settings.policy.waivers,
        today=settings.today.isoformat(),
        mode=settings.mode.value,
        path=path.as_posix(),
        label=settings.label if alone else path.with_suffix("").as_posix(),
        settings=settings.shown(),
    )
    return canonical(rejudge(load(content, str(path)), limits))
