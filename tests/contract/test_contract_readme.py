"""The README shows what the product really says, and every snippet of YAML in it is valid."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from faultray_action.model.policy import Gates
from faultray_action.pipeline import Request, check
from faultray_action.report import markdown, store

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
CASE = "rds-multi-az-off"
BEGIN, END = f"<!-- comment: fixtures/{CASE} -->\n", "<!-- end of comment -->"


def text() -> str:
    return README.read_text(encoding="utf-8")


def test_the_comment_is_real_output(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands above the fold; rewritten under --update-golden."""
    monkeypatch.chdir(ROOT)
    folder = Path("fixtures") / CASE
    asked = Request(
        paths=(folder / "plan.json",), source=folder / "after", gates=Gates(fail_on_regression=True), title=CASE, date="2026-01-31"
    )
    comment = markdown.render(store.canonical(check(asked).document)).partition("<details>")[0].strip() + "\n"
    before, rest = text().split(BEGIN)
    shown, after = rest.split(END)
    if request.config.getoption("--update-golden"):
        README.write_text(before + BEGIN + comment + END + after, encoding="utf-8")
        shown = comment
    assert shown == comment


def test_the_workflow_to_paste_is_valid_and_asks_for_the_least(tmp_path: Path) -> None:
    [workflow] = [block for block in re.findall(r"^```yaml\n(.*?)^```", text(), re.M | re.S) if "jobs:" in block]
    path = tmp_path / "workflow.yml"
    path.write_text(workflow, encoding="utf-8")
    checker = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(path)]
    checked = subprocess.run(checker, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
    permissions = re.search(r"uses: faultray/action@v1", workflow) and workflow.split("gate:")[1].split("steps:")[0]
    assert permissions and set(re.findall(r"(\S+): (?:read|write)", permissions)) == {"contents", "checks", "pull-requests"}


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)[^)]*\)", text()):
        assert (ROOT / target).exists(), target
