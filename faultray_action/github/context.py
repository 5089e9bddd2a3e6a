"""Which repository, commit and pull request a run speaks about: the event and the runner's environment, read once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from msgspec import Struct

from faultray_action.model.errors import ConfigError

PUBLIC_API = "https://api.github.com"
PUBLIC_SERVER = "https://github.com"
DEPENDABOT = "dependabot[bot]"
MAX_DIGITS = 18
"""Of a run's number: it has eleven today."""


class Event(StrEnum):
    """The events that a workflow with this action runs on; OTHER is any further one, NONE is no workflow at all."""

    PULL_REQUEST = "pull_request"
    PULL_REQUEST_TARGET = "pull_request_target"
    PUSH = "push"
    MERGE_GROUP = "merge_group"
    ISSUE_COMMENT = "issue_comment"
    WORKFLOW_RUN = "workflow_run"
    WORKFLOW_DISPATCH = "workflow_dispatch"
    SCHEDULE = "schedule"
    OTHER = "other"
    NONE = ""

    @property
    def may_have_pull(self) -> bool:
        """Whether a pull request is worth looking up by commit where the event names none."""
        return self in (Event.PUSH, Event.WORKFLOW_RUN, Event.WORKFLOW_DISPATCH)


class Context(Struct, frozen=True):
    """`head_sha` is the head of the pull request where there is one (never the merge commit), else the commit the event speaks of.

    It is "" for a comment on a pull request (ChatOps): that event tells the number only, and its commit is that of the default branch.
    `pull` is None where the event names none; `head_branch` is "owner:branch" of a workflow_run, to find it by;
    `head_repository` is where the change comes from, "" where that is not known. `run` and `attempt` order
    runs of one commit. `is_fork` and `is_dependabot` explain a read-only token, they never change what is computed.
    """

    event: Event = Event.NONE
    repository: str = ""
    head_sha: str = ""
    base_sha: str = ""
    pull: int | None = None
    head_branch: str = ""
    head_repository: str = ""
    is_fork: bool = False
    is_dependabot: bool = False
    api_url: str = PUBLIC_API
    graphql_url: str = PUBLIC_API + "/graphql"
    server_url: str = PUBLIC_SERVER
    run: int = 0
    attempt: int = 1
    job: str = ""
    step_summary: str = ""
    output: str = ""

    @property
    def run_url(self) -> str:
        """The page of this run, "" outside a workflow."""
        return f"{self.server_url}/{self.repository}/actions/runs/{self.run}" if self.run and self.repository else ""

    @property
    def blob_url(self) -> str:
        """Files at the head commit start with this, "" where no commit is known."""
        return f"{self.server_url}/{self.repository}/blob/{self.head_sha}" if self.repository and self.head_sha else ""


def read_context(environ: Mapping[str, str]) -> Context:
    """The context of the environment and of the event file it names.

    Raises ConfigError where that file is no JSON object, and for a comment on an issue that is no pull request.
    """
    return context_of(environ, _read_event(environ.get("GITHUB_EVENT_PATH", "")))


def context_of(environ: Mapping[str, str], payload: Mapping[str, Any]) -> Context:
    """Pure part of `read_context`: the same event and environment give the same Context. Raises ConfigError for a comment on an issue."""
    event = _event(environ.get("GITHUB_EVENT_NAME", ""))
    api = (environ.get("GITHUB_API_URL") or PUBLIC_API).rstrip("/")
    where = _READERS.get(event, _from_commit)(payload, environ)
    return Context(
        event=event,
        repository=environ.get("GITHUB_REPOSITORY", ""),
        is_dependabot=DEPENDABOT in (environ.get("GITHUB_ACTOR"), environ.get("GITHUB_TRIGGERING_ACTOR")),
        api_url=api,
        graphql_url=environ.get("GITHUB_GRAPHQL_URL") or _graphql_of(api),
        server_url=(environ.get("GITHUB_SERVER_URL") or PUBLIC_SERVER).rstrip("/"),
        run=_number(environ.get("GITHUB_RUN_ID")),
        attempt=_number(environ.get("GITHUB_RUN_ATTEMPT")) or 1,
        job=environ.get("GITHUB_JOB", ""),
        step_summary=environ.get("GITHUB_STEP_SUMMARY", ""),
        output=environ.get("GITHUB_OUTPUT", ""),
        head_sha=where.head_sha,
        base_sha=where.base_sha,
        pull=where.pull,
        head_branch=where.head_branch,
        head_repository=where.head_repository,
        is_fork=where.is_fork,
    )


class _Where(Struct, frozen=True):
    head_sha: str = ""
    base_sha: str = ""
    pull: int | None = None
    head_branch: str = ""
    head_repository: str = ""
    is_fork: bool = False


