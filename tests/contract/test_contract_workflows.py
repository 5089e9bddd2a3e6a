"""action.yml, the workflows and the configuration of Dependabot are what GitHub reads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = {
    "action.yml": "vendor.github-actions",
    ".github/workflows/ci.yml": "vendor.github-workflows",
    ".github/workflows/faultray.yml": "vendor.github-workflows",
    ".github/dependabot.yml": "vendor.dependabot",
}


@pytest.mark.parametrize("path", FILES)
def test_files_pass_their_schema(path: str) -> None:
    checker = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", FILES[path], str(ROOT / path)]
    checked = subprocess.run(checker, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_every_workflow_is_checked() -> None:
    found = {path.relative_to(ROOT).as_posix() for path in (ROOT / ".github" / "workflows").iterdir()}
    assert found <= set(FILES)
