"""What the judgement found: differences between the sides, with their causes, before anybody words them."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import cached_property
from typing import Generic, TypeVar

from msgspec import Struct

from faultray_action.model.assessment import Assessment
from faultray_action.model.change import AttributeChange
from faultray_action.model.outcome import SinglePoint


class RiskKind(StrEnum):
    DATA_LOSS = "data-loss"
    BROKEN_NEED = "broken-need"
    REGION = "region"
    CAPACITY = "capacity"
    AGENT = "agent"


class RiskSeverity(StrEnum):
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Standing(StrEnum):
    """Whether a finding came with the plan, went with it, or stands on both sides."""

    NEW = "new"
    RESOLVED = "resolved"
    UNCHANGED = "unchanged"


class Risk(Struct, frozen=True):
    """A risk that is no single point. `losses` are uncovered loss kinds ("media", "destroyed"); `message` is a sentence of ours.

    `existed`: what is at risk stood there before the change."""

    address: str
    kind: RiskKind
    severity: RiskSeverity
    losses: tuple[str, ...] = ()
    takes_down: tuple[str, ...] = ()
    message: str = ""
    related: tuple[str, ...] = ()
    existed: bool = True


class DisruptionClass(StrEnum):
    DESTRUCTIVE = "destructive"
    OUTAGE = "outage"
    BLIP = "blip"


class ApplyStep(Struct, frozen=True):
    """One thing that happens to a component while applying, in apply order. `ends`: it does not stand after at this address.

    `overlap`: its successor exists before it goes. `rolling`: copy by copy. `harmless`: nothing runs on it. `loses_data`: durable data
    goes without a snapshot or a copy that takes its place. `keeps_data`: durable data goes from here, and a snapshot or copy of it stays.
    `successor`: another resource takes its role over. `heir_is_empty`: what needed the data needs that one from now on, which has none of it.
    `renamed`: that resource has its very name, so that it cannot exist before. `together`: what goes at the same time, itself among it.
    `seconds`: how long until the successor serves, None where nobody can say.
    """

    address: str
    overlap: bool = False
    rolling: bool = False
    harmless: bool = False
    loses_data: bool = False
    keeps_data: bool = False
    heir_is_empty: bool = False
    ends: bool = False
    successor: str = ""
    renamed: bool = False
    together: tuple[str, ...] = ()
    seconds: float | None = None


class Disruption(Struct, frozen=True):
    """What goes down while applying, and for how long (None: not known, or for good)."""

    address: str
    disruption: DisruptionClass
    takes_down: tuple[str, ...]
    seconds: float | None
    message: str = ""


class FindingKind(StrEnum):
    """What a finding is about; risks keep their kind."""

    SINGLE_POINT = "spof"
    DATA_LOSS = "data-loss"
    BROKEN_NEED = "broken-need"
    REGION = "region"
    CAPACITY = "capacity"
    AGENT = "agent"
    DISRUPTION = "apply"


class FindingKey(Struct, frozen=True, order=True):
    """By which a finding is known again in another comparison. `of`: who needs it, where one address has several findings of a kind."""

    kind: FindingKind
    address: str
    of: str = ""


What = TypeVar("What", SinglePoint, Risk, Disruption)


class Finding(Struct, Generic[What], frozen=True):
    """One row of what a comparison tells: its identity, whether it came with the plan, and what it is."""

    key: FindingKey
    standing: Standing
    what: What

    @property
    def is_new(self) -> bool:
        return self.standing is Standing.NEW


AnyFinding = Finding[SinglePoint] | Finding[Risk] | Finding[Disruption]


TOLD_APART = 0.5
"""Points by which a delta must differ from what the two scores differ by, to be told beside them."""


class OneSidedKind(StrEnum):
    """What stands on one side only, and therefore counts in that side's score and not in the delta."""

    ENTRY = "entry"
    DATA = "data"
    PART = "part"


class OneSided(Struct, frozen=True):
    """Something that only one side has. `standing`: new or resolved. `score`: what an entry has by itself, with the data of its side."""

    kind: OneSidedKind
    standing: Standing
    address: str
    label: str = ""
    score: float | None = None


class Alike(Struct, frozen=True):
    """Both sides scored over one list of entries and data: what stands on one side only takes that side's value on both."""

    before: Assessment
    after: Assessment

    @property
    def points(self) -> float:
        """The difference, unrounded."""
        return self.after.score - self.before.score


