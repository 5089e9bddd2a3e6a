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

    `reason` is a sentence of ours that names what is in the way, or what is missing. `by_change`: the side itself does not prove it; a way that
    the other side shows, and that this one has lost, is the evidence."""

    caller: str
    callee: str
    reason: str
    by_change: bool = False


Check = Callable[[KnownSide, KnownSide], Iterable[Cut]]
"""(side, other side) -> the cuts of `side`.

A check is asked both ways, so it never knows which of the two is older. It claims a cut where `side` itself proves it, whatever stands on the
other; where `side` cannot show it (somebody outside of the plan may hold what is missing), only a way that the other side shows and this one
has lost is evidence."""


def applied(dependencies: tuple[Dependency, ...], components: Mapping[str, Component], cuts: Iterable[Cut]) -> tuple[Dependency, ...]:
    """The needs of a side with those broken that are cut; of several cuts of one pair the first tells why, one that the side proves before one
    that rests on the change."""
    needs = Needs(dependencies)
    broken: dict[int, Cut] = {}
    added: dict[tuple[str, str], Dependency] = {}
    for cut in sorted(cuts, key=lambda cut: cut.by_change):
        last_steps = _last_steps(needs, components, cut)
        for step in last_steps:
            broken.setdefault(id(step), cut)
        if not last_steps:
            need = Dependency(cut.caller, cut.callee, broken=cut.reason, by_change=cut.by_change)
            added.setdefault((cut.caller, cut.callee), need)
    if not broken and not added:
        return dependencies
    return (*(_broken(d, broken.get(id(d))) for d in dependencies), *added.values())


def _broken(dependency: Dependency, cut: Cut | None) -> Dependency:
    """The need as a cut leaves it; what is broken already stays as it is told."""
    if cut is None or dependency.broken:
        return dependency
    return replace(dependency, broken=cut.reason, by_change=cut.by_change)


def _last_steps(needs: Needs, components: Mapping[str, Component], cut: Cut) -> list[Dependency]:
    """The last step of each way from caller to callee that runs through connectors only."""
    if cut.caller == cut.callee:
        return []

    def passes(address: str) -> bool:
        return address in components and components[address].kind is Kind.CONNECTOR

    inside = {cut.caller, *needs.carrying.passed(cut.caller, passes)}
    return [d for d in needs.into(cut.callee) if d.source in inside and d.role is Role.NEED]
