"""The modules of a configuration as their folders hold them: blocks by type and labels, each read when somebody looks inside."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from faultray_action.terraform.hcl.files import CodeFile, Shelf, installed_modules, is_automatic
from faultray_action.terraform.hcl.json_syntax import body_of, read_blocks, read_json
from faultray_action.terraform.hcl.parse import Budget, read_body
from faultray_action.terraform.hcl.scanner import Written, scan
from faultray_action.terraform.hcl.syntax import Attribute, Body, Constant, Span
from faultray_action.terraform.tree import ModulePath

Key = tuple[str, ...]
"""Type and labels of a block: ("resource", "aws_lb", "main")."""
_DEEPEST = 40


@dataclass(slots=True)
class Entry:
    """One top-level block of a file."""

    file: CodeFile
    key: Key
    span: Span
    budget: Budget
    written: Written | None = None
    parsed: Body | None = None

    @property
    def body(self) -> Body:
        if self.parsed is None and self.written is not None:
            self.parsed = read_body(self.file.text, self.written.inside, self.written.body_end, self.budget)
        return self.parsed or Body()

    def attribute(self, name: str) -> Attribute | None:
        return self.body.attribute(name)


@dataclass(slots=True)
class Module:
    """One folder with code. `is_own`: the repository's own, no downloaded copy."""

    folder: Path
    is_own: bool
    entries: Mapping[Key, tuple[Entry, ...]]

    def all(self, key: Key) -> tuple[Entry, ...]:
        """The blocks of that key, those of override files last."""
        return self.entries.get(key, ())

    def first(self, key: Key) -> Entry | None:
        return next(iter(self.all(key)), None)

    def of_type(self, kind: str) -> Iterator[Entry]:
        return (entry for key, found in self.entries.items() if key[0] == kind for entry in found)

    def overriding(self, key: Key, name: str) -> tuple[Entry, Attribute] | None:
        """An attribute of a block of that key: from the last override that has it, else from the block."""
        for entry in reversed(self.all(key)):
            found = entry.attribute(name)
            if found is not None:
                return entry, found
        return None

    def local(self, name: str) -> tuple[Entry, Attribute] | None:
        return self.overriding(("locals",), name)


class Setting(NamedTuple):
    """The value of a root variable in a `.tfvars` file."""

    file: CodeFile
    attribute: Attribute


@dataclass(slots=True)
class Library:
    """All modules below a root folder, read when asked for."""

    root: Path
    shelf: Shelf
    budget: Budget = field(default_factory=Budget)
    _installed: Mapping[str, Path] | None = None
    _by_path: dict[ModulePath, Module | None] = field(default_factory=dict)
    _by_folder: dict[str, Module] = field(default_factory=dict)
    _settings: dict[bool, dict[str, list[Setting]]] | None = None

    def module(self, path: ModulePath) -> Module | None:
        """The module at a path of calls; None where its code is not there."""
        if path not in self._by_path:
            self._by_path[path] = self._find(path) if len(path) < _DEEPEST else None
        return self._by_path[path]

    def _find(self, path: ModulePath) -> Module | None:
        if not path:
            return self._read(self.root)
        parent = self.module(path[:-1])
        call = parent.overriding(("module", path[-1]), "source") if parent else None
        if parent is None or call is None:
            return None
        source = call[1].value.value if isinstance(call[1].value, Constant) else None
        if (isinstance(source, str) and source.startswith(("./", "../", ".\\", "..\\"))) or source in (".", ".."):
            return self._read(Path(os.path.normpath(parent.folder / str(source).replace("\\", "/"))))
        if self._installed is None:
            self._installed = installed_modules(self.root)
        folder = self._installed.get(".".join(path))
        return None if folder is None else self._read(folder)

    def _read(self, folder: Path) -> Module | None:
        if not self.shelf.allows(folder):
            return None
        known = os.path.realpath(folder)
        if known not in self._by_folder:
            entries: dict[Key, list[Entry]] = {}
            for path in self.shelf.code_files(folder):
                for entry in self._entries(path):
                    entries.setdefault(entry.key, []).append(entry)
            self._by_folder[known] = Module(folder, self.shelf.is_own(folder), {key: tuple(found) for key, found in entries.items()})
        found = self._by_folder[known]
        return found if found.entries else None

    def _entries(self, path: Path) -> Iterator[Entry]:
        file = self.shelf.read(path)
        if file is None:
            return
        if file.is_json:
            for block in read_blocks(file.text):
                yield Entry(file, (block.type, *block.labels), block.span, self.budget, parsed=block.body)
            return
        for item in scan(file.text):
            if item.is_block:
                yield Entry(file, (item.name, *item.labels), Span(item.start, item.end), self.budget, item)

    def setting(self, name: str) -> Setting | None:
        """What a `.tfvars` file gives to a root variable: of those that Terraform reads by itself the last one. Where none does, a file of another
        name may be meant: the only one that names the variable."""
        if self._settings is None:
            self._settings = self._read_settings()
        automatic, other = self._settings[True].get(name, []), self._settings[False].get(name, [])
        return automatic[-1] if automatic else other[0] if len(other) == 1 else None

    def _read_settings(self) -> dict[bool, dict[str, list[Setting]]]:
        """Terraform reads terraform.tfvars, then terraform.tfvars.json, then the automatic ones by name."""
        found: dict[bool, dict[str, list[Setting]]] = {True: {}, False: {}}
        for path in sorted(self.shelf.variable_files(self.root), key=lambda path: (".auto." in path.name, path.name)):
            file = self.shelf.read(path)
            for attribute in _settings(file, self.budget) if file else ():
                assert file is not None
                found[is_automatic(path.name)].setdefault(attribute.name, []).append(Setting(file, attribute))
        return found


def _settings(file: CodeFile, budget: Budget) -> Iterator[Attribute]:
    if file.is_json:
        yield from body_of(read_json(file.text)).attributes
    else:
        yield from read_body(file.text, 0, len(file.text), budget).attributes
