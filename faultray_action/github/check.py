"""The check run on the head commit: its verdict, its annotations, and the section of the comment that this job answers for.

The section rides in the check run's text as an HTML comment that no reader sees, so that any other job of the same commit can read it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import zlib
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from faultray_action.github.client import Client, PostingError, number_of, text_of
from faultray_action.model.artifact import Annotation, Light

MAX_TITLE = 255
MAX_TEXT = 65_535
"""Of summary and of text; also kept in UTF-8 bytes."""
MAX_ANNOTATIONS = 200
ANNOTATIONS_A_REQUEST = 50
MAX_MESSAGE_BYTES = 64 * 1024
MAX_PAYLOAD_BYTES = 1024 * 1024
"""What a section may unpack to: it was written by another job, and is not trusted with our memory."""

_MARK = "<!-- faultray-section "
_SECTION = re.compile(
    r'<!-- faultray-section \{"attempt": (?P<attempt>[0-9]{1,18}), "key": "(?P<key>[A-Za-z0-9+/=]*)", "run": (?P<run>[0-9]{1,18})\}'
    r" (?P<body>[A-Za-z0-9+/=]*) -->\s*"
)
"""What `_pack` writes and nothing else, so that there is no parser to be led astray."""


class Section(Struct, frozen=True):
    """One job's part of the comment: `key` its identity on the commit, `payload` opaque; of one key the newest (`run`, `attempt`) counts."""

    key: str
    payload: str
    run: int = 0
    attempt: int = 1


class CheckRun(Struct, frozen=True):
    """What to post. `warn_only`: a failed gate that is not to block shows as neutral; "could not compute" never does."""

    name: str
    light: Light
    title: str
    summary: str
    text: str = ""
    annotations: tuple[Annotation, ...] = ()
    warn_only: bool = False
    details_url: str = ""

    @property
    def conclusion(self) -> str:
        """`neutral` satisfies a required check, hence never for what could not be computed."""
        if self.light is Light.ERROR:
            return "action_required"
        if self.light is Light.FAIL:
            return "neutral" if self.warn_only else "failure"
        return "success"


class PostedSection(Struct, frozen=True):
    """A section as it stands on GitHub, with the check run it was read from. `app` is the slug of the app that wrote it."""

    section: Section
    check_id: int
    app: str
    url: str
    external_id: str


def digest(check: CheckRun, section: Section) -> str:
    """Identity of everything a reader could see; the number of the run is not part of it."""
    content = [check.name, check.conclusion, check.title, check.summary, check.text, section.key, section.payload]
    content += [str(annotation) for annotation in check.annotations[:MAX_ANNOTATIONS]]
    return "faultray:" + hashlib.sha256("\0".join(content).encode("utf-8", "replace")).hexdigest()


def post(client: Client, head_sha: str, check: CheckRun, section: Section) -> PostedSection:
    """Create the check run with its verdict at once, then append annotations, 50 a request.

    Raises PostingError before sending anything that GitHub would refuse.
    """
    rows = [annotation_row(annotation) for annotation in check.annotations[:MAX_ANNOTATIONS]]
    output = {"title": check.title[:MAX_TITLE], "summary": _fitting(check.summary, "summary"), "text": _text(check, section)}
    external_id = digest(check, section)
    payload: dict[str, Any] = {
        "name": check.name,
        "head_sha": head_sha,
        "external_id": external_id,
        "status": "completed",
        "conclusion": check.conclusion,
        "output": {**output, "annotations": rows[:ANNOTATIONS_A_REQUEST]},
    }
    if check.details_url:
        payload["details_url"] = check.details_url
    run = client.post("check-runs", payload)
    check_id = number_of(run, "id")
    for start in range(ANNOTATIONS_A_REQUEST, len(rows), ANNOTATIONS_A_REQUEST):
        more = {**output, "annotations": rows[start : start + ANNOTATIONS_A_REQUEST]}
        client.patch(f"check-runs/{check_id}", {"status": "completed", "conclusion": check.conclusion, "output": more})
    return PostedSection(section, check_id, text_of(run, "app", "slug"), text_of(run, "html_url"), external_id)


