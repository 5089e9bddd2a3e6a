"""Hostile text through every channel to the runner; what the runner would read is read back."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faultray_action.github import outputs
from faultray_action.github.check import Section, annotation_row
from faultray_action.github.check import _pack as pack
from faultray_action.github.check import _unpack as unpack
from faultray_action.github.comment import Stamp, read_stamp, slug
from faultray_action.model.artifact import Annotation, AnnotationLevel, Light
from faultray_action.model.diagnostic import Diagnostic, Severity

EVIL = [
    "::set-output name=x::y",
    "a\nverdict<<X\npass\nX",
    "100%\r\n::error::",
    "-->",
    "]]>\x1b[2J",
    "日本語 ✓",
    "@octocat #1",
    "a" * 9000,
    "\ud800 half",
]
text = st.one_of(st.sampled_from(EVIL), st.text(max_size=200))


def parse_outputs(content: str) -> dict[str, str]:
    """What the runner makes of a GITHUB_OUTPUT file."""
    found, lines = {}, content.split("\n")
    while lines and (line := lines.pop(0)):
        name, _, delimiter = line.partition("<<")
        value: list[str] = []
        while (line := lines.pop(0)) != delimiter:
            value.append(line)
        found[name] = "\n".join(value)
    return found


@given(st.dictionaries(st.sampled_from(["verdict", "score-after", "comment-url"]), text))
def test_no_output_can_become_another(tmp_path_factory: pytest.TempPathFactory, values: dict[str, str]) -> None:
    path = tmp_path_factory.mktemp("out") / "output"
    assert outputs.write_outputs(str(path), values) == ()
    readable = {name: value.encode("utf-8", "replace").decode() for name, value in values.items()}
    assert parse_outputs(path.read_bytes().decode() if path.exists() else "") == readable


def test_a_delimiter_that_stands_in_the_value_is_thrown_away(tmp_path: Path) -> None:
    words = iter(["a", "b"])
    outputs.write_outputs(str(tmp_path / "o"), {"x": "faultray_a"}, lambda: next(words))
    assert (tmp_path / "o").read_text() == "x<<faultray_b\nfaultray_a\nfaultray_b\n"


def test_nothing_is_written_outside_a_workflow() -> None:
    assert outputs.write_outputs("", {"a": "b"}) == () and outputs.write_summary("", "x", "y") == ()


def test_a_file_that_cannot_be_written_is_a_diagnostic(tmp_path: Path) -> None:
    [told] = outputs.write_outputs(str(tmp_path / "no" / "such"), {"a": "b"})
    assert told.code == "not-written"


@given(text)
def test_quarantined_text_cannot_end_its_quarantine(evil: str) -> None:
    lines = outputs.quarantined(evil).split("\n")
    token = lines[0].removeprefix("::stop-commands::")
    assert re.fullmatch(r"[0-9a-f]{32}", token) and lines.count(f"::{token}::") == 1 and lines[-2] == f"::{token}::"


def read_command(line: str) -> tuple[str, dict[str, str], str]:
    """What the runner makes of a workflow command."""
    head, _, message = line[2:].partition("::")
    name, _, properties = head.partition(" ")
    pairs = dict(pair.split("=", 1) for pair in properties.split(",")) if properties else {}
    unescape = {"%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ",", "%25": "%"}
    plain = lambda value: re.sub("%0D|%0A|%3A|%2C|%25", lambda match: unescape[match.group()], value)  # noqa: E731
    return name, {key: plain(value) for key, value in pairs.items()}, plain(message)


@given(text, text, text)
def test_a_command_reads_back_as_it_was_meant(title: str, file: str, message: str) -> None:
    line = outputs.command("error", {"title": title[:255], "file": file, "line": "3"}, message)
    assert "\n" not in line and "\r" not in line
    name, properties, said = read_command(line)
    assert name == "error" and properties.get("title", "") == title[:255] and properties.get("file", "") == file
    assert properties["line"] == "3"
    assert said == message or (said.endswith("…") and message.startswith(said[:-1]))


def test_a_long_command_is_cut_to_what_the_runner_takes_and_never_through_an_escape() -> None:
    for shift in range(4):
        line = outputs.command("error", {"file": "a.tf"}, "x" * shift + "%" * 5000)
        assert len(line) <= 4096 and read_command(line)[2] == "x" * shift + "%" * (len(read_command(line)[2]) - shift - 1) + "…"


def test_a_diagnostic_points_to_its_line() -> None:
    line = outputs.diagnostic_command(Diagnostic(Severity.WARNING, "x", "mind\nthis", file=".faultray.yml", line=4))
    assert line == "::warning title=FaultRay,file=.faultray.yml,line=4::mind%0Athis"


def test_the_summary_ends_with_what_could_not_be_posted(tmp_path: Path) -> None:
    path = tmp_path / "summary"
    notes = (Diagnostic(Severity.WARNING, "x", "not\nposted <b>@octocat</b> ![x](http://evil)"),)
    assert outputs.write_summary(str(path), "# whole", "short") == () and outputs.note_in_summary(str(path), notes) == ()
    assert path.read_text() == "# whole\n\n> not posted &lt;b>@\u200boctocat&lt;/b> ![x] (http://evil)\n"


def test_a_summary_beyond_a_mebibyte_falls_back_to_the_comment(tmp_path: Path) -> None:
    path = tmp_path / "summary"
    [told] = outputs.write_summary(str(path), "x" * 1_100_000, "short")
    assert told.code == "summary-cut" and path.read_text() == "short\n"
    path.write_text("y" * (1024 * 1024 - 2))
    assert len(outputs.write_summary(str(path), "whole", "short")) == 1
    assert path.stat().st_size <= 1024 * 1024


@given(text, text, st.integers(0, 2**40), st.integers(1, 9))
def test_a_section_survives_its_hiding_place(key: str, payload: str, run: int, attempt: int) -> None:
    readable = [part.encode("utf-8", "replace").decode() for part in (key, payload)]
    section = Section(readable[0], readable[1], run, attempt)
    hidden = pack(section)
    assert hidden.count("-->") == 1 and "\n" not in hidden
    assert unpack(f"visible --> text\n\n{hidden}\n") == section


@pytest.mark.parametrize(
    "broken", ["", "<!-- faultray-section {} x -->", '<!-- faultray-section {"key": 3} AAAA -->', "<!-- faultray-section {[} -->"]
)
def test_a_broken_section_is_none(broken: str) -> None:
    assert unpack(broken) is None


def test_a_section_that_unpacks_to_too_much_is_none() -> None:
    assert unpack(pack(Section("k", "x" * (1024 * 1024)))) is not None
    assert unpack(pack(Section("k", "x" * (1024 * 1024 + 1)))) is None


@given(text)
def test_a_key_is_safe_in_an_html_comment(name: str) -> None:
    stamp = Stamp(slug(name), "1" * 40, Light.FAIL, Light.PASS)
    line = str(stamp)
    assert line.count("-->") == 1 and "\n" not in line and read_stamp(line + "\nbody") == stamp


@pytest.mark.parametrize(
    "body", ["", "hello", "<!-- faultray-action {} -->", "<!-- faultray-action {broken} -->", "x\n<!-- faultray-action {} -->"]
)
def test_a_body_that_is_not_ours_has_no_stamp(body: str) -> None:
    assert read_stamp(body) is None


HEX = "1" * 40
HOSTILE_STAMPS = [
    '{"head": ' + "[" * 60_000 + "}",
    '{"head": "' + "1" * 60_000 + '", "key": "k", "verdict": "pass"}',
    '{"head": "1", "key": "K k", "verdict": "pass"}',
    '{"head": "1", "key": "k", "verdict": "great"}',
    '{"key": "k", "head": "1", "verdict": "pass"}',
    '{"head": "1", "key": "k", "verdict": "pass", "verdict": "fail"}',
    '{"head": "1", "key": "k", "ping": false, "verdict": "pass"}',
    '{"head": "1", "key": "k", "previous": null, "verdict": "pass"}',
    '{"head": "\\u0031", "key": "k", "verdict": "pass"}',
]


@pytest.mark.parametrize("fields", HOSTILE_STAMPS)
def test_a_stamp_is_what_we_write_and_nothing_else(fields: str) -> None:
    assert read_stamp(f"<!-- faultray-action {fields} -->\nbody") is None


@given(st.sampled_from(Light), st.none() | st.sampled_from(Light), st.booleans(), text)
def test_every_stamp_that_we_write_is_read(light: Light, previous: Light | None, ping: bool, name: str) -> None:
    stamp = Stamp(f"{slug(name)}-{slug(name)}", HEX, light, previous, ping)
    assert read_stamp(f"{stamp}\nbody") == stamp


def test_two_long_names_have_two_keys() -> None:
    names = ["a" * 300, "a" * 301, "a" * 300 + "b"]
    assert len({slug(name) for name in names}) == 3 and all(len(slug(name)) <= 100 for name in names)


@pytest.mark.parametrize(
    "text", ["<!-- faultray-section {" * 2_900, '<!-- faultray-section {"attempt": 1, ' * 1_800, "<!-- faultray-section " + "[" * 65_000]
)
def test_a_hostile_section_costs_nothing(text: str) -> None:
    began = time.process_time()
    assert unpack(text) is None
    assert time.process_time() - began < 0.5


@given(st.integers(-5, 9), st.integers(-5, 9), st.none() | st.integers(1, 9), st.none() | st.integers(1, 9), text, text)
def test_an_annotation_keeps_githubs_limits(start: int, end: int, column: int | None, last: int | None, title: str, message: str) -> None:
    row = annotation_row(Annotation("a.tf", start, end, AnnotationLevel.NOTICE, title, message * 40, message * 40, column, last))
    assert 1 <= row["start_line"] <= row["end_line"] and row["message"] and len(row.get("title", "")) <= 255
    assert ("start_column" in row) == ("end_column" in row) and ("start_column" not in row or row["start_line"] == row["end_line"])
    assert row.get("start_column", 1) <= row.get("end_column", 9)
    assert all(len(row.get(name, "").encode()) <= 64 * 1024 for name in ("message", "raw_details"))
