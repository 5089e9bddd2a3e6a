"""The page is one file that asks nothing of any network, says what the document says, and keeps names of others as text."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from page_systems import EMPTY, EVIL, hostile_page, page_of_sides, shop, shop_page
from report_samples import NAMES, hostile, poisoned, sample

from faultray_action.report import wording
from faultray_action.report.html import page as page_module

VOID = {"meta", "link", "input", "br"}
NAMES_OF_ELEMENTS = (
    "html head meta link title style body header main section footer div p span b h1 h2 h3 small ul ol li dl dt dd table thead tbody tfoot tr th "
    "td a button input label fieldset legend kbd code pre details summary article aside i script svg path circle rect g text defs marker"
)
ELEMENTS = set(NAMES_OF_ELEMENTS.split())


class Reader(HTMLParser):
    """What a browser would see: elements with their attributes, and scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.blocks: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self.blocks.append((tag, ""))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("script", "style"):
            self.blocks[-1] = (self.blocks[-1][0], self.blocks[-1][1] + data)


def data_of(text: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    loaded: dict[str, Any] = json.loads(found.group(1))
    return loaded


@pytest.fixture(scope="module")
def shown() -> str:
    return shop_page()


def check_sound(text: str) -> Reader:
    """Well formed, only elements of ours, no handler, no inline style, nothing fetched, and every script and style allowed by hash."""
    read = Reader(text)
    assert read.open == []
    policy = next(str(a["content"]) for tag, a in read.elements if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy and "http" not in policy
    for tag, attributes in read.elements:
        assert tag in ELEMENTS, tag
        assert not [name for name in attributes if name.startswith("on") or name in ("style", "src", "action", "formaction", "srcset")]
        assert attributes.get("href", "#").startswith(("#", "data:,")), attributes
    for tag, content in read.blocks:
        hashed = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"'sha256-{hashed}'" in policy or content.startswith("{"), f"a {tag} that the policy would refuse"
    return read


def test_one_sound_file(shown: str) -> None:
    check_sound(shown)
    assert shown.count("http-equiv") == 1 and "envs/prod" in shown


def test_same_input_same_bytes(shown: str) -> None:
    assert shop_page() == shown


def test_hostile_names_stay_text() -> None:
    text = hostile_page()
    read = check_sound(text)
    assert len([tag for tag, _ in read.elements if tag == "script"]) == text.count("</script>")
    assert not any(tag == "img" for tag, _ in read.elements)
    assert any(EVIL in node[1] for node in data_of(text)["nodes"])


@pytest.mark.parametrize("name", NAMES)
def test_every_kind_of_document_has_a_page(name: str) -> None:
    document = sample(name)
    text = page_of_sides(EMPTY, EMPTY, document)
    check_sound(text)
    for score in (document.score.before, document.score.after):
        if score is not None and document.verdict != "error":
            assert f"<b>{wording.score(document, score)}</b>" in text


@pytest.mark.parametrize("name", NAMES)
def test_hostile_documents_stay_sound(name: str) -> None:
    check_sound(page_of_sides(EMPTY, EMPTY, poisoned(name, lambda text: text + EVIL)))


@settings(max_examples=12)
@given(hostile)
def test_any_text_stays_sound(text: str) -> None:
    check_sound(page_of_sides(shop(("a", "b"), text), shop(("a",), text)))


def test_connectors_are_looked_through(shown: str) -> None:
    data = data_of(shown)
    names = [node[0] for node in data["nodes"]]
    assert "listener" not in names
    assert [names.index("site"), names.index("api")] in data["edges"]


def test_sides_stand_in_one_picture(shown: str) -> None:
    data = data_of(shown)
    stands = {node[0]: [side is not None for side in node[4]] for node in data["nodes"]}
    assert stands["mailer"] == [True, False] and stands["queue"] == [False, True] and stands["api"] == [True, True]
    assert data["sides"] == ["before", "after"] and 'data-side="diff"' in shown


def test_components_of_one_label_are_told_apart() -> None:
    from engine_systems import spread, system

    names = [f'module.service["{key}"].module.data.aws_db_instance.this' for key in ("cart", "pay")]
    topology = system([spread(name, ("a", "b"), label="RDS instance data") for name in names], [], names)
    text = page_of_sides(topology, topology)
    assert [node[5] for node in data_of(text)["nodes"]] == ["cart", "pay"]
    assert ">cart · 2 copies<" in text


def test_a_failure_is_told_as_the_engine_computed_it(shown: str) -> None:
    data = data_of(shown)
    names = [node[0] for node in data["nodes"]]
    zone = next(failure for failure in data["failures"] if failure["label"] == "Zone a")
    (_, down_before, _), (_, down_after, steps) = zone["sides"]
    assert down_before == [] and [data["entries"][index] for index in down_after] == ["the shop"]
    order = [(names[node], names[cause] if cause >= 0 else "") for node, health, cause, _, _ in steps if health == 3]
    assert order.index(("database", "")) < order.index(("api", "database")) < order.index(("site", "api"))


def test_rows_link_to_their_failure(shown: str) -> None:
    data = data_of(shown)
    linked = {data["failures"][int(index)]["label"] for index in re.findall(r'data-fail="(\d+)"', shown)}
    assert "Zone a" in linked


def test_without_the_library_the_page_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(page_module, "D3", tmp_path / "d3.min.js")
    text = shop_page()
    check_sound(text)
    assert "made without D3" in text and "fetch_d3.py" in text and text.count('<g class="n ') == 6
    assert len(text) < 120_000


def test_with_the_library_it_is_inlined(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    library = tmp_path / "d3.min.js"
    library.write_text("var d3={};\n", encoding="utf-8")
    monkeypatch.setattr(page_module, "D3", library)
    text = shop_page()
    check_sound(text)
    assert "<script>var d3={};</script>" in text and "made without D3" not in text


def test_sixty_components_stay_small() -> None:
    """All but the library itself, which adds 280 kB."""
    from engine_systems import spread, system

    parts = [spread(f"aws_instance.service[{index}]", ("a", "b")) for index in range(60)]
    edges = [(f"aws_instance.service[{index}]", f"aws_instance.service[{index + step}]") for index in range(50) for step in (1, 7)]
    topology = system(parts, edges, ["aws_instance.service[0]"])
    text = page_of_sides(topology, topology)
    own = len(text) - (len(page_module._library()) if page_module.D3.is_file() else 0)
    assert own < 300_000
