"""Calls that firewalls refuse: between what stands in the plan, and of users to a front."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from faultray_action.catalogue.expression import every, number
from faultray_action.model.value import UNKNOWN
from faultray_action.topology.known_side import KnownSide
from faultray_action.topology.reachability.cuts import Cut
from faultray_action.topology.reachability.firewalls import port_of
from faultray_action.topology.reachability.pod_rules import service_ports
from faultray_action.topology.reachability.ports import probed_on
from faultray_action.topology.reachability.rules import INTERNET, SOMEWHERE, Answer, Place, Post, Rule, Ruling, Way, best, blocked, call
from faultray_action.topology.survey import Survey, is_open

_PASSING = ("load_balancer", "gateway", "cdn", "dns")
"""Kinds whose users call them on whatever port they listen; others show by their rules which of their ports are for users."""


def cuts(side: KnownSide, other: KnownSide) -> Iterable[Cut]:
    """Calls that no rule lets through on this side: for certain, or that one did on the other side and none is seen to do any more."""
    for caller, callee in sorted(_calls(side)):
        found = _call_blocked(side, other, caller, callee)
        if found is not None:
            yield Cut(caller, callee, _told(side, other, *found, caller, callee), by_change=found[0].answer is Answer.UNSEEN)
            continue
        nameless = _names_blocked(side, other, caller)
        if nameless is not None:
            reason = f"{nameless.wall} lets {caller} ask for no names, that of {callee} among them"
            yield Cut(caller, callee, reason, by_change=nameless.answer is Answer.UNSEEN)


def _call_blocked(side: KnownSide, other: KnownSide, caller: str, callee: str) -> tuple[Ruling, Ruling] | None:
    here = _between(side, caller, callee)
    if _is_open(here):
        return None
    there = _between(other, caller, callee) if _stand(other, caller, callee) else _nothing_seen(here)
    return _blocked(here, there)


def _names_blocked(side: KnownSide, other: KnownSide, caller: str) -> Ruling | None:
    """Pods call by name: what is said where they ask for names, if they cannot."""
    here = _of_names(side, caller)
    there = _of_names(other, caller) if caller in other.survey.nodes else _nothing_seen(here)
    found = None if _is_open(here) else _blocked(here, there)
    return None if found is None else found[0]


def users(side: KnownSide, other: KnownSide) -> Iterable[Cut]:
    """Fronts that rules keep users from."""
    for front in sorted(side.firewalls.attached.keys() | {e.component for e in side.entries}):
        if not _is_front(side, front) or not (front in side.in_use or front in other.in_use):
            continue
        here = [_by_users(side, front, _user_ports(side, other, front))]
        stands = front in other.survey.nodes and _is_front(other, front)
        there = [_by_users(other, front, _user_ports(other, side, front))] if stands else _nothing_seen(here)
        found = _blocked(here, there)
        if found is not None:
            yield Cut(front, front, _told(side, other, *found, "users", front), by_change=found[0].answer is Answer.UNSEEN)


Ways = list[Way]
"""All that have to be open for a call to be answered."""


def _is_open(ways: Ways) -> bool:
    return all(ruling.answer >= Answer.PERHAPS for way in ways for ruling in way)


def _nothing_seen(ways: Ways) -> Ways:
    """As many ways, of which nothing is seen."""
    return [tuple(Ruling(Answer.UNSEEN) for _ in way) for way in ways]


def _blocked(here: Ways, there: Ways) -> tuple[Ruling, Ruling] | None:
    """The first step of one of the ways at which the call does not get through."""
    if len(here) != len(there):
        there = [there[0]] * len(here) if _is_open(there) else _nothing_seen(here)
    found = (blocked(mine, theirs) for mine, theirs in zip(here, there, strict=True))
    return next((steps for steps in found if steps is not None), None)


def _told(side: KnownSide, other: KnownSide, ruling: Ruling, there: Ruling, caller: str, callee: str) -> str:
    """Whose rule is in the way, or was the last one that let the call through."""
    if ruling.owners:
        return f"{ruling.owners[0]} refuses calls of {caller} to {callee}"
    if there.answer >= Answer.PERHAPS and there.owners:
        gone = [owner for owner in there.owners if owner not in side.survey.nodes]
        changed = [owner for owner in there.owners if side.survey.nodes.get(owner) is not other.survey.nodes.get(owner)]
        owner = next(iter((*gone, *changed, *there.owners)))
        after = "does not admit {} to {} any more" if owner in side.survey.nodes else "was the last rule that admits {} to {}"
        return f"{owner} {side.says(after, 'does not admit {} to {} yet').format(caller, callee)}"
    guard = f" of {ruling.wall}" if ruling.wall in side.survey.nodes else ""
    return f"no rule{guard} admits {caller} to {callee}"


# who calls whom


def _stand(side: KnownSide, caller: str, callee: str) -> bool:
    return caller in side.survey.nodes and callee in side.survey.nodes


def _calls(side: KnownSide) -> Iterator[tuple[str, str]]:
    """(caller, callee), through connectors, of which one or the other is guarded."""
    fronts = {entry.component for entry in side.entries}
    for caller in side.survey.nodes:
        makes_calls = _makes_calls(side, caller)
        if not makes_calls and caller not in fronts:
            continue
        for callee in side.called(caller):
            if _is_asked(side, caller, callee) and (makes_calls or side.survey.nodes[callee].entry.pod_labels):
                yield caller, callee


def _is_asked(side: KnownSide, caller: str, callee: str) -> bool:
    if caller == callee or not _takes_calls(side.survey, callee):
        return False
    return side.firewalls.post(callee).guarded or side.firewalls.post(caller).guarded


def _makes_calls(side: KnownSide, address: str) -> bool:
    node = side.survey.nodes[address]
    if _is_way_in(side.survey, address):
        return is_open(side.survey, address, better=True)
    return node.entry.disposition == "component" and not node.entry.stateful


def _takes_calls(survey: Survey, address: str) -> bool:
    return address in survey.nodes and not survey.nodes[address].entry.outward


def _is_way_in(survey: Survey, address: str) -> bool:
    """An interface with a public address: whoever calls it stands elsewhere."""
    node = survey.nodes[address]
    return node.entry.disposition == "connector" and node.entry.entry is not None and bool(survey.outgoing(address, "placement"))


# what is answered


def _between(side: KnownSide, caller: str, callee: str) -> Ways:
    """As `_asked`, once for each call of a side."""
    known = side.answers.get((caller, callee))
    if known is None:
        known = side.answers[caller, callee] = _asked(side, caller, callee)
    return known


def _asked(side: KnownSide, caller: str, callee: str) -> Ways:
    """What the firewalls of a side say to a call, on the ports that the callee is called on, and to the probe of a balancer on a port of its own."""
    posts, target = _calling(side, caller, callee), _reached(side.firewalls.post(callee))
    ports = _ports(side, caller, callee)
    ways = [best(call(post, target, port) for port in ports) for post in posts]
    return [*ways, *_of_probe(side, caller, callee, posts, ports)]


_NAMES_ON = 53.0
"""The port on which a cluster's names are asked for (DNS)."""


