"""From documents to posts: what the outputs, the summary, the check run and the comment say.

The runner is told first, for it always listens: outputs and summary stand whatever becomes of the posts. GitHub is told after that, and
adds to them what only posting can know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from faultray_action.github.check import CheckRun, Section
from faultray_action.github.client import Client, PostingError
from faultray_action.github.comment import Wording
from faultray_action.github.context import Context
from faultray_action.github.outputs import diagnostic_command, note_in_summary, quarantined, write_outputs, write_summary
from faultray_action.github.publish import Attempt, Posting, Published, publish, straight, unpublished, with_head
from faultray_action.model.artifact import AnnotationChannel, Light
from faultray_action.model.diagnostic import Diagnostic, Severity
from faultray_action.model.errors import FaultrayError
from faultray_action.model.text import visible
from faultray_action.report import links, markdown, remarks, summary, terminal
from faultray_action.report.document import Document
from faultray_action.report.store import condensed, dump, load
from faultray_action.report.verdict import worth_a_word
from faultray_action.settings import Settings

NAME = "faultray"
"""What our comments are known by in a repository."""


class Posted(Struct, frozen=True):
    """`lines` go to stdout in order."""

    published: Published
    lines: tuple[str, ...]


def post(document: Document, settings: Settings, context: Context, files: Mapping[str, str]) -> Posted:
    """Outputs and job summary, then check run and comment; whatever fails is told and changes nothing."""
    told = tell(document, settings, context, files)
    posted = send(document, settings, context)
    return Posted(posted.published, (*told, *posted.lines))


def tell(document: Document, settings: Settings, context: Context, files: Mapping[str, str]) -> tuple[str, ...]:
    """Outputs and job summary, as far as they are known before anything is posted. Returns lines for stdout."""
    notes = write_outputs(context.output, outputs_of(document, files))
    if settings.summary:
        shown = _shown(context)
        notes += write_summary(context.step_summary, summary.render(document, shown), markdown.render(document, shown))
    return (quarantined(terminal.render(document)).rstrip("\n"), *_commands(notes))


def send(document: Document, settings: Settings, context: Context, attempt: Attempt = straight) -> Posted:
    """Check run and comment; then their addresses in the outputs, and in the summary what went wrong."""
    published = Published()
    lines: tuple[str, ...] = ()

    def publication() -> None:
        nonlocal published
        published = _published(document, settings, context, attempt)

    def remarking() -> None:
        nonlocal lines
        lines = _remarks(document, settings, published)

    defects = _defects(attempt, publication, remarking)
    notes = (*published.diagnostics, *defects)
    unwritten = write_outputs(context.output, {"comment-url": published.comment_url, "check-url": published.check_url})
    if settings.summary:
        unwritten += note_in_summary(context.step_summary, notes)
    return Posted(published, (*lines, *_commands((*notes, *unwritten))))


def _defects(attempt: Attempt, *steps: Callable[[], None]) -> tuple[Diagnostic, ...]:
    """Takes the steps in turn; what stopped one of them is a word, and no reason to leave out the next."""
    told: list[Diagnostic] = []
    for step in steps:
        try:
            defect = attempt(step)
        except FaultrayError as error:
            defect = str(error)
        if defect:
            message = f"Not posted: stopped by a defect of its own ({defect}), please report it."
            told.append(Diagnostic(Severity.WARNING, "not-posted", message))
    return tuple(told)


def _published(document: Document, settings: Settings, context: Context, attempt: Attempt) -> Published:
    client = client_of(context, settings.token)
    try:
        found = with_head(context, client) if client else context
    except PostingError as error:
        return unpublished(_posting(document, settings, context), context, error)
    return publish(_posting(document, settings, found), found, client, attempt)


def _remarks(document: Document, settings: Settings, published: Published) -> tuple[str, ...]:
    """Remarks on lines that no check run took; of what could not be computed there is always one."""
    wanted = document.error is not None and settings.annotations is not AnnotationChannel.OFF
    return remarks.commands(document) if published.commands or wanted else ()


def _commands(notes: Sequence[Diagnostic]) -> tuple[str, ...]:
    return tuple(diagnostic_command(note) for note in notes)


def _shown(context: Context) -> links.Context:
    return links.Context(server_url=context.server_url, repository=context.repository, sha=context.head_sha)


def client_of(context: Context, token: str) -> Client | None:
    """GitHub as this token sees it, None without one."""
    return Client(context.repository, token, context.api_url, context.graphql_url) if token.strip() else None


def light_of(document: Document) -> Light:
    """The verdict as a light."""
    return Light(document.verdict)


def outputs_of(document: Document, files: Mapping[str, str]) -> dict[str, str]:
    """The outputs of the action: scalars and paths; empty where there is nothing to say, and where only posting will tell."""
    score = document.score
    return {
        "verdict": document.verdict,
        "score-before": _number(score.before),
        "score-after": _number(score.after),
        "score-delta": _number(score.delta),
        "new-spofs": str(len(document.spofs.new)),
        "resolved-spofs": str(len(document.spofs.resolved)),
        "scenarios": str(document.scenarios.total),
        "coverage": _number(document.coverage.share),
        "recommendation": document.recommendation,
        "comment-url": "",
        "check-url": "",
        **{name: files.get(name, "") for name in ("json-file", "sarif-file", "html-file", "markdown-file")},
    }


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}".removesuffix(".00") if value == int(value) else f"{value:.2f}"


def _posting(document: Document, settings: Settings, context: Context) -> Posting:
    shown = _shown(context)
    return Posting(
        name=NAME,
        check=CheckRun(
            name=visible(f"{settings.check_name} · {settings.label}" if settings.label else settings.check_name),
            light=light_of(document),
            title=remarks.check_title(document),
            summary=summary.render_check(document, shown),
            annotations=remarks.annotate(document),
            warn_only=document.mode == "warn",
        ),
        section=Section(key=document.label or document.plan.path, payload=dump(condensed(document)).decode("utf-8")),
        render=_renderer(context),
        validate=_is_document,
        mode=settings.comment_mode,
        when=settings.comment_when,
        channel=settings.annotations,
    )


def _is_document(payload: str) -> bool:
    try:
        load(payload.encode("utf-8"))
    except FaultrayError:
        return False
    return True


def _renderer(context: Context) -> Callable[[Sequence[Section], str], Wording]:
    """All sections of a commit -> one comment: a pure function of them, so that every job of a matrix words it alike."""

    def render(sections: Sequence[Section], head_sha: str) -> Wording:
        documents = [load(section.payload.encode("utf-8")) for section in sections]
        shown = links.Context(server_url=context.server_url, repository=context.repository, sha=head_sha)
        worst = max((light_of(document) for document in documents), key=(Light.PASS, Light.FAIL, Light.ERROR).index)
        return Wording(markdown.render_comment(documents, shown), worst, any(worth_a_word(document) for document in documents))

    return render
