"""A plan with some of its changes taken back: what attribution and the way back to green ask about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

from msgspec.structs import replace

from faultray_action.model.change import Action
from faultray_action.terraform.plan import Link, LinkKind, Links, Plan, Resource

Edit = tuple[str, str]
"""(address, attribute path); an empty path takes the whole change of that resource back."""


def put_back(plan: Plan, edits: Iterable[Edit]) -> Plan:
    """The plan as if those attributes were left as they are: created resources stay away, deleted ones stay.

    Attribute paths are dotted, without list indices, as `attributes.changes` names them. Edits that name nothing change nothing.
    """
    by_address: dict[str, list[str]] = {}
    for address, path in edits:
        by_address.setdefault(address, []).append(path)
    resources = tuple(_restored(r, by_address[r.address]) if r.address in by_address and not r.deposed else r for r in plan.resources)
    return replace(plan, resources=resources)


def _restored(resource: Resource, paths: list[str]) -> Resource:
    if "" in paths or resource.before is None or resource.after is None:
        return replace(resource, after=resource.before, action=Action.NO_OP)
    after: Any = deepcopy(dict(resource.after))
    for path in paths:
        _restore(after, resource.before, path.split("."))
    return replace(resource, after=after)


def _restore(after: Any, before: Any, path: list[str]) -> None:
    """Set the value at the path to what it was; through lists of equal length element by element, else the list as a whole."""
    if isinstance(after, list) and isinstance(before, list):
        for mine, theirs in zip(after, before, strict=False):
            _restore(mine, theirs, path)
        return
    if not isinstance(after, dict) or not isinstance(before, Mapping):
        return
    key, rest = path[0], path[1:]
    inner, earlier = after.get(key), before.get(key)
    deeper = isinstance(inner, dict) or (isinstance(inner, list) and isinstance(earlier, list) and len(inner) == len(earlier))
    if rest and deeper:
        _restore(inner, earlier, rest)
    else:
        after[key] = deepcopy(earlier)


def put_back_links(before: Links, after: Links, plan: Plan, edits: Iterable[Edit]) -> Links:
    """The links of AFTER for a plan that `put_back` made: what was put back refers to what it referred to before.

    `plan` is the plan as put back. A resource that stays away neither refers nor is referred to; one that stays is referred to by whatever
    referred to it before and still exists.
    """
    paths: dict[str, list[str]] = {}
    for address, path in edits:
        paths.setdefault(address, []).append(path)
    standing = {r.address for r in plan.resources if r.after is not None}
    untouched = [link for link in after.links if link.source not in paths and link.target not in paths]
    kept = [link for link in after.links if (link.source in paths or link.target in paths) and not _is_put_back(link, paths)]
    earlier = [link for link in before.links if _is_put_back(link, paths) or (link.target in paths and "" in paths[link.target])]
    joined = {_place(link): link for link in (*untouched, *(k for k in (*kept, *earlier) if k.source in standing and k.target in standing))}
    return Links(tuple(joined[key] for key in sorted(joined)), after.unresolved)


def _place(link: Link) -> tuple[str, str, str, str, LinkKind]:
    return link.source, link.path, link.target, link.attribute, link.kind


def _is_put_back(link: Link, paths: Mapping[str, list[str]]) -> bool:
    return link.source in paths and any(not path or link.path == path or link.path.startswith(path + ".") for path in paths[link.source])
