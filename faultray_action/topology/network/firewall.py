"""Security groups: evidence of who calls whom, and a check that a need can still be met (docs/model.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field
from functools import partial
from ipaddress import ip_network
from typing import Any

from msgspec import Struct

from faultray_action.catalogue.entry import FirewallFacts
from faultray_action.catalogue.expression import descend, every, number
from faultray_action.model.component import Component, Confidence, Evidence
from faultray_action.model.topology import Dependency, Role
from faultray_action.model.value import UNKNOWN
from faultray_action.topology.dependencies import reached
from faultray_action.topology.likeness import fingerprint
from faultray_action.topology.network import ranked_rules
from faultray_action.topology.network.ordered_rules import Network, as_network
from faultray_action.topology.network.ranked_rules import EVERY, Ranked, overlap, spans, tags
from faultray_action.topology.node import Node
from faultray_action.topology.survey import Survey

_STORES = ("database", "cache", "queue", "stream", "storage")
_ALL_PROTOCOLS = ("-1", "all", "")
_OPERATORS = (22.0, 3389.0)
"""Ports that people who run a machine use and its users do not."""
_NOT_TCP = ("udp", "icmp", "17", "1", "icmpv6", "58")
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
    if protocol in _NOT_TCP:
        return 1.0, 0.0
    if protocol in _ALL_PROTOCOLS or UNKNOWN in (low, high) or low is None or number(low) < 0 or (number(low) == 0 and number(high) == 0):
        return 0.0, 65535.0
    return float(number(low)), float(number(high if high is not None else low))


def _called_on(survey: Survey, caller: str, callee: str) -> float | None:
    """The port of a call: the callee's own, else that of the group in which it serves, where no other workload is the caller."""
    own = port_of(survey, callee)
    if own is not None or survey.nodes[caller].entry.workload:
        return own
    ports = {port for edge in survey.outgoing(callee, "serves") if (port := port_of(survey, edge.target)) is not None}
    return ports.pop() if len(ports) == 1 else None


def port_of(survey: Survey, address: str) -> float | None:
    """The port that callers of a component use, None where it is not known."""
    node = survey.nodes[address]
    found = survey.facts.number(node.entry.port, address, survey.scope(node), default=0) if node.entry.port else 0
    return found or None


def inferred_needs(
    survey: Survey, firewalls: Firewalls, components: Mapping[str, Component], dependencies: Iterable[Dependency]
) -> list[Dependency]:
    """Workload -> store, where a rule admits the call on the store's port and the configuration names no caller of the store at all. What serves
    a component (a mount target its file system) is a way to it and no store of its own."""
    needed = {d.target for d in dependencies if d.role is not Role.REPLICA and not d.group.endswith(":servers")}
    found: dict[tuple[str, str], Dependency] = {}
    for guarded in sorted(firewalls.attached):
        if guarded not in components or not _is_store(survey, guarded) or survey.outgoing(guarded, "replica", "member"):
            continue
        store = _served(survey, guarded)
        if store in needed:
            continue
        port = port_of(survey, guarded)
        callers = (a for a in sorted(firewalls.attached) if a in components and a != store and survey.nodes[a].entry.workload)
        for caller in callers:
            if evidence := _admitted(firewalls, caller, guarded, port):
                found.setdefault((caller, store), Dependency(caller, store, evidence=(evidence,)))
    return list(found.values())


def _served(survey: Survey, address: str) -> str:
    served = [edge.target for edge in survey.outgoing(address, "serves")]
    return next((a for a in served if survey.nodes[a].entry.disposition == "component"), address)


def _is_store(survey: Survey, address: str) -> bool:
    return survey.nodes[address].entry.kind in _STORES


def _admitted(firewalls: Firewalls, caller: str, store: str, port: float | None) -> Evidence | None:
    rules = (
        rule
        for group in firewalls.attached[store]
        for rule in firewalls.rules.get(group, ())
        if not rule.open and rule.admits(firewalls.attached[caller], port) and rule.sources != frozenset({group})
    )
    rule = next(rules, None)
    return Evidence(rule.owner, "", "the security group admits this caller, and no other is named", Confidence.LIKELY) if rule else None


Guarded = tuple[Survey, Firewalls, tuple[Dependency, ...]]
"""What is known of one side when its rules are held against those of the other."""


