"""The little language of catalogue facts: Python expressions, parsed by `ast`, over the attributes of one resource, three-valued.

    copies: "2 if multi_az else 1"
    needed: "max(1, cluster_config.instance_count // 2)"
    when:   "backup_retention_period > 0 and not skip_final_snapshot"

A name is an attribute, a dotted name a path through nested blocks (a list of blocks stands for its first: `network_configuration.subnets`).
A missing attribute is None; None counts as 0 in arithmetic and comparison. `true`, `false`, `none` are literals.
Functions: len, min, max, any, all, int, str, lower, split(text, sep), each("path") (the values in every block of a list),
has("path") (present and not null, empty or false; an id that is not known yet is present), known("path") (present and not unknown until apply),
written("attribute") (the configuration sets it; the provider chose it otherwise),
distinct(list), least(list) (its smallest number),
zones() (distinct known zones of the placement), servers() (how many links serve it), contains(list_or_text, x), startswith(text, x), item(map, key),
setting("replicaCount", …) (the least number that a Helm release sets under such a name),
setting_at("path") (what a Helm release sets there, as lower-case text),
option("block", "name", "MinSize", "value") (the last attribute of the first block whose `name` is the one given),
property("path", "name") (the number of a `name = number` line in the text at a path).

The value is a *tuple of possibilities*: one for known facts; several, or UNKNOWN, where an attribute is unknown until apply:
`2 if multi_az else 1` with multi_az unknown is (1, 2).
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Hashable, Iterator, Mapping
from functools import lru_cache
from itertools import product
from typing import Any

from msgspec import Struct

from faultray_action.catalogue.chart_values import least_setting, setting_at
from faultray_action.model.value import UNKNOWN

Possible = tuple[Any, ...]
LITERALS = {"true": True, "false": False, "none": None, "True": True, "False": False, "None": None}
_LIMIT = 16
"""Possibilities kept; beyond it the value is UNKNOWN."""


class ExpressionError(ValueError):
    """An expression of the catalogue that cannot be parsed or applied."""


class Answers(Struct, eq=False):
    """What the expressions `texts` say of resources that have all in common that these read, each asked once; nothing of it is unknown."""

    texts: frozenset[str]
    known: dict[tuple[str, int, int], Possible] = {}


class Scope(Struct, eq=False):
    """What an expression sees: the attribute tree, documented defaults, and facts the builder lends it. `unknown` collects attribute paths;
    `answers`: what was asked already of resources that are like this one."""

    values: Mapping[str, Any]
    defaults: Mapping[str, Any] = {}
    zones: int = 0
    servers: int = 0
    written: Callable[[], frozenset[str]] | None = None
    answers: Answers | None = None
    unknown: set[str] = set()

    def get(self, path: str) -> Any:
        """The value at a path; UNKNOWN where it, or a block on the way, is unknown. Lists of blocks stand for their first."""
        value = descend(self.values, path)
        if value is UNKNOWN:
            self.unknown.add(path)
        return self.defaults.get(path) if value is None else value


def descend(tree: Any, path: str) -> Any:
    """The value at a dotted path, through the first element of lists of blocks; None where missing."""
    if type(tree) is dict and "." not in path:
        return tree.get(path)
    for step in path.split("."):
        if type(tree) is dict:
            tree = tree.get(step)
            continue
        if isinstance(tree, list) and tree and not step.isdigit():
            tree = tree[0]
        if isinstance(tree, list):
            position = int(step) if step.isdigit() else -1
            tree = tree[position] if 0 <= position < len(tree) else None
        elif isinstance(tree, Mapping):
            tree = tree.get(step)
        elif tree is UNKNOWN:
            return UNKNOWN
        else:
            return None
    return tree


def every(tree: Any, path: str) -> list[Any]:
    """All values at a dotted path, through every element of every list on the way, in order; lists at the end are flattened."""
    found = [tree]
    for step in path.split("."):
        following: list[Any] = []
        for value in found:
            items = value if isinstance(value, list) and not step.isdigit() else [value]
            for item in items:
                if item is UNKNOWN:
                    following.append(UNKNOWN)
                elif isinstance(item, Mapping) and item.get(step) is not None:
                    following.append(item[step])
                elif isinstance(item, list) and step.isdigit() and int(step) < len(item):
                    following.append(item[int(step)])
        found = following
    flat: list[Any] = []
    for value in found:
        flat.extend(value if isinstance(value, list) else [value])
    return flat


def evaluate(text: str, scope: Scope) -> Possible:
    """Possible values of an expression, each once, in order of discovery."""
    answers = scope.answers
    if answers is None:
        return _evaluated(text, scope)
    mark = text, scope.zones, scope.servers
    known = answers.known.get(mark)
    if known is None:
        known = _evaluated(text, scope)
        if text in answers.texts:
            answers.known[mark] = known
    return known


def _evaluated(text: str, scope: Scope) -> Possible:
    values = _compile(text)(scope)
    return values if len(values) == 1 else _bounded(values)


def names(text: str) -> tuple[str, ...]:
    """Attribute paths that an expression reads, sorted: they are structural and may be printed."""
    tree = _parse(text)
    found = {_path(node) for node in _outermost_paths(tree.body)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("each", "has", "known", "written"):
            found |= {argument.value for argument in node.args if isinstance(argument, ast.Constant) and isinstance(argument.value, str)}
    return tuple(sorted(found - set(LITERALS)))


def _outermost_paths(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, (ast.Attribute, ast.Name)):
        yield node
        return
    children = ast.iter_child_nodes(node)
    if isinstance(node, ast.Call):
        children = iter(node.args)
    for child in children:
        yield from _outermost_paths(child)


def _parse(text: str) -> ast.Expression:
    try:
        return ast.parse(text.strip(), mode="eval")
    except SyntaxError as error:
        raise ExpressionError(f"not an expression: {text}") from error


@lru_cache(maxsize=4096)
def _compile(text: str) -> Callable[[Scope], Possible]:
    return _node(_parse(text).body)


def _bounded(values: Possible) -> Possible:
    seen: list[Any] = []
    for value in values:
        if not any(value is known or (type(value) is type(known) and value == known) for known in seen):
            seen.append(value)
    return tuple(seen) if len(seen) <= _LIMIT else (UNKNOWN,)


def _node(node: ast.expr) -> Callable[[Scope], Possible]:
    """Turn one syntax node into a function of the scope."""
    for kind, build in _BUILDERS.items():
        if isinstance(node, kind):
            return build(node)
    raise ExpressionError(f"not allowed in an expression: {ast.unparse(node)}")


def _path(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_path(node.value)}.{node.attr}"
    raise ExpressionError(f"not an attribute path: {ast.unparse(node)}")


def _constant(node: Any) -> Callable[[Scope], Possible]:
    value = (node.value,)
    return lambda scope: value


def _attribute(node: Any) -> Callable[[Scope], Possible]:
    path = _path(node)
    if path in LITERALS:
        literal = (LITERALS[path],)
        return lambda scope: literal
    return lambda scope: (scope.get(path),)


def _list(node: Any) -> Callable[[Scope], Possible]:
    parts = [_node(element) for element in node.elts]
    return lambda scope: tuple(list(choice) for choice in product(*(part(scope) for part in parts)))


def _dict(node: Any) -> Callable[[Scope], Possible]:
    try:
        value = ast.literal_eval(node)
    except ValueError as error:
        raise ExpressionError(f"a map must hold literals: {ast.unparse(node)}") from error
    return lambda scope: (value,)


def _subscript(node: Any) -> Callable[[Scope], Possible]:
    table, key = _node(node.value), _node(node.slice)

    def look_up(scope: Scope) -> Possible:
        return tuple(_item(t, k) for t, k in product(table(scope), key(scope)))

    return look_up


def _item(table: Any, key: Any) -> Any:
    if table is UNKNOWN or key is UNKNOWN:
        return UNKNOWN
    if isinstance(table, Mapping):
        return table.get(key) if isinstance(key, Hashable) else None
    if isinstance(table, (list, str)) and isinstance(key, int) and -len(table) <= key < len(table):
        return table[key]
    return None


_YES, _NO, _EITHER = (True,), (False,), (True, False)


def truth(value: Any) -> Possible:
    """Possible truth values: text "false", "0", "" and "disabled" are false as Terraform converts them."""
    if value is UNKNOWN:
        return _EITHER
    if isinstance(value, str):
        return _NO if value.strip().lower() in ("", "false", "0", "disabled", "off", "none") else _YES
    return _YES if value else _NO


def _truths(values: Possible) -> Possible:
    if len(values) == 1:
        return truth(values[0])
    return _bounded(tuple(t for value in values for t in truth(value)))


def _conditional(node: Any) -> Callable[[Scope], Possible]:
    test, yes, no = _node(node.test), _node(node.body), _node(node.orelse)

    def choose(scope: Scope) -> Possible:
        outcomes = _truths(test(scope))
        if len(outcomes) == 1:
            return yes(scope) if outcomes[0] else no(scope)
        return (yes(scope) if True in outcomes else ()) + (no(scope) if False in outcomes else ())

    return choose


def _boolean(node: Any) -> Callable[[Scope], Possible]:
    *parts, last = [_node(value) for value in node.values]
    stops_at = isinstance(node.op, ast.Or)
    stop = _YES if stops_at else _NO

    def combine(scope: Scope) -> Possible:
        found: Possible = ()
        for part in parts:
            values = part(scope)
            outcomes = [truth(value) for value in values]
            if outcomes == [stop]:
                return found + values
            found += tuple([value for value, outcome in zip(values, outcomes, strict=True) if stops_at in outcome])
            if all(outcome == stop for outcome in outcomes):
                return found
        return found + last(scope)

    return combine


def _unary(node: Any) -> Callable[[Scope], Possible]:
    inner = _node(node.operand)
    if isinstance(node.op, ast.Not):
        return lambda scope: tuple(not t for t in _truths(inner(scope)))
    if isinstance(node.op, ast.USub):
        return lambda scope: tuple(UNKNOWN if v is UNKNOWN else -number(v) for v in inner(scope))
    raise ExpressionError(f"not allowed in an expression: {ast.unparse(node)}")


_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: lambda a, b: a // b if b else 0,
    ast.Div: lambda a, b: a / b if b else 0,
    ast.Mod: lambda a, b: a % b if b else 0,
}


LARGEST = 10**15
"""Beyond it no number of a plan counts anything: it is taken for this one."""


def _countable(value: float | int) -> float | int:
    """Within what counts; 0 for what is no number."""
    if value != value:
        return 0
    return value if -LARGEST <= value <= LARGEST else LARGEST if value > 0 else -LARGEST


def number(value: Any) -> float | int:
    """A number as Terraform would convert it; None, text without a number and empty lists are 0, a list is its length."""
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return _countable(value)
    if isinstance(value, str):
        try:
            parsed = float(value.strip().rstrip("%"))
        except ValueError:
            return 0
        return _countable(int(parsed) if parsed.is_integer() else parsed)
    return len(value) if isinstance(value, (list, Mapping)) else 0


def _arithmetic(node: Any) -> Callable[[Scope], Possible]:
    operation = _ARITHMETIC.get(type(node.op))
    if operation is None:
        raise ExpressionError(f"not allowed in an expression: {ast.unparse(node)}")
    left, right = _node(node.left), _node(node.right)

    def combine(scope: Scope) -> Possible:
        pairs = product(left(scope), right(scope))
        return tuple(UNKNOWN if UNKNOWN in (a, b) else operation(number(a), number(b)) for a, b in pairs)

    return combine


_ORDER: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def _compare_one(op: ast.cmpop, a: Any, b: Any) -> Possible:
    if a is UNKNOWN or b is UNKNOWN:
        return _EITHER
    if isinstance(op, (ast.Eq, ast.NotEq)):
        same = number(a) == number(b) if isinstance(a, (int, float)) != isinstance(b, (int, float)) and None not in (a, b) else a == b
        return (same == isinstance(op, ast.Eq),)
    if isinstance(op, (ast.In, ast.NotIn)):
        return (_contains(b, a) == isinstance(op, ast.In),)
    return (_ORDER[type(op)](number(a), number(b)),)


def _compare(node: Any) -> Callable[[Scope], Possible]:
    if len(node.ops) != 1 or not isinstance(node.ops[0], (*_ORDER, ast.Eq, ast.NotEq, ast.In, ast.NotIn)):
        raise ExpressionError(f"not allowed in an expression: {ast.unparse(node)}")
    op: Any = node.ops[0]
    left, right = _node(node.left), _node(node.comparators[0])

    def compare(scope: Scope) -> Possible:
        one, other = left(scope), right(scope)
        if len(one) == len(other) == 1:
            return _compare_one(op, one[0], other[0])
        return tuple(v for a, b in product(one, other) for v in _compare_one(op, a, b))

    return compare


def _contains(where: Any, what: Any) -> bool:
    if isinstance(where, str):
        return isinstance(what, str) and what in where
    return isinstance(where, (list, Mapping)) and isinstance(what, Hashable if isinstance(where, Mapping) else object) and what in where


def _distinct(values: Any) -> list[Any]:
    return sorted({str(value) for value in values or [] if value is not None})


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "len": lambda value: len(value) if isinstance(value, (list, Mapping, str)) else 0,
    "min": lambda *values: min(number(v) for v in values),
    "max": lambda *values: max(number(v) for v in values),
    "any": lambda values: any(True in truth(v) for v in values or []),
    "all": lambda values: all(False not in truth(v) for v in values or []),
    "sum": lambda values: sum(number(v) for v in values or []),
    "least": lambda values: min((number(v) for v in values or []), default=None),
    "int": lambda value: int(number(value)),
    "str": lambda value: "" if value is None else str(value),
    "lower": lambda value: str(value or "").lower(),
    "split": lambda value, separator: str(value or "").split(separator),
    "distinct": _distinct,
    "contains": _contains,
    "item": lambda where, key: _item(where, key) if isinstance(where, Mapping) else None,
    "startswith": lambda value, prefix: str(value or "").startswith(prefix),
    "endswith": lambda value, suffix: str(value or "").endswith(suffix),
}


def _call(node: Any) -> Callable[[Scope], Possible]:
    if not isinstance(node.func, ast.Name) or node.keywords:
        raise ExpressionError(f"not allowed in an expression: {ast.unparse(node)}")
    name = node.func.id
    if name in ("each", "has", "known", "written"):
        return _path_function(name, node)
    if name == "setting":
        return _setting_function(node)
    if name == "option":
        return _option_function(node)
    if name == "setting_at":
        return _setting_at_function(node)
    if name == "property":
        return _property_function(node)
    if name == "zones":
        return lambda scope: (scope.zones,)
    if name == "servers":
        return lambda scope: (scope.servers,)
    function = _FUNCTIONS.get(name)
    if function is None:
        raise ExpressionError(f"no such function in an expression: {name}")
    arguments = [_node(argument) for argument in node.args]

    def apply(scope: Scope) -> Possible:
        choices = product(*[argument(scope) for argument in arguments])
        return tuple([UNKNOWN if _holds_unknown(choice) else function(*choice) for choice in choices])

    return apply


def _holds_unknown(choice: tuple[Any, ...]) -> bool:
    return UNKNOWN in choice or any(UNKNOWN in value for value in choice if type(value) is list)


def _path_function(name: str, node: ast.Call) -> Callable[[Scope], Possible]:
    if len(node.args) != 1 or not isinstance(node.args[0], ast.Constant) or not isinstance(node.args[0].value, str):
        raise ExpressionError(f'{name}() takes one path in quotes: {name}("block.attribute")')
    path = node.args[0].value

    def look(scope: Scope) -> Possible:
        if name == "written":
            return (scope.written is None or path in scope.written(),)
        if name == "known":
            return (descend(scope.values, path) not in (None, UNKNOWN),)
        if name == "each":
            values = every(scope.values, path)
            if any(value is UNKNOWN for value in values):
                scope.unknown.add(path)
            return (values,)
        value = scope.get(path)
        return (True,) if value is UNKNOWN else truth(value) if value is not None else (False,)

    return look


def _setting_function(node: ast.Call) -> Callable[[Scope], Possible]:
    """Reads free text that may hold secrets: its paths are not among `names`, so that nothing of it is ever printed."""
    wanted = frozenset(argument.value for argument in node.args if isinstance(argument, ast.Constant) and isinstance(argument.value, str))
    if len(wanted) != len(node.args) or not wanted:
        raise ExpressionError('setting() takes names in quotes: setting("replicaCount")')

    def look(scope: Scope) -> Possible:
        value = least_setting(scope.values, wanted)
        if value is UNKNOWN:
            scope.unknown.add("values")
        return (value,)

    return look


def _setting_at_function(node: ast.Call) -> Callable[[Scope], Possible]:
    """Reads one value of the same text: for comparison only, like `setting` it is not among `names`."""
    paths = [argument.value for argument in node.args if isinstance(argument, ast.Constant) and isinstance(argument.value, str)]
    if len(paths) != 1 or len(node.args) != 1:
        raise ExpressionError('setting_at() takes a path in quotes: setting_at("architecture")')

    def look(scope: Scope) -> Possible:
        value = setting_at(scope.values, paths[0])
        if value is UNKNOWN:
            scope.unknown.add("values")
        return (value,)

    return look


def _option_function(node: ast.Call) -> Callable[[Scope], Possible]:
    """Reads one value of a list of names and values, others of which may hold secrets: like `setting` it is not among `names`."""
    texts = [argument.value for argument in node.args if isinstance(argument, ast.Constant) and isinstance(argument.value, str)]
    if len(texts) != 4 or len(node.args) != 4:
        raise ExpressionError('option() takes four words in quotes: option("setting", "name", "MinSize", "value")')
    block, key, name, value = texts

    def look(scope: Scope) -> Possible:
        rows = every(scope.values, block)
        found = next((row for row in rows if isinstance(row, Mapping) and row.get(key) == name), None)
        if found is None:
            return (UNKNOWN,) if UNKNOWN in rows else (None,)
        return (found.get(value),)

    return look


def _property_function(node: ast.Call) -> Callable[[Scope], Possible]:
    """Reads one number out of a text of `name = number` lines; like `setting`, nothing of the text is ever printed."""
    texts = [argument.value for argument in node.args if isinstance(argument, ast.Constant) and isinstance(argument.value, str)]
    if len(texts) != 2 or len(node.args) != 2:
        raise ExpressionError('property() takes a path and a name in quotes: property("server_properties", "min.insync.replicas")')
    path, line = texts[0], re.compile(rf"^\s*{re.escape(texts[1])}\s*[=:]\s*(\d{{1,6}})\s*$", re.MULTILINE)

    def look(scope: Scope) -> Possible:
        value = descend(scope.values, path)
        if value is UNKNOWN:
            scope.unknown.add(path)
            return (UNKNOWN,)
        found = line.search(value) if isinstance(value, str) else None
        return (int(found.group(1)) if found else None,)

    return look


_BUILDERS: dict[type[ast.expr], Callable[[Any], Callable[[Scope], Possible]]] = {
    ast.Constant: _constant,
    ast.Name: _attribute,
    ast.Attribute: _attribute,
    ast.List: _list,
    ast.Dict: _dict,
    ast.Subscript: _subscript,
    ast.IfExp: _conditional,
    ast.BoolOp: _boolean,
    ast.UnaryOp: _unary,
    ast.BinOp: _arithmetic,
    ast.Compare: _compare,
    ast.Call: _call,
}
