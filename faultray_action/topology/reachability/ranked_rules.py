"""Firewall rules of a network that apply by tags and are asked by priority (Google Cloud): which calls one of them refuses.

Only asked where a rule denies something. A rule that fits perhaps never refuses and always admits, so that a call that is told to be refused
certainly is (docs/model.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from faultray_action.catalogue.entry import FirewallFacts
from faultray_action.catalogue.expression import descend, every, number
from faultray_action.model.value import UNKNOWN
from faultray_action.topology import places
from faultray_action.topology.node import Node
from faultray_action.topology.reachability.ordered_rules import Network, as_network
from faultray_action.topology.survey import Survey

EVERY = "tag:*"
"""The group of every tagged workload: rules without targets hold for it."""
_ALL_PORTS = (0.0, 65535.0)
NOT_TCP = ("udp", "icmp", "17", "1", "icmpv6", "58", "esp", "ah", "sctp", "ipip", "50", "51", "132")
"""Protocols, by name and number, of which no call of a service is."""


class RankedRule(Struct, frozen=True):
    """`groups`: tags of the workloads it holds for. `peers`: tags of the far end. `everyone`: it holds for any far end; `others`: for some addresses
    beyond those that load balancers probe from; `probes`: for some of these. `ports`: ranges."""

    owner: str
    priority: float
    allows: bool
    outward: bool
    networks: frozenset[str]
    groups: frozenset[str]
    peers: frozenset[str]
    everyone: bool
    others: bool
    probes: bool
    ports: tuple[tuple[float, float], ...]

    def may_fit(self, port: float | None) -> bool:
        return any(port is None or low <= port <= high for low, high in self.ports)

    def fits(self, port: float | None) -> bool:
        return any(low <= port <= high if port is not None else (low, high) == _ALL_PORTS for low, high in self.ports)


class Ranked(Struct, frozen=True):
    """Rules in their order, none where nothing is denied, and the networks that tagged workloads stand in."""

    rules: tuple[RankedRule, ...]
    networks: Mapping[str, frozenset[str]]

    def denies(self, owner: str) -> bool:
        return any(rule.owner == owner and not rule.allows for rule in self.rules)

    def refusing(
        self, at: str, groups: Mapping[str, frozenset[str]], peer: str, port: float | None, *, outward: bool, probed: bool = False
    ) -> str:
        """Whose rule refuses a call into (or out of) a workload, "" where none does for certain. `peer`: the other end, "" for users;
        `probed`: what a load balancer asks whether the workload serves."""
        far = groups.get(peer, frozenset())
        for rule in self.rules:
            if rule.outward != outward or rule.networks.isdisjoint(self.networks.get(at, ())) or rule.groups.isdisjoint(groups.get(at, ())):
                continue
            if rule.allows:
                if rule.may_fit(port) and (rule.probes if probed else rule.others or not rule.peers.isdisjoint(far)):
                    return ""
            elif rule.fits(port) and (rule.everyone or not rule.peers.isdisjoint(far)):
                return rule.owner
        return ""


def read(survey: Survey, groups: Mapping[str, frozenset[str]]) -> Ranked:
    """The ranked rules of one side; none where no rule denies."""
    nodes = [
        (node, node.entry.firewall) for node in survey.nodes.values() if node.entry.firewall is not None and node.entry.firewall.denies
    ]
    if not any(descend(node.values, facts.denies) for node, facts in nodes):
        return Ranked((), {})
    rules = [rule for node, facts in nodes for rule in _rules(survey, node, facts)]
    return Ranked(
        tuple(sorted(rules, key=lambda rule: (rule.priority, rule.allows, rule.owner))), {a: _networks(survey, a) for a in groups}
    )


def _networks(survey: Survey, address: str) -> frozenset[str]:
    """The networks that a workload stands in, by itself or by what it is made from."""
    templates = [e.target for e in survey.outgoing(address, "need") if survey.nodes[e.target].entry.firewall_tags]
    return frozenset().union(*(places.networks(survey, part) for part in (address, *templates)))


def _rules(survey: Survey, node: Node, facts: FirewallFacts) -> Iterable[RankedRule]:
    scope = survey.scope(node)
    inward, outward = (survey.facts.truth(text, node.address, scope, better=True) for text in (facts.when, facts.outward_when))
    if not inward and not outward:
        return
    written = [v for path in (facts.cidrs if inward else facts.destinations) for v in every(node.values, path) if v not in (None, "")]
    peers = frozenset(tags(node.values, facts.tags) if inward else ())
    anybody = not written and not peers
    ranges = [as_network(value) for value in written]
    probes = [network for text in facts.probes if (network := as_network(text)) is not None]
    for path in (facts.allows, facts.denies):
        allows = path == facts.allows
        ports = tuple(
            span for block in every(node.values, path) if isinstance(block, Mapping) for span in spans(block, facts.protocol, unsure=allows)
        )
        if ports:
            yield RankedRule(
                node.address,
                survey.facts.number(facts.priority, node.address, scope, default=0),
                allows,
                not inward,
                places.networks(survey, node.address),
                frozenset(tags(node.values, facts.targets) or [EVERY]),
                peers,
                everyone=anybody or any(each is not None and each.prefixlen == 0 for each in ranges),
                others=anybody
                or any(each is None or not any(overlap(each, p) and each.prefixlen >= p.prefixlen for p in probes) for each in ranges),
                probes=anybody or any(each is None or any(overlap(each, p) for p in probes) for each in ranges),
                ports=ports,
            )


def overlap(one: Network, other: Network) -> bool:
    """Whether two ranges, of one version, have addresses in common."""
    return one.version == other.version and one.overlaps(other)


def spans(block: Mapping[str, Any], protocol: str, *, unsure: bool = True) -> list[tuple[float, float]]:
    """The ranges of ports of a block of protocol and ports; all of them where its ports are not known yet and it is `unsure` what they are."""
    if str(block.get(protocol) or "").lower() in NOT_TCP:
        return []
    stated = block.get("ports") or ()
    if stated is UNKNOWN or UNKNOWN in stated:
        return [_ALL_PORTS] if unsure else []
    ranges = [str(port).partition("-") for port in stated]
    return [(float(number(low)), float(number(high or low))) for low, _, high in ranges] or [_ALL_PORTS]


def tags(values: Mapping[str, Any], paths: Iterable[str]) -> list[str]:
    """The groups that tags and accounts stand for."""
    return [f"tag:{value}" for path in paths for value in every(values, path) if isinstance(value, str) and value]