def severed(before: Guarded, after: Guarded) -> dict[tuple[str, str], str]:
    """(caller, callee) pairs on both sides whose last admitting rule goes with the plan, with the owner of a rule that admitted it."""
    guarded = _guarded_otherwise(before[0], before[1], after[0], after[1])
    if not guarded:
        return {}
    was, is_now = (_calls(*side, guarded) | _outside_calls(*side, guarded) for side in (before, after))
    found = _kept_in(before, after, guarded)
    for caller, callee in sorted(was & is_now):
        port, port_after = _called_on(before[0], caller, callee), _called_on(after[0], caller, callee)
        refusing = _refusing(after, caller, callee, port_after)
        if refusing and not _refusing(before, caller, callee, port):
            found[caller, callee] = refusing
            continue
        owners = before[1].admitting(caller, callee, port)
        if not owners or after[1].admits(caller, callee, port_after):
            owners = before[1].letting_out(caller, callee, port)
            if not owners or after[1].letting_out(caller, callee, port_after):
                owners = before[1].probed_through(callee, port) if before[0].nodes[caller].entry.kind == "load_balancer" else ()
                if not owners or after[1].probed_through(callee, port_after):
                    continue
        found[caller, callee] = next((o for o in owners if o not in after[0].nodes), owners[0])
    return found


def _kept_in(before: Guarded, after: Guarded, among: Set[str]) -> dict[tuple[str, str], str]:
    """Calls of both sides to what no rule guards (a managed database) that a rule does not let out any more."""
    if not any(rule.outward for rule in after[1].ranked.rules):
        return {}
    found: dict[tuple[str, str], str] = {}
    for caller, callee in sorted(_leaving(*before, among) & _leaving(*after, among)):
        port, port_after = port_of(before[0], callee), port_of(after[0], callee)
        refusing = _refusing(after, caller, callee, port_after)
        if port and port_after and refusing and not _refusing(before, caller, callee, port):
            found[caller, callee] = refusing
    return found


def _leaving(survey: Survey, firewalls: Firewalls, dependencies: tuple[Dependency, ...], among: Set[str]) -> set[tuple[str, str]]:
    needs: dict[str, list[str]] = {}
    for d in dependencies:
        if d.role is Role.NEED:
            needs.setdefault(d.source, []).append(d.target)
    return {(a, b) for a in among for b in reached(a, needs, survey) if b in survey.nodes and b not in firewalls.attached}


def _refusing(side: Guarded, caller: str, callee: str, port: float | None) -> str:
    """Whose rule refuses a call for certain, on its way in or out; "" where none does."""
    survey, firewalls, _ = side
    if not firewalls.ranked.rules:
        return ""
    refuses = partial(firewalls.ranked.refusing, groups=firewalls.attached, port=port)
    probed = survey.nodes[caller].entry.kind == "load_balancer"
    return refuses(callee, peer=caller, outward=False, probed=probed) or refuses(caller, peer=callee, outward=True)


def shut_out(before: Guarded, after: Guarded, is_front: Callable[[str], bool]) -> dict[str, str]:
    """Fronts on both sides that rules let users in to, and that no rule lets users in to any more, with an owner of such a rule.

    `is_front` is asked of those only whose rules or listeners the two sides do not have in common."""
    was, is_now = before[1], after[1]
    found: dict[str, str] = {}
    led, leads = _leading(before[2]), _leading(after[2])
    differing = led ^ leads
    otherwise = _guarded_otherwise(before[0], was, after[0], is_now)
    for front in sorted(was.attached.keys() & is_now.attached.keys()):
        same = front not in otherwise and not _listens_otherwise(before[0], after[0], front, differing)
        if same or not is_front(front):
            continue
        refusing = _refusing_users(after, front, leads)
        if refusing and not _refusing_users(before, front, led):
            found[front] = refusing
            continue
        ports, ports_after = _listened(before[0], front, led), _listened(after[0], front, leads)
        if not ports and not ports_after and before[0].nodes[front].entry.workload:
            ports = _public_ports(was, front)
            ports_after = ports | _public_ports(is_now, front)
        owners = _let_in_before_only(_letting_in(was, front, ports), _letting_in(is_now, front, ports_after), known=bool(ports_after))
        if owners:
            found[front] = next((owner for owner in sorted(owners) if owner not in after[0].nodes), min(owners))
    return found


def _refusing_users(side: Guarded, front: str, leading: Set[str]) -> str:
    """Whose rule refuses users on every port that they call a front on, "" where none does."""
    survey, firewalls, _ = side
    ports: list[float | None] = [*_listened(survey, front, leading)]
    return min(firewalls.ranked.refusing(front, firewalls.attached, "", port, outward=False) for port in ports or [None])


def _let_in_before_only(was: Iterable[Rule], is_now: Iterable[Rule], *, known: bool) -> list[str]:
    """Owners of the rules that let users in, where none does after. Ranges that are private for certain let in nobody who calls a public
    front; that is held only against a front whose ports are `known`, since a rule of another port may be for those who run it."""
    left = list(is_now)
    if not left:
        return [rule.owner for rule in was if rule.open]
    private = known and all(rule.public is False and not rule.sources for rule in left)
    return [rule.owner for rule in was if rule.public] if private else []