def _of_names(side: KnownSide, caller: str) -> Ways:
    """A pod calls by name: what guards its calls out has to let it ask for names, of something that no plan holds."""
    if not side.survey.nodes[caller].entry.pod_labels:
        return []
    post = side.firewalls.post(caller)
    return [(post.ruling(post.place, SOMEWHERE, _NAMES_ON, inward=False),)]


def _of_probe(side: KnownSide, caller: str, callee: str, posts: list[Post], ports: list[float | None]) -> Ways:
    """The probe of a balancer on a port of its own."""
    if side.survey.nodes[caller].entry.kind not in _PASSING:
        return []
    probed = probed_on(side, caller, callee)
    if probed is None or [float(probed)] == ports:
        return []
    return [call(post, _reached(side.firewalls.post(callee)), float(probed)) for post in posts[-1:]]


def _calling(side: KnownSide, caller: str, callee: str) -> list[Post]:
    """Where the calls of a caller come from, all of which have to come through: a balancer that passes calls on and asks whether its servers serve."""
    survey, post = side.survey, side.firewalls.post(caller)
    node = survey.nodes[caller]
    target = side.firewalls.post(callee)
    if _is_way_in(survey, caller):
        return [Post(INTERNET)]
    if node.entry.kind != "load_balancer" or post.place.inside is True:
        return [_seen_from(target, post)]
    probing = side.firewalls.prober(target)
    passing = Post(INTERNET if is_open(survey, caller, better=True) and not probing else SOMEWHERE)
    return [passing, *([Post(probing)] if probing else [])]


def _reached(post: Post) -> Post:
    """What stands in no network is reached by addresses of the internet, or by private ones of an endpoint."""
    place = post.place
    if place.inside is not False:
        return post
    return Post(Place(place.address, None, None, place.groups, unlisted=place.unlisted), post.own, post.levels, post.networks)


