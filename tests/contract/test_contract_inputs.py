"""action.yml, the settings and the README say the same about inputs and outputs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from faultray_action.settings import INPUTS, OUTPUTS, SECRET

ROOT = Path(__file__).resolve().parents[2]


def action() -> dict[str, Any]:
    path = ROOT / "action.yml"
    if not path.is_file():
        pytest.skip("action.yml is not written yet")
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


def section(title: str) -> str:
    path = ROOT / "README.md"
    match = (
        re.search(rf"^#+ {title}\b.*?\n(.*?)(?=^#+ |\Z)", path.read_text(encoding="utf-8"), re.M | re.S | re.I) if path.is_file() else None
    )
    if match is None:
        pytest.skip(f"the README has no section {title} yet")
    return match.group(1)


def rows(title: str) -> dict[str, list[str]]:
    """First cell of each row of the section's table, without its back-ticks -> the other cells."""
    lines = [line for line in section(title).splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return {row[0].strip("`"): row[1:] for row in cells}


def test_the_inputs_of_the_action_are_those_of_the_settings() -> None:
    said = action()["inputs"]
    assert list(said) == list(INPUTS)
    for name, known in INPUTS.items():
        assert said[name]["description"] == known.description, name


def test_action_yml_has_no_defaults_since_nobody_could_tell_them_from_what_a_workflow_writes() -> None:
    declared = {name: row["default"] for name, row in action()["inputs"].items() if row.get("default")}
    assert declared == {"github-token": "${{ github.token }}"} == {SECRET: INPUTS[SECRET].default}


def test_the_outputs_of_the_action_are_those_of_the_settings() -> None:
    said = action()["outputs"]
    assert {name: field["description"] for name, field in said.items()} == dict(OUTPUTS)


def test_the_readme_lists_every_input_with_its_default() -> None:
    said = rows("Inputs")
    assert list(said) == list(INPUTS)
    for name, known in INPUTS.items():
        assert said[name][0].strip("`") == known.default, name


def test_the_readme_lists_every_output() -> None:
    assert list(rows("Outputs")) == list(OUTPUTS)
