"""What a wrong infra.yaml is answered with: file, line, and the nearest right key."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import yaml

from faultray_action.declared.kept import keep, read_kept
from faultray_action.declared.read import DEMO, parse_infra, read_infra
from faultray_action.declared.schema import infra_schema, parse_duration
from faultray_action.model.errors import InputError

ORDER = """\
components:
  - id: nginx
    type: load_balancer
    port: 443
    replicas: 2
  - id: api
    type: app_server
    replicas: 3
  - id: postgres
    type: database
    replicas: 1
dependencies:
  - source: nginx
    target: api
    type: requires
  - source: api
    target: postgres
    type: requires
"""
API = "    type: app_server\n    replicas: 3\n"


def refused(text: str) -> str:
    with pytest.raises(InputError) as caught:
        parse_infra(text, "infra.yaml")
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("replicas: 2", "replica: 2", "infra.yaml:5: `components[0].replica` is no known key; did you mean `replicas`?"),
        ("database", "databse", "infra.yaml:10: `components[2].type` cannot be `databse`; did you mean `database`?"),
        ("type: requires", "type: require", "infra.yaml:15: `dependencies[0].type` cannot be `require`; did you mean `requires`?"),
        ("target: postgres", "target: postgre", "infra.yaml:17: there is no component `postgre`; did you mean `postgres`?"),
        ("components:", "component:", "infra.yaml:1: `component` is no known key; did you mean `components`? (1 more)"),
        ("  - id: api\n", "  - id: nginx\n", "infra.yaml:6: `nginx` is the id of an earlier component; ids are unique"),
        (API, API + "    replicas: 4\n", "infra.yaml:9: `replicas` is written twice: keep one"),
        (API, API + "    failover: soon\n", "infra.yaml:9: `components[1].failover`: write a duration such as 250ms, 2s, 15m, 1h or 2d"),
        (API, API + "    zones: a\n", "infra.yaml:9: `components[1].zones`: write a list of zone names, or how many unnamed zones"),
        (API, API + "    data: {medium: false}\n", "infra.yaml:9: `components[1].data.medium` cannot be `medium`; did you mean `media`?"),
        (API, API + "    mtbf_hours: 10\n    failures_per_year: 1\n", "`api` has mtbf_hours and failures_per_year; keep one"),
        (API, API + "    falls_with: node\n", "infra.yaml:9: there is no component `node`"),
        (API, API + "    placement: [a]\n", "`api` places 1 copies and has 3 replicas"),
        ("target: api", "target: nginx", "`nginx` cannot need itself"),
        (
            "dependencies:",
            "entry_points: [{id: api, lable: x}]\ndependencies:",
            "`entry_points[0].lable` is no known key; did you mean `label`?",
        ),
        ("dependencies:", "agents: [{id: api}]\ndependencies:", "infra.yaml:12: `agents[0].h0` is missing; add it"),
        ("replicas: 3", "replicas: [3", "infra.yaml:9: did not find expected"),
        ("replicas: 3", "replicas: *three", "infra.yaml:8: found undefined alias"),
    ],
)
def test_the_message_names_line_and_nearest_key(old: str, new: str, says: str) -> None:
    assert says in refused(ORDER.replace(old, new, 1))


@pytest.mark.parametrize(
    ("text", "says"), [("", "is empty"), ("[1]", "no mapping"), ("a: !!python/object:os.system x", "infra.yaml:1: the tag")]
)
def test_what_is_no_topology_at_all(text: str, says: str) -> None:
    assert says in refused(text)


def test_aliases_that_unfold_without_end_are_refused() -> None:
    bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(f"a{k}: &a{k} [{','.join([f'*a{k - 1}'] * 10)}]\n" for k in range(1, 9))
    assert "unfolds to more than" in refused(bomb)


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_infra(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes("name: caf\xe9".encode("latin-1"))
    with pytest.raises(InputError, match="no UTF-8"):
        read_infra(tmp_path / "latin.yaml")


def test_uneven_groups_are_refused() -> None:
    edges = (
        "  - {source: nginx, target: postgres, group: g, group_needed: 1}\n  - {source: nginx, target: api, group: g, group_needed: 2}\n"
    )
    assert "two values of group_needed" in refused(ORDER + edges)


def test_the_json_schema_accepts_what_the_reader_accepts_and_refuses_what_it_refuses() -> None:
    validator = jsonschema.Draft202012Validator(infra_schema())
    validator.check_schema(infra_schema())
    good = ORDER + "entry_points: [nginx, {id: x, component: api}]\n"
    good = good.replace(
        API, API + "    timeout: 2s\n    failover: 30s\n    zones: 2\n    data: {media: false, delete: backups}\n    repair_hours: 1\n"
    )
    parse_infra(good, "infra.yaml")
    assert validator.is_valid(yaml.safe_load(good))
    assert not validator.is_valid(yaml.safe_load(ORDER.replace("replicas: 2", "replica: 2")))
    assert not validator.is_valid(yaml.safe_load(ORDER.replace("type: requires", "type: require")))


@pytest.mark.parametrize(("text", "unit", "value"), [("250ms", "ms", 250), ("1.5h", "s", 5400), ("2d", "h", 48), (" 3 m ", "s", 180)])
def test_durations(text: str, unit: str, value: float) -> None:
    assert parse_duration(text, unit) == value


@pytest.mark.parametrize("text", [ORDER, DEMO.read_text(encoding="utf-8"), ORDER + "entry_points: []\n"])
def test_a_loaded_model_is_kept_and_read_back(text: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no model is loaded here"):
        read_kept(tmp_path)
    declared = parse_infra(text, "infra.yaml")
    assert keep(declared, tmp_path) == tmp_path / ".faultray" / "model.json"
    assert read_kept(tmp_path) == declared


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / ".faultray").write_text("a file")
    with pytest.raises(InputError, match="cannot be written"):
        keep(parse_infra(ORDER, "infra.yaml"), tmp_path)
