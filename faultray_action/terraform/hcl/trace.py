"""Where a value is written: from the attribute of a resource through variables, arguments of module calls, locals, outputs and objects.

It follows what is certain, and stops where a value is made of several others or is known only while Terraform runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from faultray_action.model.address import Index
from faultray_action.terraform.hcl.files import CodeFile, is_automatic
from faultray_action.terraform.hcl.modules import Library, Module
from faultray_action.terraform.hcl.parse import parse_string
from faultray_action.terraform.hcl.syntax import (
    Attribute,
    Call,
    Collection,
    Compound,
    Conditional,
    Constant,
    Element,
    Expression,
    Opaque,
    Span,
    Splat,
    Step,
    Traversal,
    sole_reference,
)
from faultray_action.terraform.tree import ModulePath

Rest = tuple[Index, ...]
"""Keys of the part of a value that is meant; None where a key is known only while Terraform runs."""
_MOST_HOPS = 60
_SAME_VALUE = frozenset({"toset", "tolist", "tomap", "tostring", "tonumber", "tobool", "nonsensitive", "sensitive", "one"})
_GIVEN = frozenset({"var", "local", "each"})
"""Roots of values that somebody wrote down; what an operation or a condition makes of one of them hangs on it."""


class Place(NamedTuple):
    """From where an expression is seen: the module instance (`path` and its `keys`), and the instance of the block with what its keys come from."""

    module: Module
    path: ModulePath
    keys: tuple[Index, ...]
    instance: Index = None
    each: tuple[CodeFile, Attribute] | None = None


class Hop(NamedTuple):
    """One place where a value is handed on, the last one being where it is written. `is_value`: a value stands there, not only its declaration."""

    file: CodeFile
    span: Span
    note: str = ""
    is_value: bool = True


@dataclass(slots=True)
class Trace:
    """The hops of one value; `final` is the expression where the trace ended, None where it ended outside of the code."""

    library: Library
    hops: list[Hop] = field(default_factory=list)
    final: Expression | None = None
    _left: int = _MOST_HOPS

    def begin(self, file: CodeFile, attribute: Attribute, rest: Rest, place: Place) -> bool:
        """Follow the value of an attribute; an object or a list as a whole is where it is written, whatever stands in it."""
        if attribute.is_collection and not rest:
            self.final = None
            return True
        return self.follow(file, attribute.value, rest, place)

    def follow(self, file: CodeFile, value: Expression, rest: Rest, place: Place) -> bool:
        """Follow the part of a value that `rest` leads to. False: the value certainly has no such part."""
        self._left -= 1
        self.final = None if rest else value
        if self._left < 0:
            return True
        match value:
            case Traversal(base=None):
                return not value.steps or self._reference(value, rest, place)
            case Traversal(base=base) if base is not None:
                return self.follow(file, base, (*_keys(value.steps, place), *rest), place)
            case Collection() if rest:
                return self._descend(file, value, rest, place)
            case Call(name="merge"):
                return self._merge(file, value, rest, place)
            case Call(name="lookup") if len(value.arguments) >= 2:
                return self.follow(file, value.arguments[0], (*_keys(value.arguments[1:2], place), *rest), place)
            case Call(name=name) if name in _SAME_VALUE and value.arguments:
                return self.follow(file, value.arguments[0], rest, place)
            case Call(name="try" | "coalesce") | Compound(is_template=False):
                sole = sole_reference(value)
                return sole is None or sole.root not in _GIVEN or self.follow(file, sole, rest, place)
            case Conditional():
                return self._conditional(file, value, rest, place)
            case Opaque(is_string=True):
                return self.follow(file, parse_string(value.text, value.span, self.library.budget), rest, place)
            case Constant():
                return not rest
        return True

    def _descend(self, file: CodeFile, value: Collection, rest: Rest, place: Place) -> bool:
        key = rest[0]
        if key is None:
            return True
        found = _pick(value, key)
        if found is None:
            return any(element.key is None for element in value.elements)
        self._narrow(file, found.span)
        return self.follow(file, found.value, rest[1:], place)

    def _narrow(self, file: CodeFile, span: Span) -> None:
        """The element instead of the collection it stands in."""
        last = self.hops[-1] if self.hops else None
        if last is not None and last.file is file and last.span.start <= span.start and span.end <= last.span.end:
            self.hops[-1] = last._replace(span=span)

    def _merge(self, file: CodeFile, value: Call, rest: Rest, place: Place) -> bool:
        """Of merged objects the last one that has the part."""
        if not rest:
            return True
        for argument in reversed(value.arguments):
            kept = list(self.hops)
            if self.follow(file, argument, rest, place):
                return True
            self.hops[:] = kept
        return False

    def _conditional(self, file: CodeFile, value: Conditional, rest: Rest, place: Place) -> bool:
        """What hangs on one value alone; else the switch it turns on, where that is one that is written as true or false."""
        sole = sole_reference(value)
        if sole is not None:
            return sole.root not in _GIVEN or self.follow(file, sole, rest, place)
        switch = sole_reference(value.test)
        kept = list(self.hops)
        if switch is not None and switch.root in _GIVEN:
            self.follow(file, switch, (), place)
            if isinstance(self.final, Constant) and isinstance(self.final.value, bool):
                return True
        self.hops[:] = kept
        self.final = value
        return True

    def _reference(self, value: Traversal, rest: Rest, place: Place) -> bool:
        name = value.steps[0]
        after = (*_keys(value.steps[1:], place), *rest)
        if not isinstance(name, str):
            return True
        match value.root:
            case "var":
                return self._variable(name, after, place)
            case "local":
                return self._local(name, after, place)
            case "each" if name == "value" and place.each is not None and place.instance is not None:
                file, attribute = place.each
                return self.begin(file, attribute, (place.instance, *after), place._replace(each=None))
            case "module":
                return self._output(name, value.steps[1:], rest, place)
        return True

    def _local(self, name: str, rest: Rest, place: Place) -> bool:
        found = place.module.local(name)
        if found is None:
            return True
        entry, attribute = found
        self.hops.append(Hop(entry.file, attribute.span, f"local.{name}"))
        return self.begin(entry.file, attribute, rest, Place(place.module, place.path, place.keys))

    def _variable(self, name: str, rest: Rest, place: Place) -> bool:
        if place.path:
            return self._argument(name, rest, place) or self._default(name, rest, place)
        setting = self.library.setting(name)
        if setting is None:
            return self._default(name, rest, place)
        note = f"value of var.{name}" if is_automatic(setting.file.path.name) else f"value of var.{name}, if this file is used"
        self.hops.append(Hop(setting.file, setting.attribute.span, note))
        return self.begin(setting.file, setting.attribute, rest, place)

    def _argument(self, name: str, rest: Rest, place: Place) -> bool:
        """Through the call of the module; False where the call does not set the variable."""
        parent = self.library.module(place.path[:-1])
        key = ("module", place.path[-1])
        found = parent.overriding(key, name) if parent else None
        if parent is None or found is None:
            return False
        entry, attribute = found
        self.hops.append(Hop(entry.file, attribute.span, f"argument of module.{place.path[-1]}"))
        outer = instance_place(Place(parent, place.path[:-1], place.keys[:-1]), key, place.keys[-1])
        self.begin(entry.file, attribute, rest, outer)
        return True

    def _default(self, name: str, rest: Rest, place: Place) -> bool:
        key = ("variable", name)
        found = place.module.overriding(key, "default")
        if found is not None:
            self.hops.append(Hop(found[0].file, found[1].span, f"default of var.{name}"))
            return self.begin(found[0].file, found[1], rest, place)
        declared = place.module.first(key)
        if declared is not None:
            self.hops.append(Hop(declared.file, declared.span, f"var.{name}, set from outside", is_value=False))
        self.final = None
        return True

    def _output(self, name: str, steps: tuple[Step, ...], rest: Rest, place: Place) -> bool:
        """Through an output of a module; what it makes of resources and others is not where a value is written."""
        key = _key(steps[0], place) if steps and not isinstance(steps[0], str) else None
        output, *more = steps[1:] if steps and not isinstance(steps[0], str) else steps or (None,)
        path = (*place.path, name)
        module = self.library.module(path)
        found = module.overriding(("output", output), "value") if module and isinstance(output, str) else None
        if module is None or found is None:
            return True
        computed = not found[1].is_collection and not isinstance(found[1].value, Constant)
        self.hops.append(Hop(found[0].file, found[1].span, f"output of module.{name}", is_value=not computed))
        return self.begin(found[0].file, found[1], (*_keys(more, place), *rest), Place(module, path, (*place.keys, key)))


def instance_place(place: Place, key: Sequence[str], index: Index) -> Place:
    """The place of one instance of a block: its index, and what `for_each` was given."""
    found = place.module.overriding(tuple(key), "for_each") if index is not None else None
    if found is None:
        return place._replace(instance=index)
    return place._replace(instance=index, each=(found[0].file, found[1]))


def _keys(steps: Sequence[Step], place: Place) -> Rest:
    return tuple(_key(step, place) for step in steps)


def _key(step: Step, place: Place) -> Index:
    if isinstance(step, Constant):
        return None if isinstance(step.value, bool) else step.value
    if isinstance(step, Traversal):
        scalar = step.base is None and (step.root, *step.steps[:1]) in (("each", "key"), ("count", "index"), ("each", "value"))
        return place.instance if scalar and len(step.steps) == 1 else None
    return step if isinstance(step, (str, int)) and not isinstance(step, Splat) else None


def _pick(value: Collection, key: str | int) -> Element | None:
    """The element of that key; of a list of names the name itself, of a list of objects the first that has the key."""
    for element in reversed(value.elements):
        if element.key == key or (str(element.key) == key and isinstance(element.key, str)):
            return element
    if isinstance(key, int):
        return None
    for element in value.elements:
        if isinstance(element.key, int) and isinstance(element.value, Constant) and element.value.value == key:
            return element
        if isinstance(element.key, int) and isinstance(element.value, Collection):
            found = _pick(element.value, key)
            if found is not None:
                return found
    return None
