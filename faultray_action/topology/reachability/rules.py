"""One model of a firewall rule, whoever's it is, and what rules answer to a call (docs/model.md).

A rule holds for a near end (the one that the firewall guards) and a far one. Rules are asked in one of three ways: any that allows will do; the
first that fits decides; everybody gets through unless something refuses. An answer says how sure it is, since a plan shows only part of what
stands: addresses may be unknown until apply, and somebody outside of the plan may hold a further rule.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, Protocol

from msgspec import Struct

from faultray_action.catalogue.entry import Openness

Network = IPv4Network | IPv6Network
Span = tuple[float, float]
"""The ends of a range of ports, both included."""

ALL_PORTS: Span = (0.0, 65535.0)
EVERY = "tag:*"
"""The group of whoever rules by tags may hold for: rules without targets hold for it."""
_ANSWERED_ON = 50000.0
"""A port of those that answers come back to."""


class Answer(IntEnum):
    """What a side says to a call, the worst first: of firewalls that must all let it through the least answer holds, of alternatives the greatest."""

    REFUSED = 0
    """The side itself proves it: a rule denies, or the list of rules is closed, speaks of the port, and admits others only."""
    UNSEEN = 1
    """Nothing that is seen allows it; somebody outside of the plan may."""
    PERHAPS = 2
    """Something that is not known until apply, or not comparable, may allow it."""
    ADMITTED = 3


class Peers(Protocol):
    """Whom a rule picks by what they bear instead of where they stand (labels of pods)."""

    def picks(self, address: str) -> bool | None:
        """Whether it picks what stands at an address of the plan ("" for users); None where it cannot be told."""


class Place(Struct, frozen=True):
    """Where one end of a call stands. `inside`: in a network of ours; the internet otherwise; None where nobody can say.

    `addresses`: None where not known. `groups`: the groups, tags and accounts that rules know it by, `unlisted`: it bears others too.
    `words`: what providers call it among prefixes."""

    address: str = ""
    inside: bool | None = None
    addresses: tuple[Network, ...] | None = None
    groups: frozenset[str] = frozenset()
    unlisted: bool = False
    words: frozenset[str] = frozenset()


INTERNET = Place(inside=False)
SOMEWHERE = Place()


class Ends(Struct, frozen=True):
    """One side of a rule: whoever stands in any of these. `anybody`: everyone does; `inside`, `outside`: words for networks of ours and for the
    internet; `unknown`: part of it is not known yet; `through`: services that pass on calls of users; `words`: other names."""

    anybody: bool = False
    inside: bool = False
    outside: bool = False
    through: bool = False
    unknown: bool = False
    ranges: tuple[Network, ...] = ()
    groups: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    peers: tuple[Peers, ...] = ()

    def holds(self, place: Place) -> bool | None:
        """Whether a place lies in it; None where it may."""
        if self.anybody or self.groups & place.groups or self.words & place.words:
            return True
        answers = [peers.picks(place.address) for peers in self.peers]
        answers += [_lies_in(network, place) for network in self.ranges]
        if self.inside:
            answers.append(place.inside)
        if self.outside:
            answers.append(None if place.inside is None else not place.inside)
        if True in answers:
            return True
        vague = self.unknown or (self.groups and place.unlisted) or (self.through and place.inside is not True)
        return None if vague or None in answers else False


ANYBODY = Ends(anybody=True)


_PRIVATE = tuple(
    ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "fc00::/7", "fe80::/10")
)
"""Ranges that no caller from the internet comes from (RFC 1918, 6598, 4193): a narrower list than the library's, which counts ranges for documentation."""


def _is_private(network: Network) -> bool:
    return any(network.version == each.version and network.subnet_of(each) for each in _PRIVATE)  # type: ignore[arg-type]


def _lies_in(network: Network, place: Place) -> bool | None:
    if place.addresses is None:
        return False if place.inside is False and _is_private(network) else None
    return _holds_all(network, place.addresses)


@lru_cache(maxsize=65536)
def _holds_all(network: Network, addresses: tuple[Network, ...]) -> bool | None:
    """Whether a range holds some addresses, all or (None) a part of them; a system asks the same of few ranges again and again."""
    alike = [own for own in addresses if own.version == network.version]
    if len(alike) == len(addresses) and all(own.subnet_of(network) for own in alike):  # type: ignore[arg-type]
        return True
    return None if any(own.overlaps(network) for own in alike) else False


