"""What is permitted on one side: every grant that the plan holds, found by what it is about, and whether others may stand beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from faultray_action.catalogue.entry import GrantFacts
from faultray_action.catalogue.expression import every
from faultray_action.catalogue.managed_policies import managed_policies
from faultray_action.model.value import UNKNOWN
from faultray_action.terraform.plan import Side
from faultray_action.topology.node import Node
from faultray_action.topology.reachability import grant_documents as documents
from faultray_action.topology.reachability.grant_asks import Asked
from faultray_action.topology.reachability.grant_documents import (
    Answer,
    Condition,
    Statement,
    Terms,
    all_of,
    any_of,
)
from faultray_action.topology.reachability.grant_names import (
    agrees,
    names,
    names_at,
    names_of,
    targets,
    texts,
)
from faultray_action.topology.survey import Survey


class Granted(Struct):
    """The statements about something, each with whether it is about it at all. `whole`: nothing else can stand; `unsure`: something else does that the
    plan does not show."""

    rows: list[tuple[Statement, Answer]]
    whole: bool = False
    unsure: bool = False

    def add(self, statements: list[Statement] | None, about: Answer = True) -> None:
        """Statements of a document; None: it stands and cannot be read."""
        if statements is None:
            self.unsure = True
            return
        self.rows += [(statement, about) for statement in statements]


class Book:
    """The grants of one side. `other` is the side that it is held against: it shows what one side's computed lists do not tell."""

    def __init__(self, survey: Survey, other: Survey) -> None:
        self.survey = survey
        self.other = other
        self._by_mark: dict[str, list[Node]] = {}
        self._wide: list[Node] = []
        self._index()

    def _index(self) -> None:
        for node in self.survey.nodes.values():
            facts = node.entry.grants
            if facts is None or not (facts.to or facts.belongs_to):
                continue
            marks = set(_marks(self.survey, node, (*facts.to, *facts.belongs_to)))
            if facts.spans or facts.scoped or not marks:
                self._wide.append(node)
                continue
            for mark in marks:
                self._by_mark.setdefault(mark, []).append(node)

    def _about(self, *nodes: Node) -> list[Node]:
        """The grants that may be about one of some resources."""
        found: dict[str, Node] = {}
        for node in nodes:
            for mark in (node.address, *names_of(node)):
                found.update((grant.address, grant) for grant in self._by_mark.get(mark, ()))
        found.update((grant.address, grant) for grant in self._wide)
        return [found[address] for address in sorted(found)]

    def on(self, call: Asked) -> Granted:
        """What is granted on what is called."""
        held = call.held
        own = held.entry.grants
        granted = Granted([])
        if own is not None and own.open:
            granted.rows += _open(held, own)
        exclusive = 0
        members: list[tuple[Node, GrantFacts, Answer]] = []
        for grant in self._about(*call.grounds):
            facts = grant.entry.grants
            if facts is None or not facts.to or facts.language != call.row.language:
                continue
            about = self._is_about(grant, facts, call)
            if about is False or self._is_overruled(grant, facts, held):
                continue
            members.append((grant, facts, about))
            exclusive += _holds_all(facts) and about is True
        for grant, facts, about in members:
            around = facts.spans or facts.scoped or _holds_all(facts)
            beside = (exclusive and not around) or self._bound(grant, facts, members)
            granted.add(self._statements(grant, facts), None if beside else about)
        granted.whole = exclusive == 1 or self._is_bound(call, members)
        if own is not None and own.language == call.row.language and not exclusive:
            self._listed(held, own, granted)
        if own is None or not (own.lists or own.documents or own.open or own.delegates or own.of):
            granted.whole = granted.whole or not self._takes_grants(call)
        return granted

    def _takes_grants(self, call: Asked) -> bool:
        """Whether others could hold grants on it: what takes none is whole."""
        return call.row.language != "aws" or bool(call.row.service)

    def _is_about(self, grant: Node, facts: GrantFacts, call: Asked) -> Answer:
        held = call.held
        if facts.spans:
            return any_of(agrees(grant, held, path, facts.spans) for path in facts.to)
        if facts.scoped:
            return self._is_above(grant, facts.to[0], call)
        if any(agrees(grant, held, path, path) is False for path in facts.within):
            return False
        found = any_of(names_at(self.survey, grant, facts.to, node) for node in call.grounds)
        return all_of((found, _same_part(grant, facts, call)))

    def _is_above(self, grant: Node, path: str, call: Asked) -> Answer:
        """Whether a scope is what is called, or holds it."""
        scopes = texts(grant, path)
        ids = [t for node in call.grounds for t in _scope_ids(node)]
        for scope in scopes:
            if not isinstance(scope, str):
                continue
            if any(f"{id}/".lower().startswith(f"{scope}/".lower()) for id in ids):
                return True
        referred = targets(self.survey, grant.address, path)
        if any(node.address in referred for node in call.grounds):
            return True
        groups = [self.survey.nodes[a] for a in referred if a in self.survey.nodes]
        if any(agrees(call.held, group, "resource_group_name", "name") for group in groups):
            return True
        known = all(isinstance(scope, str) for scope in scopes)
        return False if referred or (known and ids) else None

    def _is_overruled(self, grant: Node, facts: GrantFacts, held: Node) -> bool:
        """Whether an exclusive list of what is called drops in this plan what an unchanged resource beside it once wrote."""
        own = held.entry.grants
        before = self.other.nodes.get(held.address)
        if own is None or before is None or not own.block or self.survey.side is not Side.AFTER:
            return False
        was, is_now = _callers_in(before, own), _callers_in(held, own)
        return UNKNOWN not in is_now and bool(set(_callers_in(grant, facts)) & was - is_now)

    def _bound(self, grant: Node, facts: GrantFacts, members: Iterable[tuple[Node, GrantFacts, Answer]]) -> bool:
        """Whether another grant holds the whole list of its role."""
        if facts.exclusive or not facts.may:
            return False
        roles = set(texts(grant, facts.may[0])) - {UNKNOWN}
        for other, theirs, about in members:
            if theirs.exclusive != "role" or about is not True or theirs.spans != facts.spans:
                continue
            if roles & set(texts(other, theirs.may[0])):
                return True
        return False

    def _is_bound(self, call: Asked, members: Iterable[tuple[Node, GrantFacts, Answer]]) -> bool:
        """Whether one holds the whole list of the role that is asked for, and nobody but those that it lists can be anybody."""
        if not call.caller.anybody:
            return False
        for grant, facts, about in members:
            bound = facts.exclusive == "role" and about is True and not facts.spans
            if bound and set(texts(grant, facts.may[0])) & set(call.row.may):
                return True
        return False

    def _statements(self, grant: Node, facts: GrantFacts) -> list[Statement] | None:
        if facts.documents:
            found: list[Statement] = []
            for path in facts.documents:
                read = self._document(grant, path, facts)
                if read is None:
                    return None
                found += read
            return found
        blocks = every(grant.raw, facts.block) if facts.block else [grant.raw]
        return _rows(grant, facts, blocks)

    def _document(self, node: Node, path: str, facts: GrantFacts) -> list[Statement] | None:
        """The statements of the documents at a path; where one is not known yet, of the data source that it is made from."""
        found: list[Statement] = []
        for text in every(node.raw, path):
            if text == "":
                continue
            if text is UNKNOWN:
                read = self._sources(node, path)
            elif facts.language == "google":
                read = documents.bindings(node.address, text)
            else:
                read = documents.policy(node.address, text)
            if read is None:
                return None
            found += read
        return found

    def _sources(self, node: Node, path: str) -> list[Statement] | None:
        linked = targets(self.survey, node.address, path)
        made = [self.survey.nodes[a] for a in linked if a in self.survey.nodes]
        made = [n for n in made if n.entry.grants is not None and n.entry.grants.statements]
        if len(made) != 1:
            return None
        source, facts = made[0], made[0].entry.grants
        assert facts is not None
        if any(texts(source, path) for path in facts.unjudged):
            return None
        blocks = every(source.raw, facts.statements)
        if facts.language == "google":
            return documents.binding_blocks(node.address, blocks)
        return documents.statement_blocks(node.address, blocks)

    def _listed(self, held: Node, own: GrantFacts, granted: Granted) -> None:
        """What the resource itself says is permitted: what its code writes, or what the state shows of all that stands."""
        path = own.block or (own.documents[0] if own.documents else "")
        if not path:
            return
        value = held.raw.get(path.partition(".")[0])
        if value is UNKNOWN:
            granted.unsure = True
            return
        gone = self._gone_beside(held, path, granted)
        if own.documents:
            if not gone:
                granted.add(self._document(held, path, own))
                shown = path in own.lists and isinstance(value, str)
                granted.whole = granted.whole or (shown and bool(value or not own.delegates))
            return
        blocks = every(held.raw, path)
        rows = _rows(held, own, blocks) or []
        granted.rows += [(row, True) for row in rows if not (set(_callers(row)) & gone)]
        granted.whole = path in own.lists and isinstance(value, list)

    def _gone_beside(self, held: Node, path: str, granted: Granted) -> set[Any]:
        """Whom a resource of its own, which stands on the other side only, wrote into a list that the plan leaves as it was."""
        before = self.other.nodes.get(held.address)
        if self.survey.side is not Side.AFTER or before is None:
            return set()
        if every(before.raw, path) != every(held.raw, path):
            return set()
        there = Book.beside(self.other, held, self.survey)
        return {name for grant, facts in there for name in (_callers_in(grant, facts) or {"*"})}

    @staticmethod
    def beside(survey: Survey, held: Node, gone_in: Survey) -> Iterator[tuple[Node, GrantFacts]]:
        """The grants of a side on a resource that do not stand on the other one, or are about something else there."""
        for node in survey.nodes.values():
            facts = node.entry.grants
            if facts is None or not facts.to or facts.spans or facts.scoped:
                continue
            if names_at(survey, node, facts.to, held) is not True:
                continue
            now = gone_in.nodes.get(node.address)
            if now is None or names_at(gone_in, now, facts.to, held) is False:
                yield node, facts

    def of(self, call: Asked) -> Granted:
        """What is granted to the identity under which a call is made. It is never all: what others attach to an identity is no part of a plan."""
        granted = Granted([])
        for address in call.caller.addresses:
            self._of(self.survey.nodes[address], granted)
        return granted

    def _of(self, identity: Node, granted: Granted) -> None:
        own = identity.entry.grants
        written: set[str] = set()
        attached: set[str] = set()
        for grant in self._about(identity):
            facts = grant.entry.grants
            if facts is None or not facts.belongs_to:
                continue
            about = names_at(self.survey, grant, facts.belongs_to, identity)
            if about is False:
                continue
            if facts.attaches:
                attached |= {str(text) for text in texts(grant, facts.attaches)}
                granted.add(self._attached(grant, facts.attaches), about)
            else:
                written |= {str(text) for text in texts(grant, "name")}
                granted.add(self._statements(grant, facts), about)
        if own is not None and own.documents:
            self._inline(identity, own, granted, written)
            self._managed(identity, own, granted, attached)

    def _attached(self, grant: Node, path: str) -> list[Statement] | None:
        """The statements of the policy that an attachment names."""
        for address in targets(self.survey, grant.address, path):
            node = self.survey.nodes.get(address)
            facts = node.entry.grants if node is not None else None
            if node is not None and facts is not None and facts.documents:
                read = self._document(node, facts.documents[0], facts)
                return None if read is None else [_held_by(grant.address, row) for row in read]
        values = texts(grant, path)
        return _managed(grant.address, values[0]) if values else []

    def _inline(self, identity: Node, own: GrantFacts, granted: Granted, written: set[str]) -> None:
        """The policies inside of an identity, but for those that have a resource of their own on either side."""
        block = own.documents[0].rpartition(".")[0]
        gone = self._once(identity, "name")
        for row in every(identity.raw, block):
            if not isinstance(row, Mapping):
                granted.unsure = True
            elif str(row.get("name")) not in written | gone and documents.is_there(row.get("policy")):
                granted.add(documents.policy(identity.address, row["policy"]))

    def _managed(self, identity: Node, own: GrantFacts, granted: Granted, attached: set[str]) -> None:
        """The policies attached to an identity that the state shows beside those that have an attachment of their own."""
        gone = self._once(identity, "policy_arn")
        for path in own.lists:
            for arn in every(identity.raw, path):
                if str(arn) not in attached | gone:
                    granted.add(self._by_arn(identity, arn))

    def _by_arn(self, identity: Node, arn: Any) -> list[Statement] | None:
        for node in self._by_name(arn):
            facts = node.entry.grants
            if facts is not None and facts.documents:
                return self._document(node, facts.documents[0], facts)
        return _managed(identity.address, arn)

    def _by_name(self, arn: Any) -> Iterator[Node]:
        for node in self.survey.nodes.values():
            if node.entry.grants is not None and node.raw.get("arn") == arn:
                yield node

    def _once(self, identity: Node, path: str) -> set[str]:
        """What resources of their own gave to an identity before, and what its lists may still show after."""
        found: set[str] = set()
        if self.survey.side is not Side.AFTER:
            return found
        for node in self.other.nodes.values():
            facts = node.entry.grants
            if facts is None or not facts.belongs_to:
                continue
            if names_at(self.other, node, facts.belongs_to, identity) is True:
                found |= {str(text) for text in texts(node, path)}
        return found


