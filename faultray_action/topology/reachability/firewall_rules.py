"""Rules of security groups and of firewalls by tag, and the groups that components have (docs/model.md)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any

from msgspec import Struct

from faultray_action.catalogue.entry import FirewallFacts
from faultray_action.catalogue.expression import descend, every, number
from faultray_action.model.value import UNKNOWN
from faultray_action.topology.likeness import fingerprint
from faultray_action.topology.node import Node
from faultray_action.topology.reachability import ranked_rules
from faultray_action.topology.reachability.ordered_rules import Network, as_network
from faultray_action.topology.reachability.ranked_rules import EVERY, NOT_TCP, Ranked, overlap, spans, tags
from faultray_action.topology.survey import Survey

_ALL_PROTOCOLS = ("-1", "all", "")


_PRIVATE = tuple(
    ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "fc00::/7", "fe80::/10")
)
"""Ranges that no caller from the internet comes from (RFC 1918, 6598, 4193): a narrower list than the library's, which counts ranges for documentation."""


class Rule(Struct, frozen=True):
    """Lets traffic into `group` on ports `low`..`high` from `sources` (groups), or from addresses (`open`); an `outward` one out of it to them.
    `public`: some of the addresses are of the internet, None where nobody can say. `probed`: load balancers probe through it."""

    owner: str
    group: str
    low: float
    high: float
    sources: frozenset[str]
    open: bool
    outward: bool = False
    public: bool | None = None
    probed: bool = False

    def admits(self, caller: frozenset[str], port: float | None) -> bool:
        if port is not None and not self.low <= port <= self.high:
            return False
        return self.open or bool(self.sources & caller)


@dataclass(slots=True)
class Firewalls:
    """Rules by the group they let into, and the groups attached to each component. `ids`: group ids -> addresses; `owned`: rules by owner;
    `outward`: rules by the group they let out of."""

    rules: dict[str, list[Rule]]
    attached: dict[str, frozenset[str]]
    ids: Mapping[str, str] = field(default_factory=dict)
    owned: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)
    outward: Mapping[str, list[Rule]] = field(default_factory=dict)
    ranked: Ranked = field(default_factory=lambda: Ranked((), {}))

    def admits(self, caller: str, callee: str, port: float | None) -> bool:
        return any(
            rule.admits(self.attached.get(caller, frozenset()), port)
            for group in self.attached[callee]
            for rule in self.rules.get(group, ())
        )

    def probed_through(self, callee: str, port: float | None) -> tuple[str, ...]:
        """Owners of what lets load balancers probe the callee, sorted."""
        rules = [rule for group in self.attached[callee] for rule in self.rules.get(group, ()) if rule.probed]
        return tuple(sorted({rule.owner for rule in rules if port is None or rule.low <= port <= rule.high}))

    def letting_out(self, caller: str, callee: str, port: float | None) -> tuple[str, ...]:
        """Owners of what lets the caller's call out, sorted."""
        groups, called = self.attached.get(caller, frozenset()), self.attached[callee]
        return tuple(sorted({rule.owner for group in groups for rule in self.outward.get(group, ()) if rule.admits(called, port)}))

    def admitting(self, caller: str, callee: str, port: float | None) -> tuple[str, ...]:
        """Owners (rules or groups) of what admits the call, sorted."""
        groups = self.attached[callee]
        return tuple(
            sorted({r.owner for g in groups for r in self.rules.get(g, ()) if r.admits(self.attached.get(caller, frozenset()), port)})
        )


def read(survey: Survey, known: Firewalls | None = None, differing: Set[str] = frozenset()) -> Firewalls:
    """Every firewall rule and attachment of one side; `known` are those of a side that differs from this one at the addresses `differing` only."""
    ids = {
        str(n.values.get("id")): a
        for a, n in survey.nodes.items()
        if n.entry.disposition == "firewall" and isinstance(n.values.get("id"), str)
    }
    earlier = known.owned if known is not None and known.ids == ids else {}
    blocks = _Blocks(ids)
    owned: dict[str, tuple[Rule, ...]] = {}
    rules: dict[str, list[Rule]] = {}
    outward: dict[str, list[Rule]] = {}
    for node in survey.nodes.values():
        if node.entry.firewall is not None:
            same = earlier.get(node.address) if node.address not in differing else None
            owned[node.address] = tuple(_rules(survey, node, node.entry.firewall, blocks)) if same is None else same
            for rule in owned[node.address]:
                (outward if rule.outward else rules).setdefault(rule.group, []).append(rule)
    attached: dict[str, set[str]] = {}
    for edge in survey.edges:
        if edge.role == "firewall":
            attached.setdefault(edge.source, set()).add(edge.target)
    for node in survey.nodes.values():
        if node.entry.firewall_tags:
            attached.setdefault(node.address, set()).update({EVERY, *tags(node.values, node.entry.firewall_tags)})
    _lend(survey, attached)
    groups = {address: frozenset(found) for address, found in attached.items()}
    return Firewalls(rules, groups, ids, owned, outward, ranked_rules.read(survey, groups))


def _lend(survey: Survey, attached: dict[str, set[str]]) -> None:
    """What a template says of firewalls holds for the machines that are made from it."""
    templates = [a for a in sorted(attached) if survey.nodes[a].entry.disposition == "connector"]
    for template in templates:
        for edge in survey.incoming(template, "need"):
            if survey.nodes[edge.source].entry.disposition == "component":
                attached.setdefault(edge.source, set()).update(attached[template])


