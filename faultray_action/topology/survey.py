"""Which resources stand on one side, what the catalogue knows of each, and how their references are meant."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from faultray_action.catalogue.entry import EdgeRole, Entry
from faultray_action.catalogue.expression import Scope, evaluate, truth
from faultray_action.catalogue.load import Catalogue
from faultray_action.terraform.configured import Configured
from faultray_action.terraform.plan import Link, LinkKind, Links, Plan, Resource, Side
from faultray_action.topology.blocks import holds_any
from faultray_action.topology.facts import Choice, Facts
from faultray_action.topology.likeness import Likeness
from faultray_action.topology.lists import NOTHING, Lists
from faultray_action.topology.lists import read as read_lists
from faultray_action.topology.manifests import read_as
from faultray_action.topology.matching import matched
from faultray_action.topology.meanings import Meanings
from faultray_action.topology.node import Node, Places, TypedEdge
from faultray_action.topology.slots import swapped


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
    listed: Lists = NOTHING

    def outgoing(self, address: str, *roles: EdgeRole) -> list[TypedEdge]:
        edges = self.out.get(address)
        return [edge for edge in edges if not roles or edge.role in roles] if edges else []

    def incoming(self, address: str, *roles: EdgeRole) -> list[TypedEdge]:
        edges = self.into.get(address)
        return [edge for edge in edges if not roles or edge.role in roles] if edges else []

    def scope(self, node: Node, *, zones: int = 0) -> Scope:
        servers = self.servers.get(node.address, 0)
        return Scope(node.values, node.entry.defaults, zones, servers, partial(self.configured.attributes, node.resource), node.answers)

    def decided(self, address: str, text: str) -> bool | None:
        """Whether an expression holds of an instance; None where that is not known yet. One that is not written does not."""
        node = self.nodes[address]
        found = {outcome for value in evaluate(text, self.scope(node)) for outcome in truth(value)} if text else {False}
        return found.pop() if len(found) == 1 else None

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
    listed = read_lists(plan, catalogue, side)
    for resource in plan.resources:
        values = resource.values(side)
        if values is None or resource.deposed or resource.address in listed.gone:
            continue
        old = shared.get(resource.address)
        if old is not None and old.resource is resource and old.raw is values and _lists_alike(listed, known, resource.address):
            nodes[resource.address] = old
            continue
        entry = catalogue.get(resource.type)
        if entry is not None:
            written = values if values is resource.before or resource.data else configured.settled(resource, values)
            written = listed.values(resource.address, written)
            nodes[resource.address] = _node(resource, entry, written, values, catalogue, configured, likeness)
        elif not resource.data and is_known_provider(resource, catalogue):
            unknown.append(resource)
    _drop_shadows(nodes)
    facts = Facts(choice)
    typed = _typed(nodes, _standing(links.links, nodes, listed), facts, configured, known, unsure)
    edges = swapped(nodes, (*_distinct(typed.values()), *matched(nodes, facts)))
    survey = Survey(
        side,
        choice,
        nodes,
        edges,
        tuple(unknown),
        links,
        facts,
        configured,
        typed=typed,
        servers=_servers(edges),
        likeness=likeness,
        listed=listed,
    )
    for edge in edges:
        survey.out.setdefault(edge.source, []).append(edge)
        survey.into.setdefault(edge.target, []).append(edge)
    return survey


def _lists_alike(listed: Lists, known: Survey | None, address: str) -> bool:
    """Whether the lists of a resource hold the same of its own as on the other side."""
    return known is not None and known.listed.own.get(address) == listed.own.get(address)


def _standing(links: Iterable[Link], nodes: Mapping[str, Node], listed: Lists) -> Iterable[Link]:
    """Links without those that only an element of a list shows which another resource wrote: it speaks for itself."""
    for link in links:
        if link.source not in listed.own or _is_own(link, nodes, listed.own[link.source]):
            yield link


def _is_own(link: Link, nodes: Mapping[str, Node], lists: Iterable[str]) -> bool:
    at = next((path for path in lists if link.path == path or link.path.startswith(f"{path}.")), None)
    if at is None or link.kind is not LinkKind.VALUE or link.source not in nodes or link.target not in nodes:
        return True
    return holds_any(nodes[link.source].values, at, nodes[link.target].raw)


def is_open(survey: Survey, address: str, *, better: bool) -> bool:
    """Whether a component is one where users come in, as far as it says itself."""
    node = survey.nodes[address]
    facts = node.entry.entry
    return facts is not None and survey.facts.truth(facts.when, address, survey.scope(node), better=better)


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
    meanings = Meanings(configured)
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
