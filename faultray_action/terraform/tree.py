"""The module tree of a plan's `configuration`, by module names without instance keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from faultray_action.model.address import Address, Index

ModulePath = tuple[str, ...]
"""Names of nested module calls from the root; () is the root module."""


@lru_cache(maxsize=65536)
def module_steps(address: str) -> tuple[tuple[str, Index], ...]:
    """(name, instance key) of each step of a module instance address; () for the root or a text that is no module address."""
    if not address:
        return ()
    try:
        return tuple((step.name, step.index) for step in Address.parse(f"{address}.x.x").module)
    except ValueError:
        return ()


def module_path(address: str) -> ModulePath:
    return tuple(name for name, _ in module_steps(address))


def mapping(value: Any) -> Mapping[str, Any]:
    """A JSON object, or an empty one where something else stands."""
    return value if isinstance(value, dict) else {}


def references_of(expression: Any) -> list[str] | None:
    """The references of an expression; None where it is no expression that has any."""
    found = expression.get("references") if isinstance(expression, dict) else None
    return found if isinstance(found, list) and all(isinstance(text, str) for text in found) else None


def rows_of(module: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The resources of a configuration module that have a type and a name."""
    rows = module.get("resources")
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and isinstance(row.get("type"), str) and isinstance(row.get("name"), str):
            yield row


def walk_modules(configuration: Mapping[str, Any]) -> Iterator[tuple[ModulePath, Mapping[str, Any]]]:
    """Every module of the configuration with its path, parents first."""
    pending: list[tuple[ModulePath, Any]] = [((), configuration.get("root_module"))]
    while pending:
        path, module = pending.pop()
        if isinstance(module, dict):
            yield path, module
            calls = sorted(mapping(module.get("module_calls")).items(), reverse=True)
            pending.extend(((*path, name), mapping(call).get("module")) for name, call in calls)


def share_modules(configuration: Mapping[str, Any]) -> None:
    """Make the bodies of module calls that are equal one and the same object, from the innermost out: who reads a body reads it once for
    all of its calls."""
    bodies: dict[bytes, Any] = {}
    for _, module in reversed(list(walk_modules(configuration))):
        for call in mapping(module.get("module_calls")).values():
            if isinstance(call, dict) and isinstance(call.get("module"), dict):
                call["module"] = bodies.setdefault(msgspec.json.encode(call["module"]), call["module"])


def find_call(configuration: Mapping[str, Any], path: ModulePath) -> Mapping[str, Any]:
    """The module call that makes the module at `path`; {} where there is none."""
    module = mapping(configuration.get("root_module"))
    call: Mapping[str, Any] = {}
    for name in path:
        call = mapping(mapping(module.get("module_calls")).get(name))
        module = mapping(call.get("module"))
    return call
