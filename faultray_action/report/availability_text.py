"""The five layers for a terminal: inputs with their source, what binds, and what each layer would need for an objective."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from faultray_action.model.outcome import Ceiling, Layer
from faultray_action.model.units import HOURS_PER_YEAR, nines
from faultray_action.report import wording
from faultray_action.report.escape import plain

WIDTH = 80


def availability_text(ceiling: Ceiling, slo_percent: float | None = None) -> str:
    """At most 80 columns. With an objective, each layer says what it would need to meet it."""
    lines = ["Availability ceiling: five layers, the lowest caps the system", ""]
    for layer in ceiling.layers:
        lines += _layer(layer, layer.name == ceiling.binding, slo_percent)
    lines += ["", *_together(ceiling)]
    lines += ["", *textwrap.wrap(objective(ceiling, slo_percent), WIDTH)] if slo_percent is not None else []
    return "\n".join((*lines, ""))


def _layer(layer: Layer, binding: bool, slo_percent: float | None) -> Iterator[str]:
    mark = "  <- binds" if binding else ""
    yield f"{layer.name:13}{wording.percent(layer.availability):>12}  {down_a_year(layer.availability)}{mark}"
    for name, value, unit, source in layer.inputs:
        text = f"{plain(name, 40).replace('_', ' ')} {value:g} {unit} ({plain(source, 60)})"
        yield from textwrap.wrap(text, WIDTH, initial_indent="    ", subsequent_indent="      ")
    if slo_percent is not None and layer.availability < slo_percent / 100:
        yield from textwrap.wrap(_need(layer, slo_percent), WIDTH, initial_indent="    ", subsequent_indent="      ")


def _need(layer: Layer, slo_percent: float) -> str:
    """Alone, with every other layer perfect: the least that has to change."""
    budget, spent = 1 - slo_percent / 100, 1 - layer.availability
    if budget <= 0:
        return "needs: no downtime at all, which no layer can promise"
    return f"needs: at most {_time(budget)} a year, {spent / budget:.1f} times less than now{_lever(layer)}"


def _lever(layer: Layer) -> str:
    if layer.name != "external" or not layer.inputs:
        return ""
    weakest = min(layer.inputs, key=lambda each: each[1])
    return f"; the weakest contract is {plain(weakest[0], 60)} with {weakest[1]:g} %"


def _together(ceiling: Ceiling) -> Iterator[str]:
    yield f"ceiling      {wording.percent(ceiling.value):>12}  {down_a_year(ceiling.value)}, capped by {ceiling.binding}"
    yield f"product      {wording.percent(ceiling.product):>12}  {down_a_year(ceiling.product)}, were they independent"
    yield f"lower bound  {wording.percent(ceiling.frechet):>12}  {down_a_year(ceiling.frechet)}, at worst (Fréchet)"


def objective(ceiling: Ceiling, slo_percent: float) -> str:
    """One sentence: feasible or not, and what binds."""
    if ceiling.value >= slo_percent / 100:
        spare = "" if ceiling.product >= slo_percent / 100 else ", though not if the layers are independent"
        return f"{slo_percent:g} % is within reach: the {ceiling.binding} layer allows {wording.percent(ceiling.value)}{spare}."
    binding = next(layer for layer in ceiling.layers if layer.name == ceiling.binding)
    chain = " × ".join(f"{plain(name, 60)} {value:g}" for name, value, _, _ in binding.inputs) if binding.name == "external" else ""
    return (
        f"{slo_percent:g} % is out of reach: the {binding.name} {'chain' if chain else 'layer'} caps you at {wording.percent(ceiling.value)}"
        + (f" ({chain})." if chain else ".")
    )


def down_a_year(availability: float) -> str:
    """Expected downtime in a year of 8,766 hours, and the nines."""
    down = 1 - availability
    return f"{_time(down)} a year, {nines(down):.1f} nines" if down > 0 else "no downtime"


def _time(share: float) -> str:
    return wording.duration(share * HOURS_PER_YEAR * 3600)
