"""The cascade by example: each rule of docs/model.md once, with its trace."""

from __future__ import annotations

import math

import pytest
from engine_systems import fault, part, spread, system
from msgspec.structs import replace

from faultray_action.engine.cascade import run
from faultray_action.engine.cold_start import cold_start_cycles, warn_of_cold_start
from faultray_action.engine.paths import all_cascade_paths, map_cascade, paths
from faultray_action.model.component import Component, Copy, FaultClass, Runtime
from faultray_action.model.errors import InputError
from faultray_action.model.outcome import Health
from faultray_action.model.scenario import AgentFault, Scenario, WhatIf, WhatIfKind
from faultray_action.model.topology import Dependency, EntryPoint, Role, Topology
from faultray_action.model.trace import Rule, Trace


def one(address: str, copies: int = 1, needed: int = 1, **runtime: object) -> tuple[Component, list]:  # type: ignore[type-arg]
    return spread(address, [""] * copies, needed, runtime=Runtime(**runtime))  # type: ignore[arg-type]


def lose(*faults: str) -> Scenario:
    return Scenario(" & ".join(faults), "test", faults)


def what_if(kind: WhatIfKind, target: str = "", level: float = 0.0, detail: str = "", faults: tuple[str, ...] = ()) -> Scenario:
    return Scenario("w", "test", faults, (WhatIf(kind, target, level, detail),))


def call(source: str = "web", target: str = "db", **more: object) -> Dependency:
    return Dependency(source, target, **more)  # type: ignore[arg-type]


def pair(edge: Dependency, web: tuple = (), db: tuple = ()) -> Topology:  # type: ignore[type-arg]
    return system([web or one("web", 3), db or one("db")], [edge], ["web"])


DB_LOST = lose("copy:db#0")


def rise(trace: Trace, component: str) -> tuple[Rule, str]:
    """Rule and cause of the last step in which the component's health rose."""
    return [(step.rule, step.cause) for step in trace.transitions if step.component == component and step.after > step.before][-1]


def test_replicas_do_not_attenuate_an_inherited_failure() -> None:
    trace = run(pair(call()), DB_LOST)
    assert trace.health == {"web": Health.DOWN, "db": Health.DOWN}
    assert trace.entries_down == trace.entries_failing == ("web",)
    first, second = trace.transitions
    assert (first.rule, first.events, first.parent) == (Rule.COPIES, ("copy:db#0",), -1)
    assert (second.rule, second.cause, second.parent, second.depth) == (Rule.NEED, "db", 0, 1)
    assert trace.roots == ("db",)
    assert trace.visited == ("db", "web")
    assert [step.component for step in trace.chain("web")] == ["db", "web"]
    assert trace.children() == {-1: (0,), 0: (1,)}


def test_a_copy_that_is_not_needed_changes_nothing() -> None:
    trace = run(pair(call()), lose("copy:web#0"))
    assert trace.transitions == ()
    assert trace.chain("web") == ()


def test_m_of_n_copies() -> None:
    topology = system([one("web", 3, needed=2)], [], ["web"])
    assert run(topology, lose("copy:web#0")).health == {}
    assert run(topology, lose("copy:web#0", "copy:web#2")).entries_down == ("web",)


@pytest.mark.parametrize(
    ("edge", "health", "rule"),
    [
        (call(role=Role.OPTIONAL), Health.DEGRADED, Rule.OPTIONAL),
        (call(role=Role.ASYNC), Health.DEGRADED, Rule.ASYNC),
        (call(breaker=True), Health.DEGRADED, Rule.BREAKER),
        (call(breaker=True, fallback=False), Health.DOWN, Rule.NO_FALLBACK),
        (call(group="g"), Health.DOWN, Rule.ALTERNATIVES),
    ],
)
def test_what_an_edge_carries_of_a_target_that_is_down(edge: Dependency, health: Health, rule: Rule) -> None:
    trace = run(pair(edge), DB_LOST)
    assert (trace.health["web"], trace.transitions[-1].rule) == (health, rule)
    (carrier,) = trace.carriers
    assert (carrier.source, carrier.target, carrier.health, carrier.rule) == ("web", "db", health, rule if not edge.group else Rule.NEED)


@pytest.mark.parametrize("role", [Role.STARTUP, Role.REPLICA])
def test_start_up_needs_and_replicas_carry_nothing_while_serving(role: Role) -> None:
    assert run(pair(call(role=role)), DB_LOST).health == {"db": Health.DOWN}


def test_degraded_and_overloaded_are_inherited_as_degraded() -> None:
    for detail in (AgentFault.CONTEXT_OVERFLOW, AgentFault.RATE_LIMIT):
        trace = run(pair(call()), what_if(WhatIfKind.AGENT, "db", detail=detail))
        assert trace.health["web"] is Health.DEGRADED


