"""Read the catalogue: only the blocks of the types that are asked for, so that start-up does not pay for 400 of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import yaml

from faultray_action.catalogue.entry import Document, Entry
from faultray_action.model.errors import ConfigError
from faultray_action.model.files import HeldFile, read_file
from faultray_action.yaml_text import YamlError, read_yaml

DATA = Path(__file__).parent / "data"
_TYPE_LINE = re.compile(r"^  ([a-z0-9_*]+):[^\n]*$", re.MULTILINE)
_PROVIDER_LINE = re.compile(r"^provider:\s*\"?([a-z0-9-]+)", re.MULTILINE)
MAX_FILE_BYTES = 10_000_000
MAX_VALUES = 500_000
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True)
class Catalogue:
    """Entries by type. `providers` are the providers it knows at all: a type of theirs without an entry is *unknown*."""

    blocks: Mapping[str, tuple[str, str]]
    providers: frozenset[str]
    extra: Mapping[str, Entry] = field(default_factory=dict)
    _entries: dict[str, Entry | None] = field(default_factory=dict)

    def get(self, type_name: str) -> Entry | None:
        """The entry of a type; a user's own file wins over ours; `same_as` entries are resolved; None where there is none."""
        if type_name not in self._entries:
            self._entries[type_name] = self._read(type_name)
        return self._entries[type_name]

    def types(self) -> tuple[str, ...]:
        return tuple(sorted({*self.blocks, *self.extra}))

    def file_of(self, type_name: str) -> str:
        """The data file an entry stands in, relative to the package's data; "" for a user's own."""
        return self.blocks[type_name][0] if type_name in self.blocks and type_name not in self.extra else ""

    def _read(self, type_name: str) -> Entry | None:
        entry = self.extra.get(type_name)
        if entry is None:
            key = type_name if type_name in self.blocks else self._pattern(type_name)
            if not key:
                return None
            entry = _entry(key, *self.blocks[key])
        return self._merged(entry) if entry.same_as else entry

    def _pattern(self, type_name: str) -> str:
        """The longest `prefix_*` key that the type matches: whole families without a runtime part (aws_iam_*)."""
        candidates = [key for key in self.blocks if key.endswith("*") and type_name.startswith(key[:-1])]
        return max(candidates, key=len, default="")

    def _merged(self, entry: Entry) -> Entry:
        model = self.get(entry.same_as)
        if model is None:
            raise ConfigError(f"catalogue: same_as names {entry.same_as}, which has no entry; add one or remove the line")
        own = {name: getattr(entry, name) for name in entry.__struct_fields__ if getattr(entry, name) != _default(name)}
        return msgspec.structs.replace(model, **{**own, "same_as": ""})


@lru_cache(maxsize=1)
def _defaults() -> Mapping[str, Any]:
    blank = Entry(disposition="component")
    return {name: getattr(blank, name) for name in Entry.__struct_fields__}


def _default(name: str) -> Any:
    return None if name == "disposition" else _defaults()[name]


def load(extra_files: Sequence[Path | HeldFile] = ()) -> Catalogue:
    """The package's catalogue and the user's own files in the same schema. Raises ConfigError with the file and what is wrong."""
    blocks: dict[str, tuple[str, str]] = {}
    providers: set[str] = set()
    for path in sorted(DATA.glob("*/*.yaml")):
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(DATA).as_posix()
        provider = _PROVIDER_LINE.search(text)
        providers |= {provider.group(1)} if provider else set()
        blocks.update({key: (name, block) for key, block in _blocks(text)})
    extra: dict[str, Entry] = {}
    for file in extra_files:
        document = parse_document(file.content, file.name) if isinstance(file, HeldFile) else read_document(file)
        providers.add(document.provider)
        extra.update(document.types)
    return Catalogue(blocks, frozenset(providers), extra)


def _blocks(text: str) -> Iterable[tuple[str, str]]:
    start = text.find("\ntypes:")
    lines = list(_TYPE_LINE.finditer(text, start + 1)) if start >= 0 else []
    ends = [match.start() for match in lines[1:]] + [len(text)]
    return [(match.group(1), text[match.start() : end]) for match, end in zip(lines, ends, strict=True)]


def _entry(type_name: str, file: str, block: str) -> Entry:
    try:
        raw = yaml.load(block, Loader=_LOADER)
        return msgspec.convert(raw[type_name], Entry, strict=False)
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise ConfigError(f"catalogue {file}: {type_name}: {_one_line(error)}; correct the entry") from error


def read_document(path: Path) -> Document:
    """A whole catalogue file, validated. Raises ConfigError: unreadable, not YAML, or not in the schema."""
    return parse_document(read_file(path, MAX_FILE_BYTES, ConfigError, "check the path under `catalogue:`"), str(path))


def parse_document(content: bytes, name: str) -> Document:
    """The same of a file's content; `name` stands in the messages."""
    try:
        return msgspec.convert(read_yaml(content, MAX_VALUES).value, Document, strict=False)
    except YamlError as error:
        raise ConfigError(f"catalogue {error.at(name)}; see `faultray schema catalogue`") from error
    except (msgspec.ValidationError, ValueError) as error:
        raise ConfigError(f"catalogue {name}: {_one_line(error)}; see `faultray schema catalogue`") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
