"""The JSON document: the one contract between what was computed and everything that is shown of it.

Keys without a default are always written. Keys with a default are left out where they hold it: a part that was not built is absent,
never empty. `None` where a key is required means "this side does not exist" (greenfield: before; destroy-all: after).
Lists are tuples, so that a document is a frozen value; `store.canonical` puts them into their one order and rounds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct, field

SCHEMA_VERSION = "1.0"

Printable = str | int | float | bool | None
"""What may be printed of an allow-listed structural attribute."""

Verdict = Annotated[str, Meta(pattern="^(pass|fail|error)$")]
Mode = Annotated[str, Meta(pattern="^(enforce|warn)$")]
Recommendation = Annotated[str, Meta(pattern="^(safe|review|high-risk)$")]


Subject = Annotated[str, Meta(pattern="^(change|topology)$")]
"""topology: a report on what stands, without a change: then there is no side before and everything found is listed as new."""


class Part(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of every part: frozen, by keyword, defaults left out, unknown keys of later minor versions ignored."""


class PlanPart(Part, frozen=True, kw_only=True):
    """What was read. `changes` counts resource changes by action. `complete` is false for a partial plan (`-target`, deferred actions)."""

    path: str
    terraform_version: str
    resources: int
    changes: Mapping[str, int]
    format_version: str = ""
    complete: bool = True
    deferred: int = 0


class ScoreParts(Part, frozen=True, kw_only=True):
    """The three parts of a score, in points: availability of 35, resilience of 45, data of 20."""

    availability: float
    resilience: float
    data: float


OneSidedKind = Annotated[str, Meta(pattern="^(entry|data|part)$")]


class OneSidedRow(Part, frozen=True, kw_only=True):
    """What stands on one side only, so that it counts in that side's score and not in the delta.

    `standing`: new or gone. `kind`: an entry point, durable data, or a part (of a front, or one that something of both sides needs). `score`:
    what an entry point has by itself, beside all the data of its side."""

    address: str
    kind: OneSidedKind
    standing: Annotated[str, Meta(pattern="^(new|gone)$")]
    label: str = ""
    score: float | None = None


class ComparedPart(Part, frozen=True, kw_only=True):
    """Both sides scored like for like: over one list, where what one side has alone takes its value on both. `reason`: in one line, why the
    two scores differ by something else."""

    before: float
    after: float
    reason: str
    rows: tuple[OneSidedRow, ...] = ()


class ScorePart(Part, frozen=True, kw_only=True):
    """0-100, two decimals; null where a side has no entry point or does not exist, and then the delta too.

    `before` and `after` are the scores of the two states, each by itself. `delta` compares like with like; `compared` is there where that is not the
    difference of the two."""

    before: float | None
    after: float | None
    delta: float | None
    parts_before: ScoreParts | None = None
    parts_after: ScoreParts | None = None
    compared: ComparedPart | None = None


class GateReason(Part, frozen=True, kw_only=True):
    """Why the gate failed: one row a failed gate. `message` is one sentence of ours; names in it are untrusted."""

    gate: str
    limit: Printable
    actual: Printable
    message: str


class GateCheck(Part, frozen=True, kw_only=True):
    """One gate that was asked, passed or not. `before` is the value of the side before, where the gate has one."""

    gate: str
    limit: Printable
    actual: Printable
    passed: bool
    before: Printable = None


class GatePart(Part, frozen=True, kw_only=True):
    passed: bool
    reasons: tuple[GateReason, ...]
    checks: tuple[GateCheck, ...] = ()


class EntrySide(Part, frozen=True, kw_only=True):
    """One side of an entry point. `nines` is -log10 of unavailability, at most 15; `cut_off`: down with no event at all."""

    nines: float
    cut_off: bool = False
    failures_per_year: float | None = None


class EntryRow(Part, frozen=True, kw_only=True):
    """`label` is what people call it; `inferred` names the rule that found it, absent where declared."""

    address: str
    before: EntrySide | None
    after: EntrySide | None
    label: str = ""
    weight: float | None = None
    deferred: bool = False
    inferred: str = ""
    file: str = ""
    line: int = 0
    fingerprint: str = ""


class Cause(Part, frozen=True, kw_only=True):
    """One changed attribute, or (attribute "") a resource created, deleted or replaced: then `action` says which.

    `unknown_after`: the value is known only after apply. `file` is relative to the repository;
    lines and columns start at 1, 0 is "not known".
    """

    address: str
    attribute: str
    before: Printable
    after: Printable
    action: str = ""
    unknown_after: bool = False
    file: str = ""
    line: int = 0
    end_line: int = 0
    column: int = 0
    end_column: int = 0


