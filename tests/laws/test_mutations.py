"""Defects planted one by one into sound plans: each must be the first finding, told with its cause; the sound plans must be free of findings,
and taking the defect back must be an improvement (docs/model.md)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from plan_edits import Edited, stored

from faultray_action.pipeline import Request, check
from faultray_action.report.store import dump

WEB, ORDERS, BILLING, SHOP, PODS, AKS, PHOTOS = (
    "targets-detached", "endpoint-removed", "dlq-removed", "firewall-removed", "selector-typo", "pool-deleted", "gzrs-to-lrs-inplace",
)  # fmt: skip
HYBRID, EDGE = "peering-routes-removed", "cdn-disabled"
SOUND = (WEB, ORDERS, BILLING, SHOP, PODS, AKS, PHOTOS, HYBRID, EDGE)
PLATFORM, PORTAL, TELEMETRY = "aurora-for-each-no-moved", "failover-blind", "msk-two-brokers"

ASG, ALB = "module.web.aws_autoscaling_group.web", "module.web.aws_lb.this"
NET, API, CACHE = "module.network.", "module.platform.module.api.", "module.platform.module.cache.aws_elasticache_replication_group.this"
AURORA = "module.platform.module.aurora.aws_rds_cluster_instance.this"
SQL, REDIS, MIG = (
    "module.data.google_sql_database_instance.main",
    "module.data.google_redis_instance.sessions",
    "module.web.google_compute_region_instance_group_manager.web",
)
CHECKOUT, CATALOG = (f'module.service["{name}"].kubernetes_deployment_v1.this' for name in ("checkout", "catalog"))
POOL, GATEWAY, UPLOADS = (
    'module.aks.azurerm_kubernetes_cluster_node_pool.this["apps"]',
    "azurerm_application_gateway.edge",
    "azurerm_storage_account.uploads",
)
BACKUP = "settings.0.backup_configuration.0."


class Defect(NamedTuple):
    """`found`: addresses of which the first finding must name one; `kind`: where it stands: spof, risk or apply."""

    plan: str
    plant: Callable[[Edited], object]
    found: tuple[str, ...]
    kind: str
    mends: bool = False


def _subnet(edited: Edited, address: str) -> str:
    return str(edited.row(address)["change"]["before"]["id"])


DEFECTS = {
    "one instance": Defect(WEB, lambda p: p.set(ASG, "min_size", 1).set(ASG, "desired_capacity", 1), (ASG,), "spof", True),
    "one subnet": Defect(
        WEB, lambda p: p.set(ASG, "vpc_zone_identifier", [_subnet(p, NET + 'aws_subnet.private["us-east-1a"]')]), (ASG,), "spof", True
    ),
    "one zone for the front": Defect(
        WEB, lambda p: p.set(ALB, "subnets", [_subnet(p, NET + 'aws_subnet.public["us-east-1a"]')]), (ALB,), "spof", True
    ),
    "targets detached": Defect(
        WEB, lambda p: p.set(ASG, "target_group_arns", []), (ASG, "module.web.aws_lb_target_group.web"), "risk", True
    ),
    "listener deleted": Defect(WEB, lambda p: p.delete("module.web.aws_lb_listener.http"), (ASG, ALB), "risk"),
    "route to the internet deleted": Defect(WEB, lambda p: p.delete(NET + "aws_route.public"), (ALB,), "risk"),
    "routes to NAT deleted": Defect(
        WEB, lambda p: p.delete(*(f'{NET}aws_route.nat["us-east-1{z}"]' for z in "ab")), (ASG, NET + "aws_nat_gateway.this"), "risk"
    ),
    "group replaced": Defect(WEB, lambda p: p.replace(ASG), (ASG,), "apply"),
    "front replaced": Defect(WEB, lambda p: p.replace(ALB), (ALB,), "apply"),
    "name deleted": Defect(WEB, lambda p: p.delete("aws_route53_record.www"), (ALB,), "risk"),
    "front shut": Defect(
        WEB, lambda p: p.set("module.web.aws_security_group.alb", "ingress", []), ("module.web.aws_lb.this",), "risk", True
    ),
    "one line to the customer's site": Defect(
        HYBRID,
        lambda p: p.delete('aws_vpn_connection.dc["203.0.113.10"]', 'aws_customer_gateway.dc["203.0.113.10"]'),
        ('aws_vpn_connection.dc["198.51.100.10"]',),
        "spof",
    ),
    "attached in one zone": Defect(
        HYBRID,
        lambda p: p.set("aws_ec2_transit_gateway_vpc_attachment.app", "subnet_ids", [_subnet(p, "module.app.aws_subnet.private[0]")]),
        ("aws_ec2_transit_gateway_vpc_attachment.app",),
        "spof",
        True,
    ),
    "routes to the customer's site deleted": Defect(
        HYBRID, lambda p: p.delete(*(f"aws_route.to_dc[{n}]" for n in range(3))), ("aws_ec2_transit_gateway.hub",), "risk"
    ),
    "route back from the database deleted": Defect(
        HYBRID, lambda p: p.delete("aws_route.data_to_app"), ("aws_db_instance.claims", "aws_autoscaling_group.web"), "risk"
    ),
    "network ACL shut": Defect(
        HYBRID,
        lambda p: p.set("aws_network_acl_rule.data_in", "from_port", 5432).set("aws_network_acl_rule.data_in", "to_port", 5432),
        ("aws_db_instance.claims", "aws_autoscaling_group.web"),
        "risk",
        True,
    ),
    "network ACL lets no answer out": Defect(
        HYBRID, lambda p: p.delete("aws_network_acl_rule.data_out"), ("aws_db_instance.claims", "aws_autoscaling_group.web"), "risk"
    ),
    "nobody is let out to the database": Defect(
        HYBRID,
        lambda p: (
            p.set("aws_security_group.web", "egress.0.from_port", 443)
            .set("aws_security_group.web", "egress.0.to_port", 443)
            .set("aws_security_group.web", "egress.0.protocol", "tcp")
        ),
        ("aws_db_instance.claims", "aws_autoscaling_group.web"),
        "risk",
        True,
    ),
    "another port than the targets'": Defect(
        WEB,
        lambda p: p.set("module.web.aws_security_group.web", "ingress.0.from_port", 81).set(
            "module.web.aws_security_group.web", "ingress.0.to_port", 81
        ),
        (ASG, ALB),
        "risk",
        True,
    ),
    "routes to NAT deleted beside others": Defect(
        HYBRID,
        lambda p: p.delete(*(f"module.app.aws_route.nat[{n}]" for n in range(3))),
        ("aws_autoscaling_group.web", "module.app.aws_nat"),
        "risk",
    ),
    "front moved out of the public subnets": Defect(
        HYBRID,
        lambda p: p.set("aws_lb.web", "subnets", [_subnet(p, f"module.app.aws_subnet.private[{n}]") for n in range(3)]),
        ("aws_lb.web",),
        "risk",
        True,
    ),
    "network ACL of the front lets nobody in": Defect(
        HYBRID,
        lambda p: p.set("aws_network_acl.data", "subnet_ids", [_subnet(p, f"module.app.aws_subnet.public[{n}]") for n in range(3)]),
        ("aws_lb.web", "aws_autoscaling_group.web"),
        "risk",
        True,
    ),
    "stage deleted": Defect(ORDERS, lambda p: p.delete("aws_apigatewayv2_stage.prod"), ("aws_apigatewayv2_api.orders",), "risk"),
    "peering deleted": Defect(
        HYBRID, lambda p: p.delete("aws_vpc_peering_connection.data"), ("aws_db_instance.claims", "aws_autoscaling_group.web"), "risk"
    ),
    "distribution switched off": Defect(
        EDGE, lambda p: p.set("aws_cloudfront_distribution.media", "enabled", False), ("aws_route53_record.site",), "risk", True
    ),
    "function in one zone": Defect(
        ORDERS,
        lambda p: p.set("aws_lambda_function.ingest", "vpc_config.0.subnet_ids", [_subnet(p, "aws_subnet.fn[0]")]),
        ("aws_lambda_function.ingest",),
        "spof",
        True,
    ),
    "endpoint in one zone": Defect(
        ORDERS,
        lambda p: p.set("aws_vpc_endpoint.sqs", "subnet_ids", [_subnet(p, "aws_subnet.fn[0]")]),
        ("aws_vpc_endpoint.sqs",),
        "spof",
        True,
    ),
    "endpoint deleted": Defect(ORDERS, lambda p: p.delete("aws_vpc_endpoint.sqs"), ("aws_sqs_queue.orders",), "risk"),
    "function switched off": Defect(
        ORDERS,
        lambda p: p.set("aws_lambda_function.ingest", "reserved_concurrent_executions", 0),
        ("aws_lambda_function.ingest", "aws_apigatewayv2_api.orders"),
        "risk",
        True,
    ),
    "API route deleted": Defect(
        ORDERS, lambda p: p.delete("aws_apigatewayv2_route.post"), ("aws_lambda_function.ingest", "aws_apigatewayv2_api.orders"), "risk"
    ),
    "mapping disabled": Defect(
        ORDERS, lambda p: p.set("aws_lambda_event_source_mapping.worker", "enabled", False), ("aws_sqs_queue.orders",), "risk", True
    ),
    "no dead letters": Defect(
        ORDERS, lambda p: p.set("aws_sqs_queue.orders", "redrive_policy", ""), ("aws_sqs_queue.orders",), "risk", True
    ),
    "point-in-time recovery off": Defect(
        ORDERS,
        lambda p: p.set("aws_dynamodb_table.orders", "point_in_time_recovery", [{"enabled": False}]),
        ("aws_dynamodb_table.orders",),
        "risk",
        True,
    ),
    "table replaced": Defect(ORDERS, lambda p: p.replace("aws_dynamodb_table.orders"), ("aws_dynamodb_table.orders",), "apply"),
    "standby dropped": Defect(BILLING, lambda p: p.set("aws_db_instance.main", "multi_az", False), ("aws_db_instance.main",), "spof", True),
    "backups off": Defect(
        BILLING, lambda p: p.set("aws_db_instance.main", "backup_retention_period", 0), ("aws_db_instance.main",), "risk", True
    ),
    "one task": Defect(BILLING, lambda p: p.set("aws_ecs_service.api", "desired_count", 1), ("aws_ecs_service.api",), "spof", True),
    "no task": Defect(
        BILLING, lambda p: p.set("aws_ecs_service.api", "desired_count", 0), ("aws_ecs_service.api", "aws_lb.main"), "risk", True
    ),
    "database rule deleted": Defect(
        BILLING, lambda p: p.delete("aws_security_group_rule.postgres_from_api"), ("aws_db_instance.main",), "risk"
    ),
    "database replaced": Defect(BILLING, lambda p: p.replace("aws_db_instance.main"), ("aws_db_instance.main",), "apply"),
    "failover off": Defect(PLATFORM, lambda p: p.set(CACHE, "automatic_failover_enabled", False), (CACHE,), "spof", True),
    "one cache node": Defect(
        PLATFORM, lambda p: p.set(CACHE, "number_cache_clusters", 1).set(CACHE, "automatic_failover_enabled", False), (CACHE,), "spof", True
    ),
    "last reader deleted": Defect(
        PLATFORM, lambda p: p.delete(AURORA + "[1]"), (AURORA + "[0]", "module.platform.module.aurora.aws_rds_cluster.this"), "spof"
    ),
    "secondary record deleted": Defect(
        PORTAL, lambda p: p.delete("aws_route53_record.secondary"), ("module.primary.aws_lb.app", "aws_route53_record.primary"), "spof"
    ),
    "replica region deleted": Defect(
        PORTAL, lambda p: p.set("aws_dynamodb_table.sessions", "replica", []), ("aws_dynamodb_table.sessions",), "spof", True
    ),
    "standby scaled to zero": Defect(
        PORTAL,
        lambda p: p.set("module.secondary.aws_ecs_service.app", "desired_count", 0),
        ("module.primary.aws_lb.app", "aws_route53_record.primary"),
        "spof",
        True,
    ),
    "search in one zone": Defect(
        TELEMETRY,
        lambda p: p.set("aws_elasticsearch_domain.search", "cluster_config.0.zone_awareness_enabled", False),
        ("aws_elasticsearch_domain.search",),
        "spof",
        True,
    ),
    "two brokers": Defect(
        TELEMETRY, lambda p: p.set("aws_msk_cluster.events", "number_of_broker_nodes", 2), ("aws_msk_cluster.events",), "spof", True
    ),
    "zonal Cloud SQL": Defect(SHOP, lambda p: p.set(SQL, "settings.0.availability_type", "ZONAL"), (SQL,), "spof", True),
    "basic Redis": Defect(SHOP, lambda p: p.set(REDIS, "tier", "BASIC"), (REDIS,), "spof", True),
    "one machine": Defect(SHOP, lambda p: p.set(MIG, "target_size", 1), (MIG,), "spof", True),
    "Cloud SQL backups off": Defect(SHOP, lambda p: p.set(SQL, BACKUP + "enabled", False), (SQL,), "risk", True),
    "firewall rule deleted": Defect(SHOP, lambda p: p.delete("module.network.google_compute_firewall.health_checks"), (MIG,), "risk"),
    "backends removed": Defect(
        SHOP,
        lambda p: p.set("module.web.google_compute_backend_service.web", "backend", []),
        (MIG, "module.web.google_compute_backend_service.web"),
        "risk",
        True,
    ),
    "one pod": Defect(PODS, lambda p: p.set(CHECKOUT, "spec.0.replicas", "1"), (CHECKOUT,), "spof", True),
    "one pod behind another": Defect(PODS, lambda p: p.set(CATALOG, "spec.0.replicas", "1"), (CATALOG,), "spof", True),
    "selector that matches nothing": Defect(
        PODS,
        lambda p: p.set('module.service["checkout"].kubernetes_service_v1.this', "spec.0.selector", {"app": "x"}),
        (CHECKOUT, 'module.service["checkout"].kubernetes_service_v1.this'),
        "risk",
        True,
    ),
    "nodes in one zone": Defect(AKS, lambda p: p.set(POOL, "zones", ["1"]), (POOL,), "spof", True),
    "one node": Defect(AKS, lambda p: p.set(POOL, "node_count", 1), (POOL,), "spof", True),
    "gateway in one zone": Defect(AKS, lambda p: p.set(GATEWAY, "zones", ["1"]), (GATEWAY,), "spof", True),
    "storage in one zone": Defect(PHOTOS, lambda p: p.set(UPLOADS, "account_replication_type", "LRS"), (UPLOADS,), "spof", True),
}


def _report(edited: Edited, folder: Path) -> dict[str, Any]:
    path = folder / "plan.json"
    path.write_text(json.dumps(edited.plan), encoding="utf-8")
    return dict(json.loads(dump(check(Request(paths=(path,), date="2026-11-01")).document)))


def _findings(report: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """All new findings as the report orders them: single points, risks that gate, what applying interrupts."""
    rows = [("spof", row) for row in report["spofs"]["new"]]
    rows += [("risk", row) for row in report.get("risks", {}).get("new", ())]
    return rows + [("apply", row) for row in report.get("apply", {}).get("disruptions", ()) if row["class"] != "blip"]


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_plan_has_no_finding(name: str, tmp_path: Path) -> None:
    report = _report(Edited(stored(name)), tmp_path)
    assert report["gate"]["passed"]
    assert report["spofs"]["new"] == report["spofs"]["unchanged"] == []
    assert _findings(report) == []


@pytest.mark.parametrize("name", DEFECTS)
def test_a_planted_defect_is_the_first_finding(name: str, tmp_path: Path) -> None:
    defect = DEFECTS[name]
    edited = Edited(stored(defect.plan))
    defect.plant(edited)
    report = _report(edited, tmp_path)
    kind, row = _findings(report)[0]
    assert (kind, any(row["address"].startswith(address) for address in defect.found)) == (defect.kind, True), row["address"]
    assert not report["gate"]["passed"]
    assert report["score"]["delta"] <= 0 and report["score"]["after"] <= report["score"]["before"]


@pytest.mark.parametrize("name", [name for name, defect in DEFECTS.items() if defect.mends])
def test_mending_a_defect_is_never_a_loss(name: str, tmp_path: Path) -> None:
    edited = Edited(stored(DEFECTS[name].plan))
    DEFECTS[name].plant(edited)
    report = _report(edited.swapped(), tmp_path)
    assert report["gate"]["passed"], report["gate"]
    assert report["score"]["delta"] >= 0
    assert report["spofs"]["new"] == []
