"""Waiting, giving up, redirects, and where the token may go."""

from __future__ import annotations

import json

import pytest
from fake_github.rig import Clock

from faultray_action.github.client import Client, PostingError, next_page, permission_for, refusal, wait_seconds
from faultray_action.github.transport import Request, Response, send

API = "https://api.test"


class Script:
    """Answers in turn, and remembers the requests."""

    def __init__(self, *answers: Response) -> None:
        self.answers = list(answers)
        self.requests: list[Request] = []

    def __call__(self, request: Request) -> Response:
        self.requests.append(request)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def client(script: Script, clock: Clock | None = None) -> Client:
    clock = clock or Clock()
    return Client("acme/shop", "s3cret", API, f"{API}/graphql", transport=script, sleep=clock.sleep, now=clock.now, clock=clock.now)


def ok(payload: object = None, **headers: str) -> Response:
    return Response(200, headers, json.dumps(payload).encode())


def test_the_token_is_sent_and_never_shown() -> None:
    script = Script(ok({}))
    speaking = client(script)
    speaking.get("pulls/1")
    assert script.requests[0].headers["Authorization"] == "Bearer s3cret"
    assert "s3cret" not in repr(speaking)


def test_pages_are_followed_on_the_same_host_only() -> None:
    script = Script(
        ok([{"id": 1}], link=f'<{API}/next>; rel="next"'), ok([{"id": 2}], link='<https://evil.test/>; rel="next"'), ok([{"id": 3}])
    )
    assert [row["id"] for row in client(script).pages("issues/1/comments")] == [1, 2, 3]
    assert script.requests[0].url.endswith("/repos/acme/shop/issues/1/comments?per_page=100")
    assert "Authorization" in script.requests[1].headers and "Authorization" not in script.requests[2].headers


def test_a_redirect_to_another_host_is_not_followed() -> None:
    script = Script(Response(307, {"location": "https://evil.test/x"}))
    with pytest.raises(PostingError):
        client(script).post("check-runs", {})
    assert len(script.requests) == 1


def test_a_redirect_keeps_the_method_and_ends() -> None:
    script = Script(Response(307, {"location": "/new"}), ok({"id": 1}))
    assert client(script).post("check-runs", {"name": "x"}) == {"id": 1}
    assert (script.requests[1].method, script.requests[1].url, script.requests[1].body) == ("POST", f"{API}/new", b'{"name": "x"}')
    endless = Script(Response(307, {"location": "/loop"}))
    with pytest.raises(PostingError):
        client(endless).get("pulls/1")
    assert len(endless.requests) == 3


@pytest.mark.parametrize(
    ("response", "attempt", "seconds"),
    [
        (Response(429, {"retry-after": "9"}), 0, 9),
        (Response(403, {"retry-after": "0"}), 0, 1),
        (Response(403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "130"}), 0, 30),
        (Response(403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "50"}), 0, 1),
        (Response(429), 0, 60),
        (Response(429), 1, 120),
        (Response(429), 5, 240),
        (Response(403, {}, b'{"message": "You have exceeded a secondary rate limit"}'), 0, 60),
        (Response(403, {}, b'{"message": "Resource not accessible by integration"}'), 0, None),
        (Response(404), 0, None),
        (Response(422), 0, None),
        (Response(500), 0, 1),
        (Response(0), 3, 8),
    ],
)
def test_how_long_to_wait(response: Response, attempt: int, seconds: float | None) -> None:
    assert wait_seconds(response, attempt, now=100.0) == seconds


def test_the_budget_is_for_all_calls_together() -> None:
    clock = Clock()
    busy = client(Script(Response(429, {"retry-after": "100"})), clock)
    for _ in range(3):
        with pytest.raises(PostingError):
            busy.get("pulls/1")
    assert sum(clock.slept) == 300


@pytest.mark.parametrize(
    ("method", "path", "permission"),
    [
        ("POST", "check-runs", "checks: write"),
        ("GET", "commits/abc/check-runs", "checks: read"),
        ("PATCH", "issues/comments/1", "pull-requests: write"),
        ("GET", "commits/abc/pulls", "pull-requests: read"),
        ("GET", "", ""),
    ],
)
def test_a_refusal_names_the_permission(method: str, path: str, permission: str) -> None:
    url = f"{API}/repos/acme/shop/{path}"
    assert permission_for(method, url) == permission
    for status in (403, 404):
        error = refusal(method, url, Response(status, {}, b'{"message": "Resource not accessible by integration"}'))
        assert error.permission == permission and str(status) in str(error)


def test_what_github_says_is_one_short_printable_line() -> None:
    hostile = "::error::x\n\x1b[31m" + "y" * 9000
    message = str(refusal("POST", f"{API}/repos/a/b/check-runs", Response(422, {}, json.dumps({"message": hostile}).encode())))
    assert "\n" not in message and "\x1b" not in message and len(message) < 300


@pytest.mark.parametrize("body", [b"<html>", b"\xff", b"[" * 5])
def test_an_answer_that_is_no_json_is_a_posting_error(body: bytes) -> None:
    with pytest.raises(PostingError):
        client(Script(Response(200, {}, body))).get("pulls/1")


def test_rows_that_are_no_objects_are_left_out() -> None:
    assert list(client(Script(ok([1, "x", {"id": 2}]))).pages("x")) == [{"id": 2}]
    assert list(client(Script(ok({"message": "x"}))).pages("x")) == []
    assert list(client(Script(ok({"rows": None}))).pages("x", "rows")) == []


def test_graphql_errors_are_posting_errors() -> None:
    for answer in ({"errors": [{}]}, {"data": None}, []):
        with pytest.raises(PostingError):
            client(Script(ok(answer))).graphql("query { viewer { login } }")


def test_the_last_page_has_no_next() -> None:
    assert next_page("") == "" and next_page('<https://a/1>; rel="first"') == ""


def test_a_host_that_does_not_answer_is_a_response_of_status_zero() -> None:
    assert send(Request("GET", "http://127.0.0.1:9/x", {})).status == 0
    assert send(Request("GET", "file:///etc/hostname", {})).status == 0
