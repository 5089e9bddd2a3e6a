"""The action: inputs in the environment, a verdict, its posts, and an exit code."""

from __future__ import annotations

import gc
import glob
import os
import re
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from faultray_action import __version__
from faultray_action.base_branch import base_of, base_of_report
from faultray_action.cli import RARE_COLLECTIONS
from faultray_action.commands import common
from faultray_action.commands.tf_check import render
from faultray_action.github.context import Context, read_context
from faultray_action.github.outputs import diagnostic_command
from faultray_action.model.diagnostic import Diagnostic, Severity
from faultray_action.model.errors import ConfigError, FaultrayError, InputError
from faultray_action.pipeline import Checked, check
from faultray_action.publishing import client_of, post
from faultray_action.report import store
from faultray_action.report.document import Document, ErrorPart, empty_document
from faultray_action.report.render import RENDERERS
from faultray_action.settings import Settings, settings_of_action
from faultray_action.terraform.hcl.files import find_repository

_FORMATS = {
    "json-file": "json",
    "sarif-file": "sarif",
    "html-file": "html",
    "markdown-file": "markdown",
    "junit-file": "junit",
    "badge-file": "badge",
}

_NEXT_STEP = re.compile(r"[;:] (?=(?:check|choose|decompress|fix|give|name|pass|run|save|set|split|update|upload|use|write)\b)")
"""Where a sentence turns from what is wrong to what to do next."""


def main() -> None:
    """Entry point of the container: arguments make it the command line, none the action."""
    if len(sys.argv) > 1:
        from faultray_action.cli import main as command_line

        command_line()
    gc.set_threshold(*RARE_COLLECTIONS)
    sys.exit(run(os.environ))


def run(environ: Mapping[str, str]) -> int:
    """One run; returns the exit code that the README tells and never raises a FaultrayError."""
    try:
        context = read_context(environ)
        posts = environ.get("INPUT_REPORT", "").strip() or environ.get("FAULTRAY_REPORT", "").strip()
        find_base = base_of_report if posts else base_of
        base = find_base(context, environ, partial(client_of, context), Path(environ.get("GITHUB_WORKSPACE") or "."))
        settings = settings_of_action({n: v for n, v in environ.items() if n != "FAULTRAY_TODAY"}, common.today(), base)
        if settings.reports:
            return _post_reports(settings, context)
        plans = plans_of(settings)
    except FaultrayError as error:
        _say(diagnostic_command(Diagnostic(Severity.ERROR, "configuration", str(error))))
        return error.exit_code
    return _judge(settings, context, plans, Path(environ.get("GITHUB_WORKSPACE") or "."))


def _post_reports(settings: Settings, context: Context) -> int:
    """Post what other jobs made. Raises FaultrayError where that cannot be judged."""
    from faultray_action.commands.publishing import post_reports

    if settings.plan:
        raise ConfigError("the inputs `plan` and `report` exclude each other: give the plan to judge it, the report to post it")
    posted = post_reports(tuple(Path(name) for name in settings.reports), settings, context)
    for line in posted.lines:
        _say(line)
    return posted.code


def plans_of(settings: Settings) -> tuple[Path, ...]:
    """Plan files of the `plan` input: paths and globs, one per line, sorted and each once. Raises ConfigError where it is empty."""
    if not settings.plan:
        raise ConfigError("the input `plan` is empty: give the path of the plan JSON (`terraform show -json plan.out > plan.json`)")
    found: list[str] = []
    for pattern in settings.plan:
        matches = sorted(glob.glob(pattern, recursive=True)) if glob.has_magic(pattern) else [pattern]  # noqa: PTH207
        found += matches or [pattern]
    return tuple(Path(name) for name in dict.fromkeys(found))


def _judge(settings: Settings, context: Context, plans: tuple[Path, ...], workspace: Path) -> int:
    for note in settings.diagnostics:
        _say(diagnostic_command(note))
    request = replace(common.request_of(settings, plans), repository=_top(Path(settings.source or "."), workspace))
    checked: Checked | None = None
    try:
        checked = check(request)
        document = checked.document
    except InputError as error:
        document = could_not_compute(str(error), request.title, plans, settings)
    except ConfigError as error:
        _say(diagnostic_command(Diagnostic(Severity.ERROR, "configuration", str(error))))
        return error.exit_code
    document = store.canonical(document)
    files = _write_files(document, checked, settings)
    posted = post(document, settings, context, files)
    for line in posted.lines:
        _say(line)
    return common.exit_code("error" if document.verdict == "error" else "", document.gate.passed, document.mode)


def _top(source: Path, workspace: Path) -> Path:
    """What GitHub's file names are relative to: the working copy that the source lies in, or the workspace where the code came without one."""
    found = find_repository(source)
    return found if (found / ".git").exists() else workspace


def could_not_compute(reason: str, title: str, plans: tuple[Path, ...], settings: Settings) -> Document:
    """The red document of a run that could not compute. Our sentences say what is wrong and then what to do next."""
    told = _NEXT_STEP.split(reason, maxsplit=1)
    next_step = f"{told[1][:1].upper()}{told[1][1:]}" if len(told) == 2 else "Correct the plan file and run again"
    error = ErrorPart(reason=told[0].rstrip(".") + ".", next_step=next_step.rstrip(".") + ".")
    path = plans[0].as_posix() if plans else ""
    return empty_document(title, path, error, label=settings.label, mode=settings.mode.value, version=__version__)


def _write_files(document: Document, checked: Checked | None, settings: Settings) -> dict[str, str]:
    """Paths of the files that were written; one that cannot be written is told and left out."""
    written: dict[str, str] = {}
    for name, form in _FORMATS.items():
        path = settings.files.get(name, "")
        if not path or (form == "html" and checked is None):
            continue
        try:
            common.write_whole(Path(path), render(checked, form) if form == "html" and checked else RENDERERS[form](document))
            written[name] = path
        except InputError as error:
            _say(diagnostic_command(Diagnostic(Severity.WARNING, "file-not-written", str(error))))
    return written


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
