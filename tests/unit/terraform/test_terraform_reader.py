from __future__ import annotations

import json
from pathlib import Path

import pytest
from terraform_plans import as_bytes, change, document, plan_of, refs, resource, same

from faultray_action.model.address import Address
from faultray_action.model.change import Action
from faultray_action.model.errors import InputError
from faultray_action.model.value import UNKNOWN
from faultray_action.terraform import reader
from faultray_action.terraform.plan import Resource, Side
from faultray_action.terraform.reader import decode, read

PLAN = document([same("aws_vpc.main", {"id": "vpc-0123456789abcdef0"})], [resource("aws_vpc.main")])


def only(tree: dict[str, object]) -> Resource:
    plan = plan_of(tree)
    assert len(plan.resources) == 1
    return plan.resources[0]


def sentence(data: bytes) -> str:
    with pytest.raises(InputError) as caught:
        decode(data, "plan.json")
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("plan.json ")
    assert message.endswith(".")
    return message


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b" \r\n\t", "empty"),
        (b"PK\x03\x04binary", "terraform show -json plan.out > plan.json"),
        (b"\x1f\x8b\x08zip", "gzip"),
        (as_bytes(PLAN)[:-40], "cut off"),
        (b"hello", "not JSON"),
        (b"Terraform will perform the following actions:\n", "not JSON"),
        (b"[1, 2]", "not JSON"),
        (b'{"a": 1,}', "not valid JSON"),
        (b'{"a": 1}{"b": 2}', "not valid JSON"),
        (b'{"hello": "world"}', "no Terraform plan"),
        (b'{"version": 4, "serial": 3, "lineage": "x", "resources": []}', "tf-import"),
        (b'{"version": 3, "modules": []}', "tf-import"),
        (b'{"format_version": "1.0", "values": {"root_module": {}}}', "tf-import"),
        (as_bytes({**PLAN, "errored": True}), "errored"),
        (as_bytes({**PLAN, "format_version": "2.0"}), "newer than 1.x"),
        (as_bytes({**PLAN, "format_version": "one"}), "no version"),
        (b'{"@level":"info","@message":"Terraform 1.5"}\n{"@level":"info"}\n', "terraform plan -json"),
        (b'{"planned_values": ' + b"[" * 100_000, "nested deeper"),
        (b'{"resource_changes": "none"}', "not what Terraform writes"),
        (as_bytes(PLAN).replace(b"vpc-0123", b"vpc-\xff\xfe23"), "not valid"),
        (b"\xff\xfe\x00\xd8\x00", "UTF-16"),
    ],
)
def test_refuses_with_one_sentence_and_the_next_step(data: bytes, said: str) -> None:
    assert said in sentence(data)


def test_refuses_values_nested_deeper_than_any_provider() -> None:
    bomb: object = "x"
    for _ in range(300):
        bomb = {"a": bomb}
    assert "nested deeper" in sentence(as_bytes(document([same("aws_vpc.main", {"id": bomb})])))


def test_refusals_never_quote_a_value() -> None:
    broken = document([same("aws_db_instance.main", {"password": "hunter2-secret"})])
    broken["resource_changes"][0]["change"]["actions"] = "hunter2-secret"
    assert "hunter2" not in sentence(as_bytes(broken))


def test_files_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read([tmp_path / "missing.json"])
    with pytest.raises(InputError, match="is a directory"):
        read([tmp_path])
    with pytest.raises(InputError, match="No plan was given"):
        read([])
    with pytest.raises(InputError, match="Nothing was piped in"):
        read([Path("-")])
    big = tmp_path / "big.json"
    big.write_bytes(as_bytes(PLAN))
    monkeypatch.setattr(reader, "MAX_BYTES", 10)
    with pytest.raises(InputError, match="more than the limit"):
        read([big])
    with pytest.raises(InputError, match="more than the limit"):
        read([Path("-")], stdin=as_bytes(PLAN))


def test_reads_standard_input() -> None:
    assert [row.address for row in read([Path("-")], stdin=as_bytes(PLAN)).resources] == ["aws_vpc.main"]


@pytest.mark.parametrize("version", ["0.1", "0.2", "1.0", "1.1", "1.2", "1.9"])
def test_reads_every_format_version(version: str) -> None:
    plan = plan_of({**PLAN, "format_version": version})
    assert plan.format_version == version
    assert [d.code for d in plan.diagnostics] == (["plan-format-newer"] if version == "1.9" else [])


