"""Whose policy file counts: that of the branch a change goes to, that of the working copy, or none.

A pull request carries a policy file of its own. If that one decided, a change could waive itself; so the base branch's does, and what the
own one says otherwise is told.
"""

from __future__ import annotations

import os
import posixpath
from datetime import date
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from faultray_action.model.diagnostic import Diagnostic, Severity
from faultray_action.model.errors import ConfigError, FaultrayError
from faultray_action.model.files import HeldFile
from faultray_action.model.policy import PolicyDocument, PolicyFrom

MAX_CATALOGUE_BYTES = 10_000_000
_CAN_BE_READ = "give `github-token` `contents: read`, or say `policy-from: head` or `none` in the workflow"


class Base(Protocol):
    """The branch that a change goes to. `name` is what people call it; `compared`: the working copy holds the change's own version."""

    @property
    def name(self) -> str: ...

    @property
    def compared(self) -> bool: ...

    def covers(self, path: str) -> bool:
        """Whether a file of the working copy belongs to the change at all, and not to a working copy of another repository."""
        ...

    def read(self, path: str, token: str, most_bytes: int) -> bytes | None:
        """The content at the base, None where the file is not there; ConfigError where it is no file of the repository, FaultrayError where
        nobody can say."""
        ...


class Asked(Struct, frozen=True):
    """What the settings say about the file: its path as written, whether somebody named it (and where), whose version, and the token."""

    path: str
    named_at: str
    whose: PolicyFrom
    token: str = ""


class Chosen(Struct, frozen=True):
    """`catalogue`: the files that the policy names where they come from the base; None: they are those of the working copy."""

    document: PolicyDocument = PolicyDocument()
    catalogue: tuple[HeldFile, ...] | None = None
    whose: str = ""
    """" of the base branch" where it is, for the origins that reports show."""
    diagnostics: tuple[Diagnostic, ...] = ()


def choose(asked: Asked, today: date, base: Base | None) -> Chosen:
    """The policy that counts. Raises ConfigError for every mistake in it, and where the version that must count cannot be read."""
    if asked.whose is PolicyFrom.NONE:
        return Chosen()
    if asked.whose is PolicyFrom.HEAD or base is None or not base.covers(asked.path):
        own = _of_working_copy(asked, today, must_exist=True)
        return Chosen(own or PolicyDocument(), diagnostics=() if own else _misnamed(asked))
    return _of_base(asked, today, base)


def _of_working_copy(asked: Asked, today: date, *, must_exist: bool) -> PolicyDocument | None:
    """None where there is no such file; only the default one may be absent."""
    path = Path(asked.path)
    if os.path.lexists(path):
        from faultray_action.policy import read_policy_file  # pydantic and yaml cost start-up, and most runs on a laptop have no policy

        return read_policy_file(path, today)
    if asked.named_at and must_exist:
        raise _missing(asked)
    return None


def _missing(asked: Asked) -> ConfigError:
    return ConfigError(f"{asked.path} does not exist: {asked.named_at} must name the policy file")


def _misnamed(asked: Asked) -> tuple[Diagnostic, ...]:
    path = Path(asked.path)
    other = path.with_suffix(".yaml")
    if path.suffix == other.suffix or not other.is_file():
        return ()
    return (Diagnostic(Severity.WARNING, "policy-not-read", f"{other} is not read: call it {path}.", file=str(other)),)


def _of_base(asked: Asked, today: date, base: Base) -> Chosen:
    own = _of_working_copy(asked, today, must_exist=False) if base.compared else None
    try:
        content = base.read(asked.path, asked.token, MAX_CATALOGUE_BYTES)
    except ConfigError:
        raise
    except FaultrayError as error:
        return _without_base(asked, own, base, error)
    if content is None:
        return _not_there_yet(asked, own, base)
    document = _parsed(content, asked, today, base)
    held = tuple(_catalogue_file(asked, name, base) for name in document.policy.catalogue)
    notes = _notes(asked, document, own, base, held) if base.compared else ()
    return Chosen(document, held, " of the base branch", notes)


