"""The four systems the score was calibrated on, built from the shipped reliability table."""

from __future__ import annotations

from msgspec.structs import replace

from faultray_action.catalogue.reliability import load_reliability
from faultray_action.model.component import Component, Evidence, Fault, Kind, Recovery
from faultray_action.model.reliability import ReliabilityTable
from faultray_action.model.topology import DataAsset, Dependency, EntryPoint, Loss, LossKind, Topology
from faultray_action.topology.redundancy import RedundancySpec, deal_copies

TABLE = load_reliability()
Built = tuple[Component, tuple[Fault, ...]]


def build(address: str, kind: Kind, row: str, table: ReliabilityTable = TABLE, **more: object) -> Built:
    """One component with copies dealt as the product deals them."""
    rates = table.row(row)
    spec = RedundancySpec(
        address=address,
        copies=1,
        needed=1,
        failures_per_year=rates.failures_per_year,
        repair_hours=rates.repair_hours,
        recovery=rates.recovery,
        provider="aws",
        failover_seconds=rates.failover_seconds,
    )
    spec = replace(spec, **more)  # type: ignore[arg-type]
    dealt = deal_copies(spec, table)
    component = Component(address, kind, address, dealt.copies, spec.needed, dealt.gaps, spec.managed, spec.stateful, spec.recovery)
    return component, dealt.faults


def database_asset(address: str, backups: bool, replica: bool, table: ReliabilityTable = TABLE) -> DataAsset:
    kept = (Evidence(address, "backup_retention_period", "backup"),)
    copied = (Evidence(address, "multi_az", "replica"),) if replica else ()
    cover = {
        LossKind.MEDIA: ("media_database_storage", kept if backups else copied),
        LossKind.DELETE: ("delete", kept if backups else ()),
        LossKind.CORRUPTION: ("corruption", kept if backups else ()),
    }
    losses = tuple(Loss(kind, table.row(row).failures_per_year, covered) for kind, (row, covered) in cover.items())
    return DataAsset(address, address, (address,), losses)


def assemble(parts: list[Built], edges: list[Dependency], entry: str, assets: tuple[DataAsset, ...] = ()) -> Topology:
    faults = {fault.id: fault for _, own in parts for fault in own}
    components = {component.address: component for component, _ in parts}
    return Topology(
        dict(sorted(components.items())), tuple(edges), dict(sorted(faults.items())), (EntryPoint(entry, entry, entry),), assets
    )


ZONES = ("eu-west-1a", "eu-west-1b", "eu-west-1c")


def three_tier(
    region: str = "eu-west-1", database_zones: int = 2, zones: int = 3, backups: bool = True, prefix: str = "", row: str = "vm_in_group"
) -> tuple[list[Built], list[Dependency]]:
    """Load balancer, application servers, cache, database; `zones` for all of them, `database_zones` for the database."""
    names = tuple(zone.replace("eu-west-1", region) for zone in ZONES)
    at = {"regions": (region,)}
    lone = database_zones == 1
    parts = [
        build(f"{prefix}lb", Kind.LOAD_BALANCER, "load_balancer_zone", copies=zones, zones=names[:zones], service="elb", **at),
        build(f"{prefix}app", Kind.APP_SERVER, row, copies=zones, zones=names[:zones], service="ec2", **at),
        build(
            f"{prefix}db",
            Kind.DATABASE,
            "managed_database" if lone else "managed_database_failover",
            copies=database_zones,
            zones=names[:database_zones],
            service="rds",
            stateful=True,
            recovery=Recovery.MANUAL if lone else Recovery.FAILS_OVER,
            **at,
        ),
    ]
    return parts, [Dependency(f"{prefix}lb", f"{prefix}app"), Dependency(f"{prefix}app", f"{prefix}db")]


def textbook() -> Topology:
    """Three tiers over three zones, a database with a standby, backups; one region."""
    parts, edges = three_tier()
    return assemble(parts, edges, "lb", (database_asset("db", backups=True, replica=True),))


def single_zone_database() -> Topology:
    parts, edges = three_tier(database_zones=1)
    return assemble(parts, edges, "lb", (database_asset("db", backups=True, replica=False),))


def single_everything() -> Topology:
    """One machine, one database, one zone, no backup."""
    parts, edges = three_tier(database_zones=1, zones=1, row="vm")
    return assemble(parts, edges, "lb", (database_asset("db", backups=False, replica=False),))


def two_regions() -> Topology:
    """Two active regions behind one DNS name, the database replicated between them."""
    parts: list[Built] = []
    edges: list[Dependency] = []
    for region in ("eu-west-1", "us-east-1"):
        own, needs = three_tier(region, prefix=f"{region}/")
        parts += own
        edges += [*needs, Dependency("dns", f"{region}/lb", group="regions", group_needed=1)]
    row = TABLE.row("dns_service")
    parts.append(
        build("dns", Kind.DNS, "dns_service", managed=True, service="route53", provider="aws", failures_per_year=row.failures_per_year)
    )
    return assemble(parts, edges, "dns", (database_asset("eu-west-1/db", backups=True, replica=True),))


SYSTEMS = {
    "textbook three tiers over three zones": (textbook, 85.0, 92.0),
    "the same with a single-zone database": (single_zone_database, 60.0, 68.0),
    "a single copy of everything without backups": (single_everything, 0.0, 35.0),
    "two active regions": (two_regions, 95.0, 100.0),
}
