"""Names of strangers through the whole product: every artifact is read back the way its reader would, and nothing of a name comes alive."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from copy import deepcopy
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from action_job import Job
from fake_github.server import FakeGitHub
from markdown_reader import check_markup, tokens
from plan_makers import Values, as_bytes, plan, stack

from faultray_action import cli
from faultray_action.commands.tf_check import render
from faultray_action.pipeline import Checked, Request, check

PAYLOADS = {
    "markup": "</td></code></details><script>alert(1)</script><img src=x onerror=alert(1)>",
    "markdown": "`|*[x](https://evil.example)![i](https://evil.example/i.png)\\|",
    "mention": "@octocat @org/team acme/shop#1 GH-12 https://evil.example www.evil.example",
    "command": "::error title=pwned::pwned ##[error]pwned ::stop-commands::x",
    "terminal": "\x1b[31mred\x1b]0;title\x07\x9b31m\r\x08",
    "bidi": "\u202egnp.exe\u2066a\u2069\u200b",
    "mermaid": '"]:::spof; click n0 "javascript:alert(1)" %%{init: {}}%% end subgraph x',
    "xml": ']]><!ENTITY x SYSTEM "file:///etc/passwd">&x; \x00\ufffe',
    "lines": "a\nb\r\n::error::pwned\n```\n# title\n| a | b |\n---\n<!-- faultray-section",
    "template": "${{ secrets.X }} {{ x }} %s %(x)s",
    "shell": "'; rm -rf / ; $(id) `id` #",
    "long": "x" * 5000,
}


def hostile_plan(payload: str, place: str) -> Values:
    """A regression whose database carries the payload as for_each key, module path, or name."""
    before = stack()
    before["aws_db_instance.main"]["multi_az"] = True
    after = deepcopy(before)
    after["aws_db_instance.main"]["multi_az"] = False
    after["aws_ecs_service.api"]["desired_count"] = 1
    tree = plan(before, after)
    for row in tree["resource_changes"]:
        rename(row, payload, place)
    root = tree["configuration"]["root_module"]
    if place == "module":
        tree["configuration"]["root_module"] = {"module_calls": {"m": {"source": "./m", "module": root, "for_each_expression": {}}}}
    if place == "name":
        tree["configuration"]["root_module"] = renamed(root, payload)
    return tree


HOSTS = ("aws_db_instance.main", "aws_lb.web", "aws_ecs_service.api")


def rename(row: Values, payload: str, place: str) -> None:
    if place == "module":
        row["module_address"] = f"module.m[{json.dumps(payload)}]"
        row["address"] = f"{row['module_address']}.{row['address']}"
    elif place == "key" and row["address"] in HOSTS:
        row["index"] = payload
        row["address"] = f"{row['address']}[{json.dumps(payload)}]"
    elif place == "name" and row["address"] in HOSTS:
        row["name"] = row["name"] + payload
        row["address"] = row["address"] + payload
    for side in ("before", "after"):
        for attribute in ("identifier", "name", "availability_zone"):
            if attribute in row["change"][side] and row["type"] != "aws_subnet":
                row["change"][side][attribute] += payload


def renamed(value: Any, payload: str) -> Any:
    """The same names in the code: addresses, names, and references that start with one."""
    if isinstance(value, dict):
        inner = {key: renamed(one, payload) for key, one in value.items()}
        return inner | {"name": inner["name"] + payload} if value.get("address") in HOSTS else inner
    if isinstance(value, list):
        return [renamed(one, payload) for one in value]
    host = next((one for one in HOSTS if isinstance(value, str) and (value == one or value.startswith(one + "."))), None)
    return value if host is None else host + payload + value.removeprefix(host)


def judged(payload: str, place: str) -> Checked:
    asked = Request(
        paths=(Path("-"),),
        stdin=as_bytes(hostile_plan(payload, place)),
        date="2026-01-01",
        scenario_budget=60,
        label=payload,
        title=payload,
    )
    return check(asked)


@pytest.fixture(params=sorted(PAYLOADS))
def payload(request: pytest.FixtureRequest) -> str:
    return PAYLOADS[request.param]


@pytest.fixture(params=["key", "module", "name"])
def checked(request: pytest.FixtureRequest, payload: str) -> Checked:
    return judged(payload, request.param)


def test_every_format_reads_back(checked: Checked, payload: str) -> None:
    check_markup(render(checked, "markdown"), "https://nowhere")
    check_terminal(render(checked, "text"))
    check_json(render(checked, "json"), payload)
    check_plain_strings(json.loads(render(checked, "sarif")))
    check_plain_strings(json.loads(render(checked, "gitlab-codequality")))
    check_plain_strings(json.loads(render(checked, "badge")))
    ElementTree.fromstring(render(checked, "junit"))
    check_page(render(checked, "html"))


def check_terminal(text: str) -> None:
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069]", text)


def check_json(text: str, payload: str) -> None:
    """Whole there: programs read it."""
    document = json.loads(text)
    assert document["label"] == payload


def check_plain_strings(value: Any) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            check_plain_strings(key)
            check_plain_strings(inner)
    elif isinstance(value, list):
        for inner in value:
            check_plain_strings(inner)
    elif isinstance(value, str):
        assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\u202a-\u202e\u2066-\u2069]", value)


class Page(HTMLParser):
    """Tags, and attributes that could run something."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def check_page(text: str) -> None:
    page = Page()
    page.feed(text)
    assert not [tag for tag, _ in page.seen if tag in ("img", "iframe", "object", "embed", "base")]
    for tag, attributes in page.seen:
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        assert "src" not in attributes, (tag, attributes)
        assert not str(attributes.get("href", "")).lower().startswith(("javascript", "https://evil")), attributes
    assert "alert(1)</script>" not in text


