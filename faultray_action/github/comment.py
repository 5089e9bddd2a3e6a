"""The comment on the pull request: found again by marker and author, rewritten only where it changed, one of a kind.

The first line of each comment is an HTML comment that says whose it is and what it said: key, head commit, verdict, and the verdict of the
commit before. Nothing in it changes from one run to the next of the same commit, so that an identical run writes nothing.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from faultray_action.github.client import Client, PostingError, TooManyError, number_of, text_of
from faultray_action.model.artifact import CommentMode, CommentWhen, Light
from faultray_action.model.diagnostic import Diagnostic, Severity

MAX_COMMENT = 65_536
"""Characters that GitHub takes in one comment."""
DEFAULT_LOGIN = "github-actions[bot]"

MAX_SLUG = 100
QUESTION_ATTEMPTS = 2
"""Who we are is asked twice and no more: there are other ways to learn it, and the time is needed for the report."""
NODES_A_QUERY = 100

_STAMP = re.compile(
    r'<!-- faultray-action \{"head": "(?P<head>[0-9a-f]{0,64})", "key": "(?P<key>[a-z0-9-]{1,220})"'
    r'(?P<ping>, "ping": true)?(?:, "previous": "(?P<previous>pass|fail|error)")?, "verdict": "(?P<verdict>pass|fail|error)"\} -->'
)
"""What `str(stamp)` writes and nothing else, so that there is no parser to be led astray."""
_VIEWER = "query { viewer { login } }"
_MINIMIZED = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on IssueComment { id isMinimized } } }"
_MINIMIZE = """mutation($id: ID!) {
  minimizeComment(input: {subjectId: $id, classifier: OUTDATED}) { minimizedComment { isMinimized } }
}"""


class Stamp(Struct, frozen=True):
    """What the first line of a comment says. `previous` is the verdict of the last other head commit, None where there was none."""

    key: str
    head_sha: str
    light: Light
    previous: Light | None = None
    ping: bool = False

    def __str__(self) -> str:
        fields: dict[str, Any] = {"key": self.key, "head": self.head_sha, "verdict": self.light.value}
        if self.previous:
            fields["previous"] = self.previous.value
        if self.ping:
            fields["ping"] = True
        return f"<!-- faultray-action {json.dumps(fields, sort_keys=True)} -->"


class Comment(Struct, frozen=True):
    """A comment of ours as GitHub returned it."""

    id: int
    node_id: str
    url: str
    body: str
    stamp: Stamp


class Wording(Struct, frozen=True):
    """What to say: the body without its first line, the verdict it speaks of, and whether it speaks of any change of resilience."""

    body: str
    light: Light
    changed: bool = True


def slug(text: str) -> str:
    """A key that is safe inside an HTML comment.

    A long one ends in a digest of the whole.

    >>> slug("FaultRay --> envs/prod")
    'faultray-envs-prod'
    """
    word = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "faultray"
    if len(word) <= MAX_SLUG:
        return word
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
    return f"{word[: MAX_SLUG - 17]}-{digest}"


def read_stamp(body: str) -> Stamp | None:
    """The stamp of a comment body, None where it is not one of ours."""
    match = _STAMP.match(body)
    if not match:
        return None
    previous = match["previous"]
    return Stamp(match["key"], match["head"], Light(match["verdict"]), Light(previous) if previous else None, match["ping"] is not None)


def own_login(client: Client) -> str:
    """Who we are, "" where GitHub does not say: GraphQL knows it of every token, `GET /user` of a person's only."""
    try:
        return text_of(client.graphql(_VIEWER, attempts=QUESTION_ATTEMPTS), "viewer", "login")
    except PostingError:
        return _login_of_person(client)


def _login_of_person(client: Client) -> str:
    try:
        return text_of(client.user(attempts=QUESTION_ATTEMPTS), "login")
    except PostingError:
        return ""


def login_of_app(slug_of_app: str) -> str:
    """The author of what an app writes."""
    return f"{slug_of_app}[bot]" if slug_of_app else ""


