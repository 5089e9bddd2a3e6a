"""`.faultray.yml`: every mistake has a file, a line and the nearest right word."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from faultray_action.model.component import Recovery
from faultray_action.model.errors import ConfigError
from faultray_action.model.policy import DeclaredEntry, DeclaredNeed, Place, Policy
from faultray_action.model.topology import Role
from faultray_action.model.units import Interval
from faultray_action.policy import read_policy
from faultray_action.policy_schema import config_schema
from faultray_action.topology.overrides import unmatched

TODAY = date(2026, 3, 1)
WHOLE = """\
entry_points:
  - aws_lb.public
  - { address: module.api, weight: 3, label: API }
overrides:
  aws_lb.internal: { entry_point: false }
  aws_db_instance.main: { copies_elsewhere: 3, recovery: fails-over }
  aws_ecs_service.shop:
    copies: 4
    needed: 2
    zones: [eu-west-1a, eu-west-1b]
    needs:
      - { target: aws_db_instance.main, role: optional, breaker: true, fallback: false }
    ignored_needs: [aws_s3_bucket.logs]
    failures_per_year: [1, 2, 4]
    repair_hours: 0.5
    sla: 99.9
    protected: true
data_weights:
  aws_s3_bucket.logs: 0
rates:
  vm: { failures_per_year: 0.4 }
  beta_same_zone: { value: 0.2 }
sla:
  rds: 99.5
operations:
  deploys_per_month: 20
  team_size: 4
slo: 99.95
gates: { min_score: 60, fail_on_regression: true }
unknowns: best
waivers:
  - { id: 0a1b2c3d4e, reason: until the migration, expiry: 2026-04-01, owner: team-a }
  - { address: aws_nat_gateway.a, class: zonal-component, reason: cost, expiry: "2026-05-30", since: 2026-03-01 }
  - { id: aws_lb.x zone, reason: known, expiry: 2026-03-01 }
