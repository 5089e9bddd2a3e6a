"""What goes into the five layers, in words: `20 deployments a month`, not a field and its unit."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from faultray_action.model.units import HOURS_PER_YEAR
from faultray_action.report import wording
from faultray_action.report.escape import plain


def _number(value: float) -> str:
    return f"{value:,.6g}" if abs(value) >= 1e-4 or not value else f"{value:.6f}".rstrip("0")


def _share(value: float) -> str:
    return f"{_number(round(value * 100, 6))} %"


def _counted(one: str, many: str) -> Callable[[float, str], str]:
    return lambda value, unit: f"{_number(value)} {one if value == 1 else many}"


def _shared(text: str) -> Callable[[float, str], str]:
    return lambda value, unit: f"{_share(value)} {text}"


def _minutes(text: str) -> Callable[[float, str], str]:
    return lambda value, unit: f"{wording.duration(value * 60)} {text}"


def _yearly(text: str) -> Callable[[float, str], str]:
    return lambda value, unit: f"{text} {wording.duration(value * HOURS_PER_YEAR * 3600)} a year"


_WORDS: Mapping[str, Callable[[float, str], str]] = {
    "deploys_per_month": _counted("deployment a month", "deployments a month"),
    "change_failure_rate": _shared("of the deployments fail"),
    "recovery_minutes": _minutes("to recover from a failed deployment"),
    "config_drift_per_year": _counted("incident a year from configuration drift", "incidents a year from configuration drift"),
    "lone_workloads": lambda value, unit: f"{_number(value)} {unit} without a spare copy",
    "unavailability": lambda value, unit: f"{_yearly('expected downtime')(value, unit)}, {unit.rpartition(', ')[2]}",
    "unavailability_low": _yearly("with the lowest rates"),
    "unavailability_high": _yearly("with the highest rates"),
    "packet_loss": _shared("of the requests lost on the way"),
    "jitter_loss": _shared("of the requests delayed past their timeout"),
    "gc_pause_fraction": _shared("of the time paused for garbage collection"),
    "calls": _counted("call behind one request", "calls behind one request"),
    "detection_minutes": _minutes("until an incident is noticed"),
    "response_minutes": _minutes("until somebody works on it"),
    "on_call_coverage": _shared("of the day somebody is on call"),
    "team_size": _counted("person in the rotation", "people in the rotation"),
    "manual_restores_per_year": _counted("failure a year that waits for a person", "failures a year that wait for a person"),
}


def said(name: str, value: float, unit: str) -> str:
    """One input of a layer.

    >>> said("deploys_per_month", 20, "deployments a month"), said("change_failure_rate", 0.05, "share of deployments")
    ('20 deployments a month', '5 % of the deployments fail')
    >>> said("payment provider", 99.9, "percent")
    '99.9 %   payment provider'
    """
    if name in _WORDS and unit != "percent":
        return _WORDS[name](value, unit)
    shown = f"{_number(value)} %" if unit == "percent" else f"{_number(value)} {plain(unit, 40)}"
    return f"{shown:<9}{plain(name, 80)}" if unit == "percent" else f"{shown}  {plain(name, 80).replace('_', ' ')}"
