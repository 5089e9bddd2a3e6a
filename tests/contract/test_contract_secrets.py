"""A plan is full of secrets. Each field of the plan's schema holds one of its own here; no artifact holds any of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import pytest
from action_job import Job
from fake_github.server import FakeGitHub
from plan_makers import PROVIDER, Values, as_bytes, plan, stack

from faultray_action import cli
from faultray_action.commands.tf_check import FORMATS

NUMBER = re.compile(r"sEcReT[0-9]{4}xYz")


class Vault:
    """Makes secrets, each once, and knows what field each stands for."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}

    def plant(self, field: str) -> str:
        secret = f"sEcReT{len(self.fields):04d}xYz"
        self.fields[secret] = field
        return secret

    def found_in(self, text: str) -> list[str]:
        """Fields whose secret is in a text, in whatever escape it is written there."""
        return sorted({self.fields.get(hit, hit) for hit in NUMBER.findall(text)})


FREE_TEXT = ("user_data", "user_data_base64", "password", "master_password", "connection_string", "value", "secret_string", "auth_token")
NESTED = {
    "aws_ecs_task_definition.api": ("container_definitions",),
    "aws_db_instance.main": ("username", "password", "character_set_name", "final_snapshot_identifier", "kms_key_id", "domain"),
    "aws_lb.web": ("dns_name", "zone_id"),
    "aws_elasticache_replication_group.cache": ("auth_token", "description"),
}


def secretive(vault: Vault) -> Values:
    """A regression on a shop, with a secret wherever the plan's schema has room for a value."""
    before = stack()
    before.setdefault(
        "aws_elasticache_replication_group.cache", {"id": "cache", "num_cache_clusters": 2, "automatic_failover_enabled": True}
    )
    for side in (before,):
        for address, values in side.items():
            kind = address.partition(".")[0]
            values["tags"] = {"Name": vault.plant(f"{address} tag"), vault.plant(f"{address} tag key"): "x"}
            values["tags_all"] = {"Owner": vault.plant(f"{address} tags_all")}
            for name in (*FREE_TEXT, *NESTED.get(address, ())):
                if name != "container_definitions":
                    values[name] = vault.plant(f"{address} {name}")
            values["unheard_of"] = [{"deep": [{"deeper": vault.plant(f"{kind} nested")}]}]
    environment = [{"name": vault.plant("variable name"), "value": vault.plant("container environment")}]
    container = {
        "name": "api",
        "image": f"registry/{vault.plant('image')}:1",
        "environment": [*environment, {"name": "DB", "value": "main.abc.eu-west-1.rds.amazonaws.com"}],
        "secrets": [{"name": "X", "valueFrom": vault.plant("valueFrom")}],
        "command": [vault.plant("command")],
    }
    before["aws_ecs_task_definition.api"]["container_definitions"] = json.dumps([container])
    after = deepcopy(before)
    after["aws_db_instance.main"].update(multi_az=False, password=vault.plant("new password"), tags={"Name": vault.plant("new tag")})
    after["aws_ecs_service.api"].update(desired_count=1, user_data=vault.plant("new user data"))
    changed = [{**container, "environment": [*container["environment"], {"name": "NEW", "value": vault.plant("new environment")}]}]
    after["aws_ecs_task_definition.api"]["container_definitions"] = json.dumps(changed)
    tree = plan(before, after)
    for row in tree["resource_changes"]:
        row["change"]["before_sensitive"] = {"password": True, vault.plant("sensitive key"): True}
        row["change"]["after_sensitive"] = {"password": True}
        row["change"]["generated_config"] = vault.plant("generated_config")
        row["action_reason"] = vault.plant("action_reason")
        row["deposed"] = None
    return around(tree, vault)


