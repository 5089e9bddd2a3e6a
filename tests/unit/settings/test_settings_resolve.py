"""Which value wins, where it came from, and what a wrong one is told."""

from __future__ import annotations

import itertools
from datetime import date
from pathlib import Path

import pytest

from faultray_action.model.artifact import AnnotationChannel, CommentMode, CommentWhen
from faultray_action.model.errors import ConfigError
from faultray_action.model.policy import Gates, Mode, Unknowns
from faultray_action.settings import INPUTS, Settings, settings_of_action, settings_of_command

TODAY = date(2026, 3, 1)


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def action(**environ: str) -> Settings:
    return settings_of_action({name.replace("__", "-"): value for name, value in environ.items()}, TODAY)


def command(options: dict[str, object] | None = None, **environ: str) -> Settings:
    return settings_of_command(options or {}, environ, TODAY)


def test_defaults_of_the_action() -> None:
    settings = action(INPUT_PLAN="plan.json")
    assert settings.gates == Gates(fail_on_regression=True, min_coverage_percent=50.0, unknowns=Unknowns.WORST)
    assert (settings.mode, settings.comment_mode, settings.comment_when) == (Mode.ENFORCE, CommentMode.UPDATE, CommentWhen.ALWAYS)
    assert (settings.annotations, settings.check_name, settings.summary) == (AnnotationChannel.AUTO, "FaultRay", True)
    assert settings.today == TODAY and settings.token == "" and settings.max_depth is None and settings.diagnostics == ()


def test_empty_inputs_are_unset_inputs() -> None:
    environ = {f"INPUT_{name.upper()}": "  " for name in INPUTS}
    settings = settings_of_action(environ, TODAY)
    assert settings == action()


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("max-drop", "gates: { max_drop: 50 }"),
        ("max-new-spofs", "gates: { max_new_spofs: 9 }"),
        ("max-apply-downtime", "gates: { max_apply_downtime: 9000 }"),
        ("min-coverage", "gates: { min_coverage: 1 }"),
        ("fail-on-regression", "gates: { fail_on_regression: false }"),
        ("mode", "mode: warn"),
        ("comment-mode", "comment_mode: 'off'"),
        ("comment-when", "comment_when: regressions"),
        ("annotations", "annotations: 'off'"),
        ("check-name", "check_name: Other"),
        ("summary", "summary: false"),
    ],
)
def test_what_is_written_wins_over_the_file_even_where_it_is_the_default(workspace: Path, name: str, file: str) -> None:
    (workspace / ".faultray.yml").write_text(file, encoding="utf-8")
    written = INPUTS[name].default
    left_out, by_input = action(), settings_of_action({f"INPUT_{name.upper()}": written}, TODAY)
    by_environment = action(**{f"FAULTRAY_{name.upper().replace('-', '_')}": written})
    by_option = command({name: written})
    assert left_out.origins[name].startswith("file ") and left_out.texts[name] != written
    for settings, origin in ((by_input, "input"), (by_environment, "environment"), (by_option, "option")):
        assert (settings.texts[name], settings.origins[name]) == (written, origin)


def test_the_command_line_gates_nothing_unless_asked() -> None:
    assert not command().gates.fail_on_regression
    assert command({"fail-on-regression": True}).gates.fail_on_regression
    assert command({"min-score": 60.0}).gates == Gates(min_score=60.0, fail_on_regression=False)


def test_a_tolerance_on_the_command_line_asks_for_its_gate() -> None:
    settings = command({"max-drop": 3})
    assert settings.gates.fail_on_regression and settings.origins["fail-on-regression"] == "implied by max-drop"
    assert not command({"max-drop": 3, "fail-on-regression": False}).gates.fail_on_regression


@pytest.mark.parametrize("given", list(itertools.product([False, True], repeat=3)))
def test_input_before_environment_before_file_before_default(workspace: Path, given: tuple[bool, bool, bool]) -> None:
    by_input, by_environment, by_file = given
    environ = {}
    if by_input:
        environ["INPUT_MIN-SCORE"] = "10"
    if by_environment:
        environ["FAULTRAY_MIN_SCORE"] = "20"
    if by_file:
        (workspace / ".faultray.yml").write_text("gates:\n  min_score: 30\n")
    settings = settings_of_action(environ, TODAY)
    expected, origin = next(
        (value, origin)
        for given, value, origin in (
            (by_input, 10.0, "input"),
            (by_environment, 20.0, "environment"),
            (by_file, 30.0, "file .faultray.yml:2"),
            (True, None, "default"),
        )
        if given
    )
    assert settings.gates.min_score == expected and settings.origins["min-score"] == origin
    shown = "none" if expected is None else f"{expected:g}"
    assert f"min-score = {shown} ({origin})" in settings.lines()


