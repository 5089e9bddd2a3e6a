"""Why one component looks as it does: copies, zones, needs and dependents on both sides, each with its reason."""

from __future__ import annotations

from collections.abc import Iterable

from faultray_action.model.address import without_index
from faultray_action.model.component import Component, Evidence
from faultray_action.model.errors import ConfigError
from faultray_action.model.outcome import Examination
from faultray_action.model.topology import DataAsset, Dependency, Topology
from faultray_action.report.escape import visible


def explain(address: str, sides: Iterable[tuple[str, Topology, Examination]]) -> str:
    """Plain text, a part a side. Raises ConfigError where the address names no component on either side."""
    sides = list(sides)
    wanted = sorted({a for _, topology, _ in sides for a in topology.components if a == address or without_index(a) == address})
    if not wanted:
        near = sorted({a for _, topology, _ in sides for a in topology.components if address.rpartition(".")[2] in a})[:3]
        hint = f"did you mean {', '.join(near)}?" if near else "list them with `faultray graph PLAN --format json`"
        raise ConfigError(f"no component `{visible(address)}` in this plan; {hint}")
    lines: list[str] = []
    for found in wanted:
        lines.append(visible(found))
        for name, topology, examination in sides:
            component = topology.components.get(found)
            lines += [f"  {name}: does not stand"] if component is None else _side(name, component, topology, examination)
        lines.append("")
    return "\n".join(lines).rstrip()


def _side(name: str, component: Component, topology: Topology, examination: Examination) -> list[str]:
    lines = [f"  {name}: {_summary(component)}"]
    lines += [f"      because {_reason(e)}" for e in component.evidence]
    entry = next((e for e in topology.entries if e.component == component.address), None)
    if entry is not None:
        lines.append(f"    entry point ({entry.inferred or 'declared'}){', deferred' if entry.deferred else ''}")
    point = next((p for p in examination.single_points if p.address == component.address), None)
    if point is not None:
        classes = ", ".join(c.value for c in point.classes)
        lines.append(
            f"    single point of failure ({classes}): takes down {', '.join(map(visible, point.takes_down))}; {point.recovery.value}"
        )
    lines += _needs("needs", [(d.target, d) for d in topology.dependencies if d.source == component.address])
    lines += _needs("needed by", [(d.source, d) for d in topology.dependencies if d.target == component.address])
    lines += [line for asset in topology.assets if asset.address == component.address for line in _asset(asset)]
    return lines


def _summary(component: Component) -> str:
    if component.managed:
        where = f" in {', '.join(component.zones)} only" if component.zones else ""
        return f"{component.label}: run by the provider, no copies to see{where}"
    if not component.copies and not component.needed:
        return f"{component.label}: passes traffic on, has no failure of its own"
    zones = [zone for zone in component.zones if not zone.startswith("?:")]
    where = f" in {', '.join(zones)}" if zones else f" in {len(component.zones)} unnamed zone(s)" if component.zones else ""
    count = len(component.copies)
    return f"{component.label}: {count} {'copy' if count == 1 else 'copies'}{where}, {component.needed} needed"


def _reason(evidence: Evidence) -> str:
    at = f" [{visible(evidence.address)}{' ' + evidence.attribute if evidence.attribute else ''}]"
    sure = "" if evidence.confidence.value == "certain" else f" ({evidence.confidence.value})"
    return f"{visible(evidence.rule)}{at}{sure}"


def _needs(word: str, rows: list[tuple[str, Dependency]]) -> list[str]:
    lines: list[str] = []
    for other, dependency in rows:
        group = f", {dependency.group_needed} of its group" if dependency.group else ""
        broken = f" BROKEN: {visible(dependency.broken)}" if dependency.broken else ""
        lines.append(f"    {word} {visible(other)} ({dependency.role.value}{group}){broken}")
        lines += [f"      because {_reason(e)}" for e in dependency.evidence]
    return lines


def _asset(asset: DataAsset) -> list[str]:
    lines = ["    holds durable data" + (": DESTROYED by this plan" if asset.destroyed else "")]
    for loss in asset.losses:
        cover = "; ".join(_reason(e) for e in loss.covered_by) or "NOTHING covers it"
        lines.append(f"      {loss.kind.value}: {cover}")
    return lines
