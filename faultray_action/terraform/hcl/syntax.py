"""What is written in Terraform's code, in either syntax: bodies, attributes and expressions with their place in the text.

Only what tells where a value comes from has a shape of its own; the rest is a `Compound` of its parts. Spans are offsets into the file's text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple


class Span(NamedTuple):
    """From `start` to `end`, the offset behind the last character."""

    start: int
    end: int


class Splat(Enum):
    """`[*]` or `.*`: every element."""

    ALL = "*"


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal; `value` where it is a whole number, a plain string or a truth value, else None."""

    span: Span
    value: str | int | bool | None = None


@dataclass(frozen=True, slots=True)
class Traversal:
    """`root.name[0]["key"]`: a text is a name, a number an index, a constant a key in brackets; `base` instead of `root`: steps into an expression."""

    span: Span
    root: str
    steps: tuple[Step, ...]
    base: Expression | None = None


@dataclass(frozen=True, slots=True)
class Element:
    """One `key = value` of an object or one element of a tuple; `key` is None where it has to be computed, `computed` then says how."""

    span: Span
    key: str | int | None
    value: Expression
    computed: Expression | None = None


@dataclass(frozen=True, slots=True)
class Collection:
    """An object or a tuple."""

    span: Span
    elements: tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class Call:
    span: Span
    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Loop:
    """A `for` expression; `names` are its own variables and hide others within `parts`."""

    span: Span
    names: tuple[str, ...]
    over: Expression
    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Conditional:
    """`test ? first : second`."""

    span: Span
    test: Expression
    branches: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Compound:
    """Operations and templates. `is_template`: text around the parts."""

    span: Span
    parts: tuple[Expression, ...]
    is_template: bool = False


@dataclass(frozen=True, slots=True)
class Opaque:
    """What was not parsed: heredocs, and what python-hcl2 cannot read."""

    span: Span
    text: str


Expression = Constant | Traversal | Collection | Call | Loop | Conditional | Compound | Opaque
Step = str | int | Splat | Constant | Traversal | Collection | Call | Loop | Conditional | Compound | Opaque


@dataclass(frozen=True, slots=True)
class Attribute:
    name: str
    span: Span
    value: Expression


@dataclass(frozen=True, slots=True)
class Block:
    type: str
    labels: tuple[str, ...]
    span: Span
    body: Body


@dataclass(frozen=True, slots=True)
class Body:
    attributes: tuple[Attribute, ...] = ()
    blocks: tuple[Block, ...] = ()

    def attribute(self, name: str) -> Attribute | None:
        return next((attribute for attribute in self.attributes if attribute.name == name), None)


_IN_TEXT = re.compile(r'(?<![\w.\-])([^\W\d][\w-]*)((?:\.[^\W\d][\w-]*|\[(?:\d+|"(?:[^"\\]|\\.)*"|\*)\])+)')
_PLAIN_STRING = re.compile(r'"(?:[^"\\$%]|\\.|[$%](?!\{))*+"(?!\])')
_TEMPLATE = re.compile(r"[$%]\{([^}]*)\}")
_SCALAR_ROOTS = frozenset({"path", "terraform", "self", "each", "count"})


def references(expression: Expression) -> tuple[str, ...]:
    """What an expression refers to, each once, as Terraform's plan writes it: up to the first index that has to be computed.

    Numbers and names of the run itself (`path`, `terraform`, `each`, `count`, `self`) and variables of `for` are none.
    """
    return tuple(dict.fromkeys(_references(expression, frozenset())))


def _references(expression: Expression, hidden: frozenset[str]) -> Iterator[str]:
    if isinstance(expression, Opaque):
        yield from (text for text, root in _in_text(expression.text) if root not in hidden | _SCALAR_ROOTS)
        return
    if isinstance(expression, Traversal) and expression.base is None:
        text = write_reference(expression)
        if text and expression.root not in hidden and expression.root not in _SCALAR_ROOTS:
            yield text
    for part, names in _parts(expression):
        yield from _references(part, hidden | names)


def _parts(expression: Expression) -> Iterator[tuple[Expression, frozenset[str]]]:
    """The expressions right within one, with the names that hide others there."""
    none: frozenset[str] = frozenset()
    match expression:
        case Traversal():
            if expression.base is not None:
                yield expression.base, none
            yield from ((step, none) for step in expression.steps if not isinstance(step, (str, int, Splat)))
        case Collection():
            for element in expression.elements:
                if element.computed is not None:
                    yield element.computed, none
                yield element.value, none
        case Call():
            yield from ((argument, none) for argument in expression.arguments)
        case Loop():
            yield expression.over, none
            yield from ((part, frozenset(expression.names)) for part in expression.parts)
        case Conditional():
            yield expression.test, none
            yield from ((branch, none) for branch in expression.branches)
        case Compound():
            yield from ((part, none) for part in expression.parts)


def write_reference(traversal: Traversal) -> str:
    """The text of a reference up to its first computed index; "" where nothing follows the root: a bare name is no reference."""
    text = traversal.root
    for step in traversal.steps:
        if isinstance(step, Constant) and isinstance(step.value, str):
            text += f"[{json.dumps(step.value, ensure_ascii=False)}]"
        elif isinstance(step, (str, int)):
            text += f"[{step}]" if isinstance(step, int) else f".{step}"
        else:
            break
    return text if text != traversal.root else ""


def _in_text(text: str) -> Iterator[tuple[str, str]]:
    """(reference, root) of what looks like a reference in unparsed text; of a heredoc only what stands in its templates."""
    pieces: Sequence[str] = _TEMPLATE.findall(text) if text.startswith("<<") else (_PLAIN_STRING.sub('""', text),)
    for piece in pieces:
        for root, steps in _IN_TEXT.findall(piece):
            yield root + steps.split("[*]")[0], root


def sole_reference(expression: Expression) -> Traversal | None:
    """The one value that a condition, an operation or a call hangs on, all else in it being constant; None where there are several or none."""
    found: dict[tuple[str, tuple[Step, ...]], Traversal] = {}
    pending: list[Expression] = [expression]
    while pending:
        node = pending.pop()
        if isinstance(node, (Loop, Opaque)):
            return None
        if isinstance(node, Traversal) and node.base is None and node.steps:
            steps = tuple(step for step in node.steps if isinstance(step, (str, int)))
            found.setdefault((node.root, steps), node)
        else:
            pending.extend(part for part, _ in _parts(node))
    return next(iter(found.values())) if len(found) == 1 else None
