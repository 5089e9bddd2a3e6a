"""What docs/ci tells to paste works: its shell lines run, its YAML passes the schemas of the systems it is for."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs" / "ci"
SCHEMAS = {
    "gitlab": "vendor.gitlab-ci",
    "azure-devops": "vendor.azure-pipelines",
    "circleci": "vendor.circle-ci",
    "publisher": "vendor.github-workflows",
}


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (DOCS / f"{name}.md").read_text(encoding="utf-8"), re.M | re.S)


PAGES = sorted(path.stem for path in DOCS.glob("*.md"))
SHELL = [(page, number) for page in PAGES for number in range(len(blocks(page, "sh")))]


@pytest.mark.parametrize("page", sorted(SCHEMAS))
def test_yaml_passes_the_schema_of_its_system(page: str, tmp_path: Path) -> None:
    found = blocks(page, "yaml")
    assert found
    for number, block in enumerate(found):
        path = tmp_path / f"{number}.yml"
        path.write_text(block, encoding="utf-8")
        checker = [sys.executable, "-m", "check_jsonschema", "--regex-variant", "python", "--builtin-schema", SCHEMAS[page], str(path)]
        checked = subprocess.run(checker, capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("page", PAGES)
def test_other_yaml_at_least_parses(page: str) -> None:
    for block in blocks(page, "yaml"):
        assert yaml.safe_load(block)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of a user: a plan, its code, and commands on PATH that stand in for those that need an account."""
    shutil.copytree(ROOT / "fixtures" / "rds-multi-az-on" / "after", tmp_path / "infra")
    shutil.copyfile(ROOT / "fixtures" / "rds-multi-az-on" / "plan.json", tmp_path / "plan.json")
    commands = tmp_path / "bin"
    commands.mkdir()
    stand_in(commands / "faultray", f'exec "{sys.executable}" -c "from faultray_action.cli import main; main()" "$@"')
    stand_in(commands / "terraform", 'if [ "$1" = show ]; then cat "$PLAN_OF_THE_TEST"; fi')
    stand_in(commands / "terragrunt", 'if [ "$1" = show ]; then cat "$PLAN_OF_THE_TEST"; fi')
    stand_in(commands / "curl", 'printf "%s\\n" "$@" >> "$ASKED_OF_THE_TEST"; echo "[]"')
    monkeypatch.setenv("PATH", f"{commands}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PLAN_OF_THE_TEST", str(tmp_path / "plan.json"))
    monkeypatch.setenv("ASKED_OF_THE_TEST", str(tmp_path / "asked.txt"))
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    return tmp_path


VARIABLES = {
    "CI_API_V4_URL": "https://gitlab.test/api/v4",
    "CI_PROJECT_ID": "7",
    "CI_MERGE_REQUEST_IID": "3",
    "GITLAB_TOKEN": "token",
    "PLANFILE": "plan.out",
    "SHOWFILE": "show.json",
    "BUILD_ARTIFACTSTAGINGDIRECTORY": "artifacts",
}


def stand_in(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
    path.chmod(0o755)


@pytest.mark.parametrize(("page", "number"), SHELL)
def test_shell_lines_run(page: str, number: int, repository: Path) -> None:
    run(blocks(page, "sh")[number], repository)


def run(script: str, folder: Path) -> None:
    ran = subprocess.run(["sh", "-eu", "-c", script], cwd=folder, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_note_of_gitlab_is_written_anew_and_not_again(repository: Path) -> None:
    """The script asks for the notes, finds none, posts one; the second time it finds it, and edits."""
    script = "\n".join(blocks("gitlab", "sh"))
    run(script, repository)
    asked = (repository / "asked.txt").read_text(encoding="utf-8")
    assert "/merge_requests/3/notes" in asked and "POST" in asked and "PUT" not in asked
    (repository / "known.json").write_text(json.dumps([{"id": 11, "body": "<!-- faultray -->\nold"}]), encoding="utf-8")
    stand_in(repository / "bin" / "curl", 'printf "%s\\n" "$@" >> "$ASKED_OF_THE_TEST"; cat known.json')
    run(script, repository)
    assert "notes/11" in (repository / "asked.txt").read_text(encoding="utf-8")
