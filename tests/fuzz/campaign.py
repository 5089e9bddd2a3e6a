"""`make fuzz`: the targets of `fuzz_targets` one after the other under atheris, guided by what of our code each input reaches.

Prints a line a target: how often it ran, and what brought it down. An input that did is kept under .fuzz/found; FOUND in test_fuzz.py is where it
belongs once it is mended. What was learned stays in .fuzz/corpus and is where the next campaign begins.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click

HERE = Path(__file__).parent
STORE = HERE.parents[1] / ".fuzz"
LONGEST = 300
"""Bytes of an input: most are choices, a few hundred spoil any tree."""
SLOWEST = 60
"""Seconds that one input may take before it counts as one that never ends."""
_DONE = re.compile(r"Done (\d+) runs in")
_AT = re.compile(r"^#(\d+)\s", re.MULTILINE)


@click.command()
@click.option("--seconds", default=3600, show_default=True, help="For all targets together.")
@click.option("--alone", default="", help="Run this target here; what the campaign starts for each.")
@click.argument("names", nargs=-1)
def main(seconds: int, alone: str, names: tuple[str, ...]) -> None:
    sys.path[:0] = [str(HERE.parent)]
    if alone:
        _run(alone, seconds)
        return
    from fuzz_targets import TARGETS

    chosen = names or tuple(TARGETS)
    failed = [name for name in chosen if not _campaign(name, max(1, seconds // len(chosen)))]
    sys.exit(bool(failed))


def _campaign(name: str, seconds: int) -> bool:
    """Whether the target held."""
    command = [sys.executable, __file__, "--alone", name, "--seconds", str(seconds)]
    ended = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    done = _DONE.search(ended.stderr)
    runs = int(done.group(1)) if done else max((int(number) for number in _AT.findall(ended.stderr)), default=0)
    click.echo(f"{name:<10} {runs:>9,} runs in {seconds:,} s: {'held' if ended.returncode == 0 else 'BROUGHT DOWN'}")
    if ended.returncode:
        click.echo("\n".join((ended.stdout + ended.stderr).splitlines()[-40:]))
    return ended.returncode == 0


def _run(name: str, seconds: int) -> None:
    import atheris

    with atheris.instrument_imports(include=["faultray_action"]):
        from fuzz_targets import attempt
    corpus, found = STORE / "corpus" / name, STORE / "found"
    corpus.mkdir(parents=True, exist_ok=True)
    found.mkdir(parents=True, exist_ok=True)
    limits = [f"-max_total_time={seconds}", f"-max_len={LONGEST}", f"-timeout={SLOWEST}", "-rss_limit_mb=3000"]
    atheris.Setup([sys.argv[0], *limits, f"-artifact_prefix={found}/{name}-", str(corpus)], lambda data: attempt(name, data))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
