"""What well-known policies of the provider's own permit, as far as it concerns what is asked of a plan."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
import yaml

from faultray_action.model.errors import ConfigError

_FILE = Path(__file__).parent / "data" / "managed_policies.yaml"
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    may: tuple[str, ...]
    source: str


@lru_cache(maxsize=1)
def managed_policies() -> Mapping[str, tuple[str, ...]]:
    """Actions by the name of the policy, on any resource. Raises ConfigError where the file is no such table."""
    try:
        text = _FILE.read_text(encoding="utf-8")
        rows = msgspec.convert(yaml.load(text, Loader=_LOADER), dict[str, _Row])
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        words = " ".join(str(error).split())
        raise ConfigError(f"{_FILE.name}: {words}; correct that row") from error
    return MappingProxyType({name: row.may for name, row in rows.items()})
