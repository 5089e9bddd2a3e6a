"""What one side shows of the other: needs that the plan cuts, ways that it opens, parts that one of the two has alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache

from msgspec.structs import replace

from faultray_action.model.component import Kind
from faultray_action.model.topology import Dependency, EntryPoint, Role
from faultray_action.topology import dependencies, entries, lost, shares
from faultray_action.topology.draft import Draft, in_use, needs_of, standing
from faultray_action.topology.network import firewall, joints, ordered_rules, pod_policies, ways_out


def settled(before: Draft, after: Draft) -> Draft:
    """Hold the two sides against each other: what the plan cuts is broken after, what it mends was broken before. `after` is changed; the side
    before is another one where anything is told of it."""
    before = _shared_out(_joined(before, after), after)
    _carry_inferred(before, after)
    _sever(before, after)
    before = _mended(before, after)
    return _with_open(before, after)


def _joined(before: Draft, after: Draft) -> Draft:
    """Both sides with what is needed through joints of networks; the side before is another one where there is any."""
    was, is_now = joints.needs_beyond(standing(before), standing(after))
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
    was, is_now = standing(before), standing(after)
    for (caller, callee), way in sorted(joints.severed(was, is_now).items()):
        reason = f"{way} was the way from the network of {caller} to that of {callee}"
        after.dependencies = tuple(_broken_towards(after, caller, callee, reason))
    _refuse(after, ordered_rules.severed(_ordered(before), _ordered(after)), "{0}: no rule admits {1} to {2} any more")
    _refuse(after, pod_policies.severed(_policed(before), _policed(after)), "{0} does not admit {1} to {2} any more")
    was, is_now = standing(before), standing(after)
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
    to_be, as_it_is = standing(after), standing(was)
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
    needs = needs_of(before)
    kept = entries.closure_of([e.component for e in before.entries if e.address in standing], needs)
    found = [e for e in after.entries if e.address not in known and e.component in kept and _is_open(before, e) and _is_open(after, e)]
    return replace(before, entries=sorted([*before.entries, *found], key=lambda e: e.address), frozen=None) if found else before


def _is_open(draft: Draft, entry: EntryPoint) -> bool:
    return entry.component in draft.survey.nodes and lost.is_open(draft.survey, entry.component, better=False)


def _fronts(draft: Draft) -> Callable[[str], bool]:
    """Whether users' traffic comes to an address from outside: it is an entry, or would be if no name led to it."""

    used = cache(lambda: in_use(draft))
    return lambda address: address in draft.survey.nodes and lost.is_open(draft.survey, address, better=False) and address in used()


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
