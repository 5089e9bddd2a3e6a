from __future__ import annotations

import json

import pytest

from faultray_action.model.change import Action
from faultray_action.model.errors import InputError
from faultray_action.terraform.links import links
from faultray_action.terraform.plan import LinkKind, Side
from faultray_action.terraform.state import read_state, unflatten

V4 = {
    "version": 4,
    "terraform_version": "1.9.0",
    "serial": 1,
    "resources": [
        {
            "module": "module.net",
            "mode": "managed",
            "type": "aws_subnet",
            "name": "a",
            "provider": 'provider["registry.terraform.io/hashicorp/aws"].west',
            "instances": [{"index_key": n, "attributes": {"id": f"subnet-0123456{n}"}} for n in range(2)],
        },
        {
            "mode": "managed",
            "type": "aws_instance",
            "name": "x",
            "provider": "provider.aws",
            "instances": [
                {
                    "attributes": {"id": "i-01234567", "subnet_id": "subnet-01234561"},
                    "dependencies": ["module.net.aws_subnet.a", "aws_role.r"],
                },
                {"deposed": "ab12", "attributes": {"id": "i-00000001"}},
            ],
        },
        {"mode": "managed", "type": "aws_role", "name": "r", "instances": [{"attributes": {"id": "r"}}]},
        {"mode": "data", "type": "aws_ami", "name": "x", "instances": [{"attributes": {"id": "ami-01234567"}}]},
    ],
}

V3 = {
    "version": 3,
    "terraform_version": "0.11.14",
    "modules": [
        {
            "path": ["root", "net"],
            "resources": {
                "aws_subnet.a.0": {"type": "aws_subnet", "primary": {"id": "subnet-01234567", "attributes": {"id": "subnet-01234567"}}},
                "data.aws_ami.x": {"type": "aws_ami", "primary": {"id": "ami-1"}},
                "aws_instance.x": {
                    "type": "aws_instance",
                    "depends_on": ["aws_subnet.a"],
                    "primary": {"id": "i-1", "attributes": {"tags.%": "1", "tags.k": "v", "sg.#": "2", "sg.12": "sg-1", "sg.99": "sg-2"}},
                    "deposed": [{"id": "i-0"}],
                },
            },
        }
    ],
}

SHOWN = {
    "format_version": "1.0",
    "terraform_version": "1.5.0",
    "values": {
        "root_module": {
            "resources": [
                {"address": "aws_vpc.x", "mode": "managed", "type": "aws_vpc", "name": "x", "values": {"id": "vpc-01234567"}},
                {
                    "address": "aws_subnet.x",
                    "mode": "managed",
                    "type": "aws_subnet",
                    "name": "x",
                    "values": {"vpc_id": "vpc-01234567"},
                    "depends_on": ["aws_vpc.x"],
                },
            ]
        }
    },
}


def data(tree: object) -> bytes:
    return json.dumps(tree).encode()


def test_version_4() -> None:
    plan = read_state(data(V4), "x.tfstate")
    assert [(row.address, row.deposed, row.provider) for row in plan.resources] == [
        ("aws_instance.x", "", "aws"),
        ("aws_instance.x", "ab12", "aws"),
        ("aws_role.r", "", "aws"),
        ("data.aws_ami.x", "", "aws"),
        ("module.net.aws_subnet.a[0]", "", "aws"),
        ("module.net.aws_subnet.a[1]", "", "aws"),
    ]
    assert all(row.action is Action.NO_OP and row.before is row.after for row in plan.resources)
    assert {(link.source, link.path, link.target, link.kind) for link in links(plan, Side.AFTER).links} == {
        ("aws_instance.x", "subnet_id", "module.net.aws_subnet.a[1]", LinkKind.VALUE),
        ("aws_instance.x", "", "aws_role.r", LinkKind.STATE),
    }
    assert plan.counts == {"no-op": 4}


def test_version_3() -> None:
    plan = read_state(data(V3), "x.tfstate")
    assert [(row.address, bool(row.deposed)) for row in plan.resources] == [
        ("module.net.aws_instance.x", False),
        ("module.net.aws_instance.x", True),
        ("module.net.aws_subnet.a[0]", False),
        ("module.net.data.aws_ami.x", False),
    ]
    assert plan.resources[0].after == {"id": "i-1", "tags": {"k": "v"}, "sg": ["sg-1", "sg-2"]}
    assert [(link.source, link.target) for link in links(plan, Side.BEFORE).links] == [
        ("module.net.aws_instance.x", "module.net.aws_subnet.a[0]")
    ]


def test_shown_state_in_any_encoding() -> None:
    for encoding in ("utf-8", "utf-16"):
        plan = read_state(json.dumps(SHOWN).encode(encoding), "x.json")
        assert [(link.source, link.path, link.target) for link in links(plan, Side.AFTER).links] == [
            ("aws_subnet.x", "vpc_id", "aws_vpc.x")
        ]


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ({"version": 2}, "not read"),
        ({"version": "4"}, "not read"),
        ({"format_version": "1.0"}, "empty state"),
        ({"hello": 1}, "no Terraform state"),
        ({"format_version": "1.2", "planned_values": {}, "resource_changes": []}, "is a plan"),
        ({"version": 4, "resources": "x"}, "not what Terraform writes"),
    ],
)
def test_refuses_with_one_sentence(tree: object, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        read_state(data(tree), "x.tfstate")
    assert "\n" not in str(caught.value)


def test_flattened_attributes() -> None:
    assert unflatten({"a.#": "2", "a.0": "x", "a.1": "y", "b.%": "0", "c.#": "1", "c.77.d.#": "1", "c.77.d.0": "z", "e": "1"}) == {
        "a": ["x", "y"],
        "b": {},
        "c": [{"d": ["z"]}],
        "e": "1",
    }
