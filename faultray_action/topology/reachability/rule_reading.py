"""Rules out of the attributes in which a provider writes them: the catalogue says where each part stands (`FirewallFacts`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from faultray_action.catalogue.entry import FirewallFacts
from faultray_action.catalogue.expression import descend, every, number
from faultray_action.model.text import whole_number
from faultray_action.model.value import UNKNOWN
from faultray_action.topology.likeness import fingerprint
from faultray_action.topology.node import Node
from faultray_action.topology.reachability.rules import ALL_PORTS, ANYBODY, EVERY, Ends, Network, Rule, Span, as_network
from faultray_action.topology.survey import Survey

_ALL_PROTOCOLS = ("-1", "all", "*", "any", "")
_TCP = ("tcp", "6")
_OUTWARD = ("egress", "outbound", "true")
_ALLOWING = ("allow", "true")


class RuleReader:
    """Reads the rules of one side. `ids`: ids of groups -> their addresses. Blocks that say the same (those of most groups do) are read once."""

    def __init__(self, survey: Survey, ids: Mapping[str, str]) -> None:
        self._survey = survey
        self._ids = ids
        self._known: dict[tuple[int, bool, bytes], tuple[Rule, ...]] = {}

    def of_group(self, node: Node, facts: FirewallFacts) -> Iterator[Rule]:
        """The rules that are written inside a group."""
        for path in (facts.inline, facts.outbound):
            written = descend(node.values, path) if path else None
            if written is UNKNOWN:
                yield Rule(node.address, True, path == facts.inline, None, Ends(unknown=True), rank=(0.0, 0.0))
            for block in every(node.values, path) if path else ():
                if isinstance(block, Mapping):
                    yield from self.of_block(node, facts, block, outbound=bool(facts.outbound) and path == facts.outbound)

    def of_block(self, node: Node, facts: FirewallFacts, block: Mapping[str, Any], *, outbound: bool) -> tuple[Rule, ...]:
        """The rules of one block inside a group."""
        same = fingerprint(block)
        if same is None or (facts.self_path and block.get(facts.self_path) is True):
            return tuple(self._rules(node, facts, block, outbound=outbound))
        key = id(facts), outbound, same
        if key not in self._known:
            self._known[key] = tuple(self._rules(node, facts, block, outbound=outbound))
        return tuple(_owned(rule, node.address) for rule in self._known[key])

    def of_resource(self, node: Node, facts: FirewallFacts) -> Iterator[Rule]:
        """The rules of a resource that is one."""
        scope = self._survey.scope(node)
        if self._survey.facts.truth(facts.when, node.address, scope, better=True):
            yield from self._rules(node, facts, scope_values(node, facts), outbound=facts.outward)

    def _rules(self, node: Node, facts: FirewallFacts, values: Mapping[str, Any], *, outbound: bool) -> Iterator[Rule]:
        inward = not outbound and not _is_outward(values, facts)
        near, far = self._ends(node, facts, values, inward)
        rank = (
            float(number(priority))
            if (priority := descend(values, facts.priority) if facts.priority else 0) not in (UNKNOWN, None)
            else 0.0
        )
        for allows, ports in _spoken_of(values, facts):
            yield Rule(node.address, allows, inward, ports, far, near, (1.0, rank), facts.operators)

    def _ends(self, node: Node, facts: FirewallFacts, values: Mapping[str, Any], inward: bool) -> tuple[Ends, Ends]:
        """(near, far) of a rule."""
        sources = self._end(node, facts, values, facts.sources, facts.source_groups)
        targets = self._end(node, facts, values, facts.targets, facts.target_groups)
        near, far = (targets, sources) if inward else (sources, targets)
        if facts.far_required and far.anybody and not _is_said(values, facts.sources if inward else facts.targets):
            far = Ends()
        if facts.peers or facts.peer_groups:
            near, far = ANYBODY, self._end(node, facts, values, facts.peers, facts.peer_groups)
        if facts.near_tags:
            near = Ends(groups=frozenset(tags(values, facts.near_tags) or [EVERY]))
        tagged = frozenset(tags(values, facts.peer_tags)) if inward else frozenset()
        if tagged and far.anybody:
            far = Ends(groups=tagged)
        elif tagged:
            far = Ends(
                far.anybody, far.inside, far.outside, far.through, far.unknown, far.ranges, far.groups | tagged, far.words, far.peers
            )
        return near, far

    def _end(self, node: Node, facts: FirewallFacts, values: Mapping[str, Any], paths: Iterable[str], group_paths: Iterable[str]) -> Ends:
        """One end of a call; anybody where nothing is written of it."""
        written = [value for path in paths for value in every(values, path) if value not in (None, "")]
        named = [value for path in group_paths for value in every(values, path) if value not in (None, "")]
        itself = bool(facts.self_path) and values.get(facts.self_path) is True
        if not written and not named and not itself:
            return Ends() if facts.peers else ANYBODY
        groups = {self._ids.get(value, f"id:{value}") for value in named if isinstance(value, str)}
        groups |= set(groups_of(self._survey, node, facts)) if itself else set()
        linked = self._linked(node, facts, group_paths) if UNKNOWN in named else set()
        unsure = UNKNOWN in written or (UNKNOWN in named and not linked)
        return _ended(written, facts, frozenset(groups | linked), unsure=unsure)

    def _linked(self, node: Node, facts: FirewallFacts, paths: Iterable[str]) -> set[str]:
        """The groups that the configuration names where their ids are not known yet: inside a group all that its blocks name."""
        wanted = [f"{facts.inline}.{path}" for path in paths] if facts.inline else list(paths)
        if facts.inline:
            wanted.append(facts.inline)
        return {edge.target for edge in self._survey.outgoing(node.address) if any(edge.path == path for path in wanted)}


def _is_said(values: Mapping[str, Any], paths: Iterable[str]) -> bool:
    """Whether anything is written of an end."""
    return any(value not in (None, "") for path in paths for value in every(values, path))


def groups_of(survey: Survey, node: Node, facts: FirewallFacts) -> list[str]:
    """The groups that a rule belongs to: itself where it is written inside one."""
    if not facts.group:
        return [node.address]
    return [edge.target for edge in survey.outgoing(node.address, "allows-to") if edge.path == facts.group]


def scope_values(node: Node, facts: FirewallFacts) -> Mapping[str, Any]:
    """The attributes of a rule with the documented defaults of those that nobody wrote."""
    missing = {name: value for name, value in node.entry.defaults.items() if node.values.get(name) is None}
    return {**node.values, **missing} if missing else node.values


def _owned(rule: Rule, owner: str) -> Rule:
    if rule.owner == owner:
        return rule
    return Rule(owner, rule.allows, rule.inward, rule.ports, rule.far, rule.near, rule.rank, rule.operators)


def _is_outward(values: Mapping[str, Any], facts: FirewallFacts) -> bool:
    return bool(facts.direction) and str(descend(values, facts.direction)).lower() in _OUTWARD


def _spoken_of(values: Mapping[str, Any], facts: FirewallFacts) -> Iterator[tuple[bool, tuple[Span, ...] | None]]:
    """(whether it allows, ports) of each rule that the attributes say."""
    if not facts.allows:
        allows = not facts.access or str(descend(values, facts.access)).lower() in _ALLOWING
        yield allows, _ports(values, facts)
        return
    for path in (facts.allows, facts.denies):
        blocks = [block for block in every(values, path) if isinstance(block, Mapping)] if path else []
        if not blocks:
            continue
        allows = str(descend(values, facts.access)).lower() in _ALLOWING if facts.access else path == facts.allows
        spans = [_ports_of(block, facts.protocol) for block in blocks]
        known = tuple(span for found in spans if found is not None for span in found)
        if None in spans:
            yield allows, None
        elif known:
            yield allows, known


def _ports_of(block: Mapping[str, Any], protocol: str) -> tuple[Span, ...] | None:
    """The ports of a block that lists them; none for a protocol that no call of a service uses."""
    stated = block.get(protocol)
    if not _carries_calls(stated):
        return ()
    ports = block.get("ports") or ()
    if ports is UNKNOWN or UNKNOWN in ports:
        return None
    return tuple(span for port in ports if (span := _span(str(port))) is not None) or (ALL_PORTS,)


def _ports(values: Mapping[str, Any], facts: FirewallFacts) -> tuple[Span, ...] | None:
    protocol = descend(values, facts.protocol)
    if protocol is not UNKNOWN and not _carries_calls(protocol):
        return ()
    return _from_to(values, facts, protocol) if facts.from_port else _listed(values, facts)


def _from_to(values: Mapping[str, Any], facts: FirewallFacts, protocol: Any) -> tuple[Span, ...] | None:
    low, high = descend(values, facts.from_port), descend(values, facts.to_port)
    if UNKNOWN in (low, high):
        return None
    everything = str(protocol).lower() in _ALL_PROTOCOLS or low is None or number(low) < 0
    if everything or (number(low) == 0 and number(high or 0) == 0):
        return (ALL_PORTS,)
    return ((float(number(low)), float(number(high if high is not None else low))),)


def _listed(values: Mapping[str, Any], facts: FirewallFacts) -> tuple[Span, ...] | None:
    written = [value for path in facts.ports for value in every(values, path) if value not in (None, "")]
    if UNKNOWN in written:
        return None
    spans = [ALL_PORTS if text == "*" else _span(str(text)) for text in written]
    return tuple(sorted(span for span in spans if span is not None))


def _carries_calls(protocol: Any) -> bool:
    """Whether calls of a service use a protocol."""
    stated = "" if protocol is None else str(protocol).lower()
    return protocol is UNKNOWN or stated in _ALL_PROTOCOLS or stated in _TCP


def _span(text: str) -> Span | None:
    low, _, high = text.partition("-")
    ends = whole_number(low), whole_number(high or low)
    return None if ends[0] is None or ends[1] is None else (float(ends[0]), float(ends[1]))


def _ended(written: Iterable[Any], facts: FirewallFacts, groups: frozenset[str], *, unsure: bool) -> Ends:
    texts = [value for value in written if isinstance(value, str)]
    ranges: list[Network] = []
    others: set[str] = set()
    for text in texts:
        network = as_network(text)
        if network is None:
            others.add(text)
        else:
            ranges.append(network)
    everyone = any(network.prefixlen == 0 for network in ranges) or not others.isdisjoint(facts.everyone)
    through = [text for text in others if text.partition(".")[0] in facts.through]
    named = others - {*facts.everyone, *facts.inside, *facts.outside, *facts.probes, *through}
    return Ends(
        anybody=everyone,
        inside=not others.isdisjoint(facts.inside),
        outside=not others.isdisjoint(facts.outside),
        through=bool(through),
        unknown=unsure or (bool(named) and not facts.everyone),
        ranges=tuple(ranges),
        groups=groups,
        words=frozenset(others & {*facts.probes}),
    )


def tags(values: Mapping[str, Any], paths: Iterable[str]) -> list[str]:
    """The groups that tags and accounts stand for."""
    return [f"tag:{value}" for path in paths for value in every(values, path) if isinstance(value, str) and value]
