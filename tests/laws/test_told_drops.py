"""What is decided and what is shown agree: on every drop, at every limit."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faultray_action.judgement.decide import Judged, decide
from faultray_action.model.assessment import Assessment
from faultray_action.model.finding import Alike, Comparison, GateResult, Recommendation
from faultray_action.model.policy import Gates
from faultray_action.model.topology import Coverage

scores = st.floats(0.0, 100.0)
small = st.one_of(st.floats(-0.2, 0.2), st.floats(-100.0, 100.0))


def side(score: float) -> Assessment:
    return Assessment(score, 0.0, 0.0, 0.0, (), ())


def compared(before: float, after: float) -> Comparison:
    sides = side(before), side(after)
    return Comparison(sides[0], lambda: sides[1], Alike(*sides))


def asked(before: float, after: float, gates: Gates) -> dict[str, GateResult]:
    decision = decide(Judged(compared(before, after)), gates, Coverage())
    return {gate.gate: gate for gate in decision.gates}


@given(scores, small, st.sampled_from([0.0, 0.0, 0.5, 5.0, 12.25]))
def test_a_drop_that_fails_is_told_beyond_its_limit(before: float, change: float, limit: float) -> None:
    gate = asked(before, before + change, Gates(max_drop=limit))["fail-on-regression"]
    if gate.passed:
        assert gate.message == "" and -change < limit + 0.05 + 1e-9
        return
    told = re.search(r"drops by ([0-9.]+) points", gate.message)
    assert told and float(told.group(1)) > limit


@given(scores, st.floats(0.0, 100.0))
def test_a_score_below_the_minimum_is_told_below_it(after: float, minimum: float) -> None:
    minimum = round(minimum, 1)
    gate = asked(after, after, Gates(min_score=minimum))["min-score"]
    assert gate.passed == (after + 1e-9 >= minimum)
    if not gate.passed:
        told = re.search(r"score after is ([0-9.]+), below", gate.message)
        assert told and float(told.group(1)) < minimum


@pytest.mark.parametrize(("change", "passed"), [(-0.03, True), (-0.049, False), (-0.044, True), (-0.06, False), (0.03, True), (0.0, True)])
def test_a_drop_that_rounds_to_nothing_is_none(change: float, passed: bool) -> None:
    gates = asked(86.0, 86.0 + change, Gates())
    assert gates["fail-on-regression"].passed is passed
    decision = decide(Judged(compared(86.0, 86.0 + change)), Gates(), Coverage())
    assert (decision.recommendation is Recommendation.SAFE) is passed
