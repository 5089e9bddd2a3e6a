"""A cascade step by step, and the tree of who took whom down, for a terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from faultray_action.model.component import Kind
from faultray_action.model.topology import Topology
from faultray_action.model.trace import Rule, Trace, Transition
from faultray_action.report.escape import plain

_WORDS: Mapping[Rule, str] = {
    Rule.COPIES: "too few copies left",
    Rule.WHAT_IF: "injected",
    Rule.DEPLOY: "is being deployed",
    Rule.FAILOVER_BLOCKED: "cannot fail over: the control plane is down",
    Rule.NEED: "needs",
    Rule.OPTIONAL: "uses, if it can,",
    Rule.ASYNC: "hands work to",
    Rule.BUFFER_SPENT: "its buffer is spent towards",
    Rule.STARTUP: "cannot start without",
    Rule.ALTERNATIVES: "has no alternative left to",
    Rule.BREAKER: "circuit breaker open towards",
    Rule.NO_FALLBACK: "has no fallback for",
    Rule.BROKEN: "can no longer reach",
    Rule.TIMEOUT: "times out on",
    Rule.POOL: "all its connections wait for",
    Rule.OVERLOAD: "more load than its copies carry",
    Rule.TRAFFIC: "more traffic",
    Rule.RETRIES: "retries of its callers",
    Rule.SLOW: "waits for",
}


def replay_text(topology: Topology, trace: Trace) -> str:
    """Transitions in order, then the map of the cascade, then what became of the entry points."""
    lines = [f"scenario {plain(trace.scenario.id, 300)}", ""]
    shown = [t for t in trace.transitions if not _passes(topology, t.component)]
    lines += [_step(t) for t in shown] or ["nothing changes: this system does not have these parts on this side"]
    tree = list(_tree(topology, trace))
    if tree:
        lines += ["", "who took whom down", *tree]
    lines += ["", *_result(topology, trace)]
    return "\n".join(lines)


def _passes(topology: Topology, address: str) -> bool:
    component = topology.components.get(address)
    return component is not None and component.kind is Kind.CONNECTOR and not component.copies


def _name(address: str) -> str:
    return plain(address, 80)


def _step(t: Transition) -> str:
    cause = f" {_name(t.cause)}" if t.cause else ""
    events = f" ({plain(', '.join(t.events), 120)})" if t.events else ""
    change = f"{t.before.name.lower()} -> {t.after.name.lower()}" if t.before is not t.after else t.after.name.lower()
    latency = "" if t.latency_ms == 0 else "  waits for ever" if math.isinf(t.latency_ms) else f"  {t.latency_ms:,.0f} ms"
    load = f"  load x{t.load:g}" if t.load != 1.0 else ""
    return f"{t.time_seconds:>8.1f} s  {_name(t.component)}: {change}  {_WORDS[t.rule]}{cause}{events}{latency}{load}"


def _tree(topology: Topology, trace: Trace) -> Iterator[str]:
    children = trace.children()
    stack = [(step, 0) for step in reversed(children.get(-1, ()))]
    while stack:
        step, depth = stack.pop()
        t = trace.transitions[step]
        hidden = _passes(topology, t.component)
        if not hidden:
            yield f"{'  ' * depth}{'└ ' if depth else ''}{_name(t.component)} {t.after.name.lower()}"
        stack += [(child, depth + (not hidden)) for child in reversed(children.get(step, ()))]


def _result(topology: Topology, trace: Trace) -> list[str]:
    every = [entry.address for entry in topology.entries]
    down = set(trace.entries_down)
    lines = [f"entry points down: {', '.join(_name(a) for a in trace.entries_down) or 'none'} ({len(down)} of {len(every)})"]
    failing = [a for a in trace.entries_failing if a not in down]
    if failing:
        lines.append(f"answering with errors: {', '.join(_name(a) for a in failing)}")
    lines += [f"hidden by a buffer for {seconds:,.0f} s: {plain(edge, 120)}" for edge, seconds in trace.hidden]
    if trace.truncated:
        lines.append("cut at the maximum depth: this is a lower bound, not a clean bill")
    return lines
