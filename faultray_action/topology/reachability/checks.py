"""The table of checks: whatever may keep a call from being answered with no failure at all, each asked both ways."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from faultray_action.topology.known_side import KnownSide
from faultray_action.topology.reachability import calls, egress, lost, peering, private_access
from faultray_action.topology.reachability.cuts import Check, Cut


class Named(Struct, frozen=True):
    """A check by the name that docs/model.md lists it under. `mends`: what the plan mends is credited as what it cuts is charged."""

    name: str
    check: Check
    mends: bool = True


CHECKS = (
    Named("rules of firewalls", calls.cuts),
    Named("rules of firewalls for users", calls.users),
    Named("joints of networks", peering.cuts, mends=False),
    Named("way out", egress.cuts),
    Named("what stood and is lost", lost.cuts, mends=False),
    Named("groups without servers", lost.unserved),
    Named("private access", private_access.cuts, mends=False),
)


def cuts(side: KnownSide, other: KnownSide, *, mending: bool = False) -> list[Cut]:
    """What `side` does not permit, in the order of the table. `mending`: asked of the side before, of what the plan is to mend."""
    found: list[Cut] = []
    for row in CHECKS:
        if row.mends or not mending:
            found += sorted(set(row.check(side, other)))
    return found


def pairs(found: Iterable[Cut]) -> set[tuple[str, str]]:
    """(caller, callee) of each cut."""
    return {(cut.caller, cut.callee) for cut in found}
