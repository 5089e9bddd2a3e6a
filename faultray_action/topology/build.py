"""From a plan to the topologies of its stages: before and after, at worst and (where unknown values matter) at best."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache
from types import MappingProxyType

from msgspec import Struct, field
from msgspec.structs import replace

from faultray_action.catalogue.load import Catalogue
from faultray_action.catalogue.sla import SlaTable
from faultray_action.model.component import Component, Fault, Kind
from faultray_action.model.diagnostic import Diagnostic
from faultray_action.model.policy import Policy
from faultray_action.model.reliability import ReliabilityTable
from faultray_action.model.topology import Coverage, DataAsset, Dependency, EntryPoint, Role, Topology
from faultray_action.terraform.plan import Links, Plan, Side
from faultray_action.terraform.reader import lasting
from faultray_action.topology import agents, assets, components, coverage, dependencies, entries, keys, lost, overrides, shares
from faultray_action.topology.components import Parts
from faultray_action.topology.dependencies import Told
from faultray_action.topology.externals import externals_of
from faultray_action.topology.facts import Choice
from faultray_action.topology.known_side import KnownSide
from faultray_action.topology.network import firewall, joints, ordered_rules, pod_policies, ways_out
from faultray_action.topology.operations import operations_of
from faultray_action.topology.survey import Survey, take

LinksOf = Callable[[Plan, Side], Links]
"""The terraform floor's `links`, bound to the catalogue's identities and the locals of the source."""


class Knowledge(Struct, frozen=True):
    """What a build knows besides the plan: the catalogue, the numbers, the contract figures and what the team states."""

    catalogue: Catalogue
    table: ReliabilityTable
    slas: SlaTable
    policy: Policy = Policy()


class Draft(Struct, eq=False):
    """One side while it is built."""

    survey: Survey
    firewalls: firewall.Firewalls
    components: dict[str, Component]
    faults: dict[str, Fault]
    dependencies: tuple[Dependency, ...]
    entries: list[EntryPoint]
    parts: Parts
    ordered: ordered_rules.OrderedFirewalls
    told: Told = {}
    ledger: assets.Ledger = field(default_factory=assets.Ledger)
    found: dict[tuple[frozenset[str], ...], tuple[DataAsset, ...]] = {}
    drawn: tuple[tuple[Dependency, ...], dict[str, list[str]]] | None = None
    frozen: tuple[tuple[Dependency, ...], list[EntryPoint], Topology] | None = None


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
    was = _draft(plan, links[Side.BEFORE], knowledge, Side.BEFORE, Choice.WORST)
    worst = (was, _draft(plan, links[Side.AFTER], knowledge, Side.AFTER, Choice.WORST, was))
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
    after = _draft(plan, links, knowledge, Side.AFTER, Choice.WORST, known)
    return _pair(plan, (before, after), knowledge, stages.after.coverage)


def _at_best(plan: Plan, links: Mapping[Side, Links], knowledge: Knowledge, worst: Draft, side: Side) -> Draft:
    """A side at its best: only what met an unknown value can differ from its worst."""
    unsure = worst.survey.facts.unsure
    return _draft(plan, links[side], knowledge, side, Choice.BEST, worst, frozenset(unsure)) if unsure else worst


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
    before = _shared_out(_joined(before, after), after)
    _carry_inferred(before, after)
    _sever(before, after)
    before = _mended(before, after)
    before = _with_open(before, after)
    declared = assets.declared(before.survey, before.ledger) | assets.declared(after.survey, after.ledger)
    among = {side: frozenset(_wanted(draft) | declared) for side, draft in ((Side.BEFORE, before), (Side.AFTER, after))}
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
    return coverage.measure(plan, knowledge.catalogue, surveys, {Side.BEFORE: _closure(before), Side.AFTER: _closure(after)})


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


def _draft(
    plan: Plan,
    links: Links,
    knowledge: Knowledge,
    side: Side,
    choice: Choice,
    known: Draft | None = None,
    unsure: frozenset[str] = frozenset(),
) -> Draft:
    """One side. `known`: another side (or the same one, otherwise) of the plan; only what differs between the two is worked out anew."""
    survey = take(plan, links, knowledge.catalogue, side, choice, known.survey if known else None, unsure)
    differing = components.touched(survey, known.survey, unsure) if known else set[str]()
    parts = components.assemble(survey, knowledge.table, known.parts if known else None, differing)
    pure = Parts(parts.dealer, dict(parts.components), dict(parts.faults), parts.places)
    overrides.on_components(parts.components, parts.faults, knowledge.policy, knowledge.table, _zones(parts, knowledge.policy))
    told = dependencies.tell(survey, known.told if known else None, differing)
    needs = dependencies.connect(survey, parts.components, told)
    firewalls = firewall.read(survey, known.firewalls if known else None, differing)
    needs += tuple(firewall.inferred_needs(survey, firewalls, parts.components, needs))
    needs = agents.loosen(survey, overrides.on_dependencies(needs, parts.components, knowledge.policy))
    found = entries.find(survey, parts.components, needs)
    parts.components.update({component.address: component for component in found.components})
    needs += tuple(found.dependencies)
    chosen = overrides.on_entries(found.entries, parts.components, knowledge.policy)
    ledger = assets.Ledger(known.ledger, differing) if known else assets.Ledger()
    return Draft(survey, firewalls, parts.components, parts.faults, needs, chosen, pure, ordered_rules.read(survey), told, ledger)


def _zones(parts: Parts, policy: Policy) -> Mapping[str, tuple[str, ...]]:
    """Where copies of a component may stand, whether or not one does; asked only where a team states something."""
    return {address: where.zones for address, where in parts.places.items()} if policy.overrides else {}


def _joined(before: Draft, after: Draft) -> Draft:
    """Both sides with what is needed through joints of networks; the side before is another one where there is any."""
    was, is_now = joints.needs_beyond(_standing(before), _standing(after))
    after.dependencies += is_now
    return replace(before, dependencies=before.dependencies + was, frozen=None) if was else before


def _shared_out(before: Draft, after: Draft) -> Draft:
    """Both sides with parts of a front that one of them has alone as entries of their own; the side before is another one where it has any."""
    was, is_now = shares.settle(_standing(before), _standing(after))
    if is_now is not None:
        after.dependencies, after.entries = is_now[0], is_now[1]
        after.components.update({component.address: component for component in is_now[2]})
    if was is None:
        return before
    made = {component.address: component for component in was[2]}
    return replace(before, dependencies=was[0], entries=was[1], components={**before.components, **made}, frozen=None)


def _carry_inferred(before: Draft, after: Draft) -> None:
    """A need that only a firewall rule told of does not end with the rule: it stands on the other side too where both ends do."""
    told = [d for d in before.dependencies if d.evidence and before.survey.nodes.get(d.evidence[0].address, None) and _is_told(before, d)]
    known = {(d.source, d.target) for d in after.dependencies}
    needed = {d.target for d in after.dependencies if d.role is Role.NEED}
    kept = [
        d for d in told if {d.source, d.target} <= after.components.keys() and (d.source, d.target) not in known and d.target not in needed
    ]
    after.dependencies += tuple(kept)


def _is_told(draft: Draft, dependency: Dependency) -> bool:
    return draft.survey.nodes[dependency.evidence[0].address].entry.disposition == "firewall"


def _sever(before: Draft, after: Draft) -> None:
    """Mark the needs of after that can no longer be met: no rule admits them, or an entry that led somewhere leads nowhere."""
    was_guarded, is_guarded = _guarded(before), _guarded(after)
    for (caller, callee), owner in sorted(firewall.severed(was_guarded, is_guarded).items()):
        words = "refuses calls of" if after.firewalls.ranked.denies(owner) else "was the last rule that admits"
        reason = f"{owner} {words} {caller} to {callee}"
        after.dependencies = tuple(_broken_towards(after, caller, callee, reason))
    for front, owner in firewall.shut_out(was_guarded, is_guarded, _fronts(before)).items():
        words = "refuses users of" if after.firewalls.ranked.denies(owner) else "was the last rule that lets users in to"
        after.dependencies += (Dependency(front, front, broken=f"{owner} {words} {front}"),)
    was, is_now = _standing(before), _standing(after)
    for (caller, callee), way in sorted(joints.severed(was, is_now).items()):
        reason = f"{way} was the way from the network of {caller} to that of {callee}"
        after.dependencies = tuple(_broken_towards(after, caller, callee, reason))
    _refuse(after, ordered_rules.severed(_ordered(before), _ordered(after)), "{0}: no rule admits {1} to {2} any more")
    _refuse(after, pod_policies.severed(_policed(before), _policed(after)), "{0} does not admit {1} to {2} any more")
    was, is_now = _standing(before), _standing(after)
    gone = lost.broken(was, is_now)
    after.dependencies += gone
    kept = lost.by_lost_names(was, is_now)
    after.entries = sorted([*kept, *lost.reappearing(was, is_now, gone)], key=lambda entry: entry.address)
    dead = tuple(_dead_ends(before, after))
    after.dependencies += (*dead, *_dead_fronts(before, after, {d.source for d in dead}))


def _mended(before: Draft, after: Draft) -> Draft:
    """The side before with what the plan mends marked as broken there: an entry that led nowhere, servers that were missing, a rule."""
    was = replace(before, entries=list(before.entries), frozen=None)
    cut = firewall.severed(_guarded(after), _guarded(was))
    shut = firewall.shut_out(_guarded(after), _guarded(was), _fronts(after))
    for (caller, callee), owner in sorted(cut.items()):
        was.dependencies = tuple(_broken_towards(was, caller, callee, f"{owner} does not admit {caller} to {callee} yet"))
    refused = ordered_rules.severed(_ordered(after), _ordered(was))
    _refuse(was, refused, "{0}: no rule admits {1} to {2} yet")
    unpoliced = pod_policies.severed(_policed(after), _policed(was))
    _refuse(was, unpoliced, "{0} does not admit {1} to {2} yet")
    to_be, as_it_is = _standing(after), _standing(was)
    empty = (*lost.unserved(to_be, as_it_is), *ways_out.not_yet_a_way(as_it_is, to_be))
    dead = tuple(_dead_ends(after, was))
    closed = [Dependency(front, front, broken=f"{owner} lets nobody in to {front} yet") for front, owner in shut.items()]
    found = (*empty, *dead, *closed, *_dead_fronts(after, was, {d.source for d in dead}))
    if not (found or cut or refused or unpoliced):
        return before
    was.dependencies += found
    return was


def _with_open(before: Draft, after: Draft) -> Draft:
    """The side before with the fronts as entries that users could reach there all along: behind an entry that still stands and leads past them
    now they are no new ways in, and what they always lacked is no loss."""
    known, standing = {e.address for e in before.entries}, {e.address for e in after.entries}
    needs = _needs(before)
    kept = entries.closure_of([e.component for e in before.entries if e.address in standing], needs)
    found = [e for e in after.entries if e.address not in known and e.component in kept and _is_open(before, e) and _is_open(after, e)]
    return replace(before, entries=sorted([*before.entries, *found], key=lambda e: e.address), frozen=None) if found else before


def _is_open(draft: Draft, entry: EntryPoint) -> bool:
    return entry.component in draft.survey.nodes and lost.is_open(draft.survey, entry.component, better=False)


def _fronts(draft: Draft) -> Callable[[str], bool]:
    """Whether users' traffic comes to an address from outside: it is an entry, or would be if no name led to it."""

    in_use = cache(lambda: _closure(draft))
    return lambda address: address in draft.survey.nodes and lost.is_open(draft.survey, address, better=False) and address in in_use()


