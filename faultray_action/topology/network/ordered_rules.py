"""Firewalls of which the first rule that fits decides (network security groups): which calls they admitted and admit no more.

An answer has three values: None is "nobody can say". Only a call that is certainly refused after, and was not before, is broken (docs/model.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from msgspec import Struct

from faultray_action.catalogue.entry import OrderedFirewall
from faultray_action.catalogue.expression import descend, every, number
from faultray_action.model.text import whole_number
from faultray_action.model.topology import Dependency, Role
from faultray_action.model.value import UNKNOWN
from faultray_action.topology import places
from faultray_action.topology.dependencies import reached
from faultray_action.topology.node import Node
from faultray_action.topology.survey import Survey

Network = IPv4Network | IPv6Network
_ANY_PROTOCOL = ("*", "any", "tcp", "-1", "all", "6")
_EVERY_PROTOCOL = ("-1", "all")
_ANSWERED_ON = 50000.0
"""A port of those that answers come back to."""
_ALL_PORTS = (0, 65535)


class Ends(Struct, frozen=True):
    """One side of a rule: address prefixes and words as written, application groups, and whether part of it is not known yet."""

    prefixes: frozenset[str]
    groups: frozenset[str]
    unknown: bool


_ANYBODY = Ends(frozenset({"0.0.0.0/0"}), frozenset(), False)
"""The near end of a rule that names the far end only."""


class OrderedRule(Struct, frozen=True):
    """`ports`: ranges, None where one of them is unknown."""

    owner: str
    priority: float
    allows: bool
    inbound: bool
    ports: tuple[tuple[int, int], ...] | None
    sources: Ends
    targets: Ends


class Place(Struct, frozen=True):
    """Where a caller or callee stands. `addresses`: None where not known. `inside`: in a network of ours; the internet otherwise.
    `levels`: for each subnet the groups that guard it; `own`: those that guard the instance itself."""

    inside: bool
    addresses: tuple[Network, ...] | None
    groups: frozenset[str]
    levels: tuple[frozenset[str], ...]
    own: frozenset[str]


_INTERNET = Place(False, None, frozenset(), (), frozenset())
_SOMEWHERE_INSIDE = Place(True, None, frozenset(), (), frozenset())


class Ruling(Struct, frozen=True):
    """`admits`, and whose rules decided or may have."""

    admits: bool | None
    owners: tuple[str, ...] = ()


@dataclass(slots=True)
class OrderedFirewalls:
    """Rules by group in their order, the facts of each group, what guards a subnet or an interface, and what refers to a group."""

    rules: dict[str, list[OrderedRule]]
    facts: dict[str, OrderedFirewall]
    guards: dict[str, frozenset[str]]
    attached: dict[str, frozenset[str]]

    def same_as(self, other: OrderedFirewalls) -> bool:
        return (self.rules, self.guards, self.attached) == (other.rules, other.guards, other.attached)


def read(survey: Survey) -> OrderedFirewalls:
    """Every such group of one side with its rules and what it guards."""
    facts = {a: n.entry.ordered_firewall for a, n in survey.nodes.items() if n.entry.ordered_firewall is not None}
    groups = {a: f for a, f in facts.items() if f.inline}
    ids = {
        str(n.values["id"]): a for a, n in survey.nodes.items() if n.entry.disposition == "firewall" and isinstance(n.values.get("id"), str)
    }
    rules: dict[str, list[OrderedRule]] = {group: [] for group in groups}
    for address, shape in facts.items():
        node = survey.nodes[address]
        if shape.inline:
            for path in (shape.inline, shape.outbound):
                blocks = every(node.values, path) if path else ()
                rules[address] += [_rule(survey, node, block, shape, ids, path) for block in blocks if isinstance(block, Mapping)]
            continue
        for edge in survey.outgoing(address, "allows-to"):
            if edge.path == shape.group and edge.target in rules:
                rules[edge.target].append(_rule(survey, node, node.values, shape, ids))
    guards: dict[str, set[str]] = {}
    attached: dict[str, set[str]] = {}
    for edge in survey.edges:
        if edge.role == "firewall":
            attached.setdefault(edge.source, set()).add(edge.target)
        if edge.role == "guards":
            own = [edge.source] if edge.source in groups else [e.target for e in survey.outgoing(edge.source, "firewall")]
            guards.setdefault(edge.target, set()).update(own)
    return OrderedFirewalls(
        {group: sorted(found, key=lambda rule: (rule.priority, rule.owner)) for group, found in rules.items()},
        groups,
        {address: frozenset(found) for address, found in guards.items()},
        {address: frozenset(found) for address, found in attached.items()},
    )


def _rule(
    survey: Survey, node: Node, values: Mapping[str, Any], shape: OrderedFirewall, ids: Mapping[str, str], block: str = ""
) -> OrderedRule:
    priority = descend(values, shape.priority)
    inbound = _is_inbound(values, shape, block)
    sources, targets = shape.sources, shape.targets
    if shape.peers:
        sources, targets = (shape.peers, ()) if inbound else ((), shape.peers)
    return OrderedRule(
        node.address,
        float(number(priority)) if priority is not UNKNOWN else 0.0,
        str(descend(values, shape.access)).lower() == "allow",
        inbound,
        _ports(values, shape),
        _ends(survey, node, values, sources, shape.source_groups, ids) if sources or not shape.peers else _ANYBODY,
        _ends(survey, node, values, targets, shape.target_groups, ids) if targets or not shape.peers else _ANYBODY,
    )


def _is_inbound(values: Mapping[str, Any], shape: OrderedFirewall, block: str) -> bool:
    if shape.outbound and block:
        return block == shape.inline
    direction = descend(values, shape.direction)
    return direction is False or str(direction).lower() == "inbound"


def _ports(values: Mapping[str, Any], shape: OrderedFirewall) -> tuple[tuple[int, int], ...] | None:
    """Nothing for a protocol that no caller here uses."""
    protocol = descend(values, shape.protocol)
    if isinstance(protocol, str) and protocol.lower() not in _ANY_PROTOCOL:
        return ()
    if shape.from_port:
        low, high = descend(values, shape.from_port), descend(values, shape.to_port)
        if UNKNOWN in (low, high, protocol):
            return None
        everything = str(protocol).lower() in _EVERY_PROTOCOL or low is None
        return (_ALL_PORTS,) if everything else ((int(number(low)), int(number(high))),)
    written = [value for path in shape.ports for value in every(values, path)]
    if any(value is UNKNOWN for value in written):
        return None
    ranges = [_ALL_PORTS if text == "*" else _range(str(text)) for text in written if text not in (None, "")]
    return tuple(sorted(found for found in ranges if found is not None))


def _range(text: str) -> tuple[int, int] | None:
    low, _, high = text.partition("-")
    ends = whole_number(low), whole_number(high or low)
    return None if ends[0] is None or ends[1] is None else (ends[0], ends[1])


def _ends(
    survey: Survey, node: Node, values: Mapping[str, Any], paths: tuple[str, ...], group_paths: tuple[str, ...], ids: Mapping[str, str]
) -> Ends:
    written = [value for path in paths for value in every(values, path)]
    named = [value for path in group_paths for value in every(values, path)]
    groups = {ids[value] for value in named if isinstance(value, str) and value in ids}
    unknown = any(value is UNKNOWN for value in written)
    if any(value is UNKNOWN for value in named):
        groups |= {e.target for e in survey.outgoing(node.address) if any(e.path.endswith(path) for path in group_paths)}
    prefixes = frozenset(str(value) for value in written if value not in (None, "", UNKNOWN))
    return Ends(prefixes, frozenset(groups), unknown)


# who stands where


def _place(survey: Survey, firewalls: OrderedFirewalls, address: str) -> Place | None:
    """Where calls reach or leave an instance; None where it stands in no network of the plan."""
    subnets = places.addressed(survey, address)
    if not subnets:
        return None
    holders = [address, *(e.target for e in survey.outgoing(address, "serves") if survey.nodes[e.target].entry.disposition == "connector")]
    near = [group for holder in holders for group in (firewalls.attached.get(holder, ()), firewalls.guards.get(holder, ()))]
    groups = frozenset(a for found in near for a in found)
    return Place(
        True,
        _addresses(survey, holders, subnets),
        groups - firewalls.rules.keys(),
        tuple(firewalls.guards.get(subnet, frozenset()) & firewalls.rules.keys() for subnet in subnets),
        groups & firewalls.rules.keys(),
    )


def _addresses(survey: Survey, holders: Iterable[str], subnets: Iterable[str]) -> tuple[Network, ...] | None:
    """The instance's own addresses where its connectors have some, else those of its subnets."""
    own = [v for a in holders for path in survey.nodes[a].entry.addresses for v in every(survey.nodes[a].values, path)]
    whole = [v for a in subnets for path in survey.nodes[a].entry.addresses for v in every(survey.nodes[a].values, path)]
    for written in (own, whole):
        found = [as_network(v) for v in written]
        if found and all(one is not None for one in found):
            return tuple(one for one in found if one is not None)
    return None


