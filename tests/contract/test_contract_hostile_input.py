"""Input that once stopped a run or never ended: devices, pipes, text that is no UTF-8, addresses that do not parse, numbers beyond counting."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from action_job import Job
from fake_github.server import FakeGitHub
from plan_makers import Values, as_bytes, plan, stack

from faultray_action import cli
from faultray_action.declared.read import parse_infra
from faultray_action.model.errors import ConfigError

LATIN = os.fsdecode(b"caf\xe9")
"""A name in Latin-1, as Python takes it from a file system or a command line."""


def regression() -> Values:
    before = stack()
    before["aws_db_instance.main"]["multi_az"] = True
    after = deepcopy(before)
    after["aws_db_instance.main"]["multi_az"] = False
    return plan(before, after)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FAULTRAY_TODAY", "2026-01-01")
    (tmp_path / "plan.json").write_bytes(as_bytes(regression()))
    return tmp_path


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def pipe(path: Path) -> None:
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("make", [device, pipe, folder])
@pytest.mark.parametrize("command", [("tf-check",), ("tf-import",), ("simulate",), ("explain",), ("graph",)])
def test_what_is_no_file_is_refused_at_once(
    command: tuple[str, ...], make: Callable[[Path], None], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make(here / "odd.json")
    rest = ["aws_lb.web"] if command == ("explain",) else []
    assert cli.run([*command, "odd.json", *rest]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1 and "odd.json" in said.err


@pytest.mark.parametrize("make", [device, pipe, folder])
@pytest.mark.parametrize("place", ["code/main.tf", "code/terraform.tfvars", "code/.terraform/modules/modules.json"])
def test_code_that_is_no_file_costs_lines_and_nothing_else(place: str, make: Callable[[Path], None], here: Path) -> None:
    (here / place).parent.mkdir(parents=True, exist_ok=True)
    make(here / place)
    assert cli.run(["tf-check", "plan.json", "--source", "code", "--fail-on-regression"]) == 1


@pytest.mark.parametrize("form", ["text", "json", "markdown", "sarif", "html", "junit", "gitlab-codequality", "badge"])
def test_names_that_are_no_text_are_written_in_every_form(form: str, here: Path) -> None:
    (here / f"{LATIN}.json").write_bytes((here / "plan.json").read_bytes())
    (here / "code").mkdir()
    (here / "code" / f"{LATIN}.tf").write_bytes(b'resource "aws_db_instance" "main" {\n  multi_az = false # \xe9\n}\n')
    out = f"{LATIN}.out"
    asked = ["tf-check", f"{LATIN}.json", "--source", "code", "--label", LATIN, "--fail-on-regression", "--format", form, "--output", out]
    assert cli.run(asked) == 1
    text = (here / out).read_bytes().decode("utf-8")
    if form == "json":
        document = json.loads(text)
        assert document["label"] == "caf\ufffd" and document["plan"]["path"] == "caf\ufffd.json"
        assert document["spofs"]["new"][0]["cause"][0]["file"] == "caf\ufffd.tf"


def test_the_action_posts_about_a_file_whose_name_is_no_text(here: Path) -> None:
    with FakeGitHub() as github:
        github.core.add_pull()
        job = Job(github, here)
        (job.workspace / "infra").mkdir(parents=True)
        os.chdir(job.workspace)
        (job.workspace / "plan.json").write_bytes(as_bytes(regression()))
        (job.workspace / "infra" / f"{LATIN}.tf").write_bytes(b'resource "aws_db_instance" "main" {\n  multi_az = false\n}\n')
        assert job.run(source="infra", json_file="report.json").code == 1
        assert len(github.core.bodies()) == 1


@pytest.mark.parametrize(
    "address", ["", "aws_db_instance", 'aws_db_instance.main["x', "aws_db_instance.main[", "module.", "a.b.c.d", "..", "x[9]"]
)
@pytest.mark.parametrize("row", range(4))
@pytest.mark.parametrize("action", ["update", "delete"])
def test_an_address_that_does_not_parse_stops_nothing(address: str, row: int, action: str, here: Path) -> None:
    tree = regression()
    chosen = [
        change for change in tree["resource_changes"] if change["address"] in ("aws_db_instance.main", "aws_lb.web", "aws_ecs_service.api")
    ]
    twins = [deepcopy(chosen[row % 3]), deepcopy(chosen[(row + 1) % 3])]
    for number, twin in enumerate(twins):
        twin["address"] = address + "x" * number
        if action == "delete":
            twin["change"] |= {"actions": ["delete"], "after": None, "after_unknown": {}}
    tree["resource_changes"] += twins
    (here / "plan.json").write_bytes(as_bytes(tree))
    (here / "main.tf").write_text("locals {\n  a = 1\n}\n")
    assert cli.run(["tf-check", "plan.json"]) in (0, 2)


@pytest.mark.parametrize("root", [{}, {"module_calls": {}}, {"outputs": {"y": {"expression": {"references": ["local.b"]}}}}])
def test_the_last_module_call_of_a_root_of_locals_goes(root: Values, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = stack()
    tree = plan(before, {})
    for row in tree["resource_changes"]:
        row["module_address"] = "module.shop"
        row["address"] = f"module.shop.{row['address']}"
    tree["configuration"]["root_module"] = root
    (here / "plan.json").write_bytes(as_bytes(tree))
    (here / "main.tf").write_text('locals {\n  a = var.x\n  b = 2\n}\n\nvariable "x" {}\n')
    assert cli.run(["tf-check", "plan.json", "--fail-on-regression", "--format", "json"]) in (0, 1)
    document = json.loads(capsys.readouterr().out)
    assert document["score"]["after"] is None


@pytest.mark.parametrize("count", [100_000, 10**9, 10**40, 1e300, -5, "100000", "²", "inf", "nan", "9" * 5000])
def test_a_number_of_copies_costs_nothing_whatever_it_is(count: Any, here: Path) -> None:
    tree = regression()
    for row in tree["resource_changes"]:
        if row["type"] == "aws_ecs_service":
            row["change"]["before"]["desired_count"] = 2
            row["change"]["after"]["desired_count"] = count
    (here / "plan.json").write_bytes(as_bytes(tree))
    assert cli.run(["tf-check", "plan.json"]) in (0, 2)


@pytest.mark.parametrize("bad", ["\x1b[31mx", "a\u200bb", "x\r\n::error::y", "\u202ex"])
def test_what_is_wrong_is_said_in_one_visible_line(bad: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "<U+" in str(ConfigError(bad)) or "\n" in bad
    (here / "infra.yaml").write_text(json.dumps({"components": [{"id": "a", "type": bad}]}))
    cli.run(["load", "infra.yaml"])
    cli.run(["tf-check", f"{bad}.json"])
    cli.run(["tf-check", "plan.json", "--mode", bad])
    cli.run([bad])
    said = capsys.readouterr().err
    assert said.count("\n") == 4 and not any(ord(character) < 32 for character in said.replace("\n", ""))
    assert "\u200b" not in said and "\u202e" not in said


def test_a_check_run_is_named_in_visible_characters(here: Path) -> None:
    with FakeGitHub() as github:
        github.core.add_pull()
        job = Job(github, here)
        job.workspace.mkdir()
        os.chdir(job.workspace)
        (job.workspace / "plan.json").write_bytes(as_bytes(regression()))
        job.run(label="a\x1b[31mb\u200bc", check_name="Fault\u202eRay")
        names = {run["name"] for run in github.core.check_runs.values()}
    assert names == {"Fault<U+202E>Ray · a<U+001B>[31mb<U+200B>c"}


def test_infra_of_a_hundred_thousand_copies_is_read() -> None:
    declared = parse_infra("version: 1\ncomponents:\n  - {id: app, type: app_server, replicas: 100000, zones: [a, b, c]}\n", "infra.yaml")
    assert declared.components[0].replicas == 100_000
