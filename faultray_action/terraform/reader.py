"""The door: plan files in, one frozen Plan out, or one sentence that says why not and what to do."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from faultray_action.model.diagnostic import Diagnostic, Severity
from faultray_action.model.errors import InputError
from faultray_action.model.files import read_file
from faultray_action.model.text import well_formed, whole_number
from faultray_action.terraform.envelope import SHOW, starts, unwrap_text
from faultray_action.terraform.instances import PlannedDocument, count_changes, read_resources
from faultray_action.terraform.plan import Plan, Resource
from faultray_action.terraform.regions import Providers
from faultray_action.terraform.schema import PlanDocument
from faultray_action.terraform.tree import share_modules

MAX_BYTES = 512 * 1024 * 1024
"""A plan larger than this is refused."""
SUPPORTED_MAJOR = 1
"""`format_version` 0.1 to 1.x is read; Terraform promises that a new minor version only adds."""

_TRAILING = re.compile(r"trailing characters \(byte (\d+)\)")
_STDIN = "-"
_LONGEST_VERSION = 9
Document = TypeVar("Document")


@contextmanager
def paused_collector() -> Iterator[None]:
    """No garbage collection while millions of containers are made that all live on: it would only walk them again and again."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


@contextmanager
def lasting() -> Iterator[None]:
    """As `paused_collector`, for what lives as long as the process: no later collection walks it either."""
    with paused_collector():
        yield
        gc.freeze()


def read(paths: Sequence[Path], *, stdin: bytes | None = None) -> Plan:
    """Read one or more plan files into one Plan; the path `-` stands for `stdin`. Raises InputError."""
    if not paths:
        raise InputError(f"No plan was given: {SHOW}.")
    plans = [decode(read_bytes(path, stdin=stdin), well_formed(str(path))) for path in paths]
    return plans[0] if len(plans) == 1 else merge(plans)


def read_bytes(path: Path, *, stdin: bytes | None = None) -> bytes:
    """The bytes of a file within the size limit. Raises InputError."""
    if str(path) == _STDIN:
        if stdin is None:
            raise InputError("Nothing was piped in for `-`: pass the path of the plan JSON.")
        return _within_limit(stdin, "standard input")
    try:
        if path.is_dir():
            raise InputError(f"{path} is a directory: pass the path of the plan JSON in it.")
        size = path.stat().st_size
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist: {SHOW}.") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({type(error).__name__}): check the path and its permissions.") from error
    if size > MAX_BYTES:
        raise InputError(f"{path} has {size} bytes, more than the limit of {MAX_BYTES}: split the plan into smaller root modules.")
    return read_file(path, MAX_BYTES, InputError, "pass the path of the plan JSON, or pipe it in as `-`.")


def _within_limit(data: bytes, name: str) -> bytes:
    if len(data) > MAX_BYTES:
        raise InputError(f"{name} has {len(data)} bytes, more than the limit of {MAX_BYTES}: split the plan into smaller root modules.")
    return data


def decode(data: bytes, name: str) -> Plan:
    """One plan from its bytes. `name` is what messages call it. Raises InputError."""
    with lasting():
        try:
            return _decode(unwrap_text(data, name), name)
        except RecursionError as error:
            raise InputError(f"{name} is nested deeper than any plan of Terraform: {SHOW}.") from error


