"""What is handed from the renderers to those who post it: text and places, already worded, cut and escaped."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Light(StrEnum):
    """The verdict as a reader sees it. ERROR is "could not compute" and never green."""

    PASS = "pass"
    FAIL = "fail"
    ERROR = "error"

    @property
    def red(self) -> bool:
        return self is not Light.PASS


class CommentMode(StrEnum):
    """UPDATE keeps one comment; NEW starts one a commit, HIDE_AND_NEW also folds the earlier; UPDATE_AND_PING adds a short one on red."""

    UPDATE = "update"
    NEW = "new"
    HIDE_AND_NEW = "hide-and-new"
    UPDATE_AND_PING = "update-and-ping"
    OFF = "off"


class CommentWhen(StrEnum):
    """What makes a first comment worth it; one that stands is always kept true."""

    ALWAYS = "always"
    CHANGES = "changes"
    REGRESSIONS = "regressions"


class AnnotationChannel(StrEnum):
    AUTO = "auto"
    CHECK_RUN = "check-run"
    COMMANDS = "commands"
    OFF = "off"


class AnnotationLevel(StrEnum):
    NOTICE = "notice"
    WARNING = "warning"
    FAILURE = "failure"


class Annotation(Struct, frozen=True):
    """A remark at a line. `path` is relative to the repository; lines and columns start at 1, columns count only on a single line."""

    path: str
    start_line: int
    end_line: int
    level: AnnotationLevel
    title: str
    message: str
    raw_details: str = ""
    start_column: int | None = None
    end_column: int | None = None
