"""Numbers inside the values of a Helm release: YAML documents under `values`, single paths under `set`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from faultray_action.model.nesting import nests_deeper
from faultray_action.model.value import UNKNOWN

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_LIMIT = 20_000
"""Entries of one document that are looked at: hostile aliases multiply without end."""


def least_setting(release: Mapping[str, Any], names: frozenset[str]) -> Any:
    """The least whole number that the release sets under one of the names, at any depth; None where it sets none, UNKNOWN where the values are.

    Later documents override earlier ones, `set` overrides all, as Helm does. The least, since a chart stands on its weakest part.

    >>> least_setting({"values": ["web:\\n  replicaCount: 3\\n"], "set": [{"name": "worker.replicaCount", "value": "2"}]}, frozenset({"replicaCount"}))
    2
    """
    found: dict[str, Any] = {}
    documents = release.get("values")
    for document in documents if isinstance(documents, list) else [documents]:
        if document is UNKNOWN:
            found[""] = UNKNOWN
        elif isinstance(document, str):
            found.update(_numbers(parsed(document), names))
    for block in release.get("set") or () if isinstance(release.get("set"), list) else ():
        if isinstance(block, Mapping) and str(block.get("name")).rpartition(".")[2] in names:
            found[str(block.get("name"))] = _whole(block.get("value"))
    known = [value for value in found.values() if isinstance(value, int)]
    return UNKNOWN if UNKNOWN in found.values() else min(known, default=None)


def parsed(document: str) -> Any:
    """What a YAML document says, None where it is none, or nests deeper than anything that people write."""
    try:
        return None if nests_deeper(yaml.parse(document, Loader=_LOADER)) else yaml.load(document, Loader=_LOADER)
    except (yaml.YAMLError, ValueError):
        return None


def _numbers(tree: Any, names: frozenset[str]) -> Iterator[tuple[str, int]]:
    pending: list[tuple[str, Any]] = [("", tree)]
    for _ in range(_LIMIT):
        if not pending:
            return
        path, item = pending.pop()
        if isinstance(item, Mapping):
            pending += [(f"{path}.{key}".lstrip("."), child) for key, child in item.items()]
        elif path.rpartition(".")[2] in names and isinstance(_whole(item), int):
            yield path, _whole(item)


def _whole(value: Any) -> Any:
    if value is UNKNOWN or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    return int(value) if isinstance(value, str) and value.strip().isdigit() else None
