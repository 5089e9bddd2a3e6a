"""Help that teaches, mistakes in one line, the four exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from command_runs import ORDER, PLAN, STATE, run
from hypothesis import given, settings
from hypothesis import strategies as st

from faultray_action import __version__, cli

EVERY = [(name,) for name in cli.COMMANDS] + [("catalogue", name) for name in ("list", "show", "check")]


@pytest.fixture(autouse=True)
def fresh_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", EVERY, ids=" ".join)
def test_every_command_says_what_it_does_and_shows_an_example(command: tuple[str, ...]) -> None:
    ran = run(*command, "--help")
    assert ran.code == 0 and not ran.err
    assert "Example" in ran.out and f"faultray {command[0]}" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80
    assert not [line for line in ran.out.splitlines() if line.strip().startswith("--") and len(line.split()) < 2]


def test_the_door_names_every_command() -> None:
    ran = run("--help")
    assert ran.code == 0 and all(f"  {name} " in ran.out for name in cli.COMMANDS)
    assert run().code == 3 and "tf-check" in run().out


def test_the_version_is_told() -> None:
    assert run("--version").out == f"faultray, version {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("tf-chek", PLAN), "did you mean `tf-check`?"),
        (("xyz",), "`faultray --help` lists them"),
        (("simulate", "--htlm", "x.html"), "--html"),
        (("tf-check",), "Missing argument"),
        (("tf-check", PLAN, "--format", "jsn"), "json"),
        (("tf-check", PLAN, "--min-score", "many"), "--min-score"),
        (("simulate", ORDER, "--slo", "200"), "0 to 100"),
        (("schema", "foo"), "infra"),
        (("graph", PLAN, "--side", "left"), "before"),
        (("explain", PLAN, "aws_db_instance.mian"), "did you mean aws_db_instance.main"),
        (("replay", "zone:nowhere", PLAN), "zone:"),
        (("replay", "copy:postgres#0", ORDER, "--side", "before"), "one side only"),
        (("catalogue", "show", "aws_db_instnce"), "did you mean `aws_db_instance`?"),
        (("catalogue", "list", "--provider", "gogle"), "did you mean `google`?"),
        (("catalogue", "chek"), "check"),
        (("backtest", "--incident", "zzz"), "faultray backtest"),
        (("tf-check", PLAN, "--config", "nowhere.yml"), "nowhere.yml"),
    ],
)
def test_a_wrong_word_is_answered_with_the_right_one(arguments: tuple[object, ...], hint: str) -> None:
    ran = run(*arguments)
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.startswith("faultray: ") and ran.err.count("\n") == 1
    assert hint in ran.err


READERS = (
    ("tf-check",),
    ("simulate",),
    ("availability",),
    ("agents",),
    ("graph",),
    ("load",),
    ("tf-import",),
    ("publish",),
    ("replay", "x"),
    ("catalogue", "check"),
)
BROKEN = {
    "nothing.json": None,
    "empty.json": b"",
    "brace.json": b"{",
    "list.json": b"[1]",
    "object.json": b"{}",
    "wide.json": b"\xff\xfe\x00",
    "zip.json": b"PK\x03\x04rest",
    "text.yaml": b"components: [",
    "key.yaml": b"components:\n  - {id: a, tpye: database}\n",
    "tab.yaml": b"components:\n\t- a\n",
    "binary.yaml": b"\x00\xff\xfe",
    "deep.json": b"[" * 100_000,
    "folder": None,
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("command", READERS, ids=" ".join)
def test_what_cannot_be_read_is_one_sentence(command: tuple[str, ...], name: str, fresh_folder: Path) -> None:
    path, content = fresh_folder / name, BROKEN[name]
    if name == "folder":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    ran = run(*command, name)
    assert ran.code == (3 if command[0] == "catalogue" else 2), ran
    assert ran.err.startswith("faultray: ") and ran.err.count("\n") == 1 and "defect" not in ran.err
    assert name in ran.err


def test_an_error_in_infra_yaml_has_its_line_and_the_nearest_key(fresh_folder: Path) -> None:
    (fresh_folder / "infra.yaml").write_text("components:\n  - id: a\n    tpye: database\n")
    for command in ("load", "simulate"):
        assert "infra.yaml:3: `components[0].tpye` is no known key; did you mean `type`?" in run(command, "infra.yaml").err


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def _mutated(data: st.DataObject, whole: bytes) -> bytes:
    """A real file with one value replaced, a key renamed, or cut off somewhere."""
    if data.draw(st.booleans()):
        return whole[: data.draw(st.integers(0, len(whole) - 1))]
    document = json.loads(whole)
    at = document
    for _ in range(data.draw(st.integers(0, 6))):
        inner = [v for v in (at.values() if isinstance(at, dict) else at) if isinstance(v, dict | list) and v]
        if not inner:
            break
        at = data.draw(st.sampled_from(inner))
    if isinstance(at, dict):
        at[data.draw(st.sampled_from(sorted(at)))] = data.draw(_JSON)
    else:
        at[data.draw(st.integers(0, len(at) - 1))] = data.draw(_JSON)
    return json.dumps(document).encode()


@settings(max_examples=40)
@given(data=st.data())
@pytest.mark.parametrize(("command", "path"), [("tf-import", STATE), ("simulate", ORDER), ("graph", PLAN), ("publish", None)])
def test_no_file_makes_a_traceback(command: str, path: Path | None, data: st.DataObject) -> None:
    if path is ORDER:
        text = data.draw(st.text(max_size=40)) if data.draw(st.booleans()) else ""
        cut = data.draw(st.integers(0, len(ORDER.read_bytes())))
        whole = ORDER.read_bytes()
        content = whole[:cut] + text.encode("utf-8", "replace") + whole[cut:]
        name = "some.yaml"
    else:
        content = data.draw(st.binary(max_size=60)) if path is None else _mutated(data, path.read_bytes())
        name = "some.json"
    Path(name).write_bytes(content)
    ran = run(command, name)
    assert ran.code in (0, 1, 2)
    assert "defect" not in ran.err and "Traceback" not in ran.err
    assert ran.code == 0 or ran.err.startswith("faultray: ")


def _shell(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    code = "from faultray_action.cli import main; main()"
    env = {**os.environ, **environment}
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, env=env, check=False, timeout=60)


def test_the_shell_completes_names_and_options() -> None:
    def completed(words: str, position: int) -> list[str]:
        ran = _shell(_FAULTRAY_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(position))
        return [line.partition(",")[2] for line in ran.stdout.splitlines()]

    assert completed("faultray tf-", 1) == ["tf-check", "tf-import"]
    assert "--min-score" in completed("faultray tf-check --min", 2)
    assert "mermaid" in completed("faultray graph plan.json --format ", 4)
    assert "complete" in _shell(_FAULTRAY_COMPLETE="bash_source").stdout


def test_a_reader_that_goes_away_is_no_error() -> None:
    code = "from faultray_action.cli import main; main()"
    pipe = subprocess.Popen(
        [sys.executable, "-c", code, "catalogue", "list"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert pipe.stdout is not None and pipe.stderr is not None
    pipe.stdout.readline()
    pipe.stdout.close()
    error = pipe.stderr.read()
    pipe.stderr.close()
    assert pipe.wait(30) == 0
    assert b"Traceback" not in error and b"BrokenPipe" not in error


def test_a_defect_is_one_line_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("no\nway")

    monkeypatch.setattr("faultray_action.commands.common.sides_of", broken)
    monkeypatch.delenv("FAULTRAY_DEBUG", raising=False)
    ran = run("graph", PLAN)
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert "ZeroDivisionError: no way" in ran.err
    monkeypatch.setenv("FAULTRAY_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        run("graph", PLAN)
