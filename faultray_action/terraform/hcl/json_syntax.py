"""Terraform's JSON syntax (`.tf.json`, `.tfvars.json`) with the place of every key and value; never fails, broken text gives what came before the break."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from faultray_action.terraform.hcl.parse import plain_template
from faultray_action.terraform.hcl.syntax import Attribute, Block, Body, Collection, Constant, Element, Expression, Opaque, Span

_BLANK = re.compile(r"[\s\ufeff]*+")
_SCALAR = re.compile(r'"((?:[^"\\]|\\.)*+)"|[^\s,:\[\]{}"]++', re.DOTALL)
_DEEPEST = 60
_LABELS = {
    "resource": 2,
    "data": 2,
    "ephemeral": 2,
    "module": 1,
    "variable": 1,
    "output": 1,
    "provider": 1,
    "locals": 0,
    "moved": 0,
    "removed": 0,
}


def read_json(text: str) -> Expression:
    """The value that the text holds; what is missing or broken is an empty object."""
    value, _ = _value(text, 0, 0)
    return value


def read_blocks(text: str) -> tuple[Block, ...]:
    """The top-level blocks of a `.tf.json` file. Everything within a block is an attribute: only providers know which are blocks."""
    found = []
    for element in _elements(read_json(text)):
        if element.key in _LABELS:
            found += list(_blocks(str(element.key), (), element, _LABELS[str(element.key)]))
    return tuple(found)


def body_of(value: Expression) -> Body:
    """The keys of an object as attributes."""
    return Body(tuple(_attribute(element) for element in _elements(value) if element.key != "//"))


def _attribute(element: Element) -> Attribute:
    value = element.value
    return Attribute(str(element.key), element.span, value.span, isinstance(value, Collection), lambda: value)


def _elements(value: Expression) -> Iterator[Element]:
    """The pairs of an object, or of every object in a list: JSON syntax allows either wherever blocks stand."""
    if not isinstance(value, Collection):
        return
    for element in value.elements:
        if isinstance(element.key, str):
            yield element
        elif isinstance(element.value, Collection):
            yield from (inner for inner in element.value.elements if isinstance(inner.key, str))


def _blocks(kind: str, labels: tuple[str, ...], element: Element, missing: int) -> Iterator[Block]:
    if not missing:
        yield Block(kind, labels, element.span, body_of(element.value))
        return
    for inner in _elements(element.value):
        yield from _blocks(kind, (*labels, str(inner.key)), inner, missing - 1)


def _value(text: str, start: int, depth: int) -> tuple[Expression, int]:
    position = _skip(text, start)
    opening = text[position : position + 1]
    if opening in ("{", "[") and depth < _DEEPEST:
        return _collection(text, position, depth, "}" if opening == "{" else "]")
    found = _SCALAR.match(text, position)
    if found is None:
        return Collection(Span(position, position), ()), len(text)
    span = Span(*found.span())
    return _scalar(found.group(), found.group(1), span), found.end()


def _scalar(text: str, quoted: str | None, span: Span) -> Expression:
    if quoted is not None:
        source = _unescape(text, quoted)
        return plain_template(source, span) or Opaque(span, source, is_string=True)
    if text in ("true", "false"):
        return Constant(span, text == "true")
    return Constant(span, int(text) if text.lstrip("-").isdecimal() and len(text) < 20 else None)


def _unescape(text: str, quoted: str) -> str:
    if "\\" not in quoted:
        return quoted
    try:
        return str(json.loads(text, strict=False))
    except ValueError:
        return quoted


def _collection(text: str, start: int, depth: int, closing: str) -> tuple[Collection, int]:
    elements: list[Element] = []
    position = start + 1
    while True:
        position = _skip(text, position)
        if position >= len(text) or text[position] in "}]":
            end = min(position + 1, len(text))
            return Collection(Span(start, end), tuple(elements)), end
        if text[position] in ",:":
            position += 1
            continue
        element, position = _pair(text, position, depth) if closing == "}" else _item(text, position, depth, len(elements))
        elements.append(element)


def _pair(text: str, start: int, depth: int) -> tuple[Element, int]:
    key = _SCALAR.match(text, start)
    if key is None:
        return Element(Span(start, start), None, Constant(Span(start, start))), start + 1
    colon = _skip(text, key.end())
    if text[colon : colon + 1] != ":":
        return Element(Span(*key.span()), None, Constant(Span(*key.span()))), key.end()
    value, end = _value(text, colon + 1, depth + 1)
    return Element(Span(start, end), _unescape(key.group(), key.group(1)) if key.group(1) is not None else key.group(), value), end


def _item(text: str, start: int, depth: int, index: int) -> tuple[Element, int]:
    value, end = _value(text, start, depth + 1)
    return Element(Span(start, max(end, start + 1)), index, value), max(end, start + 1)


def _skip(text: str, position: int) -> int:
    found = _BLANK.match(text, position)
    return found.end() if found else position
