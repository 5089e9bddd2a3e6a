"""What another version of the policy file says otherwise, in a reader's words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from faultray_action.model.policy import Place, Policy, PolicyDocument

_NAMED = 3
"""So many names a kind are told, of the rest how many."""
_FREE_TEXT = frozenset({"check-name"})
"""Settings whose value is anybody's text: that it changes is enough to know."""


def told_changes(old: PolicyDocument, new: PolicyDocument) -> tuple[str, ...]:
    """One phrase a kind of statement (`min-score 60 → 20`, `adds the waiver of *`), in the order of the page; empty where nothing differs."""
    found = [*_settings(_texts(old), _texts(new))]
    before, after = _parts(old.policy), _parts(new.policy)
    for kind, rows in after.items():
        found += _rows(kind, before[kind], rows)
    return tuple(found)


def _texts(document: PolicyDocument) -> dict[str, str]:
    return {name: text for name, (text, _) in document.settings.items()}


def _settings(old: Mapping[str, str], new: Mapping[str, str]) -> Iterable[str]:
    for name in sorted({*old, *new}):
        before, after = old.get(name, "default"), new.get(name, "default")
        if before == after:
            continue
        yield f"another {name}" if name in _FREE_TEXT else f"{name} {before} → {after}"


def _parts(policy: Policy) -> dict[str, Mapping[str, Any]]:
    """Kind -> key -> what is said, without the line that it stands in."""
    return {
        "entry point": _by_key((row.pattern, row) for row in policy.entry_points),
        "override": _by_key((row.pattern, row) for row in policy.overrides),
        "data weight": dict(policy.data_weights),
        "rate": _by_key((row.id, row) for row in policy.rates),
        "SLA": policy.sla_percent,
        "number of operations": policy.operations,
        "waiver": _by_key((row.id, row) for row in policy.waivers),
        "catalogue file": dict.fromkeys(policy.catalogue, ""),
    }


def _by_key(rows: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    return {key: replace(row, place=Place()) for key, row in rows}


def _rows(kind: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterable[str]:
    added = [key for key in new if key not in old]
    removed = [key for key in old if key not in new]
    changed = [key for key in new if key in old and old[key] != new[key]]
    for deed, keys in (("adds", added), ("removes", removed), ("changes", changed)):
        if keys:
            yield f"{deed} {_counted(kind, keys)}"


def _counted(kind: str, keys: list[str]) -> str:
    names = ", ".join(f"`{key}`" for key in keys[:_NAMED])
    if len(keys) == 1:
        return f"the {kind} {names}"
    more = f" and {len(keys) - _NAMED} more" if len(keys) > _NAMED else ""
    return f"{len(keys)} {kind}s: {names}{more}"
