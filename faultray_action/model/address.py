"""Terraform addresses as a type that parses and prints itself: ``str(Address.parse(text)) == text``."""

from __future__ import annotations

import json
import re

from msgspec import Struct

from faultray_action.model.text import whole_number

Index = int | str | None

_LABEL = re.compile(r"([^.\[\]\"\s:]+):(?=[^\s:])")
_NAME = re.compile(r"[^.\[\]\"\s]+")


def format_index(index: Index) -> str:
    if index is None:
        return ""
    return f"[{index}]" if isinstance(index, int) else f"[{json.dumps(index, ensure_ascii=False)}]"


class ModuleStep(Struct, frozen=True):
    """One ``module.NAME[INDEX]`` of a module path."""

    name: str
    index: Index = None

    def __str__(self) -> str:
        return f"module.{self.name}{format_index(self.index)}"


class Address(Struct, frozen=True):
    """``module.a["x"].data.aws_vpc.main[0]``; index keys may hold dots, quotes, brackets: the parser never splits on dots.

    `plan` is the label of a plan, written in front with a colon (``envs/prod:aws_vpc.main``), where several plans hold one address.
    """

    module: tuple[ModuleStep, ...]
    type: str
    name: str
    index: Index = None
    data: bool = False
    plan: str = ""

    def __str__(self) -> str:
        own = self._within_plan()
        return f"{self.plan}:{own}" if self.plan else own

    def _within_plan(self) -> str:
        steps = [str(step) for step in self.module]
        if self.data:
            steps.append("data")
        steps += [self.type, self.name + format_index(self.index)]
        return ".".join(steps)

    @property
    def module_address(self) -> str:
        return ".".join(str(step) for step in self.module)

    @property
    def resource(self) -> str:
        """The address without its own index: all of its instances together."""
        return str(Address(self.module, self.type, self.name, None, self.data, self.plan))

    @classmethod
    def parse(cls, text: str) -> Address:
        """Raises ValueError where the text is no resource address."""
        label = _LABEL.match(text)
        plan = label.group(1) if label else ""
        tokens = tuple(_tokens(text[label.end() :] if label else text))
        module: list[ModuleStep] = []
        position = 0
        while position + 1 < len(tokens) and tokens[position] == ("module", None):
            name, index = tokens[position + 1]
            module.append(ModuleStep(name, index))
            position += 2
        rest = tokens[position:]
        data = len(rest) == 3 and rest[0] == ("data", None)
        if data:
            rest = rest[1:]
        if len(rest) != 2 or rest[0][1] is not None:
            raise ValueError(f"not a resource address: {text}")
        return cls(tuple(module), rest[0][0], rest[1][0], rest[1][1], data, plan)


def _tokens(text: str) -> list[tuple[str, Index]]:
    found: list[tuple[str, Index]] = []
    position = 0
    while True:
        match = _NAME.match(text, position)
        if not match:
            raise ValueError(f"not a resource address: {text}")
        position = match.end()
        index: Index = None
        if text[position : position + 1] == "[":
            index, position = _index(text, position)
        found.append((match.group(), index))
        if position == len(text):
            return found
        if text[position] != ".":
            raise ValueError(f"not a resource address: {text}")
        position += 1


def _index(text: str, start: int) -> tuple[int | str, int]:
    if text[start + 1 : start + 2] == '"':
        end = start + 2
        while end < len(text) and text[end] != '"':
            end += 2 if text[end] == "\\" else 1
        try:
            value = json.loads(text[start + 1 : end + 1], strict=False)
        except json.JSONDecodeError as error:
            raise ValueError(f"not a resource address: {text}") from error
        end += 1
        if text[end : end + 1] != "]":
            raise ValueError(f"not a resource address: {text}")
        return str(value), end + 1
    end = text.find("]", start)
    number = whole_number(text[start + 1 : end]) if end > start else None
    if number is None:
        raise ValueError(f"not a resource address: {text}")
    return number, end + 1


def type_of(address: str) -> str:
    """The type of a resource by its address; text that is no Terraform address stays as it is."""
    try:
        return Address.parse(address).type
    except ValueError:
        return address


def without_index(address: str) -> str:
    """The address of the resource that an instance belongs to; text that is no Terraform address stays as it is."""
    if not address.endswith("]"):
        return address
    try:
        return Address.parse(address).resource
    except ValueError:
        return address
