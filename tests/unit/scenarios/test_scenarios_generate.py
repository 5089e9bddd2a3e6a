"""What is asked of which system, family by family."""

from __future__ import annotations

import pytest
from engine_systems import fault, part, spread, system
from msgspec.structs import replace
from scenario_systems import demo, fleet

from faultray_action.model.component import Copy, FaultClass, Runtime
from faultray_action.model.scenario import AgentFault, Scenario, ScenarioSet, WhatIfKind
from faultray_action.model.topology import Agent, Dependency, Role, Topology
from faultray_action.scenarios.budget import share, smallest
from faultray_action.scenarios.events import closure
from faultray_action.scenarios.generate import generate


def ids(found: ScenarioSet, stratum: str) -> list[str]:
    return [scenario.id for scenario in found.scenarios if scenario.stratum == stratum]


def kinds(found: ScenarioSet, kind: WhatIfKind) -> list[str]:
    return [str(w) for s in found.scenarios if s.stratum == "what-if" for w in s.what_ifs if w.kind is kind]


def two_tier() -> Topology:
    return system([spread("web", ["a", "b"]), spread("db", ["a"])], [("web", "db")], ["web"])


def test_singles_and_pairs_of_a_two_tier_system() -> None:
    found = generate([two_tier()])
    assert ids(found, "domain") == ["zone:a", "zone:b"]
    assert ids(found, "copy") == ["copy:db#0", "copy:web#0"]
    assert ids(found, "domain-copy") == ["copy:db#0 & zone:b"]
    assert "all-copies:web" in ids(found, "what-if"), "what copy:web#0 & zone:b takes"
    assert (found.dropped, found.covered_mass) == ((), pytest.approx(1.0))


def test_a_copy_that_is_alone_in_its_zone_is_the_zone() -> None:
    """copy:web#1 takes what zone:b takes: one scenario, named by what lasts longer."""
    found = generate([two_tier()])
    assert "copy:web#1" not in {scenario.id for scenario in found.scenarios}
    assert "copy:web#1" in two_tier().faults


def test_identical_copies_on_the_same_ground_are_asked_by_number() -> None:
    found = generate([system([spread("web", ["", "", "", ""])], [], ["web"])])
    assert ids(found, "copy") == ["copy:web#0"]
    assert ids(found, "copy-copy") == ["copy:web#0 & copy:web#1"]
    assert ids(found, "triple") == ["copy:web#0 & copy:web#1 & copy:web#2"]
    assert kinds(found, WhatIfKind.ALL_COPIES) == ["all-copies:web"]
    assert found.covered_mass == pytest.approx(1.0, abs=1e-9)


def test_copies_of_different_rates_are_no_twins() -> None:
    copies = [Copy(("copy:web#0",)), Copy(("copy:web#1",))]
    rates = [fault("copy:web#0", 0.5, address="web"), fault("copy:web#1", 5.0, address="web")]
    assert ids(generate([system([(part("web", copies), rates)], [], ["web"])]), "copy") == ["copy:web#0", "copy:web#1"]


def test_gaps_are_no_scenarios() -> None:
    gap = fault("gap", kind=FaultClass.GAP)
    component, faults = spread("db", ["a", "b"], gaps=("gap",))
    found = generate([system([(component, [*faults, gap])], [], ["db"])])
    assert not any("gap" in scenario.faults for scenario in found.scenarios)
    assert kinds(found, WhatIfKind.CONTROL_PLANE) == ["control-plane"]


def test_what_one_side_alone_has_is_asked_of_both() -> None:
    grown = system([spread("web", ["a", "b"]), spread("db", ["a"]), spread("cache", [""])], [("web", "db"), ("web", "cache")], ["web"])
    found = generate([two_tier(), grown])
    assert "copy:cache#0" in ids(found, "copy")
    assert {s.id for s in generate([two_tier()]).scenarios} & {s.id for s in found.scenarios}


def test_a_side_that_does_not_exist_is_left_out() -> None:
    empty = Topology({}, (), {}, ())
    assert generate([empty, two_tier()]) == generate([two_tier()])
    assert generate([empty, empty]).scenarios == ()
    assert generate([]).scenarios == ()


