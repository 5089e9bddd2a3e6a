"""Who asks for what: the calls of one side that somebody has to permit, and under which name they are made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from faultray_action.catalogue.entry import Ask, GrantFacts
from faultray_action.catalogue.expression import every
from faultray_action.model.value import UNKNOWN
from faultray_action.topology.blocks import holding, narrowed
from faultray_action.topology.node import Node
from faultray_action.topology.reachability.grant_documents import decoded, is_there
from faultray_action.topology.reachability.grant_names import names_of, referred, strings, written
from faultray_action.topology.survey import Survey

Key = tuple[str, str, str, bool]
"""(who asks, what it names, path, whether for the key of it): the same call on both sides."""

_PREFIXES = {"aws": "*:", "google": "serviceAccount:", "azure": ""}
"""What documents put before the name of an identity; AWS has several kinds of them."""


class Caller(Struct, frozen=True):
    """Under which names a call is made: `patterns` of texts, `addresses` of identities in the plan. `anybody`: the caller says nothing of itself."""

    patterns: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    anybody: bool = False


class Source(Struct, frozen=True):
    """What a call is made for: its names, as far as they are known, and its address, where it is in the plan."""

    names: tuple[str, ...] = ()
    address: str = ""


class Asked(Struct, frozen=True):
    """A call that has to be permitted. `named` is what the asker names, `held` where grants for it are held; `part` is the part of that which is called:
    "" for the whole, None where that is not known. `may`: the actions or roles of which one is enough."""

    asker: Node
    named: Node
    held: Node
    row: Ask
    may: tuple[str, ...]
    caller: Caller
    source: Source
    part: str | None = ""
    on_key: bool = False

    @property
    def key(self) -> Key:
        """What makes it the same call on both sides."""
        return self.asker.address, self.named.address, self.row.at, self.on_key

    @property
    def grounds(self) -> tuple[Node, ...]:
        """On what a grant for it may be held: the key alone, else what is named too."""
        alone = self.on_key or self.named is self.held
        return (self.held,) if alone else (self.held, self.named)


def asked(survey: Survey) -> dict[Key, Asked]:
    """Every call of a side that its catalogue rows ask a permission for; of two rows for one call the first that counts."""
    found: dict[Key, Asked] = {}
    for node in survey.nodes.values():
        rows = () if node.resource.data else node.entry.asks
        for row in rows:
            for call in _calls(survey, node, row):
                found.setdefault(call.key, call)
    return found


def _calls(survey: Survey, node: Node, row: Ask) -> Iterator[Asked]:
    if row.unless_user and _is_used_with(survey, node, row.unless_user):
        return
    source = _source(survey, node, row)
    for named in _named(survey, node, row):
        held = _holder(survey, named)
        block = _block(node, named, row)
        if not _counts(row, block, held):
            continue
        caller = _caller(survey, node, row, block)
        if caller is None:
            continue
        part = _part(node, named, held, row)
        call = Asked(node, named, held, row, row.may, caller, source, part)
        yield call
        for key in _keys(survey, named) if row.key else ():
            yield replace(call, held=key, may=row.key, part="", on_key=True)


# what is called


def _named(survey: Survey, node: Node, row: Ask) -> list[Node]:
    """What a resource calls at the path of a row; the resource itself where there is no path."""
    if not row.at:
        return [node]
    found: list[Node] = []
    for other in referred(survey, node, row.at):
        if other.type in row.to and _is_meant(node, other, row):
            found.append(other)
    return found


def _is_meant(node: Node, named: Node, row: Ask) -> bool:
    """Whether the text at the path is a call of what it names, and not a word about it."""
    values = written(node, row.at)
    if row.unmarked and not all(_is_without(value, row.unmarked) for value in values):
        return False
    if row.marked:
        return any(row.marked in text for text in _inner_strings(values))
    if not row.texts:
        return True
    document = decoded(values[0]) if values else None
    known = names_of(named)
    for path in row.texts:
        for text in every(document, path):
            if _begins_with_one(text, known):
                return True
    return False


def _is_without(value: Any, word: str) -> bool:
    return isinstance(value, str) and word not in value


def _inner_strings(values: Iterable[Any]) -> Iterator[str]:
    """The texts among values and in the maps among them."""
    for value in values:
        inner = value.values() if isinstance(value, Mapping) else (value,)
        for text in inner:
            if isinstance(text, str):
                yield text


def _begins_with_one(text: Any, known: frozenset[str]) -> bool:
    """Whether a text is one of some names, or one with something after a colon."""
    if not isinstance(text, str):
        return False
    return text in known or any(text.startswith(f"{name}:") for name in known)


def _holder(survey: Survey, named: Node) -> Node:
    """Where the grants for a resource are held: itself, or what it is a part of, as far as that is in the plan."""
    facts = named.entry.grants
    if facts is None or not facts.of:
        return named
    around = referred(survey, named, facts.of)
    return around[0] if around else named


def _part(
    node: Node,
    named: Node,
    held: Node,
    row: Ask,
) -> str | None:
    """Which part of what holds the grants is called, as the text says it, or by what is named."""
    facts = named.entry.grants
    if facts is not None and facts.part_of:
        parts = written(named, facts.part_of)
        first = parts[0] if parts else ""
        return first if isinstance(first, str) else None
    values = written(node, row.at) if row.at else []
    for arn in strings(held, "arn"):
        for text in _inner_strings(values):
            if arn in text:
                return _after(text, arn)
    return None if UNKNOWN in values else ""


def _after(text: str, arn: str) -> str | None:
    """The qualifier behind an ARN, None where something fills it in later."""
    rest = text.rpartition(arn)[2]
    if not rest.startswith(":"):
        return ""
    found = rest[1:].partition("/")[0]
    return None if "$" in found else found


def _keys(survey: Survey, named: Node) -> Iterator[Node]:
    """The keys that encrypt what is called, those behind an alias too."""
    around = [edge.source for edge in survey.incoming(named.address, "protects")]
    for address in (named.address, *around):
        for edge in survey.outgoing(address, "key"):
            behind = survey.outgoing(edge.target, "key")
            for key in [other.target for other in behind] or [edge.target]:
                yield survey.nodes[key]


# whether a row counts


def _counts(row: Ask, block: Mapping[str, Any], held: Node) -> bool:
    """Whether the conditions of a row hold; what is not known yet stands there."""
    if row.given and not _stands(block, row.given):
        return False
    if row.given_by_called and not _stands(held.raw, row.given_by_called):
        return False
    return not _stands(block, row.unless) and not _stands(held.raw, row.unless_called)


def _stands(values: Mapping[str, Any], paths: Iterable[str]) -> bool:
    """Whether anything stands at one of some paths."""
    found: list[Any] = []
    for path in paths:
        found += every(values, path)
    return any(map(is_there, found))


def _block(node: Node, named: Node, row: Ask) -> Mapping[str, Any]:
    """The attributes of the asker, with the block alone that names what it calls."""
    blocks = holding(node, named, row.at, row.block) if row.block else []
    return narrowed(node.raw, row.block, blocks[0]) if blocks else node.raw


def _is_used_with(survey: Survey, node: Node, path: str) -> bool:
    """Whether something that refers to a resource has anything at a path."""
    for edge in survey.incoming(node.address):
        user = survey.nodes[edge.source]
        if _stands(user.raw, (path,)):
            return True
    return False


# who calls


def _caller(
    survey: Survey,
    node: Node,
    row: Ask,
    block: Mapping[str, Any],
) -> Caller | None:
    """Under which names it calls; None where the plan does not hold its identity."""
    if row.service == "*":
        return Caller(anybody=True)
    if row.service:
        prefix = "Service:" if row.language == "aws" else ""
        return Caller((prefix + row.service,))
    actor, values = node, block
    if row.actor:
        actors = referred(survey, node, row.actor)
        if not actors:
            return None
        actor = _holder(survey, actors[0])
        values = actor.raw
    for path in row.identity:
        at = [value for value in every(values, path) if is_there(value)]
        named = [value for value in at if value not in row.itself]
        if named:
            return _identity(survey, actor, row, path, named)
    return None


def _identity(
    survey: Survey,
    node: Node,
    row: Ask,
    path: str,
    values: list[Any],
) -> Caller | None:
    """The identity that is named at a path: one of the plan, the resource's own, or an account that is known by its address."""
    texts = tuple(_inner_strings(values))
    linked: list[Node] = []
    for other in referred(survey, node, path):
        if other.entry.grants is not None and other.entry.grants.known_as:
            linked.append(other)
    for other in linked:
        if names_of(other).intersection(texts):
            return _known_as(other, row)
    if linked:
        return _known_as(linked[0], row)
    own = node.entry.grants
    if own is not None and path in own.known_as:
        return _known_as(node, row)
    if row.language == "google":
        return Caller(tuple(_PREFIXES["google"] + text for text in texts))
    return None


def _known_as(identity: Node, row: Ask) -> Caller:
    """An identity of the plan under the names that grants call it by."""
    prefix = _PREFIXES[row.language]
    patterns: list[str] = []
    facts = identity.entry.grants or GrantFacts(row.language)
    for path in facts.known_as:
        patterns += [prefix + text for text in strings(identity, path)]
    if facts.named_by:
        for text in strings(identity, facts.named_by):
            patterns += [f"{prefix}*:role/{text}", f"{prefix}*:role/*/{text}"]
    return Caller(tuple(patterns), (identity.address,))


def _source(survey: Survey, node: Node, row: Ask) -> Source:
    """What it calls for."""
    if not row.source:
        return Source()
    others = [node] if row.source == "." else referred(survey, node, row.source)
    if others:
        return Source(tuple(sorted(names_of(others[0]))), others[0].address)
    return Source(tuple(strings(node, row.source)))