def test_every_setting_of_the_file_arrives(workspace: Path) -> None:
    (workspace / ".faultray.yml").write_text(
        "slo: 99.9\nunknowns: best\nmode: warn\ncomment_mode: hide-and-new\ncomment_when: changes\nannotations: commands\n"
        "check_name: Resilience\nsummary: false\ngates: {min_score: 60, fail_on_regression: false, max_drop: 1.5, max_new_spofs: 2,\n"
        "  max_apply_downtime: 30, min_coverage: 80}\n"
    )
    settings = action()
    assert settings.gates == Gates(60.0, False, 1.5, 2, 30.0, 99.9, 80.0, Unknowns.BEST)
    assert (settings.mode, settings.comment_mode, settings.comment_when) == (Mode.WARN, CommentMode.HIDE_AND_NEW, CommentWhen.CHANGES)
    assert (settings.annotations, settings.check_name, settings.summary) == (AnnotationChannel.COMMANDS, "Resilience", False)


def test_plans_stand_one_a_line() -> None:
    assert action(INPUT_PLAN="a/plan.json\n\n  b/*.json  \n").plan == ("a/plan.json", "b/*.json")
    assert command({"plan": (Path("a.json"), Path("b.json"))}).plan == ("a.json", "b.json")


def test_the_token_is_never_shown() -> None:
    settings = action(INPUT_GITHUB__TOKEN="ghs_secret")
    assert settings.token == "ghs_secret"
    assert "ghs_secret" not in repr(settings) and "ghs_secret" not in "\n".join(settings.lines())
    assert "github-token = given (input)" in settings.lines()
    assert action(INPUT_GITHUB__TOKEN="${{ github.token }}").token == ""
    assert command({}, GITHUB_TOKEN="ghs_other").token == "ghs_other"


def test_the_day_is_printed() -> None:
    assert "today = 2026-03-01 (UTC)" in action().lines()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("MIN-SCORE", "abc", "input `min-score` must be a number from 0 to 100: it is `abc`"),
        ("MIN-SCORE", "101", "from 0 to 100"),
        ("MIN-SCORE", "nan", "from 0 to 100"),
        ("MAX-DROP", "-1", "from 0 to 100"),
        ("MAX-NEW-SPOFS", "1.5", "a whole number of 0 or more"),
        ("MAX-NEW-SPOFS", "inf", "a whole number"),
        ("MAX-APPLY-DOWNTIME", "10s", "a number of 0 or more"),
        ("SLO", "100", "between 0 and 100 percent"),
        ("SLO", "0", "between 0 and 100 percent"),
        ("FAIL-ON-REGRESSION", "yes", "input `fail-on-regression` must be true or false: it is `yes`"),
        ("MODE", "warning", "one of enforce, warn"),
        ("COMMENT-MODE", "x", "one of update, new, hide-and-new, update-and-ping, off"),
        ("ANNOTATIONS", "both", "one of auto, check-run, commands, off"),
    ],
)
def test_a_wrong_value_is_one_clear_sentence(name: str, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        settings_of_action({f"INPUT_{name}": text}, TODAY)
    assert caught.value.exit_code == 3 and "\n" not in str(caught.value)


def test_percent_signs_and_capitals_are_understood() -> None:
    settings = action(INPUT_SLO="99.95%", INPUT_MODE="Warn", INPUT_FAIL__ON__REGRESSION="FALSE")
    assert (settings.gates.slo_percent, settings.mode, settings.gates.fail_on_regression) == (99.95, Mode.WARN, False)


def test_a_gate_that_is_spelled_wrong_is_not_a_gate_that_is_off() -> None:
    with pytest.raises(ConfigError, match="no input `min_score`: did you mean `min-score`"):
        settings_of_action({"INPUT_MIN_SCORE": "60"}, TODAY)
    [note] = settings_of_action({"INPUT_SOMETHING": "x"}, TODAY).diagnostics
    assert note.code == "unknown-input"
    [note] = settings_of_action({"FAULTRAY_MIN_SCOR": "60"}, TODAY).diagnostics
    assert note.message == "FAULTRAY_MIN_SCOR names no setting: did you mean `min-score`?"


def test_only_the_default_policy_file_may_be_absent(workspace: Path) -> None:
    with pytest.raises(ConfigError, match=r"other\.yml does not exist: input `config`"):
        action(INPUT_CONFIG="other.yml")
    (workspace / "other.yml").write_text("slo: 99\n")
    assert action(INPUT_CONFIG="other.yml").origins["slo"] == "file other.yml:1"
    assert action(FAULTRAY_CONFIG="other.yml").gates.slo_percent == 99.0


def test_a_policy_under_the_wrong_ending_is_told(workspace: Path) -> None:
    (workspace / ".faultray.yaml").write_text("slo: 99\n")
    [note] = action().diagnostics
    assert note.message == ".faultray.yaml is not read: call it .faultray.yml."
