"""Whose policy file counts: on a pull request the base branch's, whatever its own says; and what is done where nobody can say."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from action_job import Job, Ran
from fake_github.core import BASE, HEAD, WRITE_TOKEN
from fake_github.server import FakeGitHub
from markdown_reader import check_markup

from faultray_action import cli

REGRESSION = "rds-multi-az-off"
NAME = ".faultray.yml"
WAIVES_ITSELF = "waivers:\n  - { address: '*', reason: mine, expiry: 2026-02-01, since: 2026-01-01 }\n"
LIES = (
    WAIVES_ITSELF,
    "overrides:\n  aws_db_instance.main: { copies_elsewhere: 3 }\n",
    "overrides:\n  aws_lb.main: { entry_point: false }\n",
    "gates: { fail_on_regression: false }\n",
    "gates: { max_drop: 100, max_new_spofs: 9, max_apply_downtime: 99999 }\n",
    "mode: warn\n",
    "entry_points: [aws_nothing.x]\n",
    "data_weights: { '*': 0 }\n",
    "unknowns: best\ngates: { fail_on_regression: false, min_coverage: 0 }\n",
)


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
    job.put(REGRESSION)
    return job


def own(job: Job, text: str) -> None:
    (job.workspace / NAME).write_text(text, encoding="utf-8")


def reads(github: FakeGitHub) -> list[str]:
    return [entry.path.partition("/contents/")[2] for entry in github.core.log if "/contents/" in entry.path]


def told(ran: Ran) -> str:
    return "\n".join(ran.commands)


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("event", ["pull_request", "pull_request_target", "pull_request_review", "merge_group"])
def test_a_change_does_not_loosen_what_it_is_held_to(github: FakeGitHub, job: Job, event: str, lie: str) -> None:
    job.event = event
    if event == "merge_group":
        job.payload = {"merge_group": {"head_sha": HEAD, "base_sha": BASE}}
    github.core.add_file(NAME, "gates: { min_score: 10 }\n")
    own(job, lie)
    ran = job.run(json_file="report.json")
    assert (ran.code, ran.outputs["verdict"]) == (1, "fail")
    report = json.loads((job.workspace / "report.json").read_text(encoding="utf-8"))
    assert report["mode"] == "enforce" and report["settings"]["min-score"] == "10 (file .faultray.yml:1 of the base branch)"
    assert len(reads(github)) == 1 and reads(github)[0] == f"{NAME}?ref={BASE}"


@pytest.mark.parametrize("lie", LIES[:3])
def test_head_lets_the_change_decide_and_none_nobody(github: FakeGitHub, job: Job, lie: str) -> None:
    own(job, lie)
    assert job.run(policy_from="head").outputs["new-spofs"] in ("0", "1") and reads(github) == []
    assert job.run(policy_from="none").code == 1 and reads(github) == []
    own(job, WAIVES_ITSELF)
    assert job.run(policy_from="head").code == 0
    assert job.run(policy_from="none").code == 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAULTRAY_POLICY_FROM", "head")
        assert job.run().code == 1, "the environment of the test is not that of the job"


def test_the_base_branchs_file_does_what_a_policy_does(github: FakeGitHub, job: Job) -> None:
    github.core.add_file(NAME, WAIVES_ITSELF)
    own(job, WAIVES_ITSELF)
    ran = job.run()
    assert (ran.code, ran.outputs["verdict"]) == (0, "pass")
    assert "policy" not in told(ran), "nothing is said where nothing differs"


@pytest.mark.parametrize("event", ["push", "schedule", "workflow_dispatch"])
def test_elsewhere_the_file_at_hand_counts(github: FakeGitHub, job: Job, event: str) -> None:
    job.event, job.payload = event, {"after": HEAD}
    own(job, WAIVES_ITSELF)
    assert job.run().code == 0 and reads(github) == []


def test_an_input_wins_over_the_base_branchs_file(github: FakeGitHub, job: Job) -> None:
    github.core.add_file(NAME, "gates: { fail_on_regression: false }\nmode: warn\n")
    assert job.run().code == 0
    assert job.run(fail_on_regression="true", mode="enforce").code == 1


# What the change's own file says is told


def test_what_the_own_file_would_change_is_a_notice_everywhere(github: FakeGitHub, job: Job) -> None:
    github.core.add_file(NAME, "gates: { min_score: 60 }\nmode: enforce\noverrides: { aws_x.y: { copies: 2 } }\ncheck_name: A\n")
    own(job, WAIVES_ITSELF + "gates: { min_score: 20, max_drop: 5 }\noverrides: { aws_x.y: { copies: 3 } }\ncheck_name: B\n")
    ran = job.run(json_file="report.json")
    [note] = [line for line in ran.commands if line.startswith("::notice")]
    for phrase in (
        "that of the base branch decided",
        "min-score 60.0 → 20.0".replace(".0", ""),
        "max-drop default → 5",
        "mode enforce → default",
        "another check-name",
        "adds the waiver `*`",
        "changes the override `aws_x.y`",
    ):
        assert phrase in note, phrase
    [row] = [row for row in json.loads((job.workspace / "report.json").read_text())["diagnostics"] if row["code"] == "policy-changes"]
    assert row["severity"] == "notice" and row["file"] == NAME
    assert "that of the base branch decided" in ran.summary
    assert "that of the base branch decided" in github.core.bodies()[0]


def test_a_quiet_change_that_edits_the_policy_is_not_quiet(github: FakeGitHub, job: Job) -> None:
    job.put("tags-only")
    github.core.add_file(NAME, "gates: { min_score: 10 }\n")
    own(job, "gates: { min_score: 5 }\n")
    assert job.run().code == 0
    assert "min-score 10 → 5" in github.core.bodies()[0]


@pytest.mark.parametrize(("mine", "says"), [("gates: {}\n", "is not on the base branch yet"), ("slo: 99.9\n", "slo default → 99.9")])
def test_a_file_that_is_new_waits_for_its_merge(github: FakeGitHub, job: Job, mine: str, says: str) -> None:
    own(job, mine)
    ran = job.run()
    assert ran.code == 1 and says in told(ran)


def test_a_file_that_is_removed_still_counts(github: FakeGitHub, job: Job) -> None:
    job.put("tags-only")
    github.core.add_file(NAME, "gates: { min_score: 99 }\n")
    ran = job.run()
    assert ran.code == 1 and "removes .faultray.yml" in told(ran)


def test_names_in_the_notice_are_hostile_text(github: FakeGitHub, job: Job) -> None:
    evil = "x</details> @octocat ::error::pwned"
    own(job, f"data_weights:\n  {json.dumps(evil)}: 0\n")
    ran = job.run()
    assert ran.code == 1 and not [line for line in ran.commands if line.startswith("::error")]
    for text in (github.core.bodies()[0], ran.summary):
        assert "adds the data weight" in text
        check_markup(text, "https://github.test/acme/shop/")


def test_a_mistake_in_either_version_is_a_mistake(github: FakeGitHub, job: Job) -> None:
    own(job, "gates: { min_scor: 3 }\n")
    ran = job.run()
    assert ran.code == 3 and f"{NAME}:1" in ran.log
    own(job, "")
    github.core.add_file(NAME, "gates: { min_scor: 3 }\n")
    ran = job.run()
    assert ran.code == 3 and "policy file on the base branch is wrong" in ran.log


# The catalogue comes from where the policy comes from

TYPES = "provider: acme\ntypes:\n  acme_thing: { disposition: irrelevant }\n"


def test_the_catalogue_comes_from_the_base_branch(github: FakeGitHub, job: Job) -> None:
    (job.workspace / "infra" / "types.yaml").write_text("not: a catalogue\n", encoding="utf-8")
    own(job, "catalogue: [infra/types.yaml]\n")
    github.core.add_file(NAME, "catalogue: [infra/types.yaml]\n")
    github.core.add_file("infra/types.yaml", TYPES)
    ran = job.run()
    assert ran.code == 1 and "edits the catalogue `infra/types.yaml`" in told(ran)
    assert [path.partition("?")[0] for path in reads(github)] == [NAME, "infra/types.yaml"]


@pytest.mark.parametrize(
    ("named", "content", "says"),
    [
        ("infra/types.yaml", None, "which is not there"),
        ("infra/types.yaml", "types: !!int ''\n", "catalogue infra/types.yaml:1"),
        ("infra", None, "is no file on the base branch"),
        ("../../etc/passwd", None, "outside of the repository"),
        ("/etc/passwd", None, "outside of the repository"),
        ("infra/types.yaml", "#" * 1_100_000, "too large"),
    ],
)
def test_a_catalogue_that_the_base_cannot_give_is_a_mistake_there(
    github: FakeGitHub, job: Job, named: str, content: str | None, says: str
) -> None:
    github.core.add_file(NAME, f"catalogue: [{json.dumps(named)}]\n")
    own(job, f"catalogue: [{json.dumps(named)}]\n")
    github.core.add_file("infra/other.txt", "x")
    if content is not None:
        github.core.add_file(named, content)
    ran = job.run()
    assert ran.code == 3 and says in ran.log and len(ran.commands) == 1


# Where nobody can say what the base's file says


def unreadable(github: FakeGitHub, job: Job, how: str) -> None:
    if how == "no token":
        job.token = ""
    elif how == "no permission":
        github.core.add_token("narrow", permissions={"checks": "write", "pull-requests": "write"})
        job.token = "narrow"
    elif how == "hidden":
        github.core.inject(404, path="/contents/|/git/commits/", times=99)
    elif how == "no JSON":
        github.core.add_file(NAME, "slo: 99\n")
        github.core.files[BASE][NAME] = b""
        github.core.inject(200, path="/contents/", times=99)
    else:
        github.core.inject(int(how), path="/contents/", times=99)


@pytest.mark.parametrize("how", ["no token", "no permission", "hidden", "500", "502", "403", "429"])
def test_the_own_file_never_takes_the_place_of_the_base(github: FakeGitHub, job: Job, how: str) -> None:
    unreadable(github, job, how)
    own(job, WAIVES_ITSELF)
    ran = job.run()
    assert ran.code == 3 and github.core.writes == []
    [line] = ran.commands
    assert line.startswith("::error") and "cannot be read" in line and "policy-from: head" in line


@pytest.mark.parametrize("how", ["no token", "no permission", "hidden", "500"])
def test_without_a_file_at_hand_inputs_and_defaults_decide_and_say_so(github: FakeGitHub, job: Job, how: str) -> None:
    unreadable(github, job, how)
    ran = job.run()
    assert ran.code == 1 and "inputs and defaults alone decided" in ran.summary


def test_a_named_file_that_neither_has_is_a_mistake(github: FakeGitHub, job: Job) -> None:
    ran = job.run(config="missing.yml")
    assert ran.code == 3 and "does not exist" in ran.log


# A checkout that holds the base needs nobody


@pytest.mark.skipif(shutil.which("git") is None, reason="git makes the checkout")
def test_a_checkout_that_holds_the_base_needs_no_token(github: FakeGitHub, job: Job) -> None:
    shutil.rmtree(job.workspace / ".git")
    who = ["-c", "user.name=x", "-c", "user.email=x@example.com"]

    def git(*arguments: str) -> str:
        ran = subprocess.run(["git", *who, *arguments], cwd=job.workspace, check=True, capture_output=True, text=True)
        return ran.stdout.strip()

    git("init", "-q")
    (job.workspace / "infra" / "types.yaml").write_text(TYPES, encoding="utf-8")
    own(job, "gates: { min_score: 10 }\ncatalogue: [infra/types.yaml]\n")
    git("add", "-A")
    git("commit", "-q", "-m", "base")
    base = git("rev-parse", "HEAD")
    (job.workspace / "infra" / "types.yaml").write_text("nothing\n", encoding="utf-8")
    own(job, WAIVES_ITSELF)
    git("commit", "-q", "-a", "-m", "head")
    job.payload = job._pull_request()
    job.payload["pull_request"]["base"]["sha"] = base
    job.token = ""
    ran = job.run()
    assert ran.code == 1 and "min-score 10 → default" in told(ran) and reads(github) == []
    assert "min-score` | `10 (file .faultray.yml:1 of the base branch)" in ran.summary


# Which repository a file belongs to


def checkout_of(folder: Path, url: str) -> None:
    (folder / ".git").mkdir(parents=True)
    (folder / ".git" / "config").write_text(f'[remote "origin"]\n\turl = {url}\n', encoding="utf-8")


@pytest.mark.parametrize("url", ["https://github.test/acme/policies", "git@github.test:Acme/Policies.git"])
def test_a_policy_out_of_another_repository_is_not_the_changes(github: FakeGitHub, job: Job, url: str) -> None:
    checkout_of(job.workspace / "policies", url)
    (job.workspace / "policies" / NAME).write_text("gates: { min_score: 99, fail_on_regression: false }\n", encoding="utf-8")
    assert job.run(config=f"policies/{NAME}").code == 1 and reads(github) == []


@pytest.mark.parametrize("url", ["https://github.test/acme/shop", "https://github.test/Acme/Shop.git", "https://github.test/mallory/shop"])
def test_a_working_copy_of_the_repository_or_of_the_fork_is_the_changes(github: FakeGitHub, job: Job, url: str) -> None:
    job.fork = True
    checkout_of(job.workspace / "code", url)
    (job.workspace / "code" / NAME).write_text(WAIVES_ITSELF, encoding="utf-8")
    assert job.run(config=f"code/{NAME}").code == 1
    assert reads(github) == [f"{NAME}?ref={BASE}"], "its path inside that working copy"


def test_a_submodule_leads_where_the_change_says(github: FakeGitHub, job: Job) -> None:
    (job.workspace / "policies").mkdir()
    (job.workspace / "policies" / ".git").write_text("gitdir: ../.git/modules/policies\n", encoding="utf-8")
    (job.workspace / "policies" / NAME).write_text(WAIVES_ITSELF, encoding="utf-8")
    assert job.run(config=f"policies/{NAME}").code == 1
    assert reads(github) == [f"policies/{NAME}?ref={BASE}"]


def test_a_linked_folder_is_looked_up_as_it_is_written(github: FakeGitHub, job: Job) -> None:
    (job.workspace / "real").mkdir()
    (job.workspace / "real" / NAME).write_text(WAIVES_ITSELF, encoding="utf-8")
    (job.workspace / "infra" / "link").symlink_to(job.workspace / "real")
    assert job.run(config=f"infra/link/{NAME}").code == 1
    assert reads(github) == [f"infra/link/{NAME}?ref={BASE}"]


# The command line


def test_the_command_line_reads_the_file_at_hand_unless_told(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    own(job, WAIVES_ITSELF)
    assert cli.run(["tf-check", "plan.json", "--fail-on-regression"]) == 0
    assert cli.run(["tf-check", "plan.json", "--fail-on-regression", "--policy-from", "none"]) == 1
    capsys.readouterr()
    assert cli.run(["tf-check", "plan.json", "--fail-on-regression", "--policy-from", "base"]) == 3
    assert "no pull request of GitHub is known here" in capsys.readouterr().err


def test_the_command_line_in_a_pull_requests_job_reads_the_base(
    github: FakeGitHub, job: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own(job, WAIVES_ITSELF)
    for name, value in {**job._environment(), "GITHUB_TOKEN": WRITE_TOKEN}.items():
        monkeypatch.setenv(name, value)
    assert cli.run(["tf-check", "plan.json", "--fail-on-regression", "--policy-from", "base"]) == 1
    assert reads(github) == [f"{NAME}?ref={BASE}"]


# What a policy file may be


@pytest.mark.parametrize("event", ["push", "pull_request"])
@pytest.mark.parametrize("kind", ["latin", "int", "timestamp", "deep", "bomb", "large", "zero", "pipe", "dangling", "folder", "null"])
def test_whatever_stands_where_the_policy_should_it_is_exit_3_and_one_sentence(job: Job, event: str, kind: str) -> None:
    job.event, job.payload = event, {"after": HEAD} if event == "push" else None
    path = job.workspace / NAME
    contents = {
        "latin": "check_name: caf\xe9\n".encode("latin-1"),
        "int": b"gates: { max_drop: !!int '' }\n",
        "timestamp": b"waivers: [ { expiry: !!timestamp x } ]\n",
        "deep": b"[" * 200_000,
        "bomb": b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(b"%c: &%c [%s]\n" % (b, b, b",".join([b"*%c" % (b - 1)] * 9)) for b in b"bcdefg"),
        "large": b"#" * 2_000_000,
        "null": b"a: \x00\n",
    }
    if kind in contents:
        path.write_bytes(contents[kind])
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero" if kind == "zero" else "/nowhere")
    ran = job.run()
    assert ran.code == 3 and len(ran.commands) == 1 and ran.commands[0].startswith("::error") and NAME in ran.commands[0]