def test_tolerates_an_absent_version() -> None:
    tree = {key: value for key, value in PLAN.items() if key != "format_version"}
    assert plan_of(tree).format_version == ""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_reads_what_shells_write(encoding: str) -> None:
    text = json.dumps(document([same("aws_vpc.main", {"id": "vpc-ü"})]), ensure_ascii=False)
    assert decode(text.encode(encoding), "plan.json").resources[0].after == {"id": "vpc-ü"}


def test_finds_the_plan_inside_the_output_of_a_wrapper() -> None:
    text = json.dumps(PLAN)
    wrapped = f"[command]/opt/terraform-bin show -json tfplan\n{text}\n\n::debug::Terraform exited with code 0.\n::debug::stdout: {text}\n"
    assert [row.address for row in decode(wrapped.encode(), "plan.json").resources] == ["aws_vpc.main"]
    assert [row.address for row in decode(f"  \n{text}\nReleasing state lock.\n".encode(), "plan.json").resources] == ["aws_vpc.main"]


@pytest.mark.parametrize(
    ("actions", "action"),
    [
        (["no-op"], Action.NO_OP),
        (["create"], Action.CREATE),
        (["update"], Action.UPDATE),
        (["delete"], Action.DELETE),
        (["delete", "create"], Action.DESTROY_FIRST),
        (["create", "delete"], Action.CREATE_FIRST),
        (["forget"], Action.FORGET),
        (["something", "new"], Action.UPDATE),
    ],
)
def test_actions(actions: list[str], action: Action) -> None:
    assert only(document([change("aws_vpc.main", {"id": "a"}, {"id": "b"}, actions=actions)])).action is action


def test_a_forgotten_resource_still_stands_after() -> None:
    row = only(document([change("aws_vpc.main", {"id": "a"}, None, actions=["forget"])]))
    assert row.after == {"id": "a"}


def test_unknown_is_neither_null_nor_false() -> None:
    row = only(
        document(
            [
                change(
                    "aws_lb.main",
                    None,
                    {"name": "x", "subnets": ["subnet-1"], "listener": [{"port": 80}]},
                    unknown={"id": True, "subnets": [False, True], "listener": [{"arn": True, "port": False}], "logs": True, "tags": {}},
                )
            ]
        )
    )
    assert row.before is None
    assert row.after == {
        "name": "x",
        "subnets": ["subnet-1", UNKNOWN],
        "listener": [{"port": 80, "arn": UNKNOWN}],
        "id": UNKNOWN,
        "logs": UNKNOWN,
    }


def test_one_tree_where_nothing_changes() -> None:
    row = only(PLAN)
    assert row.before is row.after
    assert row.values(Side.BEFORE) is row.values(Side.AFTER)


def test_counts_and_facts_of_a_change() -> None:
    tree = document(
        [
            change("aws_a.x", {"id": "1"}, {"id": "2"}, actions=["delete", "create"], replace_paths=[]),
            change("aws_b.x", {"id": "1"}, {"id": "1"}, actions=["no-op"], previous_address="aws_b.old"),
            change("aws_c.x", {"id": "1"}, None, deposed="12ab", actions=["delete"]),
            change("aws_d.x", {"id": "1"}, {"id": "1"}, action_reason="delete_because_no_resource_config"),
        ]
    )
    tree["resource_changes"][0]["change"]["replace_paths"] = [["engine"], ["block", 0, "name"]]
    tree["resource_changes"][3]["change"]["importing"] = {"id": "1"}
    plan = plan_of(tree)
    first, second, third, fourth = plan.resources
    assert first.replace_paths == ("block.name", "engine")
    assert second.previous_address == "aws_b.old"
    assert third.deposed == "12ab"
    assert fourth.importing
    assert fourth.action_reason == "delete_because_no_resource_config"
    assert dict(plan.counts) == {"create": 0, "update": 0, "delete": 0, "replace": 1, "no-op": 2}


def state(*rows: dict[str, object], child: dict[str, object] | None = None) -> dict[str, object]:
    module: dict[str, object] = {"resources": list(rows)}
    if child:
        module["child_modules"] = [child]
    return {"values": {"root_module": module}}