@pytest.mark.parametrize("place", ["key", "module"])
def test_a_name_changes_no_verdict(place: str, payload: str) -> None:
    plain, hostile = judged("x", place).document, judged(payload, place).document
    assert (hostile.score, hostile.verdict) == (plain.score, plain.verdict) and hostile.verdict == "fail"


def test_a_mermaid_graph_holds_nothing_but_its_own_words(checked: Checked) -> None:
    fences = [token.content for token in tokens(render(checked, "markdown")) if token.type == "fence" and token.info == "mermaid"]
    for line in [line for fence in fences for line in fence.splitlines()]:
        assert re.fullmatch(
            r'flowchart LR|  classDef [\w ]+[\w:#,-]*|  classDef \w+ [\w:#,-]+|  class n\d+ changed|  n\d+ (-->|-\.->|--x) n\d+|  n\d+\(?\["[^"\[\]]*"\]\)?:::\w+',
            line,
        ), line


@pytest.mark.parametrize("place", ["key", "module"])
def test_what_the_action_says_is_obeyed_by_nobody(
    place: str, payload: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FAULTRAY_TODAY", "2026-01-01")
    with FakeGitHub() as github:
        github.core.add_pull()
        job = Job(github, tmp_path)
        job.workspace.mkdir()
        monkeypatch.chdir(job.workspace)
        (job.workspace / "plan.json").write_bytes(as_bytes(hostile_plan(payload, place)))
        label = " ".join(payload.replace("\x00", "").split())[:200]
        ran = job.run(label=label, annotations="commands", json_file="r.json")
        again = job.run(label=label, annotations="commands", json_file="r.json")
        assert ran.code == again.code == 1 and len(github.core.bodies()) == 1
        check_markup(github.core.bodies()[0], "https://github.test/acme/shop/")
        check_markup(ran.summary, "https://github.test/acme/shop/")
        for run in github.core.check_runs.values():
            check_markup(run["output"]["summary"], "https://github.test/acme/shop/")
            assert len(run["output"]["title"]) <= 255 and "\n" not in run["output"]["title"]
        assert github.core.refusals == []
    for line in ran.commands:
        assert re.match(r"::(notice|warning|error) ", line) and "title=pwned" not in line
    assert len(ran.outputs) == len(again.outputs) > 10


@pytest.mark.parametrize(
    "name", ["a`b|c.tf", "<img src=x>.tf", "::error::x.tf", "[x](y).tf", "@octocat.tf", "a\u202eb.tf", "a b#c?d%2F.tf", "${{x}}.tf"]
)
def test_a_file_name_is_a_path_and_nothing_else(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAULTRAY_TODAY", "2026-01-01")
    with FakeGitHub() as github:
        github.core.add_pull()
        job = Job(github, tmp_path)
        (job.workspace / "infra").mkdir(parents=True)
        monkeypatch.chdir(job.workspace)
        tree = hostile_plan("", "none")
        (job.workspace / "plan.json").write_bytes(as_bytes(tree))
        code = "\n".join(
            f'resource "{row["type"]}" "{row["name"]}" {{\n  multi_az = false\n  desired_count = 1\n}}' for row in tree["resource_changes"]
        )
        (job.workspace / "infra" / name).write_text(code)
        ran = job.run(source="infra")
        assert ran.code == 1
        check_markup(github.core.bodies()[0], "https://github.test/acme/shop/blob/")
        [check] = github.core.check_runs
        assert {row["path"] for row in github.core.annotations[check]} == {f"infra/{name}"}


@pytest.mark.parametrize(
    "arguments", [("graph", "plan.json"), ("explain", "plan.json", "aws_lb.web"), ("availability", "plan.json"), ("simulate", "plan.json")]
)
def test_every_command_speaks_plainly(
    payload: str, arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plan.json").write_bytes(as_bytes(hostile_plan(payload, "key")))
    cli.run(list(arguments))
    said = capsys.readouterr()
    check_terminal(said.out.replace("\n", ""))
    check_terminal(said.err.replace("\n", ""))
