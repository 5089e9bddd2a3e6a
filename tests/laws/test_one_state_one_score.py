"""One state, one score; one comparison for a plan and for its simulations (docs/model.md), over every stored plan."""

from __future__ import annotations

import json
from copy import deepcopy
from functools import cache
from pathlib import Path

import pytest
from msgspec.structs import replace
from plan_edits import as_it_stands
from plan_makers import Stack, as_bytes, plan, stack
from stored_plans import SHARED, content, stored_plans

from faultray_action.check.comparison import asking
from faultray_action.check.discovery import discover, know
from faultray_action.check.request import Checked, Request
from faultray_action.check.whatif import Question, question_of, simulator
from faultray_action.model.assessment import Assessment
from faultray_action.model.finding import Comparison
from faultray_action.model.topology import DataAsset, LossKind, Topology
from faultray_action.page import page_of
from faultray_action.pipeline import check
from faultray_action.report import markdown, remarks, summary, terminal, wording
from faultray_action.report.document import Document
from faultray_action.report.store import canonical
from faultray_action.scenarios.generate import generate
from faultray_action.terraform.plan import Side
from faultray_action.terraform.reader import read
from faultray_action.topology.build import Pair, _paired
from faultray_action.topology.draft import drafted
from faultray_action.topology.facts import Choice

PLANS = stored_plans()
SAME = 0.005
CODE_OF_AFTER = {
    "scenarios/queue-replaced-by-calls",
    "scenarios/39-two-services-share-one-redis",
    "scenarios/g08-pubsub-removed",
    "scenarios/kubernetes-ingresses-merged",
}
"""Plans whose code names something else after: held against the state before, the code that is kept tells of a need that was not there."""

SHOWN_BY_THE_CHANGE = frozenset(
    {
        "clouds/gc01-run-allusers-invoker-removed",
        "clouds/gc03-push-endpoint-removed",
        "fixtures/firewall-rule-cut",
        "reading/c17r",
        "scenarios/20-sg-rule-cuts-db",
        "scenarios/azure-cname-removed",
        "scenarios/azure-private-record-removed",
        "scenarios/azure-sql-firewall-rule-removed",
        "scenarios/endpoint-removed",
        "scenarios/event-target-removed",
        "scenarios/firewall-removed",
        "scenarios/google-nat-of-cluster-removed",
        "scenarios/google-run-service-renamed",
        "scenarios/grant-api-permission-for-another-api",
        "scenarios/grant-api-permission-moved-to-alias",
        "scenarios/grant-azure-registry-pull-removed",
        "scenarios/grant-balancer-may-not-call-function",
        "scenarios/grant-bucket-may-not-call-function",
        "scenarios/grant-google-invoker-binding-loses-everybody",
        "scenarios/grant-google-key-of-database-removed",
        "scenarios/grant-google-push-account-loses-invoker",
        "scenarios/grant-google-push-account-not-in-project-binding",
        "scenarios/grant-google-secret-accessor-removed",
        "scenarios/grant-google-secret-accessor-to-viewer",
        "scenarios/grant-task-right-to-secret-removed",
        "scenarios/grant-topic-may-not-call-function",
        "scenarios/grant-worker-right-to-queue-removed",
        "scenarios/integration-to-mock",
        "scenarios/kubernetes-controller-made-internal",
        "scenarios/kubernetes-target-port-beside-a-sidecar",
        "scenarios/listener-rule-removed",
        "scenarios/machine-open-to-private-ranges-only",
        "scenarios/notification-removed",
        "scenarios/pool-deleted",
        "scenarios/subscription-removed",
    }
)
"""Plans whose cut the change shows and the state by itself does not (docs/model.md): the score of the side that has it does not know of it before."""

NO_ENTRY_BY_ITSELF = frozenset({"scenarios/kubernetes-service-made-internal"})
"""Plans whose state after has no entry by itself, so that it has no score as the state of a next plan: there the way in is a new one."""


def question(data: bytes) -> Question:
    request = Request(paths=(Path("-"),), stdin=data, date="2026-01-01")
    found = read(request.paths, stdin=data)
    knowledge = know(request)
    stages = discover(found, knowledge)
    scenarios = generate((stages.before, stages.after), budget=100)
    return question_of(found, knowledge, stages, request, scenarios, in_full=False)


@cache
def asked(name: str) -> Question:
    return question(content(PLANS[name]))


def compared(name: str) -> Comparison:
    return asked(name).actual.comparison


def score(side: Assessment | None) -> float | None:
    return None if side is None else side.score


@pytest.mark.parametrize("name", PLANS)
def test_nothing_taken_back_finds_what_the_plan_finds(name: str) -> None:
    actual, nothing = compared(name), simulator(asked(name))(()).compared.comparison
    assert nothing.findings == actual.findings
    assert nothing.points == actual.points
    assert score(nothing.after) == score(actual.after)


@pytest.mark.parametrize("name", [name for name in PLANS if name not in CODE_OF_AFTER])
def test_the_score_before_does_not_depend_on_the_plan(name: str) -> None:
    standing = question(json.dumps(as_it_stands(json.loads(content(PLANS[name])))).encode()).actual.comparison
    assert score(standing.before) == pytest.approx(score(compared(name).before), abs=SAME)
    if standing.before is not None:
        assert score(standing.after) == pytest.approx(score(standing.before), abs=SAME)
        assert standing.points == 0.0