def test_data_sources_come_from_the_prior_state() -> None:
    row = {
        "address": "data.aws_vpc.main",
        "mode": "data",
        "type": "aws_vpc",
        "name": "main",
        "provider_name": "aws",
        "values": {"id": "vpc-1"},
    }
    plan = plan_of(
        document([change("data.aws_ami.x", None, {"name": "a"}, unknown={"id": True}, actions=["read"])], prior_state=state(row))
    )
    deferred, known = plan.resources
    assert deferred.action is Action.READ
    assert deferred.before is deferred.after
    assert known.data
    assert known.before is known.after
    assert known.after == {"id": "vpc-1"}
    assert plan.complete


def test_what_only_the_state_knows_stands_on_both_sides_and_is_said() -> None:
    row = {
        "address": "aws_vpc.main",
        "mode": "managed",
        "type": "aws_vpc",
        "name": "main",
        "provider_name": AWS_OLD,
        "values": {"id": "vpc-1"},
    }
    plan = plan_of(document([same("aws_eip.x", {"id": "eip-1"})], prior_state=state(row)))
    assert [(r.address, r.action) for r in plan.resources] == [("aws_eip.x", Action.NO_OP), ("aws_vpc.main", Action.NO_OP)]
    assert not plan.complete
    assert [d.code for d in plan.diagnostics] == ["plan-partial"]
    refresh_only = plan_of(document([], prior_state=state(row)))
    assert refresh_only.complete
    assert refresh_only.diagnostics == ()


AWS_OLD = "aws"


def test_states_of_terraform_0_12_leave_out_module_and_index() -> None:
    row = {"address": "aws_subnet.a", "mode": "managed", "type": "aws_subnet", "name": "a", "index": 1, "values": {"id": "subnet-1"}}
    tree = document(
        [same("module.net|aws_subnet.a[1]", {"id": "subnet-1"})], prior_state=state(child={"address": "module.net", "resources": [row]})
    )
    assert [r.address for r in plan_of(tree).resources] == ["module.net.aws_subnet.a[1]"]


def test_a_moved_resource_is_not_taken_twice() -> None:
    row = {"address": "aws_vpc.old", "mode": "managed", "type": "aws_vpc", "name": "old", "values": {"id": "vpc-1"}}
    tree = document([same("aws_vpc.new", {"id": "vpc-1"}, previous_address="aws_vpc.old")], prior_state=state(row))
    assert [r.address for r in plan_of(tree).resources] == ["aws_vpc.new"]


def test_partial_and_deferred_plans_are_said() -> None:
    plan = plan_of({**PLAN, "complete": False, "deferred_changes": [{}]})
    assert not plan.complete
    assert plan.deferred == 1
    assert [d.code for d in plan.diagnostics] == ["plan-partial", "plan-deferred"]


def test_drift_keeps_what_was_recorded() -> None:
    plan = plan_of({**PLAN, "resource_drift": [change("aws_vpc.main", {"id": "v", "x": 1}, {"id": "v", "x": 2})]})
    assert [(r.address, r.before, r.after) for r in plan.drift] == [("aws_vpc.main", {"id": "v", "x": 1}, {"id": "v", "x": 2})]


def test_planned_values_alone_are_creations() -> None:
    row = {"address": "aws_vpc.main", "mode": "managed", "type": "aws_vpc", "name": "main", "values": {"cidr_block": "10.0.0.0/16"}}
    resources = plan_of({"planned_values": {"root_module": {"resources": [row]}}}).resources
    assert [(r.action, r.before, r.after) for r in resources] == [(Action.CREATE, None, {"cidr_block": "10.0.0.0/16"})]


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("registry.terraform.io/hashicorp/aws", "aws"),
        ("registry.opentofu.org/hashicorp/aws", "aws"),
        ("terraform.io/builtin/terraform", "terraform"),
        ("aws", "aws"),
        ("aws.primary", "aws"),
        ('provider["registry.terraform.io/hashicorp/aws"].west', "aws"),
        ("module.a.provider.google.x", "google"),
        (None, "azurerm"),
    ],
)
def test_short_provider_names(name: str | None, short: str) -> None:
    assert only(document([{**same("azurerm_subnet.x", {}), "provider_name": name}])).provider == short


