"""What commands print and write: streams, files, colours, width; the order's own example; ids that replay; pictures; imports."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from itertools import product
from pathlib import Path

import jsonschema
import pytest
import yaml
from command_runs import CUT, FILES, ORDER, PLAN, SHARED, STATE, run

from faultray_action.declared.read import DEMO


@pytest.fixture(autouse=True)
def fresh_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    return tmp_path


# The order's own example, and what is kept between commands


def test_what_is_loaded_is_simulated_and_postgres_is_the_single_point(fresh_folder: Path) -> None:
    (fresh_folder / "infra.yaml").write_text(
        "components:\n  - {id: nginx, type: load_balancer, replicas: 2}\n  - {id: api, type: app_server, replicas: 3}\n"
        "  - {id: postgres, type: database, replicas: 1}\ndependencies:\n  - {source: nginx, target: api, type: requires}\n"
        "  - {source: api, target: postgres, type: requires}\n"
    )
    loaded = run("load", "infra.yaml")
    assert loaded.code == 0 and "3 components, 2 dependencies" in loaded.out and "entry points: nginx" in loaded.out
    assert (fresh_folder / ".faultray" / "model.json").is_file()
    told = run("simulate")
    assert told.code == 0 and "Database is a single point of failure: postgres" in told.out
    whole = run("simulate", "--html", "report.html", "--format", "json", "--slo", "99.95")
    assert whole.code == 1 and [row["address"] for row in whole.data["spofs"]["new"]] == ["postgres"]
    assert whole.data["slo"]["feasible"] is False
    page = (fresh_folder / "report.html").read_text(encoding="utf-8")
    assert page.lower().startswith("<!doctype html") and "postgres" in page
    for command in ("availability", "agents"):
        assert run(command).code == 0
    assert "postgres" in run("replay", "copy:postgres#0").out


def test_nothing_loaded_says_what_to_do() -> None:
    ran = run("simulate")
    assert (ran.code, ran.out) == (2, "") and "faultray load infra.yaml" in ran.err


# Streams and files


@pytest.mark.parametrize("command", ["simulate", "availability", "agents", "graph", "load"])
def test_a_declared_system_may_come_from_standard_input(command: str) -> None:
    from_file, piped = run(command, ORDER), run(command, "-", stdin=ORDER.read_bytes())
    assert from_file.code == piped.code == 0
    assert from_file.out.splitlines()[1:] == piped.out.splitlines()[1:]


def test_a_plan_may_come_from_standard_input() -> None:
    assert run("graph", "-", stdin=PLAN.read_bytes()) == run("graph", PLAN)
    assert "Score Before" in run("tf-check", "-", stdin=PLAN.read_bytes()).out


def test_a_file_is_written_whole_or_not_at_all(fresh_folder: Path) -> None:
    run("simulate", ORDER, "--output", "new/deep/report.txt")
    assert "postgres" in (fresh_folder / "new/deep/report.txt").read_text()
    assert run("graph", ORDER, "--output", "new").code == 2
    assert [path.name for path in fresh_folder.iterdir()] == ["new"]
    assert run("tf-check", "nothing.json", "--output", "report.txt").code == 2
    assert not (fresh_folder / "report.txt").exists()


def test_text_is_plain_when_piped_and_coloured_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b" not in run("simulate", ORDER).out
    monkeypatch.setenv("FORCE_COLOR", "1")
    coloured = run("simulate", ORDER).out
    assert "\x1b[" in coloured and "╭" in coloured
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in run("simulate", ORDER).out


@pytest.mark.parametrize(
    "arguments",
    [
        ("demo",),
        ("tf-check", PLAN),
        ("tf-check", CUT),
        ("simulate", ORDER),
        ("availability", PLAN, "--slo", "99.99"),
        ("agents", DEMO),
        ("explain", CUT, "aws_db_instance.main"),
        ("replay", "zone:aws:us-east-1a", PLAN),
        ("replay", "copy:db#0 & traffic*2", DEMO),
        ("backtest",),
    ],
    ids=lambda each: " ".join(Path(str(one)).parent.name + Path(str(one)).name for one in each),
)
def test_lines_fit_80_columns(arguments: tuple[object, ...]) -> None:
    ran = run(*arguments)
    assert ran.code == 0, ran.err
    wide = [line for line in ran.out.splitlines() if len(line) > 80]
    assert not [line for line in wide if len(line.split()) > 1 and max(map(len, line.split())) < 60], wide


def test_the_demo_is_what_the_order_asks_for() -> None:
    ran = run("demo")
    counted = re.search(r"([\d,]+) failure scenarios simulated", ran.out)
    assert counted and int(counted[1].replace(",", "")) > 2000
    assert "keeps answering while its knowledge base is gone" in " ".join(ran.out.split())
    document = run("demo", "--format", "json").data
    assert {row["address"] for row in document["agents"]} == {"assistant", "summarizer"}
    assert [row["address"] for row in document["risks"]["new"] if row["kind"] == "agent"] == ["assistant"]


# Scenarios that reports print


def test_every_scenario_that_a_report_prints_can_be_replayed() -> None:
    spofs = run("tf-check", PLAN, "--format", "json").data["spofs"]["new"]
    ids = [row["witness"]["scenario"] for row in spofs if "witness" in row]
    assert ids
    for id, side in product(ids, ("before", "after")):
        ran = run("replay", id, PLAN, "--side", side)
        assert ran.code == 0 and "Scenario" in ran.out
        assert ("Entry points down: none" in ran.out) is False


@pytest.mark.parametrize(
    ("scenario", "told"),
    [
        ("zone:aws:eu-west-1a", "zone eu-west-1a is lost"),
        ("copy:api#0 & copy:api#1", "2 of the 4 copies of app servers fail"),
        ("common:web", "all copies of web servers fail of one cause"),
        ("region:aws:eu-west-1", "region eu-west-1 is lost"),
        ("service:aws:sqs@eu-west-1", "the service sqs of aws in eu-west-1 fails"),
        ("vendor:payments", "the vendor fails: payments"),
        ("all-copies:api", "all copies of app servers are gone"),
        ("traffic*3", "3 times the traffic"),
        ("latency*10:db", "10 times the latency of orders database"),
        ("timeout:api -> db", "every call times out from app servers to orders database"),
        ("agent=prompt-injection:assistant", "prompt injection of support assistant"),
    ],
)
def test_a_replay_tells_what_is_injected(scenario: str, told: str) -> None:
    ran = run("replay", scenario, DEMO)
    assert ran.code == 0 and told in " ".join(ran.out.split())
    assert "Entry points down: " in ran.out


def test_a_replay_looks_through_connectors() -> None:
    ran = run("replay", "zone:aws:us-east-1a", PLAN)
    assert "needs RDS instance main" in ran.out and "needs ECS service api" in ran.out
    assert "task definition" not in ran.out and "listener" not in ran.out
    assert "  RDS instance main down\n  └─ ECS service api down\n     └─ load balancer main down\n" in ran.out


# Closer looks


def test_explain_tells_each_side_and_no_internal_word() -> None:
    told = run("explain", PLAN, "aws_db_instance.main").out
    assert "2 copies in us-east-1a and us-east-1b" in told and "SINGLE POINT OF FAILURE" in told
    assert "refers to it at `container_definitions`" in told and " is need" not in told and "catalogue:" not in told
    assert "before and after:" in run("explain", PLAN, "aws_lb.main").out
    assert "BROKEN" in run("explain", CUT, "aws_ecs_task_definition.api").out or "BROKEN" in run("explain", CUT, "aws_db_instance.main").out


@pytest.mark.parametrize("plan", [PLAN, CUT, DEMO], ids=lambda path: path.parent.name)
@pytest.mark.parametrize("side", ["before", "after", "diff"])
def test_pictures_are_sound_in_every_format(plan: Path, side: str) -> None:
    drawn = {form: run("graph", plan, "--side", side, "--format", form).out for form in ("mermaid", "dot", "graphml", "json")}
    content = yaml.safe_load(drawn["json"])
    names = [each["address"] for each in content["components"]]
    pairs = [(each["source"], each["target"]) for each in content["dependencies"]]
    assert names == sorted(set(names)) and all(end in names for pair in pairs for end in pair)
    assert all(each["evidence"] for each in content["dependencies"])
    root = ET.fromstring(drawn["graphml"])
    space = "{http://graphml.graphdrawing.org/xmlns}"
    assert [each.get("id") for each in root.iter(f"{space}node")] == names
    assert [(each.get("source"), each.get("target")) for each in root.iter(f"{space}edge")] == pairs
    first, *lines = drawn["mermaid"].splitlines()
    shape = re.compile(r'  (n\d+(\(?\["[^"]*"\]\)?)(:::\w+)?|n\d+ (-->|-\.->|-\.-)(\|"[^"]*"\|)? n\d+|classDef .*|linkStyle [\d,]+ .*)')
    assert first == "flowchart LR" and [line for line in lines if not shape.fullmatch(line)] == []
    dot = re.compile(r'  "(\\.|[^"\\])*"( -> "(\\.|[^"\\])*")? \[.*\];')
    assert [line for line in drawn["dot"].splitlines()[3:-1] if not dot.fullmatch(line)] == []


@pytest.mark.parametrize("which", ["report", "config", "infra", "catalogue"])
def test_schemas_are_schemas(which: str) -> None:
    schema = run("schema", which).data
    jsonschema.Draft202012Validator.check_schema(schema)


def test_what_the_schemas_describe_is_valid() -> None:
    jsonschema.validate(yaml.safe_load(ORDER.read_text()), run("schema", "infra").data)
    jsonschema.validate(yaml.safe_load(DEMO.read_text()), run("schema", "infra").data)
    jsonschema.validate(run("simulate", ORDER, "--format", "json").data, run("schema", "report").data)
    jsonschema.validate(yaml.safe_load((FILES / "my-types.yaml").read_text()), run("schema", "catalogue").data)


def test_a_shown_entry_is_a_catalogue_file(fresh_folder: Path) -> None:
    for name in ("aws_db_instance", "azurerm_redis_cache", "google_sql_database_instance", "kubernetes_deployment_v1"):
        shown = run("catalogue", "show", name)
        assert shown.code == 0 and "# " in shown.out
        (fresh_folder / "mine.yaml").write_text(shown.out, encoding="utf-8")
        assert run("catalogue", "check", "mine.yaml").code == 0, name


def test_one_incident_and_all_of_them() -> None:
    assert "all 33 incidents" in run("backtest").out or re.search(r"all \d\d incidents", run("backtest").out)
    assert "affected and predicted" in run("backtest", "--incident", "aws-2017-02-s3").out


# States


def _judged(document: dict[str, object]) -> tuple[object, object]:
    spofs = document["spofs"]
    assert isinstance(spofs, dict)
    return document["score"], [(row["address"], row["event"]) for row in spofs["new"]]


def test_an_imported_state_is_judged_as_the_system_it_is(fresh_folder: Path) -> None:
    ran = run("tf-import", STATE, "--output", "infra.yaml")
    assert (ran.code, ran.out) == (0, "") and "next: faultray simulate infra.yaml" in ran.err
    document = run("simulate", "infra.yaml", "--format", "json").data
    assert [row["address"] for row in document["spofs"]["new"]] == ["aws_db_instance.main"]
    assert run("tf-import", "-", stdin=STATE.read_bytes()).out == (fresh_folder / "infra.yaml").read_text()


def test_several_states_are_one_system(fresh_folder: Path) -> None:
    data = yaml.safe_load(STATE.read_text())
    halves = (
        [r for r in data["resources"] if r["type"] == "aws_db_instance"],
        [r for r in data["resources"] if r["type"] != "aws_db_instance"],
    )
    for name, resources in zip(("data.tfstate", "web.tfstate"), halves, strict=True):
        (fresh_folder / name).write_text(json.dumps({**data, "resources": resources}), "utf-8")
    run("tf-import", STATE, "--output", "one.yaml")
    run("tf-import", "data.tfstate", "web.tfstate", "--output", "two.yaml")
    one, two = (run("simulate", name, "--format", "json").data for name in ("one.yaml", "two.yaml"))
    assert _judged(one) == _judged(two)


def test_a_plan_is_no_state_and_a_state_no_plan() -> None:
    assert "faultray tf-check" in run("tf-import", PLAN).err
    assert "faultray tf-import" in run("tf-check", STATE).err
    assert f"faultray simulate {PLAN}" in run("load", PLAN).err


STATES = sorted((SHARED / "corpus" / "states").glob("*.*state*")) + sorted((SHARED / "corpus" / "states").glob("*.json"))


@pytest.mark.skipif(not STATES, reason="needs the shared states beside the project")
def test_every_state_is_imported_and_runs_or_says_why_not(fresh_folder: Path) -> None:
    imported = 0
    for path in dict.fromkeys(STATES):
        ran = run("tf-import", path, "--output", "infra.yaml")
        assert ran.code in (0, 2), path
        if ran.code == 2:
            assert ran.err.count("\n") == 1 and "defect" not in ran.err, path
            continue
        imported += 1
        assert run("simulate", "infra.yaml").code in (0, 2), path
    assert imported >= 10
