"""What permits and refuses calls, as its authors write it: policies with statements, bindings with members.

Answers have three values: True, False, and None where the plan does not decide.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

import msgspec
from msgspec import Struct

from faultray_action.model.value import UNKNOWN

Truth = bool | None
"""True, False, or None: not decidable from the plan."""

LONGEST = 100_000
"""Characters of a document that are read; the providers' own limits are far below."""


def any_of(answers: Iterable[Truth]) -> Truth:
    """Whether one of them holds.

    >>> any_of([False, None, True]), any_of([False, None]), any_of([])
    (True, None, False)
    """
    found: Truth = False
    for answer in answers:
        if answer:
            return True
        if answer is None:
            found = None
    return found


def all_of(answers: Iterable[Truth]) -> Truth:
    """Whether all of them hold.

    >>> all_of([True, None]), all_of([None, False]), all_of([])
    (None, False, True)
    """
    found: Truth = True
    for answer in answers:
        if answer is False:
            return False
        if answer is None:
            found = None
    return found


class Terms(Struct, frozen=True):
    """What a statement holds for: these values (patterns, UNKNOWN among them), or everything `but` these."""

    values: tuple[Any, ...]
    but: bool = False

    def cover(self, holds: Callable[[Any], Truth]) -> Truth:
        """Whether they cover what `holds` is asked of each value."""
        found = any_of(holds(value) for value in self.values)
        if not self.but or found is None:
            return found
        return not found


class Condition(Struct, frozen=True):
    """What a statement asks of a call besides: `key` in lower case, `test` the comparison. `path`: where its holder writes the value, if in an attribute
    of its own."""

    test: str
    key: str
    values: tuple[Any, ...]
    path: str = ""


class Statement(Struct, frozen=True):
    """What a resource, the `holder`, permits or refuses. `whom` None: the identity that it belongs to; `on` None: whatever it is attached to."""

    holder: str
    allows: bool
    whom: Terms | None
    may: Terms
    on: Terms | None = None
    conditions: tuple[Condition, ...] = ()
    whom_path: str = ""


def policy(holder: str, text: Any) -> list[Statement] | None:
    """The statements of an AWS policy; None where it cannot be read (not known yet, no JSON).

    >>> found = policy("p", '{"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}')
    >>> found[0].may.values, found[0].whom, policy("p", "{")
    (('s3:*',), None, None)
    """
    document = decoded(text)
    if not isinstance(document, Mapping):
        return None
    rows = _listed(document.get("Statement"))
    if not all(isinstance(row, Mapping) for row in rows):
        return None
    return [_statement(holder, row) for row in rows]


def decoded(text: Any) -> Any:
    """The JSON in a text of bearable length, None where there is none."""
    if not isinstance(text, str) or len(text) > LONGEST:
        return None
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def _statement(holder: str, row: Mapping[str, Any]) -> Statement:
    return Statement(
        holder,
        allows=row.get("Effect") != "Deny",
        whom=_terms(row, "Principal", _principals),
        may=_terms(row, "Action", _listed) or Terms(()),
        on=_terms(row, "Resource", _listed),
        conditions=tuple(_conditions(row.get("Condition"))),
    )


def _terms(row: Mapping[str, Any], name: str, values: Callable[[Any], tuple[Any, ...]]) -> Terms | None:
    if name in row:
        return Terms(values(row[name]))
    opposite = f"Not{name}"
    return Terms(values(row[opposite]), but=True) if opposite in row else None


def _principals(value: Any) -> tuple[Any, ...]:
    """Principals as `Kind:name`; everybody is `*`."""
    if not isinstance(value, Mapping):
        return _listed(value)
    found: list[Any] = []
    for kind, names in value.items():
        for name in _listed(names):
            found.append(f"{kind}:{name}" if isinstance(name, str) else UNKNOWN)
    return tuple(found)


def _conditions(value: Any) -> Iterable[Condition]:
    for test, keys in value.items() if isinstance(value, Mapping) else ():
        for key, values in keys.items() if isinstance(keys, Mapping) else ():
            yield Condition(str(test), str(key).lower(), _listed(values))


def _listed(value: Any) -> tuple[Any, ...]:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list) else (value,)


def statement_blocks(holder: str, blocks: Iterable[Any]) -> list[Statement] | None:
    """The statements of an AWS policy that is written as blocks; None where they are not known."""
    found: list[Statement] = []
    for block in blocks:
        if not isinstance(block, Mapping):
            return None
        found.append(_statement(holder, _as_document(block)))
    return found


