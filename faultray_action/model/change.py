"""What a plan does to one resource."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Action(StrEnum):
    """The actions of a plan; the two kinds of replacement differ in order, and the order decides an outage while applying."""

    NO_OP = "no-op"
    CREATE = "create"
    READ = "read"
    UPDATE = "update"
    DELETE = "delete"
    FORGET = "forget"
    DESTROY_FIRST = "delete-create"
    CREATE_FIRST = "create-delete"

    @property
    def replaces(self) -> bool:
        return self in (Action.DESTROY_FIRST, Action.CREATE_FIRST)


Printable = str | int | float | bool | None
"""What may be printed of an allow-listed structural attribute."""


class AttributeChange(Struct, frozen=True):
    """One changed structural attribute. `before` and `after` are printable only because the catalogue allow-lists the attribute.

    `attribute` is a dotted path without list indices, or "" where the resource itself is created or deleted (then `action` says it).
    `unknown_after` marks a value that Terraform knows only after apply. `forced_by`: names of the attributes that force a replacement.
    """

    address: str
    attribute: str
    before: Printable
    after: Printable
    action: Action = Action.UPDATE
    unknown_after: bool = False
    forced_by: tuple[str, ...] = ()

    @property
    def takes_away(self) -> bool:
        """Whether nothing is left: of the instance, or of a value that stood there."""
        if self.attribute == "":
            return self.action in (Action.DELETE, Action.FORGET)
        return self.before is not None and self.after is None and not self.unknown_after