class ChainStep(Part, frozen=True, kw_only=True):
    """One step of an arrow chain: what fails or suffers. `health`: failed (the injected event) | down | overloaded | degraded."""

    label: str
    address: str = ""
    health: str = ""


class Witness(Part, frozen=True, kw_only=True):
    """The smallest failure that takes an entry point down; `scenario` is the id that `faultray replay` replays.

    `failures_before`: how many independent failures an outage took before the change; absent where there was no such path.
    """

    scenario: str
    chain: tuple[ChainStep, ...]
    failures_after: int
    failures_before: int | None = None


class SpofRow(Part, frozen=True, kw_only=True):
    """One row an address. `event` is its worst class (copy | zone | zonal-component), `classes` all of them,
    `zones` the zones whose loss is an outage.

    `takes_down` holds addresses of entry points. `points` is the put-back value of its change
    (<= 0), null where no single change caused it.
    `kind` is the component kind ("database"), `label` what people call it. `existed`: whether the component stood there before.
    `waived` is the id of the waiver that accepts it.
    """

    address: str
    event: str
    takes_down: tuple[str, ...]
    recovery: str
    cause: tuple[Cause, ...]
    points: float | None
    fingerprint: str = ""
    classes: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    label: str = ""
    kind: str = ""
    existed: bool = True
    failures_per_year: float | None = None
    witness: Witness | None = None
    waived: str = ""
    file: str = ""
    line: int = 0


class SpofsPart(Part, frozen=True, kw_only=True):
    new: tuple[SpofRow, ...]
    resolved: tuple[SpofRow, ...]
    unchanged: tuple[SpofRow, ...]


class RiskRow(Part, frozen=True, kw_only=True):
    """`kind`: data-loss | broken-need | region | capacity | agent; `severity`: high | medium | low.

    `losses` are the uncovered loss events of a data-loss risk (media, delete, corruption, key, poison-message, region, destroyed).
    `message` is a sentence that says more than the kind ("aws_security_group_rule.db was the last rule that admits …"); absent: the words
    of the kind. `existed`: whether what is at risk stood there before.
    """

    address: str
    kind: str
    severity: str
    cause: tuple[Cause, ...]
    fingerprint: str = ""
    message: str = ""
    losses: tuple[str, ...] = ()
    takes_down: tuple[str, ...] = ()
    points: float | None = None
    label: str = ""
    component: str = ""
    existed: bool = True
    waived: str = ""
    file: str = ""
    line: int = 0


class RisksPart(Part, frozen=True, kw_only=True):
    new: tuple[RiskRow, ...]
    resolved: tuple[RiskRow, ...]
    unchanged: tuple[RiskRow, ...]


class ContributionRow(Part, frozen=True, kw_only=True):
    """One changed attribute with its put-back value: what the score lost (negative) or won by this change. Keys of a cause beside it. `also`: what
    is put back with it, since one line decides both or none of them counts without the others, and what was created for it. Those of other resources
    have a row of their own too, without points: `part_of` is the fingerprint of the row that has them."""

    address: str
    attribute: str
    points: float
    before: Printable = None
    after: Printable = None
    action: str = ""
    unknown_after: bool = False
    file: str = ""
    line: int = 0
    end_line: int = 0
    column: int = 0
    end_column: int = 0
    label: str = ""
    fingerprint: str = ""
    also: tuple[Cause, ...] = ()
    part_of: str = ""


class AttributionPart(Part, frozen=True, kw_only=True):
    """Rows and interaction sum to `score.delta`. `simulations` is how many were spent on it."""

    rows: tuple[ContributionRow, ...]
    interaction: float
    simulations: int | None = None


class DisruptionRow(Part, frozen=True, kw_only=True):
    """What goes down *while applying*. `message` completes "<component> …" for a blip ("is removed"). `class`: destructive | outage | blip; `seconds` of outage,
    null where no one can say (data is gone).
    """

    address: str
    disruption: str = field(name="class")
    takes_down: tuple[str, ...]
    seconds: float | None
    fingerprint: str = ""
    cause: tuple[Cause, ...] = ()
    message: str = ""
    label: str = ""
    kind: str = ""
    waived: str = ""
    file: str = ""
    line: int = 0


class ApplyPart(Part, frozen=True, kw_only=True):
    disruptions: tuple[DisruptionRow, ...]


class ScenarioRow(Part, frozen=True, kw_only=True):
    """A scenario whose outcome differs between the sides. `faults` in readable words, `takes_down` addresses of entry points."""

    id: str
    faults: tuple[str, ...]
    takes_down: tuple[str, ...]


