"""A scanner for HCL that knows strings, templates, heredocs and comments, and finds blocks and attributes without parsing expressions.

It never fails: text that is no HCL is skipped line by line, and what never closes ends where the text ends. Positions are offsets into the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_STRING = r'"(?:[^"\\$%\n]++|\\.|\$\$\{|%%\{|[$%](?!\{))*+"'
_COMMENT = r"#[^\n]*+|//[^\n]*+|/\*(?s:.)*?\*/"
_WORD = r"[^\W\d][\w-]*+"
_BLANK = re.compile(rf"(?:[\s\ufeff]++|{_COMMENT})*+")
_HEADER = re.compile(rf'({_WORD})((?:[ \t]*+(?:"(?:[^"\\\n]|\\.)*+"|{_WORD}))*+)[ \t]*+(?:(\{{)|=(?![=>]))')
_LABEL = re.compile(rf'"((?:[^"\\\n]|\\.)*+)"|({_WORD})')
_HEREDOC = re.compile(rf"<<-?({_WORD})[ \t]*\r?\n")
_TEXT = re.compile(r'(?:[^"\\$%\n]++|\\.|\$\$\{|%%\{|[$%](?!\{))*+')
_CODE = re.compile(rf'(?:[^"#/<{{}}]++|{_STRING}|{_COMMENT}|/(?![/*])|<(?!<))*+')
"""Everything up to the next brace, or to what needs a closer look."""
_LINE = re.compile(rf'(?:[^"#/<{{}}()\[\]\n]++|{_STRING}|/\*(?s:.)*?\*/|/(?![/*])|<(?!<))*+')
_PLAIN = re.compile(r'(?:[^"#/<{}]++|/(?![/*])|<(?!<))*+')
_COMMENTED = re.compile(r"/\*(?s:.)*?\*/")
_TEMPLATE = re.compile(r"\$\$\{|%%\{|[$%]\{")
_OPENING, _CLOSING = "{[(", "}])"


class Written(NamedTuple):
    """A block or an attribute as it stands in a text: `start` to `end` (behind its last character); `inside` is where its body or value begins."""

    name: str
    labels: tuple[str, ...]
    start: int
    end: int
    inside: int
    is_block: bool

    @property
    def body_end(self) -> int:
        """Where the body of a block ends: before its closing brace."""
        return max(self.inside, self.end - 1)


def scan(text: str, start: int = 0, end: int | None = None) -> Iterator[Written]:
    """Blocks and attributes of one body: of a whole file, or of what stands between two offsets.

    >>> [(w.name, w.labels, w.is_block) for w in scan('resource "aws_lb" "a" { name = "}" }')]
    [('resource', ('aws_lb', 'a'), True)]
    """
    limit = len(text) if end is None else end
    position = _skip_blank(text, start, limit)
    while position < limit:
        header = _HEADER.match(text, position, limit)
        if header is None:
            position = max(position + 1, _end_of_line(text, position, limit))
        else:
            is_block = header.group(3) is not None
            inside = header.end()
            stop = _closing(text, inside, limit) if is_block else _end_of_value(text, inside, limit)
            yield Written(header.group(1), _labels(header.group(2)), position, stop, inside, is_block)
            position = stop
        position = _skip_blank(text, position, limit)


def code_of(text: str) -> Iterator[str]:
    """The code in a piece of text: without comments and the words of strings and heredocs, but with the code of their templates, and with the
    plain keys in brackets. Pieces that do not touch in the text are set apart."""
    stack: list[str] = []
    position, end = 0, len(text)
    while position < end:
        start, position = position, _match_end(_PLAIN, text, position, end)
        yield text[start:position]
        if position >= end:
            return
        start, position = position, _piece_end(text, position, end, stack)
        yield from _code_in(text, start, position)


def _piece_end(text: str, position: int, end: int, stack: list[str]) -> int:
    if text.startswith(("#", "//"), position):
        return _find(text, "\n", position, end)
    comment = _COMMENTED.match(text, position, end)
    return comment.end() if comment else max(position + 1, _step(text, position, end, stack))


def _code_in(text: str, start: int, end: int) -> Iterator[str]:
    """Of a string in brackets itself, of a heredoc its templates, of all else that is no plain code nothing."""
    piece = text[start:end]
    if piece.startswith("<<"):
        yield from _templates(piece)
    is_key = piece.startswith('"') and text[start - 1 : start] == "[" and text[end : end + 1] == "]"
    yield piece if is_key else " "


def _templates(heredoc: str) -> Iterator[str]:
    position = 0
    while found := _TEMPLATE.search(heredoc, position):
        position = found.end()
        if len(found.group()) == 2:
            stop = _closing(heredoc, position, len(heredoc))
            yield " "
            yield from code_of(heredoc[position : stop - 1])
            position = stop


def _match_end(pattern: re.Pattern[str], text: str, position: int, end: int) -> int:
    found = pattern.match(text, position, end)
    return found.end() if found else position


def _labels(text: str) -> tuple[str, ...]:
    return tuple(quoted or word for quoted, word in _LABEL.findall(text))


def _skip_blank(text: str, position: int, end: int) -> int:
    return _match_end(_BLANK, text, position, end)


def _closing(text: str, position: int, end: int) -> int:
    """Behind the brace that closes the block whose body begins at `position`."""
    stack = ["{"]
    while stack:
        position = _match_end(_CODE, text, position, end)
        if position >= end:
            return end
        position = _step(text, position, end, stack)
    return position


def _end_of_value(text: str, position: int, end: int) -> int:
    """Behind the last character of the value that begins at `position`."""
    stop = _end_of_line(text, position, end)
    return position + len(text[position:stop].rstrip())


def _end_of_line(text: str, position: int, end: int) -> int:
    """The end of the line that matters: newlines within brackets and heredocs do not end it, a comment and a foreign closing bracket do."""
    stack: list[str] = []
    while True:
        position = _match_end(_LINE, text, position, end)
        if position >= end:
            return end
        char = text[position]
        if not stack and (char in _CLOSING or char == "\n" or text.startswith(("#", "//"), position)):
            return position
        if char == "\n":
            position += 1
        elif char == "#" or text.startswith("//", position):
            position = _find(text, "\n", position, end)
        elif char == "<" and not stack:
            heredoc = _heredoc_end(text, position, end)
            if text[position + 1 : heredoc].count("\n"):
                return heredoc
            position = heredoc
        else:
            position = _step(text, position, end, stack)


def _step(text: str, position: int, end: int, stack: list[str]) -> int:
    """Over one bracket, string with templates, heredoc or unfinished comment. `"` on the stack: a template, behind which its string goes on."""
    char = text[position]
    if char in _OPENING:
        stack.append(char)
        return position + 1
    if char in _CLOSING:
        return _string_end(text, position + 1, end, stack) if stack and stack.pop() == '"' else position + 1
    if char == '"':
        return _string_end(text, position + 1, end, stack)
    if char == "<":
        return _heredoc_end(text, position, end)
    return end


def _string_end(text: str, position: int, end: int, stack: list[str]) -> int:
    """Behind the string, or behind the `${` of a template in it; a string that never closes ends with its line."""
    position = _match_end(_TEXT, text, position, end)
    if text.startswith('"', position, end):
        return position + 1
    if text.startswith(("${", "%{"), position, end):
        stack.append('"')
        return position + 2
    return position


def _heredoc_end(text: str, position: int, end: int) -> int:
    """Behind the closing marker, or the end where it never comes (as for Terraform); `<<` that begins no heredoc is two characters."""
    opening = _HEREDOC.match(text, position, end)
    if opening is None:
        return min(position + 2, end)
    closing = re.compile(rf"^[ \t]*{re.escape(opening.group(1))}(?=[ \t]*\r?$)", re.MULTILINE).search(text, opening.end() - 1, end)
    return closing.end() if closing else end


def _find(text: str, wanted: str, position: int, end: int) -> int:
    found = text.find(wanted, position, end)
    return end if found < 0 else found
