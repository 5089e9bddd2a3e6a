"""Zone losses that only a combination explains: the alternatives of one group that all stand in the zone (two cluster members, two instances)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from faultray_action.engine.compiled import Compiled
from faultray_action.engine.zones import worst_recovery
from faultray_action.model.address import without_index
from faultray_action.model.component import Component, FaultClass, Kind
from faultray_action.model.outcome import SharedDependency, SinglePoint
from faultray_action.model.topology import Dependency, Role


def group_points(compiled: Compiled, shared: Iterable[SharedDependency]) -> tuple[SinglePoint, ...]:
    """One single point a resource whose instances, all in the lost zone, are the group that an entry lost; sorted by address.

    They are told as the resource ("aws_instance.web", all of its instances together). Alternatives of different resources in one zone stay
    what they are: a zone that the system depends on, and no component's fault.
    """
    zones = [row for row in shared if row.fault_class is FaultClass.ZONE]
    if not zones:
        return ()
    groups = _groups(compiled.topology.dependencies)
    rows: dict[str, list[tuple[SharedDependency, Component]]] = {}
    for row in zones:
        for members in groups.values():
            hit = [c for member in members if (c := _behind(compiled, groups, member)) is not None and _stands_in(c, row.fault)]
            names = {without_index(component.address) for component in hit}
            if len(hit) > 1 and len(hit) == len(members) and len(names) == 1:
                rows.setdefault(names.pop(), []).extend((row, component) for component in hit)
    return tuple(_point(address, found) for address, found in sorted(rows.items()))


def _groups(dependencies: Iterable[Dependency]) -> Mapping[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for d in dependencies:
        if d.group and d.role is Role.NEED and not d.broken:
            found.setdefault((d.source, d.group), []).append(d.target)
    return found


def _behind(compiled: Compiled, groups: Mapping[tuple[str, str], list[str]], member: str) -> Component | None:
    """The component that a member is, or (an attachment) leads to alone."""
    seen: set[str] = set()
    while member not in seen and member in compiled.topology.components:
        seen.add(member)
        component = compiled.topology.components[member]
        if component.kind is not Kind.CONNECTOR:
            return component
        onward = [d.target for d in compiled.topology.dependencies if d.source == member and d.role is Role.NEED]
        if len(onward) != 1:
            return None
        member = onward[0]
    return None


def _stands_in(component: Component, fault: str) -> bool:
    return bool(component.copies) and all(fault in copy.faults for copy in component.copies)


def _point(address: str, found: list[tuple[SharedDependency, Component]]) -> SinglePoint:
    rows = {row.fault: row for row, _ in found}
    return SinglePoint(
        address=address,
        classes=(FaultClass.ZONE,),
        faults=tuple(sorted(rows)),
        takes_down=tuple(sorted({entry for row in rows.values() for entry in row.takes_down})),
        recovery=worst_recovery(tuple(component.recovery for _, component in found)),
        failures_per_year=sum(rows[fault].failures_per_year for fault in sorted(rows)),
        zones=tuple(sorted({row.domain for row in rows.values()})),
    )