def _decode(text: bytes, name: str) -> Plan:
    document, text = decode_document(text, name, PlanDocument)
    _refuse(document, name)
    only_planned = not document.resource_changes and memoryview(document.planned_values).nbytes > 0
    planned = parse(text, name, PlannedDocument) if only_planned else None
    configuration = document.configuration or {}
    share_modules(configuration)
    variables = {key: variable.value for key, variable in (document.variables or {}).items()}
    reading = read_resources(document, planned, Providers(configuration, variables), name)
    missing = reading.unmentioned
    return Plan(
        path=name,
        format_version=document.format_version or "",
        terraform_version=document.terraform_version or (document.prior_state and document.prior_state.terraform_version) or "",
        resources=tuple(reading.resources),
        drift=tuple(reading.drift),
        configuration=(configuration,),
        state_dependencies=MappingProxyType(reading.dependencies),
        complete=document.complete is not False and not (missing and document.resource_changes),
        deferred=len(document.deferred_changes or ()),
        has_state=bool(reading.dependencies) or any(resource.before is not None for resource in reading.resources if not resource.data),
        counts=MappingProxyType(count_changes(reading.resources)),
        diagnostics=tuple(_diagnose(document, name, missing)),
    )


def _diagnose(document: PlanDocument, name: str, missing: int) -> Iterator[Diagnostic]:
    minor = re.fullmatch(r"1\.([0-9]+)", document.format_version or "1.0")
    number = whole_number(minor.group(1)) if minor else 0
    if minor and (number is None or number > 2):
        yield Diagnostic(
            Severity.NOTICE, "plan-format-newer", f"{name} has format_version 1.{minor.group(1)[:20]}; what is newer than 1.2 is not read."
        )
    if document.complete is False:
        yield Diagnostic(
            Severity.WARNING,
            "plan-partial",
            f"{name} is a partial plan (-target, or deferred changes): what it leaves out is judged as it stands.",
        )
    elif missing and document.resource_changes:
        yield Diagnostic(
            Severity.WARNING,
            "plan-partial",
            f"{name} leaves out {missing} resources of the state (-target?): they are judged as they stand.",
        )
    if document.deferred_changes:
        yield Diagnostic(
            Severity.WARNING,
            "plan-deferred",
            f"{name} defers {len(document.deferred_changes)} changes to a later plan: they are not judged.",
        )


def decode_document(text: bytes, name: str, kind: type[Document]) -> tuple[Document, bytes]:
    """The JSON object in a text that may have a wrapper's lines around it, and its bytes. Raises InputError."""
    if b'"@level"' in text[:4096]:
        raise InputError(f"{name} is the log of `terraform plan -json`, not a plan: {SHOW}.")
    failure: InputError | None = None
    for offset in starts(text):
        whole = text[offset:] if offset else text
        try:
            try:
                return parse(whole, name, kind), whole
            except _Trailing as tail:
                whole = whole[: tail.end]
                return parse(whole, name, kind), whole
        except InputError as error:
            failure = failure or error
    raise failure or InputError(f"{name} is not JSON: {SHOW}.")


class _Trailing(InputError):
    """The JSON object ends at byte `end`, and what follows is no second object: the log of a wrapper."""

    def __init__(self, message: str, end: int) -> None:
        super().__init__(message)
        self.end = end


def parse(text: bytes, name: str, kind: type[Document]) -> Document:
    """Typed JSON. Raises InputError; the sentence never quotes a value of the file."""
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.ValidationError as error:
        raise InputError(f"{name} is not what Terraform writes ({_one_line(error)}): {SHOW}.") from error
    except msgspec.DecodeError as error:
        if "truncated" in str(error):
            raise InputError(f"{name} is cut off in the middle of the JSON: upload it again, or {SHOW}.") from error
        message = f"{name} is not valid JSON ({_one_line(error)}): {SHOW}."
        tail = _TRAILING.search(str(error))
        end = int(tail.group(1)) - 1 if tail else 0  # the decoder counts from one
        if tail and text[end : end + 1] != b"{":
            raise _Trailing(message, end) from error
        raise InputError(message) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is not valid UTF-8 (byte {error.start}): {SHOW}.") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _refuse(document: PlanDocument, name: str) -> None:
    planned = (document.resource_changes, document.configuration, document.applyable)
    is_plan = any(part is not None for part in planned) or memoryview(document.planned_values).nbytes > 0
    if document.version is not None and not is_plan:
        raise InputError(f"{name} is a Terraform state, not a plan: use `faultray tf-import`, or {SHOW}.")
    if memoryview(document.values).nbytes and not is_plan:
        raise InputError(f"{name} is the JSON of a state, not of a plan: use `faultray tf-import`, or {SHOW}.")
    if not is_plan:
        raise InputError(f"{name} is JSON but no Terraform plan: {SHOW}.")
    _check_version(document.format_version, name)
    if document.errored:
        raise InputError(f"{name} is the plan of a run that failed (`errored`): fix what `terraform plan` reports and plan again.")


