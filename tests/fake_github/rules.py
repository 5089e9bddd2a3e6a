"""What GitHub accepts: the official OpenAPI description where it is at hand, our own schemas of the same endpoints always."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

OPENAPI = Path(__file__).resolve().parents[2].parent / "shared" / "github" / "openapi-subset.json"

ANNOTATION = {
    "type": "object",
    "required": ["path", "start_line", "end_line", "annotation_level", "message"],
    "additionalProperties": False,
    "properties": {
        "path": {"type": "string", "minLength": 1},
        "start_line": {"type": "integer", "minimum": 1},
        "end_line": {"type": "integer", "minimum": 1},
        "start_column": {"type": "integer", "minimum": 1},
        "end_column": {"type": "integer", "minimum": 1},
        "annotation_level": {"enum": ["notice", "warning", "failure"]},
        "message": {"type": "string", "minLength": 1},
        "title": {"type": "string", "maxLength": 255},
        "raw_details": {"type": "string"},
    },
}
OUTPUT = {
    "type": "object",
    "required": ["title", "summary"],
    "additionalProperties": False,
    "properties": {
        "title": {"type": "string", "maxLength": 255},
        "summary": {"type": "string", "maxLength": 65_535},
        "text": {"type": "string", "maxLength": 65_535},
        "annotations": {"type": "array", "maxItems": 50, "items": ANNOTATION},
    },
}
CONCLUSIONS = ["action_required", "cancelled", "failure", "neutral", "success", "skipped", "timed_out"]
CHECK_RUN_FIELDS = {
    "name": {"type": "string", "minLength": 1},
    "head_sha": {"type": "string", "pattern": "^[0-9a-f]{40}$"},
    "external_id": {"type": "string"},
    "details_url": {"type": "string"},
    "status": {"enum": ["queued", "in_progress", "completed"]},
    "conclusion": {"enum": CONCLUSIONS},
    "output": OUTPUT,
}
COMMENT = {
    "type": "object",
    "required": ["body"],
    "additionalProperties": False,
    "properties": {"body": {"type": "string", "minLength": 1, "maxLength": 65_536}},
}
OWN: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/repos/{owner}/{repo}/issues/{issue_number}/comments"): COMMENT,
    ("PATCH", "/repos/{owner}/{repo}/issues/comments/{comment_id}"): COMMENT,
    ("POST", "/repos/{owner}/{repo}/check-runs"): {
        "type": "object",
        "required": ["name", "head_sha"],
        "additionalProperties": False,
        "properties": CHECK_RUN_FIELDS,
    },
    ("PATCH", "/repos/{owner}/{repo}/check-runs/{check_run_id}"): {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: field for name, field in CHECK_RUN_FIELDS.items() if name != "head_sha"},
    },
}
QUERIES: dict[str, tuple[str, ...]] = {
    "/repos/{owner}/{repo}/contents/{path}": ("ref",),
    "/repos/{owner}/{repo}/issues/{issue_number}/comments": ("since", "per_page", "page"),
    "/repos/{owner}/{repo}/commits/{ref}/check-runs": ("check_name", "status", "filter", "app_id", "per_page", "page"),
    "/repos/{owner}/{repo}/commits/{commit_sha}/pulls": ("per_page", "page"),
    "/repos/{owner}/{repo}/pulls": ("state", "head", "base", "sort", "direction", "per_page", "page"),
}


def problems(method: str, template: str, payload: Any) -> list[str]:
    """Why GitHub would answer 422, empty where it would not."""
    schemas = [OWN.get((method, template)), official(method, template)]
    found = [
        f"{error.json_path}: {error.message[:200]}"
        for schema in schemas
        if schema
        for error in validator(method, template, schema)(payload)
    ]
    if not found and template.endswith(("/check-runs", "/check-runs/{check_run_id}")):
        found = check_run_problems(payload)
    return found


_validators: dict[tuple[str, str, int], Any] = {}


def validator(method: str, template: str, schema: dict[str, Any]) -> Any:
    key = (method, template, id(schema))
    if key not in _validators:
        _validators[key] = jsonschema.Draft7Validator(schema).iter_errors
    return _validators[key]


def check_run_problems(payload: Any) -> list[str]:
    """What no schema says: a completed run has a conclusion, columns only on one line, 64 KB a message."""
    found = []
    if payload.get("status") == "completed" and "conclusion" not in payload:
        found.append("conclusion is required when status is completed")
    for annotation in payload.get("output", {}).get("annotations", []):
        if annotation["end_line"] < annotation["start_line"]:
            found.append("end_line precedes start_line")
        if annotation["start_line"] != annotation["end_line"] and ("start_column" in annotation or "end_column" in annotation):
            found.append("columns need start_line == end_line")
        if any(len(annotation.get(name, "").encode()) > 64 * 1024 for name in ("message", "raw_details")):
            found.append("message or raw_details exceeds 64 KB")
    return found


@cache
def description() -> dict[str, Any] | None:
    """GitHub's own description of its API, None where it is not at hand."""
    return json.loads(OPENAPI.read_text()) if OPENAPI.is_file() else None


@cache
def official(method: str, template: str) -> dict[str, Any] | None:
    """The request schema of GitHub's description, as plain JSON Schema."""
    document = description()
    operation = ((document or {}).get("paths", {}).get(template) or {}).get(method.lower())
    content = ((operation or {}).get("requestBody") or {}).get("content", {}).get("application/json")
    return _plain(content["schema"], document) if content else None


@cache
def official_queries(template: str) -> frozenset[str] | None:
    document = description()
    operation = ((document or {}).get("paths", {}).get(template) or {}).get("get")
    if operation is None:
        return None
    parameters = [_resolved(parameter, document) for parameter in operation.get("parameters", [])]
    return frozenset(parameter["name"] for parameter in parameters if parameter["in"] == "query")


def unknown_queries(template: str, names: list[str]) -> list[str]:
    """Query parameters that the endpoint does not have: GitHub ignores them, a test must not."""
    known = official_queries(template)
    if known is None:
        known = frozenset(QUERIES.get(template, ()))
    return [name for name in names if name not in known]


def _resolved(part: Any, document: Any) -> Any:
    if not (isinstance(part, dict) and "$ref" in part):
        return part
    target = document
    for step in part["$ref"].removeprefix("#/").split("/"):
        target = target[step.replace("~1", "/").replace("~0", "~")]
    return target


def _plain(schema: Any, document: Any) -> Any:
    """OpenAPI 3.0 to JSON Schema: references in place, `nullable` as a type, examples dropped."""
    schema = _resolved(schema, document)
    if isinstance(schema, list):
        return [_plain(item, document) for item in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: _plain(value, document) for key, value in schema.items() if key not in ("nullable", "example", "examples")}
    return {"anyOf": [plain, {"type": "null"}]} if schema.get("nullable") is True else plain


def template_pattern(template: str) -> re.Pattern[str]:
    """Of a path template; `{path}` is the one parameter that spans several segments."""
    pattern = template.replace("{path}", "(?P<path>.+)")
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern) + r"\Z")
