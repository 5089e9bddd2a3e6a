"""The laws of the cascade over every small graph: up to isomorphism here, the full product in `make proof` (docs/proof.md)."""

from __future__ import annotations

import cascade_proof
import pytest
from cascade_systems import classes, labelings


def test_three_vertices_have_720_classes_of_labelled_graphs() -> None:
    assert len(classes(3)) == 720


@pytest.mark.parametrize("part", range(4))
def test_any_order_ends_in_the_least_fixpoint(part: int) -> None:
    verdict = cascade_proof.every_order_ends_alike(3, True, classes(3)[part::4])
    assert (verdict.failures, verdict.cases) == ([], 180 * 64)


def test_the_cascade_is_the_least_fixpoint_on_cyclic_graphs() -> None:
    verdict = cascade_proof.cascade_is_least_fixpoint(3, True, classes(3), cascade_proof.injections_up_to(3, 1))
    assert verdict.failures == []
    assert verdict.cases >= 720 * 10 * 2


def test_the_cascade_is_the_least_fixpoint_on_acyclic_graphs() -> None:
    verdict = cascade_proof.cascade_is_least_fixpoint(4, False, list(labelings(4, False))[::8], cascade_proof.injections_up_to(4, 1))
    assert verdict.failures == []
    assert verdict.cases >= 512 * 13 * 2


def test_the_published_rules_depend_on_the_order_and_ours_do_not() -> None:
    assert cascade_proof.published_rules_depend_on_order() == (216, 8, 18)
    assert cascade_proof.our_rules_on_the_same_graphs() == (216, 0)
