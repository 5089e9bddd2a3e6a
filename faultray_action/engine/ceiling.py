"""The availability ceiling: five layers, each reacting to the topology, and what they allow together (docs/model.md).

`A_system = min(L1..L5)` is exact only where the layers fail together; the product assumes independence, and max(0, 1 - sum of the
unavailabilities) is the Frechet lower bound for any dependence. Every layer is that of its worst entry; entries that are cut off are left
out, for no layer can say anything about them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct

from faultray_action.engine.compiled import Compiled, compile_topology
from faultray_action.model.component import Component, Kind, Recovery
from faultray_action.model.outcome import Ceiling, EntryOutcome, Examination, Layer
from faultray_action.model.topology import Dependency, Operations, Role, Topology
from faultray_action.model.units import HOURS_PER_YEAR

MINUTES_PER_YEAR = HOURS_PER_YEAR * 60.0
MONTHS_PER_YEAR = 12.0
RESTART_MINUTES = 5.0
"""How long a deployment of the only copy is out: a replacement by its group takes about 300 s."""
DAY_MINUTES = 24.0 * 60.0

WORKLOADS = frozenset((Kind.WEB_SERVER, Kind.APP_SERVER, Kind.CONTAINER, Kind.FUNCTION, Kind.AI_AGENT, Kind.ORCHESTRATOR))
"""Kinds that run the user's own code: they are deployed, and their runtimes pause."""

Input = tuple[str, float, str, str]


class _View(Struct, frozen=True):
    """One entry, with what it needs."""

    outcome: EntryOutcome
    needs: tuple[Component, ...]
    calls: tuple[tuple[Dependency, ...], ...]


def five_layers(topology: Topology, examination: Examination, operations: Operations) -> Ceiling:
    """The five layers, their minimum, product and Frechet bound. Without an entry that can serve every layer is 1, with a note."""
    compiled = compile_topology(topology)
    calls_of = _calls_by_source(topology.dependencies)
    views = tuple(
        _view(compiled, calls_of, entry.component, outcome)
        for entry, outcome in zip(topology.entries, examination.entries, strict=True)
        if not outcome.cut_off
    )
    layers = (
        _worst("software", views, lambda view: software(view, operations)),
        _worst("hardware", views, hardware),
        _worst("theoretical", views, lambda view: theoretical(view, operations)),
        _worst("operational", views, lambda view: operational(view, topology, operations)),
        _worst("external", views, lambda view: external(view, topology)),
    )
    lowest = min(layers, key=lambda layer: layer.availability)
    return Ceiling(
        layers=layers,
        value=lowest.availability,
        binding=lowest.name,
        product=math.prod(layer.availability for layer in layers),
        frechet=max(0.0, 1.0 - math.fsum(1.0 - layer.availability for layer in layers)),
    )


def _worst(name: str, views: Sequence[_View], layer: Callable[[_View], Layer]) -> Layer:
    if not views:
        return Layer(name, 1.0, (), "no entry that can serve")
    return min((layer(view) for view in views), key=lambda found: found.availability)


def software(view: _View, operations: Operations) -> Layer:
    """L1 = 1 - (deploys * (failure rate * recovery + share of lone workloads * restart) + drift * recovery) / minutes of a year.

    A failed change takes the entry down until it is recovered (deployment downtime, human error); a deployment of a workload without a
    spare copy takes it down for a restart; configuration drift is an incident of its own. Deployments are spread evenly over the workloads.
    """
    workloads = [component for component in view.needs if component.kind in WORKLOADS and component.copies and not component.managed]
    lone = sum(component.size <= component.needed for component in workloads)
    share = lone / len(workloads) if workloads else 0.0
    deploys = MONTHS_PER_YEAR * operations.deploys_per_month
    per_deploy = operations.change_failure_rate * operations.recovery_minutes + share * RESTART_MINUTES
    minutes = deploys * per_deploy + operations.config_drift_per_year * operations.recovery_minutes
    inputs = (
        *_declared(operations, "deploys_per_month", "change_failure_rate", "recovery_minutes", "config_drift_per_year"),
        ("lone_workloads", float(lone), f"of {len(workloads)} workloads", "topology"),
    )
    return Layer("software", _up(minutes), inputs)


def hardware(view: _View) -> Layer:
    """L2 = 1 - U of the worst entry: copies, zones, domains, failover gaps, every shared event counted once."""
    estimate = view.outcome.unavailability
    inputs: tuple[Input, ...] = (
        ("unavailability", estimate.value, f"share of time, {estimate.method}", "topology"),
        ("unavailability_low", estimate.low, "share of time", "topology"),
        ("unavailability_high", estimate.high, "share of time", "topology"),
    )
    return Layer("hardware", 1.0 - estimate.value, inputs, view.outcome.address)


