"""Two owners of one list: what resources write into a list of another one (routes of a table), and what the state records of that list.

The state records whatever stands in the list, whoever made it, and what a plan deletes beside it is still in it afterwards: so what resources
of the plan wrote is left to them, and the list keeps the rest. Where the configuration writes the list it is exclusive: an update in place
takes out what a resource beside it wrote, and that is gone though the plan leaves the resource alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from faultray_action.catalogue.entry import Listed
from faultray_action.catalogue.expression import descend
from faultray_action.catalogue.load import Catalogue
from faultray_action.model.change import Action
from faultray_action.model.value import UNKNOWN
from faultray_action.terraform.plan import Plan, Resource, Side

Values = Mapping[str, Any]


class Lists(Struct, frozen=True):
    """The lists of one side. `gone`: addresses of resources that the plan takes out of them. `own`: owner -> attribute -> the elements that no
    resource of the plan writes, where some do."""

    gone: frozenset[str]
    own: Mapping[str, Mapping[str, list[Any]]]

    def values(self, address: str, values: Values) -> Values:
        """The attributes of a resource with its own elements only."""
        own = self.own.get(address)
        return {**values, **own} if own else values


NOTHING = Lists(frozenset(), {})


def read(plan: Plan, catalogue: Catalogue, side: Side) -> Lists:
    """What stands in the lists of a side beside what resources of the plan write."""
    owners = [(owner, listed) for owner in plan.resources for listed in _lists(owner, catalogue)]
    writers = _writers(plan, [listed for _, listed in owners])
    gone: set[str] = set()
    own: dict[str, dict[str, list[Any]]] = {}
    for owner, listed in owners if writers else ():
        written = [writer for name in _names(owner, listed) for writer in writers.get((listed.by, name), ())]
        if side is Side.AFTER:
            gone |= {writer.address for writer in written if _is_taken_out(owner, listed, writer)}
        elements = _elements(owner.values(side), listed)
        if elements and written:
            left = [element for element in elements if not _is_written(element, listed, written, side)]
            own.setdefault(owner.address, {})[listed.at] = left
    return Lists(frozenset(gone), own)


def is_whole(resource: Resource, values: Values, path: str) -> bool:
    """Whether everything that stands in a list is known: the state records it, or the plan makes the resource, and so all that is in it."""
    return not resource.data and (resource.before is None or isinstance(descend(values, path), list))


def _lists(owner: Resource, catalogue: Catalogue) -> Iterable[Listed]:
    entry = None if owner.data or owner.deposed else catalogue.get(owner.type)
    return entry.lists if entry is not None else ()


def _writers(plan: Plan, lists: Iterable[Listed]) -> Mapping[tuple[str, str], list[Resource]]:
    """(type, name of an owner) -> the resources of either side that write into its list."""
    owner_paths = {(listed.by, listed.owner) for listed in lists}
    types = {kind for kind, _ in owner_paths}
    found: dict[tuple[str, str], list[Resource]] = {}
    for resource in plan.resources if types else ():
        if resource.type not in types or resource.data:
            continue
        for name in _said(values.get(path) for values in _sides(resource) for kind, path in owner_paths if kind == resource.type):
            found.setdefault((resource.type, name), []).append(resource)
    return found


def _names(owner: Resource, listed: Listed) -> list[str]:
    """What resources that write into the list may call its owner."""
    return _said(descend(side, path) for side in _sides(owner) for path in ("id", *listed.names))


def _sides(resource: Resource) -> Iterator[Values]:
    return (values for values in (resource.before, resource.after) if values is not None)


def _said(values: Iterable[Any]) -> list[str]:
    """The texts among some values, each once."""
    return sorted({value for value in values if isinstance(value, str) and value})


def _is_taken_out(owner: Resource, listed: Listed, writer: Resource) -> bool:
    """Whether an update in place takes out of the list what a resource that the plan leaves alone wrote there."""
    if owner.action is not Action.UPDATE or writer.action is not Action.NO_OP or writer.after is None:
        return False
    was, is_now = _elements(owner.before, listed), _elements(owner.after, listed)
    if was is None or is_now is None:
        return False
    return _holds(was, listed, writer.after) and not _holds(is_now, listed, writer.after)


def _is_written(element: Any, listed: Listed, written: Iterable[Resource], side: Side) -> bool:
    """Whether a resource wrote an element; after the plan also one that stood before it, since the state is as old."""
    for writer in written:
        sides = _sides(writer) if side is Side.AFTER else (writer.before,)
        if any(values is not None and _holds([element], listed, values) for values in sides):
            return True
    return False


def _elements(values: Values | None, listed: Listed) -> list[Any] | None:
    """The list as the state has it; None where it is not known."""
    found = descend(values, listed.at) if values is not None else None
    return found if isinstance(found, list) and UNKNOWN not in found else None


def _holds(elements: Iterable[Any], listed: Listed, values: Values) -> bool:
    """Whether one of the elements is what a resource with these values wrote."""
    told = [(path, values.get(name)) for name, path in listed.same.items() if values.get(name) not in (None, "")]
    return bool(told) and any(all(_at(element, path) == value for path, value in told) for element in elements)


def _at(element: Any, path: str) -> Any:
    return element if not path else descend(element, path)
