"""What a step hands to the runner: outputs, the job summary, workflow commands, and a quiet corner for text that is not ours.

The runner scans stdout and stderr alike for commands. Text that may hold names from a plan is printed between `::stop-commands::TOKEN` and
`::TOKEN::` with a token nobody can guess.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from faultray_action.model.diagnostic import Diagnostic, Severity
from faultray_action.model.text import visible

MAX_SUMMARY_BYTES = 1024 * 1024
"""Of one step. A longer summary is dropped by the runner as a whole."""
MAX_COMMAND = 4096

_COMMAND_OF_SEVERITY = {Severity.NOTICE: "notice", Severity.WARNING: "warning", Severity.ERROR: "error"}


def write_outputs(
    path: str, outputs: Mapping[str, str], token: Callable[[], str] = lambda: secrets.token_hex(16)
) -> tuple[Diagnostic, ...]:
    """Append to the file of GITHUB_OUTPUT; no value can end its own heredoc. Nothing to do without a path."""
    return _append(path, "".join(_heredoc(name, value, token) for name, value in outputs.items())) if path else ()


def write_summary(path: str, text: str, fallback: str) -> tuple[Diagnostic, ...]:
    """Append the job summary; `fallback` (the comment) where the whole would pass what the runner takes."""
    if not path:
        return ()
    room = _room(path)
    for candidate in (text, fallback):
        if _size(candidate) < room:
            return _append(path, f"{candidate}\n") + (() if candidate == text else (_summary_cut(),))
    return (_summary_cut(),)


def note_in_summary(path: str, diagnostics: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Append one line a diagnostic, as many as there is room for: the log holds them all."""
    told: tuple[Diagnostic, ...] = ()
    for diagnostic in diagnostics if path else ():
        line = f"\n> {_plain(diagnostic.message)}\n"
        if _size(line) <= _room(path):
            told += _append(path, line)
    return told


def _size(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def _room(path: str) -> int:
    """Bytes that the runner still takes."""
    try:
        return MAX_SUMMARY_BYTES - Path(path).stat().st_size
    except (OSError, ValueError):
        return MAX_SUMMARY_BYTES


def quarantined(text: str, token: Callable[[], str] = lambda: secrets.token_hex(16)) -> str:
    """The text in a region where the runner reads no commands."""
    word = token()
    while word in text:
        word = token()
    return f"::stop-commands::{word}\n{text}\n::{word}::\n"


def diagnostic_command(diagnostic: Diagnostic) -> str:
    """A diagnostic as one line that the runner shows on the run's page."""
    properties = {"title": "FaultRay"}
    if diagnostic.file:
        properties |= {"file": diagnostic.file, "line": str(max(diagnostic.line, 1))}
    message = "\n".join(visible(line) for line in diagnostic.message.split("\n"))
    return command(_COMMAND_OF_SEVERITY[diagnostic.severity], properties, message)


def command(name: str, properties: Mapping[str, str], message: str) -> str:
    """`::name key=value,…::message`, escaped, at most 4,096 characters.

    >>> command("error", {"file": "a,b.tf", "line": "3"}, "50% down\\nnow")
    '::error file=a%2Cb.tf,line=3::50%25 down%0Anow'
    """
    head = f"::{name} " + ",".join(f"{key}={_escaped_property(value)}" for key, value in properties.items() if value) + "::"
    return head + _cut(_escaped(message), MAX_COMMAND - len(head))


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escaped_property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")


def _cut(escaped: str, limit: int) -> str:
    """Never through an escape."""
    if len(escaped) <= limit:
        return escaped
    cut = escaped[: max(limit - 1, 0)]
    tail = cut.rfind("%", max(len(cut) - 2, 0))
    return (cut[:tail] if tail >= 0 else cut) + "…"


def _heredoc(name: str, value: str, token: Callable[[], str]) -> str:
    delimiter = f"faultray_{token()}"
    while delimiter in value:
        delimiter = f"faultray_{token()}"
    return f"{name}<<{delimiter}\n{value}\n{delimiter}\n"


def _append(path: str, text: str) -> tuple[Diagnostic, ...]:
    """What the runner's files refuse changes no verdict."""
    try:
        with Path(path).open("a", encoding="utf-8", errors="replace", newline="\n") as file:
            file.write(text)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no path"
        message = f"{path} cannot be written ({reason}): is it mounted into the container?"
        return (Diagnostic(Severity.WARNING, "not-written", message),)
    return ()


def _plain(text: str) -> str:
    """A diagnostic may name things of the plan: one line, no markup, no link, no image."""
    return " ".join(text.split()).replace("<", "&lt;").replace("](", "] (").replace("@", "@\u200b")


def _summary_cut() -> Diagnostic:
    return Diagnostic(
        Severity.WARNING, "summary-cut", "The job summary passed 1 MiB and was shortened: the JSON and HTML reports hold everything."
    )