def as_network(text: Any) -> Network | None:
    """An address range as written, None for what is none."""
    try:
        return ip_network(text, strict=False) if isinstance(text, str) else None
    except ValueError:
        return None


# what rules say


def _within(ends: Ends, place: Place, shape: OrderedFirewall) -> bool | None:
    """Whether a place lies in one side of a rule."""
    answers = [_word(word, place, shape) for word in ends.prefixes]
    if ends.groups:
        answers.append(not ends.groups.isdisjoint(place.groups))
    if ends.unknown:
        answers.append(None)
    return True if True in answers else None if None in answers else False


def _word(word: str, place: Place, shape: OrderedFirewall) -> bool | None:
    if word in shape.everyone:
        return True
    if word in shape.inside or word in shape.outside:
        return place.inside == (word in shape.inside)
    network = as_network(word)
    if network is None:  # the addresses of some service: none of ours, and of users only where it passes on their calls
        return None if not place.inside and word.partition(".")[0] in shape.through else False
    if not place.inside:
        return False if network.is_private else None
    if place.addresses is None:
        return None
    alike = [own for own in place.addresses if own.version == network.version]
    if len(alike) == len(place.addresses) and all(own.subnet_of(network) for own in alike):  # type: ignore[arg-type]
        return True
    return None if any(own.overlaps(network) for own in alike) else False


