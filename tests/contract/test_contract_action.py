"""The action from its inputs to what stands on GitHub afterwards, over a socket: every way a run can go."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from action_job import Job
from fake_github.core import HEAD, READ_TOKEN, WRITE_TOKEN
from fake_github.server import FakeGitHub
from markdown_reader import check_markup
from plan_makers import as_bytes, plan, stack

from faultray_action import cli
from faultray_action.settings import OUTPUTS

REGRESSION, IMPROVEMENT, QUIET = "rds-multi-az-off", "rds-multi-az-on", "tags-only"
NEWER = "2" * 40


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub() as github:
        github.core.add_pull()
        github.core.commits.add("f" * 40)
        yield github


@pytest.fixture
def job(github: FakeGitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    job = Job(github, tmp_path)
    job.workspace.mkdir()
    monkeypatch.chdir(job.workspace)
    monkeypatch.setenv("FAULTRAY_TODAY", "2026-01-01")
    return job


def writes(github: FakeGitHub) -> list[str]:
    return [f"{entry.method} {entry.path.rsplit('/', 1)[0]}" for entry in github.core.writes]


def test_first_run_posts_one_comment_one_check_run_outputs_and_summary(github: FakeGitHub, job: Job) -> None:
    job.put(REGRESSION)
    ran = job.run(json_file="out/report.json", sarif_file="out/faultray.sarif", html_file="out/page.html", badge_file="out/badge.json")
    assert ran.code == 1
    [body] = github.core.bodies()
    assert "**1 new single point of failure.**" in body and "multi_az" in body
    [check] = github.core.runs_of(HEAD)
    assert check["conclusion"] == "failure" and check["output"]["title"].startswith("Resilience 67 → 57")
    assert set(ran.outputs) == set(OUTPUTS)
    assert (ran.outputs["verdict"], ran.outputs["new-spofs"], ran.outputs["recommendation"]) == ("fail", "1", "high-risk")
    assert float(ran.outputs["score-before"]) + float(ran.outputs["score-delta"]) == pytest.approx(
        float(ran.outputs["score-after"]), abs=0.011
    )
    assert ran.outputs["comment-url"].endswith("#issuecomment-1002") and ran.outputs["check-url"]
    assert json.loads(Path(ran.outputs["json-file"]).read_text())["verdict"] == "fail"
    assert "## 🔴 FaultRay" in ran.summary and "Settings" in ran.summary
    assert ran.commands == [], "nothing to say that the check run does not say"


def test_lines_are_relative_to_the_repository_where_the_source_is_a_folder_of_it(github: FakeGitHub, job: Job) -> None:
    job.put(REGRESSION, "stacks/prod")
    job.run(source="stacks/prod")
    [check] = github.core.runs_of(HEAD)
    [annotation] = github.core.annotations[check["id"]]
    assert (annotation["path"], annotation["annotation_level"]) == ("stacks/prod/variables.tf", "failure")
    assert f"https://github.test/acme/shop/blob/{HEAD}/stacks/prod/variables.tf#L" in github.core.bodies()[0]


def test_lines_are_relative_to_the_workspace_where_there_is_no_working_copy(github: FakeGitHub, job: Job) -> None:
    job.put(REGRESSION, "stacks/prod", git=False)
    job.run(source="stacks/prod")
    [check] = github.core.runs_of(HEAD)
    assert [row["path"] for row in github.core.annotations[check["id"]]] == ["stacks/prod/variables.tf"]


def test_a_second_identical_run_writes_nothing(github: FakeGitHub, job: Job) -> None:
    job.put(REGRESSION)
    first = job.run()
    github.core.clear_log()
    second = job.run()
    assert github.core.writes == []
    assert (second.outputs["comment-url"], second.code) == (first.outputs["comment-url"], first.code)


def test_a_changed_run_edits_the_one_comment(github: FakeGitHub, job: Job) -> None:
    job.put(REGRESSION)
    job.run()
    github.core.clear_log()
    job.put(IMPROVEMENT)
    assert job.run().code == 0
    assert writes(github) == ["POST /repos/acme/shop", "PATCH /repos/acme/shop/issues/comments"]
    assert len(github.core.bodies()) == 1 and "Resolves 1 single point of failure" in github.core.bodies()[0]


@pytest.mark.parametrize("actor", ["octocat", "dependabot[bot]"])
@pytest.mark.parametrize("fork", [True, False])
def test_a_read_only_token_changes_nothing_but_where_it_is_said(github: FakeGitHub, job: Job, fork: bool, actor: str) -> None:
    job.put(REGRESSION, "infra")
    full = job.run()
    job.token, job.fork, job.actor = READ_TOKEN, fork, actor
    github.core.comments.clear()
    github.core.check_runs.clear()
    ran = job.run()
    assert ran.code == full.code == 1 and github.core.bodies() == []
    notices = [line for line in ran.commands if line.startswith("::notice")]
    assert len(notices) == 1 and "permissions: { " in notices[0] and "pull-requests: write" in notices[0] and "checks: write" in notices[0]
    errors = [line for line in ran.commands if line.startswith("::error")]
    assert len(errors) == 1 and "file=infra/variables.tf,line=" in errors[0]
    assert full.summary.strip() in ran.summary
    assert "permissions" in ran.summary
    told = {name: value for name, value in ran.outputs.items() if not name.endswith("-url")}
    assert told == {name: value for name, value in full.outputs.items() if not name.endswith("-url")}


def test_no_token_at_all_is_told_once(github: FakeGitHub, job: Job) -> None:
    job.put(REGRESSION)
    job.token = ""
    ran = job.run()
    assert ran.code == 1 and github.core.log == []
    assert len([line for line in ran.commands if line.startswith("::notice")]) == 1


def test_too_many_requests_waits_as_asked(github: FakeGitHub, job: Job) -> None:
    job.put(REGRESSION)
    github.core.inject(429, method="POST", path="comments$", headers={"retry-after": "7"})
    assert job.run().code == 1
    assert job.clock.slept == [7.0] and len(github.core.bodies()) == 1


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_github_that_stays_down_changes_no_verdict(github: FakeGitHub, job: Job, status: int) -> None:
    job.put(IMPROVEMENT)
    github.core.inject(status, times=10_000)
    ran = job.run()
    assert ran.code == 0 and ran.outputs["verdict"] == "pass" and ran.outputs["comment-url"] == ""
    assert any("Not posted" in line for line in ran.commands) and "Not posted" in ran.summary


def test_a_matrix_of_labels_shares_one_comment(github: FakeGitHub, job: Job) -> None:
    for label, fixture in (("prod", REGRESSION), ("staging", IMPROVEMENT), ("dev", QUIET)):
        job.put(fixture)
        job.run(label=label)
    [body] = github.core.bodies()
    assert "3 plans" in body and all(f"`{label}`" in body for label in ("prod", "staging", "dev"))
    assert sorted(run["name"] for run in github.core.runs_of(HEAD)) == ["FaultRay · dev", "FaultRay · prod", "FaultRay · staging"]
    job.put(IMPROVEMENT)
    job.run(label="prod")
    assert len(github.core.bodies()) == 1 and "all passed" in github.core.bodies()[0]


def test_several_plans_of_one_job_are_one_system(github: FakeGitHub, job: Job) -> None:
    job.put(REGRESSION)
    (job.workspace / "plan.json").rename(job.workspace / "a.json")
    job.put(QUIET)
    assert job.run(plan="a.json\nplan.json").code in (0, 1)
    assert len(github.core.bodies()) == 1


def test_a_stale_run_that_finishes_last_leaves_the_newer_comment(github: FakeGitHub, job: Job) -> None:
    github.core.move_head(1, NEWER)
    job.put(IMPROVEMENT)
    job.head, job.runs = NEWER, 5
    job.run()
    newer = github.core.bodies()
    job.put(REGRESSION)
    job.head, job.runs = HEAD, 1
    ran = job.run()
    assert ran.code == 1 and github.core.bodies() == newer
    assert any("newer" in line for line in ran.commands)


def test_a_report_beyond_the_limits_is_cut_and_posted(github: FakeGitHub, job: Job) -> None:
    job.put(REGRESSION)
    (job.workspace / "plan.json").write_bytes(as_bytes(many(250)))
    ran = job.run()
    assert ran.code == 1
    [body] = github.core.bodies()
    assert len(body.encode()) <= 60_000 and "more" in body
    [check] = github.core.runs_of(HEAD)
    assert len(check["output"]["summary"]) <= 65_535
    assert github.core.refusals == []


def many(count: int) -> dict[str, Any]:
    """Many databases that lose their standby at once."""
    before = stack()
    template = before.pop("aws_db_instance.main")
    for number in range(count):
        name = f"orders_and_invoices_of_customer_number_{number:04d}"
        before[f"aws_db_instance.{name}"] = {**template, "id": name, "identifier": name, "address": f"{name}.example", "arn": f"arn:{name}"}
    after = {a: {**v, "multi_az": False} if a.startswith("aws_db_instance.") else v for a, v in before.items()}
    return plan(before, after)


def test_at_most_200_annotations_most_costly_first(github: FakeGitHub, job: Job) -> None:
    job.put(REGRESSION)
    tree = many(230)
    (job.workspace / "plan.json").write_bytes(as_bytes(tree))
    names = [row["name"] for row in tree["resource_changes"] if row["type"] == "aws_db_instance"]
    code = [f'resource "aws_db_instance" "{name}" {{\n  multi_az = false\n}}\n' for name in names]
    others = [f'resource "{row["type"]}" "{row["name"]}" {{}}\n' for row in tree["resource_changes"] if row["type"] != "aws_db_instance"]
    (job.workspace / "infra" / "main.tf").write_text("\n".join([*code, *others]))
    job.run(source="infra")
    [check] = github.core.runs_of(HEAD)
    assert check["output"]["annotations_count"] == 200
    assert [line for line in writes(github) if "check-runs" in line] == ["PATCH /repos/acme/shop/check-runs"] * 3


@pytest.mark.parametrize(
    ("event", "payload"),
    [
        ("push", {"after": HEAD, "before": "0" * 40, "ref": "refs/heads/main"}),
        ("merge_group", {"merge_group": {"head_sha": HEAD, "base_sha": "0" * 40}}),
        ("schedule", {"schedule": "0 0 * * *"}),
        ("workflow_dispatch", {"inputs": {}}),
    ],
)
def test_other_events_get_a_check_run(github: FakeGitHub, job: Job, event: str, payload: dict[str, Any]) -> None:
    job.put(REGRESSION)
    job.event, job.payload = event, payload
    ran = job.run()
    assert ran.code == 1 and len(github.core.runs_of(HEAD)) == 1
    assert len(github.core.bodies()) == (1 if event in ("push", "workflow_dispatch") else 0), "only where a pull request has this head"
    assert not [line for line in ran.commands if line.startswith(("::warning", "::error"))]


@pytest.mark.parametrize("content", [b"", b"{", b"PK\x03\x04", b'{"format_version": "1.0", "terraform_version": "1", "values": {}}'])
def test_an_unreadable_plan_is_red_and_says_what_to_do(github: FakeGitHub, job: Job, content: bytes) -> None:
    job.put(REGRESSION)
    job.run()
    (job.workspace / "plan.json").write_bytes(content)
    ran = job.run()
    assert ran.code == 2 and ran.outputs["verdict"] == "error" and ran.outputs["score-after"] == ""
    [body] = github.core.bodies()
    assert "could not compute" in body and "🔴" in body and "[!CAUTION]" in body
    assert github.core.runs_of(HEAD)[-1]["conclusion"] == "action_required"
    assert "could not compute" in ran.summary
    assert len([line for line in ran.commands if line.startswith("::error")]) == 1


def test_an_unreadable_plan_is_as_red_with_a_read_only_token(github: FakeGitHub, job: Job) -> None:
    job.token = READ_TOKEN
    ran = job.run(plan="missing.json")
    assert ran.code == 2 and "missing.json" in ran.summary
    assert len([line for line in ran.commands if line.startswith("::error")]) == 1


def test_warn_mode_reports_red_and_exits_green(github: FakeGitHub, job: Job) -> None:
    job.put(REGRESSION)
    ran = job.run(mode="warn")
    assert (ran.code, ran.outputs["verdict"]) == (0, "fail")
    assert github.core.runs_of(HEAD)[0]["conclusion"] == "neutral"
    assert "would fail (warn mode)" in github.core.bodies()[0]


def test_warn_mode_does_not_excuse_a_plan_that_cannot_be_read(job: Job) -> None:
    assert job.run(mode="warn", plan="missing.json").code == 2


@pytest.mark.parametrize(
    "inputs",
    [{"min_score": "101"}, {"mode": "soft"}, {"config": "missing.yml"}, {"fail_on_regression": "yes"}, {"slo": "100"}, {"plan": ""}],
)
def test_a_bad_configuration_exits_3_and_posts_nothing(github: FakeGitHub, job: Job, inputs: dict[str, str]) -> None:
    job.put(REGRESSION)
    ran = job.run(**inputs)
    assert ran.code == 3 and github.core.writes == []
    assert len(ran.commands) == 1 and ran.commands[0].startswith("::error title=FaultRay::")


def test_a_mistake_in_the_policy_exits_3_with_its_line(job: Job) -> None:
    job.put(REGRESSION)
    (job.workspace / ".faultray.yml").write_text("gates:\n  min_scor: 3\n")
    ran = job.run()
    assert ran.code == 3 and ".faultray.yml" in ran.log and "min_score" in ran.log


@pytest.mark.parametrize("when", ["always", "changes", "regressions"])
def test_a_quiet_change_comments_only_where_it_is_wanted(github: FakeGitHub, job: Job, when: str) -> None:
    job.put(QUIET)
    assert job.run(comment_when=when).code == 0
    assert len(github.core.bodies()) == (1 if when == "always" else 0)


def test_annotations_as_commands(github: FakeGitHub, job: Job) -> None:
    job.put(REGRESSION)
    ran = job.run(annotations="commands", source="infra")
    assert [line for line in ran.commands if line.startswith("::error") and "file=infra/variables.tf" in line]
    assert github.core.runs_of(HEAD)[0]["output"]["annotations_count"] == 0


def test_a_file_that_cannot_be_written_is_told(job: Job) -> None:
    job.put(REGRESSION)
    (job.workspace / "taken").write_text("a file, no folder")
    ran = job.run(json_file="taken/report.json")
    assert ran.code == 1 and ran.outputs["json-file"] == ""
    assert any(line.startswith("::warning") and "taken/report.json" in line for line in ran.commands)


# The publisher of a fork's report


def publisher(job: Job, github: FakeGitHub, monkeypatch: pytest.MonkeyPatch, *reports: str) -> int:
    event = job.folder / "workflow_run.json"
    run = {"head_sha": "8" * 40, "head_branch": "topic", "head_repository": {"full_name": "mallory/shop"}, "pull_requests": []}
    event.write_text(json.dumps({"action": "completed", "workflow_run": run}))
    for name, value in {
        "GITHUB_TOKEN": WRITE_TOKEN,
        "GITHUB_API_URL": f"{github.url}/api/v3",
        "GITHUB_GRAPHQL_URL": f"{github.url}/api/graphql",
        "GITHUB_SERVER_URL": "https://github.test",
        "GITHUB_EVENT_NAME": "workflow_run",
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_REPOSITORY": github.core.repository,
        "GITHUB_RUN_ID": "77",
        "GITHUB_SHA": "0" * 40,
        "GITHUB_OUTPUT": "",
        "GITHUB_STEP_SUMMARY": "",
    }.items():
        monkeypatch.setenv(name, value)
    return cli.run(["publish", *reports])


def test_the_publisher_posts_what_the_fork_computed(
    github: FakeGitHub, job: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    github.core.add_pull(8, "8" * 40, fork=True)
    job.put(REGRESSION)
    job.token, job.fork, job.head, job.pull = READ_TOKEN, True, "8" * 40, 8
    assert job.run(json_file="report.json").code == 1
    assert github.core.bodies(8) == []
    assert publisher(job, github, monkeypatch, "report.json") == 1
    [body] = github.core.bodies(8)
    assert "**1 new single point of failure.**" in body and f"/blob/{'8' * 40}/infra/variables.tf#L" in body
    assert github.core.runs_of("8" * 40)[0]["conclusion"] == "failure"


@pytest.mark.parametrize("content", [b"", b"{}", b'{"schema_version": "2.0"}', b"\xff\xfe", b"[" * 5000])
def test_the_publisher_refuses_what_is_no_report(
    github: FakeGitHub, job: Job, monkeypatch: pytest.MonkeyPatch, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    (job.workspace / "report.json").write_bytes(content)
    assert publisher(job, github, monkeypatch, "report.json") == 2
    assert github.core.writes == [] and len(capsys.readouterr().err.strip().splitlines()) == 1


def test_the_publisher_makes_everything_shown_anew(
    github: FakeGitHub, job: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A forged report changes words at most: nothing of it is markup, a mention, a command or another pull request."""
    github.core.add_pull(8, "8" * 40, fork=True)
    job.put(REGRESSION)
    job.run(json_file="report.json")
    github.core.comments.clear()
    evil = "x</details><img src=x onerror=alert(1)> @octocat ::error::pwned [a](https://evil.example)"
    report = (job.workspace / "report.json").read_text().replace("aws_db_instance.main", json.dumps(evil)[1:-1])
    (job.workspace / "report.json").write_text(report)
    capsys.readouterr()
    assert publisher(job, github, monkeypatch, "report.json") == 1
    [body] = github.core.bodies(8)
    check_markup(body, "https://github.test/acme/shop/")
    assert github.core.bodies(1) == []
    log = capsys.readouterr().out
    assert not [line for line in log.splitlines() if line.startswith("::error")]
