"""Each form of a report, rendered in every language, byte by byte."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from faultray_action.report import badge, codequality, junit, markdown, remarks, sarif, store, summary, terminal
from faultray_action.report.document import Document
from faultray_action.report.links import Context

HERE = Path(__file__).parent / "report_documents"
NAMES = sorted(path.stem for path in HERE.glob("*.json") if "." not in path.stem)
CONTEXT = Context(
    server_url="https://github.com",
    repository="acme/shop",
    sha="0123456789abcdef0123456789abcdef01234567",
    marker="<!-- faultray:prod -->",
    summary_url="https://github.com/acme/shop/actions/runs/1",
)
Compare = Callable[[Path, str], None]


def document(name: str) -> Document:
    return store.load((HERE / f"{name}.json").read_bytes(), name)


def check_run(report: Document) -> str:
    rows = [msgspec.structs.asdict(one) for one in remarks.annotate(report)]
    return json.dumps({"title": remarks.check_title(report), "annotations": rows}, indent=1, ensure_ascii=False) + "\n"


FOR_ALL: dict[str, Callable[[Document], str]] = {
    "comment.md": lambda report: markdown.render(report, CONTEXT),
    "summary.md": lambda report: summary.render(report, CONTEXT),
    "terminal.txt": terminal.render,
    "commands.txt": lambda report: "\n".join(remarks.commands(report)) + "\n",
    "check.json": check_run,
    "sarif.json": sarif.render,
}
FOR_SOME: dict[str, Callable[[Document], str]] = {
    "colour.txt": lambda report: terminal.render(report, color=True),
    "junit.xml": junit.render,
    "gitlab.json": codequality.render,
    "badge.json": badge.render,
}
SOME = ("regression", "could_not_compute", "cut_off_and_apply", "hostile_names")
PLANS = ("neutral", "regression", "improvement", "could_not_compute", "mixed", "greenfield")


@pytest.mark.parametrize("output", sorted(FOR_ALL))
@pytest.mark.parametrize("name", NAMES)
def test_a_form_is_rendered_as_it_was(name: str, output: str, golden: Compare) -> None:
    golden(HERE / f"{name}.{output}", FOR_ALL[output](document(name)))


@pytest.mark.parametrize("output", sorted(FOR_SOME))
@pytest.mark.parametrize("name", SOME)
def test_other_languages_say_what_they_said(name: str, output: str, golden: Compare) -> None:
    golden(HERE / f"{name}.{output}", FOR_SOME[output](document(name)))


def test_several_plans_are_rendered_as_they_were(golden: Compare) -> None:
    plans = [msgspec.structs.replace(document(name), title=f"envs/{name}") for name in PLANS]
    golden(HERE / "several_plans.comment.md", markdown.render_comment(plans, CONTEXT))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_dumped_is_read_back_the_same(name: str) -> None:
    once = store.dump(document(name))
    assert store.dump(store.load(once)) == once
