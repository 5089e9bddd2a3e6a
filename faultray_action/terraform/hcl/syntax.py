"""What is written in Terraform's code, in either syntax: bodies, attributes and expressions with their place in the text.

Only what tells where a value comes from has a shape of its own; the rest is a `Compound` of its parts. Spans are offsets into the file's text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
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


class Constant(NamedTuple):
    """A literal; `value` where it is a whole number, a plain string or a truth value, else None."""

    span: Span
    value: str | int | bool | None = None


class Traversal(NamedTuple):
    """`root.name[0]["key"]`: a text is a name, a number an index, a constant a key in brackets; `base` instead of `root`: steps into an expression."""

    span: Span
    root: str
    steps: tuple[Step, ...]
    base: Expression | None = None


class Element(NamedTuple):
    """One `key = value` of an object or one element of a tuple; `key` is None where it has to be computed, `computed` then says how."""

    span: Span
    key: str | int | None
    value: Expression
    computed: Expression | None = None


class Collection(NamedTuple):
    """An object or a tuple."""

    span: Span
    elements: tuple[Element, ...]


class Call(NamedTuple):
    span: Span
    name: str
    arguments: tuple[Expression, ...]


class Loop(NamedTuple):
    """A `for` expression; `names` are its own variables and hide others within `parts`."""

    span: Span
    names: tuple[str, ...]
    over: Expression
    parts: tuple[Expression, ...]


class Conditional(NamedTuple):
    """`test ? first : second`."""

    span: Span
    test: Expression
    branches: tuple[Expression, ...]


class Compound(NamedTuple):
    """Operations and templates. `is_template`: text around the parts."""

    span: Span
    parts: tuple[Expression, ...]
    is_template: bool = False


class Opaque(NamedTuple):
    """What was not parsed: heredocs, what python-hcl2 cannot read, and (`is_string`) strings of the JSON syntax until they matter."""

    span: Span
    text: str
    is_string: bool = False


Expression = Constant | Traversal | Collection | Call | Loop | Conditional | Compound | Opaque
Step = str | int | Splat | Constant | Traversal | Collection | Call | Loop | Conditional | Compound | Opaque


@dataclass(slots=True)
class Attribute:
    """`span` of the whole, `value_span` of its value, which is read when somebody asks for it. `is_collection`: it begins with a bracket."""

    name: str
    span: Span
    value_span: Span
    is_collection: bool
    read: Callable[[], Expression]
    _value: Expression | None = None

    @property
    def value(self) -> Expression:
        if self._value is None:
            self._value = self.read()
        return self._value


class Block(NamedTuple):
    type: str
    labels: tuple[str, ...]
    span: Span
    body: Body


class Body(NamedTuple):
    attributes: tuple[Attribute, ...] = ()
    blocks: tuple[Block, ...] = ()

    def attribute(self, name: str) -> Attribute | None:
        return next((attribute for attribute in self.attributes if attribute.name == name), None)


def _parts(expression: Expression) -> Iterator[Expression]:
    """The expressions right within one."""
    match expression:
        case Traversal():
            if expression.base is not None:
                yield expression.base
            yield from (step for step in expression.steps if not isinstance(step, (str, int, Splat)))
        case Collection():
            for element in expression.elements:
                if element.computed is not None:
                    yield element.computed
                yield element.value
        case Call():
            yield from expression.arguments
        case Conditional():
            yield expression.test
            yield from expression.branches
        case Compound():
            yield from expression.parts


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
            pending.extend(_parts(node))
    return next(iter(found.values())) if len(found) == 1 else None