def test_an_alternative_group_takes_the_kth_healthiest() -> None:
    edges = [call(target=name, group="g", group_needed=2) for name in ("a", "b", "c")]
    topology = system([one("web"), one("a"), one("b"), one("c")], edges, ["web"])
    spared = run(topology, lose("copy:a#0"))
    assert spared.health == {"a": Health.DOWN}
    assert [(c.target, c.masked) for c in spared.carriers] == [("a", True)]
    assert run(topology, lose("copy:a#0", "copy:c#0")).entries_down == ("web",)


def test_an_optional_group_never_takes_down() -> None:
    edges = [call(target="a", role=Role.OPTIONAL, group="g", group_needed=2)]
    assert run(system([one("web"), one("a")], edges, ["web"]), lose()).health == {"web": Health.DEGRADED}


def test_a_broken_need_is_down_with_no_event() -> None:
    trace = run(pair(call(broken="no rule permits it")), lose())
    assert (trace.entries_down, trace.transitions[0].rule, trace.transitions[0].events) == (("web",), Rule.BROKEN, ())
    assert run(pair(call(target="gone")), lose()).entries_down == ("web",)


def test_too_few_copies_are_down_with_no_event() -> None:
    assert run(system([(part("web", ()), [])], [], ["web"]), lose()).entries_down == ("web",)


def test_a_local_only_need_sees_the_copies_and_not_what_they_need() -> None:
    edges = [call(target="mid", local_only=True), Dependency("mid", "db")]
    topology = system([one("web"), one("mid"), one("db")], edges, ["web"])
    assert run(topology, DB_LOST).health == {"db": Health.DOWN, "mid": Health.DOWN}
    assert run(topology, lose("copy:mid#0")).entries_down == ("web",)


def test_gaps_and_unknown_faults_take_nothing_down() -> None:
    component, faults = one("web")
    topology = system([(replace(component, gaps=("gap",)), [*faults, fault("gap", kind=FaultClass.GAP)])], [], ["web"])
    assert run(topology, lose("copy:gone#0", "gap")).transitions == ()
    assert run(topology, what_if(WhatIfKind.ALL_COPIES, "gone")).transitions == ()


def test_an_unknown_entry_is_an_input_error() -> None:
    with pytest.raises(InputError, match="`lost`"):
        run(system([one("web")], [], [EntryPoint("lost", "lost", "lost")]), lose())


def test_cycles_end() -> None:
    topology = system([one("web"), one("a"), one("b")], [("web", "a"), ("a", "b"), ("b", "a")], ["web"])
    trace = run(topology, lose("copy:b#0"))
    assert set(trace.health.values()) == {Health.DOWN}
    assert trace.edge_steps <= 3 * 3


def test_an_async_buffer_hides_an_outage_until_it_is_spent() -> None:
    topology = pair(call(role=Role.ASYNC, buffer_seconds=600.0))
    short = run(topology, DB_LOST, outage_seconds=60.0)
    assert (short.health["web"], short.hidden) == (Health.DEGRADED, (("web -> db", 600.0),))
    long = run(topology, DB_LOST, outage_seconds=3600.0)
    last = long.transitions[-1]
    assert (long.health["web"], last.rule, last.time_seconds, long.hidden) == (Health.DOWN, Rule.BUFFER_SPENT, 600.0, ())
    never = run(pair(call(role=Role.ASYNC)), DB_LOST, outage_seconds=math.inf)
    assert never.health["web"] is Health.DEGRADED


def test_time_is_what_it_takes_to_notice() -> None:
    slow = run(pair(call(latency_ms=10.0, timeout_ms=2000.0, retries=2)), DB_LOST)
    assert slow.transitions[-1].time_seconds == pytest.approx(6.01)
    assert slow.elapsed_seconds == pytest.approx(6.01)
    quick = run(pair(call(latency_ms=10.0, timeout_ms=2000.0, retries=2, breaker=True, fallback=False)), DB_LOST)
    assert quick.elapsed_seconds == pytest.approx(0.01)


def test_a_depth_limit_says_that_it_cut() -> None:
    topology = system([one(name) for name in "abcd"], [("a", "b"), ("b", "c"), ("c", "d")], ["a"])
    cut = run(topology, lose("copy:d#0"), max_depth=2)
    assert (cut.truncated, cut.entries_down, set(cut.health)) == (True, (), {"b", "c", "d"})
    assert not run(topology, lose("copy:d#0"), max_depth=3).truncated
    assert not run(topology, lose(), max_depth=0).truncated