@pytest.mark.parametrize("name", [name for name in PLANS if name not in NO_ENTRY_BY_ITSELF])
def test_swapping_the_sides_negates_the_delta(name: str) -> None:
    assert _negated(*_both_ways(name))


@pytest.mark.parametrize("name", [name for name in PLANS if name not in SHOWN_BY_THE_CHANGE | NO_ENTRY_BY_ITSELF])
def test_swapping_the_sides_swaps_the_scores(name: str) -> None:
    assert _swapped(*_both_ways(name))


def test_no_plan_is_excepted_that_need_not_be() -> None:
    """What a state proves by itself is taken off the lists."""
    needless = [name for name in sorted(SHOWN_BY_THE_CHANGE & PLANS.keys()) if _swapped(*_both_ways(name))]
    assert needless == []


@cache
def _both_ways(name: str) -> tuple[Comparison, Comparison]:
    return _without_applying(asked(name), swap=False), _without_applying(asked(name), swap=True)


def _swapped(actual: Comparison, swapped: Comparison) -> bool:
    return _close(score(actual.before), score(swapped.after)) and _close(score(actual.after), score(swapped.before))


def _negated(actual: Comparison, swapped: Comparison) -> bool:
    if actual.points is None or swapped.points is None:
        return actual.points is swapped.points
    return abs(actual.points + swapped.points) <= SAME


def _close(one: float | None, other: float | None) -> bool:
    return one is other if one is None or other is None else abs(one - other) <= SAME


def _without_applying(question: Question, *, swap: bool) -> Comparison:
    """The two states compared, either way round, without what applying does to data: that is a property of the plan and of no state."""
    knowledge, stages = question.knowledge, question.stages
    sides = [drafted(question.plan, stages.links[side], knowledge, side, Choice.WORST) for side in (Side.BEFORE, Side.AFTER)]
    drafts = (sides[1], sides[0]) if swap else (sides[0], sides[1])
    pair = _paired(question.plan, drafts, knowledge)
    scenarios = generate((stages.before, stages.after), budget=100)
    kept = Pair(
        _kept(pair.before),
        _kept(pair.after),
        _kept(pair.before_alone),
        lambda: _kept(pair.after_alone),
    )
    return asking(knowledge, scenarios, kept).of(question.plan, kept).comparison


def _kept(topology: Topology) -> Topology:
    return replace(topology, assets=tuple(_untouched(asset) for asset in topology.assets if asset.stores))


def _untouched(asset: DataAsset) -> DataAsset:
    losses = tuple(loss for loss in asset.losses if loss.kind is not LossKind.KEY)
    return replace(asset, destroyed=False, unrestored=False, losses=losses)


# Two plans over one state


def test_two_plans_over_one_state_show_one_score_before() -> None:
    """A database loses its standby; a weak service is added beside it: the state before is one, and has one score."""
    weaker, wider = document(stack(), _without_standby()), document(stack(), _with_reports())
    assert weaker.score.before == wider.score.before
    assert weaker.score.compared is None and weaker.score.delta < 0
    assert wider.score.delta == 0 and wider.score.after < wider.score.before
    assert wider.score.compared is not None
    assert [(row.address, row.kind, row.standing) for row in wider.score.compared.rows if row.kind == "entry"] == [
        (REPORTS, "entry", "new")
    ]


@pytest.mark.skipif(not SHARED.exists(), reason="the labelled scenarios are not beside the repository")
def test_two_labelled_plans_over_one_state_show_one_score_before() -> None:
    one, other = compared("scenarios/01-rds-multi-az-off"), compared("scenarios/46-new-service-badly-built")
    assert score(one.before) == score(other.before)
    assert one.points != other.points


def test_every_form_tells_both_scores_the_delta_and_why_they_differ() -> None:
    found = checked(stack(), _with_reports())
    told = canonical(replace(found.document, title="shop"))
    before, after = (wording.score(told, side) for side in (told.score.before, told.score.after))
    why = "new: "
    comment, full = markdown.render(told), summary.render(told)
    for text in (comment, full):
        assert f"resilience {before} → **{after}** · like for like ±0 · {why}" in text
    assert f"{before} → {after} · like for like ±0" in remarks.check_title(told)
    shown = terminal.render(told)
    assert f"Score After:  {after}/100 (like for like: no change)" in shown
    page = page_of(found)
    for text in (shown, page):
        assert why in text
    assert "like for like ±0" in page
    assert told.score.compared is not None and told.score.compared.reason.startswith(why)


REPORTS = "aws_instance.reports"


def _without_standby() -> Stack:
    after = deepcopy(stack())
    after["aws_db_instance.main"]["multi_az"] = False
    return after


def _with_reports() -> Stack:
    """A lone machine that users reach beside the shop."""
    after = deepcopy(stack())
    after[REPORTS] = {
        "ami": "ami-0a1b2c3d4e5f60718",
        "instance_type": "t3.small",
        "associate_public_ip_address": True,
        "subnet_id": after["aws_subnet.a"]["id"],
        "availability_zone": after["aws_subnet.a"]["availability_zone"],
    }
    return after


def checked(before: Stack, after: Stack) -> Checked:
    return check(Request(paths=(Path("-"),), stdin=as_bytes(plan(before, after)), date="2026-01-01", scenario_budget=60))


def document(before: Stack, after: Stack) -> Document:
    return canonical(checked(before, after).document)
