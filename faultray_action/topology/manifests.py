"""Kubernetes objects as they are written (kubernetes_manifest, kubectl_manifest), read as the typed resource of their kind."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from faultray_action.catalogue.chart_values import parsed
from faultray_action.catalogue.entry import Entry, Manifest
from faultray_action.catalogue.load import Catalogue
from faultray_action.model.value import UNKNOWN

_CAPITAL = re.compile(r"(?<=[a-z0-9])([A-Z])")
_DEEPEST = 32
_LONGEST = 200_000


def read_as(values: Mapping[str, Any], entry: Entry, catalogue: Catalogue) -> tuple[str, Entry, Mapping[str, Any]] | None:
    """The type that an object is read as, its entry, and the attributes as that type has them; None for no object, or one of an unknown kind."""
    facts = entry.manifest
    if facts is None:
        return None
    written = next((_object_in(values[path]) for path in facts.paths if values.get(path) is not None), None)
    if not isinstance(written, Mapping):
        return None
    kind, group = str(written.get("kind")), str(written.get("apiVersion")).rpartition("/")[0]
    name = facts.kinds.get(f"{kind}.{group}") or facts.kinds.get(kind, "")
    typed = catalogue.get(name) if name else None
    return (name, typed, _object(written, facts, 0)) if typed is not None else None


def path_as(path: str, facts: Manifest) -> str:
    """The path of an attribute as the typed resource has it; "" for the object as a whole.

    >>> path_as("manifest.spec.template.spec.containers.env.value", Manifest(("manifest",), {}, {"containers": "container"}))
    'spec.template.spec.container.env.value'
    """
    steps = path.split(".")
    return ".".join(facts.singular.get(step, _snake(step)) for step in steps[1:]) if steps[0] in facts.paths else path


def _object_in(value: Any) -> Any:
    return parsed(value) if isinstance(value, str) and len(value) <= _LONGEST else value


def _object(written: Mapping[str, Any], facts: Manifest, depth: int) -> dict[str, Any]:
    return {facts.singular.get(key, _snake(key)): _value(key, item, facts, depth) for key, item in written.items() if isinstance(key, str)}


def _value(key: str, item: Any, facts: Manifest, depth: int) -> Any:
    if item is UNKNOWN or key in facts.verbatim or depth > _DEEPEST:
        return item
    if isinstance(item, Mapping):
        return _object(item, facts, depth + 1)
    if isinstance(item, list):
        return [_value("", each, facts, depth + 1) for each in item]
    return item


def _snake(name: str) -> str:
    return _CAPITAL.sub(lambda found: "_" + found.group(1), name).lower()
