"""What commands share: reading topologies, writing files whole, the clock at the door."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from faultray_action.model.errors import ConfigError, InputError
from faultray_action.model.topology import Topology
from faultray_action.pipeline import Request, discover, know
from faultray_action.settings import Settings, settings_of_command
from faultray_action.terraform.reader import MAX_BYTES

if TYPE_CHECKING:
    from faultray_action.declared.schema import Declared
    from faultray_action.policy_choice import Base

GENERIC = ("plan", "tfplan", "terraform")
"""File names that tell nothing about the plan."""
YAML = (".yaml", ".yml")


def today() -> date:
    """The UTC day: FAULTRAY_TODAY (ISO) where given, so that a run can be repeated, else the clock."""
    given = os.environ.get("FAULTRAY_TODAY", "")
    if not given:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(given)
    except ValueError as error:
        raise ConfigError(f"FAULTRAY_TODAY must be a day like 2026-01-31: it is `{given}`") from error


def environment() -> Mapping[str, str]:
    """The environment without what is no setting."""
    return {name: value for name, value in os.environ.items() if name != "FAULTRAY_TODAY"}


def settle(options: Mapping[str, object]) -> Settings:
    """Settings of a command from its options (underscores as click has them)."""
    given = {name.replace("_", "-"): value for name, value in options.items()}
    variables = environment()
    asked = given.get("policy-from") or variables.get("FAULTRAY_POLICY_FROM", "").strip().lower()
    return settings_of_command(given, variables, today(), _base(variables) if asked == "base" else None)


def _base(variables: Mapping[str, str]) -> Base | None:
    """The branch that the pull request of this job goes to; GitHub is asked only where somebody wants to know."""
    from functools import partial

    from faultray_action.base_branch import base_of
    from faultray_action.github.context import read_context
    from faultray_action.publishing import client_of

    context = read_context(variables)
    return base_of(context, variables, partial(client_of, context), Path(variables.get("GITHUB_WORKSPACE") or "."))


def request_of(settings: Settings, paths: tuple[Path, ...], *, stdin: bytes | None = None) -> Request:
    """The pipeline's request."""
    source = Path(settings.source or ".")
    return Request(
        paths=paths,
        stdin=stdin,
        source=source if source.is_dir() else None,
        gates=settings.gates,
        policy=settings.policy,
        catalogue_files=settings.catalogue_files,
        mode=settings.mode.value,
        title=title_of(settings.label, paths),
        label=settings.label,
        date=settings.today.isoformat(),
        settings=settings.shown(),
        diagnostics=settings.diagnostics,
        max_depth=settings.max_depth,
    )


def title_of(label: str, paths: tuple[Path, ...]) -> str:
    """What the report calls the plan: its label, else its folder, else its name."""
    if label:
        return label
    first = paths[0] if paths else Path("-")
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return (_name_of(first) if str(first) != "-" else "stdin") + more


def _name_of(path: Path) -> str:
    """The folders that lead to a plan, where they tell more than its own name."""
    here = Path.cwd()
    shown = path.relative_to(here) if path.is_absolute() and path.is_relative_to(here) else path
    if shown.is_absolute():
        return shown.parent.name if shown.stem in GENERIC and shown.parent.name else shown.stem
    return "/".join(part for part in shown.parent.parts if part not in (".", "..")) or shown.stem


def stdin_of(paths: tuple[Path, ...]) -> bytes | None:
    """Standard input where a path is "-": no more of it than tells the reader that it is too large."""
    return sys.stdin.buffer.read(MAX_BYTES + 1) if any(str(path) == "-" for path in paths) else None


def topology_of(path: Path | None, request: Request) -> Topology:
    """The topology of an infra.yaml, of what a plan leaves, or (None) of what was loaded last."""
    return sides_of(path, request)[1]


def sides_of(path: Path | None, request: Request) -> tuple[Topology | None, Topology]:
    """Both sides of a plan; a declared topology has no side before."""
    from faultray_action.catalogue.reliability import load_reliability
    from faultray_action.topology.from_declared import build

    stdin = stdin_of((path,) if path else ())
    if path is None or declares(path, stdin):
        return None, build(declared_of(path, stdin), load_reliability())
    from faultray_action.terraform.hcl.roots import open_source
    from faultray_action.terraform.reader import read

    plan = read((path,), stdin=stdin)
    source = open_source(request.source, plan, request.repository) if request.source else None
    stages = discover(plan, know(request), source)
    return stages.before, stages.after


def declared_of(path: Path | None, stdin: bytes | None) -> Declared:
    """An infra.yaml: from its file, from standard input, or (None) the one loaded last."""
    from faultray_action.declared.kept import read_kept
    from faultray_action.declared.read import parse_infra, read_infra

    if path is None:
        return read_kept(Path())
    if stdin is None:
        return read_infra(path)
    try:
        return parse_infra(stdin.decode("utf-8-sig"), "standard input")
    except UnicodeDecodeError as error:
        raise InputError("standard input is no UTF-8 text; pass an infra.yaml or the JSON of a plan") from error


def declares(path: Path, stdin: bytes | None = None) -> bool:
    """An infra.yaml (or its JSON form), not a plan: told by the name, else by how it begins."""
    if path.suffix.lower() in YAML:
        return True
    head = _head(path) if stdin is None else stdin[:_HEAD]
    begins = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if stdin is None or begins.startswith(b"{"):
        return b'"components"' in head and b'"format_version"' not in head
    return bool(begins) and b"\x00" not in head and not begins.startswith(b"PK")


