"""Where a resource, and the value of one of its attributes, is written in the Terraform code (see docs/discovery.md, "Where it is written")."""

from __future__ import annotations

import os
import re
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from faultray_action.model.address import Address, Index, format_index
from faultray_action.model.change import Action, AttributeChange
from faultray_action.model.diagnostic import Diagnostic
from faultray_action.model.source import Locate, SourceRange
from faultray_action.terraform.hcl.files import Shelf
from faultray_action.terraform.hcl.modules import Entry, Key, Library
from faultray_action.terraform.hcl.syntax import Attribute, Body, Collection, Constant, Expression, Span, Traversal, write_reference
from faultray_action.terraform.hcl.trace import Hop, Place, Rest, Trace, instance_place
from faultray_action.terraform.plan import Plan
from faultray_action.terraform.tree import ModulePath, module_path

Indices = tuple[Index, ...]
_KEY = re.compile(r'\[(?:\d+|"(?:[^"\\]|\\.)*")\]')
CALL = "the call of the module"
NEAREST = "nearest surviving line"
NOT_WRITTEN = "the attribute is not written there"
MOVED, REMOVED = "moved block", "removed block"
_BESIDE = frozenset((CALL, NEAREST, NOT_WRITTEN, MOVED, REMOVED))


class _Found(NamedTuple):
    """What stands for an attribute path in a body: `rest` of the path lies within the attribute's value; a block has no attribute."""

    span: Span
    attribute: Attribute | None = None
    rest: Rest = ()
    is_exact: bool = True


