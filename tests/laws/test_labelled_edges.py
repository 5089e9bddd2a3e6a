"""Discovered needs against those that a reviewer of the code would name, beside the two simple ways of finding them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "discovery.py"


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("discovery_benchmark", BENCHMARK)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_needs_are_found_as_a_reviewer_names_them(benchmark: ModuleType) -> None:
    assert len(benchmark.LABELLED) >= 8
    totals = benchmark.score_labelled(benchmark.LABELLED)
    precision, recall = benchmark.ratios(totals["discovered"])
    assert precision >= 0.95 and recall >= 0.95
    for baseline in ("references", "products"):
        others = benchmark.ratios(totals[baseline])
        assert precision >= others[0] and recall > others[1], baseline
