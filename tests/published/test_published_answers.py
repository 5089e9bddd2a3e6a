"""Systems with published answers: a resilience model of microservices, and the beta-factor example of SCRAM's own tests."""

from __future__ import annotations

import math
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from engine_systems import EXACT, part, system

from faultray_action.engine.availability import find_unavailability
from faultray_action.engine.compiled import compile_topology
from faultray_action.engine.sweep import positions, sweep
from faultray_action.model.component import Copy, Fault, FaultClass, Recovery
from faultray_action.model.topology import Dependency, Topology
from faultray_action.model.units import HOURS_PER_YEAR

PUBLISHED: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "krasnovsky.yaml").read_text(encoding="utf-8"))


def social_network() -> tuple[Topology, list[str]]:
    """Reachability as needs: a service is reached iff it is alive and one of its callers is reached; an endpoint needs all of its targets."""
    calls: dict[str, list[str]] = PUBLISHED["calls"]
    entry: str = PUBLISHED["entry"]
    services = sorted({*calls, *(target for targets in calls.values() for target in targets)})
    parts = [
        (part(name, (Copy((name,)),)), [Fault(name, FaultClass.COPY, EXACT(1), EXACT(1), Recovery.SELF_HEALS, name)]) for name in services
    ]
    edges = [
        Dependency(target, source, group="callers") for source, targets in sorted(calls.items()) for target in targets if target != entry
    ]
    for name, endpoint in PUBLISHED["endpoints"].items():
        parts.append((part(name, (), 0), []))
        edges += [Dependency(name, target) for target in (*endpoint["targets"], entry)]
    return system(parts, edges, list(PUBLISHED["endpoints"])), services


def ways(replicas: int, down: bool) -> list[int]:
    """Coefficient k: ways to kill k of a service's replicas so that it is down (all of them), or not."""
    if down:
        return [0] * replicas + [1]
    return [math.comb(replicas, killed) for killed in range(replicas)] + [0]


def multiply(a: list[int], b: list[int]) -> list[int]:
    found = [0] * (len(a) + len(b) - 1)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            found[i + j] += x * y
    return found


def working_share(replicated: bool) -> dict[str, list[float]]:
    """Endpoint -> P(it works | K containers killed), by K; every pattern of dead services goes through one sweep."""
    topology, services = social_network()
    replicas = [PUBLISHED["replicas"].get(name, 1) if replicated else 1 for name in services]
    patterns = list(product((False, True), repeat=len(services)))
    dead = [tuple(name for name, down in zip(services, pattern, strict=True) if down) for pattern in patterns]
    outages = sweep(compile_topology(topology), dead)
    total = sum(replicas)
    shares = {name: [0] * (total + 1) for name in outages}
    for index, pattern in enumerate(patterns):
        counts = [1]
        for number, down in zip(replicas, pattern, strict=True):
            counts = multiply(counts, ways(number, down))
        for name, bits in outages.items():
            if not bits >> index & 1:
                shares[name] = [have + more for have, more in zip(shares[name], counts, strict=True)]
    return {name: [count / math.comb(total, killed) for killed, count in enumerate(counts)] for name, counts in shares.items()}


SHARES = {replicated: working_share(replicated) for replicated in (False, True)}


def killed(replicated: bool, p: float) -> int:
    return math.ceil(round(p * (22 if replicated else 12), 9))


@pytest.mark.parametrize(("replicated", "p", "published", "error", "exact"), PUBLISHED["cells"])
def test_every_cell_of_the_published_resilience_model(replicated: bool, p: float, published: float, error: float, exact: float) -> None:
    k = killed(replicated, p)
    found = sum(endpoint["weight"] * SHARES[replicated][name][k] for name, endpoint in PUBLISHED["endpoints"].items())
    assert round(found, 5) == exact
    assert abs(found - published) <= 3 * error + 0.00005


@pytest.mark.parametrize("row", PUBLISHED["exact_by_endpoint"])
def test_every_endpoint_of_the_published_resilience_model(row: list[Any]) -> None:
    replicated, p, *expected = row
    assert [round(SHARES[replicated][name][killed(replicated, p)], 5) for name in PUBLISHED["endpoints"]] == expected


def test_beta_factor_example_of_scram() -> None:
    """Three trains, each a valve and a pump of 0.1, beta 0.2 for the pumps and for the valves: 0.04308 (SCRAM, BetaFactorCCF)."""
    beta, p = 0.2, 0.1
    faults = [common(f"common-{kind}", beta * p) for kind in ("pump", "valve")]
    faults += [common(f"{kind}-{train}", (1 - beta) * p) for kind in ("pump", "valve") for train in range(3)]
    copies = [Copy((f"pump-{train}", f"valve-{train}", "common-pump", "common-valve")) for train in range(3)]
    topology = system([(part("trains", copies), faults)], (), ["trains"])
    estimate = find_unavailability(compile_topology(topology), {})["trains"].estimate
    assert estimate.method == "exact"
    assert round(estimate.value, 5) == 0.04308


def common(id: str, p: float) -> Fault:
    """A fault that is present with probability p."""
    return Fault(id, FaultClass.COMMON_CAUSE, EXACT(1.0), EXACT(p / (1 - p) * HOURS_PER_YEAR), Recovery.SELF_HEALS)


def test_positions_are_linear_in_the_width() -> None:
    assert positions(1 << 100_000 | 5) == [0, 2, 100_000]
