"""Configuration expressions resolved to the resources they refer to, through modules, outputs, variables, locals and data sources.

The result of this module is still symbolic: a `Target` names a resource of the configuration and how its instance keys follow from the
instance that refers to it. `links` turns targets into instances.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from faultray_action.terraform.attributes import Path
from faultray_action.terraform.tree import ModulePath, mapping, references_of, rows_of, walk_modules

_STEP = re.compile(r"""([^.\[\]]+)|\[(?:"((?:[^"\\]|\\.)*)"|(\d+))\]""")
_SCALARS = frozenset({"count", "path", "terraform", "self"})
_PREFIX_END = ("", ".", "[")
_MAX_HOPS = 40
Locals = Mapping[str, Mapping[str, Sequence[str]]]
"""References of locals by module ("" the root, "module.a.module.b" without instance keys) and name."""
Written = Mapping[str, Mapping[str, Sequence[tuple[str, Sequence[str]]]]]
"""References that stand only in the source (`dynamic` blocks are not in a plan): by module as above and resource ("aws_lb.a", "data.aws_x.y"),
each as (dotted attribute path, references)."""


class Key(NamedTuple):
    """Which instance key a step has. `rule`: "any"; "is" (the literal `value`); "own" (certainly the key of the referring instance at level `value`);
    "same" (that key where such an instance exists, else any). Level -1 is the referring resource's own key, 0.. are its module steps."""

    rule: str
    value: int | str | None = None


ANY = Key("any")
Scope = tuple[tuple[str, Key], ...]


class Target(NamedTuple):
    """A resource of the configuration, seen from one that refers to it. `attribute` is what is read ("" for the whole), `detail` the reference as written."""

    steps: Scope
    data: bool
    type: str
    name: str
    key: Key
    attribute: str
    detail: str


class Expression(NamedTuple):
    """All targets of one attribute of one configuration resource; `path` () for depends_on."""

    path: Path
    targets: tuple[Target, ...]
    dotted: str


class Reference(NamedTuple):
    """A reference as written, taken apart: root, the names after it, and the literal keys of the resource or module call."""

    root: str
    names: tuple[str, ...]
    key: Key | None
    text: str


@dataclass(frozen=True, slots=True)
class _Context:
    """Where an expression stands: its module, the key that `each` and `count` have there, and what `for_each` was made of."""

    scope: Scope
    key: Key = ANY
    each: tuple[str, ...] = ()
    each_context: _Context | None = None
    hint: str = ""
    hops: int = 0

    def at(self, scope: Scope) -> _Context:
        return _Context(scope, hint=self.hint, hops=self.hops + 1)


@lru_cache(maxsize=200_000)
def parse_reference(text: str) -> Reference | None:
    """Take a reference of the plan's JSON apart; None for text that is none.

    >>> parse_reference('module.a["x.y"].out').key
    Key(rule='is', value='x.y')
    """
    names: list[str] = []
    keys: dict[int, Key] = {}
    position = 0
    while position < len(text):
        match = _STEP.match(text, position)
        if not match:
            return None
        name, quoted, number = match.groups()
        if name is not None:
            names.append(name)
        elif len(names) not in keys:
            keys[len(names)] = Key("is", int(number) if number is not None else quoted.replace('\\"', '"').replace("\\\\", "\\"))
        position = match.end()
        if text[position : position + 1] == ".":
            position += 1
    if not names:
        return None
    depth = 3 if names[0] == "data" else 2
    return Reference(names[0], tuple(names[1:]), keys.get(depth), text)


def longest(references: Sequence[Any]) -> list[str]:
    """References without those that are only a prefix of another (Terraform repeats every prefix, longest first).

    >>> longest(["aws_lb.a.arn", "aws_lb.a", "count.index"])
    ['aws_lb.a.arn', 'count.index']
    """
    kept: list[str] = []
    last = ""
    for text in references:
        if isinstance(text, str) and not (last.startswith(text) and last[len(text) : len(text) + 1] in _PREFIX_END):
            kept.append(text)
            last = text
    if len(kept) < 2:
        return kept
    prefixes: set[str] = set()
    for text in kept:
        cut = len(text)
        while (cut := max(text.rfind(".", 0, cut), text.rfind("[", 0, cut))) > 0:
            prefixes.add(text[:cut])
    return [text for text in dict.fromkeys(kept) if text not in prefixes]