def annotation_row(annotation: Annotation) -> dict[str, Any]:
    """GitHub's form of an annotation, held to its limits: lines from 1, columns on a single line only, 64 KB, title 255."""
    start = max(annotation.start_line, 1)
    row: dict[str, Any] = {
        "path": annotation.path,
        "start_line": start,
        "end_line": max(annotation.end_line, start),
        "annotation_level": annotation.level.value,
        "message": _cut_bytes(annotation.message, MAX_MESSAGE_BYTES) or "-",
    }
    if annotation.title:
        row["title"] = annotation.title[:MAX_TITLE]
    if annotation.raw_details:
        row["raw_details"] = _cut_bytes(annotation.raw_details, MAX_MESSAGE_BYTES)
    if annotation.start_column and row["start_line"] == row["end_line"]:
        row["start_column"] = annotation.start_column
        row["end_column"] = max(annotation.end_column or annotation.start_column, annotation.start_column)
    return row


def read_sections(client: Client, head_sha: str, app: str) -> list[PostedSection]:
    """The sections that check runs of this app on this commit carry, oldest first; what cannot be read is none of ours.

    Any other app may write what it likes into its check runs: they are not looked into.
    """
    found: list[PostedSection] = []
    for row in client.pages(f"commits/{head_sha}/check-runs", "check_runs", filter="all"):
        posted = _posted(row) if text_of(row, "app", "slug") == app else None
        if posted is not None:
            found.append(posted)
    return sorted(found, key=lambda posted: posted.check_id)


def current(sections: Sequence[PostedSection]) -> list[PostedSection]:
    """Of each key what its newest run wrote, by key; two jobs of one run that share a key by mistake both stay, so that none is lost."""
    newest: dict[str, tuple[int, int]] = {}
    for posted in sections:
        newest[posted.section.key] = max(newest.get(posted.section.key, (0, 0)), order(posted.section))
    kept: dict[tuple[str, str], PostedSection] = {}
    for posted in sections:
        if order(posted.section) == newest[posted.section.key]:
            kept.setdefault((posted.section.key, posted.external_id), posted)
    return sorted(kept.values(), key=lambda posted: (posted.section.key, posted.check_id))


def order(section: Section) -> tuple[int, int]:
    """Which of two runs of one commit is the newer."""
    return section.run, section.attempt


def _posted(row: Any) -> PostedSection | None:
    section = _unpack(text_of(row, "output", "text"))
    if section is None or text_of(row, "status") != "completed":
        return None
    return PostedSection(section, number_of(row, "id"), text_of(row, "app", "slug"), text_of(row, "html_url"), text_of(row, "external_id"))


def _text(check: CheckRun, section: Section) -> str:
    """The visible text and the hidden section; where both do not fit, the section stays: the summary and the comment say the rest."""
    hidden = _pack(section)
    if len(hidden) > MAX_TEXT:
        raise PostingError(f"the section of the comment was not sent: {len(hidden):,} characters packed, a check run takes {MAX_TEXT:,}")
    whole = f"{check.text}\n\n{hidden}" if check.text else hidden
    return whole if len(whole.encode("utf-8", "replace")) <= MAX_TEXT else hidden


def _pack(section: Section) -> str:
    key = base64.b64encode(section.key.encode("utf-8", "replace")).decode()
    header = json.dumps({"key": key, "run": section.run, "attempt": section.attempt}, sort_keys=True)
    body = base64.b64encode(zlib.compress(section.payload.encode("utf-8", "replace"), 9)).decode()
    return f"<!-- faultray-section {header} {body} -->"


def _unpack(text: str) -> Section | None:
    match = _SECTION.fullmatch(text, max(text.rfind(_MARK), 0))
    if not match:
        return None
    try:
        unpacker = zlib.decompressobj()
        payload = unpacker.decompress(base64.b64decode(match["body"], validate=True), MAX_PAYLOAD_BYTES)
        key = base64.b64decode(match["key"], validate=True).decode("utf-8")
        if unpacker.unconsumed_tail or not unpacker.eof:
            return None
        return Section(key, payload.decode("utf-8"), int(match["run"]), int(match["attempt"]))
    except (ValueError, binascii.Error, zlib.error):
        return None


def _fitting(text: str, what: str) -> str:
    if len(text) > MAX_TEXT:
        raise PostingError(f"the check run was not sent: its {what} has {len(text):,} characters, GitHub takes {MAX_TEXT:,}")
    return text


def _cut_bytes(text: str, limit: int) -> str:
    return text.encode("utf-8", "replace")[:limit].decode("utf-8", "ignore")