def as_network(text: Any) -> Network | None:
    """An address range as written, None for what is none."""
    try:
        return ip_network(text, strict=False) if isinstance(text, str) else None
    except ValueError:
        return None


class Rule(Struct, frozen=True):
    """`owner`: the resource that says it. `ports`: None where they are not known. `operators`: ports that users do not call.

    `rank`: the order in which rules are asked of which the first that fits decides."""

    owner: str
    allows: bool
    inward: bool
    ports: tuple[Span, ...] | None
    far: Ends
    near: Ends = ANYBODY
    rank: tuple[float, float] = (0.0, 0.0)
    operators: tuple[int, ...] = ()

    def on(self, port: float | None) -> bool | None:
        """Whether it speaks of a port; None where that may be. At an unknown port nobody calls what only operators use."""
        if self.ports is None:
            return None
        if port is not None:
            return any(low <= port <= high for low, high in self.ports)
        used = [span for span in self.ports if not self._is_for_operators(span)]
        whole = any(low <= 1.0 and high >= ALL_PORTS[1] for low, high in used)
        return True if whole else None if used else False

    def _is_for_operators(self, span: Span) -> bool:
        return span[0] == span[1] and span[0] in self.operators

    def speaks_of(self, near: Place, port: float | None) -> bool:
        """Whether it may hold for a near end at a port, whoever the far end is."""
        return self.on(port) is not False and self.near.holds(near) is not False

    def fits(self, caller: Place, callee: Place, port: float | None) -> bool | None:
        """Whether it speaks of a call; None where it may."""
        near, far = (callee, caller) if self.inward else (caller, callee)
        answers = (self.on(port), self.far.holds(far), self.near.holds(near))
        return False if False in answers else None if None in answers else True


class Ruling(Struct, frozen=True):
    """An answer, and whose rules gave it or may have. `wall`: the firewall that gave it for lack of a rule."""

    answer: Answer
    owners: tuple[str, ...] = ()
    wall: str = ""


class Wall(Struct, frozen=True):
    """One firewall. `rules`: in their order; `first`: the first that fits decides, else any that allows. `closed`: whether the list of the rules
    for calls in, and of those for calls out, is known to be whole. `open_inward`, `open_outward`: whom it lets through where no rule fits."""

    name: str
    rules: tuple[Rule, ...]
    first: bool
    closed: tuple[bool, bool]
    open_inward: Openness = "nobody"
    open_outward: Openness = "nobody"
    stateless: bool = False

    def ruling(self, caller: Place, callee: Place, port: float | None, *, inward: bool) -> Ruling:
        """What it says to a call in (or out)."""
        rules = [rule for rule in self.rules if rule.inward == inward]
        return self._first(rules, caller, callee, port, inward) if self.first else self._any(rules, caller, callee, port, inward)

    def _any(self, rules: Iterable[Rule], caller: Place, callee: Place, port: float | None, inward: bool) -> Ruling:
        fitting = [(rule.fits(caller, callee, port), rule.owner) for rule in rules]
        sure = _distinct(owner for fits, owner in fitting if fits)
        if sure:
            return Ruling(Answer.ADMITTED, sure)
        perhaps = _distinct(owner for fits, owner in fitting if fits is None)
        return Ruling(Answer.PERHAPS, perhaps) if perhaps else self._otherwise(caller, callee, port, inward)

    def _first(self, rules: Iterable[Rule], caller: Place, callee: Place, port: float | None, inward: bool) -> Ruling:
        doubtful: list[Rule] = []
        for rule in rules:
            fits = rule.fits(caller, callee, port)
            if fits is None:
                doubtful.append(rule)
            if fits:
                decided = Ruling(Answer.ADMITTED if rule.allows else Answer.REFUSED, (rule.owner,))
                return _doubted(decided, doubtful)
        return _doubted(self._otherwise(caller, callee, port, inward), doubtful)

    def _otherwise(self, caller: Place, callee: Place, port: float | None, inward: bool) -> Ruling:
        """Where no rule fits. A list of rules that has none for the port at all, or none among those who share a group, is taken for
        one that tells of these calls elsewhere: only what a list says of a port proves whom it keeps out."""
        lets_through = self.open_inward if inward else self.open_outward
        if lets_through == "everybody" or (lets_through == "inside" and caller.inside is not False):
            return Ruling(Answer.ADMITTED)
        near = callee if inward else caller
        told = any(rule.allows and rule.inward == inward and rule.speaks_of(near, port) for rule in self.rules)
        proven = told and self.closed[0 if inward else 1] and caller.groups.isdisjoint(callee.groups - {EVERY})
        return Ruling(Answer.REFUSED if proven else Answer.UNSEEN, wall=self.name)


