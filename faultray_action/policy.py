"""`.faultray.yml`: read at the door, every mistake named with file, line and the nearest right word."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

from msgspec import Struct
from pydantic import BaseModel, ValidationError

from faultray_action.model.component import Recovery
from faultray_action.model.errors import ConfigError
from faultray_action.model.files import read_file
from faultray_action.model.nearest import nearest
from faultray_action.model.policy import DeclaredEntry, DeclaredNeed, Override, Place, Policy, PolicyDocument, RateOverride, Waiver
from faultray_action.model.topology import Role
from faultray_action.policy_schema import (
    MAX_WAIVER_DAYS,
    EntrySection,
    GatesSection,
    NeedSection,
    OperationsSection,
    OverrideSection,
    PolicyFile,
    RateSection,
    WaivableClass,
    WaiverSection,
)
from faultray_action.yaml_text import Route, YamlError, YamlTree, read_yaml

MAX_FILE_BYTES = 1024 * 1024
MAX_VALUES = 50_000
"""More than any policy needs; what aliases of aliases unfold to is counted too."""
MAX_ERRORS_TOLD = 5
_FILE_SETTINGS = ("mode", "comment_mode", "comment_when", "annotations", "check_name", "summary", "slo")


def read_policy_file(path: Path, today: date) -> PolicyDocument:
    """The policy in a file of the working copy. Raises ConfigError, also for what is no regular file or too large for a policy."""
    return read_policy(read_file(path, MAX_FILE_BYTES, ConfigError, "name a policy file like docs/policy.md shows"), str(path), today)


def read_policy(content: bytes, file: str, today: date) -> PolicyDocument:
    """The policy of a file's content. Raises ConfigError with `file:line` for everything that is wrong, up to five at once."""
    if len(content) > MAX_FILE_BYTES:
        raise ConfigError(f"{file} has {len(content):,} bytes: a policy may have {MAX_FILE_BYTES:,}")
    try:
        tree = read_yaml(content, MAX_VALUES)
    except YamlError as error:
        raise ConfigError(error.at(file)) from error
    if tree.value is None:
        return PolicyDocument()
    if not isinstance(tree.value, dict):
        raise ConfigError(f"{file}:1: must be a mapping of keys such as `gates:` and `waivers:`")
    where = _Lines(file, tree)
    try:
        parsed = PolicyFile.model_validate(tree.value)
    except ValidationError as error:
        raise ConfigError(_told(error, where)) from error
    return PolicyDocument(_policy(parsed, where, today), _settings(parsed, where))


class _Lines(Struct, frozen=True):
    """Where each value of the file stands."""

    file: str
    tree: YamlTree

    def place(self, *route: str | int) -> Place:
        """Of the value, or of the nearest thing around it that is written down."""
        return Place(self.file, self.tree.line(route))

    def written(self, route: Route) -> Route:
        """A validator's location without the steps of its own that the file does not have."""
        return self.tree.written(route)


def _told(error: ValidationError, where: _Lines) -> str:
    """All that is wrong in the order of the file, one sentence each, up to five."""
    told = sorted({_one_told(problem, where) for problem in error.errors(include_url=False)})
    rest = [f"and {len(told) - MAX_ERRORS_TOLD} more"] if len(told) > MAX_ERRORS_TOLD else []
    return "; ".join([f"{place}: {message}" for place, message in told[:MAX_ERRORS_TOLD]] + rest)


def _one_told(problem: Any, where: _Lines) -> tuple[Place, str]:
    location: Route = tuple(problem["loc"])
    if problem["type"] == "extra_forbidden":
        key, section = str(location[-1]), location[:-1]
        inside = f" in `{_dotted(section)}`" if section else ""
        return where.place(*location), f"unknown key `{key}`{inside}{nearest(key, _keys(section)) or _choices(_keys(section))}"
    if problem["type"] == "missing":
        return where.place(*location), f"`{_dotted(location[:-1])}` needs `{location[-1]}`"
    route = where.written(location)
    return where.place(*route), f"`{_dotted(route)}` {_wording(problem, route)}"


