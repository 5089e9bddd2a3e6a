"""The shape of the house: imports go down, strangers stay strangers, no cycles, no islands, no third-party library outside its floor."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from faultray_action import __version__
from faultray_action.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "faultray_action"

FLOORS: dict[str, int] = {
    "cli": 8,
    "action": 8,
    "commands": 8,
    "pipeline": 7,
    "check": 7,
    "publishing": 7,
    "base_branch": 7,
    "git_objects": 7,
    "rejudged": 7,
    "reported": 7,
    "contradictions": 7,
    "page": 7,
    "backtest": 7,
    "settings": 6,
    "policy": 6,
    "policy_schema": 6,
    "policy_choice": 6,
    "policy_changes": 6,
    "waivers": 6,
    "report": 6,
    "github": 6,
    "counterfactual": 5,
    "judgement": 4,
    "engine": 3,
    "scenarios": 3,
    "topology": 2,
    "catalogue": 1,
    "terraform": 1,
    "declared": 1,
    "yaml_text": 0,
    "model": 0,
}
FAMILIES = (
    {"cli", "action", "commands"},
    {"pipeline", "check", "rejudged", "reported", "contradictions", "page"},
    {"base_branch", "git_objects"},
    {"settings", "policy", "policy_schema", "policy_choice", "policy_changes", "waivers"},
    {"yaml_text", "model"},
)
"""Rooms of one floor that know each other; all others of a floor are strangers."""
ONLY_MODEL = {"report", "github", "judgement", "engine", "scenarios", "catalogue", "terraform", "declared"}
"""Rooms that see nothing of what is below but the words of the house, and the door that YAML comes in by."""
GROUND = {"model", "yaml_text"}
VALUES = {"msgspec"}
"""What every value of the house is made of (docs/architecture.md), on all floors."""
LIBRARIES: dict[str, set[str]] = {
    "cli": {"click"},
    "action": {"click"},
    "commands": {"click", "rich", "yaml"},
    "backtest": {"pydantic", "yaml"},
    "policy": {"pydantic"},
    "policy_schema": {"pydantic"},
    "report": {"jinja2", "markupsafe", "rich"},
    "engine": {"igraph"},
    "catalogue": {"pydantic", "yaml"},
    "terraform": {"hcl2", "lark"},
    "declared": {"pydantic", "yaml"},
    "yaml_text": {"yaml"},
}
DOORS = ("faultray_action.action", "faultray_action.cli")


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def room_of(module: str) -> str:
    """`faultray_action.engine.cuts` -> `engine`; the package itself, which holds the version, is below everything."""
    return [*module.split("."), "model"][1]


def imported(module: str) -> Iterator[str]:
    """Every module named in an import statement, at any depth of the file; a name imported from a package may be a module itself."""
    for node in ast.walk(ast.parse(FILES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module, f"{module}: a relative import"
            below = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in FILES else node.module for name in below)


def called_by_name(module: str) -> set[str]:
    """Commands are imported when they are called: the table of the command line names them."""
    if module != "faultray_action.cli":
        return set()
    return {f"faultray_action.commands.{target.partition(':')[0]}" for target, _ in COMMANDS.values()}


IMPORTS = {module: sorted(set(imported(module)) | called_by_name(module)) for module in FILES}
INSIDE = {module: [name for name in names if name in FILES and name != module] for module, names in IMPORTS.items()}


@pytest.mark.parametrize("module", FILES)
def test_imports_go_down_and_strangers_stay_strangers(module: str) -> None:
    room = room_of(module)
    assert room in FLOORS, f"{room} stands on no floor: give it one in this test and in docs/architecture.md"
    for other in {room_of(name) for name in INSIDE[module]} - {room}:
        family = any({room, other} <= rooms for rooms in FAMILIES)
        assert family or FLOORS[other] < FLOORS[room], f"{module} imports {other}, which is not below it"
        assert room not in ONLY_MODEL or other in GROUND, f"{module} imports {other}: it may see the model only"


@pytest.mark.parametrize("module", FILES)
def test_third_party_libraries_stay_on_their_floor(module: str) -> None:
    outside = {name.partition(".")[0] for name in IMPORTS[module]} - {"faultray_action"} - set(sys.stdlib_module_names)
    assert outside <= VALUES | LIBRARIES.get(room_of(module), set())


def test_no_cycles() -> None:
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join((*path[path.index(module) :], module))
        if module not in done:
            for other in INSIDE[module]:
                visit(other, (*path, module))
            done.add(module)

    for module in FILES:
        visit(module, ())


def test_no_islands() -> None:
    reached, waiting = set(), list(DOORS)
    while waiting:
        module = waiting.pop()
        if module not in reached:
            reached.add(module)
            waiting += INSIDE[module]
    packages = {module for module in FILES if FILES[module].name == "__init__.py"}
    assert sorted(set(FILES) - reached - packages) == []


def test_packages_do_not_re_export() -> None:
    for module, path in FILES.items():
        if path.name == "__init__.py":
            assert IMPORTS[module] == [], f"{module} imports: say it where it is used"


def test_only_the_doors_catch_everything() -> None:
    broad = re.compile(r"except\s+(Base)?Exception\b|except\s*:")
    found = [module for module, path in FILES.items() if broad.search(path.read_text(encoding="utf-8"))]
    assert set(found) <= set(DOORS)


def test_the_architecture_page_shows_these_floors() -> None:
    rows = re.findall(r"^\| (\d) \| (.*?) \|", (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8"), re.M)
    shown = {room: int(floor) for floor, rooms in rows for room in re.findall(r"`(\w+)`", rooms)}
    assert shown == FLOORS


def test_resource_types_are_named_by_the_catalogue_only() -> None:
    """Knowledge of a type is data: no module has one among its values."""
    known = re.compile(r"(aws|azurerm|google|kubernetes)_[a-z0-9_]+")
    values = {
        module: [node.value for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Constant)]
        for module, path in FILES.items()
    }
    found = {module: [value for value in those if isinstance(value, str) and known.fullmatch(value)] for module, those in values.items()}
    assert {module: types for module, types in found.items() if types} == {}


def test_the_entrypoint_is_a_door_and_no_room() -> None:
    assert len((ROOT / "entrypoint.py").read_text(encoding="utf-8").splitlines()) <= 15


def test_the_version_is_the_same_everywhere() -> None:
    changelog = re.search(r"^## (\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert changelog and changelog.group(1) == __version__
    used = set(re.findall(r"faultray/action@v(\d+)", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert used == {__version__.partition(".")[0]}


def test_no_stage_of_the_image_sets_a_user_or_a_working_directory() -> None:
    lines = [line.split(maxsplit=1) for line in (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines() if line.strip()]
    assert not {words[0].upper() for words in lines} & {"USER", "WORKDIR"}
    [entry] = [words[1] for words in lines if words[0] == "ENTRYPOINT"]
    assert yaml.safe_load(entry)[0].startswith("/")


def test_what_runs_is_pinned_by_hash_and_names_no_registry() -> None:
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        pins = re.findall(r"^[\w.-]+==\S+ \\\n    --hash=sha256:", text, re.M)
        assert pins and len(pins) == len(re.findall(r"^[\w.-]+==", text, re.M))
        assert "://" not in text and "index-url" not in text


def test_foreign_actions_are_pinned_by_commit() -> None:
    workflows = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    used = [line for path in workflows for line in re.findall(r"uses: (.*)", path.read_text(encoding="utf-8"))]
    assert used
    for line in used:
        assert line.startswith("./") or re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line
