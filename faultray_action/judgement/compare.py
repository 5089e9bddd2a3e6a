"""The difference between two sides, computed here once: scores, single points and risks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from faultray_action.judgement.assess import score_pair
from faultray_action.judgement.pairing import Side, match_entries
from faultray_action.model.component import FaultClass
from faultray_action.model.finding import Delta, Disruption, Risk, Standing
from faultray_action.model.outcome import SinglePoint


def compare(
    before: Side,
    after: Side,
    risks: tuple[tuple[Standing, Risk], ...] = (),
    disruptions: tuple[Disruption, ...] = (),
    regional: tuple[tuple[Standing, SinglePoint], ...] = (),
    *,
    scored: tuple[Side, Side] | None = None,
    split: bool = True,
) -> Delta:
    """Both sides scored over one list, and every single point with its standing, sorted by standing and address. `split`: as `score_pair`.

    `scored`: the sides as they are scored, where that is not as they stand (see `growth`)."""
    was, is_now = score_pair(*(scored or (before, after)), split=split)
    spofs = _spofs(before, after)
    known = {(standing, point.address) for standing, point in spofs}
    spofs += tuple(row for row in regional if (row[0], row[1].address) not in known)
    return Delta(was, is_now, spofs, risks, disruptions)


def _spofs(before: Side, after: Side) -> tuple[tuple[Standing, SinglePoint], ...]:
    old = {point.address: point for point in before.examination.single_points}
    new = {point.address: point for point in after.examination.single_points}
    silent = cut_off_entries(before, after)
    lasting = {entry.address for side in (before, after) for entry in side.topology.entries if not entry.deferred}
    rows = [(_standing(old.get(address), point, lasting), point) for address, point in sorted(new.items())]
    for address, point in sorted(old.items()):
        remaining = _lost_classes(point, new.get(address))
        if remaining is None:
            continue
        hidden = bool(point.takes_down) and set(point.takes_down) <= silent
        if hidden and address not in new:
            rows.append((Standing.UNCHANGED, point))
        elif not hidden and address not in new:
            rows.append((Standing.RESOLVED, point))
    return tuple(rows)


def _standing(old: SinglePoint | None, new: SinglePoint, lasting: set[str]) -> Standing:
    """The identity is (address, class): a class that was not there before makes the row new. So does reaching users at all: a point that
    stopped only queue consumers (entries not in `lasting`) and now stops an entry that users wait for."""
    if old is None or not set(new.classes) <= set(old.classes):
        return Standing.NEW
    only_deferred = not set(old.takes_down) & lasting
    return Standing.NEW if only_deferred and set(new.takes_down) & lasting else Standing.UNCHANGED


def _lost_classes(old: SinglePoint, new: SinglePoint | None) -> SinglePoint | None:
    gone = tuple(c for c in old.classes if new is None or c not in new.classes)
    return replace(old, classes=gone) if gone else None


def cut_off_entries(before: Side, after: Side) -> set[str]:
    """Entries of before that are cut off after: their earlier single points are hidden by the greater evil, not resolved."""
    partner = match_entries(before.topology.entries, after.topology.entries)
    return {before.topology.entries[old].address for new, old in partner.items() if after.examination.entries[new].cut_off}


def fault_entries(side: Side, classes: Iterable[FaultClass]) -> Mapping[str, set[str]]:
    """Entry -> domains of the shared faults of these classes that alone take it down."""
    wanted = set(classes)
    found: dict[str, set[str]] = {}
    for row in side.examination.shared:
        if row.fault_class in wanted:
            for entry in row.takes_down:
                found.setdefault(entry, set()).add(row.fault)
    return found
