from __future__ import annotations

import base64
import json

import pytest
from terraform_plans import document, edges, links_of, same

from faultray_action.terraform.narrowing import fragments, occurs
from faultray_action.terraform.values import is_specific, names_a_resource, stem, tokens, type_fits

HOST = "main.abcdef.eu-west-1.rds.amazonaws.com"
DATABASE = same("aws_db_instance.main", {"id": "db-1", "address": HOST, "endpoint": f"{HOST}:5432"})
QUEUE_URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/jobs"
QUEUE = same("aws_sqs_queue.jobs", {"id": QUEUE_URL, "url": QUEUE_URL, "arn": "arn:aws:sqs:eu-west-1:123456789012:jobs", "name": "jobs"})
BUCKET = same("aws_s3_bucket.logs", {"id": "acme-logs", "bucket": "acme-logs", "arn": "arn:aws:s3:::acme-logs"})


@pytest.mark.parametrize(
    "text",
    [
        "arn:aws:s3:::acme-logs",
        "vpc-0123456789abcdef0",
        "subnet-01234567",
        "/subscriptions/x/resourceGroups/rg/providers/Microsoft.Sql/servers/s",
        "projects/p/zones/z/instances/i",
        "https://www.googleapis.com/compute/v1/projects/p",
        "9f0c1d2e-0000-4000-8000-0123456789ab",
        HOST,
        f"{HOST}:5432",
        "10.0.1.17",
        "Z0123456789ABCDEF",
    ],
)
def test_identifiers_are_known_by_their_shape(text: str) -> None:
    assert is_specific(text)


@pytest.mark.parametrize(
    "text",
    [
        "orders",
        "production",
        "eu-west-1",
        "us-east-1a",
        "europe-west1-b",
        "123456789012",
        "10.0.0.0/16",
        "1.2.3",
        "2024-01-01T00:00:00Z",
        "true",
    ],
)
def test_common_words_are_not(text: str) -> None:
    assert not is_specific(text)


def test_stems_and_types() -> None:
    assert stem("db_subnet_group_name") == "db_subnet_group"
    assert stem("subnets") == "subnet"
    assert stem("ORDERS_TABLE_NAME") == "orders_table"
    assert type_fits("aws_db_subnet_group", "db_subnet_group")
    assert type_fits("aws_dynamodb_table", "table")
    assert not type_fits("aws_ecs_cluster", "table")
    assert names_a_resource("ORDERS_TABLE")
    assert not names_a_resource("retention")


def test_tokens_of_texts() -> None:
    assert "arn:aws:s3:::acme-logs" in set(tokens("arn:aws:s3:::acme-logs/*"))
    assert HOST in set(tokens(f"host={HOST};port=5432"))
    assert HOST in set(tokens(f"jdbc:postgresql://{HOST}:5432/app"))
    assert {"b-1.kafka.example.com", "b-2.kafka.example.com"} <= set(tokens("b-1.kafka.example.com:9092,b-2.kafka.example.com:9092"))
    assert "arn:aws:lambda:eu-west-1:1:function:f" in set(
        tokens("arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:1:function:f/invocations")
    )


def test_whole_words_only() -> None:
    assert occurs("web-1", "a web-1.")
    assert not occurs("web-1", "web-10 xweb-1 web-1-a")
    assert fragments("arn:aws:ecs:eu-west-1:1:cluster/main")[1] == "main"


CONTAINERS = json.dumps([{"name": "app", "environment": [{"name": "DB_HOST", "value": HOST}, {"name": "QUEUE", "value": QUEUE_URL}]}])


