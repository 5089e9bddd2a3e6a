"""Where the instances of a plan are found: by module instance, by configuration resource, by a recorded name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Final

from msgspec import Struct

from faultray_action.model.address import format_index
from faultray_action.terraform.plan import Resource
from faultray_action.terraform.references import Key, Row, Target
from faultray_action.terraform.tree import ModulePath, module_path, module_steps

Kind = tuple[int, ModulePath, Row]
"""A resource of a configuration: plan, module path, and which of its module's resources."""


NO_KEY: Final = object()
"""What `wanted_key` answers where a rule asks for no particular key."""


class Instances(list[Resource]):
    """Instances of one block that stand together, in the order of the plan. `stand_alike`: the plan leaves all of them as they are."""

    stand_alike = True

    def append(self, row: Resource, /) -> None:
        super().append(row)
        if row.before is not row.after:
            self.stand_alike = False

    @cached_property
    def by_key(self) -> Mapping[object, Sequence[Resource]]:
        found: dict[object, list[Resource]] = {}
        for row in self:
            found.setdefault(row.index, []).append(row)
        return found


class Block(Struct, eq=False):
    """A resource of a configuration and its instances. `ordinal`: its place in `Roster.blocks`."""

    kind: Kind
    ordinal: int
    instances: Instances


_Rows = dict[Row, Instances]


class Roster:
    """The instances of a plan, each with its block; deposed objects are left out."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self.blocks: list[Block] = []
        self.placed: list[tuple[Resource, Block]] = []
        self._paths: dict[str, ModulePath] = {}
        self._in_instance: dict[tuple[int, str], _Rows] = {}
        self._in_module: dict[tuple[int, ModulePath], dict[Row, Block]] = {}
        self._around: dict[tuple[int, str], list[_Rows]] = {}
        self._by_text: dict[tuple[int, str], list[Resource]] = {}
        self._by_address: dict[str, Resource] = {}
        for resource in resources:
            if resource.deposed:
                continue
            path = self._paths.get(resource.module)
            if path is None:
                path = self._paths[resource.module] = module_path(resource.module)
            row = resource.data, resource.type, resource.name
            self._in_instance.setdefault((resource.plan, resource.module), {}).setdefault(row, Instances()).append(resource)
            blocks = self._in_module.setdefault((resource.plan, path), {})
            block = blocks.get(row)
            if block is None:
                block = blocks[row] = Block((resource.plan, path, row), len(self.blocks), Instances())
                self.blocks.append(block)
            block.instances.append(resource)
            self.placed.append((resource, block))

    def block(self, resource: Resource) -> Block:
        """The block that an instance of this roster is of."""
        row = resource.data, resource.type, resource.name
        return self._in_module[resource.plan, self._paths[resource.module]][row]

    def instances(self, source: Resource, target: Target) -> Sequence[Resource]:
        """Instances that a target may mean: module steps and literal keys are kept, a "same" key of the resource itself is only a preference."""
        rows: Sequence[Resource]
        if target.steps:
            direct = self._in_instance.get((source.plan, _only_module(source, target)), {}).get(target.row)
            if direct is not None:
                return self._of_key(direct, target)
            path = (*self._paths[source.module][: target.depth], *[name for name, _ in target.steps])
            block = self._in_module.get((source.plan, path), {}).get(target.row)
            rows = _in_modules(block.instances, target, source) if block is not None else ()
        else:
            rows = self._enclosing(source)[target.depth].get(target.row, ())
        return self._of_key(rows, target)

    def _of_key(self, rows: Sequence[Resource], target: Target) -> Sequence[Resource]:
        if target.key.rule != "is":
            return rows
        if isinstance(rows, Instances):
            return rows.by_key.get(target.key.value, ())
        return [row for row in rows if row.index == target.key.value]

    def _enclosing(self, source: Resource) -> list[_Rows]:
        """What stands in the module instances around a resource: the root first, its own module last."""
        mark = source.plan, source.module
        found = self._around.get(mark)
        if found is None:
            steps = [f"module.{name}{format_index(index)}" for name, index in module_steps(source.module)]
            outer = [".".join(steps[:length]) for length in range(len(steps))]
            modules = [*outer, source.module] if steps else [""]
            found = self._around[mark] = [self._in_instance.get((source.plan, module), {}) for module in modules]
        return found

    def named(self, text: str, plan: int) -> Sequence[Resource]:
        """Instances of a recorded dependency: an address with or without instance keys, or one from before a move."""
        if not self._by_text:
            modules = {module: "".join(f"module.{name}." for name in path) for module, path in self._paths.items()}
            for resource, _ in self.placed:
                own = f"{modules[resource.module]}{'data.' if resource.data else ''}{resource.type}.{resource.name}"
                for name in dict.fromkeys((resource.address, resource.previous_address, own)):
                    if name:
                        self._by_text.setdefault((resource.plan, name), []).append(resource)
        return self._by_text.get((plan, text), ())

    def addressed(self, addresses: Iterable[str]) -> list[Resource]:
        """The instances at these addresses."""
        if not self._by_address:
            self._by_address.update((resource.address, resource) for resource, _ in self.placed)
        return [self._by_address[address] for address in addresses]


def stand_alike(rows: Sequence[Resource]) -> bool:
    """Whether the plan leaves all instances as they are."""
    return rows.stand_alike if isinstance(rows, Instances) else all(row.before is row.after for row in rows)


def _only_module(source: Resource, target: Target) -> str:
    """The one module instance in which a target stands where each step on the way to it has a key or needs none to be told; "?" elsewhere."""
    steps = [f"module.{name}{format_index(index)}" for name, index in module_steps(source.module)[: target.depth]]
    for name, key in target.steps:
        wanted = wanted_key(key, source)
        if wanted is NO_KEY:
            return "?"
        steps.append(f"module.{name}{format_index(wanted)}")  # type: ignore[arg-type]
    return ".".join(steps)


def _in_modules(rows: Sequence[Resource], target: Target, source: Resource) -> Sequence[Resource]:
    """Instances in the module instances that the target allows: those shared with the source are its own; a "same" key narrows where such an
    instance exists."""
    shared = module_steps(source.module)[: target.depth]
    rows = [row for row in rows if module_steps(row.module)[: target.depth] == shared] if shared else rows
    for level, (_, key) in enumerate(target.steps, target.depth):
        wanted = wanted_key(key, source)
        if wanted is not NO_KEY and len(rows) > (key.rule == "same"):
            fitting = [row for row in rows if module_steps(row.module)[level][1] == wanted]
            rows = fitting if fitting or key.rule != "same" else rows
    return rows


def wanted_key(key: Key, source: Resource) -> object:
    """The instance key a rule asks for, seen from a source; `NO_KEY` for no particular one."""
    if key.rule == "is":
        return key.value
    if key.rule == "any" or not isinstance(key.value, int):
        return NO_KEY
    if key.value < 0:
        return source.index if source.index is not None else NO_KEY
    steps = module_steps(source.module)
    return steps[key.value][1] if key.value < len(steps) else NO_KEY
