"""Small parts that rows of an infra.yaml are made of."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]
"""Keys and values of one mapping in the file, in the order they are written."""


def with_unit(value: float, unit: str) -> str | float:
    """`25ms`; the bare number where it needs more digits than one reads."""
    text = f"{value:.12g}"
    return text + unit if "e" not in text and float(text) == value else value


def filled(**values: Any) -> Row:
    """The values that say something: what is empty, zero or false is a default of the schema."""
    return {name: value for name, value in values.items() if value}
