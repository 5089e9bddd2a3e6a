"""Host names in plain strings: what "http://catalog:8080/items" or "orders.shop.svc.cluster.local" means inside a cluster.

Such names are words, not identifiers by their shape, so a name counts only where the string uses it as a host: in a URL, before a port, with
dots, or as a whole value under a key that says so ("CATALOG_HOST").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from faultray_action.catalogue.chart_values import written_out
from faultray_action.catalogue.expression import Scope, every
from faultray_action.model.value import UNKNOWN

_URL = re.compile(r"[a-z][a-z0-9+.-]*://([^/\s\"'`?#]+)", re.IGNORECASE)
_WITH_PORT = re.compile(r"(?<![\w./:@-])([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?):\d{2,5}(?![\w.:])")
_DOTTED = re.compile(r"(?<![\w./@-])[a-z0-9-]+(?:\.[a-z0-9-]+)+(?![\w@-])")
_WHOLE = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")
_KEY = re.compile(r"(?:^|[_.-])(?:hosts?|hostname|addr|address|server|endpoint|url|uri|upstream|backend|brokers?|service|svc)(?:$|[_.-])")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_TELEMETRY = re.compile(
    r"(?:^|[_.-])(?:otel|otlp|opentelemetry|jaeger|zipkin|tempo|loki|statsd|fluentd|fluent-?bit|logstash|prometheus|pushgateway|sentry|datadog)(?:$|[_.-])"
)
"""Keys and hosts of what metrics, logs and traces are sent to."""
_INSTALLS = re.compile(r"\b(?:apt|apt-get|yum|dnf|zypper|apk|pip3?|npm|gem)\s+(?:-\S+\s+)*(?:install|update|add)\b")
_PUBLIC = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}")
_INWARD = ("internal", "local", "localdomain", "lan", "corp", "svc", "home.arpa")
"""Endings of names that no public name server knows."""
_FIELD = re.compile(r"\{([\w.]+)\}")
_DEFAULT_NAMESPACE = "default"


def named(template: str, values: Mapping[str, Any]) -> str:
    """A host name from a template over attributes: "{metadata.name}.{metadata.namespace}.svc"; "" where a part is not known.

    >>> named("{metadata.name}.{metadata.namespace}.svc", {"metadata": [{"name": "db"}]})
    'db.default.svc'
    """
    scope = Scope(values)
    parts = {path: _part(scope, path) for path in _FIELD.findall(template)}
    return "" if not all(parts.values()) else _FIELD.sub(lambda found: parts[found.group(1)], template)


def named_in(templates: Iterable[str], values: Mapping[str, Any], used: frozenset[str]) -> dict[str, int]:
    """Which of the used names the templates make, and how closely: the length of what is certain. A "*" stands for what the rest of a label may be.

    >>> named_in(["{name}.chat", "{name}-*.chat"], {"name": "redis"}, frozenset({"redis-master.chat", "redis.chat", "web.chat"}))
    {'redis.chat': 10, 'redis-master.chat': 6}
    """
    found: dict[str, int] = {}
    for name in (named(template, values) for template in templates) if used else ():
        certain, star, rest = name.partition("*")
        like = re.compile(re.escape(certain) + "[a-z0-9-]+" + re.escape(rest)) if star else None
        for host in sorted(host for host in used if name and (like.fullmatch(host) if like else host == name)):
            found[host] = max(found.get(host, 0), len(certain))
    return found


def _part(scope: Scope, path: str) -> str:
    value = scope.get(path)
    if value is None and path.endswith("namespace"):
        return _DEFAULT_NAMESPACE
    return value if isinstance(value, str) else ""


def used_in(values: Mapping[str, Any], path: str) -> frozenset[str]:
    """All names that the strings under a path use as hosts, to be answered: what only takes in telemetry is missed by no request.

    >>> sorted(used_in({"env": [{"name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": "http://gateway.obs:4317"}, {"name": "DB", "value": "db.shop:5432"}]}, "env"))
    ['db.shop']
    """
    return frozenset(
        host
        for key, text in _lines(every(values, path), path.rpartition(".")[2])
        for host in (() if _TELEMETRY.search(key.lower()) else _hosts(key, text))
        if host and not _TELEMETRY.search(host)
    )


def names_the_internet(values: Mapping[str, Any], path: str, within: tuple[str, ...] = ()) -> bool:
    """Whether the strings under a path call a host on the internet, or install packages: in a URL or before a port, and a public name by its shape.

    >>> names_the_internet({"env": [{"name": "PAYMENTS", "value": "https://api.stripe.com/v1"}]}, "env")
    True
    >>> names_the_internet({"env": {"A": "https://storage.googleapis.com/x", "B": "db.shop.internal:5432"}}, "env", ("googleapis.com",))
    False
    """
    return any(
        _INSTALLS.search(text) or any(_is_public(host, within) for host in _called(text)) for _, text in _strings(every(values, path), "")
    )


def _called(text: str) -> Iterator[str]:
    for authority in _URL.findall(text):
        yield authority.rpartition("@")[2].partition(":")[0].lower()
    yield from _WITH_PORT.findall(text)


def _is_public(host: str, within: tuple[str, ...]) -> bool:
    return _PUBLIC.fullmatch(host) is not None and not any(host == end or host.endswith("." + end) for end in (*_INWARD, *within))


def is_vague(values: Mapping[str, Any], path: str) -> bool:
    """Whether anything under a path is unknown until apply."""
    pending = every(values, path)
    while pending:
        item = pending.pop()
        if item is UNKNOWN:
            return True
        pending += item.values() if isinstance(item, Mapping) else item if isinstance(item, list) else ()
    return False


def _strings(tree: Any, key: str) -> Iterator[tuple[str, str]]:
    """(key, string) pairs; in `{"name": "CATALOG_URL", "value": …}` the name is the key of the value."""
    if isinstance(tree, str):
        yield key, tree
    elif isinstance(tree, list):
        for item in tree:
            yield from _strings(item, key)
    elif isinstance(tree, Mapping):
        label = tree.get("name")
        for name, item in tree.items():
            yield from _strings(item, label if name == "value" and isinstance(label, str) else str(name))


def _lines(tree: Any, key: str) -> Iterator[tuple[str, str]]:
    """The same, where a string that is a YAML document (values of a chart, a configuration file) says more: its own pairs. "redisHost" is "redis_Host"."""
    for name, text in _strings(tree, key):
        document = written_out(text)
        for inner, line in [(name, text)] if document is None else _strings(document, name):
            yield _CAMEL.sub("_", inner), line


def _hosts(key: str, text: str) -> Iterator[str]:
    for authority in _URL.findall(text):
        for part in authority.rpartition("@")[2].split(","):
            yield part.partition(":")[0]
    yield from _WITH_PORT.findall(text)
    yield from _DOTTED.findall(text)
    if _KEY.search(key.lower()) and _WHOLE.fullmatch(text.strip()):
        yield text.strip()
