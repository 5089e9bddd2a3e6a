"""Where something is written in the Terraform code."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct


class SourceRange(Struct, frozen=True):
    """`file` relative to the repository, lines and columns from 1 (0: not known). `note` says what is meant where it is not the thing itself
    ("the call of the module", "nearest surviving line")."""

    file: str
    line: int
    end_line: int = 0
    column: int = 0
    end_column: int = 0
    note: str = ""


Locate = Callable[[str, str], SourceRange | None]
"""(address, attribute path or "") -> where it is written, None where that is not known."""
