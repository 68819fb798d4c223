"""Rows a second on one core, and whether they are the same bytes: numpy with one and two threads, torch (on a GPU too,
where there is one), any blocks.

    python benchmarks/drawing.py [DATABASE.sqlite] [--rows 200000] [--generator network cart ...]

Each way runs in a process of its own; torch is kept from being imported where numpy draws. ``digest`` is a hash of
the codes. Without an argument the Adult database of FIXTURESYNTH_SHARED (default: ../shared) is used.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

import fixturesynth as fs

REPOSITORY = Path(__file__).resolve().parent.parent
DRAW = """
import hashlib, sys, time
if {device!r} is None:
    sys.modules["torch"] = None
import numpy as np
import fixturesynth as fs
from fixturesynth.generators.registry import find_generator
from fixturesynth.randomness import permutation, stream, words
(model,) = fs.Synthesizer.open({path!r}).models.values()
state = model.state
generator = find_generator(state.generator)
if {device!r} is not None:
    generator.draw_on = {device!r}
count = sum(not v.context for v in state.variables)
raw = words(stream(7, "drawing"), {rows} * count).reshape({rows}, count)
none = np.zeros(({rows}, 0), np.int32)
generator.sample(state, none[:100], raw[:100])
size = {rows} // {blocks}
order = permutation({rows}, 3, "order") if {blocks} > 1 else np.arange({rows})
out = np.empty(({rows}, count), np.int32)
started = time.perf_counter(), time.process_time()
for start in range(0, {rows}, size):
    rows = order[start : start + size]
    out[rows] = generator.sample(state, none[rows], raw[rows])
clock, processor = time.perf_counter() - started[0], time.process_time() - started[1]
digest = hashlib.sha256(out.tobytes()).hexdigest()[:16]
print(f"{{ {rows} / clock:,.0f}} | {{ {rows} / processor:,.0f}} | {{digest}}")
"""
WAYS = (
    ("numpy, one thread", None, 1, 1), ("numpy, two threads", None, 2, 1),
    ("numpy, 13 blocks in another order", None, 1, 13), ("torch on the processor", "cpu", 1, 1),
    *([("torch on the GPU", "cuda", 1, 1)] if torch.cuda.is_available() else []),
)  # fmt: skip


def main() -> None:
    shared = Path(os.environ.get("FIXTURESYNTH_SHARED", REPOSITORY.parent / "shared")) / "data"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", nargs="?", default=f"{shared}/adult.sqlite")
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--generator", nargs="+", default=["network", "cart"])
    options = parser.parse_args()
    print("| generator | way | rows/s by the clock | rows a second of processor | digest |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name in options.generator:
            path = fs.fit(f"sqlite:///{options.source}", generator=name, seed=1).save(Path(folder) / f"{name}.fsynth")
            for label, device, threads, blocks in WAYS:
                if device is not None and name != "network":
                    continue
                code = DRAW.format(device=device, path=str(path), rows=options.rows, blocks=blocks)
                limits = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
                done = subprocess.run(
                    [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=REPOSITORY,
                    env={**os.environ, **limits},
                )  # fmt: skip
                print(f"| `{name}` | {label} | {done.stdout.strip()} |", flush=True)


if __name__ == "__main__":
    main()
