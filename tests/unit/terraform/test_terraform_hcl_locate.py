"""Where a resource and the value of an attribute are written, told on small configurations."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faultray_action.model.change import Action, AttributeChange
from faultray_action.model.source import SourceRange
from faultray_action.terraform.hcl.local_values import local_values, modules_with_locals
from faultray_action.terraform.hcl.locate import CALL, NEAREST, NOT_WRITTEN, Source, counted_changes
from faultray_action.terraform.hcl.roots import open_source
from faultray_action.terraform.plan import Plan, Resource


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8"))
    return folder


def spot(source: Source, address: str, attribute: str = "") -> tuple[str, int, str]:
    """(file, line, note) of the first place."""
    found = source.locate(address, attribute)
    assert found is not None, (address, attribute)
    return found.file, found.line, found.note


MAIN = """resource "aws_db_instance" "main" {
  multi_az = true
  engine   = "postgres"

  timeouts {
    create = "1h"
  }

  dynamic "restore" {
    for_each = var.restore ? [1] : []
    content {
      source = "snap"
    }
  }

  tags = {
    Name  = "a"
    "b.c" = "d"
  }
}

data "aws_vpc" "main" {}
"""


def test_a_resource_and_its_attributes(tmp_path: Path) -> None:
    source = Source.open(write(tmp_path, {"main.tf": MAIN}))
    assert source.locate("aws_db_instance.main", "") == SourceRange("main.tf", 1, 20, 1, 2)
    assert source.locate("aws_db_instance.main", "multi_az") == SourceRange("main.tf", 2, 2, 3, 18)
    assert spot(source, "aws_db_instance.main[0]", "engine") == ("main.tf", 3, "")
    assert spot(source, "aws_db_instance.main", "timeouts") == ("main.tf", 5, "")
    assert spot(source, "aws_db_instance.main", "timeouts.create") == ("main.tf", 6, "")
    assert spot(source, "aws_db_instance.main", "timeouts.delete") == ("main.tf", 5, NOT_WRITTEN)
    assert spot(source, "aws_db_instance.main", "restore.source") == ("main.tf", 12, "")
    assert spot(source, "aws_db_instance.main", "tags.Name") == ("main.tf", 17, "")
    assert spot(source, "aws_db_instance.main", "tags.Other") == ("main.tf", 16, "")
    assert spot(source, "aws_db_instance.main", "port") == ("main.tf", 1, NOT_WRITTEN)
    assert spot(source, "data.aws_vpc.main") == ("main.tf", 22, "")
    assert source.locate("infra:queue", "") is None and source.locate("external", "x") is None


def test_a_block_that_goes_is_decided_by_its_for_each(tmp_path: Path) -> None:
    source = Source.open(write(tmp_path, {"main.tf": MAIN, "v.tf": 'variable "restore" {\n  default = false\n}\n'}))
    counted = replace(source, counted=frozenset({("aws_db_instance.main", "restore.source")}))
    assert spot(counted, "aws_db_instance.main", "restore.source") == ("v.tf", 2, "default of var.restore")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"v.tf": 'variable "az" {\n  default = false\n}\n'}, ("v.tf", 2, "default of var.az")),
        (
            {"v.tf": 'variable "az" {\n  default = true\n}\n', "terraform.tfvars": "# x\naz = false\n"},
            ("terraform.tfvars", 2, "value of var.az"),
        ),
        ({"v.tf": 'variable "az" {}\n', "terraform.tfvars.json": '{\n "az": false\n}'}, ("terraform.tfvars.json", 2, "value of var.az")),
        (
            {"v.tf": 'variable "az" {}\n', "terraform.tfvars": "az = 1\n", "b.auto.tfvars": "az = 2\n"},
            ("b.auto.tfvars", 1, "value of var.az"),
        ),
        ({"v.tf": 'variable "az" {}\n', "prod.tfvars": "az = 1\n"}, ("prod.tfvars", 1, "value of var.az, if this file is used")),
        ({"v.tf": 'variable "az" {}\n', "prod.tfvars": "az = 1\n", "dev.tfvars": "az = 2\n"}, ("main.tf", 2, "")),
        ({"v.tf": 'variable "az" {}\n'}, ("main.tf", 2, "")),
        ({}, ("main.tf", 2, "")),
    ],
)
def test_a_root_variable(tmp_path: Path, files: dict[str, str], expected: tuple[str, int, str]) -> None:
    source = Source.open(write(tmp_path, {"main.tf": 'resource "a" "b" {\n  multi_az = var.az\n}\n', **files}))
    assert spot(source, "a.b", "multi_az") == expected


def test_a_value_through_modules_and_locals(tmp_path: Path) -> None:
    files = {
        "main.tf": "locals {\n  services = {\n    api = { n = 3 }\n    web = {\n      n = 1\n    }\n  }\n}\n\n"
        'module "svc" {\n  source   = "./svc"\n  for_each = local.services\n  replicas = each.value.n\n  mode     = "x"\n}\n',
        "svc/main.tf": 'variable "replicas" {}\nvariable "mode" {}\nvariable "other" {\n  default = 7\n}\n\nmodule "in" {\n  source = "../in"\n'
        "  count  = var.replicas > 1 ? 1 : 0\n  r = var.replicas\n  o = var.other\n  m = var.mode\n}\n",
        "in/main.tf": 'variable "r" {}\nvariable "o" {}\nvariable "m" {}\nresource "a" "b" {\n  desired = var.r\n  other   = var.o\n'
        '  mode    = var.m\n  fixed   = 2\n  text    = "${var.m}-x"\n}\n',
    }
    source = Source.open(write(tmp_path, files))
    web = 'module.svc["web"].module.in[0].a.b'
    assert spot(source, web, "desired") == ("main.tf", 5, "local.services")
    assert [(r.file, r.line, r.note) for r in source.locate_all('module.svc["api"].module.in[0].a.b', "desired")] == [
        ("main.tf", 3, "local.services"),
        ("in/main.tf", 5, ""),
        ("svc/main.tf", 10, "argument of module.in"),
        ("main.tf", 13, "argument of module.svc"),
    ]
    assert spot(source, web, "other") == ("svc/main.tf", 4, "default of var.other")
    assert spot(source, web, "mode") == ("main.tf", 14, "argument of module.svc")
    assert spot(source, web, "fixed") == ("in/main.tf", 8, "")
    assert spot(source, web, "text") == ("in/main.tf", 9, "")
    assert spot(source, 'module.svc["gone"].module.in[0].a.b') == ("main.tf", 2, "local.services")


def test_what_stops_a_trace(tmp_path: Path) -> None:
    code = """resource "a" "b" {
  x1 = data.aws_ssm_parameter.p.value
  x2 = min(var.n, 1)
  x3 = var.n + var.m
  x4 = var.on ? var.n : var.m
  x5 = local.loop
  x6 = coalesce(var.n, null)
  x7 = lookup(var.map, "k", 1)
  x8 = merge({ k = 1 }, var.map).k
  x9 = module.none.out
}
variable "n" { default = 5 }
variable "on" {
  default = true
}
variable "map" {
  default = {
    k = 2
  }
}
locals {
  loop = local.loop
}
"""
    source = Source.open(write(tmp_path, {"main.tf": code}))
    lines = {name: spot(source, "a.b", name)[1] for name in ("x1", "x2", "x3", "x4", "x6", "x7", "x8", "x9")}
    assert lines == {"x1": 2, "x2": 3, "x3": 4, "x4": 14, "x6": 12, "x7": 18, "x8": 18, "x9": 10}
    assert spot(source, "a.b", "x5") == ("main.tf", 22, "local.loop")


def test_count_and_for_each_tell_what_is_gone(tmp_path: Path) -> None:
    code = 'resource "a" "b" {\n  count = var.n\n}\nvariable "n" {\n  default = 1\n}\n'
    code += 'resource "a" "c" {\n  for_each = toset(["x", "y"])\n}\nresource "a" "d" {\n  for_each = data.z.z.all\n}\n'
    source = Source.open(write(tmp_path, {"main.tf": code}))
    assert spot(source, "a.b[0]") == ("main.tf", 1, "")
    assert spot(source, "a.b[1]") == ("main.tf", 5, "default of var.n")
    assert spot(source, 'a.c["x"]') == ("main.tf", 7, "")
    assert spot(source, 'a.c["z"]') == ("main.tf", 8, "for_each")
    assert spot(source, 'a.d["z"]') == ("main.tf", 10, "")
    counted = replace(source, counted=frozenset({('a.d["z"]', "")}))
    assert spot(counted, 'a.d["z"]') == ("main.tf", 11, "for_each")
    assert spot(counted, "a.d") == ("main.tf", 11, "for_each")
    assert spot(counted, 'a.d["y"]') == ("main.tf", 10, "")


def test_what_is_not_in_the_code_any_more(tmp_path: Path) -> None:
    code = 'resource "aws_lb" "a" {}\nresource "aws_db_instance" "orders" {\n}\nresource "aws_db_instance" "carts" {\n}\n'
    code += 'moved {\n  from = aws_lb.old\n  to = aws_lb.a\n}\nremoved {\n  from = module.old\n}\nmodule "shop" {\n  source = "x/y/z"\n}\n'
    source = Source.open(write(tmp_path, {"main.tf": code}))
    assert spot(source, "aws_db_instance.cart") == ("main.tf", 5, NEAREST)
    assert spot(source, "aws_rds_cluster.orders", "engine") == ("main.tf", 3, NEAREST)
    assert spot(source, "aws_lb.old") == ("main.tf", 6, "moved block")
    assert spot(source, "module.old.aws_lb.x") == ("main.tf", 10, "removed block")
    assert spot(source, "module.shops.aws_lb.x") == ("main.tf", 15, NEAREST)


def test_a_module_whose_code_is_elsewhere(tmp_path: Path) -> None:
    code = 'module "db" {\n  source   = "terraform-aws-modules/rds/aws"\n  multi_az = var.az\n}\nvariable "az" {\n  default = false\n}\n'
    source = Source.open(write(tmp_path, {"main.tf": code}))
    assert spot(source, "module.db.module.db_instance.aws_db_instance.this[0]", "multi_az") == ("main.tf", 6, "default of var.az")
    assert [r.note for r in source.locate_all("module.db.aws_db_instance.this", "multi_az")] == [
        "default of var.az",
        "argument of module.db",
        CALL,
    ]
    assert spot(source, "module.db.aws_db_instance.this", "port") == ("main.tf", 1, CALL)
    assert source.locate("module.db.aws_db_instance.this", "") == SourceRange("main.tf", 1, 4, 1, 2, CALL)


def test_a_downloaded_module_leads_back_to_the_repository(tmp_path: Path) -> None:
    modules = {
        "Modules": [{"Key": "", "Dir": "."}, {"Key": "db", "Dir": ".terraform/modules/db"}, {"Key": 1}, {"Key": "x", "Dir": "../../../etc"}]
    }
    files = {
        "main.tf": 'module "db" {\n  source  = "rds/aws"\n  highly  = true\n}\nmodule "x" {\n  source = "a/b"\n}\n',
        ".terraform/modules/modules.json": json.dumps(modules),
        ".terraform/modules/db/main.tf": 'variable "highly" {}\nresource "aws_db_instance" "this" {\n  multi_az = var.highly\n  port = 1\n}\n',
    }
    source = Source.open(write(tmp_path, files))
    assert spot(source, "module.db.aws_db_instance.this", "multi_az") == ("main.tf", 3, "argument of module.db")
    assert spot(source, "module.db.aws_db_instance.this", "port") == ("main.tf", 1, CALL)
    assert spot(source, "module.db.aws_db_instance.this") == ("main.tf", 1, CALL)
    assert spot(source, "module.db.aws_db_instance.gone") == ("main.tf", 1, CALL)
    assert spot(source, "module.x.a.b") == ("main.tf", 5, CALL)


def test_overrides_win(tmp_path: Path) -> None:
    files = {
        "z.tf": 'resource "a" "b" {\n  n = 1\n  m = 1\n}\n',
        "override.tf": 'resource "a" "b" {\n  n = 2\n}\n',
        "a_override.tf": 'resource "a" "b" {\n\n  m = 2\n}\n',
    }
    source = Source.open(write(tmp_path, files))
    assert spot(source, "a.b") == ("z.tf", 1, "")
    assert spot(source, "a.b", "n") == ("override.tf", 2, "")
    assert spot(source, "a.b", "m") == ("a_override.tf", 3, "")


JSON = """{
  "//": "made by a program",
  "resource": {
    "aws_lb": {
      "a": {
        "name": "x",
        "access_logs": [
          {
            "enabled": true
          }
        ],
        "idle": "${var.idle}",
        "az": "${var.on ? 2 : 1}",
        "dynamic": {"rule": {"for_each": [], "content": {"port": 1}}}
      }
    }
  },
  "variable": {
    "idle": {
      "default": 60
    },
    "on": {
      "default": true
    }
  },
  "locals": [{"a": "${aws_lb.a.arn}"}, {"b": ["${local.a}-x", 1]}],
  "module": {
    "m": {
      "source": "./m"
    }
  }
}
"""


@pytest.mark.parametrize("text", [JSON, JSON.replace("\n", "\r\n"), "\ufeff" + JSON])
def test_json_syntax(tmp_path: Path, text: str) -> None:
    source = Source.open(write(tmp_path, {"main.tf.json": text, "m/x.tf": 'resource "a" "b" {}\n'}))
    assert spot(source, "aws_lb.a") == ("main.tf.json", 5, "")
    assert source.locate("aws_lb.a", "name") == SourceRange("main.tf.json", 6, 6, 9, 20)
    assert spot(source, "aws_lb.a", "access_logs.enabled")[1] == 9
    assert spot(source, "aws_lb.a", "idle") == ("main.tf.json", 20, "default of var.idle")
    assert spot(source, "aws_lb.a", "az") == ("main.tf.json", 23, "default of var.on")
    assert spot(source, "aws_lb.a", "rule.port")[1] == 14
    assert spot(source, "module.m.a.b") == ("m/x.tf", 1, "")
    assert local_values(source, [""]) == {"": {"a": ("aws_lb.a.arn",), "b": ("local.a",)}}


@pytest.mark.parametrize(
    "broken",
    ["", "{", '{"resource": {"a": {"b": {"x": 1', "[1, 2", '{"resource": [[[', "nonsense", '{"a" "b"}', '{"resource": {"a": 3}}', "}" * 9],
)
def test_broken_json_is_what_came_before_the_break(tmp_path: Path, broken: str) -> None:
    source = Source.open(write(tmp_path, {"main.tf.json": broken, "b.tf": 'resource "a" "z" {}\n'}))
    assert spot(source, "a.z") == ("b.tf", 1, "")
    source.locate("a.b", "x")


@pytest.mark.parametrize("change", [lambda t: t, lambda t: t.replace("\n", "\r\n"), lambda t: "\ufeff" + t])
def test_line_ends_and_marks_move_nothing(tmp_path: Path, change: Any) -> None:
    source = Source.open(write(tmp_path, {"main.tf": change(MAIN)}))
    assert source.locate("aws_db_instance.main", "multi_az") == SourceRange("main.tf", 2, 2, 3, 18)
    assert source.locate("aws_db_instance.main", "") == SourceRange("main.tf", 1, 20, 1, 2)


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    write(tmp_path, {"main.tf": 'resource "a" "b" {}\n', "big.tf": " " * 4_000_001})
    (tmp_path / "loop.tf").symlink_to(tmp_path / "loop.tf")
    (tmp_path / "gone.tf").symlink_to(tmp_path / "nowhere")
    (tmp_path / "dir.tf").mkdir()
    os.mkfifo(tmp_path / "pipe.tf")
    source = Source.open(tmp_path)
    source.expect(["a.b", "module.x.a.b", "no address"])
    assert {(d.code, d.file) for d in source.diagnostics} == {
        ("source-too-large", "big.tf"),
        ("source-unreadable", "gone.tf"),
        ("source-unreadable", "loop.tf"),
    }
    assert spot(source, "a.b") == ("main.tf", 1, "")
    assert Source.open(tmp_path / "nowhere").locate("a.b", "") is None


def test_nothing_outside_of_the_repository_is_followed(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "secret/main.tf": 'resource "a" "b" {}\n',
            "repo/main.tf": 'module "m" {\n  source = "../secret"\n}\nmodule "l" {\n  source = "./l"\n}\n',
        },
    )
    (tmp_path / "repo" / "l").symlink_to(tmp_path / "secret")
    (tmp_path / "repo" / "f.tf").symlink_to(tmp_path / "secret" / "main.tf")
    source = Source.open(tmp_path / "repo")
    assert spot(source, "module.m.a.b") == ("main.tf", 1, CALL)
    assert spot(source, "module.l.a.b") == ("main.tf", 4, CALL)
    assert spot(source, "a.b")[2] == NEAREST
    wider = Source.open(tmp_path / "repo", tmp_path)
    assert spot(wider, "module.m.a.b") == ("secret/main.tf", 1, "")


def test_names_are_relative_to_the_working_copy(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            ".git/HEAD": "",
            "envs/prod/main.tf": 'module "m" {\n  source = "../../modules/m"\n}\n',
            "modules/m/x.tf": 'resource "a" "b" {}\n',
        },
    )
    source = open_source(tmp_path / "envs" / "prod", plan_of("module.m.a.b"))
    assert spot(source, "module.m.a.b") == ("modules/m/x.tf", 1, "")
    (tmp_path / "link").symlink_to(tmp_path / "envs" / "prod")
    assert spot(open_source(tmp_path / "link", plan_of("module.m.a.b")), "module.m.a.b") == ("modules/m/x.tf", 1, "")


def test_a_module_that_calls_itself_ends(tmp_path: Path) -> None:
    source = Source.open(
        write(tmp_path, {"main.tf": 'module "m" {\n  source = "./"\n  n = var.n\n}\nvariable "n" {}\nresource "a" "b" {\n  n = var.n\n}\n'})
    )
    assert spot(source, "module.m." * 60 + "a.b", "n")[0] == "main.tf"


def plan_of(*addresses: str, path: str = "plan.json", configuration: Mapping[str, Any] = MappingProxyType({})) -> Plan:
    rows = tuple(resource(address) for address in addresses)
    return Plan(path, "1.2", "1.9", rows, configuration=(configuration,) if configuration else ())


def resource(address: str, action: Action = Action.NO_OP) -> Resource:
    state = None if action is Action.CREATE else {}
    return Resource(address, "", False, "a", "b", None, "a", "a", action, state, {})


ROOT = {"root_module": {"resources": [{"mode": "managed", "type": "a", "name": "b"}], "module_calls": {"m": {}}}}


def test_the_folder_of_the_plan_is_found(tmp_path: Path) -> None:
    code = 'resource "a" "b" {}\nmodule "m" {}\n'
    write(tmp_path, {"README.md": "", "other/main.tf": 'resource "x" "y" {}\n', "envs/prod/main.tf": code})
    source = open_source(tmp_path, plan_of("a.b", configuration=ROOT))
    assert spot(source, "a.b") == ("envs/prod/main.tf", 1, "")
    write(tmp_path, {"envs/staging/main.tf": code})
    unclear = open_source(tmp_path, plan_of("a.b", configuration=ROOT))
    assert unclear.locate("a.b", "") is None
    assert [d.code for d in unclear.diagnostics] == ["source-unclear"]
    beside = plan_of("a.b", path=str(tmp_path / "envs" / "staging" / "plan.json"), configuration=ROOT)
    assert spot(open_source(tmp_path, beside), "a.b") == ("envs/staging/main.tf", 1, "")
    assert spot(open_source(tmp_path / "envs" / "prod", plan_of("a.b", configuration=ROOT)), "a.b") == ("main.tf", 1, "")


def test_what_a_count_decided() -> None:
    plan = Plan("p", "1.2", "1.9", (resource('module.x["a"].a.b[0]'), resource("a.new[0]", Action.CREATE)))
    changes = [
        AttributeChange('module.x["a"].a.b[1]', "", None, None, Action.CREATE),
        AttributeChange('module.x["b"].a.b[0]', "", None, None, Action.CREATE),
        AttributeChange("a.new[0]", "", None, None, Action.CREATE),
        AttributeChange("a.old", "", None, None, Action.DELETE),
        AttributeChange("a.c", "zones", "x", None),
        AttributeChange("a.c", "later", "x", None, unknown_after=True),
        AttributeChange("a.c", "n", 1, 2),
    ]
    assert counted_changes(plan, changes) == {('module.x["a"].a.b[1]', ""), ('module.x["b"].a.b[0]', ""), ("a.old", ""), ("a.c", "zones")}


def test_locals_of_the_modules_that_use_them(tmp_path: Path) -> None:
    files = {
        "main.tf": 'module "m" {\n  source = "./m"\n}\nlocals {\n  ids = [for s in aws_subnet.a[*].id : s]\n  n = 1\n}\nlocals { lb = aws_lb.x.arn }\n',
        "m/main.tf": "locals {\n  v = var.ids\n}\n",
    }
    source = Source.open(write(tmp_path, files))
    uses = {"expressions": {"x": {"references": ["local.v", "each.key"]}}}
    configuration = {
        "root_module": {
            "module_calls": {"m": {"module": {"resources": [uses]}}},
            "resources": [{"expressions": {"x": {"references": ["a.b"]}}}],
        }
    }
    assert modules_with_locals(plan_of(configuration=configuration)) == ("module.m",)
    assert local_values(source, ["", "module.m", "module.none"]) == {
        "": {"ids": ("aws_subnet.a",), "n": (), "lb": ("aws_lb.x.arn",)},
        "module.m": {"v": ("var.ids",)},
    }


@given(st.text(st.sampled_from('ab{}"=\n$[].,:var resource\\<E#/')), st.text(st.sampled_from('{}[]",:ab1\\$\n')))
def test_no_text_makes_it_fail(tmp_path_factory: pytest.TempPathFactory, code: str, data: str) -> None:
    folder = tmp_path_factory.mktemp("any")
    text = f'resource "a" "b" {{\n  x = var.y\n{code}\n}}\nvariable "y" {{\n default = {code}\n}}\n'
    source = Source.open(write(folder, {"main.tf": text, "x.tf.json": data, "terraform.tfvars": code, "terraform.tfvars.json": data}))
    for address in ("a.b", "a.b[3]", 'a.b["k"]', "a.gone", "module.m.a.b"):
        for attribute in ("", "x", "x.k", "a", "b.a"):
            for found in source.locate_all(address, attribute):
                assert 1 <= found.line <= found.end_line and found.file
    local_values(source, ["", "module.m"])
