"""The branch that a change goes to: its version of a file, out of the checkout or over one read of GitHub's API.

The change itself has no say in it.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from faultray_action.git_objects import NotHeldError, file_at
from faultray_action.github.client import Client, PostingError, text_of
from faultray_action.github.context import Context, Event
from faultray_action.model.errors import ConfigError, FaultrayError

Connect = Callable[[str], Client | None]
"""A client for a token, None where there is no token."""

_OWN_BRANCH = (Event.PUSH, Event.WORKFLOW_DISPATCH, Event.SCHEDULE, Event.NONE)
"""Events whose commit stands on a branch of its own accord: nothing has to be asked of another one."""
_URL = re.compile(r"^\s*url\s*=\s*(\S+)", re.MULTILINE)
_MOST_CONFIG_BYTES = 100_000


class BaseBranch:
    """What stands at one commit of the repository; `compared` where the working copy holds the change's own version."""

    def __init__(self, context: Context, commit: str, connect: Connect, workspace: Path, *, compared: bool) -> None:
        self._context = context
        self._commit = commit
        self._connect = connect
        self._workspace = _as_written(workspace)
        self.compared = compared

    @property
    def name(self) -> str:
        return "the base branch"

    def covers(self, path: str) -> bool:
        """Not: a file outside of the workspace, and one in the working copy of a repository that is not the change's."""
        whole = _as_written(path)
        if not whole.is_relative_to(self._workspace):
            return not self.compared
        return not self.compared or self._is_of_change(_working_copy(whole, self._workspace))

    def read(self, path: str, token: str, most_bytes: int) -> bytes | None:
        """The content there, None where the file is not there: of the checkout where it holds the commit, else of GitHub."""
        top, below = self._below(path)
        try:
            content = file_at(top, self._commit, below)
        except NotHeldError:
            return self._of_github(below, token, most_bytes)
        if content is not None and len(content) > most_bytes:
            raise ConfigError(f"{below} on the base branch is larger than {most_bytes:,} bytes")
        return content

    def _of_github(self, below: str, token: str, most_bytes: int) -> bytes | None:
        client = self._connect(token)
        if client is None:
            raise FaultrayError("`github-token` is empty, and the checkout does not hold the base's commit")
        commit = self._commit or self._base_of_pull(client)
        try:
            answer = client.get(f"contents/{urllib.parse.quote(below)}", ref=commit)
        except PostingError as error:
            if error.status != 404:
                raise
            # The same answer means "no such file" and "not for this token": whoever may read the commit has been told the first.
            client.get(f"git/commits/{commit}")
            return None
        return _content(answer, below, most_bytes)

    def _base_of_pull(self, client: Client) -> str:
        commit = text_of(client.get(f"pulls/{self._context.pull}"), "base", "sha")
        if not commit:
            raise FaultrayError("GitHub's answer names no base of the pull request")
        return commit

    def _below(self, path: str) -> tuple[Path, str]:
        """The working copy, and the path inside it, as Git knows it."""
        whole = _as_written(path)
        top = _working_copy(whole, self._workspace)
        if not whole.is_relative_to(top):
            raise ConfigError(f"{path} lies outside of the repository: name a file of it, or say `policy-from: head` in the workflow")
        return top, whole.relative_to(top).as_posix()

    def _is_of_change(self, top: Path) -> bool:
        """Whether that working copy was made of the repository, or of the fork that the change comes from."""
        known = {self._context.repository.lower(), self._context.head_repository.lower()}
        origins = set(_origins(top))
        return not origins or "" in known or bool(known & origins)


def base_of(context: Context, environ: Mapping[str, str], connect: Connect, workspace: Path) -> BaseBranch | None:
    """The branch that the run's change goes to, None where it goes to none.

    A `workflow_run` is no part of the change that it follows: there the default branch counts, whose workflow it is, and the workspace holds
    whatever artifacts brought.
    """
    if not context.repository or context.event in _OWN_BRANCH:
        return None
    if context.event is Event.WORKFLOW_RUN:
        commit = context.base_sha or environ.get("GITHUB_SHA", "")
        return BaseBranch(context, commit, connect, workspace, compared=False) if commit else None
    if not context.base_sha and context.pull is None:
        return None
    return BaseBranch(context, context.base_sha, connect, workspace, compared=True)


def base_of_report(context: Context, environ: Mapping[str, str], connect: Connect, workspace: Path) -> BaseBranch | None:
    """What decides on a report that another job made: never the workspace, whatever the event. None outside of GitHub."""
    if not context.repository:
        return None
    own = context.event in _OWN_BRANCH or (context.pull is None and not context.base_sha)
    commit = environ.get("GITHUB_SHA", "") if own else context.base_sha
    if not commit and context.pull is None:
        return None
    return BaseBranch(context, commit, connect, workspace, compared=False)


def _as_written(path: str | Path) -> Path:
    """The whole path without following links: where they lead is the change's word."""
    return Path(os.path.abspath(path))  # noqa: PTH100


def _working_copy(path: Path, workspace: Path) -> Path:
    """The nearest folder with a `.git` folder, else the workspace. A submodule is a part of the change, which says where it leads."""
    for folder in path.parents:
        if (folder / ".git").is_dir():
            return folder
        if folder == workspace:
            break
    return workspace


def _origins(top: Path) -> Iterator[str]:
    """`owner/name` of every remote, in lower case."""
    try:
        with (top / ".git" / "config").open("rb") as file:
            text = file.read(_MOST_CONFIG_BYTES).decode("utf-8", "replace")
    except OSError:
        return
    for url in _URL.findall(text):
        parts = re.split(r"[/:]", url.lower().removesuffix("/").removesuffix(".git"))
        yield "/".join(parts[-2:])


def _content(answer: Any, path: str, most_bytes: int) -> bytes:
    if not isinstance(answer, dict) or answer.get("type") != "file":
        raise ConfigError(f"{path} is no file on the base branch: `config` and `catalogue` name files")
    size = answer.get("size")
    if answer.get("encoding") != "base64" or not isinstance(size, int) or size > most_bytes:
        raise ConfigError(f"{path} on the base branch is too large: GitHub hands out files of up to 1 MB")
    try:
        return base64.b64decode(text_of(answer, "content"))
    except binascii.Error as error:
        raise FaultrayError(f"GitHub's answer holds no readable content of {path}") from error
