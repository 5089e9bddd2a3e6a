"""What is said, apart from how it is quoted: sentences are made of words of ours and names of others.

A `Phrase` is a tuple of parts; `Name` marks text that came from a plan. Each renderer joins a phrase with its own quoting.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum

from msgspec import Struct

from faultray_action.model.units import POINTS_DIGITS, told_points
from faultray_action.report import escape
from faultray_action.report.document import (
    Cause,
    ContributionRow,
    DisruptionRow,
    Document,
    Edit,
    OneSidedRow,
    Printable,
    RiskRow,
    SpofRow,
)

MINUS = "−"
_LARGE = 10.0
"""Points; from here on a reader does not mind that two rounded scores differ by a point more or less."""


class Name(Struct, frozen=True):
    """Text of others: an address, a label, a value, a file."""

    text: str


class Said(Struct, frozen=True):
    """A sentence of ours made elsewhere that may hold names of others."""

    text: str


Phrase = tuple[str | Name | Said, ...]
Quote = Callable[[str], str]


def say(phrase: Phrase, quote: Quote, quote_said: Quote) -> str:
    """The phrase in one language: names and foreign sentences quoted, our words as they are."""
    return "".join(
        part if isinstance(part, str) else quote(part.text) if isinstance(part, Name) else quote_said(part.text) for part in phrase
    )


def words(phrase: Phrase) -> str:
    """A phrase as one visible line: nothing of a name reaches the terminal as a control character."""
    return say(phrase, lambda name: escape.plain(name, 100), lambda said: escape.plain(said, 400))


class Form(StrEnum):
    """The kinds of report a reader must tell apart at a glance."""

    ERROR = "could-not-compute"
    NOTHING_SERVES = "nothing-serves"
    GREENFIELD = "greenfield"
    DESTROY = "destroy"
    REGRESSION = "regression"
    MIXED = "mixed"
    IMPROVEMENT = "improvement"
    DRIFT = "drift"
    NEUTRAL = "neutral"


def form(document: Document) -> Form:
    """Which kind of report this is; the verdict is told beside it, not by it."""
    score = document.score
    if document.verdict == "error":
        return Form.ERROR
    if score.before is None and score.after is None:
        return Form.NOTHING_SERVES
    if score.before is None:
        return Form.GREENFIELD
    if score.after is None:
        return Form.DESTROY
    worse, better = _worse(document), _better(document)
    if worse:
        return Form.MIXED if better else Form.REGRESSION
    if better:
        return Form.IMPROVEMENT
    return Form.DRIFT if document.drift is not None else Form.NEUTRAL


def _worse(document: Document) -> bool:
    gated = any(row.disruption != "blip" for row in document.apply.disruptions)
    return bool(delta(document) < 0 or document.spofs.new or document.risks.new or gated)


def _better(document: Document) -> bool:
    return bool(delta(document) > 0 or document.spofs.resolved or document.risks.resolved)


# Numbers


def delta(document: Document) -> float:
    """The difference of the scores that the report tells: 0 for one that rounds to nothing, as the gates take it, and where there is none."""
    return told_points(document.score.delta or 0.0)


def decimals(document: Document) -> int:
    """Integers; one decimal where |delta| < 1, or where two rounded scores would tell a small delta wrong; two where one would show none."""
    told = abs(delta(document))
    if told == 0 or told >= _LARGE:
        return 0
    if told >= 1 and (_is_far_apart(document) or _rounded_change(document, 0) == float(number(delta(document), 0))):
        return 0
    return POINTS_DIGITS if _rounded_change(document, POINTS_DIGITS) else POINTS_DIGITS + 1


def _is_far_apart(document: Document) -> bool:
    """Whether no reader would take the difference of the two scores for the delta: it is told beside them."""
    score = document.score
    if score.compared is None or score.before is None or score.after is None or score.delta is None:
        return False
    return abs(score.after - score.before - score.delta) >= 1


def _rounded_change(document: Document, digits: int) -> float:
    """What a reader finds who subtracts the rounded scores."""
    before, after = document.score.before or 0.0, document.score.after or 0.0
    return float(number(after, digits)) - float(number(before, digits))


def number(value: float, digits: int) -> str:
    """A rounded number without a negative zero."""
    text = f"{value:.{digits}f}"
    return text[1:] if text.startswith("-") and not text.strip("-0.") else text


def score(document: Document, value: float | None) -> str:
    """A score as it is shown; where the difference is none, the one after as the one before, on whichever side of a rounding it lies."""
    if value is None:
        return "none"
    before = document.score.before
    same = before is not None and value == document.score.after and delta(document) == 0.0 and told_points(value - before) == 0.0
    return number(before if same and before is not None else value, decimals(document))


def shown_delta(document: Document) -> float | None:
    """The delta as shown. Where it is what the two scores differ by, that of the scores as shown: a reader who subtracts must not find another
    number."""
    subtracted = _subtracted(document)
    if subtracted is None or document.score.compared is None:
        return subtracted
    return round(delta(document), decimals(document)) + 0.0


def _subtracted(document: Document) -> float | None:
    """What the two scores as shown differ by."""
    before, after = document.score.before, document.score.after
    if before is None or after is None:
        return None
    return round(float(score(document, after)) - float(score(document, before)), decimals(document)) + 0.0


def is_apart(document: Document) -> bool:
    """Whether the delta is another number than the two scores as shown differ by: then it is told beside them, and why."""
    return shown_delta(document) != _subtracted(document)


def like_for_like(document: Document, minus: str = MINUS) -> str:
    """`like for like −3`."""
    return f"like for like {signed(shown_delta(document) or 0.0, decimals(document), minus)}"


def one_sided(rows: Sequence[OneSidedRow], limit: int = 2) -> Phrase:
    """Why the delta is not what the two scores differ by: new: `reports` 48; gone data: `uploads`. Parts where there is nothing greater."""
    if not rows:
        return ("what only one side shows counts on both",)
    greater = [row for row in rows if row.kind != "part"]
    rows = greater or rows
    told: list[Phrase] = []
    for standing in ("new", "gone"):
        for kind, before in _ONE_SIDED:
            of_kind = [row for row in rows if (row.standing, row.kind) == (standing, kind)]
            if of_kind:
                told.append((f"{standing}{before}: ", *_named(of_kind, limit)))
    return tuple(part for at, phrase in enumerate(told) for part in (("; ", *phrase) if at else phrase))


_ONE_SIDED = (("entry", ""), ("data", " data"), ("part", " part"))


def _named(rows: Sequence[OneSidedRow], limit: int) -> Phrase:
    """The first of them, each with what it scores by itself."""
    parts: list[str | Name | Said] = []
    for row in rows[:limit]:
        parts += [", "] if parts else []
        parts += [Name(row.label or row.address), "" if row.score is None else f" {number(row.score, 0)}"]
    return (*parts, f" and {len(rows) - limit} more") if len(rows) > limit else tuple(parts)


def signed(value: float, digits: int, minus: str = MINUS) -> str:
    """`+3`, `−3`, `±0`."""
    text = number(abs(value), digits)
    if not text.strip("0."):
        return "±0"
    return f"{minus if value < 0 else '+'}{text}"


def shares(parts: Sequence[float], total: float, digits: int) -> list[float]:
    """The parts rounded so that they add up to `total` as shown (largest remainder), each at most one unit off its own rounding."""
    unit = 10.0**-digits
    units = [int(part // unit) for part in parts]
    missing = round(total / unit) - sum(units)
    order = sorted(range(len(parts)), key=lambda at: (units[at] * unit - parts[at], at))
    for at in order[: max(0, min(missing, len(parts)))]:
        units[at] += 1
    return [count * unit for count in units]


def tell_apart(value: float, limit: float, least: int = 0) -> tuple[str, str]:
    """Both numbers with the fewest decimals, at least `least`, that keep their order visible."""
    for digits in range(least, least + 3):
        shown, bound = number(value, digits), number(limit, digits)
        if (float(shown) > float(bound)) == (value > limit) and (float(shown) < float(bound)) == (value < limit):
            return trimmed(shown), trimmed(bound)
    return trimmed(f"{value:.9f}"), trimmed(f"{limit:.9f}")


def trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def count(amount: int, one: str, many: str = "") -> str:
    """`1 entry point`, `2 entry points`, `5,120 scenarios`."""
    return f"{amount:,} {one if amount == 1 else many or one + 's'}"


def duration(seconds: float | None) -> str:
    """`10 min`, `2 h`, `45 s`."""
    if seconds is None:
        return "for an unknown time"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{trimmed(f'{seconds / 3600:.1f}')} h"


def percent(availability: float) -> str:
    """An availability in [0, 1]: `99.95 %`; 4 decimals, 6 from 99.999 % on, and never rounded up to 100 %."""
    shown = (
        f"{availability * 100:.4f}" if availability < 0.99999 else f"{min(availability, 0.99999999 if availability < 1 else 1) * 100:.6f}"
    )
    return f"{trimmed(shown)} %"


def downtime(nines: float) -> str:
    """What so many nines cost in a year of 8,766 hours: `7 h a year`, `5 min a year`."""
    seconds = 10.0**-nines * 8766 * 3600
    if seconds >= 48 * 3600:
        return f"{seconds / 86400:.0f} days a year"
    if seconds >= 3600:
        return f"{trimmed(f'{seconds / 3600:.1f}')} h a year"
    return f"{seconds / 60:.0f} min a year" if seconds >= 60 else "under a minute a year"


# Words


def title(document: Document) -> str:
    """What to call the plan: its title, else its label, else its path."""
    return document.title.strip() or document.label.strip() or document.plan.path


_NOUNS: Mapping[str, str] = {
    "load_balancer": "Load balancer",
    "web_server": "Web server",
    "app_server": "App server",
    "database": "Database",
    "cache": "Cache",
    "queue": "Queue",
    "stream": "Stream",
    "storage": "Storage",
    "dns": "DNS",
    "cdn": "CDN",
    "function": "Function",
    "container": "Container service",
    "gateway": "Gateway",
    "nat": "NAT gateway",
    "external_api": "External API",
    "ai_agent": "AI agent",
    "llm_endpoint": "LLM endpoint",
    "tool": "Tool",
    "orchestrator": "Orchestrator",
    "connector": "Route",
}
_RECOVERY: Mapping[str, str] = {
    "self-heals": "by itself",
    "fails-over": "fails over",
    "manual-restore": "by hand",
}
_RECOVERY_UNTIL: Mapping[str, str] = {
    "self-heals": "until it heals by itself",
    "fails-over": "until it fails over",
    "manual-restore": "until someone restores it by hand",
}
_RECOMMENDATION: Mapping[str, str] = {"safe": "SAFE", "review": "REVIEW", "high-risk": "HIGH RISK"}
_RECOMMENDATION_LONG: Mapping[str, str] = {
    "safe": "SAFE - No New Risk Found",
    "review": "REVIEW - Look Before You Merge",
    "high-risk": "HIGH RISK - Review Required",
}
LAYERS = ("software", "hardware", "theoretical", "operational", "external")
"""The five layers in their order, L1 to L5."""
_LOSS: Mapping[str, str] = {
    "destroyed": "is destroyed with its data by this plan",
    "media": "has no replication (data loss risk)",
    "delete": "can be deleted with nothing to restore it from (data loss risk)",
    "corruption": "cannot be restored to an earlier point in time (data loss risk)",
    "key": "is lost with the one encryption key that it depends on (data loss risk)",
    "region": "has no copy in another region any more (data loss risk)",
    "poison-message": "has no dead-letter queue (messages are lost)",
}
_RISK: Mapping[str, str] = {
    "data-loss": "can lose its data",
    "broken-need": "can no longer reach what it needs",
    "region": "has lost its standby region",
    "capacity": "no longer has the capacity for its load",
    "agent": "gives less reliable answers",
}
_GATES: Mapping[str, str] = {
    "min-score": "Resilience score",
    "fail-on-regression": "Drop in this change",
    "max-new-spofs": "New single points of failure",
    "new-risks": "New high risks",
    "max-apply-downtime": "Outage while applying",
    "slo": "Availability ceiling",
    "min-coverage": "Coverage of changed resources",
    "unknown": "Verdict certain before apply",
    "unknown-types": "Unknown types on a path to an entry",
    "max-depth": "Cascades followed to their end",
    "could-not-compute": "Could not compute",
}
_GATE_UNITS: Mapping[str, str] = {"slo": " %", "min-coverage": " %"}
_ACTIONS: Mapping[str, str] = {
    "create": "created",
    "delete": "deleted",
    "delete-create": "replaced (destroyed first)",
    "create-delete": "replaced (created first)",
    "forget": "removed from state",
    "update": "changed",
}


_WHOLE_EDITS: Mapping[str, str] = {
    "create": "leave this resource out",
    "delete": "keep this resource",
    "delete-create": "undo what forces this resource to be replaced",
    "create-delete": "undo what forces this resource to be replaced",
}


def noun(kind: str) -> str:
    """What a reader calls a component of this kind, at the start of a sentence."""
    return _NOUNS.get(kind, "Component")


def recovery(word: str) -> str:
    return _RECOVERY.get(word, "unknown")


def recovery_until(word: str) -> str:
    return _RECOVERY_UNTIL.get(word, "until it is repaired")


def recommendation(word: str) -> str:
    return _RECOMMENDATION.get(word, "REVIEW")


def recommendation_long(word: str) -> str:
    """The order's words for the panel of the terminal."""
    return _RECOMMENDATION_LONG.get(word, _RECOMMENDATION_LONG["review"])


