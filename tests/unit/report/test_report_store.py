"""The document is a contract: what is written can be read, and means the same bytes."""

from __future__ import annotations

import base64
import json
import math
import zlib
from inspect import cleandoc
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from report_samples import DOCUMENTS, NAMES, sample

from faultray_action.model.errors import InputError
from faultray_action.report import markdown, store, summary
from faultray_action.report.document import Document, EntryRow, EntrySide, ErrorPart, empty_document
from faultray_action.report.render import RENDERERS

SCHEMA = Path(store.__file__).parent / "schema" / "report.json"


def generated_schema() -> str:
    """The schema as the types say it, with the header that editors want."""
    body = told_alike(msgspec.json.schema(Document))
    header = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://github.com/faultray/action/schema/report-1.0.json",
        "title": "FaultRay report",
    }
    return json.dumps({**header, **body}, indent=1, sort_keys=True) + "\n"


def told_alike(node: Any) -> Any:
    """Descriptions come from docstrings, whose indentation Python keeps before 3.13 and drops since."""
    if isinstance(node, list):
        return [told_alike(item) for item in node]
    if isinstance(node, dict):
        return {
            key: cleandoc(value) if key == "description" and isinstance(value, str) else told_alike(value) for key, value in node.items()
        }
    return node


def test_the_shipped_schema_is_what_the_types_say(golden: Any) -> None:
    golden(SCHEMA, generated_schema())
    assert store.schema() == SCHEMA.read_bytes()


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(store.schema()))


@pytest.mark.parametrize("name", NAMES)
def test_documents_and_what_is_written_of_them_hold_the_schema(name: str) -> None:
    validator = jsonschema.Draft202012Validator(json.loads(store.schema()))
    validator.validate(json.loads((DOCUMENTS / f"{name}.json").read_text("utf-8")))
    validator.validate(json.loads(store.dump(sample(name))))


def test_the_keys_of_the_contract_are_always_there() -> None:
    written = json.loads(store.dump(empty_document("x", "plan.json", ErrorPart(reason="r", next_step="n"))))
    assert {
        "schema_version", "plan", "score", "recommendation", "gate", "entry_points", "spofs", "risks", "attribution", "apply", "scenarios", "coverage",
    } <= set(written)  # fmt: skip
    assert written["score"] == {"before": None, "after": None, "delta": None}
    assert written["spofs"] == {"new": [], "resolved": [], "unchanged": []}
    assert written["gate"]["passed"] is False


def test_parts_that_were_not_built_are_absent() -> None:
    written = json.loads(store.dump(sample("could_not_compute")))
    assert not {"remedy", "drift", "waivers", "sensitivity", "agents", "slo", "plans", "cascades", "graph", "availability"} & set(written)


@pytest.mark.parametrize("name", NAMES)
def test_canonical_is_idempotent(name: str) -> None:
    once = store.canonical(sample(name))
    assert store.canonical(once) == once


def test_rows_and_interaction_sum_to_the_delta_to_the_cent() -> None:
    part = sample().attribution
    assert round(sum(row.points for row in part.rows) + part.interaction, 2) == sample().score.delta


def test_every_row_has_a_fingerprint_without_line_or_value() -> None:
    document = sample()
    moved = msgspec.structs.replace(document.spofs.new[0], line=99, points=-1.0, fingerprint="")
    again = store.canonical(msgspec.structs.replace(document, spofs=msgspec.structs.replace(document.spofs, new=(moved,))))
    assert again.spofs.new[0].fingerprint == document.spofs.new[0].fingerprint == store.fingerprint("spof", moved.address, moved.event)


def test_a_fingerprint_given_stays() -> None:
    document = sample()
    given = msgspec.structs.replace(document.spofs.new[0], fingerprint="f" * 64)
    again = store.canonical(msgspec.structs.replace(document, spofs=msgspec.structs.replace(document.spofs, new=(given,))))
    assert again.spofs.new[0].fingerprint == "f" * 64


def test_endless_nines_are_bounded() -> None:
    row = EntryRow(address="a", before=None, after=EntrySide(nines=math.inf))
    document = store.canonical(msgspec.structs.replace(sample(), entry_points=(row,)))
    assert document.entry_points[0].after == EntrySide(nines=store.MAX_NINES)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b"null",
        b'{"schema_version": "1.0"}',
        b"[" * 100_000,
        json.dumps({**json.loads(store.dump(sample())), "schema_version": "2.0"}).encode(),
        json.dumps({**json.loads(store.dump(sample())), "verdict": "green"}).encode(),
        json.dumps({**json.loads(store.dump(sample())), "score": {"before": "86"}}).encode(),
    ],
)
def test_what_is_no_report_is_refused_in_one_sentence(data: bytes) -> None:
    with pytest.raises(InputError) as caught:
        store.load(data, "report.json")
    assert "\n" not in str(caught.value) and str(caught.value).startswith("report.json")


def test_keys_of_a_later_minor_version_are_ignored() -> None:
    later = {**json.loads(store.dump(sample())), "schema_version": "1.7", "weather": "fine"}
    assert store.load(json.dumps(later).encode()).schema_version == "1.7"


def test_numbers_out_of_range_break_no_renderer() -> None:
    for number in (1e308, -1e308, 1e-308, 10**15, -1):
        document = store.load(json.dumps(_with_numbers(json.loads(store.dump(sample())), number)).encode())
        for render in (*RENDERERS.values(), summary.render):
            assert render(document)


def _with_numbers(value: Any, number: float) -> Any:
    """Every fraction replaced; whole numbers (lines, counts) stay."""
    if isinstance(value, dict):
        return {key: _with_numbers(inner, number) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_numbers(inner, number) for inner in value]
    return number if isinstance(value, float) else value


def big(count: int) -> Document:
    document = sample()
    rows = tuple(
        msgspec.structs.replace(document.spofs.new[1], address=f"aws_ecs_service.s{at:04d}", fingerprint="") for at in range(count)
    )
    return store.canonical(msgspec.structs.replace(document, spofs=msgspec.structs.replace(document.spofs, new=rows)))


@pytest.mark.parametrize("count", [2, 400, 4000])
def test_a_condensed_document_travels_and_tells_the_same_counts(count: int) -> None:
    small = store.condensed(big(count))
    packed = base64.b64encode(zlib.compress(store.dump(small), 9))
    assert len(packed) <= 48_000 * 1.01
    again = store.load(store.dump(small))
    assert again == small
    assert f"{count:,} new single points of failure" in markdown.render(again)


@pytest.mark.parametrize("name", NAMES)
def test_a_small_document_loses_no_words_of_its_comment_by_travelling(name: str) -> None:
    document = sample(name)
    assert markdown.render(store.load(store.dump(store.condensed(document)))) == markdown.render(document)


@pytest.mark.parametrize("output", sorted(RENDERERS))
@pytest.mark.parametrize("name", NAMES)
def test_every_renderer_is_deterministic_and_ends_in_a_newline(name: str, output: str) -> None:
    first, second = (RENDERERS[output](sample(name)) for _ in range(2))
    assert first == second and first.endswith("\n")
