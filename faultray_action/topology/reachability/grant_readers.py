"""What the documents of one side say: in a resource, in the data source that it is made from, in a policy of the provider's own."""

from __future__ import annotations

from typing import Any

from faultray_action.catalogue.entry import GrantFacts
from faultray_action.catalogue.expression import every
from faultray_action.catalogue.managed_policies import managed_policies
from faultray_action.model.value import UNKNOWN
from faultray_action.topology.node import Node
from faultray_action.topology.reachability import grant_documents as documents
from faultray_action.topology.reachability.grant_documents import Statement, Terms
from faultray_action.topology.reachability.grant_names import referred, written
from faultray_action.topology.reachability.grant_rows import rows
from faultray_action.topology.survey import Survey

ANY = Terms(("*",))
_OWN = ":aws:policy/"
"""What the ARNs of the provider's own policies have in common."""


def statements_of(survey: Survey, grant: Node, facts: GrantFacts) -> list[Statement] | None:
    """What a grant says, in documents or in attributes; None where it cannot be read."""
    if not facts.documents:
        return rows(grant, facts)
    return documents_at(survey, grant, facts.documents[0], facts)


def documents_at(
    survey: Survey,
    node: Node,
    path: str,
    facts: GrantFacts,
) -> list[Statement] | None:
    """The statements of the documents at a path; of one that is not known yet, those of the data source that it is made from."""
    found: list[Statement] = []
    for text in every(node.raw, path):
        read = _document(survey, node, path, facts, text)
        if read is None:
            return None
        found += read
    return found


def _document(
    survey: Survey,
    node: Node,
    path: str,
    facts: GrantFacts,
    text: Any,
) -> list[Statement] | None:
    if text == "":
        return []
    if text is UNKNOWN:
        return _made_from(survey, node, path)
    if facts.language == "google":
        return documents.bindings(node.address, text)
    return documents.policy(node.address, text)


def _made_from(survey: Survey, node: Node, path: str) -> list[Statement] | None:
    """The statements of the one data source from which the document at a path is made."""
    for made in referred(survey, node, path):
        facts = made.entry.grants
        if facts is None or not facts.statements:
            continue
        if any(written(made, other) for other in facts.unjudged):
            return None
        blocks = every(made.raw, facts.statements)
        read = documents.statement_blocks
        if facts.language == "google":
            read = documents.binding_blocks
        return read(node.address, blocks)
    return None


def attached(survey: Survey, grant: Node, path: str) -> list[Statement] | None:
    """The statements of the policies that an attachment names."""
    for node in referred(survey, grant, path):
        facts = node.entry.grants
        if facts is None or not facts.documents:
            continue
        read = documents_at(survey, node, facts.documents[0], facts)
        return None if read is None else [_held_by(grant.address, row) for row in read]
    values = written(grant, path)
    return provided(grant.address, values[0]) if values else []


def provided(holder: str, arn: Any) -> list[Statement] | None:
    """What a policy of the provider's own permits, None where that is not known."""
    if not isinstance(arn, str) or _OWN not in arn:
        return None
    rights = managed_policies().get(arn.rpartition("/")[2])
    if rights is None:
        return None
    return [Statement(holder, True, None, Terms(rights), ANY)]


def _held_by(address: str, row: Statement) -> Statement:
    return Statement(address, row.allows, row.whom, row.may, row.on, row.conditions)
