"""Names cannot leave the place they are quoted in."""

from __future__ import annotations

import json
import re
import unicodedata
from xml.etree import ElementTree

import pytest
from hypothesis import given
from report_samples import EVIL, hostile, tokens

from faultray_action.report import escape

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def invisible(text: str) -> list[str]:
    return [character for character in text if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")]


@given(hostile)
def test_visible_text_has_no_control_or_format_character(text: str) -> None:
    assert not invisible(escape.visible(text))


@given(hostile)
def test_visible_keeps_what_was_visible(text: str) -> None:
    if not invisible(text):
        assert escape.visible(text) == text


@given(hostile)
def test_a_code_span_in_a_table_keeps_the_columns(text: str) -> None:
    seen = tokens(f"| a | b |\n|:--|--:|\n| {escape.code(text)} | 1 |\n| x | 2 |\n")
    assert [token.type for token in seen].count("td_open") == 4
    assert [token.type for token in seen].count("table_open") == 1
    assert all(token.content in ("<code>", "</code>") for token in seen if token.type in ("html_inline", "html_block"))
    assert not {"link_open", "image", "em_open", "strong_open", "fence", "heading_open"} & {token.type for token in seen}


@given(hostile)
def test_a_code_span_shows_the_name(text: str) -> None:
    seen = tokens(f"x {escape.code(text, 10_000)} y")
    shown = "".join(token.content for token in seen if token.type in ("code_inline", "text", "text_special")).replace("\u200b", "")
    assert (escape.visible(text).strip() or "(empty)") in shown


@given(hostile)
def test_prose_makes_no_markup_no_mention_no_link(text: str) -> None:
    seen = tokens(f"- {escape.prose(text)} end")
    assert {token.type for token in seen} <= {
        "bullet_list_open", "list_item_open", "paragraph_open", "inline", "text", "text_special",
        "paragraph_close", "list_item_close", "bullet_list_close",
    }  # fmt: skip
    shown = "".join(token.content for token in seen if token.type in ("text", "text_special"))
    assert not re.search(r"@\w|#\d|https?://|\bwww\.|\bgh-\d", shown, re.IGNORECASE)


@given(hostile)
def test_a_fence_holds_its_lines(text: str) -> None:
    seen = tokens("\n".join(["before", "", *escape.fence([text, "```", text], "diff"), "", "after"]))
    fences = [token for token in seen if token.type == "fence"]
    assert len(fences) == 1
    assert fences[0].content.count("\n") == 3
    assert [token.content for token in seen if token.type == "inline"] == ["before", "after"]


@given(hostile)
def test_a_workflow_command_is_one_line_and_reads_back(text: str) -> None:
    line = f"::error title={escape.command_property(text)}::{escape.command_data(text)}"
    assert "\n" not in line and "\r" not in line
    head, data = line[2:].split("::", 1)
    title = head.removeprefix("error title=")
    assert "," not in title and ":" not in title
    assert decoded(title) == text and decoded(data) == text


def decoded(text: str) -> str:
    for code, character in (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        text = text.replace(code, character)
    return text


@given(hostile)
def test_xml_reads_back(text: str) -> None:
    root = ElementTree.fromstring(f'<a b="{escape.xml_text(text)}">{escape.xml_text(text)}</a>')
    assert root.tag == "a" and not list(root)


@given(hostile)
def test_html_text_opens_no_tag(text: str) -> None:
    assert not set('<>"') & set(escape.html_text(text))


@given(hostile)
def test_a_url_path_stays_a_path(text: str) -> None:
    path = escape.url_path(text)
    assert re.fullmatch(r"[\w\-.~%/]*", path, re.ASCII)
    assert ".." not in path.split("/") and not path.startswith("/")


@given(hostile)
def test_a_mermaid_label_has_nothing_that_ends_it(text: str) -> None:
    label = escape.mermaid_label(text)
    assert not set('"`<>[](){}|&:') & set(label.replace("#40;", "").replace("#41;", "")) - set("()")
    assert re.sub(r"#\d+;", "", label).count("#") == 0


@pytest.mark.parametrize("text", EVIL)
def test_long_names_are_cut_in_the_middle(text: str) -> None:
    shown = escape.plain(text, 40)
    assert len(shown) <= 40
    assert json.loads(json.dumps(shown)) == shown
