"""The scores of every stored plan, and against an earlier run those that changed.

    python benchmarks/scores.py [--write FILE] [--against FILE] [FOLDER…]

Without folders: the fixtures, the labelled scenarios of the tests, and those that lie beside the repository where they are there. `--write`
keeps what was found as JSON. `--against` prints a table of the plans whose scores, delta or verdict differ from such a file, with the reason that the
report itself gives.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from faultray_action.model.errors import FaultrayError
from faultray_action.model.policy import Gates
from faultray_action.pipeline import Request, check
from faultray_action.report import store

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
FOLDERS = (ROOT / "fixtures", ROOT / "tests" / "scenarios", SHARED / "scenarios", *sorted((SHARED / "cases").glob("*")))
SCENARIOS = 400
"""Scenarios a side: the score does not depend on them."""
SAME = 0.005

Row = dict[str, Any]


def plans(folders: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each plan below the folders, a folder a plan."""
    for folder in folders:
        for case in sorted(path for path in folder.glob("*") if path.is_dir()):
            plain, packed = case / "plan.json", case / "plan.json.gz"
            if plain.exists() or packed.exists():
                data = plain.read_bytes() if plain.exists() else gzip.decompress(packed.read_bytes())
                yield f"{folder.name}/{case.name}", data


def found(data: bytes) -> Row:
    """What the report says of a plan, as far as it is compared."""
    asked = Request(paths=(Path("-"),), stdin=data, gates=Gates(fail_on_regression=True), date="2026-01-01", scenario_budget=SCENARIOS)
    try:
        document = json.loads(store.dump(check(asked).document))
    except FaultrayError as error:
        return {"error": str(error)}
    score = document["score"]
    return {
        "before": score["before"],
        "after": score["after"],
        "delta": score["delta"],
        "reason": score.get("compared", {}).get("reason", ""),
        "verdict": document["verdict"],
        "spofs": {standing: [row["address"] for row in rows] for standing, rows in document["spofs"].items()},
        "risks": {standing: [[row["kind"], row["address"]] for row in rows] for standing, rows in document["risks"].items()},
        "rows": [[row["address"], row["attribute"], row["points"]] for row in document["attribution"]["rows"]],
        "remedy": [[edit["address"], edit["attribute"]] for edit in document.get("remedy", {}).get("edits", ())],
    }


def differences(old: Row, new: Row) -> list[str]:
    """The names of what differs."""
    named = [name for name in ("before", "after", "delta") if not _alike(old.get(name), new.get(name))]
    return named + [name for name in ("verdict", "spofs", "risks", "rows", "remedy", "error") if old.get(name) != new.get(name)]


def _alike(one: float | None, other: float | None) -> bool:
    return one == other if one is None or other is None else abs(one - other) <= SAME


def table(old: dict[str, Row], new: dict[str, Row]) -> Iterator[str]:
    yield "| plan | score before | score after | delta | reason | else |"
    yield "|:--|--:|--:|--:|:--|:--|"
    for name in sorted(new):
        was, is_now = old.get(name, {}), new[name]
        changed = differences(was, is_now)
        if changed:
            shown = [_shown(was.get(part), is_now.get(part)) for part in ("before", "after", "delta")]
            rest = ", ".join(part for part in changed if part not in ("before", "after", "delta"))
            yield f"| {name} | {' | '.join(shown)} | {is_now.get('reason', '')} | {rest} |"


def _shown(old: float | None, new: float | None) -> str:
    return f"{new}" if _alike(old, new) else f"{old} → **{new}**"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--against", type=Path)
    asked = parser.parse_args()
    rows = {name: found(data) for name, data in plans(asked.folders or FOLDERS)}
    if asked.write:
        asked.write.write_text(json.dumps(rows, indent=1, sort_keys=True))
    old = json.loads(asked.against.read_text()) if asked.against else {}
    sys.stdout.write("\n".join(table(old, rows)) + "\n")
    sys.stdout.write(f"{len(rows)} plans\n")


main()
