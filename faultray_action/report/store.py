"""Writes and reads the document: the same document is the same bytes, and what is read back was checked first."""

from __future__ import annotations

import hashlib
import math
import zlib
from collections.abc import Callable, Iterable
from importlib import resources
from typing import TypeVar

import msgspec

from faultray_action.model.errors import InputError
from faultray_action.report.document import (
    AgentRow,
    AttributionPart,
    ComparedPart,
    ContributionRow,
    DisruptionRow,
    Document,
    DriftPart,
    EntryRow,
    EntrySide,
    OneSidedRow,
    RiskRow,
    ScorePart,
    ScoreParts,
    SpofRow,
)

MAX_NINES = 15.0
_MAX_POINTS = 1e6
MAX_BYTES = 50_000_000
"""A document larger than this is refused: no plan of a supported size makes one."""

_SEVERITIES = {"high": 0, "medium": 1, "low": 2}
_ONE_SIDED = {"entry": 0, "data": 1, "part": 2}
_DISRUPTIONS = {"destructive": 0, "outage": 1, "blip": 2}

Row = TypeVar("Row", EntryRow, SpofRow, RiskRow, ContributionRow, DisruptionRow, AgentRow)


def fingerprint(kind: str, address: str, row_class: str) -> str:
    """Stable identity of a row: SHA-256 (hex) of its kind, its address after `moved`, and its class; no line numbers, no values."""
    return hashlib.sha256("\x00".join((kind, address, row_class)).encode("utf-8", "surrogatepass")).hexdigest()


def dump(document: Document) -> bytes:
    """UTF-8 JSON, indented, one canonical order, ending in a newline. Equal documents give equal bytes."""
    encoded = msgspec.json.encode(canonical(document), order="deterministic")
    return msgspec.json.format(encoded, indent=1) + b"\n"


def load(data: bytes, name: str = "the report") -> Document:
    """Reads a document that `dump` wrote here or elsewhere. InputError, one sentence, where it is none or of another major version."""
    if len(data) > MAX_BYTES:
        raise InputError(f"{name} is larger than {MAX_BYTES // 1_000_000} MB; pass the file that `faultray tf-check --format json` wrote.")
    try:
        document = msgspec.json.decode(data, type=Document)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{name} is no FaultRay report ({error}); pass the file that `faultray tf-check --format json` wrote.") from error
    if document.schema_version.split(".")[0] != "1":
        raise InputError(
            f"{name} has schema_version {document.schema_version[:20]!r}, this version reads 1.x; use the FaultRay that wrote it."
        )
    return canonical(document)


def schema() -> bytes:
    """The JSON Schema (draft 2020-12) of the document, as shipped with the package."""
    return resources.files("faultray_action.report").joinpath("schema/report.json").read_bytes()


def canonical(document: Document) -> Document:
    """The one order and the one rounding of a document, fingerprints filled in. Idempotent; renderers may be given nothing else."""
    score, spofs, risks = document.score, document.spofs, document.risks
    return msgspec.structs.replace(
        document,
        score=_score(score),
        entry_points=_named("entry", (_entry(row) for row in document.entry_points), lambda row: ""),
        spofs=msgspec.structs.replace(spofs, new=_spofs(spofs.new), resolved=_spofs(spofs.resolved), unchanged=_spofs(spofs.unchanged)),
        risks=msgspec.structs.replace(risks, new=_risks(risks.new), resolved=_risks(risks.resolved), unchanged=_risks(risks.unchanged)),
        attribution=_attribution(document.attribution, score.delta, "attribution.rows" in document.omitted),
        apply=msgspec.structs.replace(document.apply, disruptions=_disruptions(document.apply.disruptions)),
        drift=_drift(document.drift),
        agents=_named("agent", document.agents, lambda row: ""),
        diagnostics=tuple(
            sorted(
                document.diagnostics,
                key=lambda row: (row.severity != "error", row.severity != "warning", row.code, row.address, row.message),
            )
        ),
    )


def condensed(document: Document, packed_bytes: int = 48_000) -> Document:
    """What a comment needs of a document, small enough to travel: zlib and base64 of its dump stay within `packed_bytes`.

    Rows beyond a limit are left out and counted in `omitted`, so that the comment still tells how many there are. Where even the shortest
    form is too large (names of many kilobytes), the shortest form is returned.
    """
    whole, limit = canonical(document), 60
    while True:
        small = _condensed(whole, limit)
        if limit <= 1 or len(zlib.compress(dump(small), 9)) * 4 / 3 <= packed_bytes:
            return small
        limit //= 2


def _condensed(document: Document, limit: int) -> Document:
    spofs, risks, scenarios, graph = document.spofs, document.risks, document.scenarios, document.graph
    parts: dict[str, tuple[object, ...]] = {
        "spofs.new": spofs.new,
        "spofs.resolved": spofs.resolved,
        "spofs.unchanged": spofs.unchanged,
        "risks.new": risks.new,
        "risks.resolved": risks.resolved,
        "risks.unchanged": risks.unchanged,
        "apply.disruptions": document.apply.disruptions,
        "attribution.rows": document.attribution.rows,
    }
    beyond = {name: len(rows) - limit for name, rows in parts.items() if len(rows) > limit}
    omitted = {name: beyond.get(name, 0) + document.omitted.get(name, 0) for name in sorted({*beyond, *document.omitted})}
    change = msgspec.structs.replace
    return change(
        document,
        spofs=change(spofs, new=spofs.new[:limit], resolved=spofs.resolved[:limit], unchanged=spofs.unchanged[:limit]),
        risks=change(risks, new=risks.new[:limit], resolved=risks.resolved[:limit], unchanged=risks.unchanged[:limit]),
        attribution=change(document.attribution, rows=document.attribution.rows[:limit]),
        apply=change(document.apply, disruptions=document.apply.disruptions[:limit]),
        score=change(document.score, compared=_fewer(document.score.compared, limit)),
        entry_points=document.entry_points[: 4 * limit],
        scenarios=change(scenarios, broken=scenarios.broken[:10], repaired=scenarios.repaired[:10]),
        graph=None if graph is None or limit < 15 else change(graph, nodes=graph.nodes[:30], edges=graph.edges[:60]),
        diagnostics=document.diagnostics[:10],
        availability=None,
        cascades=(),
        omitted=omitted,
    )


