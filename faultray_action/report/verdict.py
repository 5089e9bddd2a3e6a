"""What a reviewer must know first: the headline, the alert, the one line of a quiet change."""

from __future__ import annotations

from faultray_action.report import escape, sections, wording
from faultray_action.report.blocks import alert
from faultray_action.report.changes import tally
from faultray_action.report.document import DisruptionRow, Document, RiskRow, SpofRow
from faultray_action.report.sections import md
from faultray_action.report.wording import Form, Name, Phrase

QUIET = (Form.NEUTRAL, Form.NOTHING_SERVES)


def worth_a_word(document: Document) -> bool:
    """Whether a pass without any difference still needs more than one line."""
    waivers = document.waivers
    warned = waivers is not None and bool(waivers.expiring or waivers.expired or waivers.unused)
    return (
        warned
        or bool(_policy_notices(document))
        or not document.plan.complete
        or (document.sensitivity is not None and document.sensitivity.decides)
    )


def light(document: Document) -> str:
    """One coloured circle for the verdict and the mode."""
    if document.verdict == "error":
        return "🔴"
    if document.verdict == "fail":
        return "🟠" if document.mode == "warn" else "🔴"
    if wording.form(document) in (Form.REGRESSION, Form.MIXED, Form.DESTROY) or document.recommendation != "safe":
        return "🟡"
    return "⚪" if wording.form(document) in (Form.NEUTRAL, Form.NOTHING_SERVES, Form.DRIFT) else "🟢"


def headline(document: Document) -> Phrase:
    """🔴 FaultRay · `envs/prod` · resilience 86 → **58** (−28)."""
    return (f"{light(document)} FaultRay · ", Name(wording.title(document)), " · ", *result(document))


def result(document: Document) -> Phrase:
    score, kind = document.score, wording.form(document)
    before, after = wording.score(document, score.before), wording.score(document, score.after)
    warn = " · would fail (warn mode)" if document.verdict == "fail" and document.mode == "warn" else ""
    if kind is Form.ERROR:
        return ("could not compute",)
    if kind is Form.NOTHING_SERVES:
        return ("nothing here serves users, no score" + warn,)
    if kind is Form.GREENFIELD:
        return (f"new system, resilience **{after}** of 100{warn}",)
    if kind is Form.DESTROY:
        return (f"every entry point is removed (resilience was {before}){warn}",)
    delta = wording.shown_delta(document) or 0.0
    if wording.is_apart(document):
        return (*_moved(document), warn)
    if delta == 0:
        return (f"resilience unchanged at **{after}**{warn}",)
    return (f"resilience {before} → **{after}** ({wording.signed(delta, wording.decimals(document))}){warn}",)


def _moved(document: Document) -> Phrase:
    """Both scores, the delta that compares like with like, and why it is another number: 67 → **61** · like for like ±0 · new: `reports` 48."""
    before, after = wording.score(document, document.score.before), wording.score(document, document.score.after)
    compared = document.score.compared
    why = wording.one_sided(compared.rows) if compared is not None else ()
    return (f"resilience {before} → **{after}** · {wording.like_for_like(document)} · ", *why)


def quiet_line(document: Document) -> str:
    """The whole comment of a change that changes nothing."""
    weak = tally(document, "spofs.unchanged", document.spofs.unchanged)
    known = f" {wording.count(weak, 'known single point of failure', 'known single points of failure')}, none new." if weak else ""
    after = wording.score(document, document.score.after)
    kind = wording.form(document)
    result = "no entry point before or after: nothing here serves users."
    if kind is Form.NEUTRAL:
        result = f"{md(_moved(document))}." if wording.is_apart(document) else f"resilience unchanged at **{after}**."
    return f"{light(document)} **FaultRay** · {md((Name(wording.title(document)),))} · {result}{known}"


# The alert: what a reviewer must know


