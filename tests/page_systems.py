"""Systems the HTML page is tried on: a shop before and after a change, the same with hostile names, and a thousand components."""

from __future__ import annotations

import random
from types import MappingProxyType

from engine_systems import spread, system
from msgspec.structs import replace

from faultray_action.engine.layout import lay_out
from faultray_action.engine.ripple import ripples
from faultray_action.model.component import Component, Kind
from faultray_action.model.topology import Dependency, EntryPoint, Role, Topology
from faultray_action.pipeline import Request, simulate_one
from faultray_action.report.document import Document, EntryRow, EntrySide
from faultray_action.report.html.data import to_place
from faultray_action.report.html.page import render_page

EVIL = "</script><script>window.pwned=1</script><img src=https://evil.invalid/x onerror=pwned=1>\"'`&amp;<b>bold</b>"
EMPTY = Topology(MappingProxyType({}), (), MappingProxyType({}), ())


def shop(database_zones: tuple[str, ...], suffix: str = "", *, added: bool = False) -> Topology:
    """site -> listener (connector) -> api -> database, and a cache api can do without; `suffix` ends every name."""
    zones = ("a", "b")
    parts = [
        spread(f"site{suffix}", zones, kind=Kind.LOAD_BALANCER, label=f"site{suffix}"),
        (Component(f"listener{suffix}", Kind.CONNECTOR, "listener", (), 0), []),
        spread(f"api{suffix}", zones, kind=Kind.APP_SERVER, label=f"api{suffix}"),
        spread(f"database{suffix}", database_zones, kind=Kind.DATABASE, label=f"orders database{suffix}"),
        spread(f"cache{suffix}", ("a",), kind=Kind.CACHE, label=f"cache{suffix}"),
    ]
    edges = [
        Dependency(f"site{suffix}", f"listener{suffix}"),
        Dependency(f"listener{suffix}", f"api{suffix}"),
        Dependency(f"api{suffix}", f"database{suffix}"),
        Dependency(f"api{suffix}", f"cache{suffix}", Role.OPTIONAL),
    ]
    name = f"{'queue' if added else 'mailer'}{suffix}"
    parts.append(spread(name, ("b",), kind=Kind.QUEUE, label=name))
    edges.append(Dependency(f"api{suffix}", name, Role.OPTIONAL))
    return system(parts, edges, [EntryPoint(f"site{suffix}", f"site{suffix}", f"the shop{suffix}")])


def page_of_sides(before: Topology, after: Topology, document: Document | None = None) -> str:
    """The page of two sides; the document is that of the side after, told as a change, where none is given."""
    nodes, edges, entries = to_place(before, after)
    effects = ripples(before, frozenset(nodes)), ripples(after, frozenset(nodes))
    told = document or document_of(before, after)
    return render_page(told, before, after, lay_out(nodes, edges, entries), effects)


def document_of(before: Topology, after: Topology) -> Document:
    document = simulate_one(after, Request(title="envs/prod", date="2026-01-31", scenario_budget=200)).document
    if not before.entries:
        return document
    rows = tuple(
        EntryRow(address=row.address, before=EntrySide(nines=4.2), after=row.after, label=row.label) for row in document.entry_points
    )
    score = document.score
    changed = type(score)(before=90.0, after=score.after, delta=None if score.after is None else round(score.after - 90.0, 2))
    return _with(document, score=changed, entry_points=rows)


def _with(document: Document, **parts: object) -> Document:
    fields = {name: getattr(document, name) for name in document.__struct_fields__}
    return Document(**(fields | parts))


def shop_page() -> str:
    return page_of_sides(shop(("a", "b")), shop(("a",), added=True))


def hostile_page() -> str:
    before, after = shop(("a", "b"), EVIL), shop(("a",), EVIL, added=True)
    return page_of_sides(before, after, _with(document_of(before, after), title=EVIL))


def thousand(seed: int = 7) -> Topology:
    """40 teams of 25: an entry, services over a database and a cache, some on two services that all share."""
    draw = random.Random(seed)
    zones = ("a", "b", "c")
    parts, edges, entries = [], [], []
    for team in range(40):
        names = [f"t{team:02}-{kind}" for kind in ("site", "db", "cache")] + [f"t{team:02}-svc{index:02}" for index in range(22)]
        kinds = [Kind.LOAD_BALANCER, Kind.DATABASE, Kind.CACHE, *[Kind.APP_SERVER] * 22]
        parts += [spread(name, zones[: draw.choice((1, 2, 3))], kind=kind) for name, kind in zip(names, kinds, strict=True)]
        entries.append(names[0])
        for index, name in enumerate(names[3:]):
            edges.append(
                Dependency(names[0] if index < 8 else names[3 + draw.randrange(8)], name, Role.NEED if index % 2 else Role.OPTIONAL)
            )
            if draw.random() < 0.5:
                edges.append(Dependency(name, names[1]))
            if draw.random() < 0.3:
                edges.append(Dependency(name, names[2], Role.OPTIONAL))
        if team % 8 == 0:
            edges.append(Dependency(names[3], "t39-db"))
    return system(parts, dict.fromkeys(edges), entries)


def thousand_page() -> str:
    """Both sides of a thousand components, one database of which loses all but one zone."""
    before = thousand()
    single, faults = spread("t03-db", ("a",), kind=Kind.DATABASE)
    after = replace(before, components={**before.components, "t03-db": single}, faults={**before.faults, **{f.id: f for f in faults}})
    document = simulate_one(after, Request(title="a large system", date="2026-01-31", scenario_budget=50)).document
    return page_of_sides(before, after, document)