def gate_name(gate: str) -> Phrase:
    return (_GATES[gate],) if gate in _GATES else (Name(gate),)


def gate_unit(gate: str) -> str:
    return _GATE_UNITS.get(gate, "")


def gate_sign(gate: str) -> str:
    """Whether the limit is a floor or a ceiling."""
    return "≥ " if gate.startswith("min-") or gate == "slo" else "≤ "


def value(printable: Printable) -> str:
    """A value as Terraform would write it."""
    if printable is None:
        return "none"
    if isinstance(printable, bool):
        return "true" if printable else "false"
    return trimmed(f"{printable:.6f}") if isinstance(printable, float) else str(printable)


def literal(printable: Printable) -> str:
    """A value as it stands in a `.tf` file."""
    if isinstance(printable, str) and printable.isdecimal():
        return printable
    if isinstance(printable, str):
        escaped = printable.replace("\\", "\\\\").replace('"', '\\"').replace("${", "$${").replace("%{", "%%{")
        return f'"{escaped}"'
    return "null" if printable is None else value(printable)


def transition(change: Cause | ContributionRow) -> str:
    """`true → false`, `3 → known after apply`."""
    after = "known after apply" if change.unknown_after else value(change.after)
    return f"{value(change.before)} → {after}"


def change(row: Cause | ContributionRow) -> Phrase:
    """`multi_az` `true → false`; a resource as a whole is created, deleted, replaced; a value that may not be printed only "changed"."""
    if not row.attribute:
        return (_ACTIONS.get(row.action, "–"),)
    replaced = ", replaced" if row.action in ("delete-create", "create-delete") else ""
    if row.before == row.after and not row.unknown_after:
        return (Name(row.attribute), " changed", replaced)
    return (Name(row.attribute), " ", Name(transition(row)), replaced)


