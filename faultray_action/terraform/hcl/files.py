"""Files and folders of Terraform code: what may be read, as text with lines and columns, and where a module's folder is.

What cannot be read is a Diagnostic, never an exception. Nothing outside of the repository is followed.
"""

from __future__ import annotations

import json
import os
import re
import stat
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from faultray_action.model.diagnostic import Diagnostic, Severity
from faultray_action.model.errors import InputError
from faultray_action.model.files import read_file
from faultray_action.model.source import SourceRange
from faultray_action.model.text import well_formed
from faultray_action.terraform.hcl.syntax import Span

_CODE = (".tf", ".tf.json", ".tofu", ".tofu.json")
_VARIABLES = (".tfvars", ".tfvars.json")
_MOST_FILES = 2_000
_MOST_FILE_BYTES = 4_000_000
_MOST_BYTES = 64_000_000


@dataclass(slots=True)
class CodeFile:
    """One file: `name` relative to the repository with slashes, or None where it is not part of it (a downloaded module)."""

    path: Path
    name: str | None
    text: str
    _breaks: list[int] | None = None

    @property
    def is_json(self) -> bool:
        return self.path.name.endswith(".json")

    def position(self, offset: int) -> tuple[int, int]:
        """(line, column) of an offset, both from 1. Columns count characters."""
        if self._breaks is None:
            self._breaks = [found.start() for found in re.finditer("\n", self.text)]
        line = bisect_left(self._breaks, offset)
        return line + 1, offset - (self._breaks[line - 1] + 1 if line else 0) + 1

    def range(self, span: Span, note: str = "") -> SourceRange:
        """`end_column` is the column behind the last character."""
        (line, column), (end_line, end_column) = self.position(span.start), self.position(span.end)
        return SourceRange(self.name or "", line, end_line, column, end_column, note)


@dataclass(slots=True)
class Shelf:
    """The files that may be read: those under `root` and, for modules beside it, under the repository it lies in."""

    root: Path
    repository: Path
    diagnostics: list[Diagnostic] = field(default_factory=list)
    _allowed: tuple[str, ...] = ()
    _bytes: int = 0

    def __post_init__(self) -> None:
        folders = (self.root, self.repository, find_repository(self.root))
        self._allowed = tuple(dict.fromkeys(os.path.realpath(folder) for folder in folders))

    def code_files(self, folder: Path) -> list[Path]:
        """Files with code of one module, sorted; overrides last, in the order in which Terraform applies them."""
        names = [name for name in self._names(folder) if name.endswith(_CODE)]
        return [folder / name for name in sorted(names, key=lambda name: (is_override(name), name))]

    def variable_files(self, folder: Path) -> list[Path]:
        """Files with values of variables right in a folder, sorted by name."""
        return [folder / name for name in self._names(folder) if name.endswith(_VARIABLES)]

    def _names(self, folder: Path) -> list[str]:
        if not self.allows(folder):
            return []
        try:
            names = sorted(name for path in folder.iterdir() if not (name := path.name).startswith((".", "#")) and not name.endswith("~"))
        except OSError as error:
            self._say("source-unreadable", f"The folder cannot be read ({error.strerror}).", folder)
            return []
        if len(names) > _MOST_FILES:
            self._say("source-too-large", f"Only the first {_MOST_FILES} files of the folder are read.", folder)
        return names[:_MOST_FILES]

    def read(self, path: Path) -> CodeFile | None:
        """The text of a regular file, without a byte order mark; None where it cannot or may not be read."""
        try:
            size = self._size(path)
            if size is None:
                return None
            text = read_file(path, _MOST_FILE_BYTES, InputError, "").decode("utf-8", errors="replace")
        except InputError:
            self._say("source-unreadable", "The file cannot be read.", path)
            return None
        except (OSError, ValueError) as error:
            self._say("source-unreadable", f"The file cannot be read ({getattr(error, 'strerror', None) or 'no such path'}).", path)
            return None
        return CodeFile(path, self._name(path), text.removeprefix("\ufeff"))

    def _size(self, path: Path) -> int | None:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode) or not self.allows(path):
            return None
        if found.st_size > _MOST_FILE_BYTES or self._bytes + found.st_size > _MOST_BYTES:
            self._say("source-too-large", "The file is too large to look for lines in it.", path)
            return None
        self._bytes += found.st_size
        return found.st_size

    def allows(self, path: Path) -> bool:
        """Whether a path leads, links followed, to somewhere under the root or the repository."""
        try:
            real = os.path.realpath(path)
        except (OSError, ValueError):
            return False
        return any(real == folder or real.startswith(folder.rstrip(os.sep) + os.sep) for folder in self._allowed)

    def is_own(self, folder: Path) -> bool:
        """Whether what stands there is the repository's own code, and no downloaded copy."""
        return self._name(folder) is not None

    def _name(self, path: Path) -> str | None:
        relative = os.path.relpath(path, self.repository)
        parts = Path(relative).parts
        return None if parts[:1] == ("..",) or ".terraform" in parts else well_formed(PurePosixPath(*parts).as_posix())

    def _say(self, code: str, message: str, path: Path) -> None:
        """Each once, under the name that the path has in the repository."""
        said = Diagnostic(Severity.WARNING, code, message, file=self._name(path) or well_formed(path.name))
        if said not in self.diagnostics:
            self.diagnostics.append(said)


def is_override(name: str) -> bool:
    """Terraform merges these files over the others.

    >>> is_override("override.tf"), is_override("a_override.tf.json"), is_override("overrides.tf")
    (True, True, False)
    """
    stem = name.removesuffix(".json").removesuffix(".tf").removesuffix(".tofu")
    return stem == "override" or stem.endswith("_override")


def is_automatic(name: str) -> bool:
    """Whether Terraform reads a file of variable values without being told to."""
    return name in ("terraform.tfvars", "terraform.tfvars.json") or name.endswith((".auto.tfvars", ".auto.tfvars.json"))


def find_repository(folder: Path) -> Path:
    """The top of the working copy that a folder lies in (the nearest folder with a `.git`), or the folder itself."""
    real = Path(os.path.realpath(folder))
    for candidate in (real, *real.parents):
        if (candidate / ".git").exists():
            return candidate
    return folder


def installed_modules(root: Path) -> Mapping[str, Path]:
    """Folders of modules by key ("network", "network.subnets"), as `terraform init` noted them."""
    path = root / ".terraform" / "modules" / "modules.json"
    try:
        rows = json.loads(read_file(path, _MOST_FILE_BYTES, InputError, "")).get("Modules")
    except (InputError, ValueError, AttributeError, RecursionError):
        return {}
    return dict(_installed(rows if isinstance(rows, list) else (), root))


def _installed(rows: object, root: Path) -> Iterator[tuple[str, Path]]:
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and isinstance(row.get("Key"), str) and isinstance(row.get("Dir"), str):
            yield row["Key"], Path(os.path.normpath(root / row["Dir"]))
