"""The tree of python-hcl2 in our words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lark import Token, Tree
from msgspec import Struct

from faultray_action.model.text import whole_number
from faultray_action.terraform.hcl.grammar import parse_text
from faultray_action.terraform.hcl.syntax import (
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

Node = Tree[Token]
_HEAD = "value = "
_DEEPEST = 60


def read_value(text: str, source: str, start: int, fixed: Span | None = None) -> Expression | None:
    """The value `source`, which stands at `start` of `text`; None where python-hcl2 cannot read it. `fixed`: one span for all that is in it."""
    tree = parse_text(_HEAD + source)
    attribute = None if tree is None else next(_children(next(_children(tree, "body")), "attribute"), None)
    return None if attribute is None else _Reader(text, start - len(_HEAD), fixed).expression(_subtrees(attribute)[-1], 0)


def _subtrees(node: Node) -> list[Node]:
    return [child for child in node.children if isinstance(child, Tree)]


def _children(node: Node, name: str) -> Iterator[Node]:
    return (child for child in _subtrees(node) if child.data == name)


def _token(node: Node) -> str:
    return str(next(iter(node.scan_values(lambda _: True)), ""))


class _Reader(Struct, frozen=True):
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
                yield whole_number(next(str(child) for child in node.children if str(child).isdecimal())) or 0
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
