"""The transfer algebra, proven by z3 over the table and the formulas the product runs on."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import pytest
import z3

from faultray_action.engine.states import LOAD_LADDER, TRANSFER_TABLE, Transfer, climb, kth_healthiest, transfer_of_group
from faultray_action.model.outcome import Health

TRANSFERS = tuple(Transfer)


def proven(claim: z3.BoolRef, *given: z3.BoolRef) -> bool:
    solver = z3.Solver()
    solver.add(*given, z3.Not(claim))
    return solver.check() == z3.unsat


def health(name: str) -> tuple[z3.ArithRef, z3.BoolRef]:
    value = z3.Int(name)
    return value, z3.And(value >= 0, value <= 3)


def transfer(kind: Transfer, value: z3.ArithRef) -> z3.ArithRef:
    """The product's own table as a z3 term."""
    image = TRANSFER_TABLE[kind]
    return z3.If(value == 0, int(image[0]), z3.If(value == 1, int(image[1]), z3.If(value == 2, int(image[2]), int(image[3]))))


def join(one: z3.ArithRef, other: z3.ArithRef) -> z3.ArithRef:
    return z3.If(one >= other, one, other)


def kth(values: Sequence[z3.ArithRef], k: int) -> z3.ArithRef:
    """The k-th healthiest by counting: the lowest level that k of the values do not exceed."""
    level: z3.ArithRef = z3.IntVal(3)
    for candidate in (2, 1, 0):
        level = z3.If(z3.Sum([z3.If(value <= candidate, 1, 0) for value in values]) >= k, candidate, level)
    return level


@pytest.mark.parametrize("kind", TRANSFERS)
def test_transfers_are_monotone_keep_health_and_never_worsen(kind: Transfer) -> None:
    (a, in_a), (b, in_b) = health("a"), health("b")
    assert proven(transfer(kind, a) <= transfer(kind, b), in_a, in_b, a <= b)
    assert proven(transfer(kind, z3.IntVal(0)) == 0)
    assert proven(transfer(kind, a) <= a, in_a)


@pytest.mark.parametrize("kind", TRANSFERS)
def test_transfers_are_homomorphisms_of_the_join(kind: Transfer) -> None:
    """Monotone maps on a chain keep joins; so one message per rise says as much as all of them together."""
    (a, in_a), (b, in_b) = health("a"), health("b")
    assert proven(transfer(kind, join(a, b)) == join(transfer(kind, a), transfer(kind, b)), in_a, in_b)


@pytest.mark.parametrize("kind", TRANSFERS)
def test_transfers_are_idempotent(kind: Transfer) -> None:
    """Along a chain of needs health does not fade further than one step: replicas or distance attenuate nothing."""
    a, in_a = health("a")
    assert proven(transfer(kind, transfer(kind, a)) == transfer(kind, a), in_a)


def test_only_a_need_carries_down() -> None:
    a, in_a = health("a")
    for kind in TRANSFERS:
        claim = (transfer(kind, a) == 3) == (a == 3) if kind is Transfer.NEED else transfer(kind, a) <= 1
        assert proven(claim, in_a)


@pytest.mark.parametrize(("size", "k"), [(n, k) for n in (1, 2, 3, 4) for k in range(1, n + 1)])
def test_a_group_is_monotone_in_every_member_and_in_k(size: int, k: int) -> None:
    members, higher = ([health(f"{name}{i}") for i in range(size)] for name in "ab")
    domain = [bound for _, bound in (*members, *higher)]
    ordered = [a <= b for (a, _), (b, _) in zip(members, higher, strict=True)]
    low, high = [a for a, _ in members], [b for b, _ in higher]
    assert proven(kth(low, k) <= kth(high, k), *domain, *ordered)
    if k > 1:
        assert proven(kth(low, k - 1) <= kth(low, k), *domain)


def test_a_group_is_no_homomorphism_of_the_join() -> None:
    """Not claimed: two failures that a group rides out one by one may take it down together. That is why cuts of order two exist."""
    one, other = (Health.DOWN, Health.HEALTHY), (Health.HEALTHY, Health.DOWN)
    both = tuple(map(max, one, other))
    assert kth_healthiest(both, 1) > max(kth_healthiest(one, 1), kth_healthiest(other, 1))


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4])
def test_the_code_of_the_group_is_the_formula_that_is_proven(size: int) -> None:
    for values in product(Health, repeat=size):
        for k in range(size + 2):
            serving = [level for level in Health if sum(value <= level for value in values) >= k]
            assert kth_healthiest(values, k) == (serving[0] if serving else Health.DOWN)
            assert transfer_of_group(Transfer.CAPPED, values, k) <= Health.DEGRADED


def test_a_group_of_all_is_plain_needs_and_of_one_member_is_its_edge() -> None:
    a, in_a = health("a")
    b, in_b = health("b")
    assert proven(kth([a, b], 2) == join(a, b), in_a, in_b)
    assert proven(kth([a], 1) == a, in_a)


def test_load_climbs_monotonely_and_at_most_six_times() -> None:
    factors = [step / 8 for step in range(8, 100)]
    steps = [climb(factor) for factor in factors]
    assert steps == sorted(steps)
    assert all(LOAD_LADDER[step] >= factor for step, factor in zip(steps, factors, strict=True))
    assert len(LOAD_LADDER) - 1 == 6
    assert [climb(rung) for rung in LOAD_LADDER] == list(range(7))


def test_a_share_of_load_never_falls_when_more_members_fail() -> None:
    """W / (W - weight of the other members that fail), weights positive: monotone in the set that fails."""
    own, one, two = z3.Reals("own one two")
    fails_one, fails_two, also_one, also_two = z3.Bools("f1 f2 g1 g2")
    total = own + one + two

    def left(first: z3.BoolRef, second: z3.BoolRef) -> z3.ArithRef:
        return own + z3.If(first, 0, one) + z3.If(second, 0, two)

    positive = z3.And(own > 0, one > 0, two > 0)
    more = z3.And(z3.Implies(fails_one, also_one), z3.Implies(fails_two, also_two))
    assert proven(total / left(fails_one, fails_two) <= total / left(also_one, also_two), positive, more)


def test_the_wait_of_a_call_never_falls() -> None:
    """Without a breaker: the call's time until its timeout, every try's timeout after; with one: constant. Monotone in health and latency."""
    takes, later, timeout = z3.Reals("takes later timeout")
    retries = z3.Int("retries")
    ill, worse = z3.Bools("ill worse")

    def wait(time: z3.ArithRef, fails: z3.BoolRef) -> z3.ArithRef:
        return z3.If(z3.Or(fails, time > timeout), timeout * (1 + z3.ToReal(retries)), time)

    given = (takes >= 0, takes <= later, timeout >= 0, retries >= 0, z3.Implies(ill, worse))
    assert proven(wait(takes, ill) <= wait(later, worse), *given)
