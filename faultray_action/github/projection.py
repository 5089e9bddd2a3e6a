"""One comment, many jobs: each writes its own section, and the comment is a projection of all of them.

GitHub has no compare-and-swap on comments. So no job ever edits another's words: it writes its section into its own check run first, then
lists the sections of the head commit, renders all of them, writes the comment, and lists again until a round changes nothing.

Why nothing is lost: whoever writes the comment last lists the sections after that. A section written before that listing is seen and makes
another round, which contradicts "last". A section written after it belongs to a job that lists the comments later still, sees the missing
section, and writes: another contradiction. The same holds for a first comment created twice: each creator lists again, the lowest id stays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from faultray_action.github.check import CheckRun, PostedSection, Section, current, digest, order, post, read_sections
from faultray_action.github.client import Client, PostingError, text_of
from faultray_action.github.comment import Comment, Stamp, Thread, Wording, Written, slug, worth_a_comment, write
from faultray_action.model.artifact import CommentMode, CommentWhen
from faultray_action.model.diagnostic import Diagnostic, Severity

MAX_ROUNDS = 40
"""A round is repeated only where another job wrote meanwhile; more than this is a fight, not a matrix."""

Render = Callable[[Sequence[Section], str], Wording]
"""All sections (by key) and the head commit they are of -> the comment. Pure: every job must word the same sections alike."""


class Sticky(Struct, frozen=True):
    """Which comment, how it is kept, and how it is worded. `validate` says whether a payload of another job may be rendered."""

    pull: int
    head_sha: str
    key: str
    mode: CommentMode
    when: CommentWhen
    render: Render
    validate: Callable[[str], bool]


def put_section(client: Client, head_sha: str, app: str, check: CheckRun, section: Section) -> tuple[PostedSection, tuple[Diagnostic, ...]]:
    """Write this job's section, unless it stands there already or a newer run of the same commit has spoken."""
    own = [posted for posted in current(read_sections(client, head_sha, app)) if posted.section.key == section.key]
    wanted = digest(check, section)
    for posted in own:
        if posted.external_id == wanted:
            return posted, ()
    if own and order(own[-1].section) > order(section):
        return own[-1], (_superseded(),)
    collides = bool(own) and order(own[-1].section) == order(section)
    return post(client, head_sha, check, section), (_collision(section.key),) if collides else ()


def project(client: Client, thread: Thread, sticky: Sticky, own: PostedSection) -> tuple[Comment | None, tuple[Diagnostic, ...]]:
    """Bring the comment in line with the sections of the pull request's head. Returns it, or None where none stands.

    `own` is this job's section as posted: it counts even where GitHub's list is slow to show it.
    A run whose commit is no longer the head writes nothing; where the head moves while it writes, it goes on until the newer sections show.
    """
    wrote = False
    for _ in range(MAX_ROUNDS):
        head = head_of(client, sticky.pull)
        if head != sticky.head_sha and not wrote:
            return None, (stale(sticky.head_sha, head),)
        sections = _sections(client, head, sticky, own)
        readable = [section for section in sections if sticky.validate(section.payload)]
        if not readable:
            return None, (stale(sticky.head_sha, head),) if head != sticky.head_sha else _unreadable(len(sections))
        written = _show(thread, sticky, sticky.key, head, sticky.render(readable, head))
        if written is None or not written.changed:
            return (written.comment if written else None), _unreadable(len(sections) - len(readable))
        wrote = True
    raise PostingError(f"the comment still changed after {MAX_ROUNDS} rounds: do two workflows use the same label?")


def _sections(client: Client, head: str, sticky: Sticky, own: PostedSection) -> list[Section]:
    listed = read_sections(client, head, own.app)
    if head == sticky.head_sha and own.check_id not in {posted.check_id for posted in listed}:
        listed.append(own)
    return [posted.section for posted in current(listed)]


def write_alone(client: Client, thread: Thread, sticky: Sticky, section: Section) -> tuple[Comment | None, tuple[Diagnostic, ...]]:
    """A comment of this job's own, where its section could not be shared (no `checks: write`)."""
    wording = sticky.render([section], sticky.head_sha)
    key = own_key(sticky, section)
    written: Written | None = None
    for _ in range(MAX_ROUNDS):
        head = head_of(client, sticky.pull)
        if head != sticky.head_sha:
            if written and written.before and written.before.stamp.head_sha == head:
                thread.restore(written.before)
            return None, (stale(sticky.head_sha, head),)
        written = _show(thread, sticky, key, head, wording)
        if written is None or not written.changed:
            break
    return (written.comment if written else None), ()


def own_key(sticky: Sticky, section: Section) -> str:
    """The key of a comment that one job has for itself."""
    return f"{sticky.key}-{slug(section.key)}"


def head_of(client: Client, pull: int) -> str:
    """The head commit of a pull request, now."""
    head = text_of(client.get(f"pulls/{pull}"), "head", "sha")
    if not head:
        raise PostingError(f"pull request {pull} has no head commit")
    return head


def stale(own: str, head: str) -> Diagnostic:
    message = f"The pull request has moved from {own[:7]} to {head[:7]}: this run is stale and leaves the comment to the newer one."
    return Diagnostic(Severity.NOTICE, "stale-run", message)


def _show(thread: Thread, sticky: Sticky, key: str, head: str, wording: Wording) -> Written | None:
    stamp = Stamp(key, head, wording.light)
    return write(thread, sticky.mode, stamp, wording, may_create=worth_a_comment(sticky.when, wording))


def _superseded() -> Diagnostic:
    return Diagnostic(Severity.NOTICE, "superseded-run", "A newer run of the same commit has already reported: this one leaves its report.")


def _collision(key: str) -> Diagnostic:
    message = f"Two jobs of this run report under the same name ({key}): give each its own `label`."
    return Diagnostic(Severity.WARNING, "label-used-twice", message)


def _unreadable(count: int) -> tuple[Diagnostic, ...]:
    if not count:
        return ()
    message = f"{count} section(s) of other jobs could not be read and are not in the comment: do all jobs use the same version?"
    return (Diagnostic(Severity.WARNING, "unreadable-section", message),)
