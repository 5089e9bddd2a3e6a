"""Post the artifacts. Whatever fails here becomes a diagnostic; the verdict was fixed before and stays."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from faultray_action.github.check import CheckRun, PostedSection, Section
from faultray_action.github.client import Client, PostingError, number_of, text_of
from faultray_action.github.comment import DEFAULT_LOGIN, Comment, Thread, login_of_app, own_login, ping, slug
from faultray_action.github.context import Context, Event
from faultray_action.github.projection import Render, Sticky, own_key, project, put_section, write_alone
from faultray_action.model.artifact import Annotation, AnnotationChannel, CommentMode, CommentWhen
from faultray_action.model.diagnostic import Diagnostic, Severity
from faultray_action.model.errors import FaultrayError

PERMISSIONS = ("contents: read", "checks: write", "pull-requests: write")
"""All that the action can use; naming one permission drops those that are not named, so a notice names them all."""


Attempt = Callable[[Callable[[], None]], str]
"""Takes one step of a publication. Returns "" where it came to its end, else what defect of ours stopped it: the other steps go on."""


def straight(step: Callable[[], None]) -> str:
    """Takes the step; whatever it raises is the caller's."""
    step()
    return ""


class Posting(Struct, frozen=True):
    """Everything to post, and how. `name` tells the comment from those of other uses of the action in the same repository."""

    name: str
    check: CheckRun
    section: Section
    render: Render
    validate: Callable[[str], bool]
    mode: CommentMode = CommentMode.UPDATE
    when: CommentWhen = CommentWhen.ALWAYS
    channel: AnnotationChannel = AnnotationChannel.AUTO


