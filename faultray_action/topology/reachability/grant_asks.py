"""Who asks for what: the calls of one side that somebody has to permit, and under which name they are made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from faultray_action.catalogue.entry import Ask
from faultray_action.catalogue.expression import every
from faultray_action.model.value import UNKNOWN
from faultray_action.topology.blocks import holding, narrowed
from faultray_action.topology.node import Node
from faultray_action.topology.reachability.grant_documents import decoded, is_there
from faultray_action.topology.reachability.grant_names import names_of, targets, texts
from faultray_action.topology.survey import Survey

Key = tuple[str, str, str, bool]
"""(who asks, what it names, path, whether for the key of it): the same call on both sides."""

PREFIXES = {"aws": "*:", "google": "serviceAccount:", "azure": ""}
"""What documents put before the name of an identity; AWS has several kinds of them."""


class Caller(Struct, frozen=True):
    """Under which names a call is made: `patterns` of texts, `addresses` of identities in the plan. `anybody`: the caller says of itself nothing."""

    patterns: tuple[str, ...]
    addresses: tuple[str, ...] = ()
    anybody: bool = False


class Asked(Struct, frozen=True):
    """A call that has to be permitted. `named` is what the asker names, `held` where the grants for it are held, `part` which part of that it calls: ""
    the whole, None where that is not known. `source`: the names of what it calls for."""

    asker: Node
    named: Node
    held: Node
    row: Ask
    may: tuple[str, ...]
    caller: Caller
    source: tuple[str, ...] = ()
    source_at: str = ""
    part: str | None = ""
    on_key: bool = False

    @property
    def key(self) -> Key:
        """What makes it the same call on both sides."""
        return self.asker.address, self.named.address, self.row.at, self.on_key

    @property
    def grounds(self) -> tuple[Node, ...]:
        """On what a grant for it may be held: the key alone, else what is named too."""
        return (self.held,) if self.on_key or self.named is self.held else (self.held, self.named)


def asked(survey: Survey) -> dict[Key, Asked]:
    """Every call of a side that its catalogue rows ask a permission for; of two rows for one call the first that counts."""
    found: dict[Key, Asked] = {}
    for node in survey.nodes.values():
        if node.resource.data:
            continue
        for row in node.entry.asks:
            for call in _calls(survey, node, row):
                found.setdefault(call.key, call)
    return found


def _calls(survey: Survey, node: Node, row: Ask) -> Iterator[Asked]:
    if row.unless_user and _is_used_with(survey, node, row.unless_user):
        return
    for named in _named(survey, node, row):
        held = _holder(survey, named)
        if not _counts(node, named, held, row):
            continue
        block = _block(node, named, row)
        caller = _caller(survey, node, row, block)
        if caller is None:
            continue
        source, source_at = _source(survey, node, row)
        call = Asked(node, named, held, row, row.may, caller, source, source_at, _part(node, named, held, row))
        yield call
        yield from _for_keys(survey, call)


def _named(survey: Survey, node: Node, row: Ask) -> list[Node]:
    """What a resource calls at the path of a row; the resource itself where there is no path."""
    if not row.at:
        return [node]
    found = dict.fromkeys(targets(survey, node.address, row.at))
    nodes = [survey.nodes[address] for address in found if address in survey.nodes]
    return [other for other in nodes if other.type in row.to and _is_meant(node, other, row)]


def _is_meant(node: Node, named: Node, row: Ask) -> bool:
    """Whether the text at the path is a call of what it names, and not a word about it."""
    values = texts(node, row.at)
    if row.marked:
        strings = _strings(values)
        return any(row.marked in text for text in strings)
    if not row.texts:
        return True
    document = decoded(values[0]) if values else None
    written = [text for path in row.texts for text in every(document, path)]
    known = names_of(named)
    for text in written:
        if isinstance(text, str) and any(text == n or text.startswith(f"{n}:") for n in known):
            return True
    return False


def _strings(values: Iterable[Any]) -> Iterator[str]:
    """The texts among values and in the maps among them."""
    for value in values:
        inner = value.values() if isinstance(value, Mapping) else (value,)
        for text in inner:
            if isinstance(text, str):
                yield text


def _holder(survey: Survey, named: Node) -> Node:
    """Where the grants for a resource are held: itself, or what it is a part of, as far as that is in the plan."""
    facts = named.entry.grants
    if facts is None or not facts.of:
        return named
    for address in targets(survey, named.address, facts.of):
        if address in survey.nodes:
            return survey.nodes[address]
    known = [text for text in texts(named, facts.of) if isinstance(text, str)]
    for node in survey.nodes.values():
        if known and node is not named and known[0] in names_of(node):
            return node
    return named


def _counts(node: Node, named: Node, held: Node, row: Ask) -> bool:
    """Whether the conditions of a row hold; what is not known yet stands there."""
    block = _block(node, named, row)
    here = not row.given or any(_stands(block, path) for path in row.given)
    wanted = row.given_by_called
    there = not wanted or any(_stands(held.raw, path) for path in wanted)
    if not here or not there:
        return False
    excluded = any(_stands(block, path) for path in row.unless)
    return not excluded and not any(_stands(held.raw, path) for path in row.unless_called)


def _stands(values: Mapping[str, Any], path: str) -> bool:
    return any(is_there(value) for value in every(values, path))


def _block(node: Node, named: Node, row: Ask) -> Mapping[str, Any]:
    """The attributes of the asker, with the block alone that names what it calls."""
    if not row.block:
        return node.raw
    blocks = holding(node, named, row.at, row.block)
    return narrowed(node.raw, row.block, blocks[0]) if blocks else node.raw


def _is_used_with(survey: Survey, node: Node, path: str) -> bool:
    users = [survey.nodes[edge.source] for edge in survey.incoming(node.address)]
    return any(_stands(user.raw, path) for user in users)


def _caller(survey: Survey, node: Node, row: Ask, block: Mapping[str, Any]) -> Caller | None:
    """Under which names it calls; None where the plan does not hold its identity."""
    if row.service == "*":
        return Caller((), anybody=True)
    if row.service:
        prefix = "Service:" if row.language == "aws" else ""
        return Caller((prefix + row.service,))
    actor = _actor(survey, node, row)
    if actor is None:
        return None
    if actor is not node:
        node, block = actor, actor.raw
    for path in row.identity:
        values = [value for value in every(block, path) if is_there(value)]
        values = [value for value in values if value not in row.itself]
        if values:
            return _identity(survey, node, row, path, values)
    return None


def _actor(survey: Survey, node: Node, row: Ask) -> Node | None:
    """Whose identity counts."""
    if not row.actor:
        return node
    found = targets(survey, node.address, row.actor)
    actors = [survey.nodes[a] for a in found if a in survey.nodes]
    held = [_holder(survey, actor) for actor in actors]
    return held[0] if held else None


def _identity(survey: Survey, node: Node, row: Ask, path: str, values: list[Any]) -> Caller | None:
    prefix = PREFIXES[row.language]
    linked = [survey.nodes[a] for a in targets(survey, node.address, path) if a in survey.nodes]
    linked = [other for other in linked if other.entry.grants and other.entry.grants.known_as]
    same = [other for other in linked if names_of(other).intersection(_strings(values))]
    own = node.entry.grants
    if (same or linked)[:1]:
        other = (same or linked)[0]
        return Caller(tuple(_known_as(other, prefix)), (other.address,))
    if own is not None and path in own.known_as:
        return Caller(tuple(_known_as(node, prefix)), (node.address,))
    if row.language == "google":  # an account is known by its address, whoever made it
        return Caller(tuple(prefix + text for text in _strings(values)))
    return None


def _known_as(node: Node, prefix: str) -> Iterator[str]:
    facts = node.entry.grants
    if facts is None:
        return
    for path in facts.known_as:
        for text in texts(node, path):
            if isinstance(text, str):
                yield prefix + text
    if facts.named_by:
        for text in texts(node, facts.named_by):
            if isinstance(text, str):
                yield f"{prefix}*role/*{text}"


def _source(survey: Survey, node: Node, row: Ask) -> tuple[tuple[str, ...], str]:
    """The names of what it calls for, and its address."""
    if not row.source:
        return (), ""
    if row.source == ".":
        return tuple(sorted(names_of(node))), node.address
    for address in targets(survey, node.address, row.source):
        if address in survey.nodes:
            return tuple(sorted(names_of(survey.nodes[address]))), address
    return tuple(text for text in texts(node, row.source) if isinstance(text, str)), ""


def _part(node: Node, named: Node, held: Node, row: Ask) -> str | None:
    """Which part of what holds the grants is called, as the text says it, or by what is named."""
    facts = named.entry.grants
    if facts is not None and facts.part_of:
        parts = texts(named, facts.part_of)
        return str(parts[0]) if parts and isinstance(parts[0], str) else None
    arns = [text for text in texts(held, "arn") if isinstance(text, str)]
    values = texts(node, row.at) if row.at else []
    for text in values:
        if isinstance(text, str) and arns and arns[0] in text:
            rest = text.rpartition(arns[0])[2]
            part = rest[1:].partition("/")[0] if rest.startswith(":") else ""
            return None if "$" in part else part
    return None if UNKNOWN in values else ""


def _for_keys(survey: Survey, call: Asked) -> Iterator[Asked]:
    """The same call of the key that encrypts what is called."""
    if not call.row.key:
        return
    around = [edge.source for edge in survey.incoming(call.named.address, "protects")]
    for address in (call.named.address, *around):
        for edge in survey.outgoing(address, "key"):
            aliased = [e.target for e in survey.outgoing(edge.target, "key")]
            for key in aliased or [edge.target]:
                held = survey.nodes[key]
                yield Asked(
                    call.asker, call.named, held, call.row, call.row.key, call.caller,
                    call.source, call.source_at, on_key=True,
                )  # fmt: skip
