"""SCRAM, an independent probabilistic risk analysis tool, as an oracle: minimal cut sets and exact probabilities of random systems.

The fault tree that SCRAM is given is written from the model's own words, not from the engine's compiled form.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
from engine_systems import random_topology

from faultray_action.engine.availability import find_unavailability
from faultray_action.engine.compiled import compile_topology
from faultray_action.engine.cuts import find_cuts, members
from faultray_action.engine.probability import BOUNDS, p_fault
from faultray_action.model.component import Component, FaultClass
from faultray_action.model.topology import Dependency, Role, Topology

SYSTEMS = 240
DIGITS = 5.1e-6
"""SCRAM prints six significant digits."""
SCRAM = shutil.which("scram")

pytestmark = pytest.mark.skipif(SCRAM is None, reason="SCRAM is not installed (apt-get install scram)")


class Tree:
    """One fault tree in Open-PSA's exchange format."""

    def __init__(self, name: str, topology: Topology, entry: str) -> None:
        self.name = name
        self.topology = topology
        self.root = ElementTree.Element("define-fault-tree", name=name)
        self.gates: set[str] = set()
        top = self._define("top")
        top.append(self._down(entry))

    def _define(self, name: str) -> ElementTree.Element:
        return ElementTree.SubElement(self.root, "define-gate", name=f"{self.name}-{name}")

    def _gate(self, name: str) -> ElementTree.Element:
        return ElementTree.Element("gate", name=f"{self.name}-{name}")

    def _constant(self, value: bool) -> ElementTree.Element:
        return ElementTree.Element("house-event", name="happens" if value else "never")

    def _basic(self, id: str) -> ElementTree.Element:
        return ElementTree.Element("basic-event", name=f"{self.name}-{id}")

    def _any(self, name: str, terms: list[ElementTree.Element]) -> ElementTree.Element:
        return self._at_least(name, 1, terms)

    def _at_least(self, name: str, least: int, terms: list[ElementTree.Element]) -> ElementTree.Element:
        if least <= 0:
            return self._constant(True)
        if least > len(terms):
            return self._constant(False)
        if len(terms) == 1:
            return terms[0]
        gate = self._define(name)
        kind = "or" if least == 1 else "and" if least == len(terms) else "atleast"
        formula = ElementTree.SubElement(gate, kind, {"min": str(least)} if kind == "atleast" else {})
        for index, term in enumerate(terms):
            wrapper = self._define(f"{name}-{index}")
            wrapper.append(term)
            formula.append(self._gate(f"{name}-{index}"))
        return self._gate(name)

    def _down(self, address: str) -> ElementTree.Element:
        name = f"down-{address}"
        if name not in self.gates:
            self.gates.add(name)
            component = self.topology.components[address]
            terms = [self._own(f"{name}-own", component), *self._needs(name, address)]
            gate = self._define(name)
            gate.append(self._any(f"{name}-any", terms))
        return self._gate(name)

    def _own(self, name: str, component: Component) -> ElementTree.Element:
        copies = []
        for index, copy in enumerate(component.copies):
            faults = [id for id in copy.faults if self.topology.faults[id].fault_class is not FaultClass.GAP]
            copies.append(self._any(f"{name}-copy{index}", [self._basic(id) for id in faults]))
        lost = self._at_least(f"{name}-copies", len(copies) - component.needed + 1, copies)
        return self._any(f"{name}-with-gaps", [lost, *(self._basic(id) for id in component.gaps)])

    def _needs(self, name: str, source: str) -> list[ElementTree.Element]:
        terms: list[ElementTree.Element] = []
        groups: dict[str, list[ElementTree.Element]] = {}
        needed: dict[str, int] = {}
        for index, edge in enumerate(self.topology.dependencies):
            if edge.source == source and edge.role is Role.NEED:
                term = self._carried(f"{name}-edge{index}", edge)
                if edge.group:
                    groups.setdefault(edge.group, []).append(term)
                    needed[edge.group] = edge.group_needed
                else:
                    terms.append(term)
        for group, down in groups.items():
            terms.append(self._at_least(f"{name}-group-{group}", len(down) - needed[group] + 1, down))
        return terms

    def _carried(self, name: str, edge: Dependency) -> ElementTree.Element:
        if edge.breaker and edge.fallback:
            return self._constant(False)
        if edge.broken or edge.target not in self.topology.components:
            return self._constant(True)
        if edge.local_only:
            return self._own(name, self.topology.components[edge.target])
        return self._down(edge.target)


def write(path: Path, trees: list[Tree]) -> None:
    root = ElementTree.Element("opsa-mef")
    data = ElementTree.Element("model-data")
    for name, value in (("happens", "true"), ("never", "false")):
        event = ElementTree.SubElement(data, "define-house-event", name=name)
        ElementTree.SubElement(event, "constant", value=value)
    for tree in trees:
        root.append(tree.root)
        for id, fault in tree.topology.faults.items():
            event = ElementTree.SubElement(data, "define-basic-event", name=f"{tree.name}-{id}")
            ElementTree.SubElement(event, "float", value=repr(p_fault(fault, BOUNDS[1])))
    root.append(data)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def ask_scram(folder: Path, trees: list[Tree]) -> dict[str, tuple[float, set[frozenset[str]]]]:
    """Tree name -> (probability of its top event, its minimal cut sets of order <= 3)."""
    write(folder / "trees.xml", trees)
    assert SCRAM is not None
    command = [SCRAM, "--bdd", "--probability", "1", "--limit-order", "20", "-o", "report.xml", "trees.xml"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
    found = {}
    for result in ElementTree.parse(folder / "report.xml").iter("sum-of-products"):
        name, _, gate = result.attrib["name"].partition("-")
        if gate != "top":
            continue
        products = {
            frozenset(event.attrib["name"].split("-", 1)[1] for event in product.iter("basic-event")) for product in result.iter("product")
        }
        found[name] = (float(result.attrib["probability"]), products)
    return found


def test_scram_finds_the_same_cut_sets_and_probabilities(tmp_path: Path) -> None:
    topologies = {f"t{seed}": random_topology(seed + 70_000, size=7, faults=10, cyclic=False) for seed in range(SYSTEMS)}
    entries = {name: topology.entries[0] for name, topology in topologies.items()}
    trees = [Tree(name, topology, entries[name].component) for name, topology in topologies.items()]
    oracle = ask_scram(tmp_path, trees)
    assert len(oracle) == SYSTEMS
    for name, topology in topologies.items():
        probability, products = oracle[name]
        compiled = compile_topology(topology)
        estimate = find_unavailability(compiled, {})[entries[name].address].estimate
        assert estimate.value == pytest.approx(probability, rel=DIGITS, abs=1e-12), name
        family = find_cuts(compiled, gaps=True).by_entry[entries[name].address]
        ours = {frozenset(compiled.events[index] for index in members(cut)) for cut in family}
        assert ours == {product for product in products if len(product) <= 3}, name