def is_plan(path: Path, stdin: bytes | None = None) -> bool:
    """The JSON of `terraform show`, by how it begins."""
    head = _head(path) if stdin is None else stdin[:_HEAD]
    return path.suffix.lower() not in YAML and b'"format_version"' in head


_HEAD = 65536


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") if path.is_file() else io.BytesIO() as file:
            return file.read(_HEAD)
    except (OSError, ValueError):
        # The reader of plans says it better.
        return b""


class Owner(NamedTuple):
    user: int
    group: int


def write_whole(path: Path, text: str) -> None:
    """All of it or nothing; see `owner_of`. Raises InputError where it cannot be written."""
    part: Path | None = None
    owner = owner_of(path)
    try:
        _make_folder(path.parent, owner)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        part = Path(name)
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        part.chmod(0o644)
        _hand_over(part, owner)
        part.replace(path)
    except (OSError, ValueError) as error:
        if part is not None:
            part.unlink(missing_ok=True)
        reason = getattr(error, "strerror", None) or "no such path"
        raise InputError(f"{path} cannot be written ({reason}); choose a path in a folder that you may write to") from error


def owner_of(path: Path) -> Owner | None:
    """To whom a file of ours, and each folder made for it, is handed over: in the action's container, which runs as root, what is written
    into the workspace belongs to whom the workspace belongs to, so that later steps can change and remove it. None: nobody."""
    workspace = os.environ.get("GITHUB_WORKSPACE", "")
    if not workspace or getattr(os, "geteuid", lambda: -1)() != 0:
        return None
    try:
        top = Path(workspace).resolve()
        found = top.stat()
        inside = path.parent.resolve().is_relative_to(top)
    except (OSError, ValueError, RuntimeError):
        return None
    return Owner(found.st_uid, found.st_gid) if inside else None


def _make_folder(folder: Path, owner: Owner | None) -> None:
    missing: list[Path] = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for new in reversed(missing):
        new.mkdir(exist_ok=True)
        _hand_over(new, owner)


def _hand_over(path: Path, owner: Owner | None) -> None:
    """A file system that knows no owners (a mount of a desktop) keeps the file all the same."""
    if owner is not None:
        with contextlib.suppress(OSError):
            os.chown(path, owner.user, owner.group, follow_symlinks=False)


def emit(text: str, output: Path | None = None) -> None:
    """To a file, or to stdout with one newline at its end."""
    if output is not None:
        write_whole(output, text if text.endswith("\n") else text + "\n")
    else:
        # click takes colours away wherever it sees no terminal; whether there are any was decided when the text was made.
        click.echo(text.rstrip("\n"), color=True)


def wants_color() -> bool:
    """A terminal that may be coloured: NO_COLOR and dumb terminals are honoured, FORCE_COLOR too."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (sys.stdout.isatty() and os.environ.get("TERM") != "dumb")


def columns() -> int:
    """Width of the terminal, at most 100; 80 where it is none."""
    import shutil

    return min(100, shutil.get_terminal_size((80, 24)).columns) if sys.stdout.isatty() else 80


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """A moving line on a terminal's stderr while something long runs; silent in CI and when piped."""
    if not sys.stderr.isatty() or os.environ.get("CI"):
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(what):
        yield


CONFIG = click.option("--config", metavar="FILE", default=None, help="Policy file (default .faultray.yml).")
POLICY_FROM = click.option(
    "--policy-from",
    type=click.Choice(["base", "head", "none"]),
    default=None,
    help="Whose policy file counts: the one at hand (head), none, or in a pull request's job on GitHub that of the branch it goes to (base).",
)
SOURCE = click.option(
    "--source", metavar="DIR", default=None, help="Folder of the plan's .tf files, which say what locals refer to (default: here)."
)
GATE_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option("--fail-on-regression/--no-fail-on-regression", default=None, help="Exit 1 if the change makes resilience worse at all."),
    click.option("--min-score", type=float, default=None, metavar="N", help="Exit 1 if the score after is below N (0-100)."),
    click.option("--max-drop", type=float, default=None, metavar="N", help="Points of drop that --fail-on-regression tolerates."),
    click.option("--max-new-spofs", type=int, default=None, metavar="N", help="New single points that --fail-on-regression tolerates."),
    click.option(
        "--max-apply-downtime", type=float, default=None, metavar="S", help="Seconds of outage while applying that are tolerated."
    ),
    click.option("--slo", type=float, default=None, metavar="PERCENT", help="Exit 1 if the change puts this availability out of reach."),
    click.option("--min-coverage", type=float, default=None, metavar="PERCENT", help="Below it the answer is: could not compute."),
    click.option("--mode", type=click.Choice(["enforce", "warn"]), default=None, help="warn: report everything, exit 0 on a failed gate."),
    click.option("--unknowns", type=click.Choice(["worst", "best"]), default=None, help="What to believe of values unknown until apply."),
    CONFIG,
    POLICY_FROM,
)


def described(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every command that looks at a system and judges nothing: what the team states, and the code that tells what locals refer to."""
    return CONFIG(POLICY_FROM(SOURCE(command)))


def gated(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every command that judges."""
    for option in reversed(GATE_OPTIONS):
        command = option(command)
    return command


def exit_code(error: str, passed: bool, mode: str) -> int:
    """0 pass, 1 a gate failed (0 in warn mode), 2 could not compute."""
    if error:
        return 2
    return 0 if passed or mode == "warn" else 1
