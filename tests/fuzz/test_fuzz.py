"""The targets of `make fuzz`, a little of each on every push."""

from __future__ import annotations

import pytest
from fuzz_targets import TARGETS, attempt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

RUNS = {"judged": 12, "documents": 40}
"""Examples of the targets that take their time; 150 of the others."""

FOUND: dict[str, tuple[bytes, ...]] = {
    "infra": (b"\x01\x01\x01\x00\x00\xe7\x00\xd8", b"\x01\x01\x00\x00\x01\xe7\x00\xd8"),  # a line break in an id, in a type
}
"""Inputs that once brought a target down."""


@pytest.mark.parametrize("name", TARGETS)
def test_no_bytes_stop_a_door_or_a_renderer(name: str) -> None:
    @settings(max_examples=RUNS.get(name, 150), deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
    @given(st.binary(max_size=80))
    def run(data: bytes) -> None:
        attempt(name, data)

    run()


@pytest.mark.parametrize(("name", "data"), [(name, data) for name, inputs in FOUND.items() for data in inputs])
def test_what_was_found_once_stays_mended(name: str, data: bytes) -> None:
    attempt(name, data)
