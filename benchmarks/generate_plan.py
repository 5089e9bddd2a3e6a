"""Write a Terraform plan of any size as JSON: deterministic, no provider, no network.

    python benchmarks/generate_plan.py 10000 plan.json

Cells of 50 services share one network module (23 resources); a service has 17 resources. Half of the services come from one `for_each` module
call, half from named calls that read another service's output. Most resources are no-op; every tenth service changes. About 7 KB a resource,
as plans of the AWS provider have: half of the file repeats in `planned_values` and `prior_state` what `resource_changes` says.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

REGION = "eu-west-1"
ACCOUNT = "123456789012"
ZONES = (f"{REGION}a", f"{REGION}b", f"{REGION}c")
PROVIDER = "registry.terraform.io/hashicorp/aws"
SERVICES_A_CELL = 50
Row = dict[str, Any]


def digest(*parts: object, length: int = 17) -> str:
    return hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()[:length]


def arn(service: str, rest: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}"


def tags(name: str) -> Row:
    own = {"Name": name, "Environment": "production", "ManagedBy": "terraform", "CostCentre": "platform-4711", "Owner": "team-" + name[:6]}
    return {"tags": own, "tags_all": {**own, "Repository": "example/infrastructure", "DataClassification": "internal"}}


def ref(*targets: str, keyed: str = "") -> Row:
    references: list[str] = []
    for target in targets:
        references.append(target)
        head, _, _ = target.rpartition(".")
        if head.count(".") >= (2 if head.startswith("data.") else 1):
            references.append(head)
        if target.startswith("module.") and target.count(".") == 2:
            references.append(head)
    return {"references": [*dict.fromkeys(references), *([keyed] if keyed else [])]}


def const(value: Any) -> Row:
    return {"constant_value": value}


COMPUTED: Row = {
    **{f"{name}_enabled": flag for name, flag in (("access_logs", False), ("auto_minor_version_upgrade", True), ("copy_tags", True), ("cross_zone", True))},
    **dict.fromkeys(("customer_owned_ipv4_pool", "final_snapshot_identifier", "kms_key_id", "name_prefix", "permissions_boundary", "timezone")),
    **{f"{name}_seconds": value for name, value in (("client_keep_alive", 3600), ("delay", 0), ("receive_wait_time", 20))},
    "access_logs": [{"bucket": "", "enabled": False, "prefix": ""}], "capacity_provider_strategy": [], "placement_constraints": [], "triggers": {},
}  # fmt: skip
"""Attributes of providers that nobody sets: they are most of a plan's bytes."""


def sensitive(value: Any, name: str = "") -> Any:
    """What Terraform writes beside the values of a resource: the same blocks and lists, `true` for a secret, `false` for any other element."""
    if isinstance(value, dict):
        marks = {key: sensitive(child, key) for key, child in value.items()}
        return {key: mark for key, mark in marks.items() if mark is not False}
    return [sensitive(child) for child in value] if isinstance(value, list) else name == "password"


