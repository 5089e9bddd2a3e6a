"""The nearest right word: what an error about a wrong one ends with."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str:
    """`: did you mean X?` for a word close to a known one, else nothing.

    >>> nearest("min_scor", ["min_score", "max_drop"])
    ': did you mean `min_score`?'
    """
    close = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return f": did you mean `{close[0]}`?" if close else ""
