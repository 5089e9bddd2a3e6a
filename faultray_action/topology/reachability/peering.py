"""What joins networks (peerings, transit gateways, private lines): needs that cross from one to another, and ways that a plan closes.

A route from a workload's subnet to a joint says that something behind it is called. Where that something stands outside of the plan (the
customer's own site behind a VPN, a peer's network) the joint itself is what the workload needs. Where it stands in the plan, the need is known
and the joint is only checked: a need whose last way between two networks goes is broken.

Both are judged only for joints that stand before and after: a connection that is new has no users yet, and one that goes with its users
takes nothing away. A workload that stands on one side only is judged there, with the joints of that side: it is made to call through them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from faultray_action.model.component import Confidence, Evidence
from faultray_action.model.topology import Dependency, Role
from faultray_action.topology import places
from faultray_action.topology.dependencies import reached
from faultray_action.topology.known_side import KnownSide
from faultray_action.topology.reachability.cuts import Cut
from faultray_action.topology.reachability.egress import steps, subnets_of
from faultray_action.topology.survey import Survey


def needs_beyond(before: KnownSide, after: KnownSide) -> tuple[tuple[Dependency, ...], tuple[Dependency, ...]]:
    """Needs of the side before and of the side after: workloads whose subnets had a route to a joint that leads out of the plan.

    A need whose route is gone is broken on the side after."""
    was: list[Dependency] = []
    is_now: list[Dependency] = []
    leading, leads = _leading_beyond(before), _leading_beyond(after)
    if not leading and not leads:
        return (), ()
    here, there = _callers(before), _callers(after)
    for joint in sorted(leading & after.components.keys()):
        for caller in sorted(here & there):
            routes = _routes_to(before, caller, joint)
            if not routes:
                continue
            was += _through(before, caller, joint, routes)
            if _routes_to(after, caller, joint):
                is_now += _through(after, caller, joint, routes)
            else:
                is_now.append(Dependency(caller, joint, broken=f"{min(routes)} was the way from {caller} to {joint}"))
    was += _alone(before, here - there, leading)
    is_now += _alone(after, there - here, leads)
    return tuple(was), tuple(is_now)


def _alone(side: KnownSide, callers: Iterable[str], joints: Iterable[str]) -> Iterable[Dependency]:
    """What callers need that stand on this side only."""
    for caller in sorted(callers):
        for joint in sorted(joints):
            if routes := _routes_to(side, caller, joint):
                yield from _through(side, caller, joint, routes)


def cuts(after: KnownSide, before: KnownSide) -> Iterable[Cut]:
    """Calls between two networks that nothing joins any more."""
    for (caller, callee), way in sorted(_severed(before, after).items()):
        yield Cut(caller, callee, f"{way} was the way from the network of {caller} to that of {callee}")


def _severed(before: KnownSide, after: KnownSide) -> dict[tuple[str, str], str]:
    """(caller, callee) pairs in different networks whose last way from the one to the other goes, with what it ran through."""
    joints = {a for a, node in before.survey.nodes.items() if node.entry.joint}
    if not joints or before.survey.edges == after.survey.edges:
        return {}
    was = _calls(before)
    found: dict[tuple[str, str], str] = {}
    for caller, callee in sorted(was & _calls(after)):
        crossed = {joint for joint in joints if _crosses(before, caller, callee, joint)}
        if crossed and not any(_crosses(after, caller, callee, joint) for joint in joints & after.survey.nodes.keys()):
            gone = {step for joint in crossed for step in _way(before, caller, callee, joint)} - after.survey.nodes.keys()
            found[caller, callee] = min(gone) if gone else min(crossed)
    return found


def _leading_beyond(side: KnownSide) -> set[str]:
    """The joints of a side with something outside of the plan behind them."""
    return {a for a, n in side.survey.nodes.items() if n.entry.joint and a in side.components and _leads_beyond(side.survey, a)}


def _callers(side: KnownSide) -> set[str]:
    """Workloads that call out of their network."""
    return {a for a in side.places if side.survey.goes_out(side.survey.nodes[a])}


def _leads_beyond(survey: Survey, joint: str) -> bool:
    """Whether something outside of the plan is behind a joint: a line that serves it, or a peer's network that the plan does not have."""
    if survey.incoming(joint, "serves"):
        return True
    return survey.nodes[joint].entry.disposition == "connector" and len(places.networks(survey, joint)) == 1


def _routes_to(side: KnownSide, caller: str, joint: str) -> set[str]:
    """Routes and route tables of the caller's subnets that name the joint."""
    behind = {step for subnet in subnets_of(side, caller) for step in steps(side.survey, subnet)}
    return {edge.source for edge in side.survey.incoming(joint, "egress-via") if edge.source in behind}


def _through(side: KnownSide, caller: str, joint: str, routes: Iterable[str]) -> Iterable[Dependency]:
    """The caller needs its network's attachment to the joint where there is one, else the joint."""
    own = places.networks(side.survey, caller)
    attached = [e.source for e in side.survey.incoming(joint, "need") if e.source in side.components]
    doors = [a for a in attached if side.survey.nodes[a].entry.joint and places.networks(side.survey, a) & own]
    evidence = Evidence(min(routes), "", "routes from the subnets of this workload lead there", Confidence.LIKELY)
    for target in sorted(doors) or [joint]:
        yield Dependency(caller, target, evidence=(evidence,))


def _calls(side: KnownSide) -> set[tuple[str, str]]:
    """(caller, callee) through connectors, of components whose networks are known and different."""
    needs: dict[str, list[str]] = {}
    for d in side.dependencies:
        if d.role is Role.NEED and not d.broken:
            needs.setdefault(d.source, []).append(d.target)
    placed = {a: places.networks(side.survey, a) for a in side.places}
    return {(a, b) for a in placed for b in reached(a, needs, side.survey) if a != b and _apart(placed, a, b)}


def _apart(placed: Mapping[str, frozenset[str]], caller: str, callee: str) -> bool:
    here, there = placed[caller], placed.get(callee, frozenset())
    return bool(here and there) and not here & there


def _crosses(side: KnownSide, caller: str, callee: str, joint: str) -> bool:
    """Whether a joint joins the networks of both and each has a route to it: answers go the same way back."""
    joined = _joined(side.survey, joint)
    ends = (places.networks(side.survey, caller), places.networks(side.survey, callee))
    return all(joined & networks for networks in ends) and all(_routes_to(side, end, joint) for end in (caller, callee))


def _way(side: KnownSide, caller: str, callee: str, joint: str) -> set[str]:
    attached = {e.source for e in side.survey.incoming(joint, "need")}
    return _routes_to(side, caller, joint) | _routes_to(side, callee, joint) | attached | {joint}


def _joined(survey: Survey, joint: str) -> frozenset[str]:
    """The networks that a joint stands in, by itself or by its attachments."""
    attached = [e.source for e in survey.incoming(joint, "need") if survey.nodes[e.source].entry.joint]
    return frozenset().union(*(places.networks(survey, address) for address in (joint, *attached)))
