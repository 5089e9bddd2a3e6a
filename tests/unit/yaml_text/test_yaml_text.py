"""The door of YAML: plain values or one sentence with a line, whatever stands in the file and whatever kind of file it is."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from faultray_action.catalogue.load import parse_document, read_document
from faultray_action.declared.read import parse_infra, read_infra
from faultray_action.model.errors import ConfigError, FaultrayError, InputError
from faultray_action.model.files import read_file
from faultray_action.policy import read_policy, read_policy_file
from faultray_action.yaml_text import YamlError, read_yaml

TAGS = (
    "null",
    "bool",
    "int",
    "float",
    "str",
    "timestamp",
    "binary",
    "seq",
    "map",
    "set",
    "omap",
    "pairs",
    "merge",
    "value",
    "yaml",
    "python/none",
)
SCALARS = ("", "''", "x", "7", "-", "2026-13-40", "2001-12-14t21:59:43.10-99:99", "1:99:x", "0x", "0b2", "~", "1" * 5000, "0x" + "f" * 5000)


def refused(text: str | bytes, most: int = 10_000) -> YamlError:
    with pytest.raises(YamlError) as caught:
        read_yaml(text, most)
    return caught.value


@pytest.mark.parametrize("scalar", SCALARS)
@pytest.mark.parametrize("tag", TAGS)
def test_no_tag_on_no_scalar_gets_through_as_anything_but_a_value_or_a_sentence(tag: str, scalar: str) -> None:
    text = f"gates:\n  max_drop: !!{tag} {scalar}\n"
    try:
        value = read_yaml(text, 100).value["gates"]["max_drop"]
        assert value is None or isinstance(value, str | int | float | date)
    except YamlError as error:
        assert error.line == 2 and "\n" not in error.problem and len(error.problem) < 200
    for read in (
        lambda: read_policy(text.encode(), ".faultray.yml", date(2026, 1, 1)),
        lambda: parse_document(text.encode(), "types.yaml"),
        lambda: parse_infra(text, "infra.yaml"),
    ):
        with pytest.raises(FaultrayError) as caught:
            read()
            raise ConfigError("a policy may say so")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a: 1\nb: !!int ''\n", 2, "`` cannot be read (it is no int)"),
        ("a: !!timestamp x\n", 1, "`x` cannot be read (it is no timestamp)"),
        ("a: 2026-99-99\n", 1, "`2026-99-99` cannot be read (it is no timestamp)"),
        ("a: !!python/object/apply:os.system [id]\n", 1, "has no place here"),
        ("a: !!binary aGVsbG8=\n", 1, "has no place here"),
        ("a: !!set {x, y}\n", 1, "has no place here"),
        ("? [a]\n: b\n", 1, "a key must be text"),
        ("a: 1\na: 2\n", 2, "`a` is written twice"),
        ("a: 1\n<<: 7\n", 2, "takes a mapping"),
        (b"a: 1\nb: caf\xe9\n", 2, "not UTF-8"),
        ("[" * 100_000, 0, "deeper than 500 levels"),
        ("a: &a [*a]\n", 0, "deeper than 500 levels"),
        ("a: &a {b: *a}\n", 0, "deeper than 500 levels"),
        ("a: [1\n", 2, "did not find expected"),
        ("a: \x00\n", 1, ""),
    ],
)
def test_what_is_wrong_has_a_line(text: str | bytes, line: int, says: str) -> None:
    error = refused(text)
    assert (error.line, says in error.problem) == (line, True), error.problem
    assert error.at("f.yml").startswith(f"f.yml:{line}: " if line else "f.yml: ")


def test_half_a_surrogate_pair_is_refused_by_the_parser_without_libyaml_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faultray_action.yaml_text._LOADER", yaml.SafeLoader)
    assert "surrogate" in refused('a: "\\ud800"\n').problem
    assert read_yaml('a: "\\u00e9"\n', 9).value == {"a": "é"}


def test_what_aliases_and_merges_unfold_to_is_bounded() -> None:
    lists = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(f"a{k}: &a{k} [{','.join([f'*a{k - 1}'] * 10)}]\n" for k in range(1, 9))
    merges = "a0: &a0 {k: v}\n" + "".join(f"a{k}: &a{k} {{<<: [*a{k - 1}, *a{k - 1}]}}\n" for k in range(1, 40))
    for bomb in (lists, merges):
        assert "unfolds to more than 10,000 values" in refused(bomb).problem


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9) | st.dates(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=20,
    )
)
def test_what_pyyaml_writes_is_read_as_pyyaml_reads_it(tree: Any) -> None:
    text = yaml.safe_dump(tree, allow_unicode=True)
    assert read_yaml(text, 10_000).value == yaml.safe_load(text)


def test_merges_mean_what_they_mean_to_pyyaml() -> None:
    text = "x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\nz: {<<: [*x, *y], c: 3}\nw: {<<: *x, a: 9}\n"
    tree = read_yaml(text, 100)
    assert tree.value == yaml.safe_load(text)
    assert tree.line(("z", "c")) == 3 and tree.line(("w", "b")) == 1


@settings(max_examples=300)
@given(st.binary(max_size=60) | st.text(alphabet="!&*{}[]<>:,?- \n'\"#|%@`tagymlor0x9.~é", max_size=40).map(str.encode))
def test_any_bytes_are_values_or_a_sentence(content: bytes) -> None:
    try:
        read_yaml(content, 1000)
    except YamlError as error:
        assert "\n" not in error.problem


# Kinds of files


def test_only_regular_files_within_a_bound_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "nowhere").symlink_to(tmp_path / "missing")
    (tmp_path / "large").write_bytes(b"#" * 30_000_000)
    (tmp_path / "good").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "good")
    said = {"pipe": "a pipe", "zero": "a device", "nowhere": "cannot be read", "large": "larger than", ".": "a folder", "a\x00b": "null"}
    for name, says in said.items():
        for read, refuse in (
            (read_document, ConfigError),
            (read_infra, InputError),
            (lambda p: read_policy_file(p, date(2026, 1, 1)), ConfigError),
        ):
            with pytest.raises(refuse) as caught:
                read(tmp_path / name)  # type: ignore[operator]
            assert says in str(caught.value) and "\n" not in str(caught.value)
    assert read_file(tmp_path / "link", 1, ConfigError, "x") == b"x"
    with pytest.raises(ConfigError, match="is a link"):
        read_file(tmp_path / "link", 1, ConfigError, "x", links=False)
