"""One frozen Settings out of the action's inputs, the command line, the environment and `.faultray.yml`.

Precedence: input or option > environment > file > default. Each value remembers where it came from.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from faultray_action.model.artifact import AnnotationChannel, CommentMode, CommentWhen
from faultray_action.model.diagnostic import Diagnostic, Severity
from faultray_action.model.errors import ConfigError
from faultray_action.model.files import HeldFile
from faultray_action.model.nearest import nearest
from faultray_action.model.policy import Gates, Mode, Place, Policy, PolicyFrom, Unknowns
from faultray_action.model.text import well_formed
from faultray_action.policy_choice import Asked, Base, Chosen, choose

DEFAULT_CONFIG = ".faultray.yml"
INPUT_PREFIX = "INPUT_"
VARIABLE_PREFIX = "FAULTRAY_"


class Input(NamedTuple):
    """An input of the action: what counts where nobody says anything, and what it means.

    action.yml declares no defaults: the runner passes them like written ones, and what somebody wrote must win over the policy file.
    """

    default: str
    description: str


INPUTS: Mapping[str, Input] = MappingProxyType(
    {
        "plan": Input("", "Path of the plan JSON (`terraform show -json`), or globs, one per line: several plans make one comment."),
        "source": Input(".", "Folder of the .tf files, for the lines that annotations and links point to."),
        "config": Input(DEFAULT_CONFIG, "Path of the policy file."),
        "policy-from": Input(
            "base",
            "Whose policy file counts for a pull request: base (of the branch it goes to), head (its own) or none; elsewhere the one at hand.",
        ),
        "report": Input("", "Post this report of another job instead of judging a plan: paths, one per line; gates are asked again."),
        "label": Input("", "Name of this plan in the comment; give each job of a matrix its own."),
        "min-score": Input("", "Fail where the score after the change is below this (0-100)."),
        "fail-on-regression": Input(
            "true", "Fail on a drop of the score, a new single point of failure, a new severe risk, or a disruption while applying."
        ),
        "max-drop": Input("0", "Points of drop that fail-on-regression tolerates."),
        "max-new-spofs": Input("0", "New single points of failure that fail-on-regression tolerates."),
        "max-apply-downtime": Input("0", "Seconds of outage while applying that fail-on-regression tolerates."),
        "slo": Input("", "Availability you promise, in percent: fail where the change puts it out of reach."),
        "min-coverage": Input("50", "Percent of the changed resources that must be understood; below it the result is: could not compute."),
        "mode": Input("enforce", "enforce, or warn: report everything and do not fail the job on a failed gate."),
        "comment-mode": Input("update", "update | new | hide-and-new | update-and-ping | off."),
        "comment-when": Input("always", "What deserves a first comment: always | changes | regressions."),
        "annotations": Input("auto", "Where remarks at lines go: auto | check-run | commands | off."),
        "check-name": Input("FaultRay", "Name of the check run."),
        "summary": Input("true", "Write the job summary."),
        "sarif-file": Input("", "Write a SARIF 2.1.0 report to this path."),
        "json-file": Input("", "Write the JSON report to this path."),
        "html-file": Input("", "Write an HTML report to this path."),
        "markdown-file": Input("", "Write the comment's Markdown to this path."),
        "junit-file": Input("", "Write a JUnit report to this path."),
        "badge-file": Input("", "Write a badge (shields.io endpoint JSON) to this path."),
        "github-token": Input("${{ github.token }}", "Token that posts the comment and the check run."),
    }
)

OUTPUTS: Mapping[str, str] = MappingProxyType(
    {
        "verdict": "pass, fail or error (could not compute).",
        "score-before": "Score of what stands now, 0-100; empty where nothing serves.",
        "score-after": "Score after the change, 0-100; empty where nothing serves.",
        "score-delta": "What the change costs (negative) or wins, like for like; empty where one is missing.",
        "new-spofs": "How many single points of failure are new.",
        "resolved-spofs": "How many single points of failure are gone.",
        "scenarios": "How many failure scenarios were simulated.",
        "coverage": "Share of the resources that were understood, 0-1.",
        "recommendation": "safe, review or high-risk.",
        "comment-url": "Address of the comment, empty where none was posted.",
        "check-url": "Address of the check run, empty where none was posted.",
        "json-file": "Path of the JSON report, empty where none was written.",
        "sarif-file": "Path of the SARIF report, empty where none was written.",
        "html-file": "Path of the HTML report, empty where none was written.",
        "markdown-file": "Path of the Markdown report, empty where none was written.",
    }
)

BEYOND_INPUTS: Mapping[str, str] = MappingProxyType({"unknowns": "worst", "max-depth": ""})
"""Settings that the action has no input for: from the file, the environment or the command line only."""

SECRET = "github-token"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a run was told. Paths are as written, relative to the working directory; "" means: do not write.

    `token` is never printed. `today` is the UTC day that waivers are held against. `origins`: name -> "input", "option", "environment",
    "file PATH:LINE" or "default".
    """

    plan: tuple[str, ...]
    source: str
    config: str
    label: str
    gates: Gates
    mode: Mode
    comment_mode: CommentMode
    comment_when: CommentWhen
    annotations: AnnotationChannel
    check_name: str
    summary: bool
    files: Mapping[str, str]
    today: date
    policy: Policy = Policy()
    held_catalogue: tuple[HeldFile, ...] | None = None
    reports: tuple[str, ...] = ()
    max_depth: int | None = None
    token: str = field(default="", repr=False)
    origins: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    texts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    diagnostics: tuple[Diagnostic, ...] = ()

    def shown(self) -> dict[str, str]:
        """Every setting with its origin, `min-score` -> `60 (input)`; of the token only whether there is one."""
        told = {name: f"{self._shown(name)} ({self.origins[name]})" for name in sorted(self.origins)}
        return {**told, "today": f"{self.today} (UTC)"}

    def lines(self) -> tuple[str, ...]:
        """The same as lines, `min-score = 60 (input)`."""
        return tuple(f"{name} = {text}" for name, text in self.shown().items())

    @property
    def catalogue_files(self) -> tuple[Path | HeldFile, ...]:
        """The policy's catalogue files, from where the policy came; relative ones are relative to the policy file."""
        if self.held_catalogue is not None:
            return self.held_catalogue
        return tuple(Path(self.config).parent / name for name in self.policy.catalogue)

    def _shown(self, name: str) -> str:
        if name == SECRET:
            return "given" if self.token else "none"
        return " ".join(self.texts[name].split()) or "none"


