"""Network policies of Kubernetes as rules: which pods they hold for, and whom they admit (docs/discovery.md).

A pod that no policy selects is called by anybody and calls anybody; one that some select is left with what one of them admits. What cannot be
told (an expression, a namespace outside of the plan) may be admitted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from faultray_action.catalogue.entry import PodPolicy
from faultray_action.catalogue.expression import descend, every
from faultray_action.model.text import whole_number
from faultray_action.model.value import UNKNOWN
from faultray_action.topology.node import Node
from faultray_action.topology.reachability.rules import ALL_PORTS, ANYBODY, Ends, Rule, Span, Wall

_NAME = "kubernetes.io/metadata.name"
_DEFAULT = "default"
_DIRECTIONS = (("Ingress", "ingress", "from"), ("Egress", "egress", "to"))

Held = tuple[Node, PodPolicy]
_Key = tuple[str, str, tuple[str, str] | None]


class PodRules:
    """The policies of one side, found by what they select: by their namespace and one of the labels that they ask for."""

    def __init__(self, nodes: Mapping[str, Node]) -> None:
        self.nodes = nodes
        self.namespaces: dict[Any, Any] = {}
        self._held: dict[_Key, list[Held]] = {}
        for node in nodes.values():
            if node.entry.pod_policy is not None:
                self._hold(node, node.entry.pod_policy)
            if node.entry.namespace:
                self.namespaces.setdefault(_own_name(node), descend(node.values, "metadata.labels"))

    def walls(self, address: str) -> tuple[Wall, ...]:
        """What guards a pod: one wall for each direction in which a policy selects it."""
        pod = self.nodes.get(address)
        if pod is None or not pod.entry.pod_labels or not self._held:
            return ()
        found = [self._wall(pod, *direction) for direction in _DIRECTIONS]
        return tuple(wall for wall in found if wall is not None)

    def _hold(self, node: Node, facts: PodPolicy) -> None:
        wanted = _asked(_first(descend(node.values, facts.selector)))
        labels = sorted((key, str(value)) for key, value in wanted.items()) if wanted else []
        for direction, _, _ in _DIRECTIONS:
            if _holds(node, facts, direction):
                self._held.setdefault((namespace_of(node), direction, labels[0] if labels else None), []).append((node, facts))

    def _selecting(self, pod: Node, direction: str) -> list[Held]:
        """The policies that hold for a pod in one direction."""
        space, offered = namespace_of(pod), descend(pod.values, pod.entry.pod_labels)
        held = list(self._held.get((space, direction, None), ()))
        for key, value in offered.items() if isinstance(offered, Mapping) else ():
            held += self._held.get((space, direction, (key, str(value))), ())
        return [(node, facts) for node, facts in held if picks(descend(node.values, facts.selector), pod) is True]

    def _wall(self, pod: Node, direction: str, path: str, peers: str) -> Wall | None:
        policies = self._selecting(pod, direction)
        if not policies:
            return None
        inward = direction == "Ingress"
        rules = [rule for node, facts in policies for rule in self._rules(node, getattr(facts, path), peers, inward)]
        return Wall(
            min(node.address for node, _ in policies),
            tuple(rules),
            first=False,
            closed=(True, True),
            open_inward="nobody" if inward else "everybody",
            open_outward="everybody" if inward else "nobody",
        )

    def _rules(self, policy: Node, path: str, peers: str, inward: bool) -> Iterator[Rule]:
        blocks = descend(policy.values, path)
        if blocks is UNKNOWN:
            yield Rule(policy.address, True, inward, None, Ends(unknown=True))
        for block in blocks if isinstance(blocks, list) else ():
            if block is UNKNOWN:
                yield Rule(policy.address, True, inward, None, Ends(unknown=True))
            elif isinstance(block, Mapping):
                yield Rule(policy.address, True, inward, _ports(block), self._far(policy, block.get(peers)))

    def _far(self, policy: Node, peers: Any) -> Ends:
        if not isinstance(peers, list) or not peers:
            return ANYBODY
        known = tuple(_Selected(self, policy, peer) for peer in peers if isinstance(peer, Mapping))
        return Ends(unknown=any(peer is UNKNOWN for peer in peers), peers=known)


class _Selected:
    """Whom one peer of a policy picks."""

    def __init__(self, rules: PodRules, policy: Node, peer: Mapping[str, Any]) -> None:
        self._rules = rules
        self._policy = policy
        self._peer = peer

    def picks(self, address: str) -> bool | None:
        other = self._rules.nodes.get(address)
        spaces, pods = _first(self._peer.get("namespace_selector")), _first(self._peer.get("pod_selector"))
        if other is None or not other.entry.pod_labels:
            return None if self._peer.get("ip_block") or spaces is not None else False
        if spaces is None and pods is None:
            return False
        near = namespace_of(self._policy) == namespace_of(other) if spaces is None else self._picks_namespace(spaces, namespace_of(other))
        if near is False:
            return False
        picked = True if pods is None else picks(pods, other)
        return False if picked is False else None if None in (near, picked) else True

    def _picks_namespace(self, selector: Any, name: str) -> bool | None:
        known = self._rules.namespaces.get(name, UNKNOWN if name not in self._rules.namespaces else None)
        labels = {**(known if isinstance(known, Mapping) else {}), _NAME: name}
        if known is UNKNOWN and _keys_of(selector) - labels.keys():
            return None
        return _fits(selector, labels)


def _keys_of(selector: Mapping[str, Any]) -> set[str]:
    """The labels that a selector speaks of."""
    return {*(_asked(selector) or ()), *(key for key in every(selector, "match_expressions.key") if isinstance(key, str))}


def picks(selector: Any, pod: Node) -> bool | None:
    """Whether a selector picks a pod; None where it cannot be told."""
    selector = _first(selector)
    if selector is None:
        return True
    offered = descend(pod.values, pod.entry.pod_labels)
    if offered is UNKNOWN:
        return None
    return _fits(selector, offered if isinstance(offered, Mapping) else {})


def _fits(selector: Mapping[str, Any], labels: Mapping[str, Any]) -> bool | None:
    """Whether labels are what a selector asks for: every label, and every expression."""
    wanted = _asked(selector)
    if wanted is None:
        return None
    if not wanted.items() <= labels.items():
        return False
    answers = [_holds_of(labels, row) for row in every(selector, "match_expressions")]
    return False if False in answers else None if None in answers else True


def _holds_of(labels: Mapping[str, Any], row: Any) -> bool | None:
    """Whether one expression holds; None for what is not known."""
    if not isinstance(row, Mapping):
        return None
    key, values = row.get("key"), row.get("values") or []
    if not isinstance(key, str) or values is UNKNOWN or UNKNOWN in values or labels.get(key) is UNKNOWN:
        return None
    held = {
        "In": labels.get(key) in values,
        "NotIn": labels.get(key) not in values,
        "Exists": key in labels,
        "DoesNotExist": key not in labels,
    }
    return held.get(str(row.get("operator")))


def namespace_of(node: Node) -> str:
    """The namespace that an object stands in."""
    found = descend(node.values, "metadata.namespace")
    return found if isinstance(found, str) and found else _DEFAULT


def _holds(node: Node, facts: PodPolicy, direction: str) -> bool:
    types = [value for value in every(node.values, facts.types) if value is not UNKNOWN]
    if types:
        return direction in types
    return direction == "Ingress" or bool(every(node.values, facts.egress))


def _ports(block: Mapping[str, Any]) -> tuple[Span, ...] | None:
    """The ports that a block admits; None where one is a name or not known."""
    stated = [value for key in ("port", "ports") for value in every(block, f"{key}.port") if value is not None]
    numbers = [float(number) for value in stated if (number := whole_number(str(value))) is not None]
    if len(numbers) < len(stated):
        return None
    return tuple((number, number) for number in sorted(numbers)) or (ALL_PORTS,)


def _first(blocks: Any) -> Any:
    return blocks[0] if isinstance(blocks, list) and blocks else blocks if isinstance(blocks, Mapping) else None


def _asked(selector: Any) -> Mapping[str, Any] | None:
    """The labels that a selector asks for; None where they are not known."""
    wanted = selector.get("match_labels") if isinstance(selector, Mapping) else None if selector is None else UNKNOWN
    return None if wanted is UNKNOWN else wanted if isinstance(wanted, Mapping) else {}


def _own_name(node: Node) -> Any:
    return descend(node.values, "metadata.name")


def service_ports(blocks: Iterable[Any]) -> Iterator[int]:
    """The ports of pods that the ports of a Service lead to, as far as they are numbers."""
    for block in blocks:
        port = (block.get("target_port") or block.get("port")) if isinstance(block, Mapping) else None
        number = whole_number(str(port))
        if number is not None:
            yield number
