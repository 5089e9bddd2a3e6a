"""Which resources stand on one side, what the catalogue knows of each, and how their references are meant."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

from msgspec import Struct

from faultray_action.catalogue.entry import EdgeRole, EdgeRule, Entry, Manifest, Match, MemberOf
from faultray_action.catalogue.expression import Answers, Scope, evaluate, every
from faultray_action.catalogue.load import Catalogue
from faultray_action.model.component import Confidence, Evidence
from faultray_action.model.value import UNKNOWN
from faultray_action.terraform.configured import Configured
from faultray_action.terraform.plan import Link, LinkKind, Links, Plan, Resource, Side
from faultray_action.terraform.references import PROVIDER
from faultray_action.topology.facts import Choice, Facts
from faultray_action.topology.hosts import named, named_in, used_in
from faultray_action.topology.likeness import Likeness
from faultray_action.topology.manifests import path_as, read_as
from faultray_action.topology.selections import selects


class Node(Struct, frozen=True):
    """A resource instance that stands on this side and whose type has an entry."""

    address: str
    resource: Resource
    entry: Entry
    values: Mapping[str, Any]
    """Without attributes that nobody wrote and that the provider computes: those have their documented defaults."""
    raw: Mapping[str, Any]
    read_as: str = ""
    """The type that it is read as where it is not its own (an object of Kubernetes in a manifest)."""
    written_as: Manifest | None = None
    answers: Answers | None = None
    """What its expressions say, in common with the resources that are like it."""

    @property
    def type(self) -> str:
        return self.read_as or self.resource.type


class TypedEdge(Struct, frozen=True):
    """A reference with its meaning. `source` refers to `target`; the role says which way traffic or placement goes."""

    source: str
    target: str
    role: EdgeRole
    path: str
    group: str = ""
    group_needed: int = 1
    buffer_seconds: float = 0.0
    evidence: Evidence | None = None
    share: bool = False


class Places(Struct, frozen=True):
    """Where copies may stand. `zones`: distinct names, sorted. `anonymous`: further zones whose names are not known. `subnets`: (zone, placement) pairs."""

    zones: tuple[str, ...] = ()
    anonymous: int = 0
    subnets: tuple[tuple[str, str], ...] = ()

    @property
    def count(self) -> int:
        return len(self.zones) + self.anonymous

    @property
    def known(self) -> bool:
        return self.count > 0


@dataclass(slots=True)
class Survey:
    """One side, read but not yet judged. `unknown` are instances of known providers without an entry.

    `leaves`, `standing` and `exits`: where chains of placements end, where that is for several, and which gateways a subnet leaves through, as
    far as `places` has followed them. `dropping`: the routes that lead nowhere, once they are asked for.
    `typed`: what each link (by identity) means, None for nothing. `servers`: how many resources serve or belong to one.
    """

    side: Side
    choice: Choice
    nodes: dict[str, Node]
    edges: tuple[TypedEdge, ...]
    unknown: tuple[Resource, ...]
    links: Links
    facts: Facts
    configured: Configured
    out: dict[str, list[TypedEdge]] = field(default_factory=dict)
    into: dict[str, list[TypedEdge]] = field(default_factory=dict)
    typed: Mapping[int, TypedEdge | None] = field(default_factory=dict)
    servers: Mapping[str, int] = field(default_factory=dict)
    leaves: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    standing: dict[tuple[str, ...], Places | None] = field(default_factory=dict)
    exits: dict[str, tuple[str, ...]] = field(default_factory=dict)
    likeness: Likeness = field(default_factory=Likeness)
    dropping: frozenset[str] | None = None

    def outgoing(self, address: str, *roles: EdgeRole) -> list[TypedEdge]:
        edges = self.out.get(address)
        return [edge for edge in edges if not roles or edge.role in roles] if edges else []

    def incoming(self, address: str, *roles: EdgeRole) -> list[TypedEdge]:
        edges = self.into.get(address)
        return [edge for edge in edges if not roles or edge.role in roles] if edges else []

    def scope(self, node: Node, *, zones: int = 0) -> Scope:
        servers = self.servers.get(node.address, 0)
        return Scope(node.values, node.entry.defaults, zones, servers, partial(self.configured.attributes, node.resource), node.answers)

    def goes_out(self, node: Node) -> bool:
        """Whether it calls out through the subnet that it stands in."""
        when = node.entry.egress_when
        return node.entry.egress and (not when or self.facts.truth(when, node.address, self.scope(node), better=False))


def take(
    plan: Plan,
    links: Links,
    catalogue: Catalogue,
    side: Side,
    choice: Choice,
    known: Survey | None = None,
    unsure: Collection[str] = (),
) -> Survey:
    """Read one side of a plan.

    `known`: another survey of much the same resources; the nodes and edges of what is the same on both are shared with it, so that whoever
    compares the two looks at the rest only. `unsure`: addresses whose facts differ all the same, since `choice` does.
    """
    nodes: dict[str, Node] = {}
    unknown: list[Resource] = []
    likeness = known.likeness if known is not None else Likeness()
    configured = Configured(plan)
    shared = known.nodes if known is not None else {}
    for resource in plan.resources:
        values = resource.values(side)
        if values is None or resource.deposed:
            continue
        old = shared.get(resource.address)
        if old is not None and old.resource is resource and old.raw is values:
            nodes[resource.address] = old
            continue
        entry = catalogue.get(resource.type)
        if entry is not None:
            written = values if values is resource.before or resource.data else configured.settled(resource, values)
            nodes[resource.address] = _node(resource, entry, written, values, catalogue, configured, likeness)
        elif not resource.data and is_known_provider(resource, catalogue):
            unknown.append(resource)
    _drop_shadows(nodes)
    facts = Facts(choice)
    typed = _typed(nodes, links.links, facts, configured, known, unsure)
    edges = (*_distinct(typed.values()), *_matched(nodes, facts))
    survey = Survey(
        side, choice, nodes, edges, tuple(unknown), links, facts, configured, typed=typed, servers=_servers(edges), likeness=likeness
    )
    for edge in edges:
        survey.out.setdefault(edge.source, []).append(edge)
        survey.into.setdefault(edge.target, []).append(edge)
    return survey


def _node(
    resource: Resource,
    entry: Entry,
    written: Mapping[str, Any],
    raw: Mapping[str, Any],
    catalogue: Catalogue,
    configured: Configured,
    likeness: Likeness,
) -> Node:
    typed = read_as(written, entry, catalogue)
    name = next((other.type for other in entry.read_as if evaluate(other.when, Scope(written, entry.defaults)) == (True,)), "")
    if name and (own := catalogue.get(name)) is not None:
        return Node(resource.address, resource, own, written, raw, name)
    if typed is None:
        answers = likeness.answers(entry, written, partial(configured.attributes, resource))
        return Node(resource.address, resource, entry, written, raw, answers=answers)
    name, own, values = typed
    return Node(resource.address, resource, own, values, raw, name, entry.manifest)


def _servers(edges: Iterable[TypedEdge]) -> dict[str, int]:
    """How many different resources serve a resource or belong to it."""
    found: dict[str, set[str]] = {}
    for edge in edges:
        if edge.role in ("serves", "member"):
            found.setdefault(edge.target, set()).add(edge.source)
    return {address: len(sources) for address, sources in found.items()}


def is_known_provider(resource: Resource, catalogue: Catalogue) -> bool:
    return resource.provider in catalogue.providers or resource.type.split("_")[0] in catalogue.providers


def _drop_shadows(nodes: dict[str, Node]) -> None:
    """A data source that reads a resource of the same plan is that resource, not a second one."""
    read = [(a, n.resource.type, n.values.get("id")) for a, n in nodes.items() if n.resource.data]
    if not read:
        return
    types = {kind for _, kind, _ in read}
    managed = {
        (n.resource.type, n.values.get("id"))
        for n in nodes.values()
        if n.resource.type in types and not n.resource.data and isinstance(n.values.get("id"), str)
    }
    for address in [a for a, kind, id in read if isinstance(id, str) and (kind, id) in managed]:
        del nodes[address]


def _typed(
    nodes: Mapping[str, Node],
    links: Iterable[Link],
    facts: Facts,
    configured: Configured,
    known: Survey | None,
    unsure: Collection[str],
) -> dict[int, TypedEdge | None]:
    """The meaning of each link; that of a link between the very nodes of `known` is known."""
    found: dict[int, TypedEdge | None] = {}
    earlier = known.typed if known is not None else {}
    other = _otherwise(nodes, known.nodes, unsure) if known is not None else frozenset()
    meanings = _Meanings(configured)
    for link in links:
        this = id(link)
        if this in earlier and link.source not in other and link.target not in other:
            found[this] = earlier[this]
            continue
        source, target = nodes.get(link.source), nodes.get(link.target)
        if source is not None and target is not None and link.kind is not LinkKind.DEPENDS_ON and source is not target:
            found[this] = meanings.edge(link, source, target, facts)
    return found


def _otherwise(nodes: Mapping[str, Node], known: Mapping[str, Node], unsure: Collection[str]) -> frozenset[str]:
    """Addresses whose node is not the very one of `known`."""
    changed = {address for address, node in nodes.items() if known.get(address) is not node}
    return frozenset(changed | (known.keys() - nodes.keys()) | set(unsure))


class _Meanings:
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
        blocks = _holding(source, target, path, rule.block) if rule.block else []
        sides = [narrowed(source.values, rule.block, block) for block in blocks] or [source.values]
        scopes = [Scope({**values, "target": target.values}, source.entry.defaults) for values in sides]
    return any(facts.truth(rule.when, source.address, each, better=False) for each in scopes)


_OF_TARGET = "target."
"""What an expression calls the attributes of the resource referred to."""


def narrowed(values: Mapping[str, Any], path: str, *blocks: Any) -> Mapping[str, Any]:
    """Attributes with these blocks alone at a path."""
    first, _, rest = path.partition(".")
    return {**values, first: [narrowed({}, rest, *blocks)] if rest else list(blocks)}


def each_route(node: Node) -> list[Mapping[str, Any]]:
    """The attributes of a route, or of a table with each of its routes alone."""
    path = node.entry.routes
    return [narrowed(node.values, path, block) for block in every(node.values, path)] if path else [node.values]


def _counting(node: Node, match: Match, facts: Facts) -> Mapping[str, Any]:
    """The attributes of a node without the blocks that do not count for a rule."""
    if not match.block:
        return node.values
    sides = [(block, narrowed(node.values, match.block, block)) for block in every(node.values, match.block)]
    kept = [b for b, values in sides if facts.truth(match.when, node.address, Scope(values, node.entry.defaults), better=False)]
    return narrowed(node.values, match.block, *kept)


def _holding(source: Node, target: Node, path: str, at: str) -> list[Any]:
    """The blocks at a path in which a source refers to a target.

    A block holds the target where it holds one of its values; where none does, those that are not known yet may."""
    held = {value for value in target.raw.values() if isinstance(value, str) and value}
    rest = path.removeprefix(at).lstrip(".")
    blocks = [(block, every(block, rest)) for block in every(source.values, at)]
    sure = [block for block, values in blocks if not held.isdisjoint(value for value in values if isinstance(value, str))]
    open_ended = [block for block, values in blocks if UNKNOWN in values or not values]
    return sure or open_ended or [block for block, _ in blocks]


def _group_with(source: Node, target: Node, path: str, facts: MemberOf) -> int:
    """The number of the group that names the block in which a source refers to a target, -1 where none does."""
    meant = {str(name) for block in _holding(source, target, path, facts.block) for name in every(block, facts.id)}
    groups = [set(map(str, every(group, facts.among))) for group in every(source.values, facts.groups)]
    return next((number for number, members in enumerate(groups) if meant & members), -1)


def _distinct(typed: Iterable[TypedEdge | None]) -> Iterable[TypedEdge]:
    """The first edge of each source, target, role and path."""
    seen: set[tuple[str, str, str, str]] = set()
    for edge in typed:
        if edge is None:
            continue
        key = (edge.source, edge.target, edge.role, edge.path)
        if key not in seen:
            seen.add(key)
            yield edge


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


def _matched(nodes: Mapping[str, Node], facts: Facts) -> Iterable[TypedEdge]:
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
                yield TypedEdge(node.address, target.address, match.role, at, group=group, evidence=evidence)


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


def _answers_to(target: Node, match: Match) -> str:
    """What a resource is called by those that match by name, "" where that is not known."""
    if "{" in match.target:
        return named(match.target, target.values)
    other = Scope(target.values, target.entry.defaults).get(match.target)
    return other if isinstance(other, str) else ""
