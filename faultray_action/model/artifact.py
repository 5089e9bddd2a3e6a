"""What is handed from the renderers to those who post it: text and places, already worded, cut and escaped."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class AnnotationLevel(StrEnum):
    NOTICE = "notice"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Annotation:
    """A remark at a line. `path` is relative to the repository, lines and columns start at 1; columns count only where both lines are the same."""

    path: str
    start_line: int
    end_line: int
    level: AnnotationLevel
    title: str
    message: str
    raw_details: str = ""
    start_column: int | None = None
    end_column: int | None = None