class Comparison(Struct, frozen=True, dict=True):
    """Everything that differs between the sides, made in one place (`judgement.compare`).

    `before` and `after` are the scores of each state by itself; None for a side without entries, and then `alike` is None too. `left` finds that of
    the side after: most simulations are asked for the delta only.
    """

    before: Assessment | None
    left: Callable[[], Assessment | None]
    alike: Alike | None
    single_points: tuple[Finding[SinglePoint], ...] = ()
    risks: tuple[Finding[Risk], ...] = ()
    disruptions: tuple[Finding[Disruption], ...] = ()

    @cached_property
    def after(self) -> Assessment | None:
        return self.left()

    @property
    def points(self) -> float | None:
        """The delta: like for like, unrounded."""
        return None if self.alike is None else self.alike.points

    @property
    def is_plain(self) -> bool:
        """Whether the delta is what the two scores differ by, but for less than a reader has to be told."""
        if self.before is None or self.after is None or self.points is None:
            return True
        return abs(self.after.score - self.before.score - self.points) < TOLD_APART

    @property
    def findings(self) -> tuple[AnyFinding, ...]:
        """Every finding, whatever its standing."""
        return (*self.single_points, *self.risks, *self.disruptions)

    @property
    def news(self) -> frozenset[FindingKey]:
        """What came with the plan."""
        return frozenset(finding.key for finding in self.findings if finding.is_new)

    @property
    def new_single_points(self) -> tuple[SinglePoint, ...]:
        return tuple(finding.what for finding in self.single_points if finding.is_new)

    @property
    def new_risks(self) -> tuple[Risk, ...]:
        return tuple(finding.what for finding in self.risks if finding.is_new)

    @property
    def interruptions(self) -> tuple[Disruption, ...]:
        """What applying interrupts."""
        return tuple(finding.what for finding in self.disruptions)


class GateResult(Struct, frozen=True):
    """One gate: asked, with its limit and what it saw. `before` is the value of the side before, where it has one."""

    gate: str
    passed: bool
    limit: float | str | None
    actual: float | str | None
    before: float | str | None = None
    message: str = ""


class Recommendation(StrEnum):
    SAFE = "safe"
    REVIEW = "review"
    HIGH_RISK = "high-risk"


class Decision(Struct, frozen=True):
    """The verdict: fixed here, whatever happens later. `error` is the reason where it could not be computed."""

    gates: tuple[GateResult, ...]
    recommendation: Recommendation
    error: str = ""
    next_step: str = ""

    @property
    def passed(self) -> bool:
        return not self.error and all(gate.passed for gate in self.gates)


class Contribution(Struct, frozen=True):
    """One change put back: what the score lost (negative) or won by it. `also`: what is put back with it, by the same line or since none of them
    counts without the others."""

    change: AttributeChange
    points: float
    also: tuple[AttributeChange, ...] = ()


class Attribution(Struct, frozen=True):
    """Rows and `interaction` sum to the delta exactly. `causes`: new finding -> changes whose put-back alone removes it.
    `untried`: changes that were not put back one by one, since there are too many of them for a system of that size."""

    rows: tuple[Contribution, ...] = ()
    interaction: float = 0.0
    simulations: int = 0
    causes: tuple[tuple[FindingKey, tuple[AttributeChange, ...]], ...] = ()
    untried: int = 0


class WayBack(Struct, frozen=True):
    """The smallest set of changes to put back so that every gate passes, and the score of what is left then.

    No edits: none found within `simulations`."""

    edits: tuple[AttributeChange, ...] = ()
    score: float | None = None
    simulations: int = 0


class OutageWitness(Struct, frozen=True):
    """The smallest failure that takes an entry down through a single point: scenario id, need chain from the point to the entry."""

    address: str
    scenario: str
    chain: tuple[str, ...]
    failures_after: int
    failures_before: int | None = None


class Turned(Struct, frozen=True):
    """A scenario whose outcome differs between the sides, and the entries that it stops on the worse one."""

    scenario: str
    faults: tuple[str, ...]
    what_ifs: tuple[str, ...]
    takes_down: tuple[str, ...]


class Outlived(Struct, frozen=True):
    """`broken` used to be survived and no longer are, `repaired` the other way round: examples, and how many there are."""

    broken: tuple[Turned, ...] = ()
    broken_total: int = 0
    repaired: tuple[Turned, ...] = ()
    repaired_total: int = 0
