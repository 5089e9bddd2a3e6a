"""Identity values: which resource an id, ARN, host name, URL or name belongs to, and which of them occur in a string."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from faultray_action.model.address import without_index
from faultray_action.terraform.attributes import strings_in, values_at
from faultray_action.terraform.plan import Resource
from faultray_action.terraform.regions import own_region

PRIMARY = frozenset({"id", "arn", "self_link"})
"""Attributes that are a resource's own identity before all others."""

DEFINING = frozenset(
    {
        "address", "arn_suffix", "bootstrap_brokers", "bootstrap_brokers_tls", "bootstrap_brokers_sasl_iam", "bootstrap_brokers_sasl_scram",
        "bucket_domain_name", "bucket_regional_domain_name", "configuration_endpoint", "configuration_endpoint_address",
        "connection_name", "default_host_name", "default_hostname", "dns_name", "domain_name", "endpoint", "execution_arn", "fqdn",
        "fully_qualified_domain_name", "gateway_address", "host", "hostname", "instance_group", "invoke_arn", "invoke_url", "ip_address",
        "login_server", "primary_blob_endpoint", "primary_blob_host", "primary_endpoint", "primary_endpoint_address",
        "primary_web_endpoint", "primary_web_host", "private_dns", "private_dns_name", "private_ip", "private_ip_address", "public_dns",
        "public_ip", "public_ip_address", "qualified_arn", "reader_endpoint", "reader_endpoint_address", "repository_url", "stream_arn",
        "unique_id", "uri", "url", "vault_uri", "website_endpoint", "zookeeper_connect_string",
    }
)  # fmt: skip
"""Computed attributes under which others know a resource."""

NAMES = frozenset(
    {
        "name", "identifier", "bucket", "family", "function_name", "cluster_name", "cluster_id", "cluster_identifier", "replication_group_id",
        "table_name", "topic", "broker_name", "domain", "node_group_name", "stage_name", "stream_name", "repository_id", "instance_id",
    }
)  # fmt: skip
"""Plain names; they link only where the attribute that holds them names a resource of that kind."""

NESTED: tuple[tuple[str, ...], ...] = (
    ("cache_nodes", "address"),
    ("instances", "endpoints"),
    ("instances", "ip_address"),
    ("ip_address", "ip_address"),
    ("metadata", "name"),
    ("status", "url"),
)
"""Identity values inside blocks, of any type that has them."""

_SPECIFIC = re.compile(
    r"""arn:[a-z-]+:.{6,}                                             # ARN
    | [a-z][a-z0-9+]*://\S{4,}                                        # URL
    | /?[\w.~@-]+(?:/[\w.~@-]+){2,}/?\S*                              # /subscriptions/…, projects/p/…
    | [a-z]{1,16}-[0-9a-f]{8}(?:[0-9a-f]{9})?                         # subnet-0123abcd…
    | [0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}            # UUID
    | (?=[\w.-]*[A-Za-z])[\w-]+(?:\.[\w-]+){2,}(?::\d{2,5})?\.?       # host name with two dots or more
    | (?=[A-Z0-9]*\d)(?=[A-Z0-9]*[A-Z])[A-Z0-9]{10,32}                # zone and distribution ids
    | (?=[a-z0-9]*\d)(?=[a-z0-9]*[a-z])[a-z0-9]{10}                   # API ids
    | \d{1,3}(?:\.\d{1,3}){3}                                         # IPv4
    """,
    re.VERBOSE,
)
_NEVER = re.compile(
    r"[\d.]{1,6}|\d+|0\.0\.0\.0|127\.0\.0\.1|255\.[\d.]+|[\d.]+/\d+|[0-9a-f:]*::?/\d+|(?:true|false|null)"
    r"|[a-z]{2}(?:-[a-z]+)+-\d[a-z]?|[a-z]+-[a-z]+\d+(?:-[a-z])?|\d+\.\d+\.\d+|\d{4}-\d\d-\d\d(?:T.*)?|[a-z0-9-]+\.amazonaws\.com"
)
_PLAIN = re.compile(r"(?=.*[\d.\-:/])[\w.\-:/+=@]{6,}")
_SPLIT = re.compile(r"[\s\"'`,;=<>()\[\]{}|&?@$\\]+")
_URL = re.compile(r"([a-z][a-z0-9+.:-]*)://([^/]+)(/.*)?", re.IGNORECASE)
_PORT = re.compile(r"(.+):(\d{2,5})")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{16,}={0,2}")
_NAMING = re.compile(
    r"(?:^|_)(?:names?|ids?|identifiers?|queue|table|topic|bucket|cluster|function|stream|group|service|database|db|host|role|key|domain|"
    r"subnets?|network|subnetwork|instances?|server|target|source|destination|pool|profile|repository|registry|backend|resource|parent)$"
)
_SUFFIX = re.compile(r"_(?:names?|ids?|arns?|identifiers?|urls?|uris?|self_links?|links?)$")
_MAX_TEXT = 200_000
_ARN_PARTS = 6
_DEFINING, _DERIVED, _PLAIN_NAME, _NO_RANK = 1, 2, 3, 9
SHORTEST = 3
"""A text shorter than this identifies nothing."""
_MIN_TOKEN = 6
_MIN_BASE64 = 16
_MAX_HOLDERS = 64
_MAX_COMMON = 40
_COMPOUND = re.compile(r"[:/\s{\[,;=|@]")
_RANKED = PRIMARY | DEFINING | NAMES


