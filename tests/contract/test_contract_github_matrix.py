"""A matrix of jobs on one commit: whatever the order of their requests, one comment stands at the end and holds every section."""

from __future__ import annotations

import pytest
from fake_github.core import HEAD, WRITE_TOKEN, Core
from fake_github.interleave import Turns, chooser
from fake_github.rig import client_of, context_of_pull, posting, transport_to

from faultray_action.github.client import Client
from faultray_action.github.publish import Published, publish
from faultray_action.model.artifact import CommentMode

JOBS = 8
INTERLEAVINGS = 1000
NEWER = "2" * 40


def matrix(
    core: Core, seed: int, payloads: dict[str, str], *, head: str = HEAD, run: int = 1, mode: CommentMode = CommentMode.UPDATE
) -> list[Published]:
    turns = Turns(transport_to(core), chooser(seed))
    results: list[Published] = []

    def job(number: int, key: str, payload: str) -> None:
        client = Client(core.repository, WRITE_TOKEN, core.base_url, core.base_url + "/graphql", transport=turns.transport(number))
        results.append(publish(posting(payload, key=key, mode=mode), context_of_pull(core, head=head, run=run), client))

    turns.run([lambda number=number, item=item: job(number, *item) for number, item in enumerate(payloads.items())])  # type: ignore[misc]
    return results


def fresh_core() -> Core:
    core = Core(validate=False)
    core.add_pull()
    return core


def sections(jobs: int, word: str = "text") -> dict[str, str]:
    return {f"envs/{number}": ("fail " if number % 3 == 0 else "pass ") + f"{word}-{number}" for number in range(jobs)}


def assert_whole(core: Core, payloads: dict[str, str]) -> None:
    reports = [body for body in core.bodies() if "### FaultRay" in body]
    assert len(reports) == 1
    for key, payload in payloads.items():
        assert f"- {key}: {payload}\n" in reports[0] + "\n"


def test_eight_jobs_and_a_thousand_interleavings_lose_nothing() -> None:
    payloads = sections(JOBS)
    for seed in range(INTERLEAVINGS):
        core = fresh_core()
        results = matrix(core, seed, payloads)
        assert_whole(core, payloads)
        assert all(result.diagnostics == () for result in results), seed
        assert len({result.comment_url for result in results}) == 1, seed


def test_a_second_matrix_of_the_same_commit_writes_nothing() -> None:
    for seed in range(30):
        core = fresh_core()
        matrix(core, seed, sections(JOBS))
        core.clear_log()
        matrix(core, seed + 1, sections(JOBS), run=2)
        assert core.writes == []


def test_a_matrix_of_a_new_commit_replaces_the_old_one() -> None:
    for seed in range(60):
        core = fresh_core()
        matrix(core, seed, sections(4, "old"))
        core.move_head(1, NEWER)
        matrix(core, seed + 1, sections(3, "new"), head=NEWER, run=2)
        assert_whole(core, sections(3, "new"))
        assert "old-" not in core.bodies()[0]


@pytest.mark.parametrize("mode", [CommentMode.NEW, CommentMode.HIDE_AND_NEW, CommentMode.UPDATE_AND_PING])
def test_the_other_modes_keep_one_comment_a_commit_and_one_ping(mode: CommentMode) -> None:
    for seed in range(40):
        core = fresh_core()
        matrix(core, seed, dict.fromkeys(sections(4), "pass"), mode=mode)
        core.move_head(1, NEWER)
        matrix(core, seed + 1, sections(4, "new"), head=NEWER, run=2, mode=mode)
        current = [body for body in core.bodies() if NEWER in body.splitlines()[0]]
        assert len([body for body in current if "### FaultRay" in body]) == 1
        assert len([body for body in core.bodies() if "was green" in body]) == (1 if mode is CommentMode.UPDATE_AND_PING else 0)


def test_old_jobs_that_finish_among_the_new_ones_never_show_last() -> None:
    """Jobs of the old commit are under way when the head moves: at the end the newer commit's sections stand."""
    for seed in range(100):
        core = fresh_core()
        turns = Turns(transport_to(core), chooser(seed))
        posted = [0]

        def move(method: str, path: str, core: Core = core, posted: list[int] = posted) -> None:
            posted[0] += method == "POST" and path.endswith("/check-runs")
            if posted[0] == 3:
                core.move_head(1, NEWER)

        def job(number: int, core: Core = core, turns: Turns = turns) -> Published:
            new = number % 2
            client = Client(core.repository, WRITE_TOKEN, core.base_url, core.base_url + "/graphql", transport=turns.transport(number))
            context = context_of_pull(core, head=NEWER if new else HEAD, run=1 + new)
            return publish(posting(f"pass {'new' if new else 'old'}-{number}", key=f"envs/{number // 2}"), context, client)

        core.commits.add(NEWER)
        core.on_request = move
        turns.run([lambda number=number: job(number) for number in range(6)])  # type: ignore[misc]
        core.on_request = None
        publish(posting("pass new-1", key="envs/0"), context_of_pull(core, head=NEWER, run=2), client_of(core))
        assert len(core.bodies()) == 1 and "old-" not in core.bodies()[0] and core.bodies()[0].count("new-") == 3, seed
