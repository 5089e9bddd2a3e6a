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

from faultray_action.model.text import whole_number
from faultray_action.terraform.attributes import Path
from faultray_action.terraform.tree import ModulePath, mapping, module_path, references_of, rows_of, walk_modules

_STEP = re.compile(r"""([^.\[\]]+)|\[(?:"((?:[^"\\]|\\.)*)"|(\d+))\]""")
_SCALARS = frozenset({"count", "path", "terraform", "self"})
_PREFIX_END = ("", ".", "[")
_MAX_HOPS = 40
PROVIDER = "provider"
"""The path of what a resource's provider configuration refers to: a word that Terraform keeps for itself, no attribute has it."""
Locals = Mapping[str, Mapping[str, Sequence[str]]]
"""References of locals by module ("" the root, "module.a.module.b" without instance keys) and name."""
Written = Mapping[str, Mapping[str, Sequence[tuple[str, Sequence[str]]]]]
"""References that stand only in the source (`dynamic` blocks are not in a plan): by module as above and resource ("aws_lb.a", "data.aws_x.y"),
each as (dotted attribute path, references)."""


class Key(NamedTuple):
    """Which instance key a step has. `rule`: "any"; "is" (the literal `value`); "same" (the key of the referring instance at level `value` where such
    an instance exists, else any). Level -1 is the referring resource's own key, 0.. are its module steps."""

    rule: str
    value: int | str | None = None


ANY = Key("any")
Row = tuple[bool, str, str]
"""A resource within a module body: is data, type, name."""
Steps = tuple[tuple[str, Key], ...]


class Scope(NamedTuple):
    """A module seen from a resource: the `own` first module calls around that resource, then `steps` down into other calls."""

    own: ModulePath = ()
    steps: Steps = ()

    @property
    def path(self) -> ModulePath:
        return (*self.own, *(name for name, _ in self.steps)) if self.steps else self.own

    def outer(self) -> tuple[Scope, str, Key]:
        """The module around it, the name of the call there, and the key that `each` and `count` have in it. Precondition: not the root."""
        if self.steps:
            return Scope(self.own, self.steps[:-1]), *self.steps[-1]
        return Scope(self.own[:-1]), self.own[-1], Key("same", len(self.own) - 1)


class Target(NamedTuple):
    """A resource of the configuration, seen from one that refers to it: in the module that shares the `depth` first calls with it and
    stands `steps` below. `attribute` is what is read ("" for the whole), `detail` the reference as written.
    `chosen`: it stands in one element of several that `for_each` was given, and is meant by one instance only.

    No names of shared calls are in it, so that all calls of one module body have the same targets within."""

    depth: int
    steps: Steps
    row: Row
    key: Key
    attribute: str
    detail: str
    chosen: bool = False


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


class _Said(NamedTuple):
    """What the references of one expression say. `keyed`: `each` or `count` is among them."""

    references: tuple[Reference, ...]
    keyed: bool


class _Attribute(NamedTuple):
    """An attribute of a configuration row. `settled`: its expression where that is the same in every call of the module body."""

    path: Path
    dotted: str
    said: _Said
    settled: Expression | None


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
            keys[len(names)] = Key("is", whole_number(number) if number is not None else quoted.replace('\\"', '"').replace("\\\\", "\\"))
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


def _distinct(targets: Sequence[Target]) -> tuple[Target, ...]:
    return tuple(dict.fromkeys(targets)) if len(targets) > 1 else tuple(targets)


@dataclass(slots=True)
class _Module:
    """A module body in its place. `rows`: its resources by (is data, type, name); `known`: what its inputs, locals and outputs lead to."""

    scope: Scope
    body: Mapping[str, Any]
    rows: Mapping[Row, Mapping[str, Any]]
    known: dict[tuple[Any, ...], tuple[Target, ...]] = field(default_factory=dict)

    def call(self, name: str) -> Mapping[str, Any]:
        return mapping(mapping(self.body.get("module_calls")).get(name))

    def target(self, row: Row, key: Key, attribute: str, detail: str) -> Target:
        """One of its resources as a target."""
        return Target(len(self.scope.own), self.scope.steps, row, key, attribute, detail)


