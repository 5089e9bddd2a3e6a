"""The action and the publisher against GitHub's whole, uncut description of its API.

Once straight against a mock of it, which remembers nothing; once against our fake, which keeps state, with each request put to the mock too.
"""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from action_job import Job
from fake_github.core import HEAD, WRITE_TOKEN
from fake_github.server import FakeGitHub
from msgspec.structs import replace
from openapi_mock import mock_server
from plan_makers import as_bytes
from test_contract_action import many, publisher

from faultray_action.github.client import Client
from faultray_action.github.transport import Request, Response, send

pytestmark = pytest.mark.xdist_group("openapi")

REGRESSION, IMPROVEMENT = "rds-multi-az-off", "rds-multi-az-on"


class Mock:
    """The mock, and what it found wrong with requests. GraphQL is no part of the description."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[str] = []
        self.wrong: list[str] = []

    def send(self, request: Request) -> Response:
        """The transport of a client that speaks to the mock alone.

        GitHub asks for `application/vnd.github+json`, and describes its answers as `application/json`: the mock knows the second only.
        Its example of a `Link` leads out of this machine.
        """
        answer = send(replace(request, headers={**request.headers, "Accept": "application/json"}))
        path = urllib.parse.urlsplit(request.url).path
        self.asked.append(f"{request.method} {path}")
        if path.endswith("/graphql"):
            return answer
        violations = [row for row in json.loads(answer.headers.get("sl-violations", "[]")) if row["location"][0] == "request"]
        if not answer.accepted or violations:
            self.wrong.append(f"{request.method} {request.url} -> {answer.status} {violations} {answer.body[:500]!r}")
        return replace(answer, headers={name: value for name, value in answer.headers.items() if name != "link"})

    def mirrored(self, request: Request) -> Response:
        """The transport of a client that speaks to the fake, while the mock judges what the fake accepts."""
        answer = send(request)
        parts = urllib.parse.urlsplit(request.url)
        path = parts.path.removeprefix("/api/v3")
        if answer.accepted and not path.endswith("graphql"):
            self.send(replace(request, url=f"{self.url}{path}" + (f"?{parts.query}" if parts.query else "")))
        return answer


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with mock_server() as url:
        yield url


@pytest.fixture
def mock(url: str) -> Mock:
    return Mock(url)


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub() as github:
        github.core.add_pull()
        yield github


@pytest.fixture
def job(github: FakeGitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    job = Job(github, tmp_path)
    job.workspace.mkdir()
    monkeypatch.chdir(job.workspace)
    monkeypatch.setenv("FAULTRAY_TODAY", "2026-01-01")
    return job


def example_of_pull(mock: Mock) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(send(Request("GET", f"{mock.url}/repos/acme/shop/pulls/1", {})).body)
    return body


def events(pull: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """A payload of each event, about the pull request that the mock answers with."""
    head = pull["head"]["sha"]
    return {
        "pull_request": {"pull_request": {"number": 1, "head": {"sha": head}, "base": {"sha": "0" * 40}}},
        "issue_comment": {"issue": {"number": 1, "pull_request": {"url": "x"}}},
        "push": {"after": head},
        "merge_group": {"merge_group": {"head_sha": head}},
        "workflow_run": {
            "workflow_run": {
                "head_sha": head,
                "head_branch": "topic",
                "head_repository": {"full_name": "mallory/shop"},
                "pull_requests": [],
            }
        },
    }


@pytest.mark.parametrize("event", ["pull_request", "issue_comment", "push", "merge_group", "workflow_run"])
def test_the_action_asks_nothing_that_github_does_not_describe(mock: Mock, job: Job, event: str) -> None:
    job.put(REGRESSION)
    job.event, job.payload = event, events(example_of_pull(mock))[event]
    job.environment = {"GITHUB_API_URL": mock.url, "GITHUB_GRAPHQL_URL": f"{mock.url}/graphql"}
    job.transport = mock.send
    # The mock's example of a file's content is none that could be read, and of a workflow_run the base's alone decides.
    ran = job.run(policy_from="none" if event == "workflow_run" else "")
    assert mock.wrong == [] and ran.code == 1
    assert ran.outputs["check-url"].startswith("https://github.com/")
    assert "POST /repos/acme/shop/check-runs" in mock.asked
    if event in ("pull_request", "issue_comment"):
        assert "POST /repos/acme/shop/issues/1/comments" in mock.asked and ran.outputs["comment-url"].startswith("https://github.com/")
    if event in ("push", "workflow_run"):
        assert [line for line in mock.asked if line.endswith("/pulls")]


def test_the_publisher_asks_nothing_that_github_does_not_describe(
    mock: Mock, github: FakeGitHub, job: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The fake keeps the state that a publication needs, the mock judges each request."""
    github.core.add_pull(8, "8" * 40, fork=True)
    job.put(REGRESSION)
    job.token = ""
    job.run(json_file="report.json")
    monkeypatch.setattr("faultray_action.publishing.Client", lambda *args: Client(*args, transport=mock.mirrored))
    publisher(job, github, monkeypatch, "report.json")
    assert mock.wrong == [] and len(github.core.bodies(8)) == 1
    assert {"POST /repos/acme/shop/check-runs", "POST /repos/acme/shop/issues/8/comments"} <= set(mock.asked)


def test_what_the_fake_accepts_github_describes(mock: Mock, github: FakeGitHub, job: Job) -> None:
    """Created, edited, deleted; in 50s of annotations; by every mode of the comment, with and without check runs."""
    job.transport = mock.mirrored
    github.core.add_token("comments-only", permissions={"pull-requests": "write"})
    job.put(REGRESSION)
    job.token = "comments-only"
    job.run()
    job.token = WRITE_TOKEN
    for mode in ("update", "new", "hide-and-new", "update-and-ping"):
        for number, fixture in enumerate((IMPROVEMENT, REGRESSION)):
            job.head = f"{len(mode):x}{number:x}" * 20
            github.core.move_head(1, job.head)
            job.put(fixture)
            job.run(comment_mode=mode)
    tree = many(120)
    names = [row["name"] for row in tree["resource_changes"] if row["type"] == "aws_db_instance"]
    (job.workspace / "plan.json").write_bytes(as_bytes(tree))
    (job.workspace / "infra" / "main.tf").write_text(
        "\n".join(f'resource "aws_db_instance" "{name}" {{\n  multi_az = false\n}}\n' for name in names)
    )
    job.run(source="infra")
    assert mock.wrong == []
    done = {f"{line.partition(' ')[0]} {line.rsplit('/', 2)[-2]}" for line in mock.asked}
    assert {"PATCH comments", "DELETE comments", "PATCH check-runs"} <= done


@pytest.mark.parametrize(
    ("method", "path", "payload"),
    [
        ("POST", "issues/1/comments", {"text": "no body"}),
        ("POST", "check-runs", {"name": "x", "head_sha": HEAD, "status": "completed", "conclusion": "splendid"}),
        ("POST", "check-runs", {"head_sha": HEAD}),
        ("GET", f"commits/{HEAD}/check-runs?filter=some", None),
    ],
)
def test_the_mock_can_say_no(mock: Mock, method: str, path: str, payload: object) -> None:
    """Else the tests above would hold whatever we send."""
    headers = {"content-type": "application/json"} if payload else {}
    body = json.dumps(payload).encode() if payload else None
    mock.send(Request(method, f"{mock.url}/repos/acme/shop/{path}", headers, body))
    assert len(mock.wrong) == 1
