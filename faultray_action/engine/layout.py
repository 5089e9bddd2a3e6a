"""Where the components of a picture stand: layers from those who need to those who are needed, few crossings, no overlap.

Every weakly connected block is laid out by Sugiyama's method (igraph's, with layers of our own), and the blocks are packed onto shelves.
A layer with more members than a reader can follow is folded into several columns.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import igraph
from msgspec import Struct

from faultray_action.model.picture import Placement, Spot

FOLD = 28
"""Members of a layer beyond which it is folded into several columns."""

_SHAPE = 0.55
"""Columns per row of a packed picture: a column is about four times as wide as a row is high."""

_GAP = 1.0
_ITERATIONS = 60


class _Block(Struct, frozen=True):
    """One block with its own origin."""

    spots: Mapping[str, Spot]
    bends: Mapping[tuple[str, str], tuple[Spot, ...]]
    columns: float
    rows: float


def lay_out(nodes: Sequence[str], edges: Iterable[tuple[str, str]], first: Iterable[str] = ()) -> Placement:
    """Places for `nodes`; an edge runs from source to target, ends outside `nodes` are left out. `first` (the entries) stay on the left.

    Same input, same places. Components without any edge stand in a block of their own, below the others.
    """
    number = {address: index for index, address in enumerate(nodes)}
    pairs = sorted({(number[s], number[t]) for s, t in edges if s in number and t in number and s != t})
    graph = igraph.Graph(n=len(nodes), edges=pairs, directed=True)
    graph.vs["name"] = list(nodes)
    graph.vs["first"] = [address in set(first) for address in nodes] if nodes else []
    members = [sorted(block) for block in graph.connected_components(mode="weak")]
    blocks = [_sugiyama(graph.induced_subgraph(block)) for block in members if len(block) > 1]
    blocks.sort(key=lambda block: (-len(block.spots), min(block.spots)))
    alone = [nodes[block[0]] for block in members if len(block) == 1]
    return _pack(blocks, _grid(alone, blocks))


def _layers(graph: Any) -> list[int]:
    """Longest path from those nobody needs; roots other than the first stand right before what they need."""
    back = set(graph.feedback_arc_set(method="eades")) if not graph.is_dag() else set()
    acyclic = igraph.Graph(n=graph.vcount(), edges=[edge.tuple for edge in graph.es if edge.index not in back], directed=True)
    order = acyclic.topological_sorting()
    layer = [0] * graph.vcount()
    for vertex in order:
        for target in acyclic.successors(vertex):
            layer[target] = max(layer[target], layer[vertex] + 1)
    for vertex in range(graph.vcount()):
        targets = acyclic.successors(vertex)
        if targets and not acyclic.predecessors(vertex) and not graph.vs[vertex]["first"]:
            layer[vertex] = min(layer[target] for target in targets) - 1
    return layer


def _sugiyama(graph: Any) -> _Block:
    layer = _layers(graph)
    names = graph.vs["name"]
    if max(layer.count(level) for level in set(layer)) > FOLD:
        return _folded(names, layer, _across(graph.get_edgelist(), layer))
    edges, deep, ways = _subdivided(graph.get_edgelist(), layer)
    across = _across(edges, deep)
    low = min(across)
    points = [(float(level), row - low) for level, row in zip(deep, across, strict=True)]
    bends = {(names[source], names[target]): tuple(points[v] for v in way) for (source, target), way in ways.items()}
    return _Block(dict(zip(names, points, strict=False)), bends, max(layer) + 1.0, max(across) - low + 1.0)


def _across(edges: Sequence[tuple[int, int]], layer: Sequence[int]) -> list[float]:
    """Places within the layers, by Sugiyama's method."""
    graph = igraph.Graph(n=len(layer), edges=edges, directed=True)
    points = graph.layout_sugiyama(layers=list(layer), maxiter=_ITERATIONS).coords
    return [float(point[0]) for point in points[: len(layer)]]


_Pair = tuple[int, int]


def _subdivided(edges: Sequence[_Pair], layer: Sequence[int]) -> tuple[list[_Pair], list[int], dict[_Pair, tuple[int, ...]]]:
    """Edges over more than one layer, led through a vertex in each layer between: edges, layers, and the way of each such edge."""
    deep, found, ways = list(layer), [], {}
    for source, target in edges:
        step = 1 if layer[target] > layer[source] else -1
        way = tuple(range(len(deep), len(deep) + max(abs(layer[target] - layer[source]) - 1, 0)))
        deep += [layer[source] + step * (n + 1) for n in range(len(way))]
        ends = (source, *way, target)
        found += list(pairwise(ends))
        if way:
            ways[source, target] = way
    return found, deep, ways


def _folded(names: Sequence[str], layer: Sequence[int], across: Sequence[float]) -> _Block:
    """Wide layers as several columns, each layer centred; long edges run straight."""
    spots: dict[str, Spot] = {}
    tallest = min(FOLD, max(layer.count(level) for level in set(layer)))
    column = 0
    for level in range(min(layer), max(layer) + 1):
        members = sorted((v for v in range(len(names)) if layer[v] == level), key=lambda v: (across[v], names[v]))
        folds = math.ceil(len(members) / FOLD)
        height = math.ceil(len(members) / folds) if folds else 0
        for index, vertex in enumerate(members):
            fold, row = divmod(index, height)
            filled = min(height, len(members) - fold * height)
            spots[names[vertex]] = (float(column + fold), row + (tallest - filled) / 2)
        column += folds
    return _Block(spots, {}, float(column), float(tallest))


def _grid(alone: Sequence[str], blocks: Sequence[_Block]) -> _Block | None:
    if not alone:
        return None
    wide = max((block.columns for block in blocks), default=0.0)
    columns = int(max(min(wide, 12.0), math.ceil(math.sqrt(len(alone) * _SHAPE)), 1.0))
    spots = {address: (float(index % columns), float(index // columns)) for index, address in enumerate(alone)}
    return _Block(spots, {}, float(min(columns, len(alone))), float(math.ceil(len(alone) / columns)))


def _pack(blocks: Sequence[_Block], alone: _Block | None) -> Placement:
    """Shelves from the top, largest block first; what stands alone comes below."""
    area = sum((block.columns + _GAP) * (block.rows + _GAP) for block in (*blocks, *((alone,) if alone else ())))
    width = max([math.sqrt(area * _SHAPE), *(block.columns for block in blocks), alone.columns if alone else 0.0])
    spots: dict[str, Spot] = {}
    bends: dict[tuple[str, str], tuple[Spot, ...]] = {}
    left = top = shelf = right = 0.0
    for block in (*blocks, *((alone,) if alone else ())):
        if left and (left + block.columns > width + 1e-9 or block is alone):
            left, top, shelf = 0.0, top + shelf + _GAP, 0.0
        spots |= {address: (column + left, row + top) for address, (column, row) in block.spots.items()}
        bends |= {pair: tuple((column + left, row + top) for column, row in way) for pair, way in block.bends.items()}
        right = max(right, left + block.columns)
        left += block.columns + _GAP / 2
        shelf = max(shelf, block.rows)
    return Placement(spots, bends, right, top + shelf)
