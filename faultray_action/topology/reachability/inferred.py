"""Who is seen to call whom: what a firewall lets through tells of calls that the configuration does not name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from faultray_action.model.component import Component, Confidence, Evidence
from faultray_action.model.topology import Dependency, Role
from faultray_action.topology.reachability.firewalls import Firewalls, port_of
from faultray_action.topology.reachability.rules import Rule
from faultray_action.topology.survey import Survey

_STORES = ("database", "cache", "queue", "stream", "storage")


def inferred_needs(
    survey: Survey, firewalls: Firewalls, components: Mapping[str, Component], dependencies: Iterable[Dependency]
) -> list[Dependency]:
    """Workload -> store, where a rule admits the call on the store's port and the configuration names no caller of the store at all. What serves
    a component (a mount target its file system) is a way to it and no store of its own."""
    needed = {d.target for d in dependencies if d.role is not Role.REPLICA and not d.group.endswith(":servers")}
    found: dict[tuple[str, str], Dependency] = {}
    callers = [a for a in sorted(firewalls.attached) if a in components and survey.nodes[a].entry.workload]
    for guarded in sorted(firewalls.attached):
        store = _served(survey, guarded)
        if store in needed or not _is_lone_store(survey, components, guarded):
            continue
        for caller in callers:
            evidence = _admitted(firewalls, caller, guarded) if caller != store else None
            if evidence is not None:
                found.setdefault((caller, store), Dependency(caller, store, evidence=(evidence,)))
    return list(found.values())


def _is_lone_store(survey: Survey, components: Mapping[str, Component], address: str) -> bool:
    if address not in components or survey.nodes[address].entry.kind not in _STORES:
        return False
    return not survey.outgoing(address, "replica", "member")


def _served(survey: Survey, address: str) -> str:
    served = [edge.target for edge in survey.outgoing(address, "serves")]
    return next((a for a in served if survey.nodes[a].entry.disposition == "component"), address)


def _admitted(firewalls: Firewalls, caller: str, store: str) -> Evidence | None:
    """A rule for the caller's groups alone, and not one of the store's own group for itself."""
    port = port_of(firewalls.survey, store)
    for group in sorted(firewalls.attached[store]):
        for rule in firewalls.rules.get(group, ()):
            if not _names_groups_only(rule) or rule.far.groups == frozenset({group}):
                continue
            if rule.far.groups & firewalls.attached[caller] and rule.on(port) is not False:
                words = "the security group admits this caller, and no other is named"
                return Evidence(rule.owner, "", words, Confidence.LIKELY)
    return None


def _names_groups_only(rule: Rule) -> bool:
    far = rule.far
    return rule.allows and rule.inward and bool(far.groups) and not (far.anybody or far.ranges or far.unknown)