def _without_base(asked: Asked, own: PolicyDocument | None, base: Base, error: FaultrayError) -> Chosen:
    """Where nobody can say what the base's file says, the change's own never takes its place."""
    if own is not None or not base.compared:
        raise ConfigError(f"the version of {asked.path} on {base.name} cannot be read ({error}): {_CAN_BE_READ}") from error
    message = (
        f"Whether {base.name} has a {asked.path} is not known ({error}): inputs and defaults alone decided. "
        f"To have its limits, {_CAN_BE_READ}."
    )
    return Chosen(catalogue=(), diagnostics=(Diagnostic(Severity.WARNING, "policy-unknown", message),))


def _not_there_yet(asked: Asked, own: PolicyDocument | None, base: Base) -> Chosen:
    if own is None:
        if asked.named_at:
            raise _missing(asked)
        return Chosen(catalogue=(), diagnostics=_misnamed(asked) if base.compared else ())
    changes = _changes(PolicyDocument(), own)
    message = f"{asked.path} is not on {base.name} yet: inputs and defaults alone decided.{changes}"
    return Chosen(catalogue=(), diagnostics=(_note(asked, message),))


def _parsed(content: bytes, asked: Asked, today: date, base: Base) -> PolicyDocument:
    from faultray_action.policy import read_policy

    try:
        return read_policy(content, asked.path, today)
    except ConfigError as error:
        raise ConfigError(f"the policy file on {base.name} is wrong, mend it there: {error}") from error


def _catalogue_file(asked: Asked, name: str, base: Base) -> HeldFile:
    path = beside(asked.path, name)
    try:
        content = base.read(path, asked.token, MAX_CATALOGUE_BYTES)
    except ConfigError:
        raise
    except FaultrayError as error:
        raise ConfigError(f"catalogue {path} on {base.name} cannot be read ({error}): {_CAN_BE_READ}") from error
    if content is None:
        raise ConfigError(f"{asked.path} on {base.name} names the catalogue {path}, which is not there; correct `catalogue:` there")
    return HeldFile(path, content)


def beside(config: str, name: str) -> str:
    """A catalogue file by its path; relative ones are relative to the policy file.

    >>> beside("infra/.faultray.yml", "../types.yaml"), beside(".faultray.yml", "infra/types.yaml")
    ('types.yaml', 'infra/types.yaml')
    """
    return posixpath.normpath(posixpath.join(Path(config).parent.as_posix(), name))


def _notes(
    asked: Asked, document: PolicyDocument, own: PolicyDocument | None, base: Base, held: tuple[HeldFile, ...]
) -> tuple[Diagnostic, ...]:
    """What the change's own version would change once it is merged."""
    if own is None:
        return (_note(asked, f"This change removes {asked.path}; that of {base.name} decided."),)
    edited = [file.name for file in held if _edited(file)]
    changes = _changes(document, own, edited)
    return (_note(asked, f"This change edits {asked.path}; that of {base.name} decided.{changes}"),) if changes else ()


def _edited(file: HeldFile) -> bool:
    path = Path(file.name)
    try:
        return path.is_file() and path.stat().st_size <= MAX_CATALOGUE_BYTES and path.read_bytes() != file.content
    except OSError:
        return True


def _changes(old: PolicyDocument, new: PolicyDocument, edited: list[str] | None = None) -> str:
    from faultray_action.policy_changes import told_changes

    told = [*told_changes(old, new), *(f"edits the catalogue `{name}`" for name in edited or ())]
    return f" Once it is merged: {'; '.join(told)}." if told else ""


def _note(asked: Asked, message: str) -> Diagnostic:
    return Diagnostic(Severity.NOTICE, "policy-changes", message, file=asked.path)
