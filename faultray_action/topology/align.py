"""The two sides held against each other: what each does not permit, ways in that both have, parts that one of the two has alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from msgspec.structs import replace

from faultray_action.model.component import Component
from faultray_action.model.topology import Dependency, EntryPoint, Role
from faultray_action.topology import shares, ways_in
from faultray_action.topology.draft import Draft, standing
from faultray_action.topology.known_side import KnownSide
from faultray_action.topology.reachability import checks, fronts, peering
from faultray_action.topology.reachability.cuts import Cut, applied

Step = Callable[[Draft, KnownSide, KnownSide], Draft]
"""(a side, what is known of it, what is known of the other) -> the side with more told of it."""


def settled(before: Draft, after: Draft) -> tuple[Draft, Draft]:
    """Both sides, each held against the other by the same steps: what the plan cuts is broken after, what it mends was broken before. A side of
    which nothing is told beyond itself is the very one given."""
    return _stepped(*asked(before, after), _permitted, _leading)


def alone(draft: Draft) -> Draft:
    """A side in its own state: held against nothing but itself, so that only what it proves is told of it."""
    return settled(draft, draft)[0]


def shown_by_change(own: Draft, held: Draft) -> Draft:
    """A side by itself, with what only the change shows of it: needs that it cuts, and ways in that lead nowhere since then.

    `held`: the same side, held against the other one. What only serves a comparison like for like (a part of a front as an entry of its own, a way in
    that the other side alone would call an entry) is no part of the state."""
    broken = [need for need in held.dependencies if need.broken]
    if not broken:
        return own
    entries = {entry.address: entry for entry in (*_silenced(own, held, broken), *own.entries)}
    made = {entry.component: held.components[entry.component] for entry in entries.values()}
    components = {**made, **own.components}
    return replace(
        own,
        entries=[entries[address] for address in sorted(entries)],
        dependencies=_with_broken(own.dependencies, components, broken),
        components=components,
        frozen=None,
    )


def _silenced(own: Draft, held: Draft, broken: Iterable[Dependency]) -> Iterable[EntryPoint]:
    """Entries that stand only since the other side knew them, with a need behind them that is broken."""
    known = {entry.address for entry in own.entries}
    sources = {need.source for need in broken}
    needs = standing(held).needs.carrying
    for entry in held.entries:
        if entry.address in known or entry.inferred == shares.PART:
            continue
        if not sources.isdisjoint(needs.within(entry.component)):
            yield entry


def _with_broken(needs: Iterable[Dependency], components: Mapping[str, Component], broken: Iterable[Dependency]) -> tuple[Dependency, ...]:
    """The needs with these broken; one that is not among them is added where both of its ends stand."""
    reasons: dict[tuple[str, str], Dependency] = {}
    for need in broken:
        source = need.source if need.source in components else shares.front_of(need.source)
        reasons.setdefault((source, need.target), replace(need, source=source))
    marked: list[Dependency] = []
    for need in needs:
        cut = reasons.get((need.source, need.target))
        if cut is not None and need.role is Role.NEED and not need.broken:
            need = replace(need, broken=cut.broken)
        marked.append(need)
    told = {(need.source, need.target) for need in marked if need.broken}
    for ends, need in reasons.items():
        if ends not in told and set(ends) <= components.keys():
            marked.append(need)
    return tuple(marked)


def asked(before: Draft, after: Draft) -> tuple[Draft, Draft]:
    """Both sides as the checks are asked of them: with the entries and needs that they have in common, none of them cut."""
    return _stepped(before, after, _sharing_ways_in, _joined, _sharing_parts, _carrying, _missing_ways_in)


def _stepped(before: Draft, after: Draft, *steps: Step) -> tuple[Draft, Draft]:
    for step in steps:
        was, is_now = standing(before), standing(after)
        before, after = step(before, was, is_now), step(after, is_now, was)
    return before, after


def _sharing_ways_in(draft: Draft, side: KnownSide, other: KnownSide) -> Draft:
    """What one side alone would call an entry is one on the other too."""
    return _with(draft, entries=ways_in.of_other(side, other))


def _joined(draft: Draft, side: KnownSide, other: KnownSide) -> Draft:
    """With what is needed through joints of networks."""
    return _with(draft, needs=peering.needs_beyond(side, other))


def _sharing_parts(draft: Draft, side: KnownSide, other: KnownSide) -> Draft:
    """With parts of a front that one of the sides has alone as entries of their own."""
    parts = shares.settle(side, other)
    if parts is None:
        return draft
    components = {component.address: component for component in parts.components}
    return replace(draft, dependencies=parts.needs, entries=list(parts.entries), components={**draft.components, **components}, frozen=None)


def _carrying(draft: Draft, side: KnownSide, other: KnownSide) -> Draft:
    """With needs of the other side that do not end where this one does not show them: what a value says that is not known yet; of the side
    after, what only a rule of a firewall told, which goes."""
    known = {(d.source, d.target) for d in side.dependencies}
    needed = {d.target for d in side.dependencies if d.role is Role.NEED}
    perhaps = _not_known_yet(side, other)
    kept: list[Dependency] = []
    for need in other.dependencies:
        ends = need.source, need.target
        if ends in known or not set(ends) <= side.components.keys():
            continue
        told = side.is_after and need.target not in needed and _is_told_by_a_rule(other, need)
        if told or ends in perhaps:
            kept.append(need)
    return _with(draft, needs=kept)


def _not_known_yet(side: KnownSide, other: KnownSide) -> set[tuple[str, str]]:
    """(source, target) of needs of the other side that a reference says whose value this side does not know yet."""
    found: set[tuple[str, str]] = set()
    for address, node in side.survey.nodes.items():
        if node is other.survey.nodes.get(address):
            continue
        for edge in other.survey.outgoing(address, "need", "serves", "member"):
            if fronts.is_open_ended(side.survey, edge):
                found.add((edge.source, edge.target) if edge.role == "need" else (edge.target, edge.source))
    return found


def _is_told_by_a_rule(side: KnownSide, need: Dependency) -> bool:
    node = side.survey.nodes.get(need.evidence[0].address) if need.evidence else None
    return node is not None and node.entry.disposition == "firewall"


def _missing_ways_in(draft: Draft, side: KnownSide, other: KnownSide) -> Draft:
    """With the ways in that the other side has alone, broken, where what they led to stands."""
    gone = ways_in.gone(side, other)
    entries, components = [each.entry for each in gone], [each.component for each in gone]
    return _with(draft, entries=entries, components=components, needs=[need for each in gone for need in each.needs])


def _permitted(draft: Draft, side: KnownSide, other: KnownSide) -> Draft:
    """With the needs broken that a check refuses."""
    return _cut(draft, checks.cuts(side, other))


def _leading(draft: Draft, side: KnownSide, other: KnownSide) -> Draft:
    """With the fronts broken that lead nowhere, as far as the needs that are left are met."""
    return _cut(draft, fronts.dead_ends(side, other))


def _cut(draft: Draft, cuts: Iterable[Cut]) -> Draft:
    needs = applied(draft.dependencies, draft.components, cuts)
    return draft if needs is draft.dependencies else replace(draft, dependencies=needs, frozen=None)


def _with(
    draft: Draft,
    *,
    entries: Iterable[EntryPoint] = (),
    needs: Iterable[Dependency] = (),
    components: Iterable[Component] = (),
) -> Draft:
    """A side with more entries, needs and components; the very one given where there are none."""
    more, added, made = tuple(entries), tuple(needs), {component.address: component for component in components}
    if not more and not added and not made:
        return draft
    known = {entry.address: entry for entry in (*more, *draft.entries)}
    return replace(
        draft,
        entries=[known[address] for address in sorted(known)],
        dependencies=(*draft.dependencies, *added),
        components={**draft.components, **made},
        frozen=None,
    )
