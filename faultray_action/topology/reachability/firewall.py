"""Security groups: evidence of who calls whom, and a check that a need can still be met (docs/model.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from functools import partial

from faultray_action.catalogue.expression import every, number
from faultray_action.model.component import Component, Confidence, Evidence
from faultray_action.model.topology import Dependency, Role
from faultray_action.model.value import UNKNOWN
from faultray_action.topology.dependencies import reached
from faultray_action.topology.known_side import KnownSide
from faultray_action.topology.reachability.cuts import Cut
from faultray_action.topology.reachability.firewall_rules import Firewalls, Rule
from faultray_action.topology.survey import Survey, is_open

_STORES = ("database", "cache", "queue", "stream", "storage")

_OPERATORS = (22.0, 3389.0)
"""Ports that people who run a machine use and its users do not."""


def _called_on(survey: Survey, caller: str, callee: str) -> float | None:
    """The port of a call: the callee's own, else that of the group in which it serves, where no other workload is the caller."""
    own = port_of(survey, callee)
    if own is not None or survey.nodes[caller].entry.workload:
        return own
    ports = {port for edge in survey.outgoing(callee, "serves") if (port := port_of(survey, edge.target)) is not None}
    return ports.pop() if len(ports) == 1 else None


def port_of(survey: Survey, address: str) -> float | None:
    """The port that callers of a component use, None where it is not known."""
    node = survey.nodes[address]
    found = survey.facts.number(node.entry.port, address, survey.scope(node), default=0) if node.entry.port else 0
    return found or None


def inferred_needs(
    survey: Survey, firewalls: Firewalls, components: Mapping[str, Component], dependencies: Iterable[Dependency]
) -> list[Dependency]:
    """Workload -> store, where a rule admits the call on the store's port and the configuration names no caller of the store at all. What serves
    a component (a mount target its file system) is a way to it and no store of its own."""
    needed = {d.target for d in dependencies if d.role is not Role.REPLICA and not d.group.endswith(":servers")}
    found: dict[tuple[str, str], Dependency] = {}
    for guarded in sorted(firewalls.attached):
        if guarded not in components or not _is_store(survey, guarded) or survey.outgoing(guarded, "replica", "member"):
            continue
        store = _served(survey, guarded)
        if store in needed:
            continue
        port = port_of(survey, guarded)
        callers = (a for a in sorted(firewalls.attached) if a in components and a != store and survey.nodes[a].entry.workload)
        for caller in callers:
            if evidence := _admitted(firewalls, caller, guarded, port):
                found.setdefault((caller, store), Dependency(caller, store, evidence=(evidence,)))
    return list(found.values())


def _served(survey: Survey, address: str) -> str:
    served = [edge.target for edge in survey.outgoing(address, "serves")]
    return next((a for a in served if survey.nodes[a].entry.disposition == "component"), address)


def _is_store(survey: Survey, address: str) -> bool:
    return survey.nodes[address].entry.kind in _STORES


def _admitted(firewalls: Firewalls, caller: str, store: str, port: float | None) -> Evidence | None:
    rules = (
        rule
        for group in firewalls.attached[store]
        for rule in firewalls.rules.get(group, ())
        if not rule.open and rule.admits(firewalls.attached[caller], port) and rule.sources != frozenset({group})
    )
    rule = next(rules, None)
    return Evidence(rule.owner, "", "the security group admits this caller, and no other is named", Confidence.LIKELY) if rule else None


Guarded = tuple[Survey, Firewalls, tuple[Dependency, ...]]
"""What is known of one side when its rules are held against those of the other."""


def calls(side: KnownSide, other: KnownSide) -> Iterable[Cut]:
    """Calls that the rules of the other side admit and those of this one do not."""
    for (caller, callee), owner in sorted(severed(_guarded(other), _guarded(side)).items()):
        words = "refuses calls of" if side.firewalls.ranked.denies(owner) else "was the last rule that admits"
        missing = f"{owner} does not admit {caller} to {callee} yet"
        yield Cut(caller, callee, side.says(f"{owner} {words} {caller} to {callee}", missing))


def users(side: KnownSide, other: KnownSide) -> Iterable[Cut]:
    """Fronts that the rules of the other side let users in to, and those of this one do not."""

    def is_front(address: str) -> bool:
        return address in other.survey.nodes and is_open(other.survey, address, better=False) and address in other.in_use

    for front, owner in sorted(shut_out(_guarded(other), _guarded(side), is_front).items()):
        words = "refuses users of" if side.firewalls.ranked.denies(owner) else "was the last rule that lets users in to"
        yield Cut(front, front, side.says(f"{owner} {words} {front}", f"{owner} lets nobody in to {front} yet"))


def _guarded(side: KnownSide) -> Guarded:
    return side.survey, side.firewalls, side.dependencies


