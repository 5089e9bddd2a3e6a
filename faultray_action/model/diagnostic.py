"""Warnings are values: they ride along and never change a number."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Severity(StrEnum):
    NOTICE = "notice"
    WARNING = "warning"
    ERROR = "error"


class Diagnostic(Struct, frozen=True, order=True):
    """Something a user should know about the run itself. `code` is stable (kebab-case); `message` is one sentence of ours, names in it are untrusted."""

    severity: Severity
    code: str
    message: str
    address: str = ""
    file: str = ""
    line: int = 0