def changes(row: Cause | ContributionRow, limit: int = 3) -> Phrase:
    """A change with what is put back together with it; other resources are named, after `limit` changes the count of the others."""
    also = row.also if isinstance(row, ContributionRow) else ()
    shown: list[str | Name | Said] = [*change(row)]
    address = row.address
    for one in also[:limit]:
        shown += [", "] if one.address == address else ["; ", Name(one.address), ": "]
        shown += change(one)
        address = one.address
    return (*shown, f" and {len(also) - limit} more") if len(also) > limit else tuple(shown)


def together(rows: int, overlap: bool) -> str:
    """What the interaction of so many rows is called: more than their sum, or the same loss told by several rows."""
    if rows <= 1:
        return "other changes"
    if overlap:
        return "overlap: undoing one undoes much of the others"
    return "both in combination" if rows == 2 else "all in combination"


def edit_count(edits: Sequence[Edit]) -> int:
    """Lines to put back: what one line of the code decides is one edit."""
    return len({(edit.file, edit.line) if edit.line else (edit.address, edit.attribute) for edit in edits})


def diff_lines(edits: Sequence[Edit]) -> list[str]:
    """The lines of a diff, a hunk a place and resource: where, what is there, what to write instead."""
    lines: list[str] = []
    for edit in edits:
        where = f"{edit.file}:{edit.line}" if edit.line else edit.file
        head = f"@@ {' · '.join(part for part in (where, edit.address) if part)} @@"
        lines += [*([] if head in lines else [head]), *_edit_lines(edit)]
    return lines


