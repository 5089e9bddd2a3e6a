"""Which provider configuration, and so which region, a resource belongs to."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from faultray_action.terraform.plan import Resource
from faultray_action.terraform.tree import ModulePath, find_call, module_path, walk_modules

_ARN = re.compile(r"arn:[a-z-]+:[a-z0-9-]*:([a-z]{2}(?:-[a-z]+)+-\d)?:")
_AWS_ZONE = re.compile(r"([a-z]{2}(?:-[a-z]+)+-\d)[a-z]$")
_GOOGLE_ZONE = re.compile(r"([a-z]+-[a-z]+\d+)-[a-z]$")
_GOOGLE_PART = re.compile(r"/regions/([a-z0-9-]+)(?:/|$)")
_MAX_HOPS = 16


def with_regions(resources: Sequence[Resource], configuration: Mapping[str, Any], variables: Mapping[str, msgspec.Raw]) -> list[Resource]:
    """The resources with `provider_config` and `region` filled in.

    Region: the resource's own values first, then its provider configuration (a constant, or a variable of this plan), then the region that most
    resources of the same provider configuration show in their values; "" where none tells.
    """
    keys = {
        (path, row.get("mode") == "data", row.get("type"), row.get("name")): _absolute_key(row.get("provider_config_key"), path)
        for path, module in walk_modules(configuration)
        for row in module.get("resources") or ()
        if isinstance(row, dict)
    }
    configured = _configured_regions(configuration, variables)
    paths: dict[str, ModulePath] = {}
    rows = []
    for resource in resources:
        path = paths.get(resource.module)
        if path is None:
            path = paths[resource.module] = module_path(resource.module)
        key = keys.get((path, resource.data, resource.type, resource.name)) or resource.provider
        rows.append((resource, key, own_region(resource)))
    shown = _majorities((key, region) for _, key, region in rows)
    found = []
    for resource, key, own in rows:
        fallback = _inherited(key, configured) or shown.get(key, "")
        found.append(replace(resource, provider_config=key, region=own or fallback))
    return found


def _majorities(rows: Iterator[tuple[str, str]]) -> dict[str, str]:
    counts: dict[str, Counter[str]] = {}
    for key, region in rows:
        if region:
            counts.setdefault(key, Counter())[region] += 1
    return {key: min(counter, key=lambda region: (-counter[region], region)) for key, counter in counts.items()}


def own_region(resource: Resource) -> str:
    """The region a resource's own values show: an attribute, its ARN, its zone, or a self link. Values before the change are asked where after is unknown."""
    for tree in (resource.after, resource.before):
        if tree:
            region = _region_of(tree)
            if region:
                return region
    return ""


def _region_of(tree: Mapping[str, Any]) -> str:
    for key in ("region", "location"):
        value = tree.get(key)
        if type(value) is str and value:
            place = value.rsplit("/", 1)[-1].replace(" ", "").lower()
            zone = _GOOGLE_ZONE.fullmatch(place)
            return zone.group(1) if zone else place
    arn = tree.get("arn")
    if type(arn) is str:
        match = _ARN.match(arn)
        if match and match.group(1):
            return match.group(1)
    return _region_of_zone(tree)


def _region_of_zone(tree: Mapping[str, Any]) -> str:
    for key, pattern in (("availability_zone", _AWS_ZONE), ("zone", _GOOGLE_ZONE), ("self_link", _GOOGLE_PART)):
        value = tree.get(key)
        if type(value) is str:
            match = pattern.search(value)
            if match:
                return match.group(1)
    return ""


def _absolute_key(key: Any, path: ModulePath) -> str:
    """Older formats write "child:aws" for a configuration inside a module, newer ones "module.child:aws"."""
    text = key if isinstance(key, str) else ""
    if ":" in text and not text.startswith("module.") and path:
        return ".".join(f"module.{name}" for name in path) + ":" + text.split(":", 1)[1]
    return text


def _inherited(key: str, configured: Mapping[str, str]) -> str:
    """The region of a provider configuration or of the nearest one of that name in an enclosing module."""
    while True:
        if key in configured:
            return configured[key]
        if ":" not in key:
            return ""
        module, name = key.split(":", 1)
        key = f"{module.rsplit('.module.', 1)[0]}:{name}" if ".module." in module else name


def _configured_regions(configuration: Mapping[str, Any], variables: Mapping[str, msgspec.Raw]) -> dict[str, str]:
    found: dict[str, str] = {}
    configs = configuration.get("provider_config")
    for key, row in sorted(configs.items()) if isinstance(configs, dict) else ():
        expressions = row.get("expressions") if isinstance(row, dict) else None
        if not isinstance(expressions, dict):
            continue
        path = module_path(str(row.get("module_address") or ""))
        region = _constant(configuration, path, expressions.get("region"), variables)
        if region:
            found[_absolute_key(key, path)] = region
    return found


def _constant(configuration: Mapping[str, Any], path: ModulePath, expression: Any, variables: Mapping[str, msgspec.Raw]) -> str:
    """A string that an expression evaluates to by constants and plain variables alone, else ""."""
    for _ in range(_MAX_HOPS):
        if not isinstance(expression, dict):
            return ""
        constant = expression.get("constant_value")
        if isinstance(constant, str):
            return constant
        names = {ref.split(".")[1] for ref in _references(expression) if ref.startswith("var.")}
        if len(names) != 1 or any(not ref.startswith("var.") for ref in _references(expression)):
            return ""
        name = names.pop()
        if not path:
            return _text(variables.get(name))
        call = find_call(configuration, path)
        expression = (call.get("expressions") or {}).get(name) if call else None
        path = path[:-1]
    return ""


def _references(expression: Mapping[str, Any]) -> list[str]:
    references = expression.get("references")
    return [ref for ref in references if isinstance(ref, str)] if isinstance(references, list) else []


def _text(raw: msgspec.Raw | None) -> str:
    if raw is None:
        return ""
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    return value if isinstance(value, str) else ""