def _policed(draft: Draft) -> pod_policies.Policed:
    return pod_policies.Policed(draft.survey, draft.dependencies, draft.entries)


def _guarded(draft: Draft) -> firewall.Guarded:
    return draft.survey, draft.firewalls, draft.dependencies


def _ordered(draft: Draft) -> ordered_rules.Guarded:
    return ordered_rules.Guarded(draft.survey, draft.ordered, draft.dependencies)


def _refuse(draft: Draft, refused: Mapping[tuple[str, str], str], said: str) -> None:
    """Break the calls that are refused; users that no longer reach a front break the front itself."""
    for (caller, callee), owner in sorted(refused.items()):
        reason = said.format(owner, "anybody" if caller == callee else caller, callee)
        if caller == callee:
            draft.dependencies += (Dependency(callee, callee, broken=reason),)
        else:
            draft.dependencies = tuple(_broken_towards(draft, caller, callee, reason))


def _standing(draft: Draft) -> KnownSide:
    return KnownSide(draft.survey, draft.components, draft.parts.places, draft.dependencies, tuple(draft.entries))


def _broken_towards(draft: Draft, caller: str, callee: str, reason: str) -> Iterable[Dependency]:
    """Break the last step of the ways from caller to callee that run through connectors only."""
    inside = {caller} | _connectors_from(draft, caller)
    for d in draft.dependencies:
        yield replace(d, broken=reason) if d.target == callee and d.source in inside and d.role is Role.NEED else d


