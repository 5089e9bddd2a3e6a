"""Searches spend a count of simulations that falls with the size of the system, and say what they left out."""

from __future__ import annotations

from faultray_action.counterfactual.attribution import LEAST_SIMULATIONS, MOST_SIMULATIONS, Trial, affordable, attribute
from faultray_action.counterfactual.bundles import Bundle, Edit
from faultray_action.model.change import Action, AttributeChange
from faultray_action.model.finding import FindingKey, FindingKind

FINDINGS = FindingKey(FindingKind.SINGLE_POINT, "aws_db_instance.z"), FindingKey(FindingKind.DATA_LOSS, "aws_s3_bucket.y")
ACTUAL = Trial(-10.0, frozenset(FINDINGS))


def bundles(names: list[str]) -> list[Bundle]:
    return [Bundle(AttributeChange(name, "size", 1, 2, Action.UPDATE), ((name, "size"),)) for name in names]


def test_the_count_falls_with_the_size_and_stays_between_its_bounds() -> None:
    counts = [affordable(size, 48, 25_000, 8) for size in range(0, 20_000, 500)]
    assert counts == sorted(counts, reverse=True)
    assert (counts[0], counts[-1]) == (48, 8)


def test_a_large_system_tries_what_findings_name_first_and_counts_the_rest() -> None:
    asked: list[str] = []

    def simulate(edits: tuple[Edit, ...]) -> Trial:
        asked.append(edits[0][0])
        return ACTUAL

    names = [f"aws_instance.a{n:02}" for n in range(20)]
    found, _ = attribute(ACTUAL, bundles([*names, "aws_db_instance.z", "aws_s3_bucket.y"]), simulate, components=10**6)
    assert asked[:2] == ["aws_db_instance.z", "aws_s3_bucket.y"]
    assert (len(asked), found.simulations, found.untried) == (LEAST_SIMULATIONS, LEAST_SIMULATIONS, 22 - LEAST_SIMULATIONS)


def test_a_small_system_leaves_nothing_out_below_the_most() -> None:
    found, _ = attribute(ACTUAL, bundles([f"aws_instance.a{n}" for n in range(MOST_SIMULATIONS)]), lambda edits: ACTUAL, components=40)
    assert (found.simulations, found.untried) == (MOST_SIMULATIONS, 0)
