"""The laws of the cascade in full: what the test suite runs a part of. Prints the table of docs/proof.md.

python benchmarks/proof.py            print
python benchmarks/proof.py --write    rewrite docs/proof.md (takes some minutes on one core)
python benchmarks/proof.py --quick    a hundredth of everything, to try the script
"""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import cascade_proof as proof  # noqa: E402
from cascade_systems import classes, labelings  # noqa: E402

Row = tuple[str, str, Callable[[], proof.Verdict]]


def rows(part: int) -> Iterator[Row]:
    """Law, method, check; `part` divides the number of graphs and seeds."""
    three, four = list(labelings(3, True))[::part], list(labelings(4, False))[::part]
    many = range(10_000 // part)
    yield (
        "confluence of the rules",
        "every labelled graph of 3 vertices, cycles included, every injection, every order",
        lambda: proof.every_order_ends_alike(3, True, three),
    )
    yield (
        "confluence of the rules",
        "every acyclic labelled graph of 4 vertices, every injection, every order",
        lambda: proof.every_order_ends_alike(4, False, four),
    )
    yield (
        "the cascade is the least fixpoint; monotone; its trace rises, has causes, keeps the bounds",
        "every labelled graph of 3 vertices, cycles included, every injection",
        lambda: proof.cascade_is_least_fixpoint(3, True, three),
    )
    yield (
        "the cascade is the least fixpoint; monotone; its trace rises, has causes, keeps the bounds",
        "every acyclic labelled graph of 4 vertices, every injection",
        lambda: proof.cascade_is_least_fixpoint(4, False, four),
    )
    random_laws: Sequence[tuple[str, Callable[[], proof.Verdict]]] = (
        ("down is the structure function", lambda: proof.cascade_is_structure_function(many)),
        ("confluence, structure", lambda: proof.random_orders_end_alike(many, runtime=False)),
        ("confluence, load and latency", lambda: proof.random_orders_end_alike(many)),
        ("monotone in injections, structure", lambda: proof.more_injected_is_worse(many, runtime=False)),
        ("monotone in injections, load and latency", lambda: proof.more_injected_is_worse(many)),
        ("only callers of what failed change", lambda: proof.only_callers_change(many)),
        ("optional edges alone never take down", lambda: proof.optional_edges_never_take_down(many)),
        ("a copy more at the same m never worsens", lambda: proof.a_copy_more_never_worsens(many)),
        ("a breaker with a fallback more never worsens", lambda: proof.a_breaker_more_never_worsens(many)),
        ("breakers stop the cascade, structure", lambda: proof.breakers_stop_the_cascade(many, runtime=False)),
        ("breakers stop the cascade, load and latency", lambda: proof.breakers_stop_the_cascade(many)),
    )
    for law, check in random_laws:
        yield law, f"{len(many):,} random systems", check


def table(part: int) -> Iterator[str]:
    yield "| law | method | cases | failures | seconds |"
    yield "|:--|:--|--:|--:|--:|"
    for law, method, check in rows(part):
        start = time.process_time()
        verdict = check()
        yield f"| {law} | {method} | {verdict.cases:,} | {len(verdict.failures)} | {time.process_time() - start:.0f} |"
        for failure in verdict.failures:
            print("FAILED:", law, failure, file=sys.stderr)


def document(lines: Sequence[str]) -> str:
    graphs, stops, goes_on = proof.published_rules_depend_on_order()
    return "\n".join(
        (
            "# Proof of the cascade",
            "",
            "Written by `make proof` (`python benchmarks/proof.py --write`): the checks of `tests/cascade_proof.py` in full. The test suite runs a",
            f"part of each on every push (the {len(classes(3))} classes of isomorphic graphs of 3 vertices, some hundred random systems a law).",
            "A failure would be printed and counted; what each law says, and what is not claimed, stands in [model.md](model.md).",
            "",
            f"CPython {platform.python_version()}, one process, processor seconds.",
            "",
            *lines,
            "",
            f"The rules as the original publishes them, on the {graphs} acyclic graphs of three components with every edge (required, optional or",
            f"async; one replica or two): the outcome depends on the order of processing in {stops} where degraded health goes no further, in",
            f"{goes_on} where it goes on as degraded. Under our rules: in {proof.our_rules_on_the_same_graphs()[1]}.",
            "",
        )
    )


def main(arguments: Sequence[str]) -> int:
    part = 100 if "--quick" in arguments else 1
    lines = []
    for line in table(part):
        print(line, flush=True)
        lines.append(line)
    if "--write" in arguments:
        (ROOT / "docs" / "proof.md").write_text(document(lines), encoding="utf-8")
    return 0 if not any(line.split("|")[4].strip() not in ("0", "failures", "--:") for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
