"""Data assets of an infra.yaml: which losses of which store are covered by what."""

from __future__ import annotations

from collections.abc import Mapping

from faultray_action.declared.defaults import (
    LOSSES,
    default_loss_rates,
    is_stateful,
)
from faultray_action.declared.schema import (
    Declared,
    DeclaredComponent,
)
from faultray_action.model.component import Component, Evidence, Kind
from faultray_action.model.reliability import ReliabilityTable
from faultray_action.model.topology import (
    DataAsset,
    Loss,
    LossKind,
)
from faultray_action.topology.declared_components import RULE


def build_assets(declared: Declared, components: Mapping[str, Component], table: ReliabilityTable) -> tuple[DataAsset, ...]:
    parts: dict[str, list[str]] = {}
    for each in declared.components:
        if each.data_of:
            parts.setdefault(each.data_of, []).append(each.id)
    owners = sorted((each for each in declared.components if holds_data(each)), key=lambda each: each.id)
    return tuple(_asset(each, components[each.id], tuple(sorted(parts.get(each.id, ()))), table) for each in owners)


def holds_data(each: DeclaredComponent) -> bool:
    if each.data_of:
        return False
    if each.durable is not None:
        return each.durable
    return bool(each.data) or (is_stateful(each) and each.type is not Kind.CACHE)


def _asset(each: DeclaredComponent, component: Component, parts: tuple[str, ...], table: ReliabilityTable) -> DataAsset:
    covers = _declared_covers(each) if each.data else _inferred_covers(each, component, parts)
    losses = tuple(_loss(each, kind, covers[kind], table) for kind in LossKind if kind in covers)
    inferred = "" if each.data or each.durable else "a store"
    return DataAsset(each.id, component.label, (each.id, *parts), losses, inferred=inferred, evidence=(Evidence(each.id, "type", RULE),))


def _loss(each: DeclaredComponent, kind: LossKind, covers: tuple[str, ...], table: ReliabilityTable) -> Loss:
    said = each.data.get(kind)
    row = table.row(said.rates if said and said.rates else default_loss_rates(each, kind))
    return Loss(kind, row.failures_per_year, tuple(Evidence(each.id, name, RULE) for name in covers))


def _declared_covers(each: DeclaredComponent) -> Mapping[LossKind, tuple[str, ...]]:
    return {kind: loss.covered_by for kind, loss in each.data.items()}


def _inferred_covers(each: DeclaredComponent, component: Component, parts: tuple[str, ...]) -> Mapping[LossKind, tuple[str, ...]]:
    """A further copy outlives a broken disk, but repeats a deletion; what protects against one is not taken for protection against all."""
    copied = (each.replicas or component.size) > 1 or bool(parts)
    found = {
        LossKind.MEDIA: _named(replicas=copied, managed=component.managed, backups=bool(each.backups)),
        LossKind.DELETE: _named(backups=bool(each.backups), versioning=each.versioning, deletion_protection=each.deletion_protection),
        LossKind.CORRUPTION: _named(backups=bool(each.backups), versioning=each.versioning),
        LossKind.POISON: _named(dead_letter=each.dead_letter),
    }
    kinds = LOSSES.get(each.type, (LossKind.MEDIA, LossKind.DELETE, LossKind.CORRUPTION))
    return {kind: found[kind] for kind in kinds}


def _named(**facts: bool) -> tuple[str, ...]:
    return tuple(name for name, holds in facts.items() if holds)
