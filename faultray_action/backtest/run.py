"""Runs the incidents through the same door and the same engine that plans and infra.yaml go through."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches

from faultray_action.backtest.incidents import Incident, declare, load_incidents
from faultray_action.backtest.metrics import pool, score
from faultray_action.engine.cascade import run
from faultray_action.model.backtest import Accuracy, BacktestResult, IncidentResult
from faultray_action.model.errors import ConfigError
from faultray_action.model.outcome import Health
from faultray_action.model.reliability import ReliabilityTable
from faultray_action.model.scenario import Scenario, WhatIf, WhatIfKind
from faultray_action.topology.from_declared import build

Predict = Callable[[Incident], frozenset[str]]


def run_backtest(table: ReliabilityTable, incident: str | None = None) -> BacktestResult:
    """All incidents, or the one with that id. Raises ConfigError where there is none."""
    incidents = load_incidents()
    if incident is not None:
        incidents = (_find(incident, incidents),)
    engine = _engine(table)
    results = tuple(_result(each, engine(each)) for each in incidents)
    providers = tuple(dict.fromkeys(each.provider for each in results))
    return BacktestResult(
        incidents=results,
        overall=pool(each.accuracy for each in results),
        by_provider=tuple((name, pool(each.accuracy for each in results if each.provider == name)) for name in providers),
        baselines=(("everything fails", _pooled(incidents, everything)), ("reverse reachability", _pooled(incidents, reachable))),
    )


def _find(id: str, incidents: tuple[Incident, ...]) -> Incident:
    by_id = {each.id: each for each in incidents}
    if id not in by_id:
        near = get_close_matches(id, by_id, 1, 0.3)
        raise ConfigError(
            f"there is no incident `{id}`; " + (f"did you mean `{near[0]}`?" if near else "run `faultray backtest` to see all")
        )
    return by_id[id]


def _engine(table: ReliabilityTable) -> Predict:
    """A service is predicted to be affected iff the cascade leaves it down; degraded counts as working."""

    def predict(incident: Incident) -> frozenset[str]:
        topology = build(declare(incident), table)
        faults = tuple(sorted(f"zone:{incident.provider}:{zone}" for zone in incident.failed_zones))
        losses = tuple(WhatIf(WhatIfKind.ALL_COPIES, service) for service in sorted(incident.failed_services))
        trace = run(topology, Scenario(incident.id, "backtest", faults, losses))
        return frozenset(service for service, health in trace.health.items() if health is Health.DOWN)

    return predict


def everything(incident: Incident) -> frozenset[str]:
    """Baseline: all services fail, always."""
    return frozenset(incident.services)


def reachable(incident: Incident) -> frozenset[str]:
    """Baseline: whatever has a path to a failed service, or a copy in a failed zone, fails; kinds of dependency and copies are ignored."""
    found = set(incident.failed_services)
    found |= {service for service, zones in incident.zones.items() if set(zones) & set(incident.failed_zones)}
    edges = incident.edges()
    while more := {source for source, target in edges if target in found} - found:
        found |= more
    return frozenset(found)


def _pooled(incidents: Iterable[Incident], predict: Predict) -> Accuracy:
    return pool(_accuracy(each, predict(each)) for each in incidents)


def _accuracy(incident: Incident, predicted: frozenset[str]) -> Accuracy:
    given = set(incident.fails)
    return score(set(incident.affected) - given, set(incident.unaffected) - given, predicted)


def _result(incident: Incident, predicted: frozenset[str]) -> IncidentResult:
    given = set(incident.fails)
    scored = (set(incident.affected) | set(incident.unaffected)) - given
    return IncidentResult(
        id=incident.id,
        date=incident.date,
        provider=incident.provider,
        title=incident.title,
        url=incident.url,
        confidence=incident.confidence,
        failed=tuple(sorted(incident.fails)),
        affected=tuple(sorted(set(incident.affected) - given)),
        unaffected=tuple(sorted(set(incident.unaffected) - given)),
        predicted=tuple(sorted(predicted & scored)),
        accuracy=_accuracy(incident, predicted),
        note=incident.note,
    )
