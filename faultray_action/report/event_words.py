"""What was injected, in words: `zone eu-west-1a is lost`, not `zone:aws:eu-west-1a`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from faultray_action.model.component import FaultClass
from faultray_action.model.scenario import EDGE_ARROW, Scenario, WhatIf, WhatIfKind
from faultray_action.model.topology import Topology
from faultray_action.report.escape import plain


def names_of(topology: Topology) -> Mapping[str, str]:
    """What to call each component: its label where no other has the same, else its address."""
    labels = Counter(component.label for component in topology.components.values())
    return {a: plain(c.label if c.label and labels[c.label] == 1 else a, 60) for a, c in topology.components.items()}


def injected(topology: Topology, scenario: Scenario, names: Mapping[str, str]) -> list[str]:
    """One phrase an event and what-if; copies of one component are counted together."""
    copies = Counter(topology.faults[id].address for id in scenario.faults if _is_copy(topology, id))
    told = [_copies(topology, address, count, names) for address, count in copies.items()]
    told += [event(topology, id, names) for id in scenario.faults if not _is_copy(topology, id)]
    return told + [what_if(each, names) for each in scenario.what_ifs]


def _is_copy(topology: Topology, id: str) -> bool:
    fault = topology.faults.get(id)
    return fault is not None and fault.fault_class is FaultClass.COPY


def _copies(topology: Topology, address: str, count: int, names: Mapping[str, str]) -> str:
    component = topology.components.get(address)
    every = component.size if component is not None else count
    name = names.get(address, plain(address, 60))
    if every == 1:
        return f"the only copy of {name} fails"
    return f"{count} of the {every} copies of {name} {'fails' if count == 1 else 'fail'}"


def event(topology: Topology, id: str, names: Mapping[str, str]) -> str:
    """One fault by its id; the id itself where this side has none."""
    fault = topology.faults.get(id)
    if fault is None:
        return f"{plain(id, 80)} (not on this side)"
    name, domain = names.get(fault.address, plain(fault.address, 60)), plain(fault.domain, 60)
    return {
        FaultClass.COPY: f"one copy of {name} fails",
        FaultClass.ZONE: f"zone {domain} is lost",
        FaultClass.ZONAL: f"{name} fails in its zone",
        FaultClass.COMMON_CAUSE: f"all copies of {name} fail of one cause",
        FaultClass.REGION: f"region {domain} is lost",
        FaultClass.SERVICE: f"{_service(domain)} fails",
        FaultClass.VENDOR: f"the vendor fails: {domain}",
        FaultClass.GAP: f"{name} fails over",
    }[fault.fault_class]


def _service(domain: str) -> str:
    """`aws:sqs@eu-west-1` as a reader says it."""
    provider, _, rest = domain.partition(":")
    service, _, region = rest.partition("@")
    return f"the service {service} of {provider}{f' in {region}' if region else ''}" if service else f"the service {domain}"


def what_if(asked: WhatIf, names: Mapping[str, str]) -> str:
    """An injection without a rate."""
    source, _, target = asked.target.partition(EDGE_ARROW)
    name = names.get(asked.target, plain(asked.target, 60))
    edge = f"from {names.get(source, plain(source, 60))} to {names.get(target, plain(target, 60))}"
    return {
        WhatIfKind.ALL_COPIES: f"all copies of {name} are gone",
        WhatIfKind.DEPLOY: f"deployment of {name}",
        WhatIfKind.TRAFFIC: f"{asked.level:g} times the traffic",
        WhatIfKind.LATENCY: f"{asked.level:g} times the latency of {name}",
        WhatIfKind.TIMEOUT: f"every call times out {edge}",
        WhatIfKind.BREAKER_OFF: f"no circuit breaker {edge}",
        WhatIfKind.CONTROL_PLANE: "the provider's control plane is down: nothing is started or failed over",
        WhatIfKind.AGENT: f"{asked.detail.replace('-', ' ')} of {name}",
    }[asked.kind]