class Module:
    """The resources of one module instance: (type, name, index, values, expressions)."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.rows: list[tuple[str, str, int | None, Row]] = []
        self.config: dict[tuple[str, str], Row] = {}

    def add(self, kind: str, name: str, values: Row, expressions: Row, index: int | None = None, count: int | None = None) -> Row:
        full = {**COMPUTED, **values, **tags(f"{self.label}-{name}"), "timeouts": None}
        self.rows.append((kind, name, index, full))
        row: Row = {
            "address": f"{kind}.{name}",
            "mode": "managed",
            "type": kind,
            "name": name,
            "provider_config_key": "aws",
            "expressions": {**expressions, "tags": ref("var.tags")},
            "schema_version": 1,
        }
        if count is not None:
            row["count_expression"] = const(count)
        self.config[kind, name] = row
        return full


def network(cell: int) -> Module:
    label = f"cell-{cell:04d}"
    module = Module(label)
    vpc = f"vpc-{digest(label, 'vpc')}"
    module.add(
        "aws_vpc",
        "this",
        {"id": vpc, "arn": arn("ec2", f"vpc/{vpc}"), "cidr_block": f"10.{cell % 250}.0.0/16", "enable_dns_hostnames": True, "enable_dns_support": True,
         "instance_tenancy": "default", "main_route_table_id": f"rtb-{digest(label, 'main')}", "owner_id": ACCOUNT, "ipv6_association_id": ""},
        {"cidr_block": ref("var.cidr")},
    )  # fmt: skip
    for tier in ("public", "private"):
        for index in range(3):
            subnet = f"subnet-{digest(label, tier, index)}"
            module.add(
                "aws_subnet",
                tier,
                {"id": subnet, "arn": arn("ec2", f"subnet/{subnet}"), "availability_zone": ZONES[index], "availability_zone_id": f"euw1-az{index + 1}",
                 "cidr_block": f"10.{cell % 250}.{index + (10 if tier == 'private' else 0)}.0/24", "map_public_ip_on_launch": tier == "public",
                 "vpc_id": vpc, "owner_id": ACCOUNT, "ipv6_native": False, "private_dns_hostname_type_on_launch": "ip-name"},
                {"vpc_id": ref("aws_vpc.this.id"), "availability_zone": ref("data.aws_availability_zones.this.names", keyed="count.index")},
                index,
                3,
            )  # fmt: skip
    gateway = f"igw-{digest(label, 'igw')}"
    module.add(
        "aws_internet_gateway", "this", {"id": gateway, "vpc_id": vpc, "arn": arn("ec2", gateway)}, {"vpc_id": ref("aws_vpc.this.id")}
    )
    for index in range(3):
        eip, nat, table = (f"{prefix}-{digest(label, prefix, index)}" for prefix in ("eipalloc", "nat", "rtb"))
        module.add(
            "aws_eip", "nat", {"id": eip, "allocation_id": eip, "public_ip": f"54.{cell % 250}.{index}.7", "domain": "vpc"}, {}, index, 3
        )
        module.add(
            "aws_nat_gateway",
            "this",
            {"id": nat, "allocation_id": eip, "subnet_id": f"subnet-{digest(label, 'public', index)}", "connectivity_type": "public"},
            {"allocation_id": ref("aws_eip.nat", keyed="count.index"), "subnet_id": ref("aws_subnet.public", keyed="count.index")},
            index,
            3,
        )
        module.add(
            "aws_route_table",
            "private",
            {"id": table, "vpc_id": vpc, "route": [{"cidr_block": "0.0.0.0/0", "nat_gateway_id": nat, "gateway_id": ""}]},
            {"vpc_id": ref("aws_vpc.this.id"), "route": ref("aws_nat_gateway.this", keyed="count.index")},
            index,
            3,
        )
    private = [f"subnet-{digest(label, 'private', index)}" for index in range(3)]
    module.add(
        "aws_ecs_cluster",
        "this",
        {"id": arn("ecs", f"cluster/{label}"), "arn": arn("ecs", f"cluster/{label}"), "name": label},
        {"name": ref("var.name")},
    )
    for kind in ("aws_db_subnet_group", "aws_elasticache_subnet_group"):
        module.add(
            kind,
            "this",
            {"id": label, "name": label, "subnet_ids": private},
            {"name": ref("var.name"), "subnet_ids": ref("aws_subnet.private")},
        )
    for index in range(3):
        module.add(
            "aws_route_table_association",
            "private",
            {
                "id": f"rtbassoc-{digest(label, 'assoc', index)}",
                "subnet_id": private[index],
                "route_table_id": f"rtb-{digest(label, 'rtb', index)}",
            },
            {
                "subnet_id": ref("aws_subnet.private", keyed="count.index"),
                "route_table_id": ref("aws_route_table.private", keyed="count.index"),
            },
            index,
            3,
        )
    return module


def service(cell: int, number: int) -> Module:
    label = f"svc-{cell:04d}-{number:03d}"
    net = f"cell-{cell:04d}"
    module = Module(label)
    vpc = f"vpc-{digest(net, 'vpc')}"
    public, private = ([f"subnet-{digest(net, tier, index)}" for index in range(3)] for tier in ("public", "private"))
    groups = {name: f"sg-{digest(label, name)}" for name in ("lb", "app")}
    lb = arn("elasticloadbalancing", f"loadbalancer/app/{label}/{digest(label, 'lb', length=16)}")
    target = arn("elasticloadbalancing", f"targetgroup/{label}/{digest(label, 'tg', length=16)}")
    role_arns = {name: f"arn:aws:iam::{ACCOUNT}:role/{label}-{name}" for name in ("task", "execution")}
    queues = {name: f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{label}-{name}" for name in ("jobs", "dead")}
    database = f"{label}.{digest(label, 'db', length=12)}.{REGION}.rds.amazonaws.com"
    cache = f"{label}.{digest(label, 'rg', length=6)}.ng.0001.euw1.cache.amazonaws.com"
    for name, group in groups.items():
        rules = [{"from_port": port, "to_port": port, "protocol": "tcp", "cidr_blocks": ["10.0.0.0/8"], "description": "", "ipv6_cidr_blocks": [],
                  "prefix_list_ids": [], "security_groups": [], "self": False} for port in (80, 443, 8080)]  # fmt: skip
        module.add(
            "aws_security_group",
            name,
            {"id": group, "arn": arn("ec2", f"security-group/{group}"), "name": f"{label}-{name}", "description": "Managed by Terraform", "vpc_id": vpc,
             "ingress": rules, "egress": rules[:1], "owner_id": ACCOUNT, "revoke_rules_on_delete": False},
            {"name": ref("var.name"), "vpc_id": ref("var.vpc_id")},
        )  # fmt: skip
    for name, role in role_arns.items():
        module.add(
            "aws_iam_role",
            name,
            {"id": f"{label}-{name}", "arn": role, "name": f"{label}-{name}", "unique_id": "AROA" + digest(label, name).upper(), "path": "/",
             "assume_role_policy": json.dumps({"Version": "2012-10-17", "Statement": [{"Action": "sts:AssumeRole", "Effect": "Allow",
                                               "Principal": {"Service": "ecs-tasks.amazonaws.com"}}]}), "max_session_duration": 3600},
            {"name": ref("var.name")},
        )  # fmt: skip
    module.add(
        "aws_iam_role_policy",
        "task",
        {"id": f"{label}-task:{label}", "name": label, "role": f"{label}-task",
         "policy": json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["sqs:SendMessage", "sqs:ReceiveMessage"],
                               "Resource": [arn("sqs", f"{label}-jobs"), arn("sqs", f"{label}-dead")]}]})},
        {"role": ref("aws_iam_role.task.id"), "policy": ref("aws_sqs_queue.jobs.arn", "aws_sqs_queue.dead.arn")},
    )  # fmt: skip
    module.add(
        "aws_cloudwatch_log_group", "this",
        {"id": f"/ecs/{label}", "arn": arn("logs", f"log-group:/ecs/{label}"), "name": f"/ecs/{label}", "retention_in_days": 30},
        {"name": ref("var.name")},
    )  # fmt: skip
    module.add(
        "aws_lb",
        "this",
        {"id": lb, "arn": lb, "arn_suffix": lb.split("loadbalancer/")[1], "dns_name": f"{label}-1234567890.{REGION}.elb.amazonaws.com", "name": label,
         "internal": False, "load_balancer_type": "application", "security_groups": [groups["lb"]], "subnets": public, "vpc_id": vpc,
         "zone_id": "Z32O12XQLNTSW2", "idle_timeout": 60, "enable_http2": True, "ip_address_type": "ipv4", "drop_invalid_header_fields": False,
         "subnet_mapping": [{"subnet_id": subnet, "allocation_id": "", "private_ipv4_address": ""} for subnet in public]},
        {"name": ref("var.name"), "security_groups": ref("aws_security_group.lb.id"), "subnets": ref("var.public_subnet_ids")},
    )  # fmt: skip
    module.add(
        "aws_lb_target_group",
        "this",
        {"id": target, "arn": target, "arn_suffix": target.split(":")[-1], "name": label, "port": 8080, "protocol": "HTTP", "target_type": "ip", "vpc_id": vpc,
         "deregistration_delay": "300", "health_check": [{"enabled": True, "healthy_threshold": 3, "interval": 30, "matcher": "200", "path": "/healthz",
                                                          "port": "traffic-port", "protocol": "HTTP", "timeout": 5, "unhealthy_threshold": 3}]},
        {"name": ref("var.name"), "vpc_id": ref("var.vpc_id"), "health_check": [{"path": const("/healthz")}]},
    )  # fmt: skip
    listener = arn("elasticloadbalancing", f"listener/app/{label}/{digest(label, 'li', length=16)}")
    module.add(
        "aws_lb_listener",
        "https",
        {"id": listener, "arn": listener, "load_balancer_arn": lb, "port": 443, "protocol": "HTTPS", "ssl_policy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
         "default_action": [{"type": "forward", "target_group_arn": target, "order": 1, "redirect": [], "fixed_response": [], "forward": []}]},
        {"load_balancer_arn": ref("aws_lb.this.arn"), "default_action": [{"type": const("forward"), "target_group_arn": ref("aws_lb_target_group.this.arn")}]},
    )  # fmt: skip
    for name, url in queues.items():
        redrive = json.dumps({"deadLetterTargetArn": arn("sqs", f"{label}-dead"), "maxReceiveCount": 5}) if name == "jobs" else ""
        module.add(
            "aws_sqs_queue",
            name,
            {"id": url, "url": url, "arn": arn("sqs", f"{label}-{name}"), "name": f"{label}-{name}", "message_retention_seconds": 345600,
             "visibility_timeout_seconds": 30, "redrive_policy": redrive, "fifo_queue": False, "sqs_managed_sse_enabled": True},
            {"name": ref("var.name"), **({"redrive_policy": ref("aws_sqs_queue.dead.arn")} if name == "jobs" else {})},
        )  # fmt: skip
    module.add(
        "aws_db_instance",
        "this",
        {"id": f"db-{digest(label, 'dbi').upper()}", "identifier": label, "arn": arn("rds", f"db:{label}"), "address": database, "endpoint": f"{database}:5432",
         "engine": "postgres", "engine_version": "15.4", "instance_class": "db.r6g.large", "multi_az": True, "allocated_storage": 100,
         "backup_retention_period": 14, "deletion_protection": True, "db_subnet_group_name": net, "vpc_security_group_ids": [groups["app"]],
         "storage_type": "gp3", "storage_encrypted": True, "username": "app", "password": "generated-" + digest(label, "pw"), "port": 5432,
         "availability_zone": ZONES[0], "performance_insights_enabled": True, "skip_final_snapshot": False, "maintenance_window": "sun:03:00-sun:04:00",
         "backup_window": "01:00-02:00", "ca_cert_identifier": "rds-ca-rsa2048-g1", "iam_database_authentication_enabled": False,
         "enabled_cloudwatch_logs_exports": ["postgresql", "upgrade"], "license_model": "postgresql-license", "monitoring_interval": 60},
        {"identifier": ref("var.name"), "db_subnet_group_name": ref("var.db_subnet_group"), "vpc_security_group_ids": ref("aws_security_group.app.id"),
         "multi_az": const(True), "password": ref("var.db_password")},
    )  # fmt: skip
    module.add(
        "aws_elasticache_replication_group",
        "this",
        {"id": label, "replication_group_id": label, "arn": arn("elasticache", f"replicationgroup:{label}"), "primary_endpoint_address": cache,
         "num_cache_clusters": 2, "automatic_failover_enabled": True, "multi_az_enabled": True, "engine": "redis", "engine_version": "7.0",
         "node_type": "cache.t4g.small", "port": 6379, "subnet_group_name": net, "security_group_ids": [groups["app"]], "snapshot_retention_limit": 5,
         "member_clusters": [f"{label}-001", f"{label}-002"], "at_rest_encryption_enabled": True, "transit_encryption_enabled": True},
        {"replication_group_id": ref("var.name"), "subnet_group_name": ref("var.cache_subnet_group"), "security_group_ids": ref("aws_security_group.app.id")},
    )  # fmt: skip
    definition = arn("ecs", f"task-definition/{label}:7")
    environment = {
        "DB_HOST": database,
        "REDIS_HOST": cache,
        "QUEUE_URL": queues["jobs"],
        "LOG_LEVEL": "info",
        "FEATURE_FLAGS": "a,b,c",
        "PORT": "8080",
    }
    containers = [{"name": "app", "image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/app:1.42.0", "essential": True, "cpu": 512, "memory": 1024,
                   "environment": [{"name": key, "value": value} for key, value in sorted(environment.items())], "portMappings": [{"containerPort": 8080}],
                   "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": f"/ecs/{label}", "awslogs-region": REGION}}}]  # fmt: skip
    module.add(
        "aws_ecs_task_definition",
        "this",
        {"id": label, "arn": definition, "family": label, "revision": 7, "network_mode": "awsvpc", "cpu": "512", "memory": "1024",
         "container_definitions": json.dumps(containers), "task_role_arn": role_arns["task"], "execution_role_arn": role_arns["execution"],
         "requires_compatibilities": ["FARGATE"], "volume": [], "skip_destroy": False},
        {"family": ref("var.name"), "task_role_arn": ref("aws_iam_role.task.arn"), "execution_role_arn": ref("aws_iam_role.execution.arn"),
         "container_definitions": ref("aws_db_instance.this.address", "aws_elasticache_replication_group.this.primary_endpoint_address",
                                      "aws_sqs_queue.jobs.url", "aws_cloudwatch_log_group.this.name", "var.upstream")},
    )  # fmt: skip
    module.add(
        "aws_ecs_service",
        "this",
        {"id": arn("ecs", f"service/{net}/{label}"), "name": label, "cluster": arn("ecs", f"cluster/{net}"), "task_definition": definition,
         "desired_count": 3, "launch_type": "FARGATE", "deployment_maximum_percent": 200, "deployment_minimum_healthy_percent": 100,
         "load_balancer": [{"target_group_arn": target, "container_name": "app", "container_port": 8080, "elb_name": ""}],
         "network_configuration": [{"subnets": private, "security_groups": [groups["app"]], "assign_public_ip": False}], "platform_version": "LATEST"},
        {"cluster": ref("var.cluster"), "task_definition": ref("aws_ecs_task_definition.this.arn"),
         "load_balancer": [{"target_group_arn": ref("aws_lb_target_group.this.arn")}],
         "network_configuration": [{"subnets": ref("var.private_subnet_ids"), "security_groups": ref("aws_security_group.app.id")}]},
    )  # fmt: skip
    resource_id = f"service/{net}/{label}"
    module.add(
        "aws_appautoscaling_target", "this",
        {"id": resource_id, "resource_id": resource_id, "min_capacity": 3, "max_capacity": 12, "scalable_dimension": "ecs:service:DesiredCount",
         "service_namespace": "ecs"},
        {"resource_id": ref("aws_ecs_service.this.name", "var.cluster")},
    )  # fmt: skip
    module.add(
        "aws_cloudwatch_metric_alarm", "lag",
        {"id": f"{label}-lag", "alarm_name": f"{label}-lag", "arn": arn("cloudwatch", f"alarm:{label}-lag"), "metric_name": "ApproximateAgeOfOldestMessage",
         "namespace": "AWS/SQS", "dimensions": {"QueueName": f"{label}-jobs"}, "threshold": 300, "period": 60, "evaluation_periods": 5},
        {"dimensions": ref("aws_sqs_queue.jobs.name")},
    )  # fmt: skip
    return module


OUTPUTS_OF_NETWORK = {
    "vpc_id": "aws_vpc.this.id",
    "public_subnet_ids": "aws_subnet.public",
    "private_subnet_ids": "aws_subnet.private",
    "cluster": "aws_ecs_cluster.this.arn",
    "db_subnet_group": "aws_db_subnet_group.this.name",
    "cache_subnet_group": "aws_elasticache_subnet_group.this.name",
}


class Document:
    """Collects module instances into the parts of a plan."""

    def __init__(self) -> None:
        self.changes: list[Row] = []
        self.planned: list[Row] = []
        self.prior: list[Row] = []
        self.calls: Row = {}
        self.size = 0

    def call(self, name: str, module: Module, expressions: Row, outputs: dict[str, str], for_each: Row | None = None) -> None:
        row: Row = {
            "source": f"./modules/{name.split('_')[0]}",
            "expressions": {**expressions, "name": const(name), "tags": const({})},
            "module": {
                "outputs": {key: {"expression": ref(target)} for key, target in outputs.items()},
                "resources": list(module.config.values()),
                "variables": {key: {} for key in expressions},
            },
        }
        if for_each is not None:
            row["for_each_expression"] = for_each
        self.calls[name] = row

    def instance(self, address: str, module: Module, change: str) -> None:
        planned: list[Row] = []
        prior: list[Row] = []
        for kind, name, index, values in module.rows:
            self._resource(address, kind, name, index, values, change, planned, prior)
        self.planned.append({"address": address, "resources": planned})
        if prior:
            self.prior.append({"address": address, "resources": prior})
        self.size += len(module.rows)

    def _resource(
        self, module: str, kind: str, name: str, index: int | None, values: Row, change: str, planned: list[Row], prior: list[Row]
    ) -> None:
        address = f"{module}.{kind}.{name}" + ("" if index is None else f"[{index}]")
        head: Row = {"address": address, "mode": "managed", "type": kind, "name": name, **({} if index is None else {"index": index})}
        before: Row | None = values
        after: Row = dict(values)
        unknown: Row = {}
        actions = ["no-op"]
        if change == "update" and kind == "aws_db_instance":
            after["multi_az"] = False
            actions = ["update"]
        elif change == "create":
            before = None
            actions = ["create"]
            for key in ("id", "arn", "address", "endpoint", "dns_name", "url"):
                if after.pop(key, None) is not None:
                    unknown[key] = True
        was, is_now = False if before is None else sensitive(before), sensitive(after)
        self.changes.append(
            {**head, "module_address": module, "provider_name": PROVIDER, "change": {
                "actions": actions, "before": before, "after": after, "after_unknown": unknown,
                "before_sensitive": was, "after_sensitive": is_now}}
        )  # fmt: skip
        state = {**head, "provider_name": PROVIDER, "schema_version": 1}
        planned.append({**state, "values": after, "sensitive_values": is_now})
        if before is not None:
            prior.append({**state, "values": before, "sensitive_values": was, "depends_on": [f"{module}.aws_vpc.this"]})

    def finish(self) -> Row:
        def values(modules: list[Row]) -> Row:
            return {"root_module": {"child_modules": modules}}

        return {
            "format_version": "1.2",
            "terraform_version": "1.11.4",
            "variables": {"region": {"value": REGION}},
            "planned_values": values(self.planned),
            "resource_changes": self.changes,
            "prior_state": {"format_version": "1.0", "terraform_version": "1.11.4", "values": values(self.prior)},
            "configuration": {
                "provider_config": {"aws": {"name": "aws", "full_name": PROVIDER, "expressions": {"region": ref("var.region")}}},
                "root_module": {"module_calls": self.calls, "variables": {"region": {}}},
            },
            "timestamp": "2026-01-01T00:00:00Z",
            "applyable": True,
            "complete": True,
            "errored": False,
        }


def change_of(number: int) -> str:
    return "update" if number % 10 == 3 else "create" if number % 50 == 49 else ""


def add_cell(document: Document, cell: int) -> Iterator[None]:
    net = f"network_{cell:04d}"
    module = network(cell)
    document.call(net, module, {"cidr": const(f"10.{cell % 250}.0.0/16")}, OUTPUTS_OF_NETWORK)
    document.instance(f"module.{net}", module, "")
    yield
    inputs = {key: ref(f"module.{net}.{key}") for key in OUTPUTS_OF_NETWORK}
    outputs = {"url": "aws_lb.this.dns_name"}
    fleet = f"fleet_{cell:04d}"
    for number in range(SERVICES_A_CELL):
        part = service(cell, number)
        if number < SERVICES_A_CELL // 2:
            if number == 0:
                document.call(fleet, part, {**inputs, "upstream": const("")}, outputs, const({}))
            document.instance(f'module.{fleet}["{number:03d}"]', part, change_of(number))
        else:
            name = f"service_{cell:04d}_{number:03d}"
            upstream = f"module.service_{cell:04d}_{number - 1:03d}.url" if number > SERVICES_A_CELL // 2 else f'module.{fleet}["000"].url'
            document.call(name, part, {**inputs, "upstream": ref(upstream)}, outputs)
            document.instance(f"module.{name}", part, change_of(number))
        yield


def generate(resources: int) -> Row:
    """A plan with at least this many resources (whole module instances)."""
    document = Document()
    cell = 0
    while document.size < resources:
        for _ in add_cell(document, cell):
            if document.size >= resources:
                break
        cell += 1
    return document.finish()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("resources", type=int)
    parser.add_argument("path", type=Path)
    arguments = parser.parse_args()
    plan = generate(arguments.resources)
    with arguments.path.open("w", encoding="utf-8") as file:
        json.dump(plan, file, separators=(",", ":"))
    print(f"{arguments.path}: {len(plan['resource_changes'])} resources, {arguments.path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