class Holder(Struct, frozen=True):
    """A resource that holds a value at an identity attribute. `rank`: 0 primary, 1 defining, 2 a host in one that defines, 3 a plain name.

    `sides` has a bit for each side on which it holds the value.
    """

    resource: Resource
    attribute: str
    rank: int
    sides: int


class Mention(NamedTuple):
    """An identity value found in a string; `key` is the innermost attribute or JSON key that held it ("" in free text)."""

    value: str
    key: str


def _is_recorded(row: Holder, own: int, recorded: Collection[str]) -> bool:
    return row.rank == own and bool(recorded) and without_index(row.resource.address) in recorded


@lru_cache(maxsize=65536)
def is_specific(text: str) -> bool:
    """Whether a text is an identifier by its shape alone: an ARN, URL, resource path, host name, address, generated id."""
    return len(text) >= 6 and _SPECIFIC.fullmatch(text) is not None and _NEVER.fullmatch(text) is None


@lru_cache(maxsize=65536)
def names_a_resource(key: str) -> bool:
    """Whether the last part of an attribute path plausibly names a resource ("queue_name", "cluster", "ORDERS_TABLE")."""
    return _NAMING.search(key.lower()) is not None


@lru_cache(maxsize=65536)
def stem(key: str) -> str:
    """The kind of thing that an attribute names: "db_subnet_group_name" -> "db_subnet_group", "subnets" -> "subnet".

    >>> stem("security_group_ids")
    'security_group'
    """
    text = _SUFFIX.sub("", key.lower())
    return text[:-1] if text.endswith("s") and not text.endswith("ss") else text


@lru_cache(maxsize=65536)
def type_fits(kind: str, wanted: str) -> bool:
    """Whether a resource type is of the kind that a stem names: its name ends in the stem, or the stem ends in it."""
    bare = kind.split("_", 1)[-1]
    return bool(wanted) and (bare == wanted or bare.endswith("_" + wanted) or wanted.endswith("_" + bare))


