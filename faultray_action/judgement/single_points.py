"""Single points of failure of both sides, each with its standing."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from faultray_action.judgement.pairing import Side, match_entries
from faultray_action.model.finding import Standing
from faultray_action.model.outcome import SinglePoint

Row = tuple[Standing, SinglePoint]


def find(before: Side, after: Side) -> tuple[Row, ...]:
    """Every single point: those of the side after by address, then those of the side before that are gone or hidden."""
    old = {point.address: point for point in before.examination.single_points}
    new = {point.address: point for point in after.examination.single_points}
    lasting = _lasting(before, after)
    rows = [(_standing(old.get(address), point, lasting), point) for address, point in sorted(new.items())]
    silent = cut_off_entries(before, after)
    return (*rows, *_gone(old, new, silent))


def _gone(old: dict[str, SinglePoint], new: dict[str, SinglePoint], silent: Collection[str]) -> Iterator[Row]:
    """What is none any more. Where all that it took down is cut off now it is hidden by the greater evil, not resolved."""
    for address, point in sorted(old.items()):
        if address in new:
            continue
        hidden = bool(point.takes_down) and all(entry in silent for entry in point.takes_down)
        yield Standing.UNCHANGED if hidden else Standing.RESOLVED, point


def _standing(old: SinglePoint | None, new: SinglePoint, lasting: Collection[str]) -> Standing:
    """The identity is (address, class): a class that was not there before makes the row new. So does reaching users at all: a point that
    stopped only queue consumers (entries not in `lasting`) and now stops an entry that users wait for."""
    if old is None or not set(new.classes) <= set(old.classes):
        return Standing.NEW
    reached_users = any(entry in lasting for entry in old.takes_down)
    reaches_users = any(entry in lasting for entry in new.takes_down)
    return Standing.NEW if reaches_users and not reached_users else Standing.UNCHANGED


def _lasting(before: Side, after: Side) -> set[str]:
    """Entries of either side that users wait for."""
    entries = (*before.topology.entries, *after.topology.entries)
    return {entry.address for entry in entries if not entry.deferred}


def cut_off_entries(before: Side, after: Side) -> set[str]:
    """Entries of before that are cut off after."""
    partner = match_entries(before.topology.entries, after.topology.entries)
    found: set[str] = set()
    for new, old in partner.items():
        if after.examination.entries[new].cut_off:
            found.add(before.topology.entries[old].address)
    return found
