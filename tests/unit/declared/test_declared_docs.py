"""docs/infra.md names every key and every type, and its example is one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from faultray_action.declared.read import parse_infra
from faultray_action.declared.schema import infra_schema
from faultray_action.model.component import Kind

PAGE = (Path(__file__).parents[3] / "docs" / "infra.md").read_text(encoding="utf-8")


def test_every_key_is_explained() -> None:
    schema = infra_schema()
    named = set(re.findall(r"`([a-z0-9_]+)", PAGE))
    keys = {key for part in (schema, *schema["$defs"].values()) for key in part.get("properties", {})}
    assert keys - named - {"components", "dependencies"} == set()


@pytest.mark.parametrize("kind", list(Kind))
def test_every_type_is_listed(kind: Kind) -> None:
    assert kind.value in PAGE


def test_the_example_is_one() -> None:
    example = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert example
    declared = parse_infra(example.group(1), "docs/infra.md")
    assert [component.id for component in declared.components] == ["nginx", "api", "postgres"]
