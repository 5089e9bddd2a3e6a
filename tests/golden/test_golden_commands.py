"""docs/commands.md shows what the commands print: each block is run again; --update-golden rewrites the blocks."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from faultray_action import cli
from faultray_action.declared.read import DEMO

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "commands.md"
FILES = Path(__file__).parent / "commands"
FIXTURE = ROOT / "fixtures" / "rds-multi-az-off"
BLOCK = re.compile(r"<!-- command: (?P<command>.*?) -->\n(?:\n?```text\n.*?\n```\n)?", re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh machine with the files that the page names."""
    for path in FILES.iterdir():
        shutil.copy(path, tmp_path / path.name)
    for path in (FIXTURE / "after").glob("*.tf"):
        shutil.copy(path, tmp_path / path.name)
    shutil.copy(FIXTURE / "plan.json", tmp_path / "plan.json")
    shutil.copy(DEMO, tmp_path / "demo.yaml")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FAULTRAY_TODAY", "2026-01-31")
    monkeypatch.setenv("NO_COLOR", "1")
    return tmp_path


def test_the_page_shows_what_the_commands_print(
    folder: Path, capsys: pytest.CaptureFixture[str], golden: Callable[[Path, str], None]
) -> None:
    def shown(match: re.Match[str]) -> str:
        return f"<!-- command: {match['command']} -->\n\n```text\n{_run(match['command'], capsys)}\n```\n"

    page = PAGE.read_text(encoding="utf-8")
    assert page.count("<!-- command:") >= 15
    golden(PAGE, BLOCK.sub(shown, page))


def _run(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    """The command as typed, what it printed (stdout, then stderr), and its exit code where that is not 0."""
    typed, _, head = command.partition(" | head -")
    program, *arguments = shlex.split(typed)
    assert program == "faultray"
    code = cli.run(arguments)
    printed = capsys.readouterr()
    lines = printed.out.rstrip("\n").splitlines()
    kept = lines[: int(head)] if head else [*lines, *printed.err.rstrip("\n").splitlines()]
    if head and len(kept) < len(lines):
        kept.append("…")
    assert not any("Traceback" in line for line in kept)
    return "\n".join([f"$ {command}", *kept, *([f"(exit code {code})"] if code else [])])


def test_the_page_tells_every_command() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [name for name in cli.COMMANDS if f"### `{name}" not in page] == []
