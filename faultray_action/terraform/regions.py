"""Which provider configuration, and so which region, a resource belongs to."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from faultray_action.terraform.plan import Resource
from faultray_action.terraform.tree import ModulePath, find_call, mapping, module_path, references_of, rows_of, walk_modules

_ARN = re.compile(r"arn:[a-z-]+:[a-z0-9-]*:([a-z]{2}(?:-[a-z]+)+-\d)?:")
_AWS_ZONE = re.compile(r"([a-z]{2}(?:-[a-z]+)+-\d)[a-z]$")
_GOOGLE_ZONE = re.compile(r"([a-z]+-[a-z]+\d+)-[a-z]$")
_GOOGLE_PART = re.compile(r"/regions/([a-z0-9-]+)(?:/|$)")
_MAX_HOPS = 16
_PLACING = frozenset({"region", "location", "zone"})
"""Attributes by which a resource says where it stands, whatever its provider is set to."""


class Providers:
    """Provider configurations of one plan, and the region of each where a constant or a variable of this plan tells it."""

    def __init__(self, configuration: Mapping[str, Any], variables: Mapping[str, msgspec.Raw]) -> None:
        self._keys = {
            (path, row.get("mode") == "data", row["type"], row["name"]): _absolute_key(row.get("provider_config_key"), path)
            for path, module in walk_modules(configuration)
            for row in rows_of(module)
        }
        self._placed = {
            (path, row.get("mode") == "data", row["type"], row["name"])
            for path, module in walk_modules(configuration)
            for row in rows_of(module)
            if not _PLACING.isdisjoint(mapping(row.get("expressions")))
        }
        self._own = _configured_regions(configuration, variables)
        self._regions = dict(self._own)
        self._paths: dict[str, ModulePath] = {}

    def key(self, module: str, data: bool, kind: str, name: str, provider: str) -> str:
        """The provider configuration that a resource of a module instance uses; the provider's own name where the plan does not say."""
        return self._keys.get((self._path(module), data, kind, name)) or provider

    def stated(self, module: str, data: bool, kind: str, name: str) -> str:
        """The region of the very configuration that a resource uses where it writes no place of its own; "" where the plan does not say.

        It decides before what the values show: an ARN may be a copy of somebody else's, the configuration is where Terraform goes.
        """
        at = (self._path(module), data, kind, name)
        return "" if at in self._placed else self._own.get(self._keys.get(at, ""), "")

    def _path(self, module: str) -> ModulePath:
        path = self._paths.get(module)
        if path is None:
            path = self._paths[module] = module_path(module)
        return path

    def of(
        self, module: str, data: bool, kind: str, name: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, key: str
    ) -> str:
        """The region of a resource: the one that it states or stands in, that of an alias that it was given on purpose, the one in its ARN,
        else that of its provider configuration or of the one around it. One of a module that the configuration has no more may have used any
        of them: "" where it does not show its own."""
        shown = own_region(before, after, kind)
        if module and self._keys and (self._path(module), data, kind, name) not in self._keys:
            return shown or arn_region(before, after)
        chosen = self._own.get(key, "") if "." in key.rpartition(":")[2] else ""
        return self.stated(module, data, kind, name) or shown or chosen or arn_region(before, after) or self.region(key)

    def region(self, key: str) -> str:
        """The region of a provider configuration or of the nearest one of that name in an enclosing module."""
        asked = key
        while key not in self._regions and ":" in key:
            module, name = key.split(":", 1)
            key = f"{module.rsplit('.module.', 1)[0]}:{name}" if ".module." in module else name
        found = self._regions[asked] = self._regions.get(key, "")
        return found


def with_shown_regions(resources: Sequence[Resource]) -> list[Resource]:
    """Resources without a region get the one that most resources of their module show, else of their provider configuration."""
    if all(resource.region for resource in resources):
        return list(resources)
    of_module, of_key = (_shown(resources, by) for by in (lambda resource: resource.module, lambda resource: resource.provider_config))
    return [
        resource
        if resource.region
        else replace(resource, region=(resource.module and of_module.get(resource.module)) or of_key.get(resource.provider_config, ""))
        for resource in resources
    ]


def _shown(resources: Sequence[Resource], by: Callable[[Resource], str]) -> dict[str, str]:
    counts: dict[str, Counter[str]] = {}
    for resource in resources:
        if resource.region:
            counts.setdefault(by(resource), Counter())[resource.region] += 1
    return {key: min(counter, key=lambda region: (-counter[region], region)) for key, counter in counts.items()}


def own_region(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, kind: str = "") -> str:
    """The region that a resource's own values show: an attribute, its zone, or a self link; values before where those after do not tell."""
    keys = ("region",) if kind.startswith("aws_") else ("region", "location")  # a line's location is a building
    found = _region_of(after, keys) if after else ""
    return found or (_region_of(before, keys) if before and before is not after else "")


def arn_region(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
    """The region in a resource's ARN, which may be its id, after or before, "" where neither tells one."""
    for tree in (after, before):
        for arn in (tree.get("arn"), tree.get("id")) if tree else ():
            match = _ARN.match(arn) if type(arn) is str else None
            if match and match.group(1):
                return match.group(1)
    return ""


def _region_of(tree: Mapping[str, Any], keys: Sequence[str]) -> str:
    for key in keys:
        value = tree.get(key)
        if type(value) is str and value:
            place = value.rsplit("/", 1)[-1].replace(" ", "").lower()
            zone = _GOOGLE_ZONE.fullmatch(place)
            return zone.group(1) if zone else place
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


def _configured_regions(configuration: Mapping[str, Any], variables: Mapping[str, msgspec.Raw]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, row in sorted(mapping(configuration.get("provider_config")).items()):
        path = module_path(str(mapping(row).get("module_address") or ""))
        region = _constant(configuration, path, mapping(mapping(row).get("expressions")).get("region"), variables)
        if region:
            found[_absolute_key(key, path)] = region
    return found


def _constant(configuration: Mapping[str, Any], path: ModulePath, expression: Any, variables: Mapping[str, msgspec.Raw]) -> str:
    """A string that an expression evaluates to by constants and plain variables alone, else ""."""
    for _ in range(_MAX_HOPS):
        constant = mapping(expression).get("constant_value")
        if isinstance(constant, str):
            return constant
        references = references_of(expression) or []
        names = {text.split(".")[1] for text in references if text.startswith("var.")}
        if len(names) != 1 or any(not text.startswith("var.") for text in references):
            return ""
        name = names.pop()
        if not path:
            return _text(variables.get(name))
        expression = mapping(find_call(configuration, path).get("expressions")).get(name)
        path = path[:-1]
    return ""


def _text(raw: msgspec.Raw | None) -> str:
    if raw is None:
        return ""
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    return value if isinstance(value, str) else ""
