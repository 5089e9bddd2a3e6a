"""How well needs are discovered: precision and recall against labelled edges, beside two baselines, and coverage of plans.

    python benchmarks/discovery.py                      labelled plans of fixtures/ and tests/scenarios/
    python benchmarks/discovery.py --plans FOLDER       and a table of coverage of every plan in a folder

Labelled edges (`edges.yaml`: source -> targets) are needs between resources that serve, seen through what only passes on (listeners, target
groups, task definitions). *References*: every reference of the configuration is a need, seen through the same resources. *Products*: every
load balancer needs every workload, every workload every store.
"""

from __future__ import annotations

import argparse
import gzip
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml

from faultray_action.catalogue.load import load
from faultray_action.model.errors import FaultrayError
from faultray_action.model.topology import Role
from faultray_action.pipeline import Request, discover, know
from faultray_action.terraform.plan import LinkKind
from faultray_action.terraform.reader import read
from faultray_action.topology.build import Stages
from faultray_action.topology.dependencies import reached
from faultray_action.topology.draft import Draft
from faultray_action.topology.survey import Survey

ROOT = Path(__file__).parents[1]
LABELLED = sorted(path.parent for room in ("fixtures", "tests/scenarios") for path in (ROOT / room).glob("*/edges.yaml"))
Edges = frozenset[tuple[str, str]]
_STORES = ("database", "cache", "queue", "stream", "storage")
CLOUDS = ("aws", "azurerm", "google", "kubernetes", "helm")


def _stages(path: Path) -> Stages:
    request = Request(paths=(path,))
    return discover(read(request.paths, stdin=None), know(request))


def _serving(survey: Survey) -> list[str]:
    """Resources that serve, and the names that users come in by."""
    return [
        address
        for address, node in sorted(survey.nodes.items())
        if node.entry.disposition in ("component", "external") or (node.entry.entry is not None and bool(node.entry.entry.group_by))
    ]


def _seen_through(survey: Survey, needs: Mapping[str, Iterable[str]]) -> Edges:
    serving = _serving(survey)
    return frozenset((a, b) for a in serving for b in reached(a, needs, survey) if b in serving and a != b)


def discovered(draft: Draft) -> Edges:
    """Needs as the topology has them, through connectors."""
    needs: dict[str, list[str]] = {}
    for d in draft.dependencies:
        if d.role is not Role.REPLICA and "#" not in d.source:
            needs.setdefault(d.source, []).append(d.target)
    return _seen_through(draft.survey, needs)


def references(draft: Draft) -> Edges:
    """Every reference is a need of the one that refers."""
    needs: dict[str, list[str]] = {}
    for link in draft.survey.links.links:
        if link.kind is LinkKind.REFERENCE and {link.source, link.target} <= draft.survey.nodes.keys():
            needs.setdefault(link.source, []).append(link.target)
    return _seen_through(draft.survey, needs)


def products(draft: Draft) -> Edges:
    """Fronts need all workloads, workloads need all stores."""
    nodes = {a: draft.survey.nodes[a].entry for a in _serving(draft.survey)}
    fronts = [a for a, entry in nodes.items() if entry.kind in ("load_balancer", "gateway", "cdn", "dns")]
    workloads = [a for a, entry in nodes.items() if entry.workload]
    stores = [a for a, entry in nodes.items() if entry.kind in _STORES]
    return frozenset((a, b) for group, others in ((fronts, workloads), (workloads, stores)) for a in group for b in others if a != b)


def measured(found: Edges, labelled: Edges) -> tuple[int, int, int]:
    """(right, wrong, missed)."""
    return len(found & labelled), len(found - labelled), len(labelled - found)


def _labels(folder: Path) -> tuple[int, Edges]:
    written = yaml.safe_load((folder / "edges.yaml").read_text(encoding="utf-8"))
    edges = frozenset((source, target) for source, targets in written["needs"].items() for target in targets)
    return (1 if written.get("side") == "after" else 0), edges


def _discover(folder: Path) -> Stages:
    if (folder / "plan.json").exists():
        return _stages(folder / "plan.json")
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "plan.json"
        path.write_bytes(gzip.decompress((folder / "plan.json.gz").read_bytes()))
        return _stages(path)


def score_labelled(folders: Iterable[Path]) -> dict[str, Counter[str]]:
    """Counts of right, wrong and missed edges by method; prints a row a plan."""
    totals: dict[str, Counter[str]] = {name: Counter() for name in ("discovered", "references", "products")}
    for folder in folders:
        side, labelled = _labels(folder)
        draft = _discover(folder).drafts[side]
        print(f"{folder.name}: {len(labelled)} labelled needs")
        for name, method in (("discovered", discovered), ("references", references), ("products", products)):
            right, wrong, missed = measured(method(draft), labelled)
            totals[name].update(right=right, wrong=wrong, missed=missed)
            print(f"  {name:<12} right {right:>3}  wrong {wrong:>3}  missed {missed:>3}")
            if name == "discovered":
                for source, target in sorted(method(draft) ^ labelled):
                    print(f"    {'wrong' if (source, target) not in labelled else 'missed'} {source} -> {target}")
    return totals


def ratios(counts: Counter[str]) -> tuple[float, float]:
    """(precision, recall)."""
    return counts["right"] / max(1, counts["right"] + counts["wrong"]), counts["right"] / max(1, counts["right"] + counts["missed"])


def coverage_table(folder: Path) -> None:
    """A row a plan: managed resources of the clouds, those with a disposition, unknown types, unresolved references by cause."""
    catalogue = load()
    known = total = 0
    causes: Counter[str] = Counter()
    for path in sorted(folder.glob("*.json")):
        try:
            plan = read((path,), stdin=None)
        except FaultrayError as error:
            print(f"{path.name}: not a plan ({str(error)[:90]})")
            continue
        managed = [r for r in plan.resources if not r.data and not r.deposed and r.type.split("_")[0] in CLOUDS]
        unknown = Counter(r.type for r in managed if catalogue.get(r.type) is None)
        unresolved = dict(_stages(path).after.coverage.unresolved)
        causes.update(unresolved)
        known, total = known + len(managed) - sum(unknown.values()), total + len(managed)
        share = 1 - sum(unknown.values()) / len(managed) if managed else 1.0
        print(f"{path.name}: {len(managed)} managed, {share:.1%} with a disposition {dict(unknown) or ''} unresolved {unresolved or 0}")
    print(f"together: {known} of {total} = {known / max(1, total):.2%}; unresolved by cause: {dict(causes.most_common())}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plans", type=Path)
    options = parser.parse_args()
    totals = score_labelled(LABELLED)
    for name, counts in totals.items():
        precision, recall = ratios(counts)
        print(
            f"{name:<12} precision {precision:.3f}  recall {recall:.3f}  ({counts['right']} right, {counts['wrong']} wrong, {counts['missed']} missed)"
        )
    if options.plans:
        coverage_table(options.plans)
    return 0


if __name__ == "__main__":
    sys.exit(main())
