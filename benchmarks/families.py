"""Do rows of a category, and the children of a parent, have together what real ones have?

    python benchmarks/families.py [--only NAME ...] [--generator cart] [--seeds 1 2 3] [--rows N]

Every ``FOLDER/*.sqlite`` of ``data`` in FIXTURESYNTH_SHARED (else in ``shared`` beside the repository) is learned and
generated at scale 1. Two figures of each child table and pair of its references, one of which at least leads into a
list that is kept word for word: the share of rows whose pair no real row has, and how many different parents of one
the children of another have, on the average, real and made. And of each reference and column: the share of parents
with three or more children all of whose rows agree in it. Medians over the seeds; places where real and made rows
differ least are not printed (``--all`` prints them).
"""

from __future__ import annotations

import argparse
import os
import statistics
from itertools import permutations
from pathlib import Path

import pandas as pd

import fixturesynth as fs
from fixturesynth.dataset import Dataset
from fixturesynth.loading.reading import read_rows
from fixturesynth.schema.model import Schema
from fixturesynth.schema.reflection import reflect

REPOSITORY = Path(__file__).resolve().parent.parent
FEWEST = 20  # parents with children enough
CHILDREN = 3
APART = 0.02  # by which shares differ that are printed


def key(frame: pd.DataFrame, columns: tuple[str, ...]) -> pd.Series:
    """One text for each row's values of the columns, missing where one of them is."""
    texts = frame[columns[0]].astype("string")
    for column in columns[1:]:
        texts = texts + "|" + frame[column].astype("string")
    return texts


def of_pairs(real: Dataset, made: Dataset, schema: Schema, kept: set[str]) -> dict[str, tuple[float, float, float]]:
    """By place: share of made rows with a pair that no real row has; different others of a parent, real and made."""
    out = {}
    for table in schema:
        for one, other in permutations(table.foreign_keys, 2):
            if {one.parent, other.parent} & kept == set() or set(one.columns) == set(other.columns):
                continue
            sides = []
            for data in (real, made):
                frame = data[table.name]
                sides.append(
                    pd.DataFrame({"one": key(frame, one.columns), "other": key(frame, other.columns)}).dropna()
                )
            if min(len(side) for side in sides) == 0:
                continue
            if one.parent in kept and other.parent in kept:
                known = pd.MultiIndex.from_frame(sides[0].drop_duplicates())
                new = float((~pd.MultiIndex.from_frame(sides[1]).isin(known)).mean())
            else:
                new = float("nan")  # parents are not the same ones
            distinct = [float(side.groupby("one").other.nunique().mean()) for side in sides]
            place = f"{table.name}({', '.join(other.columns)}) by {', '.join(one.columns)}"
            out[place] = (new, distinct[0], distinct[1])
    return out


def of_families(real: Dataset, made: Dataset, schema: Schema) -> dict[str, tuple[float, float]]:
    """By place: share of parents all of whose children agree in a column, real and made."""
    out = {}
    for table in schema:
        own = set(table.primary_key.columns) if table.primary_key else set()
        for fk in table.foreign_keys:
            shares: list[dict[str, float]] = []
            for data in (real, made):
                frame = data[table.name].astype("string")
                parents = key(frame, fk.columns)
                many = parents.map(parents.value_counts()) >= CHILDREN
                if parents[many].nunique() < FEWEST:
                    break
                groups = frame[many].fillna("NULL").groupby(parents[many])
                shares.append({
                    c: float((groups[c].nunique() == 1).mean()) for c in frame if c not in own | set(fk.columns)
                })  # fmt: skip
            if len(shares) == 2:
                for column, share in shares[0].items():
                    out[f"{table.name}.{column} by {', '.join(fk.columns)}"] = (share, shares[1][column])
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME")
    parser.add_argument("--generator", default="cart")
    parser.add_argument("--seeds", nargs="*", type=int, default=[1, 2, 3])
    parser.add_argument("--rows", type=int)
    parser.add_argument("--all", action="store_true")
    asked = parser.parse_args()
    folder = Path(os.environ.get("FIXTURESYNTH_SHARED", REPOSITORY.parent / "shared")) / "data"
    for path in sorted(folder.glob("*.sqlite")):
        if asked.only and path.stem not in asked.only:
            continue
        schema = reflect(f"sqlite:///{path}")
        real = read_rows(f"sqlite:///{path}", schema, limit=asked.rows)
        pairs: list[dict[str, tuple[float, float, float]]] = []
        families: list[dict[str, tuple[float, float]]] = []
        for seed in asked.seeds:
            model = fs.fit(real, schema=schema, seed=seed, generator=asked.generator)
            made = model.sample(seed=seed)
            kept = {table.name for table in schema if model.plan[table.name].mode == "verbatim"}
            pairs.append(of_pairs(real, made, schema, kept))
            families.append(of_families(real, made, schema))
        print(
            f"{path.stem}\n| pair | rows with one that is not real | different ones, real | made |\n|---|---|---|---|"
        )
        for place in pairs[0]:
            new, there, here = (statistics.median(one[place][k] for one in pairs) for k in range(3))
            if asked.all or new > APART / 20 or abs(here / there - 1) > APART:
                print(f"| {place} | {'-' if new != new else f'{new:.4f}'} | {there:.2f} | {here:.2f} |")
        print("| children that agree | real | made |\n|---|---|---|")
        for place in families[0]:
            there, here = (statistics.median(one[place][k] for one in families) for k in range(2))
            if asked.all or abs(there - here) > APART:
                print(f"| {place} | {there:.3f} | {here:.3f} |")
        print(flush=True)


if __name__ == "__main__":
    main()
