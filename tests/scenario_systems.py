"""Systems of the size users have: a demo with an agent, and fleets of managed and zoned parts."""

from __future__ import annotations

import random

from engine_systems import fault, part, zone
from msgspec.structs import replace

from faultray_action.model.component import Component, Copy, Fault, FaultClass, Kind, Runtime
from faultray_action.model.topology import Agent, Dependency, EntryPoint, Role, Topology

ZONES = ("a", "b", "c")
REGION = fault("region:eu", 0.05, 4.0, FaultClass.REGION)


class Site:
    """Collects parts that stand in one region."""

    def __init__(self) -> None:
        self.components: dict[str, Component] = {}
        self.faults: dict[str, Fault] = {REGION.id: REGION}

    def know(self, known: Fault) -> str:
        return self.faults.setdefault(known.id, known).id

    def managed(self, address: str, service: str, kind: Kind = Kind.CUSTOM, **more: object) -> None:
        held = (self.know(fault(f"service:{service}", 0.2, 2.0, FaultClass.SERVICE)), REGION.id)
        self.components[address] = part(address, [Copy(held)], kind=kind, managed=True, **more)

    def zoned(self, address: str, service: str, copies: int, needed: int = 1, kind: Kind = Kind.CUSTOM, **more: object) -> None:
        held = []
        for index in range(copies):
            name = ZONES[index % len(ZONES)]
            mine = self.know(fault(f"copy:{address}#{index}", 1.0, 1.0, address=address))
            shared = self.know(zone(name)), self.know(fault(f"service:{service}", 0.2, 2.0, FaultClass.SERVICE)), REGION.id
            held.append(Copy((mine, *shared), name))
        self.components[address] = part(address, held, needed, kind=kind, **more)

    def topology(self, edges: list[Dependency], entries: list[str], **more: object) -> Topology:
        components = dict(sorted(self.components.items()))
        points = tuple(EntryPoint(entry, entry, entry) for entry in entries)
        return replace(Topology(components, tuple(edges), dict(sorted(self.faults.items())), points), **more)  # type: ignore[arg-type]


def demo() -> Topology:
    """Load balancer, app servers, database with a standby, cache, queue with its worker, and a support agent with its knowledge base."""
    site = Site()
    site.managed("lb", "alb", Kind.LOAD_BALANCER)
    site.zoned(
        "app", "ec2", 3, 2, Kind.APP_SERVER, runtime=Runtime(latency_ms=20.0, pool=200, requests_per_second=100.0, timeout_ms=1000.0)
    )
    site.zoned("db", "rds", 2, 1, Kind.DATABASE, runtime=Runtime(latency_ms=5.0))
    site.zoned("cache", "elasticache", 2, 1, Kind.CACHE, runtime=Runtime(latency_ms=1.0))
    site.managed("queue", "sqs", Kind.QUEUE)
    site.zoned("worker", "ec2", 2, 1, Kind.CONTAINER)
    site.managed("agent", "bedrock", Kind.AI_AGENT)
    site.zoned("kb", "opensearch", 2, 1, Kind.DATABASE)
    edges = [
        Dependency("lb", "app"),
        Dependency("app", "db", retries=1),
        Dependency("app", "cache", Role.OPTIONAL),
        Dependency("app", "queue", Role.ASYNC, buffer_seconds=600.0),
        Dependency("worker", "queue"),
        Dependency("worker", "db"),
        Dependency("app", "agent", breaker=True),
        Dependency("agent", "kb"),
    ]
    agents = (Agent("agent", "support agent", 0.05, (("kb", 0.8),)),)
    return site.topology(edges, ["lb", "worker"], agents=agents)


def fleet(size: int, prefix: str = "c") -> Topology:
    """A tree of needs over managed and zoned parts, one entry at its root."""
    draw, site = random.Random(size), Site()
    names = [f"{prefix}{index:03d}" for index in range(size)]
    for name in names:
        service = draw.choice(("rds", "ec2", "redis", "sqs", "s3", "lambda"))
        if service in ("sqs", "s3", "lambda"):
            site.managed(name, service)
        else:
            site.zoned(name, service, draw.randint(1, 4))
    edges = [
        Dependency(names[draw.randrange(index)], name, draw.choice((Role.NEED, Role.NEED, Role.NEED, Role.OPTIONAL)))
        for index, name in enumerate(names)
        if index
    ]
    return site.topology(edges, [names[0]])
