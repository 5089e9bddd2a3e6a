"""Which folder of a repository a plan was made in, where the folder that was named is not it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from faultray_action.model.diagnostic import Diagnostic, Severity
from faultray_action.model.text import well_formed
from faultray_action.terraform.hcl.files import Shelf, find_repository
from faultray_action.terraform.hcl.locate import Source
from faultray_action.terraform.hcl.modules import Key, Library
from faultray_action.terraform.plan import Plan

_MOST_FOLDERS = 2_000
_ENOUGH, _ENOUGH_BELOW = 0.5, 0.9
_SKIPPED = frozenset({"node_modules", "vendor", "venv"})


def open_source(folder: Path, plan: Plan, repository: Path | None = None) -> Source:
    """The code of a plan: that of the named folder if it has at least half of what the plan's root module has, else of the best folder below it
    that has nine tenths.

    Where several are equally good (`envs/prod` and `envs/staging`), the one that holds the plan, else none of them: then a notice says what to set.
    `repository`: what file names are relative to; None: the working copy that the folder lies in.
    """
    top = repository or find_repository(folder)
    best = _candidates(folder, plan, top)
    source = Source.open(best[0] if len(best) == 1 else folder, top)
    if len(best) > 1:
        source.library.shelf.diagnostics.append(_unclear(best, folder))
    return source


def _candidates(folder: Path, plan: Plan, repository: Path) -> list[Path]:
    wanted = _wanted(plan)
    if not wanted or _share(folder, repository, wanted) >= _ENOUGH:
        return [folder]
    shares = [(share, found) for found in _folders(folder) if (share := _share(found, repository, wanted)) >= _ENOUGH_BELOW]
    best = [found for share, found in shares if share == max(share for share, _ in shares)]
    return [found for found in best if _holds(found, plan.path)] or best if len(best) > 1 else best


def _wanted(plan: Plan) -> frozenset[Key]:
    found: set[Key] = set()
    for configuration in plan.configuration:
        root = configuration.get("root_module")
        if isinstance(root, Mapping):
            found.update(_keys(root))
    return frozenset(found)


def _keys(module: Mapping[str, Any]) -> Iterator[Key]:
    for row in module.get("resources") or ():
        if isinstance(row, Mapping):
            yield ("data" if row.get("mode") == "data" else "resource", str(row.get("type")), str(row.get("name")))
    calls = module.get("module_calls")
    yield from (("module", str(name)) for name in (calls if isinstance(calls, Mapping) else ()))


def _share(folder: Path, repository: Path, wanted: frozenset[Key]) -> float:
    """Share of the wanted blocks that a folder has; 0 where it has no code."""
    module = Library(folder, Shelf(folder, repository)).module(())
    return sum(1 for key in wanted if module.first(key)) / len(wanted) if module else 0.0


def _folders(folder: Path) -> Iterator[Path]:
    """Folders with code below one, nearest first by name, links not followed."""
    for count, (path, names, files) in enumerate(os.walk(folder)):
        names[:] = sorted(name for name in names if not name.startswith(".") and name not in _SKIPPED)
        if count >= _MOST_FOLDERS:
            return
        if count and any(name.endswith((".tf", ".tf.json", ".tofu")) for name in files):
            yield Path(path)


def _holds(folder: Path, plan: str) -> bool:
    return os.path.realpath(plan).startswith(os.path.realpath(folder) + os.sep)


def _unclear(found: list[Path], folder: Path) -> Diagnostic:
    names = well_formed(", ".join(sorted(os.path.relpath(path, folder) for path in found)[:3]))
    message = f"Lines are not shown: the plan may come from any of {names}; set `source` to the folder of the plan."
    return Diagnostic(Severity.NOTICE, "source-unclear", message)
