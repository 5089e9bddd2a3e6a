"""The algebra of the cascade (docs/model.md): what an edge transfers, what a group transfers, which steps load climbs.

A state is `(H, L, T, V)`: health, accumulated latency (with the load that causes it), elapsed time, visited components. A component takes the
join of what was injected, of its own copies and of what its edges transfer. Every function here is monotone, so a state only rises.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from enum import IntEnum

from faultray_action.model.outcome import Health
from faultray_action.model.topology import Role

LOAD_LADDER = (1.0, 1.5, 2.0, 3.0, 5.0, 10.0, math.inf)
"""Load factors a component can have; anything between is rounded up, so load rises at most six times."""

_ROUNDING = 1e-9


class Transfer(IntEnum):
    """What an edge lets through. An alternative group takes the k-th healthiest of what its members transfer."""

    NOTHING = 0
    CAPPED = 1
    NEED = 2


TRANSFER_TABLE: Mapping[Transfer, tuple[Health, Health, Health, Health]] = {
    Transfer.NOTHING: (Health.HEALTHY,) * 4,
    Transfer.CAPPED: (Health.HEALTHY, Health.DEGRADED, Health.DEGRADED, Health.DEGRADED),
    Transfer.NEED: (Health.HEALTHY, Health.DEGRADED, Health.DEGRADED, Health.DOWN),
}
"""Image of healthy, degraded, overloaded, down."""

TRANSFER_OF_ROLE = {
    Role.NEED: Transfer.NEED,
    Role.OPTIONAL: Transfer.CAPPED,
    Role.ASYNC: Transfer.CAPPED,
    Role.STARTUP: Transfer.NOTHING,
    Role.REPLICA: Transfer.NOTHING,
}


def kth_healthiest(healths: Iterable[Health], k: int) -> Health:
    """What an alternative group of which `k` members must serve is worth; HEALTHY for k <= 0, DOWN where there are fewer than k members.

    >>> kth_healthiest([Health.DOWN, Health.DEGRADED, Health.HEALTHY], 2)
    <Health.DEGRADED: 1>
    """
    ranked = sorted(healths)
    if k <= 0:
        return Health.HEALTHY
    return ranked[k - 1] if k <= len(ranked) else Health.DOWN


def transfer_of_group(transfer: Transfer, transferred: Iterable[Health], k: int) -> Health:
    """What a group carries to its source: the k-th healthiest of what its members transfer, capped where the group is optional."""
    return min(kth_healthiest(transferred, k), TRANSFER_TABLE[transfer][Health.DOWN])


def climb(factor: float) -> int:
    """The step of `LOAD_LADDER` a load factor counts as: the lowest that is not below it.

    >>> LOAD_LADDER[climb(2.2)]
    3.0
    """
    return next(step for step, value in enumerate(LOAD_LADDER) if value >= factor - _ROUNDING)
