"""Network policies of Kubernetes: which pods may still call which (docs/discovery.md).

A pod that no policy selects is called by anybody and calls anybody; one that some select is left with what one of them admits. What cannot be told
(an expression, a namespace outside of the plan) is taken to admit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from faultray_action.catalogue.entry import PodPolicy
from faultray_action.catalogue.expression import descend, every
from faultray_action.model.topology import Dependency, EntryPoint, Role
from faultray_action.model.value import UNKNOWN
from faultray_action.topology.dependencies import reached
from faultray_action.topology.survey import Node, Survey

_NAME = "kubernetes.io/metadata.name"
_DEFAULT = "default"


class Policed(Struct, frozen=True):
    """One side with its needs and entries."""

    survey: Survey
    dependencies: tuple[Dependency, ...]
    entries: Sequence[EntryPoint]


def severed(before: Policed, after: Policed) -> dict[tuple[str, str], str]:
    """(caller, callee) pairs on both sides that the policies of the one admit and those of the other do not, with a policy that is in the way."""
    if not _policies(before.survey) and not _policies(after.survey):
        return {}
    found: dict[tuple[str, str], str] = {}
    for caller, callee in sorted(_calls(before) & _calls(after)):
        if not _refusing(before, caller, callee):
            refusing = _refusing(after, caller, callee)
            if refusing:
                found[caller, callee] = refusing
    return found


def _policies(survey: Survey) -> list[tuple[Node, PodPolicy]]:
    return [(node, node.entry.pod_policy) for node in survey.nodes.values() if node.entry.pod_policy is not None]


def _calls(side: Policed) -> set[tuple[str, str]]:
    """What pods call, and what entries lead to, through connectors."""
    needs: dict[str, list[str]] = {}
    for dependency in side.dependencies:
        if dependency.role is Role.NEED:
            needs.setdefault(dependency.source, []).append(dependency.target)
    pods = [address for address, node in side.survey.nodes.items() if node.entry.pod_labels]
    fronts = [entry.component for entry in side.entries if entry.component not in pods]
    calls = {(caller, callee) for caller in (*pods, *fronts) for callee in reached(caller, needs, side.survey)}
    return {(caller, callee) for caller, callee in calls if caller in pods or callee in pods}


def _refusing(side: Policed, caller: str, callee: str) -> str:
    """A policy that keeps the two apart, "" where none does."""
    survey = side.survey
    source, target = survey.nodes.get(caller), survey.nodes.get(callee)
    ports = _ports(side, callee)
    into = [] if target is None else _selecting(survey, target, "Ingress")
    out = [] if source is None else _selecting(survey, source, "Egress")
    for policies, peers, path, other in ((into, "from", "ingress", source), (out, "to", "egress", target)):
        if policies and not any(
            _admits(survey, node, descend(node.values, getattr(facts, path)), peers, other, ports) for node, facts in policies
        ):
            return min(node.address for node, _ in policies)
    return ""


def _selecting(survey: Survey, pod: Node, direction: str) -> list[tuple[Node, PodPolicy]]:
    """The policies that hold for a pod in one direction."""
    if not pod.entry.pod_labels:
        return []
    return [
        (node, facts)
        for node, facts in _policies(survey)
        if _namespace(node) == _namespace(pod)
        and _holds(node, facts, direction)
        and _is_picked(descend(node.values, facts.selector), pod) is True
    ]


def _holds(node: Node, facts: PodPolicy, direction: str) -> bool:
    types = [value for value in every(node.values, facts.types) if value is not UNKNOWN]
    if types:
        return direction in types
    return direction == "Ingress" or bool(every(node.values, facts.egress))


def _admits(survey: Survey, policy: Node, blocks: Any, peers: str, other: Node | None, ports: frozenset[int]) -> bool:
    if blocks is UNKNOWN:
        return True
    for block in blocks if isinstance(blocks, list) else ():
        if block is UNKNOWN or (
            isinstance(block, Mapping) and _open_to(block, ports) and _names_peer(survey, policy, block.get(peers), other)
        ):
            return True
    return False


def _open_to(block: Mapping[str, Any], ports: frozenset[int]) -> bool:
    stated = [value for key in ("port", "ports") for value in every(block, f"{key}.port")]
    numbers = {int(value) for value in stated if isinstance(value, (int, str)) and str(value).isdigit()}
    return not ports or not numbers or len(numbers) < len(stated) or not numbers.isdisjoint(ports)


def _names_peer(survey: Survey, policy: Node, peers: Any, other: Node | None) -> bool:
    if not isinstance(peers, list) or not peers:
        return True
    return any(peer is UNKNOWN or (isinstance(peer, Mapping) and _is_peer(survey, policy, peer, other)) for peer in peers)


def _is_peer(survey: Survey, policy: Node, peer: Mapping[str, Any], other: Node | None) -> bool:
    spaces, pods = _first(peer.get("namespace_selector")), _first(peer.get("pod_selector"))
    if other is None or not other.entry.pod_labels:
        return bool(peer.get("ip_block")) or spaces is not None
    if spaces is None and pods is None:
        return False
    near = _namespace(policy) == _namespace(other) if spaces is None else _picks_namespace(survey, spaces, _namespace(other))
    return near and (pods is None or _is_picked(pods, other) is not False)


def _first(blocks: Any) -> Any:
    return blocks[0] if isinstance(blocks, list) and blocks else blocks if isinstance(blocks, Mapping) else None


def _is_picked(selector: Any, pod: Node) -> bool | None:
    """Whether a selector picks a pod; None where it cannot be told."""
    selector = _first(selector)
    if selector is None:
        return True
    offered = descend(pod.values, pod.entry.pod_labels)
    wanted = selector.get("match_labels") if isinstance(selector, Mapping) else UNKNOWN
    if wanted is UNKNOWN or offered is UNKNOWN:
        return None
    labels = offered if isinstance(offered, Mapping) else {}
    if not (wanted or {}).items() <= labels.items():
        return False
    return None if selector.get("match_expressions") else True


def _picks_namespace(survey: Survey, selector: Any, name: str) -> bool:
    wanted = selector.get("match_labels") if isinstance(selector, Mapping) else UNKNOWN
    if wanted is UNKNOWN or not wanted or selector.get("match_expressions"):
        return True
    known = next((node for node in survey.nodes.values() if node.entry.namespace and _own_name(node) == name), None)
    labels = {**(descend(known.values, "metadata.labels") or {}), _NAME: name} if known is not None else {_NAME: name}
    return bool(wanted.items() <= labels.items()) or (known is None and _NAME not in wanted)


def _own_name(node: Node) -> Any:
    return descend(node.values, "metadata.name")


def _namespace(node: Node) -> str:
    found = descend(node.values, "metadata.namespace")
    return found if isinstance(found, str) and found else _DEFAULT


def _ports(side: Policed, callee: str) -> frozenset[int]:
    """The ports under which services send to a workload, as far as they are numbers."""
    found: set[int] = set()
    for dependency in side.dependencies:
        node = side.survey.nodes.get(dependency.source)
        if dependency.target == callee and node is not None:
            found.update(_numbers(node))
    return frozenset(found)


def _numbers(service: Node) -> Iterator[int]:
    for block in _mappings(every(service.values, "spec.port")):
        port = block.get("target_port") or block.get("port")
        if isinstance(port, (int, str)) and str(port).isdigit():
            yield int(port)


def _mappings(values: Iterable[Any]) -> Iterator[Mapping[str, Any]]:
    yield from (value for value in values if isinstance(value, Mapping))