def _edit_lines(edit: Edit) -> list[str]:
    if not edit.attribute:
        forced = f": {', '.join(edit.forced_by[:4])}" if edit.forced_by else ""
        return [f"! {_WHOLE_EDITS.get(edit.action, 'put the resource back')}{forced}"]
    if edit.before is None and edit.after is None:
        return [f"! put {edit.attribute} back to what it was before this change"]
    inside, _, name = edit.attribute.rpartition(".")
    where = f"  # in {inside}" if inside else ""
    sides = (("-", edit.before), ("+", edit.after))
    return [f"{sign}  {name} = {literal(printable)}{where}" for sign, printable in sides if printable is not None]


def shell(word: str) -> str:
    """A word as one takes it to a POSIX shell: quoted where it holds anything but plain characters."""
    return shlex.quote(escape.visible(word))


# Rows


def entry_labels(document: Document) -> Mapping[str, str]:
    """Address of an entry point -> what people call it; its address where several are called the same."""
    called = Counter(row.label for row in document.entry_points)
    return {row.address: row.label if row.label and called[row.label] == 1 else row.address for row in document.entry_points}


def listed(names: Iterable[str], limit: int = 4) -> Phrase:
    """`a`, `b` and `c`; after `limit` names the count of the others."""
    all_names = list(names)
    shown: list[str | Name | Said] = []
    rest = len(all_names) - limit
    kept = all_names if rest <= 0 else all_names[:limit]
    for at, name in enumerate(kept):
        if at:
            shown.append(" and " if at == len(kept) - 1 and rest <= 0 else ", ")
        shown.append(Name(name))
    if rest > 0:
        shown.append(f" and {rest} more")
    return tuple(shown)


