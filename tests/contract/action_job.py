"""A job of a workflow around `action.run`: a workspace, the runner's environment and files, and a fake GitHub behind a socket."""

from __future__ import annotations

import functools
import io
import json
import shutil
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from fake_github.core import BASE, HEAD, WRITE_TOKEN
from fake_github.rig import Clock
from fake_github.server import FakeGitHub

from faultray_action import action
from faultray_action.github.client import Client
from faultray_action.github.transport import Transport
from faultray_action.settings import INPUTS

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Ran:
    code: int
    log: str
    outputs: dict[str, str]
    summary: str

    @property
    def commands(self) -> list[str]:
        """Lines that the runner would obey, in order: those outside of regions where commands are stopped."""
        found: list[str] = []
        stopped = ""
        for line in self.log.splitlines():
            if stopped:
                stopped = "" if line.strip() == f"::{stopped}::" else stopped
            elif line.startswith("::stop-commands::"):
                stopped = line.removeprefix("::stop-commands::").strip()
            elif line.lstrip().startswith("::"):
                found.append(line)
        return found


@dataclass
class Job:
    """`folder` becomes the workspace; runs are numbered. `clock` swallows all waiting. `environment` overrides the runner's variables."""

    github: FakeGitHub
    folder: Path
    token: str = WRITE_TOKEN
    event: str = "pull_request"
    actor: str = "octocat"
    head: str = HEAD
    fork: bool = False
    pull: int = 1
    runs: int = 0
    payload: dict[str, Any] | None = None
    clock: Clock = field(default_factory=Clock)
    call_seconds: float = 30.0
    transport: Transport | None = None
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def workspace(self) -> Path:
        return self.folder / "workspace"

    def put(self, fixture: str, below: str = "infra", *, git: bool = True) -> None:
        """The plan and the code of a fixture, as checkout and download-artifact leave them."""
        source = ROOT / "fixtures" / fixture
        shutil.rmtree(self.workspace / below, ignore_errors=True)
        shutil.copytree(source / "after", self.workspace / below)
        shutil.copyfile(source / "plan.json", self.workspace / "plan.json")
        if git:
            (self.workspace / ".git").mkdir(exist_ok=True)

    def run(self, **inputs: str) -> Ran:
        self.runs += 1
        files = {name: self.folder / f"{name}_{self.runs}" for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for file in files.values():
            file.touch()
        environ = {**self._inputs(inputs), **self._environment(), **{name: str(file) for name, file in files.items()}, **self.environment}
        said = io.StringIO()
        waiting = functools.partial(
            Client, transport=self.transport, sleep=self.clock.sleep, now=self.clock.now, call_seconds=self.call_seconds
        )
        with redirect_stdout(said), mock.patch("faultray_action.publishing.Client", waiting):
            code = action.run(environ)
        return Ran(code, said.getvalue(), outputs_in(files["GITHUB_OUTPUT"].read_text()), files["GITHUB_STEP_SUMMARY"].read_text())

    def _inputs(self, given: dict[str, str]) -> dict[str, str]:
        """As the runner passes them: all of action.yml's, empty where the workflow says nothing, but for the token."""
        unwritten = {**dict.fromkeys(INPUTS, ""), "github-token": self.token}
        values = {**unwritten, "plan": "plan.json", **{name.replace("_", "-"): value for name, value in given.items()}}
        return {f"INPUT_{name.upper()}": value for name, value in values.items()}

    def _environment(self) -> dict[str, str]:
        event = self.folder / "event.json"
        event.write_text(json.dumps(self.payload if self.payload is not None else self._pull_request()))
        return {
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTOR": self.actor,
            "GITHUB_API_URL": f"{self.github.url}/api/v3",
            "GITHUB_GRAPHQL_URL": f"{self.github.url}/api/graphql",
            "GITHUB_SERVER_URL": "https://github.test",
            "GITHUB_EVENT_NAME": self.event,
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_REPOSITORY": self.github.core.repository,
            "GITHUB_RUN_ID": str(self.runs),
            "GITHUB_SHA": "f" * 40 if self.event == "pull_request" else self.head,
            "GITHUB_WORKSPACE": str(self.workspace),
        }

    def _pull_request(self) -> dict[str, Any]:
        owner = "mallory/shop" if self.fork else self.github.core.repository
        return {
            "action": "synchronize",
            "number": self.pull,
            "pull_request": {
                "number": self.pull,
                "head": {"sha": self.head, "ref": "topic", "repo": {"full_name": owner}},
                "base": {"sha": BASE, "ref": "main", "repo": {"full_name": self.github.core.repository}},
            },
        }


def outputs_in(text: str) -> dict[str, str]:
    """The outputs as the runner reads them: heredocs with a delimiter of their own."""
    found: dict[str, str] = {}
    lines = iter(text.splitlines())
    for line in lines:
        name, _, delimiter = line.partition("<<")
        value = []
        for inner in lines:
            if inner == delimiter:
                break
            value.append(inner)
        found[name] = "\n".join(value)
    return found
