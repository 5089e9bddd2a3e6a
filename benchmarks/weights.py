"""Does the sign of a delta depend on the score's weights? `python benchmarks/weights.py`

Typical changes of the calibration systems are scored over a grid of weights and scales. A sign that flips within the grid is "mixed": there
the change improves one part of the score and worsens another.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / folder) for folder in (".", "tests")]

# ruff: noqa: E402

from calibration_systems import assemble, database_asset, single_everything, single_zone_database, textbook, three_tier, two_regions
from msgspec.structs import replace

from faultray_action.engine.examine import examine
from faultray_action.judgement.assess import score_pair
from faultray_action.judgement.pairing import Side
from faultray_action.judgement.score import Weights
from faultray_action.model.topology import EntryPoint, Topology

GRID = tuple(
    Weights(a, r, 100.0 - a - r, h0, l0)
    for a, r, h0, l0 in product((20.0, 35.0, 50.0), (25.0, 35.0, 45.0), (0.35, 0.7, 1.4), (0.015, 0.03, 0.06))
)


def changes() -> Iterator[tuple[str, Topology, Topology]]:
    standby, edges = three_tier()
    lone, _ = three_tier(database_zones=1)
    no_backup = (database_asset("db", backups=False, replica=True),)
    yield "multi_az off", textbook(), single_zone_database()
    yield "multi_az on", single_zone_database(), textbook()
    yield "two zones instead of three", textbook(), assemble(*three_tier(zones=2), "lb", textbook().assets)
    yield "one zone for the servers", textbook(), assemble(*three_tier(zones=1), "lb", textbook().assets)
    yield "backups off", textbook(), assemble(standby, edges, "lb", no_backup)
    yield "a single copy of everything", textbook(), single_everything()
    yield "a second region", named(textbook(), "lb"), named(two_regions(), "dns")
    yield "multi_az on, backups off", single_zone_database(), assemble(standby, edges, "lb", no_backup)
    yield "multi_az off, backups on", assemble(standby, edges, "lb", no_backup), assemble(lone, edges, "lb", single_zone_database().assets)


def named(topology: Topology, component: str) -> Topology:
    """With one entry `site`, so that both sides have the same one."""
    return replace(topology, entries=(EntryPoint("site", component, "site"),), assets=())


def signs(before: Topology, after: Topology) -> tuple[float, set[int]]:
    """The delta at the standard weights, and the signs over the grid."""
    sides = Side(before, examine(before, cuts=False)), Side(after, examine(after, cuts=False))
    deltas = [delta(*sides, weights) for weights in (Weights(), *GRID)]
    return deltas[0], {(value > 1e-9) - (value < -1e-9) for value in deltas[1:]}


def delta(before: Side, after: Side, weights: Weights) -> float:
    was, now = score_pair(before, after, weights)
    assert was is not None
    assert now is not None
    return now.score - was.score


def main() -> int:
    print(f"{'change':<32} {'delta':>8}  sign over {len(GRID)} combinations of weights and scales")
    for name, before, after in changes():
        value, found = signs(before, after)
        print(f"{name:<32} {value:>+8.2f}  {'mixed' if len(found - {0}) > 1 else 'the same'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
