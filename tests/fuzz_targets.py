"""What is fuzzed: each door that strangers' bytes come in by, and each renderer that their words go out by.

A target takes bytes and returns; a FaultrayError is an answer, anything else is a defect. Bytes are read as choices: half of the time they are
the input itself, else they say how to spoil a good one, so that what is tried gets past the first check. hypothesis (every push) and atheris
(`make fuzz`) draw the same bytes.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import date
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml
from plan_makers import plan, stack

from faultray_action.catalogue.reliability import load_reliability
from faultray_action.commands.tf_check import render as render_checked
from faultray_action.declared.read import parse_infra
from faultray_action.declared.writer import write_infra
from faultray_action.github import check as check_runs
from faultray_action.github.comment import Stamp, read_stamp, slug
from faultray_action.model.artifact import Light
from faultray_action.model.errors import FaultrayError
from faultray_action.model.reliability import ReliabilityTable
from faultray_action.pipeline import Request, check
from faultray_action.policy import read_policy
from faultray_action.report import escape, remarks, summary
from faultray_action.report.document import Document
from faultray_action.report.render import RENDERERS
from faultray_action.report.store import dump, load
from faultray_action.terraform.hcl.json_syntax import read_blocks
from faultray_action.terraform.hcl.parse import Budget, read_body
from faultray_action.terraform.reader import decode
from faultray_action.terraform.state import read_state
from faultray_action.topology.from_declared import build

ROOT = Path(__file__).parents[1]
TODAY = date(2026, 1, 1)

HOSTILE: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    10**5,
    10**30,
    1e308,
    0.5,
    "",
    "²",
    "9" * 5000,
    "inf",
    "nan",
    "${x}",
    "a.b.c[",
    'aws_lb.main["x',
    "module.",
    "\x1b[31m\x00\u202e\u200b",
    "@octocat #1 acme/shop#2 https://evil.example",
    "</script><!-- -->`|\\]](x)",
    "::error::x\r\n::set-output",
    "é" * 300,
    "\ufffe\U0001f4a9",
    [],
    {},
    [[]],
    {"": None},
    [{"references": ["local.x"]}, None, 3],
)
"""What stands where something else was: values of every kind that have stopped a program somewhere."""


class Choices:
    """Bytes, taken one by one; noughts where they are spent."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    def below(self, count: int) -> int:
        """A number from 0 to count - 1."""
        wanted = 2 if count > 256 else 1
        taken = self._data[self._place : self._place + wanted]
        self._place += wanted
        return int.from_bytes(taken, "big") % count

    @property
    def rest(self) -> bytes:
        return self._data[self._place :]

    @property
    def spent(self) -> bool:
        return self._place >= len(self._data)


def spoiled(tree: Any, choices: Choices, most: int = 12) -> Any:
    """A copy of a JSON tree with some of its values exchanged, removed, doubled or renamed."""
    changed = deepcopy(tree)
    for _ in range(most):
        if choices.spent:
            break
        _spoil(changed, choices)
    return changed


def _spoil(tree: Any, choices: Choices) -> None:
    node = tree
    for _ in range(choices.below(12) + 1):
        below = [key for key, child in _children(node) if isinstance(child, dict | list) and child]
        if not below:
            break
        node = node[below[choices.below(len(below))]]
    children = _children(node)
    if not children:
        return
    key, value = children[choices.below(len(children))]
    match choices.below(6):
        case 0:
            del node[key]
        case 1 if isinstance(node, list):
            node.append(deepcopy(value))
        case 2 if isinstance(node, dict):
            node[_word(choices)] = node.pop(key)
        case 3 if isinstance(value, str):
            at = choices.below(len(value) + 1)
            node[key] = value[:at] + _word(choices) + value[at:]
        case _:
            node[key] = deepcopy(HOSTILE[choices.below(len(HOSTILE))])


def _word(choices: Choices) -> str:
    found = HOSTILE[choices.below(len(HOSTILE))]
    return found if isinstance(found, str) else json.dumps(found)


def _children(node: Any) -> list[tuple[Any, Any]]:
    if isinstance(node, dict):
        return list(node.items())
    return list(enumerate(node)) if isinstance(node, list) else []


