"""From a plan to the topologies of its stages: before and after, at worst and (where unknown values matter) at best."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace

from faultray_action.model.diagnostic import Diagnostic
from faultray_action.model.topology import Coverage, DataAsset, LossKind, Topology
from faultray_action.terraform.plan import Links, Plan, Side
from faultray_action.terraform.reader import lasting
from faultray_action.topology import agents, assets, coverage, keys, overrides
from faultray_action.topology.align import alone, settled, shown_by_change
from faultray_action.topology.draft import Draft, Knowledge, drafted, in_use, wanted
from faultray_action.topology.externals import externals_of
from faultray_action.topology.facts import Choice
from faultray_action.topology.operations import operations_of

LinksOf = Callable[[Plan, Side], Links]
"""The terraform floor's `links`, bound to the catalogue's identities and the locals of the source."""


class Pair(Struct, frozen=True, dict=True):
    """Both sides held against each other, and each as it stands by itself: the same object where that is the same.

    What stands by itself does not depend on the other side. Only what the change itself shows of the state that it leaves is in `after_alone`
    too: a call that it cuts, data that it destroys (docs/model.md). `left`: finds `after_alone`, which most simulations never ask for.
    """

    before: Topology
    after: Topology
    before_alone: Topology
    left: Callable[[], Topology]

    @cached_property
    def after_alone(self) -> Topology:
        return self.left()


class Stages(Struct, frozen=True):
    """`best` is the same object as `worst` where no unknown value decides anything."""

    worst: Pair
    best: Pair

    links: Mapping[Side, Links]
    drafts: tuple[Draft, Draft]

    @property
    def before(self) -> Topology:
        return self.worst.before

    @property
    def after(self) -> Topology:
        return self.worst.after

    @property
    def undecided(self) -> bool:
        """Whether an unknown value makes a difference to either topology."""
        return self.best is not self.worst


def build(plan: Plan, links_of: LinksOf, knowledge: Knowledge) -> Stages:
    """Both sides of a plan, coverage and all; unknown values at worst, and at best where that differs."""
    with lasting():
        return _build(plan, links_of, knowledge)


def _build(plan: Plan, links_of: LinksOf, knowledge: Knowledge) -> Stages:
    knowledge = replace(knowledge, table=overrides.table_with(knowledge.table, knowledge.policy))
    links = {side: links_of(plan, side) for side in (Side.BEFORE, Side.AFTER)}
    was = drafted(plan, links[Side.BEFORE], knowledge, Side.BEFORE, Choice.WORST)
    drafts = (was, drafted(plan, links[Side.AFTER], knowledge, Side.AFTER, Choice.WORST, was))
    worst = _paired(plan, drafts, knowledge)
    if not any(draft.survey.facts.unknown for draft in drafts):
        return Stages(worst, worst, links, drafts)
    at_best = _at_best(plan, links, knowledge, drafts[0], Side.BEFORE), _at_best(plan, links, knowledge, drafts[1], Side.AFTER)
    best = _paired(plan, at_best, knowledge, worst.after.coverage)
    return Stages(worst, worst if _alike(worst, best) else best, links, drafts)


def rebuild(plan: Plan, links: Links, knowledge: Knowledge, stages: Stages) -> Pair:
    """Both sides, at worst, of a plan that differs a little in what it leaves from the one `stages` was built from.

    `links` are those of its AFTER. What the difference does not reach is taken from `stages`; coverage stays as it was.
    """
    knowledge = replace(knowledge, table=overrides.table_with(knowledge.table, knowledge.policy))
    before, known = stages.drafts
    after = drafted(plan, links, knowledge, Side.AFTER, Choice.WORST, known)
    return _paired(plan, (before, after), knowledge, stages.after.coverage, stages.worst.before_alone)


def _at_best(plan: Plan, links: Mapping[Side, Links], knowledge: Knowledge, worst: Draft, side: Side) -> Draft:
    """A side at its best: only what met an unknown value can differ from its worst."""
    unsure = worst.survey.facts.unsure
    return drafted(plan, links[side], knowledge, side, Choice.BEST, worst, frozenset(unsure)) if unsure else worst


def _alike(worst: Pair, best: Pair) -> bool:
    return all(
        _same(one, other)
        for one, other in (
            (worst.before, best.before),
            (worst.after, best.after),
            (worst.before_alone, best.before_alone),
            (worst.after_alone, best.after_alone),
        )
    )


def _same(one: Topology, other: Topology) -> bool:
    """Whether two topologies are examined alike."""
    return one is other or (
        one.entries == other.entries
        and one.assets == other.assets
        and one.dependencies == other.dependencies
        and one.components == other.components
        and one.faults == other.faults
    )


def _paired(
    plan: Plan,
    drafts: tuple[Draft, Draft],
    knowledge: Knowledge,
    measured: Coverage | None = None,
    before_alone: Topology | None = None,
) -> Pair:
    """Both sides; `before_alone` where it is known already: it does not depend on what the plan leaves."""
    before, after = settled(*drafts)
    was, is_now = _both_assets(before, after, knowledge)
    measured = measured or _measure(plan, knowledge, before, after)
    unmatched = overrides.unmatched(knowledge.policy, (r.address for r in plan.resources))
    held = _freeze(before, was, knowledge, measured, plan.diagnostics)
    left = _freeze(after, is_now, knowledge, measured, (*plan.diagnostics, *unmatched))

    def after_alone() -> Topology:
        own = shown_by_change(alone(drafts[1]), after)
        return _alone(own, left, _with_lost(_own_assets(own, knowledge), is_now), knowledge)

    if before_alone is None:
        own = alone(drafts[0])
        before_alone = _alone(own, held, _own_assets(own, knowledge), knowledge)
    return Pair(held, left, before_alone, after_alone)


def _alone(draft: Draft, held: Topology, found: tuple[DataAsset, ...], knowledge: Knowledge) -> Topology:
    """A side by itself; the one that is held against the other where they are the same."""
    frozen = _freeze(draft, found, knowledge, held.coverage, held.diagnostics)
    return held if _same(frozen, held) else frozen


def _own_assets(draft: Draft, knowledge: Knowledge) -> tuple[DataAsset, ...]:
    """The data of a side, as this side alone shows it; data that nobody reaches any more is not worth less for that."""
    among = frozenset(wanted(draft, met=False) | assets.declared(draft.survey, draft.ledger))
    lasting = assets.durable(draft.survey, among, draft.ledger)
    return _assets(draft, among | lasting, lasting, assets.copied_abroad(draft.survey, among, draft.ledger), knowledge)


def _with_lost(found: tuple[DataAsset, ...], compared: tuple[DataAsset, ...]) -> tuple[DataAsset, ...]:
    """The data that stands, with what applying does to it: destroyed, in a snapshot only, locked by a key that goes."""
    kept = {asset.address: asset for asset in found}
    for asset in compared:
        own = kept.get(asset.address)
        if asset.destroyed:
            kept[asset.address] = asset if own is None else replace(own, destroyed=True)
        elif own is not None:
            locked = [loss for loss in asset.losses if loss.kind is LossKind.KEY and loss not in own.losses]
            if locked or asset.unrestored:
                kept[asset.address] = replace(own, unrestored=asset.unrestored, losses=(*own.losses, *locked))
    return tuple(asset for _, asset in sorted(kept.items()))


def _both_assets(before: Draft, after: Draft, knowledge: Knowledge) -> tuple[tuple[DataAsset, ...], tuple[DataAsset, ...]]:
    """The data of both sides, asked alike: what is durable, declared or copied on either side counts on both."""
    declared = assets.declared(before.survey, before.ledger) | assets.declared(after.survey, after.ledger)
    among = {side: frozenset(wanted(draft) | declared) for side, draft in ((Side.BEFORE, before), (Side.AFTER, after))}
    lasting = assets.durable(before.survey, among[Side.BEFORE], before.ledger)
    lasting |= assets.durable(after.survey, among[Side.AFTER], after.ledger)
    abroad = assets.copied_abroad(before.survey, among[Side.BEFORE] | lasting, before.ledger)
    abroad |= assets.copied_abroad(after.survey, among[Side.AFTER] | lasting, after.ledger)
    was = _assets(before, among[Side.BEFORE] | lasting, lasting, abroad, knowledge)
    is_now = _assets(after, among[Side.AFTER] | lasting, lasting, abroad, knowledge)
    is_now = assets.locked_out(is_now, keys.deleted(before.survey, after.survey), knowledge.table)
    survivors = {e.source: e.target for e in before.survey.edges if e.role == "replica" and _is_promoted(after, e.source)}
    is_now = _with_destroyed(is_now, assets.destroyed(before.survey, after.survey, was, survivors))
    empty = assets.unrestored(before.survey, after.survey, was, survivors)
    return was, tuple(replace(asset, unrestored=True) if asset.address in empty else asset for asset in is_now)


def _measure(plan: Plan, knowledge: Knowledge, before: Draft, after: Draft) -> Coverage:
    surveys = {Side.BEFORE: before.survey, Side.AFTER: after.survey}
    return coverage.measure(plan, knowledge.catalogue, surveys, {Side.BEFORE: in_use(before), Side.AFTER: in_use(after)})


def _assets(
    draft: Draft, wanted: frozenset[str], lasting: frozenset[str], abroad: frozenset[str], knowledge: Knowledge
) -> tuple[DataAsset, ...]:
    """Found once for the same question: the side before is asked again with every simulation."""
    key = (wanted, lasting, abroad)
    if key not in draft.found:
        draft.found[key] = assets.find(draft.survey, knowledge.table, wanted, lasting, abroad, draft.ledger)
    return draft.found[key]


def _is_promoted(after: Draft, replica: str) -> bool:
    """A replica that stands after and copies nobody any more."""
    return replica in after.survey.nodes and not after.survey.outgoing(replica, "replica")


def _with_destroyed(after: tuple[DataAsset, ...], lost: tuple[DataAsset, ...]) -> tuple[DataAsset, ...]:
    gone = {asset.address: replace(asset, destroyed=True, stores=()) for asset in lost}
    kept = [asset if asset.destroyed == (asset.address in gone) else replace(asset, destroyed=not asset.destroyed) for asset in after]
    known = {asset.address for asset in kept}
    return tuple(sorted([*kept, *(asset for address, asset in gone.items() if address not in known)], key=lambda asset: asset.address))


def _freeze(
    draft: Draft, found: tuple[DataAsset, ...], knowledge: Knowledge, measured: Coverage, diagnostics: tuple[Diagnostic, ...]
) -> Topology:
    if draft.frozen is None or draft.frozen[0] is not draft.dependencies or draft.frozen[1] is not draft.entries:
        draft.frozen = draft.dependencies, draft.entries, _structure(draft, knowledge)
    return replace(draft.frozen[2], assets=overrides.on_assets(found, knowledge.policy), coverage=measured, diagnostics=diagnostics)


def _structure(draft: Draft, knowledge: Knowledge) -> Topology:
    """A side without its assets: frozen once for the same dependencies and entries."""
    used = {id for c in draft.components.values() for copy in c.copies for id in copy.faults} | {
        g for c in draft.components.values() for g in c.gaps
    }
    on_path = in_use(draft)
    return Topology(
        components=MappingProxyType({address: draft.components[address] for address in sorted(draft.components)}),
        dependencies=tuple(sorted(draft.dependencies, key=lambda d: (d.source, d.target, d.role, d.group))),
        faults=MappingProxyType({id: draft.faults[id] for id in sorted(used)}),
        entries=tuple(draft.entries),
        externals=externals_of(draft.components, knowledge.slas, on_path, overrides.stated_slas(knowledge.policy, sorted(on_path))),
        agents=agents.find(draft.survey, draft.dependencies, knowledge.table),
        operations=operations_of(knowledge.table, knowledge.policy),
    )
