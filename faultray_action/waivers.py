"""Findings accepted on purpose: a waiver holds until the end of its day, says so before it lapses, and never rots unseen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from typing import TypeVar

from msgspec import Struct

from faultray_action.model.diagnostic import Diagnostic, Severity
from faultray_action.model.nearest import nearest
from faultray_action.model.policy import Waiver, names

EXPIRING_DAYS = 14
"""A waiver that lapses within these days is announced."""
PASTED_DAYS = 30

Row = TypeVar("Row")


class Waivable(Struct, frozen=True):
    """What a waiver can be held against: the identity of a finding. `classes` are all of the row's classes."""

    address: str
    classes: tuple[str, ...]
    fingerprint: str = ""


class WaiverReport(Struct, frozen=True):
    """What became of each waiver. A waiver is in one of `applied`, `expired`, `unused`; `expiring` are applied ones that lapse soon."""

    applied: tuple[Waiver, ...] = ()
    expiring: tuple[Waiver, ...] = ()
    expired: tuple[Waiver, ...] = ()
    unused: tuple[Waiver, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()


def apply_waivers(
    rows: Sequence[Row], waivers: Sequence[Waiver], today: date, describe: Callable[[Row], Waivable]
) -> tuple[tuple[Row, ...], tuple[Row, ...], WaiverReport]:
    """(kept, waived, report), rows in their order.

    A row is waived when active waivers cover all of its classes; `today` (UTC) still counts where it is the expiry. Give it every row that a
    waiver may mean, old ones too: a waiver that means none of them is unused. Waivers never create or change a row.
    """
    described = [describe(row) for row in rows]
    active = [waiver for waiver in waivers if today <= waiver.expiry]
    waived = [_covered(known, active) for known in described]
    report = _report(waivers, described, today)
    kept = tuple(row for row, away in zip(rows, waived, strict=True) if not away)
    return kept, tuple(row for row, away in zip(rows, waived, strict=True) if away), report


def means(waiver: Waiver, known: Waivable) -> bool:
    """Whether a waiver speaks of this finding, in all or in one of its classes."""
    if waiver.fingerprint:
        return known.fingerprint.startswith(waiver.fingerprint)
    if not names(waiver.address, known.address):
        return False
    return not waiver.finding_class or waiver.finding_class in known.classes


def pasteable(known: Waivable, today: date) -> str:
    """The waiver of a finding, ready to paste under `waivers:`; only the reason and the owner are left to write."""
    expiry = today + timedelta(days=PASTED_DAYS)
    return f'- {{ id: "{known.fingerprint}", reason: "", expiry: {expiry}, since: {today}, owner: "" }}'


def _covered(known: Waivable, active: Iterable[Waiver]) -> bool:
    speaking = [waiver for waiver in active if means(waiver, known)]
    if any(waiver.fingerprint or not waiver.finding_class for waiver in speaking):
        return True
    return bool(speaking) and set(known.classes) <= {waiver.finding_class for waiver in speaking}


def _report(waivers: Sequence[Waiver], described: Sequence[Waivable], today: date) -> WaiverReport:
    expired = tuple(waiver for waiver in waivers if waiver.expiry < today)
    active = [waiver for waiver in waivers if waiver.expiry >= today]
    applied = tuple(waiver for waiver in active if any(means(waiver, known) for known in described))
    unused = tuple(waiver for waiver in active if waiver not in applied)
    expiring = tuple(waiver for waiver in applied if waiver.expiry - today <= timedelta(days=EXPIRING_DAYS))
    told = [
        _told(waiver, "waiver-expired", f"expired on {waiver.expiry} and no longer counts: fix the finding or renew it")
        for waiver in expired
    ]
    told += [
        _told(waiver, "waiver-expiring", f"lapses after {waiver.expiry} (in {(waiver.expiry - today).days} days)") for waiver in expiring
    ]
    told += [_told(waiver, "waiver-unused", f"means no finding{_hint(waiver, described)}") for waiver in unused]
    return WaiverReport(applied, expiring, expired, unused, tuple(told))


def _told(waiver: Waiver, code: str, what: str) -> Diagnostic:
    severity = Severity.NOTICE if code == "waiver-expiring" else Severity.WARNING
    message = f"{waiver.place}: the waiver of `{waiver.id}` {what.rstrip('.')}."
    return Diagnostic(severity, code, message, address=waiver.address, file=waiver.place.file, line=waiver.place.line)


def _hint(waiver: Waiver, described: Sequence[Waivable]) -> str:
    """A mistyped waiver is told from one that has done its work."""
    if waiver.fingerprint:
        return nearest(waiver.fingerprint, [known.fingerprint[: len(waiver.fingerprint)] for known in described]) or ": remove it"
    classes = sorted({name for known in described if names(waiver.address, known.address) for name in known.classes})
    if classes:
        return f" of class {waiver.finding_class}: that address has {', '.join(classes)}"
    return nearest(waiver.address, [known.address for known in described]) or ": remove it"
