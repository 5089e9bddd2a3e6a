"""The transport of real life against a server that breaks off, drips, floods and hangs up: bounded in time and size, and never a traceback."""

from __future__ import annotations

import threading
import time
import tracemalloc
from collections.abc import Iterator

import pytest
from fake_github.core import WRITE_TOKEN
from fake_github.delivery import DELIVERIES
from fake_github.rig import Clock
from fake_github.server import FakeGitHub

from faultray_action.github import transport as module
from faultray_action.github.client import Client, PostingError, wait_seconds
from faultray_action.github.transport import MAX_ANSWER_BYTES, Request, Response, send

BREAKS = ("cut", "cut-chunk", "reset", "gone", "silent", "stall", "drip", "drip-head", "garbage")
"""Ways that may be better the next time."""
USELESS = ("deep", "page")
"""Whole answers that are none."""
SECONDS = 0.4


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub() as github:
        github.core.add_pull()
        yield github


def speaking(github: FakeGitHub, token: str = WRITE_TOKEN, seconds: float = SECONDS) -> Client:
    clock = Clock()
    urls = (github.url, github.graphql_url)
    return Client(github.core.repository, token, *urls, sleep=clock.sleep, now=clock.now, call_seconds=seconds)


def test_every_delivery_has_a_word_here() -> None:
    assert {"whole", "flood", *BREAKS, *USELESS} == set(DELIVERIES)


@pytest.mark.parametrize("delivery", BREAKS)
@pytest.mark.parametrize("status", [0, 403, 404, 429, 500, 502])
def test_an_answer_that_breaks_off_is_a_value_in_time_and_is_asked_for_again(github: FakeGitHub, delivery: str, status: int) -> None:
    github.core.inject(status, delivery=delivery)
    request = Request("GET", f"{github.url}/repos/acme/shop/pulls/1", {"Authorization": f"Bearer {WRITE_TOKEN}"}, seconds=SECONDS)
    began = time.monotonic()
    answer = send(request)
    assert time.monotonic() - began < SECONDS + 0.5
    assert not answer.accepted
    assert wait_seconds(answer, 0, 0.0) == (60.0 if answer.status == 429 else 1.0)


@pytest.mark.parametrize("delivery", BREAKS)
@pytest.mark.parametrize("status", [0, 502])
def test_the_next_attempt_gets_the_whole_answer(github: FakeGitHub, delivery: str, status: int) -> None:
    github.core.inject(status, delivery=delivery)
    assert speaking(github).get("pulls/1")["number"] == 1


@pytest.mark.parametrize("delivery", BREAKS)
def test_a_line_that_stays_bad_is_given_up_in_one_sentence(github: FakeGitHub, delivery: str) -> None:
    github.core.inject(times=99, delivery=delivery)
    with pytest.raises(PostingError) as raised:
        speaking(github).get("pulls/1")
    assert str(raised.value).startswith("reading the pull request failed: ") and len(str(raised.value)) < 300


def test_a_refusal_that_breaks_off_still_names_the_permission(github: FakeGitHub) -> None:
    github.core.inject(403, times=99, delivery="cut")
    with pytest.raises(PostingError, match="403, the answer broke off, the token seems to lack `pull-requests: read`") as raised:
        speaking(github).get("pulls/1")
    assert raised.value.permission == "pull-requests: read"


def test_a_flood_is_cut_at_its_bound_and_not_asked_for_again(github: FakeGitHub) -> None:
    github.core.inject(times=99, delivery="flood")
    tracemalloc.start()
    with pytest.raises(PostingError, match="larger than 32 MiB"):
        speaking(github, seconds=30.0).get("pulls/1")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * MAX_ANSWER_BYTES and len(github.core.log) == 1


@pytest.mark.parametrize("delivery", USELESS)
@pytest.mark.parametrize("status", [0, 403, 422])
def test_an_answer_that_is_none_is_one_sentence(github: FakeGitHub, delivery: str, status: int) -> None:
    github.core.inject(status, times=99, delivery=delivery)
    with pytest.raises(PostingError):
        speaking(github).get("pulls/1")
    assert len(github.core.log) == 1


@pytest.mark.parametrize("token", ["line\nbreak", "car\rriage", "nul\0", "tök€n", "two words", "half\ud800"])
def test_a_token_that_no_header_can_carry_stands_in_no_sentence(github: FakeGitHub, token: str) -> None:
    with pytest.raises(PostingError, match="set the secret anew") as raised:
        speaking(github, token).get("pulls/1")
    assert token not in str(raised.value) and github.core.log == []


