"""Walking attribute trees: plain dicts and lists as Terraform prints them, UNKNOWN where a value comes only after apply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from faultray_action.model.value import UNKNOWN
from faultray_action.terraform.plan import Resource

Path = tuple[str, ...]


def merge_unknown(after: Any, unknown: Any) -> Any:
    """`after` with UNKNOWN where `unknown` (the tree `after_unknown`) says true; changes `after` in place and returns it.

    A block or attribute that is unknown as a whole becomes one UNKNOWN. Known values win over a shorter `unknown` list.
    """
    if unknown is True:
        return UNKNOWN
    if isinstance(unknown, dict):
        if unknown and not isinstance(after, dict):
            after = {} if after is None else after
            if not isinstance(after, dict):
                return after
        for key, mark in unknown.items():
            if mark is not False:
                _place(after, key, mark)
        return after
    if isinstance(unknown, list):
        return _merge_list(after, unknown)
    return after


def _place(after: dict[str, Any], key: str, mark: Any) -> None:
    if mark is True:
        after[key] = UNKNOWN
    elif _marks_any(mark):
        after[key] = merge_unknown(after.get(key), mark)


def _marks_any(mark: Any) -> bool:
    if mark is True:
        return True
    if isinstance(mark, dict):
        return any(_marks_any(child) for child in mark.values())
    return isinstance(mark, list) and any(_marks_any(child) for child in mark)


def _merge_list(after: Any, unknown: list[Any]) -> Any:
    if after is None:
        after = []
    if not isinstance(after, list):
        return after
    for position, mark in enumerate(unknown):
        if position < len(after):
            after[position] = merge_unknown(after[position], mark)
        elif _marks_any(mark):
            after.append(merge_unknown(None, mark))
    return after


def values_at(tree: Any, path: Sequence[str]) -> list[Any]:
    """All values that stand at a dotted path, through lists; an UNKNOWN on the way is the answer for everything below it.

    >>> values_at({"a": [{"b": 1}, {"b": 2}]}, ("a", "b"))
    [1, 2]
    """
    level = [tree]
    for key in path:
        below: list[Any] = []
        for value in level:
            _step(value, key, below)
        level = below
        if not level:
            break
    return level


def _step(value: Any, key: str, found: list[Any]) -> None:
    if isinstance(value, list):
        for element in value:
            _step(element, key, found)
    elif value is UNKNOWN:
        found.append(UNKNOWN)
    elif isinstance(value, Mapping) and key in value:
        found.append(value[key])


def strings_in(value: Any) -> tuple[list[str], bool]:
    """All strings below a value in document order, and whether anything below it is UNKNOWN."""
    found: list[str] = []
    unknown = False
    pending = [value]
    while pending:
        item = pending.pop()
        if type(item) is str:
            found.append(item)
        elif item is UNKNOWN:
            unknown = True
        elif isinstance(item, dict):
            pending.extend(reversed(item.values()))
        elif isinstance(item, list):
            pending.extend(reversed(item))
    return found, unknown


def changes(resource: Resource) -> tuple[str, ...]:
    """Sorted dotted paths (no list indices) whose values differ between the sides; UNKNOWN after counts as changed.

    Lists that differ in length, or that do not hold objects, are named by their own path, and so are maps that differ at a key with a dot in it
    (`app.kubernetes.io/name`), which is no step of a path. () where a side is missing.
    """
    if resource.before is None or resource.after is None or resource.before is resource.after:
        return ()
    found: set[str] = set()
    pending: list[tuple[str, Any, Any]] = [("", resource.before, resource.after)]
    while pending:
        path, before, after = pending.pop()
        _differ(path, before, after, pending, found)
    return tuple(sorted(found))


def _differ(path: str, before: Any, after: Any, pending: list[tuple[str, Any, Any]], found: set[str]) -> None:
    if after is UNKNOWN:
        found.add(path)
    elif isinstance(before, dict) and isinstance(after, dict):
        keys = before.keys() | after.keys()
        if path and any("." in key and before.get(key) != after.get(key) for key in keys):
            found.add(path)
            return
        pending.extend((f"{path}.{key}" if path else key, before.get(key), after.get(key)) for key in keys)
    elif _same_shape(before, after):
        pending.extend((path, old, new) for old, new in zip(before, after, strict=True))
    elif before != after or isinstance(before, bool) is not isinstance(after, bool):
        found.add(path)


def _same_shape(before: Any, after: Any) -> bool:
    """Two lists of objects of one length are compared element by element; anything else as a whole."""
    if not (isinstance(before, list) and isinstance(after, list) and len(before) == len(after)):
        return False
    return all(isinstance(item, dict) for item in before) and all(isinstance(item, dict) for item in after)
