"""What a piece of code refers to, found without parsing it: local values are many, and only their references matter."""

from __future__ import annotations

import re
from collections.abc import Iterator

from faultray_action.terraform.hcl.scanner import code_of

_REFERENCE = re.compile(r'(?<![\w.\-])([^\W\d][\w-]*)((?:\.[^\W\d][\w-]*|\[(?:\d+|"(?:[^"\\]|\\.)*")\]|\.\d+(?![\w.]))*)')
_LOOP = re.compile(r"\bfor\s+([^\W\d][\w-]*)(?:\s*,\s*([^\W\d][\w-]*))?\s+in\b")
_SHORT_INDEX = re.compile(r"\.(\d+)$")
_OF_THE_RUN = frozenset({"path", "terraform", "self", "each", "count"})


def references_in(text: str) -> tuple[str, ...]:
    """References in a value, each once, as Terraform's plan writes them: up to a splat or the first index that has to be computed.

    What belongs to the run itself (`path`, `terraform`, `each`, `count`, `self`) and the variables of `for` are none.

    >>> references_in('[for s in aws_subnet.private[*].id : "${s.x}-${var.name}" if module.net["a"].on]')
    ('aws_subnet.private', 'var.name', 'module.net["a"].on')
    """
    code = "".join(code_of(text))
    hidden = _OF_THE_RUN.union(name for names in _LOOP.findall(code) for name in names if name)
    return tuple(dict.fromkeys(_found(code, hidden)))


def _found(code: str, hidden: frozenset[str]) -> Iterator[str]:
    for root, steps in _REFERENCE.findall(code):
        if steps and root not in hidden:
            yield root + _SHORT_INDEX.sub(r"[\1]", steps)
