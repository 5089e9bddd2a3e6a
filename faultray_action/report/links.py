"""Where a comment is shown, and links from it to exact lines."""

from __future__ import annotations

from msgspec import Struct

from faultray_action.report import escape

_MAX_URL = 600


class Context(Struct, frozen=True):
    """Where a report is shown; all optional, without them there are no links.

    `server_url` "https://github.com", `repository` "owner/name", `sha` the head commit. `marker` is a line of the caller's
    (an HTML comment) that stands first in a comment. `summary_url` leads to the job summary.
    `notice` is one Markdown line of the caller's shown last.
    """

    server_url: str = ""
    repository: str = ""
    sha: str = ""
    marker: str = ""
    summary_url: str = ""
    notice: str = ""


PLAIN = Context()


def line_url(context: Context, file: str, line: int, end_line: int = 0) -> str:
    """The line at the head commit, "" where the context does not say where that is."""
    path = escape.url_path(file)
    if not (context.server_url and context.repository and context.sha and path):
        return ""
    anchor = f"#L{line}" + (f"-L{end_line}" if end_line > line else "") if line else ""
    url = f"{context.server_url.rstrip('/')}/{context.repository}/blob/{context.sha}/{path}{anchor}"
    return url if len(url) <= _MAX_URL else ""


def place(context: Context, file: str, line: int, end_line: int = 0) -> str:
    """`db.tf:23` in Markdown, as a link where possible; "" where no file is known."""
    if not file:
        return ""
    shown = escape.code(f"{file.rsplit('/', 1)[-1]}:{line}" if line else file.rsplit("/", 1)[-1], 60)
    url = line_url(context, file, line, end_line)
    return f"[{shown}]({url})" if url else shown
