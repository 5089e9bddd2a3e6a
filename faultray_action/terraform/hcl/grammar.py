"""The grammar of python-hcl2, kept ready: building it takes over a second, reading python-hcl2's own cache 40 ms, reading this one 10 ms.

The kept parser is a pickle beside this module, written by `warm_grammar` when an image is built or by the first run that may write there. It is
only ever read from there: whoever could change it could change this program as well.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import re
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import hcl2.parser
import hcl2.version
import lark
from lark import Lark, Tree
from lark.exceptions import LarkError
from lark.lexer import Token
from lark.parsers.lalr_analysis import Action, Reduce, Shift

from faultray_action.terraform.reader import paused_collector

Node = Tree[Token]
_FOLDER = Path(__file__).parent
_BROKEN = (OSError, EOFError, pickle.UnpicklingError, AttributeError, ImportError, IndexError, KeyError, TypeError, ValueError)
"""What reading a cut, foreign or outdated pickle may raise."""
_SINGLES = {"re": re, "shift": Shift, "reduce": Reduce}
"""What the parser compares by identity, or what has no pickle."""


def parse_text(text: str) -> Node | None:
    """The tree of python-hcl2 for a text, with positions; None where it cannot read the text."""
    try:
        return _parser().parse(text + "\n")
    except (LarkError, RecursionError):
        return None


def warm_grammar() -> Path | None:
    """Build the grammar and keep it for later runs; the file that holds it, or None where it may not be written."""
    path = _kept()
    path.unlink(missing_ok=True)
    return _keep(_build(), path)


def _kept() -> Path:
    """Another version of Python or of the parsers is another file."""
    mark = "-".join([*map(str, sys.version_info[:3]), lark.__version__, hcl2.version.__version__])
    return _FOLDER / f".grammar-{hashlib.sha256(mark.encode()).hexdigest()[:12]}.bin"


@cache
def _parser() -> Lark:
    with paused_collector():
        path = _kept()
        known = _read(path)
        if known is None:
            known = _build()
            _keep(known, path)
        return known


def _build() -> Lark:
    parser = hcl2.parser.parser()
    assert isinstance(parser, Lark)
    return parser


def _read(path: Path) -> Lark | None:
    try:
        parser = _Unpickler(io.BytesIO(path.read_bytes())).load()
    except _BROKEN:
        return None
    if not isinstance(parser, Lark):
        return None
    callbacks = parser._callbacks
    parser._prepare_callbacks()
    callbacks.update(parser._callbacks)
    return parser


def _keep(parser: Lark, path: Path) -> Path | None:
    """Written under another name first: a run beside this one never reads half a file."""
    buffer = io.BytesIO()
    part = path.with_suffix(f".{hashlib.sha256(str(id(buffer)).encode()).hexdigest()[:8]}")
    try:
        _Pickler(buffer, parser._callbacks).dump(parser)
        part.write_bytes(buffer.getvalue())
        part.replace(path)
    except (OSError, pickle.PicklingError, TypeError, AttributeError, StopIteration):
        return None
    return path


class _Pickler(pickle.Pickler):
    """Modules by name; the callbacks, which are functions made on the way, are left out and made anew."""

    def __init__(self, file: io.BytesIO, callbacks: Any) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self._callbacks = callbacks

    def persistent_id(self, item: Any) -> str | None:
        if item is self._callbacks:
            return "callbacks"
        if isinstance(item, (ModuleType, Action)):
            return next(name for name, single in _SINGLES.items() if single is item)
        return None


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self._callbacks: dict[Any, Any] = {}

    def persistent_load(self, name: str) -> Any:
        return self._callbacks if name == "callbacks" else _SINGLES[name]
