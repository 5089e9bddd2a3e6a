"""Time and memory of reading a plan and linking its resources on both sides, against `json.load` of the same file.

    python benchmarks/read.py plan.json [rounds]

Every measurement is a process of its own, in turn (A B A B); the medians of processor time (a busy machine does not change it much) and of peak
memory are printed with their ratio. Limits: at most 0.6 of the time and
1.2 of the peak memory of `json.load`.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

YARDSTICK = "import json, sys; json.load(open(sys.argv[1]))"
OURS = """
import gc
import sys
from pathlib import Path
from faultray_action.terraform.links import Linker
from faultray_action.terraform.plan import Side
from faultray_action.terraform.reader import read
gc.disable()
linker = Linker(read([Path(sys.argv[1])]))
for side in (Side.BEFORE, Side.AFTER):
    linker.links(side)
"""


def measure(code: str, path: str) -> tuple[float, float]:
    """(seconds of processor time, MiB of peak memory) of one process."""
    process = subprocess.Popen([sys.executable, "-c", code, path])
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"the measured process failed with status {status}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    path = sys.argv[1]
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    rows = [(measure(YARDSTICK, path), measure(OURS, path)) for _ in range(rounds)]
    for label, part in (("seconds", 0), ("MiB", 1)):
        theirs, ours = (statistics.median(row[who][part] for row in rows) for who in (0, 1))
        print(f"{label:8} json.load {theirs:8.2f}   read and link {ours:8.2f}   ratio {ours / theirs:.2f}")


if __name__ == "__main__":
    main()