@dataclass(frozen=True, slots=True)
class _Said:
    """One value as text, and who said it."""

    text: str
    origin: str
    place: str


def action_inputs(environ: Mapping[str, str]) -> tuple[dict[str, str], tuple[Diagnostic, ...]]:
    """The action's inputs from `INPUT_<NAME>` (upper case, hyphens kept; unset equals empty).

    A name close to an input's but not it is a ConfigError: a gate that is spelled wrong must not be a gate that is off.
    """
    found: dict[str, str] = {}
    notes: list[Diagnostic] = []
    for variable in sorted(name for name in environ if name.startswith(INPUT_PREFIX)):
        name = variable.removeprefix(INPUT_PREFIX).lower()
        if name in INPUTS:
            found[name] = environ[variable]
        elif hint := nearest(name, INPUTS):
            raise ConfigError(f"the action has no input `{name}`{hint}")
        else:
            notes.append(Diagnostic(Severity.WARNING, "unknown-input", f"The action has no input `{name}`: it is ignored."))
    return found, tuple(notes)


def settings_of_action(environ: Mapping[str, str], today: date, base: Base | None = None) -> Settings:
    """Settings of a run as an action: regression is a gate unless switched off. Raises ConfigError (exit code 3).

    The runner passes every input of action.yml, empty where nobody wrote it. `base`: the branch a change goes to, None where there is none.
    """
    inputs, notes = action_inputs(environ)
    given = {name: _Said(text, "input", f"input `{name}`") for name, text in inputs.items()}
    return _resolve(given, environ, today, {}, notes, base)


