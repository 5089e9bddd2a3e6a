"""The command line. Owns the exit codes; catches FaultrayError once."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from faultray_action.model.errors import FaultrayError


@click.group()
def faultray() -> None:
    """Says what a Terraform change does to the resilience of a system, before it is applied."""


@faultray.command("tf-check")
@click.argument("plans", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--fail-on-regression", is_flag=True)
@click.option("--format", "output_format", default="text")
def tf_check(plans: tuple[Path, ...], fail_on_regression: bool, output_format: str) -> None:
    """Check a plan."""
    from faultray_action.model.policy import Gates
    from faultray_action.pipeline import Request, check
    from faultray_action.report.store import dump

    checked = check(Request(plans, gates=Gates(fail_on_regression=fail_on_regression)))
    click.echo(dump(checked.document).decode())
    sys.exit(2 if checked.decision.error else 0 if checked.decision.passed else 1)


def main() -> None:
    try:
        faultray(standalone_mode=False)
    except FaultrayError as error:
        click.echo(str(error), err=True)
        sys.exit(error.exit_code)
