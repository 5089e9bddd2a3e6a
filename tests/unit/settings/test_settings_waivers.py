"""Waivers hold until the end of their day, cover what they name, and are never forgotten."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from faultray_action.model.policy import Place, Waiver
from faultray_action.policy import read_policy
from faultray_action.waivers import Waivable, WaiverReport, apply_waivers, pasteable

TODAY = date(2026, 3, 1)
NAT = Waivable("aws_nat_gateway.a", ("zonal-component",), "aaaa1111bbbb")
DATABASE = Waivable('aws_db_instance.main["x"]', ("copy", "zone"), "cccc2222dddd")
ROWS = (NAT, DATABASE)


def waiver(days: int = 30, **identity: str) -> Waiver:
    return Waiver("known", TODAY + timedelta(days=days), place=Place(".faultray.yml", 7), **identity)


def applied(*waivers: Waiver, rows: tuple[Waivable, ...] = ROWS) -> tuple[tuple[Waivable, ...], tuple[Waivable, ...], WaiverReport]:
    return apply_waivers(rows, waivers, TODAY, lambda row: row)


@pytest.mark.parametrize(
    "identity",
    [
        {"fingerprint": "aaaa1111"},
        {"fingerprint": "aaaa1111bbbb"},
        {"address": "aws_nat_gateway.a", "finding_class": "zonal-component"},
        {"address": "aws_nat_gateway.a"},
        {"address": "aws_nat_gateway.*"},
    ],
)
def test_a_finding_is_waived_by_fingerprint_or_by_address_and_class(identity: dict[str, str]) -> None:
    kept, waived, report = applied(waiver(**identity))
    assert (kept, waived) == ((DATABASE,), (NAT,)) and len(report.applied) == 1 and report.diagnostics == ()


def test_a_row_of_two_classes_needs_both_waived() -> None:
    zone = waiver(address="aws_db_instance.main", finding_class="zone")
    copy = waiver(address="aws_db_instance.main", finding_class="copy")
    assert applied(zone)[1] == () and applied(zone)[2].applied == (zone,)
    assert applied(zone, copy)[1] == (DATABASE,)


@pytest.mark.parametrize(("days", "active"), [(0, True), (1, True), (-1, False), (-40, False)])
def test_the_day_of_expiry_still_counts(days: int, active: bool) -> None:
    _, waived, report = applied(waiver(days, fingerprint="aaaa1111"))
    assert (NAT in waived) == active and (report.expired == ()) == active
    [told] = report.diagnostics
    assert told.code == ("waiver-expiring" if active else "waiver-expired")
    assert (told.file, told.line) == (".faultray.yml", 7) and told.message.startswith(".faultray.yml:7: the waiver of `aaaa1111` ")


def test_it_is_announced_a_fortnight_before() -> None:
    assert applied(waiver(14, fingerprint="aaaa1111"))[2].expiring and not applied(waiver(15, fingerprint="aaaa1111"))[2].expiring


@pytest.mark.parametrize(
    ("identity", "hint"),
    [
        ({"address": "aws_nat_gateway.b"}, "means no finding: did you mean `aws_nat_gateway.a`?"),
        ({"address": "aws_nat_gateway.a", "finding_class": "copy"}, "of class copy: that address has zonal-component"),
        ({"fingerprint": "aaaa1112"}, "did you mean `aaaa1111`?"),
        ({"address": "google_sql_database.z"}, "means no finding: remove it"),
    ],
)
def test_an_unused_waiver_is_named_and_a_mistyped_one_explained(identity: dict[str, str], hint: str) -> None:
    kept, _, report = applied(waiver(**identity))
    assert kept == ROWS and len(report.unused) == 1 and hint in report.diagnostics[0].message


@given(st.lists(st.tuples(st.sampled_from(["aaaa1111", "cccc2222", "eeee3333"]), st.integers(-40, 90)), max_size=5))
def test_waivers_only_ever_take_rows_away_and_each_is_accounted_for_once(said: list[tuple[str, int]]) -> None:
    waivers = [waiver(days, fingerprint=fingerprint) for fingerprint, days in said]
    kept, waived, report = applied(*waivers)
    assert sorted((*kept, *waived), key=ROWS.index) == list(ROWS)
    assert len(report.applied) + len(report.expired) + len(report.unused) == len(waivers)
    assert set(report.expiring) <= set(report.applied)
    assert applied(*reversed(waivers))[:2] == (kept, waived)


def test_the_pasted_waiver_is_read_back_and_waives_its_finding() -> None:
    lines = pasteable(NAT, TODAY).replace('reason: ""', 'reason: "agreed"')
    [read] = read_policy(f"waivers:\n  {lines}\n".encode(), "p.yml", TODAY).policy.waivers
    assert yaml.safe_load(lines)[0]["id"] == NAT.fingerprint
    assert applied(read)[1] == (NAT,)