@lru_cache(maxsize=1)
def _plans() -> tuple[Any, ...]:
    before = stack()
    before["aws_db_instance.main"]["multi_az"] = True
    after = deepcopy(before)
    after["aws_db_instance.main"]["multi_az"] = False
    after["aws_ecs_service.api"]["desired_count"] = 1
    gone = {address: values for address, values in before.items() if address != "aws_sqs_queue.jobs"}
    written = [
        json.loads((ROOT / "fixtures" / name / "plan.json").read_bytes()) for name in ("serverless-database-added", "database-replaced")
    ]
    return (plan(before, after), plan(before, gone), *written)


def _plan_text(choices: Choices) -> bytes:
    if choices.below(4) == 0:
        return choices.rest
    whole = _plans()
    return json.dumps(spoiled(whole[choices.below(len(whole))], choices)).encode()


def read_plans(data: bytes) -> None:
    """The reader of plans alone."""
    decode(_plan_text(Choices(data)), "plan.json")


def judge_plans(data: bytes) -> None:
    """A plan through everything that follows, and out by every renderer."""
    found = check(Request((Path("-"),), stdin=_plan_text(Choices(data)), date="2026-01-01", scenario_budget=40))
    render_all(load(dump(found.document)))
    render_checked(found, "html").encode()


def read_policies(data: bytes) -> None:
    choices = Choices(data)
    if choices.below(2) == 0:
        read_policy(choices.rest, ".faultray.yml", TODAY)
        return
    text = yaml.safe_dump(spoiled(_POLICY, choices), allow_unicode=True, sort_keys=False)
    read_policy(text.encode("utf-8", "surrogatepass"), ".faultray.yml", TODAY)


_POLICY = {
    "gates": {"min_score": 60, "max_drop": 2, "max_new_spofs": 0},
    "mode": "enforce",
    "entry_points": [{"address": "aws_lb.web", "weight": 2, "label": "shop"}],
    "overrides": [{"address": "aws_ecs_service.api", "copies": 3, "zones": ["eu-west-1a"], "needs": [{"target": "aws_db_instance.main"}]}],
    "waivers": [{"id": "w1", "address": "aws_db_instance.main", "class": "zone", "reason": "moved on Friday", "expires": "2026-02-01"}],
    "rates": {"vm": {"failures_per_year": 0.5, "repair_hours": [0.1, 0.5, 2]}},
    "operations": {"deploys_per_month": 20},
    "sla": {"aws": 99.9},
    "catalogue": ["more.yaml"],
}


def read_stamps(data: bytes) -> None:
    """What marks a comment or a check run as ours: what is written is read, and what is read is written."""
    choices = Choices(data)
    kind = choices.below(3)
    text = choices.rest.decode("utf-8", "replace")
    if kind == 1:
        own = Stamp(slug(text), f"{choices.below(16**4):040x}", tuple(Light)[choices.below(3)], None, choices.below(2) == 1)
        assert read_stamp(f"{own}\n{text}") == own
    if kind == 2:
        whole = str(Stamp("faultray", "a" * 40, Light.PASS))
        at = choices.below(len(whole))
        text = whole[:at] + text + whole[at:]
    for one in (text, f"<!-- faultray-action {text} -->"):
        found = read_stamp(one)
        assert found is None or one.startswith("<!-- faultray-action")
    for one in (text, f"<!-- faultray-section {text} -->"):
        check_runs._posted({"id": 1, "status": "completed", "output": {"text": one}})


def read_infra_files(data: bytes) -> None:
    choices = Choices(data)
    text = choices.rest.decode("utf-8", "replace") if choices.below(3) == 0 else _infra(choices)
    table = _table()
    write_infra(build(parse_infra(text, "infra.yaml"), table), table)


@lru_cache(maxsize=1)
def _table() -> ReliabilityTable:
    return load_reliability()


def _infra(choices: Choices) -> str:
    return yaml.safe_dump(spoiled(_demo(), choices), allow_unicode=True, sort_keys=False)


@lru_cache(maxsize=1)
def _demo() -> Any:
    return yaml.safe_load((ROOT / "faultray_action/declared/demo.yaml").read_text(encoding="utf-8"))


def read_states(data: bytes) -> None:
    choices = Choices(data)
    text = choices.rest if choices.below(3) == 0 else json.dumps(spoiled(_STATE, choices)).encode()
    read_state(text, "terraform.tfstate")