def _connectors_from(draft: Draft, caller: str) -> set[str]:
    needs: dict[str, list[str]] = {}
    for d in draft.dependencies:
        needs.setdefault(d.source, []).append(d.target)
    found: set[str] = set()
    stack = [caller]
    while stack:
        for target in needs.get(stack.pop(), ()):
            if target not in found and draft.components[target].kind is Kind.CONNECTOR:
                found.add(target)
                stack.append(target)
    return found


def _dead_ends(before: Draft, after: Draft) -> Iterable[Dependency]:
    """Entries that reached a workload or store before and reach none after, while they still exist."""
    was = {entry.address: entry for entry in before.entries}
    needs_before, needs_after = _needs(before), _adjacent(after.dependencies)
    for address, entry in sorted(was.items()):
        if entry.component not in after.components or entry.component not in before.components or _serves_itself(after, entry):
            continue
        if _leads_somewhere(after, entry.component, needs_after):
            continue
        reached = _serving(before, entries.closure(entry.component, needs_before)) - {entry.component}
        if reached:
            target = _nearest(entry.component, needs_before, reached & after.components.keys()) or entry.component
            yield Dependency(entry.component, target, broken=f"{address} reached {min(reached)} before and reaches nothing after")
            if not any(e.address == address for e in after.entries):
                after.entries = sorted([*after.entries, entry], key=lambda e: e.address)


