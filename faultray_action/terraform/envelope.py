"""From bytes as CI systems hand them over to the bytes of one JSON object."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from itertools import islice

from faultray_action.model.errors import InputError

SHOW = "run `terraform show -json plan.out > plan.json` and pass plan.json"

_START = re.compile(rb'^[ \t]*\{\s*(?:"|$)|\{\s*"format_version"', re.MULTILINE)
_TRIES = 8


def unwrap_text(data: bytes, name: str) -> bytes:
    """UTF-8 bytes without a byte order mark; UTF-16 (with or without a mark, as PowerShell writes it) is converted."""
    if not data or data.isspace():
        raise InputError(f"{name} is empty: {SHOW}.")
    if data.startswith(b"PK\x03\x04"):
        raise InputError(f"{name} is a binary plan: {SHOW}.")
    if data.startswith(b"\x1f\x8b"):
        raise InputError(f"{name} is compressed with gzip: decompress it and pass the JSON.")
    if data.startswith(codecs.BOM_UTF8):
        return data[len(codecs.BOM_UTF8) :]
    encoding = _wide_encoding(data)
    return _narrow(data, encoding, name) if encoding else data


def _wide_encoding(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    head = data[:64]
    if len(head) >= 4 and head[1::2].count(0) == len(head[1::2]):
        return "utf-16-le"
    if len(head) >= 4 and head[0::2].count(0) == len(head[0::2]):
        return "utf-16-be"
    return ""


def _narrow(data: bytes, encoding: str, name: str) -> bytes:
    try:
        return data.decode(encoding).encode("utf-8")
    except UnicodeError as error:
        raise InputError(f"{name} is not valid UTF-16: write the JSON as UTF-8.") from error


def starts(text: bytes) -> Iterator[int]:
    """Offsets at which the JSON object may begin: the first byte where it is a brace, then lines that open with one (a wrapper's log stands before).

    Lazily: the search runs over the whole text only where the first byte did not lead to a document.
    """
    beginning = text[:4096]
    head = len(beginning) - len(beginning.lstrip())
    if text[head : head + 1] == b"{":
        yield head
    for match in islice(_START.finditer(text), _TRIES):
        offset = match.start() + match.group().index(b"{")
        if offset != head:
            yield offset
