"""The smallest failure that takes an entry point down through a new single point, as a chain a reader can follow and replay."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from faultray_action.model.finding import OutageWitness
from faultray_action.model.outcome import Examination

Chain = Callable[[str, str], tuple[str, ...]]
"""(entry, component) -> path of needs from the entry to the component, both included."""


def witness(
    address: str,
    takes_down: Sequence[str],
    events: Sequence[str],
    before: Examination,
    owners: Mapping[str, str],
    chain: Chain,
) -> OutageWitness | None:
    """One witness of a single point: its first event against the first entry it takes down. `owners`: fault id -> component, on the side
    before."""
    if not takes_down or not events:
        return None
    path = chain(takes_down[0], address)
    steps = tuple(reversed(path)) if path else (address, takes_down[0])
    return OutageWitness(address, events[0], steps, 1, _failures_before(address, takes_down, before, owners))


def _failures_before(address: str, takes_down: Sequence[str], before: Examination, owners: Mapping[str, str]) -> int | None:
    """The size of the smallest cut of before, of an entry that it takes down now, in which an event of this component takes part."""
    sizes: list[int] = []
    for cut in before.cuts:
        if cut.entry in takes_down and any(owners.get(fault) == address for fault in cut.faults):
            sizes.append(len(cut.faults))
    return min(sizes, default=None)
