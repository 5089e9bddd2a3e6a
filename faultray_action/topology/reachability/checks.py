"""The table of checks: whatever may keep a call from being answered with no failure at all, each asked both ways."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from faultray_action.topology.known_side import KnownSide
from faultray_action.topology.reachability import (
    calls,
    egress,
    feeds,
    fronts,
    grants,
    joined,
    names,
    peering,
    ports,
    private_access,
    services,
    switches,
)
from faultray_action.topology.reachability.cuts import Check, Cut


class Named(Struct, frozen=True):
    """A check by the name that docs/model.md lists it under. `proves`: it tells itself what a side proves; else all that it finds rests on the
    change."""

    name: str
    check: Check
    proves: bool = True

    def cuts(self, side: KnownSide, other: KnownSide) -> list[Cut]:
        """What `side` does not permit, each once, sorted."""
        found = sorted(set(self.check(side, other)))
        return found if self.proves else [replace(cut, by_change=True) for cut in found]


CHECKS = (
    Named("ports", ports.cuts),
    Named("switches", switches.cuts),
    Named("closed to users", switches.closed, proves=False),
    Named("rules of firewalls", calls.cuts),
    Named("rules of firewalls for users", calls.users),
    Named("joints of networks", peering.cuts),
    Named("networks joined as a whole", joined.cuts),
    Named("way out", egress.cuts),
    Named("services of the provider", services.cuts),
    Named("names of what is gone", names.cuts),
    Named("readers of queues", feeds.readers),
    Named("feeds of buffers", feeds.feeds),
    Named("groups without servers", fronts.unserved),
    Named("private access", private_access.cuts),
    Named("grants", grants.cuts),
)


def cuts(side: KnownSide, other: KnownSide) -> list[Cut]:
    """What `side` does not permit, in the order of the table; of the side before also what the plan is to mend."""
    found: list[Cut] = []
    for row in CHECKS:
        found += row.cuts(side, other)
    return found
