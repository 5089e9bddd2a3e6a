"""A file at a commit, out of the objects that a checkout left: no Git is needed, and nothing that lies there is believed.

Every object is held against its name, which is the hash of its content. So the chain from the commit that the event names to the file is as
good as an answer of GitHub, whoever wrote into the folder. What is not there (a shallow clone), or is not what its name says, is not held.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import struct
import zlib
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

_KINDS = {1: b"commit", 2: b"tree", 3: b"blob"}
_BY_OFFSET, _BY_NAME = 6, 7
_FILES = (b"100644", b"100755")
_FOLDER = b"40000"
_NAME_BYTES = 20
_MOST_BYTES = 20_000_000
_LONGEST_CHAIN = 100
_BROKEN = (OSError, ValueError, IndexError, struct.error, zlib.error, RecursionError, OverflowError)
_INDEX_HEAD = b"\xfftOc\x00\x00\x00\x02"


class NotHeldError(Exception):
    """The objects of this checkout do not say it."""


class _Object(Struct, frozen=True):
    kind: bytes
    content: bytes


def file_at(top: Path, commit: str, path: str) -> bytes | None:
    """The content of a regular file of the working copy `top` at a commit (its full name), None where the commit has no such file.

    Raises NotHeldError where the objects are not all there, or where it is a link, a folder or a submodule.
    """
    try:
        return _file_at(top / ".git" / "objects", bytes.fromhex(commit), path)
    except _BROKEN as error:
        raise NotHeldError from error


def _file_at(store: Path, commit: bytes, path: str) -> bytes | None:
    if len(commit) != _NAME_BYTES:
        raise NotHeldError
    head = _read(store, commit, b"commit").partition(b"\n")[0]
    name = bytes.fromhex(head.removeprefix(b"tree ").decode("ascii"))
    *folders, last = os.fsencode(path).split(b"/")
    for folder in folders:
        found = _entry(_read(store, name, b"tree"), folder)
        if found is None:
            return None
        mode, name = found
        if mode != _FOLDER:
            raise NotHeldError
    found = _entry(_read(store, name, b"tree"), last)
    if found is None:
        return None
    mode, name = found
    if mode not in _FILES:
        raise NotHeldError
    return _read(store, name, b"blob")


def _entry(tree: bytes, name: bytes) -> tuple[bytes, bytes] | None:
    """Mode and object of one entry of a tree."""
    at = 0
    while at < len(tree):
        space, end = tree.index(b" ", at), tree.index(b"\x00", at)
        after = end + 1 + _NAME_BYTES
        if tree[space + 1 : end] == name:
            return tree[at:space], tree[end + 1 : after]
        at = after
    return None


def _read(store: Path, name: bytes, kind: bytes) -> bytes:
    """The content of an object that is what its name says."""
    found = _loose(store, name) or _packed(store, name, 0)
    if found is None or found.kind != kind:
        raise NotHeldError
    stated = b"%s %d\x00" % (found.kind, len(found.content))
    if hashlib.sha1(stated + found.content, usedforsecurity=False).digest() != name:
        raise NotHeldError
    return found.content


def _inflated(data: bytes | memoryview, most: int) -> bytes:
    """Decompressed, at most so many bytes."""
    content = zlib.decompressobj().decompress(data, most + 1)
    if len(content) > most:
        raise NotHeldError
    return content


def _loose(store: Path, name: bytes) -> _Object | None:
    text = name.hex()
    path = store / text[:2] / text[2:]
    if not path.is_file() or path.stat().st_size > _MOST_BYTES:
        return None
    head, _, content = _inflated(path.read_bytes(), _MOST_BYTES).partition(b"\x00")
    return _Object(head.partition(b" ")[0], content)


def _packed(store: Path, name: bytes, depth: int) -> _Object | None:
    for index in sorted((store / "pack").glob("*.idx")):
        offset = _offset(index, name)
        if offset is not None:
            with index.with_suffix(".pack").open("rb") as file, _mapped(file.fileno()) as pack:
                return _unpacked(store, pack, offset, depth)
    return None


def _mapped(descriptor: int) -> mmap.mmap:
    return mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)


class _Names:
    """The sorted names of an index, as a sequence that `bisect` can ask."""

    def __init__(self, index: mmap.mmap, count: int) -> None:
        self._index = index
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, at: int) -> bytes:
        start = 8 + 1024 + at * _NAME_BYTES
        return self._index[start : start + _NAME_BYTES]


def _offset(path: Path, name: bytes) -> int | None:
    """Where the object stands in the pack of this index (version 2)."""
    with path.open("rb") as file, _mapped(file.fileno()) as index:
        if index[:8] != _INDEX_HEAD:
            return None
        count = struct.unpack_from(">I", index, 8 + 1020)[0]
        names = _Names(index, count)
        at = bisect_left(names, name)
        if at >= count or names[at] != name:
            return None
        short = 8 + 1024 + count * (_NAME_BYTES + 4)
        offset: int = struct.unpack_from(">I", index, short + at * 4)[0]
        if offset < 1 << 31:
            return offset
        long = short + count * 4
        return int(struct.unpack_from(">Q", index, long + (offset - (1 << 31)) * 8)[0])


def _unpacked(store: Path, pack: mmap.mmap, offset: int, depth: int) -> _Object:
    if depth > _LONGEST_CHAIN:
        raise NotHeldError
    at = offset
    kind, size = pack[at] >> 4 & 7, pack[at] & 15
    shift = 4
    while pack[at] & 128:
        at += 1
        size |= (pack[at] & 127) << shift
        shift += 7
    at += 1
    if size > _MOST_BYTES:
        raise NotHeldError
    if kind in _KINDS:
        return _Object(_KINDS[kind], _at(pack, at, size))
    if kind == _BY_OFFSET:
        back, at = _back(pack, at)
        base: _Object | None = _unpacked(store, pack, offset - back, depth + 1)
    elif kind == _BY_NAME:
        name, at = pack[at : at + _NAME_BYTES], at + _NAME_BYTES
        base = _loose(store, name) or _packed(store, name, depth + 1)
    else:
        raise NotHeldError
    if base is None:
        raise NotHeldError
    return _Object(base.kind, _patched(base.content, _at(pack, at, size)))


def _at(pack: mmap.mmap, at: int, size: int) -> bytes:
    """`size` bytes that are packed here. Deflate adds a little where nothing can be saved."""
    with memoryview(pack) as whole, whole[at : at + size + size // 100 + 1000] as part:
        return _inflated(part, size)


def _back(pack: mmap.mmap, at: int) -> tuple[int, int]:
    """How far before this entry its base stands, and where the entry goes on."""
    value = pack[at] & 127
    while pack[at] & 128:
        at += 1
        value = (value + 1 << 7) | (pack[at] & 127)
    if value == 0:
        raise NotHeldError
    return value, at + 1


def _patched(base: bytes, delta: bytes) -> bytes:
    """The base with the delta's instructions carried out: copy a part of the base, or add what stands in the delta."""
    _, at = _length(delta, 0)
    size, at = _length(delta, at)
    if size > _MOST_BYTES:
        raise NotHeldError
    found = bytearray()
    while at < len(delta) and len(found) <= size:
        order = delta[at]
        at += 1
        if order & 128:
            start, length, at = _copied(delta, at, order)
            found += base[start : start + length]
        else:
            found += delta[at : at + order]
            at += order
    return bytes(found)


def _length(delta: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = delta[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if not byte & 128:
            return value, at


def _copied(delta: bytes, at: int, order: int) -> tuple[int, int, int]:
    """Start and length of the part to copy, whose bytes that are not zero stand in the delta."""
    value = 0
    for bit in _bits(order):
        value |= delta[at] << bit * 8
        at += 1
    return value & 0xFFFFFFFF, value >> 32 or 0x10000, at


def _bits(order: int) -> Iterator[int]:
    return (bit for bit in range(7) if order >> bit & 1)