@dataclass(slots=True)
class Source:
    """The Terraform code below a folder. Nothing is read until something is asked; the answers name files relative to the repository.

    `counted`: (address, attribute) of what comes or goes because a number or a set of keys changed, "" for an instance itself: then `count`,
    `for_each` or the `for_each` of a `dynamic` block is what says so.
    """

    library: Library
    counted: frozenset[tuple[str, str]] = frozenset()
    _known: dict[tuple[str, str], tuple[SourceRange, ...]] = field(init=False, default_factory=dict)

    @classmethod
    def open(cls, root: Path, repository: Path | None = None) -> Source:
        """`root`: the folder of the root module. `repository`: what file names are relative to, and what module sources may lead to; default the
        root. Never fails: what cannot be read is told by `diagnostics`."""
        folder = Path(os.path.realpath(root))
        return cls(Library(folder, Shelf(folder, Path(os.path.realpath(repository)) if repository else folder)))

    def expect(self, addresses: Iterable[str]) -> None:
        """Read the modules in which these addresses are written, so that `diagnostics` tells what could not be read before lines are asked for."""
        for path in sorted({_module_of(address) for address in addresses}):
            self.library.module(path)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What could not be read so far, sorted."""
        return tuple(sorted(self.library.shelf.diagnostics))

    def locate(self, address: str, attribute: str) -> SourceRange | None:
        """The most useful place for a reviewer: where the value of the attribute is written, or the resource itself ("" as attribute)."""
        return next(iter(self.locate_all(address, attribute)), None)

    def locate_all(self, address: str, attribute: str) -> tuple[SourceRange, ...]:
        """That place first, then the others the value passes on its way to the resource, from there to where it is written."""
        key = (address, attribute)
        if key not in self._known:
            self._known[key] = tuple(dict.fromkeys(hop.file.range(hop.span, hop.note) for hop in self._hops(address, attribute)))
        return self._known[key]

    def _hops(self, address: str, attribute: str) -> list[Hop]:
        parsed = _parsed(address)
        if parsed is None:
            return []
        path = tuple(step.name for step in parsed.module)
        keys = tuple(step.index for step in parsed.module)
        depth = next((n for n in range(len(path) + 1) if self.library.module(path[:n]) is None), len(path) + 1)
        key = ("data" if parsed.data else "resource", parsed.type, parsed.name)
        index = self._counted_index(parsed) if not attribute else None
        is_counted = (address, "") in self.counted or index != parsed.index
        repeated = [] if attribute else self._repeated(path, keys, depth, key, index, is_counted)
        if repeated:
            return repeated
        if depth <= len(path):
            return self._outside(path, keys, depth, attribute)
        module = self.library.module(path)
        assert module is not None
        place = Place(module, path, keys)
        entries = module.all(key)
        if not entries:
            return self._own(self._former(place, key, f"{parsed.type}.{parsed.name}", parsed.index), path, keys)
        return self._own(self._of_resource(place, key, parsed.index, (address, attribute)), path, keys)

    def _of_resource(self, place: Place, key: Key, index: Index, wanted: tuple[str, str]) -> list[Hop]:
        """The way of a value from the resource's attribute to where it is written; of the resource itself one hop."""
        entries, attribute = place.module.all(key), wanted[1]
        if not attribute:
            return [Hop(entries[0].file, entries[0].span)]
        candidates = [
            (entry, found) for entry in reversed(entries) if (found := _find(entry.body, attribute.split("."), wanted in self.counted))
        ]
        best = next(((entry, found) for entry, found in candidates if found.is_exact), None) or next(iter(candidates[::-1]), None)
        if best is None:
            return [Hop(entries[0].file, entries[0].span, NOT_WRITTEN)]
        entry, found = best
        trace = Trace(self.library, [Hop(entry.file, found.span, "" if found.is_exact else NOT_WRITTEN)])
        if found.attribute is not None:
            trace.begin(entry.file, found.attribute, found.rest, instance_place(place, key, index))
        return _ordered(trace.hops)

    def _counted_index(self, address: Address) -> Index:
        """Of all instances together the first that is counted."""
        if address.index is None:
            counted = (_parsed(one) for one, _ in sorted(self.counted) if one.startswith(str(address) + "["))
            return next((one.index for one in counted if one is not None and one.resource == str(address)), None)
        return address.index

    def _repeated(self, path: ModulePath, keys: Indices, depth: int, key: Key, index: Index, is_counted: bool) -> list[Hop]:
        """Where the `count` or the keys of `for_each` are written that make this instance no more: of a module call on the way, or of the block.

        Where the plan says that it comes or goes and no number or key in the code shows it, the innermost one is taken."""
        steps: list[tuple[int, Key, Index]] = [(n, ("module", path[n]), keys[n]) for n in range(min(depth, len(path)))]
        steps += [(len(path), key, index)] if depth > len(path) else []
        for certain in (True, False) if is_counted else (True,):
            for n, block, instance in steps if certain else reversed(steps):
                module = self.library.module(path[:n])
                hops = self._repetition(Place(module, path[:n], keys[:n]), block, instance, certain) if module else []
                if hops:
                    return self._own(hops, path[:n], keys[:n])
        return []

    def _repetition(self, place: Place, key: Key, index: Index, certain: bool) -> list[Hop]:
        """Where `count` or `for_each` gets its value; `certain`: only if the code certainly makes no instance of that index."""
        name = "count" if isinstance(index, int) else "for_each"
        found = place.module.overriding(key, name) if index is not None else None
        if found is None:
            return []
        entry, attribute = found
        trace = Trace(self.library, [Hop(entry.file, attribute.span, name)])
        rest = (index,) if isinstance(index, str) else ()
        has_part = trace.begin(entry.file, attribute, rest, place)
        count = _whole_number(trace.final) if isinstance(index, int) and not rest else None
        is_out = not has_part if isinstance(index, str) else count is not None and isinstance(index, int) and count <= index
        return _ordered(trace.hops) if is_out or not certain else []

    def _outside(self, path: ModulePath, keys: Indices, depth: int, attribute: str) -> list[Hop]:
        """A module whose code is not there: its call, and the call's argument of the attribute's name."""
        module = self.library.module(path[: depth - 1]) if depth else None
        if module is None:
            return []
        place = Place(module, path[: depth - 1], keys[: depth - 1])
        key = ("module", path[depth - 1])
        call = module.first(key)
        if call is None:
            return self._own(self._former(place, key, f"module.{path[depth - 1]}", keys[depth - 1]), place.path, place.keys)
        hops = [Hop(call.file, call.span, CALL)]
        argument = module.overriding(key, attribute.rsplit(".", 1)[-1]) if attribute else None
        if argument is not None:
            note = f"argument of module.{path[depth - 1]}"
            trace = Trace(self.library, [Hop(argument[0].file, argument[1].span, note)])
            trace.begin(argument[0].file, argument[1], (), instance_place(place, key, keys[depth - 1]))
            hops = [*_ordered(trace.hops), *hops]
        return self._own(hops, place.path, place.keys)

    def _own(self, hops: list[Hop], path: ModulePath, keys: Indices) -> list[Hop]:
        """Only what the repository holds: of a downloaded module the call that brings it in."""
        own = [hop for hop in hops if hop.file.name is not None]
        if own or not path or not hops:
            return own
        for n in range(len(path) - 1, -1, -1):
            module = self.library.module(path[:n])
            call = module.first(("module", path[n])) if module is not None and module.is_own else None
            if call is not None:
                return [Hop(call.file, call.span, CALL)]
        return []

    def _former(self, place: Place, key: Key, reference: str, index: Index) -> list[Hop]:
        """For what is not in the code any more: the `moved` or `removed` block that names it, else the end of the block most like it."""
        for kind, note in (("moved", MOVED), ("removed", REMOVED)):
            for entry in place.module.of_type(kind):
                if _reference(entry.attribute("from")) in (reference, reference + format_index(index)):
                    return [Hop(entry.file, entry.span, note)]
        siblings = [entry for entry in _of_same_kind(place, key) if entry.file.name is not None or not place.module.is_own]
        if not siblings:
            return []
        nearest = max(reversed(siblings), key=lambda entry: _likeness(entry.key, key))
        return [Hop(nearest.file, Span(max(nearest.span.start, nearest.span.end - 1), nearest.span.end), NEAREST)]


