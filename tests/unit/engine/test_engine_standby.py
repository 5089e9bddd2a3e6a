"""An alternative that hangs on one component is no single point of the entry, and the next failure meets it."""

from __future__ import annotations

from faultray_action.engine.standby import fragile_alternatives
from faultray_action.judgement import standby
from faultray_action.model.finding import RiskKind, RiskSeverity, Standing
from faultray_action.model.topology import Dependency, Topology
from tests.engine_systems import spread, system


def regions(copies: tuple[str, ...]) -> Topology:
    """A name with two regions behind it, each a balancer with an app; the east's app has these copies."""
    parts = [spread(name, ("a", "b")) for name in ("name", "east-lb", "west-lb", "west-app")] + [spread("east-app", copies)]
    edges = [Dependency("name", f"{side}-lb", group="failover") for side in ("east", "west")]
    edges += [Dependency(f"{side}-lb", f"{side}-app") for side in ("east", "west")]
    return system(parts, edges, ["name"])


def test_a_region_cut_to_one_copy_is_told_and_nothing_else() -> None:
    before, after = regions(("a", "b")), regions(("a",))
    assert fragile_alternatives(before, after) == ({}, {"east-app": frozenset({"east-lb"})})
    assert fragile_alternatives(before, before) == ({}, {})


def test_it_is_a_low_risk_and_its_end_a_resolved_one() -> None:
    alone = {"east-app": frozenset({"east-lb"})}
    ((standing, risk),) = standby.find({}, alone, (), {"east-lb": "the east"})
    assert (standing, risk.kind, risk.severity, risk.address) == (Standing.NEW, RiskKind.CAPACITY, RiskSeverity.LOW, "east-app")
    assert "the east" in risk.message
    assert [row[0] for row in standby.find(alone, {}, (), {})] == [Standing.RESOLVED]
    assert standby.find(alone, alone, (), {}) == ()
    assert standby.find({}, alone, {"east-app"}, {}) == ()


def test_a_machine_of_a_group_is_no_news_of_its_own() -> None:
    assert standby.find({}, {"one": frozenset({"one"})}, (), {}) == ()
