"""Text that came from outside: made fit to be written and to be seen, and read as the numbers that it spells."""

from __future__ import annotations

import re
import unicodedata

_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_BLANK = {"\t": " ", "\n": " ", "\r": " "}
_HALF_CHARACTER = re.compile(r"[\ud800-\udfff]")
_DIGITS = re.compile(r"[0-9]{1,18}")


def well_formed(text: str) -> str:
    """Text that can be written as UTF-8: half characters (bytes of a file name that are none, lone surrogates of JSON) become U+FFFD.

    >>> well_formed("caf\\udce9.tf") == "caf\\ufffd.tf"
    True
    """
    return _HALF_CHARACTER.sub("\ufffd", text)


def visible(text: str) -> str:
    """Every control, format (bidi, zero-width), surrogate and private character as `<U+202E>`; white space as a blank; one line."""
    return text if text.isascii() and text.isprintable() else "".join(visible_character(character) for character in text)


def visible_character(character: str) -> str:
    """One of them."""
    if character in _BLANK:
        return " "
    if unicodedata.category(character) in _INVISIBLE:
        return f"<U+{ord(character):04X}>"
    return character


def whole_number(text: str) -> int | None:
    """The number that plain digits spell; None for any other text, and for more digits than a count or an index has.

    >>> whole_number("12"), whole_number("²"), whole_number("9" * 5000)
    (12, None, None)
    """
    return int(text) if _DIGITS.fullmatch(text) else None
