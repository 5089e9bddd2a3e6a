"""Exceptions are for stopping; each says what is wrong, where, and what to do next, in one sentence a user can act on."""

from __future__ import annotations

from pathlib import PurePath

from faultray_action.model.text import visible


class FaultrayError(Exception):
    """One clear sentence for stderr, and the exit code that the README tells.

    It may quote names of strangers: whatever they hold, it stays one line, and nothing in it is invisible."""

    exit_code = 2

    def __init__(self, message: str) -> None:
        super().__init__(visible(message))


class InputError(FaultrayError):
    """Could not compute: an unreadable plan, an impossible topology (exit code 2)."""

    exit_code = 2


class ConfigError(FaultrayError):
    """Bad configuration or usage (exit code 3)."""

    exit_code = 3


def defect_of(error: BaseException) -> str:
    """What kind of defect stopped us and where in our code; never its message, which may quote a value of a plan or a token.

    >>> try:
    ...     {}["secret"]
    ... except KeyError as error:
    ...     defect_of(error).partition(" in ")[0]
    'KeyError'
    """
    place = ""
    trace = error.__traceback__
    while trace is not None:
        path = PurePath(trace.tb_frame.f_code.co_filename)
        if "faultray_action" in path.parts:
            place = f" in {path.parent.name}/{path.name} line {trace.tb_lineno}"
        trace = trace.tb_next
    return type(error).__name__ + place
