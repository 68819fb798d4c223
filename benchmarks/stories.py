"""Whether the entries of a claim follow each other as the real ones do, and name each other: synthea's ledger.

    python benchmarks/stories.py [SYNTHEA.sqlite] [--seeds 7 8 9] [--generator auto]

Entries (claims_transactions) are put in the order of their number (chargeid). ``as often``: how much of real claims'
stories (the kinds of their entries, in order) comes as often among the generated ones, 1 - total variation distance.
``runs``: runs of numbers that belong to one claim, of so many claims. ``own``: share of the entries that name another
one (transferoutid) which name one of their own claim. Without an argument the database of FIXTURESYNTH_SHARED (default:
../shared) is used.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter
from pathlib import Path

import pandas as pd

import fixturesynth as fs
from fixturesynth.loading.reading import read_rows

REPOSITORY = Path(__file__).resolve().parent.parent
TABLE, CLAIM, NUMBER, KIND, NAMED = "claims_transactions", "claimid", "chargeid", "type", "transferoutid"


def told(entries: pd.DataFrame, real: Counter[tuple[str, ...]] | None = None) -> tuple[Counter[tuple[str, ...]], str]:
    """The stories, and a row of the table about them."""
    entries = entries.sort_values(NUMBER)
    stories = Counter(tuple(kinds) for _, kinds in entries.groupby(CLAIM)[KIND])
    owners = entries[CLAIM].to_numpy()
    runs = 1 + int((owners[1:] != owners[:-1]).sum())
    numbers = entries.groupby(CLAIM)[NUMBER].apply(set)
    naming = entries[entries[NAMED].notna()]
    own = [int(named) in numbers[claim] for claim, named in zip(naming[CLAIM], naming[NAMED], strict=True)]
    total = sum(stories.values())
    alike = sum(min(n / total, stories[s] / total) for s, n in (real or stories).items())
    four = stories["CHARGE", "TRANSFEROUT", "TRANSFERIN", "PAYMENT"]
    two = stories["CHARGE", "PAYMENT"]
    return stories, f"{alike:.3f} | {two} | {four} | {runs:,} of {total:,} | {sum(own) / max(len(own), 1):.3f} |"


def main() -> None:
    shared = Path(os.environ.get("FIXTURESYNTH_SHARED", REPOSITORY.parent / "shared")) / "data"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", nargs="?", default=f"{shared}/synthea.sqlite")
    parser.add_argument("--seeds", type=int, nargs="+", default=[7, 8, 9])
    parser.add_argument("--generator", default="auto")
    options = parser.parse_args()
    url = f"sqlite:///{options.source}"
    entries = read_rows(url, fs.reflect(url)).to_frames()[TABLE]
    clock = time.perf_counter()
    model = fs.fit(url, seed=options.seeds[0], generator=options.generator)
    print(f"fitted in {time.perf_counter() - clock:.1f} s")
    print("| rows | as often | charge, payment | with a transfer | runs | own |\n|---|---|---|---|---|---|")
    real, line = told(entries)
    print(f"| real | {line}")
    for seed in options.seeds:
        print(f"| seed {seed} | {told(model.sample(seed=seed).to_frames()[TABLE], real)[1]}")


if __name__ == "__main__":
    main()
