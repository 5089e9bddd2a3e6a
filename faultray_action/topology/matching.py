"""Links by labels, by equal names within a scope and by host names, for systems that do not refer by id (Kubernetes)."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from faultray_action.catalogue.entry import Match
from faultray_action.catalogue.expression import Scope, every
from faultray_action.model.component import Confidence, Evidence
from faultray_action.topology.blocks import narrowed
from faultray_action.topology.facts import Facts
from faultray_action.topology.hosts import named, named_in, used_in
from faultray_action.topology.node import Node, TypedEdge
from faultray_action.topology.selections import selects


def matched(nodes: Mapping[str, Node], facts: Facts) -> Iterable[TypedEdge]:
    """Links by labels or by equal names within a scope, for systems that do not refer by id (Kubernetes)."""
    asking = [node for node in nodes.values() if node.entry.match]
    pools = _Pools(nodes.values() if asking else ())
    for node in asking:
        called = _called(node, pools, facts)
        for match in node.entry.match:
            if match.hosts:
                found = [other for other in called[match] if other is not node]
            else:
                asked = pools.of(match).asked(node, match, facts)
                found = [o for o in asked if o is not node and _same_scope(node, o, match) and _fits(node, o, match, facts)]
            at = match.labels or match.by or (match.selects.patterns if match.selects else ", ".join(match.to))
            rule = f"host name in {at}" if match.hosts else "selected by name or tag" if match.selects else f"label selector: {at}"
            evidence = Evidence(node.address, at, rule, Confidence.LIKELY if match.hosts else Confidence.CERTAIN)
            # A selector sends each request to any of what it selects: several workloads stand in for each other.
            group = (
                f"{node.address}:{at}"
                if (match.labels or (match.when and not match.block)) and match.role == "need" and len(found) > 1
                else ""
            )
            for target in found:
                yield TypedEdge(node.address, target.address, match.role, at, group=group, evidence=evidence, share=match.share)


class _Pool:
    """Whom one rule may match, in order, found by what is to be equal: comparing all with all takes the square of their number."""

    def __init__(self, match: Match, nodes: Sequence[Node]) -> None:
        self._nodes = nodes
        self._places: dict[object, list[int]] = {}
        self._longest = 0
        for place, node in enumerate(nodes):
            for mark in self._marks(match, node):
                self._places.setdefault(mark, []).append(place)

    def _marks(self, match: Match, node: Node) -> Iterable[object]:
        if match.hosts:
            for template in match.hosts:
                name, star, _ = named(template, node.values).partition("*")
                self._longest = max(self._longest, len(name)) if star else self._longest
                yield name, bool(star)
        elif match.labels:
            offered = Scope(node.values, node.entry.defaults).get(match.target_labels)
            yield from map(_label, offered.items()) if isinstance(offered, Mapping) else ()
        elif not match.selects and not (match.when and not match.block):
            yield _answers_to(node, match)

    def asked(self, node: Node, match: Match, facts: Facts) -> Iterable[Node]:
        """Those that a node may match, and maybe more."""
        if match.labels:
            wanted = Scope(node.values).get(match.labels)
            labels = [_label(item) for item in wanted.items()] if isinstance(wanted, Mapping) else []
            places = sorted((self._places.get(label, []) for label in labels), key=len)
            return self._at(places[0] if places else ())
        if match.selects or (match.when and not match.block):
            return self._nodes
        names = {value for value in every(_counting(node, match, facts), match.by) if isinstance(value, str) and value}
        return self._at({place for name in names for place in self._places.get(name, ())})

    def called(self, used: Iterable[str]) -> Iterable[Node]:
        """Those that may answer to one of some host names."""
        found: set[int] = set()
        for host in used:
            found.update(self._places.get((host, False), ()))
            for length in range(min(len(host), self._longest) + 1):
                found.update(self._places.get((host[:length], True), ()))
        return self._at(found)

    def _at(self, places: Iterable[int]) -> Iterable[Node]:
        return [self._nodes[place] for place in sorted(places)]


def _label(item: tuple[str, Any]) -> object:
    return item if isinstance(item[1], Hashable) else item[0]


class _Pools:
    """The pools of all rules of one side, each made when it is asked for."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self._by_type: dict[str, list[Node]] = {}
        self._known: dict[Match, _Pool] = {}
        for node in nodes:
            self._by_type.setdefault(node.type, []).append(node)

    def of(self, match: Match) -> _Pool:
        known = self._known.get(match)
        if known is None:
            types = [t for pattern in match.to for t in sorted(self._by_type) if fnmatchcase(t, pattern)]
            known = self._known[match] = _Pool(match, [node for t in types for node in self._by_type[t]])
        return known


def _called(node: Node, pools: _Pools, facts: Facts) -> dict[Match, list[Node]]:
    """Whom the host names in a node's strings call, for each of its rules: a name that several may answer to is that of the closest."""
    found: list[tuple[Match, Node, dict[str, int]]] = []
    names_at: dict[tuple[str, str], frozenset[str]] = {}
    for match in node.entry.match:
        if match.hosts and (match.by, match.block) not in names_at:
            names_at[match.by, match.block] = used_in(_counting(node, match, facts), match.by)
        used = names_at[match.by, match.block] if match.hosts else frozenset()
        for target in pools.of(match).called(used) if used else ():
            if _same_scope(node, target, match) and (names := named_in(match.hosts, target.values, used)):
                found.append((match, target, names))
    closest: dict[str, int] = {}
    for _, _, names in found:
        closest |= {host: max(close, closest.get(host, 0)) for host, close in names.items()}
    called: dict[Match, list[Node]] = {match: [] for match in node.entry.match}
    for match, target, names in found:
        if any(close == closest[host] for host, close in names.items()):
            called[match].append(target)
    return called


def _same_scope(node: Node, target: Node, match: Match) -> bool:
    if not match.scope:
        return True
    mine, theirs = Scope(node.values).get(match.scope), Scope(target.values).get(match.target_scope or match.scope)
    return bool(mine is theirs or mine == theirs)


def _fits(node: Node, target: Node, match: Match, facts: Facts) -> bool:
    if match.when and not match.block:
        return facts.truth(match.when, node.address, Scope({**node.values, "target": target.values}), better=False)
    here, there = Scope(node.values), Scope(target.values, target.entry.defaults)
    if match.labels:
        wanted, offered = here.get(match.labels), there.get(match.target_labels)
        return isinstance(wanted, Mapping) and isinstance(offered, Mapping) and bool(wanted) and wanted.items() <= offered.items()
    if match.selects is not None:
        return selects(match.selects, node.values, target.raw, target.entry)
    names = [v for v in every(_counting(node, match, facts), match.by) if isinstance(v, str) and v]
    return _answers_to(target, match) in names


def _counting(node: Node, match: Match, facts: Facts) -> Mapping[str, Any]:
    """The attributes of a node without the blocks that do not count for a rule."""
    if not match.block:
        return node.values
    sides = [(block, narrowed(node.values, match.block, block)) for block in every(node.values, match.block)]
    kept = [b for b, values in sides if facts.truth(match.when, node.address, Scope(values, node.entry.defaults), better=False)]
    return narrowed(node.values, match.block, *kept)


def _answers_to(target: Node, match: Match) -> str:
    """What a resource is called by those that match by name, "" where that is not known."""
    if "{" in match.target:
        return named(match.target, target.values)
    other = Scope(target.values, target.entry.defaults).get(match.target)
    return other if isinstance(other, str) else ""
