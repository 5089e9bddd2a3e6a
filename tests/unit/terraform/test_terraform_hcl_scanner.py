"""The scanner and the parser of values: never fail, and agree with python-hcl2 wherever it can read a text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lark import Token, Tree

from faultray_action.terraform.hcl.grammar import parse_text
from faultray_action.terraform.hcl.mentions import references_in
from faultray_action.terraform.hcl.parse import Budget, parse_value, read_body
from faultray_action.terraform.hcl.scanner import scan
from faultray_action.terraform.hcl.syntax import (
    Body,
    Collection,
    Conditional,
    Constant,
    Expression,
    Opaque,
    Span,
    Traversal,
    sole_reference,
    write_reference,
)

ROOT = Path(__file__).parents[3]
SCENARIOS = ROOT.parent / "shared" / "scenarios"

words = st.from_regex(r"[a-z][a-z0-9_-]{0,6}", fullmatch=True)
texts = st.text(st.sampled_from('ab1 ."\\${}%#/*<-\n=[](),?:é\r\t~'), max_size=80)
pieces = st.sampled_from(
    [
        '"',
        "${",
        "}",
        "{",
        "\n",
        "<<EOT\n",
        "EOT\n",
        "  EOT\n",
        "<<-A-B\n",
        "#",
        "//",
        "/*",
        "*/",
        " x = ",
        'resource "a" "b" {',
        "\\",
        "%{ if x }",
        "\ufeff",
    ]
)
scalars = st.one_of(
    st.sampled_from(
        [
            "true",
            "null",
            "12",
            "-3",
            "1.5",
            '"a"',
            '"}"',
            '"{"',
            '"# no"',
            '"// no"',
            '"a\\"b"',
            '"$${x}"',
            '"%%{x}"',
            "var.x",
            'var.m["k"].v',
        ]
    ),
    words.map(lambda w: f'"${{var.{w}}}-{w}"'),
    words.map(lambda w: f'"${{"a" == "{w}" ? "}}" : "{{"}}"'),
    words.map(lambda w: f'<<-EOT\n    {w} }} {{ "\n    ${{var.{w}}}\n  EOT'),
    words.map(lambda w: f"<<{w}\n}}\n  {w}x\n{w}"),
)
values = st.recursive(
    scalars.filter(lambda v: "<<" not in v),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda v: "[" + ", ".join(v) + "]"),
        st.lists(inner, max_size=3).map(lambda v: "[\n" + ",\n".join(v) + "\n]"),
        st.lists(st.tuples(words, inner), max_size=3).map(lambda v: "{\n" + "".join(f"{k} = {x} # }}\n" for k, x in v) + "}"),
        st.lists(inner, min_size=1, max_size=3).map(lambda v: "f(" + ", ".join(v) + ")"),
        st.tuples(inner, inner).map(lambda v: f"var.on ? {v[0]} : {v[1]}"),
        inner.map(lambda v: f"[for k, s in local.m : {v}]"),
    ),
    max_leaves=6,
)
attributes = st.tuples(
    words.filter(lambda w: w not in ("for", "in", "if", "null", "true", "false", "else", "endif")), st.one_of(values, scalars)
)
lines = st.one_of(
    attributes.map(lambda a: f"  {a[0]} = {a[1]}\n"),
    st.sampled_from(["# }\n", "// {\n", "/* } */\n", "\n", "/* a\n } b */\n"]),
    st.tuples(words, st.lists(attributes, max_size=2)).map(
        lambda b: f"  {b[0]} {{\n" + "".join(f"    {k} = {v}\n" for k, v in b[1]) + "  }\n"
    ),
)
blocks = st.tuples(words, st.lists(words, max_size=2), st.lists(lines, max_size=5)).map(
    lambda b: " ".join([b[0], *(f'"{label}"' for label in b[1])]) + " {\n" + "".join(b[2]) + "}\n"
)
files = st.lists(st.one_of(blocks, st.sampled_from(["\n", "# {\n", "/* { */\n"])), max_size=4).map("".join)


def trees(node: Tree[Token], name: str) -> Iterator[Tree[Token]]:
    return (child for child in node.children if isinstance(child, Tree) and child.data == name)


def shape(node: Tree[Token], text: str) -> list[tuple[object, ...]]:
    """(start, end, inner) of the attributes and blocks of a body of python-hcl2's tree, in order."""
    body = next(trees(node, "body"))
    found: list[tuple[object, ...]] = []
    for child in body.children:
        if isinstance(child, Tree) and child.data in ("attribute", "block"):
            end = child.meta.start_pos + len(text[child.meta.start_pos : child.meta.end_pos].rstrip())
            found.append((child.meta.start_pos, end, shape(child, text) if child.data == "block" else []))
    return found


def scanned(text: str, start: int, end: int) -> list[tuple[object, ...]]:
    return [(i.start, i.end, scanned(text, i.inside, i.body_end) if i.is_block else []) for i in scan(text, start, end)]


def check_agreement(text: str) -> bool:
    tree = parse_text(text)
    if tree is None:
        return False
    assert scanned(text, 0, len(text)) == shape(tree, text + "\n")
    return True


