"""What importing costs: ``import fixturesynth`` alone and the first use of each public name, each in a fresh process.

    python benchmarks/importing.py

Prints milliseconds (best of five) beside those of an empty process and of ``import pandas``.
"""

import subprocess
import sys

STATEMENTS = (
    "pass",
    "import fixturesynth",
    "import fixturesynth; fixturesynth.reflect",
    "import fixturesynth; fixturesynth.load",
    "import fixturesynth; fixturesynth.open_model",
    "import fixturesynth; fixturesynth.fit",
    "import pandas",
)


def milliseconds(statement: str) -> float:
    code = f"import time; start = time.perf_counter(); {statement}; print(1000 * (time.perf_counter() - start))"
    runs = (subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(5))
    return min(float(run.stdout) for run in runs)


if __name__ == "__main__":
    for statement in STATEMENTS:
        print(f"{milliseconds(statement):9.1f} ms  {statement}")
