"""Exceptions are for stopping; each says what is wrong, where, and what to do next, in one sentence a user can act on."""

from __future__ import annotations

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
