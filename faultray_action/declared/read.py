"""Reads `infra.yaml` (or its JSON form): every error names file, line and the nearest right key."""

from __future__ import annotations

import types
from collections.abc import Container, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from faultray_action.declared.schema import Declared, DeclaredComponent
from faultray_action.model.errors import InputError
from faultray_action.model.files import read_file
from faultray_action.model.text import whole_number
from faultray_action.yaml_text import Route, YamlError, YamlTree, read_yaml

DEMO = Path(__file__).parent / "demo.yaml"
"""The system that `faultray demo` shows."""

MAX_BYTES = 20_000_000
MAX_VALUES = 1_000_000


def read_infra(path: Path) -> Declared:
    """Raises InputError: unreadable, too large, no YAML, or not in the schema."""
    content = read_file(path, MAX_BYTES, InputError, "check the path, and describe one system a file")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no UTF-8 text; save it as UTF-8") from error
    return parse_infra(text, str(path))


def parse_infra(text: str, name: str) -> Declared:
    """The same from a text; `name` stands in the messages."""
    tree = _tree(text, name)
    if not isinstance(tree.value, dict):
        raise InputError(f"{name}: this is no mapping with `components`; see `faultray schema infra`")
    try:
        declared = Declared.model_validate(tree.value)
    except ValidationError as error:
        raise InputError(_wording(error, tree, name)) from error
    for place, message in _contradictions(declared):
        raise InputError(f"{name}:{tree.line(place)}: {message}")
    return declared


def _tree(text: str, name: str) -> YamlTree:
    try:
        tree = read_yaml(text, MAX_VALUES)
    except YamlError as error:
        raise InputError(f"{error.at(name)}; docs/infra.md shows how such a file is written") from error
    if tree.value is None:
        raise InputError(f"{name} is empty; write `components:` with at least one component")
    return tree


def _wording(error: ValidationError, tree: YamlTree, name: str) -> str:
    problems = sorted(error.errors(include_url=False), key=lambda each: (each["type"] != "extra_forbidden", tree.line(each["loc"])))
    first = problems[0]
    more = f" ({len(problems) - 1} more)" if len(problems) > 1 else ""
    place = first["loc"]
    return f"{name}:{tree.line(place)}: {_problem(str(first['type']), place, str(first['msg']), first.get('input'))}{more}"


def _problem(kind: str, place: Route, message: str, found: object) -> str:
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


def _spoken(place: Route) -> str:
    """`components[2].zones`; the names of union branches that pydantic puts in are left out."""
    said = ""
    for part in place:
        if isinstance(part, int):
            said += f"[{part}]"
        elif part.isidentifier() and part not in _BRANCHES:
            said += f".{part}" if said else part
    return f"`{said or 'the file'}`"


_BRANCHES = frozenset({"bool", "float", "int", "str", "tuple", "constrained-int"})


def _keys_at(place: Route) -> list[str]:
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


def _contradictions(declared: Declared) -> Iterator[tuple[Route, str]]:
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


def _unknown_ids(declared: Declared, ids: list[str]) -> Iterator[tuple[Route, str]]:
    known = set(ids)
    for place, named in _named_ids(declared):
        if named not in known:
            yield place, _no_such(named, ids)


def _named_ids(declared: Declared) -> Iterator[tuple[Route, str]]:
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


def _uneven_groups(declared: Declared) -> Iterator[tuple[Route, str]]:
    needed: dict[tuple[str, str], int] = {}
    for index, edge in enumerate(declared.dependencies):
        if edge.group and needed.setdefault((edge.source, edge.group), edge.group_needed) != edge.group_needed:
            yield ("dependencies", index), f"group `{edge.group}` of `{edge.source}` has two values of group_needed; make them equal"
