"""Who needs whom, asked in one place: successors and predecessors by role, what lies behind, what is next past connectors, levels."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from faultray_action.model.topology import Dependency, Role

Passes = Callable[[str], bool]
"""Whether a walk looks through an address to what lies behind it (a connector)."""

SERVING = (Role.NEED, Role.OPTIONAL, Role.ASYNC)
"""Roles by which requests and messages go on while a system serves."""
CARRYING = (Role.NEED, Role.OPTIONAL, Role.ASYNC, Role.STARTUP)
"""Every role but that of a copy: a replica documents where its data comes from."""


class Graph:
    """Directed edges between addresses, in the order in which they were given; an address may stand in it more than once below another."""

    def __init__(self, edges: Iterable[tuple[str, str]]) -> None:
        self.successors: dict[str, list[str]] = {}
        for source, target in edges:
            self.successors.setdefault(source, []).append(target)

    @cached_property
    def reversed(self) -> Graph:
        """The same edges the other way round: who needs an address."""
        return Graph((target, source) for source, target in self.edges())

    @cached_property
    def targets(self) -> frozenset[str]:
        """Whatever something needs."""
        return frozenset(target for targets in self.successors.values() for target in targets)

    def edges(self) -> Iterator[tuple[str, str]]:
        for source, targets in self.successors.items():
            for target in targets:
                yield source, target

    def after(self, address: str) -> Sequence[str]:
        """What an address needs directly."""
        return self.successors.get(address, ())

    def closure(self, *starts: str) -> set[str]:
        """Everything behind the starts; a start itself only where it lies behind one of them."""
        seen: set[str] = set()
        stack = list(starts)
        while stack:
            for target in self.after(stack.pop()):
                if target not in seen:
                    seen.add(target)
                    stack.append(target)
        return seen

    def within(self, *starts: str) -> set[str]:
        """The starts and everything behind them."""
        return {*starts, *self.closure(*starts)}

    def next(self, start: str, passes: Passes) -> set[str]:
        """What comes next behind a start, looking through what `passes`; neither the start nor what was looked through is among it."""
        return {address for address in self._walk(start, passes) if not passes(address)}

    def passed(self, start: str, passes: Passes) -> set[str]:
        """What lies between a start and what comes next behind it."""
        return {address for address in self._walk(start, passes) if passes(address)}

    def _walk(self, start: str, passes: Passes) -> set[str]:
        found: set[str] = set()
        seen, stack = {start}, [start]
        while stack:
            for target in self.after(stack.pop()):
                if target in seen:
                    continue
                seen.add(target)
                found.add(target)
                if passes(target):
                    stack.append(target)
        return found

    def levels(self, start: str) -> Iterator[list[str]]:
        """What lies behind a start, nearest first, each level sorted; the start itself is left out."""
        seen, level = {start}, [start]
        while level:
            level = sorted({target for address in level for target in self.after(address)} - seen)
            seen.update(level)
            if level:
                yield level

    def nearest(self, start: str, among: Collection[str]) -> str:
        """The first of some addresses behind a start, level by level; "" where there is none."""
        for level in self.levels(start):
            for address in level:
                if address in among:
                    return address
        return ""


class Needs:
    """The dependencies of one side, and the graphs that their roles make; each is drawn once."""

    def __init__(self, dependencies: Iterable[Dependency]) -> None:
        self.dependencies = tuple(dependencies)
        self._drawn: dict[tuple[tuple[Role, ...], bool], Graph] = {}

    @cached_property
    def by_target(self) -> Mapping[str, Sequence[Dependency]]:
        """The dependencies on each address, in order."""
        found: dict[str, list[Dependency]] = {}
        for dependency in self.dependencies:
            found.setdefault(dependency.target, []).append(dependency)
        return found

    @cached_property
    def by_source(self) -> Mapping[str, Sequence[Dependency]]:
        """The dependencies of each address, in order."""
        found: dict[str, list[Dependency]] = {}
        for dependency in self.dependencies:
            found.setdefault(dependency.source, []).append(dependency)
        return found

    def into(self, address: str) -> Sequence[Dependency]:
        """What depends on an address."""
        return self.by_target.get(address, ())

    def graph(self, *roles: Role, met: bool = False) -> Graph:
        """The edges of these roles. `met`: without the needs that are broken."""
        if (roles, met) not in self._drawn:
            self._drawn[roles, met] = Graph(self._edges(roles, met=met))
        return self._drawn[roles, met]

    def _edges(self, roles: tuple[Role, ...], *, met: bool) -> Iterator[tuple[str, str]]:
        for dependency in self.dependencies:
            if dependency.role in roles and not (met and dependency.broken):
                yield dependency.source, dependency.target

    @property
    def all(self) -> Graph:
        """Every edge, met or broken, those of replicas among them."""
        return self.graph(*Role)

    @property
    def hard(self) -> Graph:
        """Needs without which a component is down, met or broken."""
        return self.graph(Role.NEED)

    @property
    def met(self) -> Graph:
        """Needs without which a component is down, as far as they can be met."""
        return self.graph(Role.NEED, met=True)

    @property
    def carrying(self) -> Graph:
        """Every need, met or broken, whatever its role."""
        return self.graph(*CARRYING)

    @property
    def carried(self) -> Graph:
        """Every need that can be met, whatever its role."""
        return self.graph(*CARRYING, met=True)

    @property
    def serving(self) -> Graph:
        """What requests and messages go on to, met or broken."""
        return self.graph(*SERVING)
