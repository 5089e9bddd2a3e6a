"""A call that one side does not permit, and what it makes of that side's needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from faultray_action.model.component import Component, Kind
from faultray_action.model.graph import Needs
from faultray_action.model.topology import Dependency, Role
from faultray_action.topology.known_side import KnownSide


class Cut(Struct, frozen=True, order=True):
    """`caller` cannot reach `callee`, through whatever passes requests on between them. The same address twice: nobody can, or it cannot work.

    `reason` is a sentence of ours that names what is in the way, or what is missing."""

    caller: str
    callee: str
    reason: str


Check = Callable[[KnownSide, KnownSide], Iterable[Cut]]
"""(side, other side) -> the cuts of `side`.

A check is asked both ways, so it never knows which of the two is older. It claims a cut where `side` itself proves it, whatever stands on the
other; where `side` cannot show it (somebody outside of the plan may hold what is missing), only a way that the other side shows and this one
has lost is evidence."""


def applied(dependencies: tuple[Dependency, ...], components: Mapping[str, Component], cuts: Iterable[Cut]) -> tuple[Dependency, ...]:
    """The needs of a side with those broken that are cut; of several cuts of one pair the first tells why."""
    needs = Needs(dependencies)
    broken: dict[int, str] = {}
    added: dict[tuple[str, str], Dependency] = {}
    for cut in cuts:
        last_steps = _last_steps(needs, components, cut)
        for step in last_steps:
            broken.setdefault(id(step), cut.reason)
        if not last_steps:
            added.setdefault((cut.caller, cut.callee), Dependency(cut.caller, cut.callee, broken=cut.reason))
    if not broken and not added:
        return dependencies
    marked = [replace(d, broken=broken[id(d)]) if id(d) in broken and not d.broken else d for d in dependencies]
    return (*marked, *added.values())


def _last_steps(needs: Needs, components: Mapping[str, Component], cut: Cut) -> list[Dependency]:
    """The last step of each way from caller to callee that runs through connectors only."""
    if cut.caller == cut.callee:
        return []

    def passes(address: str) -> bool:
        return address in components and components[address].kind is Kind.CONNECTOR

    inside = {cut.caller, *needs.carrying.passed(cut.caller, passes)}
    return [d for d in needs.into(cut.callee) if d.source in inside and d.role is Role.NEED]