def _listens_otherwise(before: Survey, after: Survey, front: str, differing: Set[str]) -> bool:
    """Whether the listeners of a front, what branches off them, their facts, or whether they lead anywhere (`differing`) are not the same."""
    served = before.into.get(front)
    if served != after.into.get(front):
        return True
    return any(
        edge.source in differing
        or before.nodes[edge.source] is not after.nodes[edge.source]
        or before.into.get(edge.source) != after.into.get(edge.source)
        for edge in served or ()
        if edge.role == "serves"
    )


def _letting_in(firewalls: Firewalls, front: str, ports: Set[float]) -> list[Rule]:
    """The rules that let anybody in on one of the ports; on any port where none is known."""
    rules = [rule for group in firewalls.attached[front] for rule in firewalls.rules.get(group, ()) if rule.open or rule.sources]
    return [rule for rule in rules if any(rule.low <= port <= rule.high for port in ports) or (not ports and rule.low <= rule.high)]


def _leading(dependencies: Iterable[Dependency]) -> set[str]:
    """What leads somewhere."""
    return {d.source for d in dependencies if d.role is Role.NEED}


def _listened(survey: Survey, front: str, leading: Set[str]) -> set[float]:
    """Ports of a front's own listeners where it leads somewhere, and of those that are resources of their own and do; those that only redirect
    have none that is missed."""
    listeners = [
        edge.source for edge in survey.incoming(front, "serves") if edge.source in leading or survey.incoming(edge.source, "branch")
    ]
    node = survey.nodes[front]
    own = (
        {float(number(v)) for path in node.entry.listens for v in every(node.values, path) if v is not UNKNOWN}
        if front in leading
        else set()
    )
    return own | {port for listener in listeners if (port := port_of(survey, listener)) is not None}


def _public_ports(firewalls: Firewalls, front: str) -> set[float]:
    """The ports at which the internet calls a machine, which says nowhere what it listens on; those for who runs it are none of users."""
    rules = [
        rule for group in firewalls.attached[front] for rule in firewalls.rules.get(group, ()) if rule.public and rule.low <= rule.high
    ]
    return {rule.low for rule in rules if rule.low != rule.high or rule.low not in _OPERATORS}


def _guarded_otherwise(before: Survey, was: Firewalls, after: Survey, is_now: Firewalls) -> set[str]:
    """Addresses on both sides whose groups, whose groups' rules or whose facts (the port) differ: only their calls can be severed."""
    moved = {g for g in {*was.rules, *is_now.rules} if was.rules.get(g) != is_now.rules.get(g)}
    moved |= {g for g in {*was.outward, *is_now.outward} if was.outward.get(g) != is_now.outward.get(g)}
    moved |= {group for rule in {*was.ranked.rules} ^ {*is_now.ranked.rules} for group in rule.groups}
    return {
        address
        for address in was.attached.keys() & is_now.attached.keys()
        if was.attached[address] != is_now.attached[address]
        or before.nodes[address] is not after.nodes[address]
        or not moved.isdisjoint(was.attached[address])
    }


def _calls(survey: Survey, firewalls: Firewalls, dependencies: tuple[Dependency, ...], among: Set[str]) -> set[tuple[str, str]]:
    """(caller, callee) through connectors, of components with groups of which one or the other is `among` those asked for."""
    needs: dict[str, list[str]] = {}
    callers: dict[str, list[str]] = {}
    for d in dependencies:
        if d.role is Role.NEED:
            needs.setdefault(d.source, []).append(d.target)
            callers.setdefault(d.target, []).append(d.source)
    guarded = firewalls.attached
    found = {(a, b) for a in among if a in guarded for b in reached(a, needs, survey) if b in guarded and a != b}
    callees = [b for b in among if b in guarded and survey.nodes[b].entry.disposition != "connector"]
    return found | {(a, b) for b in callees for a in _callers(b, callers, survey) if a in guarded and a != b}


def _callers(address: str, callers: Mapping[str, list[str]], survey: Survey) -> set[str]:
    """What calls an address, directly or through connectors: those are among them."""
    found: set[str] = set()
    stack = [address]
    while stack:
        for source in callers.get(stack.pop(), ()):
            if source not in found:
                found.add(source)
                if source in survey.nodes and survey.nodes[source].entry.disposition == "connector":
                    stack.append(source)
    return found


def _outside_calls(survey: Survey, firewalls: Firewalls, dependencies: tuple[Dependency, ...], callees: Set[str]) -> set[tuple[str, str]]:
    """Calls of components without a group of their own (a load balancer, a function outside of the network): address rules admit them."""
    callers: dict[str, list[str]] = {}
    for d in dependencies:
        if d.role is Role.NEED:
            callers.setdefault(d.target, []).append(d.source)
    return {
        (a, b) for b in sorted(callees) for a in reached(b, callers, survey) if a not in firewalls.attached and a in survey.nodes and a != b
    }
