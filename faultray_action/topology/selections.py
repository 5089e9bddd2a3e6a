"""Resources that are selected by patterns of their names and by their tags, instead of being referred to (a backup plan's selection)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from faultray_action.catalogue.entry import Entry, Selects
from faultray_action.catalogue.expression import every

_TAG = "aws:ResourceTag/"
_SERVICE = 2
"""Where an ARN names its service."""


def selects(facts: Selects, values: Mapping[str, Any], target: Mapping[str, Any], entry: Entry) -> bool:
    """Whether a selection takes a resource: a pattern or, without any, a tag fits; where there are both, both; nothing excludes it, and all
    conditions hold."""
    tags = target.get(facts.labels)
    tags = tags if isinstance(tags, Mapping) else {}
    wanted = [(row.get("key"), row.get("value")) for row in every(values, facts.pairs) if isinstance(row, Mapping)]
    patterns = _patterns(values, facts.patterns)
    if not patterns and not wanted:
        return False
    return (
        (
            not patterns
            or any(_covers(pattern, target.get("arn"), dict(facts.services).get(entry.service, entry.service)) for pattern in patterns)
        )
        and (not wanted or any(key in tags and tags[key] == value for key, value in wanted))
        and not any(isinstance(target.get("arn"), str) and fnmatchcase(target["arn"], p) for p in every(values, facts.excluding))
        and all(_holds(kind, row, tags) for kind, row in _conditions(values, facts.conditions))
    )


def _patterns(values: Mapping[str, Any], path: str) -> list[str]:
    """What is no pattern names one resource, to which a reference leads."""
    return [value for value in every(values, path) if isinstance(value, str) and "*" in value]


def _covers(pattern: str, arn: object, service: str) -> bool:
    """Whether a pattern takes a resource; of one that does not exist yet the service is known, and a pattern of a part of its names is not for it."""
    if isinstance(arn, str):
        return fnmatchcase(arn, pattern)
    parts = pattern.split(":")
    rest = parts[-1].rpartition("/")[2]
    return pattern == "*" or (len(parts) > _SERVICE and parts[_SERVICE] in ("*", service) and rest == "*")


def _conditions(values: Mapping[str, Any], path: str) -> Iterable[tuple[str, Mapping[str, Any]]]:
    for block in every(values, path):
        for kind, rows in block.items() if isinstance(block, Mapping) else ():
            yield from ((kind, row) for row in rows or () if isinstance(row, Mapping))


def _holds(kind: str, row: Mapping[str, Any], tags: Mapping[str, Any]) -> bool:
    """Whether a condition on a tag holds; what is missing is unequal to everything."""
    key, value = str(row.get("key")).removeprefix(_TAG), str(row.get("value"))
    fits = key in tags and (fnmatchcase(str(tags[key]), value) if kind.endswith("like") else str(tags[key]) == value)
    return fits != ("_not_" in kind)