def _holds_all(facts: GrantFacts) -> bool:
    return facts.exclusive == "all" and not facts.spans


def _marks(survey: Survey, node: Node, paths: Iterable[str]) -> Iterator[str]:
    for path in paths:
        yield from (text for text in texts(node, path) if isinstance(text, str))
        yield from targets(survey, node.address, path)


def _scope_ids(node: Node) -> Iterator[str]:
    for path in ("id", "resource_id", "resource_versionless_id"):
        for text in texts(node, path):
            if isinstance(text, str) and text.startswith("/"):
                yield text


def _same_part(grant: Node, facts: GrantFacts, call: Asked) -> Answer:
    """Whether a grant is for the very part that is called."""
    if not facts.part:
        return True
    parts = texts(grant, facts.part)
    if UNKNOWN in parts or call.part is None:
        return None if parts or call.part is None else call.part == ""
    return (str(parts[0]) if parts else "") == call.part


def _rows(grant: Node, facts: GrantFacts, blocks: Iterable[Any]) -> list[Statement] | None:
    """A grant in attributes of its own, or in blocks."""
    found: list[Statement] = []
    for block in blocks:
        if not isinstance(block, Mapping):
            return None
        whom = tuple(value for path in facts.whom for value in _principals(block, path, facts))
        may = _all_rights(block, facts)
        found.append(
            Statement(
                grant.address,
                True,
                Terms(whom),
                Terms(may),
                conditions=tuple(_narrowings(block, facts)),
                whom_path=facts.whom[0] if facts.whom else "",
            )
        )
    return found


