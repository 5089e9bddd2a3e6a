"""What GitHub's log shows for each way a run can go. The fake enforces GitHub's limits and validates every request."""

from __future__ import annotations

import pytest
from fake_github.core import BOT, HEAD, MERGE, READ_TOKEN, WRITE_TOKEN, Core
from fake_github.rig import Clock, client_of, context_of_pull, posting
from fake_github.server import FakeGitHub
from msgspec.structs import replace

from faultray_action.github.client import Client
from faultray_action.github.context import Context, Event
from faultray_action.github.publish import Published, publish
from faultray_action.model.artifact import AnnotationChannel, CommentMode, CommentWhen
from faultray_action.model.diagnostic import Severity

NEWER = "2" * 40
LIST_RUNS = f"GET /repos/acme/shop/commits/{HEAD}/check-runs?filter=all&per_page=100 -> 200"
LIST_COMMENTS = "GET /repos/acme/shop/issues/1/comments?per_page=100 -> 200"
GET_PULL = "GET /repos/acme/shop/pulls/1 -> 200"


@pytest.fixture
def core() -> Core:
    core = Core()
    core.add_pull()
    core.commits.add(MERGE)
    return core


def run(
    core: Core, *args: object, token: str = WRITE_TOKEN, clock: Clock | None = None, context: Context | None = None, **how: object
) -> Published:
    return publish(posting(*args, **how), context or context_of_pull(core), client_of(core, token, clock))  # type: ignore[arg-type]


def codes(published: Published) -> list[str]:
    return [diagnostic.code for diagnostic in published.diagnostics]


def test_first_run_posts_one_check_run_and_one_comment(core: Core) -> None:
    published = run(core, "fail changed", annotations=3)
    assert [str(entry) for entry in core.log] == [
        "POST /graphql -> 200 (query)",
        LIST_RUNS,
        "POST /repos/acme/shop/check-runs -> 201",
        GET_PULL,
        LIST_RUNS,
        LIST_COMMENTS,
        "POST /repos/acme/shop/issues/1/comments -> 201",
        GET_PULL,
        LIST_RUNS,
        LIST_COMMENTS,
    ]
    assert published.diagnostics == () and published.commands == ()
    assert published.comment_url.endswith("#issuecomment-1002") and published.check_url.endswith("/runs/1001")
    [check] = core.runs_of(HEAD)
    assert (check["conclusion"], check["output"]["annotations_count"]) == ("failure", 3)


def test_the_check_run_stands_on_the_head_not_on_the_merge_commit(core: Core) -> None:
    run(core)
    assert core.runs_of(MERGE) == [] and len(core.runs_of(HEAD)) == 1


def test_second_identical_run_writes_nothing(core: Core) -> None:
    first = run(core, "fail changed", annotations=70)
    core.clear_log()
    second = run(core, "fail changed", annotations=70, context=context_of_pull(core, run=2))
    assert core.writes == []
    assert (second.comment_url, second.check_url, second.diagnostics) == (first.comment_url, first.check_url, ())


@pytest.mark.parametrize("mode", list(CommentMode))
def test_no_mode_writes_twice_what_stands_already(core: Core, mode: CommentMode) -> None:
    core.add_comment(1, "a human", "octocat")
    for head in ("a" * 40, HEAD):
        core.move_head(1, head)
        run(core, "pass", mode=mode, context=context_of_pull(core, head=head))
    core.clear_log()
    run(core, "pass", mode=mode, context=context_of_pull(core, run=2))
    assert core.writes == []


def test_a_changed_run_updates_the_one_comment(core: Core) -> None:
    run(core, "fail changed")
    core.clear_log()
    run(core, "pass changed", context=context_of_pull(core, run=2))
    assert [str(entry) for entry in core.writes] == [
        "POST /repos/acme/shop/check-runs -> 201",
        "PATCH /repos/acme/shop/issues/comments/1002 -> 200",
    ]
    [body] = core.bodies()
    assert "pass changed" in body and "fail" not in body


def test_only_our_own_comment_is_edited(core: Core) -> None:
    run(core, "fail changed")
    [stolen] = core.bodies()
    forged = core.add_comment(1, stolen, "mallory")
    core.comments = {forged["id"]: forged}
    run(core, "pass changed", context=context_of_pull(core, run=2))
    assert forged["body"] == stolen and len(core.comments) == 2


