"""On which ports somebody listens, by what the containers of a workload declare.

A name of a port is resolved by what is declared and by nothing else. A number is only told to the reader by it: where each container declares its
ports, nobody listens on another one; a container that declares none may listen anywhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum, auto
from typing import Any

from msgspec import Struct

from faultray_action.catalogue.entry import Containers
from faultray_action.catalogue.expression import descend, every, number
from faultray_action.model.value import UNKNOWN
from faultray_action.topology.node import Node

Port = int | str
"""A number, or the name that a container gives to one."""

Container = Mapping[str, Any]

_NAME = re.compile(r"[a-z0-9-]{1,15}")
"""What Kubernetes takes for the name of a port."""


class Listening(Enum):
    """Whether somebody listens on a port."""

    YES = auto()
    NOBODY = auto()
    MAYBE = auto()
    """No container declares it, and one of them declares nothing at all."""
    UNKNOWN = auto()


class DeclaredPorts(Struct, frozen=True):
    """The ports that some containers declare, and the names that they have. `complete`: each container declares some."""

    numbers: frozenset[int]
    names: frozenset[str]
    complete: bool

    def on(self, port: Port) -> Listening:
        """Whether one of the containers listens on a port."""
        if isinstance(port, str):
            return Listening.YES if port in self.names else Listening.NOBODY
        if port in self.numbers:
            return Listening.YES
        if not self.numbers:
            return Listening.UNKNOWN
        return Listening.NOBODY if self.complete else Listening.MAYBE


def declared(node: Node) -> DeclaredPorts | None:
    """The ports that the containers of a workload declare; None where they are not known."""
    facts = node.entry.containers
    held = containers(node)
    if facts is None or not held:
        return None
    ports = declared_by(held, facts)
    if any(every(node.values, path) for path in facts.beside):
        return DeclaredPorts(ports.numbers, ports.names, complete=False)
    return ports


def declared_by(held: Iterable[Container], facts: Containers) -> DeclaredPorts:
    """The ports that these containers declare."""
    numbers: set[int] = set()
    names: set[str] = set()
    complete = True
    for container in held:
        own = numbers_of(container, facts)
        numbers.update(own)
        names.update(_names_of(container, facts))
        complete = complete and bool(own)
    return DeclaredPorts(frozenset(numbers), frozenset(names), complete)


def numbers_of(container: Container, facts: Containers) -> list[int]:
    """The numbers of the ports that a container declares."""
    stated = every(container, f"{facts.ports}.{facts.number}")
    ports = map(port_of, stated)
    return [port for port in ports if isinstance(port, int)]


def _names_of(container: Container, facts: Containers) -> list[str]:
    if not facts.name:
        return []
    names = every(container, f"{facts.ports}.{facts.name}")
    return [name for name in names if isinstance(name, str)]


def probe_ports(container: Container, facts: Containers) -> list[Port]:
    """The ports on which a container is asked whether it is well, as far as they are known."""
    found: list[Port] = []
    for path in facts.probes:
        for value in every(container, path):
            port = port_of(value)
            if port is not None and port is not UNKNOWN:
                found.append(port)
    return found


def containers(node: Node) -> list[Container]:
    """The containers of a workload; none where one of them, or a port of one, is not known yet."""
    facts = node.entry.containers
    found: list[Container] = []
    for path in facts.at if facts is not None else ():
        for value in every(node.values, path):
            found += _listed(value)
    if facts is None or any(_is_vague(each, facts) for each in found):
        return []
    return found


def _listed(value: Any) -> list[Any]:
    """A container, or those that a JSON text lists."""
    if not isinstance(value, str):
        return [value]
    try:
        listed = json.loads(value)
    except (ValueError, RecursionError):
        return [UNKNOWN]
    return listed if isinstance(listed, list) else [listed]


def _is_vague(container: Any, facts: Containers) -> bool:
    """Whether it is no container as far as can be told, or a port of it, or the name of one, is not known yet."""
    if not isinstance(container, Mapping):
        return True
    stated = every(container, facts.ports)
    stated += every(container, f"{facts.ports}.{facts.number}")
    if facts.name:
        stated += every(container, f"{facts.ports}.{facts.name}")
    return UNKNOWN in stated


def is_called(container: Container, name: Any, facts: Containers) -> bool:
    """Whether a container bears that name."""
    return bool(descend(container, facts.called) == name)


def port_of(value: Any) -> Any:
    """A port as it is written: a number, or a name; None for none, UNKNOWN where it is not known yet.

    >>> port_of("8080"), port_of(8080), port_of("http"), port_of(""), port_of(0)
    (8080, 8080, 'http', None, None)
    """
    if value is UNKNOWN:
        return UNKNOWN
    if isinstance(value, str) and not value.isdecimal():
        return value or None
    if isinstance(value, (str, int, float)):
        return int(number(value)) or None
    return None


def said(ports: Sequence[Port]) -> str:
    """Ports in words; a name that Kubernetes would not take is not repeated.

    >>> said([8080, "http", 8080]), said(["<b>"])
    ('port 8080 and http', 'port of another name')
    """
    words: list[str] = []
    for port in ports:
        told = str(port)
        plain = isinstance(port, int) or _NAME.fullmatch(port)
        words.append(told if plain else "of another name")
    distinct = dict.fromkeys(words)
    return "port " + " and ".join(distinct)
