"""Values as python-hcl2 reads them, with their place in the file.

The scanner finds blocks and attributes. A value is parsed only when it matters where it comes from, and alone, so that whatever else stands in the
file cannot hinder it; what the parser counted is added to where the value starts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from faultray_action.terraform.hcl.scanner import Written, scan
from faultray_action.terraform.hcl.syntax import (
    Attribute,
    Block,
    Body,
    Compound,
    Conditional,
    Constant,
    Expression,
    Opaque,
    Span,
    Step,
    Traversal,
)

_MOST_CHARACTERS = 200_000
_PARSED_CHARACTERS = 300_000
_DEEPEST = 60
_WORD = r"[^\W\d][\w-]*"
_STEP = rf"\.{_WORD}|\[[0-9]{{1,18}}\]|\[\"[^\"\\$%\n]*\"\]|\[(?:each\.key|each\.value|count\.index)\]"
_TRAVERSAL = re.compile(rf"({_WORD})((?:{_STEP})+)")
_STEPS = re.compile(rf"\.({_WORD})|\[([0-9]{{1,18}})\]|\[\"([^\"]*)\"\]|\[({_WORD}\.{_WORD})\]")
_LITERAL = re.compile(r'(-?[0-9]{1,19})|(true|false)|null|"([^"\\$%\n]*)"')
_OPERAND = rf'(?:{_WORD}(?:{_STEP})++|-?\d++(?:\.\d++)?|true|false|null|"[^"\\$%\n]*+")'
_SIDE = rf"\s*+!?\s*+{_OPERAND}\s*+(?:(?:==|!=|<=|>=|<|>|&&|\|\||\+|-|\*|/|%)\s*+!?\s*+{_OPERAND}\s*+)*+"
_OPERATION = re.compile(rf"({_SIDE})(?:\?({_SIDE}):({_SIDE}))?")
_WORDS = re.compile(r'(?<!\[)"[^"]*+"')
_TEMPLATE = re.compile(r'"(?:[^"\\\n]|\\.)*+"')


@dataclass(slots=True)
class Budget:
    """Characters that python-hcl2 may still parse, at 0.4 MB a second; what comes later stays unparsed. Counted, not timed: the same input has the
    same lines."""

    left: int = _PARSED_CHARACTERS

    def spend(self, characters: int) -> bool:
        if characters > min(self.left, _MOST_CHARACTERS):
            return False
        self.left -= characters
        return True


def read_body(text: str, start: int, end: int, budget: Budget, depth: int = 0) -> Body:
    """The body that stands between two offsets. Its values are parsed one by one, when they are asked for."""
    items = tuple(scan(text, start, end)) if depth < _DEEPEST else ()
    return Body(
        tuple(read_attribute(text, item, budget) for item in items if not item.is_block),
        tuple(
            Block(i.name, i.labels, Span(i.start, i.end), read_body(text, i.inside, i.body_end, budget, depth + 1))
            for i in items
            if i.is_block
        ),
    )


def read_attribute(text: str, item: Written, budget: Budget) -> Attribute:
    """An attribute that the scanner found."""
    value = text[item.inside : item.end]
    start = item.inside + len(value) - len(value.lstrip())
    span = Span(start, max(start, item.end))
    return Attribute(
        item.name, Span(item.start, item.end), span, text[start : start + 1] in ("{", "["), lambda: parse_value(text, span, budget)
    )


def parse_value(text: str, span: Span, budget: Budget) -> Expression:
    """The value that stands at `span`: plain literals and references at once, all else by python-hcl2."""
    source = text[span.start : span.end]
    plain = _plain(source, span)
    if plain is not None:
        return plain
    if source.startswith("<<") or not budget.spend(len(source)):
        return Opaque(span, source)
    return _parse(text, source, span.start) or Opaque(span, source)


def parse_string(source: str, span: Span, budget: Budget) -> Expression:
    """A string of the JSON syntax with templates in it; it stands at `span` as a whole."""
    if not budget.spend(len(source)):
        return Opaque(span, source)
    quoted = json.dumps(source, ensure_ascii=False) if '"' not in source else f'"{source}"'
    return _parse(quoted, quoted, 0, span) or Opaque(span, source)


def plain_template(source: str, span: Span) -> Expression | None:
    """A string that is one plain reference, or has no template at all."""
    if "${" not in source and "%{" not in source:
        return Constant(span, source)
    inner = source[2:-1] if source.startswith("${") and source.endswith("}") else ""
    return _plain_traversal(inner.strip(), span)


def _plain(source: str, span: Span) -> Expression | None:
    literal = _LITERAL.fullmatch(source)
    if literal is not None:
        number, truth, text = literal.groups()
        return Constant(span, int(number) if number else truth == "true" if truth else text)
    if source.startswith('"${') and source.endswith('}"'):
        return _plain_traversal(source[3:-2].strip(), span)
    if _TEMPLATE.fullmatch(source):
        return Compound(span, (), is_template=True)
    return _plain_traversal(source, span) or _operation(source, span)


def _operation(source: str, span: Span) -> Expression | None:
    """An operation on plain values, or a condition with such: what it hangs on does not depend on the order of its operators."""
    found = _OPERATION.fullmatch(source)
    if found is None or "\n" in source:
        return None
    test, *branches = (_side(side, span) for side in found.groups() if side is not None)
    return Conditional(span, test, tuple(branches)) if branches else test


def _side(source: str, span: Span) -> Compound:
    code = _WORDS.sub('""', source)
    return Compound(span, tuple(Traversal(span, root, tuple(_plain_steps(steps, span))) for root, steps in _TRAVERSAL.findall(code)))


def _plain_traversal(source: str, span: Span) -> Traversal | None:
    found = _TRAVERSAL.fullmatch(source)
    return Traversal(span, found.group(1), tuple(_plain_steps(found.group(2), span))) if found else None


def _plain_steps(source: str, span: Span) -> Iterator[Step]:
    for name, index, key, computed in _STEPS.findall(source):
        root, _, step = computed.partition(".")
        yield name or (int(index) if index else Traversal(span, root, (step,)) if computed else Constant(span, key))


def _parse(text: str, source: str, start: int, fixed: Span | None = None) -> Expression | None:
    """python-hcl2 and its grammar cost 60 ms: they are loaded where something is parsed, not where this module is imported."""
    from faultray_action.terraform.hcl.hcl2_tree import read_value

    return read_value(text, source, start, fixed)
