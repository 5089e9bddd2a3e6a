"""What the data of Azure, Google Cloud and Kubernetes must say of copies, zones and standbys: a table a reviewer can check against the providers' pages."""

from __future__ import annotations

from typing import Any

import pytest

from faultray_action.catalogue.entry import Entry
from faultray_action.catalogue.expression import Scope, evaluate, every, truth
from faultray_action.catalogue.load import Catalogue, load
from faultray_action.model.value import UNKNOWN


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load()


def _entry(catalogue: Catalogue, kind: str) -> Entry:
    entry = catalogue.get(kind)
    assert entry is not None, kind
    return entry


def _copies(entry: Entry, values: dict[str, Any], servers: int = 0) -> tuple[Any, ...]:
    return evaluate(entry.copies, Scope(values, entry.defaults, servers=servers))


def _zones(entry: Entry, values: dict[str, Any]) -> int:
    """How many zones the first source that answers gives, as the builder reads them."""
    scope = Scope(values, entry.defaults)
    for source in entry.zones:
        if source.when and True not in {t for v in evaluate(source.when, scope) for t in truth(v)}:
            continue
        names = {v for path in source.names for v in every(values, path) if v not in (None, "", UNKNOWN)}
        if names:
            return len(names)
        if source.count:
            return int(evaluate(source.count, scope)[0])
    return 0


PLACED = [
    ("azurerm_service_plan", {"sku_name": "P1v3", "worker_count": 3, "zone_balancing_enabled": True}, 3, 3),
    ("azurerm_service_plan", {"sku_name": "P1v3", "worker_count": 3}, 3, 1),
    ("azurerm_service_plan", {"sku_name": "S1"}, 1, 1),
    ("azurerm_linux_virtual_machine", {"zone": "2", "location": "westeurope"}, 1, 1),
    ("azurerm_linux_virtual_machine_scale_set", {"instances": 3, "zones": ["1", "2", "3"]}, 3, 3),
    ("azurerm_linux_virtual_machine_scale_set", {"instances": 3, "zones": None}, 3, 1),
    ("azurerm_kubernetes_cluster", {"default_node_pool": [{"node_count": 3, "zones": ["1", "2", "3"]}]}, 3, 3),
    ("azurerm_kubernetes_cluster", {"default_node_pool": [{"auto_scaling_enabled": True, "min_count": 2, "node_count": 9}]}, 2, 1),
    ("azurerm_kubernetes_cluster_node_pool", {"node_count": 1, "zones": []}, 1, 1),
    ("azurerm_application_gateway", {"sku": [{"capacity": 1}], "zones": ["1", "2"]}, 1, 2),
    ("azurerm_application_gateway", {"sku": [{}], "autoscale_configuration": [{"min_capacity": 0}]}, 2, 1),
    ("azurerm_postgresql_flexible_server", {"zone": "1", "location": "westeurope"}, 1, 1),
    (
        "azurerm_postgresql_flexible_server",
        {"zone": "1", "high_availability": [{"mode": "ZoneRedundant", "standby_availability_zone": "2"}]},
        2,
        2,
    ),
    ("azurerm_postgresql_flexible_server", {"zone": "1", "high_availability": [{"mode": "ZoneRedundant"}]}, 2, 2),
    ("azurerm_mysql_flexible_server", {"zone": "1", "high_availability": [{"mode": "SameZone"}]}, 2, 1),
    ("azurerm_mssql_database", {"zone_redundant": True}, 3, 3),
    ("azurerm_mssql_database", {}, 2, 1),
    ("azurerm_redis_cache", {"sku_name": "Basic"}, 1, 1),
    ("azurerm_redis_cache", {"sku_name": "Premium", "replicas_per_primary": 2, "zones": ["1", "2", "3"]}, 3, 3),
    ("azurerm_redis_cache", {"sku_name": "Standard", "replicas_per_primary": UNKNOWN}, 2, 2),
    ("azurerm_storage_account", {"account_replication_type": "LRS"}, 3, 1),
    ("azurerm_storage_account", {"account_replication_type": "GZRS"}, 3, 3),
    ("azurerm_nat_gateway", {}, 1, 1),
    ("azurerm_api_management", {"sku_name": "Premium_2", "zones": ["1", "2"]}, 2, 2),
    ("google_compute_instance", {"zone": "europe-west1-b"}, 1, 1),
    ("google_compute_region_instance_group_manager", {"target_size": 3}, 3, 3),
    ("google_compute_region_instance_group_manager", {"target_size": 3, "distribution_policy_zones": ["europe-west1-b"]}, 3, 1),
    ("google_compute_region_instance_group_manager", {"target_size": 3, "distribution_policy_target_shape": "ANY_SINGLE_ZONE"}, 3, 1),
    ("google_compute_instance_group_manager", {"target_size": 2, "zone": "europe-west1-b"}, 2, 1),
    ("google_sql_database_instance", {"settings": [{"availability_type": "ZONAL"}]}, 1, 1),
    (
        "google_sql_database_instance",
        {"settings": [{"availability_type": "REGIONAL", "location_preference": [{"zone": "europe-west1-c", "secondary_zone": ""}]}]},
        2,
        2,
    ),
    ("google_redis_instance", {"tier": "STANDARD_HA", "location_id": "europe-west1-b", "alternative_location_id": ""}, 2, 2),
    ("google_redis_instance", {"location_id": "europe-west1-b"}, 1, 1),
    ("google_container_node_pool", {"location": "europe-west1", "node_count": 1, "node_locations": UNKNOWN}, 3, 3),
    ("google_container_node_pool", {"location": "europe-west1-b", "node_count": 2}, 2, 1),
    (
        "google_container_node_pool",
        {"location": "europe-west1", "autoscaling": [{"min_node_count": 2}], "node_locations": ["a", "b"]},
        4,
        2,
    ),
    ("google_bigtable_instance", {"cluster": [{"cluster_id": "a", "zone": "z-a"}, {"cluster_id": "b", "zone": "z-b"}]}, 2, 2),
    ("google_filestore_instance", {"tier": "BASIC_SSD", "location": "europe-west1-b"}, 1, 1),
    ("kubernetes_deployment", {"spec": [{"replicas": None}]}, 1, 2),
    ("kubernetes_deployment_v1", {"spec": [{"replicas": "0", "template": [{"spec": [{}]}]}]}, "0", 2),
    (
        "kubernetes_deployment_v1",
        {"spec": [{"replicas": 3, "template": [{"spec": [{"node_selector": {"topology.kubernetes.io/zone": "a"}}]}]}]},
        3,
        1,
    ),
]


