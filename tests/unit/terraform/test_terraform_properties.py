"""Whatever the bytes are: a plan, or one sentence."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from terraform_plans import change, document, refs, resource, same

from faultray_action.model.errors import InputError
from faultray_action.terraform.links import Linker
from faultray_action.terraform.plan import Side
from faultray_action.terraform.reader import decode
from faultray_action.terraform.state import read_state

TREE = document(
    [
        same('module.net["a"]|aws_subnet.x[0]', {"id": "subnet-01234567", "arn": "arn:aws:ec2:eu-west-1:1:subnet/subnet-01234567"}),
        change("aws_lb.x", {"name": "x"}, {"name": "y"}, unknown={"id": True, "listener": [{"arn": True}]}),
        change("aws_app.x", {"env": '{"a": ["subnet-01234567"]}'}, None),
    ],
    [
        resource(
            "aws_lb.x", {"subnets": refs("module.net", "each.key"), "block": [{"x": refs("local.y", "var.z")}]}, depends_on=["module.net"]
        )
    ],
    {
        "net": {
            "expressions": {"a": refs("var.b")},
            "for_each_expression": refs("local.all"),
            "module": {
                "resources": [resource("aws_subnet.x", count_expression={})],
                "outputs": {"o": {"expression": refs("aws_subnet.x")}},
            },
        }
    },
    resource_drift=[change("aws_lb.x", {"name": "w"}, {"name": "x"})],
    variables={"region": {"value": "eu-west-1"}},
)
TEXT = json.dumps(TREE)
LINES = st.lists(st.text(alphabet=st.characters(blacklist_categories=("Cs",), blacklist_characters="{\n"), max_size=30), max_size=3)


def addresses(data: bytes) -> list[str]:
    return [row.address for row in decode(data, "plan.json").resources]


@given(before=LINES, after=LINES, encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]), pretty=st.booleans())
def test_wrappers_and_encodings_change_nothing(before: list[str], after: list[str], encoding: str, pretty: bool) -> None:
    text = json.dumps(TREE, indent=2) if pretty else TEXT
    lines = [*before, text, *(f"::debug::{line}" for line in after)]
    assert addresses("\n".join(lines).encode(encoding)) == addresses(TEXT.encode())


def survive(data: bytes) -> None:
    """A plan with links on every side, or one sentence."""
    for read in (decode, read_state):
        try:
            linker = Linker(read(data, "plan.json"))
        except InputError as error:
            assert "\n" not in str(error)
            continue
        for side in Side:
            linker.links(side)


@given(st.data())
def test_mutated_bytes_never_end_in_a_traceback(data: st.DataObject) -> None:
    text = bytearray(TEXT.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        piece = data.draw(
            st.sampled_from([b"", b"{", b"}", b"[", b"]", b'"', b"null", b"1", b"\\", b"\xff", b",", b":", b"true", b"-1e9", b"{}", b"[]"])
        )
        text[at : at + data.draw(st.integers(0, 12))] = piece
    survive(bytes(text))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False)
    | st.sampled_from(["", "aws_lb.x", "module.net", "var.b", "a.b[0].c"]),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(st.sampled_from(["references", "expressions", "resources", "x"]), children, max_size=3)
    ),
    max_leaves=12,
)


def places(tree: object, found: list[tuple[dict[str, object] | list[object], object]]) -> None:
    rows = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, child in rows:
        found.append((tree, key))  # type: ignore[arg-type]
        places(child, found)


@given(st.data())
def test_any_json_in_any_place_never_ends_in_a_traceback(data: st.DataObject) -> None:
    tree = json.loads(TEXT)
    for _ in range(data.draw(st.integers(1, 3))):
        found: list[tuple[dict[str, object] | list[object], object]] = []
        places(tree, found)
        parent, key = data.draw(st.sampled_from(found))
        parent[key] = data.draw(JSON)  # type: ignore[index, call-overload]
    survive(json.dumps(tree).encode())
