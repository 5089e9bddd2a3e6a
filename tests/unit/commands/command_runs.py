"""Runs commands as a user does, in this process: what was printed, what was complained of, how it ended."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import patch

from msgspec import Struct

from faultray_action import cli

ROOT = Path(__file__).parents[3]
PLAN = ROOT / "fixtures" / "rds-multi-az-off" / "plan.json"
CUT = ROOT / "fixtures" / "firewall-rule-cut" / "plan.json"
FILES = ROOT / "tests" / "golden" / "commands"
ORDER = FILES / "infra.yaml"
STATE = FILES / "terraform.tfstate"
SHARED = ROOT.parent / "shared"


class Ran(Struct, frozen=True):
    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


class _Piped(io.StringIO):
    """Standard input with the bytes behind it."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data.decode("utf-8", "replace"))
        self.buffer = io.BytesIO(data)


def run(*arguments: object, stdin: bytes = b"") -> Ran:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), patch("sys.stdin", _Piped(stdin)):
        code = cli.run([str(argument) for argument in arguments])
    return Ran(code, out.getvalue(), err.getvalue())
