"""Names of resources, files, keys are hostile text; every way out of the house quotes them here, each in its own tongue.

The rule in Markdown: text of others stands in code spans only. There neither mentions, issue numbers, URLs nor HTML come alive.
"""

from __future__ import annotations

import html
import re
from urllib.parse import quote

from faultray_action.model.text import visible as visible
from faultray_action.model.text import visible_character

MAX_NAME = 160
"""Longer names are cut in the middle where they are shown (never in JSON)."""

_CODE_RISKY = re.compile(r"[`|\\]")
_MARKDOWN_SPECIAL = re.compile(r"[^\w ,;()]", re.ASCII)
_PROSE_SPECIAL = re.compile(r"[\\`*_{}\[\]<>#!|~@&$^=\x00]|^[-+]|(?<=^\d)[.)]")
_COMMAND_START = re.compile(r"^(\s*)::")
_LINKED = re.compile(r"[@#]|:(?=//)|\bwww(?=\.)|\bgh(?=-)", re.IGNORECASE)
_TICKS = re.compile(r"`+")


def shorten(text: str, limit: int = MAX_NAME) -> str:
    """At most `limit` characters, cut in the middle: both ends of an address tell more than its middle."""
    if len(text) <= limit:
        return text
    head = (limit - 1) // 2
    return f"{text[:head]}…{text[len(text) - (limit - 1 - head) :]}"


def plain(text: str, limit: int = MAX_NAME) -> str:
    """One visible line for places without markup (plain text, SARIF, JUnit, GitLab, titles)."""
    return shorten(visible(text), limit)


def code(text: str, limit: int = MAX_NAME) -> str:
    """A Markdown code span, safe in tables, lists, headings and blockquotes.

    Backticks, where the text has neither backtick, pipe nor backslash; else `<code>` with every special character as an entity,
    because Markdown dialects disagree on how a backslash before a pipe is read in a table (and a zero-width space after `@`, because GitHub
    looks for mail addresses after it has decoded them).
    """
    shown = plain(text, limit).strip() or "(empty)"
    return html_code(text, limit) if _CODE_RISKY.search(shown) else f"`{shown}`"


def html_code(text: str, limit: int = MAX_NAME) -> str:
    """A name where Markdown reads no code spans (in HTML of ours): GitHub brings no mention, reference or URL to life in `<code>`."""
    shown = plain(text, limit).strip() or "(empty)"
    return f"<code>{entities(shown).replace('&#64;', '&#64;&#8203;')}</code>"


def entities(text: str) -> str:
    """Every ASCII character with a meaning in Markdown or HTML as a numeric entity, others as they are."""
    return _MARKDOWN_SPECIAL.sub(lambda match: match.group() if ord(match.group()) > 127 else f"&#{ord(match.group())};", text)


def prose(text: str, limit: int = 400) -> str:
    """A sentence of ours that may hold names of others, readable in Markdown, in one line: special characters as entities, and
    a zero-width space where GitHub would make a mention, a reference or a link of the text after decoding them."""
    shown = _LINKED.sub(lambda match: f"{match.group()}\x00", plain(text, limit))
    return _PROSE_SPECIAL.sub(lambda match: f"&#{ord(match.group())};", shown).replace("&#0;", "&#8203;")


def fence(lines: list[str], language: str = "") -> list[str]:
    """A fenced block whose fence is longer than the longest run of backticks inside; the lines are made visible."""
    shown = [visible(line) for line in lines]
    longest = max((len(match.group()) for line in shown for match in _TICKS.finditer(line)), default=0)
    ticks = "`" * max(3, longest + 1)
    return [f"{ticks}{language}", *shown, ticks]


def message(text: str) -> str:
    """Lines of a SARIF message: what stands in brackets before a parenthesis would be a link there (SARIF 3.11.6), of whoever chose the name."""
    return text.replace("](", "] (")


def html_text(text: str, limit: int = MAX_NAME) -> str:
    """Text for HTML element content and quoted attribute values."""
    return html.escape(plain(text, limit), quote=True)


def url_path(path: str) -> str:
    """A relative file path as part of a URL; nothing of it leaves the path, and no Markdown bracket stays."""
    parts = [part for part in path.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    return "/".join(quote(part.encode("utf-8", "replace"), safe="") for part in parts)


def mermaid_label(text: str, limit: int = 60) -> str:
    """Text inside a quoted Mermaid label: every special character as Mermaid's own `#NN;` entity."""
    return _MARKDOWN_SPECIAL.sub(_mermaid_entity, plain(text, limit))


def _mermaid_entity(match: re.Match[str]) -> str:
    character = match.group()
    return character if character in "-./_" or ord(character) > 127 else f"#{ord(character)};"


def command_data(text: str) -> str:
    """The message of a workflow command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def command_property(text: str) -> str:
    """A property of a workflow command."""
    return command_data(text).replace(":", "%3A").replace(",", "%2C")


def xml_text(text: str, limit: int = 2000) -> str:
    """Text for XML content and attributes: what XML 1.0 forbids is made visible, then escaped."""
    shown = shorten("".join(_xml_character(character) for character in text), limit)
    return html.escape(shown, quote=True)


def _xml_character(character: str) -> str:
    if character == "\n":
        return character
    return f"<U+{ord(character):04X}>" if character in "\ufffe\uffff" else visible_character(character)