def _adjacent(dependencies: Iterable[Dependency]) -> dict[str, list[str]]:
    """Needs, met or broken: a broken one explains itself why nothing is reached."""
    needs: dict[str, list[str]] = {}
    for d in dependencies:
        if d.role is not Role.REPLICA:
            needs.setdefault(d.source, []).append(d.target)
    return needs


def _nearest(start: str, needs: Mapping[str, list[str]], among: Collection[str]) -> str:
    """The first of some addresses that lie behind a vertex, level by level; "" where there is none."""
    seen, level = {start}, [start]
    while level:
        level = sorted({target for address in level for target in needs.get(address, ())} - seen)
        found = [address for address in level if address in among]
        if found:
            return found[0]
        seen.update(level)
    return ""


def _leads_somewhere(draft: Draft, start: str, needs: Mapping[str, list[str]]) -> bool:
    """Whether anything behind a vertex serves, itself left out."""
    seen, stack = {start}, [start]
    while stack:
        for target in needs.get(stack.pop(), ()):
            if target in seen:
                continue
            if target in draft.components and draft.components[target].kind not in _PASSING:
                return True
            seen.add(target)
            stack.append(target)
    return False


_FRONTS = ("load_balancer", "gateway", "cdn")
"""Kinds of connectors that users' traffic runs through, unlike a configuration that only names what is behind it."""


