"""The changes of a plan as a reader takes them: found, located in the code, and bundled as they are put back."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from msgspec import Struct

from faultray_action.check.discovery import locator
from faultray_action.check.whatif import Question
from faultray_action.counterfactual.bundles import Bundle, bundle, of_one_line
from faultray_action.model.change import AttributeChange
from faultray_action.model.source import Locate
from faultray_action.terraform.hcl.locate import Source, written
from faultray_action.terraform.plan import Side
from faultray_action.topology import changes


class Changes(Struct, frozen=True):
    """`bundles`: what one puts back at once. `let_go`: a change -> what the plan deletes since nothing names it any more."""

    found: tuple[AttributeChange, ...]
    bundles: tuple[Bundle, ...]
    let_go: Mapping[AttributeChange, tuple[AttributeChange, ...]]
    locate: Locate


def changes_of(question: Question, source: Source | None) -> Changes:
    """Every change of a structural attribute, in the order of the plan."""
    plan, stages = question.plan, question.stages
    found = changes.find(plan, question.knowledge.catalogue)
    locate = locator(source, plan, found)
    bundles = of_one_line(bundle(found, stages.before, stages.after), partial(written, locate))
    return Changes(found, bundles, changes.let_go(found, stages.links[Side.BEFORE].links), locate)
