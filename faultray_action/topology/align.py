"""The two sides held against each other: what each does not permit, ways in that both have, parts that one of the two has alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from msgspec.structs import replace

from faultray_action.model.component import Kind
from faultray_action.model.topology import Dependency, EntryPoint, Role
from faultray_action.topology import dependencies, entries, shares
from faultray_action.topology.draft import Draft, in_use, needs_of, standing
from faultray_action.topology.reachability import checks, lost, peering
from faultray_action.topology.reachability.cuts import applied
from faultray_action.topology.survey import is_open


def settled(before: Draft, after: Draft) -> Draft:
    """Hold the two sides against each other: what the plan cuts is broken after, what it mends was broken before. `after` is changed; the side
    before is another one where anything is told of it."""
    before = _shared_out(_joined(before, after), after)
    _carry_inferred(before, after)
    was, is_now = standing(before), standing(after)
    gone, missing = checks.cuts(is_now, was), checks.cuts(was, is_now, mending=True)
    after.dependencies = applied(after.dependencies, after.components, gone)
    kept = lost.by_lost_names(was, is_now)
    after.entries = sorted([*kept, *lost.reappearing(was, is_now, gone)], key=lambda entry: entry.address)
    _cut_dead_ends(before, after)
    before = replace(
        before, entries=list(before.entries), frozen=None, dependencies=applied(before.dependencies, before.components, missing)
    )
    _cut_dead_ends(after, before)
    return _with_open(before, after)


def alone(draft: Draft) -> Draft:
    """A side by itself: held against nothing but itself."""
    return settled(copied(draft), copied(draft))


def copied(draft: Draft) -> Draft:
    """A side that may be held against another one while the first stays as it is."""
    return replace(draft, components=dict(draft.components), entries=list(draft.entries), frozen=None, drawn=None)


def shown_by_change(own: Draft, held: Draft) -> None:
    """Add to a side by itself what only the change shows of it: needs that it cuts, and entries that stand and lead nowhere since then.

    `held`: the same side, held against the other one. What only serves a comparison like for like (a part of a front as an entry of its own) is no
    part of the state."""
    broken = [d for d in held.dependencies if d.broken]
    if broken:
        own.dependencies = _with_broken(own, broken)
    keys = {entry.address: entry.keys for entry in held.entries}
    known = [replace(entry, keys=keys.get(entry.address, entry.keys)) for entry in own.entries]
    own.entries = sorted([*known, *_silenced(own, held, broken)], key=lambda entry: entry.address)


def _with_broken(own: Draft, broken: Iterable[Dependency]) -> tuple[Dependency, ...]:
    """The needs of a side with these broken; one that it does not know is added where both of its ends stand."""
    reasons: dict[tuple[str, str], Dependency] = {}
    for need in broken:
        source = need.source if need.source in own.components else shares.front_of(need.source)
        reasons.setdefault((source, need.target), need)
    marked: list[Dependency] = []
    for need in own.dependencies:
        found = reasons.get((need.source, need.target))
        if found is not None and need.role is Role.NEED and not need.broken:
            need = replace(need, broken=found.broken)
        marked.append(need)
    known = {(need.source, need.target) for need in marked if need.broken}
    for (source, target), need in reasons.items():
        if (source, target) not in known and {source, target} <= own.components.keys():
            marked.append(replace(need, source=source))
    return tuple(marked)


def _silenced(own: Draft, held: Draft, broken: Iterable[Dependency]) -> Iterable[EntryPoint]:
    """Entries that stand only since the other side knew them, with a need behind them that is broken."""
    known = {entry.address for entry in own.entries}
    sources = {need.source for need in broken}
    needs = _adjacent(held.dependencies)
    for entry in held.entries:
        made = entry.inferred == shares.PART or entry.component not in own.components
        if entry.address in known or made:
            continue
        if not sources.isdisjoint({entry.component, *entries.closure(entry.component, needs)}):
            yield entry


def _cut_dead_ends(other: Draft, draft: Draft) -> None:
    """Break what leads nowhere here and somewhere on the other side: entries, then the fronts behind them."""
    dead = tuple(_dead_ends(other, draft))
    draft.dependencies += (*dead, *_dead_fronts(other, draft, {d.source for d in dead}))


def _joined(before: Draft, after: Draft) -> Draft:
    """Both sides with what is needed through joints of networks; the side before is another one where there is any."""
    was, is_now = peering.needs_beyond(standing(before), standing(after))
    after.dependencies += is_now
    return replace(before, dependencies=before.dependencies + was, frozen=None) if was else before


def _shared_out(before: Draft, after: Draft) -> Draft:
    """Both sides with parts of a front that one of them has alone as entries of their own; the side before is another one where it has any."""
    was, is_now = shares.settle(standing(before), standing(after))
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


def _with_open(before: Draft, after: Draft) -> Draft:
    """The side before with the fronts as entries that users could reach there all along: behind an entry that still stands and leads past them
    now they are no new ways in, and what they always lacked is no loss."""
    known, standing = {e.address for e in before.entries}, {e.address for e in after.entries}
    needs = needs_of(before)
    kept = entries.closure_of([e.component for e in before.entries if e.address in standing], needs)
    found = [e for e in after.entries if e.address not in known and e.component in kept and _is_open(before, e) and _is_open(after, e)]
    return replace(before, entries=sorted([*before.entries, *found], key=lambda e: e.address), frozen=None) if found else before


def _is_open(draft: Draft, entry: EntryPoint) -> bool:
    return entry.component in draft.survey.nodes and is_open(draft.survey, entry.component, better=False)


def _dead_ends(before: Draft, after: Draft) -> Iterable[Dependency]:
    """Entries that reached a workload or store before and reach none after, while they still exist."""
    was = {entry.address: entry for entry in before.entries}
    needs_before, needs_after = needs_of(before), _adjacent(after.dependencies)
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
    needs_before, needs_after = needs_of(before), needs_of(after)
    fronts = [a for a in sorted(in_use(after) & before.components.keys()) if _is_front(after, a)]
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
