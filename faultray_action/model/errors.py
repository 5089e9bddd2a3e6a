"""Exceptions are for stopping; each says what is wrong, where, and what to do next, in one sentence a user can act on."""

from __future__ import annotations


class FaultrayError(Exception):
    """One clear sentence for stderr, and the exit code that the README tells."""

    exit_code = 2


class InputError(FaultrayError):
    """Could not compute: an unreadable plan, an impossible topology (exit code 2)."""

    exit_code = 2


class ConfigError(FaultrayError):
    """Bad configuration or usage (exit code 3)."""

    exit_code = 3
