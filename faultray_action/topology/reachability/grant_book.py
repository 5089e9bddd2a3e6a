"""What is permitted on one side: every grant that the plan holds, found by what it is about, and whether others may stand beside them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from faultray_action.catalogue.entry import GrantFacts
from faultray_action.catalogue.expression import every
from faultray_action.model.value import UNKNOWN
from faultray_action.terraform.plan import Side
from faultray_action.topology.node import Node
from faultray_action.topology.reachability import grant_documents as documents
from faultray_action.topology.reachability.grant_asks import Asked
from faultray_action.topology.reachability.grant_documents import Statement, Truth, all_of, any_of
from faultray_action.topology.reachability.grant_names import (
    agree,
    marks,
    names_at,
    names_of,
    referred,
    strings,
    written,
)
from faultray_action.topology.reachability.grant_readers import (
    attached,
    documents_at,
    provided,
    statements_of,
)
from faultray_action.topology.reachability.grant_rows import callers_in, open_to_all, rows
from faultray_action.topology.survey import Survey


class Granted(Struct):
    """The statements about something, each with whether it is about it at all. `whole`: nothing else can stand; `unsure`: something stands that cannot be
    read."""

    rows: list[tuple[Statement, Truth]] = []
    whole: bool = False
    unsure: bool = False

    def add(self, statements: list[Statement] | None, about: Truth = True) -> None:
        """Statements of a document; None: it stands and cannot be read."""
        if statements is None:
            self.unsure = True
            return
        for statement in statements:
            self.rows.append((statement, about))


class _Member(Struct, frozen=True):
    """A grant that may be about what is called."""

    node: Node
    facts: GrantFacts
    about: Truth

    @property
    def is_own_list(self) -> bool:
        """Whether it is held on the very thing, and not on what lies around it."""
        return not self.facts.spans and not self.facts.scoped


class Book:
    """The grants of one side. `opposite`, set once both are there, is that of the other side: it shows what a computed list does not tell."""

    opposite: Book

    def __init__(self, survey: Survey) -> None:
        self.survey = survey
        self._marked: dict[str, dict[str, Node]] = {}
        self._wide: dict[str, Node] = {}
        for node in survey.nodes.values():
            facts = node.entry.grants
            if facts is not None and (facts.to or facts.belongs_to):
                self._enter(node, facts)

    def _enter(self, node: Node, facts: GrantFacts) -> None:
        found = set(marks(self.survey, node, (*facts.to, *facts.belongs_to)))
        if facts.spans or facts.scoped or not found:
            self._wide[node.address] = node
            return
        for mark in found:
            self._marked.setdefault(mark, {})[node.address] = node

    def _about(self, *nodes: Node) -> list[tuple[Node, GrantFacts]]:
        """The grants that may be about one of some resources."""
        found = dict(self._wide)
        for node in nodes:
            for mark in (node.address, *names_of(node)):
                found.update(self._marked.get(mark, {}))
        pairs: list[tuple[Node, GrantFacts]] = []
        for address in sorted(found):
            facts = found[address].entry.grants
            if facts is not None:
                pairs.append((found[address], facts))
        return pairs

    # on what is called

    def on(self, call: Asked) -> Granted:
        """What is granted on what is called."""
        granted = Granted()
        own = call.held.entry.grants
        members = self._members(call, own)
        exclusive = [m for m in members if _holds_all(m)]
        for member in members:
            read = statements_of(self.survey, member.node, member.facts)
            beside = bool(exclusive) and member.is_own_list and member not in exclusive
            doubtful = beside or _is_bound_by_another(member, members)
            granted.add(read, None if doubtful else member.about)
        granted.whole = len(exclusive) == 1 or _is_bound(call, members)
        if own is None:
            granted.whole = granted.whole or _takes_no_grants(call)
            return granted
        everybody = open_to_all(call.held, own)
        if everybody is not None:
            granted.add([everybody])
        if own.language == call.row.language and not exclusive:
            self._listed(call.held, own, granted)
        return granted

    def _members(self, call: Asked, own: GrantFacts | None) -> list[_Member]:
        found: list[_Member] = []
        for grant, facts in self._about(*call.grounds):
            if not facts.to or facts.language != call.row.language:
                continue
            about = self._is_about(grant, facts, call)
            if about is False or self._is_overruled(grant, facts, call.held, own):
                continue
            found.append(_Member(grant, facts, about))
        return found

    def _is_about(
        self,
        grant: Node,
        facts: GrantFacts,
        call: Asked,
    ) -> Truth:
        held = call.held
        if facts.spans:
            return any_of(agree(grant, path, held, facts.spans) for path in facts.to)
        if facts.scoped:
            return self._is_above(grant, facts.to[0], call)
        for path in facts.within:
            if agree(grant, path, held, path) is False:
                return False
        found = any_of(names_at(self.survey, grant, facts.to, node) for node in call.grounds)
        return all_of((found, _is_for_part(grant, facts, call)))

    def _is_above(
        self,
        grant: Node,
        path: str,
        call: Asked,
    ) -> Truth:
        """Whether a scope is what is called, or holds it."""
        scopes = strings(grant, path)
        for node in call.grounds:
            if any(_lies_in(node, scope) for scope in scopes):
                return True
        around = referred(self.survey, grant, path)
        addresses = {node.address for node in around}
        if any(node.address in addresses for node in call.grounds):
            return True
        for group in around:
            if agree(call.held, "resource_group_name", group, "name"):
                return True
        return None if UNKNOWN in written(grant, path) and not around else False

    def _is_overruled(
        self,
        grant: Node,
        facts: GrantFacts,
        held: Node,
        own: GrantFacts | None,
    ) -> bool:
        """Whether an exclusive list of what is called drops in this plan what an unchanged resource beside it once wrote."""
        before = self.opposite.survey.nodes.get(held.address)
        if own is None or before is None or not own.block or not self._is_after:
            return False
        dropped = callers_in(before, own) - callers_in(held, own)
        return bool(callers_in(grant, facts) & dropped)

    @property
    def _is_after(self) -> bool:
        return self.survey.side is Side.AFTER

    # what the resource itself lists

    def _listed(
        self,
        held: Node,
        own: GrantFacts,
        granted: Granted,
    ) -> None:
        """What the resource itself says is permitted: what its code writes, or what the state shows of all that stands."""
        path = own.block or (own.documents[0] if own.documents else "")
        if not path:
            return
        value = held.raw.get(path.partition(".")[0])
        if value is UNKNOWN and not referred(self.survey, held, path):
            granted.unsure = True
            return
        shown = path in own.lists and isinstance(value, (str, list))
        gone = self._gone_beside(held, path)
        if own.block:
            written_beside: set[Any] = set()
            for grant, facts in gone:
                written_beside |= callers_in(grant, facts)
            for row in rows(held, own) or ():
                if not _names_one_of(row, written_beside):
                    granted.add([row])
            granted.whole = shown
        elif not gone:
            granted.add(documents_at(self.survey, held, path, own))
            granted.whole = granted.whole or (shown and (bool(value) or not own.delegates))

    def _gone_beside(self, held: Node, path: str) -> list[tuple[Node, GrantFacts]]:
        """The grants on a resource that stand on the other side only, and that a list which the plan leaves as it was may still show."""
        before = self.opposite.survey.nodes.get(held.address)
        if not self._is_after or before is None:
            return []
        if every(before.raw, path) != every(held.raw, path):
            return []
        here = {node.address for node, _ in self._on(held)}
        gone: list[tuple[Node, GrantFacts]] = []
        for node, facts in self.opposite._on(before):
            if node.address not in here:
                gone.append((node, facts))
        return gone

    def _on(self, held: Node) -> list[tuple[Node, GrantFacts]]:
        """The grants that are certain to be held on a resource."""
        found: list[tuple[Node, GrantFacts]] = []
        for node, facts in self._about(held):
            around = facts.spans or facts.scoped
            if facts.to and not around and names_at(self.survey, node, facts.to, held):
                found.append((node, facts))
        return found

    # to whom it belongs

    def holds_rights(self, call: Asked) -> bool:
        """Whether a call is made under an identity that has rights of its own, beside those on what is called."""
        for address in call.caller.addresses:
            own = self.survey.nodes[address].entry.grants
            if own is not None and own.documents:
                return True
        return False

    def of(self, call: Asked) -> Granted:
        """What is granted to the identity under which a call is made. It is never all: what others attach to an identity is no part of a plan."""
        granted = Granted()
        for address in call.caller.addresses:
            self._of(self.survey.nodes[address], granted)
        return granted

    def _of(self, identity: Node, granted: Granted) -> None:
        known: set[str] = set()
        for grant, facts, about in self._belonging(identity):
            known.update(strings(grant, facts.attaches or "name"))
            if facts.attaches:
                granted.add(attached(self.survey, grant, facts.attaches), about)
            else:
                granted.add(statements_of(self.survey, grant, facts), about)
        own = identity.entry.grants
        if own is not None and own.documents:
            known |= self._once(identity)
            self._inline(identity, own.documents[0], granted, known)
            self._attached_beside(identity, own.lists, granted, known)

    def _belonging(self, identity: Node) -> Iterable[tuple[Node, GrantFacts, Truth]]:
        for grant, facts in self._about(identity):
            about: Truth = False
            if facts.belongs_to:
                about = names_at(self.survey, grant, facts.belongs_to, identity)
            if about is not False:
                yield grant, facts, about

    def _once(self, identity: Node) -> set[str]:
        """What resources of their own gave to an identity before, and what its lists may still show after."""
        found: set[str] = set()
        before = self.opposite.survey.nodes.get(identity.address)
        if self._is_after and before is not None:
            for grant, facts, _ in self.opposite._belonging(before):
                found.update(strings(grant, facts.attaches or "name"))
        return found

    def _inline(
        self,
        identity: Node,
        path: str,
        granted: Granted,
        known: set[str],
    ) -> None:
        """The policies inside of an identity, but for those that have a resource of their own on either side."""
        block, _, inner = path.rpartition(".")
        for row in every(identity.raw, block):
            if not isinstance(row, dict):
                granted.unsure = True
            elif str(row.get("name")) not in known and documents.is_there(row.get(inner)):
                granted.add(documents.policy(identity.address, row[inner]))

    def _attached_beside(
        self,
        identity: Node,
        lists: Iterable[str],
        granted: Granted,
        known: set[str],
    ) -> None:
        """The policies attached to an identity that the state shows beside those that have an attachment of their own."""
        for path in lists:
            for arn in every(identity.raw, path):
                if str(arn) not in known:
                    granted.add(self._by_arn(identity, arn))

    def _by_arn(self, identity: Node, arn: Any) -> list[Statement] | None:
        for node in self.survey.nodes.values():
            facts = node.entry.grants
            if facts is not None and facts.documents and node.raw.get("arn") == arn:
                return statements_of(self.survey, node, facts)
        return provided(identity.address, arn)


def _holds_all(member: _Member) -> bool:
    """Whether a grant is all that stands on what is called."""
    return member.facts.exclusive == "all" and member.is_own_list and member.about is True


def _binds(member: _Member) -> bool:
    """Whether a grant is all that stands of its role."""
    return member.facts.exclusive == "role" and member.about is True


def _is_bound_by_another(member: _Member, members: Iterable[_Member]) -> bool:
    """Whether another grant holds the whole list of a role, so that this one stands in doubt."""
    if member.facts.exclusive or not member.facts.may:
        return False
    roles = set(strings(member.node, member.facts.may[0]))
    for other in members:
        if not _binds(other) or other.is_own_list != member.is_own_list:
            continue
        if roles.intersection(strings(other.node, other.facts.may[0])):
            return True
    return False


def _is_bound(call: Asked, members: Iterable[_Member]) -> bool:
    """Whether a grant holds the whole list of the role that is asked for. It is held for anybody there or nowhere: a project takes no such member."""
    if not call.caller.anybody:
        return False
    for member in members:
        if not _binds(member) or not member.is_own_list:
            continue
        if set(call.row.may).intersection(strings(member.node, member.facts.may[0])):
            return True
    return False


def _takes_no_grants(call: Asked) -> bool:
    """Whether nobody can hold grants on what is called, so that those of the identity are all there are."""
    return call.row.language == "aws" and not call.row.service


def _is_for_part(grant: Node, facts: GrantFacts, call: Asked) -> Truth:
    """Whether a grant is for the very part that is called."""
    if not facts.part:
        return True
    parts = written(grant, facts.part)
    part = parts[0] if parts else ""
    if call.part is None or part is UNKNOWN:
        return None
    return bool(part == call.part)


def _lies_in(node: Node, scope: str) -> bool:
    """Whether one of the paths by which a resource is known lies in a scope."""
    around = f"{scope}/".lower()
    paths = [f"{name}/".lower() for name in names_of(node)]
    return any(path.startswith(around) for path in paths if path.startswith("/"))


def _names_one_of(row: Statement, callers: set[Any]) -> bool:
    values = row.whom.values if row.whom is not None else ()
    return any(isinstance(value, str) and value in callers for value in values)
