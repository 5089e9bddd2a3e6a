"""The incidents as data, and what the engine makes of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from faultray_action.backtest.incidents import Incident, load_incidents
from faultray_action.backtest.run import everything, reachable, run_backtest
from faultray_action.catalogue.reliability import load_reliability
from faultray_action.model.backtest import BacktestResult
from faultray_action.model.errors import ConfigError
from faultray_action.report.backtest_text import backtest_markdown, backtest_text

TABLE = load_reliability()
PAGE = Path(__file__).parents[3] / "docs" / "backtest.md"


@pytest.fixture(scope="module")
def result() -> BacktestResult:
    return run_backtest(TABLE)


def test_enough_incidents_of_each_cloud() -> None:
    incidents = load_incidents()
    clouds = [each for each in incidents if each.provider != "other"]
    assert len(clouds) >= 18
    assert {each.provider for each in clouds} == {"aws", "gcp", "azure"}
    assert len({each.id for each in incidents}) == len(incidents)
    assert all(each.url.startswith("https://") for each in incidents)


@pytest.mark.parametrize("incident", load_incidents(), ids=lambda each: each.id)
def test_what_was_observed_does_not_contradict_itself(incident: Incident) -> None:
    assert not set(incident.affected) & set(incident.unaffected)
    assert not set(incident.fails) & set(incident.unaffected)
    assert set(incident.at_least) <= set(incident.any_of)
    zones = {zone for zones in incident.zones.values() for zone in zones}
    assert set(incident.failed_zones) <= zones


def test_the_numbers_are_not_flattering_by_construction(result: BacktestResult) -> None:
    assert result.overall.false_negative > 0
    assert result.overall.false_positive > 0
    assert result.overall.true_negative >= 30


def test_the_engine_says_more_than_the_baselines(result: BacktestResult) -> None:
    baselines = dict(result.baselines)
    assert result.overall.balanced is not None
    for each in baselines.values():
        assert each.balanced is not None
        assert result.overall.balanced > each.balanced
    assert baselines["everything fails"].specificity.hits == 0
    assert baselines["everything fails"].false_negative == 0


def test_what_the_engine_predicts_is_reachable() -> None:
    for incident, outcome in zip(load_incidents(), run_backtest(TABLE).incidents, strict=True):
        assert set(outcome.predicted) <= reachable(incident) <= everything(incident)


@pytest.mark.parametrize(
    ("id", "predicted", "calm"),
    [
        ("pagerduty-2013-04-peering", "notification delivery", "deployment C"),
        ("dyn-2016-10-dns", "sites with one DNS provider", "sites with two DNS providers"),
        ("aws-2011-04-ebs", "RDS single-AZ in zone a", "RDS Multi-AZ"),
        ("aws-2025-10-dynamodb", "Lambda", "running EC2 instances"),
        ("gcp-2022-07-london", "Cloud SQL in zone a", "Compute Engine in other zones"),
    ],
)
def test_quorums_alternatives_zones_and_control_planes(id: str, predicted: str, calm: str) -> None:
    outcome = run_backtest(TABLE, id).incidents[0]
    assert predicted in outcome.predicted
    assert calm not in outcome.predicted


def test_an_unknown_incident_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean `dyn-2016-10-dns`"):
        run_backtest(TABLE, "dyn-2016")


def test_the_page_in_the_docs_is_what_the_command_prints(result: BacktestResult) -> None:
    assert PAGE.read_text(encoding="utf-8") == backtest_markdown(result)


def test_the_terminal_form_fits_80_columns(result: BacktestResult) -> None:
    for text in (backtest_text(result), *(backtest_text(run_backtest(TABLE, each.id)) for each in result.incidents[:3])):
        assert max(len(line) for line in text.splitlines() if not line.startswith("https:")) <= 80
    assert "An illustration, not a validation." in " ".join(backtest_text(result).split())