class ScenariosPart(Part, frozen=True, kw_only=True):
    """`total` scenarios were asked of both sides; a side that does not exist is null.

    `broken` used to be survived and no longer are, `repaired` the other way round: examples;
    `broken_total` and `repaired_total` count them all.
    `dropped`: stratum -> how many were thinned out; `covered_mass`: share of the probability mass of fault combinations covered.
    """

    total: int
    survived_before: int | None
    survived_after: int | None
    broken: tuple[ScenarioRow, ...] = ()
    broken_total: int = 0
    repaired: tuple[ScenarioRow, ...] = ()
    repaired_total: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    covered_mass: float | None = None


class LayerInput(Part, frozen=True, kw_only=True):
    name: str
    value: float
    unit: str = ""
    source: str = ""


class LayerPart(Part, frozen=True, kw_only=True):
    """Availability in [0, 1] of one layer on each side."""

    before: float | None = None
    after: float | None = None
    note: str = ""
    inputs: tuple[LayerInput, ...] = ()


class AvailabilityPart(Part, frozen=True, kw_only=True):
    """`layers` has software, hardware, theoretical, operational, external. `ceiling` is that after the change (before: destroy-all)."""

    layers: Mapping[str, LayerPart]
    ceiling: float | None
    bottleneck: str
    ceiling_before: float | None = None
    product: float | None = None
    frechet: float | None = None


class SloPart(Part, frozen=True, kw_only=True):
    """`target` in percent; `feasible`: the ceiling after is not below it; `binding` the layer that caps it."""

    target: float
    feasible: bool
    binding: str = ""
    ceiling_before: float | None = None
    ceiling_after: float | None = None


class UnknownType(Part, frozen=True, kw_only=True):
    type: str
    instances: int


class UnknownValue(Part, frozen=True, kw_only=True):
    address: str
    attribute: str
    file: str = ""
    line: int = 0


class CoveragePart(Part, frozen=True, kw_only=True):
    """Counts of managed resource instances. `share` = modelled + transparent + irrelevant over all.
    `on_path`: unknown types that an entry may need.
    """

    modelled: int
    ignored: int
    unknown_types: tuple[UnknownType, ...]
    unknown_values: tuple[UnknownValue, ...]
    share: float | None = None
    transparent: int = 0
    irrelevant: int = 0
    changed: int = 0
    changed_with_disposition: int = 0
    on_path: tuple[str, ...] = ()
    unresolved: Mapping[str, int] = field(default_factory=dict)


class Edit(Part, frozen=True, kw_only=True):
    """One edit of the cheapest way back: `before` is what the plan has now, `after` what to write instead. `forced_by`: attributes that force
    a replacement."""

    address: str
    attribute: str
    before: Printable
    after: Printable
    action: str = ""
    file: str = ""
    line: int = 0
    column: int = 0
    end_column: int = 0
    forced_by: tuple[str, ...] = ()


class Remedy(Part, frozen=True, kw_only=True):
    """The smallest set of edits that passes every gate. `proven`: the gate was run on it. No edits: none found within `simulations`."""

    edits: tuple[Edit, ...]
    score: float | None
    proven: bool
    simulations: int | None = None


class DriftPart(Part, frozen=True, kw_only=True):
    """What changed outside Terraform had cost before this change was made: its own delta and rows, not part of the score's delta."""

    delta: float
    rows: tuple[ContributionRow, ...]


class WaiverRow(Part, frozen=True, kw_only=True):
    """`expires` is a UTC day, inclusive; `days_left` counts from the report's date. `address` is what it accepts."""

    id: str
    address: str = ""
    reason: str = ""
    expires: str = ""
    owner: str = ""
    days_left: int | None = None
    file: str = ""
    line: int = 0


class WaiversPart(Part, frozen=True, kw_only=True):
    applied: tuple[WaiverRow, ...] = ()
    expiring: tuple[WaiverRow, ...] = ()
    expired: tuple[WaiverRow, ...] = ()
    unused: tuple[WaiverRow, ...] = ()


class Bound(Part, frozen=True, kw_only=True):
    """The answer at one end of what the unknown values allow."""

    score: float | None
    passed: bool


class Sensitivity(Part, frozen=True, kw_only=True):
    """`decides`: best and worst differ in verdict."""

    unknowns: tuple[UnknownValue, ...]
    best: Bound
    worst: Bound
    decides: bool = False


class AgentRow(Part, frozen=True, kw_only=True):
    """An AI agent: probability that an answer is a hallucination, in [0, 1], healthy and in the worst single failure after.

    `answering`: it still gives answers in it; `gone`: labels of its data sources that are not well there; `misled_by`: of the agents that
    feed it worse answers there; `chain`: addresses of the agents whose answers reach it, itself last."""

    address: str
    before: float | None
    after: float | None
    label: str = ""
    worst: float | None = None
    worst_scenario: str = ""
    answering: bool = False
    gone: tuple[str, ...] = ()
    misled_by: tuple[str, ...] = ()
    chain: tuple[str, ...] = ()
    fingerprint: str = ""


