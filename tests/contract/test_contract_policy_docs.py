"""What docs/policy.md shows can be pasted: it reads, and it passes the schema that editors use."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import jsonschema
import yaml

from faultray_action.policy import read_policy
from faultray_action.policy_schema import PolicyFile, config_schema

DOCS = Path(__file__).resolve().parents[2] / "docs" / "policy.md"


def example() -> str:
    [block] = re.findall(r"^```yaml\n(.*?)^```", DOCS.read_text(encoding="utf-8"), re.M | re.S)
    return str(block)


def test_the_example_reads_without_a_complaint() -> None:
    document = read_policy(example().encode(), ".faultray.yml", date(2026, 3, 1))
    assert len(document.policy.waivers) == 2 and document.settings["min-score"][0] == "60"


def test_the_example_passes_the_schema() -> None:
    tree = json.loads(json.dumps(yaml.safe_load(example()), default=str))
    jsonschema.validate(tree, config_schema(), cls=jsonschema.Draft202012Validator)


def test_the_example_shows_every_key() -> None:
    assert set(yaml.safe_load(example())) == set(PolicyFile.model_fields)
