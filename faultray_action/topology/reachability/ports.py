"""Ports on which nobody listens (docs/model.md): what a front hands calls to, and what is asked on a port whether it is well.

What a side proves is told of it whatever stands on the other. Where somebody may listen, only a port on which somebody is seen to listen on the
other side of the change is evidence. What is unknown until apply is not decidable.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum, auto
from typing import Any

from msgspec import Struct

from faultray_action.catalogue.entry import Calls, Forwards
from faultray_action.catalogue.expression import descend, evaluate, every
from faultray_action.model.topology import Role
from faultray_action.model.value import UNKNOWN
from faultray_action.topology.blocks import holding
from faultray_action.topology.known_side import KnownSide
from faultray_action.topology.node import Node
from faultray_action.topology.reachability.cuts import Cut
from faultray_action.topology.reachability.listening import (
    Container,
    Listening,
    Port,
    containers,
    declared,
    declared_by,
    is_called,
    numbers_of,
    port_of,
    probe_ports,
    said,
)


class AskedPort(Struct, frozen=True):
    """A port of a front, `number` or `name` for those who call it, and the `target` behind it."""

    number: Port | None
    name: Port | None
    target: Port

    def is_meant(self, port: Port) -> bool:
        return port in (self.number, self.name)


def cuts(side: KnownSide, other: KnownSide) -> Iterable[Cut]:
    """Calls of a side that end at a port on which nobody listens."""
    for address, node in side.survey.nodes.items():
        if address in side.components:
            yield from _services(side, other, node)
            yield from _containers(side, other, node)


def _services(side: KnownSide, other: KnownSide, node: Node) -> Iterator[Cut]:
    if node.entry.forwards is not None:
        yield from _forwarded(side, other, node)
    if node.entry.calls:
        yield from _called(side, other, node)


def _containers(side: KnownSide, other: KnownSide, node: Node) -> Iterator[Cut]:
    if node.entry.containers is not None:
        yield from _probed(other, node)
    if node.entry.registers is not None:
        yield from _registered(side, node, node.entry.registers)
    if node.entry.called_on:
        yield from _behind(side, node)
    if node.entry.probe_port:
        yield from _asked_behind(side, other, node)


# a front that hands calls to ports of pods


def _forwarded(side: KnownSide, other: KnownSide, front: Node) -> Iterator[Cut]:
    """Pods none of whose containers listens on any port that a front calls."""
    targets = [asked.target for asked in _asked(side, front)]
    for workload in _workloads(side, front.address):
        evidence = _unheard(side, other, front.address, workload, targets)
        if evidence is not None:
            yield _cut(front.address, workload, targets, _DEAF, evidence)


class Evidence(Enum):
    """What shows that nobody listens."""

    STATE = auto()
    CHANGE = auto()


_DEAF = "where no container listens"


def _cut(
    caller: str,
    callee: str,
    ports: Sequence[Port],
    why: str,
    evidence: Evidence = Evidence.STATE,
    asks: str = "calls",
) -> Cut:
    """A call on ports on which nobody answers; a workload that calls itself is probed."""
    whom = f"{asks} {callee}" if callee != caller else "is probed"
    told = f"{caller} {whom} on {said(ports)}, {why}"
    return Cut(
        caller,
        callee,
        told,
        by_change=evidence is Evidence.CHANGE,
    )


def _unheard(
    side: KnownSide,
    other: KnownSide,
    front: str,
    workload: str,
    targets: Sequence[Port],
) -> Evidence | None:
    """What shows that nobody listens on any of the ports; None where somebody does or may."""
    here = _listening(side, workload, targets)
    if _is_proven(here):
        return Evidence.STATE
    known = other.survey.nodes.get(front)
    if known is None or not _is_left_to_change(here):
        return None
    if workload not in _workloads(other, front):
        return None
    asked = [each.target for each in _asked(other, known)]
    heard = Listening.YES in _listening(other, workload, asked)
    return Evidence.CHANGE if heard else None


def _is_proven(here: Sequence[Listening]) -> bool:
    """Whether nobody listens, for certain, on any of some ports."""
    return set(here) == {Listening.NOBODY}


def _is_left_to_change(here: Sequence[Listening]) -> bool:
    """Whether somebody may listen of whom nothing is declared."""
    return Listening.MAYBE in here and set(here) <= {Listening.MAYBE, Listening.NOBODY}


def _listening(side: KnownSide, workload: str, ports: Iterable[Port]) -> list[Listening]:
    known = declared(side.survey.nodes[workload])
    if known is None:
        return [Listening.UNKNOWN]
    return [known.on(port) for port in ports]


def _asked(side: KnownSide, front: Node) -> list[AskedPort]:
    """The ports of a front; none where one of them is not known, or where it only names what is behind it."""
    facts = front.entry.forwards
    if facts is None or not side.survey.decided(front.address, facts.when):
        return []
    found: list[AskedPort] = []
    for block in every(front.values, facts.at):
        asked = _asked_in(block, facts)
        if asked is None:
            return []
        found.append(asked)
    return found


def _asked_in(block: Any, facts: Forwards) -> AskedPort | None:
    asked = port_of(descend(block, facts.number))
    name = port_of(descend(block, facts.name))
    target = port_of(descend(block, facts.target))
    if target is None:
        target = asked
    if target is None or UNKNOWN in (asked, name, target):
        return None
    return AskedPort(asked, name, target)


def _workloads(side: KnownSide, front: str) -> list[str]:
    """What a front needs and what says which ports it has."""
    found: list[str] = []
    for need in side.needs.by_source.get(front, ()):
        node = side.survey.nodes.get(need.target)
        if node is not None and node.entry.containers is not None and need.role is Role.NEED:
            found.append(need.target)
    return found


# who calls a front on one of its ports


def _called(side: KnownSide, other: KnownSide, caller: Node) -> Iterator[Cut]:
    """Fronts that are called on a port which they do not have, or behind which nobody listens though others of theirs are served."""
    for front in side.needs.hard.after(caller.address):
        node = side.survey.nodes.get(front)
        offered = _asked(side, node) if node is not None else []
        if node is None or not offered:
            continue
        for port in _ports_of(caller, node):
            meant = [asked.target for asked in offered if asked.is_meant(port)]
            if not meant:
                yield _cut(caller.address, front, [port], "which it does not have")
                continue
            evidence = _silent(side, other, front, meant[:1], offered)
            if evidence is not None:
                behind = "behind which no container listens"
                yield _cut(caller.address, front, [port], behind, evidence)


def _silent(
    side: KnownSide,
    other: KnownSide,
    front: str,
    meant: Sequence[Port],
    offered: Sequence[AskedPort],
) -> Evidence | None:
    """What shows that nobody answers on one port of a front; None where somebody does or may, or where the front is cut off itself."""
    everything = [asked.target for asked in offered]
    found: set[Evidence] = set()
    for workload in _workloads(side, front):
        if _unheard(side, other, front, workload, everything) is not None:
            continue
        evidence = _unheard(side, other, front, workload, meant)
        if evidence is None:
            return None
        found.add(evidence)
    return _weakest(found)


def _weakest(found: set[Evidence]) -> Evidence | None:
    if not found:
        return None
    return Evidence.CHANGE if Evidence.CHANGE in found else Evidence.STATE


def _ports_of(caller: Node, front: Node) -> Iterator[Port]:
    """The ports on which a caller calls a front by its name."""
    for facts in caller.entry.calls:
        name = descend(front.values, facts.target)
        for block in every(caller.values, facts.at):
            if isinstance(name, str) and descend(block, facts.named) == name:
                yield from _first_port(block, facts)


def _first_port(block: Any, facts: Calls) -> Iterator[Port]:
    """The first port that a block states, where it is known."""
    for path in facts.ports:
        port = port_of(descend(block, path))
        if port is not None:
            if port is not UNKNOWN:
                yield port
            return


# what is asked whether it is well


def _probed(other: KnownSide, workload: Node) -> Iterator[Cut]:
    """Workloads that are asked whether they are well on a port on which none of their containers listens."""
    for container in containers(workload):
        for port, evidence in _deaf_ports(other, workload, container):
            yield _cut(
                workload.address,
                workload.address,
                [port],
                _DEAF,
                evidence,
            )


def _deaf_ports(
    other: KnownSide,
    workload: Node,
    container: Container,
) -> Iterator[tuple[Port, Evidence]]:
    """The ports on which a container is probed in vain. A name means a port of its own, a number one of any container."""
    facts = workload.entry.containers
    everything = declared(workload)
    if facts is None or everything is None:
        return
    own = declared_by([container], facts)
    for port in probe_ports(container, facts):
        among = own if isinstance(port, str) else everything
        here = among.on(port)
        if here is Listening.NOBODY:
            yield port, Evidence.STATE
        elif here is Listening.MAYBE and _was_heard(other, workload.address, container):
            yield port, Evidence.CHANGE


def _was_heard(other: KnownSide, address: str, container: Container) -> bool:
    """Whether the same container is probed on declared ports alone on the other side."""
    node = other.survey.nodes.get(address)
    facts = node.entry.containers if node is not None else None
    if node is None or facts is None:
        return False
    name = descend(container, facts.called)
    asked: list[Port] = []
    for each in containers(node):
        if is_called(each, name, facts):
            asked += probe_ports(each, facts)
    heard = _listening(other, address, asked)
    return set(heard) == {Listening.YES}


# containers that a front knows by a port


def _registered(side: KnownSide, workload: Node, facts: Calls) -> Iterator[Cut]:
    """Fronts that are told to call a container of a workload on a port that it does not have."""
    fronts = {edge.target for edge in side.survey.outgoing(workload.address, "serves")}
    for front in sorted(fronts):
        for block in _registering(side, workload, front, facts):
            name = descend(block, facts.named)
            for port in _first_port(block, facts):
                if _lacks(side, workload, name, port):
                    lacking = "which that container does not have"
                    yield _cut(front, workload.address, [port], lacking)


def _registering(side: KnownSide, workload: Node, front: str, facts: Calls) -> list[Any]:
    """The blocks by which a front knows a workload."""
    found: list[Any] = []
    for edge in side.survey.outgoing(workload.address, "serves"):
        if edge.target == front and edge.path.startswith(facts.at):
            node = side.survey.nodes[front]
            found += holding(workload, node, edge.path, facts.at)
    return found


def _lacks(side: KnownSide, workload: Node, name: Any, port: Port) -> bool:
    """Whether the container of that name is known and declares other ports."""
    for task in _tasks(side, workload):
        facts = task.entry.containers
        for container in containers(task):
            if facts is not None and is_called(container, name, facts):
                own = numbers_of(container, facts)
                return bool(own) and port not in own
    return False


def _tasks(side: KnownSide, workload: Node) -> list[Node]:
    """What says which containers a workload has: itself, or what it needs."""
    found: list[Node] = []
    for address in (workload.address, *side.needs.hard.after(workload.address)):
        node = side.survey.nodes.get(address)
        if node is not None and node.entry.containers is not None:
            found.append(node)
    return found


# fronts that call, or probe, whatever stands behind them


def _behind(side: KnownSide, front: Node) -> Iterator[Cut]:
    """What a front calls on ports none of which it can be called on."""
    ports = _stated(side, front, front.entry.called_on)
    for target in _targets(side, front) if ports else ():
        if _is_closed_on(side, target, ports):
            nobody = "where nobody listens"
            yield _cut(front.address, target.address, ports, nobody)


def _asked_behind(side: KnownSide, other: KnownSide, front: Node) -> Iterator[Cut]:
    """What a front asks whether it is well on ports on which nobody listens."""
    ports = _stated(side, front, front.entry.probe_port)
    for target in _targets(side, front) if ports else ():
        evidence = _unprobed(side, other, front.address, target, ports)
        if evidence is not None:
            yield _cut(
                front.address,
                target.address,
                ports,
                "where nobody listens",
                evidence,
                asks="probes",
            )


def _targets(side: KnownSide, front: Node) -> list[Node]:
    nodes = side.survey.nodes
    called = side.called(front.address)
    return [nodes[address] for address in sorted(called) if address in nodes]


def _is_closed_on(side: KnownSide, target: Node, ports: Sequence[int]) -> bool:
    """Whether all ports of a component are known and none of these is among them."""
    every_port = _stated(side, target, target.entry.open_ports)
    return bool(every_port) and not set(every_port) & set(ports)


def _unprobed(
    side: KnownSide,
    other: KnownSide,
    front: str,
    target: Node,
    ports: Sequence[int],
) -> Evidence | None:
    """What shows that nobody listens where a front asks; None where somebody does or may."""
    here = _heard(side, target, ports)
    if _is_closed_on(side, target, ports) or _is_proven(here):
        return Evidence.STATE
    known = other.survey.nodes.get(front)
    there = other.survey.nodes.get(target.address)
    if known is None or there is None or not _is_left_to_change(here):
        return None
    asked = _stated(other, known, known.entry.probe_port)
    heard = Listening.YES in _heard(other, there, asked)
    if heard or (not asked and _asks_nothing_else(other, known)):
        return Evidence.CHANGE
    return None


def _asks_nothing_else(side: KnownSide, front: Node) -> bool:
    """Whether a front is known to ask on the port that it calls."""
    return evaluate(front.entry.probe_port, side.survey.scope(front)) == (None,)


def _heard(side: KnownSide, target: Node, ports: Sequence[int]) -> list[Listening]:
    """Whether the containers of a workload listen on ports of an address of their own."""
    found: list[Listening] = []
    for task in _tasks(side, target):
        facts = task.entry.containers
        known = declared(task)
        if facts is None or known is None:
            continue
        if side.survey.decided(task.address, facts.own_address):
            found += map(known.on, ports)
    return found


def _stated(side: KnownSide, node: Node, text: str) -> list[int]:
    """The ports that an expression of the catalogue gives, none where one of them is unknown."""
    found: set[int] = set()
    scope = side.survey.scope(node)
    for value in side.survey.facts.items(text, node.address, scope):
        port = port_of(value)
        if isinstance(port, int):
            found.add(port)
    return sorted(found)


# the port of a probe, for those who ask whether a firewall lets it through


def probed_on(side: KnownSide, front: str, target: str) -> int | None:
    """The port on which a front, or a part of it that requests run through, asks a target whether it is well; None where that is not known, or
    where its parts ask on different ones. Of a front that asks on the port that it calls, that one."""
    found: set[int] = set()
    for part in _parts(side, front, target):
        asked = _asked_by(side, part) or _known_by(side, target, part)
        called = _stated(side, part, part.entry.called_on)
        found.update(asked or called)
    return found.pop() if len(found) == 1 else None


def _asked_by(side: KnownSide, part: Node) -> set[int]:
    """The ports that a part states, or the probes that it refers to."""
    found = set(_stated(side, part, part.entry.probe_port))
    for edge in side.survey.outgoing(part.address, "probes"):
        probe = side.survey.nodes[edge.target]
        found.update(_stated(side, probe, probe.entry.probe_port))
    return found


def _known_by(side: KnownSide, target: str, part: Node) -> set[int]:
    """The ports under which a part knows a workload."""
    workload = side.survey.nodes.get(target)
    facts = workload.entry.registers if workload is not None else None
    found: set[int] = set()
    if workload is None or facts is None:
        return found
    for block in _registering(side, workload, part.address, facts):
        for port in _first_port(block, facts):
            if isinstance(port, int):
                found.add(port)
    return found


def _parts(side: KnownSide, front: str, target: str) -> list[Node]:
    """A front and what its requests run through on their way to a target."""
    onward = side.needs.hard.passed(front, side.is_connector)
    backward = side.needs.hard.reversed.passed(target, side.is_connector)
    parts = {front, *(onward & {target, *backward})}
    nodes = side.survey.nodes
    return [nodes[part] for part in sorted(parts) if part in nodes]
