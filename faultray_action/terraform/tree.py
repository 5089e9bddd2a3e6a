"""The module tree of a plan's `configuration`, by module names without instance keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

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


def walk_modules(configuration: Mapping[str, Any]) -> Iterator[tuple[ModulePath, Mapping[str, Any]]]:
    """Every module of the configuration with its path, parents first."""
    root = configuration.get("root_module")
    pending: list[tuple[ModulePath, Any]] = [((), root)]
    while pending:
        path, module = pending.pop()
        if not isinstance(module, dict):
            continue
        yield path, module
        calls = module.get("module_calls")
        if isinstance(calls, dict):
            pending.extend(
                ((*path, name), call.get("module")) for name, call in sorted(calls.items(), reverse=True) if isinstance(call, dict)
            )


def find_call(configuration: Mapping[str, Any], path: ModulePath) -> Mapping[str, Any] | None:
    """The module call that makes the module at `path`."""
    module: Any = configuration.get("root_module")
    call: Any = None
    for name in path:
        calls = module.get("module_calls") if isinstance(module, dict) else None
        call = calls.get(name) if isinstance(calls, dict) else None
        if not isinstance(call, dict):
            return None
        module = call.get("module")
    return call if isinstance(call, dict) else None
