"""Blocks and values as python-hcl2 reads them, with their place in the file; by the scanner alone where python-hcl2 cannot.

Only what is asked for is parsed: the text of one block or one value at a time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from faultray_action.terraform.hcl.scanner import Written, scan
from faultray_action.terraform.hcl.syntax import (
    Attribute,
    Block,
    Body,
    Call,
    Collection,
    Compound,
    Conditional,
    Constant,
    Element,
    Expression,
    Loop,
    Opaque,
    Span,
    Splat,
    Step,
    Traversal,
)

if TYPE_CHECKING:
    from lark import Token, Tree

    Node = Tree[Token]

_MOST_CHARACTERS = 200_000
"""A larger block or value goes to the scanner alone: python-hcl2 reads 0.4 MB a second."""
_DEEPEST = 60


def parse_block(text: str, block: Written, *, quick: bool = False) -> Body:
    """The body of a block. `quick`: by the scanner alone, its values unparsed.

    The tree's places are right by construction: the block's text is parsed alone and what the parser counted is added to where it starts.
    """
    source = text[block.start : block.end]
    tree = None if quick or len(source) > _MOST_CHARACTERS else _tree(source)
    if tree is not None:
        found = next(_children(next(_children(tree, "body")), "block"), None)
        if found is not None:
            return _Reader(text, block.start).body(next(_children(found, "body")), 0)
    return _scan_body(text, block.inside, block.body_end, quick, 0)


def parse_value(text: str, span: Span) -> Expression:
    """The value of an attribute that stands at `span`."""
    source = text[span.start : span.end]
    tree = _tree("value = " + source) if len(source) <= _MOST_CHARACTERS else None
    attribute = None if tree is None else next(_children(next(_children(tree, "body")), "attribute"), None)
    if attribute is None:
        return Opaque(span, source)
    return _Reader(text, span.start - len("value = ")).expression(_subtrees(attribute)[-1], 0)


def parse_template(source: str, span: Span) -> Expression:
    """A string of the JSON syntax, which stands at `span` as a whole."""
    if "${" not in source and "%{" not in source:
        return Constant(span, source)
    escaped = json.dumps(source, ensure_ascii=False) if '"' not in source else f'"{source}"'
    tree = _tree(f"value = {escaped}")
    attribute = None if tree is None else next(_children(next(_children(tree, "body")), "attribute"), None)
    if attribute is None:
        return Opaque(span, source)
    return _Reader(source, 0, span).expression(_subtrees(attribute)[-1], 0)


def scanned_attribute(text: str, item: Written, *, quick: bool = False) -> Attribute:
    """An attribute that the scanner found."""
    start = item.inside + len(text[item.inside : item.end]) - len(text[item.inside : item.end].lstrip())
    span = Span(start, max(start, item.end))
    value = Opaque(span, text[span.start : span.end]) if quick else parse_value(text, span)
    return Attribute(item.name, Span(item.start, item.end), value)


def _scan_body(text: str, start: int, end: int, quick: bool, depth: int) -> Body:
    items = tuple(scan(text, start, end)) if depth < _DEEPEST else ()
    return Body(
        tuple(scanned_attribute(text, item, quick=quick) for item in items if not item.is_block),
        tuple(
            Block(i.name, i.labels, Span(i.start, i.end), _scan_body(text, i.inside, i.body_end, quick, depth + 1))
            for i in items
            if i.is_block
        ),
    )


def _tree(source: str) -> Node | None:
    """The grammar costs 60 ms: it is loaded where something is parsed, not where this module is imported."""
    from faultray_action.terraform.hcl.grammar import parse_text

    return parse_text(source)


def _subtrees(node: Node) -> list[Node]:
    from lark import Tree

    return [child for child in node.children if isinstance(child, Tree)]


def _children(node: Node, name: str) -> Iterator[Node]:
    return (child for child in _subtrees(node) if child.data == name)


def _token(node: Node) -> str:
    return str(next(iter(node.scan_values(lambda _: True)), ""))


@dataclass(frozen=True, slots=True)
class _Reader:
    """Turns the tree into our words. `offset`: where the parsed text starts in the file; `fixed`: one span for everything (JSON strings)."""

    text: str
    offset: int
    fixed: Span | None = None

    def span(self, node: Node) -> Span:
        """Without the line break that the parser counts to a heredoc."""
        if self.fixed is not None:
            return self.fixed
        start, end = (getattr(node.meta, "start_pos", 0) + self.offset, getattr(node.meta, "end_pos", 0) + self.offset)
        return Span(start, start + len(self.text[start:end].rstrip()))

    def body(self, node: Node, depth: int) -> Body:
        return Body(
            tuple(self._attribute(child) for child in _children(node, "attribute")),
            tuple(self._block(child, depth) for child in _children(node, "block") if depth < _DEEPEST),
        )

    def _attribute(self, node: Node) -> Attribute:
        subtrees = _subtrees(node)
        return Attribute(_token(subtrees[0]), self.span(node), self.expression(subtrees[-1], 0))

    def _block(self, node: Node, depth: int) -> Block:
        head = [child for child in _subtrees(node) if child.data not in ("body", "new_line_or_comment")]
        labels = tuple(self._label(child) for child in head[1:])
        return Block(_token(head[0]), labels, self.span(node), self.body(next(_children(node, "body")), depth + 1))

    def _label(self, node: Node) -> str:
        return "".join(_token(part) for part in _children(node, "string_part")) if node.data == "string" else _token(node)

    def expression(self, node: Node, depth: int) -> Expression:
        if depth > _DEEPEST:
            return Opaque(self.span(node), "")
        inner = [child for child in _subtrees(node) if child.data != "new_line_or_comment"]
        match node.data:
            case "expr_term" | "interpolation" if len(inner) == 1:
                return self.expression(inner[0], depth + 1)
            case "identifier":
                return Traversal(self.span(node), _token(node), ())
            case "int_lit" | "float_lit" | "literal_value":
                return self._literal(node)
            case "string":
                return self._string(node, inner, depth)
            case "get_attr_expr_term" | "index_expr_term" | "attr_splat_expr_term" | "full_splat_expr_term":
                return self._traversal(node, inner, depth)
            case "tuple":
                elements = enumerate(inner)
                return Collection(self.span(node), tuple(self._element(item, index, depth) for index, item in elements))
            case "object":
                return Collection(self.span(node), tuple(self._pair(child, depth) for child in inner))
            case "function_call":
                return self._call(node, inner, depth)
            case "for_tuple_expr" | "for_object_expr":
                return self._loop(node, inner, depth)
            case "heredoc_template" | "heredoc_template_trim":
                return Opaque(self.span(node), _token(node))
            case "conditional" if len(inner) == 3:
                test, *branches = self._all(inner, depth)
                return Conditional(self.span(node), test, tuple(branches))
            case _:
                return Compound(self.span(node), self._all(inner, depth))

    def _all(self, nodes: Iterable[Node], depth: int) -> tuple[Expression, ...]:
        """Expressions among the parts of a node; operators and the text of templates are none."""
        return tuple(self.expression(child, depth + 1) for child in nodes if child.data != "binary_operator")

    def _literal(self, node: Node) -> Constant:
        token = _token(node)
        if token in ("true", "false"):
            return Constant(self.span(node), token == "true")
        return Constant(self.span(node), int(token) if token.lstrip("-").isdecimal() and len(token) < 20 else None)

    def _string(self, node: Node, parts: list[Node], depth: int) -> Expression:
        """A string that is one template only is what stands in it."""
        templates = [part for part in parts if _subtrees(part)]
        if not templates:
            source = "".join(_token(part) for part in parts)
            return Constant(self.span(node), source.replace('\\"', '"').replace("\\\\", "\\"))
        inner = [child for part in templates for child in _subtrees(part)]
        if len(parts) == 1 and inner[0].data == "interpolation":
            return self.expression(inner[0], depth + 1)
        return Compound(self.span(node), self._all(inner, depth), is_template=True)

    def _traversal(self, node: Node, inner: list[Node], depth: int) -> Traversal:
        base = self.expression(inner[0], depth + 1)
        steps = tuple(step for child in inner[1:] for step in self._steps(child, depth))
        if isinstance(base, Traversal):
            return Traversal(self.span(node), base.root, (*base.steps, *steps), base.base)
        return Traversal(self.span(node), "", steps, base)

    def _steps(self, node: Node, depth: int) -> Iterator[Step]:
        inner = [child for child in _subtrees(node) if child.data != "new_line_or_comment"]
        match node.data:
            case "get_attr":
                yield _token(inner[0])
            case "short_index":
                yield int(next(str(child) for child in node.children if str(child).isdecimal()))
            case "braces_index":
                index = self.expression(inner[0], depth + 1)
                whole = isinstance(index, Constant) and isinstance(index.value, int) and not isinstance(index.value, bool)
                yield index.value if isinstance(index, Constant) and whole and isinstance(index.value, int) else index
            case "attr_splat" | "full_splat":
                yield Splat.ALL
                for child in inner:
                    yield from self._steps(child, depth)

    def _element(self, node: Node, index: int, depth: int) -> Element:
        return Element(self.span(node), index, self.expression(node, depth + 1))

    def _pair(self, node: Node, depth: int) -> Element:
        key, value = _subtrees(node)[0], _subtrees(node)[-1]
        name = self.expression(_subtrees(key)[0], depth + 1) if next(_children(key, "keyword"), None) is None else None
        written = self.expression(value, depth + 1)
        if name is None:
            return Element(self.span(node), _token(key), written)
        if isinstance(name, Traversal) and not name.steps and name.base is None:
            return Element(self.span(node), name.root, written)
        if isinstance(name, Constant) and name.value is not None:
            return Element(self.span(node), str(name.value), written)
        return Element(self.span(node), None, written, name)

    def _call(self, node: Node, inner: list[Node], depth: int) -> Call:
        names = "::".join(_token(child) for child in inner if child.data == "identifier")
        arguments = [child for group in inner if group.data == "arguments" for child in _subtrees(group)]
        return Call(self.span(node), names, self._all((a for a in arguments if a.data != "new_line_or_comment"), depth))

    def _loop(self, node: Node, inner: list[Node], depth: int) -> Expression:
        intro, *parts = inner
        head = [child for child in _subtrees(intro) if child.data != "new_line_or_comment"]
        names = tuple(_token(child) for child in head[:-1])
        conditions = [child for part in parts if part.data == "for_cond" for child in _subtrees(part)]
        bodies = [part for part in parts if part.data != "for_cond"] + [c for c in conditions if c.data != "new_line_or_comment"]
        return Loop(self.span(node), names, self.expression(head[-1], depth + 1), self._all(bodies, depth))
