"""The publisher of docs/ci/publisher.md, step by step as the page shows it, with the artifacts that a stranger would like it to read."""

from __future__ import annotations

import io
import json
import re
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from action_job import Job, Ran
from fake_github.core import BASE, READ_TOKEN
from fake_github.server import FakeGitHub
from markdown_reader import check_markup

from faultray_action.settings import INPUTS

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "ci" / "publisher.md"
HEAD = "8" * 40
NAME = "FaultRay (fork)"


def workflow() -> dict[str, Any]:
    [block] = re.findall(r"^```yaml\n(name: publish\n.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    return dict(yaml.safe_load(block))


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub() as github:
        github.core.add_pull(8, HEAD, fork=True)
        github.core.commits.add("f" * 40)
        yield github


class Publisher:
    """The job of the page: each step is done as its action does it, in a workspace that is empty at first."""

    def __init__(self, github: FakeGitHub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.job = Job(github, folder, event="workflow_run", head=BASE)
        self.job.workspace.mkdir(parents=True)
        run = {"head_sha": HEAD, "head_branch": "topic", "head_repository": {"full_name": "mallory/shop"}, "pull_requests": []}
        self.job.payload = {"action": "completed", "workflow_run": run | {"event": "pull_request"}}
        self._monkeypatch = monkeypatch

    def run(self, artifact: bytes, **more: str) -> Ran:
        [steps] = [job["steps"] for job in workflow()["jobs"].values()]
        download, post = steps
        self._unpack(download, artifact)
        assert post["uses"].startswith("faultray/action@") and set(post) == {"uses", "with"}
        self._monkeypatch.chdir(self.job.workspace)
        inputs = {name.replace("-", "_"): str(value).lower() if value is True else str(value) for name, value in post["with"].items()}
        return self.job.run(plan="", **{**inputs, **more})

    def _unpack(self, step: dict[str, Any], artifact: bytes) -> None:
        """As the most careless unpacker would: names that climb out of the folder are followed."""
        assert step["uses"].startswith("actions/download-artifact@")
        folder = self.job.workspace / step["with"]["path"]
        with zipfile.ZipFile(io.BytesIO(artifact)) as packed:
            for entry in packed.infolist():
                path = Path(f"{folder}/{entry.filename}")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(packed.read(entry))
                path.chmod(0o755)


@pytest.fixture
def publisher(github: FakeGitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Publisher:
    monkeypatch.setenv("FAULTRAY_TODAY", "2026-01-01")
    return Publisher(github, tmp_path / "publisher", monkeypatch)


def made(github: FakeGitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fixture: str) -> dict[str, Any]:
    """What the fork's own job writes into its report."""
    job = Job(github, tmp_path / "fork", token=READ_TOKEN, head=HEAD, fork=True, pull=8)
    job.workspace.mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(job.workspace)
    job.put(fixture)
    job.run(json_file="report.json")
    github.core.clear_log()
    return dict(json.loads((job.workspace / "report.json").read_text(encoding="utf-8")))


@pytest.fixture
def report(github: FakeGitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    return made(github, tmp_path, monkeypatch, "rds-multi-az-off")


def packed(content: bytes | dict[str, Any], **others: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("report.json", content if isinstance(content, bytes) else json.dumps(content))
        for name, text in others.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def conclusion(github: FakeGitHub) -> str:
    [run] = github.core.runs_of(HEAD)
    assert run["name"] == NAME
    return str(run["conclusion"])


def test_the_page_runs_nothing_that_an_artifact_could_bring() -> None:
    found = workflow()
    assert found["permissions"] == {}
    [job] = found["jobs"].values()
    assert not [step for step in job["steps"] if "run" in step or "checkout" in step["uses"] or "env" in step]
    assert job["steps"][0]["with"]["path"] not in ("", ".", "./")
    assert set(job["steps"][1]["with"]) <= set(INPUTS)
    assert "persist" not in json.dumps(job) and job["permissions"]["contents"] == "read"


@pytest.mark.parametrize(
    ("fixture", "expected"), [("rds-multi-az-off", "failure"), ("rds-multi-az-on", "success"), ("tags-only", "success")]
)
def test_an_honest_report_is_posted_with_the_verdict_of_its_job(
    github: FakeGitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, publisher: Publisher, fixture: str, expected: str
) -> None:
    honest = made(github, tmp_path, monkeypatch, fixture)
    ran = publisher.run(packed(honest))
    assert conclusion(github) == expected and ran.outputs["verdict"] == honest["verdict"]
    [body] = github.core.bodies(8)
    check_markup(body, "https://github.test/acme/shop/")
    assert "contradicts" not in ran.log and "calls itself" not in body
    assert "The findings are the word of the job that made this report" in body or fixture == "tags-only"


# Forged words


def forged(report: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**json.loads(json.dumps(report)), **changes}


PASSED = {"passed": True, "reasons": [], "checks": []}


def test_a_forged_verdict_decides_nothing(github: FakeGitHub, publisher: Publisher, report: dict[str, Any]) -> None:
    lie = forged(report, verdict="pass", gate=PASSED, recommendation="safe", mode="warn", label="prod", title="all is well")
    ran = publisher.run(packed(lie))
    assert ran.code == 1 and ran.outputs["verdict"] == "fail" and ran.outputs["recommendation"] == "high-risk"
    assert conclusion(github) == "failure"
    [body] = github.core.bodies(8)
    assert "calls itself" in body and "warn mode" not in body


@pytest.mark.parametrize(
    "lie",
    [
        {"verdict": "pass"},
        {"gate": PASSED},
        {"score": {"before": 67.0, "after": 57.0, "delta": 0.0}},
        {"spofs": "waived"},
        {"risks": "none", "verdict": "pass", "gate": PASSED},
        {"mode": "warn"},
        {"settings": {"fail-on-regression": "false (input)"}},
        {"waivers": {"applied": [{"id": "all of it"}]}, "verdict": "pass", "gate": PASSED},
        {"omitted": {}, "diagnostics": [], "limits": []},
    ],
)
def test_no_single_word_turns_it_green(github: FakeGitHub, publisher: Publisher, report: dict[str, Any], lie: dict[str, Any]) -> None:
    told = forged(report)
    for name, value in lie.items():
        if value == "waived":
            for row in told["spofs"]["new"]:
                row["waived"] = "me"
        elif value == "none":
            told["risks"] = {"new": [], "resolved": [], "unchanged": []}
        else:
            told[name] = value
    assert publisher.run(packed(told)).code == 1 and conclusion(github) == "failure"


@pytest.mark.parametrize(
    ("lie", "says"),
    [
        ({"score": {"before": 67.0, "after": 66.0, "delta": 0.0}}, "difference"),
        ({"score": {"before": 60.0, "after": None, "delta": None}}, "entry points"),
        (
            {"gate": {"passed": True, "reasons": [], "checks": [{"gate": "max-new-spofs", "limit": 0, "actual": 1, "passed": True}]}},
            "another number",
        ),
        (
            {"gate": {"passed": True, "reasons": [], "checks": [{"gate": "x", "limit": 0, "actual": 0, "passed": False}]}},
            "one of its checks failed",
        ),
        ({"verdict": "pass", "gate": {"passed": False, "reasons": []}}, "calls itself"),
    ],
)
def test_a_report_that_contradicts_itself_is_told_and_never_green(
    github: FakeGitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, publisher: Publisher, lie: dict[str, Any], says: str
) -> None:
    honest = made(github, tmp_path, monkeypatch, "tags-only")
    ran = publisher.run(packed(forged(honest, **lie)), max_drop="100")
    assert ran.code == 2 and conclusion(github) == "action_required"
    assert says in ran.summary and "contradicts itself" in github.core.bodies(8)[0]


def test_a_report_may_accuse_itself(github: FakeGitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, publisher: Publisher) -> None:
    honest = made(github, tmp_path, monkeypatch, "tags-only")
    gate = {"passed": False, "reasons": [], "checks": [{"gate": "unknown", "limit": None, "actual": None, "passed": False}]}
    assert publisher.run(packed(forged(honest, verdict="fail", gate=gate))).code == 1
    assert conclusion(github) == "failure"
    lost = forged(honest, verdict="error", gate={"passed": False, "reasons": []}, error={"reason": "No plan.", "next_step": "Plan."})
    assert publisher.run(packed(lost)).code == 2


# Limits, waivers and names are not the artifact's


def test_the_limits_are_those_of_the_workflow_and_of_the_base_branch(
    github: FakeGitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, publisher: Publisher
) -> None:
    honest = made(github, tmp_path, monkeypatch, "tags-only")
    assert publisher.run(packed(honest)).code == 0
    github.core.add_file(".faultray.yml", "gates: { min_score: 99 }\n")
    ran = publisher.run(packed(honest))
    assert ran.code == 1 and "99 (file .faultray.yml:1 of the base branch)" in ran.summary
    assert publisher.run(packed(honest), min_score="1").code == 0
    github.core.add_file(".faultray.yml", "slo: 99.9999\n")
    assert publisher.run(packed(honest)).code == 0, "missed before, too"


@pytest.mark.parametrize("by", ["fingerprint", "address"])
def test_a_waiver_of_the_base_branch_counts(github: FakeGitHub, publisher: Publisher, report: dict[str, Any], by: str) -> None:
    rows = [*report["spofs"]["new"], *report["risks"]["new"], *report["apply"].get("disruptions", [])]
    identity = [f'id: "{row["fingerprint"]}"' if by == "fingerprint" else f"address: '{row['address']}'" for row in rows]
    lines = [f"  - {{ {one}, reason: agreed, expiry: 2026-02-01, since: 2026-01-01 }}\n" for one in identity]
    github.core.add_file(".faultray.yml", "waivers:\n" + "".join(lines))
    assert publisher.run(packed(report)).code == 0 and conclusion(github) == "success"


def test_a_forged_fingerprint_does_not_borrow_a_waiver(github: FakeGitHub, publisher: Publisher, report: dict[str, Any]) -> None:
    github.core.add_file(
        ".faultray.yml", 'waivers:\n  - { id: "9f3c11d2a7b04e55", reason: known, expiry: 2026-02-01, since: 2026-01-01 }\n'
    )
    lie = forged(report)
    for part in ("spofs", "risks"):
        for row in lie[part]["new"]:
            row["fingerprint"] = "9f3c11d2a7b04e55" + "0" * 48
    assert publisher.run(packed(lie)).code == 1 and conclusion(github) == "failure"


POISON = {
    "../.faultray.yml": "mode: warn\ncheck_name: gate\nannotations: 'off'\ncomment_mode: 'off'\ngates: { fail_on_regression: false }\n",
    ".faultray.yml": "mode: warn\ncheck_name: gate\n",
    "../.venv/bin/faultray": "#!/bin/sh\ntouch pwned\n",
    "../faultray/.venv/bin/faultray": "#!/bin/sh\ntouch pwned\n",
    "../faultray_action/__init__.py": "raise SystemExit(0)\n",
    "../sitecustomize.py": "raise SystemExit(0)\n",
    "../yaml.py": "raise SystemExit(0)\n",
    "../action.yml": "runs: { using: composite, steps: [] }\n",
    "../.git/config": '[remote "origin"]\n\turl = https://github.test/mallory/policies\n',
    "../../outside.txt": "x",
}


def test_what_an_artifact_smuggles_in_is_read_by_nobody(github: FakeGitHub, publisher: Publisher, report: dict[str, Any]) -> None:
    lie = forged(report, verdict="pass", gate=PASSED, label="gate", title="gate")
    ran = publisher.run(packed(lie, **POISON))
    assert ran.code == 1 and conclusion(github) == "failure" and len(github.core.bodies(8)) == 1
    assert (publisher.job.workspace / ".faultray.yml").is_file(), "the unpacker of this test does follow such names"
    assert not list(publisher.job.folder.rglob("pwned"))


def test_the_workspace_may_not_decide_even_where_it_is_asked_to(github: FakeGitHub, publisher: Publisher, report: dict[str, Any]) -> None:
    ran = publisher.run(packed(report, **POISON), policy_from="head")
    assert ran.code == 3 and github.core.writes == [] and "policy-from: head" in ran.log
    assert publisher.run(packed(report, **POISON), policy_from="none").code == 1


def test_where_the_base_branch_cannot_be_read_nothing_is_posted(github: FakeGitHub, publisher: Publisher, report: dict[str, Any]) -> None:
    github.core.inject(502, path="/contents/", times=99)
    ran = publisher.run(packed(report, **POISON))
    assert ran.code == 3 and github.core.writes == [] and "cannot be read" in ran.log


def test_names_and_places_are_those_of_the_workflow(github: FakeGitHub, publisher: Publisher, report: dict[str, Any]) -> None:
    evil = "gate</summary> @octocat ::error::pwned"
    lie = forged(report, label=evil, title=evil, version=evil)
    lie["plan"]["path"] = "plan.json"
    assert publisher.run(packed(lie)).code == 1
    [run] = github.core.runs_of(HEAD)
    assert run["name"] == NAME and github.core.bodies(1) == []
    check_markup(github.core.bodies(8)[0], "https://github.test/acme/shop/")
    ran = publisher.run(packed(lie), label="fork")
    assert {row["name"] for row in github.core.runs_of(HEAD)} == {NAME, f"{NAME} · fork"}
    assert not [line for line in ran.commands if line.startswith("::error") and "pwned" in line[:40]]


# What is no report


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[" * 200_000,
        b'{"x": ' * 200_000,
        b"\xff\xfe\x00",
        b'{"schema_version": "2.0"}',
        b"PK\x03\x04",
    ],
)
def test_what_is_no_report_is_refused_in_one_sentence(github: FakeGitHub, publisher: Publisher, content: bytes) -> None:
    ran = publisher.run(packed(content))
    assert ran.code == 2 and github.core.writes == []
    assert len([line for line in ran.commands if line.startswith("::error")]) == 1


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("score", "after"), 1000.0),
        (("score", "after"), -1.0),
        (("risks", "new"), [{"address": "a", "kind": "data-loss", "severity": "HIGH", "cause": []}]),
        (("risks", "new"), [{"address": "a", "kind": "none", "severity": "high", "cause": []}]),
        (("apply", "disruptions"), [{"address": "a", "class": "Outage", "takes_down": [], "seconds": 9.0}]),
        (("apply", "disruptions"), [{"address": "a", "class": "outage", "takes_down": [], "seconds": -9.0}]),
        (
            ("spofs", "new"),
            [{"address": "a", "event": "none", "takes_down": [], "recovery": "manual-restore", "cause": [], "points": None}],
        ),
        (("coverage", "changed_with_disposition"), 7_000_000),
        (("omitted",), {"spofs.new": 5}),
        (("availability",), None),
        (("verdict",), "green"),
        (("mode",), "off"),
    ],
)
def test_a_word_or_a_number_that_cannot_be_is_refused(
    github: FakeGitHub, publisher: Publisher, report: dict[str, Any], path: tuple[str, ...], value: Any
) -> None:
    lie = forged(report)
    place = lie
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    ran = publisher.run(packed(lie))
    assert ran.code == 2 and github.core.writes == [] and len([line for line in ran.commands if line.startswith("::error")]) == 1


def test_a_huge_report_ends_soon(github: FakeGitHub, publisher: Publisher, report: dict[str, Any]) -> None:
    ran = publisher.run(packed(b" " * 60_000_000))
    assert ran.code == 2 and "larger than" in ran.log
    row = report["spofs"]["new"][0]
    lie = forged(report)
    lie["spofs"]["new"] = [{**row, "address": f"aws_x.y{number}", "fingerprint": ""} for number in range(5_000)]
    start = time.monotonic()
    ran = publisher.run(packed(lie))
    assert ran.code == 1 and conclusion(github) == "failure" and time.monotonic() - start < 60
    assert len(github.core.bodies(8)[0]) <= 60_000


@pytest.mark.parametrize("kind", ["link", "zero", "pipe", "folder", "missing"])
def test_only_a_regular_file_is_a_report(github: FakeGitHub, publisher: Publisher, report: dict[str, Any], kind: str) -> None:
    import os

    folder = publisher.job.workspace / "report"
    folder.mkdir()
    (publisher.job.workspace / "other.json").write_text(json.dumps(report))
    target = folder / "odd.json"
    if kind == "link":
        target.symlink_to(publisher.job.workspace / "other.json")
    elif kind == "zero":
        target.symlink_to("/dev/zero")
    elif kind == "pipe":
        os.mkfifo(target)
    elif kind == "folder":
        target.mkdir()
    ran = publisher.run(packed(report), report="report/odd.json")
    assert ran.code == 2 and github.core.writes == []


@pytest.mark.parametrize("event", ["push", "workflow_dispatch", "pull_request", "merge_group", "issue_comment"])
def test_the_workspace_decides_at_no_event(github: FakeGitHub, publisher: Publisher, report: dict[str, Any], event: str) -> None:
    github.core.add_file(".faultray.yml", "gates: { min_score: 3 }\n")
    job = publisher.job
    job.event, job.pull, job.fork = event, 8, True
    pull = {"number": 8, "head": github.core.pulls[8]["head"], "base": github.core.pulls[8]["base"]}
    job.payload = {
        "pull_request": {"pull_request": pull},
        "merge_group": {"merge_group": {"head_sha": HEAD, "base_sha": BASE}},
    }.get(event, {"after": BASE, "pull_request": pull} if event == "issue_comment" else {"after": BASE})
    ran = publisher.run(packed(report, **POISON))
    assert ran.code == 1 and "3 (file .faultray.yml:1 of the base branch)" in ran.summary


def test_plan_and_report_exclude_each_other(github: FakeGitHub, publisher: Publisher, report: dict[str, Any]) -> None:
    publisher.run(packed(report))
    ran = publisher.job.run(plan="plan.json", report="report/report.json")
    assert ran.code == 3 and "exclude each other" in ran.log


def test_several_reports_are_called_as_the_workflow_names_them(github: FakeGitHub, publisher: Publisher, report: dict[str, Any]) -> None:
    content = packed(forged(report, label="same"), **{"b.json": json.dumps(forged(report, label="same"))})
    assert publisher.run(content, report="report/report.json\nreport/b.json").code == 1
    assert {row["name"] for row in github.core.runs_of(HEAD)} == {f"{NAME} · report/report", f"{NAME} · report/b"}
