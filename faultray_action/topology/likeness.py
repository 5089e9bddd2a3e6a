"""Resources that are alike: what is asked of one is answered for all of them.

A system has many copies of few kinds of things. Those whose attributes agree wherever the expressions of their type read them have all the
facts of these expressions in common.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from faultray_action.catalogue.check import texts_of
from faultray_action.catalogue.entry import Entry
from faultray_action.catalogue.expression import LITERALS, Answers, descend, every, truth
from faultray_action.model.value import UNKNOWN

_PACKED = msgspec.msgpack.Encoder()
_MARK = _PACKED.encode(UNKNOWN)


def fingerprint(value: Any) -> bytes | None:
    """Bytes that two trees of values have in common where they are equal; None where something in the tree is unknown: that may become
    anything, and who asks for it is noted each time.

    >>> fingerprint({"port": 80}) == fingerprint({"port": 80}), fingerprint(80) == fingerprint("80"), fingerprint([UNKNOWN])
    (True, False, None)
    """
    try:
        packed = _PACKED.encode(value)
    except (OverflowError, TypeError, ValueError):  # a number that no machine word holds, half of a character
        return None
    return None if _MARK in packed else packed


class _Reads:
    """What the expressions of a type read: whole attributes, the first and all of what stands at a path, how much does, and whether anything.

    `texts`: those expressions that read nothing else; `written`: one of them asks which attributes the configuration sets. Found without
    parsing, since most expressions are never asked; a word too much only costs a likeness."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        texts: set[str] = set()
        found: dict[str, set[str]] = {"has": set(), "each": set(), "len": set(), "written": set(), "": set()}
        for _, text in texts_of(entry):
            rest = _STRING.sub("", _OF_A_PATH.sub("", text))
            if not _ELSEWHERE.search(rest):
                texts.add(text)
                for how, path in _OF_A_PATH.findall(text):
                    found[how if how in found else ""].add(path)
                found[""].update(_PATH.findall(rest))
        self.texts = frozenset(texts)
        self.written = sorted(found["written"])
        first = found[""] - LITERALS.keys() - _WORDS
        self._whole = sorted(path for path in first if "." not in path)
        self._first = sorted(path for path in first if "." in path)
        self._all = sorted(found["each"])
        self._many = sorted(found["len"] - first)
        self._there = sorted(found["has"] - first)
        self.nothing = not any(found.values())

    def of(self, values: Mapping[str, Any], written: Callable[[], frozenset[str]]) -> bytes | None:
        """The fingerprint of what they read of a resource and of its configuration."""
        if self.nothing:
            return b""
        found = list(map(values.get, self._whole))
        if self.written:
            found.append([name in written() for name in self.written])
        found += [descend(values, path) for path in self._first]
        found += [every(values, path) for path in self._all]
        for path in self._many:
            value = descend(values, path)
            found.append(len(value) if isinstance(value, (list, dict, str)) else value)
        for path in self._there:
            value = descend(values, path)
            found.append(value if value is UNKNOWN or value is None else truth(value))
        return fingerprint(found)


_OF_A_PATH = re.compile(r"""\b(has|each|len|known|written|property)\(\s*["']?([\w.]+)["']?\s*(?:,[^()]*)?\)""")
_STRING = re.compile(r"""\"[^"]*"|'[^']*'""")
_ELSEWHERE = re.compile(r"\b(?:has|each|known|property|written|setting|setting_at|option)\(")
"""Reads a path that cannot be told, or what a list of options or a Helm release sets."""
_PATH = re.compile(r"(?<![\w.])[A-Za-z_]\w*(?:\.\w+)*\b(?!\()")
_WORDS = frozenset({"and", "or", "not", "if", "else", "in", "for"})


class Likeness:
    """Which resources are alike."""

    def __init__(self) -> None:
        self._reads: dict[int, _Reads] = {}
        self._answers: dict[tuple[int, bytes], Answers] = {}

    def answers(self, entry: Entry, values: Mapping[str, Any], written: Callable[[], frozenset[str]]) -> Answers | None:
        """What is known of all resources that are like this one; None where something is unknown. `written`: the attributes that its
        configuration sets."""
        reads = self._reads.get(id(entry))
        if reads is None:
            reads = self._reads[id(entry)] = _Reads(entry)
        read = reads.of(values, written)
        if read is None:
            return None
        known = self._answers.get((id(entry), read))
        if known is None:
            known = self._answers[id(entry), read] = Answers(reads.texts)
        return known
