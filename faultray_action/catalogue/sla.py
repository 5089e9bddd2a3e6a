"""Published SLA percentages: contract numbers, each with its source. They feed the external layer and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import msgspec
import yaml
from msgspec import Struct

from faultray_action.model.errors import ConfigError

DATA = Path(__file__).parent / "data"
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sla_percent: float
    service: str
    source: str
    variant: str = ""
    confidence: Literal["high", "medium", "low"] = "medium"


class SlaRow(Struct, frozen=True):
    """`sla_percent` in [0, 100], a monthly commitment."""

    id: str
    label: str
    sla_percent: float
    source: str


class SlaTable(Struct, frozen=True):
    """Rows by id."""

    rows: Mapping[str, SlaRow]


def load_slas(overrides: Mapping[str, float] = MappingProxyType({})) -> SlaTable:
    """All `sla*.yaml` of the package; `overrides` are the team's own contract numbers by id. Raises ConfigError where a file is no such table."""
    rows: dict[str, SlaRow] = {}
    for path in sorted(DATA.glob("sla*.yaml")):
        try:
            found = msgspec.convert(yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER), dict[str, _Row], strict=False)
        except (yaml.YAMLError, msgspec.ValidationError) as error:
            raise ConfigError(f"{path.name}: {' '.join(str(error).split())}; correct that row") from error
        for id, row in found.items():
            label = f"{row.service} ({row.variant})" if row.variant else row.service
            rows[id] = SlaRow(id, label, row.sla_percent, row.source)
    for id, percent in overrides.items():
        known = rows.get(id)
        rows[id] = SlaRow(id, known.label if known else id, percent, "declared")
    return SlaTable(MappingProxyType(rows))