@pytest.mark.parametrize(
    "values",
    [
        {"container_definitions": CONTAINERS},
        {"user_data": base64.b64encode(f"#!/bin/sh\nexport DB={HOST}\nexport QUEUE={QUEUE_URL}\n".encode()).decode()},
        {"environment": [{"variables": {"DB": f"postgres://app:pw@{HOST}:5432/app", "QUEUE": QUEUE_URL}}]},
        {"connection": f"host={HOST};queue={QUEUE_URL}"},
        {"policy": json.dumps({"Statement": [{"Resource": ["arn:aws:sqs:eu-west-1:123456789012:jobs", f"https://{HOST}/x"]}]})},
    ],
)
def test_values_inside_strings_link(values: dict[str, object]) -> None:
    tree = document([DATABASE, QUEUE, same("aws_app.x", values)])
    assert {(source, target) for source, _, target in edges(tree)} == {
        ("aws_app.x", "aws_db_instance.main"),
        ("aws_app.x", "aws_sqs_queue.jobs"),
    }


def test_a_name_links_only_where_the_attribute_names_such_a_thing() -> None:
    rows = [
        same("aws_dynamodb_table.t", {"id": "orders", "name": "orders"}),
        same("aws_app.env", {"variables": {"ORDERS_TABLE": "orders"}}),
        same("aws_app.word", {"description": "orders", "mode": "orders", "tags": {"table": "orders"}}),
        same("aws_ecs_service.s", {"id": "x", "name": "orders"}),
    ]
    assert edges(document(rows)) == {("aws_app.env", "variables.ORDERS_TABLE", "aws_dynamodb_table.t")}


def test_a_shared_name_links_to_the_type_that_the_attribute_names() -> None:
    rows = [
        same(f"{kind}.x", {"id": "shop-api", "name": "shop-api"})
        for kind in ("aws_lb", "aws_iam_role", "aws_ecs_cluster", "aws_iam_instance_profile")
    ]
    rows += [same("aws_a.x", {"iam_instance_profile": "shop-api", "role": "shop-api", "cluster": "shop-api", "policy_id": "shop-api"})]
    found = {(path, target) for source, path, target in edges(document(rows)) if source == "aws_a.x"}
    assert found == {
        ("cluster", "aws_ecs_cluster.x"),
        ("iam_instance_profile", "aws_iam_instance_profile.x"),
        ("role", "aws_iam_role.x"),
    }


def test_parts_of_a_resource_that_bear_its_id_link_to_it_and_are_not_taken_for_it() -> None:
    rows = [
        BUCKET,
        same("aws_s3_bucket_policy.p", {"id": "acme-logs", "bucket": "acme-logs"}),
        same("aws_s3_bucket_versioning.v", {"id": "acme-logs", "bucket": "acme-logs"}),
        same("aws_cloudtrail.t", {"s3_bucket_name": "acme-logs"}),
    ]
    assert {(source, target) for source, _, target in edges(document(rows))} == {
        (f"aws_{part}", "aws_s3_bucket.logs") for part in ("s3_bucket_policy.p", "s3_bucket_versioning.v", "cloudtrail.t")
    }


def test_a_value_that_two_resources_hold_links_nothing() -> None:
    rows = [same(f"aws_thing.{name}", {"id": name, "endpoint": "shared.example.internal.net"}) for name in ("a", "b")]
    assert edges(document([*rows, same("aws_app.x", {"upstream": "shared.example.internal.net"})])) == set()


def test_a_data_source_looks_up_the_managed_resource() -> None:
    rows = [
        same("aws_vpc.x", {"id": "vpc-01234567"}),
        same("data.aws_vpc.y", {"id": "vpc-01234567"}),
        same("aws_subnet.z", {"vpc_id": "vpc-01234567"}),
    ]
    assert ("aws_subnet.z", "vpc_id", "aws_vpc.x") in edges(document(rows))


def test_identities_of_the_catalogue_are_used() -> None:
    rows = [
        same("acme_broker.b", {"id": "b", "nodes": [{"dns": "node-1.acme.example.org"}]}),
        same("aws_app.x", {"broker": "node-1.acme.example.org"}),
    ]
    assert edges(document(rows)) == set()
    (link,) = links_of(document(rows), identities={"acme_broker": ("nodes.dns",)})
    assert (link.target, link.attribute) == ("acme_broker.b", "nodes.dns")
