"""SARIF, JUnit, GitLab and the badge are what their readers expect; the terminal stays a terminal."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from report_samples import EVIL, NAMES, hostile, poisoned, sample
from rich.cells import cell_len

from faultray_action.report import badge, codequality, junit, sarif, terminal
from faultray_action.report.document import Document
from faultray_action.report.rules import RULES


def check_sarif(document: Document) -> dict[str, Any]:
    log: dict[str, Any] = json.loads(sarif.render(document))
    assert log["version"] == "2.1.0" and log["$schema"].endswith("sarif-schema-2.1.0.json")
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [rule.id for rule in RULES]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        assert result["message"]["text"]
        assert "](" not in result["message"]["text"], "a link of somebody else's"
        assert result["baselineState"] in ("new", "unchanged")
        assert len(result["partialFingerprints"]["faultray/v1"]) == 64
        (location,) = result["locations"]
        region = location["physicalLocation"]["region"]
        uri = location["physicalLocation"]["artifactLocation"]["uri"]
        assert region["startLine"] >= 1 and uri and not uri.startswith("/") and "\\" not in uri and ":" not in uri
        assert region.get("startColumn", 1) >= 1
    return run  # type: ignore[no-any-return]


def check_junit(document: Document) -> None:
    root = ElementTree.fromstring(junit.render(document))
    cases = root.findall(".//testcase")
    assert root.tag == "testsuites" and int(root.attrib["tests"]) == len(cases) > 0
    (suite,) = root
    for kind, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        assert int(suite.attrib[attribute]) == len(root.findall(f".//{kind}"))
        assert root.attrib.get(attribute) in (None, suite.attrib[attribute])
    check_for_jenkins(root)


class Allowed(NamedTuple):
    """What Jenkins' xUnit plugin takes of an element (its junit-10.xsd, told in our words): children, attributes it must have and may have."""

    children: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()
    may: frozenset[str] = frozenset()


OUTCOME = Allowed(may=frozenset({"type", "message"}))
JENKINS = {
    "testsuites": Allowed(frozenset({"testsuite"}), may=frozenset({"name", "time", "tests", "failures", "errors"})),
    "testsuite": Allowed(
        frozenset({"testsuite", "properties", "testcase", "system-out", "system-err"}),
        frozenset({"name", "tests", "failures", "errors"}),
        frozenset({"group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"}),
    ),
    "testcase": Allowed(
        frozenset({"skipped", "error", "failure", "system-out", "system-err"}),
        frozenset({"name"}),
        frozenset({"time", "classname", "group"}),
    ),
    "failure": OUTCOME,
    "error": OUTCOME,
    "skipped": OUTCOME,
}


def check_for_jenkins(element: ElementTree.Element) -> None:
    allowed = JENKINS[element.tag]
    assert allowed.needs <= element.attrib.keys() <= allowed.needs | allowed.may, element.tag
    for child in element:
        assert child.tag in allowed.children
        check_for_jenkins(child)


def check_codequality(document: Document) -> None:
    issues = json.loads(codequality.render(document))
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)
    for issue in issues:
        assert set(issue) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert issue["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert issue["location"]["path"] and issue["location"]["lines"]["begin"] >= 1


def check_terminal(document: Document) -> None:
    text = terminal.render(document)
    assert all(unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in text if character != "\n")
    assert all(cell_len(line) <= 80 for line in text.splitlines())


@pytest.mark.parametrize("name", NAMES)
def test_every_form_is_well_formed(name: str) -> None:
    document = sample(name)
    check_sarif(document)
    check_junit(document)
    check_codequality(document)
    check_terminal(document)
    assert set(json.loads(badge.render(document))) == {"schemaVersion", "label", "message", "color", "isError"}


@pytest.mark.parametrize("name", ["regression", "cut_off_and_apply", "could_not_compute"])
@given(evil=hostile)
@settings(max_examples=20)
def test_hostile_text_in_every_string(name: str, evil: str) -> None:
    document = poisoned(name, lambda text: text + evil)
    check_sarif(document)
    check_junit(document)
    check_terminal(document)


@pytest.mark.parametrize("evil", EVIL)
def test_known_evil_alone_in_every_string(evil: str) -> None:
    document = poisoned("cut_off_and_apply", lambda text: evil)
    check_sarif(document)
    check_junit(document)
    check_terminal(document)


def test_a_badge_is_never_green_without_a_score() -> None:
    assert json.loads(badge.render(sample("could_not_compute")))["color"] == "lightgrey"
    assert json.loads(badge.render(sample("could_not_compute")))["isError"] is True
    assert json.loads(badge.render(sample("improvement")))["color"] == "brightgreen"


def test_an_error_is_no_successful_run() -> None:
    assert check_sarif(sample("could_not_compute"))["invocations"][0]["executionSuccessful"] is False


def test_the_terminal_opens_with_the_panel_of_the_order() -> None:
    lines = terminal.render(sample()).splitlines()
    assert lines[1:4] == ["Score Before: 86/100", "Score After:  58/100 (-28 points)", ""]
    assert lines[4] == "NEW RISKS:" and lines[5] == "  - Database is now a single point of failure:"
    assert "Recommendation: HIGH RISK - Review Required" in lines


def test_colour_only_where_it_is_wanted() -> None:
    assert "\x1b[" not in terminal.render(sample()) and "╭" not in terminal.render(sample())
    assert "\x1b[" in terminal.render(sample(), color=True) and "╭" in terminal.render(sample(), color=True)


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_the_terminal_keeps_its_width(width: int) -> None:
    for name in NAMES:
        assert all(cell_len(line) <= width for line in terminal.render(sample(name), width=width).splitlines())


def test_no_control_character_of_a_name_reaches_a_coloured_terminal() -> None:
    document = poisoned("regression", lambda text: text + "\x1b]0;x\x07\x9b31m")
    coloured = terminal.render(document, color=True)
    assert "\x07" not in coloured and "\x9b" not in coloured and "\x1b]" not in coloured


def test_the_manual_names_every_rule_and_part() -> None:
    manual = (Path(__file__).parents[3] / "docs" / "report.md").read_text("utf-8")
    assert [rule.id for rule in RULES if f"| {rule.id} |" not in manual] == []
    optional = {"remedy", "drift", "waivers", "sensitivity", "agents", "slo", "plans", "cascades", "graph", "availability", "error"}
    assert [part for part in sorted(optional) if f"`{part}`" not in manual] == []
