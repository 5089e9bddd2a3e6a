"""Every stored plan: the fixtures, the labelled scenarios of the tests, and those beside the repository where they are there."""

from __future__ import annotations

import gzip
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
UNREADABLE = frozenset({"reading/c23", "reading/e01", "reading/e03"})
"""Cases about input that is no plan of resources."""


def _folders() -> list[Path]:
    cases = sorted((SHARED / "cases").glob("*")) if SHARED.exists() else []
    return [ROOT / "fixtures", ROOT / "tests" / "scenarios", SHARED / "scenarios", *cases]


def _plan_of(case: Path) -> Path | None:
    return next((path for path in (case / "plan.json", case / "plan.json.gz") if path.exists()), None)


def stored_plans() -> dict[str, Path]:
    """Name (folder/case) -> the file of its plan."""
    found: dict[str, Path] = {}
    for folder in _folders():
        for case in sorted(folder.glob("*")):
            path = _plan_of(case)
            name = f"{folder.name}/{case.name}"
            if path is not None and name not in UNREADABLE:
                found[name] = path
    return found


def content(path: Path) -> bytes:
    """The bytes of a plan, unpacked."""
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
