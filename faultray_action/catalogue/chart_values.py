"""Numbers inside the values of a Helm release: YAML documents under `values`, single paths under `set`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from faultray_action.model.nesting import nests_deeper
from faultray_action.model.text import whole_number
from faultray_action.model.value import UNKNOWN

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_LIMIT = 20_000
"""Entries of one document that are looked at: hostile aliases multiply without end."""


def least_setting(release: Mapping[str, Any], names: frozenset[str]) -> Any:
    """The least whole number that the release sets under one of the names, at any depth; None where it sets none, UNKNOWN where the values are.

    Later documents override earlier ones, `set` overrides all, as Helm does. The least, since a chart stands on its weakest part: one that is
    not `enabled` is no part of it, and where `autoscaling` is, its floor counts instead of the number beside it.

    >>> least_setting({"values": ["web:\\n  replicaCount: 3\\n"], "set": [{"name": "worker.replicaCount", "value": "2"}]}, frozenset({"replicaCount"}))
    2
    """
    found = _settings(release)
    counts = {path: _whole(value) for path, value in found.items() if path.rpartition(".")[2] in names}
    counts |= {path: _whole(found[path]) for path in (f"{part}{_FLOOR}" for part in _scaled(found)) if path in found}
    own = [value for path, value in counts.items() if _is_used(path, found, names)]
    return UNKNOWN if "" in found or UNKNOWN in own else min((value for value in own if isinstance(value, int)), default=None)


def setting_at(release: Mapping[str, Any], path: str) -> Any:
    """What the release sets at a path, as text; None where it sets nothing, UNKNOWN where the values are.

    >>> setting_at({"values": ["sentinel: {enabled: true}"]}, "sentinel.enabled")
    'true'
    """
    found = _settings(release)
    value = found.get(path)
    if UNKNOWN in (value, found.get("")):
        return UNKNOWN
    return None if value is None else str(value).strip().lower()


def _settings(release: Mapping[str, Any]) -> dict[str, Any]:
    """All that a release sets, by path; UNKNOWN at "" where a document is."""
    found: dict[str, Any] = {}
    documents = release.get("values")
    for document in documents if isinstance(documents, list) else [documents]:
        if document is UNKNOWN:
            found[""] = UNKNOWN
        elif isinstance(document, str):
            found.update(_leaves(parsed(document)))
    for block in release.get("set") or () if isinstance(release.get("set"), list) else ():
        if isinstance(block, Mapping):
            found[str(block.get("name"))] = block.get("value")
    return found


_SCALING, _FLOOR = "autoscaling.enabled", "autoscaling.minReplicas"


def _scaled(found: Mapping[str, Any]) -> list[str]:
    """The parts ("" or "web.") that are scaled by load."""
    return [path.removesuffix(_SCALING) for path, value in found.items() if path.endswith(_SCALING) and _is(value, True)]


def _is_used(path: str, found: Mapping[str, Any], names: frozenset[str]) -> bool:
    """Whether a number holds: no part around it is switched off, and its own is not scaled by load."""
    steps = path.split(".")
    around = [".".join([*steps[:length], "enabled"]) for length in range(1, len(steps))]
    part = path[: len(path) - len(steps[-1])]
    scaled = steps[-1] in names and _is(found.get(f"{part}{_SCALING}"), True) and f"{part}{_FLOOR}" in found
    return not scaled and not any(_is(found.get(switch), False) for switch in around)


def _is(value: Any, wanted: bool) -> bool:
    return value is wanted or (isinstance(value, str) and value.strip().lower() == str(wanted).lower())


def parsed(document: str) -> Any:
    """What a YAML document says, None where it is none, or nests deeper than anything that people write."""
    try:
        return None if nests_deeper(yaml.parse(document, Loader=_LOADER)) else yaml.load(document, Loader=_LOADER)
    except (yaml.YAMLError, ValueError):
        return None


def written_out(text: str) -> Any:
    """The map that a text of several lines is in YAML; None where it is none, or repeats itself by aliases, whose size nothing bounds.

    >>> written_out("redis:\\n  host: redis-master\\n")
    {'redis': {'host': 'redis-master'}}
    """
    document = parsed(text) if "\n" in text else None
    if not isinstance(document, Mapping):
        return None
    return None if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=_LOADER)) else document


def _leaves(tree: Any) -> Iterator[tuple[str, Any]]:
    """(path, value) of everything in nested maps that is none itself."""
    pending: list[tuple[str, Any]] = [("", tree)]
    for _ in range(_LIMIT):
        if not pending:
            return
        path, item = pending.pop()
        if isinstance(item, Mapping):
            pending += [(f"{path}.{key}".lstrip("."), child) for key, child in item.items()]
        elif path:
            yield path, item


def _whole(value: Any) -> Any:
    if value is UNKNOWN or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    return whole_number(value.strip()) if isinstance(value, str) else None