def test_levels_are_asked_only_where_something_is_declared() -> None:
    plain = generate([two_tier()])
    assert kinds(plain, WhatIfKind.LATENCY) == []
    assert kinds(plain, WhatIfKind.TIMEOUT) == ["timeout:web -> db"]
    assert [w.level for s in plain.scenarios if s.stratum == "what-if" for w in s.what_ifs if w.kind is WhatIfKind.TRAFFIC] == [
        1.5,
        2,
        3,
        5,
        10,
    ]
    slow = replace(
        two_tier(), components={**two_tier().components, "db": replace(two_tier().components["db"], runtime=Runtime(latency_ms=5.0))}
    )
    assert kinds(generate([slow]), WhatIfKind.LATENCY) == ["latency*2:db", "latency*10:db"]
    managed = part("s3", [Copy(("service:s3",))], managed=True), [fault("service:s3", kind=FaultClass.SERVICE)]
    assert kinds(generate([system([managed], [], ["s3"])]), WhatIfKind.TRAFFIC) == []


def test_a_breaker_is_asked_as_it_is_and_forced_off() -> None:
    guarded = replace(two_tier(), dependencies=(Dependency("web", "db", breaker=True),))
    asked = [s.id for s in generate([guarded]).scenarios if s.stratum == "what-if" and "timeout" in s.id]
    assert asked == ["timeout:web -> db", "breaker-off:web -> db & timeout:web -> db"]


def test_a_deploy_is_asked_where_it_is_more_than_a_copy_lost() -> None:
    assert kinds(generate([two_tier()]), WhatIfKind.DEPLOY) == []
    starting = replace(two_tier(), dependencies=(Dependency("web", "db"), Dependency("web", "db", Role.STARTUP)))
    assert kinds(generate([starting]), WhatIfKind.DEPLOY) == ["deploy:web"]


def test_every_fault_of_an_agent_is_asked() -> None:
    with_agent = replace(two_tier(), agents=(Agent("web", "web", 0.1),))
    assert kinds(generate([with_agent]), WhatIfKind.AGENT) == [f"agent={fault}:web" for fault in AgentFault]


def test_the_closure_follows_needs_of_any_role_but_replicas() -> None:
    edges = [
        Dependency("web", "a", Role.ASYNC),
        Dependency("a", "b", Role.STARTUP),
        Dependency("web", "r", Role.REPLICA),
        Dependency("b", "c", local_only=True),
        Dependency("c", "d"),
        Dependency("web", "gone"),
    ]
    parts = [spread(name, [""]) for name in ("web", "a", "b", "c", "d", "r")]
    assert closure(system(parts, edges, ["web"])) == {"web", "a", "b", "c"}


def test_the_demo_says_what_it_holds() -> None:
    found = generate([demo()])
    assert len(found.scenarios) > 2_000
    assert {scenario.stratum for scenario in found.scenarios} == {
        *("domain", "copy", "domain-copy", "domain-domain", "copy-copy", "what-if", "domain-what-if"),
        *("copy-traffic", "pair-traffic", "triple", "triple-traffic"),
    }
    assert all(isinstance(scenario, Scenario) for scenario in found.scenarios)


def test_a_large_system_is_listed_in_part_and_says_so() -> None:
    found = generate([fleet(900)], budget=2_000)
    kept = {scenario.stratum for scenario in found.scenarios}
    assert {"domain", "copy", "domain-copy"} <= kept
    assert dict(found.dropped)["copy-copy"] > 100_000
    assert 0.0 < found.covered_mass < 1.0


def test_sharing_gives_what_small_strata_leave_to_the_large() -> None:
    assert share([], 10) == ()
    assert share([5, 0, 7], 100) == (5, 0, 7)
    assert share([1, 50, 50], 20) == (1, 9, 10)
    assert share([3, 3], -1) == (0, 0)
    assert smallest([5, 1, 4, 1], 2) == [1, 3]
