"""Reads `data/reliability.yaml`: each reliability number of the product once, with unit, source, confidence and date.

A row is a rate (`rate_per_year`, `repair_hours`, perhaps `failover_seconds` and `recovery`) or a plain quantity (`value`, `unit`).
Each number is `[low, default, high]`, or one number where it is known exactly.
"""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import msgspec
import yaml

from faultray_action.model.component import Recovery
from faultray_action.model.errors import ConfigError
from faultray_action.model.reliability import Quantity, ReliabilityRow, ReliabilityTable
from faultray_action.model.units import Interval

FILE = Path(__file__).parent / "data" / "reliability.yaml"
_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
"""Everything stays text, so that dates do too; msgspec turns text into numbers."""

Bounds = tuple[float, float, float] | float


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row as it is written."""

    source: str
    confidence: Literal["high", "medium", "low"]
    date: str
    rate_per_year: Bounds | None = None
    repair_hours: Bounds | None = None
    failover_seconds: Bounds | None = None
    recovery: Literal["self-heals", "fails-over", "manual-restore"] = "self-heals"
    value: Bounds | None = None
    unit: str = ""
    note: str = ""


def load_reliability() -> ReliabilityTable:
    """The table that ships with the package. Raises ConfigError where its text is no such table."""
    return parse_reliability(FILE.read_text(encoding="utf-8"), FILE.name)


def parse_reliability(text: str, name: str) -> ReliabilityTable:
    """`text` maps ids to rows; `name` stands in the error message."""
    try:
        rows = msgspec.convert(yaml.load(text, Loader=_LOADER), dict[str, Row], strict=False)
        rates = {id: _rate(id, row) for id, row in sorted(rows.items()) if row.value is None}
        quantities = {id: _quantity(id, row) for id, row in sorted(rows.items()) if row.value is not None}
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"{name}: {' '.join(str(error).split())}; correct that row") from error
    return ReliabilityTable(MappingProxyType(rates), MappingProxyType(quantities))


def _rate(id: str, row: Row) -> ReliabilityRow:
    if row.rate_per_year is None or row.repair_hours is None:
        raise ValueError(f"{id} has neither rate_per_year with repair_hours nor a value")
    failover = None if row.failover_seconds is None else _interval(row.failover_seconds)
    rate, repair = _interval(row.rate_per_year), _interval(row.repair_hours)
    return ReliabilityRow(id, rate, repair, failover, Recovery(row.recovery), row.source, row.confidence, row.date)


def _quantity(id: str, row: Row) -> Quantity:
    if row.value is None or not row.unit:
        raise ValueError(f"{id} needs a unit")
    return Quantity(id, _interval(row.value), row.unit, row.source, row.confidence, row.date)


def _interval(bounds: Bounds) -> Interval:
    return Interval(*bounds) if isinstance(bounds, tuple) else Interval.exactly(bounds)
