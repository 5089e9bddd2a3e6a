"""Every link of one side of a plan: what the configuration says, and what the values show where the configuration cannot.

The configuration describes AFTER. Its references hold for BEFORE wherever the value at the attribute did not change; elsewhere, and for what
the plan deletes, only values and the recorded dependencies of the state tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from faultray_action.model.address import format_index
from faultray_action.model.value import UNKNOWN
from faultray_action.terraform.attributes import Path, strings_in, strings_with_paths, values_at
from faultray_action.terraform.plan import Link, LinkKind, Links, Plan, Resource, Side
from faultray_action.terraform.reader import paused_collector
from faultray_action.terraform.references import Expression, Key, Locals, Resolver, Target
from faultray_action.terraform.tree import ModulePath, module_path, module_steps
from faultray_action.terraform.values import Identities, is_specific, stem, type_fits

Tree = Mapping[str, Any]
_Where = tuple[int, str, bool, str, str]
_Kind = tuple[int, ModulePath, bool, str, str]
_MIN_FRAGMENT = 4
_NO_MENTION = frozenset({"id", "name", "comment", "description"})
_LABELS = frozenset({"tags", "tags_all", "labels", "effective_labels", "terraform_labels"})
"""What stands there says nothing about who needs whom."""


def links(
    plan: Plan, side: Side, *, identities: Mapping[str, Sequence[str]] | None = None, locals_by_module: Locals | None = None
) -> Links:
    """All links of one side, sorted by source, path and target.

    `identities` adds attribute paths by resource type under which others know a resource; `locals_by_module` gives the references of locals by
    module ("" the root, "module.a.module.b" without instance keys) and name. For more than one side, make one `Linker` and ask it for each.
    """
    return Linker(plan, identities=identities or {}, locals_by_module=locals_by_module).links(side)


@dataclass(slots=True)
class _Sided:
    """One side: the tree of each resource that stands on it, and who its identity values belong to."""

    side: Side
    trees: dict[str, Tree]
    identities: Identities


@dataclass(slots=True)
class Linker:
    """Links of a plan. Work that does not depend on the side is done once."""

    plan: Plan
    identities: Mapping[str, Sequence[str]] = field(default_factory=dict)
    locals_by_module: Locals | None = None
    _resolvers: list[Resolver] = field(default_factory=list)
    _expressions: dict[_Kind, list[Expression]] = field(default_factory=dict)
    _paths: dict[str, frozenset[Path]] = field(default_factory=dict)
    _by_module: dict[_Where, list[Resource]] = field(default_factory=dict)
    _by_kind: dict[_Kind, list[Resource]] = field(default_factory=dict)
    _recorded: Mapping[str, Tree] = field(default_factory=dict)
    _incomplete: set[_Kind] = field(default_factory=set)
    _modules: dict[str, ModulePath] = field(default_factory=dict)
    _sources: tuple[Resource, ...] = ()
    _texts: dict[str, list[Resource]] = field(default_factory=dict)
    _filled: dict[_Kind, frozenset[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._sources = tuple(resource for resource in self.plan.resources if not resource.deposed)
        self._recorded = {row.address: row.before or {} for row in self.plan.drift}
        self._modules = {address: module_path(address) for address in {resource.module for resource in self._sources}}
        for resource in self._sources:
            self._by_module.setdefault((resource.plan, resource.module, resource.data, resource.type, resource.name), []).append(resource)
            self._by_kind.setdefault(self._kind(resource), []).append(resource)
        with paused_collector():
            self._resolve()

    def _kind(self, resource: Resource) -> _Kind:
        return resource.plan, self._modules[resource.module], resource.data, resource.type, resource.name

    def _resolve(self) -> None:
        paths: dict[str, set[Path]] = {}
        for ordinal, configuration in enumerate(self.plan.configuration):
            resolver = Resolver(configuration, self.locals_by_module)
            self._resolvers.append(resolver)
            for (path, data, kind, name), row in resolver.resources().items():
                lost = sum(resolver.unresolved.values())
                found = resolver.expressions(path, row)
                if sum(resolver.unresolved.values()) > lost:
                    self._incomplete.add((ordinal, path, data, kind, name))
                self._expressions[ordinal, path, data, kind, name] = found
                paths.setdefault(kind, set()).update(expression.path for expression in found)
        self._paths = {kind: frozenset(found) for kind, found in paths.items()}

    def links(self, side: Side) -> Links:
        """All links of one side, sorted by source, path and target."""
        with paused_collector():
            sided = self._side(side)
            found: list[Link] = []
            for resource in self._sources:
                if resource.address in sided.trees:
                    found.extend(self._links_of(resource, sided))
        unresolved: dict[str, int] = {}
        for resolver in self._resolvers:
            for cause, count in resolver.unresolved.items():
                unresolved[cause] = unresolved.get(cause, 0) + count
        return Links(tuple(found), MappingProxyType(dict(sorted(unresolved.items()))))

    def _side(self, side: Side) -> _Sided:
        trees: dict[str, Tree] = {}
        for resource in self._sources:
            tree = resource.values(side)
            if side is Side.RECORDED and tree is not None:
                tree = self._recorded.get(resource.address, tree)
            if tree is not None:
                trees[resource.address] = tree
        identities = Identities(self.identities)
        for resource in self._sources:
            if resource.address in trees:
                identities.add(resource, trees[resource.address], self._borrowed(resource))
        return _Sided(side, trees, identities)

    def _borrowed(self, resource: Resource) -> frozenset[str]:
        """Attributes that the configuration fills from other resources; for a resource without configuration, those of its type."""
        kind = self._kind(resource)
        known = self._filled.get(kind)
        if known is None:
            expressions = self._expressions.get(kind)
            paths = self._paths.get(resource.type, ()) if expressions is None else [expression.path for expression in expressions]
            known = self._filled[kind] = frozenset(path[0] for path in paths if path)
        return known

    def _links_of(self, source: Resource, sided: _Sided) -> list[Link]:
        kind = self._kind(source)
        found: dict[tuple[str, str, str], Link] = {}
        held: dict[str, list[Path]] = {}
        changed = False
        for expression in self._expressions.get(kind, ()):
            kept = self._follow(source, expression, sided)
            changed = changed or kept is None
            for target, pattern in kept or ():
                dotted = ".".join(expression.path)
                link_kind = LinkKind.REFERENCE if expression.path else LinkKind.DEPENDS_ON
                found.setdefault(
                    (dotted, target.address, pattern.attribute),
                    Link(source.address, dotted, target.address, pattern.attribute, link_kind, pattern.detail),
                )
                held.setdefault(target.address, []).append(expression.path)
        self._add_values(source, sided, found, held)
        if changed or kind in self._incomplete or kind not in self._expressions:
            self._add_state(source, sided, found, held)
        return [found[key] for key in sorted(found)]

    def _follow(self, source: Resource, expression: Expression, sided: _Sided) -> list[tuple[Resource, Target]] | None:
        """The instances an expression leads to on this side; None where the configuration says nothing about this side."""
        tree = sided.trees[source.address]
        if not expression.path:
            return self._candidates(source, expression, sided) if sided.side is Side.AFTER or source.after is not None else []
        values = _values(tree, expression.path)
        if values is not None and all(value is None or value == "" or value == [] or value == {} for value in values):
            return []
        strict = False
        if sided.side is not Side.AFTER:
            if source.after is None:
                return None
            strict = tree is not source.after and _values(source.after, expression.path) != values
        candidates = self._candidates(source, expression, sided)
        if strict:
            kept = _occurring(candidates, values or [], sided)
            return kept or None
        if values is None or len(candidates) < 2:
            return candidates
        return self._narrow(source, candidates, values, sided)

    def _candidates(self, source: Resource, expression: Expression, sided: _Sided) -> list[tuple[Resource, Target]]:
        found = []
        for target in expression.targets:
            for resource in self._instances(source, target):
                if resource is not source and resource.address in sided.trees:
                    found.append((resource, target))
        return found

    def _instances(self, source: Resource, target: Target) -> Sequence[Resource]:
        """Instances that may be meant: module steps and literal keys are kept, "same" keys are a preference that `_narrow` applies."""
        own = 0
        for own, (_, key) in enumerate(target.steps, 1):
            if key.rule != "own":
                own = -1
                break
        if own >= 0:
            module = _prefix(source.module, own)
            rows: Sequence[Resource] = self._by_module.get((source.plan, module, target.data, target.type, target.name), ())
        else:
            path = tuple(name for name, _ in target.steps)
            rows = self._by_kind.get((source.plan, path, target.data, target.type, target.name), ())
            rows = _in_modules(rows, target.steps, source)
        if target.key.rule == "is":
            return [row for row in rows if row.index == target.key.value]
        return rows

    def _narrow(
        self, source: Resource, candidates: list[tuple[Resource, Target]], values: Sequence[Any], sided: _Sided
    ) -> list[tuple[Resource, Target]]:
        """Keep the candidates whose identity occurs in the value; where values do not tell, those with the same key."""
        texts, unknown = strings_in(list(values))
        if texts:
            occurring = _occurring(candidates, values, sided)
            if occurring:
                kept = {(row.address, target) for row, target in occurring}
                return [
                    (row, target)
                    for row, target in candidates
                    if (row.address, target) in kept or not _refuted(row, target, occurring, texts, unknown, sided)
                ]
        return _same_keys(source, candidates)

    def _add_values(self, source: Resource, sided: _Sided, found: dict[tuple[str, str, str], Link], held: dict[str, list[Path]]) -> None:
        identities = sided.identities
        known = self._paths.get(source.type, frozenset())
        for path, text in strings_with_paths(sided.trees[source.address]):
            if len(text) < 3 or path[0] in _LABELS or (len(path) == 1 and _is_own_name(path[0], text, source)):
                continue
            for mention in identities.mentions(text, path[-1]):
                holder = identities.owner(mention, source, path[-1] if path[-1] != "name" or len(path) == 1 else path[-2])
                if holder is None:
                    continue
                target = holder.resource.address
                if any(path[: len(other)] == other for other in held.get(target, ()) if other):
                    continue
                dotted = ".".join(_attribute(path, known))
                found.setdefault(
                    (dotted, target, holder.attribute),
                    Link(source.address, dotted, target, holder.attribute, LinkKind.VALUE, holder.attribute),
                )
                held.setdefault(target, []).append(path)

    def _add_state(self, source: Resource, sided: _Sided, found: dict[tuple[str, str, str], Link], held: dict[str, list[Path]]) -> None:
        """Direct dependencies that the state recorded and nothing else explains. The state lists transitive ones too: those are left out."""
        if source.before is None:
            return
        explained = {self._kind(row) for row in self._sources if row.address in held} if held else set()
        for target in self._recorded_dependencies(source):
            if target.address in sided.trees and target is not source and self._kind(target) not in explained:
                found.setdefault(("", target.address, ""), Link(source.address, "", target.address, "", LinkKind.STATE, "depends_on"))

    def _recorded_dependencies(self, source: Resource) -> list[Resource]:
        names = self.plan.state_dependencies.get(source.address, ())
        if not names:
            return []
        indirect: set[str] = set()
        rows = {name: self._named(name, source) for name in names}
        for name, instances in rows.items():
            for instance in instances[:1]:
                indirect.update(other for other in self.plan.state_dependencies.get(instance.address, ()) if other != name)
        return [row for name, instances in rows.items() if name not in indirect for row in instances]

    def _named(self, name: str, source: Resource) -> list[Resource]:
        """Instances of a recorded dependency: an instance address, or one without keys."""
        return [row for row in self._by_text().get(name, ()) if row.plan == source.plan]

    def _by_text(self) -> Mapping[str, list[Resource]]:
        if not self._texts:
            for resource in self._sources:
                for text in {resource.address, resource.previous_address, _plain_name(resource)} - {""}:
                    self._texts.setdefault(text, []).append(resource)
        return self._texts


def _is_own_name(key: str, text: str, source: Resource) -> bool:
    """Whether a top-level attribute is what the resource itself is called."""
    return key in _NO_MENTION or (type_fits(source.type, stem(key)) and not is_specific(text))


def _plain_name(resource: Resource) -> str:
    """The address without any instance key, as states record dependencies."""
    steps = [f"module.{name}" for name in module_path(resource.module)]
    return ".".join([*steps, *(["data"] if resource.data else []), resource.type, resource.name])


def _values(tree: Tree, path: Path) -> list[Any] | None:
    """Values at a path; None where the tree does not say (an attribute the provider does not keep)."""
    values = values_at(tree, path)
    if values:
        return values
    if len(path) > 1 and path[0] in tree:
        top = tree[path[0]]
        return [UNKNOWN] if top is UNKNOWN else [None]
    return None


def _prefix(module: str, length: int) -> str:
    """The first `length` steps of a module instance address."""
    steps = module_steps(module)
    if length == len(steps):
        return module
    return ".".join(f"module.{name}{format_index(index)}" for name, index in steps[:length])


def _in_modules(rows: Sequence[Resource], steps: Sequence[tuple[str, Key]], source: Resource) -> list[Resource]:
    """Instances in the module instances that the steps allow; a "same" key narrows where such an instance exists."""
    kept = list(rows)
    for level, (_, key) in enumerate(steps):
        wanted = _wanted(key, source)
        if key.rule == "any" or wanted is _NONE:
            continue
        fitting = [row for row in kept if module_steps(row.module)[level][1] == wanted]
        if fitting or key.rule != "same":
            kept = fitting
    return kept


_NONE = object()


def _wanted(key: Key, source: Resource) -> object:
    """The key a rule asks for; `_NONE` for no particular one."""
    if key.rule == "is":
        return key.value
    if key.rule == "any" or not isinstance(key.value, int):
        return _NONE
    if key.value < 0:
        return source.index if source.index is not None else _NONE
    steps = module_steps(source.module)
    return steps[key.value][1] if key.value < len(steps) else _NONE


def _same_keys(source: Resource, candidates: list[tuple[Resource, Target]]) -> list[tuple[Resource, Target]]:
    """For each reference by `count.index` or `each.key`: the instance with that key, or all where there is none."""
    by_target: dict[Target, list[Resource]] = {}
    for row, target in candidates:
        by_target.setdefault(target, []).append(row)
    kept: list[tuple[Resource, Target]] = []
    for target, rows in by_target.items():
        wanted = _wanted(target.key, source) if target.key.rule == "same" else _NONE
        same = [row for row in rows if row.index == wanted] if wanted is not _NONE else []
        kept.extend((row, target) for row in same or rows)
    return kept


def _occurring(candidates: Sequence[tuple[Resource, Target]], values: Sequence[Any], sided: _Sided) -> list[tuple[Resource, Target]]:
    """Candidates one of whose identity values occurs in the values: whole strings first, else bounded inside longer ones."""
    texts, _ = strings_in(list(values))
    whole = set(texts)
    rows = [(row, target, _own_values(row, target, sided)) for row, target in candidates]
    found = [(row, target) for row, target, own in rows if any(value in whole for value in own)]
    if len(found) == len(rows):
        return found
    inside = [
        (row, target)
        for row, target, own in rows
        if any(_occurs(fragment, text) for value in own for fragment in _fragments(value) for text in texts)
    ]
    return found + [pair for pair in inside if pair not in found]


def _own_values(row: Resource, target: Target, sided: _Sided) -> list[str]:
    """What a reference to this resource would leave in the text: the attribute it reads, or any identity value where it reads the whole."""
    tree = sided.trees[row.address]
    if target.attribute:
        texts = strings_in(values_at(tree, _steps(target.attribute)))[0]
        return [text for text in texts if len(text) >= _MIN_FRAGMENT]
    return [text for text in sided.identities.values_of(row, tree) if len(text) >= _MIN_FRAGMENT]


def _steps(attribute: str) -> Path:
    return tuple(part.split("[", 1)[0] for part in attribute.split(".") if part and not part.startswith("["))


def _fragments(value: str) -> tuple[str, ...]:
    """What functions like `split` leave of an identity: all of it, its last segment, its host."""
    tail = value.rstrip("/").replace(":", "/").rsplit("/", 1)[-1]
    host = value.split("://", 1)[-1].split("/", 1)[0].split(":", 1)[0]
    return tuple(dict.fromkeys(text for text in (value, tail, host) if len(text) >= _MIN_FRAGMENT and not text.isdigit()))


def _occurs(needle: str, text: str) -> bool:
    """Whether a text holds the needle as a whole word: no letter, digit, dash or underscore beside it."""
    start = text.find(needle)
    while start >= 0:
        end = start + len(needle)
        if not _is_word(text[start - 1 : start]) and not _is_word(text[end : end + 1]):
            return True
        start = text.find(needle, start + 1)
    return False


def _is_word(character: str) -> bool:
    return character.isalnum() or character in ("-", "_") if character else False


def _refuted(
    row: Resource, target: Target, occurring: Sequence[tuple[Resource, Target]], texts: Sequence[str], unknown: bool, sided: _Sided
) -> bool:
    """Whether the value speaks against a candidate that does not occur in it while others do."""
    own = _own_values(row, target, sided)
    if not own:
        return not _may_be_unknown(row, target, sided) and any(other == target for _, other in occurring)
    if unknown and _may_be_unknown(row, target, sided):
        return False
    if any(other == target for _, other in occurring):
        return True
    return any(is_specific(value) for value in own) or (all(len(text) < 256 for text in texts) and not target.attribute)


def _may_be_unknown(row: Resource, target: Target, sided: _Sided) -> bool:
    tree = sided.trees[row.address]
    if target.attribute:
        values = values_at(tree, _steps(target.attribute))
        return not values or strings_in(values)[1]
    return tree.get("id") is UNKNOWN or tree.get("arn") is UNKNOWN


def _attribute(path: Path, known: frozenset[Path]) -> Path:
    """The attribute that a value belongs to: keys of a map attribute are not part of its path where the configuration knows the attribute."""
    for length in range(len(path), 0, -1):
        if path[:length] in known:
            return path[:length]
    return path
