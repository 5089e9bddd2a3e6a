"""The firewalls of one side: which rules each holds, whom it guards, and where the ends of calls stand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set

from faultray_action.catalogue.entry import FirewallFacts
from faultray_action.catalogue.expression import every
from faultray_action.model.change import Action
from faultray_action.model.value import UNKNOWN
from faultray_action.terraform.plan import Side
from faultray_action.topology import places
from faultray_action.topology.node import Node
from faultray_action.topology.reachability.listed_rules import kept, of_others
from faultray_action.topology.reachability.pod_rules import PodRules
from faultray_action.topology.reachability.rule_reading import RuleReader, groups_of, tags
from faultray_action.topology.reachability.rules import EVERY, Ends, Network, Place, Post, Rule, Wall, as_network
from faultray_action.topology.survey import Survey

_BY_NAME = "network:"
"""What the key of a network begins with that the plan does not have."""
Owned = Mapping[str, tuple[Rule, ...]]
"""Resource -> the rules that it says."""


class Firewalls:
    """What guards the ends of calls on one side. `attached`: component -> its groups, by address or (outside of the plan) by id."""

    def __init__(self, survey: Survey, known: Firewalls | None = None, differing: Set[str] = frozenset()) -> None:
        self.survey = survey
        self.ids = _ids(survey)
        self._facts = {a: n.entry.firewall for a, n in survey.nodes.items() if n.entry.firewall is not None}
        self._reader = RuleReader(survey, self.ids)
        same = known if known is not None and known.ids == self.ids else None
        self.owned = self._read(same, differing)
        self.foreign = self._foreign(known)
        self.rules = self._by_group()
        self.attached, self.guards = self._attachments()
        self._pods = PodRules(survey.nodes)
        self._walls: dict[tuple[str, ...], Wall] = {}
        self._posts: dict[str, Post] = {}

    def __eq__(self, other: object) -> bool:
        """Whether they are the same firewalls, however they were read."""
        if not isinstance(other, Firewalls):
            return NotImplemented
        return (self.rules, self.attached, self.guards) == (other.rules, other.attached, other.guards)

    __hash__ = None  # type: ignore[assignment]

    # rules

    def _read(self, known: Firewalls | None, differing: Set[str]) -> Owned:
        owned: dict[str, tuple[Rule, ...]] = {}
        for address, facts in self._facts.items():
            node = self.survey.nodes[address]
            earlier = known.owned.get(address) if known is not None and address not in differing else None
            if earlier is not None and known is not None and known.survey.nodes.get(address) is node:
                owned[address] = earlier
            elif _is_rule(facts):
                owned[address] = tuple(self._reader.of_resource(node, facts))
            else:
                owned[address] = tuple(self._reader.of_group(node, facts))
        return owned

    def _by_group(self) -> Mapping[str, tuple[Rule, ...]]:
        """Group (or network) -> its rules, in the order in which they are asked."""
        found: dict[str, list[Rule]] = {}
        for address, rules in self.owned.items():
            node, facts = self.survey.nodes[address], self._facts[address]
            for holder in self._holders(node, facts):
                found.setdefault(holder, []).extend(self._standing(node, holder, rules))
        for group, rules in self.foreign.items():
            found.setdefault(group, []).extend(rules)
        return {group: tuple(sorted(rules, key=_order)) for group, rules in found.items()}

    def _holders(self, node: Node, facts: FirewallFacts) -> Iterable[str]:
        """The groups or networks that keep a rule; a network that the plan does not have goes by its name."""
        if not facts.by_network:
            return groups_of(self.survey, node, facts)
        known = sorted(places.networks(self.survey, node.address))
        name = str(node.values.get("network") or "").rpartition("/")[2]
        return known or [f"{_BY_NAME}{name}"]

    def _standing(self, node: Node, holder: str, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        """The rules of a resource that its group keeps: an inline list that is written removes what stands beside it."""
        group = self.survey.nodes.get(holder)
        if group is None or group is node or self.survey.side is Side.BEFORE or node.resource.action is not Action.NO_OP:
            return rules
        return kept(rules, group, self._facts.get(holder), self._reader)

    def _foreign(self, known: Firewalls | None) -> Mapping[str, tuple[Rule, ...]]:
        """Rules that somebody else made, as the state of a group lists them; not those of a group that lists its rules itself from now on."""
        found: dict[str, tuple[Rule, ...]] = {}
        for address, facts in self._facts.items():
            if not facts.listed:
                continue
            node = self.survey.nodes[address]
            if self._writes(node, facts):
                continue
            if known is not None and address in known.survey.nodes:
                found[address] = known.foreign.get(address, ())
            elif known is None:
                found[address] = of_others(node, facts, self._reader, self._beside(address))
        return {address: rules for address, rules in found.items() if rules}

    def _writes(self, node: Node, facts: FirewallFacts) -> bool:
        return bool({facts.inline, facts.outbound} & self.survey.configured.attributes(node.resource))

    def _beside(self, group: str) -> list[Rule]:
        """The rules that resources of the plan add to a group."""
        sources = {edge.source for edge in self.survey.incoming(group, "allows-to")}
        return [rule for source in sorted(sources) for rule in self.owned.get(source, ())]

    # who is guarded

    def _attachments(self) -> tuple[Mapping[str, frozenset[str]], Mapping[str, frozenset[str]]]:
        """Component -> groups attached to it; subnet, interface or network -> groups that guard it."""
        attached: dict[str, set[str]] = {}
        guards: dict[str, set[str]] = {}
        for edge in self.survey.edges:
            if edge.role == "firewall":
                attached.setdefault(edge.source, set()).add(edge.target)
            elif edge.role == "guards":
                own = [edge.source] if edge.source in self._facts else [e.target for e in self.survey.outgoing(edge.source, "firewall")]
                guards.setdefault(edge.target, set()).update(own)
        for node in self.survey.nodes.values():
            if node.entry.firewall_tags:
                attached.setdefault(node.address, set()).update({EVERY, *tags(node.values, node.entry.firewall_tags)})
            elsewhere = _outside_of_plan(self.survey, node)
            if elsewhere:
                attached.setdefault(node.address, set()).update(elsewhere)
        self._lend(attached)
        return {a: frozenset(g) for a, g in attached.items()}, {a: frozenset(g) for a, g in guards.items()}

    def _lend(self, attached: dict[str, set[str]]) -> None:
        """What a template says of firewalls holds for the machines that are made from it."""
        templates = [a for a in sorted(attached) if self.survey.nodes[a].entry.disposition == "connector"]
        for template in templates:
            for edge in self.survey.incoming(template, "need"):
                if self.survey.nodes[edge.source].entry.disposition == "component":
                    attached.setdefault(edge.source, set()).update(attached[template])

    # where calls are made and taken

    def post(self, address: str) -> Post:
        """Where an instance makes and takes calls."""
        if address not in self._posts:
            self._posts[address] = self._post(address)
        return self._posts[address]

    def _post(self, address: str) -> Post:
        holders = _holders_of(self.survey, address)
        subnets = places.addressed(self.survey, address)
        near = {group for holder in holders for found in (self.attached, self.guards) for group in found.get(holder, ())}
        networks = frozenset(network for holder in _made_from(self.survey, address) for network in places.networks(self.survey, holder))
        ranked = sorted(group for group in near if self._is_first(group))
        own = [self._wall((group,)) for group in ranked]
        alike = tuple(sorted(group for group in near if self._is_group(group) and group not in ranked))
        own += [self._wall(alike)] if alike else []
        own += self._walls_of_networks(address, networks)
        own += self._pods.walls(address)
        levels = tuple(tuple(self._wall((group,)) for group in sorted(self.guards.get(subnet, ()))) for subnet in subnets)
        return Post(self._place(address, holders, subnets, frozenset(near), networks), tuple(own), levels, networks)

    def _place(self, address: str, holders: list[str], subnets: tuple[str, ...], near: frozenset[str], networks: frozenset[str]) -> Place:
        node = self.survey.nodes[address]
        if subnets or networks:
            return Place(address, True, _addresses(self.survey, holders, subnets), near, unlisted=not near)
        if node.entry.pod_labels or _may_stand_in_a_network(self.survey, node):
            return Place(address, None, None, near, unlisted=not near)
        return Place(address, False, None, near, unlisted=not near)

    def _walls_of_networks(self, address: str, networks: frozenset[str]) -> list[Wall]:
        """The rules by tags of the networks that a tagged machine stands in, and the policies that guard these."""
        if EVERY not in self.attached.get(address, ()):
            return []
        return [self._network_wall(network) for network in sorted(networks or self._unplaced())]

    def _unplaced(self) -> set[str]:
        return {holder for holder in self.rules if holder.startswith(_BY_NAME)}

    def _network_wall(self, network: str) -> Wall:
        key = ("network", network)
        if key not in self._walls:
            node = self.survey.nodes.get(network)
            layer = 0.0 if node is not None and self._policies_first(node) else 2.0
            policies = [rule for policy in sorted(self.guards.get(network, ())) for rule in self.rules.get(policy, ())]
            ruled = [*self.rules.get(network, ()), *(_ranked(rule, layer) for rule in (*policies, *self._loose()))]
            closed = node is not None and not node.resource.data and any(rule.inward for rule in ruled)
            rules = tuple(sorted(ruled, key=_order))
            self._walls[key] = Wall(network, rules, True, (closed, closed), "nobody", "everybody")
        return self._walls[key]

    def _loose(self) -> list[Rule]:
        """What policies say of which the plan does not show whom they guard: they guard this network perhaps."""
        guarding = {group for groups in self.guards.values() for group in groups}
        found: list[Rule] = []
        for address, rules in self.owned.items():
            holders = set(self._holders(self.survey.nodes[address], self._facts[address]))
            if self._facts[address].allows and not self._facts[address].by_network and not holders & guarding:
                found += [_perhaps(rule) for rule in rules]
        return found

    def _policies_first(self, node: Node) -> bool:
        return self.survey.facts.truth(node.entry.policies_first, node.address, self.survey.scope(node), better=False)

    def prober(self, post: Post) -> Place | None:
        """Where load balancers outside of the networks ask whether a guarded instance serves; None where its firewalls know no such place."""
        owners = {rule.owner for wall in _walls_of(post) for rule in wall.rules} | {wall.name for wall in _walls_of(post)}
        probes = sorted({text for owner in owners if (facts := self._facts.get(owner)) is not None for text in facts.probes})
        ranges = tuple(network for text in probes if (network := as_network(text)) is not None)
        words = frozenset(text for text in probes if as_network(text) is None)
        return Place("", bool(words), ranges, words=words) if probes else None

    def _is_group(self, group: str) -> bool:
        facts = self._facts.get(group)
        return (facts is not None and not _is_rule(facts)) or _is_id(self.survey, group)

    def _is_first(self, group: str) -> bool:
        facts = self._facts.get(group)
        return facts is not None and not _is_rule(facts) and facts.first

    def _wall(self, groups: tuple[str, ...]) -> Wall:
        """One wall of the groups that are alike: what any of them lets through gets through."""
        if groups not in self._walls:
            facts = next((f for group in groups if (f := self._facts.get(group)) is not None), FirewallFacts())
            rules = tuple(rule for group in groups for rule in self.rules.get(group, ()))
            closed = tuple(self._are_closed(groups, rules, inward=inward) for inward in (True, False))
            self._walls[groups] = Wall(
                groups[0], rules, facts.first, (closed[0], closed[1]), facts.open_inward, facts.open_outward, facts.stateless
            )
        return self._walls[groups]

    def _are_closed(self, groups: Iterable[str], rules: Iterable[Rule], *, inward: bool) -> bool:
        """Whether all rules of some groups are known. Groups without any rule that way prove nothing: who works with them has rules elsewhere."""
        return any(rule.inward == inward for rule in rules) and all(self._is_closed(group, inward=inward) for group in groups)

    def _is_closed(self, group: str, *, inward: bool) -> bool:
        """Whether all rules of a group are known: the state lists them, or the configuration does."""
        facts, node = self._facts.get(group), self.survey.nodes.get(group)
        if facts is None or node is None or not facts.listed:
            return False
        path = facts.outbound if facts.outbound and not inward else facts.inline
        listed = node.raw.get(path)
        return isinstance(listed, (list, tuple)) and UNKNOWN not in listed


def _walls_of(post: Post) -> Iterable[Wall]:
    yield from post.own
    for level in post.levels:
        yield from level


def _order(rule: Rule) -> tuple[tuple[float, float], bool, str]:
    """Rules of one rank: the one that denies first."""
    return rule.rank, rule.allows, rule.owner


def _ranked(rule: Rule, layer: float) -> Rule:
    return Rule(rule.owner, rule.allows, rule.inward, rule.ports, rule.far, rule.near, (layer, rule.rank[1]), rule.operators)


def _perhaps(rule: Rule) -> Rule:
    """A rule that holds perhaps."""
    far = Ends(unknown=rule.far != Ends())
    return Rule(rule.owner, rule.allows, rule.inward, rule.ports, far, rule.near, (2.0, rule.rank[1]), rule.operators)


def _is_rule(facts: FirewallFacts) -> bool:
    return bool(facts.group) or facts.by_network


def _ids(survey: Survey) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for address, node in survey.nodes.items():
        name = node.values.get("id")
        if node.entry.disposition == "firewall" and isinstance(name, str):
            found[name] = address
    return found


def _firewall_paths(node: Node) -> list[str]:
    return [path for path, role in node.entry.edges.items() if role == "firewall"]


def _outside_of_plan(survey: Survey, node: Node) -> set[str]:
    """The ids of attached groups that no resource of the plan stands for."""
    if node.entry.disposition not in ("component", "connector"):
        return set()
    found: set[str] = set()
    for path in _firewall_paths(node):
        written = {value for value in every(node.values, path) if isinstance(value, str) and value}
        led = [edge for edge in survey.outgoing(node.address, "firewall") if edge.path == path]
        known = {str(survey.nodes[edge.target].values.get("id")) for edge in led}
        if len(written) > len(led) or not known.isdisjoint(written):
            found |= {f"id:{value}" for value in written - known}
    return found


def _is_id(survey: Survey, group: str) -> bool:
    return group.startswith("id:") and group not in survey.nodes


def _holders_of(survey: Survey, address: str) -> list[str]:
    """An instance, and the connectors that it serves (a machine's network interface)."""
    served = [e.target for e in survey.outgoing(address, "serves") if survey.nodes[e.target].entry.disposition == "connector"]
    return [address, *served]


def _made_from(survey: Survey, address: str) -> list[str]:
    """An instance, and the templates with tags that it is made from."""
    return [address, *(e.target for e in survey.outgoing(address, "need") if survey.nodes[e.target].entry.firewall_tags)]


def _may_stand_in_a_network(survey: Survey, node: Node) -> bool:
    """Whether it may stand in a network that the plan does not show: it names one, or its kind has no place at all that could be empty."""
    paths = [path for path, role in node.entry.edges.items() if role == "placement"]
    paths += [path for source in node.entry.zones for path in source.placement]
    return not paths or any(value not in (None, "") for path in paths for value in every(node.values, path))


def _addresses(survey: Survey, holders: Iterable[str], subnets: Iterable[str]) -> tuple[Network, ...] | None:
    """The instance's own addresses where its connectors have some, else those of its subnets."""
    for those in (list(holders), list(subnets)):
        written = [v for a in those for path in survey.nodes[a].entry.addresses for v in every(survey.nodes[a].values, path)]
        found = [as_network(value) for value in written]
        if found and None not in found:
            return tuple(network for network in found if network is not None)
    return None


def port_of(survey: Survey, address: str) -> float | None:
    """The port that callers of an instance use, None where it is not known."""
    node = survey.nodes[address]
    found = survey.facts.number(node.entry.port, address, survey.scope(node), default=0) if node.entry.port else 0
    return found or None