def test_traffic_overloads_what_has_too_few_copies_alive() -> None:
    topology = pair(call(), one("web", 4), one("db", 4, capacity=10.0, demand=4.0))
    calm = run(topology, what_if(WhatIfKind.TRAFFIC, level=1.5))
    assert (calm.health, calm.load) == ({}, {"web": 1.5, "db": 1.5})
    assert run(topology, what_if(WhatIfKind.TRAFFIC, level=2.0)).health["web"] is Health.OVERLOADED
    fewer = run(topology, what_if(WhatIfKind.TRAFFIC, level=1.5, faults=("copy:db#0", "copy:db#1")))
    assert (fewer.health["db"], rise(fewer, "db")) == (Health.OVERLOADED, (Rule.OVERLOAD, ""))
    assert (fewer.entries_down, fewer.entries_failing) == ((), ())


def test_load_and_latency_run_only_where_they_are_injected() -> None:
    topology = pair(call(role=Role.OPTIONAL), one("web", 1, pool=1, requests_per_second=10.0), one("db"))
    assert run(topology, DB_LOST).health["web"] is Health.DEGRADED
    hung = run(topology, replace(DB_LOST, what_ifs=(WhatIf(WhatIfKind.TRAFFIC, level=1.5),)))
    assert (hung.health["web"], rise(hung, "web")) == (Health.DOWN, (Rule.POOL, "db"))


def test_what_the_provider_scales_is_never_overloaded() -> None:
    managed = part("db", [Copy(("service:db",))], managed=True), [fault("service:db", kind=FaultClass.SERVICE)]
    trace = run(pair(call(), one("web", 100), managed), what_if(WhatIfKind.TRAFFIC, level=10.0))
    assert "db" not in trace.health


def test_retries_amplify_load_and_a_breaker_does_not() -> None:
    hit = what_if(WhatIfKind.TIMEOUT, "web -> db")
    assert run(pair(call(retries=2)), hit).load == {"db": 3.0}
    assert run(pair(call(retries=2, breaker=True)), hit).load == {}


def test_the_siblings_of_a_lost_alternative_take_its_load() -> None:
    edges = [call(target="a", group="g", weight=3.0), call(target="b", group="g", weight=1.0)]
    topology = system([one("web"), one("a"), one("b")], edges, ["web"])
    trace = run(topology, what_if(WhatIfKind.TRAFFIC, level=1.0, faults=("copy:a#0",)))
    assert trace.load["b"] == 5.0
    assert trace.health == {"a": Health.DOWN, "b": Health.OVERLOADED, "web": Health.DEGRADED}


def test_latency_adds_up_over_needs_and_saturates_past_a_timeout() -> None:
    db = one("db", latency_ms=20.0)
    ten = what_if(WhatIfKind.LATENCY, "db", 10.0)
    slow = run(pair(call(latency_ms=1.0), one("web", latency_ms=5.0), db), ten)
    assert (slow.latency_ms, slow.health) == ({"db": 200.0, "web": 206.0}, {})
    late = run(pair(call(latency_ms=1.0, timeout_ms=100.0), one("web", latency_ms=5.0), db), ten)
    assert (late.latency_ms["web"], late.health, late.transitions[-1].rule) == (math.inf, {"web": Health.DEGRADED}, Rule.TIMEOUT)


def test_a_pool_is_exhausted_by_littles_law() -> None:
    """50 calls a second held for 2 × 1 s are 100 at once."""
    hit = what_if(WhatIfKind.TIMEOUT, "web -> db")
    edge = call(timeout_ms=1000.0, retries=1)
    assert run(pair(edge, one("web", pool=100, requests_per_second=50.0)), hit).health["web"] is Health.DEGRADED
    exhausted = run(pair(edge, one("web", pool=99, requests_per_second=50.0)), hit)
    assert (exhausted.health["web"], rise(exhausted, "web")) == (Health.DOWN, (Rule.POOL, "db"))
    guarded = run(pair(replace(edge, breaker=True), one("web", pool=1, requests_per_second=50.0)), hit)
    assert guarded.health["web"] is Health.DEGRADED


def test_without_a_timeout_a_call_hangs_for_ever() -> None:
    hit = what_if(WhatIfKind.TIMEOUT, "web -> db")
    assert run(pair(call(), one("web", pool=1000)), hit).health["web"] is Health.DOWN


def test_alternatives_are_asked_at_once_and_the_kth_fastest_counts() -> None:
    edges = [call(target="a", group="g"), call(target="b", group="g")]
    topology = system([one("web"), one("a", latency_ms=10.0), one("b", latency_ms=30.0)], edges, ["web"])
    assert run(topology, what_if(WhatIfKind.LATENCY, "a", 10.0)).latency_ms == {"a": 100.0, "web": 30.0}


