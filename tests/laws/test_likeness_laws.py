"""What is answered once for resources that are alike is what each of them would be told by itself."""

from __future__ import annotations

import random
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from faultray_action.catalogue.check import texts_of
from faultray_action.catalogue.expression import Scope, evaluate, names
from faultray_action.catalogue.load import load
from faultray_action.model.value import UNKNOWN
from faultray_action.topology.likeness import Likeness, fingerprint

CATALOGUE = load()
SCALARS: tuple[Any, ...] = (None, True, False, 0, 1, 3, "", "true", "false", "FARGATE", "Allow", "a", UNKNOWN)


def some_value(random_: random.Random, depth: int = 0) -> Any:
    kind = random_.random()
    if depth < 3 and kind < 0.15:
        return [some_value(random_, depth + 1) for _ in range(random_.randrange(3))]
    return random_.choice(SCALARS)


def put(tree: dict[str, Any], path: str, value: Any, random_: random.Random) -> None:
    """A value at a dotted path, through blocks or lists of one or two blocks."""
    head, _, rest = path.partition(".")
    if not rest:
        tree[head] = value
        return
    if not isinstance(tree.get(head), (dict, list)) or not tree[head]:
        tree[head] = [{} for _ in range(random_.choice((1, 2)))] if random_.random() < 0.6 else {}
    inner = tree[head][0] if isinstance(tree[head], list) else tree[head]
    if isinstance(inner, dict):
        put(inner, rest, value, random_)


@pytest.mark.parametrize("part", range(4))
def test_alike_is_answered_alike(part: int) -> None:
    random_ = random.Random(part)
    compared = 0
    for name in sorted(CATALOGUE.types())[part::4]:
        entry = CATALOGUE.get(name)
        assert entry is not None
        texts = [text for _, text in texts_of(entry)]
        paths = sorted({path for text in texts for path in names(text)} | {"tags", "id"})
        likeness = Likeness()
        for _ in range(6):
            one: dict[str, Any] = {}
            for path in paths:
                if random_.random() < 0.7:
                    put(one, path, some_value(random_), random_)
            other = {**one, random_.choice(paths).partition(".")[0]: some_value(random_)}
            written = [frozenset(random_.sample(paths, random_.randrange(len(paths)))) for _ in range(2)]
            answers = [
                likeness.answers(entry, values, partial(frozenset, sets)) for values, sets in zip((one, other), written, strict=True)
            ]
            if answers[0] is None or answers[0] is not answers[1]:
                continue
            for text in texts:
                scopes = [
                    Scope(values, entry.defaults, 2, 1, partial(frozenset, sets))
                    for values, sets in zip((one, other), written, strict=True)
                ]
                alone = [evaluate(text, scope) for scope in scopes]
                shared = [evaluate(text, replace(scope, answers=answers[0])) for scope in scopes]
                assert shared == alone, (name, text, one, other)
                compared += 1
    assert compared > 300


@pytest.mark.parametrize("value", [{"a": [1, "b"]}, [], None, 2**70, "\ud800", 1.5])
def test_fingerprints_tell_values_apart(value: Any) -> None:
    known = fingerprint(value)
    assert known is None or (known == fingerprint(value) and known != fingerprint([value, value]))


@pytest.mark.parametrize("value", [UNKNOWN, [UNKNOWN], {"a": {"b": UNKNOWN}}])
def test_the_unknown_is_like_nothing(value: Any) -> None:
    assert fingerprint(value) is None
