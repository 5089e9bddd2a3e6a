"""Edits of a plan's JSON: the plan as it stands, defects planted into what it leaves, and rewritings that mean the same."""

from __future__ import annotations

import copy
import gzip
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Json = dict[str, Any]
SCENARIOS = Path(__file__).parent / "scenarios"


def stored(name: str) -> Json:
    """The plan of a labelled scenario."""
    return dict(json.loads(gzip.decompress((SCENARIOS / name / "plan.json.gz").read_bytes())))


def as_it_stands(plan: Json) -> Json:
    """The same plan without its change: everything is left as it was."""
    plan = copy.deepcopy(plan)
    plan["resource_changes"] = [row for row in plan["resource_changes"] if row["mode"] == "data" or row["change"]["before"] is not None]
    for row in plan["resource_changes"]:
        if row["mode"] != "data":
            row["change"] |= {"after": copy.deepcopy(row["change"]["before"]), "actions": ["no-op"], "after_unknown": {}}
            for key in ("replace_paths",):
                row["change"].pop(key, None)
            row.pop("previous_address", None)
            row.pop("action_reason", None)
    return plan


class Edited:
    """A plan that is changed step by step; every method returns the plan itself."""

    def __init__(self, plan: Json) -> None:
        self.plan = as_it_stands(plan)

    def row(self, address: str) -> Json:
        return next(dict_row for dict_row in self.plan["resource_changes"] if dict_row["address"] == address)

    def set(self, address: str, path: str, value: Any) -> Edited:
        change = self.row(address)["change"]
        tree: Any = change["after"]
        steps = [int(step) if step.isdigit() else step for step in path.split(".")]
        for step in steps[:-1]:
            tree = tree[step]
        tree[steps[-1]] = value
        change["actions"] = ["update"] if change["actions"] == ["no-op"] else change["actions"]
        for row in self._configured(address):
            if len(steps) == 1 and steps[0] in row.get("expressions", {}):
                row["expressions"][steps[0]] = {"constant_value": value}
        return self

    def delete(self, *addresses: str) -> Edited:
        for address in addresses:
            self.row(address)["change"] |= {"after": None, "actions": ["delete"]}
        for address in addresses:
            block = _block(address)
            if not any(_block(r["address"]) == block and r["change"]["after"] is not None for r in self.plan["resource_changes"]):
                module, gone = self._module(address), self._configured(address)
                module["resources"] = [row for row in module.get("resources", []) if row not in gone]
        return self

    def replace(self, address: str, *, create_first: bool = False) -> Edited:
        self.row(address)["change"]["actions"] = ["create", "delete"] if create_first else ["delete", "create"]
        return self

    def swapped(self) -> Edited:
        """Before and after exchanged: what was lost is gained."""
        for row in self.plan["resource_changes"]:
            change = row["change"]
            if change["actions"] == ["update"]:
                change["before"], change["after"] = change["after"], change["before"]
        return self

    def _module(self, address: str) -> Json:
        module: Json = self.plan["configuration"]["root_module"]
        steps = _steps(address)
        while steps[0] == "module":
            module = module["module_calls"][steps[1]]["module"]
            steps = steps[2:]
        return module

    def _configured(self, address: str) -> list[Json]:
        kind, name = _steps(address)[-2:]
        return [row for row in self._module(address).get("resources", []) if (row["type"], row["name"]) == (kind, name)]


def _block(address: str) -> str:
    return re.sub(r"\[[^\]]*\]$", "", address)


def _steps(address: str) -> list[str]:
    return [re.sub(r"\[.*?\]", "", step) for step in re.findall(r"(?:[^.\[]|\[[^\]]*\])+", address)]


def _objects(tree: Any) -> Iterator[Json]:
    stack = [tree]
    while stack:
        here = stack.pop()
        if isinstance(here, dict):
            yield here
            stack += here.values()
        elif isinstance(here, list):
            stack += here


def _texts(tree: Any, rewrite: Callable[[str], str]) -> Any:
    if isinstance(tree, str):
        return rewrite(tree)
    if isinstance(tree, list):
        return [_texts(item, rewrite) for item in tree]
    return {key: _texts(value, rewrite) for key, value in tree.items()} if isinstance(tree, dict) else tree


