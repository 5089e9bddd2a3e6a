"""The one door for YAML that others wrote: plain values with the lines they stand in, within bounds; what is wrong has a line and a sentence.

Safer and narrower than a loader: only the tags of the core schema, no key twice, nothing that unfolds or nests without end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml
from msgspec import Struct

from faultray_action.model.nesting import MAX_DEPTH, nests_deeper

Route = tuple[str | int, ...]
"""Keys and list positions from the top of the file down to a value."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CORE = "tag:yaml.org,2002:"
_SCALARS = frozenset(_CORE + name for name in ("null", "bool", "int", "float", "str", "timestamp"))
_TEXT = _CORE + "str"
_MERGE = _CORE + "merge"
_LONGEST_NUMBER = 100
"""Characters; Python refuses to print numbers of some thousand digits, and nobody states one."""
_LONGEST_QUOTED = 60
_SAYS_NOTHING = (ValueError, ArithmeticError, LookupError, AttributeError, TypeError)
"""What PyYAML's constructors raise for a tagged scalar that is none of its tag (`!!int ''`, `!!timestamp x`, `!!bool 7`)."""


class YamlError(Exception):
    """What is wrong, as a sentence without its file. `line` is 0 where it is the file as a whole."""

    def __init__(self, problem: str, line: int = 0) -> None:
        super().__init__(problem)
        self.problem = problem
        self.line = line

    def at(self, name: str) -> str:
        """`file:line: problem`."""
        return f"{name}:{self.line}: {self.problem}" if self.line else f"{name}: {self.problem}"


class YamlTree(Struct, frozen=True):
    """`value` is None for an empty file; `lines` has the line of each value by its route."""

    value: Any
    lines: Mapping[Route, int]

    def written(self, route: Route) -> Route:
        """The route, or that of the nearest thing around it that is written down."""
        while route and route not in self.lines:
            route = route[:-1]
        return route

    def line(self, route: Route) -> int:
        """The line of the value, or of the nearest thing around it."""
        return self.lines.get(self.written(route), 1)


def read_yaml(content: bytes | str, most_values: int) -> YamlTree:
    """Mappings become dicts with text keys, sequences lists. Raises YamlError.

    `most_values` counts what aliases unfold to, too.
    """
    text = _decoded(content)
    try:
        if nests_deeper(yaml.parse(text, Loader=_LOADER)):
            raise _too_deep()
        loader = _LOADER(text)
        try:
            node = loader.get_single_node()
            reader = _Reader(loader, most_values)
            return YamlTree(reader.value(node, ()), reader.lines) if node else YamlTree(None, {})
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise _of_parser(error) from error
    except RecursionError as error:
        raise _too_deep() from error


def _decoded(content: bytes | str) -> str:
    if isinstance(content, str):
        return content
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise YamlError("this is not UTF-8: save the file as UTF-8", line) from error


def _too_deep() -> YamlError:
    return YamlError(f"it nests deeper than {MAX_DEPTH} levels")


def _of_parser(error: yaml.YAMLError) -> YamlError:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "this is no YAML"
    return YamlError(str(problem), mark.line + 1 if mark else 1)


class _Reader:
    """Nodes to plain values, remembering lines."""

    def __init__(self, loader: Any, most_values: int) -> None:
        self._loader = loader
        self._most = most_values
        self._seen = 0
        self.lines: dict[Route, int] = {}

    def value(self, node: yaml.Node, route: Route) -> Any:
        self._seen += 1
        if self._seen > self._most:
            raise YamlError(f"it unfolds to more than {self._most:,} values: use fewer aliases")
        self.lines.setdefault(route, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, route)
        if isinstance(node, yaml.SequenceNode):
            self._check_tag(node, "seq")
            return [self.value(item, (*route, position)) for position, item in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, route: Route) -> dict[str, Any]:
        self._check_tag(node, "map")
        found: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node)
            if key in found or (key_node.tag == _MERGE and merged):
                raise _wrong(key_node, f"`{_short(key)}` is written twice: keep one")
            if key_node.tag == _MERGE:
                merged = self._merged(value_node, route)
            else:
                self.lines[(*route, key)] = key_node.start_mark.line + 1
                found[key] = self.value(value_node, (*route, key))
        return {**merged, **found}

    def _key(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise _wrong(node, "a key must be text")
        return _whole(node)

    def _merged(self, node: yaml.Node, route: Route) -> dict[str, Any]:
        """What `<<: *other` brings: a mapping or several, of which the earlier ones win."""
        brought = self.value(node, route)
        found: dict[str, Any] = {}
        for one in brought if isinstance(brought, list) else [brought]:
            if not isinstance(one, dict):
                raise _wrong(node, "`<<` takes a mapping or a list of mappings")
            found = {**one, **found}
        return found

    def _scalar(self, node: yaml.Node) -> Any:
        if node.tag not in _SCALARS:
            raise _foreign(node)
        text = _whole(node)
        if node.tag == _TEXT:
            return text
        if len(text) > _LONGEST_NUMBER:
            raise _wrong(node, f"`{_short(text)}` cannot be read (it is too long)")
        try:
            return self._loader.construct_object(node)
        except _SAYS_NOTHING as error:
            kind = node.tag.removeprefix(_CORE)
            raise _wrong(node, f"`{_short(text)}` cannot be read (it is no {kind})") from error

    def _check_tag(self, node: yaml.Node, kind: str) -> None:
        if node.tag != _CORE + kind:
            raise _foreign(node)


def _whole(node: yaml.Node) -> str:
    """The text of a scalar. Half a surrogate pair, which some parsers let through, can be written nowhere."""
    text = str(node.value)
    if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
        raise _wrong(node, "half a surrogate pair is no character")
    return text


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_QUOTED else text[:_LONGEST_QUOTED] + "…"


def _foreign(node: yaml.Node) -> YamlError:
    return _wrong(node, f"the tag `{_short(str(node.tag))}` has no place here")


def _wrong(node: yaml.Node, problem: str) -> YamlError:
    return YamlError(problem, node.start_mark.line + 1)
