"""Real plans and states, where they lie beside the project."""

from __future__ import annotations

from pathlib import Path

import pytest

from faultray_action.model.errors import InputError
from faultray_action.terraform.links import Linker
from faultray_action.terraform.plan import Plan, Side
from faultray_action.terraform.reader import decode, read
from faultray_action.terraform.state import read_state

SHARED = Path(__file__).resolve().parents[4] / "shared"
PLANS = sorted((SHARED / "corpus" / "plans").glob("*")) + sorted((SHARED / "scenarios").glob("*/plan.json"))
STATES = sorted((SHARED / "corpus" / "states").glob("*"))
needs_plans = pytest.mark.skipif(not PLANS, reason="the shared corpus of real plans is not here")


def check(plan: Plan) -> None:
    linker = Linker(plan)
    for side in Side:
        standing = {row.address for row in plan.resources if row.values(side) is not None}
        for link in linker.links(side).links:
            assert {link.source, link.target} <= standing
            assert link.source != link.target


@needs_plans
@pytest.mark.parametrize("path", PLANS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_plan_is_read_or_refused_in_one_sentence(path: Path) -> None:
    try:
        plan = read([path])
    except InputError as error:
        assert "\n" not in str(error)
    else:
        check(plan)


@pytest.mark.skipif(not STATES, reason="the shared corpus of real states is not here")
@pytest.mark.parametrize("path", STATES, ids=lambda path: path.stem)
def test_every_state_is_read_and_is_no_plan(path: Path) -> None:
    data = path.read_bytes()
    check(read_state(data, path.name))
    with pytest.raises(InputError, match="tf-import"):
        decode(data, path.name)


def targets(number: str, side: Side, source: str, path: str | None = None) -> set[str]:
    (plan,) = (SHARED / "scenarios").glob(f"{number}-*/plan.json")
    found = Linker(read([plan])).links(side).links
    return {link.target for link in found if link.source == source and path in (None, link.path)}


@needs_plans
def test_instances_by_index() -> None:
    for side in (Side.BEFORE, Side.AFTER):
        assert targets("01", side, "aws_nat_gateway.main[1]", "subnet_id") == {"aws_subnet.public[1]"}
        assert targets("01", side, "aws_ecs_task_definition.api", "container_definitions") == {
            "aws_cloudwatch_log_group.api",
            "aws_db_instance.main",
            "aws_elasticache_cluster.sessions",
        }


@needs_plans
def test_a_queue_that_goes_is_linked_before_and_not_after() -> None:
    assert "aws_sqs_queue.render" in targets("09", Side.BEFORE, "aws_ecs_task_definition.api", "container_definitions")
    assert "aws_sqs_queue.render" not in targets("09", Side.AFTER, "aws_ecs_task_definition.api")


@needs_plans
def test_through_the_modules_of_a_platform() -> None:
    for side in (Side.BEFORE, Side.AFTER):
        assert targets("42", side, "module.platform.module.api.aws_ecs_task_definition.this", "container_definitions") == {
            "module.platform.module.aurora.aws_rds_cluster.this",
            "module.platform.module.cache.aws_elasticache_replication_group.this",
        }
