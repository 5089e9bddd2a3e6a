"""Shortcuts for tests: a client that talks to a fake without a socket, and something to post."""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable, Sequence

from faultray_action.github.check import CheckRun, Section
from faultray_action.github.client import Client
from faultray_action.github.comment import Wording
from faultray_action.github.context import Context, Event
from faultray_action.github.publish import Posting
from faultray_action.github.transport import Request, Response
from faultray_action.model.artifact import Annotation, AnnotationChannel, AnnotationLevel, CommentMode, CommentWhen, Light

from .core import BASE, HEAD, WRITE_TOKEN, Core


def transport_to(core: Core) -> Callable[[Request], Response]:
    """Requests go straight into the fake's memory."""

    def send(request: Request) -> Response:
        parts = urllib.parse.urlsplit(request.url)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        answer = core.handle(request.method, target, {name.lower(): value for name, value in request.headers.items()}, request.body or b"")
        return Response(answer.status, answer.headers, answer.body)

    return send


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 1_000_000.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds

    def now(self) -> float:
        return self.seconds


def client_of(core: Core, token: str = WRITE_TOKEN, clock: Clock | None = None) -> Client:
    clock = clock or Clock()
    return Client(
        core.repository,
        token,
        core.base_url,
        core.base_url + "/graphql",
        transport=transport_to(core),
        sleep=clock.sleep,
        now=clock.now,
        clock=clock.now,
    )


def context_of_pull(core: Core, *, head: str = HEAD, pull: int | None = 1, run: int = 1, attempt: int = 1, fork: bool = False) -> Context:
    return Context(
        event=Event.PULL_REQUEST,
        repository=core.repository,
        head_sha=head,
        base_sha=BASE,
        pull=pull,
        run=run,
        attempt=attempt,
        is_fork=fork,
    )


def render(sections: Sequence[Section], head_sha: str) -> Wording:
    """A payload is "VERDICT text": the comment lists them all, the worst verdict counts."""
    lights = [Light(section.payload.split(" ", 1)[0]) for section in sections]
    worst = max(lights, key=lambda light: [Light.PASS, Light.FAIL, Light.ERROR].index(light))
    lines = [f"- {section.key}: {section.payload}" for section in sections]
    return Wording(
        "\n".join([f"### FaultRay at {head_sha[:7]}", *lines]), worst, changed=any("changed" in section.payload for section in sections)
    )


def validate(payload: str) -> bool:
    return payload.split(" ", 1)[0] in ("pass", "fail", "error")


def remarks(count: int) -> tuple[Annotation, ...]:
    return tuple(
        Annotation("main.tf", number + 1, number + 1, AnnotationLevel.WARNING, "SPOF", f"finding {number}") for number in range(count)
    )


def posting(
    payload: str = "pass all well",
    *,
    key: str = "envs/prod",
    annotations: int = 0,
    mode: CommentMode = CommentMode.UPDATE,
    when: CommentWhen = CommentWhen.ALWAYS,
    channel: AnnotationChannel = AnnotationChannel.AUTO,
    warn_only: bool = False,
    summary: str = "",
) -> Posting:
    light = Light(payload.split(" ", 1)[0])
    check = CheckRun(f"FaultRay / {key}", light, f"verdict {light}", summary or payload, "", remarks(annotations), warn_only)
    return Posting("FaultRay", check, Section(key, payload), render, validate, mode, when, channel)
