"""Every fixture, from the plan that real Terraform made to what a reviewer reads, byte by byte; and its labels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from faultray_action.model.policy import Gates
from faultray_action.pipeline import Checked, Request, check
from faultray_action.report import markdown, remarks, store
from faultray_action.report.document import Document
from faultray_action.report.links import Context

ROOT = Path(__file__).resolve().parents[2]
CASES = sorted(path.parent.name for path in (ROOT / "fixtures").glob("*/expect.yaml"))
CONTEXT = Context(server_url="https://github.com", repository="acme/shop", sha="0123456789abcdef0123456789abcdef01234567")
TOLERANCE_POINTS = 0.05

RENDERED: dict[str, Callable[[Document], str]] = {
    "comment.md": lambda document: markdown.render(document, CONTEXT),
    "report.json": lambda document: store.dump(document).decode("utf-8"),
    "annotations.txt": lambda document: "".join(f"{line}\n" for line in remarks.commands(document)),
}


@pytest.fixture(scope="module")
def checked() -> Callable[[str], Checked]:
    known: dict[str, Checked] = {}

    def of(case: str) -> Checked:
        if case not in known:
            folder = Path("fixtures") / case
            known[case] = check(
                Request(
                    paths=(folder / "plan.json",),
                    source=folder / "after",
                    repository=ROOT,
                    gates=Gates(fail_on_regression=True),
                    title=case,
                    label=case,
                    date="2026-01-31",
                )
            )
        return known[case]

    return of


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths in reports are as given: relative ones, so that the files are the same on every machine."""
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize("case", CASES)
def test_a_fixture_is_told_as_it_was(case: str, checked: Callable[[str], Checked], golden: Callable[[Path, str], None]) -> None:
    document = store.canonical(checked(case).document)
    for name, render in RENDERED.items():
        golden(ROOT / "fixtures" / case / "golden" / name, render(document))


@pytest.mark.parametrize("case", CASES)
def test_a_fixture_keeps_its_labels(case: str, checked: Callable[[str], Checked]) -> None:
    expected = expectation(case)
    document = checked(case).document
    assert document.gate.passed == (expected["verdict"] == "pass")
    assert {row.address for row in document.spofs.new} == set(expected["new_spofs"])
    assert set(expected["resolved_spofs"]) <= {row.address for row in document.spofs.resolved}
    assert {row.address for row in document.entry_points} & set(expected["entry_points"])
    if document.score.delta is not None and "direction" not in expected.get("ambiguous", ()):
        assert direction(document.score.delta) == expected["direction"]


def expectation(case: str) -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "fixtures" / case / "expect.yaml").read_text(encoding="utf-8")))


def direction(delta: float) -> str:
    if abs(delta) < TOLERANCE_POINTS:
        return "same"
    return "better" if delta > 0 else "worse"


def test_there_are_enough_fixtures() -> None:
    assert len(CASES) >= 10 and all((ROOT / "fixtures" / case / "README.md").is_file() for case in CASES)