def _read_event(path: str) -> Mapping[str, Any]:
    if not path or not Path(path).is_file():
        return {}
    try:
        payload = json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}): GITHUB_EVENT_PATH must name the event file of the runner") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is no JSON ({error}): GITHUB_EVENT_PATH must name the event file of the runner") from error
    if not isinstance(payload, dict):
        raise ConfigError(f"{path} holds no JSON object: GITHUB_EVENT_PATH must name the event file of the runner")
    return payload


def _event(name: str) -> Event:
    try:
        return Event(name)
    except ValueError:
        return Event.OTHER


def _from_pull(payload: Mapping[str, Any], environ: Mapping[str, str]) -> _Where:
    pull = _object(payload, "pull_request")
    head, base = _object(pull, "head"), _object(pull, "base")
    number = pull.get("number") or payload.get("number")
    return _Where(
        head_sha=_text(head, "sha") or environ.get("GITHUB_SHA", ""),
        base_sha=_text(base, "sha"),
        pull=number if isinstance(number, int) else None,
        head_repository=_full_name(head),
        is_fork=bool(pull) and _full_name(head) != _full_name(base),
    )


def _from_push(payload: Mapping[str, Any], environ: Mapping[str, str]) -> _Where:
    return _Where(head_sha=_text(payload, "after") or environ.get("GITHUB_SHA", ""), base_sha=_text(payload, "before"))


def _from_merge_group(payload: Mapping[str, Any], environ: Mapping[str, str]) -> _Where:
    """A merge group has its own commit: it gets a check run and no comment."""
    group = _object(payload, "merge_group")
    return _Where(head_sha=_text(group, "head_sha") or environ.get("GITHUB_SHA", ""), base_sha=_text(group, "base_sha"))


def _from_comment(payload: Mapping[str, Any], _: Mapping[str, str]) -> _Where:
    """A comment on a pull request. Its head is asked for when the report is posted."""
    issue = _object(payload, "issue")
    number = issue.get("number")
    if not isinstance(number, int):
        return _Where()
    if not _object(issue, "pull_request"):
        raise ConfigError(
            f"this run was started by a comment on issue {number}, which is no pull request: "
            "run the job only `if: github.event.issue.pull_request`"
        )
    return _Where(pull=number)


def _from_workflow_run(payload: Mapping[str, Any], environ: Mapping[str, str]) -> _Where:
    """The run that made the artifact. Its pull request comes from the event, never from the artifact; a fork's is looked up by branch."""
    run = _object(payload, "workflow_run")
    repository = environ.get("GITHUB_REPOSITORY", "")
    head_repository = _text(_object(run, "head_repository"), "full_name")
    owner, branch = head_repository.partition("/")[0], _text(run, "head_branch")
    pulls = [pull for pull in run.get("pull_requests") or [] if isinstance(pull, dict) and _text(_object(pull, "head"), "sha")]
    matching = [pull for pull in pulls if _object(pull, "head").get("sha") == run.get("head_sha") and isinstance(pull.get("number"), int)]
    return _Where(
        head_sha=_text(run, "head_sha"),
        base_sha=_text(_object(matching[0], "base"), "sha") if matching else "",
        pull=min((int(pull["number"]) for pull in matching), default=None),
        head_branch=f"{owner}:{branch}" if owner and branch else "",
        head_repository=head_repository,
        is_fork=bool(head_repository) and head_repository != repository,
    )


def _from_commit(payload: Mapping[str, Any], environ: Mapping[str, str]) -> _Where:
    """Any other event: a pull request that it carries (a review, a label), else the commit of the run."""
    if isinstance(payload.get("pull_request"), dict):
        return _from_pull(payload, environ)
    return _Where(head_sha=environ.get("GITHUB_SHA", ""))


_READERS = {
    Event.PULL_REQUEST: _from_pull,
    Event.PULL_REQUEST_TARGET: _from_pull,
    Event.PUSH: _from_push,
    Event.MERGE_GROUP: _from_merge_group,
    Event.ISSUE_COMMENT: _from_comment,
    Event.WORKFLOW_RUN: _from_workflow_run,
}


def _graphql_of(api: str) -> str:
    """GitHub Enterprise serves REST below /api/v3 and GraphQL at /api/graphql."""
    return api.removesuffix("/v3") + "/graphql" if api.endswith("/api/v3") else api + "/graphql"


def _full_name(side: Mapping[str, Any]) -> str:
    """ "" for a fork that was deleted since."""
    return _text(_object(side, "repo"), "full_name")


def _object(parent: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = parent.get(key)
    return value if isinstance(value, dict) else {}


def _text(parent: Mapping[str, Any], key: str) -> str:
    value = parent.get(key)
    return value if isinstance(value, str) else ""


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS else 0
