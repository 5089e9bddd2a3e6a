"""A topology without a change: what stands, as a report whose side before does not exist."""

from __future__ import annotations

from types import MappingProxyType

from msgspec.structs import replace

from faultray_action.check.acceptance import accept
from faultray_action.check.comparison import of_one
from faultray_action.check.material import material
from faultray_action.check.request import Checked, Request
from faultray_action.check.whatif import ceiling_of
from faultray_action.engine.cold_start import warn_of_cold_start
from faultray_action.judgement.decide import Judged, decide
from faultray_action.model.finding import Attribution
from faultray_action.model.topology import Topology
from faultray_action.report.agent_rows import agent_rows
from faultray_action.report.compose import compose
from faultray_action.scenarios.generate import generate

NOTHING = Topology(MappingProxyType({}), (), MappingProxyType({}), ())
"""The side that does not exist."""


def simulate_one(topology: Topology, request: Request) -> Checked:
    """What stands, asked every scenario and held to the gates that need no side before."""
    scenarios = generate((topology,), budget=request.scenario_budget)
    found = of_one(topology, scenarios, NOTHING)
    accepted = accept(found.comparison, Attribution(), request.policy.waivers, request.date)
    ceiling = ceiling_of(topology, found.after.here.examination)
    decision = decide(Judged(accepted.judged, (None, ceiling.value)), request.gates, topology.coverage)
    told = replace(
        material(request, found, (None, ceiling), decision, accepted),
        diagnostics=(*request.diagnostics, *topology.diagnostics, *warn_of_cold_start(topology)),
        agents=agent_rows(topology, found.after.agents),
        subject="topology",
    )
    return Checked(compose(told), NOTHING, topology, scenarios, found.examined, decision)
