"""What references mean by the catalogue: who needs whom, what stands where, what says nothing of outages."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import partial

from faultray_action.catalogue.entry import EdgeRole, EdgeRule, Entry, MemberOf
from faultray_action.catalogue.expression import Scope, every
from faultray_action.model.component import Confidence, Evidence
from faultray_action.terraform.configured import Configured
from faultray_action.terraform.plan import Link, LinkKind
from faultray_action.terraform.references import PROVIDER
from faultray_action.topology.blocks import holding, narrowed
from faultray_action.topology.facts import Facts
from faultray_action.topology.manifests import path_as
from faultray_action.topology.node import Node, TypedEdge


class Meanings:
    """What links mean by the catalogue, looked up once for each type, path and type of the target."""

    def __init__(self, configured: Configured) -> None:
        self._configured = configured
        self._rules: dict[tuple[str, str, str], list[tuple[EdgeRule, str]]] = {}

    def edge(self, link: Link, source: Node, target: Node, facts: Facts) -> TypedEdge | None:
        """The edge that a link is, None where no outage follows from it."""
        for rule, text in self._rules_of(link.path, source, target):
            if not rule.when or _holds(rule, link.path, source, target, facts, self._scope(source)):
                group = f"{link.source}:{link.path}" if rule.group else ""
                if rule.member_of is not None:
                    number = _group_with(source, target, link.path, rule.member_of)
                    if number < 0:
                        continue
                    group = f"{group}#{number}"
                return None if rule.role == "none" else _edge(link, rule, text, group)
        return None

    def _scope(self, source: Node) -> Scope:
        written = partial(self._configured.attributes, source.resource)
        return Scope(source.values, source.entry.defaults, written=written, answers=source.answers)

    def _rules_of(self, path: str, source: Node, target: Node) -> list[tuple[EdgeRule, str]]:
        """The rules for such a target, each with how its evidence tells it."""
        mark = source.type, path, target.type
        known = self._rules.get(mark)
        if known is None:
            label = source.entry.label or source.type
            fitting = [rule for rule in rules_of(source, path) if not rule.to or any(_is_of(target, pattern) for pattern in rule.to)]
            known = self._rules[mark] = [(rule, f"{label}: {path} is {rule.role}") for rule in fitting]
        return known


def _holds(rule: EdgeRule, path: str, source: Node, target: Node, facts: Facts, scope: Scope) -> bool:
    """Whether the condition of a rule holds, for its block one of those in which a source refers to a target. `scope`: that of the source."""
    scopes = [scope]
    if rule.block or _OF_TARGET in rule.when:
        blocks = holding(source, target, path, rule.block) if rule.block else []
        sides = [narrowed(source.values, rule.block, block) for block in blocks] or [source.values]
        scopes = [Scope({**values, "target": target.values}, source.entry.defaults) for values in sides]
    return any(facts.truth(rule.when, source.address, each, better=False) for each in scopes)


_OF_TARGET = "target."
"""What an expression calls the attributes of the resource referred to."""


def _group_with(source: Node, target: Node, path: str, facts: MemberOf) -> int:
    """The number of the group that names the block in which a source refers to a target, -1 where none does."""
    meant = {str(name) for block in holding(source, target, path, facts.block) for name in every(block, facts.id)}
    groups = [set(map(str, every(group, facts.among))) for group in every(source.values, facts.groups)]
    return next((number for number, members in enumerate(groups) if meant & members), -1)


def _edge(link: Link, rule: EdgeRule, text: str, group: str) -> TypedEdge:
    sure = Confidence.CERTAIN if link.kind in _SURE else Confidence.LIKELY
    evidence = Evidence(link.source, link.path, text, sure)
    return TypedEdge(link.source, link.target, rule.role, link.path, group, rule.group_needed, rule.buffer_seconds, evidence, rule.share)


_SURE = (LinkKind.REFERENCE, LinkKind.VALUE)


def rules_of(node: Node, path: str) -> tuple[EdgeRule, ...]:
    """The rules at an attribute as the resource has it: an object in a manifest needs what it names as a whole."""
    if node.written_as is not None:
        path = path_as(path, node.written_as)
        if not path:
            return (EdgeRule(role="need"),)
    return rules_at(node.entry, path)


def rules_at(entry: Entry, path: str) -> tuple[EdgeRule, ...]:
    """The rules of the longest key of `edges` that is the path or a prefix of it, else those of "*", which stands for attributes only."""
    if path == PROVIDER and path not in entry.edges:
        return ()
    while path:
        if path in entry.edges:
            return rules(entry.edges[path])
        path = path.rpartition(".")[0]
    return rules(entry.edges["*"]) if "*" in entry.edges else ()


def rules(value: EdgeRole | EdgeRule | tuple[EdgeRule, ...]) -> tuple[EdgeRule, ...]:
    """What the catalogue says at one path, as rules."""
    if isinstance(value, EdgeRule):
        return (value,)
    return value if isinstance(value, tuple) else (EdgeRule(role=value),)


def _is_of(node: Node, pattern: str) -> bool:
    if pattern.startswith("kind:"):
        return node.entry.kind == pattern[5:]
    return fnmatchcase(node.type, pattern)
