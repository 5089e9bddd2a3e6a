"""What joins networks (peerings, transit gateways, private lines): needs that cross from one to another, and ways that are not there.

A route from a workload's subnet to a joint says that something behind it is called. Where that something stands outside of the plan (the
customer's own site behind a VPN, a peer's network) the joint itself is what the workload needs. Where it stands in the plan, the need is known
and the joint is only checked. A side proves that a call does not cross where the plan makes both networks and tells every route of the caller's
subnets, or of the callee's, and none leads to the other's addresses.

Needs of joints are judged only for those that stand on both sides: a connection that is new has no users yet, and one that goes with its users
takes nothing away. A workload that stands on one side only is judged there, with the joints of that side: it is made to call through them.
"""

from __future__ import annotations

from collections.abc import Iterator, Set

from faultray_action.model.component import Confidence, Evidence
from faultray_action.model.topology import Dependency
from faultray_action.topology import places
from faultray_action.topology.known_side import KnownSide
from faultray_action.topology.reachability.cuts import Cut
from faultray_action.topology.reachability.joints import crossed, is_refused, routes_to, way
from faultray_action.topology.survey import Survey

Pair = tuple[str, str]


# what stands beyond the plan


def needs_beyond(side: KnownSide, other: KnownSide) -> tuple[Dependency, ...]:
    """Needs of a side: workloads whose subnets have a route to a joint that leads out of the plan, broken where the other side has it only."""
    leads, leads_there = _leading_beyond(side), _leading_beyond(other)
    if not leads and not leads_there:
        return ()
    here, there = _callers(side), _callers(other)
    found: list[Dependency] = []
    for joint in sorted((leads | leads_there) & side.components.keys() & other.components.keys()):
        for caller in sorted(here & there):
            if routes := routes_to(side, caller, joint):
                found += _through(side, caller, joint, routes)
            elif routes := routes_to(other, caller, joint):
                told = f"{min(routes)} was the way from {caller} to {joint}", f"{min(routes)} does not lead from {caller} to {joint} yet"
                found.append(Dependency(caller, joint, broken=side.says(*told), by_change=True))
    for caller in sorted(here - there):
        for joint in sorted(leads):
            found += _through(side, caller, joint, routes_to(side, caller, joint))
    return tuple(found)


def _leading_beyond(side: KnownSide) -> set[str]:
    """The joints of a side with something outside of the plan behind them."""
    joints = (a for a, node in side.survey.nodes.items() if node.entry.joint and a in side.components)
    return {joint for joint in joints if _leads_beyond(side.survey, joint)}


def _leads_beyond(survey: Survey, joint: str) -> bool:
    """Whether something outside of the plan is behind a joint: a line that serves it, or a peer's network that the plan does not have."""
    if survey.incoming(joint, "serves"):
        return True
    return survey.nodes[joint].entry.disposition == "connector" and len(places.networks(survey, joint)) == 1


def _callers(side: KnownSide) -> set[str]:
    """Workloads that call out of their network."""
    return {address for address in side.places if side.survey.goes_out(side.survey.nodes[address])}


def _through(side: KnownSide, caller: str, joint: str, routes: Set[str]) -> Iterator[Dependency]:
    """The caller needs its network's attachment to the joint where there is one, else the joint; nothing without a route."""
    if not routes:
        return
    own = places.networks(side.survey, caller)
    attached = [edge.source for edge in side.survey.incoming(joint, "need") if edge.source in side.components]
    doors = [a for a in attached if side.survey.nodes[a].entry.joint and places.networks(side.survey, a) & own]
    evidence = Evidence(min(routes), "", "routes from the subnets of this workload lead there", Confidence.LIKELY)
    for target in sorted(doors) or [joint]:
        yield Dependency(caller, target, evidence=(evidence,))


# calls that cross


def cuts(side: KnownSide, other: KnownSide) -> Iterator[Cut]:
    """Calls between two networks that no routes and joints lead from one to the other."""
    joints = {a for each in (side, other) for a, node in each.survey.nodes.items() if node.entry.joint}
    if not joints:
        return
    calls, calls_there = _calls(side), _calls(other)
    for caller, callee in sorted(calls):
        if crossed(side, caller, callee, joints):
            continue
        proven = is_refused(side, caller, callee)
        there = crossed(other, caller, callee, joints) if (caller, callee) in calls_there else set[str]()
        if there:
            step = _step(side, other, caller, callee, there)
            told = f"{step} was the way from the network of {caller} to that of {callee}"
            missing = f"{step}, the way from the network of {caller} to that of {callee}, does not stand yet"
            yield Cut(caller, callee, side.says(told, missing), by_change=not proven)
        elif proven:
            told = f"no route leads from the network of {caller} to that of {callee} and back"
            yield Cut(caller, callee, told)


def _step(side: KnownSide, other: KnownSide, caller: str, callee: str, joints: Set[str]) -> str:
    """What the way ran through there: what is gone before a joint that stands."""
    steps = {step for joint in joints for step in way(other, caller, callee, joint)}
    return min(steps - side.survey.nodes.keys(), default=min(joints))


def _calls(side: KnownSide) -> set[Pair]:
    """(caller, callee) through connectors, of components whose networks are known and different."""
    placed = {address: places.networks(side.survey, address) for address in side.places}
    found: set[Pair] = set()
    for caller, here in placed.items():
        for callee in side.needs.met.next(caller, side.is_connector) if here else ():
            if callee != caller and callee in placed and placed[callee] and not here & placed[callee]:
                found.add((caller, callee))
    return found
