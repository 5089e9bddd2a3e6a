"""What stands behind a filter of calls that lets none pass: by what it does where no rule fits, or by a rule that fits every call.

Proven by the state: what is not known yet (a prefix, a priority, a rule that stands beside) may let something pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network, collapse_addresses
from typing import Any

from faultray_action.catalogue.entry import FilterFacts
from faultray_action.catalogue.expression import Scope, evaluate, every, truth
from faultray_action.topology.blocks import narrowed
from faultray_action.topology.known_side import KnownSide
from faultray_action.topology.node import Node
from faultray_action.topology.reachability.cuts import Cut
from faultray_action.topology.reachability.grant_names import names_of
from faultray_action.topology.reachability.rules import as_network
from faultray_action.topology.survey import Survey

Values = Mapping[str, Any]


def filtered(side: KnownSide) -> Iterator[Cut]:
    """Fronts behind a filter that lets no request pass."""
    behind = _behind_refusing(side)
    for front in _fronts(side, behind):
        names = _names(side.survey, front)
        if names and not names <= behind.keys():
            continue
        at = front if front in behind else min(names)
        told = f"{behind[at]}, which stands before {front}, lets no request pass"
        yield Cut(front, front, told)


def _behind_refusing(side: KnownSide) -> dict[str, str]:
    """What such filters stand before, by itself or by an association, each with its filter."""
    found: dict[str, str] = {}
    for edge in side.survey.edges:
        if edge.role != "filtered-by" or not _refuses_all(side.survey, edge.target):
            continue
        named = side.survey.outgoing(edge.source, "filters")
        for address in [other.target for other in named] or [edge.source]:
            found[address] = edge.target
    return found


def _fronts(side: KnownSide, behind: Mapping[str, str]) -> list[str]:
    """The components among them, and those that users call by one of the names among them."""
    found: set[str] = set()
    for address in behind:
        if address in side.components:
            found.add(address)
        for route in side.survey.incoming(address, "named-by"):
            for edge in side.survey.outgoing(route.source, "serves"):
                found.add(edge.target)
    return sorted(found & side.components.keys())


def _names(survey: Survey, front: str) -> set[str]:
    """The names by which users call what serves a front."""
    found: set[str] = set()
    for part in survey.incoming(front, "serves"):
        for edge in survey.outgoing(part.source, "named-by"):
            found.add(edge.target)
    return found


def _refuses_all(survey: Survey, address: str) -> bool:
    """Whether a filter is known to let nothing pass; rules that stand beside it may let something."""
    node = survey.nodes.get(address)
    if node is None or survey.incoming(address, "modifies"):
        return False
    if survey.decided(address, node.entry.refuses_all) is True:
        return True
    facts = node.entry.filter
    return facts is not None and _has_rule_for_all(survey, node, facts)


# rules


def _has_rule_for_all(survey: Survey, node: Node, facts: FilterFacts) -> bool:
    """Whether a rule refuses every call before another one may let any pass."""
    if _asked(node, facts.acts, node.values) is not True:
        return False
    for values in _in_order(node, facts):
        counts = _asked(node, facts.counts, values)
        if counts is False:
            continue
        if _asked(node, facts.passes, values) is not False:
            return False
        refuses = _asked(node, facts.refuses, values)
        if counts and refuses and _fits_all(survey, node, facts, values):
            return True
    return False


def _in_order(node: Node, facts: FilterFacts) -> list[Values]:
    """The attributes with one rule alone, as the filter asks them; none where the order is not known."""
    ranked: list[tuple[float, Values]] = []
    for block in every(node.values, facts.rules):
        if not isinstance(block, Mapping):
            return []
        values = narrowed(node.values, facts.rules, block)
        ranks = every(values, facts.priority)
        if len(ranks) != 1 or not isinstance(ranks[0], (int, float)):
            return []
        ranked.append((ranks[0], values))
    ranked.sort(key=_rank)
    return [values for _, values in ranked]


def _rank(ranked: tuple[float, Values]) -> float:
    return ranked[0]


def _fits_all(
    survey: Survey,
    node: Node,
    facts: FilterFacts,
    values: Values,
) -> bool:
    """Whether every call fits all conditions of a rule."""
    conditions = every(values, facts.conditions)
    for condition in conditions:
        alone = _with(values, facts, condition)
        if _asked(node, facts.always, alone) is True:
            continue
        by_address = _asked(node, facts.by_address, alone)
        if not by_address or not _is_everywhere(survey, every(alone, facts.ranges)):
            return False
    return bool(conditions)


def _with(values: Values, facts: FilterFacts, condition: Any) -> Values:
    """The attributes with one condition of their one rule alone."""
    rule = every(values, facts.rules)[0]
    below = facts.conditions.removeprefix(f"{facts.rules}.")
    return narrowed(values, facts.rules, narrowed(rule, below, condition))


def _asked(node: Node, text: str, values: Values) -> bool | None:
    """Whether an expression holds of some attributes; None where that is not known yet."""
    found: set[bool] = set()
    for value in evaluate(text, Scope(values, node.entry.defaults)):
        found.update(truth(value))
    return found.pop() if len(found) == 1 else None


_ALL_ADDRESSES = IPv4Network("0.0.0.0/0")


def _is_everywhere(survey: Survey, texts: list[Any]) -> bool:
    """Whether prefixes, and those of the sets that are named among them, are all addresses together."""
    found: list[IPv4Network] = []
    for text in (*texts, *_of_sets(survey, texts)):
        network = as_network(text)
        if isinstance(network, IPv4Network):
            found.append(network)
    return list(collapse_addresses(found)) == [_ALL_ADDRESSES]


def _of_sets(survey: Survey, texts: list[Any]) -> list[Any]:
    """The prefixes of the sets that some texts name."""
    named = {text for text in texts if isinstance(text, str) and as_network(text) is None}
    found: list[Any] = []
    for node in survey.nodes.values() if named else ():
        if node.entry.addresses and named & names_of(node):
            for path in node.entry.addresses:
                found += every(node.values, path)
    return found
