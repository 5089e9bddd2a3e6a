"""Each event of a workflow gives the right pull request and the right commit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from faultray_action.github.context import Context, Event, context_of, read_context
from faultray_action.model.errors import ConfigError

HEAD, BASE, MERGE = "1" * 40, "0" * 40, "f" * 40
ENVIRON = {
    "GITHUB_REPOSITORY": "acme/shop",
    "GITHUB_SHA": MERGE,
    "GITHUB_RUN_ID": "77",
    "GITHUB_RUN_ATTEMPT": "2",
    "GITHUB_JOB": "gate",
    "GITHUB_ACTOR": "octocat",
}


def pull_payload(head_repository: str | None = "acme/shop") -> dict[str, Any]:
    head = {"sha": HEAD, "repo": {"full_name": head_repository} if head_repository else None}
    return {"number": 5, "pull_request": {"number": 5, "head": head, "base": {"sha": BASE, "repo": {"full_name": "acme/shop"}}}}


def of(event: str, payload: dict[str, Any], **more: str) -> Context:
    return context_of({**ENVIRON, "GITHUB_EVENT_NAME": event, **more}, payload)


def test_a_pull_request_speaks_of_its_head_not_of_the_merge_commit() -> None:
    context = of("pull_request", pull_payload())
    assert (context.pull, context.head_sha, context.base_sha, context.is_fork) == (5, HEAD, BASE, False)
    assert (context.run, context.attempt, context.job) == (77, 2, "gate")
    assert context.blob_url == f"https://github.com/acme/shop/blob/{HEAD}" and context.run_url.endswith("/acme/shop/actions/runs/77")


@pytest.mark.parametrize("head_repository", ["mallory/shop", None])
def test_a_fork_is_known_even_where_it_was_deleted(head_repository: str | None) -> None:
    assert of("pull_request", pull_payload(head_repository)).is_fork


@pytest.mark.parametrize("variable", ["GITHUB_ACTOR", "GITHUB_TRIGGERING_ACTOR"])
def test_dependabot_is_known(variable: str) -> None:
    assert of("pull_request", pull_payload(), **{variable: "dependabot[bot]"}).is_dependabot
    assert not of("pull_request", pull_payload()).is_dependabot


def test_a_push_speaks_of_the_pushed_commit() -> None:
    context = of("push", {"after": HEAD, "before": BASE})
    assert (context.event, context.pull, context.head_sha, context.base_sha) == (Event.PUSH, None, HEAD, BASE)
    assert context.event.may_have_pull


def test_a_merge_group_speaks_of_its_own_commit() -> None:
    context = of("merge_group", {"merge_group": {"head_sha": HEAD, "base_sha": BASE}})
    assert (context.head_sha, context.base_sha, context.pull, context.event.may_have_pull) == (HEAD, BASE, None, False)


def test_a_publisher_speaks_of_the_run_it_publishes() -> None:
    run = {
        "head_sha": HEAD,
        "head_branch": "topic",
        "head_repository": {"full_name": "acme/shop"},
        "pull_requests": [
            {"number": 9, "head": {"sha": "9" * 40}, "base": {"sha": BASE}},
            {"number": 8, "head": {"sha": HEAD}, "base": {"sha": BASE}},
        ],
    }
    context = of("workflow_run", {"workflow_run": run})
    assert (context.pull, context.head_sha, context.base_sha, context.is_fork) == (8, HEAD, BASE, False)


def test_a_publisher_for_a_fork_keeps_the_branch_to_look_it_up() -> None:
    run = {"head_sha": HEAD, "head_branch": "topic", "head_repository": {"full_name": "mallory/shop"}, "pull_requests": []}
    context = of("workflow_run", {"workflow_run": run})
    assert (context.pull, context.head_branch, context.is_fork) == (None, "mallory:topic", True)


@pytest.mark.parametrize("event", ["workflow_dispatch", "schedule", "deployment"])
def test_any_other_event_speaks_of_the_commit_of_the_run(event: str) -> None:
    context = of(event, {})
    assert (context.head_sha, context.pull) == (MERGE, None)


def test_a_review_carries_its_pull_request() -> None:
    assert of("pull_request_review", pull_payload()).head_sha == HEAD


def test_github_enterprise_addresses_are_used_as_given() -> None:
    given = of(
        "push",
        {},
        GITHUB_API_URL="https://ghe.test/api/v3/",
        GITHUB_GRAPHQL_URL="https://ghe.test/api/graphql",
        GITHUB_SERVER_URL="https://ghe.test/",
    )
    assert (given.api_url, given.graphql_url, given.server_url) == (
        "https://ghe.test/api/v3",
        "https://ghe.test/api/graphql",
        "https://ghe.test",
    )
    assert of("push", {}, GITHUB_API_URL="https://ghe.test/api/v3").graphql_url == "https://ghe.test/api/graphql"
    assert of("push", {}).graphql_url == "https://api.github.com/graphql"


@pytest.mark.parametrize("payload", [{}, {"pull_request": None}, {"pull_request": {"head": 3}}, {"workflow_run": []}, {"merge_group": "x"}])
@pytest.mark.parametrize("event", ["pull_request", "push", "merge_group", "workflow_run", "nonsense", ""])
def test_a_strange_payload_is_no_crash(event: str, payload: dict[str, Any]) -> None:
    assert of(event, payload).pull is None


def test_the_event_file_is_read_with_or_without_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "event.json"
    for encoding in ("utf-8", "utf-8-sig"):
        path.write_text(json.dumps(pull_payload()), encoding=encoding)
        assert read_context({**ENVIRON, "GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": str(path)}).pull == 5
    assert read_context({}) == Context()


@pytest.mark.parametrize("content", ["{", "[]", ""])
def test_a_broken_event_file_is_one_clear_sentence(tmp_path: Path, content: str) -> None:
    path = tmp_path / "event.json"
    path.write_text(content)
    with pytest.raises(ConfigError, match="GITHUB_EVENT_PATH must name the event file"):
        read_context({"GITHUB_EVENT_PATH": str(path)})
