"""Markdown as GitHub reads it: what is alive in a text that holds names of strangers."""

from __future__ import annotations

import html
import re

from markdown_it import MarkdownIt
from markdown_it.token import Token

ALIVE = re.compile(r"@\w|#\d|\bGH-\d|https?://|\bwww\.")
"""What GitHub makes a mention, a reference or a link of, in text that stands in no code; in HTML too, once its entities are read."""
OUR_HTML = re.compile(r"</?(code|details|summary|b|sub|br)/?>|<br>|<!-- faultray[^>]*-->")


def tokens(text: str) -> list[Token]:
    """All tokens, inline ones too."""
    parser = MarkdownIt("commonmark", {"html": True, "linkify": False}).enable(["table", "strikethrough"])
    return [inner for token in parser.parse(text) for inner in (token, *(token.children or []))]


def check_markup(text: str, server: str) -> None:
    """No HTML but ours, links to `server` only, no images, and nothing that GitHub would bring to life outside of code."""
    in_code = False
    for token in tokens(text):
        if token.type in ("html_block", "html_inline"):
            in_code = token.content == "<code>"
            left = OUR_HTML.sub("", token.content)
            assert "<" not in left and ">" not in left, token.content
            outside = html.unescape(re.sub(r"<code>.*?</code>", "", token.content))
            assert not ALIVE.search(outside), token.content
        if token.type == "link_open":
            assert str(token.attrs["href"]).startswith(server), token.attrs
        assert token.type != "image"
        if token.type in ("text", "text_special") and not in_code:
            assert not ALIVE.search(token.content), token.content
