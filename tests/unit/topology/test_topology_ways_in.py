"""Entries that both sides have, and fronts that lead nowhere: by the state where it proves it, by the change elsewhere."""

from __future__ import annotations

import json
from typing import Any

from faultray_action.model.topology import Topology
from faultray_action.pipeline import Request, discover, know
from faultray_action.terraform.reader import decode
from faultray_action.topology.align import alone
from faultray_action.topology.build import Stages, _structure

Json = dict[str, Any]
FRONT = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/web/1"
GROUP = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/1"
LISTENER = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener/app/web/1/2"
FORWARD = [{"type": "forward", "target_group_arn": GROUP}]
FIXED = [{"type": "fixed-response", "target_group_arn": ""}]
BALANCER = {"id": FRONT, "arn": FRONT, "internal": False, "dns_name": "web-1.eu-west-1.elb.amazonaws.com"}
TARGETS = {"id": GROUP, "arn": GROUP, "name": "web"}


def _row(address: str, before: Json | None, after: Json | None) -> Json:
    kind, _, name = address.partition(".")
    actions = ["no-op"] if before == after else ["create"] if before is None else ["delete"] if after is None else ["update"]
    change = {"actions": actions, "before": before, "after": after, "after_unknown": {}}
    provider = f"registry.terraform.io/hashicorp/{kind.partition('_')[0]}"
    return {"address": address, "mode": "managed", "type": kind, "name": name, "provider_name": provider, "change": change}


def _kept(address: str, values: Json) -> Json:
    return _row(address, values, values)


def _stages(*rows: Json) -> Stages:
    plan = {"format_version": "1.2", "terraform_version": "1.9.0", "resource_changes": list(rows), "configuration": {"root_module": {}}}
    return discover(decode(json.dumps(plan).encode(), "plan.json"), know(Request()))


def _entries(side: Topology) -> dict[str, bool]:
    """Address -> whether only the other side calls it an entry."""
    return {entry.address: entry.of_other_side for entry in side.entries}


def _broken(side: Topology) -> list[str]:
    return [need.broken for need in side.dependencies if need.broken]


def _own(stages: Stages, side: int) -> Topology:
    return _structure(alone(stages.drafts[side]), know(Request()))


def _front(before: list[Json], after: list[Json], *, group: Json | None = None) -> tuple[Json, ...]:
    """A balancer with one listener and a group that its autoscaling group serves."""
    listener = {"id": LISTENER, "arn": LISTENER, "load_balancer_arn": FRONT, "port": 80}
    served = {"id": "web", "name": "web", "min_size": 2, "target_group_arns": [GROUP], **(group or {})}
    return (
        _kept("aws_lb.web", BALANCER),
        _kept("aws_lb_target_group.web", TARGETS),
        _row("aws_lb_listener.web", {**listener, "default_action": before}, {**listener, "default_action": after}),
        _kept("aws_autoscaling_group.web", served),
    )


def test_a_new_public_machine_leaves_the_service_an_entry_that_nothing_leads_to() -> None:
    machine = {"id": "i-1", "associate_public_ip_address": True, "instance_type": "t3.small"}
    worker = {"id": "w", "name": "w", "desired_count": 1}
    found = _stages(_kept("aws_ecs_service.w", worker), _row("aws_instance.ci", None, machine))
    assert _entries(found.before) == {"aws_ecs_service.w": False}
    assert _entries(found.after) == {"aws_ecs_service.w": True, "aws_instance.ci": False}
    assert _entries(_own(found, 1)) == {"aws_instance.ci": False}


def test_a_front_is_proven_to_lead_nowhere_where_a_group_with_servers_waits_beside_it() -> None:
    found = _stages(*_front(FORWARD, FIXED))
    assert _broken(_own(found, 0)) == []
    assert _broken(_own(found, 1)) == ["aws_lb.web reaches nothing, and nothing leads to aws_lb_target_group.web"]
    assert _broken(found.after) == ["aws_lb.web reached aws_autoscaling_group.web before and reaches nothing after"]


def test_a_front_that_another_plan_may_fill_is_not_called_dead() -> None:
    rows = _front(FIXED, FIXED)[:1] + _front(FIXED, FIXED)[2:3]
    assert _broken(_own(_stages(*rows), 1)) == []


def test_an_empty_group_is_proven_empty_where_a_group_of_machines_expects_to_be_called() -> None:
    waiting = _stages(*_front(FORWARD, FORWARD, group={"target_group_arns": [], "health_check_type": "ELB"}))
    assert "aws_lb_target_group.web has nothing behind it, and nothing leads to aws_autoscaling_group.web" in _broken(_own(waiting, 1))
    alone_there = _stages(*_front(FORWARD, FORWARD, group={"target_group_arns": [], "health_check_type": "EC2"}))
    assert _broken(_own(alone_there, 1)) == []


def test_an_attachment_that_goes_takes_its_group_out_of_the_list_of_the_state() -> None:
    attachment = {"id": "a", "autoscaling_group_name": "web", "lb_target_group_arn": GROUP}
    found = _stages(*_front(FORWARD, FORWARD), _row("aws_autoscaling_attachment.a", attachment, None))
    assert _broken(found.before) == []
    assert "aws_lb_target_group.web had aws_autoscaling_attachment.a behind it and has nothing left" in _broken(found.after)


def test_a_rule_that_goes_stays_an_entry_of_the_comparison_that_is_down_and_is_none_of_the_state() -> None:
    other = GROUP.replace("web", "admin")
    rule = {"id": "r", "listener_arn": LISTENER, "action": [{"type": "forward", "target_group_arn": other}]}
    admin = {"id": "admin", "name": "admin", "min_size": 2, "target_group_arns": [other]}
    found = _stages(
        *_front(FORWARD, FORWARD),
        _kept("aws_lb_target_group.admin", {"id": other, "arn": other, "name": "admin"}),
        _kept("aws_autoscaling_group.admin", admin),
        _row("aws_lb_listener_rule.admin", rule, None),
    )
    assert _entries(found.after) == {"aws_lb.web": False, "aws_lb_listener_rule.admin": True}
    assert _broken(found.after) == ["aws_lb_listener_rule.admin was the only way to aws_autoscaling_group.admin"]
    assert _entries(_own(found, 1)) == {"aws_lb.web": False}


def test_a_machine_that_routes_lead_out_through_is_no_entry() -> None:
    nat = {"id": "i-nat", "associate_public_ip_address": True, "source_dest_check": False, "primary_network_interface_id": "eni-1"}
    table = {"id": "rtb-1", "vpc_id": "vpc-1", "route": [{"cidr_block": "0.0.0.0/0", "instance_id": "i-nat"}]}
    worker = {"id": "w", "name": "w", "desired_count": 1}
    rows = (_kept("aws_instance.nat", nat), _kept("aws_ecs_service.w", worker))
    assert "aws_instance.nat" in _entries(_stages(*rows).after)
    assert _entries(_stages(*rows, _kept("aws_route_table.t", table)).after) == {"aws_ecs_service.w": False}


def test_swapping_the_sides_swaps_what_is_told_of_them() -> None:
    there, back = _stages(*_front(FORWARD, FIXED)), _stages(*_front(FIXED, FORWARD))
    assert _broken(back.before) == ["aws_lb.web reaches nothing before it reaches aws_autoscaling_group.web"]
    assert [(d.source, d.target, d.by_change) for d in there.after.dependencies if d.broken] == [
        (d.source, d.target, d.by_change) for d in back.before.dependencies if d.broken
    ]
