"""One side of a plan while it is built: what stands there, who needs whom, where users come in."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from faultray_action.catalogue.load import Catalogue
from faultray_action.catalogue.sla import SlaTable
from faultray_action.model.component import Component, Fault
from faultray_action.model.policy import Policy
from faultray_action.model.reliability import ReliabilityTable
from faultray_action.model.topology import DataAsset, Dependency, EntryPoint, Topology
from faultray_action.terraform.plan import Links, Plan, Side
from faultray_action.topology import agents, assets, components, dependencies, entries, overrides
from faultray_action.topology.components import Parts
from faultray_action.topology.dependencies import Told
from faultray_action.topology.facts import Choice
from faultray_action.topology.known_side import KnownSide
from faultray_action.topology.reachability.firewalls import Firewalls
from faultray_action.topology.reachability.inferred import inferred_needs
from faultray_action.topology.survey import Survey, take


class Knowledge(Struct, frozen=True):
    """What a build knows besides the plan: the catalogue, the numbers, the contract figures and what the team states."""

    catalogue: Catalogue
    table: ReliabilityTable
    slas: SlaTable
    policy: Policy = Policy()


class Draft(Struct, eq=False):
    """One side while it is built."""

    survey: Survey
    firewalls: Firewalls
    components: dict[str, Component]
    faults: dict[str, Fault]
    dependencies: tuple[Dependency, ...]
    entries: list[EntryPoint]
    parts: Parts
    told: Told = {}
    ledger: assets.Ledger = field(default_factory=assets.Ledger)
    found: dict[tuple[frozenset[str], ...], tuple[DataAsset, ...]] = {}
    known: KnownSide | None = None
    frozen: tuple[tuple[Dependency, ...], list[EntryPoint], Topology] | None = None


def drafted(
    plan: Plan,
    links: Links,
    knowledge: Knowledge,
    side: Side,
    choice: Choice,
    known: Draft | None = None,
    unsure: frozenset[str] = frozenset(),
) -> Draft:
    """One side. `known`: another side (or the same one, otherwise) of the plan; only what differs between the two is worked out anew."""
    survey = take(plan, links, knowledge.catalogue, side, choice, known.survey if known else None, unsure)
    differing = components.touched(survey, known.survey, unsure) if known else set[str]()
    parts = components.assemble(survey, knowledge.table, known.parts if known else None, differing)
    pure = Parts(parts.dealer, dict(parts.components), dict(parts.faults), parts.places)
    overrides.on_components(parts.components, parts.faults, knowledge.policy, knowledge.table, _zones(parts, knowledge.policy))
    told = dependencies.tell(survey, known.told if known else None, differing)
    needs = dependencies.connect(survey, parts.components, told)
    firewalls = Firewalls(survey, known.firewalls if known else None, differing)
    needs += tuple(inferred_needs(survey, firewalls, parts.components, needs))
    needs = agents.loosen(survey, overrides.on_dependencies(needs, parts.components, knowledge.policy))
    found = entries.find(survey, parts.components, needs)
    parts.components.update({component.address: component for component in found.components})
    needs += tuple(found.dependencies)
    chosen = overrides.on_entries(found.entries, parts.components, knowledge.policy)
    ledger = assets.Ledger(known.ledger, differing) if known else assets.Ledger()
    return Draft(survey, firewalls, parts.components, parts.faults, needs, chosen, pure, told, ledger)


def _zones(parts: Parts, policy: Policy) -> Mapping[str, tuple[str, ...]]:
    """Where copies of a component may stand, whether or not one does; asked only where a team states something."""
    return {address: where.zones for address, where in parts.places.items()} if policy.overrides else {}


def standing(draft: Draft) -> KnownSide:
    """What is known of a side, taken once for the same dependencies and entries."""
    entries, known = tuple(draft.entries), draft.known
    if known is None or known.dependencies is not draft.dependencies or known.entries != entries:
        places = draft.parts.places
        known = KnownSide(draft.survey, draft.components, places, draft.dependencies, entries, draft.firewalls)
        draft.known = known
    return known


def in_use(draft: Draft) -> frozenset[str]:
    """The entries' components and everything that they need, as far as it can be met."""
    return standing(draft).in_use


def wanted(draft: Draft, *, met: bool = True) -> set[str]:
    """Stateful components in the closure of an entry; without `met`, behind needs that are broken too."""
    found: set[str] = set()
    for address in in_use(draft) if met else standing(draft).in_need:
        if address in draft.components and draft.components[address].stateful:
            found.add(address)
    return found
