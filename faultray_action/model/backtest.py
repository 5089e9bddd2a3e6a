"""What a backtest against documented incidents answers."""

from __future__ import annotations

from msgspec import Struct


class Proportion(Struct, frozen=True):
    """`hits` of `total`, with its 95 % Wilson interval; of nothing, the value is None and the interval [0, 1]."""

    hits: int
    total: int
    low: float
    high: float

    @property
    def value(self) -> float | None:
        return self.hits / self.total if self.total else None


class Accuracy(Struct, frozen=True):
    """One predictor against what was observed. Positive means: the service was affected. `f1` is None where nothing was affected or predicted."""

    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int
    precision: Proportion
    recall: Proportion
    specificity: Proportion
    f1: float | None

    @property
    def balanced(self) -> float | None:
        """Mean of recall and specificity: 0.5 for every predictor that says the same of all services."""
        recall, specificity = self.recall.value, self.specificity.value
        return None if recall is None or specificity is None else (recall + specificity) / 2


class IncidentResult(Struct, frozen=True):
    """One incident: what was given (`failed`), what was observed, what was predicted; services in sorted order, the failed ones left out."""

    id: str
    date: str
    provider: str
    title: str
    url: str
    confidence: str
    failed: tuple[str, ...]
    affected: tuple[str, ...]
    unaffected: tuple[str, ...]
    predicted: tuple[str, ...]
    accuracy: Accuracy
    note: str = ""

    @property
    def missed(self) -> tuple[str, ...]:
        return tuple(service for service in self.affected if service not in self.predicted)

    @property
    def false_alarms(self) -> tuple[str, ...]:
        return tuple(service for service in self.unaffected if service in self.predicted)


class BacktestResult(Struct, frozen=True):
    """All incidents, and the pooled accuracy of the engine and of each baseline, by name."""

    incidents: tuple[IncidentResult, ...]
    overall: Accuracy
    by_provider: tuple[tuple[str, Accuracy], ...]
    baselines: tuple[tuple[str, Accuracy], ...]