def _wording(problem: Any, route: Route) -> str:
    message = str(problem["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    message = message[:1].lower() + message[1:]
    if problem["type"] == "string_type" and not isinstance(problem["input"], dict | list):
        return "must be text: put it in quotes"
    if problem["type"] == "literal_error" and route and route[-1] == "class":
        return f"is no class of a finding{nearest(str(problem['input']), get_args(WaivableClass)) or _choices(get_args(WaivableClass))}"
    return message


def _choices(known: Iterable[str]) -> str:
    return f": known are {', '.join(sorted(known))}"


def _dotted(route: Route) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in route)
    return text.removeprefix(".") or "the file"


def _keys(section: Route) -> list[str]:
    return [known.alias or name for name, known in _section_at(section).model_fields.items()]


def _section_at(section: Route) -> type[BaseModel]:
    match section:
        case ("gates",):
            return GatesSection
        case ("operations",):
            return OperationsSection
        case ("entry_points", _):
            return EntrySection
        case ("overrides", _):
            return OverrideSection
        case ("overrides", _, "needs", _):
            return NeedSection
        case ("rates", _):
            return RateSection
        case ("waivers", _):
            return WaiverSection
        case _:
            return PolicyFile


def _policy(parsed: PolicyFile, where: _Lines, today: date) -> Policy:
    operations = parsed.operations.model_dump(exclude_none=True) if parsed.operations else {}
    return Policy(
        entry_points=tuple(
            DeclaredEntry(entry.address, entry.weight, entry.label, where.place("entry_points", position))
            for position, entry in enumerate(parsed.entry_points)
        ),
        overrides=tuple(_override(pattern, section, where) for pattern, section in parsed.overrides.items()),
        data_weights=tuple(parsed.data_weights.items()),
        rates=tuple(
            RateOverride(id, rate.failures_per_year, rate.repair_hours, rate.value, where.place("rates", id))
            for id, rate in parsed.rates.items()
        ),
        sla_percent=MappingProxyType(dict(parsed.sla)),
        operations=MappingProxyType({name: float(value) for name, value in operations.items()}),
        catalogue=tuple(parsed.catalogue),
        waivers=tuple(_waiver(section, where.place("waivers", position), today) for position, section in enumerate(parsed.waivers)),
        places=MappingProxyType({pattern: where.place("data_weights", pattern) for pattern in parsed.data_weights}),
    )


def _override(pattern: str, section: OverrideSection, where: _Lines) -> Override:
    place = where.place("overrides", pattern)
    if section.copies is not None and section.needed is not None and section.needed > section.copies + (section.copies_elsewhere or 0):
        raise ConfigError(f"{place}: `{pattern}` needs {section.needed} of {section.copies} copies: it could never serve")
    return Override(
        pattern=pattern,
        copies=section.copies,
        needed=section.needed,
        copies_elsewhere=section.copies_elsewhere,
        zones=tuple(section.zones),
        entry_point=section.entry_point,
        needs=tuple(_need(need) for need in section.needs),
        ignored_needs=tuple(section.ignored_needs),
        failures_per_year=section.failures_per_year,
        repair_hours=section.repair_hours,
        recovery=Recovery(section.recovery) if section.recovery else None,
        sla_percent=section.sla,
        protected=section.protected,
        place=place,
    )


def _need(need: NeedSection) -> DeclaredNeed:
    return DeclaredNeed(need.target, Role(need.role), need.group, need.group_needed, need.breaker, need.fallback, need.buffer_seconds)


def _waiver(section: WaiverSection, place: Place, today: date) -> Waiver:
    fingerprint, address, finding_class = _identity(section, place)
    if section.since and section.since > today:
        raise ConfigError(f"{place}: the waiver's `since` {section.since} lies in the future: today is {today} (UTC)")
    start = section.since or today
    last = start + timedelta(days=MAX_WAIVER_DAYS)
    if section.expiry > last:
        raise ConfigError(f"{place}: the waiver may last {MAX_WAIVER_DAYS} days: `expiry` {section.expiry} must be {last} or earlier")
    if not section.reason.strip():
        raise ConfigError(f"{place}: the waiver needs a `reason` that a reader can judge")
    return Waiver(section.reason.strip(), section.expiry, fingerprint, address, finding_class, section.owner, section.since, place)


def _identity(section: WaiverSection, place: Place) -> tuple[str, str, str]:
    """(fingerprint, address, class) of an id, or of address and class."""
    if bool(section.id) == bool(section.address):
        raise ConfigError(
            f"{place}: the waiver needs either an `id` (the finding's fingerprint) or an `address`, with a `class` where it has several"
        )
    if section.address:
        return "", section.address, section.finding_class or ""
    if section.finding_class:
        raise ConfigError(f"{place}: the waiver has an `id`: a `class` goes with an `address` only")
    if all(char in "0123456789abcdef" for char in section.id.lower()):
        if len(section.id) < 8:
            raise ConfigError(f"{place}: `{section.id}` is too short for a fingerprint: give 8 characters or more")
        return section.id.lower(), "", ""
    address, _, last = section.id.rpartition(" ")
    if address and last in get_args(WaivableClass):
        return "", address.strip(), last
    if "." in last:
        return "", section.id.strip(), ""
    raise ConfigError(f"{place}: `{section.id}` is neither a fingerprint nor ADDRESS CLASS{nearest(last, get_args(WaivableClass))}")


def _settings(parsed: PolicyFile, where: _Lines) -> Mapping[str, tuple[str, Place]]:
    """What the file says about inputs of the action, in an input's own form."""
    gates = parsed.gates.model_dump(exclude_none=True) if parsed.gates else {}
    found = {_input(name): (_text(value), where.place("gates", name)) for name, value in gates.items()}
    for name in (*_FILE_SETTINGS, "unknowns"):
        value = getattr(parsed, name)
        if value is not None:
            found[_input(name)] = (_text(value), where.place(name))
    return MappingProxyType(found)


def _input(name: str) -> str:
    return name.replace("_", "-")


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value).removesuffix(".0")