def theoretical(view: _View, operations: Operations) -> Layer:
    """L3 = product over the calls of one request of (1 - q^tries)(1 - g^chances).

    q = 1 - (1 - packet loss)(1 - jitter loss) per try and tries = 1 + retries, independent of each other; g is the share of time in which a
    workload pauses to collect garbage, and a retry escapes a pause only where there is another copy to go to. Calls: the user's to the entry
    without a retry, and every synchronous need of what the entry needs; of an alternative group the call with the fewest retries.
    """
    q = 1.0 - (1.0 - operations.packet_loss) * (1.0 - operations.jitter_loss)
    log = math.log1p(-q)
    by_address = {component.address: component for component in view.needs}
    hops = 1
    for call in view.calls:
        targets = [by_address[edge.target] for edge in call if edge.target in by_address and by_address[edge.target].copies]
        if not targets:
            continue
        hops += 1
        tries = 1 + min(edge.retries for edge in call)
        log += math.log1p(-(q**tries))
        if any(target.kind in WORKLOADS for target in targets):
            copies = sum(target.size for target in targets)
            log += math.log1p(-(operations.gc_pause_fraction ** (tries if copies > 1 else 1)))
    inputs = (
        *_declared(operations, "packet_loss", "jitter_loss", "gc_pause_fraction"),
        ("calls", float(hops), "calls of one request", "topology"),
    )
    return Layer("theoretical", math.exp(log), inputs, view.outcome.address)


def operational(view: _View, topology: Topology, operations: Operations) -> Layer:
    """L4 = 1 - incidents a year * (detection + response * (1 + 1 / team) + (1 - coverage)^2 * 12 h) / minutes of a year.

    Incidents are those that wait for a person: failed changes, drift, and single events whose recovery is by hand. With one more person in
    the team it is less likely that the one who is paged is busy (probability 1 / team, then a second response follows). Outside the
    covered part c of the day an incident (probability 1 - c) waits on average half of the uncovered time.
    """
    manual = [id for id in view.outcome.order_one if topology.faults[id].recovery is Recovery.MANUAL]
    by_hand = math.fsum(topology.faults[id].failures_per_year.default for id in manual)
    changes = MONTHS_PER_YEAR * operations.deploys_per_month * operations.change_failure_rate
    waiting = (1.0 - operations.on_call_coverage) ** 2 * DAY_MINUTES / 2.0
    response = operations.response_minutes * (1.0 + 1.0 / max(1, operations.team_size))
    minutes = (changes + operations.config_drift_per_year + by_hand) * (operations.detection_minutes + response + waiting)
    inputs = (
        *_declared(operations, "detection_minutes", "response_minutes", "on_call_coverage", "team_size"),
        ("manual_restores_per_year", by_hand, "single events a year that need a person", "topology"),
    )
    return Layer("operational", _up(minutes), inputs, view.outcome.address)


def external(view: _View, topology: Topology) -> Layer:
    """L5 = product of the contract percentages of the distinct services on the needed paths; none: 1."""
    needed = {component.address for component in view.needs}
    services = {service.id: service for service in topology.externals if needed.intersection(service.used_by)}
    inputs = tuple((service.label, service.sla_percent, "percent", service.source) for _, service in sorted(services.items()))
    return Layer("external", math.prod(service.sla_percent / 100.0 for service in services.values()), inputs, view.outcome.address)


Calls = Mapping[str, Sequence[tuple[int, Dependency]]]
"""Needs by the one that has them, each with its position among all dependencies."""


def _view(compiled: Compiled, calls_of: Calls, component: str, outcome: EntryOutcome) -> _View:
    vertices = sorted(compiled.closure((compiled.vertex_of[component],)))
    addresses = dict.fromkeys(compiled.addresses[vertex] for vertex in vertices)
    needs = tuple(compiled.topology.components[address] for address in addresses)
    return _View(outcome, needs, tuple(_calls(edge for address in addresses for edge in calls_of.get(address, ()))))


def _calls_by_source(dependencies: Iterable[Dependency]) -> Calls:
    found: dict[str, list[tuple[int, Dependency]]] = {}
    for position, edge in enumerate(dependencies):
        if edge.role is Role.NEED:
            found.setdefault(edge.source, []).append((position, edge))
    return found


def _calls(edges: Iterable[tuple[int, Dependency]]) -> Iterable[tuple[Dependency, ...]]:
    """One row a call, in the order of the dependencies: a lone need, or the alternatives of one group."""
    grouped: dict[tuple[str, str], list[Dependency]] = {}
    for _, edge in sorted(edges, key=lambda row: row[0]):
        if edge.group:
            grouped.setdefault((edge.source, edge.group), []).append(edge)
        else:
            yield (edge,)
    yield from map(tuple, grouped.values())


def _declared(operations: Operations, *names: str) -> tuple[Input, ...]:
    return tuple((name, float(getattr(operations, name)), _UNITS[name], operations.sources.get(name, "default")) for name in names)


_UNITS = {
    "deploys_per_month": "deployments a month",
    "change_failure_rate": "share of deployments",
    "recovery_minutes": "minutes",
    "config_drift_per_year": "incidents a year",
    "packet_loss": "share of requests",
    "jitter_loss": "share of requests",
    "gc_pause_fraction": "share of time",
    "detection_minutes": "minutes",
    "response_minutes": "minutes",
    "on_call_coverage": "share of the day",
    "team_size": "people",
}


def _up(down_minutes: float) -> float:
    return max(0.0, 1.0 - down_minutes / MINUTES_PER_YEAR)
