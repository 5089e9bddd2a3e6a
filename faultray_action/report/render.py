"""One table of renderers: format -> what makes text of a document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from faultray_action.report import badge, codequality, junit, markdown, sarif, store
from faultray_action.report.document import Document

Renderer = Callable[[Document], str]


def _text(document: Document) -> str:
    # Imported where it is wanted: rich is a tenth of the start-up of a run that writes files only.
    from faultray_action.report import terminal

    return terminal.render(document)


def _json(document: Document) -> str:
    return store.dump(document).decode("utf-8")


RENDERERS: Mapping[str, Renderer] = MappingProxyType(
    {
        "text": _text,
        "json": _json,
        "markdown": markdown.render,
        "sarif": sarif.render,
        "junit": junit.render,
        "gitlab-codequality": codequality.render,
        "badge": badge.render,
    }
)