def _check_version(version: str | None, name: str) -> None:
    """An absent version is tolerated: some producers drop it."""
    if version is None:
        return
    major = re.match(r"([0-9]+)(\.[0-9]+)*$", version)
    if major is None:
        raise InputError(f"{name} has a format_version that is no version: {SHOW}.")
    if (whole_number(major.group(1)) or 0) > SUPPORTED_MAJOR or len(major.group(1)) > _LONGEST_VERSION:
        raise InputError(f"{name} has format_version {major.group(0)[:20]}, newer than {SUPPORTED_MAJOR}.x: update FaultRay.")


def merge(plans: Sequence[Plan]) -> Plan:
    """Several plans as one. An address that more than one plan holds gets the prefix `LABEL:` (from the path) in each of them."""
    seen: dict[str, int] = {}
    for plan in plans:
        for address in {resource.address for resource in plan.resources}:
            seen[address] = seen.get(address, 0) + 1
    labels = _labels([plan.path for plan in plans])
    renamed = [_labelled(plan, ordinal, labels[ordinal], seen) for ordinal, plan in enumerate(plans)]
    counts: dict[str, int] = {}
    for plan in plans:
        for action, count in plan.counts.items():
            counts[action] = counts.get(action, 0) + count
    return Plan(
        path=", ".join(plan.path for plan in plans),
        format_version=plans[0].format_version,
        terraform_version=plans[0].terraform_version,
        resources=tuple(sorted((r for plan in renamed for r in plan.resources), key=lambda r: (r.address, r.deposed))),
        drift=tuple(sorted((r for plan in renamed for r in plan.drift), key=lambda r: (r.address, r.deposed))),
        configuration=tuple(configuration for plan in plans for configuration in plan.configuration),
        state_dependencies=MappingProxyType({k: v for plan in renamed for k, v in plan.state_dependencies.items()}),
        complete=all(plan.complete for plan in plans),
        deferred=sum(plan.deferred for plan in plans),
        has_state=any(plan.has_state for plan in plans),
        counts=MappingProxyType(counts),
        diagnostics=tuple(diagnostic for plan in plans for diagnostic in plan.diagnostics),
    )


def _labels(paths: Sequence[str]) -> list[str]:
    """The shortest distinct tails of the paths' folders and file names, free of characters that an address uses."""
    parts = [tuple(re.sub(r"[.\[\]\"\s:]+", "_", part) for part in Path(path).with_suffix("").parts) for path in paths]
    for length in range(1, max(map(len, parts)) + 1):
        tails = ["/".join(part[-length:]) for part in parts]
        if len(set(tails)) == len(tails):
            return tails
    return [f"{'/'.join(part)}#{ordinal + 1}" for ordinal, part in enumerate(parts)]


def _labelled(plan: Plan, ordinal: int, label: str, seen: Mapping[str, int]) -> Plan:
    def name(address: str) -> str:
        return f"{label}:{address}" if seen.get(address, 0) > 1 else address

    def label_one(resource: Resource) -> Resource:
        return replace(resource, address=name(resource.address), plan=ordinal)

    dependencies: dict[str, Any] = {name(key): value for key, value in plan.state_dependencies.items()}
    return replace(
        plan,
        resources=tuple(map(label_one, plan.resources)),
        drift=tuple(map(label_one, plan.drift)),
        state_dependencies=MappingProxyType(dependencies),
    )
