"""Decoding and discovery of systems with one block of very many instances: the time a resource must not grow with their number.

    python benchmarks/wide.py [most]

Three shapes, each with 100 instances and ten times as many, or `most`: a queue and its worker by `for_each` over modules, a tenant's service behind
one shared load balancer by `for_each` over resources, and a Kubernetes workload with all that goes with it. Printed are the processor time of a
process as in `pipeline.py`, that of `json.load` of the same file, and microseconds a resource.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pipeline import DISCOVER, YARDSTICK, compare

Row = dict[str, Any]
ARN = "arn:aws:{}:eu-west-1:123456789012:{}"
QUEUES = "https://sqs.eu-west-1.amazonaws.com/123456789012"
SUBNETS = ("subnet-0000000000000000a", "subnet-0000000000000000b")
ROUNDS = 3


def standing(kind: str, name: str, values: Row, *, key: str | None = None, module: str = "") -> Row:
    """A resource that the plan leaves alone."""
    provider = "kubernetes" if kind.startswith("kubernetes") else "aws"
    address = f"{module}.{kind}.{name}" if module else f"{kind}.{name}"
    row: Row = {
        "address": address if key is None else f'{address}["{key}"]', "mode": "managed", "type": kind, "name": name,
        "provider_name": f"registry.terraform.io/hashicorp/{provider}", "change": {"actions": ["no-op"], "before": values, "after": values, "after_unknown": {}},
    }  # fmt: skip
    return row | ({"index": key} if key is not None else {}) | ({"module_address": module} if module else {})


def block(kind: str, name: str, expressions: Row, *, looped: bool = True) -> Row:
    row: Row = {"address": f"{kind}.{name}", "mode": "managed", "type": kind, "name": name, "expressions": expressions}
    return row | ({"for_each_expression": ref("var.tenants")} if looped else {})


def ref(*references: str) -> Row:
    return {"references": list(references)}


def plan(rows: list[Row], root: Row) -> Row:
    provider = {"aws": {"name": "aws", "expressions": {"region": {"constant_value": "eu-west-1"}}}}
    return {"format_version": "1.2", "resource_changes": rows, "configuration": {"provider_config": provider, "root_module": root}}


def modules(keys: list[str]) -> Row:
    """`module.queue[each.key]` feeds `module.worker[each.key]`."""

    def rows() -> Iterator[Row]:
        for key in keys:
            queue, function = ARN.format("sqs", f"{key}-jobs"), ARN.format("lambda", f"function:{key}")
            inside, beside = f'module.queue["{key}"]', f'module.worker["{key}"]'
            yield standing("aws_sqs_queue", "this", {"id": f"{QUEUES}/{key}-jobs", "arn": queue, "name": f"{key}-jobs"}, module=inside)
            environment = [{"variables": {"QUEUE": queue}}]
            yield standing(
                "aws_lambda_function", "this", {"id": key, "arn": function, "function_name": key, "environment": environment}, module=beside
            )
            yield standing("aws_lambda_event_source_mapping", "this", {"event_source_arn": queue, "function_name": function}, module=beside)

    queue = {
        "outputs": {"arn": {"expression": ref("aws_sqs_queue.this.arn")}},
        "resources": [block("aws_sqs_queue", "this", {}, looped=False)],
    }
    worker = [
        block("aws_lambda_function", "this", {"environment": [{"variables": ref("var.queue")}]}, looped=False),
        block("aws_lambda_event_source_mapping", "this", {"event_source_arn": ref("var.queue"), "function_name": ref("aws_lambda_function.this.arn")}, looped=False),
    ]  # fmt: skip
    each = {"for_each_expression": ref("var.tenants")}
    inputs = {"queue": ref("module.queue", "each.key")}
    calls = {"queue": {**each, "module": queue}, "worker": {**each, "expressions": inputs, "module": {"resources": worker}}}
    return plan(list(rows()), {"module_calls": calls})


def tenants(keys: list[str]) -> Row:
    """A target group, a listener rule, a task definition, a service and a security group for each tenant behind one load balancer."""
    balancer = ARN.format("elasticloadbalancing", "loadbalancer/app/main/0123456789abcdef")
    listener = ARN.format("elasticloadbalancing", "listener/app/main/0123456789abcdef/aaaaaaaaaaaaaaaa")
    host = "main.abcdefg.eu-west-1.rds.amazonaws.com"

    def rows() -> Iterator[Row]:
        for subnet, zone in zip(SUBNETS, "ab", strict=True):
            yield standing("aws_subnet", zone, {"id": subnet, "availability_zone": f"eu-west-1{zone}"})
        yield standing("aws_lb", "main", {"id": balancer, "arn": balancer, "name": "main", "internal": False, "subnets": list(SUBNETS)})
        yield standing("aws_lb_listener", "https", {"id": listener, "arn": listener, "load_balancer_arn": balancer, "port": 443})
        yield standing(
            "aws_db_instance", "main", {"id": "db-1", "identifier": "main", "address": host, "multi_az": True, "backup_retention_period": 7}
        )
        for number, key in enumerate(keys):
            group, target = f"sg-{number:017x}", ARN.format("elasticloadbalancing", f"targetgroup/{key}/{number:016x}")
            task, rule = ARN.format("ecs", f"task-definition/{key}:1"), f"{listener.replace('listener/', 'listener-rule/')}/{number:016x}"
            containers = json.dumps([{"name": "app", "environment": [{"name": "DB", "value": host}]}])
            network = [{"subnets": list(SUBNETS), "security_groups": [group]}]
            behind = [{"target_group_arn": target, "container_name": "app", "container_port": 80}]
            forward = [{"type": "forward", "target_group_arn": target}]
            yield standing("aws_lb_target_group", "each", {"id": target, "arn": target, "name": key, "target_type": "ip"}, key=key)
            yield standing(
                "aws_lb_listener_rule", "each", {"id": rule, "listener_arn": listener, "priority": number + 1, "action": forward}, key=key
            )
            yield standing("aws_ecs_task_definition", "each", {"arn": task, "family": key, "container_definitions": containers}, key=key)
            yield standing("aws_security_group", "each", {"id": group, "name": key}, key=key)
            service = {"name": key, "desired_count": 2, "task_definition": task, "launch_type": "FARGATE", "load_balancer": behind}
            yield standing("aws_ecs_service", "each", {**service, "network_configuration": network}, key=key)

    own = ref("aws_lb_target_group.each", "each.key")
    places = ref("aws_subnet.a.id", "aws_subnet.b.id")
    resources = [
        *(block("aws_subnet", zone, {}, looped=False) for zone in "ab"),
        block("aws_lb", "main", {"subnets": places}, looped=False),
        block("aws_lb_listener", "https", {"load_balancer_arn": ref("aws_lb.main.arn")}, looped=False),
        block("aws_db_instance", "main", {}, looped=False),
        block("aws_lb_target_group", "each", {"name": ref("each.key")}),
        block("aws_lb_listener_rule", "each", {"listener_arn": ref("aws_lb_listener.https.arn"), "action": [{"target_group_arn": own}]}),
        block("aws_ecs_task_definition", "each", {"container_definitions": ref("aws_db_instance.main.address")}),
        block("aws_security_group", "each", {"name": ref("each.key")}),
        block(
            "aws_ecs_service",
            "each",
            {
                "task_definition": ref("aws_ecs_task_definition.each", "each.key"),
                "load_balancer": [{"target_group_arn": own}],
                "network_configuration": [{"subnets": places, "security_groups": ref("aws_security_group.each", "each.key")}],
            },
        ),
    ]
    return plan(list(rows()), {"resources": resources})


def cluster(keys: list[str]) -> Row:
    """A deployment with service, ingress, autoscaler, budget and network policy for each key; all call one of twenty shared ones."""

    def rows() -> Iterator[Row]:
        for number, key in enumerate(keys):
            labels = {"app": key}
            head = {"id": f"shop/{key}", "metadata": [{"name": key, "namespace": "shop", "labels": labels}]}
            container = {"name": "app", "env": [{"name": "UPSTREAM_URL", "value": f"http://{keys[number % 20]}.shop.svc"}]}
            template = [{"metadata": [{"labels": labels}], "spec": [{"container": [container]}]}]
            selector, backend = [{"match_labels": labels}], [{"service": [{"name": key}]}]
            ingress = [{"from": [{"pod_selector": [{"match_labels": {"app": keys[number - 1]}}]}]}]
            specs = {
                "kubernetes_deployment": {"replicas": "2", "selector": selector, "template": template},
                "kubernetes_service": {"selector": labels, "port": [{"port": 80}]},
                "kubernetes_ingress_v1": {"rule": [{"host": f"{key}.example.com", "http": [{"path": [{"backend": backend}]}]}]},
                "kubernetes_horizontal_pod_autoscaler": {"min_replicas": 2, "scale_target_ref": [{"kind": "Deployment", "name": key}]},
                "kubernetes_pod_disruption_budget_v1": {"min_available": "1", "selector": selector},
                "kubernetes_network_policy": {"pod_selector": selector, "policy_types": ["Ingress"], "ingress": ingress},
            }
            for kind, spec in specs.items():
                yield standing(kind, "each", {**head, "spec": [spec]}, key=key)

    made = list(rows())
    return plan(made, {"resources": [block(kind, "each", {}) for kind in dict.fromkeys(row["type"] for row in made)]})


SHAPES: tuple[Callable[[list[str]], Row], ...] = (modules, tenants, cluster)


def main() -> None:
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    print(f"{'shape':10} {'instances':>9} {'resources':>9} {'discover s':>10} {'json.load s':>11} {'us a resource':>13}")
    for shape in SHAPES:
        for count in (100, most):
            made = shape([f"t{number:05d}x" for number in range(count)])
            with tempfile.TemporaryDirectory() as name:
                path = Path(name) / "plan.json"
                path.write_text(json.dumps(made, separators=(",", ":")), encoding="utf-8")
                found = compare({"json.load": [YARDSTICK, str(path)], "discover": [DISCOVER, str(path)]}, path.parent, ROUNDS)
            resources, seconds = len(made["resource_changes"]), found["discover"][0]
            print(
                f"{shape.__name__:10} {count:9,} {resources:9,} {seconds:10.2f} {found['json.load'][0]:11.2f} {1e6 * seconds / resources:13.0f}"
            )


if __name__ == "__main__":
    main()