def _on_port(rule: OrderedRule, port: float | None, shape: OrderedFirewall) -> bool | None:
    if rule.ports is None:
        return None
    if port is not None:
        return any(low <= port <= high for low, high in rule.ports)
    used = [span for span in rule.ports if not (span[0] == span[1] and span[0] in shape.operators)]
    return True if _ALL_PORTS in used or (1, 65535) in used else None if used else False


def _ruling(
    rules: Iterable[OrderedRule], shape: OrderedFirewall, caller: Place, callee: Place, port: float | None, *, inbound: bool
) -> Ruling:
    """What the rules of one group say, in their order; those of the provider come last: inside calls inside, and everyone is called from here."""
    doubtful: list[OrderedRule] = []
    for rule in rules:
        if rule.inbound != inbound:
            continue
        answers = (_on_port(rule, port, shape), _within(rule.sources, caller, shape), _within(rule.targets, callee, shape))
        if False in answers:
            continue
        if None in answers:
            doubtful.append(rule)
            continue
        return _decided(rule.allows, doubtful, (rule.owner,))
    return _decided(not shape.closed and (not inbound or caller.inside), doubtful, ())


def _decided(admits: bool, doubtful: Iterable[OrderedRule], owner: tuple[str, ...]) -> Ruling:
    against = tuple(rule.owner for rule in doubtful if rule.allows != admits)
    return Ruling(None, (*against, *owner)) if against else Ruling(admits, owner)


def _all(rulings: Iterable[Ruling]) -> Ruling:
    """Every one of them must admit."""
    found = list(rulings)
    refused = next((one for one in found if one.admits is False), None)
    return refused or Ruling(None if any(one.admits is None for one in found) else True, tuple(o for one in found for o in one.owners))


def _one_way(firewalls: OrderedFirewalls, at: Place, caller: Place, callee: Place, port: float | None, *, inbound: bool) -> Ruling:
    """Through the groups of the instance and those of one of its subnets: a copy in any of them may take the call."""

    def through(groups: Iterable[str]) -> list[Ruling]:
        return [_ruling(firewalls.rules[g], firewalls.facts[g], caller, callee, port, inbound=inbound) for g in sorted(groups)]

    own = through(at.own)
    by_subnet = [_all([*own, *through(groups)]) for groups in at.levels] or [_all(own)]
    return next((one for one in by_subnet if one.admits), None) or next((one for one in by_subnet if one.admits is None), by_subnet[0])


def _call(firewalls: OrderedFirewalls, caller: Place, callee: Place, port: float | None) -> Ruling:
    if not caller.inside and not callee.own and not any(callee.levels):
        return Ruling(None)
    out = _one_way(firewalls, caller, caller, callee, port, inbound=False)
    there = [out, _one_way(firewalls, callee, caller, callee, port, inbound=True)]
    return _all([*there, *_back(firewalls, caller, callee)])


def _back(firewalls: OrderedFirewalls, caller: Place, callee: Place) -> list[Ruling]:
    """The way of the answers where it needs rules of its own."""
    if not any(firewalls.facts[group].stateless for place in (caller, callee) for level in place.levels for group in level):
        return []
    out = _one_way(firewalls, callee, callee, caller, _ANSWERED_ON, inbound=False)
    return [out, _one_way(firewalls, caller, callee, caller, _ANSWERED_ON, inbound=True)]