def test_our_comment_is_found_behind_a_hundred_others(core: Core) -> None:
    for number in range(250):
        core.add_comment(1, f"chatter {number}")
    run(core, "fail changed")
    for number in range(50):
        core.add_comment(1, f"more {number}")
    core.clear_log()
    run(core, "pass changed", context=context_of_pull(core, run=2))
    assert [entry.method for entry in core.writes] == ["POST", "PATCH"]
    assert any("page=4" in entry.path for entry in core.log)


@pytest.mark.parametrize("fork", [True, False])
def test_a_read_only_token_gets_commands_and_one_notice_with_the_permissions(core: Core, fork: bool) -> None:
    published = run(core, "fail changed", annotations=3, token=READ_TOKEN, context=context_of_pull(core, fork=fork))
    assert {entry.status for entry in core.writes} == {403}
    assert core.comments == {} and core.check_runs == {}
    assert len(published.commands) == 3
    [notice] = published.diagnostics
    assert (notice.severity, notice.code) == (Severity.NOTICE, "read-only-token")
    assert "permissions: { contents: read, checks: write, pull-requests: write }" in notice.message
    assert ("workflow_run" in notice.message) == fork


def test_without_checks_write_each_job_has_a_comment_of_its_own(core: Core) -> None:
    core.add_token("comments-only", permissions={"pull-requests": "write"})
    for _ in range(2):
        for key in ("envs/a", "envs/b"):
            published = run(core, f"fail {key}", key=key, token="comments-only", annotations=1)
            assert codes(published) == ["read-only-token"] and len(published.commands) == 1
            assert "checks: " in published.diagnostics[0].message
    assert len(core.bodies()) == 2
    core.clear_log()
    run(core, "fail envs/a", key="envs/a", token="comments-only")
    assert [entry for entry in core.writes if "/comments" in entry.path] == []


def test_a_comment_of_its_own_goes_once_the_section_can_be_shared(core: Core) -> None:
    core.inject(503, path="check-runs", times=20)
    run(core, "fail alone")
    assert len(core.bodies()) == 1
    core.faults.clear()
    run(core, "pass shared", context=context_of_pull(core, run=2))
    assert len(core.bodies()) == 1 and "pass shared" in core.bodies()[0]


def test_without_a_token_nothing_is_asked_of_github(core: Core) -> None:
    published = publish(posting(annotations=2), context_of_pull(core), None)
    assert codes(published) == ["no-token"] and len(published.commands) == 2 and core.log == []


def test_outside_github_nothing_is_said() -> None:
    assert publish(posting(), Context(), None).diagnostics == ()


