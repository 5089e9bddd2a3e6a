"""All that can go wrong around a run, and what it costs: exit code, outputs, comment, check run. Nothing of it turns a verdict.

Every row runs the action over a socket. What holds for each row stands once, in `held`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest
from action_job import ROOT, Job, Ran, outputs_in
from fake_github.core import BOT, HEAD, WRITE_TOKEN
from fake_github.server import FakeGitHub

from faultray_action.github.client import Client

REGRESSION, IMPROVEMENT = "rds-multi-az-off", "rds-multi-az-on"
VERDICTS = {REGRESSION: (1, "fail"), IMPROVEMENT: (0, "pass")}
BRACKETS = '<!-- faultray-action {"head": ' + "[" * 60_000 + "} -->"
SECRET = "sEcReT-of-the-plan"


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub() as github:
        github.core.add_pull()
        yield github


@pytest.fixture
def job(github: FakeGitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    job = Job(github, tmp_path, call_seconds=0.3)
    job.workspace.mkdir()
    monkeypatch.chdir(job.workspace)
    monkeypatch.setenv("FAULTRAY_TODAY", "2026-01-01")
    return job


def held(ran: Ran, code: int, verdict: str, token: str = WRITE_TOKEN) -> None:
    """What no failure changes."""
    assert (ran.code, ran.outputs["verdict"]) == (code, verdict)
    everything = "\n".join([ran.log, ran.summary, *ran.outputs.values()])
    assert "Traceback" not in everything and SECRET not in everything
    assert token not in everything
    assert ran.summary.strip()


def red(github: FakeGitHub) -> bool:
    """Whether one comment stands, and says that nothing could be computed."""
    bodies = [comment["body"] for comment in github.core.comments_of() if comment["user"]["login"] == BOT]
    return len(bodies) == 1 and "could not compute" in bodies[0]


# GitHub fails


@dataclass(frozen=True)
class Bad:
    """An answer that comes `times` times, and whether comment and check run stand (and are known of) in the end."""

    name: str
    comment: bool = True
    check: bool = True
    status: int = 0
    delivery: str = "whole"
    method: str = ""
    path: str = ""
    times: int = 1
    message: str = ""
    headers: tuple[tuple[str, str], ...] = ()


ALWAYS = 10_000
BREAKS = ("cut", "cut-chunk", "reset", "gone", "silent", "stall", "drip", "drip-head", "garbage")
TABLE = [
    *(Bad(f"each call {delivery} once", delivery=delivery, times=1) for delivery in BREAKS),
    *(Bad(f"comment {delivery} once", delivery=delivery, method="POST", path="comments$") for delivery in BREAKS),
    *(Bad(f"502 {delivery} while the comment is made", status=502, delivery=delivery, method="POST", path="comments$") for delivery in BREAKS),
    *(Bad(f"403 {delivery} while the check run is made", status=403, delivery=delivery, method="POST", path="check-runs$") for delivery in BREAKS),
    *(Bad(f"list of comments {delivery} always", comment=False, delivery=delivery, method="GET", path="comments$", times=ALWAYS) for delivery in BREAKS),
    *(Bad(f"everything {delivery} always", comment=False, check=False, delivery=delivery, method="GET", times=ALWAYS) for delivery in ("cut", "reset", "drip")),
    *(Bad(f"GraphQL {delivery} always", delivery=delivery, path="graphql$", times=ALWAYS) for delivery in (*BREAKS, "flood", "deep", "page")),
    *(Bad(f"comments {delivery}", comment=False, delivery=delivery, method="GET", path="comments$") for delivery in ("flood", "deep", "page")),
    *(Bad(f"check runs {delivery}", check=False, delivery=delivery, method="GET", path="check-runs$") for delivery in ("flood", "deep", "page")),
    *(Bad(f"head {delivery}", comment=False, delivery=delivery, method="GET", path="pulls/1$") for delivery in ("flood", "deep", "page")),
    *(Bad(f"{status} once", status=status) for status in (500, 502, 503)),
    *(Bad(f"{status} always", comment=False, check=False, status=status, times=ALWAYS) for status in (400, 401, 403, 404, 410, 422, 429, 500, 502, 503)),
    Bad("503 that names a time", status=503, headers=(("retry-after", "11"),), path="comments$"),
    Bad("429 that names too long a time", comment=False, status=429, headers=(("retry-after", "301"),), path="comments$", times=ALWAYS),
    Bad("a proxy that echoes the token", comment=False, check=False, status=401, message=f"who is {WRITE_TOKEN}?", times=ALWAYS),
]  # fmt: skip


@pytest.mark.parametrize("fixture", VERDICTS)
@pytest.mark.parametrize("bad", TABLE, ids=lambda bad: bad.name)
def test_what_github_does_turns_no_verdict(github: FakeGitHub, job: Job, bad: Bad, fixture: str) -> None:
    job.put(fixture)
    github.core.inject(
        bad.status, method=bad.method, path=bad.path, headers=dict(bad.headers), times=bad.times, message=bad.message, delivery=bad.delivery
    )
    ran = job.run()
    held(ran, *VERDICTS[fixture])
    assert (ran.outputs["comment-url"] != "", ran.outputs["check-url"] != "") == (bad.comment, bad.check)
    assert len(github.core.bodies()) == (1 if bad.comment else 0)
    told = [line for line in ran.commands if "Not posted" in line]
    assert bool(told) == (not (bad.comment and bad.check)) == ("Not posted" in ran.summary)


def test_a_503_that_names_a_time_is_given_it(github: FakeGitHub, job: Job) -> None:
    job.put(REGRESSION)
    github.core.inject(503, headers={"retry-after": "11"}, path="comments$")
    job.run()
    assert job.clock.slept == [11.0]


# Strangers write


def forge(github: FakeGitHub, job: Job, body: str, login: str) -> None:
    github.core.add_comment(1, body, login)


def imitate(github: FakeGitHub, job: Job) -> None:
    """Our own comment, word for word, from another hand and before ours."""
    job.run()
    [body] = github.core.bodies()
    github.core.comments.clear()
    github.core.check_runs.clear()
    github.core.add_comment(1, body, "mallory")


STRANGERS: dict[str, Callable[[FakeGitHub, Job], object]] = {
    "brackets in a stranger's stamp": lambda github, job: forge(github, job, BRACKETS, "mallory"),
    "brackets under our own name": lambda github, job: forge(github, job, BRACKETS, BOT),
    "a stamp that never ends": lambda github, job: forge(github, job, "<!-- faultray-action {" * 2_900, BOT),
    "a stamp with a foreign verdict": lambda github, job: forge(
        github, job, '<!-- faultray-action {"head": "1", "key": "faultray", "verdict": "great"} -->', BOT
    ),
    "our comment from another hand": imitate,
    "5,100 comments": lambda github, job: github.core.add_comments(1, 5_100),
    "brackets in a stranger's check run": lambda github, job: github.core.add_check_run(
        HEAD, "<!-- faultray-section {" + "[" * 60_000 + "} AAAA -->"
    ),
    "brackets in a check run under our app": lambda github, job: github.core.add_check_run(
        HEAD, "<!-- faultray-section {" + "[" * 60_000 + "} AAAA -->", "github-actions"
    ),
    "sections that never end": lambda github, job: github.core.add_check_run(HEAD, "<!-- faultray-section {} " * 2_600, "github-actions"),
}


@pytest.mark.parametrize("fixture", VERDICTS)
@pytest.mark.parametrize("name", STRANGERS)
def test_what_strangers_write_is_not_looked_into(github: FakeGitHub, job: Job, name: str, fixture: str) -> None:
    job.put(fixture)
    STRANGERS[name](github, job)
    before = github.core.bodies()
    for _ in range(2):
        ran = job.run()
        held(ran, *VERDICTS[fixture])
        assert ran.commands == []
    assert github.core.bodies()[:-1] == before, "one comment of ours, and theirs untouched"
    assert ran.outputs["comment-url"].endswith(f"-{max(github.core.comments)}")


def test_beyond_what_is_read_ours_is_rewritten_and_none_is_added(github: FakeGitHub, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faultray_action.github.client.MAX_PAGES", 3)
    job.put(REGRESSION)
    job.run()
    github.core.add_comments(1, 400)
    job.put(IMPROVEMENT)
    assert job.run().outputs["comment-url"] and "Resolves 1 single point" in github.core.bodies()[0]
    del github.core.comments[min(github.core.comments)]
    for _ in range(2):
        ran = job.run()
        held(ran, 0, "pass")
        assert ran.outputs["comment-url"] == "" and len(github.core.bodies()) == 400
        assert len([line for line in ran.commands if "too many comments" in line]) == 1


# Whose token it is


def test_an_app_that_graphql_does_not_know_has_one_comment(github: FakeGitHub, job: Job) -> None:
    """Its check run tells who it is."""
    github.core.add_token("app", "my-app[bot]", "my-app", {"checks": "write", "pull-requests": "write", "contents": "read"}, viewer=False)
    job.token = "app"
    for fixture in (REGRESSION, REGRESSION, IMPROVEMENT):
        job.put(fixture)
        ran = job.run()
        held(ran, *VERDICTS[fixture], token="write-token")
        assert [comment["user"]["login"] for comment in github.core.comments_of()] == ["my-app[bot]"] and ran.commands == []


def test_a_person_that_graphql_does_not_know_has_one_comment(github: FakeGitHub, job: Job) -> None:
    """`GET /user` tells who it is."""
    github.core.add_token("person", "octocat", permissions={"pull-requests": "write"}, viewer=False)
    job.token = "person"
    for fixture in (REGRESSION, REGRESSION, IMPROVEMENT):
        job.put(fixture)
        held(job.run(), *VERDICTS[fixture], token="write-token")
        assert [comment["user"]["login"] for comment in github.core.comments_of()] == ["octocat"]


def test_an_app_of_which_nothing_is_known_keeps_its_first_comment_and_says_so(github: FakeGitHub, job: Job) -> None:
    """No GraphQL, no check run: the answer to the first comment tells who it is."""
    github.core.add_token("app", "my-app[bot]", "my-app", {"pull-requests": "write"}, viewer=False)
    github.core.add_comment(1, "hello", "octocat")
    job.token = "app"
    first = 0
    for fixture in (REGRESSION, REGRESSION, IMPROVEMENT):
        job.put(fixture)
        ran = job.run()
        held(ran, *VERDICTS[fixture], token="write-token")
        _, ours = github.core.comments_of()
        first = first or ours["id"]
        assert (ours["id"], ours["user"]["login"]) == (first, "my-app[bot]")
        assert len([line for line in ran.commands if "does not say whose token this is" in line]) == 1
    assert "Resolves 1 single point" in ours["body"]


@pytest.mark.parametrize("token", ["line\nbreak", "tök€n", "two words"])
def test_a_token_that_cannot_be_sent_is_told_once_and_never_shown(github: FakeGitHub, job: Job, token: str) -> None:
    job.put(REGRESSION)
    job.token = token
    ran = job.run(policy_from="none")
    held(ran, 1, "fail", token)
    assert len([line for line in ran.commands if "set the secret anew" in line]) == 1 and github.core.log == []


# We fail


@dataclass(frozen=True)
class Stage:
    """Where a defect strikes. `red`: the verdict is lost and the comment says so. Else `comment`: whether one stands all the same."""

    target: str
    red: bool = True
    comment: bool = True


STAGES = [
    Stage("faultray_action.action.check"),
    Stage("faultray_action.action._write_files"),
    Stage("faultray_action.publishing.outputs_of"),
    Stage("faultray_action.publishing.summary.render"),
    Stage("faultray_action.publishing.terminal.render"),
    Stage("faultray_action.action.read_context", comment=False),
    Stage("faultray_action.action.settings_of_action", comment=False),
    Stage("faultray_action.action.plans_of", comment=False),
    Stage("faultray_action.publishing._posting", red=False, comment=False),
    Stage("faultray_action.publishing.remarks.annotate", red=False, comment=False),
    Stage("faultray_action.publishing.publish", red=False, comment=False),
    Stage("faultray_action.publishing.markdown.render_comment", comment=False),
    Stage("faultray_action.publishing._renderer", red=False, comment=False),
    Stage("faultray_action.github.publish.own_login", red=False),
    Stage("faultray_action.github.publish.put_section", red=False),
    Stage("faultray_action.github.publish.project", red=False, comment=False),
    Stage("faultray_action.github.client.send", red=False, comment=False),
]


@pytest.mark.parametrize("error", [RecursionError(SECRET), MemoryError(), KeyError(SECRET), AssertionError(SECRET), OSError(SECRET)])
@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.target.removeprefix("faultray_action."))
def test_a_defect_is_one_sentence_wherever_it_strikes(github: FakeGitHub, job: Job, stage: Stage, error: Exception) -> None:
    job.put(IMPROVEMENT)
    with mock.patch(stage.target, side_effect=error):
        ran = job.run(policy_from="none")
    held(ran, *((2, "error") if stage.red else (0, "pass")))
    if stage.red and stage.comment:
        assert red(github) and github.core.runs_of(HEAD)[-1]["conclusion"] == "action_required"
    else:
        assert bool(github.core.bodies()) == stage.comment
    told = [line for line in ran.commands if type(error).__name__ in line]
    assert told and all("defect of its own" in line for line in told)


def test_the_traceback_is_for_who_asks_for_it_and_runs_no_command(github: FakeGitHub, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAULTRAY_DEBUG", "1")
    job.put(IMPROVEMENT)
    with mock.patch("faultray_action.action.check", side_effect=KeyError("x\n::error::injected")):
        ran = job.run()
    assert ran.code == 2 and "Traceback" in ran.log
    assert not [line for line in ran.commands if "injected" in line] and "Traceback" not in ran.summary + github.core.bodies()[0]


def test_a_file_that_a_renderer_fails_on_is_a_defect_too(github: FakeGitHub, job: Job) -> None:
    job.put(IMPROVEMENT)
    with mock.patch("faultray_action.action.RENDERERS", {"sarif": mock.Mock(side_effect=RecursionError)}):
        held(job.run(sarif_file="x.sarif"), 2, "error")
    assert red(github)


@pytest.mark.parametrize("broken", ["summary.render", "terminal.render", "outputs_of"])
def test_a_defect_that_no_red_report_escapes_is_told_plainly(github: FakeGitHub, job: Job, broken: str) -> None:
    job.put(IMPROVEMENT)
    with mock.patch(f"faultray_action.publishing.{broken}", side_effect=KeyError(SECRET)):
        ran = job.run()
    held(ran, 2, "error")
    assert red(github) and "defect of its own" in ran.summary


# The user's mistakes


def test_a_plan_that_cannot_be_read_is_red(github: FakeGitHub, job: Job) -> None:
    held(job.run(plan="missing.json"), 2, "error")
    assert red(github)


@pytest.mark.parametrize("inputs", [{"min_score": "101"}, {"plan": ""}, {"config": "missing.yml"}])
def test_a_mistake_in_the_configuration_is_an_error_and_posts_nothing(github: FakeGitHub, job: Job, inputs: dict[str, str]) -> None:
    job.put(IMPROVEMENT)
    held(job.run(**inputs), 3, "error")
    assert github.core.writes == []


# ChatOps


def chatops(job: Job, *, pull: bool) -> None:
    job.event = "issue_comment"
    job.head = "d" * 40
    issue = {"number": 1, "pull_request": {"url": "https://api.github.test/pulls/1"}} if pull else {"number": 1}
    job.payload = {"action": "created", "issue": issue, "comment": {"body": "/resilience"}}


def test_a_comment_on_a_pull_request_speaks_of_its_head(github: FakeGitHub, job: Job) -> None:
    job.put(REGRESSION)
    chatops(job, pull=True)
    ran = job.run()
    held(ran, 1, "fail")
    assert len(github.core.runs_of(HEAD)) == 1 and len(github.core.bodies()) == 1 and ran.commands == []
    assert f"/blob/{HEAD}/" in github.core.bodies()[0]


def test_a_comment_on_an_issue_is_refused(github: FakeGitHub, job: Job) -> None:
    job.put(REGRESSION)
    chatops(job, pull=False)
    ran = job.run()
    held(ran, 3, "error")
    assert github.core.log == [] and "github.event.issue.pull_request" in ran.log


def test_a_head_that_cannot_be_learned_is_told(github: FakeGitHub, job: Job) -> None:
    job.put(REGRESSION)
    chatops(job, pull=True)
    github.core.inject(500, path="pulls/1$", times=ALWAYS)
    ran = job.run(source="infra")
    held(ran, 1, "fail")
    assert github.core.writes == [] and [line for line in ran.commands if "Not posted" in line]
    assert [line for line in ran.commands if line.startswith("::error") and "file=infra/" in line], "the remarks go to the log"


def test_a_comment_on_a_forks_pull_request_is_warned_of(github: FakeGitHub, job: Job) -> None:
    job.put(REGRESSION)
    github.core.add_pull(1, HEAD, fork=True)
    chatops(job, pull=True)
    ran = job.run()
    held(ran, 1, "fail")
    assert [line for line in ran.commands if "rights of the base repository" in line]


# As the runner starts it

DEFECTIVE = """
import faultray_action.action as action
def check(request):
    return check(request)
