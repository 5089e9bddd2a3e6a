"""A cascade as an on-call engineer reads it: what was injected, who went when and why, who took whom, and who notices."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from faultray_action.model.agents import AgentRisk
from faultray_action.model.component import FaultClass, Kind
from faultray_action.model.outcome import Health
from faultray_action.model.topology import Topology
from faultray_action.model.trace import Rule, Trace, Transition
from faultray_action.report import wording
from faultray_action.report.escape import plain
from faultray_action.report.event_words import event, injected, names_of, what_if

WIDTH = 80

_WHY: Mapping[Rule, str] = {
    Rule.COPIES: "too few copies left",
    Rule.WHAT_IF: "injected",
    Rule.DEPLOY: "is being deployed",
    Rule.FAILOVER_BLOCKED: "cannot fail over: the control plane is down",
    Rule.NEED: "needs {cause}",
    Rule.OPTIONAL: "does without {cause}",
    Rule.ASYNC: "its work for {cause} waits in the buffer",
    Rule.BUFFER_SPENT: "its buffer towards {cause} is full",
    Rule.STARTUP: "cannot start without {cause}",
    Rule.ALTERNATIVES: "has no alternative to {cause} left",
    Rule.BREAKER: "its circuit breaker towards {cause} opened",
    Rule.NO_FALLBACK: "has no answer without {cause}",
    Rule.BROKEN: "can no longer reach {cause}",
    Rule.TIMEOUT: "gives up waiting for {cause}",
    Rule.POOL: "all its connections wait for {cause}",
    Rule.OVERLOAD: "gets more load than its copies carry",
    Rule.TRAFFIC: "gets more traffic",
    Rule.RETRIES: "gets the retries of {cause}",
    Rule.SLOW: "waits for {cause}",
}


class _Story(Struct, frozen=True):
    """A run, with what to call its components."""

    topology: Topology
    trace: Trace
    names: Mapping[str, str]

    def name(self, address: str) -> str:
        return self.names.get(address, plain(address, 60))

    def told(self, step: Transition) -> bool:
        """A rise in health of something that a reader knows; load and latency are told at the end."""
        return step.after > step.before and not self._passes(step.component)

    def _passes(self, address: str) -> bool:
        component = self.topology.components.get(address)
        return component is not None and component.kind is Kind.CONNECTOR and not component.copies

    def before(self, step: Transition) -> Transition | None:
        """The nearest step told that led to this one, of another component."""
        while step.parent >= 0:
            at = self.trace.transitions[step.parent]
            if self.told(at) and at.component != step.component:
                return at
            step = at
        return None


def replay_text(topology: Topology, trace: Trace, agents: Sequence[AgentRisk] = ()) -> str:
    """At most 80 columns, long names excepted. `agents`: those whose risk the scenario raises."""
    story = _Story(topology, trace, names_of(topology))
    lines = [f"Scenario  {plain(trace.scenario.id, 300)}"]
    for word in injected(topology, trace.scenario, story.names):
        lines += _wrapped(word, "          ", "          ")
    told = [step for step in trace.transitions if story.told(step)]
    lines += ["", *_steps(story, told), *_tree(story, told), *_strain(story), *_agents(story, agents), "", *_result(story)]
    return "\n".join(lines)


def _steps(story: _Story, told: list[Transition]) -> Iterator[str]:
    if not told:
        yield "Nothing goes down or degrades."
        return
    wide = min(34, max(len(story.name(step.component)) for step in told))
    for step in told:
        head = f"{_time(step.time_seconds):>8}  {story.name(step.component):<{wide}}  {step.after.name.lower():<10}  "
        yield from _wrapped(_why(story, step), head, " " * (14 + wide + 8))


def _time(seconds: float) -> str:
    return wording.duration(seconds) if seconds >= 90 else f"{wording.trimmed(f'{seconds:.1f}')} s"


def _why(story: _Story, step: Transition) -> str:
    if step.rule in (Rule.COPIES, Rule.WHAT_IF) and step.events:
        return "; ".join(dict.fromkeys(_reason(story, step.component, id) for id in step.events))
    earlier = story.before(step)
    cause = step.cause if step.cause and not story._passes(step.cause) else earlier.component if earlier else step.cause
    return _WHY[step.rule].format(cause=story.name(cause) if cause else "what it calls")


def _reason(story: _Story, address: str, id: str) -> str:
    """An event as its victim tells it."""
    fault, component = story.topology.faults.get(id), story.topology.components.get(address)
    if fault is not None and fault.fault_class is FaultClass.COPY and fault.address == address and component is not None:
        return "its only copy fails" if component.size == 1 else "too few copies left"
    if fault is not None:
        return event(story.topology, id, story.names)
    asked = next((each for each in story.trace.scenario.what_ifs if str(each) == id), None)
    return _WHY[Rule.WHAT_IF] if asked is None else what_if(asked, story.names)


def _tree(story: _Story, told: list[Transition]) -> Iterator[str]:
    """Who took whom, by the last rise of each component; an earlier rise stays where something hangs on it."""
    parents = {step.step: story.before(step) for step in told}
    last = {step.component: step.step for step in told}
    needed = {parent.step for parent in parents.values() if parent is not None}
    kept = [step for step in told if step.step in needed or last[step.component] == step.step]
    if all(parents[step.step] is None for step in kept):
        return
    children: dict[int, list[Transition]] = {}
    for step in kept:
        parent = parents[step.step]
        children.setdefault(-1 if parent is None else parent.step, []).append(step)
    yield ""
    yield "Who took whom"
    stack = [(step, "  ", "  ") for step in reversed(children.get(-1, []))]
    while stack:
        step, head, rest = stack.pop()
        yield f"{head}{story.name(step.component)} {step.after.name.lower()}"
        below = children.get(step.step, [])
        stack += [
            (child, rest + ("└─ " if child is below[-1] else "├─ "), rest + ("   " if child is below[-1] else "│  "))
            for child in reversed(below)
        ]


def _strain(story: _Story) -> Iterator[str]:
    """Where it ends for those who are slower or busier than at rest."""
    trace, at_rest = story.trace, Health.HEALTHY
    slow = [(a, ms) for a, ms in trace.latency_ms.items() if trace.health.get(a, at_rest) is not Health.DOWN and not story._passes(a)]
    busy = [(a, load) for a, load in trace.load.items() if load > 1 and not story._passes(a)]
    if slow and any(not t.after > t.before for t in trace.transitions):
        told = (f"{story.name(a)} {'never in time' if math.isinf(ms) else f'{ms:,.0f} ms'}" for a, ms in slow)
        yield from ("", *_wrapped(", ".join(told), "Answers take:  ", "  "))
    if busy:
        yield from ("", *_wrapped(", ".join(f"{story.name(a)} ×{load:g}" for a, load in busy), "Load:  ", "  "))


def _agents(story: _Story, agents: Sequence[AgentRisk]) -> Iterator[str]:
    if not agents:
        return
    yield ""
    yield "AI agents"
    for each in agents:
        state = "looks well and answers" if each.silent else "still answers" if each.answering else "is down itself"
        yield from _wrapped(f"{story.name(each.address)} {state}; {each.risk * 100:.0f} % of its answers are wrong", "  ", "    ")


def _result(story: _Story) -> Iterator[str]:
    trace = story.trace
    labels = {entry.address: plain(entry.label or entry.address, 60) for entry in story.topology.entries}
    down = [labels.get(a, a) for a in trace.entries_down]
    yield from _wrapped(f"{', '.join(down) or 'none'} ({len(down)} of {len(labels)})", "Entry points down: ", "  ")
    failing = [labels.get(a, a) for a in trace.entries_failing if a not in set(trace.entries_down)]
    if failing:
        yield from _wrapped(", ".join(failing), "Answering with errors: ", "  ")
    for edge, seconds in trace.hidden:
        source, _, target = edge.partition(" -> ")
        yield from _wrapped(f"what {story.name(source)} sends to {story.name(target)}", f"Buffered for {_time(seconds)}: ", "  ")
    if trace.truncated:
        yield "Cut at the maximum depth: this is a lower bound, not a clean bill."


def _wrapped(text: str, first: str, rest: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False, drop_whitespace=True
    ) or [first.rstrip()]