def _principals(block: Mapping[str, Any], path: str, facts: GrantFacts) -> Iterator[Any]:
    for value in every(block, path):
        if facts.language != "aws" or not isinstance(value, str) or value == "*":
            yield value
        elif value.endswith(".amazonaws.com"):
            yield f"Service:{value}"
        else:
            yield f"AWS:{value}"


def _all_rights(block: Mapping[str, Any], facts: GrantFacts) -> tuple[Any, ...]:
    """What a grant gives: of a role that is named in two ways the first that is known."""
    if not facts.scoped:
        return tuple(value for path in facts.may for value in _rights(block, path, facts))
    for path in facts.may:
        values = [value for value in every(block, path) if isinstance(value, str) and value]
        if values:
            return tuple(value.rpartition("/")[2].lower() for value in values)
    return (UNKNOWN,)


def _rights(block: Mapping[str, Any], path: str, facts: GrantFacts) -> Iterator[Any]:
    """Actions or roles; where there are lists of several kinds, each with the name of its list."""
    for value in every(block, path):
        if len(facts.may) > 1:
            yield f"{path}:{value}".lower() if isinstance(value, str) else UNKNOWN
        else:
            yield value


def _narrowings(block: Mapping[str, Any], facts: GrantFacts) -> Iterator[Condition]:
    for paths, key in ((facts.sources, "aws:sourcearn"), (facts.accounts, "aws:sourceaccount")):
        for path in paths:
            values = tuple(value for value in every(block, path) if documents.is_there(value))
            if values:
                yield Condition("ArnLike", key, values, path)
    for path in facts.unjudged:
        if any(documents.is_there(value) for value in every(block, path)):
            yield Condition("unjudged", "", ())


def _open(held: Node, own: GrantFacts) -> Iterator[tuple[Statement, Answer]]:
    value = held.raw.get(own.open)
    if value is UNKNOWN or value is True:
        everyone = Statement(held.address, True, Terms(("*",)), Terms(("*",)))
        yield everyone, (True if value is True else None)


def _callers_in(node: Node, facts: GrantFacts) -> set[Any]:
    blocks = every(node.raw, facts.block) if facts.block else [node.raw]
    return {value for block in blocks for path in facts.whom for value in ([block] if block is UNKNOWN else every(block, path))}


def _callers(row: Statement) -> tuple[Any, ...]:
    return row.whom.values if row.whom is not None else ()


def _held_by(address: str, row: Statement) -> Statement:
    return Statement(address, row.allows, row.whom, row.may, row.on, row.conditions)


def _managed(holder: str, arn: Any) -> list[Statement] | None:
    """What a policy of the provider's own permits, as far as it is known."""
    if not isinstance(arn, str):
        return None
    rights = managed_policies().get(arn.rpartition("/")[2]) if ":aws:policy/" in arn else None
    if rights is None:
        return None
    return [Statement(holder, True, None, Terms(rights), Terms(("*",)))]


__all__ = ("Book", "Granted", "names")
