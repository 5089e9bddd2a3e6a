"""From documents to posts: what the comment, the check run, the summary and the outputs say, and in which order they are posted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from faultray_action.github.check import CheckRun, Section
from faultray_action.github.client import Client
from faultray_action.github.comment import Wording
from faultray_action.github.context import Context
from faultray_action.github.outputs import diagnostic_command, quarantined, write_outputs, write_summary
from faultray_action.github.publish import Posting, Published, publish
from faultray_action.model.artifact import AnnotationChannel, Light
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
    """Check run, comment, job summary and outputs, in that order; whatever fails is told and changes nothing."""
    client = Client(context.repository, settings.token, context.api_url, context.graphql_url) if settings.token else None
    published = publish(_posting(document, settings, context), context, client)
    shown = links.Context(server_url=context.server_url, repository=context.repository, sha=context.head_sha)
    notes = published.diagnostics
    if settings.summary:
        full, short = summary.render(document, shown), markdown.render(document, shown)
        notes += write_summary(context.step_summary, full, short, published.diagnostics)
    notes += write_outputs(context.output, outputs_of(document, published, files))
    lines = [quarantined(terminal.render(document)).rstrip("\n")]
    if published.commands or (document.error is not None and settings.annotations is not AnnotationChannel.OFF):
        lines += remarks.commands(document)
    lines += [diagnostic_command(note) for note in notes]
    return Posted(published, tuple(lines))


def light_of(document: Document) -> Light:
    """The verdict as a light."""
    return Light(document.verdict)


def outputs_of(document: Document, published: Published, files: Mapping[str, str]) -> dict[str, str]:
    """The outputs of the action: scalars and paths; empty where there is nothing to say."""
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
        "comment-url": published.comment_url,
        "check-url": published.check_url,
        **{name: files.get(name, "") for name in ("json-file", "sarif-file", "html-file", "markdown-file")},
    }


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}".removesuffix(".00") if value == int(value) else f"{value:.2f}"


def _posting(document: Document, settings: Settings, context: Context) -> Posting:
    shown = links.Context(server_url=context.server_url, repository=context.repository, sha=context.head_sha)
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