def test_regions_of_provider_configurations() -> None:
    tree = document(
        [
            same("aws_a.constant", {}),
            same("aws_a.west", {}),
            same("module.child|aws_a.inherited", {}),
            same("module.child|aws_a.own", {}),
            same("aws_a.zone", {"availability_zone": "sa-east-1b"}),
            same("aws_a.arn", {"arn": "arn:aws:sqs:ap-south-1:123456789012:x"}),
            same("aws_a.told", {"arn": "arn:aws:sqs:ap-south-1:123456789012:x"}),
            same("aws_a.chosen", {"region": "ap-south-1"}),
            same("azurerm_a.location", {"location": "West Europe"}),
            same("google_a.zonal", {"zone": "europe-west1-b"}),
        ],
        [
            resource("aws_a.constant"),
            resource("aws_a.west", provider_config_key="aws.west"),
            *(resource(f"aws_a.{name}", provider_config_key="aws.elsewhere") for name in ("zone", "arn")),
            resource("aws_a.told"),
            resource("aws_a.chosen", {"region": {"constant_value": "ap-south-1"}}),
        ],
        {
            "child": {
                "expressions": {"where": refs("var.region")},
                "module": {
                    "resources": [
                        resource("aws_a.inherited", provider_config_key="child:aws.west"),
                        resource("aws_a.own", provider_config_key="module.child:aws"),
                    ]
                },
            }
        },
        variables={"region": {"value": "us-west-2"}, "password": {"value": "hunter2"}},
    )
    tree["configuration"]["provider_config"] = {
        "aws": {"expressions": {"region": {"constant_value": "eu-west-1"}}},
        "aws.west": {"alias": "west", "expressions": {"region": refs("var.region")}},
        "aws.elsewhere": {"alias": "elsewhere", "expressions": {"region": refs("data.aws_region.current")}},
        "module.child:aws": {"module_address": "module.child", "expressions": {"region": refs("var.where")}},
    }
    plan = plan_of(tree)
    regions = {row.name: (row.provider_config, row.region) for row in plan.resources}
    assert regions == {
        "constant": ("aws", "eu-west-1"),
        "west": ("aws.west", "us-west-2"),
        "inherited": ("module.child:aws.west", "us-west-2"),
        "own": ("module.child:aws", "us-west-2"),
        "zone": ("aws.elsewhere", "sa-east-1"),
        "arn": ("aws.elsewhere", "ap-south-1"),
        "told": ("aws", "eu-west-1"),
        "chosen": ("aws", "ap-south-1"),
        "location": ("aws", "westeurope"),
        "zonal": ("aws", "europe-west1"),
    }
    assert "hunter2" not in repr(plan)


def test_a_region_that_most_resources_show_is_taken_for_the_others() -> None:
    plan = plan_of(document([same("aws_a.x", {"arn": "arn:aws:sqs:eu-west-1:123456789012:x"}), same("aws_iam_role.y", {"name": "y"})]))
    assert {row.region for row in plan.resources} == {"eu-west-1"}


def test_a_module_that_goes_stood_where_its_own_resources_show() -> None:
    there = "arn:aws:ecs:us-east-1:123456789012:service/x"
    rows = [
        same("aws_vpc.main", {"id": "vpc-1"}),
        change("module.east|aws_ecs_service.x", {"id": there}, None),
        change("module.east|aws_route.y", {"id": "r-1"}, None),
        change("module.gone|aws_route.z", {"id": "r-2"}, None),
    ]
    provider = {"aws": {"expressions": {"region": {"constant_value": "eu-west-1"}}}}
    tree = document(rows, [resource("aws_vpc.main")])
    tree["configuration"]["provider_config"] = provider
    assert {row.name: row.region for row in plan_of(tree).resources} == {
        "main": "eu-west-1",
        "x": "us-east-1",
        "y": "us-east-1",
        "z": "eu-west-1",
    }


def test_several_plans_become_one(tmp_path: Path) -> None:
    for folder, extra in (("prod", "aws_eip.x"), ("stage", "aws_eip.y")):
        (tmp_path / folder).mkdir()
        tree = document([same("aws_vpc.main", {"id": folder}), same(extra, {"id": extra})])
        (tmp_path / folder / "plan.json").write_bytes(as_bytes(tree))
    plan = read([tmp_path / "prod" / "plan.json", tmp_path / "stage" / "plan.json"])
    assert [(row.address, row.plan) for row in plan.resources] == [
        ("aws_eip.x", 0),
        ("aws_eip.y", 1),
        ("prod/plan:aws_vpc.main", 0),
        ("stage/plan:aws_vpc.main", 1),
    ]
    assert plan.counts["no-op"] == 4
    for row in plan.resources:
        assert str(Address.parse(row.address)) == row.address
    assert Address.parse("prod/plan:module.a[0].aws_vpc.main").module_address == "module.a[0]"
    assert len(plan.configuration) == 2
