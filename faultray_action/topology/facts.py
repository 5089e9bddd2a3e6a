"""Facts of one instance from the catalogue's expressions: where a value is unknown, the worst or the best that it can be."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from faultray_action.catalogue.expression import Scope, evaluate, number, truth
from faultray_action.model.value import UNKNOWN

UNKNOWN_COPIES = (1, 3)
"""What a count that is wholly unknown until apply is taken for, at worst and at best: documented in docs/discovery.md."""


class Choice(StrEnum):
    """Which end of the interval of possibilities a build takes."""

    WORST = "worst"
    BEST = "best"


@dataclass(slots=True)
class Facts:
    """Evaluates and remembers which unknown attributes were asked for: (address, attribute path). `unsure`: addresses with more than one possibility."""

    choice: Choice
    unknown: set[tuple[str, str]] = field(default_factory=set)
    unsure: set[str] = field(default_factory=set)

    def number(self, text: str, address: str, scope: Scope, *, default: float, more_is_better: bool = True) -> float:
        """The number an expression gives; `default` for an empty text and for None."""
        return self.stated(text, address, scope, default=default, more_is_better=more_is_better)[1]

    def stated(self, text: str, address: str, scope: Scope, *, default: float, more_is_better: bool = True) -> tuple[bool, float]:
        """Whether an expression gives anything but None, and the number as `number`."""
        if not text:
            return False, default
        worst, best = UNKNOWN_COPIES if more_is_better else (max(UNKNOWN_COPIES), min(UNKNOWN_COPIES))
        unsure = worst if self.choice is Choice.WORST else best
        found = self._values(text, address, scope)
        if len(found) == 1 and type(found[0]) is int:
            return True, float(number(found[0]))
        values = [float(unsure if v is UNKNOWN else default if v is None else number(v)) for v in found]
        take_least = (self.choice is Choice.WORST) == more_is_better
        return any(value is not None for value in found), min(values) if take_least else max(values)

    def whole(self, text: str, address: str, scope: Scope, *, default: int, more_is_better: bool = True) -> int:
        return int(self.number(text, address, scope, default=default, more_is_better=more_is_better))

    def truth(self, text: str, address: str, scope: Scope, *, better: bool) -> bool:
        """Whether an expression holds; where it is unknown, at worst the opposite of `better`. An empty text is false."""
        if not text:
            return False
        found = self._values(text, address, scope)
        if len(found) == 1 and (found[0] is True or found[0] is False):
            return bool(found[0])
        values = {t for v in found for t in truth(v)}
        if len(values) == 1:
            return bool(values.pop())
        return better if self.choice is Choice.BEST else not better

    def text(self, text: str, address: str, scope: Scope) -> str:
        """The text an expression gives, "" where it is None or unknown."""
        if not text:
            return ""
        value = self._values(text, address, scope)[0]
        return "" if value is None or value is UNKNOWN else str(value)

    def items(self, text: str, address: str, scope: Scope) -> list[Any]:
        """The list an expression gives, without unknown elements."""
        if not text:
            return []
        value = self._values(text, address, scope)[0]
        found = value if isinstance(value, list) else [] if value is None or value is UNKNOWN else [value]
        return [item for item in found if item is not UNKNOWN and item is not None]

    def _values(self, text: str, address: str, scope: Scope) -> tuple[Any, ...]:
        values = evaluate(text, scope)
        if len(values) > 1 or values[:1] == (UNKNOWN,):
            self.unknown |= {(address, path) for path in scope.unknown}
            self.unsure.add(address)
        return values or (None,)
