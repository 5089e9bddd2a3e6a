"""`.faultray.yml` from its text to the verdict: every statement that docs/policy.md promises does what it says."""

from __future__ import annotations

from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt
from msgspec.structs import replace
from plan_makers import Values, as_bytes, plan, stack

from faultray_action.commands import common
from faultray_action.commands.tf_check import render
from faultray_action.model.errors import ConfigError
from faultray_action.pipeline import Checked, check
from faultray_action.report.document import Document
from faultray_action.settings import settings_of_action

TODAY = date(2026, 1, 1)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def judged(tree: Values, policy: str = "", today: date = TODAY, **inputs: str) -> Checked:
    """As a run of the action judges it, with this policy in the working directory."""
    Path(".faultray.yml").write_text(policy, encoding="utf-8")
    environ = {f"INPUT_{name.replace('_', '-').upper()}": value for name, value in inputs.items()}
    settings = settings_of_action({"INPUT_PLAN": "plan.json", **environ}, today)
    request = common.request_of(settings, (Path("-"),), stdin=as_bytes(tree))
    return check(replace(request, scenario_budget=60))


def shop(**attributes: Any) -> tuple[dict[str, Values], dict[str, Values]]:
    before = stack()
    before["aws_db_instance.main"].update(multi_az=True)
    after = deepcopy(before)
    for name, value in attributes.items():
        after["aws_db_instance.main"][name] = value
    return before, after


def zonal(**attributes: Any) -> Values:
    return plan(*shop(multi_az=False, **attributes))


def same() -> Values:
    return plan(*shop())


def alone() -> Values:
    """A single task behind the load balancer, as it was."""
    before, _ = shop()
    before["aws_ecs_service.api"]["desired_count"] = 1
    return plan(before, before)


def spofs(document: Document) -> set[str]:
    return {row.address for row in (*document.spofs.new, *document.spofs.unchanged)}


def test_without_a_policy_the_standby_is_missed() -> None:
    assert {row.address for row in judged(zonal()).document.spofs.new} == {"aws_db_instance.main"}


# Facts about single resources


def test_copies_elsewhere_are_copies() -> None:
    found = judged(zonal(), "overrides:\n  aws_db_instance.main: { copies_elsewhere: 3 }\n")
    assert found.decision.passed and not found.document.spofs.new
    assert len(found.after.components["aws_db_instance.main"].copies) == 4


def test_copies_stand_for_what_really_runs() -> None:
    assert "aws_ecs_service.api" in spofs(judged(alone()).document)
    found = judged(alone(), "overrides:\n  aws_ecs_service.api: { copies: 4 }\n")
    assert "aws_ecs_service.api" not in spofs(found.document)
    assert found.document.score.after > judged(alone()).document.score.after


def test_needed_copies_must_be_up() -> None:
    found = judged(same(), "overrides:\n  aws_ecs_service.api: { needed: 3 }\n")
    assert "aws_ecs_service.api" in spofs(found.document)


def test_zones_are_where_it_stands() -> None:
    found = judged(same(), "overrides:\n  aws_ecs_service.api: { zones: [eu-west-1a] }\n")
    rows = {row.address: row for row in found.document.spofs.unchanged}
    assert rows["aws_ecs_service.api"].zones == ("eu-west-1a",)


def test_what_is_no_entry_point_has_no_single_points() -> None:
    found = judged(zonal(), "overrides:\n  aws_lb.web: { entry_point: false }\n").document
    assert "aws_lb.web" not in {row.address for row in found.entry_points}


def test_what_is_an_entry_point_is_one() -> None:
    found = judged(same(), "overrides:\n  aws_ecs_service.api: { entry_point: true }\n").document
    assert {"aws_ecs_service.api", "aws_lb.web"} <= {row.address for row in found.entry_points}