def test_too_many_requests_waits_as_asked(core: Core) -> None:
    core.inject(429, method="POST", path="check-runs$", headers={"retry-after": "7"})
    core.inject(403, method="POST", path="comments$", headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1000020"})
    clock = Clock()
    published = run(core, clock=clock)
    assert clock.slept == [7.0, 13.0] and published.diagnostics == () and len(core.bodies()) == 1


def test_a_secondary_limit_without_a_time_waits_a_minute_then_two(core: Core) -> None:
    core.inject(403, method="POST", path="comments$", message="You have exceeded a secondary rate limit", times=2)
    clock = Clock()
    assert run(core, clock=clock).diagnostics == () and clock.slept == [60.0, 120.0]


def test_a_wait_beyond_the_budget_is_given_up_and_told(core: Core) -> None:
    core.inject(429, method="POST", path="comments$", headers={"retry-after": "3600"})
    clock = Clock()
    published = run(core, clock=clock)
    assert clock.slept == [] and codes(published) == ["not-posted"] and published.comment_url == ""
    assert "3600 s" in published.diagnostics[0].message and published.check_url


def test_a_server_error_is_retried(core: Core) -> None:
    core.inject(502, path="comments$", times=3)
    clock = Clock()
    assert run(core, clock=clock).diagnostics == () and clock.slept == [1.0, 2.0, 4.0]


def test_a_post_that_failed_after_taking_effect_leaves_one_comment(core: Core) -> None:
    core.inject(502, method="POST", path="comments$", takes_effect=True)
    assert run(core, "fail changed").diagnostics == ()
    assert len(core.bodies()) == 1


def test_a_github_that_stays_down_changes_no_verdict(core: Core) -> None:
    core.inject(503, times=10_000)
    clock = Clock()
    published = run(core, annotations=2, clock=clock)
    assert codes(published) == ["not-posted", "not-posted"] and len(published.commands) == 2
    assert sum(clock.slept) <= 300


def test_a_stale_run_that_finishes_last_leaves_the_newer_comment(core: Core) -> None:
    core.move_head(1, NEWER)
    run(core, "pass new", context=context_of_pull(core, head=NEWER, run=2))
    core.clear_log()
    published = run(core, "fail old", context=context_of_pull(core, head=HEAD, run=1))
    assert codes(published) == ["stale-run"]
    assert [entry.path for entry in core.writes] == ["/repos/acme/shop/check-runs"]
    assert "pass new" in core.bodies()[0]


def test_an_older_run_of_the_same_commit_leaves_the_newer_section(core: Core) -> None:
    run(core, "pass new", context=context_of_pull(core, run=2))
    core.clear_log()
    published = run(core, "fail old", context=context_of_pull(core, run=1))
    assert codes(published) == ["superseded-run"] and core.writes == []


def test_a_head_that_moves_while_writing_ends_with_the_newer_report(core: Core) -> None:
    """The stale run's write lands after the newer one's: it notices, and shows the newer sections."""
    newer = context_of_pull(core, head=NEWER, run=2)
    state = {"moved": False}

    def interfere(method: str, path: str) -> None:
        if method == "PATCH" and "comments" in path and not state["moved"]:
            state["moved"] = True
            core.move_head(1, NEWER)
            publish(posting("pass new"), newer, client_of(core))

    run(core, "pass first", context=context_of_pull(core, run=0))
    core.on_request = interfere
    run(core, "fail old", context=context_of_pull(core, run=1))
    assert state["moved"] and len(core.bodies()) == 1 and "pass new" in core.bodies()[0]


def test_without_checks_a_moved_head_gets_its_comment_back(core: Core) -> None:
    core.add_token("comments-only", permissions={"pull-requests": "write"})
    state = {"moved": False}

    def interfere(method: str, path: str) -> None:
        if method == "PATCH" and "comments" in path and not state["moved"]:
            state["moved"] = True
            core.move_head(1, NEWER)

    run(core, "pass first", token="comments-only")
    core.on_request = interfere
    published = run(core, "fail old", token="comments-only", context=context_of_pull(core, run=1))
    assert "stale-run" in codes(published)


def test_a_report_of_70_000_characters_is_refused_before_it_is_sent(core: Core) -> None:
    published = run(core, "fail " + "x" * 70_000)
    assert codes(published) == ["not-posted", "not-posted"]
    assert all(entry.status < 400 for entry in core.log) and core.writes == []
    assert ["70,005 characters, GitHub takes 65,535" in published.diagnostics[0].message, "65,536" in published.diagnostics[1].message] == [
        True
    ] * 2


def test_a_comment_of_70_000_characters_is_refused_while_the_check_run_stands(core: Core) -> None:
    published = run(core, "fail " + "x" * 70_000, summary="short")
    assert codes(published) == ["not-posted"] and published.check_url and not published.comment_url
    assert all(entry.status < 400 for entry in core.log)


def test_400_annotations_are_cut_to_200_in_four_requests(core: Core) -> None:
    run(core, annotations=400)
    assert [entry.method for entry in core.writes if "check-runs" in entry.path] == ["POST", "PATCH", "PATCH", "PATCH"]
    [check] = core.runs_of(HEAD)
    lines = [row["start_line"] for row in core.annotations[check["id"]]]
    assert lines == list(range(1, 201))


@pytest.mark.parametrize(
    ("payload", "warn_only", "conclusion"),
    [
        ("pass", False, "success"),
        ("fail", False, "failure"),
        ("fail", True, "neutral"),
        ("error", False, "action_required"),
        ("error", True, "action_required"),
    ],
)
def test_could_not_compute_never_satisfies_a_required_check(core: Core, payload: str, warn_only: bool, conclusion: str) -> None:
    run(core, payload, warn_only=warn_only)
    assert core.runs_of(HEAD)[0]["conclusion"] == conclusion


@pytest.mark.parametrize(
    ("when", "payload", "comments"),
    [
        (CommentWhen.ALWAYS, "pass", 1),
        (CommentWhen.CHANGES, "pass", 0),
        (CommentWhen.CHANGES, "pass changed", 1),
        (CommentWhen.REGRESSIONS, "pass changed", 0),
        (CommentWhen.REGRESSIONS, "fail", 1),
        (CommentWhen.REGRESSIONS, "error", 1),
    ],
)
def test_what_deserves_a_first_comment(core: Core, when: CommentWhen, payload: str, comments: int) -> None:
    run(core, payload, when=when)
    assert len(core.bodies()) == comments


def test_a_comment_that_stands_is_kept_true_whatever_deserves_one(core: Core) -> None:
    run(core, "fail", when=CommentWhen.REGRESSIONS)
    core.move_head(1, NEWER)
    run(core, "pass", when=CommentWhen.REGRESSIONS, context=context_of_pull(core, head=NEWER, run=2))
    assert len(core.bodies()) == 1 and "pass" in core.bodies()[0]


def commits(core: Core, mode: CommentMode, *payloads: str) -> None:
    for number, payload in enumerate(payloads):
        head = f"{number + 3:040x}"
        core.move_head(1, head)
        publish(posting(payload, mode=mode), context_of_pull(core, head=head, run=number + 1), client_of(core))


def test_new_starts_a_comment_a_commit(core: Core) -> None:
    commits(core, CommentMode.NEW, "pass", "fail", "pass")
    assert len(core.bodies()) == 3 and not any(comment["minimized"] for comment in core.comments_of())


def test_hide_and_new_folds_the_earlier_ones(core: Core) -> None:
    commits(core, CommentMode.HIDE_AND_NEW, "pass", "fail", "pass")
    assert [comment["minimized"] for comment in core.comments_of()] == [True, True, False]
    assert sum(1 for entry in core.writes if entry.path == "/graphql") == 2


def test_off_writes_no_comment(core: Core) -> None:
    commits(core, CommentMode.OFF, "fail")
    assert core.bodies() == [] and len(core.check_runs) == 1


def test_one_short_comment_when_green_turns_red(core: Core) -> None:
    commits(core, CommentMode.UPDATE_AND_PING, "fail", "pass", "fail changed", "fail changed more", "pass", "error")
    pings = [body for body in core.bodies() if "was green and is red" in body]
    assert len(core.bodies()) == 3 and len(pings) == 2 and all(len(body) < 300 for body in pings)


def test_annotations_go_where_they_are_wanted(core: Core) -> None:
    for channel, on_check, commands in (
        (AnnotationChannel.AUTO, 2, 0),
        (AnnotationChannel.CHECK_RUN, 2, 0),
        (AnnotationChannel.COMMANDS, 0, 2),
        (AnnotationChannel.OFF, 0, 0),
    ):
        published = run(core, f"pass {channel}", key=str(channel), annotations=2, channel=channel)
        assert (core.runs_of(HEAD)[-1]["output"]["annotations_count"], len(published.commands)) == (on_check, commands)


@pytest.mark.parametrize("event", [Event.PUSH, Event.WORKFLOW_DISPATCH])
def test_a_push_finds_its_pull_request_by_commit(core: Core, event: Event) -> None:
    core.add_pull(7, "7" * 40)
    run(core, context=Context(event=event, repository=core.repository, head_sha="7" * 40, run=1))
    assert len(core.bodies(7)) == 1 and core.bodies(1) == []


def test_a_push_without_an_open_pull_request_gets_a_check_run_only(core: Core) -> None:
    core.add_pull(7, "7" * 40, state="closed")
    published = run(core, context=Context(event=Event.PUSH, repository=core.repository, head_sha="7" * 40, run=1))
    assert core.comments == {} and published.check_url and published.diagnostics == ()


def test_the_publisher_of_a_fork_finds_the_pull_request_by_branch(core: Core) -> None:
    core.add_pull(8, "8" * 40, fork=True, branch="topic")
    core.add_pull(9, "9" * 40, fork=True, branch="other")
    context = Context(
        event=Event.WORKFLOW_RUN, repository=core.repository, head_sha="8" * 40, head_branch="mallory:topic", is_fork=True, run=1
    )
    run(core, context=context)
    assert len(core.bodies(8)) == 1 and core.bodies(9) == []


def test_a_merge_group_gets_a_check_run_and_no_comment(core: Core) -> None:
    core.commits.add("6" * 40)
    run(core, context=Context(event=Event.MERGE_GROUP, repository=core.repository, head_sha="6" * 40, run=1))
    assert core.comments == {} and len(core.runs_of("6" * 40)) == 1


def test_the_login_comes_from_graphql_and_falls_back_to_the_bot(core: Core) -> None:
    core.add_token("app", login="my-app[bot]", app="my-app", permissions={"checks": "write", "pull-requests": "write"})
    run(core, "fail", token="app")
    assert core.comments_of()[0]["user"]["login"] == "my-app[bot]"
    core.clear_log()
    run(core, "fail", token="app", context=context_of_pull(core, run=2))
    assert core.writes == []
    other = Core()
    other.add_pull()
    other.inject(403, path="/graphql", times=99)
    for _ in range(2):
        assert run(other, "fail").diagnostics == ()
    assert len(other.bodies()) == 1 and other.comments_of()[0]["user"]["login"] == BOT


def test_a_section_of_another_app_is_not_shown(core: Core) -> None:
    core.add_token("evil", login="evil[bot]", app="evil", permissions={"checks": "write", "pull-requests": "write"})
    run(core, "pass forged", key="forged", token="evil", mode=CommentMode.OFF)
    run(core, "fail true")
    assert "forged" not in core.bodies()[0]


def test_a_section_that_does_not_validate_is_named_and_left_out(core: Core) -> None:
    bad = posting("pass x", key="bad", mode=CommentMode.OFF)
    bad = replace(bad, section=type(bad.section)("bad", "nonsense"))
    publish(bad, context_of_pull(core), client_of(core))
    assert codes(run(core, "fail true")) == ["unreadable-section"]
    assert "nonsense" not in core.bodies()[0]


def test_two_jobs_under_one_label_are_told_and_neither_is_lost(core: Core) -> None:
    run(core, "fail one", key="same")
    published = run(core, "pass two", key="same")
    assert codes(published) == ["label-used-twice"]
    assert "fail one" in core.bodies()[0] and "pass two" in core.bodies()[0]


@pytest.mark.parametrize("lag", [1, 2, 5, 20])
@pytest.mark.parametrize("mode", [CommentMode.UPDATE, CommentMode.HIDE_AND_NEW])
def test_lists_that_trail_their_writes_make_no_second_comment(core: Core, lag: int, mode: CommentMode) -> None:
    core.lag = lag
    assert run(core, "fail changed", mode=mode).diagnostics == ()
    assert len(core.bodies()) == 1 and "fail changed" in core.bodies()[0]


def test_a_comment_that_somebody_deletes_meanwhile_is_written_again(core: Core) -> None:
    run(core, "fail changed")

    def delete(method: str, path: str) -> None:
        if method == "PATCH":
            core.comments.clear()

    core.on_request = delete
    assert run(core, "pass changed", context=context_of_pull(core, run=2)).diagnostics == ()
    assert len(core.bodies()) == 1 and "pass changed" in core.bodies()[0]


def test_a_locked_conversation_is_no_missing_permission(core: Core) -> None:
    core.inject(403, method="POST", path="comments$", message="Unable to create comment because issue is locked.")
    published = run(core)
    assert codes(published) == ["not-posted"] and "issue is locked" in published.diagnostics[0].message


def test_a_fork_under_pull_request_target_is_warned_of(core: Core) -> None:
    context = Context(event=Event.PULL_REQUEST_TARGET, repository=core.repository, head_sha=HEAD, pull=1, run=1, is_fork=True)
    assert codes(run(core, context=context)) == ["unsafe-event"]


def test_a_renamed_repository_is_followed_and_the_token_stays_on_its_host(core: Core) -> None:
    core.former_names = ["acme/old"]
    client = client_of(core)
    client.repository = "acme/old"
    assert publish(posting(), context_of_pull(core), client).diagnostics == ()
    assert len(core.bodies()) == 1


def test_over_a_real_socket_with_enterprise_addresses() -> None:
    with FakeGitHub() as github:
        github.core.add_pull()
        client = Client(github.core.repository, WRITE_TOKEN, f"{github.url}/api/v3", f"{github.url}/api/graphql")
        for number in range(2):
            published = publish(posting("fail changed", annotations=60), context_of_pull(github.core, run=number), client)
            assert published.diagnostics == ()
        assert len(github.core.bodies()) == 1 and len(github.core.check_runs) == 1
