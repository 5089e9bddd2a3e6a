from __future__ import annotations

import pytest

from faultray_action.catalogue.reliability import load_reliability, parse_reliability
from faultray_action.model.component import Recovery
from faultray_action.model.errors import ConfigError
from faultray_action.model.units import Interval

ROW = "zone: {rate_per_year: [0.03, 0.1, 0.3], repair_hours: 6, source: s, confidence: low, date: 2026-11-01}"


def test_the_shipped_table_holds_what_topologies_are_built_with() -> None:
    table = load_reliability()
    for id in ("vm", "container_task", "managed_database", "cache_node", "zone", "region", "provider_service", "vendor"):
        assert table.row(id).source and table.row(id).date
    assert table.quantity("beta_same_zone").value.default > table.quantity("beta_zones").value.default
    assert table.quantity("beta_zones").value.default > table.quantity("beta_regions").value.default


def test_a_number_alone_is_exact_and_a_date_stays_text() -> None:
    row = parse_reliability(ROW, "t.yaml").row("zone")
    assert row.repair_hours == Interval.exactly(6)
    assert row.failures_per_year == Interval(0.03, 0.1, 0.3)
    assert (row.date, row.recovery, row.failover_seconds) == ("2026-11-01", Recovery.SELF_HEALS, None)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (ROW.replace("0.03, 0.1", "0.3, 0.1"), "not an interval"),
        (ROW.replace("repair_hours: 6, ", ""), "zone has neither"),
        (ROW.replace("repair_hours", "repair"), "repair"),
        ("beta: {value: 0.1, source: s, confidence: low, date: d}", "beta needs a unit"),
        ("zone: [", "while parsing"),
    ],
)
def test_a_wrong_table_says_which_row(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        parse_reliability(text, "t.yaml")


def test_a_missing_row_names_those_that_exist() -> None:
    table = parse_reliability(ROW, "t.yaml")
    with pytest.raises(ConfigError, match="no row `moon`: it knows zone"):
        table.row("moon")
    with pytest.raises(ConfigError, match="no number"):
        table.quantity("beta")
