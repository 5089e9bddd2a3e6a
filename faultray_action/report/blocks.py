"""Markdown blocks that are taken or left whole: a comment is never cut inside a table or a fence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

COMMENT_BUDGET = 60_000
"""Characters and UTF-8 bytes of a comment; GitHub refuses more than 65,536."""
SUMMARY_BUDGET = 900 * 1024
"""Bytes of a job summary; GitHub refuses more than 1 MiB a step."""
_RESERVE = 200


class Block(Struct, frozen=True):
    """Lines that belong together. Lower `priority` stays longer; `shorter` are smaller forms to try."""

    lines: tuple[str, ...]
    priority: int
    shorter: tuple[tuple[str, ...], ...] = ()


def block(priority: int, lines: Iterable[str], *shorter: Iterable[str]) -> Block:
    return Block(tuple(lines), priority, tuple(tuple(form) for form in shorter))


def fit(blocks: Sequence[Block], budget: int) -> str:
    """The blocks in their order as one text of at most `budget` characters and UTF-8 bytes; the rest is counted in a last line."""
    left = budget - _RESERVE
    chosen: dict[int, tuple[str, ...]] = {}
    for at in sorted(range(len(blocks)), key=lambda at: (blocks[at].priority, at)):
        for form in (blocks[at].lines, *blocks[at].shorter):
            cost = _cost(form)
            if cost <= left:
                chosen[at] = form
                left -= cost
                break
    parts = ["\n".join(chosen[at]) for at in sorted(chosen) if chosen[at]]
    omitted = sum(1 for at, one in enumerate(blocks) if one.lines and at not in chosen)
    if omitted:
        parts.append(f"… and {omitted} more {'section' if omitted == 1 else 'sections'} in the job summary")
    return "\n\n".join(parts) + "\n"


def _cost(lines: Sequence[str]) -> int:
    text = "\n".join(lines)
    return len(text.encode("utf-8", "replace")) + 2


def table(header: Sequence[str], align: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table; `align` has one of `:--`, `--:`, `:-:` a column. Cells must be quoted already and hold no line break."""
    return [_row(header), "|" + "|".join(align) + "|", *(_row(row) for row in rows)]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def details(summary: str, lines: Iterable[str]) -> list[str]:
    """A folded part. `summary` is HTML; blank lines around the content let Markdown work inside."""
    return ["<details>", f"<summary>{summary}</summary>", "", *lines, "", "</details>"]


def alert(kind: str, lines: Iterable[str]) -> list[str]:
    """A GitHub alert: CAUTION, WARNING, NOTE."""
    return [f"> [!{kind}]", *(f"> {line}" if line else ">" for line in lines)]