def severed(before: Guarded, after: Guarded) -> dict[tuple[str, str], str]:
    """(caller, callee) pairs on both sides whose last admitting rule goes with the plan, with the owner of a rule that admitted it."""
    guarded = _guarded_otherwise(before[0], before[1], after[0], after[1])
    if not guarded:
        return {}
    was, is_now = (_calls(*side, guarded) | _outside_calls(*side, guarded) for side in (before, after))
    found = _kept_in(before, after, guarded)
    for caller, callee in sorted(was & is_now):
        port, port_after = _called_on(before[0], caller, callee), _called_on(after[0], caller, callee)
        refusing = _refusing(after, caller, callee, port_after)
        if refusing and not _refusing(before, caller, callee, port):
            found[caller, callee] = refusing
            continue
        owners = before[1].admitting(caller, callee, port)
        if not owners or after[1].admits(caller, callee, port_after):
            owners = before[1].letting_out(caller, callee, port)
            if not owners or after[1].letting_out(caller, callee, port_after):
                owners = before[1].probed_through(callee, port) if before[0].nodes[caller].entry.kind == "load_balancer" else ()
                if not owners or after[1].probed_through(callee, port_after):
                    continue
        found[caller, callee] = next((o for o in owners if o not in after[0].nodes), owners[0])
    return found


def _kept_in(before: Guarded, after: Guarded, among: Set[str]) -> dict[tuple[str, str], str]:
    """Calls of both sides to what no rule guards (a managed database) that a rule does not let out any more."""
    if not any(rule.outward for rule in after[1].ranked.rules):
        return {}
    found: dict[tuple[str, str], str] = {}
    for caller, callee in sorted(_leaving(*before, among) & _leaving(*after, among)):
        port, port_after = port_of(before[0], callee), port_of(after[0], callee)
        refusing = _refusing(after, caller, callee, port_after)
        if port and port_after and refusing and not _refusing(before, caller, callee, port):
            found[caller, callee] = refusing
    return found


def _leaving(survey: Survey, firewalls: Firewalls, dependencies: tuple[Dependency, ...], among: Set[str]) -> set[tuple[str, str]]:
    needs: dict[str, list[str]] = {}
    for d in dependencies:
        if d.role is Role.NEED:
            needs.setdefault(d.source, []).append(d.target)
    return {(a, b) for a in among for b in reached(a, needs, survey) if b in survey.nodes and b not in firewalls.attached}


def _refusing(side: Guarded, caller: str, callee: str, port: float | None) -> str:
    """Whose rule refuses a call for certain, on its way in or out; "" where none does."""
    survey, firewalls, _ = side
    if not firewalls.ranked.rules:
        return ""
    refuses = partial(firewalls.ranked.refusing, groups=firewalls.attached, port=port)
    probed = survey.nodes[caller].entry.kind == "load_balancer"
    return refuses(callee, peer=caller, outward=False, probed=probed) or refuses(caller, peer=callee, outward=True)


def shut_out(before: Guarded, after: Guarded, is_front: Callable[[str], bool]) -> dict[str, str]:
    """Fronts on both sides that rules let users in to, and that no rule lets users in to any more, with an owner of such a rule.

    `is_front` is asked of those only whose rules or listeners the two sides do not have in common."""
    was, is_now = before[1], after[1]
    found: dict[str, str] = {}
    led, leads = _leading(before[2]), _leading(after[2])
    differing = led ^ leads
    otherwise = _guarded_otherwise(before[0], was, after[0], is_now)
    for front in sorted(was.attached.keys() & is_now.attached.keys()):
        same = front not in otherwise and not _listens_otherwise(before[0], after[0], front, differing)
        if same or not is_front(front):
            continue
        refusing = _refusing_users(after, front, leads)
        if refusing and not _refusing_users(before, front, led):
            found[front] = refusing
            continue
        ports, ports_after = _listened(before[0], front, led), _listened(after[0], front, leads)
        if not ports and not ports_after and before[0].nodes[front].entry.workload:
            ports = _public_ports(was, front)
            ports_after = ports | _public_ports(is_now, front)
        owners = _let_in_before_only(_letting_in(was, front, ports), _letting_in(is_now, front, ports_after), known=bool(ports_after))
        if owners:
            found[front] = next((owner for owner in sorted(owners) if owner not in after[0].nodes), min(owners))
    return found


def _refusing_users(side: Guarded, front: str, leading: Set[str]) -> str:
    """Whose rule refuses users on every port that they call a front on, "" where none does."""
    survey, firewalls, _ = side
    ports: list[float | None] = [*_listened(survey, front, leading)]
    return min(firewalls.ranked.refusing(front, firewalls.attached, "", port, outward=False) for port in ports or [None])


def _let_in_before_only(was: Iterable[Rule], is_now: Iterable[Rule], *, known: bool) -> list[str]:
    """Owners of the rules that let users in, where none does after. Ranges that are private for certain let in nobody who calls a public
    front; that is held only against a front whose ports are `known`, since a rule of another port may be for those who run it."""
    left = list(is_now)
    if not left:
        return [rule.owner for rule in was if rule.open]
    private = known and all(rule.public is False and not rule.sources for rule in left)
    return [rule.owner for rule in was if rule.public] if private else []