class Thread:
    """The comments of one pull request that carry our marker and our name.

    `login` is "" where GitHub does not say who we are. Then we are taken for the bot of workflows until the answer to the first comment
    that we write tells its author; `notes` then says so.
    """

    def __init__(self, client: Client, pull: int, login: str) -> None:
        self._client = client
        self._pull = pull
        self._sure = bool(login)
        self._login = login or DEFAULT_LOGIN
        self._whole = True
        self._listed: list[Comment] = []
        self._created: dict[int, Comment] = {}
        self.notes: list[Diagnostic] = []

    def own(self, key: str) -> list[Comment]:
        """Ours with this key, oldest first; those this run created count even where GitHub's list is slow to show them."""
        found = dict(self._created)
        self._whole = True
        try:
            for row in self._client.pages(f"issues/{self._pull}/comments"):
                comment = self._read(row)
                if comment is not None:
                    found[comment.id] = comment
        except TooManyError:
            self._whole = False
        self._listed = [comment for _, comment in sorted(found.items())]
        return self.listed(key)

    def listed(self, key: str) -> list[Comment]:
        """The same of the latest listing, without asking again."""
        return [comment for comment in self._listed if comment.stamp.key == key]

    def _read(self, row: Any) -> Comment | None:
        """The author first: what others write is not looked into."""
        if text_of(row, "user", "login") != self._login:
            return None
        body = text_of(row, "body").replace("\r\n", "\n")
        stamp = read_stamp(body)
        return None if stamp is None else _comment(row, body, stamp)

    def create(self, stamp: Stamp, body: str) -> Comment:
        """A new comment. Raises PostingError where one of ours may stand among those that were not read."""
        text = _text(stamp, body)
        if not self._whole:
            raise PostingError("the pull request has too many comments to know whether ours is among them: none was added")
        row = self._client.post(f"issues/{self._pull}/comments", {"body": text})
        comment = _comment(row, text, stamp)
        self._created[comment.id] = comment
        self._learn(text_of(row, "user", "login"))
        return comment

    def _learn(self, author: str) -> None:
        """The next listing finds what earlier runs wrote under this name, and of two comments the older stays."""
        if self._sure or not author:
            return
        self._sure = True
        if author != self._login:
            self._login = author
            self.notes.append(_author_learned(author))

    def update(self, comment: Comment, stamp: Stamp, body: str) -> Comment:
        """Writes only where something changed. One that somebody deleted meanwhile is for the next round to notice."""
        text = _text(stamp, body)
        if _same(comment.body, text):
            return comment
        try:
            self._client.patch(f"issues/comments/{comment.id}", {"body": text})
        except PostingError as error:
            if error.status != 404:
                raise
            self._created.pop(comment.id, None)
        return replace(comment, body=text, stamp=stamp)

    def restore(self, comment: Comment) -> None:
        """Put back what a comment said."""
        self._client.patch(f"issues/comments/{comment.id}", {"body": comment.body})

    def delete(self, comments: Iterable[Comment]) -> None:
        """Another job may have deleted one already."""
        for comment in comments:
            self._created.pop(comment.id, None)
            try:
                self._client.delete(f"issues/comments/{comment.id}")
            except PostingError as error:
                if error.status != 404:
                    raise

    def hide(self, comments: Sequence[Comment]) -> None:
        """Fold outdated comments that are not folded yet. Where GraphQL does not answer they stay open, and that is told."""
        try:
            for start in range(0, len(comments), NODES_A_QUERY):
                self._fold(comments[start : start + NODES_A_QUERY])
        except PostingError as error:
            message = f"The comments of earlier commits were not folded: {error}."
            self.notes.append(Diagnostic(Severity.WARNING, "not-folded", message))

    def _fold(self, comments: Sequence[Comment]) -> None:
        nodes = self._client.graphql(_MINIMIZED, {"ids": [comment.node_id for comment in comments]}).get("nodes") or []
        folded = {node.get("id") for node in nodes if isinstance(node, dict) and node.get("isMinimized")}
        for comment in comments:
            if comment.node_id not in folded:
                self._client.graphql(_MINIMIZE, {"id": comment.node_id})


