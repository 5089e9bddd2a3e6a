"""What only counts together is put back together: one line of the code, or the attributes of one resource that need each other."""

from __future__ import annotations

from faultray_action.counterfactual.attribution import Trial, attribute
from faultray_action.counterfactual.bundles import Bundle, Edit, join, of_one_line, requirements
from faultray_action.counterfactual.remedy import MOST_EDITS, find_way_back
from faultray_action.model.change import Action, AttributeChange
from faultray_action.model.finding import Attribution, Contribution, FindingKey, FindingKind

CACHE, DATABASE = "aws_elasticache_replication_group.cache", "aws_db_instance.main"
CACHE_FINDING, DATABASE_FINDING = (FindingKey(FindingKind.SINGLE_POINT, address) for address in (CACHE, DATABASE))
FINDINGS = frozenset({CACHE_FINDING, DATABASE_FINDING})
BEFORE = 60.0
STANDBY = {(CACHE, "nodes"), (CACHE, "failover")}


def change(address: str, attribute: str, action: Action = Action.UPDATE) -> Bundle:
    return Bundle(AttributeChange(address, attribute, 2, 1, action), ((address, attribute),))


def trial(score: float, findings: frozenset[FindingKey] = frozenset(), passed: bool = False) -> Trial:
    """What is left of a plan that led from 60 points to so many."""
    return Trial(score - BEFORE, findings, passed, score)


def simulate(edits: tuple[Edit, ...]) -> Trial:
    """The cache is well again with both of its attributes, the database with its one; ten and twenty points."""
    gone = {CACHE_FINDING} if set(edits) >= STANDBY else set()
    gone |= {DATABASE_FINDING} if (DATABASE, "multi_az") in edits else set()
    score = 30.0 + (10.0 if CACHE_FINDING in gone else 0.0) + (20.0 if DATABASE_FINDING in gone else 0.0)
    return trial(score, FINDINGS - gone, gone == FINDINGS)


BUNDLES = (change(CACHE, "failover"), change(CACHE, "nodes"), change(CACHE, "size"), change(DATABASE, "multi_az"))


def test_attributes_that_need_each_other_make_one_row_and_no_interaction() -> None:
    found, groups = attribute(trial(30.0, FINDINGS), BUNDLES, simulate)
    told = {(row.change.attribute, tuple(one.attribute for one in row.also)): row.points for row in found.rows}
    assert told == {("failover", ("nodes",)): -10.0, ("multi_az", ()): -20.0}
    assert found.interaction == 0.0
    assert {name: [one.attribute for one in causes] for name, causes in found.causes} == {
        CACHE_FINDING: ["failover", "nodes"],
        DATABASE_FINDING: ["multi_az"],
    }
    way = find_way_back(groups, found, simulate)
    assert [edit.attribute for edit in way.edits] == ["multi_az", "failover", "nodes"] and way.score == 60.0


def test_attributes_that_count_alone_keep_their_rows() -> None:
    def alone(edits: tuple[Edit, ...]) -> Trial:
        return trial(30.0 + 5.0 * len(edits), FINDINGS - {CACHE_FINDING} if edits else FINDINGS)

    found, groups = attribute(trial(30.0, frozenset({CACHE_FINDING})), BUNDLES[:2], alone)
    assert [row.also for row in found.rows] == [(), ()] and groups == BUNDLES[:2]


def test_one_line_is_one_change_and_one_edit_whatever_hangs_on_it() -> None:
    replicas = (change("aws_rds_cluster_instance.this[1]", "", Action.DELETE), *BUNDLES[:3])
    line = {one.change: ("terraform.tfvars", 2, 1) for one in replicas}
    joined, other = of_one_line((*replicas, BUNDLES[3]), line.get)
    assert joined.changes == tuple(one.change for one in replicas) and joined.lines == 1 and other is BUNDLES[3]
    assert joined.edits == tuple(edit for one in replicas for edit in one.edits)


def test_a_replaced_resource_stays_a_row_of_its_own() -> None:
    groups = (change(DATABASE, "", Action.DESTROY_FIRST), change(DATABASE, "engine"))
    assert of_one_line(groups, lambda one: ("main.tf", 3, 1)) == groups


def test_a_joined_set_costs_the_lines_that_it_edits() -> None:
    many = [change(CACHE, f"a{n}") for n in range(MOST_EDITS + 1)]
    rows = tuple(Contribution(join(many).change, -1.0) for _ in range(1))
    assert find_way_back([join(many)], Attribution(rows), lambda edits: trial(60.0, passed=True)).edits == ()
    on_a_line = of_one_line(many, lambda one: ("main.tf", 1, 1))
    rows = (Contribution(on_a_line[0].change, -1.0),)
    assert len(find_way_back(on_a_line, Attribution(rows), lambda edits: trial(60.0, passed=True)).edits) == MOST_EDITS + 1


def test_what_a_joined_bundle_creates_or_deletes_is_known_by_part() -> None:
    switched = join([change("aws_lb.old", "", Action.DELETE), change("aws_lb.new", "", Action.CREATE)])
    listener = change("aws_lb_listener.web", "load_balancer_arn")
    before = [("aws_lb_listener.web", "load_balancer_arn", "aws_lb.old")]
    after = [("aws_lb_listener.web", "load_balancer_arn", "aws_lb.new")]
    needed = requirements((switched, listener), before, after)
    assert needed == {0: frozenset({1}), 1: frozenset({0})}


def test_what_is_created_for_a_change_is_told_with_it() -> None:
    route, gateway = change("aws_route.nat", "nat_gateway_id"), change("aws_nat_gateway.b", "", Action.CREATE)

    def better(edits: tuple[Edit, ...]) -> Trial:
        return trial(20.0 if route.edits[0] in edits else 30.0)

    found, _ = attribute(trial(30.0), (route, gateway), better, required={1: frozenset({0})})
    assert [(row.change, row.points, row.also) for row in found.rows] == [(route.change, 10.0, (gateway.change,))]