def _doubted(decided: Ruling, doubtful: Iterable[Rule]) -> Ruling:
    """A decision that a rule of the opposite mind comes before, which fits perhaps."""
    admits = decided.answer is Answer.ADMITTED
    against = tuple(rule.owner for rule in doubtful if rule.allows != admits)
    return Ruling(Answer.PERHAPS, (*against, *decided.owners)) if against else decided


def _distinct(owners: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(owners)))


class Post(Struct, frozen=True):
    """Where something takes or makes calls: its place, the walls that all guard it, and for each subnet those that guard it there (a copy in any
    of them may take the call). `networks`: those that it stands in."""

    place: Place
    own: tuple[Wall, ...] = ()
    levels: tuple[tuple[Wall, ...], ...] = ()
    networks: frozenset[str] = frozenset()

    @property
    def guarded(self) -> bool:
        return bool(self.own) or any(self.levels)

    def ruling(self, caller: Place, callee: Place, port: float | None, *, inward: bool) -> Ruling:
        """What its walls say to a call in (or out)."""
        own = [wall.ruling(caller, callee, port, inward=inward) for wall in self.own]
        there = [[wall.ruling(caller, callee, port, inward=inward) for wall in level] for level in self.levels]
        return any_of([all_of([*own, *level]) for level in there] or [all_of(own)])


def all_of(rulings: Iterable[Ruling]) -> Ruling:
    """What comes of several that must all let a call through."""
    found = list(rulings)
    worst = min((one.answer for one in found), default=Answer.ADMITTED)
    if worst in (Answer.REFUSED, Answer.UNSEEN):
        return next(one for one in found if one.answer is worst)
    return Ruling(worst, tuple(owner for one in found for owner in one.owners))


def any_of(rulings: Iterable[Ruling]) -> Ruling:
    """What comes of several of which one is enough."""
    return max(rulings, key=lambda one: one.answer)


def best(ways: Iterable[Way]) -> Way:
    """Of several ways, one of which is enough, the one that most surely is open."""
    return max(ways, key=lambda way: all_of(way).answer)


Way = tuple[Ruling, ...]
"""What is said at each step of a call: on its way out, on its way in, and on both where its answer needs rules of its own."""


def call(caller: Post, callee: Post, port: float | None) -> Way:
    """What the walls between two say to a call, step by step."""
    source, target = caller.place, callee.place
    out = caller.ruling(source, target, port, inward=False)
    into = callee.ruling(source, target, port, inward=True)
    return (out, into, *_answers(caller, callee))


def _answers(caller: Post, callee: Post) -> Way:
    """The way of the answers, where a wall on it asks for rules of its own."""
    if not any(wall.stateless for post in (caller, callee) for level in post.levels for wall in level):
        return _FREE, _FREE
    ends = callee.place, caller.place, _ANSWERED_ON
    return _by_stateless(callee).ruling(*ends, inward=False), _by_stateless(caller).ruling(*ends, inward=True)


_FREE = Ruling(Answer.ADMITTED)


def blocked(here: Way, there: Way) -> tuple[Ruling, Ruling] | None:
    """The first step at which a call does not get through here, and what is said there; None where it gets through. A step at which nothing is
    seen to let it through counts only where something does there."""
    for step, other in zip(here, there, strict=True):
        lost = step.answer is Answer.UNSEEN and other.answer >= Answer.PERHAPS
        if step.answer is Answer.REFUSED or lost:
            return step, other
    return None


def _by_stateless(post: Post) -> Post:
    levels = tuple(tuple(wall for wall in level if wall.stateless) for level in post.levels)
    return Post(post.place, (), levels, post.networks)
