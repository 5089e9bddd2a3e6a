"""A comment keeps GitHub's limits and the reader's patience, whatever is in the document."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_samples import CONTEXT, EVIL, NAMES, hostile, poisoned, sample, tokens

from faultray_action.report import markdown, summary
from faultray_action.report.document import Cause, Document, SpofRow
from faultray_action.report.links import PLAIN

OUR_HTML = re.compile(r"</?(code|details|summary|b|sub|br)/?>|<br>|<!-- faultray:x -->")


def fits(text: str, budget: int) -> bool:
    return len(text) <= budget and len(text.encode("utf-8")) <= budget


def check_markup(text: str) -> None:
    """No HTML but ours, links to our server only, nothing alive outside code."""
    in_code = False
    for token in tokens(text):
        if token.type in ("html_block", "html_inline"):
            in_code = token.content == "<code>"
            left = OUR_HTML.sub("", re.sub(r"<summary>.*?</summary>", "", token.content))
            assert "<" not in left and ">" not in left, token.content
        if token.type == "link_open":
            assert str(token.attrs["href"]).startswith("https://github.com/acme/shop/")
        assert token.type != "image"
        if token.type in ("text", "text_special") and not in_code:
            assert not re.search(r"@\w|#\d|https?://|\bwww\.", token.content), token.content


def check_tables(text: str) -> None:
    """Every row of a table has the columns of its header: GitHub would cut or pad it silently."""
    width = 0
    for line in text.splitlines():
        cells = len(re.findall(r"(?<!\\)\|", re.sub(r"`[^`]*`", "", line))) if line.startswith("| ") else 0
        if cells and width:
            assert cells == width, line
        width = cells or (width if line.startswith("|:") else 0)


def check_whole(text: str) -> None:
    """Nothing is cut inside a fence or a folded part."""
    assert len(re.findall(r"^<details>$", text, re.M)) == len(re.findall(r"^</details>$", text, re.M))
    fence = ""
    for line in text.splitlines():
        match = re.match(r"(`{3,})(\w*)$", line)
        if match and not fence:
            fence = match.group(1)
        elif match and match.group(1) == fence and not match.group(2):
            fence = ""
    assert not fence


def check(text: str, budget: int = markdown.COMMENT_BUDGET) -> None:
    assert fits(text, budget)
    check_markup(text)
    check_tables(text)
    check_whole(text)


@pytest.mark.parametrize("name", NAMES)
def test_every_form_keeps_the_limits(name: str) -> None:
    text = markdown.render(sample(name), CONTEXT)
    check(text)
    assert markdown.visible_lines(text) <= markdown.VISIBLE_LINES
    assert text.startswith("<!-- faultray:x -->\n")
    assert "](http" not in markdown.render(sample(name), PLAIN)


@pytest.mark.parametrize("name", ["neutral", "nothing_serves"])
def test_a_quiet_change_is_one_line(name: str) -> None:
    assert markdown.visible_lines(markdown.render(sample(name), CONTEXT)) == 1


@pytest.mark.parametrize("name", ["regression", "cut_off_and_apply", "could_not_compute", "unknown_decides", "drift"])
@given(evil=hostile)
@settings(max_examples=25)
def test_hostile_text_in_every_string(name: str, evil: str) -> None:
    document = poisoned(name, lambda text: text + evil)
    text = markdown.render(document, CONTEXT)
    check(text)
    assert markdown.visible_lines(text) <= markdown.VISIBLE_LINES


@pytest.mark.parametrize("evil", EVIL)
def test_known_evil_alone_in_every_string(evil: str) -> None:
    document = poisoned("cut_off_and_apply", lambda text: evil)
    check(markdown.render(document, CONTEXT))
    check(summary.render(document, CONTEXT), summary.SUMMARY_BUDGET)
    check(markdown.render_comment([document, sample()], CONTEXT))


def many(count: int, name: str = "aws_ecs_service.worker") -> Document:
    document = sample()
    rows = tuple(
        SpofRow(
            address=f'module.shop["{at:03d}"].{name}',
            event="copy",
            takes_down=("aws_lb.checkout",),
            recovery="self-heals",
            cause=(Cause(address=f'module.shop["{at:03d}"].{name}', attribute="count", before=3, after=1, file=f"m/{at}.tf", line=at + 1),),
            points=-0.01 * at,
        )
        for at in range(count)
    )
    return msgspec.structs.replace(document, spofs=msgspec.structs.replace(document.spofs, new=rows))


@pytest.mark.parametrize("count", [1, 6, 50, 400, 3000])
@pytest.mark.parametrize("name", ["aws_ecs_service.worker", "漢" * 300, "|`" * 300])
def test_a_long_report_is_cut_between_blocks(count: int, name: str) -> None:
    document = many(count, name)
    text = markdown.render(document, CONTEXT)
    check(text)
    assert markdown.visible_lines(text) <= markdown.VISIBLE_LINES
    assert f"{count:,} new single point" in text
    check(summary.render(document, CONTEXT), summary.SUMMARY_BUDGET)
    check(summary.render_check(document, CONTEXT), 65_535)


@given(st.lists(st.sampled_from(NAMES), min_size=2, max_size=40))
@settings(max_examples=15)
def test_many_plans_make_one_comment(names: list[str]) -> None:
    text = markdown.render_comment([msgspec.structs.replace(sample(name), title=f"envs/{at}") for at, name in enumerate(names)], CONTEXT)
    check(text)
    assert markdown.visible_lines(text) <= markdown.VISIBLE_LINES
    assert f"{len(names)} plans" in text


def test_the_worst_plan_comes_first() -> None:
    text = markdown.render_comment([sample("improvement"), sample("regression"), sample("could_not_compute")], CONTEXT)
    assert text.index("could not compute") < text.index("86 → **58**") < text.index("58 → **86**")


def test_the_order_of_plans_does_not_matter() -> None:
    plans = [msgspec.structs.replace(sample(name), title=name) for name in NAMES]
    assert markdown.render_comment(plans, CONTEXT) == markdown.render_comment(plans[::-1], CONTEXT)


def test_no_document_is_refused() -> None:
    with pytest.raises(ValueError):
        markdown.render_comment([], CONTEXT)


def test_a_failed_gate_is_never_shown_as_met() -> None:
    document = sample("mixed")
    assert "**69.6**" in markdown.render(document, CONTEXT)


def test_what_could_not_be_computed_is_red_and_says_what_to_do() -> None:
    text = markdown.render(sample("could_not_compute"), CONTEXT)
    assert "🔴" in text and "> [!CAUTION]" in text and "terraform show -json" in text


def test_warn_mode_says_that_it_would_fail() -> None:
    assert "🟠" in markdown.render(sample("warn_mode"), CONTEXT)
    assert "would fail (warn mode)" in markdown.render(sample("warn_mode"), CONTEXT)


def test_a_waived_finding_is_not_counted_as_new() -> None:
    document = sample()
    waived = tuple(msgspec.structs.replace(row, waived="W1") for row in document.spofs.new)
    text = markdown.render(msgspec.structs.replace(document, spofs=msgspec.structs.replace(document.spofs, new=waived)), CONTEXT)
    assert "new single points of failure.**" not in text and "waived: `W1`" in text
