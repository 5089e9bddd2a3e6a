"""Routes of a table, whoever wrote them: what leads out of a network, what a state proves, and what only the change shows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from faultray_action.model.topology import Topology
from faultray_action.pipeline import Request, discover, know
from faultray_action.terraform.reader import decode
from faultray_action.topology.align import alone
from faultray_action.topology.build import Stages, _structure

Json = dict[str, Any]
Sides = tuple[Json | None, Json | None]
VPC, PEER, TABLE, GATE, NAT, PEERING = "vpc-0a1b", "vpc-0c2d", "rtb-0e3f", "igw-0a4b", "nat-0c5d", "pcx-0e6f"
SUBNETS = {"a": "subnet-0a71", "b": "subnet-0b72"}
FRONT = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/web/1"
TASK = "arn:aws:ecs:eu-west-1:111122223333:task-definition/web:1"
TO_ALL = {"cidr_block": "0.0.0.0/0"}


def _row(address: str, before: Json | None, after: Json | None) -> Json:
    kind, _, name = address.partition(".")
    actions = ["no-op"] if before == after else ["create"] if before is None else ["delete"] if after is None else ["update"]
    change = {"actions": actions, "before": before, "after": after, "after_unknown": {}}
    provider = "registry.terraform.io/hashicorp/aws"
    return {"address": address, "mode": "managed", "type": kind, "name": name, "provider_name": provider, "change": change}


def _stages(rows: Mapping[str, Sides]) -> Stages:
    changes = [_row(address, *sides) for address, sides in rows.items()]
    plan = {"format_version": "1.2", "terraform_version": "1.9.0", "resource_changes": changes, "configuration": {"root_module": {}}}
    return discover(decode(json.dumps(plan).encode(), "plan.json"), know(Request()))


def _kept(values: Json) -> Sides:
    return values, values


def _route(**target: str) -> Json:
    return {"route_table_id": TABLE, "destination_cidr_block": "0.0.0.0/0", **target}


def _network(routes: tuple[list[Json], list[Json]], **more: Sides) -> dict[str, Sides]:
    """A public front and a task in two subnets of one table, which the plan has as a whole."""
    tables = [{"id": TABLE, "vpc_id": VPC, "route": side} for side in routes]
    rows = {"aws_vpc.v": _kept({"id": VPC, "cidr_block": "10.0.0.0/16"}), "aws_internet_gateway.i": _kept({"id": GATE, "vpc_id": VPC})}
    for number, (name, subnet) in enumerate(SUBNETS.items()):
        zone, block = f"eu-west-1{name}", f"10.0.{number}.0/24"
        rows[f"aws_subnet.{name}"] = _kept({"id": subnet, "vpc_id": VPC, "availability_zone": zone, "cidr_block": block})
        rows[f"aws_route_table_association.{name}"] = _kept({"id": f"assoc-{name}", "subnet_id": subnet, "route_table_id": TABLE})
    rows["aws_route_table.t"] = (tables[0], tables[1])
    rows["aws_lb.web"] = _kept({"id": FRONT, "arn": FRONT, "internal": False, "subnets": list(SUBNETS.values())})
    return rows | {address.replace("__", "."): sides for address, sides in more.items()}


def _broken(side: Topology) -> list[str]:
    return [need.broken for need in side.dependencies if need.broken]


def _own(stages: Stages, side: int) -> list[str]:
    """What a side by itself proves to be broken."""
    return _broken(_structure(alone(stages.drafts[side]), know(Request())))


def test_a_front_without_a_route_to_an_internet_gateway_is_proven_to_let_nobody_in() -> None:
    found = _stages(_network(([], [])))
    assert _own(found, 0) == _own(found, 1) == ["no route leads users to aws_lb.web in subnet-0a71".replace("subnet-0a71", "aws_subnet.a")]


def test_a_nat_gateway_lets_nobody_in() -> None:
    routes = [{**TO_ALL, "nat_gateway_id": NAT}]
    nat = _kept({"id": NAT, "subnet_id": SUBNETS["a"]})
    assert _own(_stages(_network((routes, routes), aws_nat_gateway__n=nat)), 1)


def test_a_route_of_the_list_that_nobody_in_the_plan_wrote_leads_out_all_the_same() -> None:
    outside = [{**TO_ALL, "gateway_id": "igw-made-elsewhere"}]
    assert _own(_stages(_network((outside, outside))), 1) == []


def test_a_route_that_the_plan_deletes_is_gone_though_the_list_of_the_state_still_has_it() -> None:
    listed = [{**TO_ALL, "gateway_id": GATE}]
    found = _stages(_network((listed, listed), aws_route__out=(_route(gateway_id=GATE), None)))
    assert _own(found, 0) == []
    assert _own(found, 1) == ["no route leads users to aws_lb.web in aws_subnet.a"]
    assert _broken(found.after) == ["aws_route.out was the way between aws_lb.web and the outside"]
    assert not any(need.by_change for need in found.after.dependencies)


def test_a_route_that_an_exclusive_list_takes_out_is_gone_though_the_plan_leaves_it_alone() -> None:
    was, is_now = [{**TO_ALL, "gateway_id": GATE}, {"cidr_block": "10.9.0.0/16", "gateway_id": "vgw-1"}], [{"cidr_block": "10.9.0.0/16"}]
    found = _stages(_network((was, is_now), aws_route__out=_kept(_route(gateway_id=GATE))))
    assert "aws_route.out" in found.drafts[0].survey.nodes
    assert "aws_route.out" not in found.drafts[1].survey.nodes
    assert _broken(found.after) == ["aws_route.out was the way between aws_lb.web and the outside"]


def test_of_a_subnet_without_a_table_of_its_own_nothing_is_proven() -> None:
    rows = {address: sides for address, sides in _network(([], [])).items() if "association" not in address}
    assert _own(_stages(rows), 1) == []


def test_the_first_route_mends_what_was_broken_before() -> None:
    listed = [{**TO_ALL, "gateway_id": GATE}]
    found = _stages(_network(([], listed), aws_route__out=(None, _route(gateway_id=GATE))))
    assert _broken(found.before) == ["aws_route.out, the way between aws_lb.web and the outside, does not stand yet"]
    assert _broken(found.after) == []


@pytest.mark.parametrize(("launch", "endpoint", "starts"), [("FARGATE", None, False), ("EC2", None, True), ("FARGATE", "ecr.dkr", True)])
def test_a_task_that_fetches_its_image_does_not_start_where_no_way_leads_out(launch: str, endpoint: str | None, starts: bool) -> None:
    service = {
        "id": "web",
        "name": "web",
        "launch_type": launch,
        "desired_count": 2,
        "task_definition": TASK,
        "network_configuration": [{"subnets": list(SUBNETS.values())}],
    }
    rows = _network(([], []), aws_ecs_service__web=_kept(service))
    del rows["aws_lb.web"]
    if endpoint:
        name = f"com.amazonaws.eu-west-1.{endpoint}"
        rows["aws_vpc_endpoint.e"] = _kept({"id": "vpce-1", "vpc_id": VPC, "service_name": name, "vpc_endpoint_type": "Interface"})
    told = _own(_stages(rows), 1)
    assert told == ([] if starts else ["aws_ecs_service.web cannot start in aws_subnet.a, which no way leads out of"])


def _peered(destination: str, *, public: bool = False, joined: bool = True) -> dict[str, Sides]:
    """A machine in one network that names a database in another, joined by a peering with routes to `destination` and back."""
    there = {"id": "subnet-0d73", "vpc_id": PEER, "availability_zone": "eu-west-1a", "cidr_block": "10.1.0.0/24"}
    rows = _network(([], []))
    del rows["aws_lb.web"]
    rows |= {
        "aws_vpc.peer": _kept({"id": PEER, "cidr_block": "10.1.0.0/16"}),
        "aws_subnet.d": _kept(there),
        "aws_db_subnet_group.d": _kept({"id": "data-subnets", "name": "data-subnets", "subnet_ids": [there["id"]]}),
        "aws_db_instance.d": _kept(
            {"id": "d", "address": "d.x.eu-west-1.rds.amazonaws.com", "db_subnet_group_name": "data-subnets", "publicly_accessible": public}
        ),
        "aws_instance.app": _kept({"id": "i-1", "subnet_id": SUBNETS["a"], "user_data": "psql d.x.eu-west-1.rds.amazonaws.com"}),
        "aws_vpc_peering_connection.p": _kept({"id": PEERING, "vpc_id": VPC, "peer_vpc_id": PEER}),
        "aws_route_table.d": _kept({"id": "rtb-d", "vpc_id": PEER, "route": []}),
        "aws_route_table_association.d": _kept({"id": "assoc-d", "subnet_id": there["id"], "route_table_id": "rtb-d"}),
        "aws_route.back": _kept({"route_table_id": "rtb-d", "destination_cidr_block": "10.0.0.0/16", "vpc_peering_connection_id": PEERING}),
    }
    if joined:
        there_route = {"route_table_id": TABLE, "destination_cidr_block": destination, "vpc_peering_connection_id": PEERING}
        rows["aws_route.there"] = _kept(there_route)
    return rows


def test_a_route_that_holds_for_other_addresses_leads_nowhere_near_the_callee() -> None:
    assert _own(_stages(_peered("10.1.0.0/16")), 1) == []
    told = ["no route leads from the network of aws_instance.app to that of aws_db_instance.d and back"]
    assert _own(_stages(_peered("10.2.0.0/16")), 1) == told
    assert _own(_stages(_peered("", joined=False)), 1) == told


def test_what_is_called_from_the_internet_too_needs_no_way_between_the_networks() -> None:
    assert _own(_stages(_peered("", joined=False, public=True)), 1) == []
