"""A part that comes or goes and is no single point moves no delta; one that is a single point does (docs/model.md)."""

from __future__ import annotations

import pytest
from calibration_systems import ZONES, Built, assemble, build, three_tier

from faultray_action.check.comparison import levelled
from faultray_action.engine.examine import examine
from faultray_action.judgement.assess import score_pair
from faultray_action.judgement.growth import grown
from faultray_action.judgement.pairing import Side
from faultray_action.model.component import Kind
from faultray_action.model.topology import Dependency, Topology

QUEUE = build("queue", Kind.QUEUE, "provider_service", managed=True, service="sqs", regions=("eu-west-1",))
CACHES = build("cache", Kind.CACHE, "cache_node", copies=3, zones=ZONES, service="elasticache", regions=("eu-west-1",))
LONE_CACHE = build("cache", Kind.CACHE, "cache_node", copies=1, zones=ZONES[:1], service="elasticache", regions=("eu-west-1",))


def _system(*further: Built, group: str = "") -> Topology:
    parts, edges = three_tier()
    return assemble([*parts, *further], [*edges, *(Dependency("app", part.address, group=group) for part, _ in further)], "lb")


def _side(topology: Topology) -> Side:
    return Side(topology, examine(topology, cuts=False))


def _delta(before: Topology, after: Topology) -> float:
    was, is_now = _side(before), _side(after)
    scores = score_pair(levelled(was, is_now), levelled(is_now, was))
    assert scores[0] is not None
    assert scores[1] is not None
    return scores[1].score - scores[0].score


@pytest.mark.parametrize("part", [QUEUE, CACHES], ids=["queue", "caches"])
def test_a_redundant_part_moves_no_delta_as_it_comes_or_goes(part: Built) -> None:
    assert _delta(_system(), _system(part)) == pytest.approx(0.0, abs=1e-12)
    assert _delta(_system(part), _system()) == pytest.approx(0.0, abs=1e-12)


def test_one_redundant_part_for_another_moves_no_delta() -> None:
    assert _delta(_system(QUEUE), _system(CACHES)) == pytest.approx(0.0, abs=1e-12)


def test_a_single_point_counts_as_it_comes_and_goes() -> None:
    assert _delta(_system(), _system(LONE_CACHE)) < -1
    assert _delta(_system(LONE_CACHE), _system()) > 1
    assert _delta(_system(LONE_CACHE), _system(QUEUE)) > 1


def test_a_part_that_is_one_of_several_is_no_growth() -> None:
    """A standby that is taken away is missed, though it is no single point itself."""
    alone, spare = _side(_system(CACHES, group="stores")), _side(_system(CACHES, QUEUE, group="stores"))
    assert grown(alone, spare) is alone.topology