_STATE: Any = {
    "version": 4,
    "terraform_version": "1.11.4",
    "resources": [
        {
            "module": "module.a",
            "mode": "managed",
            "type": "aws_lb",
            "name": "web",
            "provider": 'provider["registry.terraform.io/hashicorp/aws"]',
            "instances": [{"index_key": "x", "attributes": {"id": "1", "subnets": ["a"]}, "dependencies": ["aws_vpc.main"]}],
        }
    ],
}


def read_code(data: bytes) -> None:
    """Terraform's code in both of its syntaxes: each value is asked for."""
    choices = Choices(data)
    kind = choices.below(3)
    text = choices.rest.decode("utf-8", "replace")
    if kind == 1:
        at = choices.below(len(_CODE))
        text = _CODE[:at] + choices.rest.decode("utf-8", "replace") + _CODE[at + choices.below(40) :]
    if kind == 2:
        text = json.dumps(spoiled(_CODE_AS_JSON, choices))
        for block in read_blocks(text):
            _look_into(block.body)
        return
    _look_into(read_body(text, 0, len(text), Budget(20_000)))


def _look_into(body: Any) -> None:
    for attribute in body.attributes:
        _ = attribute.value
    for block in body.blocks:
        _look_into(block.body)


_CODE = """
locals { zones = ["a", "b"] , n = var.n[0].x }
resource "aws_lb" "web" {
  for_each = toset([for z in local.zones : "${z}-x" if z != ""])
  subnets  = aws_subnet.this[*].id
  dynamic "rule" {
    for_each = var.rules
    content { port = rule.value["port"] ? 1 : -2.5e3 }
  }
  tags = { "a.b" = <<-EOT
    x ${var.y} %{ if true }y%{ endif }
  EOT
  }
}
"""
_CODE_AS_JSON: Any = {
    "resource": {"aws_lb": {"web": [{"subnets": "${aws_subnet.a.id}", "rule": [{"port": 1}]}]}},
    "locals": {"a": ["${var.x}"]},
}


@lru_cache(maxsize=1)
def _documents() -> tuple[Any, ...]:
    return tuple(
        json.loads(path.read_bytes()) for path in sorted((ROOT / "tests/golden/report_documents").glob("*.json")) if _is_whole(path)
    )


def _is_whole(path: Path) -> bool:
    return path.name.count(".") == 1


def render_documents(data: bytes) -> None:
    """Reports that somebody wrote or changed by hand, by every renderer; each form is read back as its reader would."""
    choices = Choices(data)
    whole = _documents()
    text = choices.rest if choices.below(8) == 0 else json.dumps(spoiled(whole[choices.below(len(whole))], choices, 20)).encode()
    render_all(load(text))


def render_all(document: Document) -> None:
    for name, render in RENDERERS.items():
        shown = render(document)
        shown.encode()
        if name in ("json", "sarif", "gitlab-codequality", "badge"):
            json.loads(shown)
        if name == "junit":
            ElementTree.fromstring(shown)
    summary.render(document).encode()
    summary.render_check(document).encode()
    assert len(remarks.check_title(document)) <= remarks.MAX_TITLE
    for line in remarks.commands(document):
        assert "\n" not in line and len(line) <= remarks.MAX_COMMAND
    remarks.annotate(document)


def quote_names(data: bytes) -> None:
    """Every way of quoting a name."""
    text = data.decode("utf-8", "surrogatepass" if len(data) % 2 else "replace")
    for quote in (escape.plain, escape.code, escape.prose, escape.html_text, escape.mermaid_label, escape.xml_text, escape.url_path):
        quote(text).encode()
    assert "\n" not in escape.code(text) + escape.prose(text) + escape.command_property(text)
    ElementTree.fromstring(f'<a b="{escape.xml_text(text)}">{escape.xml_text(text)}</a>')


TARGETS: Mapping[str, Callable[[bytes], None]] = MappingProxyType(
    {
        "plans": read_plans,
        "judged": judge_plans,
        "policies": read_policies,
        "stamps": read_stamps,
        "infra": read_infra_files,
        "states": read_states,
        "code": read_code,
        "documents": render_documents,
        "names": quote_names,
    }
)


def attempt(name: str, data: bytes) -> None:
    """One run of a target: FaultrayError is an answer."""
    try:
        TARGETS[name](data)
    except FaultrayError as error:
        assert str(error) and "\n" not in str(error), "one sentence"
    except UnicodeDecodeError:
        assert name == "names"
