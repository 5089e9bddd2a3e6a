"""GitHub's REST and GraphQL: a dozen calls need no SDK, and none costs start-up time, image size or a supply chain.

One request at a time. Calls and waits share a budget, so that a sick API costs minutes, not the job. Never prints the token and never
sends it to another host than the one it was meant for.
"""

from __future__ import annotations

import email.utils
import json
import re
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from faultray_action import __version__
from faultray_action.github.transport import CALL_SECONDS, Request, Response, Transport, origin, send
from faultray_action.model.errors import FaultrayError

PAGE_SIZE = 100
MAX_PAGES = 300
MAX_REDIRECTS = 3
MAX_ATTEMPTS = 6
MAX_SAID_BYTES = 64 * 1024
"""Of an error's body no more is looked at for what GitHub says."""
FIRST_WAIT_SECONDS = 60.0
"""GitHub asks for at least a minute where a secondary limit names no time."""
LONGEST_WAIT_SECONDS = 240.0
SERVER_ERROR_WAIT_SECONDS = 1.0
BUDGET_SECONDS = 300.0
"""What all calls of one run and the waiting between them may take. A post that needs longer is given up, and said so."""

_TOKEN = re.compile(r"[\x21-\x7e]+")

Json = Any


class PostingError(FaultrayError):
    """GitHub did not do what it was asked. `permission` is what the token seems to lack ("checks: write"), "" where it lacks nothing."""

    def __init__(self, message: str, status: int = 0, permission: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.permission = permission


class TooManyError(PostingError):
    """A list has more pages than are read."""


class Client:
    """Calls of one repository.

    `sleep`, `now` (seconds since the epoch) and `clock` (seconds that only pass) are injected so that tests wait for nothing.
    """

    def __init__(
        self,
        repository: str,
        token: str,
        api_url: str,
        graphql_url: str,
        *,
        transport: Transport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
        budget_seconds: float = BUDGET_SECONDS,
        call_seconds: float = CALL_SECONDS,
    ) -> None:
        self.repository = repository
        self._token = token.strip()
        self._api_url = api_url.rstrip("/")
        self._graphql_url = graphql_url
        self._transport = transport or send
        self._sleep = sleep
        self._now = now
        self._clock = clock
        self._budget = budget_seconds
        self._call_seconds = call_seconds

    def __repr__(self) -> str:
        return f"Client({self.repository!r}, {self._api_url!r})"

    def get(self, path: str, **query: str | int) -> Json:
        return self._json(self._call("GET", self._url(path, query)))

    def post(self, path: str, payload: Json) -> Json:
        return self._json(self._call("POST", self._url(path), payload))

    def patch(self, path: str, payload: Json) -> Json:
        return self._json(self._call("PATCH", self._url(path), payload))

    def delete(self, path: str) -> None:
        self._call("DELETE", self._url(path))

    def user(self, *, attempts: int = MAX_ATTEMPTS) -> Json:
        """Whose token this is; refused to the token of a workflow and of an app."""
        return self._json(self._call("GET", f"{self._api_url}/user", attempts=attempts))

    def pages(self, path: str, items: str = "", **query: str | int) -> Iterator[Json]:
        """Every element of a paged list, following `Link`; `items` is the key that holds the list ("check_runs"), "" for a bare list.

        Raises TooManyError after `MAX_PAGES`: what was not read is not known to be absent.
        """
        url = self._url(path, {**query, "per_page": PAGE_SIZE})
        for _ in range(MAX_PAGES):
            response = self._call("GET", url)
            content = self._json(response)
            rows = content.get(items) if items and isinstance(content, dict) else content
            yield from (row for row in rows if isinstance(row, dict)) if isinstance(rows, list) else ()
            url = next_page(response.headers.get("link", ""))
            if not url:
                return
        raise TooManyError(f"{_what('GET', url)} was given up after {MAX_PAGES * PAGE_SIZE:,} entries")

    def graphql(self, query: str, variables: Mapping[str, Json] | None = None, *, attempts: int = MAX_ATTEMPTS) -> Json:
        """The `data` of the answer; raises PostingError where GraphQL reports errors."""
        payload = {"query": query, "variables": dict(variables or {})}
        answer = self._json(self._call("POST", self._graphql_url, payload, attempts=attempts))
        if not isinstance(answer, dict) or answer.get("errors") or not isinstance(answer.get("data"), dict):
            raise PostingError("GitHub's GraphQL refused the query")
        return answer["data"]

    def _url(self, path: str, query: Mapping[str, str | int] | None = None) -> str:
        url = f"{self._api_url}/repos/{self.repository}/{path}"
        return f"{url}?{urllib.parse.urlencode(query)}" if query else url

    def _json(self, response: Response) -> Json:
        try:
            return parsed(response.body) if response.body else None
        except ValueError as error:
            raise PostingError(f"GitHub answered {response.status} with something that is no JSON", response.status) from error

    def _call(self, method: str, url: str, payload: Json = None, *, attempts: int = MAX_ATTEMPTS) -> Response:
        """An answer that is accepted, within the budget; whatever else comes is a PostingError that does not hold the token."""
        body = None if payload is None else json.dumps(payload, ensure_ascii=False).encode("utf-8", "replace")
        request = Request(method, url, self._headers(url, body is not None), body)
        for attempt in range(attempts):
            response = self._timed(request)
            if response.accepted:
                return response
            wait = wait_seconds(response, attempt, self._now())
            if wait is None or attempt + 1 == attempts:
                break
            self._wait(wait, method, url, response)
        raise self._refusal(method, url, response)

    def _timed(self, request: Request) -> Response:
        """One answer. The time that it takes is taken from the budget."""
        if self._budget <= 0:
            raise PostingError(f"{_what(request.method, request.url)} was given up: the time for posting is over")
        began = self._clock()
        response = self._follow(replace(request, seconds=min(self._call_seconds, self._budget)))
        self._budget -= max(self._clock() - began, 0.0)
        return response

    def _wait(self, seconds: float, method: str, url: str, response: Response) -> None:
        """Raises PostingError where the wait is longer than the time that is left."""
        if seconds <= self._budget:
            self._budget -= seconds
            self._sleep(seconds)
        elif is_rate_limit(response) or _retry_after(response, self._now()):
            raise PostingError(f"{_what(method, url)} was given up: GitHub asks to wait {seconds:.0f} s", response.status)
        else:
            error = self._refusal(method, url, response)
            raise PostingError(f"{error}, and the time for posting is over", error.status, error.permission)

    def _refusal(self, method: str, url: str, response: Response) -> PostingError:
        """A proxy may answer with what it was sent: the token stands in no sentence."""
        error = refusal(method, url, response)
        told = str(error).replace(self._token, "***") if self._token else str(error)
        return PostingError(told, error.status, error.permission)

    def _headers(self, url: str, has_body: bool) -> dict[str, str]:
        headers = {
            "Accept": "application/vnd.github+json",
            "User-Agent": f"faultray-action/{__version__}",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        if has_body:
            headers["Content-Type"] = "application/json; charset=utf-8"
        if self._token and origin(url) in (origin(self._api_url), origin(self._graphql_url)):
            headers["Authorization"] = f"Bearer {self._sendable_token()}"
        return headers

    def _sendable_token(self) -> str:
        """http.client would refuse such a header by an error that quotes it."""
        if not _TOKEN.fullmatch(self._token):
            raise PostingError("the token holds a line break or another character that no header can carry: set the secret anew")
        return self._token

    def _follow(self, request: Request) -> Response:
        """Redirects of a renamed repository, on the same host only: another host must never see the token."""
        for _ in range(MAX_REDIRECTS):
            response = self._transport(request)
            keeps_method = response.status in (307, 308) or (response.status in (301, 302) and request.method == "GET")
            target = _target(request.url, response) if keeps_method else ""
            if not target:
                return response
            request = replace(request, url=target)
        return response


def parsed(body: bytes) -> Json:
    """JSON of any shape. Raises ValueError for what is none, and for what is nested too deep to be an answer of GitHub."""
    try:
        return json.loads(body)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def number_of(row: Json, key: str) -> int:
    """A number that GitHub promises to answer with; a proxy in between may promise nothing."""
    value = row.get(key) if isinstance(row, dict) else None
    if not isinstance(value, int):
        raise PostingError(f"GitHub's answer has no {key}: is GITHUB_API_URL right?")
    return value


def text_of(row: Json, *keys: str) -> str:
    """The text below these keys, "" where there is none."""
    for key in keys:
        row = row.get(key) if isinstance(row, dict) else None
    return row if isinstance(row, str) else ""


def next_page(link: str) -> str:
    """The `rel="next"` address of a Link header, "" on the last page.

    >>> next_page('<https://a/x?page=2>; rel="next", <https://a/x?page=9>; rel="last"')
    'https://a/x?page=2'
    """
    for part in link.split(","):
        address, _, relation = part.strip().partition(">")
        if 'rel="next"' in relation:
            return address.removeprefix("<")
    return ""


def is_rate_limit(response: Response) -> bool:
    """403 says both "not allowed" and "too often"; only the second is worth waiting for."""
    if response.status == 429:
        return True
    if response.status != 403:
        return False
    return (
        "retry-after" in response.headers
        or response.headers.get("x-ratelimit-remaining") == "0"
        or b"rate limit" in response.body[:2000].lower()
    )


def wait_seconds(response: Response, attempt: int, now: float) -> float | None:
    """How long to wait before the next attempt (counted from 0), None where another attempt is pointless.

    Too often: `retry-after`, else until `x-ratelimit-reset`, else 60 s doubled each time up to a cap.
    Server errors and answers that break off: `retry-after`, else 1, 2, 4, … s.
    """
    if not response.again:
        return None
    if is_rate_limit(response):
        return _asked_wait(response, now) or min(FIRST_WAIT_SECONDS * 2**attempt, LONGEST_WAIT_SECONDS)
    if response.status == 0 or response.status >= 500 or response.broken:
        return _retry_after(response, now) or float(SERVER_ERROR_WAIT_SECONDS * 2**attempt)
    return None


def _asked_wait(response: Response, now: float) -> float:
    """What GitHub asks for in seconds, 0 where it names no time."""
    asked = _retry_after(response, now)
    reset = _decimal(response.headers.get("x-ratelimit-reset", ""))
    if not asked and reset is not None and response.headers.get("x-ratelimit-remaining", "0") == "0":
        asked = max(reset - now, 1.0)
    return asked


def _retry_after(response: Response, now: float) -> float:
    """Seconds, or (from a proxy) a date; 0 where there is neither."""
    told = response.headers.get("retry-after", "")
    seconds = _decimal(told)
    if seconds is None:
        seconds = _seconds_until(told, now)
    return 0.0 if seconds is None else max(seconds, 1.0)


def _decimal(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdecimal() and len(text) < 20 else None


def _seconds_until(date: str, now: float) -> float | None:
    parts = email.utils.parsedate_tz(date[:100])
    try:
        return None if parts is None else email.utils.mktime_tz(parts) - now
    except (ValueError, OverflowError):
        return None


def refusal(method: str, url: str, response: Response) -> PostingError:
    """What went wrong in one sentence, with the permission to add where that seems to be the cause."""
    what = _what(method, url)
    if response.status == 0:
        return PostingError(f"{what} failed: {_reason(response)}")
    if is_rate_limit(response):
        return PostingError(f"{what} failed: GitHub says it is asked too often ({response.status})", response.status)
    locked = b"locked" in response.body[:2000].lower()
    permission = permission_for(method, url) if response.status in (401, 403, 404) and not locked else ""
    hint = f", the token seems to lack `{permission}`" if permission else ""
    said = f", {response.broken}" if response.broken else _said(response)
    return PostingError(f"{what} failed: {response.status}{said}{hint}", response.status, permission)


def permission_for(method: str, url: str) -> str:
    """The line under `permissions:` that a call needs, "" for none in particular."""
    path = urllib.parse.urlsplit(url).path
    access = "read" if method == "GET" else "write"
    if "/check-runs" in path:
        return f"checks: {access}"
    if "/issues/" in path or "/pulls" in path or path.endswith("/graphql"):
        return f"pull-requests: {access}"
    return ""


def _what(method: str, url: str) -> str:
    """What a call does, in a reader's words."""
    path = urllib.parse.urlsplit(url).path
    deed = {"GET": "reading", "POST": "creating", "PATCH": "updating", "DELETE": "deleting"}[method]
    if "/check-runs" in path:
        return f"{deed} the check run"
    if "/comments" in path:
        return f"{deed} the pull request comment"
    if "/pulls" in path:
        return f"{deed} the pull request"
    return f"{deed} {path.rpartition('/')[2]}"


def _said(response: Response) -> str:
    if len(response.body) > MAX_SAID_BYTES:
        return ""
    try:
        message = parsed(response.body).get("message", "")
    except (ValueError, AttributeError):
        return ""
    return f" {_one_line(message)}" if isinstance(message, str) and message else ""


def _reason(response: Response) -> str:
    return _one_line(response.body[:MAX_SAID_BYTES].decode("utf-8", "replace")) or "no answer"


def _one_line(text: str) -> str:
    """An answer may hold anything: one short printable line of it."""
    return "".join(char if char.isprintable() else " " for char in text)[:200].strip()


def _target(url: str, response: Response) -> str:
    """Where a redirect leads, "" where it leaves the host or names no address."""
    try:
        target = urllib.parse.urljoin(url, response.headers.get("location", ""))
    except ValueError:
        return ""
    return target if origin(target) == origin(url) else ""