def test_a_stated_need_carries_an_outage() -> None:
    before, _ = shop()
    before["aws_instance.legacy"] = {"id": "i-1", "ami": "a", "instance_type": "t3.small", "subnet_id": "subnet-a"}
    tree = plan(before, before)
    assert "aws_instance.legacy" not in spofs(judged(tree, "overrides: { aws_instance.legacy: { entry_point: false } }").document)
    policy = """
overrides:
  aws_instance.legacy: { entry_point: false }
  aws_ecs_service.api: { needs: [ { target: aws_instance.legacy } ] }
"""
    assert "aws_instance.legacy" in spofs(judged(tree, policy).document)
    optional = policy.replace("{ target: aws_instance.legacy }", "{ target: aws_instance.legacy, role: optional }")
    assert "aws_instance.legacy" not in spofs(judged(tree, optional).document)
    breaker = policy.replace("{ target: aws_instance.legacy }", "{ target: aws_instance.legacy, breaker: true }")
    assert "aws_instance.legacy" not in spofs(judged(tree, breaker).document)
    helpless = policy.replace("{ target: aws_instance.legacy }", "{ target: aws_instance.legacy, breaker: true, fallback: false }")
    assert "aws_instance.legacy" in spofs(judged(tree, helpless).document)


def test_an_ignored_need_carries_none() -> None:
    found = judged(zonal(), "overrides:\n  aws_ecs_service.api: { ignored_needs: [aws_db_instance.main] }\n").document
    assert not [row for row in found.spofs.new if "aws_lb.web" in row.takes_down]


@pytest.mark.parametrize(
    ("stated", "better"),
    [
        ("{ failures_per_year: 0.001 }", True),
        ("{ failures_per_year: [5, 10, 20] }", False),
        ("{ repair_hours: 48 }", False),
        ("{ repair_hours: 0.01 }", True),
    ],
)
def test_stated_rates_count(stated: str, better: bool) -> None:
    plain = judged(alone()).document.score.after
    found = judged(alone(), f"overrides:\n  aws_ecs_service.api: {stated}\n").document.score.after
    assert (found > plain) is better and found != plain


def test_a_stated_recovery_is_told() -> None:
    found = judged(zonal(), "overrides:\n  aws_db_instance.main: { recovery: fails-over }\n").document
    assert [row.recovery for row in found.spofs.new] == ["fails-over"]


def test_a_stated_sla_is_a_contract_of_its_own() -> None:
    plain = judged(same()).document.availability
    stated = judged(same(), "overrides:\n  aws_db_instance.main: { sla: 90 }\n").document.availability
    assert plain is not None and stated is not None
    assert stated.layers["external"].after < 0.9 < plain.layers["external"].after


def test_the_sla_of_a_service_counts() -> None:
    plain = judged(same()).document.availability
    stated = judged(same(), "sla: { aws_rds_multi_az: 90 }\n").document.availability
    assert plain is not None and stated is not None and stated.layers["external"].after < plain.layers["external"].after


def test_what_is_backed_up_elsewhere_is_not_lost() -> None:
    tree = plan(*shop(backup_retention_period=0, deletion_protection=False, skip_final_snapshot=True))
    red = judged(tree)
    assert {row.kind for row in red.document.risks.new} == {"data-loss"} and not red.decision.passed
    green = judged(tree, "overrides:\n  aws_db_instance.main: { protected: true }\n")
    assert not green.document.risks.new and green.decision.passed and green.document.score.delta == 0


def test_what_is_stated_unprotected_is_not_covered() -> None:
    found = judged(same(), "overrides:\n  aws_db_instance.main: { protected: false }\n").document
    assert found.score.after < judged(same()).document.score.after


def test_data_that_weighs_nothing_is_not_missed() -> None:
    tree = plan(*shop(backup_retention_period=0, deletion_protection=False, skip_final_snapshot=True))
    found = judged(tree, "data_weights: { aws_db_instance.main: 0 }\n")
    assert not found.document.risks.new and found.document.score.delta == 0


def test_weights_of_entry_points_and_data_shift_the_score() -> None:
    before, after = shop(multi_az=False)
    for side in (before, after):
        side["aws_instance.legacy"] = {"id": "i-1", "ami": "a", "instance_type": "t3.small", "subnet_id": "subnet-a"}
    policy = (
        "entry_points:\n  - {{ address: aws_lb.web, weight: {} }}\n  - {{ address: aws_instance.legacy, weight: {}, label: old box }}\n"
    )
    heavy = judged(plan(before, after), policy.format(9, 1)).document
    light = judged(plan(before, after), policy.format(1, 9)).document
    assert heavy.score.delta < light.score.delta < 0
    assert {row.label for row in heavy.entry_points} == {"old box", "aws_lb.web"} or "old box" in {row.label for row in heavy.entry_points}
    assert {row.address for row in heavy.entry_points} == {"aws_lb.web", "aws_instance.legacy"}


