"""Every link of one side of a plan: what the configuration says, and what the values show where the configuration cannot.

The configuration describes AFTER. Its references hold for BEFORE wherever the value at the attribute did not change; elsewhere, and for what
the plan deletes, only values and the recorded dependencies of the state tell.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import repeat
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from faultray_action.model.address import without_index
from faultray_action.model.change import Action
from faultray_action.model.value import UNKNOWN
from faultray_action.terraform.attributes import Path, values_at
from faultray_action.terraform.narrowing import MANY, Candidate, Narrower, Tree
from faultray_action.terraform.plan import Link, LinkKind, Links, Plan, Resource, Side
from faultray_action.terraform.reader import paused_collector
from faultray_action.terraform.references import Expression, Locals, Resolver, Written
from faultray_action.terraform.roster import Kind, Roster, stand_alike
from faultray_action.terraform.values import SHORTEST, Identities, Mention, is_specific, stem, type_fits

_BEFORE, _AFTER, _RECORDED = 1, 2, 4
_BOTH = _BEFORE | _AFTER
_BITS = {Side.BEFORE: _BEFORE, Side.AFTER: _AFTER, Side.RECORDED: _RECORDED}
_NO_MENTION = frozenset({"id", "name", "comment", "description"})
_LABELS = frozenset({"tags", "tags_all", "labels", "effective_labels", "terraform_labels"})
"""What stands there says nothing about who needs whom."""
_DIGEST = re.compile(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}")


def links(
    plan: Plan,
    side: Side,
    *,
    identities: Mapping[str, Sequence[str]] | None = None,
    locals_by_module: Locals | None = None,
    written_by_module: Written | None = None,
    silent: Collection[str] = (),
) -> Links:
    """All links of one side, sorted by source, path and target.

    `identities` adds attribute paths by resource type under which others know a resource; `locals_by_module` gives the references of locals by
    module ("" the root, "module.a.module.b" without instance keys) and name, `written_by_module` those of `dynamic` blocks, which a plan leaves out.
    Resources of `silent` types are targets only: nobody asks what they refer to. For more than one side, make one `Linker` and ask it for each.
    """
    return Linker(plan, identities or {}, locals_by_module, written_by_module, frozenset(silent)).links(side)


_Scan = list[tuple[Path, tuple[Mention, ...]]]
"""Paths of a tree with the identity values that stand there."""


class _Work(Struct, eq=False):
    """The links of one source on one side while they are found.

    `scan`: the identity values of other resources that the tree holds; `steady`: nothing met so far differs between before and after.
    """

    source: Resource
    tree: Tree
    sides: int
    found: dict[tuple[str, str, str], Link] = {}
    held: dict[str, list[Path]] = {}
    scan: _Scan = []
    steady: bool = True

    def add(self, path: Path, dotted: str, target: Resource, attribute: str, kind: LinkKind, detail: str) -> None:
        key = (dotted, target.address, attribute)
        if key not in self.found:
            self.found[key] = Link(self.source.address, dotted, target.address, attribute, kind, detail)
            self.held.setdefault(target.address, []).append(path)

    def explains(self, path: Path, address: str) -> bool:
        """Whether a link to that resource stands already at this path or an attribute around it."""
        paths = self.held.get(address)
        return paths is not None and (path in paths or any(other and path[: len(other)] == other for other in paths))


@dataclass(slots=True)
class _Resolved:
    """The configurations of a plan with every expression resolved. `incomplete`: resources some of whose references led nowhere."""

    expressions: dict[Kind, list[Expression]] = field(default_factory=dict)
    paths: dict[str, set[Path]] = field(default_factory=dict)
    incomplete: set[Kind] = field(default_factory=set)
    unresolved: dict[str, int] = field(default_factory=dict)

    def take(self, ordinal: int, resolver: Resolver) -> None:
        """Resolve one configuration: silent types too, since what they borrow from others is no identity of theirs."""
        for path, row, found, complete in resolver.resolve():
            if not complete:
                self.incomplete.add((ordinal, path, row))
            self.expressions[ordinal, path, row] = found
            self.paths.setdefault(row[1], set()).update(expression.path for expression in found)
        for cause, count in sorted(resolver.unresolved.items()):
            self.unresolved[cause] = self.unresolved.get(cause, 0) + count


class _Block(Struct, frozen=True):
    """What the configuration says of the instances of one block.

    `asked`: of those that the plan leaves alone, which are looked through below `heads` only; both None where a link of their type may mean
    something anywhere. `filled`: attributes that come from other resources. `whole`: every reference leads somewhere."""

    expressions: Sequence[Expression]
    asked: Sequence[Expression] | None
    heads: Sequence[str] | None
    filled: frozenset[str]
    whole: bool
    silent: bool


@dataclass(slots=True)
class Linker:
    """Links of a plan. What does not depend on the side is found once, and the links of a source that nothing around changes are reused.

    `meant`: by resource type the attribute paths at which a link says something of who needs whom; a resource of such a type that does not
    change is asked for what it refers to there only. What changes is asked for all: what it names must be there when it is put back.
    """

    plan: Plan
    identities: Mapping[str, Sequence[str]] = field(default_factory=dict)
    locals_by_module: Locals | None = None
    written_by_module: Written | None = None
    silent: frozenset[str] = frozenset()
    meant: Mapping[str, frozenset[str]] = field(default_factory=dict)
    _roster: Roster = field(init=False)
    _values: Identities = field(init=False)
    _resolved: _Resolved = field(default_factory=_Resolved)
    _blocks: Sequence[_Block] = ()
    _recorded: dict[str, Tree] = field(default_factory=dict)
    _settled: dict[str, list[Link]] = field(default_factory=dict)
    _scans: dict[str, _Scan] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._roster = Roster(self.plan.resources)
        self._values = Identities(self.identities)
        self._recorded = {row.address: row.before for row in self.plan.drift if row.before is not None and not row.deposed}
        with paused_collector():
            if not self._resolved.expressions:
                for ordinal, configuration in enumerate(self.plan.configuration):
                    resolver = Resolver(configuration, self.locals_by_module, self.written_by_module)
                    self._resolved.take(ordinal, resolver)
            self._blocks = self._read_blocks()
            self._index()

    def on(self, plan: Plan) -> Linker:
        """A linker for a plan that differs from this one in values only (an edit put back): the configuration is not resolved again."""
        return replace(self, plan=plan, _recorded={}, _settled={}, _scans={})

    def _read_blocks(self) -> list[_Block]:
        """What is said of each block of the roster, by its ordinal. For one without configuration that of its type is filled."""
        heads = {kind: sorted({path.partition(".")[0] for path in paths}) for kind, paths in self.meant.items()}
        says: dict[tuple[str, str], bool] = {}
        of_type: dict[str, frozenset[str]] = {}
        found: list[_Block] = []
        for block in self._roster.blocks:
            kind = block.kind[2][1]
            expressions = self._resolved.expressions.get(block.kind)
            if expressions is None:
                if kind not in of_type:
                    of_type[kind] = frozenset(path[0] for path in self._resolved.paths.get(kind, ()) if path)
                found.append(_Block((), () if kind in heads else None, heads.get(kind), of_type[kind], False, kind in self.silent))
                continue
            meant, asked = self.meant.get(kind), None
            if meant is not None:
                asked = []
                for expression in expressions:
                    mark = kind, expression.dotted
                    if mark not in says:
                        says[mark] = _says(expression.dotted, meant)
                    if says[mark]:
                        asked.append(expression)
            filled = frozenset([expression.path[0] for expression in expressions if expression.path])
            whole = block.kind not in self._resolved.incomplete
            found.append(_Block(expressions, asked, heads.get(kind), filled, whole, kind in self.silent))
        return found

    def _index(self) -> None:
        for resource, block in self._roster.placed:
            borrowed = self._blocks[block.ordinal].filled
            before, after = resource.before, resource.after
            if before is not None and before is after:
                self._values.add(resource, before, _BOTH, borrowed)
            else:
                if before is not None:
                    self._values.add(resource, before, _BEFORE, borrowed)
                if after is not None:
                    self._values.add(resource, after, _AFTER, borrowed)
            recorded = self._recorded.get(resource.address, before)
            if self._recorded and recorded is not None:
                self._values.add(resource, recorded, _RECORDED, borrowed)
        self._values.settle()

    def links(self, side: Side) -> Links:
        """All links of one side, sorted by source, path and target. RECORDED without drift is BEFORE."""
        if side is Side.RECORDED and not self._recorded:
            side = Side.BEFORE
        with paused_collector():
            trees = self._trees(side)
            narrower = Narrower(trees, self._values)
            settled = self._settled if side is not Side.RECORDED else {}
            found: list[Link] = []
            for resource, placed in self._roster.placed:
                block = self._blocks[placed.ordinal]
                if block.silent or (tree := trees.get(resource.address)) is None:
                    continue
                known = settled.get(resource.address)
                found += self._links_of(resource, block, tree, side, trees, narrower) if known is None else known
        return Links(tuple(found), MappingProxyType(self._resolved.unresolved))

    def _trees(self, side: Side) -> Mapping[str, Tree]:
        placed = self._roster.placed
        if side is Side.AFTER:
            return {resource.address: tree for resource, _ in placed if (tree := resource.after) is not None}
        recorded = self._recorded if side is Side.RECORDED else {}
        known = ((resource.address, recorded.get(resource.address, resource.before)) for resource, _ in placed)
        return {address: tree for address, tree in known if tree is not None}

    def _links_of(
        self, source: Resource, block: _Block, tree: Tree, side: Side, trees: Mapping[str, Tree], narrower: Narrower
    ) -> list[Link]:
        work = _Work(source, tree, _BITS[side], steady=source.before is source.after)
        alone = work.steady and source.action is Action.NO_OP and block.asked is not None
        work.scan = self._scan(source, tree, block.heads if alone else None)
        said = True
        for expression in block.asked if alone and block.asked is not None else block.expressions:
            said = self._follow(work, expression, side, narrower) and said
        self._add_values(work)
        if not alone and not (said and block.whole):
            self._add_state(work, trees)
        result = [work.found[key] for key in sorted(work.found)]
        if work.steady and side is not Side.RECORDED:
            self._settled[source.address] = result
        return result

    def _follow(self, work: _Work, expression: Expression, side: Side, narrower: Narrower) -> bool:
        """Add the instances an expression leads to on this side; False where the configuration says nothing about this side."""
        source, path = work.source, expression.path
        if not path:
            if side is Side.AFTER or source.after is not None:
                self._add_references(work, expression, self._candidates(work, expression, narrower))
            return True
        values = _values(work.tree, path)
        if values is not None and _is_nothing(values):
            return True
        changed = (
            side is not Side.AFTER and work.tree is not source.after and (source.after is None or _values(source.after, path) != values)
        )
        candidates = self._candidates(work, expression, narrower, values, changed=changed)
        if changed:
            kept = narrower.occurring(candidates, values or []) or self._digested(source, candidates, values or [])
            if not kept and source.after is None and self._holds_for_others(source, path):
                kept = [(row, target) for row, target in candidates if row.index is not None and row.index == source.index]
            self._add_references(work, expression, narrower.twins_apart(source, kept, values or []))
            return False
        if values is not None and len(candidates) > 1:
            mentioned, alone = self._mentioned(work, path[0])
            if any(row.address not in mentioned for row, _ in candidates):
                candidates = narrower.narrow(source, candidates, values)
            if any(row.address not in alone for row, _ in candidates):
                candidates = narrower.twins_apart(source, candidates, values)
        self._add_references(work, expression, candidates)
        return True

    def _holds_for_others(self, source: Resource, path: Path) -> bool:
        """Whether the block of a deleted instance stands and says of others what it said before: then it named the one of its key as well."""
        both = [(row.before, row.after) for row in self._roster.block(source).instances if row.before is not None and row.after is not None]
        return any(was is is_now or _values(was, path) == _values(is_now, path) for was, is_now in both)

    def _digested(self, source: Resource, candidates: Sequence[Candidate], values: Sequence[Any]) -> list[Candidate]:
        """Where the state keeps the digest of a text only (user data), its references of today that the state recorded as well."""
        if not values or not all(isinstance(value, str) and _DIGEST.fullmatch(value) for value in values):
            return []
        recorded = self.plan.state_dependencies.get(source.address, ())
        return [(row, target) for row, target in candidates if without_index(row.address) in recorded]

    def _mentioned(self, work: _Work, attribute: str) -> tuple[set[str], set[str]]:
        """The resources of which an identity value stands below a top-level attribute, and those by a value that is nobody else's."""
        holders = self._values.holders
        mentioned: set[str] = set()
        alone: set[str] = set()
        for path, mentions in work.scan:
            if path[0] == attribute:
                for mention in mentions:
                    rows = holders[mention.value]
                    if len(rows) == 1:
                        alone.add(rows[0].resource.address)
                    else:
                        mentioned.update([row.resource.address for row in rows])
        return mentioned | alone, alone

    def _add_references(self, work: _Work, expression: Expression, candidates: Sequence[Candidate]) -> None:
        kind = LinkKind.REFERENCE if expression.path else LinkKind.DEPENDS_ON
        for row, target in candidates:
            work.add(expression.path, expression.dotted, row, target.attribute, kind, target.detail)

    def _candidates(
        self, work: _Work, expression: Expression, narrower: Narrower, values: Sequence[Any] | None = None, *, changed: bool = False
    ) -> list[Candidate]:
        """The instances that an expression may lead to. Of a large block only those that come into question by the values; where these have
        `changed` since, the configuration does not tell that it is the one with the same key."""
        found = []
        source, instances = work.source, self._roster.instances
        only = len(expression.targets) == 1 and not changed
        for target in expression.targets:
            rows = instances(source, target)
            work.steady = work.steady and stand_alike(rows)
            if values is not None and len(rows) > MANY:
                rows = narrower.few(source, target, rows, values, only=only)
            found += [(row, target) for row in rows if row is not source and row.address in narrower.trees]
        return found

    def _add_values(self, work: _Work) -> None:
        holders = self._values.holders
        for path, mentions in work.scan:
            for mention in mentions:
                rows = holders[mention.value]
                if len(rows) > 1 or rows[0].sides & _BOTH != _BOTH:
                    work.steady = work.steady and all(row.sides & _BOTH == _BOTH for row in rows)
                elif work.explains(path, rows[0].resource.address):
                    continue
                self._add_value(work, path, mention)

    def _add_value(self, work: _Work, path: Path, mention: Mention) -> None:
        source = work.source
        if len(path) == 1 and _is_own_name(path[0], mention.value, source.type):
            return
        key = path[-2] if path[-1] == "name" and len(path) > 1 else path[-1]
        holder = self._values.owner(mention, source, key, work.sides, self.plan.state_dependencies.get(source.address, ()))
        if holder and not work.explains(path, holder.resource.address):
            attribute = self._attribute(source.type, path)
            work.add(attribute, ".".join(attribute), holder.resource, holder.attribute, LinkKind.VALUE, holder.attribute)

    def _scan(self, source: Resource, tree: Tree, heads: Sequence[str] | None) -> _Scan:
        """(path, identity values of other resources) of every string of a tree that holds any, sorted; below some attributes only where
        those are given."""
        shared = source.before is source.after and tree is source.after
        if shared and source.address in self._scans:
            return self._scans[source.address]
        found: _Scan = []
        known, look, is_own = self._values.found, self._values.look, self._values.is_own
        if heads is not None:
            tree = {key: tree[key] for key in heads if key in tree}
        blocks: list[tuple[Path, Any]] = [((), tree)]
        while blocks:
            path, block = blocks.pop()
            for key, value in block.items() if type(block) is dict else zip(repeat(""), block):
                kind = type(value)
                if kind is str:
                    if len(value) >= SHORTEST:
                        hits = known.get(value)
                        if hits is None:
                            hits = look(value, source)
                        if hits and (len(hits) > 1 or not is_own(hits[0], source)):
                            found.append(((*path, key) if key else path, hits))
                elif (kind is dict or kind is list) and value and (path or key not in _LABELS):
                    blocks.append(((*path, key) if key else path, value))
        found.sort()
        if shared:
            self._scans[source.address] = found
        return found

    def _attribute(self, kind: str, path: Path) -> Path:
        """The attribute a value belongs to: keys of a map are not part of its path where the configuration knows the attribute."""
        known = self._resolved.paths.get(kind, ())
        for length in range(len(path), 0, -1):
            if path[:length] in known:
                return path[:length]
        return path

    def _add_state(self, work: _Work, trees: Mapping[str, Tree]) -> None:
        """Direct dependencies that the state recorded and nothing else explains."""
        if work.source.before is None:
            return
        explained = {self._roster.block(row).ordinal for row in self._roster.addressed(work.held)}
        for target in self._recorded_dependencies(work.source):
            if target.before is not target.after:
                work.steady = False
            if target.address in trees and target is not work.source and self._roster.block(target).ordinal not in explained:
                work.add((), "", target, "", LinkKind.STATE, "depends_on")

    def _recorded_dependencies(self, source: Resource) -> list[Resource]:
        """The state lists transitive dependencies too: one that another dependency also has is left out."""
        recorded = self.plan.state_dependencies
        rows = {name: self._roster.named(name, source.plan) for name in recorded.get(source.address, ())}
        indirect: set[str] = set()
        for name, instances in rows.items():
            for instance in instances[:1]:
                indirect.update(other for other in recorded.get(instance.address, ()) if other != name)
        return [row for name, instances in rows.items() if name not in indirect for row in instances]


def _says(path: str, meant: frozenset[str]) -> bool:
    """Whether a path is one of those that mean something, or lies below one."""
    return any(path == other or path.startswith(f"{other}.") for other in meant)


def _is_own_name(key: str, value: str, kind: str) -> bool:
    """Whether a top-level attribute is what the resource itself is called."""
    return key in _NO_MENTION or (type_fits(kind, stem(key)) and not is_specific(value))


def _is_nothing(values: Sequence[Any]) -> bool:
    """Whether all of the values are null or empty: an alternative that was not taken."""
    return not any(value is not None and (value is UNKNOWN or value or value is False or value == 0) for value in values)


def _values(tree: Tree, path: Path) -> list[Any] | None:
    """Values at a path; None where the tree does not say (an attribute the provider does not keep)."""
    if len(path) == 1:
        return [tree[path[0]]] if path[0] in tree else None
    values = values_at(tree, path)
    if values:
        return values
    if path[0] in tree:
        return [UNKNOWN] if tree[path[0]] is UNKNOWN else [None]
    return None