def expressions_of(resource: Mapping[str, Any]) -> Iterator[tuple[Path, list[Any]]]:
    """(path, references) of every attribute of a configuration resource that refers to anything; blocks of one name share their path."""
    pending: list[tuple[Path, Any]] = [((), resource.get("expressions"))]
    while pending:
        path, node = pending.pop()
        if isinstance(node, list):
            pending.extend((path, child) for child in reversed(node))
        elif isinstance(node, dict):
            references = references_of(node)
            if references is not None:
                yield path, references
            elif path == () or "constant_value" not in node:
                pending.extend(((*path, key), child) for key, child in reversed(node.items()))


def _module_text(path: Sequence[str]) -> str:
    return ".".join(f"module.{name}" for name in path)


def _is_looped(row: Mapping[str, Any]) -> bool:
    return "for_each_expression" in row or "count_expression" in row


@dataclass(slots=True)
class Resolver:
    """Resolves the expressions of one configuration. `unresolved` counts references that led nowhere, by cause."""

    configuration: Mapping[str, Any]
    locals_by_module: Locals | None = None
    written_by_module: Written | None = None
    unresolved: dict[str, int] = field(default_factory=dict)
    _modules: dict[ModulePath, Mapping[str, Any]] = field(default_factory=dict)
    _resources: dict[tuple[ModulePath, bool, str, str], Mapping[str, Any]] = field(default_factory=dict)
    _known: dict[tuple[Any, ...], tuple[Target, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for path, module in walk_modules(self.configuration):
            self._modules[path] = module
            for row in rows_of(module):
                self._resources[path, row.get("mode") == "data", row["type"], row["name"]] = row

    def resources(self) -> Mapping[tuple[ModulePath, bool, str, str], Mapping[str, Any]]:
        """Configuration resources by (module path, is data, type, name)."""
        return self._resources

    def expressions(self, path: ModulePath, row: Mapping[str, Any]) -> list[Expression]:
        """Every attribute of a configuration resource with what it refers to, seen from an instance of it."""
        scope = tuple((name, Key("own", level)) for level, name in enumerate(path))
        found = []
        for attribute, references in (*expressions_of(row), *self._written(path, row)):
            context = self._context(scope, row, Key("same", -1), attribute)
            targets = tuple(dict.fromkeys(self._resolve_all(references, context)))
            if targets:
                found.append(Expression(attribute, targets, ".".join(attribute)))
        ordered = row.get("depends_on")
        if isinstance(ordered, list):
            targets = tuple(dict.fromkeys(target for text in longest(ordered) for target in self._whole(text, scope)))
            if targets:
                found.append(Expression((), targets, ""))
        return found

    def _written(self, path: ModulePath, row: Mapping[str, Any]) -> Iterator[tuple[Path, Sequence[str]]]:
        if self.written_by_module:
            data = "data." if row.get("mode") == "data" else ""
            module = self.written_by_module.get(_module_text(path), {})
            for attribute, references in module.get(f"{data}{row['type']}.{row['name']}", ()):
                yield tuple(attribute.split(".")), references

    def _context(self, scope: Scope, row: Mapping[str, Any], key: Key, attribute: Path = ()) -> _Context:
        each = tuple(references_of(row.get("for_each_expression")) or ())
        keyed = key if _is_looped(row) else ANY
        return _Context(scope, keyed, each, _Context(scope), attribute[-1] if attribute else "")

    def _resolve_all(self, references: Sequence[Any], context: _Context) -> Iterator[Target]:
        if context.hops > _MAX_HOPS:
            self._count("reference chain too long")
            return
        keyed = any(isinstance(text, str) and text.startswith(("each.", "count.")) for text in references)
        for text in longest(references):
            reference = parse_reference(text)
            if reference is not None:
                yield from self._resolve(reference, context, context.key if keyed else ANY)

    def _resolve(self, reference: Reference, context: _Context, key: Key) -> Iterator[Target]:
        root = reference.root
        if root in _SCALARS:
            return
        if root == "each":
            yield from self._each(reference, context)
        elif root == "var":
            yield from self._variable(reference, context)
        elif root == "local":
            yield from self._local(reference, context)
        elif root == "module":
            yield from self._module(reference, context, key)
        else:
            yield from self._resource(reference, context, key)

    def _once(self, mark: tuple[Any, ...], references: Sequence[Any], context: _Context) -> tuple[Target, ...]:
        """Resolve what `mark` names once; a cycle ends where it closes."""
        known = self._known.get(mark)
        if known is None:
            self._known[mark] = ()
            known = self._known[mark] = tuple(dict.fromkeys(self._resolve_all(references, context)))
        return known

    def _each(self, reference: Reference, context: _Context) -> Iterator[Target]:
        """`each.value` is an element of what `for_each` was given: the element with the same key."""
        if reference.names[:1] == ("value",) and context.each and context.each_context:
            for target in self._resolve_all(context.each, context.each_context.at(context.each_context.scope)):
                yield target._replace(key=context.key) if target.key == ANY and context.key != ANY else target

    def _variable(self, reference: Reference, context: _Context) -> Iterator[Target]:
        if not context.scope or not reference.names:
            return
        *outer, (name, key) = context.scope
        parent = tuple(outer)
        call = self._call(parent, name)
        references = references_of(mapping(call.get("expressions")).get(reference.names[0]))
        if references is None:
            return
        inner = self._context(parent, call, Key("same", key.value) if key.rule == "own" else key)
        inner = _Context(parent, inner.key, inner.each, inner.each_context, context.hint, context.hops + 1)
        yield from self._once(("var", context.scope, reference.names[0], context.hint), references, inner)

    def _local(self, reference: Reference, context: _Context) -> Iterator[Target]:
        module = _module_text([name for name, _ in context.scope])
        known = (self.locals_by_module or {}).get(module)
        name = reference.names[0] if reference.names else ""
        if known is None or name not in known:
            self._count("local without source")
            return
        yield from self._once(("local", context.scope, name, context.hint), known[name], context.at(context.scope))

    def _module(self, reference: Reference, context: _Context, key: Key) -> Iterator[Target]:
        if not reference.names:
            return
        name = reference.names[0]
        call = self._call(context.scope, name)
        module = call.get("module")
        if not isinstance(module, dict):
            self._count("module without configuration")
            return
        step = reference.key or (key if _is_looped(call) else ANY)
        rows = mapping(module.get("outputs"))
        for output in self._outputs(reference, rows, context.hint):
            references = references_of(mapping(rows[output]).get("expression"))
            if references is not None:
                inner = context.at((*context.scope, (name, step)))
                yield from self._once(("output", inner.scope, output, context.hint), references, inner)

    def _outputs(self, reference: Reference, rows: Mapping[str, Any], hint: str) -> list[str]:
        """The named output; for `module.x` alone (a dynamic index hides the rest) those whose name fits the attribute, else all."""
        if len(reference.names) > 1:
            if reference.names[1] not in rows:
                self._count("module output without configuration")
                return []
            return [reference.names[1]]
        stem = hint.rstrip("s")
        fitting = [name for name in rows if stem and (stem in name or name.rstrip("s") in hint)]
        return fitting or list(rows)

    def _resource(self, reference: Reference, context: _Context, key: Key) -> Iterator[Target]:
        data = reference.root == "data"
        names = reference.names if data else (reference.root, *reference.names)
        if len(names) < 2:
            return
        kind, name = names[0], names[1]
        row = self._resources.get((tuple(step for step, _ in context.scope), data, kind, name))
        if row is None:
            self._count("resource without configuration")
            return
        index = reference.key or (key if _is_looped(row) else ANY)
        yield Target(context.scope, data, kind, name, index, ".".join(names[2:]), reference.text)
        if data:
            for target in self._through_data(context.scope, row, kind, name, index):
                yield target._replace(detail=reference.text, attribute="")

    def _through_data(self, scope: Scope, row: Mapping[str, Any], kind: str, name: str, index: Key) -> tuple[Target, ...]:
        """What a data source itself refers to."""
        mark = ("data", scope, kind, name, index)
        if mark not in self._known:
            self._known[mark] = ()
            attributes = ((references, self._context(scope, row, index, path)) for path, references in expressions_of(row))
            self._known[mark] = tuple(
                dict.fromkeys(t for references, context in attributes for t in self._resolve_all(references, context))
            )
        return self._known[mark]

    def _whole(self, text: str, scope: Scope) -> Iterator[Target]:
        """The resources that a `depends_on` entry names; a whole module stands for all of its own managed resources."""
        reference = parse_reference(text)
        if reference is None or not reference.names:
            return
        if reference.root != "module":
            data = reference.root == "data"
            names = reference.names if data else (reference.root, *reference.names)
            if len(names) >= 2:
                yield Target(scope, data, names[0], names[1], reference.key or ANY, "", text)
            return
        path = (*(step for step, _ in scope), reference.names[0])
        step = (reference.names[0], reference.key or ANY)
        for row in rows_of(self._modules.get(path, {})):
            if row.get("mode") != "data":
                yield Target((*scope, step), False, row["type"], row["name"], ANY, "", text)

    def _call(self, scope: Scope, name: str) -> Mapping[str, Any]:
        module = self._modules.get(tuple(step for step, _ in scope), {})
        return mapping(mapping(module.get("module_calls")).get(name))

    def _count(self, cause: str) -> None:
        self.unresolved[cause] = self.unresolved.get(cause, 0) + 1