def around(tree: Values, vault: Vault) -> Values:
    """Everything that stands beside the resource changes."""
    configuration = tree["configuration"]
    configuration["provider_config"]["aws"]["expressions"] |= {
        "access_key": {"constant_value": vault.plant("provider access_key")},
        "assume_role": [{"role_arn": {"constant_value": vault.plant("assume_role")}}],
    }
    root = configuration["root_module"]
    root["variables"] = {"db_password": {"default": vault.plant("variable default"), "description": vault.plant("variable description")}}
    root["outputs"] = {"url": {"expression": {"constant_value": vault.plant("output constant")}, "description": vault.plant("output text")}}
    for resource in root["resources"]:
        for name in FREE_TEXT:
            resource["expressions"][name] = {"constant_value": vault.plant("configuration constant")}
        resource["provisioners"] = [
            {"type": "remote-exec", "expressions": {"inline": {"constant_value": [vault.plant("provisioner")]}}},
        ]
        resource["count_expression"] = {"constant_value": 1}
    module = {
        "resources": [
            {"address": "m.x", "mode": "managed", "type": "m", "name": "x", "expressions": {"a": {"constant_value": vault.plant("m")}}}
        ]
    }
    root["module_calls"] = {
        "inner": {
            "source": f"git::https://user:{vault.plant('module source')}@example.test/m",
            "module": module,
            "expressions": {"password": {"constant_value": vault.plant("module argument")}},
        }
    }
    values = {"id": "x", "password": vault.plant("prior state"), "tags": {"a": vault.plant("prior tag")}}
    state_row = {
        "address": "aws_db_instance.main",
        "mode": "managed",
        "type": "aws_db_instance",
        "name": "main",
        "provider_name": PROVIDER,
        "values": values,
        "sensitive_values": {vault.plant("sensitive_values"): True},
    }
    drift = deepcopy(next(row for row in tree["resource_changes"] if row["address"] == "aws_db_instance.main"))
    drift["change"] |= {"actions": ["update"], "before": {**drift["change"]["before"], "password": vault.plant("drift"), "multi_az": True}}
    checks = {
        "address": {"kind": "check", "to_display": "check.health", "name": "health"},
        "status": "fail",
        "instances": [
            {"address": {"to_display": "check.health"}, "status": "fail", "problems": [{"message": vault.plant("check message")}]}
        ],
    }
    return tree | {
        "variables": {"db_password": {"value": vault.plant("variable")}, "nested": {"value": {"a": [vault.plant("nested variable")]}}},
        "planned_values": {
            "outputs": {"url": {"sensitive": True, "value": vault.plant("planned output")}},
            "root_module": {"resources": [{**state_row, "values": {"password": vault.plant("planned value")}}]},
        },
        "prior_state": {
            "format_version": "1.0",
            "terraform_version": "1.11.4",
            "values": {"outputs": {"o": {"value": vault.plant("state output")}}, "root_module": {"resources": [state_row]}},
        },
        "output_changes": {"url": {"actions": ["update"], "before": vault.plant("output before"), "after": vault.plant("output after")}},
        "resource_drift": [drift],
        "relevant_attributes": [{"resource": "aws_db_instance.main", "attribute": [vault.plant("relevant attribute")]}],
        "checks": [checks],
        "timestamp": vault.plant("timestamp"),
        "unheard_of": {"deep": vault.plant("unknown top-level field")},
        "deferred_changes": [],
    }


@pytest.fixture
def vault() -> Vault:
    return Vault()


