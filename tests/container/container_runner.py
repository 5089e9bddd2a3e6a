"""Starts the image as GitHub's runner does, and gathers what it leaves."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import docker
import yaml
from fake_github.core import BASE, HEAD, MERGE, WRITE_TOKEN
from fake_github.server import FakeGitHub

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 120


@dataclass
class Ran:
    """How a run ended, and everything that it left."""

    code: int
    log: str
    outputs: dict[str, str]
    summary: str
    workspace: Path

    def everything(self, github: FakeGitHub) -> str:
        """All that anybody could read afterwards: log, summary, outputs, files written, what GitHub holds."""
        written = [path.read_text(encoding="utf-8", errors="replace") for path in sorted((self.workspace / "out").glob("*"))]
        return "\n".join([self.log, self.summary, json.dumps(self.outputs), *written, json.dumps(github.core.state())])


@dataclass
class Runner:
    """A job of a workflow: one workspace, one token, as many runs as wanted.

    The container shares the network of the engine's host, where the fake GitHub listens; all else is as the runner does it.
    """

    engine: docker.DockerClient
    image: str
    github: FakeGitHub
    folder: Path
    token: str = WRITE_TOKEN
    event: str = "pull_request"
    fork: bool = False
    runs: int = 0

    @property
    def workspace(self) -> Path:
        return self.folder / "workspace"

    def put(self, fixture: str) -> None:
        """The plan and the code of a fixture, as checkout and download-artifact leave them."""
        source = ROOT / "fixtures" / fixture
        shutil.copytree(source / "after", self.workspace / "infra")
        shutil.copyfile(source / "plan.json", self.workspace / "plan.json")
        (self.workspace / ".git").mkdir()

    def run(self, **inputs: str) -> Ran:
        self.runs += 1
        commands = self.folder / "file_commands"
        commands.mkdir(exist_ok=True)
        files = {name: f"{name.lower()}_{uuid.uuid4()}" for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_ENV", "GITHUB_PATH")}
        for name in files.values():
            (commands / name).touch()
        container = self.engine.containers.create(
            self.image,
            working_dir="/github/workspace",
            network_mode="host",
            environment={
                **self._inputs(inputs),
                **self._environment(),
                **{name: f"/github/file_commands/{file}" for name, file in files.items()},
            },
            volumes={
                str(self.workspace): {"bind": "/github/workspace", "mode": "rw"},
                str(commands): {"bind": "/github/file_commands", "mode": "rw"},
                str(self._workflow()): {"bind": "/github/workflow", "mode": "rw"},
            },
        )
        try:
            container.start()
            code = int(container.wait(timeout=SECONDS)["StatusCode"])
            log = container.logs().decode("utf-8")
        finally:
            container.remove(force=True)
        summary = (commands / files["GITHUB_STEP_SUMMARY"]).read_text(encoding="utf-8")
        return Ran(code, log, outputs_in((commands / files["GITHUB_OUTPUT"]).read_text(encoding="utf-8")), summary, self.workspace)

    def _inputs(self, given: Mapping[str, str]) -> dict[str, str]:
        """Every input of action.yml: the given ones, else their defaults, with the token where the expression stands."""
        declared = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))["inputs"]
        defaults = {name: str(row.get("default", "")).replace("${{ github.token }}", self.token) for name, row in declared.items()}
        values = {**defaults, "plan": "plan.json", "source": "infra", **{name.replace("_", "-"): value for name, value in given.items()}}
        assert set(values) == set(declared), "an input that action.yml does not have"
        return {f"INPUT_{name.upper()}": value for name, value in values.items()}

    def _environment(self) -> dict[str, str]:
        return {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTOR": "octocat",
            "GITHUB_API_URL": self.github.url,
            "GITHUB_GRAPHQL_URL": self.github.graphql_url,
            "GITHUB_SERVER_URL": "https://github.test",
            "GITHUB_EVENT_NAME": self.event,
            "GITHUB_EVENT_PATH": "/github/workflow/event.json",
            "GITHUB_JOB": "gate",
            "GITHUB_REF": "refs/pull/1/merge",
            "GITHUB_REPOSITORY": self.github.core.repository,
            "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_RUN_ID": str(100 + self.runs),
            "GITHUB_SHA": MERGE,
            "GITHUB_WORKSPACE": "/github/workspace",
            "HOME": "/github/home",
            "FAULTRAY_TODAY": "2026-01-31",
        }

    def _workflow(self) -> Path:
        repository = self.github.core.repository
        head = f"mallory/{repository.partition('/')[2]}" if self.fork else repository
        pull = {
            "number": 1,
            "head": {"sha": HEAD, "ref": "topic", "repo": {"full_name": head}},
            "base": {"sha": BASE, "ref": "main", "repo": {"full_name": repository}},
        }
        folder = self.folder / "workflow"
        folder.mkdir(exist_ok=True)
        event = {"action": "synchronize", "number": 1, "pull_request": pull}
        (folder / "event.json").write_text(json.dumps(event), encoding="utf-8")
        return folder


def outputs_in(text: str) -> dict[str, str]:
    """GITHUB_OUTPUT as the runner reads it: `name=value`, or `name<<DELIMITER` with lines up to the delimiter."""
    found: dict[str, str] = {}
    lines = iter(text.splitlines())
    for line in lines:
        name, here, delimiter = line.partition("<<")
        if here:
            value = []
            while (row := next(lines)) != delimiter:
                value.append(row)
            found[name] = "\n".join(value)
        else:
            name, _, value_of_line = line.partition("=")
            found[name] = value_of_line
    return found