action.check = check
action.main()
"""


@pytest.mark.parametrize(
    ("program", "plan", "code", "verdict"),
    [
        ([str(ROOT / "entrypoint.py")], "plan.json", 1, "fail"),
        ([str(ROOT / "entrypoint.py")], "missing.json", 2, "error"),
        (["-c", DEFECTIVE], "plan.json", 2, "error"),
    ],
    ids=["as it is", "no plan", "an endless recursion"],
)
def test_a_process_ends_with_the_exit_code_and_silent_on_stderr(
    github: FakeGitHub, job: Job, program: list[str], plan: str, code: int, verdict: str
) -> None:
    job.put(REGRESSION)
    forge(github, job, BRACKETS, "mallory")
    files = {name: job.folder / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    event = job.folder / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 1, "head": {"sha": HEAD}, "base": {"sha": "0" * 40}}}))
    environ = {
        **os.environ,
        "INPUT_PLAN": plan,
        "INPUT_GITHUB-TOKEN": WRITE_TOKEN,
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_REPOSITORY": "acme/shop",
        "GITHUB_API_URL": github.url,
        "GITHUB_GRAPHQL_URL": github.graphql_url,
        "GITHUB_WORKSPACE": str(job.workspace),
        **{name: str(path) for name, path in files.items()},
    }
    ended = subprocess.run([sys.executable, *program], env=environ, cwd=job.workspace, capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stderr) == (code, "")
    outputs = outputs_in(files["GITHUB_OUTPUT"].read_text())
    assert outputs["verdict"] == verdict and outputs["comment-url"] and outputs["check-url"]
    assert files["GITHUB_STEP_SUMMARY"].read_text().strip()
    assert len(github.core.bodies()) == 2


def test_the_outputs_stand_before_anything_is_posted(github: FakeGitHub, job: Job) -> None:
    """A job that is killed while it waits for GitHub has told its verdict."""
    job.put(REGRESSION)
    stood: list[bool] = []

    class Watched(Client):
        def _call(self, *args: object, **how: object) -> object:
            output, summary = (job.folder / f"{name}_{job.runs}" for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"))
            stood.append(outputs_in(output.read_text())["verdict"] == "fail" and "FaultRay" in summary.read_text())
            return super()._call(*args, **how)  # type: ignore[arg-type]

    with mock.patch("action_job.Client", Watched):
        job.run(policy_from="none")
    assert stood and all(stood)


@pytest.mark.parametrize("error", [RecursionError("x"), ValueError("x")])
def test_a_defect_while_the_base_is_read_is_not_green(github: FakeGitHub, job: Job, error: Exception) -> None:
    """What the base's limits are is not known then: no verdict."""
    job.put(IMPROVEMENT)
    with mock.patch("faultray_action.github.client.send", side_effect=error):
        held(job.run(), 2, "error")
