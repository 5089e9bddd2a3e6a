"""What rules of firewalls answer to a call: the laws of the one model, whoever's rules they are."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faultray_action.topology.reachability.rules import (
    ANYBODY,
    INTERNET,
    SOMEWHERE,
    Answer,
    Ends,
    Place,
    Post,
    Rule,
    Ruling,
    Wall,
    blocked,
    call,
)

RANGES = ("10.0.0.0/24", "10.0.1.0/24", "10.0.0.0/16", "192.168.1.1/32", "203.0.113.0/24")
PLACES = (
    INTERNET,
    SOMEWHERE,
    Place("web", True, (ip_network("10.0.0.0/24"),), frozenset({"sg-web"})),
    Place("job", True, (ip_network("10.0.1.7/32"),), frozenset({"sg-job"})),
    Place("far", True, None, frozenset({"sg-far"})),
)
TARGET = Place("db", True, (ip_network("10.0.9.0/24"),), frozenset({"sg-db"}))

ends = st.one_of(
    st.just(ANYBODY),
    st.just(Ends()),
    st.builds(Ends, unknown=st.just(True)),
    st.builds(
        Ends,
        ranges=st.lists(st.sampled_from(RANGES).map(ip_network), max_size=2).map(tuple),
        groups=st.frozensets(st.sampled_from(["sg-web", "sg-job"]), max_size=2),
    ),
)
spans = st.sampled_from([None, ((0.0, 65535.0),), ((5432.0, 5432.0),), ((22.0, 22.0),), ()])
rules = st.builds(
    Rule,
    owner=st.sampled_from(["a", "b", "c"]),
    allows=st.booleans(),
    inward=st.just(True),
    ports=spans,
    far=ends,
    rank=st.tuples(st.just(1.0), st.integers(0, 3).map(float)),
)
places = st.sampled_from(PLACES)
ports = st.sampled_from([None, 22.0, 5432.0])


def wall(found: list[Rule], *, first: bool, closed: bool = True) -> Wall:
    ordered = sorted(found, key=lambda rule: (rule.rank, rule.allows, rule.owner))
    return Wall("g", tuple(ordered if first else [rule for rule in found if rule.allows]), first, (closed, closed))


def answer(guard: Wall, caller: Place, port: float | None) -> Answer:
    return guard.ruling(caller, TARGET, port, inward=True).answer


@given(st.lists(rules, max_size=4), rules, places, ports)
def test_a_rule_that_allows_never_shuts_anybody_out_where_any_of_them_will_do(
    found: list[Rule], more: Rule, caller: Place, port: float | None
) -> None:
    """But for what a first rule for a port proves: that the list speaks of it."""
    before, after = answer(wall(found, first=False), caller, port), answer(wall([*found, more], first=False), caller, port)
    assert after >= before or (before, after) == (Answer.UNSEEN, Answer.REFUSED)


@given(st.lists(rules, max_size=4), places, ports, st.booleans())
def test_what_somebody_else_may_add_is_never_refused_for_lack_of_a_rule(
    found: list[Rule], caller: Place, port: float | None, first: bool
) -> None:
    ruling = wall(found, first=first, closed=False).ruling(caller, TARGET, port, inward=True)
    assert ruling.answer is not Answer.REFUSED or ruling.owners


@given(st.lists(rules, max_size=4), places, ports)
def test_the_first_rule_that_certainly_fits_decides_where_none_before_it_may(found: list[Rule], caller: Place, port: float | None) -> None:
    guard = wall(found, first=True)
    fitting = [(rule.fits(caller, TARGET, port), rule) for rule in guard.rules]
    if not any(fits is None for fits, _ in fitting):
        decisive = next((rule for fits, rule in fitting if fits), None)
        got = answer(guard, caller, port)
        assert decisive is None or got is (Answer.ADMITTED if decisive.allows else Answer.REFUSED)
        assert decisive is not None or got in (Answer.UNSEEN, Answer.REFUSED)


@given(st.lists(rules, max_size=4), ports, st.booleans())
def test_who_stands_somewhere_is_answered_no_surer_than_who_is_known(found: list[Rule], port: float | None, first: bool) -> None:
    """Unknown is an interval: what is said of a caller nobody knows is never a certain no where a known one gets a yes, nor the other way round."""
    guard = wall(found, first=first)
    vague = answer(guard, Place("x", None, None, unlisted=True), port)
    known = {answer(guard, place, port) for place in PLACES if place not in (SOMEWHERE,)}
    assert vague is not Answer.REFUSED or Answer.ADMITTED not in known
    assert vague is not Answer.ADMITTED or Answer.REFUSED not in known


@pytest.mark.parametrize(
    ("source", "caller", "expected"),
    [
        pytest.param("10.99.0.0/24", PLACES[2], Answer.REFUSED, id="a range in which the caller's subnet does not lie"),
        pytest.param("10.0.0.0/16", PLACES[2], Answer.ADMITTED, id="one in which it lies"),
        pytest.param("10.0.0.0/28", PLACES[2], Answer.PERHAPS, id="a part of it"),
        pytest.param("10.0.0.0/16", PLACES[4], Answer.PERHAPS, id="addresses that are not known"),
        pytest.param("10.0.0.0/16", INTERNET, Answer.REFUSED, id="nobody from the internet has a private address"),
        pytest.param("203.0.113.0/24", INTERNET, Answer.PERHAPS, id="an office on the internet"),
    ],
)
def test_ranges_are_compared(source: str, caller: Place, expected: Answer) -> None:
    rule = Rule("r", True, True, ((5432.0, 5432.0),), Ends(ranges=(ip_network(source),)))
    assert answer(wall([rule], first=False), caller, 5432.0) is expected


def test_a_list_that_says_nothing_of_a_port_proves_nothing() -> None:
    rule = Rule("r", True, True, ((443.0, 443.0),), ANYBODY)
    assert answer(wall([rule], first=False), PLACES[2], 5432.0) is Answer.UNSEEN


def test_answers_need_rules_of_their_own_where_a_wall_keeps_no_state() -> None:
    into = Rule("in", True, True, ((5432.0, 5432.0),), ANYBODY)
    back = Rule("out", True, False, ((1024.0, 65535.0),), ANYBODY)
    closed = (True, True)
    for found, expected in (((into, back), Answer.ADMITTED), ((into,), Answer.UNSEEN)):
        guard = Wall("acl", found, True, closed, stateless=True)
        way = call(Post(PLACES[2]), Post(TARGET, levels=((guard,),)), 5432.0)
        assert min(step.answer for step in way) is expected


def test_a_step_of_which_nothing_is_seen_counts_only_against_one_that_was_open() -> None:
    open_, unseen, refused = (Ruling(each) for each in (Answer.ADMITTED, Answer.UNSEEN, Answer.REFUSED))
    assert blocked((open_, unseen), (open_, unseen)) is None
    assert blocked((unseen, unseen), (unseen, open_)) == (unseen, open_)
    assert blocked((open_, refused), (open_, refused)) == (refused, refused)