def _dead_fronts(before: Draft, after: Draft, dead_entries: set[str]) -> Iterable[Dependency]:
    """Fronts behind an entry (a Service, a backend pool) that reached a workload or store before and reach none after: a selector that
    matches nothing, a pool that lost its last server. Of a chain of them the first only, none that is or stands behind a dead entry, and none
    whose broken need says it already."""
    needs_before, needs_after = _needs(before), _needs(after)
    fronts = [a for a in sorted(_closure(after) & before.components.keys()) if _is_front(after, a)]
    lost = {
        a: dependencies.reached(a, needs_before, before.survey) for a in fronts if not dependencies.reached(a, needs_after, after.survey)
    }
    dead = [address for address, reached in lost.items() if reached]
    behind = {a for top in (*dead_entries, *dead) for a in entries.closure(top, needs_after)}
    behind |= dead_entries | {d.source for d in after.dependencies if d.broken}
    for address in dead:
        if address not in behind:
            target = next((a for a in sorted(lost[address]) if a in after.components), address)
            yield Dependency(address, target, broken=f"{address} reached {min(lost[address])} before and reaches nothing after")


def _is_front(draft: Draft, address: str) -> bool:
    node = draft.survey.nodes.get(address)
    return node is not None and node.entry.disposition == "connector" and node.entry.kind in _FRONTS


def _serves_itself(draft: Draft, entry: EntryPoint) -> bool:
    """A workload or a store answers without anything behind it; a front does not."""
    node = draft.survey.nodes.get(entry.component)
    return node is not None and (node.entry.workload or node.entry.stateful)


_PASSING = (Kind.CONNECTOR, Kind.LOAD_BALANCER, Kind.GATEWAY, Kind.CDN, Kind.DNS, Kind.NAT)
"""Kinds that pass requests on and answer none themselves."""


def _serving(draft: Draft, addresses: Iterable[str]) -> set[str]:
    return {a for a in addresses if a in draft.components and draft.components[a].kind not in _PASSING}


def _needs(draft: Draft) -> dict[str, list[str]]:
    """Who needs whom, drawn once for the same dependencies."""
    if draft.drawn is None or draft.drawn[0] is not draft.dependencies:
        draft.drawn = draft.dependencies, _graph(draft)
    return draft.drawn[1]


def _graph(draft: Draft) -> dict[str, list[str]]:
    needs: dict[str, list[str]] = {}
    for d in draft.dependencies:
        if d.role is not Role.REPLICA and not d.broken:
            needs.setdefault(d.source, []).append(d.target)
    return needs


def _closure(draft: Draft) -> set[str]:
    needs = _needs(draft)
    tops = {entry.component for entry in draft.entries}
    return tops | entries.closure_of(tops, needs)


def _wanted(draft: Draft) -> set[str]:
    """Stateful components in the closure of an entry."""
    return {a for a in _closure(draft) if a in draft.components and draft.components[a].stateful}


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
    on_path = _closure(draft)
    return Topology(
        components=MappingProxyType({address: draft.components[address] for address in sorted(draft.components)}),
        dependencies=tuple(sorted(draft.dependencies, key=lambda d: (d.source, d.target, d.role, d.group))),
        faults=MappingProxyType({id: draft.faults[id] for id in sorted(used)}),
        entries=tuple(draft.entries),
        externals=externals_of(draft.components, knowledge.slas, on_path, overrides.stated_slas(knowledge.policy, sorted(on_path))),
        agents=agents.find(draft.survey, draft.dependencies, knowledge.table),
        operations=operations_of(knowledge.table, knowledge.policy),
    )