@given(st.one_of(st.text(max_size=60), texts, st.lists(pieces, max_size=14).map("".join)))
def test_scanner_never_fails_and_keeps_order(text: str) -> None:
    position = 0
    for item in scan(text):
        assert position <= item.start < item.inside <= item.end <= len(text)
        position = item.end
    body = read_body(text, 0, len(text), Budget())
    for attribute in body.attributes:
        assert attribute.span.start <= attribute.value_span.start <= attribute.value_span.end
        assert isinstance(attribute.value, tuple)
    assert all(text.count(part.split(".")[0]) for part in references_in(text))


@given(files)
def test_scanner_agrees_with_the_tree_on_generated_code(text: str) -> None:
    check_agreement(text)


@given(files)
def test_line_ends_of_windows_change_no_line(text: str) -> None:
    def numbers(source: str) -> list[tuple[int, int]]:
        return [(source.count("\n", 0, item.start), source.count("\n", 0, item.end)) for item in scan(source)]

    assert numbers(text) == numbers(text.replace("\n", "\r\n"))


def test_generated_code_is_readable_to_the_tree() -> None:
    """Otherwise the agreement above would say nothing."""
    seen = []

    @settings(max_examples=40, derandomize=True, database=None)
    @given(files)
    def count(text: str) -> None:
        seen.append(check_agreement(text))

    count()
    assert sum(seen) > 0.8 * len(seen)


@pytest.mark.skipif(not SCENARIOS.is_dir(), reason="the shared scenarios are not here")
def test_scanner_agrees_with_the_tree_on_real_code() -> None:
    """Every third file: parsing whole files with python-hcl2 is slow."""
    paths = sorted(SCENARIOS.glob("*/after/**/*.tf"))[::3]
    assert sum(check_agreement(path.read_text("utf-8")) for path in paths) == len(paths)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('a { x = "}" }', [("a", True)]),
        ("a {\n  x = <<EOT\n}\nEOT\n}\nb {}", [("a", True), ("b", True)]),
        ("a {\n  x = <<-EOT\n  ${jsonencode({})}\n  EOT\n}\nb {}", [("a", True), ("b", True)]),
        ('a { x = "${f("}")}" }\nb {}', [("a", True), ("b", True)]),
        ('a { x = "%{ if true }}%{ endif }" }\nb {}', [("a", True), ("b", True)]),
        ("/* a {} */ b {}\n# c {}\n// d {}\ne {}", [("b", True), ("e", True)]),
        ('a = "x\nb {}', [("a", False), ("b", True)]),
        ("x = [\n  1, # ]\n  2\n]\ny = 3 # z = 4\n", [("x", False), ("y", False)]),
        ("a {\n x = 1\n", [("a", True)]),
        ("} ] )\na {}", [("a", True)]),
        ("\ufeffa {}", [("a", True)]),
        ("a {\r\n  x = <<EOT\r\n}\r\nEOT\r\n}\r\nb {}\r\n", [("a", True), ("b", True)]),
        ("x == 1\ny {}", [("y", True)]),
        ("x = <<EOT\nnever closed\ny {}", [("x", False)]),
    ],
)
def test_blocks_and_attributes(text: str, expected: list[tuple[str, bool]]) -> None:
    assert [(item.name, item.is_block) for item in scan(text)] == expected


def test_scanner_is_linear_in_hostile_text() -> None:
    for text in (
        "a" * 40_000,
        '"' * 40_000,
        "<<A\n" * 4_000,
        "${" * 20_000,
        "a {" * 10_000,
        "/*" * 20_000,
        "\\" * 40_000,
        " \t" * 20_000,
    ):
        sum(1 for _ in scan(text))
        references_in(text)


VALUE = st.one_of(
    values, st.sampled_from(["<<EOT\n${aws_lb.x.arn}\nEOT", "data.a.b[*].c", "module.a.b.0", "x.y.*.z", "[]", "{}", "!var.a", "1 + var.b"])
)


@given(VALUE)
def test_values_are_read_with_their_place(value: str) -> None:
    text = f"# é\nx = {value}\n"
    item = next(scan(text))
    span = Span(item.end - len(value.rstrip()), item.end)
    found = parse_value(text, span, Budget())
    assert text[span.start : span.end] == value
    assert span.start <= found.span.start <= found.span.end <= span.end
    if not value.startswith(('"', "(")):
        assert found.span == span
    if isinstance(found, Collection):
        for element in found.elements:
            assert span.start < element.span.start <= element.value.span.start <= element.value.span.end <= element.span.end < span.end


def test_a_value_that_cannot_be_parsed_is_opaque() -> None:
    assert isinstance(parse_value("x = 1e10", Span(4, 8), Budget()), Opaque | Constant)
    assert parse_value("x = {a = 1}", Span(4, 11), Budget(3)) == Opaque(Span(4, 11), "{a = 1}")