def _tagged(node: Node, facts: FirewallFacts) -> Iterable[Rule]:
    groups = tags(node.values, facts.targets) or [EVERY]
    sources = frozenset(tags(node.values, facts.tags))
    for block in every(node.values, facts.allows):
        if isinstance(block, Mapping):
            for low, high in spans(block, facts.protocol):
                yield from (
                    Rule(node.address, group, low, high, sources, _open(node.values, facts), probed=_probed(node.values, facts))
                    for group in groups
                )


class _Said(Struct, frozen=True):
    """What one block of rules inside a group says, whichever group it is. `groups`: ids of groups; `unsure`: further ones are not known yet."""

    low: float
    high: float
    groups: tuple[str, ...]
    unsure: bool
    itself: bool
    open: bool
    public: bool | None


class _Blocks:
    """Reads blocks of rules; those that say the same (most groups of a system do) are read once."""

    def __init__(self, ids: Mapping[str, str]) -> None:
        self.ids = ids
        self._said: dict[tuple[int, bytes], _Said] = {}

    def said(self, block: Mapping[str, Any], facts: FirewallFacts) -> _Said:
        same = fingerprint(block)
        if same is None:
            return self._read(block, facts)
        known = self._said.get((id(facts), same))
        if known is None:
            known = self._said[id(facts), same] = self._read(block, facts)
        return known

    def _read(self, block: Mapping[str, Any], facts: FirewallFacts) -> _Said:
        named = [value for path in facts.groups for value in every(block, path)]
        groups = tuple(value for value in named if isinstance(value, str))
        unsure = any(value is UNKNOWN for value in named)
        low, high = _ports(block, facts)
        return _Said(low, high, groups, unsure, _is_true(block, facts.self_path), _open(block, facts), _public(block, facts))


def _rules(survey: Survey, node: Node, facts: FirewallFacts, blocks: _Blocks) -> Iterable[Rule]:
    if facts.inline:
        yield from _inline(survey, node, facts, blocks)
        return
    inward = survey.facts.truth(facts.when, node.address, survey.scope(node), better=True)
    outward = bool(facts.outward_when) and survey.facts.truth(facts.outward_when, node.address, survey.scope(node), better=True)
    if facts.allows:
        yield from _tagged(node, facts) if inward else ()
        return
    if not inward and not outward:
        return
    low, high = _ports(node.values, facts)
    sources = frozenset(edge.target for edge in survey.outgoing(node.address, "allows-from"))
    for edge in survey.outgoing(node.address, "allows-to"):
        own = frozenset({edge.target}) if _is_true(node.values, facts.self_path) else frozenset()
        opened, public = _open(node.values, facts), _public(node.values, facts)
        yield Rule(node.address, edge.target, low, high, sources | own, opened, outward and not inward, public)


def _inline(survey: Survey, node: Node, facts: FirewallFacts, blocks: _Blocks) -> Iterable[Rule]:
    """The rules inside a group. One whose groups are not known yet, and that the configuration does not tell of (a `dynamic` block), may admit
    anybody: what it does is no evidence."""
    address, ids = node.address, blocks.ids
    linked = frozenset(e.target for e in survey.outgoing(address) if f"{e.path}.".startswith(facts.inline + "."))
    for path, outward in ((facts.inline, False), (facts.outward, True)):
        for block in every(node.values, path) if path else ():
            if isinstance(block, Mapping):
                said = blocks.said(block, facts)
                sources = frozenset(ids[group] for group in said.groups if group in ids)
                if said.unsure and not outward:
                    sources |= linked
                if said.itself:
                    sources |= {address}
                anybody = said.unsure and (outward or not linked)
                public = None if anybody and said.public is False else said.public
                yield Rule(address, address, said.low, said.high, sources, said.open or anybody, outward, public)


def _is_true(values: Mapping[str, Any], path: str) -> bool:
    return bool(path) and values.get(path) is True


def _open(values: Mapping[str, Any], facts: FirewallFacts) -> bool:
    """Addresses instead of groups: taken to admit callers, since a range says nothing of who stands in it."""
    return any(value not in (None, "") for path in facts.cidrs for value in every(values, path))


def _public(values: Mapping[str, Any], facts: FirewallFacts) -> bool | None:
    """Whether one of the ranges is of the internet; None where one that may be is not known, or is a list of which only the name is."""
    ranges = [as_network(value) for path in facts.cidrs for value in every(values, path) if value not in (None, "")]
    if any(each is not None and not any(each.version == one.version and _within(each, one) for one in _PRIVATE) for each in ranges):
        return True
    return None if None in ranges else False


def _within(inner: Network, outer: Network) -> bool:
    return outer.network_address <= inner.network_address and inner.broadcast_address <= outer.broadcast_address  # type: ignore[operator]


def _probed(values: Mapping[str, Any], facts: FirewallFacts) -> bool:
    """Whether the ranges that load balancers probe from are among the addresses; what is not known may hold them."""
    ranges = [as_network(value) for path in facts.cidrs for value in every(values, path) if value not in (None, "")]
    probes = [network for text in facts.probes if (network := as_network(text)) is not None]
    return any(each is None or overlap(each, probe) for each in ranges for probe in probes)


def _ports(values: Mapping[str, Any], facts: FirewallFacts) -> tuple[float, float]:
    stated, low, high = (descend(values, path) for path in (facts.protocol, facts.from_port, facts.to_port))
    protocol = "" if stated is None else str(stated).lower()
    if protocol in NOT_TCP:
        return 1.0, 0.0
    if protocol in _ALL_PROTOCOLS or UNKNOWN in (low, high) or low is None or number(low) < 0 or (number(low) == 0 and number(high) == 0):
        return 0.0, 65535.0
    return float(number(low)), float(number(high if high is not None else low))
