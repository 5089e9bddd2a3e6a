from __future__ import annotations

from typing import Any

import pytest
from terraform_plans import change, document, plan_of

from faultray_action.model.value import UNKNOWN
from faultray_action.terraform.attributes import changes, strings_in, values_at


@pytest.mark.parametrize(
    ("before", "after", "unknown", "expected"),
    [
        ({"a": 1}, {"a": 1}, {}, ()),
        ({"a": 1, "b": None}, {"a": 2, "b": None}, {}, ("a",)),
        ({"a": True}, {"a": 1}, {}, ("a",)),
        ({"a": "x"}, {}, {"a": True}, ("a",)),
        ({"a": [{"b": 1, "c": 1}]}, {"a": [{"b": 1, "c": 2}]}, {}, ("a.c",)),
        ({"a": [{"b": 1}]}, {"a": [{"b": 1}, {"b": 2}]}, {}, ("a",)),
        ({"a": ["x"]}, {"a": ["y"]}, {}, ("a",)),
        ({"a": {"k": "v"}}, {"a": {"k": "w", "n": "v"}}, {}, ("a.k", "a.n")),
        ({"a": [{"b": {"c": 1}}]}, {"a": [{"b": {}}]}, {"a": [{"b": {"c": True}}]}, ("a.b.c",)),
        (None, {"a": 1}, {}, ()),
        ({"a": 1}, None, {}, ()),
        ({"spec": [{"selector": {"a.b/c": "x", "d": "1"}}]}, {"spec": [{"selector": {"a.b/c": "y", "d": "2"}}]}, {}, ("spec.selector",)),
        ({"spec": [{"selector": {"a.b/c": "x", "d": "1"}}]}, {"spec": [{"selector": {"a.b/c": "x", "d": "2"}}]}, {}, ("spec.selector.d",)),
    ],
)
def test_changed_attributes(before: Any, after: Any, unknown: Any, expected: tuple[str, ...]) -> None:
    (row,) = plan_of(document([change("aws_a.x", before, after, actions=["update"], unknown=unknown)])).resources
    assert changes(row) == expected


def test_values_at_paths() -> None:
    tree = {"a": [{"b": [1, 2]}, {"b": UNKNOWN}, {}], "c": UNKNOWN, "d": {"e": None}}
    assert values_at(tree, ("a", "b")) == [[1, 2], UNKNOWN]
    assert values_at(tree, ("c", "x", "y")) == [UNKNOWN]
    assert values_at(tree, ("d", "e")) == [None]
    assert values_at(tree, ("d", "f")) == []
    assert strings_in([{"a": "x", "b": ["y", UNKNOWN]}]) == (["x", "y"], True)
