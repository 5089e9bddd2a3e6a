"""What the configuration says of a resource's attributes, and what is left to the provider's default.

An attribute that nobody wrote and that is unknown until apply is computed: the provider decides it, and its documented default is the best
that can be known. One that is written is unknown because what it refers to is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from faultray_action.model.value import UNKNOWN
from faultray_action.terraform.plan import Plan, Resource
from faultray_action.terraform.tree import ModulePath, mapping, module_path, rows_of, walk_modules

_Key = tuple[int, ModulePath, bool, str, str]


class Configured:
    """The written attributes of the resources of a plan, looked up the first time that somebody asks."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._written: dict[_Key, Mapping[str, Any]] | None = None

    def attributes(self, resource: Resource) -> frozenset[str]:
        """Names of the attributes and blocks that the configuration sets; empty for a resource that it does not hold."""
        return frozenset(self._row(resource) or ())

    def settled(self, resource: Resource, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """The values without what is unknown and not written, at the top and in blocks; the same object where there is nothing of the kind."""
        if not any(value is UNKNOWN or isinstance(value, list) for value in values.values()):
            return values
        row = self._row(resource)
        return values if row is None else _without_unwritten(values, row)

    def _row(self, resource: Resource) -> Mapping[str, Any] | None:
        if self._written is None:
            self._written = {
                (ordinal, path, row.get("mode") == "data", row["type"], row["name"]): mapping(row.get("expressions"))
                for ordinal, configuration in enumerate(self._plan.configuration)
                for path, module in walk_modules(configuration)
                for row in rows_of(module)
            }
        return self._written.get((resource.plan, module_path(resource.module), resource.data, resource.type, resource.name))


def _without_unwritten(values: Mapping[str, Any], written: Mapping[str, Any]) -> Mapping[str, Any]:
    changed: dict[str, Any] = {}
    for name, value in values.items():
        if value is UNKNOWN and name not in written:
            changed[name] = None
        elif isinstance(value, list) and name in written:
            blocks = _blocks(value, written[name])
            if blocks is not value:
                changed[name] = blocks
    return {**values, **changed} if changed else values


def _blocks(values: list[Any], written: Any) -> list[Any]:
    """Nested blocks, each with the expressions written for it; an attribute that holds a list is left as it is."""
    rows = written if isinstance(written, list) else [written]
    if not rows or not all(isinstance(row, dict) and "references" not in row and "constant_value" not in row for row in rows):
        return values
    found = [
        _without_unwritten(value, rows[min(number, len(rows) - 1)]) if isinstance(value, dict) else value
        for number, value in enumerate(values)
    ]
    return values if all(new is old for new, old in zip(found, values, strict=True)) else found
