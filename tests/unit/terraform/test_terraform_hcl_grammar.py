"""The kept grammar is the one that python-hcl2 builds, and a bad file of it is replaced."""

from __future__ import annotations

from pathlib import Path

import pytest

from faultray_action.terraform.hcl import grammar

CODE = 'a "b" {\n  x = [for s in var.y : s.z if s.on]\n  h = <<-EOT\n    ${var.x}\n  EOT\n  n { y = -1.5 }\n  o = { "k" = !var.a && var.b, (var.c) : null }\n}\n'


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(grammar, "_FOLDER", tmp_path)
    return tmp_path


def test_the_kept_grammar_reads_the_same(kept: Path) -> None:
    path = grammar.warm_grammar()
    assert path is not None and [path] == list(kept.iterdir())
    known = grammar._read(path)
    assert known is not None
    assert known.parse(CODE) == grammar._build().parse(CODE)


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x80\x05N.", b"\x80\x05\x8c\x01xQ.", b"\x80\x05cnowhere\nnothing\n."])
def test_a_bad_file_is_replaced(kept: Path, content: bytes) -> None:
    grammar._kept().write_bytes(content)
    assert grammar._read(grammar._kept()) is None
    path = grammar.warm_grammar()
    assert path is not None and grammar._read(path) is not None


def test_a_folder_that_may_not_be_written_is_no_error(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grammar, "_FOLDER", kept / "missing")
    assert grammar.warm_grammar() is None


def test_what_cannot_be_parsed_is_none() -> None:
    assert grammar.parse_text("a = ") is None
    assert grammar.parse_text("a = " + "(" * 3000) is None
    assert grammar.parse_text("a = " + "(" * 3000 + "1" + ")" * 3000) is not None
