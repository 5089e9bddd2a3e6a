"""The command line. Owns the exit codes; catches FaultrayError once. Commands are imported when they are called: start-up is on every push."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Mapping

import click
from click.shell_completion import CompletionItem

from faultray_action import __version__
from faultray_action.model.errors import ConfigError, FaultrayError, InputError
from faultray_action.model.nearest import nearest
from faultray_action.model.text import visible

COMMANDS: Mapping[str, tuple[str, str]] = {
    "tf-check": ("tf_check:tf_check", "What a Terraform plan does to resilience: score, single points of failure, causes, gates."),
    "explain": ("inspect:explain", "Why one component looks as it does: copies, zones, needs, and the reason of each."),
    "graph": ("inspect:graph", "Draw the topology of a plan or an infra.yaml (mermaid, dot, graphml, json)."),
    "replay": ("simulation:replay", "Run one failure scenario step by step and show whom it takes down."),
    "availability": ("simulation:availability", "The five-layer availability ceiling, against an SLO."),
    "agents": ("simulation:agents", "What failures do to the answers of AI agents."),
    "demo": ("simulation:demo", "The full report on a sample infrastructure; --web opens the interactive page."),
    "load": ("simulation:load", "Read an infra.yaml and keep it for the commands after it."),
    "simulate": ("simulation:simulate", "Simulate the loaded topology, or the file given."),
    "tf-import": ("simulation:tf_import", "Write the topology of a Terraform state as infra.yaml."),
    "backtest": ("inspect:backtest", "Hold the engine against documented cloud incidents."),
    "catalogue": ("inspect:catalogue", "What is known of each resource type: list, show, check."),
    "schema": ("inspect:schema", "JSON Schemas of the report, the config, infra.yaml and the catalogue."),
    "publish": ("publishing:publish", "Post a report made elsewhere to the pull request."),
}
"""Name -> (module:function, one line of help)."""


class Lazy(click.Group):
    """A group whose commands are imported one at a time."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, function = COMMANDS[cmd_name][0].partition(":")
        found: click.Command = getattr(importlib.import_module(f"faultray_action.commands.{module}"), function)
        return found

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(f"no command `{args[0]}`{nearest(args[0], COMMANDS) or '; `faultray --help` lists them'}", ctx)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names and their one line, without importing a single command: a shell asks at every key."""
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        return [CompletionItem(name, help=text) for name, (_, text) in COMMANDS.items() if name.startswith(incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.command(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="faultray")
def faultray() -> None:
    """Says what a Terraform change does to the resilience of a system, before it is applied.

    \b
    Start here:
      terraform plan -out plan.out && terraform show -json plan.out > plan.json
      faultray tf-check plan.json

    \b
    Without Terraform:
      faultray demo
      faultray load infra.yaml && faultray simulate

    \b
    Exit codes: 0 pass · 1 a gate failed · 2 could not compute · 3 bad configuration or usage.

    Completion for your shell: eval "$(_FAULTRAY_COMPLETE=bash_source faultray)" (zsh_source, fish_source).
    """


RARE_COLLECTIONS = (200_000, 20, 100)
"""Thresholds of the cyclic collector. A run makes millions of small frozen values that live to its end and form no cycles: looking through
them again and again costs a fifth of its time. Rare is not never: `demo --web` and `publish` may run long."""


def main() -> None:
    """Entry point of the console script."""
    gc.set_threshold(*RARE_COLLECTIONS)
    sys.exit(run())


def run(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code; one sentence on stderr where it stops early.

    A defect of ours is one sentence too (exit code 2: it could not compute); FAULTRAY_DEBUG=1 lets its traceback through.
    """
    try:
        result = faultray.main(args=arguments, prog_name="faultray", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except FaultrayError as error:
        click.echo(f"faultray: {error}", err=True)
        return error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return ConfigError.exit_code
    except click.ClickException as error:
        click.echo(f"faultray: {visible(_one_line(error))}", err=True)
        return ConfigError.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("faultray: stopped", err=True)
        return 130
    except BrokenPipeError:
        # The reader of our output has gone (`| head`): nothing is left to say, and nothing went wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if os.environ.get("FAULTRAY_DEBUG"):
            raise
        told = f"{type(error).__name__}: {visible(' '.join(str(error).split()))[:200]}"
        click.echo(f"faultray: stopped by a defect of its own ({told}); report it with the traceback that FAULTRAY_DEBUG=1 shows", err=True)
        return InputError.exit_code


def _one_line(error: click.ClickException) -> str:
    """What was wrong, and where the usage is told."""
    said = " ".join(error.format_message().split())
    context = getattr(error, "ctx", None)
    return f"{said} See `{context.command_path} --help`." if context is not None and context.command is not faultray else said
