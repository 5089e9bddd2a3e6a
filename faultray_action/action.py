"""The action: inputs in the environment, a verdict, its posts, and an exit code.

This is the container's door: whatever is raised behind it ends as one sentence, as outputs and as a summary. The runner is told before
anything is posted, and posting turns no verdict.
"""

from __future__ import annotations

import gc
import glob
import os
import re
import sys
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from faultray_action import __version__
from faultray_action.base_branch import base_of, base_of_report
from faultray_action.cli import RARE_COLLECTIONS
from faultray_action.commands import common
from faultray_action.commands.tf_check import render
from faultray_action.github.context import Context, read_context
from faultray_action.github.outputs import diagnostic_command, note_in_summary, quarantined, write_outputs
from faultray_action.model.diagnostic import Diagnostic, Severity
from faultray_action.model.errors import ConfigError, FaultrayError, InputError, defect_of
from faultray_action.pipeline import Checked, Request, check
from faultray_action.publishing import client_of, send, tell
from faultray_action.report import store
from faultray_action.report.document import Document, ErrorPart, empty_document
from faultray_action.report.render import RENDERERS
from faultray_action.settings import Settings, settings_of_action
from faultray_action.terraform.hcl.files import find_repository

Ended = TypeVar("Ended")

_FORMATS = {
    "json-file": "json",
    "sarif-file": "sarif",
    "html-file": "html",
    "markdown-file": "markdown",
    "junit-file": "junit",
    "badge-file": "badge",
}

_NEXT_STEP = re.compile(r"[;:] (?=(?:check|choose|decompress|fix|give|name|pass|report|run|save|set|split|update|upload|use|write)\b)")
"""Where a sentence turns from what is wrong to what to do next."""


def main() -> None:
    """Entry point of the container: arguments make it the command line, none the action."""
    if len(sys.argv) > 1:
        from faultray_action.cli import main as command_line

        command_line()
    gc.set_threshold(*RARE_COLLECTIONS)
    sys.exit(run(os.environ))


class Defect(Struct, frozen=True):
    """What stopped a step and is no fault of the user's: kind and place, fit for everybody to read."""

    place: str

    @property
    def sentence(self) -> str:
        return f"FaultRay was stopped by a defect of its own ({self.place}); report it with the traceback that FAULTRAY_DEBUG=1 shows"


def run(environ: Mapping[str, str]) -> int:
    """One run; returns the exit code that the README tells and raises nothing."""
    try:
        ended = _guarded(lambda: _run(environ))
    except FaultrayError as error:
        return _refuse(str(error), error.exit_code, environ)
    return _refuse(ended.sentence, InputError.exit_code, environ) if isinstance(ended, Defect) else ended


def _guarded(step: Callable[[], Ended]) -> Ended | Defect:
    """The one place that catches what nobody thought of. FAULTRAY_DEBUG=1 shows it in the log, where it may quote values of the plan."""
    try:
        return step()
    except FaultrayError:
        raise
    except Exception as error:  # noqa: BLE001 - the door: whatever it is, the runner must be told, and the exit code is ours
        if os.environ.get("FAULTRAY_DEBUG"):
            _say(quarantined("".join(traceback.format_exception(error))).rstrip("\n"))
        return Defect(defect_of(error))


def _attempt(step: Callable[[], None]) -> str:
    """A step of posting. What GitHub does is told by those who post, a defect of ours here."""
    ended = _guarded(step)
    return ended.place if isinstance(ended, Defect) else ""


def _refuse(sentence: str, code: int, environ: Mapping[str, str]) -> int:
    """The end of a run that knows nothing of where to post."""
    _tell_plainly(sentence, environ.get("GITHUB_OUTPUT", ""), environ.get("GITHUB_STEP_SUMMARY", ""))
    return code


def _tell_plainly(sentence: str, output: str, step_summary: str) -> None:
    """The runner is told, without a renderer."""
    told = Diagnostic(Severity.ERROR, "stopped", sentence)
    notes = write_outputs(output, {"verdict": "error"})
    notes += note_in_summary(step_summary, (told,))
    for note in (told, *notes):
        _say(diagnostic_command(note))


def _run(environ: Mapping[str, str]) -> int:
    """Raises FaultrayError for what cannot even begin."""
    context = read_context(environ)
    workspace = Path(environ.get("GITHUB_WORKSPACE") or ".")
    posts = environ.get("INPUT_REPORT", "").strip() or environ.get("FAULTRAY_REPORT", "").strip()
    find_base = base_of_report if posts else base_of
    base = find_base(context, environ, partial(client_of, context), workspace)
    settings = settings_of_action({n: v for n, v in environ.items() if n != "FAULTRAY_TODAY"}, common.today(), base)
    if settings.reports:
        return _post_reports(settings, context)
    return _judge(settings, context, plans_of(settings), workspace)


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
    """The verdict, then the runner, then GitHub."""
    for note in settings.diagnostics:
        _say(diagnostic_command(note))
    document, checked = _verdict(settings, plans, workspace)
    told = _guarded(lambda: _tell(document, checked, settings, context))
    if isinstance(told, Defect):
        document = _red(told, settings, plans)
        _tell_red(document, told, settings, context)
    for line in send(document, settings, context, _attempt).lines:
        _say(line)
    return common.exit_code("error" if document.verdict == "error" else "", document.gate.passed, document.mode)


def _verdict(settings: Settings, plans: tuple[Path, ...], workspace: Path) -> tuple[Document, Checked | None]:
    """What the plan does, or a red document that says why this is not known. Raises ConfigError."""
    request = replace(common.request_of(settings, plans), repository=_top(Path(settings.source or "."), workspace))
    try:
        ended = _guarded(lambda: _checked(request))
    except InputError as error:
        return store.canonical(could_not_compute(str(error), request.title, plans, settings)), None
    return (_red(ended, settings, plans), None) if isinstance(ended, Defect) else ended


def _checked(request: Request) -> tuple[Document, Checked]:
    checked = check(request)
    return store.canonical(checked.document), checked


def _red(defect: Defect, settings: Settings, plans: tuple[Path, ...]) -> Document:
    return store.canonical(could_not_compute(defect.sentence, common.title_of(settings.label, plans), plans, settings))


def _tell(document: Document, checked: Checked | None, settings: Settings, context: Context) -> None:
    files = _write_files(document, checked, settings)
    for line in tell(document, settings, context, files):
        _say(line)


def _tell_red(document: Document, defect: Defect, settings: Settings, context: Context) -> None:
    """The same of a defect; a renderer may be what is broken."""
    if isinstance(_guarded(lambda: _tell(document, None, settings, context)), Defect):
        _tell_plainly(defect.sentence, context.output, context.step_summary)


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
    """Half a character, which a name in JSON may hold and a stream may not, becomes a question mark."""
    sys.stdout.write(line.encode("utf-8", "replace").decode("utf-8") + "\n")
    sys.stdout.flush()