def test_a_breaker_forced_off_lets_the_failure_through() -> None:
    both = Scenario("w", "t", ("copy:db#0",), (WhatIf(WhatIfKind.BREAKER_OFF, "web -> db"),))
    topology = pair(call(breaker=True))
    assert run(topology, DB_LOST).health["web"] is Health.DEGRADED
    assert run(topology, both).health["web"] is Health.DOWN


def test_a_deploy_takes_one_copy_out_and_needs_what_start_up_needs() -> None:
    deploy = what_if(WhatIfKind.DEPLOY, "web")
    assert run(system([one("web", 2)], [], ["web"]), deploy).health == {}
    alone = run(system([one("web", 1)], [], ["web"]), deploy)
    assert (alone.health["web"], alone.transitions[0].rule, alone.transitions[0].events) == (Health.DOWN, Rule.DEPLOY, ("deploy:web",))
    starting = pair(call(role=Role.STARTUP), one("web", 2))
    during = run(starting, replace(deploy, faults=("copy:db#0",)))
    assert (during.health["web"], during.transitions[-1].rule) == (Health.DOWN, Rule.STARTUP)


def test_without_the_control_plane_a_standby_is_not_promoted() -> None:
    component, faults = one("db", 2)
    topology = system([(replace(component, gaps=("gap",)), [*faults, fault("gap", kind=FaultClass.GAP)])], [], ["db"])
    assert run(topology, what_if(WhatIfKind.CONTROL_PLANE)).health == {}
    blocked = run(topology, what_if(WhatIfKind.CONTROL_PLANE, faults=("copy:db#0",)))
    assert (blocked.entries_down, blocked.transitions[0].rule) == (("db",), Rule.FAILOVER_BLOCKED)
    assert run(topology, what_if(WhatIfKind.CONTROL_PLANE, faults=("copy:db#1",))).health == {}


def test_an_unknown_agent_fault_is_an_input_error() -> None:
    with pytest.raises(InputError, match="`tired` is no fault"):
        run(pair(call()), what_if(WhatIfKind.AGENT, "db", detail="tired"))


def test_a_cold_start_fails_only_on_a_cycle_with_a_start_up_need() -> None:
    parts = [one(name) for name in ("web", "auth", "db", "log")]
    needs = [Dependency("web", "auth"), Dependency("auth", "db"), Dependency("db", "auth"), Dependency("log", "web", Role.STARTUP)]
    assert cold_start_cycles(system(parts, needs, ["web"])) == ()
    locked = [*needs[:2], Dependency("db", "auth", Role.STARTUP), needs[3]]
    assert cold_start_cycles(system(parts, locked, ["web"])) == (("auth", "db"),)
    (warning,) = warn_of_cold_start(system(parts, locked, ["web"]))
    assert (warning.code, warning.address) == ("cold-start-cycle", "auth")
    assert warning.message.startswith("`auth`, `db` need each other to start")
    spared = [needs[0], Dependency("auth", "db", group="g"), Dependency("auth", "web", group="g"), Dependency("db", "auth", Role.STARTUP)]
    assert cold_start_cycles(system([*parts, one("standby")], [*spared, Dependency("auth", "standby", group="g")], ["web"])) == ()


def test_the_map_holds_every_edge_and_every_chain() -> None:
    topology = system([one("web"), one("a"), one("b"), one("db")], [("web", "a"), ("web", "b"), ("a", "db"), ("b", "db")], ["web"])
    trace = run(topology, DB_LOST)
    assert paths(trace) == (("db", "b"), ("db", "a", "web"))
    found = map_cascade(trace)
    assert {(edge["source"], edge["target"]) for edge in found["edges"]} == {("web", "a"), ("web", "b"), ("a", "db"), ("b", "db")}
    assert found["health"]["web"] == "down"
    assert [row["scenario"] for row in all_cascade_paths(topology, [lose(), DB_LOST])] == ["copy:db#0"]


def test_an_endless_latency_is_null_on_the_map() -> None:
    found = map_cascade(run(pair(call(timeout_ms=1.0)), what_if(WhatIfKind.TIMEOUT, "web -> db")))
    assert [row["latency_ms"] for row in found["transitions"]] == [None]


def test_the_same_run_twice_is_the_same_trace() -> None:
    topology = pair(call(retries=1, timeout_ms=5.0))
    scenario = what_if(WhatIfKind.TRAFFIC, level=3.0, faults=("copy:db#0",))
    assert run(topology, scenario) == run(topology, scenario)