catalogue: [infra/types.yaml]
"""


def read(text: str) -> Policy:
    return read_policy(text.encode(), ".faultray.yml", TODAY).policy


def refused(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_everything_that_can_be_said_is_understood() -> None:
    policy = read(WHOLE)
    assert policy.entry_points[1] == DeclaredEntry("module.api", 3.0, "API", Place(".faultray.yml", 3))
    internal, database, shop = policy.overrides
    assert (internal.entry_point, database.copies_elsewhere, database.recovery) == (False, 3, Recovery.FAILS_OVER)
    assert (shop.copies, shop.needed, shop.zones, shop.place.line) == (4, 2, ("eu-west-1a", "eu-west-1b"), 7)
    assert shop.needs == (DeclaredNeed("aws_db_instance.main", Role.OPTIONAL, breaker=True, fallback=False),)
    assert (shop.failures_per_year, shop.repair_hours, shop.sla_percent, shop.protected) == (
        Interval(1, 2, 4),
        Interval.exactly(0.5),
        99.9,
        True,
    )
    assert policy.data_weights == (("aws_s3_bucket.logs", 0.0),) and policy.sla_percent == {"rds": 99.5}
    assert policy.rates[0].failures_per_year == Interval.exactly(0.4) and policy.rates[1].value == Interval.exactly(0.2)
    assert policy.operations == {"deploys_per_month": 20.0, "team_size": 4.0} and policy.catalogue == ("infra/types.yaml",)
    assert [(waiver.fingerprint, waiver.address, waiver.finding_class) for waiver in policy.waivers] == [
        ("0a1b2c3d4e", "", ""),
        ("", "aws_nat_gateway.a", "zonal-component"),
        ("", "aws_lb.x", "zone"),
    ]


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "\ufeff# with a mark\n"])
def test_an_empty_policy_says_nothing(text: str) -> None:
    assert read(text) == Policy()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gates:\n  min_scor: 60\n", ".faultray.yml:2: unknown key `min_scor` in `gates`: did you mean `min_score`?"),
        ("waiver: []\n", ".faultray.yml:1: unknown key `waiver`: did you mean `waivers`?"),
        ("gates:\n  min-score: 60\n", "did you mean `min_score`?"),
        ("operations:\n  xyzzy: 1\n", ".faultray.yml:2: unknown key `xyzzy` in `operations`: known are change_failure_rate, config_drift"),
        (
            "overrides:\n  a.b:\n    needs:\n      - {target: c.d, roll: need}\n",
            ".faultray.yml:4: unknown key `roll` in `overrides.a.b.needs[0]`",
        ),
        ("gates:\n\n  min_score: 101\n", ".faultray.yml:3: `gates.min_score` should be less than or equal to 100"),
        ("gates: {min_score: high}\n", ".faultray.yml:1: `gates.min_score` should be a valid number"),
        ("gates: {min_score: true}\n", "`gates.min_score` should be a valid number"),
        ("gates: {max_drop: .nan}\n", "`gates.max_drop` should be"),
        ("gates: {fail_on_regression: 1}\n", "`gates.fail_on_regression` should be a valid boolean"),
        ("slo: 100\n", "`slo` should be less than 100"),
        ("unknowns: maybe\n", "should be 'worst' or 'best'"),
        ("check_name: 3\n", "`check_name` must be text: put it in quotes"),
        ("rates: {vm: {failures_per_year: [3, 2, 1]}}\n", "must satisfy 0 <= low <= default <= high"),
        ("rates: {vm: {failures_per_year: often}}\n", "must be a number or a list [low, default, high]"),
        ("overrides: {a.b: {copies: 1, needed: 2}}\n", "needs 2 of 1 copies: it could never serve"),
        ("- a\n", ".faultray.yml:1: must be a mapping"),
        ("gates: {}\ngates: {}\n", ".faultray.yml:2: `gates` is written twice: keep one"),
        ("gates: {min_score: 1\n", ".faultray.yml:2: "),
        ("a: !!python/object/apply:os.system [id]\n", ".faultray.yml:1: "),
        ("a: 2026-99-99\n", ".faultray.yml:1: `2026-99-99` cannot be read"),
        ("? [a]\n: b\n", "a key must be text"),
        ("a: \x00\n", ".faultray.yml"),
        ("[" * 5000, ".faultray.yml: it nests deeper than 500 levels"),
    ],
)
def test_a_mistake_is_named_with_its_line(text: str, message: str) -> None:
    assert message in refused(text)


def test_several_mistakes_are_told_at_once_in_the_order_of_the_file() -> None:
    told = refused("slo: 0\ngates:\n" + "".join(f"  wrong_{number}: 1\n" for number in range(7)))
    assert told.startswith(".faultray.yml:1: `slo`") and told.endswith("; and 3 more") and told.count(".faultray.yml:") == 5


def test_aliases_that_unfold_to_too_much_are_refused() -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{b}: &{b} [{', '.join(['*' + a] * 10)}]\n" for a, b in zip("abcdef", "bcdefg", strict=True)
    )
    assert "more than 50,000 values" in refused(bomb)


def test_a_file_of_another_encoding_or_size_is_refused() -> None:
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_policy(b"slo: \xff\n", "p.yml", TODAY)
    with pytest.raises(ConfigError, match="bytes: a policy may have"):
        read_policy(b"#" * (1024 * 1024 + 1), "p.yml", TODAY)


@pytest.mark.parametrize(
    ("waiver", "message"),
    [
        ("{id: 0a1b2c3d, expiry: 2026-03-09}", "needs `reason`"),
        ("{id: 0a1b2c3d, reason: r}", "needs `expiry`"),
        ("{reason: r, expiry: 2026-03-09}", "needs either an `id`"),
        ("{id: 0a1b2c3d, address: a.b, reason: r, expiry: 2026-03-09}", "needs either an `id`"),
        ("{id: 0a1b2c3d, class: zone, reason: r, expiry: 2026-03-09}", "goes with an `address` only"),
        ("{id: 0a1b, reason: r, expiry: 2026-03-09}", "too short for a fingerprint"),
        ("{id: 12345678, reason: r, expiry: 2026-03-09}", "must be text: put it in quotes"),
        ("{id: whatever, reason: r, expiry: 2026-03-09}", "neither a fingerprint nor ADDRESS CLASS"),
        ("{address: a.b, class: zonal, reason: r, expiry: 2026-03-09}", "is no class of a finding: did you mean `"),
        ("{id: 0a1b2c3d, reason: '  ', expiry: 2026-03-09}", "needs a `reason`"),
        ("{id: 0a1b2c3d, reason: r, expiry: soon}", "must be a day as YYYY-MM-DD"),
        ("{id: 0a1b2c3d, reason: r, expiry: 2026-05-31}", "may last 90 days: `expiry` 2026-05-31 must be 2026-05-30 or earlier"),
        ("{id: 0a1b2c3d, reason: r, expiry: 2026-05-02, since: 2026-01-31}", "must be 2026-05-01 or earlier"),
        ("{id: 0a1b2c3d, reason: r, expiry: 2026-09-01, since: 2026-08-01}", "lies in the future"),
    ],
)
def test_a_waiver_must_say_what_why_and_until_when(waiver: str, message: str) -> None:
    told = refused(f"waivers:\n  - {waiver}\n")
    assert told.startswith(".faultray.yml:2: ") and message in told


def test_an_address_that_means_nothing_is_named_with_the_nearest() -> None:
    policy = read(
        "overrides:\n  aws_lb.pubic: {entry_point: false}\n  aws_db_instance.main: {copies: 2}\n  zzz.*: {copies: 1}\nentry_points: [module.web]\n"
    )
    known = ["aws_lb.public", 'aws_db_instance.main["a"]', "module.web[0].aws_lb.x"]
    told = unmatched(policy, known)
    assert [(row.line, row.message) for row in told] == [
        (2, ".faultray.yml:2: `aws_lb.pubic` matches nothing in the plan: did you mean `aws_lb.public`?"),
        (4, ".faultray.yml:4: `zzz.*` matches nothing in the plan."),
    ]


def test_the_schema_accepts_what_the_reader_accepts() -> None:
    schema = config_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    document = json.loads(json.dumps(yaml.safe_load(WHOLE), default=str))
    jsonschema.validate(document, schema, cls=jsonschema.Draft202012Validator)


@pytest.mark.parametrize("wrong", [{"gate": {}}, {"gates": {"min_score": 101}}, {"waivers": [{"id": "0a1b2c3d"}]}, {"unknowns": "maybe"}])
def test_the_schema_refuses_what_the_reader_refuses(wrong: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, config_schema(), cls=jsonschema.Draft202012Validator)
    refused(yaml.safe_dump(wrong))


def test_every_key_has_a_description_for_editors() -> None:
    schema = config_schema()
    for section in [schema, *schema["$defs"].values()]:
        for name, field in section.get("properties", {}).items():
            assert field.get("description"), name


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["gates", "waivers", "overrides", "id", "x", "entry_points", "slo"]), inner, max_size=4)
        ),
        max_leaves=12,
    )
)
def test_whatever_stands_in_the_file_it_is_a_policy_or_one_sentence(tree: Any) -> None:
    try:
        read(yaml.safe_dump(tree, allow_unicode=True))
    except ConfigError as error:
        assert str(error).startswith(".faultray.yml")


@given(st.text(max_size=80))
def test_whatever_bytes_stand_in_the_file_it_is_a_policy_or_one_sentence(text: str) -> None:
    try:
        read(text)
    except ConfigError as error:
        assert str(error).startswith(".faultray.yml")