# calls


class Guarded(Struct, frozen=True):
    """One side as far as these firewalls are asked."""

    survey: Survey
    firewalls: OrderedFirewalls
    dependencies: tuple[Dependency, ...]


def severed(before: Guarded, after: Guarded) -> dict[tuple[str, str], str]:
    """(caller, callee) -> why, for calls of both sides that were not refused before and certainly are after."""
    if not after.firewalls.rules or before.firewalls.same_as(after.firewalls):
        return {}
    found: dict[tuple[str, str], str] = {}
    for caller, callee in sorted(_calls(before) & _calls(after)):
        was, is_now = _asked(before, caller, callee), _asked(after, caller, callee)
        if is_now.admits is False and was.admits is not False:
            found[caller, callee] = _told(before, after, was, is_now)
    return found


def _told(before: Guarded, after: Guarded, was: Ruling, is_now: Ruling) -> str:
    """What to name: a rule that admitted and is gone, else what refuses, else what was changed."""
    gone = [owner for owner in was.owners if owner not in after.survey.nodes]
    fresh = [owner for owner in is_now.owners if owner not in before.survey.nodes]
    return next(iter((*gone, *fresh, *was.owners, *is_now.owners)), "a new security group")


def _asked(side: Guarded, caller: str, callee: str) -> Ruling:
    target = _place(side.survey, side.firewalls, callee)
    source = _caller(side, caller, callee)
    if target is None or source is None:
        return Ruling(None)
    rulings = [_call(side.firewalls, source, target, port) for port in _called_on(side, caller, callee)]
    return next((one for one in rulings if one.admits), None) or next((one for one in rulings if one.admits is None), rulings[0])


def _called_on(side: Guarded, caller: str, callee: str) -> list[float | None]:
    """The port of a callee, those of its listeners where users call it; None where it is not known."""
    names = [callee] if caller != callee else _listeners(side, callee)
    found: set[float] = set()
    for name in names:
        node = side.survey.nodes[name]
        port = side.survey.facts.number(node.entry.port, name, side.survey.scope(node), default=0) if node.entry.port else 0
        found |= {port} if port else set()
    return [*sorted(found)] or [None]


def _listeners(side: Guarded, front: str) -> list[str]:
    """The listeners of a front that lead somewhere; those that only redirect lead users to another one."""
    leading = {d.source for d in side.dependencies if d.role is Role.NEED}
    found = [edge.source for edge in side.survey.incoming(front, "serves")]
    return [name for name in found if name in leading or side.survey.incoming(name, "branch")]


def _caller(side: Guarded, caller: str, callee: str) -> Place | None:
    """A caller's place: the internet for users (`caller` is `callee`) and for public fronts that stand in no network and pass their calls on."""
    if caller == callee:
        return _INTERNET
    place = _place(side.survey, side.firewalls, caller)
    if place is not None and not _is_way_in(side.survey, caller):
        return place
    node = side.survey.nodes[caller]
    if node.entry.kind == "load_balancer" or _is_way_in(side.survey, caller):
        return _INTERNET if _is_public(side.survey, node) else _SOMEWHERE_INSIDE
    return None


def _is_way_in(survey: Survey, address: str) -> bool:
    """An interface with a public address: whoever calls it stands elsewhere."""
    node = survey.nodes[address]
    return node.entry.disposition == "connector" and node.entry.entry is not None


def _is_public(survey: Survey, node: Node) -> bool:
    return node.entry.entry is not None and survey.facts.truth(node.entry.entry.when, node.address, survey.scope(node), better=True)


def _calls(side: Guarded) -> set[tuple[str, str]]:
    """(caller, callee) through connectors, of which one stands in a network; a public front that stands in one is called by users."""
    needs: dict[str, list[str]] = {}
    for d in side.dependencies:
        if d.role is Role.NEED:
            needs.setdefault(d.source, []).append(d.target)
    found: set[tuple[str, str]] = set()
    for address, node in side.survey.nodes.items():
        way_in = _is_way_in(side.survey, address) and _is_public(side.survey, node)
        if node.entry.disposition != "component" and not way_in:
            continue
        if node.entry.kind == "load_balancer" and _is_public(side.survey, node) and places.footholds(side.survey, address):
            found.add((address, address))
        found |= {
            (address, other) for other in reached(address, needs, side.survey) if other != address and _takes_calls(side.survey, other)
        }
    return found


def _takes_calls(survey: Survey, address: str) -> bool:
    return address in survey.nodes and not survey.nodes[address].entry.outward and bool(places.footholds(survey, address))