@pytest.mark.parametrize(("kind", "values", "copies", "zones"), PLACED)
def test_copies_and_zones(catalogue: Catalogue, kind: str, values: dict[str, Any], copies: Any, zones: int) -> None:
    entry = _entry(catalogue, kind)
    assert _copies(entry, values) == (copies,)
    assert _zones(entry, values) == zones


def test_an_automatic_failover_group_doubles_a_database_over_two_regions(catalogue: Catalogue) -> None:
    entry = _entry(catalogue, "azurerm_mssql_database")
    assert _copies(entry, {}, servers=1) == (4,)
    assert evaluate(entry.regions, Scope({}, servers=1)) != evaluate(entry.regions, Scope({}))


def test_an_unset_computed_attribute_decides_nothing(catalogue: Catalogue) -> None:
    """What the provider fills in itself is unknown on a first apply: it must not open an interval."""
    unset = {
        "azurerm_redis_cache": {"sku_name": "Premium", "redis_configuration": UNKNOWN, "replicas_per_primary": UNKNOWN},
        "google_redis_instance": {"tier": "STANDARD_HA", "replica_count": UNKNOWN, "location_id": UNKNOWN},
        "google_container_cluster": {"location": "europe-west1", "node_locations": UNKNOWN, "initial_node_count": 1},
    }
    for kind, values in unset.items():
        entry = _entry(catalogue, kind)
        assert UNKNOWN not in _copies(entry, values) and len(_copies(entry, values)) == 1, kind
        if entry.data is not None:
            assert evaluate(entry.data.durable, Scope(values, entry.defaults)) == (False,), kind


@pytest.mark.parametrize(
    "name", ["deployment", "stateful_set", "service", "ingress", "config_map", "secret", "pod", "persistent_volume_claim"]
)
def test_kubernetes_types_with_and_without_version_mean_the_same_disposition(catalogue: Catalogue, name: str) -> None:
    assert _entry(catalogue, f"kubernetes_{name}").disposition == _entry(catalogue, f"kubernetes_{name}_v1").disposition


@pytest.mark.parametrize(
    "kind",
    [
        "azurerm_log_analytics_workspace",
        "azurerm_monitor_diagnostic_setting",
        "google_folder_iam_member",
        "google_service_account",
        "kubernetes_pod_disruption_budget_v1",
        "kubernetes_namespace",
        "datadog_monitor",
        "github_repository",
    ],
)
def test_no_outage_follows_from_these(catalogue: Catalogue, kind: str) -> None:
    assert _entry(catalogue, kind).disposition == "irrelevant"


@pytest.mark.parametrize(
    "kind", ["azurerm_role_assignment", "azurerm_key_vault_access_policy", "google_project_iam_member", "aws_lambda_permission"]
)
def test_these_say_who_may_call_what(catalogue: Catalogue, kind: str) -> None:
    entry = _entry(catalogue, kind)
    assert entry.disposition == "grant"
    assert entry.grants is not None and entry.grants.to


@pytest.mark.parametrize(("provider", "least"), [("azurerm", 110), ("google", 100), ("kubernetes", 15), ("helm", 1), ("cloudflare", 10)])
def test_breadth(catalogue: Catalogue, provider: str, least: int) -> None:
    assert sum(kind.startswith(f"{provider}_") for kind in catalogue.types()) >= least