def alert_lines(document: Document) -> list[str]:
    lines = [line for line in (_news(document), *_notices(document)) if line]
    kind = "CAUTION" if document.verdict != "pass" else "WARNING" if light(document) == "🟡" else "NOTE"
    if not lines:
        return []
    if kind == "NOTE":
        return lines
    return alert(kind, [line for at, one in enumerate(lines) for line in ((one,) if at == 0 else ("", one))])


def _news(document: Document) -> str:
    kind = wording.form(document)
    if document.error is not None:
        return f"**{escape.prose(document.error.reason)}** {escape.prose(document.error.next_step)}"
    count, story, gains = counted(document), _story(document), "" if kind is Form.DESTROY else better(document)
    if count or story:
        return " ".join(part for part in (f"**{count}.**" if count else "", story, gains) if part)
    if gains:
        return gains + _remaining(document)
    if kind is Form.DRIFT:
        return _drift(document)
    return _plain_news(document)


def _plain_news(document: Document) -> str:
    kind = wording.form(document)
    if kind is Form.GREENFIELD:
        return f"No single point of failure among {wording.count(len(document.entry_points), 'entry point')}."
    if kind is Form.DESTROY:
        return "Nothing serves after this plan; its data is either not durable or kept in a final snapshot."
    if wording.delta(document) < 0:
        return "No new single point of failure, but the same failures now cost more: they happen more often or take longer to repair."
    if wording.delta(document) > 0:
        return f"No single point of failure is resolved, but failures cost less than before.{_remaining(document)}"
    return ""


def counted(document: Document) -> str:
    """`2 new single points of failure, 1 new high risk, 1 outage while applying`."""
    greenfield = wording.form(document) is Form.GREENFIELD
    new = "" if greenfield else "new "
    high = sum(1 for row in document.risks.new if row.severity == "high" and not row.waived)
    other = tally(document, "risks.new", document.risks.new) - high
    lost = sum(1 for row in document.apply.disruptions if row.disruption == "destructive" and not row.waived)
    outages = sum(1 for row in document.apply.disruptions if row.disruption == "outage" and not row.waived)
    kinds = (
        (tally(document, "spofs.new", document.spofs.new), f"{new}single point of failure", f"{new}single points of failure"),
        (high, f"{new}high risk", f"{new}high risks"),
        (other, f"{new}lower risk", f"{new}lower risks"),
        (lost, "store destroyed while applying", "stores destroyed while applying"),
        (outages, "outage while applying", "outages while applying"),
    )
    return ", ".join(wording.count(amount, one, many) for amount, one, many in kinds if amount)


def _story(document: Document) -> str:
    """The worst finding in one or two sentences."""
    spofs = [row for row in document.spofs.new if not row.waived]
    risks = [row for row in document.risks.new if not row.waived]
    apply = [row for row in document.apply.disruptions if not row.waived]
    destructive = [row for row in apply if row.disruption == "destructive"]
    cut_off = [row for row in risks if row.kind == "broken-need"]
    if destructive:
        return md(wording.disruption_title(document, destructive[0])) + "."
    if cut_off:
        return _risk_story(document, cut_off[0])
    if spofs:
        return _spof_story(document, spofs[0])
    if risks:
        return _risk_story(document, risks[0])
    outages = [row for row in apply if row.disruption == "outage"]
    return _outage_story(document, outages[0]) if outages else ""


def _spof_story(document: Document, row: SpofRow) -> str:
    total = sum(1 for entry in document.entry_points if entry.after is not None) or len(row.takes_down)
    names = md(wording.entries(document, row.takes_down, 3))
    down = f"the only entry point ({names})" if total == 1 else f"**{len(row.takes_down)} of {total}** entry points ({names})"
    until = wording.recovery_until(row.recovery)
    if not row.existed or document.score.before is None:
        return f"Losing {_lost(row)} takes down {down} {until}."
    before = "used to be survived" if total == 1 else f"used to take down **0 of {total}** entry points"
    return (
        f"Losing {_lost(row)} {before}. After this change it takes down {down.replace(' entry points', '') if total > 1 else down} {until}."
    )


