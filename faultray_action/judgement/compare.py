"""The difference between two sides, made in this one place: both scores, the delta like for like, and every finding with its identity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from faultray_action.judgement import agent_risks, regions, risks, single_points, standby
from faultray_action.judgement.assess import assess, score_pair
from faultray_action.judgement.pairing import Answers
from faultray_action.judgement.regions import DownWithout
from faultray_action.model.finding import (
    Alike,
    Comparison,
    Disruption,
    Finding,
    FindingKey,
    FindingKind,
    Risk,
    RiskKind,
    Standing,
)
from faultray_action.model.outcome import SinglePoint

Points = tuple[tuple[Standing, SinglePoint], ...]
Rows = Iterable[tuple[Standing, Risk]]


def compare(
    before: Answers,
    after: Answers,
    disruptions: Iterable[Disruption] = (),
    down_without: DownWithout = lambda topology, addresses: {},
) -> Comparison:
    """Everything that differs, by the same questions for a plan and for each simulation of it.

    `disruptions` are what applying interrupts; `down_without` tells which entries are down while a component does not exist.
    """
    return Comparison(
        before=assess(before.own, split=False),
        left=lambda: assess(after.own, split=False),
        alike=_alike(before, after),
        single_points=tuple(of_point(standing, point) for standing, point in _points(before, after, down_without)),
        risks=tuple(of_risk(standing, risk) for standing, risk in _risks(before, after)),
        disruptions=tuple(map(of_disruption, disruptions)),
    )


def _alike(before: Answers, after: Answers) -> Alike | None:
    """None where a side by itself serves nobody."""
    was, is_now = score_pair(before.levelled, after.levelled, split=False)
    if was is None or is_now is None or not _serves(before) or not _serves(after):
        return None
    return Alike(was, is_now)


def _serves(side: Answers) -> bool:
    """Whether the state by itself has an entry, and not only beside the other side."""
    if any(not entry.of_other_side for entry in side.here.topology.entries):
        return True
    return bool(side.own.topology.entries)


def _points(before: Answers, after: Answers, down_without: DownWithout) -> Points:
    """Single points of the system, then regions; a component that is told already is not told again."""
    found = single_points.find(before.here, after.here)
    known = {(standing, point.address) for standing, point in found}
    regional = regions.single_points(before.here, after.here, down_without)
    return (*found, *(row for row in regional if (row[0], row[1].address) not in known))


def _risks(before: Answers, after: Answers) -> list[tuple[Standing, Risk]]:
    labels = _labels(before, after)
    told = {point.address for side in (before, after) for point in side.here.examination.single_points}
    rows: list[tuple[Standing, Risk]] = [
        *agent_risks.find(before.agents, after.agents, labels),
        *standby.find(before.fragile, after.fragile, told, labels),
        *risks.find(before.here, after.here),
    ]
    return sorted(rows, key=lambda row: (row[0], row[1].kind, row[1].address))


def _labels(before: Answers, after: Answers) -> Mapping[str, str]:
    labels: dict[str, str] = {}
    for side in (before, after):
        for address, component in side.here.topology.components.items():
            labels[address] = component.label
    return labels


def of_point(standing: Standing, point: SinglePoint) -> Finding[SinglePoint]:
    """A single point as a finding."""
    return Finding(FindingKey(FindingKind.SINGLE_POINT, point.address), standing, point)


def of_risk(standing: Standing, risk: Risk) -> Finding[Risk]:
    """A risk as a finding. One callee may be out of reach for several callers: each is a finding of its own."""
    caller = risk.related[0] if risk.kind is RiskKind.BROKEN_NEED and risk.related else ""
    return Finding(FindingKey(FindingKind(risk.kind.value), risk.address, caller), standing, risk)


def of_disruption(row: Disruption) -> Finding[Disruption]:
    """What applying interrupts, as a finding: it always comes with the plan."""
    return Finding(FindingKey(FindingKind.DISRUPTION, row.address), Standing.NEW, row)
