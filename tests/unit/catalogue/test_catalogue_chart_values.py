"""What a Helm release says of its replicas, without printing any of its values."""

from __future__ import annotations

import pytest

from faultray_action.catalogue.chart_values import least_setting, setting_at, written_out
from faultray_action.catalogue.expression import ExpressionError, Scope, evaluate, names
from faultray_action.model.value import UNKNOWN

REPLICAS = frozenset({"replicaCount"})


@pytest.mark.parametrize(
    ("release", "least"),
    [
        ({}, None),
        ({"values": None}, None),
        ({"values": ["replicaCount: 3\n"]}, 3),
        ({"values": ['"web":\n  "replicaCount": 3\n', "worker: {replicaCount: 2}"]}, 2),
        ({"values": ["replicaCount: 3", "replicaCount: 5"]}, 5),
        ({"values": ["replicaCount: 3"], "set": [{"name": "replicaCount", "value": "1"}]}, 1),
        ({"values": ["replicaCount: true"], "set": [{"name": "image.tag", "value": "7"}]}, None),
        ({"values": ["{unclosed"]}, None),
        ({"values": [UNKNOWN]}, UNKNOWN),
        ({"values": ["replicaCount: 3"], "set": [{"name": "image.tag", "value": UNKNOWN}]}, 3),
        ({"values": ["replicaCount: 3"], "set": [{"name": "replicaCount", "value": UNKNOWN}]}, UNKNOWN),
        ({"values": ["replicaCount: 3\ndefaultBackend: {enabled: false, replicaCount: 1}"]}, 3),
        ({"values": ["replicaCount: 1\nautoscaling: {enabled: true, minReplicas: 4}"]}, 4),
        ({"values": ["replicaCount: 2\nautoscaling: {enabled: false, minReplicas: 1}"]}, 2),
        ({"values": ["web: {replicaCount: 1}"], "set": [{"name": "web.autoscaling.enabled", "value": "true"}]}, 1),
    ],
)
def test_the_least_setting_of_a_release(release: dict[str, object], least: object) -> None:
    assert least_setting(release, REPLICAS) == least


def test_hostile_aliases_end() -> None:
    bomb = "a0: &a0 {replicaCount: 9}\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12))
    least_setting({"values": [bomb]}, REPLICAS)


def test_the_text_is_never_among_the_printable_paths() -> None:
    text = "setting('replicaCount')"
    assert names(text) == ()
    assert evaluate(text, Scope({"values": ["replicaCount: 4"]})) == (4,)
    with pytest.raises(ExpressionError):
        evaluate("setting(values)", Scope({}))


@pytest.mark.parametrize(
    ("release", "value"),
    [
        ({"values": ["architecture: Standalone"]}, "standalone"),
        ({"values": ["architecture: replication"], "set": [{"name": "architecture", "value": "standalone"}]}, "standalone"),
        ({"values": ["sentinel: {enabled: true}"]}, None),
        ({"values": [UNKNOWN]}, UNKNOWN),
        ({"set": [{"name": "architecture", "value": UNKNOWN}]}, UNKNOWN),
    ],
)
def test_one_setting_of_a_release(release: dict[str, object], value: object) -> None:
    assert setting_at(release, "architecture") == value
    with pytest.raises(ExpressionError):
        evaluate("setting_at(values)", Scope({}))


def test_a_document_that_repeats_itself_is_not_written_out() -> None:
    assert written_out("a: &a {b: c}\nd: *a\n") is None
    assert written_out("one line: no document") is None
