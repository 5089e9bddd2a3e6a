"""How deep a text of others nests: a parser written in C that recurses into 100,000 brackets ends the process, and no `except` sees it."""

from __future__ import annotations

from collections.abc import Iterable

MAX_DEPTH = 500
"""No file that a person or a program wrote for us comes near."""

_OPENS = frozenset({"MappingStartEvent", "SequenceStartEvent"})
_CLOSES = frozenset({"MappingEndEvent", "SequenceEndEvent"})


def nests_deeper(events: Iterable[object], limit: int = MAX_DEPTH) -> bool:
    """Whether the events of a YAML parser (which does not recurse) open more than `limit` mappings and sequences inside each other."""
    depth = 0
    for event in events:
        name = type(event).__name__
        if name in _OPENS:
            depth += 1
            if depth > limit:
                return True
        elif name in _CLOSES:
            depth -= 1
    return False
