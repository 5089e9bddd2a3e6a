"""Time and memory of the whole pipeline against `json.load` of the same file.

    python benchmarks/pipeline.py [rounds]

Writes plans of 1,000 and 10,000 resources into a temporary folder (`generate_plan.py`), then measures, each a process of its own and in turn
(A B A B): start-up (`faultray --version`), decoding and discovery (read, links and topology of both sides), and `faultray tf-check --format json`
from start to end. Printed are the medians of processor time (a busy machine changes it less than the clock) and of peak memory, and their ratio to `json.load`.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
YARDSTICK = "import json, sys; json.load(open(sys.argv[1]))"
DISCOVER = """
import gc, sys
from pathlib import Path
gc.set_threshold(200_000, 20, 100)
from faultray_action.catalogue.load import load
from faultray_action.catalogue.reliability import load_reliability
from faultray_action.catalogue.sla import load_slas
from faultray_action.terraform.reader import read
from faultray_action.topology.build import build
from faultray_action.topology.draft import Knowledge
from faultray_action.topology.linking import linker_of
plan, catalogue = read((Path(sys.argv[1]),)), load()
linker = linker_of(plan, catalogue)
build(plan, lambda _, side: linker.links(side), Knowledge(catalogue, load_reliability(), load_slas({})))
"""
COMMAND = "from faultray_action.cli import main; main()"
SIZES = (1_000, 10_000)


def measure(arguments: list[str], folder: Path) -> tuple[float, float]:
    """(seconds of processor time, MiB of peak memory) of one Python process, byte-code allowed. Exit code 1 is a failed gate, not a failure."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, "-c", *arguments], cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 1):
        raise SystemExit(f"the measured process failed with status {status}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def compare(asked: dict[str, list[str]], folder: Path, rounds: int) -> dict[str, tuple[float, float]]:
    """Medians of each, measured in turn; the first round warms the byte-code and is left out."""
    rows = [{name: measure(arguments, folder) for name, arguments in asked.items()} for _ in range(rounds + 1)][1:]
    return {name: (statistics.median(row[name][0] for row in rows), statistics.median(row[name][1] for row in rows)) for name in asked}


def tell(title: str, found: dict[str, tuple[float, float]], yardstick: str) -> None:
    """One line a measurement."""
    seconds, mebibytes = found[yardstick]
    print(f"\n{title}")
    for name, (time, memory) in found.items():
        print(f"  {name:28} {time:7.2f} s  {time / seconds:6.2f} x   {memory:7.0f} MiB  {memory / mebibytes:6.2f} x")


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tell(
            "start-up",
            compare({"python -c pass": ["pass"], "faultray --version": [COMMAND, "--version"]}, folder, rounds),
            "python -c pass",
        )
        for size in SIZES:
            plan = folder / f"plan-{size}" / "plan.json"
            plan.parent.mkdir()
            subprocess.run([sys.executable, HERE / "generate_plan.py", str(size), plan], check=True, stdout=subprocess.DEVNULL)
            asked = {
                "json.load": [YARDSTICK, str(plan)],
                "decode and discover": [DISCOVER, str(plan)],
                "tf-check --format json": [COMMAND, "tf-check", "--format", "json", str(plan)],
            }
            tell(f"{size:,} resources, {plan.stat().st_size / 1e6:.1f} MB", compare(asked, plan.parent, rounds), "json.load")


if __name__ == "__main__":
    main()