def settings_of_command(
    options: Mapping[str, object], environ: Mapping[str, str], today: date, base: Base | None = None, **defaults: str
) -> Settings:
    """Settings of the command line: nothing is a gate unless asked for. `options`: setting -> value, None where not given.

    A tolerance (`max-drop` and the like) that somebody gives asks for the gate it belongs to. `defaults`: setting (with underscores) ->
    what this command falls back to instead.
    """
    said = {name: _Said(_text(value), "option", f"--{name}") for name, value in options.items() if value is not None}
    fallback = {name.replace("_", "-"): text for name, text in defaults.items()}
    return _resolve(said, environ, today, {"fail-on-regression": "false", "policy-from": "head", **fallback}, (), base)


def _text(value: object) -> str:
    if isinstance(value, tuple | list):
        return "\n".join(str(item) for item in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _resolve(
    given: Mapping[str, _Said],
    environ: Mapping[str, str],
    today: date,
    defaults: Mapping[str, str],
    notes: tuple[Diagnostic, ...],
    base: Base | None,
) -> Settings:
    said = {name: _Said(text, "default", f"default of `{name}`") for name, text in {**_defaults(), **defaults}.items()}
    variables, unknown = _variables(environ)
    above = {**variables, **{name: value for name, value in given.items() if value.text.strip()}}
    # What is wrong with an input is told before any file is read or anybody asked.
    _settings({**said, **above}, Chosen(), today, ())
    chosen = choose(_asked({**said, **above}, base), today, base)
    said |= {name: _from_file(name, text, place, chosen.whose) for name, (text, place) in chosen.document.settings.items()}
    said |= above
    if defaults:
        said |= _implied(said)
    return _settings(said, chosen, today, (*notes, *unknown, *chosen.diagnostics))


def _asked(said: Mapping[str, _Said], base: Base | None) -> Asked:
    config, whose = said["config"], _choice(PolicyFrom, said["policy-from"])
    if whose is PolicyFrom.BASE and base is None and said["policy-from"].origin in ("option", "environment"):
        raise ConfigError(
            f"{said['policy-from'].place} asks for the base branch's policy file, and no pull request of GitHub is known here: "
            "write that file out (`git show origin/main:.faultray.yml`) and name it with --config"
        )
    return Asked(config.text.strip(), "" if config.origin == "default" else config.place, whose, _token(said[SECRET].text))


def _defaults() -> dict[str, str]:
    texts = {name: known.default for name, known in INPUTS.items()}
    return {**texts, **BEYOND_INPUTS, SECRET: ""}


def _implied(said: Mapping[str, _Said]) -> dict[str, _Said]:
    """On the command line a given tolerance asks for the gate that it softens."""
    tolerances = ("max-drop", "max-new-spofs", "max-apply-downtime")
    asked = [name for name in tolerances if said[name].origin != "default"]
    if not asked or said["fail-on-regression"].origin != "default":
        return {}
    return {"fail-on-regression": _Said("true", f"implied by {asked[0]}", asked[0])}


def _variables(environ: Mapping[str, str]) -> tuple[dict[str, _Said], tuple[Diagnostic, ...]]:
    """`FAULTRAY_MIN_SCORE` for `min-score`; GITHUB_TOKEN stands in for the token."""
    found: dict[str, _Said] = {}
    notes: list[Diagnostic] = []
    if environ.get("GITHUB_TOKEN"):
        found[SECRET] = _Said(environ["GITHUB_TOKEN"], "environment", "GITHUB_TOKEN")
    for variable in sorted(name for name in environ if name.startswith(VARIABLE_PREFIX)):
        name = variable.removeprefix(VARIABLE_PREFIX).lower().replace("_", "-")
        if name not in INPUTS and name not in BEYOND_INPUTS:
            hint = nearest(name, [*INPUTS, *BEYOND_INPUTS]) or "."
            notes.append(Diagnostic(Severity.WARNING, "unknown-variable", f"{variable} names no setting{hint}"))
        elif environ[variable].strip():
            found[name] = _Said(environ[variable], "environment", variable)
    return found, tuple(notes)


def _from_file(name: str, text: str, place: Place, whose: str) -> _Said:
    return _Said(text, f"file {place}{whose}", f"{place}{whose}: `{name}`")


def _settings(said: Mapping[str, _Said], chosen: Chosen, today: date, notes: tuple[Diagnostic, ...]) -> Settings:
    return Settings(
        plan=_lines(said["plan"]),
        source=said["source"].text.strip(),
        config=said["config"].text.strip(),
        label=_one_line(said["label"]),
        gates=_gates(said),
        mode=_choice(Mode, said["mode"]),
        comment_mode=_choice(CommentMode, said["comment-mode"]),
        comment_when=_choice(CommentWhen, said["comment-when"]),
        annotations=_choice(AnnotationChannel, said["annotations"]),
        check_name=_one_line(said["check-name"]),
        summary=_truth(said["summary"]),
        files=MappingProxyType({name: said[name].text.strip() for name in INPUTS if name.endswith("-file")}),
        today=today,
        policy=chosen.document.policy,
        held_catalogue=chosen.catalogue,
        reports=_lines(said["report"]),
        max_depth=None if not said["max-depth"].text else int(_number(said["max-depth"], 1, math.inf, whole=True)),
        token=_token(said[SECRET].text),
        origins=MappingProxyType({name: value.origin for name, value in said.items()}),
        texts=MappingProxyType({name: value.text for name, value in said.items() if name != SECRET}),
        diagnostics=notes,
    )


def _lines(said: _Said) -> tuple[str, ...]:
    return tuple(line.strip() for line in said.text.splitlines() if line.strip())


def _gates(said: Mapping[str, _Said]) -> Gates:
    return Gates(
        min_score=_optional(said["min-score"], 0, 100),
        fail_on_regression=_truth(said["fail-on-regression"]),
        max_drop=_number(said["max-drop"], 0, 100),
        max_new_spofs=int(_number(said["max-new-spofs"], 0, math.inf, whole=True)),
        max_apply_downtime_seconds=_number(said["max-apply-downtime"], 0, math.inf),
        slo_percent=_slo(said["slo"]),
        min_coverage_percent=_number(said["min-coverage"], 0, 100),
        unknowns=_choice(Unknowns, said["unknowns"]),
    )


def _optional(said: _Said, low: float, high: float) -> float | None:
    return _number(said, low, high) if said.text.strip() else None


def _slo(said: _Said) -> float | None:
    percent = _optional(said, 0, 100)
    if percent is not None and not 0 < percent < 100:
        raise ConfigError(f"{said.place} must lie between 0 and 100 percent, like 99.95: it is `{said.text.strip()}`")
    return percent


def _number(said: _Said, low: float, high: float, *, whole: bool = False) -> float:
    text = said.text.strip()
    what = "a whole number" if whole else "a number"
    span = f"from {low:g} to {high:g}" if math.isfinite(high) else f"of {low:g} or more"
    try:
        value = float(text.removesuffix("%") if high == 100 else text)
    except ValueError as error:
        raise ConfigError(f"{said.place} must be {what} {span}: it is `{text}`") from error
    if not low <= value <= high or not math.isfinite(value) or (whole and value != int(value)):
        raise ConfigError(f"{said.place} must be {what} {span}: it is `{text}`")
    return value


def _truth(said: _Said) -> bool:
    words = {"true": True, "false": False}
    text = said.text.strip().lower()
    if text not in words:
        raise ConfigError(f"{said.place} must be true or false: it is `{said.text.strip()}`")
    return words[text]


Choice = TypeVar("Choice", bound=StrEnum)


def _choice(kind: type[Choice], said: _Said) -> Choice:
    text = said.text.strip().lower()
    known = [str(member) for member in kind]
    if text not in known:
        raise ConfigError(f"{said.place} must be one of {', '.join(known)}: it is `{said.text.strip()}`")
    return kind(text)


def _one_line(said: _Said) -> str:
    return " ".join(well_formed(said.text).split())


def _token(text: str) -> str:
    """An expression that nobody evaluated is no token."""
    stripped = text.strip()
    return "" if stripped.startswith("${{") else stripped
