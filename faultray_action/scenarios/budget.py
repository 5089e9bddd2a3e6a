"""Deterministic thinning in strata, which says what it dropped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

_MODULUS = 2**64


class Keyed(Protocol):
    """Anything with a uniform 64-bit key of its own."""

    @property
    def key(self) -> int: ...


T = TypeVar("T", bound=Keyed)


def share(sizes: Sequence[int], budget: int) -> tuple[int, ...]:
    """Splits a budget evenly; what a small stratum leaves over goes to the larger ones.

    >>> share([10, 100, 100], 110)
    (10, 50, 50)
    """
    given = [0] * len(sizes)
    left = max(budget, 0)
    for place, number in enumerate(sorted(range(len(sizes)), key=sizes.__getitem__)):
        given[number] = min(sizes[number], left // (len(sizes) - place))
        left -= given[number]
    return tuple(given)


def smallest(keys: Sequence[int], count: int) -> list[int]:
    """Positions of the `count` smallest keys, in their order of position; ties go to the earlier position."""
    if count >= len(keys):
        return list(range(len(keys)))
    return sorted(sorted(range(len(keys)), key=keys.__getitem__)[:count])


def combined(*keys: int) -> int:
    """Key of a combination: the sum of its members' keys, so that no id has to be built for what is thinned out."""
    return sum(keys) % _MODULUS


def leading(members: Sequence[T], count: int) -> tuple[T, ...]:
    """The members with the smallest keys, in their own order: what combinations are built from where all would be too many."""
    return tuple(members[position] for position in smallest([member.key for member in members], count))