class CascadeRow(Part, frozen=True, kw_only=True):
    """One cascade path of the side after."""

    scenario: str
    chain: tuple[ChainStep, ...]
    takes_down: tuple[str, ...]


class NodeSide(Part, frozen=True, kw_only=True):
    """`state`: ok | single-point | down. `copies` and `zones` where they mean something."""

    state: str
    copies: int | None = None
    zones: tuple[str, ...] = ()


class GraphNode(Part, frozen=True, kw_only=True):
    """`before` or `after` is null where the component does not stand on that side. `changed`: the plan changes it."""

    id: str
    label: str
    kind: str
    before: NodeSide | None
    after: NodeSide | None
    changed: bool = False
    entry: bool = False


class GraphEdge(Part, frozen=True, kw_only=True):
    """`source` needs `target` (node ids). `role`: need | optional | async | startup | replica; `broken` on the side after."""

    source: str
    target: str
    role: str = "need"
    before: bool = True
    after: bool = True
    broken: bool = False


class GraphPart(Part, frozen=True, kw_only=True):
    """The changed neighbourhood, most important nodes first; `omitted` counts the components beyond it."""

    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]
    omitted: int = 0


class DiagnosticRow(Part, frozen=True, kw_only=True):
    severity: str
    code: str
    message: str
    address: str = ""
    file: str = ""
    line: int = 0


class ErrorPart(Part, frozen=True, kw_only=True):
    """Could not compute: why, and what to do next, a sentence each."""

    reason: str
    next_step: str
    code: str = ""


class Document(Part, frozen=True, kw_only=True):
    """One report. `verdict`: pass | fail | error; `mode`: enforce | warn; `recommendation`: safe | review | high-risk.

    `title` is what the comment's heading calls the plan (its label, else its folder); `date` the UTC day the report was made for, an input.
    `settings` are the ones actually used, name -> value; `omitted`: part -> rows that `store.condensed` left out ("spofs.new": 360);
    `limits` are honest sentences about what this run could not see.
    """

    schema_version: str
    plan: PlanPart
    score: ScorePart
    recommendation: Recommendation
    gate: GatePart
    entry_points: tuple[EntryRow, ...]
    spofs: SpofsPart
    risks: RisksPart
    attribution: AttributionPart
    apply: ApplyPart
    scenarios: ScenariosPart
    coverage: CoveragePart
    verdict: Verdict
    mode: Mode
    title: str
    label: str = ""
    version: str = ""
    date: str = ""
    availability: AvailabilityPart | None = None
    slo: SloPart | None = None
    remedy: Remedy | None = None
    drift: DriftPart | None = None
    waivers: WaiversPart | None = None
    sensitivity: Sensitivity | None = None
    agents: tuple[AgentRow, ...] = ()
    plans: tuple[PlanPart, ...] = ()
    cascades: tuple[CascadeRow, ...] = ()
    graph: GraphPart | None = None
    settings: Mapping[str, Printable] = field(default_factory=dict)
    omitted: Mapping[str, int] = field(default_factory=dict)
    diagnostics: tuple[DiagnosticRow, ...] = ()
    error: ErrorPart | None = None
    limits: tuple[str, ...] = ()
    subject: Subject = "change"


def empty_document(title: str, plan_path: str, error: ErrorPart, *, label: str = "", mode: str = "enforce", version: str = "") -> Document:
    """The document of "could not compute": every side null, every list empty, verdict error."""
    return Document(
        schema_version=SCHEMA_VERSION,
        plan=PlanPart(path=plan_path, terraform_version="", resources=0, changes={}),
        score=ScorePart(before=None, after=None, delta=None),
        recommendation="high-risk",
        gate=GatePart(passed=False, reasons=(GateReason(gate="could-not-compute", limit=None, actual=None, message=error.reason),)),
        entry_points=(),
        spofs=SpofsPart(new=(), resolved=(), unchanged=()),
        risks=RisksPart(new=(), resolved=(), unchanged=()),
        attribution=AttributionPart(rows=(), interaction=0.0),
        apply=ApplyPart(disruptions=()),
        scenarios=ScenariosPart(total=0, survived_before=None, survived_after=None),
        coverage=CoveragePart(modelled=0, ignored=0, unknown_types=(), unknown_values=()),
        verdict="error",
        mode=mode,
        title=title,
        label=label,
        version=version,
        error=error,
    )
