"""One request and its answer over urllib, bounded in time and in size. What becomes of an answer is the client's business."""

from __future__ import annotations

import http.client
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

CALL_SECONDS = 30.0
"""What one call may take, from looking up the host to the last byte: an answer that drips is no answer."""
MAX_ANSWER_BYTES = 32 * 1024 * 1024
"""A page of 100 comments or check runs, as long as GitHub allows them, stays below."""

_CHUNK_BYTES = 256 * 1024


class Request(Struct, frozen=True):
    """`seconds`: what the answer may take."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None
    seconds: float = CALL_SECONDS


class Response(Struct, frozen=True):
    """`headers` have lower-case names. Status 0 means that no answer came; `body` then says why.

    `broken` says why the body is not whole, "" where it is. `again` is False where the same call would end the same way.
    """

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""
    broken: str = ""
    again: bool = True

    @property
    def accepted(self) -> bool:
        """GitHub did what it was asked, and all that it answers is there."""
        return 200 <= self.status < 300 and not self.broken


Transport = Callable[[Request], Response]
"""Never raises for what a network does."""


def origin(url: str) -> tuple[str, str]:
    """Scheme and host; two empty words for what is no address."""
    try:
        parts = urllib.parse.urlsplit(url)
    except ValueError:
        return "", ""
    return parts.scheme, parts.netloc


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """urllib would send the Authorization header along to any host: the client follows redirects itself."""

    def redirect_request(self, *_: Any) -> None:
        return None


def send(request: Request) -> Response:
    """The transport of real life, which raises nothing for what a network does and never takes longer than `request.seconds`.

    A socket's time-out starts again with each byte and does not cover the look-up of a name. So the call runs in a thread of its own, and
    who does not answer in time is left to it; the thread ends with the process.
    """
    if origin(request.url)[0] not in ("http", "https"):
        return Response(0, {}, b"not an http address", again=False)
    deadline = time.monotonic() + request.seconds
    call = _Call(lambda: _exchange(request, deadline))
    call.start()
    return call.answer(request.seconds) or Response(0, {}, f"no whole answer within {request.seconds:.0f} s".encode())


class _Call(threading.Thread):
    """An exchange of its own that nobody has to wait for. What it raises is raised where the answer is asked for."""

    def __init__(self, exchange: Callable[[], Response]) -> None:
        super().__init__(daemon=True)
        self._exchange = exchange
        self._answer: Response | None = None
        self._error: BaseException | None = None

    def run(self) -> None:
        with self:
            self._answer = self._exchange()

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> bool:
        self._error = error
        return True

    def answer(self, seconds: float) -> Response | None:
        """None where it did not come in time."""
        self.join(seconds)
        if self._error is not None:
            raise self._error
        return self._answer


def _exchange(request: Request, deadline: float) -> Response:
    """A network failure is a Response of status 0, an HTTP error one of its status; either may break off."""
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        outgoing = urllib.request.Request(request.url, data=request.body, headers=dict(request.headers), method=request.method)
        try:
            answer = opener.open(outgoing, timeout=request.seconds)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return _received(answer, deadline)
    except (OSError, http.client.HTTPException) as error:
        return Response(0, {}, f"{error}".encode("utf-8", "replace"))
    except ValueError:
        # It may quote the header that it refuses, and with it the token.
        return Response(0, {}, b"the request cannot be sent: is GITHUB_API_URL right?", again=False)


def _received(answer: Any, deadline: float) -> Response:
    """Status, headers and as much of the body as comes in time and is not too large."""
    status, headers = int(answer.status), _lower(answer.headers)
    content = bytearray()
    try:
        while chunk := answer.read1(_CHUNK_BYTES):
            content += chunk
            if len(content) > MAX_ANSWER_BYTES:
                told = f"the answer is larger than {MAX_ANSWER_BYTES // 1024 // 1024} MiB"
                return Response(status, headers, b"", told, again=False)
            if time.monotonic() > deadline:
                return Response(status, headers, bytes(content), "the answer took too long")
    except (OSError, http.client.HTTPException, ValueError):
        return Response(status, headers, bytes(content), "the answer broke off")
    if answer.length:
        return Response(status, headers, bytes(content), "the answer broke off")
    return Response(status, headers, bytes(content))


def _lower(headers: Any) -> dict[str, str]:
    return {str(name).lower(): str(value) for name, value in headers.items()}