def _seen_from(target: Post, post: Post) -> Post:
    """The caller as the callee's rules see it: from another network it comes by an address that the plan does not show."""
    if post.networks & target.networks or not post.networks or not target.networks:
        return post
    place = post.place
    return Post(Place(place.address, None, None, place.groups, unlisted=place.unlisted), post.own, post.levels, post.networks)


def _ports(side: KnownSide, caller: str, callee: str) -> list[float | None]:
    """The ports of a call, any of which will do: the callee's own, else those that lead to it; None where none is known."""
    survey = side.survey
    own = port_of(survey, callee)
    if own is not None:
        return [own]
    if survey.nodes[callee].entry.pod_labels:
        return list(_pod_ports(side, callee)) or [None]
    if survey.nodes[caller].entry.workload:
        return [None]
    served = {port for edge in survey.outgoing(callee, "serves") if (port := port_of(survey, edge.target)) is not None}
    return [served.pop()] if len(served) == 1 else [None]


def _pod_ports(side: KnownSide, pod: str) -> list[float]:
    """The ports of a pod that Services lead to."""
    services = [side.survey.nodes[a] for a in side.needs.hard.reversed.after(pod) if a in side.survey.nodes]
    return sorted({float(port) for service in services for port in service_ports(every(service.values, "spec.port"))})


# users


def _is_front(side: KnownSide, address: str) -> bool:
    node = side.survey.nodes.get(address)
    if node is None or not is_open(side.survey, address, better=False):
        return False
    return node.entry.disposition == "component" and side.firewalls.post(address).guarded


def _by_users(side: KnownSide, front: str, ports: Iterable[float | None]) -> Way:
    """What the firewalls of a side say to users of a front. A rule for a group may let in what passes on their calls."""
    post = side.firewalls.post(front)
    ways = [_softened(side, front, call(Post(INTERNET), post, port), port) for port in ports]
    return best(ways or [tuple(Ruling(Answer.UNSEEN) for _ in range(4))])


def _softened(side: KnownSide, front: str, way: Way, port: float | None) -> Way:
    out, into, *answers = way
    if into.answer >= Answer.PERHAPS or into.owners:
        return way
    passing = [rule.owner for rule in _rules(side, front) if rule.far.groups and rule.inward and _speaks_of(rule, port)]
    return (out, Ruling(Answer.PERHAPS, tuple(sorted(set(passing)))), *answers) if passing else way


def _rules(side: KnownSide, front: str) -> Iterator[Rule]:
    """The rules that hold for a front."""
    post = side.firewalls.post(front)
    for wall in post.own:
        yield from (rule for rule in wall.rules if rule.near.holds(post.place) is not False)


def _speaks_of(rule: Rule, port: float | None) -> bool:
    return rule.allows and rule.on(port) is not False


def _user_ports(side: KnownSide, other: KnownSide, front: str) -> list[float | None]:
    """The ports at which users call a front: those of its listeners, else those that a side opens to the internet on a machine."""
    listened: list[float | None] = [*sorted(_listened(side, front))]
    if listened:
        return listened
    if side.survey.nodes[front].entry.kind in _PASSING:
        return [None]
    sides = [one for one in (side, other) if front in one.survey.nodes]
    opened: set[float | None] = {port for one in sides for port in _opened(one, front)}
    return sorted(opened, key=lambda port: port or 0.0)


def _opened(side: KnownSide, front: str) -> Iterator[float]:
    """The ports that rules open to the internet, those of operators left out."""
    for rule in _rules(side, front):
        if rule.allows and rule.inward and rule.far.holds(INTERNET) is not False and rule.on(None) is not False:
            yield from (low for low, high in rule.ports or () if low != high or low not in rule.operators)


def _listened(side: KnownSide, front: str) -> set[float]:
    """Ports of a front's own listeners where it leads somewhere, and of those that are resources of their own and do; those that only redirect
    have none that is missed."""
    survey, leading = side.survey, side.needs.hard.successors
    listeners = [e.source for e in survey.incoming(front, "serves") if e.source in leading or survey.incoming(e.source, "branch")]
    node = survey.nodes[front]
    values = [v for path in node.entry.listens for v in every(node.values, path)] if front in leading else []
    own = {float(number(value)) for value in values if value is not UNKNOWN}
    return own | {port for listener in listeners if (port := port_of(survey, listener)) is not None}
