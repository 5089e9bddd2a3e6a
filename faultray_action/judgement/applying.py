"""What goes down while applying (MODEL.md 7), apart from the steady state after it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from faultray_action.model.finding import ApplyStep, Disruption, DisruptionClass

DownWithout = Callable[[str, bool], tuple[str, ...]]
"""Entry points (undeferred, standing on both sides) that are down while a component is gone: on the side before, and with True on both sides."""


def disrupt(steps: Iterable[ApplyStep], down_without: DownWithout) -> tuple[Disruption, ...]:
    """One row a step that interrupts something or loses data, sorted by address; harmless and overlapping steps make none."""
    rows = [row for step in steps if (row := _row(step, down_without)) is not None]
    return tuple(sorted(rows, key=lambda row: row.address))


def _row(step: ApplyStep, down_without: DownWithout) -> Disruption | None:
    if step.loses_data:
        return Disruption(
            step.address,
            DisruptionClass.DESTRUCTIVE,
            down_without(step.address, False),
            None,
            "its data is destroyed without a final snapshot",
        )
    if step.harmless or step.overlap:
        return None
    down = down_without(step.address, not step.ends)
    if not down:
        return None
    if step.rolling:
        return Disruption(step.address, DisruptionClass.BLIP, down, 0.0, "is replaced copy by copy")
    if step.ends:
        message = f"hands its role to {step.successor}" if step.successor else "is removed"
        return Disruption(step.address, DisruptionClass.BLIP, down, step.seconds, message)
    return Disruption(step.address, DisruptionClass.OUTAGE, down, step.seconds, "is destroyed before its successor exists")