def test_own_rates_replace_the_tables() -> None:
    plain = judged(zonal()).document.score.after
    assert judged(zonal(), "rates: { managed_database: { failures_per_year: 5 } }\n").document.score.after < plain


def test_operations_move_their_layers() -> None:
    policy = "operations: { deploys_per_month: 400, change_failure_rate: 0.3, recovery_minutes: 120, on_call_coverage: 0.1 }\n"
    plain, stated = judged(same()).document.availability, judged(same(), policy).document.availability
    assert plain is not None and stated is not None
    assert stated.layers["software"].after < plain.layers["software"].after
    assert stated.layers["operational"].after < plain.layers["operational"].after


def test_a_catalogue_file_teaches_a_type() -> None:
    Path("infra").mkdir()
    Path("infra/types.yaml").write_text(
        """provider: acme
types:
  acme_database:
    disposition: component
    kind: database
    label: Acme database
    scope: spread
    rates: managed_database
    stateful: true
    copies: "replicas"
""",
        encoding="utf-8",
    )
    before, _ = shop()
    before["acme_database.x"] = {"id": "x", "replicas": 2}
    after = deepcopy(before)
    after["acme_database.x"]["replicas"] = 1
    unknown = judged(plan(before, after)).document
    assert "acme_database" in {one.type for one in unknown.coverage.unknown_types}
    known = judged(plan(before, after), "catalogue: [infra/types.yaml]\n").document
    assert not known.coverage.unknown_types
    assert "acme_database.x" in {row.address for row in known.spofs.new}


# Gates


@pytest.mark.parametrize(
    ("policy", "passes"),
    [
        ("gates: { fail_on_regression: false }", True),
        ("gates: { max_drop: 50 }", False),
        ("gates: { max_drop: 50, max_new_spofs: 1 }", True),
        ("gates: { fail_on_regression: false, min_score: 99 }", False),
        ("gates: { fail_on_regression: false, min_score: 30 }", True),
        ("slo: 99.0\ngates: { fail_on_regression: false }", True),
    ],
)
def test_the_gates_of_the_file_are_asked(policy: str, passes: bool) -> None:
    assert judged(zonal(), policy).decision.passed is passes


def test_an_input_wins_over_the_file_and_origins_are_told() -> None:
    found = judged(zonal(), "gates:\n  fail_on_regression: false\n  min_score: 10\n", min_score="99")
    assert not found.decision.passed
    assert found.document.settings["min-score"] == "99 (input)"
    assert found.document.settings["fail-on-regression"] == "false (file .faultray.yml:2)"
    assert found.document.settings["max-drop"] == "0 (default)"
    assert "`99 (input)`" in render_summary(found)


def render_summary(found: Checked) -> str:
    from faultray_action.report import summary

    return summary.render(found.document)


def test_a_slo_out_of_reach_fails_where_it_was_in_reach() -> None:
    whole = judged(zonal()).document.availability
    assert whole is not None and whole.ceiling is not None and whole.ceiling_before is not None
    if whole.ceiling < whole.ceiling_before:
        target = 50 * (whole.ceiling + whole.ceiling_before)
        found = judged(zonal(), f"slo: {target:.6f}\ngates: {{ fail_on_regression: false }}\n")
        assert [gate.gate for gate in found.decision.gates if not gate.passed] == ["slo"]
    assert not judged(zonal(), "slo: 99.9999\n", fail_on_regression="false").document.slo.feasible  # type: ignore[union-attr]


def test_low_coverage_is_could_not_compute() -> None:
    before, after = shop()
    for number in range(3):
        after[f"acme_thing.x{number}"] = {"name": "x"}
    assert judged(plan(before, after)).decision.error
    assert not judged(plan(before, after), "gates: { min_coverage: 0 }").decision.error


# What means nothing is named


