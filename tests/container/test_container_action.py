"""The image as the runner starts it: verdict, exit code, posts, outputs, files."""

from __future__ import annotations

import json
from typing import Any

import docker
import pytest
from container_runner import Runner
from fake_github.core import HEAD, READ_TOKEN
from fake_github.server import FakeGitHub

SECRET = "s3cr3t-c4nary"
FILES = {f"{form}-file": f"out/report.{form}" for form in ("json", "html", "sarif", "markdown", "junit", "badge")}


def test_a_regression_fails_the_job_and_is_told_everywhere(runner: Runner, github: FakeGitHub) -> None:
    runner.put("rds-multi-az-off")
    ran = runner.run()
    assert ran.code == 1, ran.log
    [comment] = github.core.bodies()
    assert "aws_db_instance.main" in comment and "infra/" in comment
    [check] = github.core.runs_of(HEAD)
    assert check["conclusion"] == "failure" and check["output"]["annotations_count"] >= 1
    assert any(row["path"].startswith("infra/") for row in github.core.annotations[check["id"]])
    assert "aws_db_instance.main" in ran.summary
    assert ran.outputs["verdict"] == "fail" and ran.outputs["new-spofs"] == "1" and float(ran.outputs["score-delta"]) < 0
    assert ran.outputs["comment-url"] == github.core.comments_of()[0]["html_url"] and ran.outputs["check-url"] == check["html_url"]


def test_the_second_identical_run_writes_nothing(runner: Runner, github: FakeGitHub) -> None:
    runner.put("rds-multi-az-off")
    first = runner.run()
    github.core.clear_log()
    second = runner.run()
    assert second.code == first.code == 1
    assert [str(entry) for entry in github.core.writes] == []
    assert len(github.core.bodies()) == 1
    urls = ("comment-url", "check-url")
    assert {name: second.outputs[name] for name in urls} == {name: first.outputs[name] for name in urls}


def test_an_improvement_passes(runner: Runner, github: FakeGitHub) -> None:
    runner.put("rds-multi-az-on")
    ran = runner.run()
    assert ran.code == 0, ran.log
    assert ran.outputs["verdict"] == "pass" and float(ran.outputs["score-delta"]) > 0
    assert github.core.runs_of(HEAD)[0]["conclusion"] == "success"


def test_warn_mode_tells_the_same_and_keeps_the_job_green(runner: Runner, github: FakeGitHub) -> None:
    runner.put("rds-multi-az-off")
    ran = runner.run(mode="warn")
    assert ran.code == 0 and ran.outputs["verdict"] == "fail"
    assert github.core.runs_of(HEAD)[0]["conclusion"] == "neutral"


def test_a_read_only_token_changes_no_verdict(runner: Runner, github: FakeGitHub) -> None:
    """A fork's pull request: same exit code, same summary, annotations as workflow commands, one notice with the permissions to add."""
    runner.put("rds-multi-az-off")
    runner.token, runner.fork = READ_TOKEN, True
    ran = runner.run()
    assert ran.code == 1
    assert github.core.bodies() == [] and github.core.runs_of(HEAD) == []
    assert "aws_db_instance.main" in ran.summary
    assert "::error file=infra/" in ran.log or "::warning file=infra/" in ran.log
    assert ran.log.count("pull-requests: write") >= 1 and "checks: write" in ran.log
    assert ran.outputs["verdict"] == "fail" and ran.outputs["comment-url"] == ""


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "empty"), (b"PK\x03\x04binary", "terraform show -json"), (b'{"format_version": "1.2", "resource_changes": [', "plan.json")],
)
def test_an_unreadable_plan_is_never_green(runner: Runner, github: FakeGitHub, content: bytes, says: str) -> None:
    (runner.workspace / "plan.json").write_bytes(content)
    (runner.workspace / "infra").mkdir()
    ran = runner.run(mode="warn")
    assert ran.code == 2
    [comment] = github.core.bodies()
    assert says in comment and "🔴" in comment
    assert github.core.runs_of(HEAD)[0]["conclusion"] in ("action_required", "failure")
    assert ran.outputs["verdict"] == "error" and "Traceback" not in ran.log


