"""The ways in which an answer reaches a client, or does not. What a proxy, a load balancer or a bad line makes of it."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from typing import BinaryIO

FLOOD_BYTES = 600_000_000
DRIP_SECONDS = 0.02
DEEP = b"[" * 200_000


class Wire:
    """One connection: bytes out, and how to be rude. `closing` is set when the server stops, so that nobody sleeps on."""

    def __init__(self, out: BinaryIO, connection: socket.socket, closing: threading.Event) -> None:
        self._out = out
        self._connection = connection
        self._closing = closing

    def send(self, data: bytes) -> bool:
        """Whether somebody was there to take it."""
        try:
            self._out.write(data)
            self._out.flush()
        except OSError:
            return False
        return True

    def drip(self, data: bytes) -> None:
        for position in range(len(data)):
            if self._closing.wait(DRIP_SECONDS) or not self.send(data[position : position + 1]):
                return

    def stay_silent(self) -> None:
        """Until the client has had enough, or the server stops."""
        self._connection.settimeout(0.1)
        while not self._closing.is_set():
            try:
                if self._connection.recv(1) == b"":
                    return
            except TimeoutError:
                continue
            except OSError:
                return

    def reset(self) -> None:
        """Closes with RST: what is under way is lost."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.close()


def head(status: int, headers: dict[str, str], length: int | None) -> bytes:
    lines = [f"HTTP/1.1 {status} Fake", *(f"{name}: {value}" for name, value in headers.items())]
    lines += ["content-type: application/json; charset=utf-8", "connection: close"]
    lines += ["transfer-encoding: chunked"] if length is None else [f"content-length: {length}"]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _whole(wire: Wire, status: int, headers: dict[str, str], body: bytes) -> None:
    wire.send(head(status, headers, len(body)) + body)


def _cut(wire: Wire, status: int, headers: dict[str, str], body: bytes) -> None:
    wire.send(head(status, headers, len(body) + 100) + body[: len(body) // 2])


def _cut_chunk(wire: Wire, status: int, headers: dict[str, str], body: bytes) -> None:
    wire.send(head(status, headers, None) + f"{len(body) + 100:x}\r\n".encode() + body)


def _reset(wire: Wire, status: int, headers: dict[str, str], body: bytes) -> None:
    wire.send(head(status, headers, len(body) + 100) + body[: len(body) // 2])
    wire.reset()


def _gone(wire: Wire, status: int, headers: dict[str, str], body: bytes) -> None:
    pass


def _silent(wire: Wire, status: int, headers: dict[str, str], body: bytes) -> None:
    wire.stay_silent()


def _stall(wire: Wire, status: int, headers: dict[str, str], body: bytes) -> None:
    wire.send(head(status, headers, len(body) + 100) + body[: len(body) // 2])
    wire.stay_silent()


def _drip(wire: Wire, status: int, headers: dict[str, str], body: bytes) -> None:
    wire.send(head(status, headers, len(body) + 100_000))
    wire.drip(body + b" " * 100_000)


def _drip_head(wire: Wire, status: int, headers: dict[str, str], body: bytes) -> None:
    wire.drip(head(status, {**headers, "x-padding": "x" * 50_000}, len(body)) + body)


def _flood(wire: Wire, status: int, headers: dict[str, str], body: bytes) -> None:
    block = b" " * 1_000_000
    wire.send(head(status, headers, FLOOD_BYTES))
    for _ in range(FLOOD_BYTES // len(block)):
        if not wire.send(block):
            return


def _deep(wire: Wire, status: int, headers: dict[str, str], body: bytes) -> None:
    _whole(wire, status, headers, DEEP)


def _garbage(wire: Wire, status: int, headers: dict[str, str], body: bytes) -> None:
    wire.send(b"\x16\x03\x01\x02 this is no HTTP\r\n\r\n")


def _page(wire: Wire, status: int, headers: dict[str, str], body: bytes) -> None:
    _whole(wire, status, headers, b"<html><body>captive portal</body></html>")


DELIVERIES: dict[str, Callable[[Wire, int, dict[str, str], bytes], None]] = {
    "whole": _whole,
    "cut": _cut,
    "cut-chunk": _cut_chunk,
    "reset": _reset,
    "gone": _gone,
    "silent": _silent,
    "stall": _stall,
    "drip": _drip,
    "drip-head": _drip_head,
    "flood": _flood,
    "deep": _deep,
    "garbage": _garbage,
    "page": _page,
}
