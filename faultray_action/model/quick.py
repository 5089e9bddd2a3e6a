"""Frozen values that are quick to make.

The constructor of a frozen dataclass has to go round its own lock for every field, which takes five times as long as filling a plain one. A
plan of ten thousand resources makes a hundred thousand of them.
"""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any, TypeVar

Value = TypeVar("Value")


def quick(cls: type[Value]) -> type[Value]:
    """Give a frozen, slotted dataclass a constructor that fills an instance while it is of an open twin of its class, and locks it then.

    The same signature, the same instances, as frozen as before. Fields with a `default_factory` are not supported.

    >>> from dataclasses import dataclass
    >>> @quick
    ... @dataclass(frozen=True, slots=True)
    ... class Point:
    ...     x: int
    ...     y: int = 0
    >>> Point(1), Point(1) == Point(x=1, y=0), hash(Point(1)) == hash(Point(1))
    (Point(x=1, y=0), True, True)
    """
    described = fields(cls)  # type: ignore[arg-type]
    if any(field.default_factory is not MISSING or not field.init or field.kw_only for field in described):
        raise TypeError(f"{cls.__name__} has a field that a quick value cannot have")
    names = [field.name for field in described]
    defaults = {f"_{field.name}": field.default for field in described if field.default is not MISSING}
    parameters = [f"{name}=_{name}" if f"_{name}" in defaults else name for name in names]
    lines = [
        f"def __init__(self, {', '.join(parameters)}):",
        "unlock(self, '__class__', twin)",
        *(f"self.{name} = {name}" for name in names),
        "self.__class__ = locked",
        *(["self.__post_init__()"] if hasattr(cls, "__post_init__") else []),
    ]
    twin = type(cls.__name__, (), {"__slots__": tuple(names)})
    scope: dict[str, Any] = {**defaults, "unlock": object.__setattr__, "twin": twin, "locked": cls}
    exec("\n    ".join(lines), scope)
    scope["__init__"].__qualname__ = f"{cls.__qualname__}.__init__"
    cls.__init__ = scope["__init__"]  # type: ignore[method-assign]
    return cls
