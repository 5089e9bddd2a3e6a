"""What is one change to a reader: all instances of a resource alike, a new part together with the connectors that lead to it, and all that hangs
on one line of the code."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from faultray_action.model.address import without_index
from faultray_action.model.change import Action, AttributeChange
from faultray_action.model.component import Kind
from faultray_action.model.topology import Topology

Edit = tuple[str, str]
"""(address, attribute path); an empty path means the whole change of that resource."""


Reference = tuple[str, str, str]
"""(source, attribute path, target): one resource names another."""


class Bundle(Struct, frozen=True):
    """Changes that are put back together: `change` is what the reader is shown, `edits` what is put back. `parts`: the bundles that were joined;
    `lines`: how many lines of the code one edits for it, as far as that is known."""

    change: AttributeChange
    edits: tuple[Edit, ...]
    parts: tuple[Bundle, ...] = ()
    lines: int = 1

    @property
    def changes(self) -> tuple[AttributeChange, ...]:
        """All that the reader is shown, the leading change first."""
        return tuple(part.change for part in self.parts) or (self.change,)


def join(parts: Sequence[Bundle]) -> Bundle:
    """Several bundles as one, led by the first."""
    flat = tuple(piece for part in parts for piece in part.parts or (part,))
    return Bundle(flat[0].change, tuple(edit for part in flat for edit in part.edits), flat, sum(part.lines for part in parts))


Written = Callable[[AttributeChange], Hashable | None]
"""The place in the code that a change was made at, None where that is not known."""


def of_one_line(groups: Sequence[Bundle], written: Written) -> tuple[Bundle, ...]:
    """Bundles with what one line of the code decides joined: nobody can put one of them back and leave the others.

    A replacement as a whole stays by itself: its attributes have places of their own."""
    lines: dict[Hashable, list[Bundle]] = {}
    for at, one in enumerate(groups):
        place = None if one.change.attribute == "" and one.change.action.replaces else written(one.change)
        lines.setdefault(("line", place) if place is not None else at, []).append(one)
    return tuple(parts[0] if len(parts) == 1 else replace(join(parts), lines=1) for parts in lines.values())


def bundle(changes: Iterable[AttributeChange], before: Topology, after: Topology) -> tuple[Bundle, ...]:
    """One bundle a resource, attribute and pair of values, in the order of the changes; a lone instance keeps its own address.

    A connector that is created (or deleted) joins the created (deleted) component that it leads to: taking back a listener alone would
    cut off what stands behind it and count the same loss once for every link of the chain.
    """
    alike: dict[tuple[object, ...], list[AttributeChange]] = {}
    for change in changes:
        key = (
            without_index(change.address),
            change.attribute,
            repr(change.before),
            repr(change.after),
            change.action,
            change.unknown_after,
        )
        alike.setdefault(key, []).append(change)
    groups = [_bundle(rows) for rows in alike.values()]
    groups = _with_connectors(groups, Action.CREATE, after)
    return tuple(_with_connectors(groups, Action.DELETE, before))


def _bundle(rows: Sequence[AttributeChange]) -> Bundle:
    first = rows[0]
    address = first.address if len(rows) == 1 else without_index(first.address)
    shown = AttributeChange(address, first.attribute, first.before, first.after, first.action, first.unknown_after, first.forced_by)
    return Bundle(shown, tuple((row.address, row.attribute) for row in rows))


def _with_connectors(groups: list[Bundle], action: Action, side: Topology) -> list[Bundle]:
    """Join bundles of connectors with this action to the bundle of the first component with this action that they lead to."""
    whole = {edit[0]: number for number, one in enumerate(groups) if one.change.action is action for edit in one.edits}
    needs = _needs(side)
    joined: dict[int, int] = {}
    for number, one in enumerate(groups):
        if one.change.action is action and all(_is_connector(side, edit[0]) for edit in one.edits):
            target = next((whole[a] for a in _next_components(side, needs, one.edits[0][0]) if a in whole), None)
            if target is not None and target != number:
                joined[number] = target
    return [
        _led_by(one, [groups[at] for at, target in joined.items() if target == number])
        for number, one in enumerate(groups)
        if number not in joined
    ]


def _led_by(one: Bundle, connectors: Sequence[Bundle]) -> Bundle:
    """A part with the connectors that lead to it: they are told with it, and it stays one edit."""
    return replace(join([one, *connectors]), lines=one.lines) if connectors else one


def _is_connector(side: Topology, address: str) -> bool:
    component = side.components.get(address)
    return component is not None and component.kind is Kind.CONNECTOR


def _needs(side: Topology) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for dependency in side.dependencies:
        found.setdefault(dependency.source, []).append(dependency.target)
    return found


def _next_components(side: Topology, needs: Mapping[str, list[str]], start: str) -> list[str]:
    """The components that a connector leads to, then those that lead to it, looking through further connectors."""
    callers: dict[str, list[str]] = {}
    for source, targets in needs.items():
        for target in targets:
            callers.setdefault(target, []).append(source)
    return [*_through(side, needs, start), *_through(side, callers, start)]


def _through(side: Topology, onward: Mapping[str, list[str]], start: str) -> list[str]:
    found: list[str] = []
    seen, stack = {start}, [start]
    while stack:
        for target in onward.get(stack.pop(), ()):
            if target not in seen:
                seen.add(target)
                (stack if _is_connector(side, target) else found).append(target)
    return found


def requirements(bundles: Sequence[Bundle], before: Iterable[Reference], after: Iterable[Reference]) -> Mapping[int, frozenset[int]]:
    """Position of a bundle -> those that it cannot be put back without, or nobody could apply it: what it names again must stay, and
    nothing may name what stays away."""
    owners: dict[str, list[tuple[str, int]]] = {}
    for number, one in enumerate(bundles):
        for address, path in one.edits:
            owners.setdefault(address, []).append((path, number))
    deleted = _whole(bundles, (Action.DELETE, Action.FORGET))
    created = _whole(bundles, (Action.CREATE,))
    found: dict[int, set[int]] = {}
    for source, path, target in before:
        if target in deleted:
            for number in _touching(owners, source, path):
                found.setdefault(number, set()).add(deleted[target])
    for source, path, target in after:
        if target in created:
            found.setdefault(created[target], set()).update(_touching(owners, source, path))
    return {number: frozenset(needed - {number}) for number, needed in found.items()}


def _whole(bundles: Sequence[Bundle], actions: Sequence[Action]) -> Mapping[str, int]:
    return {
        address: number
        for number, one in enumerate(bundles)
        for part in one.parts or (one,)
        if part.change.action in actions
        for address, path in part.edits
        if path == ""
    }


def _touching(owners: Mapping[str, list[tuple[str, int]]], source: str, path: str) -> list[int]:
    """The bundles that put back this attribute of the source, or all of it."""
    return [number for own, number in owners.get(source, ()) if own in ("", path) or path.startswith(own + ".")]