def _lost(row: SpofRow) -> str:
    name = md((Name(row.label or row.address),))
    if row.event == "copy":
        return f"one copy of {name}"
    if row.event == "region":
        return f"the region of {name}"
    return f"{name} in {md(wording.failing(row))}" if row.zones else f"the zone of {name}"


def _risk_story(document: Document, row: RiskRow) -> str:
    said = f"{md(wording.risk_title(row))}."
    if row.kind != "broken-need" or not row.takes_down:
        return said
    are = "is" if len(row.takes_down) == 1 else "are"
    return f"{said} Without any failure, {md(wording.entries(document, row.takes_down, 3))} {are} down once this is applied."


def _outage_story(document: Document, row: DisruptionRow) -> str:
    return md(wording.disruption_title(document, row)) + "."


def better(document: Document) -> str:
    resolved, gone = document.spofs.resolved, document.risks.resolved
    parts = []
    if resolved:
        names = md(wording.listed((row.label or row.address for row in resolved), 3))
        parts.append(f"Resolves {wording.count(len(resolved), 'single point of failure', 'single points of failure')} ({names}).")
    if gone:
        names = md(wording.listed((row.label or row.address for row in gone), 3))
        parts.append(f"Removes {wording.count(len(gone), 'risk')} ({names}).")
    return " ".join(parts)


def _remaining(document: Document) -> str:
    left = tally(document, "spofs.unchanged", document.spofs.unchanged)
    return (
        f" {wording.count(left, 'single point of failure remains', 'single points of failure remain')} as before."
        if left
        else " None remains."
    )


def _drift(document: Document) -> str:
    drift = document.drift
    if drift is None:
        return ""
    digits = 0 if abs(drift.delta) >= 1 else 1
    cost = f"cost {number_of_points(abs(drift.delta), digits)} before this change" if drift.delta < 0 else "had changed before this change"
    names = md(wording.listed((row.address for row in drift.rows), 3))
    return f"**Not this pull request:** what was changed outside Terraform ({names}) {cost}."


def number_of_points(points: float, digits: int) -> str:
    text = wording.number(points, digits)
    return f"{text} {'point' if text == '1' else 'points'}"


def _notices(document: Document) -> list[str]:
    """Lines under the news, most important first, at most two: what the verdict hangs on."""
    lines = []
    if document.sensitivity is not None and document.sensitivity.decides:
        lines.append(f"**The verdict depends on values known only after apply.** {sections.sensitivity_sentence(document)}")
    if not document.plan.complete:
        lines.append("**This plan is partial** (`-target` or deferred actions): what it leaves out was not judged.")
    if document.drift is not None and wording.form(document) is not Form.DRIFT:
        lines.append(_drift(document))
    lines += [*_policy_notices(document), *_blips(document), *_waiver_notices(document)]
    return lines[:2]


def _policy_notices(document: Document) -> list[str]:
    """Whose policy decided, where the change carries one of its own or nobody could say what the base branch's is."""
    return [escape.prose(row.message) for row in document.diagnostics if row.code in ("policy-changes", "policy-unknown")]


def _blips(document: Document) -> list[str]:
    """What else happens while applying, where that is why the change deserves a look."""
    blips = [row for row in document.apply.disruptions if row.disruption == "blip"]
    if document.verdict != "pass" or document.recommendation == "safe" or not blips:
        return []
    return [f"While applying: {md(wording.disruption_told(document, blips[0]))}{f', and {len(blips) - 1} more' if len(blips) > 1 else ''}."]


def _waiver_notices(document: Document) -> list[str]:
    waivers = document.waivers
    if waivers is None:
        return []
    told = (
        ("Waivers expired", waivers.expired),
        ("Waivers about to expire", waivers.expiring),
        ("Waivers that match nothing", waivers.unused),
        ("Waived on purpose", waivers.applied),
    )
    return [f"{title}: {md(wording.listed((_waiver(row.id, row.expires) for row in rows), 3))}." for title, rows in told if rows]


def _waiver(identity: str, expires: str) -> str:
    return f"{identity} (until {expires})" if expires else identity