def _fewer(part: ComparedPart | None, limit: int) -> ComparedPart | None:
    return None if part is None else msgspec.structs.replace(part, rows=part.rows[:limit])


def _points(value: float | None) -> float | None:
    return None if value is None else _cents(value)


def _rate(value: float | None) -> float | None:
    return None if value is None else round(value, 6) + 0.0


def _score_parts(parts: ScoreParts | None) -> ScoreParts | None:
    if parts is None:
        return None
    return ScoreParts(availability=_cents(parts.availability), resilience=_cents(parts.resilience), data=_cents(parts.data))


def _score(score: ScorePart) -> ScorePart:
    return ScorePart(
        before=_points(score.before),
        after=_points(score.after),
        delta=_points(score.delta),
        parts_before=_score_parts(score.parts_before),
        parts_after=_score_parts(score.parts_after),
        compared=_compared(score.compared),
    )


def _compared(part: ComparedPart | None) -> ComparedPart | None:
    if part is None:
        return None
    rows = (msgspec.structs.replace(row, score=_points(row.score)) for row in part.rows)
    return msgspec.structs.replace(part, before=_cents(part.before), after=_cents(part.after), rows=tuple(sorted(rows, key=_one_sided)))


def _one_sided(row: OneSidedRow) -> tuple[bool, int, str]:
    """New ones first; entry points, then data, then parts."""
    return row.standing != "new", _ONE_SIDED.get(row.kind, 3), row.address


def _cents(value: float) -> float:
    """Two decimals, no negative zero; a forged number stays small enough to be added and shown."""
    return round(max(-_MAX_POINTS, min(_MAX_POINTS, value)), 2) + 0.0


def _side(side: EntrySide | None) -> EntrySide | None:
    if side is None:
        return None
    bounded = MAX_NINES if math.isnan(side.nines) else max(0.0, min(side.nines, MAX_NINES))
    return msgspec.structs.replace(side, nines=_cents(bounded), failures_per_year=_rate(side.failures_per_year))


def _entry(row: EntryRow) -> EntryRow:
    return msgspec.structs.replace(row, before=_side(row.before), after=_side(row.after))


def _spofs(rows: tuple[SpofRow, ...]) -> tuple[SpofRow, ...]:
    rounded = (
        msgspec.structs.replace(
            row,
            points=_points(row.points),
            takes_down=_unique(row.takes_down),
            failures_per_year=_rate(row.failures_per_year),
            classes=_unique(row.classes),
            zones=_unique(row.zones),
        )
        for row in rows
    )
    named = _named("spof", rounded, lambda row: row.event)
    return tuple(sorted(named, key=lambda row: (row.points or 0.0, -len(row.takes_down), row.address)))


def _risks(rows: tuple[RiskRow, ...]) -> tuple[RiskRow, ...]:
    rounded = (
        msgspec.structs.replace(row, points=_points(row.points), takes_down=_unique(row.takes_down), losses=_unique(row.losses))
        for row in rows
    )
    named = _named("risk", rounded, lambda row: row.kind)
    return tuple(sorted(named, key=lambda row: (_SEVERITIES.get(row.severity, 3), row.points or 0.0, row.address, row.kind)))


def _contributions(kind: str, rows: tuple[ContributionRow, ...]) -> tuple[ContributionRow, ...]:
    rounded = (msgspec.structs.replace(row, points=_cents(row.points)) for row in rows)
    named = _named(kind, rounded, lambda row: row.attribute)
    return tuple(sorted(named, key=lambda row: (row.points, row.address, row.attribute)))


def _attribution(part: AttributionPart, delta: float | None, partial: bool) -> AttributionPart:
    """Rounded rows; the interaction takes what rounding left over, so that rows and interaction sum to the printed delta to the cent."""
    rows = _contributions("change", part.rows)
    rest = part.interaction if delta is None or not rows or partial else round(delta, 2) - sum(row.points for row in rows)
    return msgspec.structs.replace(part, rows=rows, interaction=_cents(rest))


def _drift(part: DriftPart | None) -> DriftPart | None:
    return None if part is None else msgspec.structs.replace(part, delta=_cents(part.delta), rows=_contributions("drift", part.rows))


def _disruptions(rows: tuple[DisruptionRow, ...]) -> tuple[DisruptionRow, ...]:
    whole = (
        msgspec.structs.replace(row, takes_down=_unique(row.takes_down), seconds=None if row.seconds is None else float(round(row.seconds)))
        for row in rows
    )
    named = _named("apply", whole, lambda row: row.disruption)
    return tuple(
        sorted(named, key=lambda row: (_DISRUPTIONS.get(row.disruption, 3), -len(row.takes_down), -(row.seconds or 0.0), row.address))
    )


def _named(kind: str, rows: Iterable[Row], row_class: Callable[[Row], str]) -> tuple[Row, ...]:
    """Rows with their fingerprints; one that came with a fingerprint (of an address after `moved`) keeps it."""
    return tuple(
        row if row.fingerprint else msgspec.structs.replace(row, fingerprint=fingerprint(kind, row.address, row_class(row))) for row in rows
    )


def _unique(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))
