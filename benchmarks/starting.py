"""A cold start: a new process opens a model and makes 100 rows; seconds by the clock, the interpreter's start included.

    python benchmarks/starting.py [DATABASE.sqlite] [--runs 9] [--generator network cart]

Beside it the start of an interpreter that imports nothing, and numpy and pyarrow alone, which every model needs.
Without an argument the Adult database of FIXTURESYNTH_SHARED (default: ../shared) is used.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import fixturesynth as fs

REPOSITORY = Path(__file__).resolve().parent.parent
OPEN = """
import sys
import fixturesynth as fs
data = fs.Synthesizer.open({path!r}).sample(rows=100, seed=1)
heavy = ("pandas", "sqlalchemy", "torch", "faker", "networkx", "sqlglot")
print(*(name for name in heavy if name in sys.modules))
"""


def clock(code: str, runs: int) -> tuple[float, float, str]:
    """Least and middle seconds of a process, and what it printed."""
    took, told = [], ""
    # Compiled modules are kept, as an installed package has them, also where the environment forbids it.
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": ""}
    for _ in range(runs + 1):
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=REPOSITORY, env=environment
        )
        took.append(time.perf_counter() - started)
        told = done.stdout.strip()
    return min(took[1:]), statistics.median(took[1:]), told  # the first one fills the caches of the disk


def main() -> None:
    shared = Path(os.environ.get("FIXTURESYNTH_SHARED", REPOSITORY.parent / "shared")) / "data"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", nargs="?", default=f"{shared}/adult.sqlite")
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--generator", nargs="+", default=["cart", "network"])
    options = parser.parse_args()
    print("| process | least, ms | median, ms | heavy libraries loaded |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        cases = [("nothing", "pass"), ("numpy and pyarrow", "import numpy, pyarrow, pyarrow.compute")]
        for name in options.generator:
            made = fs.fit(f"sqlite:///{options.source}", generator=name, seed=1)
            path = made.save(Path(folder) / f"{name}.fsynth")
            cases.append((f"`{name}`, {path.stat().st_size / 1e6:.2f} MB, 100 rows", OPEN.format(path=str(path))))
        for label, code in cases:
            least, middle, told = clock(code, options.runs)
            print(f"| {label} | {least * 1000:.0f} | {middle * 1000:.0f} | {told} |", flush=True)


if __name__ == "__main__":
    main()