class _Layout(NamedTuple):
    """Where trees of one type that have the same attributes hold identity values: attributes with their rank, and paths into blocks."""

    attributes: tuple[tuple[str, int], ...]
    blocks: tuple[tuple[str, ...], ...]
    further: tuple[tuple[str, ...], ...]

    def paths(self, tree: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
        for path in self.blocks:
            if isinstance(tree[path[0]], list):
                yield path
        yield from self.further


@dataclass(slots=True)
class Identities:
    """The identity values of a plan. `extra` adds attribute paths by resource type to the built-in ones; sides are bits of the caller's choice."""

    extra: Mapping[str, Sequence[str]] = field(default_factory=dict)
    holders: dict[str, list[Holder]] = field(default_factory=dict)
    found: dict[str, tuple[Mention, ...]] = field(default_factory=dict)
    _layouts: dict[tuple[str, tuple[str, ...]], _Layout] = field(default_factory=dict)

    def add(self, resource: Resource, tree: Mapping[str, Any], sides: int, borrowed: frozenset[str] = frozenset()) -> None:
        """Index one resource; `borrowed` names attributes that the configuration fills from other resources: they are no identity of this one."""
        layout = self._layout(resource.type, tree)
        for key, rank in layout.attributes:
            value = tree[key]
            if type(value) is str and value and key not in borrowed:
                self._hold(value, resource, key, rank, sides)
        for path in layout.paths(tree):
            rank = _PLAIN_NAME if path[-1] in NAMES else _DEFINING
            for text in strings_in(values_at(tree, path))[0]:
                self._hold(text, resource, ".".join(path), rank, sides)

    def _layout(self, kind: str, tree: Mapping[str, Any]) -> _Layout:
        mark = kind, tuple(tree)
        layout = self._layouts.get(mark)
        if layout is None:
            ranked = ((key, rank_of(key, kind)) for key in sorted(_RANKED.intersection(tree)))
            layout = self._layouts[mark] = _Layout(
                tuple((key, rank) for key, rank in ranked if rank is not None),
                tuple(path for path in NESTED if path[0] in tree),
                tuple(tuple(text.split(".")) for text in self.extra.get(kind, ())),
            )
        return layout

    def settle(self) -> None:
        """Forget values that so many resources hold that they identify none."""
        for value in [value for value, rows in self.holders.items() if len(rows) > _MAX_HOLDERS]:
            del self.holders[value]

    def _hold(self, value: str, resource: Resource, attribute: str, rank: int, sides: int) -> None:
        """A value, and for endpoints the host names in it, each with its rank (a full DNS name without its last dot as well). What is in the
        index already has been found worth it."""
        if value in self.holders:
            self._enter(value, resource, attribute, rank, sides)
        elif len(value) >= SHORTEST and (len(value) > _MAX_COMMON or not _NEVER.fullmatch(value)):
            self.holders[value] = [Holder(resource, attribute, rank, sides)]
        else:
            return
        if rank != _DEFINING:
            return
        if value[-1] == "." and is_specific(value[:-1]):
            self._enter(value[:-1], resource, attribute, _DERIVED, sides)
        if ("," in value or ":" in value) and not value.startswith("arn:"):
            for token in dict.fromkeys(tokens(value)):
                if token != value and is_specific(token):
                    self._enter(token, resource, attribute, _DERIVED, sides)

    def _enter(self, text: str, resource: Resource, attribute: str, rank: int, sides: int) -> None:
        """Of a resource's attributes with one value the strongest counts."""
        rows = self.holders.get(text)
        if rows is None:
            self.holders[text] = [Holder(resource, attribute, rank, sides)]
            return
        last = rows[-1]
        if last.resource is not resource or last.sides != sides:
            rows.append(Holder(resource, attribute, rank, sides))
        elif rank < last.rank:
            rows[-1] = Holder(resource, attribute, rank, sides)

    def values_of(self, resource: Resource, tree: Mapping[str, Any]) -> Iterator[str]:
        """All identity values of one resource."""
        layout = self._layout(resource.type, tree)
        for key, _ in layout.attributes:
            value = tree[key]
            if type(value) is str and value:
                yield value
        for path in layout.paths(tree):
            yield from strings_in(values_at(tree, path))[0]

    def owner(self, mention: Mention, source: Resource, key: str, sides: int, recorded: Collection[str] = ()) -> Holder | None:
        """The one resource that a mention can mean on the given sides, or None. `key` is the attribute that holds the string.

        A value that is the source's own identity as well mentions another resource only where that one ranks higher, the source is a part of it, or
        the state recorded that the source was made from it (`recorded`: addresses without the last index).
        """
        rows: list[Holder] = []
        own = _NO_RANK
        for row in self.holders.get(mention.value, ()):
            if row.resource is source:
                own = min(own, row.rank)
            elif row.sides & sides:
                rows.append(row)
        rows = [
            row for row in rows if row.rank < own or source.type.startswith(row.resource.type + "_") or _is_recorded(row, own, recorded)
        ]
        if not rows:
            return None
        named = mention.key or key
        wanted = stem(named)
        if not is_specific(mention.value):
            rows = _in_region(source, _plain_holders(rows, mention.value, named, wanted))
        return _obvious(rows, wanted)

    def is_own(self, mention: Mention, source: Resource) -> bool:
        """Whether nobody but a resource itself holds a value."""
        rows = self.holders[mention.value]
        return rows[0].resource is source and (len(rows) == 1 or all(row.resource is source for row in rows))

    def look(self, text: str, source: Resource) -> tuple[Mention, ...]:
        """Identity values that occur in a string of a resource as whole tokens: the string itself (under the key ""), else what it embeds.

        Remembered in `found`, but for what is nothing but that resource's own identity (most first looks are): () then.
        """
        rows = self.holders.get(text)
        if rows:
            first = rows[0]
            if len(rows) == 1 and first.resource is source and first.rank != _DEFINING:
                return ()
            inside = self._search(text) if first.rank == _DEFINING and ":" in text and not text.startswith("arn:") else ()
            known = tuple(dict.fromkeys((Mention(text, ""), *inside)))
        elif len(text) < _MIN_TOKEN or len(text) > _MAX_TEXT or not _COMPOUND.search(text):
            known = self._from_base64(text)
        else:
            known = tuple(dict.fromkeys(self._search(text)))
        self.found[text] = known
        return known

    def _from_base64(self, text: str) -> tuple[Mention, ...]:
        compound = _MIN_BASE64 <= len(text) <= _MAX_TEXT and _BASE64.fullmatch(text)
        return tuple(dict.fromkeys(self._search(text))) if compound else ()

    def _search(self, text: str) -> Iterator[Mention]:
        pending: list[tuple[str, str, int]] = [(text, "", 0)]
        while pending:
            item, key, depth = pending.pop()
            if depth and item in self.holders:
                yield Mention(item, key)
                continue
            inner = _embedded(item, depth) if depth < 4 else None
            if inner is not None:
                pending.extend((child, name, depth + 1) for name, child in reversed(inner))
                continue
            for token in tokens(item):
                if token in self.holders and is_specific(token):
                    yield Mention(token, key)


def _plain_holders(rows: list[Holder], value: str, key: str, wanted: str) -> list[Holder]:
    """A plain name means a resource only under a key that names one: its type, a fitting one, or any where the name is unmistakable."""
    exact = [row for row in rows if type_fits(row.resource.type, wanted)]
    if exact or not names_a_resource(key):
        return exact
    while wanted := wanted.partition("_")[2]:  # "orders_table" names a table
        fitting = [row for row in rows if type_fits(row.resource.type, wanted)]
        if fitting:
            return fitting
    return rows if _PLAIN.fullmatch(value) and not _NEVER.fullmatch(value) else []


def _in_region(source: Resource, rows: list[Holder]) -> list[Holder]:
    """Of several that bear one name, those of the source's region: names are given once a region."""
    here = own_region(source.before, source.after) if len(rows) > 1 else ""
    return [row for row in rows if own_region(row.resource.before, row.resource.after) == here] or rows if here else rows


def _obvious(rows: list[Holder], wanted: str) -> Holder | None:
    """The owner among several holders: managed before data, best rank, not a mere part of another holder, else the type that the key names."""
    if len(rows) > 1:
        rows = [row for row in rows if not row.resource.data] or rows
        best = min((row.rank for row in rows), default=0)
        rows = [row for row in rows if row.rank == best]
    if len(rows) > 1:
        kinds = {row.resource.type for row in rows}
        rows = [row for row in rows if not any(row.resource.type.startswith(kind + "_") for kind in kinds)] or rows
    if len(rows) > 1:
        rows = [row for row in rows if type_fits(row.resource.type, wanted)]
    return rows[0] if len(rows) == 1 else None


@lru_cache(maxsize=65536)
def rank_of(key: str, kind: str) -> int | None:
    """How strongly a top-level attribute identifies a resource of a type; None where it does not."""
    if key in PRIMARY:
        return 0
    if key in DEFINING:
        return None if key == "domain_name" and not kind.endswith(("domain", "domain_name", "distribution", "pool")) else _DEFINING
    if key in NAMES:
        return _PLAIN_NAME if key == "name" or type_fits(kind, stem(key)) or (key == "identifier" and kind.endswith("instance")) else None
    return None


def tokens(text: str) -> Iterator[str]:
    """Candidate identifiers in free text: whole chunks, URLs and their hosts, hosts without a port, ARNs and the ARNs they extend."""
    for chunk in _SPLIT.split(text):
        if len(chunk) >= 6:
            yield from _forms(chunk.rstrip(".:"))


def _forms(chunk: str) -> Iterator[str]:
    yield chunk
    start = chunk.find("arn:", 1)
    if start > 0:
        yield from _forms(chunk[start:])
        return
    if chunk.startswith("arn:"):
        yield from _arn_prefixes(chunk)
        return
    match = _URL.fullmatch(chunk)
    if match:
        yield chunk.rstrip("/")
        yield from _hosts(match.group(2))
        if match.group(3):
            yield match.group(2) + match.group(3)
    else:
        yield from _hosts(chunk.split("/", 1)[0])


def _hosts(text: str) -> Iterator[str]:
    yield text
    match = _PORT.fullmatch(text)
    if match:
        yield match.group(1)


def _arn_prefixes(arn: str) -> Iterator[str]:
    """`arn:aws:s3:::bucket/*` extends `arn:aws:s3:::bucket`: drop trailing parts as long as a resource part is left."""
    while True:
        cut = max(arn.rfind("/"), arn.rfind(":"))
        arn = arn[:cut]
        if cut <= 0 or arn.count(":") < _ARN_PARTS - 1 or arn.endswith(":"):
            return
        yield arn


def _embedded(text: str, depth: int) -> list[tuple[str, str]] | None:
    """(key, string) pairs of JSON in a string, of base64 text, or None where the string is plain."""
    head = text[:1]
    if head in ("{", "["):
        try:
            return list(_pairs(msgspec.json.decode(text)))
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return None
    plain = decoded(text) if depth < 2 else ""
    return [("", plain)] if plain else None


def decoded(text: str) -> str:
    """The readable text that a string encodes in base64 (user data), "" where it does not.

    >>> decoded("VEFCTEU9cmlkZXMKQj0y"), decoded("rides")
    ('TABLE=rides\\nB=2', '')
    """
    if len(text) < _MIN_BASE64 or not _BASE64.fullmatch(text):
        return ""
    try:
        plain = base64.b64decode(text, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return ""
    return plain if plain.isprintable() or "\n" in plain else ""


def _pairs(tree: Any) -> Iterator[tuple[str, str]]:
    """Strings with the key that holds them; in `{"name": "QUEUE_URL", "value": …}` the name is the key."""
    pending: list[tuple[str, Any]] = [("", tree)]
    while pending:
        key, item = pending.pop()
        if isinstance(item, str):
            yield key, item
        elif isinstance(item, list):
            pending.extend((key, child) for child in reversed(item))
        elif isinstance(item, dict):
            label = item.get("name")
            named = label if isinstance(label, str) and "value" in item else None
            pending.extend((named if named and name == "value" else name, child) for name, child in reversed(item.items()))