def _as_document(block: Mapping[str, Any]) -> dict[str, Any]:
    """A block in the words of the document that is made of it."""
    row: dict[str, Any] = {"Effect": block.get("effect")}
    for attribute, name in _BLOCK_WORDS:
        if is_there(block.get(attribute)):
            row[name] = _identified(block[attribute]) if "rincipal" in name else block[attribute]
    row["Condition"] = {}
    for condition in _listed(block.get("condition")):
        if isinstance(condition, Mapping):
            keys = row["Condition"].setdefault(str(condition.get("test")), {})
            keys[str(condition.get("variable"))] = condition.get("values")
    return row


_BLOCK_WORDS = (
    ("actions", "Action"),
    ("not_actions", "NotAction"),
    ("resources", "Resource"),
    ("not_resources", "NotResource"),
    ("principals", "Principal"),
    ("not_principals", "NotPrincipal"),
)


def _identified(blocks: Any) -> Any:
    found: dict[str, list[Any]] = {}
    for block in _listed(blocks):
        if isinstance(block, Mapping):
            names = found.setdefault(str(block.get("type")), [])
            names += _listed(block.get("identifiers"))
        else:
            return UNKNOWN
    everybody = found.get("*")
    return everybody if everybody and len(found) == 1 else found


def bindings(holder: str, text: Any) -> list[Statement] | None:
    """The bindings of a Google policy; None where it cannot be read."""
    document = decoded(text)
    rows = document.get("bindings", []) if isinstance(document, Mapping) else None
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        return None
    return [_binding(holder, row) for row in rows]


def binding_blocks(holder: str, blocks: Iterable[Any]) -> list[Statement] | None:
    """The bindings of a Google policy that is written as blocks; None where they are not known."""
    rows = list(blocks)
    if not all(isinstance(row, Mapping) for row in rows):
        return None
    return [_binding(holder, row) for row in rows]


def _binding(holder: str, row: Mapping[str, Any]) -> Statement:
    unsure = (Condition("unjudged", "", ()),) if is_there(row.get("condition")) else ()
    whom, may = Terms(_listed(row.get("members"))), Terms(_listed(row.get("role")))
    return Statement(holder, True, whom, may, conditions=unsure)


def is_there(value: Any) -> bool:
    """Whether anything stands there, known or not."""
    return value is UNKNOWN or bool(value)


def like(value: Any, pattern: Any) -> Truth:
    """Whether a pattern with * and ? takes a value; both in lower case or both as written.

    >>> like("arn:aws:sqs:eu-west-1:1:jobs", "arn:aws:sqs:*:*:jobs"), like("a", UNKNOWN)
    (True, None)
    """
    if not isinstance(value, str) or not isinstance(pattern, str):
        return None
    return fnmatchcase(value, pattern.replace("[", "[[]"))


def extends(pattern: Any, name: str) -> Truth:
    """Whether a pattern takes what a name stands for or all that lies below it ("arn:…:bucket/*"); None where it takes a part of it only.

    >>> [extends(p, "arn:b") for p in ("arn:b/*", "arn:*", "arn:b/public/*", "arn:c/*")]
    [True, True, None, False]
    """
    if not isinstance(pattern, str):
        return None
    if like(name, pattern) or like(f"{name}/*", pattern) or like(f"{name}:*", pattern):
        return True
    if pattern.startswith((f"{name}/", f"{name}:")):
        return True if _WHOLE.fullmatch(pattern[len(name) :]) else None
    return False


_WHOLE = re.compile(r"[/:*]+")


def admits(pattern: str, door: str, verb: str) -> Truth:
    """Whether a pattern of "door/verb/path" takes calls by a door with a verb ("": any); None where it may, or takes some of them only.

    >>> [admits(p, "live", "GET") for p in ("live/*", "*/GET/*", "prod/*", "pr*/GET/*", "live/POST/*", "live/GET/orders", "*/orders")]
    [True, True, False, False, False, None, None]
    """
    first, _, rest = pattern.partition("/")
    second, _, path = rest.partition("/")
    certain = _WILD.split(first)[0]
    if not door.startswith(certain) or (certain == first and door != first):
        return False
    if verb and second in _VERBS and second != verb:
        return False
    takes_verb = second == "*" or (bool(verb) and second == verb)
    is_whole = _WHOLE.fullmatch(f"/{path}") is not None
    return True if takes_verb and is_whole and like(door, first) else None


_WILD = re.compile(r"[*?]")
_VERBS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
