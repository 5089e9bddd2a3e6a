"""A file that somebody names is read within a bound, and only where it is a regular one: a pipe never ends, a device never stops."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from msgspec import Struct

from faultray_action.model.errors import FaultrayError

_WITHOUT_WAITING = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class HeldFile(Struct, frozen=True):
    """A file that was read from elsewhere than the disk: its name as people know it, and its content."""

    name: str
    content: bytes


def read_file(path: Path, most_bytes: int, refuse: type[FaultrayError], advice: str, *, links: bool = True) -> bytes:
    """The content of a regular file of at most `most_bytes`; a link counts as what it leads to, where `links` are allowed.

    Raises `refuse` with one sentence that ends in `advice`.
    """
    try:
        _check_kind(path, path.stat() if links else path.lstat(), refuse, advice)
        with os.fdopen(os.open(path, os.O_RDONLY | _WITHOUT_WAITING), "rb") as file:
            # What was looked at may have been exchanged since.
            _check_kind(path, os.fstat(file.fileno()), refuse, advice)
            content = file.read(most_bytes + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no path has a null character"
        raise refuse(f"{path} cannot be read ({reason}); {advice}") from error
    if len(content) > most_bytes:
        raise refuse(f"{path} is larger than {most_bytes:,} bytes; {advice}")
    return content


def _check_kind(path: Path, found: os.stat_result, refuse: type[FaultrayError], advice: str) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise refuse(f"{path} is {_kind(found.st_mode)}, no regular file; {advice}")


def _kind(mode: int) -> str:
    kinds = (
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISLNK, "a link"),
    )
    return next((name for test, name in kinds if test(mode)), "something special")
