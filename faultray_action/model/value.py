"""A value that Terraform will know only after apply: neither None nor false."""

from __future__ import annotations

from enum import Enum
from typing import Final


class Unknown(Enum):
    """The type of the single value `UNKNOWN`."""

    UNKNOWN = "unknown until apply"

    def __bool__(self) -> bool:
        raise TypeError("an unknown value has no truth: ask `value is UNKNOWN` first")

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown.UNKNOWN