def _listens_otherwise(before: Survey, after: Survey, front: str, differing: Set[str]) -> bool:
    """Whether the listeners of a front, what branches off them, their facts, or whether they lead anywhere (`differing`) are not the same."""
    served = before.into.get(front)
    if served != after.into.get(front):
        return True
    return any(
        edge.source in differing
        or before.nodes[edge.source] is not after.nodes[edge.source]
        or before.into.get(edge.source) != after.into.get(edge.source)
        for edge in served or ()
        if edge.role == "serves"
    )


def _letting_in(firewalls: Firewalls, front: str, ports: Set[float]) -> list[Rule]:
    """The rules that let anybody in on one of the ports; on any port where none is known."""
    rules = [rule for group in firewalls.attached[front] for rule in firewalls.rules.get(group, ()) if rule.open or rule.sources]
    return [rule for rule in rules if any(rule.low <= port <= rule.high for port in ports) or (not ports and rule.low <= rule.high)]


def _leading(dependencies: Iterable[Dependency]) -> set[str]:
    """What leads somewhere."""
    return {d.source for d in dependencies if d.role is Role.NEED}


def _listened(survey: Survey, front: str, leading: Set[str]) -> set[float]:
    """Ports of a front's own listeners where it leads somewhere, and of those that are resources of their own and do; those that only redirect
    have none that is missed."""
    listeners = [
        edge.source for edge in survey.incoming(front, "serves") if edge.source in leading or survey.incoming(edge.source, "branch")
    ]
    node = survey.nodes[front]
    own = (
        {float(number(v)) for path in node.entry.listens for v in every(node.values, path) if v is not UNKNOWN}
        if front in leading
        else set()
    )
    return own | {port for listener in listeners if (port := port_of(survey, listener)) is not None}


def _public_ports(firewalls: Firewalls, front: str) -> set[float]:
    """The ports at which the internet calls a machine, which says nowhere what it listens on; those for who runs it are none of users."""
    rules = [
        rule for group in firewalls.attached[front] for rule in firewalls.rules.get(group, ()) if rule.public and rule.low <= rule.high
    ]
    return {rule.low for rule in rules if rule.low != rule.high or rule.low not in _OPERATORS}


def _guarded_otherwise(before: Survey, was: Firewalls, after: Survey, is_now: Firewalls) -> set[str]:
    """Addresses on both sides whose groups, whose groups' rules or whose facts (the port) differ: only their calls can be severed."""
    moved = {g for g in {*was.rules, *is_now.rules} if was.rules.get(g) != is_now.rules.get(g)}
    moved |= {g for g in {*was.outward, *is_now.outward} if was.outward.get(g) != is_now.outward.get(g)}
    moved |= {group for rule in {*was.ranked.rules} ^ {*is_now.ranked.rules} for group in rule.groups}
    return {
        address
        for address in was.attached.keys() & is_now.attached.keys()
        if was.attached[address] != is_now.attached[address]
        or before.nodes[address] is not after.nodes[address]
        or not moved.isdisjoint(was.attached[address])
    }


def _calls(survey: Survey, firewalls: Firewalls, dependencies: tuple[Dependency, ...], among: Set[str]) -> set[tuple[str, str]]:
    """(caller, callee) through connectors, of components with groups of which one or the other is `among` those asked for."""
    needs: dict[str, list[str]] = {}
    callers: dict[str, list[str]] = {}
    for d in dependencies:
        if d.role is Role.NEED:
            needs.setdefault(d.source, []).append(d.target)
            callers.setdefault(d.target, []).append(d.source)
    guarded = firewalls.attached
    found = {(a, b) for a in among if a in guarded for b in reached(a, needs, survey) if b in guarded and a != b}
    callees = [b for b in among if b in guarded and survey.nodes[b].entry.disposition != "connector"]
    return found | {(a, b) for b in callees for a in _callers(b, callers, survey) if a in guarded and a != b}


def _callers(address: str, callers: Mapping[str, list[str]], survey: Survey) -> set[str]:
    """What calls an address, directly or through connectors: those are among them."""
    found: set[str] = set()
    stack = [address]
    while stack:
        for source in callers.get(stack.pop(), ()):
            if source not in found:
                found.add(source)
                if source in survey.nodes and survey.nodes[source].entry.disposition == "connector":
                    stack.append(source)
    return found


def _outside_calls(survey: Survey, firewalls: Firewalls, dependencies: tuple[Dependency, ...], callees: Set[str]) -> set[tuple[str, str]]:
    """Calls of components without a group of their own (a load balancer, a function outside of the network): address rules admit them."""
    callers: dict[str, list[str]] = {}
    for d in dependencies:
        if d.role is Role.NEED:
            callers.setdefault(d.target, []).append(d.source)
    return {
        (a, b) for b in sorted(callees) for a in reached(b, callers, survey) if a not in firewalls.attached and a in survey.nodes and a != b
    }
