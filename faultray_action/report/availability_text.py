"""The five layers for a terminal: inputs with their source, what binds, and what each layer would need for an objective."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from faultray_action.model.outcome import Ceiling, Layer
from faultray_action.model.units import HOURS_PER_YEAR, nines
from faultray_action.report import wording
from faultray_action.report.escape import plain
from faultray_action.report.layer_inputs import said

WIDTH = 80


def availability_text(ceiling: Ceiling, slo_percent: float | None = None, *, made_of: str = "topology") -> str:
    """At most 80 columns, addresses of the web excepted. With an objective, each layer says what it would need to meet it.

    `made_of`: what to call the source of inputs that were read from the topology (plan, infra.yaml).
    """
    lines = ["Availability ceiling: five layers, the lowest caps the system", ""]
    for layer in ceiling.layers:
        lines += [*_layer(layer, layer.name == ceiling.binding, slo_percent, made_of), ""]
    lines += _together(ceiling)
    lines += ["", *textwrap.wrap(objective(ceiling, slo_percent), WIDTH)] if slo_percent is not None else []
    return "\n".join((*lines, "", *textwrap.wrap(_SOURCES, WIDTH), ""))


_SOURCES = "declared: set by the team. default: a number of the reliability table; your own goes under `operations:`."


def _layer(layer: Layer, binding: bool, slo_percent: float | None, made_of: str) -> Iterator[str]:
    yield _row(layer.name, layer.availability, "  <- caps the system" if binding else "")
    if layer.name == "external" and not layer.inputs:
        yield "    no service with a contract on the way of a request"
    for name, value, unit, source in layer.inputs:
        told = said(name, value, unit)
        yield from _contract(told, source) if unit == "percent" else [_input(told, made_of if source == "topology" else source)]
    if slo_percent is not None and layer.availability < slo_percent / 100:
        yield from textwrap.wrap(
            _need(layer, slo_percent), WIDTH, initial_indent="    ", subsequent_indent="      ", break_on_hyphens=False
        )


def _input(told: str, source: str) -> str:
    """The source at the right edge, where the eye finds it."""
    return f"    {told:<{WIDTH - 16}}{plain(source, 40):>12}"


def _contract(told: str, source: str) -> Iterator[str]:
    yield f"    {told}"
    yield from textwrap.wrap(
        plain(source, 300), WIDTH, initial_indent=" " * 13, subsequent_indent=" " * 13, break_long_words=False, break_on_hyphens=False
    )


def _need(layer: Layer, slo_percent: float) -> str:
    """Alone, with every other layer perfect: the least that has to change, and what changes it."""
    budget, spent = 1 - slo_percent / 100, 1 - layer.availability
    if budget <= 0:
        return "needs: no downtime at all, which no layer can promise"
    return f"needs: at most {_time(budget)} a year, {spent / budget:.1f} times less than now: {_lever(layer)}"


def _lever(layer: Layer) -> str:
    found = {name: value for name, value, _, _ in layer.inputs}
    if layer.name == "external":
        weakest = min(layer.inputs, key=lambda each: each[1])
        return f"a better contract than the {weakest[1]:g} % of {plain(weakest[0], 60)}, or a fallback for it"
    if layer.name == "software":
        spare = ", a spare copy of what has none" if found.get("lone_workloads") else ""
        return f"fewer failed deployments, a faster way back{spare}"
    if layer.name == "operational":
        return "round-the-clock on-call" if found.get("on_call_coverage", 1.0) < 1 else "faster detection and response, fewer incidents"
    return {
        "hardware": "a second copy or zone for the single points that `faultray simulate` lists",
        "theoretical": "a retry for calls that have none",
    }.get(layer.name, "less downtime")


def _together(ceiling: Ceiling) -> Iterator[str]:
    yield _row("ceiling", ceiling.value, f", capped by {ceiling.binding}")
    yield _row("product", ceiling.product, ", if independent")
    yield _row("lower bound", ceiling.frechet, ", if never at once (Fréchet)")


def _row(name: str, availability: float, remark: str) -> str:
    return f"{name:13}{wording.percent(availability):>12}  {down_a_year(availability)}{remark}"


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
