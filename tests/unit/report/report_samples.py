"""What the report tests share: a sample document, hostile text, and readers that see what a reader's machine would see."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from faultray_action.report import store
from faultray_action.report.document import Document
from faultray_action.report.links import Context

DOCUMENTS = Path(__file__).parents[2] / "golden" / "report_documents"
NAMES = sorted(path.stem for path in DOCUMENTS.glob("*.json") if "." not in path.stem)
CONTEXT = Context(server_url="https://github.com", repository="acme/shop", sha="0" * 40, marker="<!-- faultray:x -->")

EVIL = (
    "",
    " ",
    "|",
    "a|b|c",
    "a\\|b",
    "\\",
    "\\\\|",
    "`",
    "``",
    "```\n# x",
    "a`b``c",
    "\n\n| x |",
    "\r\n::error::pwned",
    "::error file=a::pwned",
    "##[error]pwned",
    "::stop-commands::x",
    "@octocat",
    "@org/team",
    "#123",
    "acme/shop#1",
    "GH-12",
    "https://evil.example/x",
    "www.evil.example",
    "me@evil.example",
    "[x](https://evil.example)",
    "![x](https://evil.example/i.png)",
    "<https://evil.example>",
    "<img src=x onerror=alert(1)>",
    "</details><script>alert(1)</script>",
    "<!-- faultray:other -->",
    "-->",
    "</code></td>",
    "&lt;script&gt;",
    "&#64;octocat",
    "**bold** _i_ ~~s~~",
    "- item",
    "1. item",
    "> quote",
    "===",
    "$x^2$",
    "\x1b[31mred\x1b]0;title\x07",
    "\u202egnp.exe",
    "\u2066a\u2069",
    "a\u200bb",
    "\x00",
    "\x85",
    "\u2028x",
    "\ufffe",
    "%0A::error::x",
    "%",
    "]]>",
    '"; DROP',
    "'",
    "${{ secrets.X }}",
    "{{ x }}",
    "end",
    "é漢字😀",
    "x" * 5000,
    "😀" * 3000,
    "`" * 400,
    "|" * 400,
    "../../etc/passwd",
    "a b/c?d#e%2F.tf",
)
hostile = st.one_of(
    st.sampled_from(EVIL),
    st.text(max_size=60),
    st.lists(st.sampled_from(EVIL), min_size=2, max_size=4).map("".join),
    st.text(alphabet="`|\\<>@#[]()!*_~:\n\r\x1b&$%-=.123abc ", max_size=40),
)


def sample(name: str = "regression") -> Document:
    return store.load((DOCUMENTS / f"{name}.json").read_bytes(), name)


_OURS = frozenset({"schema_version", "verdict", "mode", "recommendation", "version", "date"})


def poisoned(name: str, poison: Callable[[str], str]) -> Document:
    """The sample with every string of it, keys of mappings too, replaced by what `poison` makes of it."""
    plain = json.loads((DOCUMENTS / f"{name}.json").read_text("utf-8"))
    return store.load(json.dumps(_poison(plain, poison, keep=_OURS)).encode("utf-8"))


def _poison(value: Any, poison: Callable[[str], str], keep: frozenset[str] = frozenset()) -> Any:
    if isinstance(value, dict):
        return {key: inner if key in keep else _poison(inner, poison) for key, inner in value.items()}
    if isinstance(value, list):
        return [_poison(inner, poison) for inner in value]
    return poison(value) if isinstance(value, str) else value


def tokens(markdown: str) -> list[Token]:
    """All tokens, inline ones too, of the text as GitHub's dialect reads it."""
    parser = MarkdownIt("commonmark", {"html": True, "linkify": False}).enable(["table", "strikethrough"])
    return [inner for token in parser.parse(markdown) for inner in (token, *(token.children or []))]