def worth_a_comment(when: CommentWhen, wording: Wording) -> bool:
    """Whether to start a comment where none stands. Red always deserves one."""
    return when is CommentWhen.ALWAYS or wording.light.red or (when is CommentWhen.CHANGES and wording.changed)


class Written(Struct, frozen=True):
    """`before` is what the comment said until now (None: it is new), `changed` whether anything was written or deleted."""

    comment: Comment
    before: Comment | None
    changed: bool


def write(thread: Thread, mode: CommentMode, stamp: Stamp, wording: Wording, *, may_create: bool) -> Written | None:
    """Make the one comment of this key say this. None where none stands and none is worth starting.

    Of two of our comments the lowest id stays. In the modes that start a comment a commit, "the one comment" is that of this commit.
    """
    own = [comment for comment in thread.own(stamp.key) if not comment.stamp.ping]
    fresh = mode in (CommentMode.NEW, CommentMode.HIDE_AND_NEW)
    same = [comment for comment in own if not fresh or comment.stamp.head_sha == stamp.head_sha]
    if not same and not may_create:
        return None
    last = own[-1] if fresh and own else same[0] if same else None
    stamp = replace(stamp, previous=_previous(last.stamp if last else None, stamp.head_sha))
    before = same[0] if same else None
    comment = thread.update(before, stamp, wording.body) if before else thread.create(stamp, wording.body)
    thread.delete(same[1:])
    if mode is CommentMode.HIDE_AND_NEW:
        thread.hide([old for old in own if old.stamp.head_sha != stamp.head_sha])
    return Written(comment, before, comment is not before or len(same) > 1)


def ping(thread: Thread, comment: Comment) -> None:
    """One short new comment a head commit where green turned red: an edited comment sends no mail, a new one does."""
    stamp = comment.stamp
    if stamp.previous is not Light.PASS or not stamp.light.red:
        return
    pings = [known for known in thread.own(stamp.key) if known.stamp.ping and known.stamp.head_sha == stamp.head_sha]
    if not pings:
        text = f"🔴 FaultRay: this pull request was green and is red since {stamp.head_sha[:7]}: [see the report]({comment.url})."
        thread.create(Stamp(stamp.key, stamp.head_sha, stamp.light, ping=True), text)
        pings = [known for known in thread.own(stamp.key) if known.stamp.ping and known.stamp.head_sha == stamp.head_sha]
    thread.delete(pings[1:])


def _author_learned(author: str) -> Diagnostic:
    message = (
        f"GitHub does not say whose token this is (GraphQL `viewer`), so its author, {author}, was read from a new comment, "
        "and that of earlier runs was kept in its place."
    )
    return Diagnostic(Severity.NOTICE, "author-learned", message)


def _comment(row: Any, body: str, stamp: Stamp) -> Comment:
    return Comment(number_of(row, "id"), text_of(row, "node_id"), text_of(row, "html_url"), body, stamp)


def _previous(stamp: Stamp | None, head_sha: str) -> Light | None:
    """Every job of one commit derives the same answer, whichever of them writes first."""
    if stamp is None:
        return None
    return stamp.previous if stamp.head_sha == head_sha else stamp.light


def _text(stamp: Stamp, body: str) -> str:
    """What is sent is what is compared: half a character, which JSON may hold and UTF-8 may not, becomes a question mark here."""
    text = f"{stamp}\n{body}".encode("utf-8", "replace").decode("utf-8")
    if len(text) > MAX_COMMENT:
        raise PostingError(f"the comment was not sent: {len(text):,} characters, GitHub takes {MAX_COMMENT:,}")
    return text


def _same(one: str, other: str) -> bool:
    return one.replace("\r\n", "\n").rstrip() == other.replace("\r\n", "\n").rstrip()
