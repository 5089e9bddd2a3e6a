"""The laws of the cascade on random systems, with cycles, groups, breakers, buffers, load, latency and pools. More seeds in `make proof`."""

from __future__ import annotations

from collections.abc import Callable

import cascade_proof
import pytest
from cascade_proof import Verdict

LAWS: dict[str, tuple[Callable[..., Verdict], dict[str, bool]]] = {
    "down is the structure function": (cascade_proof.cascade_is_structure_function, {}),
    "random orders end alike": (cascade_proof.random_orders_end_alike, {"runtime": False}),
    "random orders end alike, load and latency": (cascade_proof.random_orders_end_alike, {"runtime": True}),
    "monotone in injections": (cascade_proof.more_injected_is_worse, {"runtime": False}),
    "monotone in injections, load and latency": (cascade_proof.more_injected_is_worse, {"runtime": True}),
    "only callers change": (cascade_proof.only_callers_change, {}),
    "optional edges never take down": (cascade_proof.optional_edges_never_take_down, {}),
    "a copy more never worsens": (cascade_proof.a_copy_more_never_worsens, {}),
    "a breaker more never worsens": (cascade_proof.a_breaker_more_never_worsens, {}),
    "breakers stop the cascade": (cascade_proof.breakers_stop_the_cascade, {"runtime": False}),
    "breakers stop the cascade, load and latency": (cascade_proof.breakers_stop_the_cascade, {"runtime": True}),
}

ONCE_BROKEN = (1543, 1628, 2033, 2137, 2189, 2542, 3737, 4049, 4305)
"""Seeds at which an earlier version of the product failed one of these laws."""


@pytest.mark.parametrize("law", LAWS)
def test_law(law: str) -> None:
    check, options = LAWS[law]
    seeds = (*range(400), *ONCE_BROKEN)
    verdict = check(seeds, **options)
    assert verdict.failures == []
    assert verdict.cases >= len(seeds)
