"""Ids go back to scenarios, those of hostile names included."""

from __future__ import annotations

import pytest
from engine_systems import fault, part, spread, system
from scenario_systems import demo, fleet

from faultray_action.model.component import Copy, FaultClass
from faultray_action.model.errors import ConfigError
from faultray_action.model.scenario import WhatIf, WhatIfKind
from faultray_action.scenarios.generate import generate
from faultray_action.scenarios.parse import parse_scenario


@pytest.mark.parametrize("topology", [demo(), fleet(12)], ids=["demo", "fleet"])
def test_every_generated_id_is_read_back(topology: object) -> None:
    for scenario in generate([topology]).scenarios:  # type: ignore[list-item]
        found = parse_scenario(scenario.id, topology)  # type: ignore[list-item]
        assert (found.id, found.faults, found.what_ifs) == (scenario.id, scenario.faults, scenario.what_ifs)


def test_parts_are_put_in_canonical_order() -> None:
    assert parse_scenario("traffic*2 & zone:b & copy:app#0", demo()).id == "copy:app#0 & zone:b & traffic*2"


def test_names_may_hold_the_separator() -> None:
    name = 'aws_instance.x["a & b:c*2"]'
    topology = system([spread(name, ["", ""])], [], [name])
    for scenario in generate([topology]).scenarios:
        assert parse_scenario(scenario.id, topology).faults == scenario.faults


def test_the_zone_group_of_a_single_point_is_its_copies() -> None:
    topology = system([spread("web", ["a", "a", "b"])], [], ["web"])
    assert parse_scenario("zone:a of web", topology).faults == ("copy:web#0", "copy:web#1")
    pinned = part("fn", [Copy(("service:fn",), "a")], managed=True), [fault("service:fn", kind=FaultClass.SERVICE)]
    assert parse_scenario("zone:a of fn", system([pinned], [], ["fn"])).what_ifs == (WhatIf(WhatIfKind.ALL_COPIES, "fn"),)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("copy:ap#0", "did you mean `copy:app#0`"),
        ("\x00", "take an id"),
        ("agent:agent", "is no fault"),
        ("all-copies:gone", "is no fault"),
        ("", "``"),
    ],
)
def test_what_is_unknown_is_a_usage_error_with_the_nearest_id(text: str, hint: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_scenario(text, demo())
    assert hint in str(error.value)
