"""The map of cascades, as plain data for a file or a page."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

from faultray_action.engine.cascade import run
from faultray_action.engine.relation import relate
from faultray_action.model.scenario import Scenario
from faultray_action.model.topology import Topology
from faultray_action.model.trace import Trace, Transition


def all_cascade_paths(topology: Topology, scenarios: Iterable[Scenario], *, max_depth: int | None = None) -> Iterator[dict[str, Any]]:
    """The maps of all scenarios that make anything rise, one by one: a large system's maps need not stand in memory together."""
    relation = relate(topology)
    for scenario in scenarios:
        trace = run(topology, scenario, max_depth=max_depth, relation=relation)
        if trace.transitions:
            yield map_cascade(trace)


def map_cascade(trace: Trace) -> dict[str, Any]:
    """Strings, numbers, lists and dicts only. A latency of null is one that never ends (past a timeout).

    `paths` are the chains of causes from an injection to where the cascade ends, by component; `edges` are all dependencies that carried
    failure, also those that came second: every path of the cascade runs over them. `edges` of which others stand in are `masked`.
    """
    return {
        "scenario": trace.scenario.id,
        "stratum": trace.scenario.stratum,
        "entries_down": list(trace.entries_down),
        "entries_failing": list(trace.entries_failing),
        "truncated": trace.truncated,
        "seconds": trace.elapsed_seconds,
        "health": {component: health.name.lower() for component, health in trace.health.items()},
        "transitions": [_row(transition) for transition in trace.transitions],
        "edges": [
            {"source": c.source, "target": c.target, "rule": c.rule.value, "health": c.health.name.lower(), "masked": c.masked}
            for c in trace.carriers
        ],
        "paths": [list(path) for path in paths(trace)],
        "hidden": [{"edge": edge, "seconds": seconds} for edge, seconds in trace.hidden],
    }


def _row(transition: Transition) -> dict[str, Any]:
    return {
        "step": transition.step,
        "parent": transition.parent,
        "seconds": transition.time_seconds,
        "depth": transition.depth,
        "component": transition.component,
        "from": transition.before.name.lower(),
        "to": transition.after.name.lower(),
        "rule": transition.rule.value,
        "cause": transition.cause,
        "events": list(transition.events),
        "latency_ms": _finite(transition.latency_ms),
        "load": _finite(transition.load),
    }


def _finite(number: float) -> float | None:
    return number if number < math.inf else None


def paths(trace: Trace) -> tuple[tuple[str, ...], ...]:
    """Chains of components from an injection to each step that caused no other, each once, in order of their last step."""
    causing = {transition.parent for transition in trace.transitions}
    leaves = (transition for transition in trace.transitions if transition.step not in causing)
    return tuple(dict.fromkeys(_components(trace, leaf) for leaf in leaves))


def _components(trace: Trace, leaf: Transition) -> tuple[str, ...]:
    chain = [leaf]
    while chain[-1].parent >= 0:
        chain.append(trace.transitions[chain[-1].parent])
    return tuple(dict.fromkeys(step.component for step in reversed(chain)))
