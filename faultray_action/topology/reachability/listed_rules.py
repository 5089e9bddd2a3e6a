"""Two owners of one list: the rules that a group lists, and those that resources of their own add to it.

A state as the provider reports it lists every rule of a group, whoever made it. So what the list has beyond the resources of the plan is
somebody else's and stays; and a group that writes its list itself removes what stands beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from faultray_action.catalogue.entry import FirewallFacts
from faultray_action.catalogue.expression import every
from faultray_action.topology.node import Node
from faultray_action.topology.reachability.rule_reading import RuleReader
from faultray_action.topology.reachability.rules import Ends, Network, Rule, Span

_Head = tuple[bool, bool, float, tuple[Span, ...] | None]
Atom = tuple[_Head, str | Network]
"""What a rule says of one far end: two rules that say the same have the same atoms, however they are grouped into blocks."""

_ANYBODY = "anybody"


def of_others(node: Node, facts: FirewallFacts, reader: RuleReader, beside: Iterable[Rule]) -> tuple[Rule, ...]:
    """What a group lists beyond the rules that resources of the plan add to it, `beside`."""
    known = {atom for rule in beside for atom in _atoms(rule)}
    found = [_without(rule, known) for rule in _listed(node, facts, reader, node.raw)]
    return tuple(rule for rule in found if rule is not None)


def kept(rules: tuple[Rule, ...], group: Node, facts: FirewallFacts | None, reader: RuleReader) -> tuple[Rule, ...]:
    """The rules of an unchanged resource that its group still has where the plan rewrites the group's own list."""
    before, after = group.resource.before, group.resource.after
    if facts is None or not facts.listed or before is None or after is None:
        return rules
    if all(before.get(path) == after.get(path) for path in (facts.inline, facts.outbound) if path):
        return rules
    was = {atom for rule in _listed(group, facts, reader, before) for atom in _atoms(rule)}
    is_now = {atom for rule in _listed(group, facts, reader, after) for atom in _atoms(rule)}
    removed = was - is_now
    return tuple(rule for rule in rules if not removed.issuperset(_atoms(rule)))


def _listed(node: Node, facts: FirewallFacts, reader: RuleReader, values: Mapping[str, Any]) -> Iterator[Rule]:
    for path in (facts.inline, facts.outbound):
        for block in every(values, path) if path else ():
            if isinstance(block, Mapping):
                yield from reader.of_block(node, facts, block, outbound=bool(facts.outbound) and path == facts.outbound)


def _atoms(rule: Rule) -> Iterator[Atom]:
    head = rule.inward, rule.allows, rule.rank[1], rule.ports
    if rule.far.anybody:
        yield head, _ANYBODY
        return
    for element in (*rule.far.ranges, *sorted(rule.far.groups), *sorted(rule.far.words)):
        yield head, element


def _without(rule: Rule, known: set[Atom]) -> Rule | None:
    """A rule without the far ends that are known from elsewhere; None where nothing is left of it."""
    left = {element for head, element in _atoms(rule) if (head, element) not in known}
    if not left:
        return None
    far = rule.far
    if _ANYBODY in left:
        return rule
    remaining = Ends(
        inside=far.inside,
        outside=far.outside,
        through=far.through,
        unknown=far.unknown,
        ranges=tuple(network for network in far.ranges if network in left),
        groups=far.groups & left,
        words=far.words & left,
    )
    return Rule(rule.owner, rule.allows, rule.inward, rule.ports, remaining, rule.near, rule.rank, rule.operators)