@pytest.fixture
def folder(tmp_path: Path, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> Path:
    work = tmp_path / "workspace"
    (work / "infra").mkdir(parents=True)
    (work / "plan.json").write_bytes(as_bytes(secretive(vault)))
    code = f"""
variable "db_password" {{
  default = "{vault.plant("default in the code")}"
}}
resource "aws_db_instance" "main" {{
  multi_az = false
  password = "{vault.plant("password in the code")}" # {vault.plant("comment in the code")}
}}
"""
    (work / "infra" / "main.tf").write_text(code)
    monkeypatch.chdir(work)
    monkeypatch.setenv("FAULTRAY_TODAY", "2026-01-01")
    return work


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Everything that a command says, and the code it says it with."""
    code = cli.run(list(arguments))
    said = capsys.readouterr()
    return f"{code}\n{said.out}\n{said.err}"


def written(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in ("plan.json", "main.tf") and not path.name.startswith("broken"):
            yield path.name, path.read_text(encoding="utf-8", errors="replace")


def test_the_plan_is_full_of_them(folder: Path, vault: Vault) -> None:
    assert len(vault.fields) > 200
    assert len(set(NUMBER.findall((folder / "plan.json").read_text()))) > 200


@pytest.mark.parametrize("form", FORMATS)
def test_no_format_holds_one(folder: Path, vault: Vault, capsys: pytest.CaptureFixture[str], form: str) -> None:
    said = run(capsys, "tf-check", "plan.json", "--source", "infra", "--fail-on-regression", "--show-settings", "--format", form)
    assert said.startswith("1\n") and len(said) > 100
    assert vault.found_in(said) == []


def test_the_plan_is_really_judged(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = run(capsys, "tf-check", "plan.json", "--fail-on-regression")
    assert "aws_db_instance.main" in said and "multi_az" in said and "desired_count" in said


@pytest.mark.parametrize(
    "arguments",
    [
        ("tf-check", "plan.json", "--cascades", "cascades.json"),
        *(("graph", "plan.json", "--format", form) for form in ("mermaid", "dot", "json")),
        *(("explain", "plan.json", a) for a in ("aws_db_instance.main", "aws_ecs_task_definition.api", "aws_lb.web", "no.such")),
        ("simulate", "plan.json", "--html", "page.html"),
        ("availability", "plan.json"),
        ("agents", "plan.json"),
        ("replay", "copy:aws_db_instance.main#0", "plan.json"),
        ("replay", "nonsense", "plan.json"),
        ("tf-import", "plan.json"),
        ("load", "plan.json"),
    ],
    ids=lambda arguments: " ".join(arguments),
)
def test_no_command_says_one(folder: Path, vault: Vault, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    assert vault.found_in(run(capsys, *arguments)) == []
    for name, text in written(folder):
        assert vault.found_in(text) == [], name


def test_a_state_is_imported_without_them(folder: Path, vault: Vault, capsys: pytest.CaptureFixture[str]) -> None:
    tree = json.loads((folder / "plan.json").read_text())
    (folder / "plan.json").write_text(
        json.dumps({"format_version": "1.0", "terraform_version": "1.11.4", "values": tree["prior_state"]["values"]})
    )
    assert vault.found_in(run(capsys, "tf-import", "plan.json")) == []
    raw = {
        "version": 4,
        "terraform_version": "1.11.4",
        "serial": 1,
        "lineage": "x",
        "outputs": {},
        "resources": [
            {
                "mode": "managed",
                "type": "aws_db_instance",
                "name": "main",
                "provider": f'provider["{PROVIDER}"]',
                "instances": [{"attributes": tree["resource_changes"][0]["change"]["before"], "private": vault.plant("private")}],
            }
        ],
    }
    (folder / "plan.json").write_text(json.dumps(raw))
    assert vault.found_in(run(capsys, "tf-import", "plan.json")) == []


def test_no_error_message_quotes_a_broken_plan(folder: Path, vault: Vault, capsys: pytest.CaptureFixture[str]) -> None:
    whole = (folder / "plan.json").read_bytes()
    tree = json.loads(whole)
    broken = [whole[: len(whole) * part // 9] for part in range(1, 9)]
    broken += [whole.replace(b'"multi_az"', b"multi_az", 1), whole + b"}", whole.replace(b":", b"=", 3), b"sEcReT9999xYz", b"\xff" + whole]
    for key in sorted(tree):
        broken += [
            json.dumps({**tree, key: value}).encode() for value in ("sEcReT9999xYz", ["sEcReT9999xYz"], {"sEcReT9999xYz": 1}, 7, None)
        ]
    for row in tree["resource_changes"][:2]:
        for key in sorted(row):
            rest = [one for one in tree["resource_changes"] if one is not row]
            bad = [{**row, key: ["sEcReT9999xYz"]}, {**row, key: {"sEcReT9999xYz": "x"}}]
            broken += [json.dumps({**tree, "resource_changes": [one, *rest]}).encode() for one in bad]
        for key in sorted(row["change"]):
            changed = {**row, "change": {**row["change"], key: "sEcReT9999xYz"}}
            broken.append(json.dumps({**tree, "resource_changes": [changed]}).encode())
    for content in broken:
        (folder / "broken.json").write_bytes(content)
        said = run(capsys, "tf-check", "broken.json")
        named = {hit for hit in NUMBER.findall(said) if not is_name(content, hit)}
        assert named == set(), said[:400]
        assert "Traceback" not in said


def is_name(content: bytes, secret: str) -> bool:
    """Types, names and addresses are no secrets: where the broken field is one of them it may be shown."""
    return any(
        re.search(rb'"%s": ?"?\[?\{?"%s' % (field.encode(), secret.encode()), content)
        for field in ("address", "type", "name", "module_address")
    )


def test_nothing_that_the_action_leaves_holds_one(folder: Path, vault: Vault, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {f"{name}_file": f"out/{name}" for name in ("json", "sarif", "html", "markdown", "junit", "badge")}
    with FakeGitHub() as github:
        github.core.add_pull()
        job = Job(github, tmp_path)
        ran = job.run(source="infra", **files)
        assert ran.code == 1 and len(list((folder / "out").iterdir())) == 6
        left = [ran.log, ran.summary, json.dumps(ran.outputs), json.dumps(github.core.state()), capsys.readouterr().err]
        assert github.core.bodies() and github.core.annotations
    assert [vault.found_in(text) for text in left] == [[]] * len(left)
    for name, text in written(folder):
        assert vault.found_in(text) == [], name


def test_the_token_is_said_nowhere(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghs_TokenOfTheJob")
    said = run(capsys, "tf-check", "plan.json", "--show-settings", "--format", "json")
    with FakeGitHub() as github:
        github.core.add_pull()
        github.core.add_token("ghs_TokenOfTheJob", permissions={})
        ran = Job(github, tmp_path, token="ghs_TokenOfTheJob").run(source="infra", html_file="page.html")
    assert "ghs_TokenOfTheJob" not in said + ran.log + ran.summary + json.dumps(ran.outputs) + "".join(text for _, text in written(folder))
