"""From a plan to the topologies of its stages: before and after, at worst and (where unknown values matter) at best."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace

from faultray_action.model.diagnostic import Diagnostic
from faultray_action.model.topology import Coverage, DataAsset, Topology
from faultray_action.terraform.plan import Links, Plan, Side
from faultray_action.terraform.reader import lasting
from faultray_action.topology import agents, assets, coverage, keys, overrides
from faultray_action.topology.align import settled
from faultray_action.topology.draft import Draft, Knowledge, drafted, in_use, wanted
from faultray_action.topology.externals import externals_of
from faultray_action.topology.facts import Choice
from faultray_action.topology.operations import operations_of

LinksOf = Callable[[Plan, Side], Links]
"""The terraform floor's `links`, bound to the catalogue's identities and the locals of the source."""


class Stages(Struct, frozen=True):
    """`before_best` / `after_best` are the same objects as `before` / `after` where no unknown value decides anything."""

    before: Topology
    after: Topology
    before_best: Topology
    after_best: Topology

    links: Mapping[Side, Links]
    drafts: tuple[Draft, Draft]

    @property
    def undecided(self) -> bool:
        """Whether an unknown value makes a difference to either topology."""
        return self.after is not self.after_best or self.before is not self.before_best


def build(plan: Plan, links_of: LinksOf, knowledge: Knowledge) -> Stages:
    """Both sides of a plan, coverage and all; unknown values at worst, and at best where that differs."""
    with lasting():
        return _build(plan, links_of, knowledge)


def _build(plan: Plan, links_of: LinksOf, knowledge: Knowledge) -> Stages:
    knowledge = replace(knowledge, table=overrides.table_with(knowledge.table, knowledge.policy))
    links = {side: links_of(plan, side) for side in (Side.BEFORE, Side.AFTER)}
    was = drafted(plan, links[Side.BEFORE], knowledge, Side.BEFORE, Choice.WORST)
    worst = (was, drafted(plan, links[Side.AFTER], knowledge, Side.AFTER, Choice.WORST, was))
    before, after = _pair(plan, worst, knowledge)
    if not any(draft.survey.facts.unknown for draft in worst):
        return Stages(before, after, before, after, links, worst)
    at_best = _at_best(plan, links, knowledge, worst[0], Side.BEFORE), _at_best(plan, links, knowledge, worst[1], Side.AFTER)
    best = _pair(plan, at_best, knowledge, after.coverage)
    return Stages(before, after, _unless_same(before, best[0]), _unless_same(after, best[1]), links, worst)


def rebuild(plan: Plan, links: Links, knowledge: Knowledge, stages: Stages) -> tuple[Topology, Topology]:
    """Both sides, at worst, of a plan that differs a little in what it leaves from the one `stages` was built from.

    `links` are those of its AFTER. What the difference does not reach is taken from `stages`; coverage stays as it was.
    """
    knowledge = replace(knowledge, table=overrides.table_with(knowledge.table, knowledge.policy))
    before, known = stages.drafts
    after = drafted(plan, links, knowledge, Side.AFTER, Choice.WORST, known)
    return _pair(plan, (before, after), knowledge, stages.after.coverage)


def _at_best(plan: Plan, links: Mapping[Side, Links], knowledge: Knowledge, worst: Draft, side: Side) -> Draft:
    """A side at its best: only what met an unknown value can differ from its worst."""
    unsure = worst.survey.facts.unsure
    return drafted(plan, links[side], knowledge, side, Choice.BEST, worst, frozenset(unsure)) if unsure else worst


def _unless_same(worst: Topology, best: Topology) -> Topology:
    same = (worst.components, worst.dependencies, worst.faults, worst.entries, worst.assets) == (
        best.components,
        best.dependencies,
        best.faults,
        best.entries,
        best.assets,
    )
    return worst if same else best


def _pair(plan: Plan, drafts: tuple[Draft, Draft], knowledge: Knowledge, measured: Coverage | None = None) -> tuple[Topology, Topology]:
    before, after = drafts
    before, after = settled(before, after)
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
    is_now = tuple(replace(asset, unrestored=True) if asset.address in empty else asset for asset in is_now)
    measured = measured or _measure(plan, knowledge, before, after)
    unmatched = overrides.unmatched(knowledge.policy, (r.address for r in plan.resources))
    return (
        _freeze(before, was, knowledge, measured, plan.diagnostics),
        _freeze(after, is_now, knowledge, measured, (*plan.diagnostics, *unmatched)),
    )


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
