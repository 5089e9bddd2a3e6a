"""What goes down while applying (docs/model.md), apart from the steady state after it."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

from faultray_action.model.finding import ApplyStep, Disruption, DisruptionClass

Down = Mapping[str, tuple[str, ...]]
"""Component -> entry points (undeferred) that are down while it is gone."""


def disrupt(steps: Iterable[ApplyStep], before: Down, after: Down, standing: Container[str]) -> tuple[Disruption, ...]:
    """One row a step that interrupts something or loses data, sorted by address; harmless and overlapping steps make none.

    `before` and `after` tell of each side; only entries that stand after (`standing`) count: what the plan removes is not interrupted.
    """
    rows: list[Disruption] = []
    for step in steps:
        down = tuple(entry for entry in before.get(step.address, ()) if entry in standing)
        still_needing = after.get(step.address, ())
        needed = down if step.ends else tuple(entry for entry in down if entry in still_needing)
        row = _of_data(step, down, needed) or _of_service(step, needed)
        if row is not None:
            rows.append(row)
    return tuple(sorted(rows, key=lambda row: row.address))


def _of_data(step: ApplyStep, down: tuple[str, ...], needed: tuple[str, ...]) -> Disruption | None:
    """What becomes of durable data. `down`: entries that feel the step before; `needed`: those that still need it after, or (a removal)
    all of them."""
    if step.loses_data:
        message = "its data is destroyed without a final snapshot"
        return Disruption(step.address, DisruptionClass.DESTRUCTIVE, down, None, message)
    if step.keeps_data and step.ends and not needed:
        return Disruption(
            step.address,
            DisruptionClass.BLIP,
            down,
            None,
            "is deleted; its last snapshot or copy stays",
        )
    in_a_snapshot = "what it held is in a snapshot at best until somebody restores it"
    if step.heir_is_empty:
        message = f"is deleted, and {step.successor} starts empty: {in_a_snapshot}"
        return Disruption(step.address, DisruptionClass.OUTAGE, down, step.seconds, message)
    if step.keeps_data and not step.ends:
        return Disruption(
            step.address,
            DisruptionClass.OUTAGE,
            down,
            step.seconds,
            f"starts empty, and {in_a_snapshot}",
        )
    return None


def _of_service(step: ApplyStep, needed: tuple[str, ...]) -> Disruption | None:
    """What becomes of those who need it, where no data is at stake."""
    if step.harmless or step.overlap or not needed:
        return None
    if step.rolling:
        return Disruption(step.address, DisruptionClass.BLIP, needed, 0.0, "is replaced copy by copy")
    if step.ends and step.renamed:
        message = f"is destroyed and created anew as {step.successor}: nothing says that it only moved"
        return Disruption(step.address, DisruptionClass.OUTAGE, needed, step.seconds, message)
    if step.ends:
        message = f"hands its role to {step.successor}" if step.successor else "is removed"
        return Disruption(step.address, DisruptionClass.BLIP, needed, step.seconds, message)
    return Disruption(
        step.address,
        DisruptionClass.OUTAGE,
        needed,
        step.seconds,
        "is destroyed before its successor exists",
    )
