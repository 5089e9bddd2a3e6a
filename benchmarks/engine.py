"""Speed of the engine's structural half, absolute and against its targets: `python benchmarks/engine.py [--topologies 10000]`.

With `--topologies N` it instead holds the bit-parallel sweep against the naive one-by-one semantics on N random topologies.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from time import process_time

sys.path[:0] = [str(Path(__file__).parents[1] / folder) for folder in (".", "tests", "tests/laws")]

# ruff: noqa: E402
from engine_systems import fault, part, random_topology, system, zone
from msgspec.structs import replace
from test_structure_laws import differences

from faultray_action.engine.availability import find_unavailability
from faultray_action.engine.compiled import compile_topology
from faultray_action.engine.examine import examine
from faultray_action.engine.single_points import find_single_points
from faultray_action.engine.sweep import Row, sweep_entries, sweep_vertices
from faultray_action.model.component import Copy
from faultray_action.model.topology import Topology
from faultray_action.scenarios.generate import generate

ZONES = "abc"


def infrastructure(size: int, seed: int = 1, reach: int = 50) -> Topology:
    """Like the plans: 30 % redundant over zones, needs of nearby components, a few of them shared by many."""
    draw = random.Random(seed)
    parts = []
    edges = []
    for index in range(size):
        address = f"c{index:05d}"
        count = 1 if draw.random() < 0.7 else draw.choice((2, 3))
        own = [fault(f"copy:{address}#{number}", address=address) for number in range(count)]
        copies = [Copy((mine.id, f"zone:{name}"), name) for mine, name in zip(own, ZONES, strict=False)]
        parts.append((part(address, copies), own + [zone(name) for name in ZONES]))
        near = {draw.randrange(max(0, index - reach), index) for _ in range(draw.choice((0, 1, 1, 2)))} if index else set()
        edges += [(address, f"c{target:05d}") for target in sorted(near)]
    needed = {target for _, target in edges}
    return system(parts, edges, [component.address for component, _ in parts if component.address not in needed])


def monolith(tiers: int, hosts: int, seed: int = 0) -> Topology:
    """One entry that needs everything: the hard case for a decision diagram, with hosts shared between services."""
    draw = random.Random(seed)
    machines = [fault(f"host:{index}", address="nodes") for index in range(hosts)]
    parts = []
    edges = [(f"s{index:03d}", f"s{target:03d}") for index in range(1, tiers) for target in {draw.randrange(index) for _ in range(2)}]
    for index in range(tiers):
        own = [fault(f"copy:s{index:03d}#{number}", address=f"s{index:03d}") for number in range(draw.choice((1, 2, 3, 3)))]
        on = [(draw.choice(machines).id,) if hosts else () for _ in own]
        copies = [Copy((mine.id, f"zone:{name}", *host), name) for mine, name, host in zip(own, ZONES, on, strict=False)]
        parts.append(
            (part(f"s{index:03d}", copies, 2 if len(copies) == 3 and draw.random() < 0.5 else 1), own + machines + [zone(z) for z in ZONES])
        )
    last = f"s{tiers - 1:03d}"
    edges += [(last, f"s{index:03d}") for index in range(0, tiers - 1, 3)]
    return system(parts, edges, [last])


def best(run: Callable[[], object], rounds: int = 5) -> float:
    """Processor seconds of the fastest round (one thread, so wall-clock time on an idle machine)."""
    times = []
    for _ in range(rounds):
        start = process_time()
        run()
        times.append(process_time() - start)
    return min(times)


def report(what: str, value: str, target: str) -> None:
    print(f"{what:<58} {value:>22}   target {target}")


def speed() -> None:
    large = infrastructure(10_000)
    report("compile 10,000 components", f"{best(lambda: compile_topology(large)) * 1e3:.0f} ms", "-")
    compiled = compile_topology(large)
    singles = [Row((event,)) for event in range(len(large.faults))]
    seconds = best(lambda: sweep_entries(compiled, singles))
    report(f"all {len(singles):,} single failures of 10,000 components", f"{len(singles) / seconds:,.0f} scenarios/s", ">= 300,000")
    report("single points of failure of 10,000 components", f"{best(lambda: find_single_points(compiled), 1):.2f} s", "-")
    report("peak memory so far", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB", "<= 200 MB")
    medium = compile_topology(infrastructure(1_000))
    draw = random.Random(2)
    pairs = [Row((draw.randrange(len(medium.events)), draw.randrange(len(medium.events)))) for _ in range(65_536)]
    everything = tuple(range(1_000))
    report("65,536 pairs over 1,000 components", f"{best(lambda: sweep_vertices(medium, pairs, everything)) * 1e3:.0f} ms", "<= 100 ms")
    for tiers, hosts in ((125, 0), (125, 12), (125, 30)):
        topology = monolith(tiers, hosts)
        compiled = compile_topology(topology)
        estimate = next(iter(find_unavailability(compiled, {}).values())).estimate
        label = f"unavailability, {len(topology.faults)} events, {hosts} shared hosts ({estimate.method})"
        seconds = best(lambda compiled=compiled: find_unavailability(compiled, {}))
        report(label, f"{seconds * 1e3:.0f} ms", "<= 1,000 ms")
    small = infrastructure(60, 3)
    scenarios = generate([small])
    label = f"everything about 60 components, {len(scenarios.scenarios):,} scenarios"
    report(label, f"{best(lambda: examine(small, scenarios)) * 1e3:.0f} ms a side", "<= 70 ms a side")
    report("what a score needs of 60 components", f"{best(lambda: examine(small, cuts=False)) * 1e3:.1f} ms", "-")
    lone = replace(small, entries=small.entries[:1])
    report("the same with one entry", f"{best(lambda: examine(lone, cuts=False)) * 1e3:.1f} ms", "-")


def compare(topologies: int) -> int:
    """Exit code 0 where the sweep and the naive semantics agree on every component of every scenario of every topology."""
    wrong = [seed for seed in range(topologies) if differences(random_topology(seed + 1_000_000), seed)]
    print(f"{topologies:,} random topologies, 24 scenarios each: {len(wrong)} with a difference {wrong[:5]}")
    return int(bool(wrong))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--topologies", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.topologies:
        return compare(arguments.topologies)
    speed()
    return 0


if __name__ == "__main__":
    sys.exit(main())
