"""Ports on which nobody listens (docs/model.md): what a front hands calls to, and what is asked on a port whether it is well.

What a container declares tells where it listens. A name of a port is resolved by what is declared and nothing else. A number that nobody declares is
proven wrong where every container of the workload declares its ports; where one of them declares none it may listen anywhere, and only a port that
the other side of the change shows to be declared, and this one does not, is evidence. What is unknown until apply is not decidable.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum, auto
from typing import Any

from msgspec import Struct

from faultray_action.catalogue.entry import Calls, Containers, Forwards
from faultray_action.catalogue.expression import descend, evaluate, every, number
from faultray_action.model.topology import Role
from faultray_action.model.value import UNKNOWN
from faultray_action.topology.blocks import holding
from faultray_action.topology.known_side import KnownSide
from faultray_action.topology.node import Node
from faultray_action.topology.reachability.cuts import Cut

Port = int | str
"""A number, or the name that a container gives to one."""

_NAME = re.compile(r"[a-z0-9-]{1,15}")
"""What Kubernetes takes for the name of a port."""


class Answer(Enum):
    """Whether somebody listens on a port, by what is declared."""

    DECLARED = auto()
    NOBODY = auto()
    MAYBE = auto()
    """No container declares it, and one of them declares nothing at all."""
    UNKNOWN = auto()


class Declared(Struct, frozen=True):
    """The ports that some containers declare. `names` are those of `numbers` that have one; `complete`: each container declares some."""

    numbers: frozenset[int]
    names: frozenset[str]
    complete: bool

    def answer(self, port: Port) -> Answer:
        if isinstance(port, str):
            return Answer.DECLARED if port in self.names else Answer.NOBODY
        if port in self.numbers:
            return Answer.DECLARED
        if not self.numbers:
            return Answer.UNKNOWN
        return Answer.NOBODY if self.complete else Answer.MAYBE


class Asked(Struct, frozen=True):
    """A port of a front, `number` or `name` for those who call it, and the `target` behind it."""

    number: Port | None
    name: Port | None
    target: Port


def cuts(side: KnownSide, other: KnownSide) -> Iterable[Cut]:
    """Calls of a side that end at a port on which nobody listens."""
    for address, node in side.survey.nodes.items():
        if address not in side.components:
            continue
        if node.entry.forwards is not None:
            yield from _forwarded(side, other, node)
        if node.entry.calls:
            yield from _called(side, other, node)
        if node.entry.containers is not None and node.entry.containers.probes:
            yield from _probed(side, other, node)
        if node.entry.registers is not None:
            yield from _registered(side, node, node.entry.registers)
        if node.entry.probe_port or node.entry.called_on:
            yield from _behind(side, other, node)


# a front that hands calls to ports of pods


def _forwarded(side: KnownSide, other: KnownSide, front: Node) -> Iterator[Cut]:
    """Pods none of whose containers listens on any port that a front calls."""
    targets = [asked.target for asked in _asked(side, front)]
    for workload in _workloads(side, front.address):
        if _is_unheard(side, other, front.address, workload, targets):
            yield Cut(front.address, workload, f"{front.address} calls {workload} on {_said(targets)}, where no container listens")


def _is_unheard(side: KnownSide, other: KnownSide, front: str, workload: str, targets: Sequence[Port]) -> bool:
    """Whether nobody listens on any of the ports: proven, or declared on the other side alone."""
    here = _answers(side, workload, targets)
    if not here or Answer.DECLARED in here or Answer.UNKNOWN in here:
        return False
    if Answer.MAYBE not in here:
        return True
    before = other.survey.nodes.get(front)
    if before is None or workload not in _workloads(other, front):
        return False
    return Answer.DECLARED in _answers(other, workload, [asked.target for asked in _asked(other, before)])


def _answers(side: KnownSide, workload: str, targets: Iterable[Port]) -> list[Answer]:
    declared = _declared(side.survey.nodes[workload])
    return [declared.answer(target) if declared is not None else Answer.UNKNOWN for target in targets]


def _asked(side: KnownSide, front: Node) -> list[Asked]:
    """The ports of a front; none where one of them is not known, or where it only names what is behind it."""
    facts = front.entry.forwards
    if facts is None or not side.survey.decided(front.address, facts.when):
        return []
    found = [_asked_in(block, facts) for block in every(front.values, facts.at)]
    known = [asked for asked in found if asked is not None]
    return known if len(known) == len(found) else []


def _asked_in(block: Any, facts: Forwards) -> Asked | None:
    asked, name, target = (_port(descend(block, path)) for path in (facts.number, facts.name, facts.target))
    target = asked if target is None else target
    if UNKNOWN in (asked, name, target) or target is None:
        return None
    return Asked(asked, name, target)


def _workloads(side: KnownSide, front: str) -> list[str]:
    """What a front needs and what says which ports it has."""
    needed = [d.target for d in side.needs.by_source.get(front, ()) if d.role is Role.NEED]
    nodes = side.survey.nodes
    return [a for a in needed if a in nodes and nodes[a].entry.containers is not None]


# who calls a front on one of its ports


def _called(side: KnownSide, other: KnownSide, caller: Node) -> Iterator[Cut]:
    """Fronts that are called on a port which they do not have, or behind which nobody listens though others of theirs are served."""
    nodes = side.survey.nodes
    for front in side.needs.hard.after(caller.address):
        if front not in nodes or nodes[front].entry.forwards is None:
            continue
        offered = _asked(side, nodes[front])
        for port in _ports_of(caller, nodes[front]) if offered else ():
            meant = [asked for asked in offered if port in (asked.number, asked.name)]
            if not meant:
                yield Cut(caller.address, front, f"{caller.address} calls {front} on {_said([port])}, which it does not have")
            elif _is_silent(side, other, front, meant[0], offered):
                yield Cut(caller.address, front, f"{caller.address} calls {front} on {_said([port])}, behind which no container listens")


def _ports_of(caller: Node, front: Node) -> Iterator[Port]:
    """The ports on which a caller calls a front by its name."""
    for facts in caller.entry.calls:
        called = descend(front.values, facts.target)
        for block in every(caller.values, facts.at):
            if isinstance(called, str) and descend(block, facts.named) == called:
                yield from _first_port(block, facts)


def _first_port(block: Any, facts: Calls) -> Iterator[Port]:
    stated = [_port(descend(block, path)) for path in facts.ports]
    named = [port for port in stated if port is not None]
    if named and named[0] is not UNKNOWN:
        yield named[0]


def _is_silent(side: KnownSide, other: KnownSide, front: str, meant: Asked, offered: Sequence[Asked]) -> bool:
    """Whether nobody behind a front listens on one of its ports, while somebody may on another: else the front itself is told to be cut off."""
    workloads = _workloads(side, front)
    everything = [asked.target for asked in offered]
    spared = [a for a in workloads if not _is_unheard(side, other, front, a, everything)]
    return bool(spared) and all(_is_unheard(side, other, front, a, [meant.target]) for a in spared)


# what is asked whether it is well


def _probed(side: KnownSide, other: KnownSide, workload: Node) -> Iterator[Cut]:
    """Workloads that are asked whether they are well on a port on which none of their containers listens."""
    facts = workload.entry.containers
    declared = _declared(workload)
    if facts is None or declared is None:
        return
    for container in _containers(workload, facts) or ():
        own = _declared_by([container], facts)
        for port in _probe_ports(container, facts):
            here = (own if isinstance(port, str) else declared).answer(port)
            if here is Answer.NOBODY or (here is Answer.MAYBE and _was_heard(other, workload.address, container, facts)):
                yield Cut(
                    workload.address, workload.address, f"{workload.address} is probed on {_said([port])}, where no container listens"
                )
                return


def _was_heard(other: KnownSide, address: str, container: Mapping[str, Any], facts: Containers) -> bool:
    """Whether the same container is probed on declared ports alone on the other side."""
    before = other.survey.nodes.get(address)
    declared = _declared(before) if before is not None else None
    if before is None or declared is None or before.entry.containers is None:
        return False
    name = descend(container, facts.called)
    same = [each for each in _containers(before, facts) or () if descend(each, facts.called) == name]
    ports = [port for each in same for port in _probe_ports(each, facts)]
    return bool(ports) and all(isinstance(port, str) or declared.answer(port) is Answer.DECLARED for port in ports)


def _probe_ports(container: Mapping[str, Any], facts: Containers) -> list[Port]:
    stated = [_port(value) for path in facts.probes for value in every(container, path)]
    return [port for port in stated if port is not None and port is not UNKNOWN]


# containers that a front knows by a port


def _registered(side: KnownSide, workload: Node, facts: Calls) -> Iterator[Cut]:
    """Fronts that are told to call a container of a workload on a port that it does not have."""
    for edge in side.survey.outgoing(workload.address, "serves"):
        front = side.survey.nodes[edge.target]
        for block in holding(workload, front, edge.path, facts.at) if edge.path.startswith(facts.at) else ():
            for port in _first_port(block, facts):
                if _lacks(side, workload, descend(block, facts.named), port):
                    reason = f"{front.address} calls {workload.address} on {_said([port])}, which that container does not have"
                    yield Cut(front.address, workload.address, reason)


def _lacks(side: KnownSide, workload: Node, name: Any, port: Port) -> bool:
    """Whether the container of that name is known and declares other ports."""
    for task in _tasks(side, workload):
        facts = task.entry.containers
        containers = _containers(task, facts) if facts is not None else None
        if facts is None or containers is None:
            continue
        meant = [each for each in containers if descend(each, facts.called) == name]
        stated = [_port(value) for each in meant for value in every(each, f"{facts.ports}.{facts.number}")]
        if stated and UNKNOWN not in stated:
            return port not in stated
    return False


def _tasks(side: KnownSide, workload: Node) -> list[Node]:
    """What says which containers a workload has: itself, or what it needs."""
    candidates = [workload.address, *side.needs.hard.after(workload.address)]
    return [n for a in candidates if (n := side.survey.nodes.get(a)) is not None and n.entry.containers is not None]


# fronts that call, or probe, whatever stands behind them


def _behind(side: KnownSide, other: KnownSide, front: Node) -> Iterator[Cut]:
    """What a front calls or probes on ports on which it does not listen."""
    called, probed = _stated(side, front, front.entry.called_on), _stated(side, front, front.entry.probe_port)
    for address in sorted(side.called(front.address)):
        target = side.survey.nodes.get(address)
        if target is None:
            continue
        for what, ports in (("calls", called), ("probes", probed)):
            if ports and _is_deaf(side, other, front.address, target, ports, probing=what == "probes"):
                yield Cut(front.address, address, f"{front.address} {what} {address} on {_said(ports)}, where nobody listens")
                break


def _is_deaf(side: KnownSide, other: KnownSide, front: str, target: Node, ports: Sequence[int], *, probing: bool) -> bool:
    """Whether a component listens on none of the ports: all that it has are known, or a probe was answered before."""
    all_ports = side.survey.facts.items(target.entry.open_ports, target.address, side.survey.scope(target))
    if all_ports:
        return not {int(number(port)) for port in all_ports} & set(ports)
    return probing and _is_unprobed(side, other, front, target, ports)


def _is_unprobed(side: KnownSide, other: KnownSide, front: str, target: Node, ports: Sequence[int]) -> bool:
    here = _answered(side, target, ports)
    if not here or Answer.DECLARED in here or Answer.UNKNOWN in here:
        return False
    before, there = other.survey.nodes.get(front), other.survey.nodes.get(target.address)
    if Answer.MAYBE not in here:
        return True
    if before is None or there is None:
        return False
    asked = _stated(other, before, before.entry.probe_port)
    return Answer.DECLARED in _answered(other, there, asked) if asked else _asks_nothing_else(other, before)


def _asks_nothing_else(side: KnownSide, front: Node) -> bool:
    """Whether a front is known to ask on the port that it calls."""
    return evaluate(front.entry.probe_port, side.survey.scope(front)) == (None,)


def _answered(side: KnownSide, target: Node, ports: Sequence[int]) -> list[Answer]:
    """Whether the containers of a workload listen on some ports of an address of their own."""
    tasks = [task for task in _tasks(side, target) if _has_own_address(side, task)]
    declared = [found for task in tasks if (found := _declared(task)) is not None]
    return [found.answer(port) for found in declared for port in ports]


def _has_own_address(side: KnownSide, task: Node) -> bool:
    facts = task.entry.containers
    return facts is not None and side.survey.decided(task.address, facts.own_address) is True


def probed_on(side: KnownSide, front: str, target: str) -> int | None:
    """The port on which a front (or a part of it that requests run through) asks a target whether it is well; None where that is not known, or
    where its parts ask on different ones. Of a front that asks on the port that it calls, that one."""
    found: set[int] = set()
    for part in _parts(side, front, target):
        probes = [edge.target for edge in side.survey.outgoing(part.address, "probes")]
        asking = [part, *(side.survey.nodes[a] for a in probes)]
        asked = {port for node in asking for port in _stated(side, node, node.entry.probe_port)}
        found |= asked or _taken_in_on(side, target, part.address) or set(_stated(side, part, part.entry.called_on))
    return min(found) if len(found) == 1 else None


def _parts(side: KnownSide, front: str, target: str) -> list[Node]:
    """A front and what its requests run through on their way to a target."""
    within = {front, *side.needs.hard.passed(front, side.is_connector)}
    leading = {target, *side.needs.hard.reversed.passed(target, side.is_connector)}
    nodes = side.survey.nodes
    return [nodes[a] for a in sorted(within) if a in nodes and (a in leading or a == front)]


def _taken_in_on(side: KnownSide, target: str, front: str) -> set[int]:
    """The ports under which a front knows a workload."""
    workload = side.survey.nodes.get(target)
    facts = workload.entry.registers if workload is not None else None
    if workload is None or facts is None:
        return set()
    edges = [edge for edge in side.survey.outgoing(target, "serves") if edge.target == front and edge.path.startswith(facts.at)]
    blocks = [block for edge in edges for block in holding(workload, side.survey.nodes[front], edge.path, facts.at)]
    return {port for block in blocks for port in _first_port(block, facts) if isinstance(port, int)}


def _stated(side: KnownSide, node: Node, text: str) -> list[int]:
    """The ports that an expression of the catalogue gives, none where one of them is unknown."""
    if not text:
        return []
    values = side.survey.facts.items(text, node.address, side.survey.scope(node))
    return sorted({port for value in values if isinstance(port := _port(value), int)})


# declarations


def _declared(node: Node) -> Declared | None:
    """The ports that the containers of a workload declare, None where they are not known."""
    facts = node.entry.containers
    containers = _containers(node, facts) if facts is not None else None
    if facts is None or not containers:
        return None
    declared = _declared_by(containers, facts)
    besides = [value for path in facts.beside for value in every(node.values, path)]
    return Declared(declared.numbers, declared.names, declared.complete and not besides)


def _containers(node: Node, facts: Containers) -> list[Mapping[str, Any]] | None:
    """The containers of a workload, None where one of them, or a port of one, is not known yet."""
    found: list[Mapping[str, Any]] = []
    for path in facts.at:
        for value in every(node.values, path):
            for each in _read(value):
                if not isinstance(each, Mapping) or _is_vague(each, facts):
                    return None
                found.append(each)
    return found


def _is_vague(container: Mapping[str, Any], facts: Containers) -> bool:
    """Whether a port, or the name of one, is not known yet."""
    names = every(container, f"{facts.ports}.{facts.name}") if facts.name else []
    return UNKNOWN in (*every(container, facts.ports), *names)


def _read(value: Any) -> list[Any]:
    """A container, or those that a JSON text lists."""
    if not isinstance(value, str):
        return [value]
    try:
        listed = json.loads(value)
    except (ValueError, RecursionError):
        return [UNKNOWN]
    return listed if isinstance(listed, list) else [listed]


def _declared_by(containers: Iterable[Mapping[str, Any]], facts: Containers) -> Declared:
    numbers: set[int] = set()
    names: set[str] = set()
    complete = True
    for container in containers:
        own = [_port(value) for value in every(container, f"{facts.ports}.{facts.number}")]
        numbers.update(port for port in own if isinstance(port, int))
        complete = complete and bool(own) and UNKNOWN not in own
        if facts.name:
            names.update(name for name in every(container, f"{facts.ports}.{facts.name}") if isinstance(name, str))
    return Declared(frozenset(numbers), frozenset(names), complete)


def _port(value: Any) -> Any:
    """A port as it is written: a number, or a name; None for none, UNKNOWN where it is not known yet."""
    if value is UNKNOWN:
        return UNKNOWN
    if isinstance(value, str) and not value.strip().isdecimal():
        return value or None
    return int(number(value)) or None if isinstance(value, (int, float, str)) else None


def _said(ports: Sequence[Port]) -> str:
    """Ports in words; a name that Kubernetes would not take is not repeated."""
    words = [str(port) if isinstance(port, int) or _NAME.fullmatch(port) else "of that name" for port in ports]
    return f"port {' and '.join(dict.fromkeys(words))}"
