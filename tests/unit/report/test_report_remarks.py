"""Annotations and workflow commands keep the limits of GitHub."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import given, settings
from report_samples import EVIL, NAMES, hostile, poisoned, sample

from faultray_action.model.artifact import AnnotationLevel
from faultray_action.report import remarks, store
from faultray_action.report.document import Document

COMMAND = re.compile(r"::(error|warning|notice) ([^:\r\n]*)::([^\r\n]*)")


def read(line: str) -> tuple[str, dict[str, str], str]:
    """A command as the runner reads it."""
    match = COMMAND.fullmatch(line)
    assert match, line
    pairs = dict(pair.split("=", 1) for pair in match.group(2).split(","))
    return match.group(1), pairs, match.group(3)


def check(document: Document) -> None:
    lines = remarks.commands(document)
    for line in lines:
        kind, pairs, _ = read(line)
        assert len(line) <= remarks.MAX_COMMAND
        assert set(pairs) <= {"file", "line", "endLine", "col", "endColumn", "title"}
        assert "col" not in pairs or pairs["line"] == pairs["endLine"]
        assert sum(1 for other in lines if other.startswith(f"::{kind} ")) <= remarks.MAX_COMMANDS
    for one in remarks.annotate(document):
        assert 1 <= one.start_line <= one.end_line
        assert len(one.title) <= 255 and 0 < len(one.message.encode("utf-8")) <= 64 * 1024
        assert one.start_column is None or one.start_line == one.end_line
    assert len(remarks.annotate(document)) <= remarks.MAX_ANNOTATIONS
    assert 0 < len(remarks.check_title(document)) <= 255 and "\n" not in remarks.check_title(document)


@pytest.mark.parametrize("name", NAMES)
def test_every_form_keeps_the_limits(name: str) -> None:
    check(sample(name))


@pytest.mark.parametrize("name", ["regression", "cut_off_and_apply", "could_not_compute"])
@given(evil=hostile)
@settings(max_examples=25)
def test_hostile_text_stays_inside_its_command(name: str, evil: str) -> None:
    check(poisoned(name, lambda text: text + evil))


@pytest.mark.parametrize("evil", EVIL)
def test_known_evil_alone_in_every_string(evil: str) -> None:
    check(poisoned("cut_off_and_apply", lambda text: evil))


def many(count: int) -> Document:
    document = sample()
    rows = tuple(
        msgspec.structs.replace(document.spofs.new[1], address=f"aws_ecs_service.s{at}", points=-float(at), fingerprint="")
        for at in range(count)
    )
    return store.canonical(msgspec.structs.replace(document, spofs=msgspec.structs.replace(document.spofs, new=rows)))


def test_at_most_two_hundred_the_most_costly_first() -> None:
    told = remarks.annotate(many(400))
    assert len(told) == 200
    assert "worth 399 points" in told[0].message and "worth 200 points" in told[-1].message


def test_the_tenth_command_tells_how_many_are_left() -> None:
    lines = remarks.commands(many(15))
    assert len(lines) == 10 and "6 more in the job summary" in lines[-1]


def test_a_remark_stands_at_the_attribute_that_caused_it() -> None:
    first = remarks.annotate(sample())[0]
    assert (first.path, first.start_line, first.start_column, first.end_column) == ("modules/orders/main.tf", 23, 3, 24)
    assert first.level is AnnotationLevel.FAILURE


def test_warn_mode_and_waivers_soften_the_level() -> None:
    assert {one.level for one in remarks.annotate(sample("warn_mode"))} == {AnnotationLevel.WARNING}
    document = sample()
    waived = tuple(msgspec.structs.replace(row, waived="W1") for row in document.spofs.new)
    softened = msgspec.structs.replace(document, spofs=msgspec.structs.replace(document.spofs, new=waived))
    assert {one.level for one in remarks.annotate(softened)} == {AnnotationLevel.NOTICE}


def test_the_merge_box_says_the_result() -> None:
    assert remarks.check_title(sample()) == "Resilience 86 → 58 (−28) · 2 new single points of failure"
    assert remarks.check_title(sample("could_not_compute")).startswith("Could not compute: ")