class _Context(NamedTuple):
    """Where an expression stands: its module, the key that `each` and `count` have there, and what `for_each` was made of."""

    module: _Module
    key: Key = ANY
    each: _Said | None = None
    hint: str = ""
    hops: int = 0

    def at(self, module: _Module) -> _Context:
        return _Context(module, hint=self.hint, hops=self.hops + 1)


@dataclass(slots=True)
class Resolver:
    """Resolves the expressions of one configuration. `unresolved` counts references that led nowhere, by cause.

    Calls of one module body share it (`tree.share_modules`): what its expressions say is read once, and what they refer to within the
    body is the same for every call.
    """

    configuration: Mapping[str, Any]
    locals_by_module: Locals | None = None
    written_by_module: Written | None = None
    unresolved: dict[str, int] = field(default_factory=dict)
    _bodies: dict[ModulePath, Mapping[str, Any]] = field(default_factory=dict)
    _rows: dict[int, Mapping[Row, Mapping[str, Any]]] = field(default_factory=dict)
    _modules: dict[Scope, _Module] = field(default_factory=dict)
    _said: dict[int, _Said] = field(default_factory=dict)
    _attributes: dict[tuple[int, int], list[_Attribute]] = field(default_factory=dict)
    _providers: dict[str, Sequence[Expression]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for path, body in walk_modules(self.configuration):
            self._bodies[path] = body

    def resolve(self) -> Iterator[tuple[ModulePath, Row, list[Expression], bool]]:
        """Every configuration resource by module path and (is data, type, name): each attribute with what it refers to, seen from an instance of
        it, and whether all of its references led somewhere."""
        for path in self._bodies:
            module = self._at(Scope(path))
            for name, row in module.rows.items():
                lost = sum(self.unresolved.values())
                found = self._expressions(module, row)
                complete = sum(self.unresolved.values()) == lost
                yield path, name, [*found, *self._provider(path, row)], complete

    def _provider(self, path: ModulePath, row: Mapping[str, Any]) -> Sequence[Expression]:
        """What the provider configuration of a resource refers to (the cluster that a workload runs on), at the path that no attribute can have."""
        key = str(row.get("provider_config_key") or "")
        known = self._providers.get(key)
        if known is None:
            configured = mapping(self._configured(key))
            module = self._at(Scope(module_path(str(configured.get("module_address") or ""))))
            read = [self._read(references) for _, references in expressions_of(configured)]
            targets = _distinct([target for said in read for target in self._resolve_all(said, _Context(module))])
            known = self._providers[key] = (Expression((PROVIDER,), targets, PROVIDER),) if targets else ()
        return [each for each in known if all(target.depth <= len(path) for target in each.targets)]

    def _configured(self, key: str) -> Any:
        """The provider configuration of a key, or the nearest one of that name in an enclosing module."""
        configured = mapping(self.configuration.get("provider_config"))
        while key not in configured and ":" in key:
            module, name = key.split(":", 1)
            key = f"{module.rpartition('.module.')[0]}:{name}" if ".module." in module else name
        return configured.get(key)

    def _at(self, scope: Scope) -> _Module:
        module = self._modules.get(scope)
        if module is None:
            body = self._bodies.get(scope.path, {})
            rows = self._rows.get(id(body))
            if rows is None:
                rows = self._rows[id(body)] = {(row.get("mode") == "data", row["type"], row["name"]): row for row in rows_of(body)}
            module = self._modules[scope] = _Module(scope, body, rows)
        return module

    def _expressions(self, module: _Module, row: Mapping[str, Any]) -> list[Expression]:
        context = self._context(module, row, Key("same", -1))
        found = []
        for attribute in (*self._within(module, row, context), *self._written(module, row)):
            if attribute.settled is not None:
                found.append(attribute.settled)
                continue
            hint = attribute.path[-1] if attribute.path else ""
            targets = _distinct(self._resolve_all(attribute.said, _Context(module, context.key, context.each, hint)))
            if targets:
                found.append(Expression(attribute.path, targets, attribute.dotted))
        ordered = row.get("depends_on")
        if isinstance(ordered, list):
            targets = _distinct([target for text in longest(ordered) for target in self._whole(text, module)])
            if targets:
                found.append(Expression((), targets, ""))
        return found

    def _within(self, module: _Module, row: Mapping[str, Any], context: _Context) -> list[_Attribute]:
        """The attributes of a row that refer to anything, read once for all calls of its module body at one depth."""
        mark = id(row), len(module.scope.own)
        known = self._attributes.get(mark)
        if known is None:
            known = self._attributes[mark] = []
            for path, references in expressions_of(row):
                said = self._read(references)
                if said.references:
                    dotted = ".".join(path)
                    targets = self._settled(said, context)
                    settled = Expression(path, targets, dotted) if targets else None
                    known.append(_Attribute(path, dotted, said, settled))
        return known

    def _settled(self, said: _Said, context: _Context) -> tuple[Target, ...]:
        """The targets of references that stay within a module body, () where one leads out of it, into another or nowhere."""
        rows = context.module.rows
        names = [(False, reference.root, reference.names[0]) for reference in said.references if reference.names]
        if len(names) < len(said.references) or not all(name in rows for name in names):
            return ()
        return _distinct(self._resolve_all(said, context))

    def _read(self, references: Sequence[Any]) -> _Said:
        """References taken apart, once each; those without a resource behind them are left out."""
        known = self._said.get(id(references))
        if known is None:
            parsed = [reference for text in longest(references) if (reference := parse_reference(text)) and reference.root not in _SCALARS]
            keyed = any(isinstance(text, str) and text.startswith(("each.", "count.")) for text in references)
            known = self._said[id(references)] = _Said(tuple(parsed), keyed)
        return known

    def _written(self, module: _Module, row: Mapping[str, Any]) -> Iterator[_Attribute]:
        if self.written_by_module:
            data = "data." if row.get("mode") == "data" else ""
            rows = self.written_by_module.get(_module_text(module.scope.path), {})
            for attribute, references in rows.get(f"{data}{row['type']}.{row['name']}", ()):
                yield _Attribute(tuple(attribute.split(".")), attribute, self._read(references), None)

    def _context(self, module: _Module, row: Mapping[str, Any], key: Key) -> _Context:
        each = references_of(row.get("for_each_expression"))
        return _Context(module, key if _is_looped(row) else ANY, self._read(each) if each else None)

    def _resolve_all(self, said: _Said, context: _Context) -> list[Target]:
        if context.hops > _MAX_HOPS:
            self._count("reference chain too long")
            return []
        key = context.key if said.keyed else ANY
        found: list[Target] = []
        for reference in said.references:
            found += self._resolve(reference, context, key)
        return found

    def _resolve(self, reference: Reference, context: _Context, key: Key) -> Sequence[Target]:
        root = reference.root
        if root == "var":
            return self._variable(reference, context)
        if root == "each":
            return self._each(reference, context)
        if root == "local":
            return self._local(reference, context)
        if root == "module":
            return self._module(reference, context, key)
        return self._resource(reference, context, key)

    def _once(self, mark: tuple[Any, ...], said: _Said, context: _Context, module: _Module) -> tuple[Target, ...]:
        """Resolve what `mark` names in a module once; a cycle ends where it closes."""
        known = module.known.get(mark)
        if known is None:
            module.known[mark] = ()
            known = module.known[mark] = _distinct(self._resolve_all(said, context))
        return known

    def _each(self, reference: Reference, context: _Context) -> Sequence[Target]:
        """`each.value` is an element of what `for_each` was given: the element with the same key."""
        if reference.names[:1] != ("value",) or context.each is None:
            return ()
        found = self._resolve_all(context.each, _Context(context.module, hops=1))
        if len({(target.depth, target.steps, target.row) for target in found}) > 1:
            found = [target._replace(chosen=True) for target in found]
        if context.key == ANY:
            return found
        return [target._replace(key=context.key) if target.key == ANY else target for target in found]

    def _variable(self, reference: Reference, context: _Context) -> Sequence[Target]:
        module = context.module
        if not reference.names or not module.scope.path:
            return ()
        mark = "var", reference.names[0], context.hint
        known = module.known.get(mark)
        if known is not None:
            return known
        scope, name, key = module.scope.outer()
        parent = self._at(scope)
        call = parent.call(name)
        references = references_of(mapping(call.get("expressions")).get(reference.names[0]))
        if references is None:
            return module.known.setdefault(mark, ())
        _, key, each, _, _ = self._context(parent, call, key)
        return self._once(mark, self._read(references), _Context(parent, key, each, context.hint, context.hops + 1), module)

    def _local(self, reference: Reference, context: _Context) -> Sequence[Target]:
        module = context.module
        known = (self.locals_by_module or {}).get(_module_text(module.scope.path))
        name = reference.names[0] if reference.names else ""
        if known is None or name not in known:
            self._count("local without source")
            return ()
        return self._once(("local", name, context.hint), self._read(known[name]), context.at(module), module)

    def _module(self, reference: Reference, context: _Context, key: Key) -> Sequence[Target]:
        if not reference.names:
            return ()
        name = reference.names[0]
        call = context.module.call(name)
        body = call.get("module")
        if not isinstance(body, dict):
            self._count("module without configuration")
            return ()
        scope = context.module.scope
        module = self._at(Scope(scope.own, (*scope.steps, (name, reference.key or (key if _is_looped(call) else ANY)))))
        rows = mapping(body.get("outputs"))
        found: list[Target] = []
        for output in self._outputs(reference, rows, context.hint):
            references = references_of(mapping(rows[output]).get("expression"))
            if references is not None:
                found += self._once(("output", output, context.hint), self._read(references), context.at(module), module)
        return found

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

    def _resource(self, reference: Reference, context: _Context, key: Key) -> Sequence[Target]:
        data = reference.root == "data"
        names = reference.names if data else (reference.root, *reference.names)
        if len(names) < 2:
            return ()
        name: Row = data, names[0], names[1]
        row = context.module.rows.get(name)
        if row is None:
            self._count("resource without configuration")
            return ()
        index = reference.key or (key if _is_looped(row) else ANY)
        target = context.module.target(name, index, ".".join(names[2:]), reference.text)
        if not data:
            return (target,)
        further = self._through_data(context.module, row, name, index)
        return [target, *(other._replace(detail=reference.text, attribute="") for other in further)]

    def _through_data(self, module: _Module, row: Mapping[str, Any], name: Row, index: Key) -> tuple[Target, ...]:
        """What a data source itself refers to."""
        mark = "data", name, index
        if mark not in module.known:
            module.known[mark] = ()
            context = self._context(module, row, index)
            found: list[Target] = []
            for path, references in expressions_of(row):
                found += self._resolve_all(self._read(references), context._replace(hint=path[-1] if path else ""))
            module.known[mark] = _distinct(found)
        return module.known[mark]

    def _whole(self, text: str, module: _Module) -> Iterator[Target]:
        """The resources that a `depends_on` entry names; a whole module stands for all of its own managed resources."""
        reference = parse_reference(text)
        if reference is None or not reference.names:
            return
        if reference.root != "module":
            data = reference.root == "data"
            names = reference.names if data else (reference.root, *reference.names)
            if len(names) >= 2:
                yield module.target((data, names[0], names[1]), reference.key or ANY, "", text)
            return
        step = reference.names[0], reference.key or ANY
        called = self._at(Scope(module.scope.own, (*module.scope.steps, step)))
        for name in called.rows:
            if not name[0]:
                yield called.target(name, ANY, "", text)

    def _count(self, cause: str) -> None:
        self.unresolved[cause] = self.unresolved.get(cause, 0) + 1