def test_a_missing_plan_is_never_green(runner: Runner, github: FakeGitHub) -> None:
    ran = runner.run(plan="nowhere/plan.json")
    assert ran.code == 2 and "nowhere/plan.json" in github.core.bodies()[0]


@pytest.mark.parametrize("inputs", [{"min-score": "many"}, {"mode": "maybe"}, {"plan": ""}, {"config": "missing.yml"}])
def test_bad_configuration_ends_with_3(runner: Runner, inputs: dict[str, str]) -> None:
    runner.put("noop")
    ran = runner.run(mode="warn") if not inputs else runner.run(**inputs)
    assert ran.code == 3
    assert "::error" in ran.log and "Traceback" not in ran.log


def test_a_policy_file_with_an_error_is_named_with_its_line(runner: Runner) -> None:
    runner.put("noop")
    (runner.workspace / ".faultray.yml").write_text("gates:\n  min-scor: 60\n", encoding="utf-8")
    ran = runner.run()
    assert ran.code == 3 and ".faultray.yml:" in ran.log


def test_a_change_that_changes_nothing_passes(runner: Runner) -> None:
    runner.put("tags-only")
    ran = runner.run()
    assert (ran.code, ran.outputs["verdict"], float(ran.outputs["score-delta"])) == (0, "pass", 0.0)


def test_every_file_is_written_and_named(runner: Runner) -> None:
    runner.put("rds-multi-az-off")
    ran = runner.run(**FILES)
    assert all((runner.workspace / path).stat().st_size for path in FILES.values()), ran.log
    assert {name: ran.outputs[name] for name in FILES if name in ran.outputs} == {
        name: path for name, path in FILES.items() if name not in ("junit-file", "badge-file")
    }
    report = json.loads((runner.workspace / "out/report.json").read_text(encoding="utf-8"))
    assert report["schema_version"].startswith("1.") and report["gate"]["passed"] is False
    page = (runner.workspace / "out/report.html").read_text(encoding="utf-8")
    assert "Mike Bostock" in page, "the image has D3 in it"


def test_planted_secrets_appear_nowhere(runner: Runner, github: FakeGitHub) -> None:
    runner.put("rds-multi-az-off")
    path = runner.workspace / "plan.json"
    path.write_text(json.dumps(with_secrets(json.loads(path.read_text(encoding="utf-8")))), encoding="utf-8")
    ran = runner.run(**FILES)
    assert ran.code == 1, ran.log
    assert SECRET in path.read_text(encoding="utf-8") and SECRET not in ran.everything(github)


def with_secrets(plan: dict[str, Any]) -> dict[str, Any]:
    """A secret in every attribute that is free text: passwords, tags, policies, user data, outputs, variables."""
    for change in plan["resource_changes"]:
        for side in ("before", "after"):
            values = change["change"][side]
            if isinstance(values, dict):
                values |= {"password": SECRET, "user_data": SECRET, "tags": {"owner": SECRET}, "policy": f'{{"Sid": "{SECRET}"}}'}
    plan["variables"] = {"db_password": {"value": SECRET}}
    plan["output_changes"] = {"dsn": {"actions": ["update"], "before": SECRET, "after": f"postgres://app:{SECRET}@db"}}
    return plan


def test_the_image_runs_as_root_and_needs_no_working_directory(engine: docker.DockerClient, image: str) -> None:
    settings = engine.images.get(image).attrs["Config"]
    assert not settings.get("User") and settings.get("WorkingDir", "") in ("", "/")
    assert settings["Entrypoint"][0].startswith("/")


def test_the_image_answers_as_the_command_line_too(engine: docker.DockerClient, image: str) -> None:
    told = engine.containers.run(image, ["--version"], remove=True, network_mode="none").decode("utf-8")
    assert told.startswith("faultray")
