"""Network policies of Kubernetes: which pods may still call which (docs/discovery.md).

A pod that no policy selects is called by anybody and calls anybody; one that some select is left with what one of them admits. What cannot be told
(an expression, a namespace outside of the plan) is taken to admit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Any

from msgspec import Struct

from faultray_action.catalogue.entry import PodPolicy
from faultray_action.catalogue.expression import descend, every
from faultray_action.model.text import whole_number
from faultray_action.model.topology import Dependency, EntryPoint, Role
from faultray_action.model.value import UNKNOWN
from faultray_action.topology.dependencies import reached
from faultray_action.topology.node import Node
from faultray_action.topology.survey import Survey

_NAME = "kubernetes.io/metadata.name"
_DEFAULT = "default"


class Policed(Struct, frozen=True):
    """One side with its needs and entries."""

    survey: Survey
    dependencies: tuple[Dependency, ...]
    entries: Sequence[EntryPoint]


def severed(before: Policed, after: Policed) -> dict[tuple[str, str], str]:
    """(caller, callee) pairs on both sides that the policies of the one admit and those of the other do not, with a policy that is in the way."""
    if not any(node.entry.pod_policy for side in (before, after) for node in side.survey.nodes.values()):
        return {}
    was, is_now = _Policies(before), _Policies(after)
    found: dict[tuple[str, str], str] = {}
    for caller, callee in sorted(_calls(before) & _calls(after)):
        if not was.refusing(caller, callee):
            refusing = is_now.refusing(caller, callee)
            if refusing:
                found[caller, callee] = refusing
    return found


_Held = list[tuple[Node, PodPolicy]]


class _Policies:
    """The policies of one side, found by what they select: by their namespace and one of the labels that they ask for."""

    def __init__(self, side: Policed) -> None:
        self._nodes = side.survey.nodes
        self._held: dict[tuple[str, str, tuple[str, str] | None], _Held] = {}
        self._labels: dict[str, Any] = {}
        self._ports: dict[str, set[int]] = {}
        for node in self._nodes.values():
            if node.entry.pod_policy is not None:
                self._hold(node, node.entry.pod_policy)
            if node.entry.namespace:
                self._labels.setdefault(_own_name(node), descend(node.values, "metadata.labels"))
        for dependency in side.dependencies:
            service = self._nodes.get(dependency.source)
            if service is not None:
                self._ports.setdefault(dependency.target, set()).update(_numbers(service))

    def _hold(self, node: Node, facts: PodPolicy) -> None:
        wanted = _asked(_first(descend(node.values, facts.selector)))
        label = min(((key, str(value)) for key, value in wanted.items()), default=None) if wanted else None
        for direction in ("Ingress", "Egress"):
            if _holds(node, facts, direction):
                self._held.setdefault((_namespace(node), direction, label), []).append((node, facts))

    def _selecting(self, pod: Node | None, direction: str) -> _Held:
        """The policies that hold for a pod in one direction."""
        if pod is None or not pod.entry.pod_labels:
            return []
        space, offered = _namespace(pod), descend(pod.values, pod.entry.pod_labels)
        held = list(self._held.get((space, direction, None), ()))
        for key, value in offered.items() if isinstance(offered, Mapping) else ():
            held += self._held.get((space, direction, (key, str(value))), ())
        return [(node, facts) for node, facts in held if _is_picked(descend(node.values, facts.selector), pod) is True]

    def refusing(self, caller: str, callee: str) -> str:
        """A policy that keeps the two apart, "" where none does."""
        source, target = self._nodes.get(caller), self._nodes.get(callee)
        into, out = self._selecting(target, "Ingress"), self._selecting(source, "Egress")
        ports = self._ports.get(callee, set())
        for policies, peers, path, other in ((into, "from", "ingress", source), (out, "to", "egress", target)):
            if policies and not any(
                self._admits(node, descend(node.values, getattr(facts, path)), peers, other, ports) for node, facts in policies
            ):
                return min(node.address for node, _ in policies)
        return ""

    def _admits(self, policy: Node, blocks: Any, peers: str, other: Node | None, ports: Set[int]) -> bool:
        if blocks is UNKNOWN:
            return True
        for block in blocks if isinstance(blocks, list) else ():
            if block is UNKNOWN or (
                isinstance(block, Mapping) and _open_to(block, ports) and self._names_peer(policy, block.get(peers), other)
            ):
                return True
        return False

    def _names_peer(self, policy: Node, peers: Any, other: Node | None) -> bool:
        if not isinstance(peers, list) or not peers:
            return True
        return any(peer is UNKNOWN or (isinstance(peer, Mapping) and self._is_peer(policy, peer, other)) for peer in peers)

    def _is_peer(self, policy: Node, peer: Mapping[str, Any], other: Node | None) -> bool:
        spaces, pods = _first(peer.get("namespace_selector")), _first(peer.get("pod_selector"))
        if other is None or not other.entry.pod_labels:
            return bool(peer.get("ip_block")) or spaces is not None
        if spaces is None and pods is None:
            return False
        near = _namespace(policy) == _namespace(other) if spaces is None else self._picks_namespace(spaces, _namespace(other))
        return near and (pods is None or _is_picked(pods, other) is not False)

    def _picks_namespace(self, selector: Any, name: str) -> bool:
        wanted = _asked(selector)
        if wanted is None or not wanted or selector.get("match_expressions"):
            return True
        if name not in self._labels:
            return _NAME not in wanted or bool(wanted.items() <= {_NAME: name}.items())
        labels = self._labels[name]
        return labels is UNKNOWN or bool(wanted.items() <= {**(labels or {}), _NAME: name}.items())


def _calls(side: Policed) -> set[tuple[str, str]]:
    """What pods call, and what entries lead to, through connectors."""
    needs: dict[str, list[str]] = {}
    for dependency in side.dependencies:
        if dependency.role is Role.NEED:
            needs.setdefault(dependency.source, []).append(dependency.target)
    pods = {address for address, node in side.survey.nodes.items() if node.entry.pod_labels}
    fronts = [entry.component for entry in side.entries if entry.component not in pods]
    calls = {(caller, callee) for caller in (*pods, *fronts) for callee in reached(caller, needs, side.survey)}
    return {(caller, callee) for caller, callee in calls if caller in pods or callee in pods}


def _holds(node: Node, facts: PodPolicy, direction: str) -> bool:
    types = [value for value in every(node.values, facts.types) if value is not UNKNOWN]
    if types:
        return direction in types
    return direction == "Ingress" or bool(every(node.values, facts.egress))


def _open_to(block: Mapping[str, Any], ports: Set[int]) -> bool:
    stated = [value for key in ("port", "ports") for value in every(block, f"{key}.port")]
    numbers = {number for value in stated if (number := _port(value)) is not None}
    return not ports or not numbers or len(numbers) < len(stated) or not numbers.isdisjoint(ports)


def _first(blocks: Any) -> Any:
    return blocks[0] if isinstance(blocks, list) and blocks else blocks if isinstance(blocks, Mapping) else None


def _is_picked(selector: Any, pod: Node) -> bool | None:
    """Whether a selector picks a pod; None where it cannot be told."""
    selector = _first(selector)
    if selector is None:
        return True
    offered = descend(pod.values, pod.entry.pod_labels)
    wanted = _asked(selector)
    if wanted is None or offered is UNKNOWN:
        return None
    labels = offered if isinstance(offered, Mapping) else {}
    if not wanted.items() <= labels.items():
        return False
    return None if selector.get("match_expressions") else True


def _asked(selector: Any) -> Mapping[str, Any] | None:
    """The labels that a selector asks for; None where they are not known."""
    wanted = selector.get("match_labels") if isinstance(selector, Mapping) else None if selector is None else UNKNOWN
    return None if wanted is UNKNOWN else wanted if isinstance(wanted, Mapping) else {}


def _own_name(node: Node) -> Any:
    return descend(node.values, "metadata.name")


def _namespace(node: Node) -> str:
    found = descend(node.values, "metadata.namespace")
    return found if isinstance(found, str) and found else _DEFAULT


def _numbers(service: Node) -> Iterator[int]:
    for block in _mappings(every(service.values, "spec.port")):
        port = _port(block.get("target_port") or block.get("port"))
        if port is not None:
            yield port


def _port(value: Any) -> int | None:
    """A port that is given by its number, not by a name."""
    return whole_number(str(value)) if isinstance(value, (int, str)) else None


def _mappings(values: Iterable[Any]) -> Iterator[Mapping[str, Any]]:
    yield from (value for value in values if isinstance(value, Mapping))
