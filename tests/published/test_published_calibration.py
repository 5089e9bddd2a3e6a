"""The four systems of docs/model.md stay within the bands the score was calibrated on."""

from __future__ import annotations

import pytest
from calibration_systems import SYSTEMS

from faultray_action.engine.examine import examine
from faultray_action.judgement.assess import Side, assess


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_calibration_system_stays_in_its_band(name: str) -> None:
    make, low, high = SYSTEMS[name]
    topology = make()
    assessment = assess(Side(topology, examine(topology)))
    assert assessment is not None
    assert low <= assessment.score <= high