def test_plain_values_need_no_parser() -> None:
    """Read at once, they must be what the parser would make of them."""
    for source in (
        "3",
        "true",
        "false",
        '"a b"',
        "var.a",
        'var.a["k"].b',
        "local.a[0].b",
        "local.m[each.key].n",
        '"${var.a.b}"',
        "data.a.b.c",
    ):
        span = Span(0, len(source))
        plain = parse_value(source, span, Budget(0))
        parsed = parse_value(f"({source})", Span(0, len(source) + 2), Budget())
        assert not isinstance(plain, Opaque)
        if isinstance(plain, Traversal) and isinstance(parsed, Traversal):
            assert plain.root == parsed.root
            assert [type(step) for step in plain.steps] == [type(step) for step in parsed.steps]
        elif isinstance(plain, Constant) and isinstance(parsed, Constant):
            assert plain.value == parsed.value
        else:
            pytest.fail(f"{source}: {plain} is not {parsed}")


OPERANDS = st.sampled_from(["var.a", "local.b[0].c", 'var.m["k"]', "3", "-1", "true", '"x.y"', "!var.on", "each.value.n", "1.5"])


@given(
    st.lists(OPERANDS, min_size=1, max_size=3), st.lists(st.sampled_from([">", "==", "&&", "||", "+", "*", "?"]), min_size=2, max_size=2)
)
def test_operations_on_plain_values_hang_on_the_same(operands: list[str], operators: list[str]) -> None:
    """Without and with the parser."""
    source = operands[0]
    for operand, operator in zip(operands[1:], operators, strict=False):
        source = f"{source} ? {operand} : 7" if operator == "?" else f"{source} {operator} {operand}"
    plain = parse_value(source, Span(0, len(source)), Budget(0))
    parsed = parse_value(f"({source})", Span(0, len(source) + 2), Budget())
    if not isinstance(plain, Opaque):
        assert hangs_on(plain) == hangs_on(parsed)
        assert isinstance(plain, Conditional) == isinstance(parsed, Conditional)
        if isinstance(plain, Conditional) and isinstance(parsed, Conditional):
            assert hangs_on(plain.test) == hangs_on(parsed.test)


def hangs_on(expression: Expression) -> str | None:
    found = sole_reference(expression)
    return write_reference(found) if found else None


def walk(tree: Tree[Token]) -> Iterator[str]:
    """Reference texts in python-hcl2's tree, without loop variables; heredocs, which it leaves unparsed, have none."""
    hidden = {str(t) for intro in tree.find_data("for_intro") for t in intro.scan_values(lambda t: t.type == "NAME")}
    for node in tree.iter_subtrees():
        if node.data == "get_attr_expr_term":
            root = next(node.scan_values(lambda _: True))
            if getattr(root, "type", "") == "NAME" and str(root) not in hidden | {"each", "count", "path", "terraform", "self"}:
                yield str(root)


@pytest.mark.skipif(not SCENARIOS.is_dir(), reason="the shared scenarios are not here")
def test_references_have_the_roots_of_the_tree() -> None:
    for path in sorted(SCENARIOS.glob("*/after/**/*.tf"))[1::5]:
        text = path.read_text("utf-8")
        if "<<" in text:
            continue
        tree = parse_text(text)
        assert tree is not None
        found = {re.split(r"[.\[]", reference)[0] for item in scan(text) for reference in references_in(text[item.inside : item.end])}
        assert set(walk(tree)) - found == set(), path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("aws_subnet.private[0].id", ("aws_subnet.private[0].id",)),
        ("aws_subnet.private[*].id", ("aws_subnet.private",)),
        ("aws_subnet.private.*.id", ("aws_subnet.private",)),
        ("aws_x.y[each.key].id", ("aws_x.y",)),
        ('module.a["k.l"].out', ('module.a["k.l"].out',)),
        ("module.a.out.0", ("module.a.out[0]",)),
        ('"a.b ${var.c} $${not.this}"', ("var.c",)),
        ('"${data.a.b.c}-${"x.y"}-${f(local.d)}"', ("data.a.b.c", "local.d")),
        ("<<EOT\nplain.text ${aws_lb.x.arn}\nEOT", ("aws_lb.x.arn",)),
        ("{ for k, v in local.m : k => v.n if v.on }", ("local.m",)),
        ("path.module == terraform.workspace ? self.x : 1.5", ()),
        ("merge(var.a, { b = local.c.d }) # var.no", ("var.a", "local.c.d")),
        ("[\n  aws_a.b.c,\n  aws_a.b.c,\n]", ("aws_a.b.c",)),
        ("10.5 + x", ()),
    ],
)
def test_references(text: str, expected: tuple[str, ...]) -> None:
    assert references_in(text) == expected


def test_bodies_nest() -> None:
    text = 'lifecycle {\n  ignore = [x.y]\n}\ndynamic "a" {\n  content {\n    b = 1\n  }\n}\n'
    body = read_body(text, 0, len(text), Budget())
    assert isinstance(body, Body)
    assert [(block.type, block.labels) for block in body.blocks] == [("lifecycle", ()), ("dynamic", ("a",))]
    assert body.blocks[1].body.blocks[0].body.attributes[0].value == Constant(Span(text.index("1"), text.index("1") + 1), 1)
