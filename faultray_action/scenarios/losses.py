"""Sets of copies that are lost, and a fingerprint that tells unions of them apart without building them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from msgspec import Struct

_MODULUS = 2**64


class Loss(Struct, frozen=True):
    """Copies lost, numbered over all sides. `print` is the exclusive or of one 64-bit number a copy: equal sets have equal prints, and
    of 50,000 different ones two are equal with a probability below 10^-9."""

    copies: frozenset[int]
    print: int


def lose(copies: Iterable[int]) -> Loss:
    """The loss of these copies.

    >>> union_print(lose([1, 2]), lose([2, 3])) == lose([1, 2, 3]).print
    True
    """
    lost = frozenset(copies)
    return Loss(lost, _fold(lost))


def union_print(one: Loss, other: Loss) -> int:
    """The print of everything that either takes."""
    if one.copies.isdisjoint(other.copies):
        return one.print ^ other.print
    return one.print ^ _fold(other.copies - one.copies)


def joined(*losses: Loss) -> Loss:
    """Everything that any of them takes."""
    return lose(frozenset().union(*(loss.copies for loss in losses)))


def _fold(copies: Iterable[int]) -> int:
    found = 0
    for copy in copies:
        found ^= _scattered(copy)
    return found


@lru_cache(maxsize=65_536)
def _scattered(number: int) -> int:
    """SplitMix64: a fixed permutation of the 64-bit numbers that looks random."""
    z = (number + 1) * 0x9E3779B97F4A7C15 % _MODULUS
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % _MODULUS
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % _MODULUS
    return z ^ (z >> 31)
