"""Small AWS systems as Terraform-plan dicts, and random changes to them: what the laws of the counterfactuals are held against."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from copy import deepcopy
from typing import Any

Values = dict[str, Any]
Stack = dict[str, Values]
"""Address -> attribute values of one side."""

PROVIDER = "registry.terraform.io/hashicorp/aws"
ZONES = ("eu-west-1a", "eu-west-1b", "eu-west-1c")
REFERENCES: dict[str, dict[str, Any]] = {
    "aws_lb.web": {"subnets": ["aws_subnet.a.id", "aws_subnet.b.id", "aws_subnet.c.id"], "security_groups": ["aws_security_group.web.id"]},
    "aws_lb_target_group.web": {"vpc_id": ["aws_vpc.main.id"]},
    "aws_lb_listener.web": {
        "load_balancer_arn": ["aws_lb.web.arn"],
        "default_action": [{"target_group_arn": {"references": ["aws_lb_target_group.web.arn", "aws_lb_target_group.web"]}}],
    },
    "aws_ecs_task_definition.api": {"container_definitions": ["aws_db_instance.main.address", "aws_sqs_queue.jobs.url"]},
    "aws_ecs_service.api": {
        "cluster": ["aws_ecs_cluster.main.id"],
        "task_definition": ["aws_ecs_task_definition.api.arn"],
        "load_balancer": [{"target_group_arn": {"references": ["aws_lb_target_group.web.arn", "aws_lb_target_group.web"]}}],
        "network_configuration": [{"subnets": {"references": ["aws_subnet.a.id", "aws_subnet.b.id", "aws_subnet.c.id"]}}],
    },
    "aws_ecs_task_definition.worker": {"container_definitions": ["aws_sqs_queue.jobs.url", "aws_elasticache_replication_group.cache.id"]},
    "aws_ecs_service.worker": {
        "cluster": ["aws_ecs_cluster.main.id"],
        "task_definition": ["aws_ecs_task_definition.worker.arn"],
        "network_configuration": [{"subnets": {"references": ["aws_subnet.a.id", "aws_subnet.b.id", "aws_subnet.c.id"]}}],
    },
    "aws_db_subnet_group.main": {"subnet_ids": ["aws_subnet.a.id", "aws_subnet.b.id", "aws_subnet.c.id"]},
    "aws_db_instance.main": {"db_subnet_group_name": ["aws_db_subnet_group.main.name"]},
    "aws_elasticache_subnet_group.cache": {"subnet_ids": ["aws_subnet.a.id", "aws_subnet.b.id", "aws_subnet.c.id"]},
    "aws_elasticache_replication_group.cache": {"subnet_group_name": ["aws_elasticache_subnet_group.cache.name"]},
    "aws_sqs_queue.jobs": {"redrive_policy": ["aws_sqs_queue.dead.arn"]},
}


def arn(service: str, rest: str) -> str:
    return f"arn:aws:{service}:eu-west-1:123456789012:{rest}"


BALANCER = arn("elasticloadbalancing", "loadbalancer/app/web/50dc6c495c0c9188")
TARGETS = arn("elasticloadbalancing", "targetgroup/web/943f017f100becff")
LISTENER = arn("elasticloadbalancing", "listener/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2")
CLUSTER = arn("ecs", "cluster/main")
DEAD = arn("sqs", "dead")


def stack(dice: random.Random | None = None) -> Stack:
    """A shop: load balancer, an API, a database; with dice perhaps a cache, a queue with a worker, and weak spots."""
    dice = dice or random.Random(0)
    odd = dice.random() < 0.5
    zones = "abc"[: dice.choice((2, 3))] if odd else "abc"
    subnets = [f"subnet-0{zone}1b2c3d4e5f6071" for zone in zones]
    made: Stack = {"aws_vpc.main": {"id": "vpc-0a1b2c3d4e5f60718", "cidr_block": "10.0.0.0/16"}}
    for number, zone in enumerate(zones):
        made[f"aws_subnet.{zone}"] = {
            "id": f"subnet-0{zone}1b2c3d4e5f6071",
            "vpc_id": "vpc-0a1b2c3d4e5f60718",
            "availability_zone": ZONES[number],
            "cidr_block": f"10.0.{number}.0/24",
        }
    made["aws_lb.web"] = {
        "id": BALANCER,
        "arn": BALANCER,
        "name": "web",
        "internal": False,
        "load_balancer_type": "application",
        "subnets": subnets,
    }
    made["aws_lb_target_group.web"] = {
        "id": TARGETS,
        "arn": TARGETS,
        "name": "web",
        "vpc_id": "vpc-0a1b2c3d4e5f60718",
        "port": 80,
        "target_type": "ip",
    }
    made["aws_lb_listener.web"] = {
        "id": LISTENER,
        "arn": LISTENER,
        "load_balancer_arn": BALANCER,
        "port": 80,
        "default_action": [{"type": "forward", "target_group_arn": TARGETS}],
    }
    made["aws_ecs_cluster.main"] = {"id": CLUSTER, "arn": CLUSTER, "name": "main"}
    needs = [{"name": "DB", "value": "main.abc.eu-west-1.rds.amazonaws.com"}]
    queued, cached = dice.random() < 0.8, dice.random() < 0.8
    if queued:
        needs.append({"name": "QUEUE", "value": "https://sqs.eu-west-1.amazonaws.com/123456789012/jobs"})
        _queue(made, dice)
    made |= _service("api", subnets, dice.choice((1, 2, 3)) if odd else 3, needs, balanced=True)
    made["aws_db_subnet_group.main"] = {"id": "main", "name": "main", "subnet_ids": subnets}
    made["aws_db_instance.main"] = {
        "id": "main",
        "arn": arn("rds", "db:main"),
        "identifier": "main",
        "address": "main.abc.eu-west-1.rds.amazonaws.com",
        "engine": "postgres",
        "instance_class": "db.m6g.large",
        "multi_az": dice.random() < 0.8,
        "backup_retention_period": dice.choice((0, 7)) if odd else 7,
        "deletion_protection": True,
        "skip_final_snapshot": False,
        "db_subnet_group_name": "main",
        "availability_zone": ZONES[0],
    }
    if cached and queued:
        _cache(made, dice, subnets)
        made |= _service(
            "worker", subnets, dice.choice((1, 2)), [{"name": "QUEUE", "value": "https://sqs.eu-west-1.amazonaws.com/123456789012/jobs"}]
        )
    return made


def _queue(made: Stack, dice: random.Random) -> None:
    made["aws_sqs_queue.dead"] = {
        "id": "https://sqs.eu-west-1.amazonaws.com/123456789012/dead",
        "url": "https://sqs.eu-west-1.amazonaws.com/123456789012/dead",
        "arn": DEAD,
        "name": "dead",
    }
    made["aws_sqs_queue.jobs"] = {
        "id": "https://sqs.eu-west-1.amazonaws.com/123456789012/jobs",
        "url": "https://sqs.eu-west-1.amazonaws.com/123456789012/jobs",
        "arn": arn("sqs", "jobs"),
        "name": "jobs",
        "message_retention_seconds": 345600,
        "redrive_policy": '{"deadLetterTargetArn":DEAD,"maxReceiveCount":5}' if dice.random() < 0.7 else None,
    }


def _cache(made: Stack, dice: random.Random, subnets: list[str]) -> None:
    copies = dice.choice((1, 2, 3))
    made["aws_elasticache_subnet_group.cache"] = {"id": "cache", "name": "cache", "subnet_ids": subnets}
    made["aws_elasticache_replication_group.cache"] = {
        "id": "cache",
        "arn": arn("elasticache", "replicationgroup:cache"),
        "replication_group_id": "cache",
        "engine": "redis",
        "num_cache_clusters": copies,
        "automatic_failover_enabled": copies > 1,
        "multi_az_enabled": copies > 1,
        "subnet_group_name": "cache",
    }


def _service(name: str, subnets: list[str], count: int, needs: list[Values], *, balanced: bool = False) -> Stack:
    service: Values = {
        "id": arn("ecs", f"service/main/{name}"),
        "name": name,
        "cluster": CLUSTER,
        "task_definition": arn("ecs", f"task-definition/{name}:1"),
        "desired_count": count,
        "launch_type": "FARGATE",
        "network_configuration": [{"subnets": subnets, "assign_public_ip": False}],
    }
    if balanced:
        service["load_balancer"] = [{"target_group_arn": TARGETS, "container_name": name, "container_port": 80}]
    task = {
        "id": name,
        "arn": arn("ecs", f"task-definition/{name}:1"),
        "family": name,
        "container_definitions": json.dumps([{"name": name, "image": f"{name}:1", "environment": needs}]),
    }
    return {f"aws_ecs_task_definition.{name}": task, f"aws_ecs_service.{name}": service}


Change = Callable[[Stack, random.Random], None]


def _set(address: str, attribute: str, *values: Any) -> Change:
    def change(after: Stack, dice: random.Random) -> None:
        if address in after:
            after[address][attribute] = dice.choice(values)

    return change


def _fewer_subnets(address: str) -> Change:
    def change(after: Stack, dice: random.Random) -> None:
        values = after.get(address, {})
        inside = values["network_configuration"][0] if "network_configuration" in values else values
        for key in ("subnets", "subnet_ids"):
            if key in inside:
                inside[key] = inside[key][: dice.choice((1, 2))]

    return change


def _drop(*addresses: str) -> Change:
    def change(after: Stack, dice: random.Random) -> None:
        for address in addresses:
            after.pop(address, None)

    return change


CHANGES: tuple[Change, ...] = (
    _set("aws_db_instance.main", "multi_az", False, False, True),
    _set("aws_db_instance.main", "backup_retention_period", 0, 0, 14),
    _set("aws_db_instance.main", "deletion_protection", False),
    _set("aws_ecs_service.api", "desired_count", 1, 1, 2, 4),
    _set("aws_ecs_service.worker", "desired_count", 0, 1, 3),
    _set("aws_elasticache_replication_group.cache", "num_cache_clusters", 1, 2, 4),
    _set("aws_elasticache_replication_group.cache", "automatic_failover_enabled", False, True),
    _set("aws_sqs_queue.jobs", "redrive_policy", None),
    _set("aws_lb.web", "name", "shop"),
    _fewer_subnets("aws_ecs_service.api"),
    _fewer_subnets("aws_lb.web"),
    _fewer_subnets("aws_db_subnet_group.main"),
    _drop("aws_lb_listener.web"),
    _drop("aws_sqs_queue.dead"),
    _drop("aws_elasticache_replication_group.cache", "aws_elasticache_subnet_group.cache"),
)


def random_plan(seed: int, most_changes: int = 6) -> Values:
    """A system and up to `most_changes` changes to it, the same for the same seed; one in eight leaves a value unknown until apply."""
    dice = random.Random(seed)
    before = stack(dice)
    after = deepcopy(before)
    for change in dice.sample(CHANGES, dice.randint(1, most_changes)):
        change(after, dice)
    unknown = {"aws_db_instance.main": {"multi_az": True}} if dice.random() < 0.125 else {}
    return plan(before, after, unknown=unknown)


def plan(before: Stack, after: Stack, *, unknown: dict[str, Values] | None = None, **extra: Any) -> Values:
    """The plan that leads from one side to the other, as `terraform show -json` prints it."""
    unknown = unknown or {}
    rows = [_row(a, before.get(a), after.get(a), unknown.get(a, {})) for a in sorted({*before, *after})]
    return {
        "format_version": "1.2",
        "terraform_version": "1.11.4",
        "resource_changes": rows,
        "configuration": {
            "provider_config": {"aws": {"name": "aws", "full_name": PROVIDER, "expressions": {"region": {"constant_value": "eu-west-1"}}}},
            "root_module": {"resources": [_configured(a, after[a], unknown.get(a, {}), {*before, *after}) for a in sorted(after)]},
        },
        **extra,
    }


def _row(address: str, before: Values | None, after: Values | None, unknown: Values) -> Values:
    kind, name = address.split(".", 1)
    actions = (
        ["create"] if before is None else ["delete"] if after is None else ["no-op"] if before == after and not unknown else ["update"]
    )
    if after is not None:
        after = {key: value for key, value in after.items() if key not in unknown}
    if before is None and after is not None:
        unknown = {"id": True, "arn": True, **unknown}
        after = {key: value for key, value in after.items() if key not in unknown}
    return {
        "address": address,
        "mode": "managed",
        "type": kind,
        "name": name,
        "provider_name": PROVIDER,
        "change": {"actions": actions, "before": before, "after": after, "after_unknown": unknown},
    }


def _configured(address: str, values: Values, unknown: Values, known: set[str]) -> Values:
    """What the code says: references where the system has them, else constants; an unknown value comes from a resource made in this plan."""
    kind, name = address.split(".", 1)
    expressions: Values = {key: {"constant_value": value} for key, value in values.items() if not isinstance(value, list) and key != "id"}
    expressions |= {key: _expression(value, known) for key, value in REFERENCES.get(address, {}).items()}
    expressions |= {key: {"references": ["terraform_data.choice.output", "terraform_data.choice"]} for key in unknown}
    return {
        "address": address,
        "mode": "managed",
        "type": kind,
        "name": name,
        "provider_config_key": "aws",
        "expressions": expressions,
        "schema_version": 0,
    }


def _expression(value: list[Any], known: set[str]) -> Any:
    """References to what the stack does not hold are left out, as a writer of Terraform would."""
    if value and isinstance(value[0], dict):
        return value
    found = [name for one in value if ".".join(one.split(".")[:2]) in known for name in (one, ".".join(one.split(".")[:2]))]
    return {"references": found}


def as_bytes(tree: Values) -> bytes:
    return json.dumps(tree).encode()
