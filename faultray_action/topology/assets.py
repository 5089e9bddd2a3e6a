"""Durable data: which stores hold it, what can destroy it, and what covers that (docs/model.md)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Set
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from faultray_action.catalogue.entry import Cover
from faultray_action.catalogue.expression import Scope
from faultray_action.model.change import Action
from faultray_action.model.component import Evidence
from faultray_action.model.reliability import ReliabilityTable
from faultray_action.model.topology import DataAsset, Loss, LossKind
from faultray_action.topology.components import region
from faultray_action.topology.node import Node
from faultray_action.topology.survey import Survey

Answer = TypeVar("Answer")


@dataclass(slots=True)
class Ledger:
    """What was asked of each store of one side, each question once.

    `known`: the ledger of a side that differs from this one at the addresses `differing` only; elsewhere its answers are ours.
    """

    known: Ledger | None = None
    differing: Set[str] = frozenset()
    _answers: dict[tuple[str, tuple[str, ...]], Any] = field(default_factory=dict)

    def answer(self, question: str, stores: tuple[str, ...], ask: Callable[[], Answer]) -> Answer:
        """The answer to a question about these stores, which `ask` finds where nobody knows it."""
        key = question, stores
        if key not in self._answers:
            inherits = self.known is not None and self.differing.isdisjoint(stores)
            self._answers[key] = self.known.answer(question, stores, ask) if self.known is not None and inherits else ask()
        answer: Answer = self._answers[key]
        return answer


class Stores(Struct, frozen=True):
    """Root store -> the stores that hold the same data (replicas, members), root first."""

    of_root: Mapping[str, tuple[str, ...]]


def durable(survey: Survey, among: Iterable[str], ledger: Ledger) -> frozenset[str]:
    """Those of the stores that hold durable data on this side."""
    return frozenset(address for address in among if address in survey.nodes and _is_durable(survey, address, ledger))


def find(
    survey: Survey, table: ReliabilityTable, wanted: Iterable[str], also: Iterable[str], abroad: Collection[str], ledger: Ledger
) -> tuple[DataAsset, ...]:
    """Assets among the `wanted` roots (those in the closure of an entry, and those whose protection is declared on either side).

    `also`: stores whose data is durable on the other side; switching its protection off does not make data less worth.
    `abroad`: roots with a copy in another region on either side: where one stands, its end is a loss; where none ever did, none is missed."""
    lasting = frozenset(also)
    stores = _stores(survey)
    chosen = {_root(survey, address) for address in wanted if address in survey.nodes}
    return tuple(
        _asset(survey, root, stores.of_root.get(root, (root,)), table, ledger, abroad=root in abroad)
        for root in sorted(chosen)
        if _is_durable(survey, root, ledger) or (root in lasting and survey.nodes[root].entry.data)
    )


def declared(survey: Survey, ledger: Ledger) -> set[str]:
    """Stores whose protection is declared on this side, by address."""
    stores = [node for node in survey.nodes.values() if node.entry.data is not None and not node.resource.data]
    stated = {node.address for node in stores if ledger.answer("declared", (node.address,), partial(_is_declared, survey, node))}
    return stated | {edge.target for edge in survey.edges if edge.role == "protects" and survey.nodes[edge.target].entry.data is not None}


def _is_declared(survey: Survey, node: Node) -> bool:
    data = node.entry.data
    return data is not None and survey.facts.truth(data.declared, node.address, survey.scope(node), better=True)


def _lasts(survey: Survey, node: Node) -> bool:
    data = node.entry.data
    asked = data is not None and not node.resource.data
    return asked and data is not None and survey.facts.truth(data.durable, node.address, survey.scope(node), better=False)


def _is_durable(survey: Survey, address: str, ledger: Ledger) -> bool:
    return ledger.answer("durable", (address,), partial(_lasts, survey, survey.nodes[address]))


def _root(survey: Survey, address: str) -> str:
    """The source of a chain of replicas and members."""
    seen: set[str] = set()
    while address not in seen:
        seen.add(address)
        sources = sorted(edge.target for edge in survey.outgoing(address, "replica", "member"))
        if not sources:
            return address
        address = sources[0]
    return min(seen)


def _stores(survey: Survey) -> Stores:
    grouped: dict[str, list[str]] = {}
    for address in sorted({edge.source for edge in survey.edges if edge.role in ("replica", "member")}):
        root = _root(survey, address)
        if root != address:
            grouped.setdefault(root, [root]).append(address)
    return Stores({root: tuple(members) for root, members in grouped.items()})


def copied_abroad(survey: Survey, among: Iterable[str], ledger: Ledger) -> frozenset[str]:
    """Roots of the stores that have a copy of their data in another region."""
    stores = _stores(survey)
    roots = {_root(survey, address) for address in among if address in survey.nodes}
    return frozenset(
        root for root in roots if survey.nodes[root].entry.data and _abroad(survey, root, stores.of_root.get(root, (root,)), ledger)
    )


def _abroad(survey: Survey, root: str, stores: tuple[str, ...], ledger: Ledger) -> tuple[Evidence, ...]:
    holders = (*stores, *_copied_to(survey, root), *_of_one_database(survey, root))
    return ledger.answer("abroad", holders, partial(_copies_abroad, survey, survey.nodes[root], holders))


def _copied_to(survey: Survey, root: str) -> list[str]:
    """Where its data is copied to, by itself or by what protects it."""
    owners = [root, *(edge.source for edge in survey.incoming(root, "protects"))]
    return [edge.target for owner in owners for edge in survey.outgoing(owner, "copied-to")]


def _of_one_database(survey: Survey, root: str) -> list[str]:
    """The other stores that serve what this one serves, where any of them will do: the clusters of a global database."""
    shared = [edge.target for edge in survey.outgoing(root, "serves") if survey.nodes[edge.target].entry.servers == "any"]
    others = {edge.source for target in shared for edge in survey.incoming(target, "serves")} - {root}
    return sorted(other for other in others if survey.nodes[other].entry.data is not None)


def _copies_abroad(survey: Survey, node: Node, stores: tuple[str, ...]) -> tuple[Evidence, ...]:
    return _covers(survey, node, stores, LossKind.REGION, _held(survey, node, frozenset((LossKind.REGION,))))


def _asset(survey: Survey, root: str, stores: tuple[str, ...], table: ReliabilityTable, ledger: Ledger, *, abroad: bool) -> DataAsset:
    asset = ledger.answer("asset", stores, partial(_examined, survey, root, stores, table))
    if not abroad:
        return asset
    rate = table.row("region_data").failures_per_year
    return replace(asset, losses=(*asset.losses, Loss(LossKind.REGION, rate, _abroad(survey, root, stores, ledger))))


def _examined(survey: Survey, root: str, stores: tuple[str, ...], table: ReliabilityTable) -> DataAsset:
    node = survey.nodes[root]
    assert node.entry.data is not None
    data = node.entry.data
    held = _held(survey, node, frozenset(data.losses))
    rows = data.losses if _lasts(survey, node) else data.losses | _held_by_copies(node)
    losses = tuple(
        Loss(LossKind(kind), table.row(row).failures_per_year, _covers(survey, node, stores, kind, held))
        for kind, row in sorted(rows.items())
    )
    return DataAsset(root, node.entry.label or node.resource.type, stores, losses, inferred="durable store")


def _held_by_copies(node: Node) -> dict[str, str]:
    """Where a store keeps nothing that outlasts its copies, whatever takes a copy down loses what it held."""
    return {LossKind.MEDIA.value: node.entry.rates} if node.entry.rates else {}


_Held = list[tuple[Cover, Evidence]]
"""Protections that hold, its own before those of others."""


def _held(survey: Survey, node: Node, kinds: frozenset[str]) -> _Held:
    """The protections of a store against any loss of these kinds: its own, those of what protects it, and of the plan that this follows."""
    assert node.entry.data is not None
    stated = [(node, cover) for cover in node.entry.data.covers]
    for edge in survey.incoming(node.address, "protects"):
        protector = survey.nodes[edge.source]
        terms = (protector, *(survey.nodes[further.target] for further in survey.outgoing(edge.source, "modified-by")))
        stated += [(owner, cover) for owner in terms for cover in owner.entry.covers]
    return [
        (cover, _evidence(owner, cover))
        for owner, cover in stated
        if not kinds.isdisjoint(cover.losses) and _holds(survey, owner, node, cover)
    ]


def _covers(survey: Survey, node: Node, stores: tuple[str, ...], kind: str, held: _Held) -> tuple[Evidence, ...]:
    found = [evidence for cover, evidence in held if kind in cover.losses]
    if kind == LossKind.MEDIA:
        found += [Evidence(s, "", "holds the same data") for s in stores[1:] if any(survey.outgoing(s, "replica"))]
    if kind == LossKind.REGION:
        home = region(survey, node)
        apart = [s for s in stores[1:] if not any(survey.outgoing(s, "member")) and region(survey, survey.nodes[s]) not in ("", home)]
        found += [Evidence(s, "", "holds the same data in another region") for s in apart if home]
    if kind in (LossKind.MEDIA, LossKind.REGION):
        found += _copies_of_regions(survey, node)
    return tuple(found)


def _copies_of_regions(survey: Survey, node: Node) -> list[Evidence]:
    if not node.entry.regions or not survey.facts.items(node.entry.regions, node.address, survey.scope(node)):
        return []
    return [Evidence(node.address, node.entry.regions, "a full copy in another region")]


def _evidence(node: Node, cover: Cover) -> Evidence:
    return Evidence(node.address, cover.attribute or cover.when, cover.rule or "protection")


def _holds(survey: Survey, owner: Node, target: Node, cover: Cover) -> bool:
    scope = survey.scope(owner)
    if owner is not target:
        scope = Scope({**owner.values, "target": target.values}, owner.entry.defaults)
    return survey.facts.truth(cover.when, owner.address, scope, better=True)


def destroyed(before: Survey, after: Survey, assets: Iterable[DataAsset], survivors: Mapping[str, str]) -> tuple[DataAsset, ...]:
    """Assets of before that the plan deletes or replaces without a final snapshot and without a copy that is promoted or restored in their place.

    `survivors`: replica address -> source before, of replicas that still stand after."""
    return tuple(asset for asset in _given_up(before, after, assets, survivors) if not _keeps_snapshot(before, asset))


def unrestored(before: Survey, after: Survey, assets: Iterable[DataAsset], survivors: Mapping[str, str]) -> frozenset[str]:
    """Assets of before that an empty store of the same address follows while a snapshot keeps what they held."""
    given_up = _given_up(before, after, assets, survivors)
    return frozenset(a.address for a in given_up if a.address in after.nodes and _keeps_snapshot(before, a))


def _given_up(before: Survey, after: Survey, assets: Iterable[DataAsset], survivors: Mapping[str, str]) -> Iterable[DataAsset]:
    """Assets whose store goes, without a copy that is promoted or restored in its place."""
    restored = {
        _family(node)
        for node in after.nodes.values()
        if node.entry.data is not None
        and (node.resource.action is Action.CREATE or node.resource.action.replaces)
        and after.facts.truth(node.entry.data.restored, node.address, after.scope(node), better=True)
    }
    for asset in assets:
        node, successor = before.nodes[asset.address], after.nodes.get(asset.address)
        gone = _goes(node, successor) or any(_goes(before.nodes[a], after.nodes.get(a)) for a in _holders(before, node))
        followed = _family(node) in restored or asset.address in survivors.values()
        if gone and node.entry.data is not None and asset.holds_data and not followed:
            yield asset


def _goes(node: Node, successor: Node | None) -> bool:
    return (successor is None or successor.resource.action.replaces) and node.resource.action is not Action.FORGET


def _holders(survey: Survey, node: Node) -> list[str]:
    """What takes the data of a store along where it goes."""
    path = node.entry.data.kept_in if node.entry.data is not None else ""
    return [edge.target for edge in survey.outgoing(node.address) if edge.path == path] if path else []


def _keeps_snapshot(before: Survey, asset: DataAsset) -> bool:
    node = before.nodes[asset.address]
    assert node.entry.data is not None
    return before.facts.truth(node.entry.data.final_snapshot, node.address, before.scope(node), better=True)


def locked_out(assets: tuple[DataAsset, ...], keys: Mapping[str, str], table: ReliabilityTable) -> tuple[DataAsset, ...]:
    """The assets, with the loss of the key where the plan deletes what they are encrypted with (store -> key)."""
    lost = Loss(LossKind.KEY, table.row("key").failures_per_year)
    return tuple(replace(asset, losses=(*asset.losses, lost)) if not keys.keys().isdisjoint(asset.stores) else asset for asset in assets)


def _family(node: Node) -> tuple[str, str]:
    """Stores that take over each other's snapshots: of one service, an instance and a cluster alike."""
    return node.entry.service or node.resource.type, node.entry.kind