class Published(Struct, frozen=True):
    """`commands` are the annotations that no check run took: to be printed as workflow commands."""

    comment_url: str = ""
    check_url: str = ""
    commands: tuple[Annotation, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()


def publish(posting: Posting, context: Context, client: Client | None, attempt: Attempt = straight) -> Published:
    """The check run on the head commit, then the comment. Never raises for what GitHub does; `client` None where there is no token."""
    if client is None or not context.repository or not context.head_sha:
        return Published(commands=_commands(posting, posted=False), diagnostics=_without_github(context, client))
    return _Publisher(posting, context, client, attempt).run()


def with_head(context: Context, client: Client) -> Context:
    """The context with the commits of its pull request, where the event names the number only. Raises PostingError."""
    if context.head_sha or not context.pull:
        return context
    pull = client.get(f"pulls/{context.pull}")
    head, base = text_of(pull, "head", "repo", "full_name"), text_of(pull, "base", "repo", "full_name")
    return replace(context, head_sha=text_of(pull, "head", "sha"), base_sha=text_of(pull, "base", "sha"), is_fork=head != base)


def unpublished(posting: Posting, context: Context, failure: PostingError) -> Published:
    """What is left to say where the commit to post to could not be learned."""
    return Published(commands=_commands(posting, posted=False), diagnostics=failures_told([failure], context))


class _Publisher:
    """One publication: what was posted, and what went wrong on the way."""

    def __init__(self, posting: Posting, context: Context, client: Client, attempt: Attempt) -> None:
        self._posting = posting
        self._context = context
        self._client = client
        self._attempt = attempt
        self._login = ""
        self._posted: PostedSection | None = None
        self._thread: Thread | None = None
        self._comment: Comment | None = None
        self._failures: list[PostingError] = []
        self._diagnostics: list[Diagnostic] = []

    def run(self) -> Published:
        self._take(self._learn_login)
        self._take(self._post_check)
        if self._posting.mode is not CommentMode.OFF:
            self._take(self._post_comment)
        notes = self._thread.notes if self._thread else []
        failures = failures_told(self._failures, self._context)
        return Published(
            comment_url=self._comment.url if self._comment else "",
            check_url=self._posted.url if self._posted else "",
            commands=_commands(self._posting, posted=self._posted is not None),
            diagnostics=(*self._diagnostics, *notes, *failures, *unsafe_event(self._context)),
        )

    def _take(self, step: Callable[[], None]) -> None:
        """What stops one step is told, and does not stop the next."""
        try:
            defect = self._attempt(step)
        except PostingError as error:
            self._failures.append(error)
            return
        except FaultrayError as error:
            self._failures.append(PostingError(str(error)))
            return
        if defect:
            self._failures.append(PostingError(f"stopped by a defect of its own ({defect}), please report it"))

    def _learn_login(self) -> None:
        self._login = own_login(self._client)

    @property
    def _app(self) -> str:
        """The app that our check runs belong to; a person has none and cannot write any."""
        login = self._login or DEFAULT_LOGIN
        return login.removesuffix("[bot]") if login.endswith("[bot]") else ""

    def _post_check(self) -> None:
        check = replace(self._posting.check, details_url=self._posting.check.details_url or self._context.run_url)
        if self._posting.channel in (AnnotationChannel.COMMANDS, AnnotationChannel.OFF):
            check = replace(check, annotations=())
        self._posted, notes = put_section(self._client, self._context.head_sha, self._app, check, self._section())
        self._diagnostics += notes
        self._login = self._login or login_of_app(self._posted.app)

    def _section(self) -> Section:
        return replace(self._posting.section, run=self._context.run, attempt=self._context.attempt)

    def _post_comment(self) -> None:
        pull = self._context.pull or find_pull(self._client, self._context)
        if pull is not None:
            self._comment_on(pull)

    def _comment_on(self, pull: int) -> None:
        posting = self._posting
        thread = self._thread = Thread(self._client, pull, self._login)
        sticky = Sticky(
            pull,
            self._context.head_sha,
            slug(posting.name),
            posting.mode,
            posting.when,
            posting.render,
            posting.validate,
        )
        if self._posted:
            self._comment, notes = project(self._client, thread, sticky, self._posted)
            thread.delete(thread.listed(own_key(sticky, self._section())))
        else:
            self._comment, notes = write_alone(self._client, thread, sticky, self._section())
        self._diagnostics += notes
        if self._comment and posting.mode is CommentMode.UPDATE_AND_PING:
            ping(thread, self._comment)


def find_pull(client: Client, context: Context) -> int | None:
    """The open pull request whose head is this commit, the oldest where there are several; None where the event has none to look for."""
    if not context.event.may_have_pull:
        return None
    path, query = ("pulls", {"head": context.head_branch}) if context.head_branch else (f"commits/{context.head_sha}/pulls", {})
    rows = client.pages(path, **query)
    found = [number_of(row, "number") for row in rows if _is_head(row, context.head_sha)]
    return min(found, default=None)


def _is_head(row: object, head_sha: str) -> bool:
    return text_of(row, "state") == "open" and text_of(row, "head", "sha") == head_sha


def _commands(posting: Posting, *, posted: bool) -> tuple[Annotation, ...]:
    wanted = posting.channel is AnnotationChannel.COMMANDS or (posting.channel is AnnotationChannel.AUTO and not posted)
    return posting.check.annotations if wanted else ()


def unsafe_event(context: Context) -> tuple[Diagnostic, ...]:
    """Some events run with the base repository's rights: no place for a plan made from a fork's code."""
    if context.event not in (Event.PULL_REQUEST_TARGET, Event.ISSUE_COMMENT) or not context.is_fork:
        return ()
    message = (
        "This run has the rights of the base repository while it reads a fork's plan: use `pull_request` with a `workflow_run` publisher."
    )
    return (Diagnostic(Severity.WARNING, "unsafe-event", message),)


def failures_told(failures: list[PostingError], context: Context) -> tuple[Diagnostic, ...]:
    """One notice for all missing permissions, one warning for each other failure."""
    missing = sorted({failure.permission for failure in failures if failure.permission})
    told = [Diagnostic(Severity.NOTICE, "read-only-token", _permissions_to_add(missing, failures, context))] if missing else []
    others = dict.fromkeys(str(failure) for failure in failures if not failure.permission)
    told += [Diagnostic(Severity.WARNING, "not-posted", f"Not posted: {sentence}.") for sentence in others]
    return tuple(told)


def _permissions_to_add(missing: list[str], failures: list[PostingError], context: Context) -> str:
    lacks = " and ".join(f"`{permission}`" for permission in missing)
    statuses = ", ".join(sorted({str(failure.status) for failure in failures if failure.permission}))
    block = "`permissions: { " + ", ".join(PERMISSIONS) + " }`"
    if context.is_fork and context.event is not Event.WORKFLOW_RUN:
        return (
            f"Not posted to the pull request: the run of a fork has a read-only token ({statuses}, lacks {lacks}); verdict, summary and "
            f"exit code are as ever. To post as well, run `faultray publish` in a `workflow_run` workflow with {block}."
        )
    who = "Dependabot's token is read-only by default" if context.is_dependabot else "the token may not write"
    return f"Not posted to the pull request: {who} ({statuses}, lacks {lacks}). Add to the job: {block}."


def _without_github(context: Context, client: Client | None) -> tuple[Diagnostic, ...]:
    if not context.repository:
        return ()
    block = "`permissions: { " + ", ".join(PERMISSIONS) + " }`"
    reason = "`github-token` is empty" if client is None else "the event names no commit"
    return (Diagnostic(Severity.NOTICE, "no-token", f"Not posted to the pull request: {reason}. The job needs {block}."),)