_ADDRESSES = ("address", "previous_address", "module_address", "depends_on", "references")


def _readdressed(plan: Json, rewrite: Callable[[str], str]) -> Json:
    """Addresses and references rewritten wherever they stand; attribute values stay."""
    plan = copy.deepcopy(plan)
    for row in _objects(plan):
        for key in _ADDRESSES:
            if isinstance(row.get(key), (str, list)):
                row[key] = _texts(row[key], rewrite)
    return plan


def renamed(plan: Json, suffix: str = "_renamed") -> tuple[Json, Callable[[str], str]]:
    """Every managed resource under another name, and the function from new addresses to old ones."""
    names = {(row["type"], row["name"]) for row in plan["resource_changes"] if row["mode"] == "managed"}
    pattern = re.compile(r"\b(" + "|".join(sorted(re.escape(f"{kind}.{name}") for kind, name in names)) + r")\b")
    plan = _readdressed(plan, lambda text: pattern.sub(lambda found: found.group(1) + suffix, text))
    for row in _objects(plan):
        if row.get("mode") == "managed" and (row.get("type"), row.get("name")) in names:
            row["name"] += suffix
    return plan, lambda address: address.replace(suffix, "")


def reordered(plan: Json) -> Json:
    """Resources listed the other way round."""
    plan = copy.deepcopy(plan)
    plan["resource_changes"].reverse()
    for row in _objects(plan):
        if isinstance(row.get("resources"), list):
            row["resources"].reverse()
    return plan


def tagged(plan: Json) -> Json:
    """One more tag on both sides of everything that has tags."""
    plan = copy.deepcopy(plan)
    for row in plan["resource_changes"]:
        for side in ("before", "after"):
            values = row["change"][side]
            for key in ("tags", "tags_all", "labels"):
                if isinstance(values, dict) and isinstance(values.get(key), dict):
                    values[key] = {**values[key], "cost-centre": "4711"}
    return plan


def with_unrelated_module(plan: Json) -> Json:
    """A module beside the system that nothing refers to and that has no way in."""
    plan = copy.deepcopy(plan)
    values = {
        "id": "unrelated-logs",
        "arn": "arn:aws:logs:eu-west-1:111122223333:log-group:unrelated",
        "name": "unrelated",
        "retention_in_days": 30,
    }
    plan["resource_changes"].append(
        {
            "address": "module.unrelated.aws_cloudwatch_log_group.this",
            "module_address": "module.unrelated",
            "mode": "managed",
            "type": "aws_cloudwatch_log_group",
            "name": "this",
            "provider_name": "registry.terraform.io/hashicorp/aws",
            "change": {"actions": ["no-op"], "before": values, "after": dict(values), "after_unknown": {}},
        }
    )
    return plan


def keyed(plan: Json) -> tuple[Json, Callable[[str], str]]:
    """`count` turned into `for_each` on both sides, and the function from new addresses to old ones."""
    counted = {_block(row["address"]) for row in plan["resource_changes"] if isinstance(row.get("index"), int) and row["mode"] == "managed"}
    names = {".".join(_steps(block)[-2:]) for block in counted}
    pattern = re.compile(r"\b(" + "|".join(sorted(map(re.escape, names))) + r")\[(\d+)\]")

    def rewrite(text: str) -> str:
        return pattern.sub(r'\1["k\2"]', text)

    plan = _readdressed(plan, rewrite) if names else copy.deepcopy(plan)
    for row in _objects(plan):
        if row.get("mode") == "managed" and isinstance(row.get("index"), int) and f"{row.get('type')}.{row.get('name')}" in names:
            row["index"] = f"k{row['index']}"
        if "count_expression" in row and f"{row.get('type')}.{row.get('name')}" in names:
            row["for_each_expression"] = row.pop("count_expression")
            row["expressions"] = _texts(row.get("expressions", {}), lambda text: "each.key" if text == "count.index" else text)
    return plan, lambda address: re.sub(r'\["k(\d+)"\]', r"[\1]", address)
