"""Reads `infra.yaml` (or its JSON form): every error names file, line and the nearest right key."""

from __future__ import annotations

import types
from collections.abc import Container, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from faultray_action.declared.schema import Declared, DeclaredComponent
from faultray_action.model.errors import InputError
from faultray_action.model.nesting import MAX_DEPTH, nests_deeper
from faultray_action.model.text import whole_number

DEMO = Path(__file__).parent / "demo.yaml"
"""The system that `faultray demo` shows."""

MAX_BYTES = 20_000_000
MAX_NODES = 1_000_000
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Place = tuple[str | int, ...]


def read_infra(path: Path) -> Declared:
    """Raises InputError: unreadable, too large, no YAML, or not in the schema."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path} is larger than {MAX_BYTES // 1_000_000} MB; describe one system a file")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); check the path") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no UTF-8 text; save it as UTF-8") from error
    return parse_infra(text, str(path))


def parse_infra(text: str, name: str) -> Declared:
    """The same from a text; `name` stands in the messages."""
    raw, lines = _compose(text, name)
    if not isinstance(raw, dict):
        raise InputError(f"{name}: this is no mapping with `components`; see `faultray schema infra`")
    try:
        declared = Declared.model_validate(raw)
    except ValidationError as error:
        raise InputError(_wording(error, lines, name)) from error
    for place, message in _contradictions(declared):
        raise InputError(f"{name}:{_line(lines, place)}: {message}")
    return declared


def _compose(text: str, name: str) -> tuple[object, dict[_Place, int]]:
    """The data, and the line of every value by its path."""
    lines: dict[_Place, int] = {}
    try:
        if nests_deeper(yaml.parse(text, Loader=_LOADER)):
            raise InputError(f"{name} nests deeper than {MAX_DEPTH} levels; describe the system flatly, as docs/infra.md shows")
        loader = _LOADER(text)
        try:
            root = loader.get_single_node()
            if root is None:
                raise InputError(f"{name} is empty; write `components:` with at least one component")
            _walk(root, (), lines, name)
            return loader.construct_document(root), lines
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InputError(f"{name}:{line}: {error.problem or 'no YAML'}; correct the YAML there") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InputError(f"{name}: {' '.join(str(error).split())}; correct the YAML") from error


def _walk(node: yaml.Node, place: _Place, lines: dict[_Place, int], name: str) -> None:
    if len(lines) > MAX_NODES:
        raise InputError(f"{name} unfolds to more than {MAX_NODES} values; use fewer aliases")
    lines[place] = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _walk(item, (*place, index), lines, name)
    elif isinstance(node, yaml.MappingNode):
        _walk_mapping(node, place, lines, name)


def _walk_mapping(node: yaml.MappingNode, place: _Place, lines: dict[_Place, int], name: str) -> None:
    seen: set[str] = set()
    for key, value in node.value:
        text = str(key.value)
        if text in seen:
            raise InputError(f"{name}:{key.start_mark.line + 1}: `{text}` is written twice; keep one")
        seen.add(text)
        _walk(value, (*place, text), lines, name)
        lines[(*place, text)] = key.start_mark.line + 1


def _line(lines: dict[_Place, int], place: _Place) -> int:
    while place and place not in lines:
        place = place[:-1]
    return lines.get(place, 1)


def _wording(error: ValidationError, lines: dict[_Place, int], name: str) -> str:
    problems = sorted(error.errors(include_url=False), key=lambda each: (each["type"] != "extra_forbidden", _line(lines, each["loc"])))
    first = problems[0]
    more = f" ({len(problems) - 1} more)" if len(problems) > 1 else ""
    place = first["loc"]
    return f"{name}:{_line(lines, place)}: {_problem(str(first['type']), place, str(first['msg']), first.get('input'))}{more}"


def _problem(kind: str, place: _Place, message: str, found: object) -> str:
    where = _spoken(place)
    if kind == "extra_forbidden":
        keys = _keys_at(place[:-1])
        near = get_close_matches(str(place[-1]), keys, 1, 0.5)
        return f"{where} is no known key; " + (f"did you mean `{near[0]}`?" if near else f"known are {', '.join(keys)}")
    if kind == "missing":
        return f"{where} is missing; add it"
    if kind in ("enum", "literal_error") and isinstance(found, str):
        near = get_close_matches(found, _choices(message), 1, 0.4)
        return f"{where} cannot be `{found}`; " + (f"did you mean `{near[0]}`?" if near else message.lower())
    return f"{where}: {message.removeprefix('Value error, ')[:300]}"


def _choices(message: str) -> list[str]:
    return message.split("'")[1::2]


def _spoken(place: _Place) -> str:
    """`components[2].zones`; the names of union branches that pydantic puts in are left out."""
    said = ""
    for part in place:
        if isinstance(part, int):
            said += f"[{part}]"
        elif part.isidentifier() and part not in _BRANCHES:
            said += f".{part}" if said else part
    return f"`{said or 'the file'}`"


_BRANCHES = frozenset({"bool", "float", "int", "str", "tuple", "constrained-int"})


def _keys_at(place: _Place) -> list[str]:
    """The keys allowed in the mapping at that place of the schema."""
    at: object = Declared
    for part in place:
        if isinstance(part, str) and part in _BRANCHES:
            continue
        at = _item(at) if isinstance(part, int) else _field(at, str(part))
    model = next(_models(at), Declared)
    return list(model.model_fields)


def _field(at: object, name: str) -> object:
    for model in _models(at):
        if name in model.model_fields:
            return model.model_fields[name].annotation
    return at


def _item(at: object) -> object:
    return next(iter(get_args(at)), at)


def _models(at: object) -> Iterator[type[BaseModel]]:
    if isinstance(at, type) and issubclass(at, BaseModel):
        yield at
    elif get_origin(at) in (Union, types.UnionType, tuple) or hasattr(at, "__metadata__"):
        for each in get_args(at):
            yield from _models(each)


def _contradictions(declared: Declared) -> Iterator[tuple[_Place, str]]:
    """What each field allows alone but not together, in file order of its kinds."""
    ids = [component.id for component in declared.components]
    known, earlier = frozenset(ids), set[str]()
    for index, component in enumerate(declared.components):
        for field, message in _component_contradictions(component, known, earlier):
            yield ("components", index, field), message
        earlier.add(component.id)
    yield from _unknown_ids(declared, ids)
    for index, edge in enumerate(declared.dependencies):
        if edge.source == edge.target:
            yield ("dependencies", index), f"`{edge.source}` cannot need itself; remove this dependency"
    yield from _uneven_groups(declared)


def _component_contradictions(component: DeclaredComponent, ids: frozenset[str], earlier: set[str]) -> Iterator[tuple[str, str]]:
    if component.id in earlier:
        yield "id", f"`{component.id}` is the id of an earlier component; ids are unique"
    if component.managed and component.replicas and component.replicas > 1 and len(component.regions) < 2:
        yield "managed", f"`{component.id}` is managed and has replicas: remove one of the two, or name the regions they stand in"
    if component.placement and component.replicas not in (None, len(component.placement)):
        yield (
            "placement",
            f"`{component.id}` places {len(component.placement)} copies and has {component.replicas} replicas; make them equal",
        )
    if component.mtbf_hours is not None and component.failures_per_year is not None:
        yield "mtbf_hours", f"`{component.id}` has mtbf_hours and failures_per_year; keep one"
    if component.mttr_hours is not None and component.repair_hours is not None:
        yield "mttr_hours", f"`{component.id}` has mttr_hours and repair_hours; keep one"
    carriers = [name for each in component.falls_with for name in ((each,) if isinstance(each, str) else each)]
    for field, named in (("data_of", component.data_of), *(("falls_with", carrier_of(name, ids)[0]) for name in carriers)):
        if named and (named not in ids or named == component.id):
            yield field, _no_such(named, sorted(ids - {component.id}))


def carrier_of(name: str, ids: Container[str]) -> tuple[str, int | None]:
    """`nodes#2` is copy 2 of nodes, `nodes` the component; an id that is written like the first wins.

    >>> carrier_of("nodes#2", {"nodes"}), carrier_of("nodes", {"nodes"})
    (('nodes', 2), ('nodes', None))
    """
    id, mark, index = name.rpartition("#")
    number = whole_number(index) if mark and name not in ids else None
    return (name, None) if number is None else (id, number)


def _unknown_ids(declared: Declared, ids: list[str]) -> Iterator[tuple[_Place, str]]:
    known = set(ids)
    for place, named in _named_ids(declared):
        if named not in known:
            yield place, _no_such(named, ids)


def _named_ids(declared: Declared) -> Iterator[tuple[_Place, str]]:
    for index, edge in enumerate(declared.dependencies):
        yield ("dependencies", index, "source"), edge.source
        yield ("dependencies", index, "target"), edge.target
    for index, service in enumerate(declared.external_services):
        yield from ((("external_services", index, "used_by", k), id) for k, id in enumerate(service.used_by))
    for index, agent in enumerate(declared.agents):
        yield ("agents", index, "id"), agent.id
        yield from ((("agents", index, "sources", k, "id"), source.id) for k, source in enumerate(agent.sources))
        yield from ((("agents", index, "upstream", k, "id"), feed.id) for k, feed in enumerate(agent.upstream))
    for index, entry in enumerate(declared.entry_points or ()):
        yield ("entry_points", index), entry.component or entry.id


def _no_such(named: str, ids: list[str]) -> str:
    near = get_close_matches(named, ids, 1, 0.5)
    return f"there is no component `{named}`; " + (f"did you mean `{near[0]}`?" if near else f"known are {', '.join(ids[:10])}")


def _uneven_groups(declared: Declared) -> Iterator[tuple[_Place, str]]:
    needed: dict[tuple[str, str], int] = {}
    for index, edge in enumerate(declared.dependencies):
        if edge.group and needed.setdefault((edge.source, edge.group), edge.group_needed) != edge.group_needed:
            yield ("dependencies", index), f"group `{edge.group}` of `{edge.source}` has two values of group_needed; make them equal"
