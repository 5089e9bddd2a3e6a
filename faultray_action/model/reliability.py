"""The one table of failure rates, repair times and shares: what every topology is built with."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from faultray_action.model.component import Recovery
from faultray_action.model.errors import ConfigError
from faultray_action.model.units import Interval


class ReliabilityRow(Struct, frozen=True):
    """How often a kind of thing fails by itself, how long it stays down, and how that ends.

    `failover_seconds` is the gap while a standby takes over, None where the table knows none.
    """

    id: str
    failures_per_year: Interval
    repair_hours: Interval
    failover_seconds: Interval | None = None
    recovery: Recovery = Recovery.SELF_HEALS
    source: str = ""
    confidence: str = "low"
    date: str = ""


class Quantity(Struct, frozen=True):
    """A named number that is no rate: a beta factor (unit `fraction`), a default of the operational layer."""

    id: str
    value: Interval
    unit: str
    source: str = ""
    confidence: str = "low"
    date: str = ""


class ReliabilityTable(Struct, frozen=True):
    """`rows` by id (vm, zone, region, managed_database, ...), `quantities` by id (beta_same_zone, deploys_per_month, ...)."""

    rows: Mapping[str, ReliabilityRow]
    quantities: Mapping[str, Quantity]

    def row(self, id: str) -> ReliabilityRow:
        """Raises ConfigError where the table has no such row."""
        if id not in self.rows:
            raise ConfigError(f"the reliability table has no row `{id}`: it knows {', '.join(sorted(self.rows))}")
        return self.rows[id]

    def quantity(self, id: str) -> Quantity:
        """Raises ConfigError where the table has no such number."""
        if id not in self.quantities:
            raise ConfigError(f"the reliability table has no number `{id}`: it knows {', '.join(sorted(self.quantities))}")
        return self.quantities[id]