def entries(document: Document, addresses: Sequence[str], limit: int = 4) -> Phrase:
    labels = entry_labels(document)
    return listed((labels.get(address, address) for address in addresses), limit)


def failing(row: SpofRow) -> Phrase:
    """What fails: one copy, one zone, the single-zone component itself, the one region that is left."""
    if row.zones and row.event not in ("copy", "region"):
        return ("zone ", *listed(row.zones, 2))
    return ({"copy": "one copy", "zone": "one zone", "region": "its only region"}.get(row.event, "its only zone"),)


def spof_title(row: SpofRow, subject: str = "change") -> Phrase:
    """In the order's words: "Database is now a single point of failure", then which."""
    if subject == "topology":
        return (f"{noun(row.kind)} is a single point of failure: ", Name(row.address))
    now = "is now a single point of failure: " if row.existed else "is a new single point of failure: "
    return (f"{noun(row.kind)} {now}", Name(row.address))


def spof_effect(document: Document, row: SpofRow) -> Phrase:
    """zone `eu-west-1a` → **orders DB** → `checkout` down."""
    return (*failing(row), " → ", *entries(document, row.takes_down), " down" if row.takes_down else "")


def risk_title(row: RiskRow) -> Phrase:
    """A sentence about the component: Cache `sessions` has no replication (data loss risk). A label that tells the kind needs no noun, and
    what only passes on has none."""
    named = row.component == "connector" or noun(row.component).lower() in row.label.lower()
    return risk_told(row) if named else (f"{noun(row.component)} ", *risk_told(row))


def risk_told(row: RiskRow) -> Phrase:
    """The same without the kind of component, for a table cell."""
    joint = ": " if row.message else " "
    return (Name(row.label or row.address), joint, _risk_said(row))


def risk_heading(row: RiskRow) -> Phrase:
    """In the order's words: "Cache has no replication (data loss risk)", then which."""
    if row.message:
        return risk_title(row)
    what = (
        "Data" if row.component == "connector" else noun(row.component)
    )  # of what stands in a component of its own (a database in its instance)
    return (f"{what} ", _risk_said(row), ": ", Name(row.address))


def _risk_said(row: RiskRow) -> str | Said:
    if row.message:
        return Said(row.message)
    return next((said for loss, said in _LOSS.items() if loss in row.losses), _RISK.get(row.kind, "is at risk"))


def disruption_title(document: Document, row: DisruptionRow) -> Phrase:
    """What goes down while applying, and for how long; the kind of component where no label tells it."""
    return disruption_told(document, row) if row.label else (f"{noun(row.kind)} ", *disruption_told(document, row))


def disruption_told(document: Document, row: DisruptionRow) -> Phrase:
    """The same without the kind of component, for a table cell."""
    who: Phrase = (Name(row.label or row.address),)
    down: Phrase = (" takes down ", *entries(document, row.takes_down)) if row.takes_down else ()
    if row.disruption == "destructive":
        return (*who, " is destroyed with its data", *((" and", *down) if down else ()))
    if row.disruption == "outage":
        told = Said(row.message) if row.message else "is gone before its successor serves"
        return (*who, " ", told, *((":", *down) if down else ()), f" ({duration(row.seconds)})")
    if row.message:
        return (*who, " ", Said(row.message))
    return (*who, f" restarts or fails over ({duration(row.seconds)}, nothing needed goes down)")