def written(locate: Locate, change: AttributeChange) -> tuple[str, int, int] | None:
    """File, line and column that say what a change says, None where all that is known stands beside it.

    Of a resource that comes or goes only a `count` or a `for_each` does: its own block says nothing of its instances."""
    found = locate(change.address, change.attribute)
    if found is None or found.note in _BESIDE or not (change.attribute or found.note):
        return None
    return found.file, found.line, found.column


def counted_changes(plan: Plan, found: Iterable[AttributeChange]) -> frozenset[tuple[str, str]]:
    """(address, attribute) of what goes, and of new instances of what was there before: a number, a set of keys or a switch decides about them."""
    stood = {_without_keys(resource.address) for resource in plan.resources if resource.before is not None}
    return frozenset((change.address, change.attribute) for change in found if change.takes_away or _joins(change, stood))


def _joins(change: AttributeChange, stood: Container[str]) -> bool:
    return change.action is Action.CREATE and change.attribute == "" and _without_keys(change.address) in stood


def _without_keys(address: str) -> str:
    return _KEY.sub("", address)


def _parsed(address: str) -> Address | None:
    try:
        return Address.parse(address)
    except ValueError:
        return None


def _module_of(address: str) -> ModulePath:
    parsed = _parsed(address)
    return module_path(parsed.module_address) if parsed is not None else ()


def _of_same_kind(place: Place, key: Key) -> list[Entry]:
    found = list(place.module.of_type(key[0]))
    return found or [entry for kind in ("resource", "module", "data", "locals", "variable") for entry in place.module.of_type(kind)]


def _likeness(one: Key, other: Key) -> tuple[bool, bool, int, int]:
    """Same type, same name, then how many words their types and letters their names begin with alike. Some blocks have neither (`locals`)."""
    words = sum(1 for _ in _common(one[1].split("_"), other[1].split("_"))) if len(one) > 1 and len(other) > 1 else 0
    return one[:-1] == other[:-1], one[-1] == other[-1], words, sum(1 for _ in _common(one[-1], other[-1]))


def _common(one: Sequence[str], other: Sequence[str]) -> Iterable[str]:
    for a, b in zip(one, other, strict=False):
        if a != b:
            return
        yield a


def _reference(attribute: Attribute | None) -> str:
    """What a `from` names."""
    value = attribute.value if attribute else None
    return write_reference(value) if isinstance(value, Traversal) else str(value.value) if isinstance(value, Constant) else ""


def _ordered(hops: list[Hop]) -> list[Hop]:
    """Where the value is written first: the last hop of the repository's own code at which a value stands; then the way from the resource."""
    best = next((hop for hop in reversed(hops) if hop.is_value and hop.file.name is not None), None)
    return hops if best is None else [best, *(hop for hop in hops if hop is not best)]


def _find(body: Body, parts: Sequence[str], is_counted: bool) -> _Found | None:
    """What stands for a dotted path: an attribute, a nested block, the content of a `dynamic` block; inexact where only its beginning is there.

    Of what comes or goes with a `dynamic` block the `for_each` of that block."""
    name, *rest = parts
    attribute = body.attribute(name)
    if attribute is not None:
        return _Found(attribute.span, attribute, tuple(rest))
    blocks = [(block.span, block.body) for block in body.blocks if block.type == name]
    for block in body.blocks:
        if block.type == "dynamic" and block.labels == (name,):
            each = block.body.attribute("for_each")
            if is_counted and not blocks and each is not None:
                return _Found(each.span, each)
            blocks += [(block.span, inner.body) for inner in block.body.blocks if inner.type == "content"]
    if not blocks:
        return _in_json(body, name, rest)
    if not rest:
        return _Found(blocks[0][0])
    inside = [found for _, inner in blocks if (found := _find(inner, rest, is_counted)) is not None]
    return next((found for found in inside if found.is_exact), None) or next(iter(inside), _Found(blocks[0][0], is_exact=False))


def _in_json(body: Body, name: str, rest: Sequence[str]) -> _Found | None:
    """In JSON syntax `dynamic` is an attribute like any other."""
    dynamic = body.attribute("dynamic")
    if dynamic is None or not isinstance(dynamic.value, Collection) or all(element.key != name for element in dynamic.value.elements):
        return None
    return _Found(dynamic.span, dynamic, (name, "content", *rest))


def _whole_number(value: Expression | None) -> int | None:
    found = value.value if isinstance(value, Constant) else None
    return found if isinstance(found, int) and not isinstance(found, bool) else None