def diagnostics(found: Checked) -> dict[str, tuple[str, int, str]]:
    return {row.code: (row.file, row.line, row.message) for row in found.document.diagnostics}


@pytest.mark.parametrize(
    ("policy", "line"),
    [
        ("overrides:\n  aws_db_instance.mian: { copies: 2 }\n", 2),
        ("\nentry_points:\n  - aws_lb.webb\n  - aws_lb.web\n", 3),
        ("data_weights:\n  aws_db_instance.mian: 0\n", 2),
        ("overrides:\n  aws_lb.web: { needs: [ { target: aws_db_instance.mian } ] }\n", 2),
        ("overrides:\n  aws_lb.web: { ignored_needs: [ aws_db_instance.mian ] }\n", 2),
    ],
)
def test_an_address_that_matches_nothing_is_named_with_its_line(policy: str, line: int) -> None:
    file, at, message = diagnostics(judged(same(), policy))["policy-matches-nothing"]
    assert (file, at) == (".faultray.yml", line)
    assert "did you mean `aws_db_instance.main`" in message or "did you mean `aws_lb.web`" in message


def test_unused_and_mistyped_waivers_are_named_with_their_line() -> None:
    policy = """waivers:
  - { address: aws_db_instance.main, class: data-loss, reason: r, expiry: 2026-02-01, since: 2026-01-01 }
  - { address: aws_db_instance.mian, reason: r, expiry: 2026-02-01, since: 2026-01-01 }
"""
    found = judged(zonal(), policy)
    rows = [row for row in found.document.diagnostics if row.code == "waiver-unused"]
    assert [(row.file, row.line) for row in rows] == [(".faultray.yml", 2), (".faultray.yml", 3)]
    assert "aws_db_instance.main" in rows[1].message
    assert found.document.waivers is not None and len(found.document.waivers.unused) == 2
    assert "Waivers that match nothing" in render(found, "markdown")


@pytest.mark.parametrize("policy", ["gates: { min_scor: 3 }", "waivers: [ { id: x } ]", "mode: soft", "overrides: []", "- a", "gates: {"])
def test_a_mistake_is_named_with_its_line(policy: str) -> None:
    with pytest.raises(ConfigError, match=r"\.faultray\.yml:\d+: "):
        judged(same(), policy)


# Waivers, pasted


def pasted(found: Checked) -> str:
    """The YAML that the comment offers, with a reason written."""
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(render(found, "markdown"))
    [block] = [token.content for token in tokens if token.type == "fence" and token.info == "yaml"]
    assert yaml.safe_load(block)["waivers"][0]["reason"] == ""
    return block.replace('reason: ""', 'reason: "until the migration"')


@pytest.mark.parametrize(
    "tree",
    [
        zonal(),
        zonal(backup_retention_period=0),
        plan(*shop(backup_retention_period=0, deletion_protection=False, skip_final_snapshot=True)),
        plan(shop()[0], {address: values for address, values in shop()[0].items() if address != "aws_lb_listener.web"}),
    ],
    ids=["single point", "single point and data", "data", "cut off"],
)
def test_what_the_comment_offers_makes_the_gate_pass(tree: Values) -> None:
    red = judged(tree)
    assert not red.decision.passed
    green = judged(tree, pasted(red))
    assert green.decision.passed, [gate.message for gate in green.decision.gates if not gate.passed]
    assert green.document.score == red.document.score
    assert "Waived on purpose" in render(green, "markdown")
    assert not judged(tree, pasted(red), date(2026, 2, 1)).decision.passed


def test_a_waiver_without_a_reason_is_refused() -> None:
    offered = pasted(judged(zonal())).replace("until the migration", "")
    with pytest.raises(ConfigError, match="reason"):
        judged(zonal(), offered)


def test_a_waiver_announces_its_end() -> None:
    text = pasted(judged(zonal()))
    soon = judged(zonal(), text, date(2026, 1, 25))
    assert soon.decision.passed and "Waivers about to expire" in render(soon, "markdown")
    late = judged(zonal(), text, date(2026, 2, 1))
    assert "Waivers expired" in render(late, "markdown") and diagnostics(late)["waiver-expired"][:2] == (".faultray.yml", 2)
