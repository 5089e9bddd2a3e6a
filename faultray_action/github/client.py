"""GitHub's REST and GraphQL over urllib: a dozen calls need no SDK, and none costs start-up time, image size or a supply chain.

One request at a time. Waits and gives up within a budget, so that a sick API costs minutes, not the job. Never prints the token and never
sends it to another host than the one it was meant for.
"""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from faultray_action import __version__
from faultray_action.model.errors import FaultrayError

PAGE_SIZE = 100
MAX_PAGES = 50
MAX_REDIRECTS = 3
MAX_ATTEMPTS = 6
TIMEOUT_SECONDS = 30.0
FIRST_WAIT_SECONDS = 60.0
"""GitHub asks for at least a minute where a secondary limit names no time."""
LONGEST_WAIT_SECONDS = 240.0
SERVER_ERROR_WAIT_SECONDS = 1.0
WAIT_BUDGET_SECONDS = 300.0
"""All the waiting one run may do. A post that needs longer is given up, and said so."""

Json = Any


class Request(Struct, frozen=True):
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None


class Response(Struct, frozen=True):
    """`headers` have lower-case names. Status 0 means that no answer came; `body` then says why."""

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""


Transport = Callable[[Request], Response]


class PostingError(FaultrayError):
    """GitHub did not do what it was asked. `permission` is what the token seems to lack ("checks: write"), "" where it lacks nothing."""

    def __init__(self, message: str, status: int = 0, permission: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.permission = permission


class Client:
    """Calls of one repository. `sleep` and `now` (seconds since the epoch) are injected so that tests wait for nothing."""

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
        wait_budget_seconds: float = WAIT_BUDGET_SECONDS,
    ) -> None:
        self.repository = repository
        self._token = token
        self._api_url = api_url.rstrip("/")
        self._graphql_url = graphql_url
        self._transport = transport or send
        self._sleep = sleep
        self._now = now
        self._budget = wait_budget_seconds

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

    def pages(self, path: str, items: str = "", **query: str | int) -> Iterator[Json]:
        """Every element of a paged list, following `Link`; `items` is the key that holds the list ("check_runs"), "" for a bare list."""
        url = self._url(path, {**query, "per_page": PAGE_SIZE})
        for _ in range(MAX_PAGES):
            response = self._call("GET", url)
            content = self._json(response)
            rows = content.get(items) if items and isinstance(content, dict) else content
            yield from (row for row in rows if isinstance(row, dict)) if isinstance(rows, list) else ()
            url = next_page(response.headers.get("link", ""))
            if not url:
                return

    def graphql(self, query: str, variables: Mapping[str, Json] | None = None) -> Json:
        """The `data` of the answer; raises PostingError where GraphQL reports errors."""
        answer = self._json(self._call("POST", self._graphql_url, {"query": query, "variables": dict(variables or {})}))
        if not isinstance(answer, dict) or answer.get("errors") or not isinstance(answer.get("data"), dict):
            raise PostingError("GitHub's GraphQL refused the query")
        return answer["data"]

    def _url(self, path: str, query: Mapping[str, str | int] | None = None) -> str:
        url = f"{self._api_url}/repos/{self.repository}/{path}"
        return f"{url}?{urllib.parse.urlencode(query)}" if query else url

    def _json(self, response: Response) -> Json:
        try:
            return json.loads(response.body) if response.body else None
        except ValueError as error:
            raise PostingError(f"GitHub answered {response.status} with something that is no JSON", response.status) from error

    def _call(self, method: str, url: str, payload: Json = None) -> Response:
        body = None if payload is None else json.dumps(payload, ensure_ascii=False).encode("utf-8", "replace")
        request = Request(method, url, self._headers(url, body is not None), body)
        for attempt in range(MAX_ATTEMPTS):
            response = self._follow(request)
            if 200 <= response.status < 300:
                return response
            wait = wait_seconds(response, attempt, self._now())
            if wait is None or attempt + 1 == MAX_ATTEMPTS:
                break
            if wait > self._budget:
                raise PostingError(f"{_what(method, url)} was given up: GitHub asks to wait {wait:.0f} s", response.status)
            self._budget -= wait
            self._sleep(wait)
        raise refusal(method, url, response)

    def _headers(self, url: str, has_body: bool) -> dict[str, str]:
        headers = {
            "Accept": "application/vnd.github+json",
            "User-Agent": f"faultray-action/{__version__}",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        if has_body:
            headers["Content-Type"] = "application/json; charset=utf-8"
        if self._token and _origin(url) in (_origin(self._api_url), _origin(self._graphql_url)):
            headers["Authorization"] = f"Bearer {self._token}"
        return headers

    def _follow(self, request: Request) -> Response:
        """Redirects of a renamed repository, on the same host only: another host must never see the token."""
        for _ in range(MAX_REDIRECTS):
            response = self._transport(request)
            target = urllib.parse.urljoin(request.url, response.headers.get("location", ""))
            keeps_method = response.status in (307, 308) or (response.status in (301, 302) and request.method == "GET")
            if not keeps_method or _origin(target) != _origin(request.url):
                return response
            request = Request(request.method, target, request.headers, request.body)
        return response


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

    Too often: `retry-after`, else until `x-ratelimit-reset`, else 60 s doubled each time up to a cap. Server errors: 1, 2, 4, … s.
    """
    if is_rate_limit(response):
        return _asked_wait(response, now) or min(FIRST_WAIT_SECONDS * 2**attempt, LONGEST_WAIT_SECONDS)
    if response.status == 0 or response.status >= 500:
        return float(SERVER_ERROR_WAIT_SECONDS * 2**attempt)
    return None


def _asked_wait(response: Response, now: float) -> float:
    retry_after = response.headers.get("retry-after", "")
    if retry_after.isdigit():
        return max(float(retry_after), 1.0)
    reset = response.headers.get("x-ratelimit-reset", "")
    if reset.isdigit() and response.headers.get("x-ratelimit-remaining", "0") == "0":
        return max(float(reset) - now, 1.0)
    return 0.0


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
    return PostingError(f"{what} failed: {response.status}{_said(response)}{hint}", response.status, permission)


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
    try:
        message = json.loads(response.body).get("message", "")
    except (ValueError, AttributeError):
        return ""
    return f" {_one_line(message)}" if isinstance(message, str) and message else ""


def _reason(response: Response) -> str:
    return _one_line(response.body.decode("utf-8", "replace")) or "no answer"


def _one_line(text: str) -> str:
    """An answer may hold anything: one short printable line of it."""
    return "".join(char if char.isprintable() else " " for char in text)[:200].strip()


def _origin(url: str) -> tuple[str, str]:
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.netloc


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """urllib would send the Authorization header along to any host: the client follows redirects itself."""

    def redirect_request(self, *_: Any) -> None:
        return None


def send(request: Request) -> Response:
    """The transport of real life. A network failure is a Response of status 0, an HTTP error one of its status."""
    if urllib.parse.urlsplit(request.url).scheme not in ("http", "https"):
        return Response(0, {}, b"not an http address")
    opener = urllib.request.build_opener(_NoRedirect)
    outgoing = urllib.request.Request(request.url, data=request.body, headers=dict(request.headers), method=request.method)
    try:
        with opener.open(outgoing, timeout=TIMEOUT_SECONDS) as answer:
            return Response(answer.status, _lower(answer.headers), answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Response(error.code, _lower(error.headers), error.read())
    except (OSError, http.client.HTTPException) as error:
        return Response(0, {}, str(error).encode("utf-8", "replace"))


def _lower(headers: Any) -> dict[str, str]:
    return {str(name).lower(): str(value) for name, value in headers.items()}
