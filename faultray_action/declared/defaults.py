"""What a component of `infra.yaml` is taken for where the file does not say: rates, state, who runs it, what can happen to its data."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from faultray_action.declared.schema import DeclaredComponent
from faultray_action.model.component import Kind
from faultray_action.model.topology import LossKind

RATES: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.LOAD_BALANCER: "vm_in_group",
        Kind.WEB_SERVER: "vm_in_group",
        Kind.APP_SERVER: "vm_in_group",
        Kind.GATEWAY: "vm_in_group",
        Kind.DATABASE: "managed_database",
        Kind.CACHE: "cache_node",
        Kind.QUEUE: "broker_node",
        Kind.STREAM: "stream_broker",
        Kind.STORAGE: "zonal_service",
        Kind.DNS: "dns_service",
        Kind.CDN: "cdn",
        Kind.FUNCTION: "function_service",
        Kind.CONTAINER: "container_task",
        Kind.NAT: "nat_gateway",
        Kind.EXTERNAL_API: "vendor",
        Kind.LLM_ENDPOINT: "vendor",
        Kind.AI_AGENT: "container_task",
        Kind.TOOL: "container_task",
        Kind.ORCHESTRATOR: "container_task",
        Kind.CUSTOM: "vm",
        Kind.CONNECTOR: "vm",
    }
)
"""Row of the reliability table by type, where the file names none."""

STATEFUL = frozenset({Kind.DATABASE, Kind.CACHE, Kind.QUEUE, Kind.STREAM, Kind.STORAGE})
PROVIDER_RUN = frozenset({Kind.DNS, Kind.CDN, Kind.EXTERNAL_API, Kind.LLM_ENDPOINT})
MEDIA_RATES: Mapping[Kind, str] = MappingProxyType({Kind.STORAGE: "media_disk_volume", Kind.CACHE: "media_cache_memory"})
STANDBY_RATES: Mapping[Kind, str] = MappingProxyType({Kind.DATABASE: "managed_database_failover"})
LOSSES: Mapping[Kind, tuple[LossKind, ...]] = MappingProxyType(
    {
        Kind.QUEUE: (LossKind.MEDIA, LossKind.POISON),
        Kind.STREAM: (LossKind.MEDIA, LossKind.DELETE),
        Kind.CACHE: (LossKind.MEDIA,),
    }
)
"""What can happen to the data of a type; every other durable type: media, delete, corruption."""

LOSS_RATES: Mapping[LossKind, str] = MappingProxyType(
    {
        LossKind.MEDIA: "media_database_storage",
        LossKind.DELETE: "delete",
        LossKind.CORRUPTION: "corruption",
        LossKind.KEY: "key",
        LossKind.POISON: "poison",
        LossKind.REGION: "region_data",
    }
)


def is_managed(each: DeclaredComponent) -> bool:
    """Run by its provider: as declared, else the types that nearly always are, unless replicas say that somebody runs copies."""
    return each.managed if each.managed is not None else each.type in PROVIDER_RUN and each.replicas is None


def is_stateful(each: DeclaredComponent) -> bool:
    return each.stateful if each.stateful is not None else each.type in STATEFUL


def is_zonal(each: DeclaredComponent) -> bool:
    return each.zonal if each.zonal is not None else each.type is Kind.NAT


def default_rates(each: DeclaredComponent) -> str:
    """Row of the reliability table; a store with a standby is replaced at leisure, a lone one is restored by hand."""
    standby = (each.replicas or len(each.placement) or 1) > (each.needed or 1) and each.failover is not False
    return (STANDBY_RATES.get(each.type) if standby else None) or RATES[each.type]


def default_loss_rates(each: DeclaredComponent, kind: LossKind) -> str:
    """Row of the reliability table for a loss event."""
    if kind is not LossKind.MEDIA:
        return LOSS_RATES[kind]
    return "media_replicated_storage" if is_managed(each) else MEDIA_RATES.get(each.type, LOSS_RATES[kind])
