"""`faultray publish`: post a report that another job made (a fork's, for instance) from a workflow that may write."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from faultray_action.commands import common
from faultray_action.model.errors import InputError


@click.command()
@click.argument("reports", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="REPORT...")
@click.option("--comment-mode", type=click.Choice(["update", "new", "hide-and-new", "update-and-ping", "off"]), default=None)
@click.option("--comment-when", type=click.Choice(["always", "changes", "regressions"]), default=None)
@click.option("--annotations", type=click.Choice(["auto", "check-run", "commands", "off"]), default=None)
@click.option("--check-name", default=None, metavar="NAME")
@click.option("--config", metavar="FILE", default=None, help="Policy file (default .faultray.yml).")
def publish(reports: tuple[Path, ...], **options: Any) -> int:
    """Post reports made by `tf-check --format json` to the pull request of this workflow run.

    Everything shown is made again from the validated report; nothing in it is executed or trusted. The token comes from GITHUB_TOKEN.
    The exit code is that of the verdict in the report.

    \b
    Example (in a workflow_run job with pull-requests: write and checks: write):
      faultray publish report.json
    """
    from dataclasses import replace

    from faultray_action.github.context import read_context
    from faultray_action.publishing import post
    from faultray_action.report.store import load

    settings = common.settle(options)
    context = read_context(os.environ)
    codes = []
    for path in reports:
        try:
            document = load(path.read_bytes(), str(path))
        except OSError as error:
            raise InputError(f"{path} cannot be read ({error.strerror}); name the file that `tf-check --format json` wrote") from error
        posted = post(document, replace(settings, label=document.label), context, {"json-file": str(path)})
        click.echo("\n".join(posted.lines))
        codes.append(common.exit_code("error" if document.verdict == "error" else "", document.gate.passed, document.mode))
    return max(codes)