def test_a_token_with_a_line_break_at_its_end_is_the_token(github: FakeGitHub) -> None:
    assert speaking(github, f" {WRITE_TOKEN}\r\n").get("pulls/1")["number"] == 1


def test_the_transport_itself_never_quotes_a_header() -> None:
    answer = send(Request("GET", "http://127.0.0.1:9/x", {"Authorization": "Bearer s3cret\nx"}))
    assert answer.status == 0 and b"s3cret" not in answer.body and not answer.again


def test_what_a_proxy_echoes_of_the_token_is_blotted_out(github: FakeGitHub) -> None:
    github.core.inject(401, message=f"no such credential: {WRITE_TOKEN}")
    with pytest.raises(PostingError, match="no such credential: \\*\\*\\*") as raised:
        speaking(github).get("pulls/1")
    assert WRITE_TOKEN not in str(raised.value)


@pytest.mark.parametrize("location", ["http://[::1", "http://[x/y", "//evil.test/x", "javascript:x", "http://127.0.0.1:bad/"])
def test_a_strange_redirect_is_a_refusal(location: str) -> None:
    answers = [Response(302, {"location": location}), Response(200, {}, b"{}")]
    speaker = Client("acme/shop", "t", "https://api.test", "https://api.test/graphql", transport=lambda _: answers.pop(0))
    with pytest.raises(PostingError):
        speaker.get("pulls/1")
    assert len(answers) == 1


@pytest.mark.parametrize("url", ["http://[::1", "ftp://x/", "", "http://", "http://a b/", "http://x:99999999/"])
def test_an_address_that_is_none_is_no_answer(url: str) -> None:
    assert send(Request("GET", url, {}, seconds=SECONDS)).status == 0


def test_the_time_of_the_calls_is_taken_from_the_budget() -> None:
    """Answers that take 29 s and break off: five minutes of them, not six attempts of each call."""
    clock = Clock()
    calls: list[float] = []

    def slow(request: Request) -> Response:
        calls.append(request.seconds)
        clock.seconds += min(29.0, request.seconds)
        return Response(200, {}, b"", "the answer broke off")

    began = clock.seconds
    speaker = Client("acme/shop", "t", "https://api.test", "https://g", transport=slow, sleep=clock.sleep, now=clock.now, clock=clock.now)
    for _ in range(20):
        with pytest.raises(PostingError):
            speaker.get("pulls/1")
    assert clock.seconds - began <= 300.0
    assert max(calls) == 30.0 and min(calls) < 30.0, "the last call gets what is left"


def test_no_call_is_made_once_the_time_is_over() -> None:
    clock = Clock()
    calls: list[Request] = []

    def slow(request: Request) -> Response:
        calls.append(request)
        clock.seconds += 400.0
        return Response(200, {}, b"{}")

    speaker = Client("acme/shop", "t", "https://api.test", "https://g", transport=slow, sleep=clock.sleep, now=clock.now, clock=clock.now)
    assert speaker.get("pulls/1") == {}
    with pytest.raises(PostingError, match="the time for posting is over"):
        speaker.get("pulls/1")
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({}, 1.0),
        ({"retry-after": "²"}, 1.0),
        ({"retry-after": "9" * 400}, 1.0),
        ({"retry-after": "-5"}, 1.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:02:00 GMT"}, 20.0),
        ({"retry-after": "Thu, 99 Jan 99999999999 00:02:00 GMT"}, 1.0),
        ({"x-ratelimit-reset": "150"}, 1.0),
    ],
)
@pytest.mark.parametrize("status", [502, 503])
def test_a_server_error_that_names_a_time_is_given_it(status: int, headers: dict[str, str], seconds: float) -> None:
    assert wait_seconds(Response(status, headers), 0, now=100.0) == seconds


def test_what_the_other_thread_raises_is_raised_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not printed by it: a traceback in the log may quote what it likes."""
    told: list[object] = []
    monkeypatch.setattr(threading, "excepthook", told.append)

    def broken(request: Request, deadline: float) -> Response:
        raise MemoryError

    monkeypatch.setattr(module, "_exchange", broken)
    with pytest.raises(MemoryError):
        send(Request("GET", "http://127.0.0.1:9/x", {}))
    assert told == []
