"""The smallest failure that takes an entry point down through a new single point, as a chain a reader can follow and replay."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from faultray_action.model.finding import OutageWitness
from faultray_action.model.outcome import Cut, Examination, SinglePoint

Chain = Callable[[str, str], tuple[str, ...]]
"""(entry, component) -> path of needs from the entry to the component, both included."""


def witness(point: SinglePoint, before: Examination, owners: dict[str, str], chain: Chain) -> OutageWitness | None:
    """One witness a single point: its first event against the first entry it takes down. `owners`: fault id -> component, on the side before."""
    if not point.takes_down or not point.faults:
        return None
    path = chain(point.takes_down[0], point.address)
    steps = tuple(reversed(path)) if path else (point.address, point.takes_down[0])
    return OutageWitness(point.address, point.faults[0], steps, 1, _failures_before(point, before.cuts, owners))


def _failures_before(point: SinglePoint, cuts: Sequence[Cut], owners: dict[str, str]) -> int | None:
    """The size of the smallest cut of before, of an entry that it takes down now, in which an event of this component takes part."""
    sizes = [
        len(cut.faults) for cut in cuts if cut.entry in point.takes_down and any(owners.get(fault) == point.address for fault in cut.faults)
    ]
    return min(sizes, default=None)
